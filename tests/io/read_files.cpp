// Reads dataset /X of every file that standard input names, one a line, as a job would: list, in
// memory, streamed. Answers each with a line: a checksum of the numbers, or the error.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <iostream>
#include <string>

#include <tessera/io/dataset.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/runtime.hpp>

namespace {

using namespace tessera;

std::uint64_t sum_of(std::uint64_t sum, const Tile& tile) {
  const auto bytes = static_cast<std::size_t>(tile.cols) * size_of(tile.dtype);
  for (std::int64_t i = 0; i < tile.rows; ++i) {
    const std::string_view row(static_cast<const char*>(tile.slice(i, 1).data), bytes);
    sum = sum * 31 + std::hash<std::string_view>{}(row);
  }
  return sum;
}

std::string outcome(const std::string& file) {
  try {
    io::list_datasets(file);
    const Array x = io::read(file, "/X");
    std::uint64_t whole = 0;
    std::uint64_t streamed = 0;
    Rows(x).for_each_leaf([&](const Leaf& leaf, Stream&) { whole = sum_of(whole, leaf.tile); }, 1);
    io::stream(file, "/X")
        .for_each_leaf([&](const Leaf& leaf, Stream&) { streamed = sum_of(streamed, leaf.tile); },
                       1);
    return fmt::format("{} {} {:x}{}", to_string(x.shape()), name_of(x.dtype()), whole,
                       whole == streamed ? "" : " and another when streamed");
  } catch (const Error& e) {
    std::string text = fmt::format("{}: {}", e.kind(), e.what());
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }
}

}  // namespace

int main(int argc, char** argv) {
  Runtime runtime(argc, argv);
  for (std::string file; std::getline(std::cin, file);) {
    const std::string text = outcome(file);
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    std::cout << used.ru_maxrss / 1024 << " MB: " << text << std::endl;
  }
}
