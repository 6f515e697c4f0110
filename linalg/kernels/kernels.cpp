#include <tessera/linalg/kernels/kernels.hpp>

#include <tessera/linalg/scalapack/operations.hpp>

namespace tessera::linalg {
namespace {

double count(const Tile& t) { return static_cast<double>(t.rows) * static_cast<double>(t.cols); }

}  // namespace

// A multiplication and an addition count as two.
double Kernels::flops_of_moments(Stream&, const Tile& x, std::int64_t, const Tile&, const Tile&) {
  return 4 * count(x);
}
double Kernels::flops_of_group_moments(Stream&, const Tile& x, std::int64_t, const Tile&,
                                       const Tile&, const Tile&) {
  return 6 * count(x);
}
double Kernels::flops_of_gram(Stream&, const Tile& x, std::int64_t, const Tile& y, const Tile&,
                              bool, const Tile&) {
  const auto m = static_cast<double>(x.cols + y.cols);
  return static_cast<double>(x.rows) * m * (m + 1);  // one triangle
}
double Kernels::flops_of_gram_product(Stream&, const Tile& x, std::int64_t, std::span<const double>,
                                      const Tile& q, const Tile&) {
  return 4 * count(x) * static_cast<double>(q.cols);
}
double Kernels::flops_of_triangle(Stream&, const Tile& x, std::span<const double>, const Tile& y,
                                  const Tile&, const Tile&) {
  const auto m = static_cast<double>(x.cols + y.cols);
  return 2 * static_cast<double>(x.rows) * m * m;
}
double Kernels::flops_of_q(Stream&, const Tile& x, const Tile& c, const Tile&) {
  return 2 * count(x) * static_cast<double>(x.cols + 2 * c.cols);
}
double Kernels::flops_of_gemm(Stream&, double, const Tile& a, Transpose ta, const Tile&, Transpose,
                              double, const Tile& c) {
  return (is_complex(c.dtype) ? 8 : 2) * count(c) *
         static_cast<double>(ta == Transpose::no ? a.cols : a.rows);
}

// The one place that knows which backends are built in; CUDA's module installs its own.
const Kernels& kernels() {
  static const Kernels all;
  static const bool installed = [] {
    tessera::detail::install_built_in(cpu_backend(all));
    tessera::detail::install_built_in(reference_backend(all));
    scalapack::operations();
    return true;
  }();
  (void)installed;
  return all;
}

}  // namespace tessera::linalg
