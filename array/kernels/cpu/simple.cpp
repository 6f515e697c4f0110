// Functions that are a few instructions: plain loops, which the compiler vectorises for each
// instruction set. IEEE arithmetic is the same in all of them, so a result does not depend on
// where in a vector its element sits, nor on the instruction set.
// Three instruction sets are enough: what lies between is as fast as the one below.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)

#include <tessera/array/kernels/cpu/elementwise.hpp>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/array/kernels/cpu/simple.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {

using functions::OperandType;
using functions::RowFunction;

struct Loops {
  template <class F, class T>
  static void row(void* to, const void* const* in, std::int64_t n) {
    auto* HWY_RESTRICT out = static_cast<functions::Result<F, T>*>(to);
    const auto* x = static_cast<const T*>(in[0]);
    if constexpr (functions::arity<F> == 1) {
      for (std::int64_t i = 0; i < n; ++i) out[i] = F::of(x[i]);
    } else if constexpr (functions::arity<F> == 2) {
      const auto* y = static_cast<const T*>(in[1]);
      for (std::int64_t i = 0; i < n; ++i) out[i] = F::of(x[i], y[i]);
    } else {
      const auto* y = static_cast<const T*>(in[1]);
      const auto* z = static_cast<const OperandType<F, T, 2>*>(in[2]);
      for (std::int64_t i = 0; i < n; ++i) out[i] = F::of(x[i], y[i], z[i]);
    }
  }
};

template <class... F>
constexpr auto table(functions::List<F...>) {
  return std::array{functions::row_functions<F, Loops>()...};
}

RowFunction find(std::size_t index, DType dtype) {
  static constexpr auto rows = table(functions::Simple{});
  return rows[index][static_cast<std::size_t>(dtype)];
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(find);

functions::RowFunction simple_row(std::size_t index, DType dtype) {
  return HWY_DYNAMIC_DISPATCH(find)(index, dtype);
}

void implement_simple(Backend& backend) {
  std::size_t index = 0;
  functions::for_each(functions::Simple{}, [&](auto f) {
    functions::implement<decltype(f)>(backend,
                                      [i = index++](DType dtype) { return simple_row(i, dtype); });
  });
}

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
