#pragma once

namespace tessera::on_cpu {

/// Name of the Highway target that the CPU kernels run on now, for example "AVX3" or "AVX2".
const char* target_name();

/// Pins every CPU kernel to AVX2 (or to the best older target where AVX2 is missing), so that
/// results have the same bits on all x86-64 machines with AVX2. Call before the first kernel runs.
void pin_target_avx2();

}  // namespace tessera::on_cpu
