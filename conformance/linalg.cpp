// The cases of linalg::Kernels, and the error norm that is proper to each operation.
#include <fmt/format.h>

#include <algorithm>

#include <tessera/linalg/kernels/kernels.hpp>

#include "suite.hpp"

namespace tessera::conformance {
namespace {

using linalg::kernels;
using linalg::leaf_of_run;
using linalg::Transpose;

/// What data can be like: the bits of a number.
struct Mode {
  int bits;
  bool weighted() const { return bits & 1; }
  Layout layout() const { return bits & 2 ? spread : compact; }
  Wide offset() const { return bits & 4 ? 1000 : 0; }
  std::string text() const {
    return fmt::format("{}, {}, mean {}", weighted() ? "weighted" : "no weights",
                       bits & 2 ? "strided" : "compact", bits & 4 ? "1000" : "0");
  }
};
template <class F>
void for_each_mode(F f) {
  for (const Run& r : runs())
    for (int bits = 0; bits < 8; ++bits)
      f(r, Mode{bits}, fmt::format("{}, {}", r.text(), Mode{bits}.text()));
}

/// NaN and infinities in columns 1, 2 and 3 of the first two leaves.
void spoil(Matrix& x) {
  x.set(3, 1, nan);
  x.set(200, 2, inf);
  x.set(201, 3, -inf);
}
constexpr Run spoilt{300, 5, 128};

// --- Partials of leaves -------------------------------------------------------------------------

void leaf_moments(Suite& suite, DType dtype) {
  Numbers numbers(1);
  const auto check = [&](const std::string& what, const Run& r, const Matrix& x, const Matrix& w) {
    const Matrix out = result(DType::float64, r.leaves(), 3 * r.cols, {x.stride - x.cols, 0});
    suite.check(
        what, {x, w, out, out},
        [&](Stream& s, Tiles t, Host&) {
          const auto& op = kernels().leaf_moments;
          op(s, t[0], r.leaf_rows, t[1], t[2]);
          for (Index i = 0; i < r.leaves(); ++i)
            op(s, leaf_of_run(t[0], r.leaf_rows, i), r.leaf_rows, leaf_of_run(t[1], r.leaf_rows, i),
               t[3].slice(i, 1));
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          judge.same(got.tiles[3], got.tiles[2]);  // a partial depends on its leaf alone
          const Matrix &g = got.tiles[2], &e = want.tiles[2];
          const Wide unit = roundings(r.leaf_rows) * eps64;
          for (Index i = 0; i < e.rows; ++i)
            for (Index j = 0; j < r.cols; ++j) {
              const Wide n = e(i, j), mean = e(i, r.cols + j), m2 = e(i, 2 * r.cols + j);
              const Wide shift = unit * std::abs(mean);
              judge.near(g(i, j), n, unit * n, i, j);
              judge.near(g(i, r.cols + j), mean, shift + (n > 0 ? unit * std::sqrt(m2 / n) : 0), i,
                         r.cols + j);
              judge.near(g(i, 2 * r.cols + j), m2, unit * m2 + n * shift * shift, i,
                         2 * r.cols + j);
            }
        });
  };
  for_each_mode([&](const Run& r, Mode mode, const std::string& what) {
    Matrix x = data(numbers, dtype, r.rows, r.cols, mode.layout(), mode.offset());
    const Matrix w = mode.weighted() ? weights(numbers, dtype, r.rows, r.leaf_rows) : Matrix();
    check(what, r, x, w);
    for (Index i = 0; i < r.rows; ++i)
      for (Index j = 0; j < r.cols; ++j)
        if (j == 1 || numbers.uniform() < 0.02L) x.set(i, j, nan);
    check(what + ", NaN", r, x, w);
  });
  Matrix x = data(numbers, dtype, spoilt.rows, spoilt.cols);
  spoil(x);
  check("NaN and infinities", spoilt, x, {});
}

void leaf_gram(Suite& suite, DType dtype) {
  Numbers numbers(2);
  const auto check = [&](const std::string& what, const Run& r, const Matrix& x, const Matrix& y,
                         const Matrix& w, bool center) {
    const Index m = x.cols + y.cols;
    const Matrix out = result(DType::float64, r.leaves(), 1 + m + m * m, {x.stride - x.cols, 0});
    suite.check(
        what + (center ? ", centred" : ""), {x, y, w, out, out},
        [&](Stream& s, Tiles t, Host&) {
          const auto& op = kernels().leaf_gram;
          op(s, t[0], r.leaf_rows, t[1], t[2], center, t[3]);
          for (Index i = 0; i < r.leaves(); ++i)
            op(s, leaf_of_run(t[0], r.leaf_rows, i), r.leaf_rows, leaf_of_run(t[1], r.leaf_rows, i),
               leaf_of_run(t[2], r.leaf_rows, i), center, t[4].slice(i, 1));
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          judge.same(got.tiles[4], got.tiles[3]);
          const Matrix &g = got.tiles[3], &e = want.tiles[3];
          const Wide unit = roundings(r.leaf_rows) * eps_of(dtype);
          for (Index i = 0; i < e.rows; ++i) {
            const Wide weight = e(i, 0);
            judge.near(g(i, 0), weight, roundings(r.leaf_rows) * eps64 * weight, i, 0);
            const auto diagonal = [&](Index j) { return e(i, 1 + m + j * m + j); };
            // A shift in x's dtype may be that far from the mean.
            const auto slip = [&](Index j) {
              return std::sqrt(weight) * eps_of(dtype) * std::abs(e(i, 1 + j));
            };
            const auto size = [&](Index j) { return std::sqrt(diagonal(j)) + slip(j); };
            for (Index j = 0; j < m; ++j)
              judge.near(g(i, 1 + j), e(i, 1 + j),
                         weight > 0 ? roundings(r.leaf_rows) * eps64 * std::abs(e(i, 1 + j)) +
                                          (center ? unit * size(j) / std::sqrt(weight) : 0)
                                    : 0,
                         i, 1 + j);
            for (Index k = 0; k < m * m; ++k)
              judge.near(g(i, 1 + m + k), e(i, 1 + m + k),
                         unit * size(k / m) * size(k % m) + slip(k / m) * slip(k % m), i,
                         1 + m + k);
          }
        });
  };
  for_each_mode([&](const Run& r, Mode mode, const std::string& what) {
    if (r.cols > 100 && mode.bits % 3 != 0) return;  // the reference takes its time
    const Matrix x = data(numbers, dtype, r.rows, r.cols, mode.layout(), mode.offset());
    const Matrix w = mode.weighted() ? weights(numbers, dtype, r.rows, r.leaf_rows) : Matrix();
    const Index q = mode.bits % 3;
    const Matrix y = q > 0 ? data(numbers, dtype, r.rows, q, mode.layout(), -2) : Matrix();
    const std::string with = fmt::format("{}, {} columns of y", what, q);
    check(with, r, x, y, w, true);
    check(with, r, x, y, w, false);
  });
  Matrix x = data(numbers, dtype, spoilt.rows, spoilt.cols);
  spoil(x);
  check("NaN and infinities", spoilt, x, {}, {}, true);
  check("NaN and infinities", spoilt, x, {}, {}, false);
}

void leaf_squares(Suite& suite, DType dtype) {
  Numbers numbers(3);
  const auto check = [&](const std::string& what, const Run& r, const Matrix& x) {
    const Matrix out = result(DType::float64, r.leaves(), r.cols, {x.stride - x.cols, 0});
    suite.check(
        what, {x, out, out},
        [&](Stream& s, Tiles t, Host&) {
          const auto& op = kernels().leaf_squares;
          op(s, t[0], r.leaf_rows, t[1]);
          for (Index i = 0; i < r.leaves(); ++i)
            op(s, leaf_of_run(t[0], r.leaf_rows, i), r.leaf_rows, t[2].slice(i, 1));
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          judge.same(got.tiles[2], got.tiles[1]);
          for (Index i = 0; i < r.leaves(); ++i)
            for (Index j = 0; j < r.cols; ++j) {
              const Wide e = want.tiles[1](i, j);
              judge.near(got.tiles[1](i, j), e, roundings(r.leaf_rows) * eps64 * e, i, j);
            }
        });
  };
  for_each_mode([&](const Run& r, Mode mode, const std::string& what) {
    if (!mode.weighted())
      check(what, r, data(numbers, dtype, r.rows, r.cols, mode.layout(), mode.offset()));
  });
  Matrix x = data(numbers, dtype, spoilt.rows, spoilt.cols);
  spoil(x);
  check("NaN and infinities", spoilt, x);
}

void leaf_gram_product(Suite& suite, DType dtype) {
  Numbers numbers(4);
  const auto check = [&](const std::string& what, const Run& r, const Matrix& x, const Matrix& q,
                         const Host& mean) {
    const Index l = q.cols;
    const Matrix out = result(DType::float64, r.leaves(), r.cols * l, {x.stride - x.cols, 0});
    suite.check(
        fmt::format("{}, {} columns of q", what, l), {x, q, out, out},
        [&](Stream& s, Tiles t, Host&) {
          const auto& op = kernels().leaf_gram_product;
          op(s, t[0], r.leaf_rows, mean, t[1], t[2]);
          for (Index i = 0; i < r.leaves(); ++i)
            op(s, leaf_of_run(t[0], r.leaf_rows, i), r.leaf_rows, mean, t[1], t[3].slice(i, 1));
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          judge.same(got.tiles[3], got.tiles[2]);
          const Wide unit = (roundings(r.leaf_rows) + roundings(r.cols)) * eps_of(dtype);
          for (Index i = 0; i < r.leaves(); ++i) {
            // |Xc|^T |Xc| |q|; the mean may be rounded to x's dtype before it is subtracted.
            std::vector<Wide> allowed(z(r.cols * l));
            for (Index row = i * r.leaf_rows; row < std::min(r.rows, (i + 1) * r.leaf_rows); ++row)
              for (Index c = 0; c < l; ++c) {
                const auto xc = [&](Index j) { return std::abs(x(row, j) - mean[z(j)]); };
                const auto slip = [&](Index j) { return eps_of(dtype) * std::abs(mean[z(j)]); };
                Wide y = 0, y_slip = 0;
                for (Index j = 0; j < r.cols; ++j) {
                  y += xc(j) * std::abs(q(j, c));
                  y_slip += slip(j) * std::abs(q(j, c));
                }
                for (Index j = 0; j < r.cols; ++j)
                  allowed[z(j * l + c)] += unit * xc(j) * y + slip(j) * y + xc(j) * y_slip;
              }
            for (Index k = 0; k < r.cols * l; ++k)
              judge.near(got.tiles[2](i, k), want.tiles[2](i, k), allowed[z(k)], i, k);
          }
        });
  };
  for_each_mode([&](const Run& r, Mode mode, const std::string& what) {
    if (mode.weighted()) return;
    const Matrix x = data(numbers, dtype, r.rows, r.cols, mode.layout(), mode.offset());
    Host mean;
    for (Index j = 0; j < r.cols; ++j)
      mean.push_back(static_cast<double>(mode.offset() * (1 + 0.01L * static_cast<Wide>(j)) +
                                         numbers.uniform()));
    for (const Index l : {1, 12})
      check(what, r, x, data(numbers, dtype, r.cols, l, mode.layout()), mean);
  });
  Matrix x = data(numbers, dtype, spoilt.rows, spoilt.cols);
  spoil(x);
  check("NaN and infinities", spoilt, x, data(numbers, dtype, spoilt.cols, 3), Host(5, 0.25));
}

// --- Merging ------------------------------------------------------------------------------------

/// Partials of a merge: `make(matrix, row)` fills a row.
template <class F>
void merge_cases(Numbers& numbers, Index values, F use) {
  for (const Index rows : {0, 1, 7})
    for (const Layout layout : {compact, spread}) {
      Matrix left(DType::float64, rows, values, layout),
          right(DType::float64, rows, values, layout);
      for (Matrix* m : {&left, &right})
        for (Index i = 0; i < rows; ++i)
          for (Index k = 0; k < values; ++k) m->set(i, k, numbers.bell());
      use(left.output(), right,
          fmt::format("{} partials of {}{}", rows, values, layout.gap ? ", strided" : ""));
    }
}

/// Weights of partials: a plain one, and rows where one side or both are empty.
Wide partial_weight(Numbers& numbers, bool is_left, Index row) {
  const bool empty = row == 3 || (is_left ? row == 1 : row == 2);
  return empty ? 0 : 1 + 100 * numbers.uniform();
}

void merge_moments(Suite& suite, DType) {
  Numbers numbers(5);
  for (const Index p : {1, 5, 67})
    merge_cases(numbers, 3 * p, [&](Matrix left, Matrix right, const std::string& what) {
      for (Matrix* m : {&left, &right})
        for (Index i = 0; i < m->rows; ++i)
          for (Index j = 0; j < p; ++j) {
            const Wide n = partial_weight(numbers, m == &left, i);
            m->set(i, j, n);
            m->set(i, p + j, n > 0 ? 100 + numbers.bell() : 0);
            m->set(i, 2 * p + j, n * numbers.uniform());
          }
      suite.check(
          what, {left, right},
          [](Stream& s, Tiles t, Host&) { kernels().merge_moments(s, t[0], t[1]); },
          [&](const Outcome& got, const Outcome& want, Judge& judge) {
            for (Index i = 0; i < left.rows; ++i)
              for (Index j = 0; j < 3 * p; ++j)
                judge.near(got.tiles[0](i, j), want.tiles[0](i, j),
                           8 * eps64 * (std::abs(want.tiles[0](i, j)) + std::abs(left(i, j))), i,
                           j);
          });
    });
}

void merge_grams(Suite& suite, DType) {
  Numbers numbers(6);
  for (const Index m : {1, 4, 33})
    merge_cases(numbers, 1 + m + m * m, [&](Matrix left, Matrix right, const std::string& what) {
      for (Matrix* a : {&left, &right})
        for (Index i = 0; i < a->rows; ++i) {
          const Wide n = partial_weight(numbers, a == &left, i);
          a->set(i, 0, n);
          for (Index k = 1; k < 1 + m + m * m; ++k)
            a->set(i, k, n > 0 ? (*a)(i, k) + (k <= m ? 100 : 0) : 0);
        }
      suite.check(
          what, {left, right},
          [](Stream& s, Tiles t, Host&) { kernels().merge_grams(s, t[0], t[1]); },
          [&](const Outcome& got, const Outcome& want, Judge& judge) {
            for (Index i = 0; i < left.rows; ++i)
              for (Index k = 0; k < left.cols; ++k) {
                const Wide e = want.tiles[0](i, k);
                const Wide parts = std::abs(left(i, k)) + std::abs(right(i, k));
                judge.near(got.tiles[0](i, k), e, 8 * eps64 * (std::abs(e) + parts), i, k);
              }
          });
    });
}

void add(Suite& suite, DType) {
  Numbers numbers(7);
  for (const Index values : {1, 19, 1031})
    merge_cases(
        numbers, values, [&](const Matrix& left, const Matrix& right, const std::string& what) {
          suite.check(
              what, {left, right}, [](Stream& s, Tiles t, Host&) { kernels().add(s, t[0], t[1]); },
              [&](const Outcome& got, const Outcome& want, Judge& judge) {
                judge.same(got.tiles[0], want.tiles[0]);
              });
        });
}

// --- QR -----------------------------------------------------------------------------------------

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

struct Number {
  Wide re = 0, im = 0;
};
/// Element (i, j) of a matrix of `parts` real columns a column.
Number element(const Matrix& a, Index parts, Index i, Index j) {
  return {a(i, j * parts), parts == 2 ? a(i, j * parts + 1) : 0};
}
/// Element (s, t) of a^H b.
Number dot(const Matrix& a, Index s, const Matrix& b, Index t, Index parts) {
  Number sum;
  for (Index i = 0; i < a.rows; ++i) {
    const Number x = element(a, parts, i, s), y = element(b, parts, i, t);
    sum.re += x.re * y.re + x.im * y.im;
    sum.im += x.re * y.im - x.im * y.re;
  }
  return sum;
}
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

/// R of a matrix with `rows` rows by R^H R, which phases and pivots of rounding leave alone.
void judge_triangle(const Matrix& got, const Matrix& want, Index rows, Judge& judge,
                    Index parts = 1) {
  const Index cols = want.cols / parts;
  const Wide unit = (roundings(rows) + roundings(cols)) * eps64;
  std::vector<Wide> norms;
  for (Index j = 0; j < cols; ++j) norms.push_back(std::sqrt(dot(want, j, want, j, parts).re));
  for (Index s = 0; s < cols; ++s)
    for (Index t = s; t < cols; ++t) {
      const Number g = dot(got, s, got, t, parts), w = dot(want, s, want, t, parts);
      judge.near(g.re, w.re, unit * norms[z(s)] * norms[z(t)], s, t);
      judge.near(g.im, w.im, unit * norms[z(s)] * norms[z(t)], s, t);
    }
  for (Index i = 0; i < got.rows; ++i)
    for (Index j = 0; j < std::min(i, cols) * parts; ++j)
      judge.holds(got(i, j) == 0, "zeros below the diagonal", i, j);
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

const std::vector<std::pair<Index, Index>> shapes = {{0, 0},   {1, 1},    {1, 5},   {5, 1},
                                                     {2, 3},   {17, 17},  {31, 64}, {64, 31},
                                                     {257, 5}, {300, 67}, {0, 4},   {4, 0}};

/// Matrices to factorise: full rank, rank 2, badly scaled columns, zero.
template <class F>
void for_each_dense(Numbers& numbers, F f) {
  for (const auto& [m, n] : shapes)
    for (const char* kind : {"full rank", "rank 2", "graded", "zero"}) {
      const std::string name = kind;
      Matrix a = data(numbers, DType::float64, m, n);
      for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < n; ++j) {
          if (name == "rank 2" && j > 1) a.set(i, j, a(i, 0) - a(i, 1) * static_cast<Wide>(j));
          if (name == "graded") a.set(i, j, a(i, j) * std::pow(10.0L, -static_cast<Wide>(j % 12)));
          if (name == "zero") a.set(i, j, 0);
        }
      f(a.output(), fmt::format("{} x {}, {}", m, n, name));
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

// --- Products and elementwise -------------------------------------------------------------------

void gemm(Suite& suite, DType dtype) {
  Numbers numbers(10);
  const auto check = [&](const std::string& what, double alpha, const Matrix& a, bool ta,
                         const Matrix& b, bool tb, double beta, const Matrix& c) {
    suite.check(
        what, {a, b, c},
        [&](Stream& s, Tiles t, Host&) {
          kernels().gemm(s, alpha, t[0], static_cast<Transpose>(ta), t[1],
                         static_cast<Transpose>(tb), beta, t[2]);
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          const Index k = ta ? a.rows : a.cols;
          for (Index i = 0; i < c.rows; ++i)
            for (Index j = 0; j < c.cols; ++j) {
              Wide size = beta != 0 ? std::abs(beta * c(i, j)) : 0;  // |alpha| |a| |b| + |beta| |c|
              for (Index l = 0; l < k; ++l)
                size += std::abs(alpha * (ta ? a(l, i) : a(i, l)) * (tb ? b(j, l) : b(l, j)));
              judge.near(got.tiles[2](i, j), want.tiles[2](i, j),
                         (4 + static_cast<Wide>(k)) * eps_of(dtype) * size, i, j);
            }
        });
  };
  for (const Index m : {0, 1, 7, 257})
    for (const Index n : {1, 5, 67})
      for (const Index k : {0, 1, 17, 131})
        for (int mode = 0; mode < 8; ++mode) {
          const bool ta = mode & 1, tb = mode & 2, overwrite = mode & 4;
          const Layout layout = (mode + m) % 2 ? compact : spread;
          const Matrix a =
              ta ? data(numbers, dtype, k, m, layout) : data(numbers, dtype, m, k, layout);
          const Matrix b =
              tb ? data(numbers, dtype, n, k, layout) : data(numbers, dtype, k, n, layout);
          const Matrix c = overwrite ? result(dtype, m, n, layout)  // nothing but NaN
                                     : data(numbers, dtype, m, n, layout).output();
          check(fmt::format("{} x {} x {}, {}{}, {}, {}", m, n, k, ta ? "a^T " : "a ",
                            tb ? "b^T" : "b", layout.gap ? "strided" : "compact",
                            overwrite ? "beta 0" : "beta 0.25"),
                overwrite ? 1 : -1.5, a, ta, b, tb, overwrite ? 0 : 0.25, c);
        }
  Matrix a = data(numbers, dtype, 9, 5);
  a.set(3, 2, nan);
  a.set(4, 1, inf);
  check("NaN and infinity in a", 1, a, false, data(numbers, dtype, 5, 4), false, 0,
        result(dtype, 9, 4));
}

template <class Operation>
void scaling(Suite& suite, DType dtype, const Operation& op) {
  Numbers numbers(11);
  std::vector<std::pair<Index, Index>> sizes = {{0, 3},    {1, 1},     {7, 5},
                                                {257, 16}, {1031, 17}, {30011, 7}};
  for (const auto& [rows, cols] : sizes)
    for (int mode = 0; mode < 4; ++mode)
      for (const Layout layout : {compact, spread}) {
        Matrix x = data(numbers, dtype, rows, cols, layout, 3);
        if (rows > 4) {
          x.set(1, 0, nan);
          x.set(2, cols - 1, inf);
          x.set(3, 0, -0.0L);
          x.set(4, 0, std::numeric_limits<float>::denorm_min());
        }
        Host shift, scale;
        for (Index j = 0; j < cols; ++j) {
          if (mode & 1) shift.push_back(static_cast<double>(numbers.bell()));
          if (mode & 2) scale.push_back(static_cast<double>(0.3L + numbers.uniform()));
        }
        const std::string what =
            fmt::format("{} x {}{}{}{}", rows, cols, mode & 1 ? ", shift" : "",
                        mode & 2 ? ", scale" : "", layout.gap ? ", strided" : "");
        const auto exact = [](std::size_t k) {
          return [k](const Outcome& got, const Outcome& want, Judge& judge) {
            judge.same(got.tiles[k], want.tiles[k]);
          };
        };
        suite.check(
            what, {x, result(dtype, rows, cols, layout.gap ? Layout{1, 2} : compact)},
            [&](Stream& s, Tiles t, Host&) { op(s, t[0], shift, scale, t[1]); }, exact(1));
        suite.check(
            what + ", in place", {x.output()},
            [&](Stream& s, Tiles t, Host&) { op(s, t[0], shift, scale, t[0]); }, exact(0));
      }
}
void standardize(Suite& suite, DType dtype) { scaling(suite, dtype, kernels().standardize); }
void unstandardize(Suite& suite, DType dtype) { scaling(suite, dtype, kernels().unstandardize); }

void all_finite(Suite& suite, DType dtype) {
  Numbers numbers(12);
  const auto check = [&](const std::string& what, const Matrix& x) {
    suite.check(
        what, {x},
        [](Stream& s, Tiles t, Host& host) { host = {kernels().all_finite(s, t[0]) ? 1.0 : 0.0}; },
        [](const Outcome& got, const Outcome& want, Judge& judge) {
          judge.same(got.host.at(0), want.host.at(0));
        });
  };
  const Wide largest = dtype == DType::float32 ? Wide{std::numeric_limits<float>::max()}
                                               : Wide{std::numeric_limits<double>::max()};
  for (const auto& [rows, cols] : shapes)
    for (const Layout layout : {compact, spread}) {
      Matrix x = data(numbers, dtype, rows, cols, layout);
      if (rows * cols > 0) {
        x.set(0, 0, largest);
        x.set(rows - 1, 0, -largest);
      }
      const std::string what = fmt::format("{} x {}{}", rows, cols, layout.gap ? ", strided" : "");
      check(what, x);
      for (const Wide bad : {nan, inf, -inf})
        for (int place = 0; rows * cols > 0 && place < 3; ++place) {
          Matrix y = x;
          const Index i = place == 0 ? 0 : place == 1 ? rows - 1 : numbers.below(rows);
          const Index j = place == 0 ? 0 : place == 1 ? cols - 1 : numbers.below(cols);
          y.set(i, j, bad);
          check(fmt::format("{}, {} at ({}, {})", what, static_cast<double>(bad), i, j), y);
        }
    }
}

// --- Small dense solves -------------------------------------------------------------------------

Wide dense_unit(Index n) { return (8 + 2 * static_cast<Wide>(n)) * eps64; }
Wide frobenius(const Matrix& a) {
  Wide sum = 0;
  for (Index i = 0; i < a.rows; ++i)
    for (Index j = 0; j < a.cols; ++j) sum += a(i, j) * a(i, j);
  return std::sqrt(sum);
}
Matrix transposed(const Matrix& a) {
  Matrix t(a.dtype, a.cols, a.rows);
  for (Index i = 0; i < a.rows; ++i)
    for (Index j = 0; j < a.cols; ++j) t.set(j, i, a(i, j));
  return t;
}
/// a^T b, element by element.
template <class F>
void for_each_product(const Matrix& a, const Matrix& b, F f) {
  for (Index s = 0; s < a.cols; ++s)
    for (Index t = 0; t < b.cols; ++t) {
      Wide sum = 0;
      for (Index i = 0; i < a.rows; ++i) sum += a(i, s) * b(i, t);
      f(s, t, sum);
    }
}
void judge_orthonormal_columns(const Matrix& q, Judge& judge) {
  for_each_product(q, q, [&](Index s, Index t, Wide dot) {
    judge.near(dot, s == t ? 1 : 0, dense_unit(q.rows), s, t);
  });
}
/// u diag(values) v^T = a.
void judge_factors(const Matrix& a, const Matrix& u, const Matrix& values, const Matrix& v,
                   Judge& judge) {
  Matrix scaled = u;
  for (Index i = 0; i < u.rows; ++i)
    for (Index j = 0; j < u.cols; ++j) scaled.set(i, j, u(i, j) * values(0, j));
  const Wide tolerance = dense_unit(std::max(a.rows, a.cols)) * frobenius(a);
  for_each_product(transposed(scaled), transposed(v),
                   [&](Index i, Index j, Wide sum) { judge.near(sum, a(i, j), tolerance, i, j); });
}
void judge_values(const Matrix& got, const Matrix& want, Wide tolerance, Judge& judge) {
  for (Index j = 0; j < want.cols; ++j) judge.near(got(0, j), want(0, j), tolerance, 0, j);
}

/// Symmetric matrices: indefinite, of rank 1, diagonal with equal eigenvalues, zero; or with 5 n on
/// the diagonal, positive definite.
template <class F>
void for_each_symmetric(Numbers& numbers, F f) {
  for (const Index n : {0, 1, 2, 5, 17, 65})
    for (const char* kind : {"indefinite", "definite", "rank 1", "diagonal", "zero"}) {
      const std::string name = kind;
      Matrix a = result(DType::float64, n, n);
      std::vector<Wide> v;
      for (Index i = 0; i < n; ++i) v.push_back(numbers.bell());
      for (Index i = 0; i < n; ++i)
        for (Index j = i; j < n; ++j) {
          const Wide diagonal = i == j ? static_cast<Wide>(1 + i / 3) : 0;
          const Wide value = name == "rank 1"     ? v[z(i)] * v[z(j)]
                             : name == "diagonal" ? diagonal
                             : name == "zero"     ? 0
                             : name == "definite"
                                 ? numbers.bell() + 5 * static_cast<Wide>(n) * (i == j)
                                 : numbers.bell() - (i == 0 && j == 0 ? 9 : 0);
          a.set(i, j, value);
          a.set(j, i, value);
        }
      f(a, fmt::format("{} x {}, {}", n, n, name));
    }
}

/// A NaN and an infinity may not go unnoticed.
void notices(Suite& suite, std::vector<Matrix> tiles, const Suite::Call& call) {
  for (const Wide bad : {nan, inf}) {
    tiles[0].set(1, 2, bad);
    tiles[0].set(2, 1, bad);
    suite.check_notices(fmt::format("{} in a", static_cast<double>(bad)), tiles, call);
  }
}

void eigh(Suite& suite, DType) {
  Numbers numbers(13);
  const auto call = [](Stream& s, Tiles t, Host&) { kernels().eigh(s, t[0], t[1]); };
  for_each_symmetric(numbers, [&](const Matrix& a, const std::string& what) {
    suite.check(what, {a, result(DType::float64, 1, a.rows)}, call,
                [&](const Outcome& got, const Outcome& want, Judge& judge) {
                  const Matrix vectors = transposed(got.tiles[0]);
                  judge_orthonormal_columns(vectors, judge);
                  judge_factors(a, vectors, got.tiles[1], vectors, judge);
                  judge_values(got.tiles[1], want.tiles[1], dense_unit(a.rows) * frobenius(a),
                               judge);
                  for (Index j = 1; j < a.rows; ++j)
                    judge.holds(got.tiles[1](0, j - 1) <= got.tiles[1](0, j), "ascending", 0, j);
                });
  });
  notices(suite, {data(numbers, DType::float64, 4, 4).output(), result(DType::float64, 1, 4)},
          call);
}

void svd(Suite& suite, DType) {
  Numbers numbers(14);
  const auto call = [](Stream& s, Tiles t, Host&) { kernels().svd(s, t[0], t[1], t[2], t[3]); };
  const auto tiles = [](const Matrix& a) {
    const Index k = std::min(a.rows, a.cols);
    return std::vector<Matrix>{a, result(DType::float64, a.rows, k), result(DType::float64, 1, k),
                               result(DType::float64, k, a.cols)};
  };
  for_each_dense(numbers, [&](const Matrix& a, const std::string& what) {
    suite.check(what, tiles(a), call, [&](const Outcome& got, const Outcome& want, Judge& judge) {
      const Matrix &u = got.tiles[1], &s = got.tiles[2], v = transposed(got.tiles[3]);
      judge_orthonormal_columns(u, judge);
      judge_orthonormal_columns(v, judge);
      judge_factors(a, u, s, v, judge);
      judge_values(s, want.tiles[2], dense_unit(std::max(a.rows, a.cols)) * frobenius(a), judge);
      for (Index j = 0; j < s.cols; ++j)
        judge.holds(s(0, j) >= 0 && (j == 0 || s(0, j) <= s(0, j - 1)), "descending from 0 up", 0,
                    j);
    });
  });
  notices(suite, tiles(data(numbers, DType::float64, 6, 4).output()), call);
}

void cholesky(Suite& suite, DType) {
  Numbers numbers(15);
  const auto call = [](Stream& s, Tiles t, Host& host) {
    host = {kernels().cholesky(s, t[0]) ? 1.0 : 0.0};
  };
  for_each_symmetric(numbers, [&](const Matrix& a, const std::string& what) {
    if (what.ends_with("rank 1")) return;  // rounding decides
    suite.check(what, {a}, call, [&](const Outcome& got, const Outcome& want, Judge& judge) {
      judge.same(got.host.at(0), want.host.at(0));
      if (want.host[0] != 0) judge_triangle(got.tiles[0], want.tiles[0], a.rows, judge);
    });
  });
  Matrix a = result(DType::float64, 4, 4);
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 4; ++j) a.set(i, j, i == j ? 3 : 0.5L);
  notices(suite, {a}, call);
}

void orthonormal_columns(Suite& suite, DType) {
  Numbers numbers(16);
  const auto call = [](Stream& s, Tiles t, Host&) { kernels().orthonormal_columns(s, t[0]); };
  for_each_dense(numbers, [&](const Matrix& a, const std::string& what) {
    if (a.rows < a.cols) return;
    suite.check(what, {a}, call, [&](const Outcome& got, const Outcome&, Judge& judge) {
      const Matrix& q = got.tiles[0];
      judge_orthonormal_columns(q, judge);
      Matrix inside(DType::float64, a.cols, a.cols);  // q^T a, so that q q^T a = a
      for_each_product(q, a, [&](Index s, Index t, Wide sum) { inside.set(s, t, sum); });
      for_each_product(transposed(q), inside, [&](Index i, Index j, Wide sum) {
        judge.near(sum, a(i, j), dense_unit(a.rows) * frobenius(a), i, j);
      });
    });
  });
  notices(suite, {data(numbers, DType::float64, 6, 4).output()}, call);
}

}  // namespace

std::vector<Cases> linalg_cases() {
  const DTypes float64 = {DType::float64};
  const DTypes widest = {DType::float64, DType::complex128};
  const linalg::Kernels& k = kernels();
  return {{k.leaf_moments.name(), floating, leaf_moments},
          {k.merge_moments.name(), float64, merge_moments},
          {k.leaf_gram.name(), floating, leaf_gram},
          {k.merge_grams.name(), float64, merge_grams},
          {k.add.name(), float64, add},
          {k.leaf_squares.name(), floating, leaf_squares},
          {k.leaf_gram_product.name(), floating, leaf_gram_product},
          {k.leaf_triangle.name(), inexact, leaf_triangle},
          {k.leaf_q.name(), inexact, leaf_q},
          {k.qr_r.name(), widest, qr_r},
          {k.qr_pair.name(), widest, qr_pair},
          {k.gemm.name(), floating, gemm},
          {k.standardize.name(), floating, standardize},
          {k.unstandardize.name(), floating, unstandardize},
          {k.all_finite.name(), floating, all_finite},
          {k.eigh.name(), float64, eigh},
          {k.svd.name(), float64, svd},
          {k.cholesky.name(), float64, cholesky},
          {k.orthonormal_columns.name(), float64, orthonormal_columns}};
}

}  // namespace tessera::conformance
