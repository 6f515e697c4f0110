#pragma once
#include <tessera/array/kernels/fetch.hpp>
#include <tessera/runtime/array.hpp>

namespace tessera::detail {

/// n elements `stride` apart as consecutive ones of another dtype, as C++ converts numbers: without
/// a look at what is lost. From complex to real numbers the real part.
void convert(const void* from, std::int64_t stride, DType from_dtype, void* to, DType to_dtype,
             std::int64_t n);

/// x.astype(dtype), but on x's device where it has the kernel and no number can be too large for
/// the dtype. Collective.
Array cast(const Array& x, DType dtype);

/// Elements of some memory in the order of a shape that they broadcast to.
class Strided {
 public:
  /// `data` has `shape`, row-major, and is seen as `seen`.
  Strided(const void* data, DType dtype, const Shape& shape, const Shape& seen);
  DType dtype() const { return dtype_; }
  /// Whether they lie one after another, each once.
  bool is_dense() const { return dense_; }
  const std::byte* at(std::int64_t i) const {
    return data_ + i * static_cast<std::int64_t>(size_of(dtype_));
  }
  /// After how many elements they repeat themselves.
  std::int64_t period() const { return period_; }
  /// Elements [range) as the row `to`, where they lie.
  void fetch(Range range, const Tile& to, Stream& stream) const;

 private:
  const std::byte* data_;
  DType dtype_;
  std::int64_t elements_;
  bool dense_;
  std::int64_t period_ = 1;
  std::vector<fetching::Axis> axes_;  // as few as possible, one at least
};

}  // namespace tessera::detail
