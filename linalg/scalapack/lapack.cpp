#include <tessera/linalg/scalapack/lapack.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/scalapack/fortran.hpp>

namespace tessera::linalg::scalapack {
namespace {

// The routines of one element type under one name each.
template <class T>
struct Only;
#define TESSERA_ONLY(T, l, or_un, sy_he, sb_hb)               \
  template <>                                                 \
  struct Only<T> {                                            \
    static constexpr auto geev = LAPACKE_##l##geev;           \
    static constexpr auto gees = LAPACKE_##l##gees;           \
    static constexpr auto gges = LAPACKE_##l##gges;           \
    static constexpr auto ggev = LAPACKE_##l##ggev;           \
    static constexpr auto gehrd = LAPACKE_##l##gehrd;         \
    static constexpr auto orghr = LAPACKE_##l##or_un##ghr;    \
    static constexpr auto gebal = LAPACKE_##l##gebal;         \
    static constexpr auto geqrf = LAPACKE_##l##geqrf;         \
    static constexpr auto orgqr = LAPACKE_##l##or_un##gqr;    \
    static constexpr auto sytrf = LAPACKE_##l##sytrf_rk;      \
    static constexpr auto hetrf = LAPACKE_##l##sy_he##trf_rk; \
    static constexpr auto sytrs = LAPACKE_##l##sytrs_3;       \
    static constexpr auto hetrs = LAPACKE_##l##sy_he##trs_3;  \
    static constexpr auto sycon = LAPACKE_##l##sycon_3;       \
    static constexpr auto hecon = LAPACKE_##l##sy_he##con_3;  \
    static constexpr auto gbtrf = LAPACKE_##l##gbtrf;         \
    static constexpr auto gbcon = LAPACKE_##l##gbcon;         \
    static constexpr auto gbtrs = LAPACKE_##l##gbtrs;         \
    static constexpr auto pbtrf = LAPACKE_##l##pbtrf;         \
    static constexpr auto pbtrs = LAPACKE_##l##pbtrs;         \
    static constexpr auto sbevd = LAPACKE_##l##sb_hb##evd;    \
    static constexpr auto trsyl = LAPACKE_##l##trsyl;         \
    static constexpr auto uncsd = LAPACKE_##l##or_un##csd;    \
  };
TESSERA_ONLY(float, s, or, sy, sb)
TESSERA_ONLY(double, d, or, sy, sb)
TESSERA_ONLY(C, c, un, he, hb)
TESSERA_ONLY(Z, z, un, he, hb)
#undef TESSERA_ONLY

constexpr int by_columns = LAPACK_COL_MAJOR;

int leading(const Matrix& a) { return std::max(1, extent(a.rows())); }

// LAPACK asks a function of the eigenvalue alone which ones come first.
thread_local Order wanted = Order::none;
bool comes_first(std::complex<double> numerator, std::complex<double> denominator) {
  const bool finite = denominator != 0.0;
  switch (wanted) {
    case Order::lhp:
      return finite && (numerator / denominator).real() < 0;
    case Order::rhp:
      return finite && (numerator / denominator).real() > 0;
    case Order::iuc:
      return finite && std::abs(numerator / denominator) < 1;
    case Order::ouc:
      return !finite || std::abs(numerator / denominator) > 1;
    case Order::none:
      break;
  }
  return false;
}
template <class T>
lapack_logical first_of(const T* value) {
  return comes_first(*value, 1.0);
}
template <class T>
lapack_logical first_of_pair(const T* real, const T* imaginary) {
  return comes_first({*real, *imaginary}, 1.0);
}
template <class T>
lapack_logical first_of_quotient(const T* numerator, const T* denominator) {
  return comes_first(*numerator, *denominator);
}
template <class T>
lapack_logical first_of_real_quotient(const T* real, const T* imaginary, const T* denominator) {
  return comes_first({*real, *imaginary}, *denominator);
}

// info n + 2: reordering was right, but rounding has moved an eigenvalue across the border.
template <class F>
void converge_or_reorder(const Matrix& a, const char* routine, F call) {
  converge(a.grid(), routine, [&] {
    const int info = call();
    return info == extent(a.rows()) + 2 ? 0 : info;
  });
}

template <class R>
Eigenvalues joined(const std::vector<R>& real, const std::vector<R>& imaginary) {
  Eigenvalues all(real.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = {real[i], imaginary[i]};
  return all;
}

// A pair of conjugate eigenvalues has columns j and j + 1 for real and imaginary part.
template <class R>
void unpack(const Eigenvalues& values, const std::vector<R>& v, const Matrix& to) {
  const std::size_t n = values.size();
  auto* out = to.data<std::complex<R>>();
  for (std::size_t j = 0; j < n; ++j) {
    const bool first = values[j].imag() > 0, second = values[j].imag() < 0;
    const R* re = v.data() + (second ? j - 1 : j) * n;
    const R* im = v.data() + (second ? j : j + 1) * n;
    for (std::size_t i = 0; i < n; ++i)
      out[j * n + i] = {re[i], first ? im[i] : second ? -im[i] : R(0)};
  }
}

Watch watched(const char* routine, const Matrix& a, double per_element) {
  reserve_blas(1);
  return working(routine, a, per_element);
}

// Rows as they stand after the interchanges, forwards (lower) or backwards, of ?sytrf_rk.
std::vector<std::int64_t> order_of(const std::vector<int>& pivots, bool lower) {
  std::vector<std::int64_t> order(pivots.size());
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t k = 0; k < pivots.size(); ++k) {
    const std::size_t i = lower ? k : pivots.size() - 1 - k;
    std::swap(order[i], order[static_cast<std::size_t>(std::abs(pivots[i])) - 1]);
  }
  return order;
}

}  // namespace

Eigenvalues direct::geev(const Matrix& a, const Matrix* left, const Matrix* right) {
  const int n = extent(a.rows()), ld = leading(a);
  const auto size = static_cast<std::size_t>(n);
  const Watch watch = watched("?geev", a, 50);
  const char of_left = left ? 'V' : 'N', of_right = right ? 'V' : 'N';
  Eigenvalues values;
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<T> w(size);
    if constexpr (is_complex_type<T>) {
      converge(a.grid(), "?geev", [&] {
        return Only<T>::geev(by_columns, of_left, of_right, n, a.data<T>(), ld, w.data(),
                             left ? left->data<T>() : nullptr, ld,
                             right ? right->data<T>() : nullptr, ld);
      });
      values.assign(w.begin(), w.end());
    } else {
      std::vector<T> imaginary(size), l(left ? size * size : 0), r(right ? size * size : 0);
      converge(a.grid(), "?geev", [&] {
        return Only<T>::geev(by_columns, of_left, of_right, n, a.data<T>(), ld, w.data(),
                             imaginary.data(), l.data(), ld, r.data(), ld);
      });
      values = joined(w, imaginary);
      if (left) unpack(values, l, *left);
      if (right) unpack(values, r, *right);
    }
  });
  return values;
}

Eigenvalues direct::gees(const Matrix& a, const Matrix& z, Order order, std::int64_t& first) {
  const int n = extent(a.rows()), ld = leading(a);
  Eigenvalues values;
  const Watch watch = watched("?gees", a, 50);
  wanted = order;
  const char sort = order == Order::none ? 'N' : 'S';
  int count = 0;
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using R = typename Routines<T>::Real;
    if constexpr (is_complex_type<T>) {
      std::vector<T> w(static_cast<std::size_t>(n));
      converge_or_reorder(a, "?gees", [&] {
        return Only<T>::gees(by_columns, 'V', sort, first_of<T>, n, a.data<T>(), ld, &count,
                             w.data(), z.data<T>(), ld);
      });
      values.assign(w.begin(), w.end());
    } else {
      std::vector<R> re(static_cast<std::size_t>(n)), im(re);
      converge_or_reorder(a, "?gees", [&] {
        return Only<T>::gees(by_columns, 'V', sort, first_of_pair<T>, n, a.data<T>(), ld, &count,
                             re.data(), im.data(), z.data<T>(), ld);
      });
      values = joined(re, im);
    }
  });
  first = count;
  return values;
}

std::int64_t direct::gges(const Matrix& a, const Matrix& b, const Matrix& q, const Matrix& z,
                          Order order) {
  const int n = extent(a.rows()), ld = leading(a);
  const Watch watch = watched("?gges", a, 100);
  wanted = order;
  const char sort = order == Order::none ? 'N' : 'S';
  int count = 0;
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<T> numerators(static_cast<std::size_t>(n)), imaginary(numerators),
        denominators(numerators);
    converge_or_reorder(a, "?gges", [&] {
      if constexpr (is_complex_type<T>)
        return Only<T>::gges(by_columns, 'V', 'V', sort, first_of_quotient<T>, n, a.data<T>(), ld,
                             b.data<T>(), ld, &count, numerators.data(), denominators.data(),
                             q.data<T>(), ld, z.data<T>(), ld);
      else
        return Only<T>::gges(by_columns, 'V', 'V', sort, first_of_real_quotient<T>, n, a.data<T>(),
                             ld, b.data<T>(), ld, &count, numerators.data(), imaginary.data(),
                             denominators.data(), q.data<T>(), ld, z.data<T>(), ld);
    });
  });
  return count;
}

std::pair<Eigenvalues, Eigenvalues> direct::ggev(const Matrix& a, const Matrix& b,
                                                 const Matrix* left, const Matrix* right) {
  const int n = extent(a.rows()), ld = leading(a);
  const auto size = static_cast<std::size_t>(n);
  const Watch watch = watched("?ggev", a, 100);
  const char of_left = left ? 'V' : 'N', of_right = right ? 'V' : 'N';
  std::pair<Eigenvalues, Eigenvalues> values;
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<T> numerators(size), denominators(size);
    if constexpr (is_complex_type<T>) {
      converge(a.grid(), "?ggev", [&] {
        return Only<T>::ggev(by_columns, of_left, of_right, n, a.data<T>(), ld, b.data<T>(), ld,
                             numerators.data(), denominators.data(),
                             left ? left->data<T>() : nullptr, ld,
                             right ? right->data<T>() : nullptr, ld);
      });
      values.first.assign(numerators.begin(), numerators.end());
    } else {
      std::vector<T> imaginary(size), l(left ? size * size : 0), r(right ? size * size : 0);
      converge(a.grid(), "?ggev", [&] {
        return Only<T>::ggev(by_columns, of_left, of_right, n, a.data<T>(), ld, b.data<T>(), ld,
                             numerators.data(), imaginary.data(), denominators.data(), l.data(), ld,
                             r.data(), ld);
      });
      values.first = joined(numerators, imaginary);
      if (left) unpack(values.first, l, *left);
      if (right) unpack(values.first, r, *right);
    }
    values.second.assign(denominators.begin(), denominators.end());
  });
  return values;
}

void direct::gehrd(const Matrix& a, const Matrix& q) {
  const int n = extent(a.rows()), ld = leading(a);
  const Watch watch = watched("?gehrd", a, 10);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<T> tau(static_cast<std::size_t>(n));
    agreed_info(a.grid(), "?gehrd",
                [&] { return Only<T>::gehrd(by_columns, n, 1, n, a.data<T>(), ld, tau.data()); });
    std::copy_n(a.data<T>(), a.rows() * a.cols(), q.data<T>());
    agreed_info(a.grid(), "?orghr",
                [&] { return Only<T>::orghr(by_columns, n, 1, n, q.data<T>(), ld, tau.data()); });
    a.for_each<T>([](std::int64_t i, std::int64_t j, T& x) {
      if (i > j + 1) x = T(0);
    });
  });
}

Balance direct::gebal(const Matrix& a, bool permute, bool scale) {
  const int n = extent(a.rows()), ld = leading(a);
  const auto size = static_cast<std::size_t>(n);
  const Watch watch = watched("?gebal", a, 10);
  Balance balance{std::vector<double>(size, 1.0), std::vector<std::int64_t>(size)};
  std::iota(balance.order.begin(), balance.order.end(), 0);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using R = typename Routines<T>::Real;
    const char job = permute && scale ? 'B' : permute ? 'P' : scale ? 'S' : 'N';
    std::vector<R> factors(size);
    int low = 1, high = n;
    agreed_info(a.grid(), "?gebal", [&] {
      return Only<T>::gebal(by_columns, job, n, a.data<T>(), ld, &low, &high, factors.data());
    });
    const auto exchange = [&](int i) {
      const auto at = static_cast<std::size_t>(i);
      std::swap(balance.order[at], balance.order[static_cast<std::size_t>(factors[at]) - 1]);
    };
    for (int i = n - 1; i >= high; --i) exchange(i);  // in the order in which it made them
    for (int i = 0; i < low - 1; ++i) exchange(i);
    for (int i = low - 1; i < high; ++i)
      balance.scale[static_cast<std::size_t>(i)] = factors[static_cast<std::size_t>(i)];
  });
  return balance;
}

std::vector<std::int64_t> direct::geqp3(const Matrix& a, const Matrix& tau) {
  const int m = extent(a.rows()), n = extent(a.cols()), ld = leading(a);
  const Watch watch = watched("?geqp3", a, 4);
  std::vector<int> order(static_cast<std::size_t>(n));
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    agreed_info(a.grid(), "?geqp3", [&] {
      return Routines<T>::lapack_geqp3(by_columns, m, n, a.data<T>(), ld, order.data(),
                                       tau.data<T>());
    });
  });
  std::vector<std::int64_t> columns(order.begin(), order.end());
  for (auto& c : columns) --c;
  return columns;
}

void direct::orgqr(const Matrix& q, const Matrix& tau) {
  const Watch watch = watched("?orgqr", q, 4);
  with_type(q, [&](auto tag) {
    using T = typename decltype(tag)::type;
    agreed_info(q.grid(), "?orgqr", [&] {
      return Only<T>::orgqr(by_columns, extent(q.rows()), extent(q.cols()), extent(tau.rows()),
                            q.data<T>(), leading(q), tau.data<T>());
    });
  });
}

void direct::geqrf(const Matrix& a, const Matrix& tau) {
  const Watch watch = watched("?geqrf", a, 4);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    agreed_info(a.grid(), "?geqrf", [&] {
      return Only<T>::geqrf(by_columns, extent(a.rows()), extent(a.cols()), a.data<T>(), leading(a),
                            tau.data<T>());
    });
  });
}

std::vector<std::int64_t> direct::sytrf(const Matrix& a, bool lower, bool hermitian,
                                        const Matrix& d) {
  const int n = extent(a.rows()), ld = leading(a);
  const Watch watch = watched("?sytrf_rk", a, 2);
  std::vector<int> pivots(static_cast<std::size_t>(n));
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<T> beside(static_cast<std::size_t>(n));
    agreed_info(a.grid(), "?sytrf_rk", [&] {  // a zero in d is none of our business
      return (hermitian ? Only<T>::hetrf : Only<T>::sytrf)(
          by_columns, *triangle(lower), n, a.data<T>(), ld, beside.data(), pivots.data());
    });
    d.for_each<T>([&](std::int64_t i, std::int64_t j, T& x) {
      const std::int64_t column = lower ? std::min(i, j) : std::max(i, j);
      const T off = beside[static_cast<std::size_t>(column)];
      x = i == j                ? a.data<T>()[i * n + i]
          : std::abs(i - j) > 1 ? T(0)
          : (i > j) == lower    ? off
          : hermitian           ? conjugate(off)
                                : off;
    });
    a.for_each<T>([&](std::int64_t i, std::int64_t j, T& x) {
      if (i == j) x = T(1);
      if (lower ? i < j : i > j) x = T(0);
    });
  });
  return order_of(pivots, lower);
}

double direct::sysv(const Matrix& a, bool lower, bool hermitian, const Matrix& b) {
  const int n = extent(a.rows()), ld = leading(a);
  const Watch watch = watched("?sytrf_rk", a, 2);
  double rcond = 0;
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using R = typename Routines<T>::Real;
    const R norm = static_cast<R>(norm_1(a));
    std::vector<T> beside(static_cast<std::size_t>(n));
    std::vector<int> pivots(static_cast<std::size_t>(n));
    const char part = *triangle(lower);
    if (agreed_info(a.grid(), "?sytrf_rk", [&] {
          return (hermitian ? Only<T>::hetrf : Only<T>::sytrf)(by_columns, part, n, a.data<T>(), ld,
                                                               beside.data(), pivots.data());
        }) > 0)
      return;
    R estimate = 0;
    agreed_info(a.grid(), "?sycon_3", [&] {
      return (hermitian ? Only<T>::hecon : Only<T>::sycon)(
          by_columns, part, n, a.data<T>(), ld, beside.data(), pivots.data(), norm, &estimate);
    });
    agreed_info(a.grid(), "?sytrs_3", [&] {
      return (hermitian ? Only<T>::hetrs : Only<T>::sytrs)(by_columns, part, n, extent(b.cols()),
                                                           a.data<T>(), ld, beside.data(),
                                                           pivots.data(), b.data<T>(), leading(b));
    });
    rcond = estimate;
  });
  return rcond;
}

std::int64_t direct::gbsv(const Matrix& ab, std::int64_t l, std::int64_t u, const Matrix& b,
                          double& rcond) {
  const int n = extent(ab.cols()), below = extent(l), above = extent(u), ld = leading(ab);
  const Watch watch = working("?gbsv", ab, 4, static_cast<double>(ab.rows()));
  reserve_blas(1);
  std::int64_t zero = 0;
  with_type(ab, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using R = typename Routines<T>::Real;
    const R norm = static_cast<R>(norm_1(ab));
    std::vector<int> pivots(static_cast<std::size_t>(n));
    zero = agreed_info(ab.grid(), "?gbtrf", [&] {
      return Only<T>::gbtrf(by_columns, n, n, below, above, ab.data<T>(), ld, pivots.data());
    });
    if (zero > 0) return;
    R estimate = 0;
    agreed_info(ab.grid(), "?gbcon", [&] {
      return Only<T>::gbcon(by_columns, '1', n, below, above, ab.data<T>(), ld, pivots.data(), norm,
                            &estimate);
    });
    rcond = estimate;
    agreed_info(ab.grid(), "?gbtrs", [&] {
      return Only<T>::gbtrs(by_columns, 'N', n, below, above, extent(b.cols()), ab.data<T>(), ld,
                            pivots.data(), b.data<T>(), leading(b));
    });
  });
  return zero;
}

std::int64_t direct::pbtrf(const Matrix& ab, bool lower) {
  std::int64_t minor = 0;
  const Watch watch = working("?pbtrf", ab, 4, static_cast<double>(ab.rows()));
  reserve_blas(1);
  with_type(ab, [&](auto tag) {
    using T = typename decltype(tag)::type;
    minor = agreed_info(ab.grid(), "?pbtrf", [&] {
      return Only<T>::pbtrf(by_columns, *triangle(lower), extent(ab.cols()), extent(ab.rows() - 1),
                            ab.data<T>(), leading(ab));
    });
  });
  return minor;
}

void direct::pbtrs(const Matrix& cb, bool lower, const Matrix& b) {
  const Watch watch = working("?pbtrs", b, 4, static_cast<double>(cb.rows()));
  reserve_blas(1);
  with_type(cb, [&](auto tag) {
    using T = typename decltype(tag)::type;
    agreed_info(cb.grid(), "?pbtrs", [&] {
      return Only<T>::pbtrs(by_columns, *triangle(lower), extent(cb.cols()), extent(cb.rows() - 1),
                            extent(b.cols()), cb.data<T>(), leading(cb), b.data<T>(), leading(b));
    });
  });
}

std::vector<double> direct::sbevd(const Matrix& ab, bool lower, const Matrix* vectors) {
  const int n = extent(ab.cols()), ld = std::max(1, n);
  const Watch watch = working("?sbevd", ab, 20, static_cast<double>(n) * static_cast<double>(n));
  reserve_blas(1);
  std::vector<double> values;
  with_type(ab, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<typename Routines<T>::Real> w(static_cast<std::size_t>(n));
    converge(ab.grid(), "?sbevd", [&] {
      return Only<T>::sbevd(by_columns, vectors ? 'V' : 'N', *triangle(lower), n,
                            extent(ab.rows() - 1), ab.data<T>(), leading(ab), w.data(),
                            vectors ? vectors->data<T>() : nullptr, ld);
    });
    values.assign(w.begin(), w.end());
  });
  return values;
}

namespace {

// A block of a matrix that lies by columns: to a kernel its transpose by rows.
template <class T>
struct Block {
  T* data;
  std::int64_t rows, cols, ld;
  Block part(std::int64_t i, std::int64_t j, std::int64_t height, std::int64_t width) const {
    return {data + i + j * ld, height, width, ld};
  }
  Tile tile() const { return {data, cols, rows, ld, dtype_of<T>, cpu}; }
  // Where a (quasi-)triangle may be cut: not through a 2 x 2 block.
  std::int64_t middle() const {
    const std::int64_t k = rows / 2;
    return data[k + (k - 1) * ld] != T(0) ? k + 1 : k;
  }
};

// a x + sign x b = c over c, by halves: most of the work is in products. False where LAPACK scales
// a block's solution against overflow, or has none.
template <class T>
bool sylvester(const Block<T>& a, const Block<T>& b, int sign, const Block<T>& c) {
  constexpr std::int64_t block = 48;
  const std::int64_t m = c.rows, n = c.cols;
  if (std::max(m, n) <= block) {
    typename Routines<T>::Real scale = 1;
    return Only<T>::trsyl(by_columns, 'N', 'N', sign, extent(m), extent(n), a.data, extent(a.ld),
                          b.data, extent(b.ld), c.data, extent(c.ld), &scale) == 0 &&
           scale == 1;
  }
  Stream stream;
  // to -= factor x y, whose transposes are what the kernel sees.
  const auto subtract = [&](double factor, const Block<T>& x, const Block<T>& y,
                            const Block<T>& to) {
    kernels().gemm(stream, -factor, y.tile(), Transpose::no, x.tile(), Transpose::no, 1.0,
                   to.tile());
  };
  if (m >= n) {
    const std::int64_t k = a.middle();
    const Block<T> above = c.part(0, 0, k, n), below = c.part(k, 0, m - k, n);
    if (!sylvester(a.part(k, k, m - k, m - k), b, sign, below)) return false;
    subtract(1, a.part(0, k, k, m - k), below, above);
    return sylvester(a.part(0, 0, k, k), b, sign, above);
  }
  const std::int64_t k = b.middle();
  const Block<T> left = c.part(0, 0, m, k), right = c.part(0, k, m, n - k);
  if (!sylvester(a, b.part(0, 0, k, k), sign, left)) return false;
  subtract(sign, left, b.part(0, k, k, n - k), right);
  return sylvester(a, b.part(k, k, n - k, n - k), sign, right);
}

}  // namespace

void direct::trsyl(const Matrix& a, const Matrix& b, int sign, const Matrix& c) {
  const Watch watch = working("?trsyl", c, 4, static_cast<double>(a.rows() + b.rows()));
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto block = [](const Matrix& x) {
      return Block<T>{x.data<T>(), x.rows(), x.cols(), leading(x)};
    };
    typename Routines<T>::Real scale = 1;
    if (agreed_info(a.grid(), "?trsyl", [&] {
          const std::vector<T> before(c.data<T>(), c.data<T>() + c.rows() * c.cols());
          if (sylvester(block(a), block(b), sign, block(c))) return 0;
          std::ranges::copy(before, c.data<T>());
          return static_cast<int>(Only<T>::trsyl(
              by_columns, 'N', 'N', sign, extent(a.rows()), extent(b.rows()), a.data<T>(),
              leading(a), b.data<T>(), leading(b), c.data<T>(), leading(c), &scale));
        }) > 0)
      throw LinAlgError("the equation has no unique solution: two eigenvalues (nearly) cancel");
    c.for_each<T>([&](std::int64_t, std::int64_t, T& x) { x /= scale; });
  });
}

std::vector<double> direct::uncsd(const Matrix& x, const Matrix& u1, const Matrix& u2,
                                  const Matrix& v1h, const Matrix& v2h, bool swap_sign) {
  const int m = extent(x.rows()), p = extent(u1.rows()), q = extent(v1h.rows());
  const int r = std::min({p, q, m - p, m - q});
  const Watch watch = watched("?uncsd", x, 50);
  std::vector<double> angles;
  with_type(x, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* x11 = x.data<T>();
    T* x12 = x11 + static_cast<std::int64_t>(q) * m;
    std::vector<typename Routines<T>::Real> theta(static_cast<std::size_t>(std::max(1, r)));
    converge(x.grid(), "?uncsd", [&] {
      return Only<T>::uncsd(by_columns, 'Y', 'Y', 'Y', 'Y', 'N', swap_sign ? 'O' : 'D', m, p, q,
                            x11, m, x12, m, x11 + p, m, x12 + p, m, theta.data(), u1.data<T>(),
                            leading(u1), u2.data<T>(), leading(u2), v1h.data<T>(), leading(v1h),
                            v2h.data<T>(), leading(v2h));
    });
    angles.assign(theta.begin(), theta.begin() + r);
  });
  return angles;
}

const Lapack& lapack() {
  static const Lapack all;
  static const bool installed = [] {
    Backend backend("cpu", Device::Kind::cpu);
#define TESSERA_IMPLEMENT(f) backend.implement(all.f, inexact, direct::f);
    TESSERA_LAPACK(TESSERA_IMPLEMENT)
#undef TESSERA_IMPLEMENT
    tessera::detail::install_built_in(std::move(backend));
    return true;
  }();
  (void)installed;
  return all;
}

}  // namespace tessera::linalg::scalapack
