#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/scalapack/fortran.hpp>
#include <tessera/linalg/scalapack/operations.hpp>

namespace tessera::linalg::scalapack {

void require_positive(std::int64_t minor) {
  if (minor > 0)
    throw LinAlgError(fmt::format("matrix is not positive definite: leading minor {}", minor));
}

void direct::potrf(const Matrix& a, bool lower) {
  if (a.rows() == 0 || spoilt(a, part_of(lower))) return;
  const int n = extent(a.rows());
  std::int64_t minor = 0;
  const Watch watch = working("?potrf", a, 1);
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    minor = agreed_info(a.grid(), "p?potrf", [&] {
      int info = 0;
      Routines<T>::potrf(triangle(lower), &n, a.data<T>(), &one, &one, a.descriptor(), &info);
      return info;
    });
  });
  require_positive(minor);
}

// A matrix of one process is, to a kernel, its transpose by rows.
void potrf(bool lower, const Matrix& a) {
  if (!a.grid().one_process()) return operations().potrf(a, lower);
  if (a.rows() == 0 || spoilt(a, part_of(lower))) return;
  const Watch watch = working("?potrf", a, 1);
  std::vector<std::int64_t> minor = {0};
  together(a.grid().comm(), [&] {
    if (!a.grid().inside()) return;
    Stream stream;
    minor[0] = kernels().cholesky(stream, a.array().local(), !lower);
  });
  a.grid().share(minor);
  require_positive(minor[0]);
}

namespace {

/// Whether there are elements so small that the reciprocal of a pivot may overflow.
template <class T>
bool has_tiny(const Matrix& a) {
  using Real = typename Routines<T>::Real;
  constexpr int exponent = std::numeric_limits<Real>::min_exponent;
  const Real limit = std::ldexp(Real(1), exponent - exponent / 8);
  const T* const first = a.data<T>();
  return std::any_of(first, first + a.rows() * a.cols(),
                     [=](const T& v) { return v != T(0) && std::abs(v) < limit; });
}

}  // namespace

std::int64_t direct::getrf(const Matrix& a, Pivots& pivots) {
  pivots = a.grid().room<int>(a.local_rows() + a.grid().block());
  const int m = extent(a.rows());
  const int n = extent(a.cols());
  if (m == 0 || n == 0) return 0;
  if (spoilt(a, Part::whole)) {
    const auto& d = a.array().distribution();
    for (std::int64_t i = 0; i < a.local_rows(); ++i)
      pivots[static_cast<std::size_t>(i)] = extent(d.global_row(a.grid().comm().rank(), i)) + 1;
    return 0;
  }
  std::int64_t zero = 0;
  const Watch watch = working("?getrf", a, 2);
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    zero = agreed_info(a.grid(), "p?getrf", [&] {
      int info = 0;
      if (a.grid().one_process()) {
        // LAPACK's own divides by a tiny pivot, where others multiply by an infinite reciprocal.
        const auto lapack = has_tiny<T>(a) ? Routines<T>::lapack_getrf2 : Routines<T>::lapack_getrf;
        return static_cast<int>(lapack(LAPACK_COL_MAJOR, m, n, a.data<T>(), m, pivots.data()));
      }
      Routines<T>::getrf(&m, &n, a.data<T>(), &one, &one, a.descriptor(), pivots.data(), &info);
      return info;
    });
  });
  return zero;
}

void require_nonsingular(std::int64_t zero) {
  if (zero > 0)
    throw LinAlgError(fmt::format("matrix is singular: U[{0}, {0}] is exactly zero", zero - 1));
}

void direct::getrs(const Matrix& lu, Transpose op, const Pivots& pivots, const Matrix& b) {
  const int n = extent(lu.rows());
  const int k = extent(b.cols());
  if (n == 0 || k == 0) return;
  if (!is_finite(lu)) return fill_nan(b);
  const Watch watch = working("?getrs", b, 2, n);
  reserve_blas(1);
  with_type(lu, [&](auto tag) {
    using T = typename decltype(tag)::type;
    agreed_info(lu.grid(), "p?getrs", [&] {
      int info = 0;
      Routines<T>::getrs(letter(op), &n, &k, lu.data<T>(), &one, &one, lu.descriptor(),
                         pivots.data(), b.data<T>(), &one, &one, b.descriptor(), &info);
      return info;
    });
  });
}

void direct::getri(const Matrix& lu, const Pivots& pivots) {
  const int n = extent(lu.rows());
  if (n == 0 || spoilt(lu, Part::whole)) return;
  const Watch watch = working("?getri", lu, 4);
  reserve_blas(1);
  with_type(lu, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (lu.grid().one_process()) {
      agreed_info(lu.grid(), "?getri", [&] {
        return Routines<T>::lapack_getri(LAPACK_COL_MAJOR, n, lu.data<T>(), n, pivots.data());
      });
      return;
    }
    std::vector<T> work(1);
    std::vector<int> integers(1);
    const auto call = [&](int work_size, int integer_size) {
      return agreed_info(lu.grid(), "p?getri", [&] {
        int info = 0;
        Routines<T>::getri(&n, lu.data<T>(), &one, &one, lu.descriptor(), pivots.data(),
                           work.data(), &work_size, integers.data(), &integer_size, &info);
        return info;
      });
    };
    call(-1, -1);
    work = lu.grid().room<T>(queried(work[0]));
    integers = lu.grid().room<int>(integers[0]);
    call(extent(std::ssize(work)), extent(std::ssize(integers)));
  });
}

std::vector<std::int64_t> gather_pivots(const Matrix& lu, const Pivots& pivots) {
  const auto& d = lu.array().distribution();
  const int rank = lu.grid().comm().rank();
  std::vector<std::int64_t> all(static_cast<std::size_t>(std::min(lu.rows(), lu.cols())), 0);
  // Every column of the grid holds the pivots of its rows.
  if (lu.grid().inside())
    for (std::int64_t i = 0; i < lu.local_rows(); ++i)
      if (const auto row = static_cast<std::size_t>(d.global_row(rank, i)); row < all.size())
        all[row] = pivots[static_cast<std::size_t>(i)] - 1;
  lu.grid().comm().all_reduce(std::span(all), Reduce::max);
  return all;
}

Pivots scatter_pivots(const Matrix& lu, const std::vector<std::int64_t>& all) {
  const auto& d = lu.array().distribution();
  const int rank = lu.grid().comm().rank();
  Pivots pivots = lu.grid().room<int>(lu.local_rows() + lu.grid().block());
  for (std::int64_t i = 0; i < lu.local_rows(); ++i)
    pivots[static_cast<std::size_t>(i)] =
        extent(all[static_cast<std::size_t>(d.global_row(rank, i))] + 1);
  return pivots;
}
Matrix direct::geqrf(const Matrix& a, std::int64_t k) {
  const int m = extent(a.rows());
  const int n = extent(a.cols());
  const int reflectors = std::min(m, n);
  const int columns = extent(k);
  Matrix q = a.grid().zeros(a.rows(), k, a.dtype());
  if (reflectors == 0) {
    with_type(q, [&](auto tag) {
      using T = typename decltype(tag)::type;
      q.for_each<T>([](std::int64_t i, std::int64_t j, T& x) { x = i == j ? T(1) : T(0); });
    });
    return q;
  }
  if (spoilt(a, Part::whole)) {
    fill_nan(q);
    return q;
  }
  const Watch watch = working("?geqrf", a, 8);
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    auto tau = a.grid().room<T>(std::max(a.local_cols(), q.local_cols()) + a.grid().block());
    std::vector<T> work(1);
    const auto factor = [&](int size) {
      agreed_info(a.grid(), "p?geqrf", [&] {
        int info = 0;
        Routines<T>::geqrf(&m, &n, a.data<T>(), &one, &one, a.descriptor(), tau.data(), work.data(),
                           &size, &info);
        return info;
      });
    };
    factor(-1);
    work = a.grid().room<T>(queried(work[0]));
    factor(extent(std::ssize(work)));
    if (k == 0) return;
    // The reflectors are below the diagonal of a; both lie alike.
    const std::int64_t both = std::min(a.local_cols(), q.local_cols());
    std::copy_n(a.data<T>(), both * a.local_rows(), q.data<T>());
    work.assign(1, T{});
    const auto form = [&](int size) {
      agreed_info(a.grid(), "p?orgqr", [&] {
        int info = 0;
        Routines<T>::orgqr(&m, &columns, &reflectors, q.data<T>(), &one, &one, q.descriptor(),
                           tau.data(), work.data(), &size, &info);
        return info;
      });
    };
    form(-1);
    work = a.grid().room<T>(queried(work[0]));
    form(extent(std::ssize(work)));
  });
  return q;
}

}  // namespace tessera::linalg::scalapack
