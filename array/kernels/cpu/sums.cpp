// Sums and what is made of them.
#include <tessera/array/kernels/cpu/reductions.hpp>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/array/kernels/cpu/sums.cpp"
#include <hwy/foreach_target.h>

#include <tessera/array/kernels/cpu/reductions-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu::HWY_NAMESPACE {
Run find_sums(std::size_t index, DType dtype) { return find_in(Sums{}, index, dtype); }
}  // namespace tessera::on_cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(find_sums);

void implement_sums(Backend& backend, const reductions::Operations& operations) {
  implement(backend, operations, Sums{}, [](std::size_t index, DType dtype) {
    return HWY_DYNAMIC_DISPATCH(find_sums)(index, dtype);
  });
}

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
