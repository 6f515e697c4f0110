// Plain loops that read as the definition of each operation: the oracle of the other backends. Sums
// are formed in long double, so that what differs from them is not the oracle's rounding.
#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numeric>
#include <type_traits>
#include <vector>

#include <tessera/linalg/kernels/element.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

using namespace tessera::reference;
using Vector = std::vector<Wide>;
constexpr Wide eps = std::numeric_limits<Wide>::epsilon();

using tessera::detail::z;

Wide rounded(DType dtype, Wide value) {
  return dtype == DType::float32 ? Wide{static_cast<float>(value)}
                                 : Wide{static_cast<double>(value)};
}

/// S is Wide or WideComplex.
template <class S>
S element(const Tile& t, Index i, Index j) {
  if constexpr (std::is_same_v<S, Wide>)
    return at(t, i, j);
  else
    return complex_at(t, i, j);
}
Wide conjugate(Wide v) { return v; }
WideComplex conjugate(WideComplex v) { return std::conj(v); }

template <class S>
struct MatrixOf {
  Index rows, cols;
  std::vector<S> values;

  MatrixOf(Index m, Index n) : rows(m), cols(n), values(z(m * n)) {}
  explicit MatrixOf(const Tile& t) : MatrixOf(t.rows, t.cols) {
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < cols; ++j) (*this)(i, j) = element<S>(t, i, j);
  }
  S& operator()(Index i, Index j) { return values[z(i * cols + j)]; }
  S operator()(Index i, Index j) const { return values[z(i * cols + j)]; }
  /// As many rows as the tile has.
  void store(const Tile& t) const {
    for (Index i = 0; i < t.rows; ++i)
      for (Index j = 0; j < cols; ++j) put(t, i, j, (*this)(i, j));
  }
  MatrixOf adjoint() const {
    MatrixOf t(cols, rows);
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < cols; ++j) t(j, i) = conjugate((*this)(i, j));
    return t;
  }
  void require_finite(const char* what) const {
    if (!std::all_of(values.begin(), values.end(), [](S v) {
          return std::isfinite(std::real(v)) && std::isfinite(std::imag(v));
        }))
      throw LinAlgError(std::string(what) + ": the values are not finite");
  }
};
using Matrix = MatrixOf<Wide>;

/// Calls f(first row, end, the partial's row of `out`) for every leaf.
template <class F>
void for_each_leaf(const Tile& x, Index leaf_rows, const Tile& out, F f) {
  for (Index i = 0; i < out.rows; ++i)
    f(std::min(x.rows, i * leaf_rows), std::min(x.rows, (i + 1) * leaf_rows), out.slice(i, 1));
}

void leaf_moments(Stream&, const Tile& x, Index leaf_rows, const Tile& weights, const Tile& out) {
  for_each_leaf(x, leaf_rows, out, [&](Index begin, Index end, const Tile& part) {
    for (Index j = 0; j < x.cols; ++j) {
      const auto sum = [&](auto term) {
        Wide total = 0;
        for (Index i = begin; i < end; ++i)
          if (const Wide v = at(x, i, j); !std::isnan(v)) total += weight_of(weights, i) * term(v);
        return total;
      };
      const Wide count = sum([](Wide) { return 1; });
      const Wide mean = count != 0 ? sum([](Wide v) { return v; }) / count : 0;
      const auto square = [&](Wide v) { return (v - mean) * (v - mean); };
      put(part, 0, j, count);
      put(part, 0, x.cols + j, mean);
      put(part, 0, 2 * x.cols + j, count != 0 ? sum(square) : 0);
    }
  });
}

void leaf_group_moments(Stream&, const Tile& x, Index leaf_rows, const Tile& codes,
                        const Tile& weights, const Tile& out) {
  const Index k = out.cols / std::max<Index>(1, 3 * x.cols);
  for_each_leaf(x, leaf_rows, out, [&](Index begin, Index end, const Tile& part) {
    for (Index g = 0; g < k; ++g)
      for (Index j = 0; j < x.cols; ++j) {
        const auto sum = [&](auto term) {
          Wide total = 0;
          for (Index i = begin; i < end; ++i)
            if (codes.as<const std::int32_t>()[i * codes.stride] == g && weight_of(weights, i) != 0)
              total += weight_of(weights, i) * term(at(x, i, j));
          return total;
        };
        const Wide count = sum([](Wide) { return 1; });
        const Wide mean = count != 0 ? sum([](Wide v) { return v; }) / count : 0;
        put(part, 0, g * x.cols + j, count);
        put(part, 0, (k + g) * x.cols + j, mean);
        put(part, 0, (2 * k + g) * x.cols + j,
            sum([&](Wide v) { return (v - mean) * (v - mean); }));
      }
  });
}

void merge_moments(Stream&, const Tile& left, const Tile& right) {
  const Index p = left.cols / 3;
  for (Index i = 0; i < left.rows; ++i)
    for (Index j = 0; j < p; ++j) {
      const Wide n = at(left, i, j), m = at(right, i, j), total = n + m;
      if (m == 0) continue;
      const Wide delta = at(right, i, p + j) - at(left, i, p + j);
      put(left, i, j, total);
      put(left, i, p + j, at(left, i, p + j) + delta * m / total);
      put(left, i, 2 * p + j,
          at(left, i, 2 * p + j) + at(right, i, 2 * p + j) + delta * delta * n * m / total);
    }
}

void leaf_gram(Stream&, const Tile& x, Index leaf_rows, const Tile& y, const Tile& weights,
               bool center, const Tile& out) {
  const Index m = x.cols + y.cols;
  for_each_leaf(x, leaf_rows, out, [&](Index begin, Index end, const Tile& part) {
    Matrix rows(end - begin, m);
    Wide weight = 0;
    Vector mean(z(m));
    for (Index i = 0; i < rows.rows; ++i) {
      const Wide w = weight_of(weights, begin + i);
      weight += w;
      for (Index j = 0; j < m; ++j) {
        rows(i, j) = j < x.cols ? at(x, begin + i, j) : at(y, begin + i, j - x.cols);
        mean[z(j)] += w * rows(i, j);
      }
    }
    for (Wide& v : mean) v = center && weight != 0 ? v / weight : 0;
    put(part, 0, 0, weight);
    for (Index j = 0; j < m; ++j) put(part, 0, 1 + j, mean[z(j)]);
    for (Index s = 0; s < m; ++s)
      for (Index t = 0; t < m; ++t) {
        Wide sum = 0;
        for (Index i = 0; weight != 0 && i < rows.rows; ++i)
          sum +=
              weight_of(weights, begin + i) * (rows(i, s) - mean[z(s)]) * (rows(i, t) - mean[z(t)]);
        put(part, 0, 1 + m + s * m + t, sum);
      }
  });
}

void merge_grams(Stream&, Index m, Index first, const Tile& left, const Tile& right) {
  for (Index i = 0; i < left.rows; ++i) {
    const Wide n = at(left, i, 0), other = at(right, i, 0), total = n + other;
    const Wide shared = total != 0 ? n * other / total : 0;
    const auto delta = [&](Index j) { return at(right, i, 1 + j) - at(left, i, 1 + j); };
    for (Index s = first, k = 1 + m; k < left.cols; ++s)
      for (Index t = 0; t < m; ++t, ++k)
        put(left, i, k, at(left, i, k) + at(right, i, k) + shared * delta(s) * delta(t));
    for (Index j = 0; total != 0 && j < m; ++j)
      put(left, i, 1 + j, at(left, i, 1 + j) + delta(j) * other / total);
    put(left, i, 0, total);
  }
}

void add(Stream&, const Tile& left, const Tile& right) {
  for (Index i = 0; i < left.rows; ++i)
    for (Index j = 0; j < left.cols; ++j) put(left, i, j, at(left, i, j) + at(right, i, j));
}

void leaf_squares(Stream&, const Tile& x, Index leaf_rows, const Tile& out) {
  for_each_leaf(x, leaf_rows, out, [&](Index begin, Index end, const Tile& part) {
    for (Index j = 0; j < x.cols; ++j) {
      Wide sum = 0;
      for (Index i = begin; i < end; ++i) sum += at(x, i, j) * at(x, i, j);
      put(part, 0, j, sum);
    }
  });
}

void leaf_gram_product(Stream&, const Tile& x, Index leaf_rows, std::span<const double> mean,
                       const Tile& q, const Tile& out) {
  for_each_leaf(x, leaf_rows, out, [&](Index begin, Index end, const Tile& part) {
    Matrix sum(x.cols, q.cols);
    for (Index i = begin; i < end; ++i) {
      const auto xc = [&](Index j) { return rounded(x.dtype, at(x, i, j) - mean[z(j)]); };
      for (Index l = 0; l < q.cols; ++l) {
        Wide y = 0;
        for (Index j = 0; j < x.cols; ++j) y += xc(j) * at(q, j, l);
        for (Index j = 0; j < x.cols; ++j) sum(j, l) += xc(j) * rounded(x.dtype, y);
      }
    }
    for (Index k = 0; k < part.cols; ++k) put(part, 0, k, sum.values[z(k)]);
  });
}

template <class S>
Wide square_of(const std::vector<S>& v) {
  return std::accumulate(v.begin(), v.end(), Wide{0},
                         [](Wide sum, S x) { return sum + std::norm(x); });
}

/// a -= 2 v (v^H a) / v^H v for the last v.size() rows of a.
template <class S>
void reflect(const std::vector<S>& v, MatrixOf<S>& a) {
  const Wide square = square_of(v);
  const Index n = static_cast<Index>(v.size()), first = a.rows - n;
  for (Index j = 0; square != 0 && j < a.cols; ++j) {
    S dot = 0;
    for (Index i = 0; i < n; ++i) dot += conjugate(v[z(i)]) * a(first + i, j);
    for (Index i = 0; i < n; ++i) a(first + i, j) -= dot * (2 / square) * v[z(i)];
  }
}

/// Householder's QR: a becomes R; returns the reflections, the first column's first.
template <class S>
std::vector<std::vector<S>> factorise(MatrixOf<S>& a) {
  a.require_finite("QR");
  std::vector<std::vector<S>> reflections;
  for (Index k = 0; k < std::min(a.rows, a.cols); ++k) {
    std::vector<S> v;
    for (Index i = k; i < a.rows; ++i) v.push_back(a(i, k));
    const Wide size = std::abs(v[0]);
    v[0] += (size != 0 ? v[0] / size : S(1)) * std::sqrt(square_of(v));
    reflect(v, a);
    for (Index i = k + 1; i < a.rows; ++i) a(i, k) = 0;
    reflections.push_back(std::move(v));
  }
  return reflections;
}

/// a becomes R; returns Q c, where c is padded with zeros to a's rows.
template <class S>
MatrixOf<S> q_times(MatrixOf<S>& a, MatrixOf<S> c) {
  c.rows = a.rows;
  c.values.resize(z(c.rows * c.cols));
  const auto reflections = factorise(a);
  for (auto v = reflections.rbegin(); v != reflections.rend(); ++v) reflect(*v, c);
  return c;
}
template <class S>
MatrixOf<S> identity(Index n) {
  MatrixOf<S> one(n, n);
  for (Index i = 0; i < n; ++i) one(i, i) = 1;
  return one;
}

/// Calls f(S{}) with the type of numbers for a dtype.
template <class F>
void with_numbers(DType dtype, F f) {
  is_complex(dtype) ? f(WideComplex{}) : f(Wide{});
}

/// The Q of a's QR (m x n, m >= n): orthonormal whatever the rank of a.
template <class S>
MatrixOf<S> orthonormal(MatrixOf<S> a) {
  return q_times(a, identity<S>(a.cols));
}

void leaf_triangle(Stream&, const Tile& x, std::span<const double> shift, const Tile& y,
                   const Tile& weights, const Tile& r) {
  with_numbers(x.dtype, [&](auto number) {
    using S = decltype(number);
    MatrixOf<S> a(x.rows, r.cols);
    for (Index i = 0; i < a.rows; ++i)
      for (Index j = 0; j < a.cols; ++j)
        a(i, j) = std::sqrt(weight_of(weights, i)) *
                  ((j < x.cols ? element<S>(x, i, j) : element<S>(y, i, j - x.cols)) -
                   (shift.empty() ? Wide{0} : Wide{shift[z(j)]}));
    factorise(a);
    a.store(r);
  });
}

void leaf_q(Stream&, const Tile& x, const Tile& c, const Tile& out) {
  with_numbers(x.dtype, [&](auto number) {
    using Numbers = MatrixOf<decltype(number)>;
    Numbers a(x);
    q_times(a, Numbers(c)).store(out);
  });
}

void qr_pair(Stream&, const Tile& tile, Index, const Tile& q) {
  with_numbers(tile.dtype, [&](auto number) {
    using S = decltype(number);
    MatrixOf<S> a(tile);
    q_times(a, identity<S>(std::min(a.rows, a.cols))).store(q);
    a.store(tile);
  });
}

void qr_r(Stream& stream, const Tile& a) { qr_pair(stream, a, a.rows, {}); }

void orthonormal_columns(Stream&, const Tile& a) { orthonormal(Matrix(a)).store(a); }

void gemm(Stream&, double alpha, const Tile& a, Transpose ta, const Tile& b, Transpose tb,
          double beta, const Tile& c) {
  const Index k = ta == Transpose::no ? a.cols : a.rows;
  visit(c.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    // Integers modulo 2^64, of which a narrower one has the last bits.
    using Real = std::conditional_t<std::is_integral_v<T>, std::uint64_t, Wide>;
    using Sum = std::conditional_t<std::is_arithmetic_v<T>, Real, std::complex<Wide>>;
    const auto element = [](const Tile& t, Transpose op, Index i, Index j) -> Sum {
      const Sum v(t.as<const T>()[op == Transpose::no ? i * t.stride + j : j * t.stride + i]);
      if constexpr (!std::is_arithmetic_v<T>)
        if (op == Transpose::conjugate) return std::conj(v);
      return v;
    };
    for (Index i = 0; i < c.rows; ++i)
      for (Index j = 0; j < c.cols; ++j) {
        Sum sum = 0;
        for (Index l = 0; l < k; ++l) sum += element(a, ta, i, l) * element(b, tb, l, j);
        sum *= static_cast<Real>(alpha);
        if (beta != 0) sum += static_cast<Real>(beta) * element(c, Transpose::no, i, j);
        c.as<T>()[i * c.stride + j] = static_cast<T>(sum);
      }
  });
}

/// out = f(x, shift, scale) by column, computed in x's dtype.
template <class F>
void by_column(const Tile& x, std::span<const double> shift, std::span<const double> scale,
               const Tile& out, F f) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (Index i = 0; i < x.rows; ++i)
      for (Index j = 0; j < x.cols; ++j)
        out.as<T>()[i * out.stride + j] =
            f(x.as<T>()[i * x.stride + j], shift.empty() ? T(0) : static_cast<T>(shift[z(j)]),
              scale.empty() ? T(1) : static_cast<T>(scale[z(j)]));
  });
}

void standardize(Stream&, const Tile& x, std::span<const double> shift,
                 std::span<const double> scale, const Tile& out) {
  by_column(x, shift, scale, out, [](auto v, auto s, auto f) { return (v - s) / f; });
}

void unstandardize(Stream&, const Tile& x, std::span<const double> shift,
                   std::span<const double> scale, const Tile& out) {
  by_column(x, shift, scale, out, [](auto v, auto s, auto f) { return v * f + s; });
}

bool all_finite(Stream&, const Tile& x) {
  for (Index i = 0; i < x.rows; ++i)
    for (Index j = 0; j < x.cols; ++j)
      if (!std::isfinite(at(x, i, j))) return false;
  return true;
}

/// The rotation that makes [[app, apq], [apq, aqq]] diagonal.
struct Rotation {
  Wide c, s;
  Rotation(Wide app, Wide apq, Wide aqq) {
    const Wide theta = (aqq - app) / (2 * apq);
    const Wide t = std::copysign(1 / (std::abs(theta) + std::sqrt(1 + theta * theta)), theta);
    c = 1 / std::sqrt(1 + t * t);
    s = t * c;
  }
  template <class S>
  void turn(S& p, S& q) const {
    const S before = p;
    p = c * before - s * q;
    q = s * before + c * q;
  }
  template <class S>
  void turn_columns(MatrixOf<S>& a, Index p, Index q) const {
    for (Index i = 0; i < a.rows; ++i) turn(a(i, p), a(i, q));
  }
  void turn_rows(Matrix& a, Index p, Index q) const {
    for (Index j = 0; j < a.cols; ++j) turn(a(p, j), a(q, j));
  }
};

/// Sweeps over all pairs of n columns until `rotate(p, q)` finds nothing to do.
template <class F>
void jacobi(Index n, F rotate) {
  bool busy = true;
  for (int sweep = 0; busy; ++sweep) {
    if (sweep == 100) throw LinAlgError("Jacobi's method did not converge");
    busy = false;
    for (Index p = 0; p < n; ++p)
      for (Index q = p + 1; q < n; ++q) busy = rotate(p, q) || busy;
  }
}

Wide norm(const Vector& v) {
  return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), Wide{0}));
}

/// 0, 1, ... n - 1 in ascending order of values.
std::vector<Index> ascending(const Vector& values) {
  std::vector<Index> order(values.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Index i, Index j) { return values[z(i)] < values[z(j)]; });
  return order;
}

void eigh(Stream&, const Tile& tile, const Tile& values) {
  const Index n = tile.rows;
  Matrix a(tile), vectors(n, n);
  a.require_finite("eigh");
  for (Index i = 0; i < n; ++i) vectors(i, i) = 1;
  const Wide negligible = 16 * eps * norm(a.values);
  jacobi(n, [&](Index p, Index q) {
    if (std::abs(a(p, q)) <= negligible) return false;
    const Rotation rotation(a(p, p), a(p, q), a(q, q));
    rotation.turn_columns(a, p, q);
    rotation.turn_rows(a, p, q);
    rotation.turn_rows(vectors, p, q);
    return true;
  });
  Vector diagonal;
  for (Index i = 0; i < n; ++i) diagonal.push_back(a(i, i));
  const auto order = ascending(diagonal);
  for (Index i = 0; i < n; ++i) {
    put(values, 0, i, diagonal[z(order[z(i)])]);
    for (Index j = 0; j < n; ++j) put(tile, i, j, vectors(order[z(i)], j));
  }
}

/// One-sided Jacobi for m >= n: rotations v from the right make the columns of a orthogonal, their
/// norms are the singular values. u is completed where those are nothing but rounding.
template <class S>
void tall_svd(MatrixOf<S> a, MatrixOf<S>& u, Vector& s, MatrixOf<S>& v) {
  const Index n = a.cols;
  const Wide negligible = 16 * eps * std::sqrt(square_of(a.values));
  MatrixOf<S> right = identity<S>(n);
  const auto dot = [](const MatrixOf<S>& x, Index p, const MatrixOf<S>& y, Index q) {
    S sum = 0;
    for (Index i = 0; i < x.rows; ++i) sum += conjugate(x(i, p)) * y(i, q);
    return sum;
  };
  const auto multiply = [](MatrixOf<S>& x, Index j, S by) {
    for (Index i = 0; i < x.rows; ++i) x(i, j) *= by;
  };
  const auto square = [&](Index j) { return std::real(dot(a, j, a, j)); };
  jacobi(n, [&](Index p, Index q) {
    const S pq = dot(a, p, a, q);
    const Wide pp = square(p), qq = square(q), size = std::abs(pq);
    if (size <= negligible * std::sqrt(std::max(pp, qq))) return false;
    for (MatrixOf<S>* x : {&a, &right}) multiply(*x, q, conjugate(pq) / size);
    const Rotation rotation(pp, size, qq);
    rotation.turn_columns(a, p, q);
    rotation.turn_columns(right, p, q);
    return true;
  });
  Vector norms;
  for (Index j = 0; j < n; ++j) norms.push_back(std::sqrt(square(j)));
  auto order = ascending(norms);
  std::reverse(order.begin(), order.end());
  for (Index j = 0; j < n; ++j) {
    const Index from = order[z(j)];
    s[z(j)] = norms[z(from)];
    for (Index i = 0; i < a.rows; ++i) u(i, j) = a(i, from);
    for (Index i = 0; i < n; ++i) v(i, j) = right(i, from);
  }
  const MatrixOf<S> scaled = u;
  u = orthonormal(u);
  for (Index j = 0; j < n; ++j) {  // Q may have turned a column round
    const S along = dot(u, j, scaled, j);
    if (std::abs(along) > 0) multiply(u, j, along / std::abs(along));
  }
}

void svd(Stream&, const Tile& tile, const Tile& u, const Tile& s, const Tile& vh) {
  with_numbers(tile.dtype, [&](auto number) {
    using Numbers = MatrixOf<decltype(number)>;
    const Index m = tile.rows, n = tile.cols, k = std::min(m, n);
    const Numbers a(tile);
    a.require_finite("svd");
    Numbers left(m, k), right(n, k);
    Vector values(z(k));
    if (m >= n)
      tall_svd(a, left, values, right);
    else
      tall_svd(a.adjoint(), right, values, left);
    left.store(u);
    right.adjoint().store(vh);
    for (Index j = 0; j < k; ++j) put(s, 0, j, values[z(j)]);
  });
}

std::int64_t cholesky(Stream&, const Tile& tile, bool lower) {
  std::int64_t minor = 0;
  with_numbers(tile.dtype, [&](auto number) {
    using Numbers = MatrixOf<decltype(number)>;
    const Numbers a(tile);
    Numbers r(a.rows, a.cols);  // a = r^H r
    for (Index i = 0; i < a.rows && minor == 0; ++i)
      for (Index j = i; j < a.cols; ++j) {
        auto sum = lower ? conjugate(a(j, i)) : a(i, j);
        for (Index k = 0; k < i; ++k) sum -= conjugate(r(k, i)) * r(k, j);
        if (i == j && !(std::real(sum) > 0)) {
          minor = i + 1;
          break;
        }
        r(i, j) = i == j ? std::sqrt(std::real(sum)) : sum / r(i, i);
      }
    if (minor == 0) (lower ? r.adjoint() : r).store(tile);
  });
  return minor;
}

void solve_triangular(Stream&, const Tile& r, Transpose op, const Tile& tile) {
  const Index n = r.rows;
  Matrix x(tile);
  const auto element = [&](Index i, Index j) {  // of op(r)
    return op == Transpose::no ? at(r, i, j) : at(r, j, i);
  };
  for (Index k = 0; k < n; ++k) {
    const Index i = op == Transpose::no ? n - 1 - k : k;
    for (Index t = 0; t < x.cols; ++t) {
      for (Index j = op == Transpose::no ? i + 1 : 0; j < (op == Transpose::no ? n : i); ++j)
        x(i, t) -= element(i, j) * x(j, t);
      x(i, t) /= element(i, i);
    }
  }
  x.store(tile);
}

}  // namespace

Backend reference_backend(const Kernels& k) {
  const DTypes float64 = {DType::float64};
  const DTypes widest = {DType::float64, DType::complex128};
  Backend backend("reference", Device::Kind::cpu, -100);
  backend.implement(k.leaf_moments, floating, leaf_moments)
      .implement(k.leaf_group_moments, floating, leaf_group_moments)
      .implement(k.merge_moments, float64, merge_moments)
      .implement(k.leaf_gram, floating, leaf_gram)
      .implement(k.merge_grams, float64, merge_grams)
      .implement(k.add, float64, add)
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
      .implement(k.eigh, float64, eigh)
      .implement(k.svd, inexact, svd)
      .implement(k.cholesky, inexact, cholesky)
      .implement(k.solve_triangular, float64, solve_triangular)
      .implement(k.orthonormal_columns, float64, orthonormal_columns);
  return backend;
}

}  // namespace tessera::linalg
