// cuFFT of the double: sums as they are defined. Like cuFFT's, transforms to real numbers leave
// something else where they read.
#include <cufft.h>

#include <cmath>
#include <complex>
#include <map>
#include <mutex>
#include <numbers>
#include <vector>

#include "internal.hpp"

namespace {

struct Plan {
  cufftType type;
  std::int64_t n, batch;
  cudaStream_t stream = nullptr;
};
std::mutex mutex;
std::map<cufftHandle, Plan> plans;

template <class In, class Out>
cufftResult execute(cufftHandle handle, cufftType type, In* in, Out* out, int direction) {
  Plan plan;
  {
    const std::lock_guard lock(mutex);
    const auto found = plans.find(handle);
    if (found == plans.end() || found->second.type != type) return CUFFT_INVALID_PLAN;
    plan = found->second;
  }
  constexpr bool real_in = std::is_floating_point_v<In>, real_out = std::is_floating_point_v<Out>;
  const std::int64_t n = plan.n, half = n / 2 + 1;
  const std::int64_t reads = real_out ? half : n, writes = real_in ? half : n;
  const auto bytes = [&](std::int64_t line, std::size_t width) {
    return static_cast<std::size_t>(plan.batch * line) * width;
  };
  const int device = cuda_on_host::device_of(plan.stream);
  if (!cuda_on_host::on_device(in, bytes(reads, sizeof(In)), device) ||
      !cuda_on_host::on_device(out, bytes(writes, sizeof(Out)), device))
    cuda_on_host::fail("cuFFT: lines that are not (all) in the memory of the device");
  cuda_on_host::enqueue_call(plan.stream, [=] {
    using Number = std::complex<double>;
    std::vector<Number> roots(static_cast<std::size_t>(n)), x(roots.size());
    for (std::int64_t k = 0; k < n; ++k)
      roots[static_cast<std::size_t>(k)] = std::polar(
          1.0, direction * 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n));
    for (std::int64_t line = 0; line < plan.batch; ++line) {
      In* from = in + line * reads;
      Out* to = out + line * writes;
      bool all_zero = true;
      for (std::int64_t j = 0; j < n; ++j) {
        Number& v = x[static_cast<std::size_t>(j)];
        if constexpr (real_in) {
          v = from[j];
        } else {
          const auto& z = from[j < reads ? j : n - j];
          v = {z.x, j < reads ? z.y : -z.y};
          if (real_out && (j == 0 || 2 * j == n)) v = v.real();
        }
        all_zero = all_zero && v == Number();
      }
      if constexpr (real_out)
        for (std::int64_t j = 0; j < reads; ++j) from[j] = {NAN, NAN};
      for (std::int64_t k = 0; k < writes; ++k) {
        Number sum = 0;
        for (std::int64_t j = 0; j < n && !all_zero; ++j)
          sum += x[static_cast<std::size_t>(j)] * roots[static_cast<std::size_t>(j * k % n)];
        if constexpr (real_out)
          to[k] = static_cast<Out>(sum.real());
        else
          to[k] = {static_cast<decltype(to->x)>(sum.real()),
                   static_cast<decltype(to->y)>(sum.imag())};
      }
    }
  });
  return CUFFT_SUCCESS;
}

}  // namespace

cufftResult cufftPlanMany(cufftHandle* plan, int rank, int* n, int* inembed, int, int, int* onembed,
                          int, int, cufftType type, int batch) {
  if (rank != 1 || *n < 1 || batch < 1 || inembed || onembed) return CUFFT_INVALID_VALUE;
  static int next = 0;
  const std::lock_guard lock(mutex);
  *plan = ++next;
  plans[*plan] = {type, *n, batch};
  return CUFFT_SUCCESS;
}
cufftResult cufftSetStream(cufftHandle plan, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  const auto found = plans.find(plan);
  if (found == plans.end()) return CUFFT_INVALID_PLAN;
  found->second.stream = stream;
  return CUFFT_SUCCESS;
}
cufftResult cufftDestroy(cufftHandle plan) {
  const std::lock_guard lock(mutex);
  return plans.erase(plan) == 1 ? CUFFT_SUCCESS : CUFFT_INVALID_PLAN;
}
cufftResult cufftExecC2C(cufftHandle plan, cufftComplex* in, cufftComplex* out, int direction) {
  return execute(plan, CUFFT_C2C, in, out, direction);
}
cufftResult cufftExecZ2Z(cufftHandle plan, cufftDoubleComplex* in, cufftDoubleComplex* out,
                         int direction) {
  return execute(plan, CUFFT_Z2Z, in, out, direction);
}
cufftResult cufftExecR2C(cufftHandle plan, cufftReal* in, cufftComplex* out) {
  return execute(plan, CUFFT_R2C, in, out, CUFFT_FORWARD);
}
cufftResult cufftExecD2Z(cufftHandle plan, cufftDoubleReal* in, cufftDoubleComplex* out) {
  return execute(plan, CUFFT_D2Z, in, out, CUFFT_FORWARD);
}
cufftResult cufftExecC2R(cufftHandle plan, cufftComplex* in, cufftReal* out) {
  return execute(plan, CUFFT_C2R, in, out, CUFFT_INVERSE);
}
cufftResult cufftExecZ2D(cufftHandle plan, cufftDoubleComplex* in, cufftDoubleReal* out) {
  return execute(plan, CUFFT_Z2D, in, out, CUFFT_INVERSE);
}
