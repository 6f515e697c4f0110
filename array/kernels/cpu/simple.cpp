// Functions that are a few instructions: plain loops, which the compiler vectorises for each
// instruction set. IEEE arithmetic is the same in all of them, so a result does not depend on
// where in a vector its element sits, nor on the instruction set.

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
    functions::each<F, T>(to, in, n, [](const auto&... x) { return F::of(x...); });
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
