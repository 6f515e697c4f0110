#include <tessera/estimators/kernels/kernels.hpp>

namespace tessera {

double EstimatorKernels::flops_of_assign(Stream&, const Tile& x, std::int64_t, const Tile& centers,
                                         const Tile&, const Tile&, const Tile&,
                                         const AssignmentParts&, const Tile&) {
  return 2 * static_cast<double>(x.rows) * static_cast<double>(x.cols) *
         static_cast<double>(centers.rows);
}

double EstimatorKernels::flops_of_loss(Stream&, const Tile& x, std::int64_t, const Tile&,
                                       const Tile&, std::span<const double>, const LinearLoss& loss,
                                       const Tile&, const Tile&) {
  return 4 * static_cast<double>(x.rows) * static_cast<double>(loss.coefficients(x.cols));
}
double EstimatorKernels::flops_of_product(Stream&, const Tile& x, std::int64_t, const Tile&,
                                          const Tile&, std::span<const double>,
                                          const LinearLoss& loss, std::span<const double>,
                                          const Tile&) {
  return 6 * static_cast<double>(x.rows) * static_cast<double>(loss.coefficients(x.cols));
}

// The one place that knows which backends are built in; CUDA's module installs its own.
const EstimatorKernels& estimator_kernels() {
  static const EstimatorKernels all;
  static const bool installed = [] {
    tessera::detail::install_built_in(cpu_backend(all));
    tessera::detail::install_built_in(reference_backend(all));
    return true;
  }();
  (void)installed;
  return all;
}

}  // namespace tessera
