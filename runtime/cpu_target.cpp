#include <tessera/runtime/cpu_target.hpp>

#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/runtime/cpu_target.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {
std::int64_t this_target() { return HWY_TARGET; }
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(this_target);

const char* target_name() { return hwy::TargetName(HWY_DYNAMIC_DISPATCH(this_target)()); }

void pin_target_avx2() {
#if HWY_ARCH_X86
  // Lower bits are better targets, so this disables everything above AVX2.
  hwy::DisableTargets(HWY_AVX2 - 1);
#endif
}

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
