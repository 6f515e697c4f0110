#include <cblas.h>
#include <fmt/format.h>
#include <lapacke.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <type_traits>
#include <vector>

#include <tessera/array/kernels/function.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/linalg/blas.hpp>
#include <tessera/linalg/kernels/cpu/gram.hpp>
#include <tessera/linalg/kernels/cpu/group_moments.hpp>
#include <tessera/linalg/kernels/cpu/moments.hpp>
#include <tessera/linalg/kernels/cpu/qr.hpp>
#include <tessera/linalg/kernels/cpu/thin.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/runtime.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

const double* pointer(std::span<const double> values) {
  return values.empty() ? nullptr : values.data();
}

// Calls work(leaf of x, row of out, number of the leaf) for every leaf of a run.
template <class Work>
void each_leaf(const Tile& x, std::int64_t leaf_rows, const Tile& out, const Work& work) {
  for (std::int64_t i = 0; i < out.rows; ++i)
    work(leaf_of_run(x, leaf_rows, i), out.slice(i, 1).as<double>(), i);
}

void leaf_moments(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& weights,
                  const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    each_leaf(x, leaf_rows, out, [&](const Tile& t, double* partial, std::int64_t i) {
      tessera::on_cpu::column_moments(t.as<const T>(), t.rows, t.cols, t.stride,
                                      leaf_of_run(weights, leaf_rows, i).template as<const T>(),
                                      partial, partial + t.cols, partial + 2 * t.cols);
    });
  });
}

void leaf_group_moments(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& codes,
                        const Tile& weights, const Tile& out) {
  const std::int64_t groups = x.cols > 0 ? out.cols / (3 * x.cols) : 0;
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    each_leaf(x, leaf_rows, out, [&](const Tile& t, double* partial, std::int64_t i) {
      tessera::on_cpu::group_moments(t.as<const T>(), t.rows, t.cols, t.stride,
                                     leaf_of_run(codes, leaf_rows, i).as<const std::int32_t>(),
                                     leaf_of_run(weights, leaf_rows, i).template as<const T>(),
                                     groups, partial);
    });
  });
}

void leaf_gram(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& y, const Tile& weights,
               bool center, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    each_leaf(x, leaf_rows, out, [&](const Tile& t, double* partial, std::int64_t i) {
      const Tile z = leaf_of_run(y, leaf_rows, i);
      tessera::on_cpu::centered_gram(t.as<const T>(), t.rows, t.cols, t.stride, z.as<const T>(),
                                     z.cols, z.stride,
                                     leaf_of_run(weights, leaf_rows, i).template as<const T>(),
                                     center, partial, partial + 1, partial + 1 + t.cols + z.cols);
    });
  });
}

void merge_moments(Stream&, const Tile& left, const Tile& right) {
  const std::int64_t p = left.cols / 3;
  for (std::int64_t i = 0; i < left.rows; ++i) {
    double* count = left.slice(i, 1).as<double>();
    double* mean = count + p;
    double* m2 = mean + p;
    const double* other = right.slice(i, 1).as<const double>();
    for (std::int64_t j = 0; j < p; ++j) {
      const double total = count[j] + other[j];
      if (other[j] == 0.0 || total == 0.0) continue;
      const double delta = other[p + j] - mean[j];
      m2[j] += other[2 * p + j] + delta * delta * (count[j] * other[j] / total);
      mean[j] += delta * (other[j] / total);
      count[j] = total;
    }
  }
}

// Chan et al. in matrix form: the rank-one term of the means' difference is added.
void merge_grams(Stream&, std::int64_t m, std::int64_t first, const Tile& left, const Tile& right) {
  const std::int64_t rows = m > 0 ? (left.cols - 1 - m) / m : 0;
  std::vector<double> delta(static_cast<std::size_t>(m));
  for (std::int64_t i = 0; i < left.rows; ++i) {
    double* weight = left.slice(i, 1).as<double>();
    double* mean = weight + 1;
    double* gram = mean + m;
    const double* other = right.slice(i, 1).as<const double>();
    const double total = *weight + *other;
    const double shared = total != 0.0 ? *weight * *other / total : 0.0;
    for (std::int64_t j = 0; j < m; ++j)
      delta[static_cast<std::size_t>(j)] = other[1 + j] - mean[j];
    for (std::int64_t r = 0; r < rows; ++r) {
      const double scale = shared * delta[static_cast<std::size_t>(first + r)];
      for (std::int64_t j = 0; j < m; ++j)
        gram[r * m + j] += other[1 + m + r * m + j] + scale * delta[static_cast<std::size_t>(j)];
    }
    if (total != 0.0)
      for (std::int64_t j = 0; j < m; ++j)
        mean[j] += delta[static_cast<std::size_t>(j)] * (*other / total);
    *weight = total;
  }
}

void add(Stream&, const Tile& left, const Tile& right) {
  for (std::int64_t i = 0; i < left.rows; ++i) {
    double* to = left.slice(i, 1).as<double>();
    const double* from = right.slice(i, 1).as<const double>();
    for (std::int64_t j = 0; j < left.cols; ++j) to[j] += from[j];
  }
}

void leaf_squares(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    each_leaf(x, leaf_rows, out, [&](const Tile& t, double* squares, std::int64_t) {
      std::fill_n(squares, t.cols, 0.0);
      for (std::int64_t i = 0; i < t.rows; ++i)
        for (std::int64_t j = 0; j < t.cols; ++j) {
          const auto v = static_cast<double>(t.as<const T>()[i * t.stride + j]);
          squares[j] += v * v;
        }
    });
  });
}

using Complex = std::complex<double>;

[[noreturn]] void refuse_qr() {
  throw LinAlgError("QR of a tile failed: its values are not finite");
}

template <class T>
void require_finite_r(const Tile& r) {
  for (std::int64_t i = 0; i < std::min(r.rows, r.cols); ++i)
    for (std::int64_t j = i; j < r.cols; ++j) {
      const T v = r.as<const T>()[i * r.stride + j];
      if (!std::isfinite(std::real(v)) || !std::isfinite(std::imag(v))) refuse_qr();
    }
}

/// LAPACK's QR of a complex matrix, in its row-major memory.
class ComplexQr {
 public:
  explicit ComplexQr(const Tile& a)
      : a_(a), tau_(static_cast<std::size_t>(std::min(a.rows, a.cols))) {
    reserve_blas(Runtime::threads());
    check(LAPACKE_zgeqrf(LAPACK_ROW_MAJOR, blas_int(a.rows), blas_int(a.cols), values(a),
                         leading(a), tau()));
    require_finite_r<Complex>(a);  // LAPACKE looks for NaN only
  }
  /// c, of a's rows, becomes Q c.
  void multiply(const Tile& c) {
    check(LAPACKE_zunmqr(LAPACK_ROW_MAJOR, 'L', 'N', blas_int(c.rows), blas_int(c.cols),
                         blas_int(static_cast<std::int64_t>(tau_.size())), values(a_), leading(a_),
                         tau(), values(c), leading(c)));
  }
  /// Its R, or as many rows of it as r has, zeros below the diagonal.
  void store_r(const Tile& r) const {
    for (std::int64_t i = 0; i < r.rows; ++i)
      for (std::int64_t j = 0; j < r.cols; ++j)
        r.as<Complex>()[i * r.stride + j] = j < i ? 0.0 : a_.as<Complex>()[i * a_.stride + j];
  }

 private:
  static void check(lapack_int info) {
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
      throw MemoryError("QR of a tile: no memory for the workspace");
    if (info != 0) refuse_qr();
  }
  static lapack_complex_double* values(const Tile& t) { return t.as<lapack_complex_double>(); }
  static int leading(const Tile& t) { return blas_int(std::max<std::int64_t>(1, t.stride)); }
  lapack_complex_double* tau() { return reinterpret_cast<lapack_complex_double*>(tau_.data()); }
  Tile a_;
  std::vector<Complex> tau_;
};

void qr_r(Stream&, const Tile& a) {
  if (a.rows == 0 || a.cols == 0) return;
  if (is_complex(a.dtype)) return ComplexQr(a).store_r(a);
  auto* values = a.as<double>();
  tessera::on_cpu::qr_triangle<double>({values, a.rows, a.cols, a.stride}, values, a.stride);
  for (std::int64_t i = a.cols; i < a.rows; ++i) std::fill_n(values + i * a.stride, a.cols, 0.0);
  require_finite_r<double>(a);
}

void qr_pair(Stream&, const Tile& a, std::int64_t top, const Tile& q) {
  const std::int64_t k = std::min(a.rows, a.cols);
  if (k == 0) return;
  if (is_complex(a.dtype)) {
    ComplexQr qr(a);
    for (std::int64_t i = 0; i < q.rows; ++i)
      for (std::int64_t j = 0; j < k; ++j) q.as<Complex>()[i * q.stride + j] = i == j ? 1.0 : 0.0;
    if (q) qr.multiply(q);
    return qr.store_r(a);
  }
  auto* values = a.as<double>();
  tessera::on_cpu::qr_pair(values, a.rows, a.cols, a.stride, top, q.as<double>(), q.stride);
  for (std::int64_t i = k; i < a.rows; ++i) std::fill_n(values + i * a.stride, a.cols, 0.0);
  require_finite_r<double>(a);
}

/// Calls f(TypeTag<T>{}) with the complex type T of `dtype`.
template <class F>
void visit_complex(DType dtype, const F& f) {
  dtype == DType::complex64 ? f(TypeTag<std::complex<float>>{}) : f(TypeTag<Complex>{});
}

/// diag(sqrt(weights)) ([x, y] - 1 shift^T) in complex128.
std::vector<Complex> complex_rows(const Tile& x, std::span<const double> shift, const Tile& y,
                                  const Tile& weights) {
  const std::int64_t m = x.cols + y.cols;
  std::vector<Complex> a(static_cast<std::size_t>(x.rows * m));
  std::vector<double> roots(static_cast<std::size_t>(x.rows), 1.0);
  if (weights)
    visit_floating(weights.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < x.rows; ++i)
        roots[static_cast<std::size_t>(i)] =
            std::sqrt(static_cast<double>(weights.as<const T>()[i * weights.stride]));
    });
  visit_complex(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto fill = [&](const Tile& from, std::int64_t first) {
      for (std::int64_t i = 0; i < from.rows; ++i)
        for (std::int64_t j = 0; j < from.cols; ++j)
          a[static_cast<std::size_t>(i * m + first + j)] =
              roots[static_cast<std::size_t>(i)] *
              (Complex(from.as<const T>()[i * from.stride + j]) -
               (shift.empty() ? 0.0 : shift[static_cast<std::size_t>(first + j)]));
    };
    fill(x, 0);
    fill(y, x.cols);
  });
  return a;
}

void leaf_triangle(Stream&, const Tile& x, std::span<const double> shift, const Tile& y,
                   const Tile& weights, const Tile& r) {
  if (r.rows == 0) return;
  if (is_complex(x.dtype)) {
    auto a = complex_rows(x, shift, y, weights);
    return ComplexQr(tile_of(a.data(), x.rows, r.cols, r.cols)).store_r(r);
  }
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    tessera::on_cpu::qr_triangle<T>({x.as<const T>(), x.rows, x.cols, x.stride, y.as<const T>(),
                                     y.cols, y.stride, pointer(shift), weights.as<const T>()},
                                    r.as<double>(), r.stride);
  });
  require_finite_r<double>(r);
}

void leaf_q(Stream&, const Tile& x, const Tile& c, const Tile& out) {
  if (is_complex(x.dtype)) {
    auto a = complex_rows(x, {}, {}, {});
    std::vector<Complex> y(static_cast<std::size_t>(x.rows * c.cols));
    for (std::int64_t i = 0; i < c.rows; ++i)
      std::copy_n(c.as<const Complex>() + i * c.stride, c.cols, y.data() + i * c.cols);
    if (c.rows > 0 && c.cols > 0)
      ComplexQr(tile_of(a.data(), x.rows, x.cols, x.cols))
          .multiply(tile_of(y.data(), x.rows, c.cols, c.cols));
    return visit_complex(x.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < x.rows; ++i)
        for (std::int64_t j = 0; j < c.cols; ++j)
          out.as<T>()[i * out.stride + j] = T(y[static_cast<std::size_t>(i * c.cols + j)]);
    });
  }
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    tessera::on_cpu::qr_times<T>({x.as<const T>(), x.rows, x.cols, x.stride}, c.as<const double>(),
                                 c.cols, c.stride, out.as<T>(), out.stride);
  });
}

// c = alpha op(a) op(b) + beta c of integers, which wrap around.
void integer_gemm(double alpha, const Tile& a, Transpose ta, const Tile& b, Transpose tb,
                  double beta, const Tile& c) {
  const std::int64_t k = ta == Transpose::no ? a.cols : a.rows;
  visit(c.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (functions::Integer<T>) {
      using W = functions::Wrapping<T>;
      const auto scale = static_cast<W>(static_cast<T>(alpha));
      const auto keep = static_cast<W>(static_cast<T>(beta));
      const auto at = [](const Tile& t, Transpose op, std::int64_t i, std::int64_t j) {
        return static_cast<W>(
            t.as<const T>()[op == Transpose::no ? i * t.stride + j : j * t.stride + i]);
      };
      for (std::int64_t i = 0; i < c.rows; ++i) {
        T* row = c.as<T>() + i * c.stride;
        for (std::int64_t j = 0; j < c.cols; ++j)
          row[j] = beta == 0 ? T{0} : static_cast<T>(keep * static_cast<W>(row[j]));
        for (std::int64_t l = 0; l < k; ++l) {
          const W factor = scale * at(a, ta, i, l);
          for (std::int64_t j = 0; j < c.cols; ++j)
            row[j] = static_cast<T>(static_cast<W>(row[j]) + factor * at(b, tb, l, j));
        }
      }
    }
  });
}

void gemm(Stream&, double alpha, const Tile& a, Transpose ta, const Tile& b, Transpose tb,
          double beta, const Tile& c) {
  if (is_integer(c.dtype)) return integer_gemm(alpha, a, ta, b, tb, beta, c);
  const auto op = [](Transpose t) {
    return t == Transpose::no ? CblasNoTrans : t == Transpose::yes ? CblasTrans : CblasConjTrans;
  };
  const int m = blas_int(c.rows);
  const int n = blas_int(c.cols);
  const int k = blas_int(ta == Transpose::no ? a.cols : a.rows);
  const auto ld = [](const Tile& t) { return blas_int(std::max<std::int64_t>(1, t.stride)); };
  if (m == 0 || n == 0) return;
  reserve_blas(Runtime::threads());
  visit_inexact(c.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto multiply = [&](auto routine, auto scale, auto keep) {
      routine(CblasRowMajor, op(ta), op(tb), m, n, k, scale, a.as<const T>(), ld(a),
              b.as<const T>(), ld(b), keep, c.as<T>(), ld(c));
    };
    const T scale(alpha);
    const T keep(beta);
    if constexpr (std::is_floating_point_v<T>)
      if (n == 1 && ta == Transpose::no)
        return on_cpu::vector_product(scale, a.as<const T>(), m, k, a.stride, b.as<const T>(),
                                      tb == Transpose::no ? b.stride : 1, keep, c.as<T>(),
                                      c.stride);
    if constexpr (std::is_floating_point_v<T>)
      if (n <= on_cpu::most_thin_columns && m >= 64 && k >= 256 && ta == Transpose::no && beta == 0)
        return on_cpu::thin_product(scale, a.as<const T>(), m, k, a.stride, b.as<const T>(), n,
                                    b.stride, tb != Transpose::no, c.as<T>(), c.stride);
    if constexpr (std::is_same_v<T, float>)
      multiply(cblas_sgemm, scale, keep);
    else if constexpr (std::is_same_v<T, double>)
      multiply(cblas_dgemm, scale, keep);
    else if constexpr (std::is_same_v<T, std::complex<float>>)
      multiply(cblas_cgemm, &scale, &keep);
    else
      multiply(cblas_zgemm, &scale, &keep);
  });
}

void standardize(Stream&, const Tile& x, std::span<const double> shift,
                 std::span<const double> scale, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    tessera::on_cpu::shift_scale(x.as<const T>(), x.rows, x.cols, x.stride, pointer(shift),
                                 pointer(scale), out.as<T>(), out.stride);
  });
}

void unstandardize(Stream&, const Tile& x, std::span<const double> shift,
                   std::span<const double> scale, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    tessera::on_cpu::scale_shift(x.as<const T>(), x.rows, x.cols, x.stride, pointer(shift),
                                 pointer(scale), out.as<T>(), out.stride);
  });
}

// The tile of `rows` x `cols` right behind `before` in memory.
Tile behind(const Tile& before, std::int64_t rows, std::int64_t cols) {
  Tile t = before.slice(before.rows, 0);
  t.rows = rows;
  t.cols = t.stride = cols;
  return t;
}

void leaf_gram_product(Stream& stream, const Tile& x, std::int64_t leaf_rows,
                       std::span<const double> mean, const Tile& q, const Tile& out) {
  const std::int64_t most = std::min(leaf_rows, x.rows);
  Buffer memory(static_cast<std::size_t>(most * (x.cols + q.cols) + x.cols * q.cols) *
                size_of(x.dtype));
  each_leaf(x, leaf_rows, out, [&](const Tile& leaf, double* partial, std::int64_t) {
    Tile xc = leaf;
    xc.data = memory.data();
    xc.stride = xc.cols;
    standardize(stream, leaf, mean, {}, xc);
    const Tile y = behind(xc, leaf.rows, q.cols);
    const Tile z = behind(y, x.cols, q.cols);
    gemm(stream, 1.0, xc, Transpose::no, q, Transpose::no, 0.0, y);
    gemm(stream, 1.0, xc, Transpose::yes, y, Transpose::no, 0.0, z);
    visit_floating(z.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      std::copy_n(z.as<const T>(), z.rows * z.cols, partial);
    });
  });
}

bool all_finite(Stream&, const Tile& x) {
  const bool contiguous = x.stride == x.cols;
  const std::int64_t rows = contiguous ? 1 : x.rows;
  const std::int64_t cols = contiguous ? x.rows * x.cols : x.cols;
  return visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    // x - x is 0 for finite values and NaN otherwise; many sums, so that none is waited for.
    constexpr std::int64_t lanes = 32;
    std::array<T, lanes> probe{};
    for (std::int64_t i = 0; i < rows; ++i) {
      const T* row = x.as<const T>() + i * x.stride;
      std::int64_t j = 0;
      for (; j + lanes <= cols; j += lanes)
        for (std::int64_t l = 0; l < lanes; ++l) probe[l] += row[j + l] - row[j + l];
      for (; j < cols; ++j) probe[0] += row[j] - row[j];
    }
    return std::all_of(probe.begin(), probe.end(), [](T p) { return p == T{0}; });
  });
}

void check(lapack_int info, const char* routine) {
  if (info > 0) throw LinAlgError(fmt::format("{} did not converge (info {})", routine, info));
  if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
    throw MemoryError(fmt::format("{}: no memory for the workspace", routine));
  if (info < 0)
    throw ValueError(
        fmt::format("{}: argument {} is not finite or wrong; do squares of the data overflow?",
                    routine, -info));
}

// Column-major and row-major agree on a symmetric matrix, and LAPACK's eigenvector columns are rows
// of the row-major result.
void eigh_in_place(Stream&, const Tile& a, const Tile& values) {
  reserve_blas(1);
  if (a.rows > 0)
    check(LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', blas_int(a.rows), a.as<double>(),
                         blas_int(a.rows), values.as<double>()),
          "dsyevd");
}

// LAPACK's routines by element type.
template <class T>
struct Lapack;
template <>
struct Lapack<float> {
  using Element = float;
  static constexpr auto gesdd = LAPACKE_sgesdd;
  static constexpr auto potrf = LAPACKE_spotrf;
  static constexpr auto name = "s";
};
template <>
struct Lapack<double> {
  using Element = double;
  static constexpr auto gesdd = LAPACKE_dgesdd;
  static constexpr auto potrf = LAPACKE_dpotrf;
  static constexpr auto name = "d";
};
template <>
struct Lapack<std::complex<float>> {
  using Element = lapack_complex_float;
  static constexpr auto gesdd = LAPACKE_cgesdd;
  static constexpr auto potrf = LAPACKE_cpotrf;
  static constexpr auto name = "c";
};
template <>
struct Lapack<std::complex<double>> {
  using Element = lapack_complex_double;
  static constexpr auto gesdd = LAPACKE_zgesdd;
  static constexpr auto potrf = LAPACKE_zpotrf;
  static constexpr auto name = "z";
};

// The column-major view of row-major a is a^T = vh^T diag(s) u^T.
void svd_into(Stream&, const Tile& a, const Tile& u, const Tile& s, const Tile& vh) {
  reserve_blas(1);
  if (s.cols == 0) return;
  visit_inexact(a.dtype, [&](auto tag) {
    using L = Lapack<typename decltype(tag)::type>;
    using Real = decltype(std::real(typename decltype(tag)::type{}));
    check(L::gesdd(LAPACK_COL_MAJOR, u ? 'S' : 'N', blas_int(a.cols), blas_int(a.rows),
                   a.as<typename L::Element>(), blas_int(a.cols), s.as<Real>(),
                   vh.as<typename L::Element>(), blas_int(a.cols), u.as<typename L::Element>(),
                   blas_int(s.cols)),
          fmt::format("{}gesdd", L::name).c_str());
  });
}

// The column-major view of a is its transpose: the other triangle, whose factor is the transpose.
std::int64_t cholesky_in_place(Stream&, const Tile& a, bool lower) {
  reserve_blas(1);
  if (a.rows == 0) return 0;
  return visit_inexact(a.dtype, [&](auto tag) -> std::int64_t {
    using T = typename decltype(tag)::type;
    const lapack_int info =
        Lapack<T>::potrf(LAPACK_COL_MAJOR, lower ? 'U' : 'L', blas_int(a.rows),
                         a.as<typename Lapack<T>::Element>(), blas_int(a.stride));
    if (info > 0) return info;
    check(info, fmt::format("{}potrf", Lapack<T>::name).c_str());
    for (std::int64_t i = 0; i < a.rows; ++i) {
      T* const row = a.as<T>() + i * a.stride;
      std::fill(lower ? row + i + 1 : row, lower ? row + a.cols : row + i, T(0));
    }
    return 0;
  });
}

// A row of b at a time. Every element takes its terms in the order of substitution.
void solve_triangular_in_place(Stream&, const Tile& r, Transpose op, const Tile& b) {
  const auto* factor = r.as<const double>();
  const auto row = [&](std::int64_t i) { return b.as<double>() + i * b.stride; };
  const auto eliminate = [&](std::int64_t i, std::int64_t j, double by) {
    double* to = row(i);
    const double* from = row(j);
    for (std::int64_t t = 0; t < b.cols; ++t) to[t] -= by * from[t];
  };
  const auto divide = [&](std::int64_t i) {
    const double by = factor[i * r.stride + i];
    for (std::int64_t t = 0; t < b.cols; ++t) row(i)[t] /= by;
  };
  if (op == Transpose::no) {
    for (std::int64_t i = r.rows - 1; i >= 0; --i) {
      for (std::int64_t j = i + 1; j < r.rows; ++j) eliminate(i, j, factor[i * r.stride + j]);
      divide(i);
    }
  } else {
    for (std::int64_t i = 0; i < r.rows; ++i) {
      for (std::int64_t j = 0; j < i; ++j) eliminate(i, j, factor[j * r.stride + i]);
      divide(i);
    }
  }
}

void orthonormal_columns_in_place(Stream&, const Tile& a) {
  reserve_blas(1);
  std::vector<double> tau(static_cast<std::size_t>(a.cols));
  if (a.cols == 0) return;
  const int m = blas_int(a.rows);
  const int n = blas_int(a.cols);
  const int ld = blas_int(a.stride);
  check(LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, m, n, a.as<double>(), ld, tau.data()), "dgeqrf");
  check(LAPACKE_dorgqr(LAPACK_ROW_MAJOR, m, n, n, a.as<double>(), ld, tau.data()), "dorgqr");
}

}  // namespace

Backend cpu_backend(const Kernels& k) {
  const DTypes wide = {DType::float64};
  const DTypes widest = {DType::float64, DType::complex128};
  Backend backend("cpu", Device::Kind::cpu);
  backend.implement(k.leaf_moments, floating, leaf_moments)
      .implement(k.leaf_group_moments, floating, leaf_group_moments)
      .implement(k.merge_moments, wide, merge_moments)
      .implement(k.leaf_gram, floating, leaf_gram)
      .implement(k.merge_grams, wide, merge_grams)
      .implement(k.add, wide, add)
      .implement(k.leaf_squares, floating, leaf_squares)
      .implement(k.leaf_gram_product, floating, leaf_gram_product)
      .implement(k.leaf_triangle, inexact, leaf_triangle)
      .implement(k.leaf_q, inexact, leaf_q)
      .implement(k.qr_r, widest, qr_r)
      .implement(k.qr_pair, widest, qr_pair)
      .implement(k.gemm, numbers, gemm)
      .implement(k.standardize, floating, standardize)
      .implement(k.unstandardize, floating, unstandardize)
      .implement(k.all_finite, floating, all_finite)
      .implement(k.eigh, wide, eigh_in_place)
      .implement(k.svd, inexact, svd_into)
      .implement(k.cholesky, inexact, cholesky_in_place)
      .implement(k.solve_triangular, wide, solve_triangular_in_place)
      .implement(k.orthonormal_columns, wide, orthonormal_columns_in_place);
  return backend;
}

}  // namespace tessera::linalg
