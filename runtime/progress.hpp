#pragma once
#include <cstdint>
#include <string>

namespace tessera {

/// Shows how long work stands, on rank 0 and only when standard error is a terminal.
class Progress {
 public:
  explicit Progress(std::string title);
  ~Progress();
  Progress(const Progress&) = delete;
  /// `done` of `total` steps; a note such as "inertia 12.5" follows the bar.
  void update(std::int64_t done, std::int64_t total, const std::string& note = "");
  /// Off unless switched on (the program's --progress).
  static void enable(bool on);

 private:
  std::string title_;
  bool drawn_ = false;
};

}  // namespace tessera
