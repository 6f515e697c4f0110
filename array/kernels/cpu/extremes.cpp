// Extremes and where they are.
#include <tessera/array/kernels/cpu/reductions.hpp>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/array/kernels/cpu/extremes.cpp"
#include <hwy/foreach_target.h>

#include <tessera/array/kernels/cpu/reductions-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu::HWY_NAMESPACE {
Run find_extremes(std::size_t index, DType dtype) { return find_in(Extremes{}, index, dtype); }
}  // namespace tessera::on_cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(find_extremes);

void implement_extremes(Backend& backend, const reductions::Operations& operations) {
  implement(backend, operations, Extremes{}, [](std::size_t index, DType dtype) {
    return HWY_DYNAMIC_DISPATCH(find_extremes)(index, dtype);
  });
}

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
