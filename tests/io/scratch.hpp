#pragma once
#include <functional>
#include <string>
#include <vector>

#include <tessera/runtime/communicator.hpp>

namespace tessera::test {

/// A folder for the files of one test: the same on all processes, empty at first and removed at
/// the end. Collective.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  /// Names of what is in the folder, sorted.
  std::vector<std::string> names() const;

 private:
  std::string path_;
};

/// While it lives files are opened without the look in a process of its own.
struct Trusting {
  Trusting();
  ~Trusting();
};

/// Runs `work` on rank 0 while the others wait.
void on_rank_0(const std::function<void()>& work);

/// "Kind: text" of what `work` throws, "" if nothing; a failure unless all processes agree.
std::string error_of(const std::function<void()>& work);

/// What rank 0 finds in the file, on every process. Collective.
std::string shared_bytes(const std::string& path);
std::string file_bytes(const std::string& path);
/// Flips one bit of the file in place.
void flip_bit(const std::string& path, std::size_t bit);
void put_file(const std::string& path, const std::string& bytes);

}  // namespace tessera::test
