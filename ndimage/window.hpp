#pragma once
#include <functional>
#include <vector>

#include <tessera/runtime/array.hpp>

namespace tessera::ndimage {

/// Rows of an array that a process looks at: its own and such of others, wherever these are.
class Window {
 public:
  /// Which rows each process wants, as ranges that ascend and do not touch; every process knows it
  /// of all.
  using Wants = std::function<std::vector<Range>(int rank)>;
  /// x by rows or replicated, in host memory. Every process sends every other what that wants of
  /// its rows, in one exchange; own rows are not copied. Collective.
  Window(const Array& x, const Wants& wants);

  /// Row i, which is one's own or was wanted.
  const std::byte* row(std::int64_t i) const;

 private:
  struct Part {
    Range rows;
    const std::byte* at;
  };
  Array x_;
  std::vector<std::byte> others_;
  std::vector<Part> parts_;  // ascending
  std::int64_t row_bytes_;
};

}  // namespace tessera::ndimage
