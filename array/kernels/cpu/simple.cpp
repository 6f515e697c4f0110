// Functions that are a few instructions: plain loops, which the compiler vectorises for each
// instruction set. IEEE arithmetic is the same in all of them, so a result does not depend on
// where in a vector its element sits, nor on the instruction set.

#include <cstdint>
#include <type_traits>

#include <tessera/array/kernels/cpu/elementwise.hpp>
#include <tessera/array/kernels/elementwise.hpp>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/array/kernels/cpu/simple.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {

struct Loops {
  template <class F, class T>
  static void row(void* to, const void* const* in, std::int64_t n) {
    if constexpr (std::is_same_v<F, functions::Where> && sizeof(T) == 8 && alignof(T) == 8)
      select(static_cast<std::uint64_t*>(to), in, n);
    else
      functions::each<F, T>(to, in, n, [](const auto&... x) { return F::of(x...); });
  }

 private:
  // By bits: a branch would be guessed wrongly half of the time.
  static void select(std::uint64_t* __restrict to, const void* const* in, std::int64_t n) {
    const auto* x = static_cast<const std::uint64_t*>(in[0]);
    const auto* y = static_cast<const std::uint64_t*>(in[1]);
    const auto* condition = static_cast<const std::uint8_t*>(in[2]);
    for (std::int64_t i = 0; i < n; ++i) {
      const std::uint64_t mask = -static_cast<std::uint64_t>(condition[i] != 0);
      to[i] = (x[i] & mask) | (y[i] & ~mask);
    }
  }
};

functions::RowFunction find_simple(std::size_t place, DType dtype) {
  static constexpr auto rows = functions::row_table<Loops>(functions::Simple{});
  return rows[place][static_cast<std::size_t>(dtype)];
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(find_simple);

void implement_simple(Backend& backend) {
  functions::implement(backend, functions::Simple{}, [](std::size_t place, DType dtype) {
    return HWY_DYNAMIC_DISPATCH(find_simple)(place, dtype);
  });
}

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
