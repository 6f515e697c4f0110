// QR of leaves and of pairs.
#include <fmt/format.h>

#include <algorithm>

#include <tessera/linalg/kernels/kernels.hpp>

#include "matrices.hpp"

namespace tessera::conformance {
namespace {

using linalg::kernels;

/// A complex matrix is kept as a real one of twice the columns, of whose tile this is the view. Its
/// layout has even sizes.
constexpr Layout even{4, 2};
DType real_of(DType dtype) {
  return dtype == DType::complex64    ? DType::float32
         : dtype == DType::complex128 ? DType::float64
                                      : dtype;
}
Index parts(DType dtype) { return is_complex(dtype) ? 2 : 1; }
Tile as(DType dtype, Tile t) {
  t.cols /= parts(dtype);
  t.stride /= parts(dtype);
  t.dtype = dtype;
  return t;
}
DType wide_of(DType dtype) { return is_complex(dtype) ? DType::complex128 : DType::float64; }

/// a b.
Matrix product(const Matrix& a, const Matrix& b, Index parts) {
  Matrix c = result(DType::float64, a.rows, b.cols);
  for (Index i = 0; i < a.rows; ++i)
    for (Index j = 0; j < b.cols / parts; ++j) {
      Number sum;
      for (Index k = 0; k < b.rows; ++k) {
        const Number x = element(a, parts, i, k), y = element(b, parts, k, j);
        sum.re += x.re * y.re - x.im * y.im;
        sum.im += x.re * y.im + x.im * y.re;
      }
      c.set(i, j * parts, sum.re);
      if (parts == 2) c.set(i, j * 2 + 1, sum.im);
    }
  return c;
}
void leaf_triangle(Suite& suite, DType dtype) {
  Numbers numbers(8);
  const DType real = real_of(dtype);
  const Index parts = conformance::parts(dtype);
  const auto call = [&](Index m, const Host& shift) {
    return [&, m](Stream& s, Tiles t, Host& r) {
      const Index k = std::min(t[0].rows, m);
      r.assign(z(k * m * parts), std::numeric_limits<double>::quiet_NaN());
      kernels().leaf_triangle(s, as(dtype, t[0]), shift, as(dtype, t[1]), t[2],
                              as(wide_of(dtype), tile_of(r.data(), k, m * parts, m * parts)));
    };
  };
  for_each_mode([&](const Run& r, Mode mode, const std::string& what) {
    if (r.cols > 100 && mode.bits % 3 != 0) return;
    const Layout layout = mode.layout().gap ? even : compact;
    const Matrix x = data(numbers, real, r.rows, r.cols * parts, layout, mode.offset());
    const Matrix w = mode.weighted() ? weights(numbers, real, r.rows, 64) : Matrix();
    const Index q = mode.bits % 3, m = r.cols + q;
    const Matrix y = q > 0 ? data(numbers, real, r.rows, q * parts, layout, -2) : Matrix();
    Host shift;
    for (Index j = 0; mode.bits % 5 != 0 && j < m; ++j)
      shift.push_back(static_cast<double>(mode.offset() + numbers.bell()));
    suite.check(
        fmt::format("{}, {} columns of y{}", what, q, shift.empty() ? "" : ", shifted"), {x, y, w},
        call(m, shift), [&](const Outcome& got, const Outcome& want, Judge& judge) {
          const auto matrix = [&](const Host& values) {
            Matrix a(DType::float64, std::min(r.rows, m), m * parts);
            for (std::size_t k = 0; k < values.size(); ++k)
              a.set(static_cast<Index>(k) / a.cols, static_cast<Index>(k) % a.cols, values[k]);
            return a;
          };
          judge_triangle(matrix(got.host), matrix(want.host), r.rows, judge, parts);
        });
  });
  for (const Wide bad : {nan, inf}) {
    Matrix x = data(numbers, real, 40, 4 * parts);
    x.set(7, 2, bad);
    const Host none;
    suite.check_notices(fmt::format("{} in x", static_cast<double>(bad)), {x, {}, {}},
                        call(4, none));
  }
}

/// The same with complex numbers of equal parts, and the matrix laid out with gaps.
template <class F>
void for_each_dense(Numbers& numbers, DType dtype, F f) {
  const Index parts = conformance::parts(dtype);
  for_each_dense(numbers, [&](const Matrix& a, const std::string& what) {
    for (const Layout layout : {compact, even}) {
      Matrix laid = result(real_of(dtype), a.rows, a.cols * parts, layout);
      for (Index i = 0; i < a.rows; ++i)
        for (Index j = 0; j < laid.cols; ++j)
          laid.set(i, j, j % parts ? a(i, (j / parts + 1) % a.cols) / 3 : a(i, j / parts));
      f(laid, what);
    }
  });
}

void qr_r(Suite& suite, DType dtype) {
  Numbers numbers(9);
  const auto call = [&](Stream& s, Tiles t, Host&) { kernels().qr_r(s, as(dtype, t[0])); };
  for_each_dense(numbers, dtype, [&](const Matrix& a, const std::string& what) {
    suite.check(what, {a}, call, [&](const Outcome& got, const Outcome& want, Judge& judge) {
      judge_triangle(got.tiles[0], want.tiles[0], a.rows, judge, parts(dtype));
    });
  });
  for (const Wide bad : {nan, inf}) {
    Matrix a = data(numbers, DType::float64, 9, 4);
    a.set(7, 2, bad);
    suite.check_notices(fmt::format("{} in a", static_cast<double>(bad)), {a.output()}, call);
  }
}

/// Orthonormal columns, to some roundings of `eps`.
void judge_unitary(const Matrix& q, Index parts, Wide eps, Judge& judge) {
  for (Index s = 0; s < q.cols / parts; ++s)
    for (Index t = s; t < q.cols / parts; ++t) {
      const Number d = dot(q, s, q, t, parts);
      judge.near(d.re, s == t ? 1 : 0, 4 * roundings(q.rows) * eps, s, t);
      judge.near(d.im, 0, 4 * roundings(q.rows) * eps, s, t);
    }
}
/// q r = a, by the norm of a's columns.
void judge_product(const Matrix& q, const Matrix& r, const Matrix& a, Index parts, Wide eps,
                   Judge& judge) {
  const Matrix qr = product(q, r, parts);
  for (Index j = 0; j < a.cols; ++j) {
    const Wide norm = std::sqrt(dot(a, j / parts, a, j / parts, parts).re);
    for (Index i = 0; i < a.rows; ++i)
      judge.near(qr(i, j), a(i, j), 4 * roundings(a.cols) * eps * norm, i, j);
  }
}
/// The first `rows` rows.
Matrix head(const Matrix& a, Index rows) {
  Matrix b = result(a.dtype, rows, a.cols);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < a.cols; ++j) b.set(i, j, a(i, j));
  return b;
}

/// Q by its products with 1 and with R, which is x again.
void leaf_q(Suite& suite, DType dtype) {
  Numbers numbers(17);
  const Index parts = conformance::parts(dtype);
  for_each_dense(numbers, dtype, [&](const Matrix& given, const std::string& what) {
    Matrix x = given;
    x.written = false;
    const Index n = x.cols / parts, k = std::min(x.rows, n);
    const Layout layout = x.stride > x.cols ? even : compact;
    const Matrix q = result(x.dtype, x.rows, k * parts, layout);
    suite.check(
        what, {x, q, result(x.dtype, x.rows, x.cols, layout)},
        [&](Stream& s, Tiles t, Host&) {
          const auto square = [&](Host& values, Index cols) {
            values.resize(z(k * cols * parts));
            return as(wide_of(dtype), tile_of(values.data(), k, cols * parts, cols * parts));
          };
          Host one, r;
          const Tile identity = square(one, k), triangle = square(r, n);
          for (Index i = 0; i < k; ++i) one[z(i * (k + 1) * parts)] = 1;
          kernels().leaf_triangle(s, as(dtype, t[0]), {}, {}, {}, triangle);
          kernels().leaf_q(s, as(dtype, t[0]), identity, as(dtype, t[1]));
          kernels().leaf_q(s, as(dtype, t[0]), triangle, as(dtype, t[2]));
        },
        [&](const Outcome& got, const Outcome&, Judge& judge) {
          judge_unitary(got.tiles[1], parts, eps_of(x.dtype), judge);
          for (Index j = 0; j < x.cols; ++j) {
            const Wide norm = std::sqrt(dot(x, j / parts, x, j / parts, parts).re);
            for (Index i = 0; i < x.rows; ++i)
              judge.near(got.tiles[2](i, j), x(i, j),
                         4 * roundings(x.rows) * eps_of(x.dtype) * norm, i, j);
          }
        });
  });
  Matrix x = data(numbers, real_of(dtype), 40, 4 * parts);
  x.set(7, 2, nan);
  const Host one(z(16 * parts), 1.0);
  suite.check_notices(
      "nan in x", {x, result(x.dtype, 40, 4 * parts)}, [&](Stream& s, Tiles t, Host&) {
        const Tile c = tile_of(one.data(), 4, 4 * parts, 4 * parts);
        kernels().leaf_q(s, as(dtype, t[0]), as(wide_of(dtype), c), as(dtype, t[1]));
      });
}

/// Pairs of trapezoids with and without Q.
void qr_pair(Suite& suite, DType dtype) {
  Numbers numbers(18);
  const Index parts = conformance::parts(dtype);
  for_each_dense(numbers, dtype, [&](const Matrix& full, const std::string& what) {
    const Index n = full.cols / parts, k = std::min(full.rows, n);
    for (const Index top : {std::min(n, full.rows), full.rows / 2, full.rows}) {
      if (top > n || full.rows - top > n) continue;
      Matrix a = full;
      for (Index i = 0; i < a.rows; ++i)
        for (Index j = 0; j < (i < top ? i : i - top) * parts; ++j) a.set(i, j, 0);
      const Layout layout = a.stride > a.cols ? even : compact;
      suite.check(
          fmt::format("{}, {} on top", what, top),
          {a, a, result(DType::float64, a.rows, k * parts, layout)},
          [&](Stream& s, Tiles t, Host&) {
            kernels().qr_pair(s, as(dtype, t[0]), top, {});
            kernels().qr_pair(s, as(dtype, t[1]), top, as(dtype, t[2]));
          },
          [&](const Outcome& got, const Outcome& want, Judge& judge) {
            judge_triangle(got.tiles[0], want.tiles[0], a.rows, judge, parts);
            judge.same(got.tiles[1], got.tiles[0]);  // with and without Q
            judge_unitary(got.tiles[2], parts, eps64, judge);
            judge_product(got.tiles[2], head(got.tiles[1], k), a, parts, eps64, judge);
          });
    }
  });
  Matrix a = result(DType::float64, 4, 4 * parts);
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 4 * parts; ++j) a.set(i, j, j < i % 2 * parts ? 0 : 1);
  a.set(1, 3 * parts, nan);
  suite.check_notices("nan in a", {a}, [&](Stream& s, Tiles t, Host&) {
    kernels().qr_pair(s, as(dtype, t[0]), 2, {});
  });
}

}  // namespace

std::vector<Cases> qr_cases() {
  const DTypes widest = {DType::float64, DType::complex128};
  const linalg::Kernels& k = kernels();
  return {{k.leaf_triangle.name(), inexact, leaf_triangle},
          {k.leaf_q.name(), inexact, leaf_q},
          {k.qr_r.name(), widest, qr_r},
          {k.qr_pair.name(), widest, qr_pair}};
}

}  // namespace tessera::conformance
