#pragma once
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/runtime/operation.hpp>

namespace tessera::linalg::scalapack {

/// What LAPACK, where the grid is one process, or ScaLAPACK makes of the routines. The matrix that
/// decides who runs a call comes first.
namespace direct {
void gemm(const Matrix& c, double alpha, const Matrix& a, Transpose op_a, const Matrix& b,
          Transpose op_b, double beta);
void trsm(const Matrix& b, bool lower, Transpose op, bool unit_diagonal, const Matrix& a);
Matrix transposed(const Matrix& a, Transpose op);
void potrf(const Matrix& a, bool lower);
std::int64_t getrf(const Matrix& a, Pivots& pivots);
void getrs(const Matrix& lu, Transpose op, const Pivots& pivots, const Matrix& b);
void getri(const Matrix& lu, const Pivots& pivots);
double gecon(const Matrix& lu, double norm);
double pocon(const Matrix& factor, bool lower, double norm);
double trcon(const Matrix& a, bool lower);
Matrix geqrf(const Matrix& a, std::int64_t k);
void sygst(const Matrix& a, int type, bool lower, const Matrix& factor);
std::vector<double> heevd(const Matrix& a, bool lower, const Matrix* vectors);
std::vector<double> gesvd(const Matrix& a, const Matrix* u, const Matrix* vh);
}  // namespace direct

/// The operations behind routines.hpp, for float32, float64, complex64 and complex128; each does
/// what the routine of its name documents. Collective over the grid's communicator: a predicate
/// looks at shapes and dtypes, so that all processes choose alike.
struct Operations {
  Operation<decltype(direct::gemm)> gemm{"scalapack.gemm", flops_of_gemm};
  Operation<decltype(direct::trsm)> trsm{"scalapack.trsm"};
  Operation<decltype(direct::transposed)> transposed{"scalapack.transposed"};
  Operation<decltype(direct::potrf)> potrf{"scalapack.potrf", flops_of_potrf};
  Operation<decltype(direct::getrf)> getrf{"scalapack.getrf", flops_of_getrf};
  Operation<decltype(direct::getrs)> getrs{"scalapack.getrs"};
  Operation<decltype(direct::getri)> getri{"scalapack.getri"};
  Operation<decltype(direct::gecon)> gecon{"scalapack.gecon"};
  Operation<decltype(direct::pocon)> pocon{"scalapack.pocon"};
  Operation<decltype(direct::trcon)> trcon{"scalapack.trcon"};
  Operation<decltype(direct::geqrf)> geqrf{"scalapack.geqrf"};
  Operation<decltype(direct::sygst)> sygst{"scalapack.sygst"};
  Operation<decltype(direct::heevd)> heevd{"scalapack.heevd"};
  Operation<decltype(direct::gesvd)> gesvd{"scalapack.gesvd"};

 private:
  static double flops_of_gemm(const Matrix&, double, const Matrix&, Transpose, const Matrix&,
                              Transpose, double);
  static double flops_of_potrf(const Matrix&, bool);
  static double flops_of_getrf(const Matrix&, Pivots&);
};

/// The one instance. The first call makes the backend `cpu` implement them.
const Operations& operations();

}  // namespace tessera::linalg::scalapack
