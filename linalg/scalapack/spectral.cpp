#include <algorithm>
#include <cmath>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/scalapack/fortran.hpp>
#include <tessera/linalg/scalapack/operations.hpp>

namespace tessera::linalg::scalapack {

void direct::sygst(const Matrix& a, int type, bool lower, const Matrix& factor) {
  const int n = extent(a.rows());
  if (n == 0) return;
  const Watch watch = working("?sygst", a, 2);
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    agreed_info(a.grid(), "?sygst", [&] {
      if (a.grid().one_process())
        return static_cast<int>(Routines<T>::lapack_sygst(LAPACK_COL_MAJOR, type, *triangle(lower),
                                                          n, a.data<T>(), n, factor.data<T>(), n));
      typename Routines<T>::Real scale = 1;  // always 1
      int info = 0;
      Routines<T>::sygst(&type, triangle(lower), &n, a.data<T>(), &one, &one, a.descriptor(),
                         factor.data<T>(), &one, &one, factor.descriptor(), &scale, &info);
      return info;
    });
  });
}

namespace {

// What ?syevd does, but for a's lower triangle alone, and with blocks of 128 reflectors where
// ?ormtr has 32: a fifth less time for vectors of large matrices. Returns LAPACK's info.
template <class T>
int divide_and_conquer(const Matrix& a, typename Routines<T>::Real* values, T* vectors) {
  constexpr int block = 128;
  const int n = extent(a.rows());
  const std::int64_t ld = n;
  T* const x = a.data<T>();
  std::vector<typename Routines<T>::Real> beside(static_cast<std::size_t>(n));
  std::vector<T> tau(static_cast<std::size_t>(n)), t(block * block);
  std::vector<T> work(static_cast<std::size_t>(ld * block));
  std::fill_n(vectors, ld * ld, T(0));  // LAPACKE looks for NaN in what is written only
  int info =
      Routines<T>::lapack_sytrd(LAPACK_COL_MAJOR, 'L', n, x, n, values, beside.data(), tau.data());
  if (info == 0)
    info = Routines<T>::lapack_stedc(LAPACK_COL_MAJOR, 'I', n, values, beside.data(), vectors, n);
  for (int i = (n - 2 + block) / block * block - block; info == 0 && i >= 0; i -= block) {
    const int rows = n - 1 - i, count = std::min(block, rows);
    const T* const v = x + i * ld + i + 1;
    info = Routines<T>::lapack_larft(LAPACK_COL_MAJOR, 'F', 'C', rows, count, v, n, tau.data() + i,
                                     t.data(), block);
    if (info == 0)
      info = Routines<T>::lapack_larfb(LAPACK_COL_MAJOR, 'L', 'N', 'F', 'C', rows, n, count, v, n,
                                       t.data(), block, vectors + i + 1, n, work.data(), n);
  }
  return info;
}

}  // namespace

std::vector<double> direct::heevd(const Matrix& a, bool lower, const Matrix* vectors) {
  const int n = extent(a.rows());
  std::vector<double> values(static_cast<std::size_t>(n));
  if (n == 0) return values;
  require_convergence(a, part_of(lower), "the eigenvalues");
  const int exponent = rescale(a, part_of(lower));
  const Watch watch = working("?syevd", a, 20);
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using R = typename Routines<T>::Real;
    auto w = a.grid().room<R>(n);
    if (a.grid().one_process() && vectors && !detail::fits_one_process({n, n})) {
      const Matrix triangle = lower ? a : scalapack::transposed(a, Transpose::conjugate);
      converge(a.grid(), "?stedc",
               [&] { return divide_and_conquer<T>(triangle, w.data(), vectors->data<T>()); });
    } else if (a.grid().one_process()) {
      converge(a.grid(), "?syevd", [&] {
        return Routines<T>::lapack_syevd(LAPACK_COL_MAJOR, vectors ? 'V' : 'N', *triangle(lower), n,
                                         a.data<T>(), n, w.data());
      });
      if (vectors && a.grid().inside())
        std::copy_n(a.data<T>(), a.rows() * a.cols(), vectors->data<T>());
    } else {
      // p?syevd has no values-only mode that works; it is given a place for the vectors anyway.
      const Matrix z = vectors ? *vectors : a.grid().zeros(a.rows(), a.cols(), a.dtype());
      std::vector<T> work(1);
      std::vector<R> reals(1);
      std::vector<int> integers(1);
      const auto call = [&](int work_size, int real_size, int integer_size) {
        converge(a.grid(), "p?syevd", [&] {
          int info = 0;
          if constexpr (is_complex_type<T>)
            Routines<T>::syevd("V", triangle(lower), &n, a.data<T>(), &one, &one, a.descriptor(),
                               w.data(), z.data<T>(), &one, &one, z.descriptor(), work.data(),
                               &work_size, reals.data(), &real_size, integers.data(), &integer_size,
                               &info);
          else
            Routines<T>::syevd("V", triangle(lower), &n, a.data<T>(), &one, &one, a.descriptor(),
                               w.data(), z.data<T>(), &one, &one, z.descriptor(), work.data(),
                               &work_size, integers.data(), &integer_size, &info);
          return info;
        });
      };
      call(-1, -1, -1);
      // The query forgets what p?ormtr wants for applying the reflectors.
      const std::int64_t nb = a.grid().block();
      const std::int64_t missing = (a.local_rows() + a.local_cols() + 3 * nb) * nb + 3 * nb * nb;
      work = a.grid().room<T>(queried(work[0]) + missing);
      reals = a.grid().room<R>(queried(reals[0]));
      integers = a.grid().room<int>(integers[0]);
      call(extent(std::ssize(work)), extent(std::ssize(reals)), extent(std::ssize(integers)));
    }
    a.grid().share(w);
    std::transform(w.begin(), w.begin() + n, values.begin(),
                   [&](R v) { return std::ldexp(static_cast<double>(v), exponent); });
  });
  return values;
}

std::vector<double> direct::gesvd(const Matrix& a, const Matrix* u, const Matrix* vh) {
  const int m = extent(a.rows());
  const int n = extent(a.cols());
  const int k = std::min(m, n);
  std::vector<double> values(static_cast<std::size_t>(k));
  if (k == 0) return values;
  require_convergence(a, Part::whole, "the SVD");
  const Watch watch = working("?gesvd", a, 50);
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using R = typename Routines<T>::Real;
    auto s = a.grid().room<R>(k);
    const char* job = u ? "V" : "N";
    const Matrix& left = u ? *u : a;  // not referenced without vectors
    const Matrix& right = vh ? *vh : a;
    std::vector<T> work(2);
    std::vector<R> reals = a.grid().room<R>(1 + 4 * static_cast<std::int64_t>(std::max(m, n)));
    const auto call = [&](int size) {
      converge(a.grid(), "p?gesvd", [&] {
        int info = 0;
        if constexpr (is_complex_type<T>)
          Routines<T>::gesvd(job, job, &m, &n, a.data<T>(), &one, &one, a.descriptor(), s.data(),
                             left.data<T>(), &one, &one, left.descriptor(), right.data<T>(), &one,
                             &one, right.descriptor(), work.data(), &size, reals.data(), &info);
        else
          Routines<T>::gesvd(job, job, &m, &n, a.data<T>(), &one, &one, a.descriptor(), s.data(),
                             left.data<T>(), &one, &one, left.descriptor(), right.data<T>(), &one,
                             &one, right.descriptor(), work.data(), &size, &info);
        // min(m, n) + 1: the values differ between processes. p?bdsqr has another algorithm where
        // a process holds no row of u and column of vh, and that one's last bits; all take rank
        // 0's.
        return info == k + 1 ? 0 : info;
      });
    };
    call(-1);
    work = a.grid().room<T>(queried(work[0]));
    call(extent(std::ssize(work)));
    a.grid().share(s);
    std::copy_n(s.begin(), k, values.begin());
  });
  return values;
}

// A matrix of one process is, to a kernel, its transpose by rows.
std::vector<double> gesvd(const Matrix& a, const Matrix* u, const Matrix* vh) {
  if (!a.grid().one_process()) return operations().gesvd(a, u, vh);
  const std::int64_t k = std::min(a.rows(), a.cols());
  std::vector<double> values(static_cast<std::size_t>(k));
  if (k == 0) return values;
  require_convergence(a, Part::whole, "the SVD");
  const Watch watch = working("?gesdd", a, 50);
  with_type(a, [&](auto tag) {
    using R = typename Routines<typename decltype(tag)::type>::Real;
    std::vector<R> s(static_cast<std::size_t>(k));
    together(a.grid().comm(), [&] {
      if (!a.grid().inside()) return;
      Stream stream;
      kernels().svd(stream, a.array().local(), vh ? vh->array().local() : Tile{},
                    tile_of(s.data(), 1, k, k), u ? u->array().local() : Tile{});
    });
    a.grid().share(s);
    std::copy(s.begin(), s.end(), values.begin());
  });
  return values;
}

}  // namespace tessera::linalg::scalapack
