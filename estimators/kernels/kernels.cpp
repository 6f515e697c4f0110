#include <tessera/estimators/kernels/kernels.hpp>

namespace tessera {

void Assignment::merge(const Assignment& right) {
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += right.sums[i];
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += right.counts[i];
  if (inertia) *inertia += *right.inertia;
  changed += right.changed;
}

// The one place that knows which backends are built in.
const EstimatorKernels& estimator_kernels() {
  static const EstimatorKernels all;
  static const bool installed = (install(cpu_backend(all)), true);
  (void)installed;
  return all;
}

}  // namespace tessera
