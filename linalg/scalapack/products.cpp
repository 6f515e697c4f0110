#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/scalapack/fortran.hpp>
#include <tessera/linalg/scalapack/operations.hpp>

namespace tessera::linalg::scalapack {

void direct::gemm(const Matrix& c, double alpha, const Matrix& a, Transpose op_a, const Matrix& b,
                  Transpose op_b, double beta) {
  if (!c.grid().inside() || c.rows() == 0 || c.cols() == 0) return;
  const int m = extent(c.rows());
  const int n = extent(c.cols());
  const int k = extent(op_a == Transpose::no ? a.cols() : a.rows());
  const Watch watch = working("?gemm", c, 2, k);
  reserve_blas(1);
  if (c.grid().one_process() && k > 0) {  // a matrix of one process is its transpose by rows
    Stream stream;
    return kernels().gemm(stream, alpha, b.array().local(), op_b, a.array().local(), op_a, beta,
                          c.array().local());
  }
  with_type(c, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T scale(static_cast<typename Routines<T>::Real>(alpha));
    const T keep(static_cast<typename Routines<T>::Real>(beta));
    Routines<T>::gemm(letter(op_a), letter(op_b), &m, &n, &k, &scale, a.data<T>(), &one, &one,
                      a.descriptor(), b.data<T>(), &one, &one, b.descriptor(), &keep, c.data<T>(),
                      &one, &one, c.descriptor());
  });
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c = a.grid().empty(a.rows(), b.cols(), a.dtype());
  gemm(1.0, a, Transpose::no, b, Transpose::no, 0.0, c);
  return c;
}

void direct::trsm(const Matrix& b, bool lower, Transpose op, bool unit_diagonal, const Matrix& a) {
  if (!b.grid().inside() || b.rows() == 0 || b.cols() == 0) return;
  const int m = extent(b.rows());
  const int n = extent(b.cols());
  const Watch watch = working("?trsm", b, 1, m);
  reserve_blas(1);
  with_type(b, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T scale(1);
    if (b.grid().one_process())
      return Routines<T>::blas_trsm("L", triangle(lower), letter(op), unit_diagonal ? "U" : "N", &m,
                                    &n, &scale, a.data<T>(), &m, b.data<T>(), &m);
    Routines<T>::trsm("L", triangle(lower), letter(op), unit_diagonal ? "U" : "N", &m, &n, &scale,
                      a.data<T>(), &one, &one, a.descriptor(), b.data<T>(), &one, &one,
                      b.descriptor());
  });
}

Matrix direct::transposed(const Matrix& a, Transpose op) {
  Matrix out = a.grid().zeros(a.cols(), a.rows(), a.dtype());
  if (!a.grid().inside() || a.rows() == 0 || a.cols() == 0) return out;
  const int m = extent(out.rows());
  const int n = extent(out.cols());
  const Watch watch = working("p?tran", a, 10, 1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto routine = op == Transpose::conjugate ? Routines<T>::tranc : Routines<T>::tran;
    const T scale(1);
    const T keep(0);
    routine(&m, &n, &scale, a.data<T>(), &one, &one, a.descriptor(), &keep, out.data<T>(), &one,
            &one, out.descriptor());
  });
  return out;
}

}  // namespace tessera::linalg::scalapack
