#include "scratch.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <tessera/io/dataset.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::test {

namespace fs = std::filesystem;

Scratch::Scratch() {
  const auto comm = Communicator::world();
  on_rank_0([&] {
    std::string name = (fs::temp_directory_path() / "tessera-test-XXXXXX").string();
    if (mkdtemp(name.data())) path_ = name;
  });
  comm.broadcast(path_, 0);
}

Scratch::~Scratch() {
  Communicator::world().barrier();
  std::error_code ignored;
  if (Communicator::world().rank() == 0) fs::remove_all(path_, ignored);
}

std::vector<std::string> Scratch::names() const {
  Communicator::world().barrier();
  std::vector<std::string> all;
  for (const auto& entry : fs::directory_iterator(path_)) all.push_back(entry.path().filename());
  std::sort(all.begin(), all.end());
  Communicator::world().barrier();
  return all;
}

Trusting::Trusting() { io::set_trusted(true); }
Trusting::~Trusting() { io::set_trusted(false); }

void on_rank_0(const std::function<void()>& work) {
  if (Communicator::world().rank() == 0) work();
  Communicator::world().barrier();
}

std::string error_of(const std::function<void()>& work) {
  std::string mine;
  try {
    work();
  } catch (...) {
    mine = describe(std::current_exception());
  }
  std::string first = mine;
  Communicator::world().broadcast(first, 0);
  EXPECT_EQ(mine, first) << "the processes disagree";
  return mine;
}

std::string shared_bytes(const std::string& path) {
  std::string bytes;
  on_rank_0([&] { bytes = file_bytes(path); });
  Communicator::world().broadcast(bytes, 0);
  return bytes;
}

std::string file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void put_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void flip_bit(const std::string& path, std::size_t bit) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(bit / 8));
  const auto byte = static_cast<char>(file.get() ^ (1 << (bit % 8)));
  file.seekp(static_cast<std::streamoff>(bit / 8));
  file.put(byte);
}

}  // namespace tessera::test
