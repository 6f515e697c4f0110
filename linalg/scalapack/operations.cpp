#include <tessera/linalg/scalapack/operations.hpp>

#include <algorithm>

namespace tessera::linalg::scalapack {
namespace {

double product_of(const Matrix& c, std::int64_t k) {
  return static_cast<double>(c.rows()) * static_cast<double>(c.cols()) * static_cast<double>(k) *
         (is_complex(c.dtype()) ? 4 : 1);
}

}  // namespace

double Operations::flops_of_gemm(const Matrix& c, double, const Matrix& a, Transpose op,
                                 const Matrix&, Transpose, double) {
  return 2 * product_of(c, op == Transpose::no ? a.cols() : a.rows());
}
double Operations::flops_of_potrf(const Matrix& a, bool) { return product_of(a, a.rows()) / 3; }
double Operations::flops_of_getrf(const Matrix& a, Pivots&) {
  return product_of(a, std::min(a.rows(), a.cols())) * 2 / 3;
}

const Operations& operations() {
  static const Operations all;
  static const bool installed = [] {
    Backend backend("cpu", Device::Kind::cpu);
    backend.implement(all.gemm, inexact, direct::gemm)
        .implement(all.trsm, inexact, direct::trsm)
        .implement(all.transposed, inexact, direct::transposed)
        .implement(all.potrf, inexact, direct::potrf)
        .implement(all.getrf, inexact, direct::getrf)
        .implement(all.getrs, inexact, direct::getrs)
        .implement(all.getri, inexact, direct::getri)
        .implement(all.gecon, inexact, direct::gecon)
        .implement(all.pocon, inexact, direct::pocon)
        .implement(all.trcon, inexact, direct::trcon)
        .implement(all.geqrf, inexact, direct::geqrf)
        .implement(all.sygst, inexact, direct::sygst)
        .implement(all.heevd, inexact, direct::heevd)
        .implement(all.gesvd, inexact, direct::gesvd);
    tessera::detail::install_built_in(std::move(backend));
    return true;
  }();
  (void)installed;
  return all;
}

void gemm(double alpha, const Matrix& a, Transpose op_a, const Matrix& b, Transpose op_b,
          double beta, const Matrix& c) {
  operations().gemm(c, alpha, a, op_a, b, op_b, beta);
}
void trsm(bool lower, Transpose op, bool unit_diagonal, const Matrix& a, const Matrix& b) {
  operations().trsm(b, lower, op, unit_diagonal, a);
}
Matrix transposed(const Matrix& a, Transpose op) { return operations().transposed(a, op); }
std::int64_t getrf(const Matrix& a, Pivots& pivots) { return operations().getrf(a, pivots); }
void getrs(Transpose op, const Matrix& lu, const Pivots& pivots, const Matrix& b) {
  operations().getrs(lu, op, pivots, b);
}
void getri(const Matrix& lu, const Pivots& pivots) { operations().getri(lu, pivots); }
double gecon(const Matrix& lu, double norm) { return operations().gecon(lu, norm); }
double pocon(bool lower, const Matrix& factor, double norm) {
  return operations().pocon(factor, lower, norm);
}
double trcon(bool lower, const Matrix& a) { return operations().trcon(a, lower); }
Matrix geqrf(const Matrix& a, std::int64_t k) { return operations().geqrf(a, k); }
void sygst(int type, bool lower, const Matrix& a, const Matrix& factor) {
  operations().sygst(a, type, lower, factor);
}
std::vector<double> heevd(bool lower, const Matrix& a, const Matrix* vectors) {
  return operations().heevd(a, lower, vectors);
}

}  // namespace tessera::linalg::scalapack
