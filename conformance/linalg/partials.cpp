// Partials of leaves and how they merge.
#include <fmt/format.h>

#include <algorithm>

#include <tessera/linalg/kernels/kernels.hpp>

#include "matrices.hpp"

namespace tessera::conformance {
namespace {

using linalg::kernels;
using linalg::leaf_of_run;

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

void leaf_group_moments(Suite& suite, DType dtype) {
  constexpr Index groups = 3;
  Numbers numbers(22);
  for_each_mode([&](const Run& r, Mode mode, const std::string& what) {
    const Matrix x = data(numbers, dtype, r.rows, r.cols, mode.layout(), mode.offset());
    const Matrix w = mode.weighted() ? weights(numbers, dtype, r.rows, r.leaf_rows) : Matrix();
    Matrix codes(DType::int32, r.rows, 1);
    for (Index i = 0; i < r.rows; ++i)
      codes.set(i, 0, static_cast<Wide>(numbers.below(groups + 2) - 1));  // two are left out
    const Index values = groups * r.cols;
    suite.check(
        what, {x, codes, w, result(DType::float64, r.leaves(), 3 * values, mode.layout())},
        [&](Stream& s, Tiles t, Host&) {
          kernels().leaf_group_moments(s, t[0], r.leaf_rows, t[1], t[2], t[3]);
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          const Matrix &g = got.tiles[3], &e = want.tiles[3];
          const Wide unit = roundings(r.leaf_rows) * eps64;
          for (Index i = 0; i < e.rows; ++i)
            for (Index j = 0; j < values; ++j) {
              const Wide n = e(i, j), mean = e(i, values + j), m2 = e(i, 2 * values + j);
              // What rounding may move a mean by, and what that does to the squares about it.
              const Wide shift = unit * (std::abs(mean) + (n > 0 ? std::sqrt(m2 / n) : 0));
              judge.near(g(i, j), n, unit * n, i, j);
              judge.near(g(i, values + j), mean, shift, i, values + j);
              judge.near(g(i, 2 * values + j), m2,
                         unit * m2 + 2 * std::sqrt(n * m2) * shift + n * shift * shift, i,
                         2 * values + j);
            }
        });
  });
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
  struct Slice {
    Index columns, first, rows;
  };
  for (const auto [m, first, rows] :
       std::initializer_list<Slice>{{1, 0, 1}, {4, 0, 4}, {33, 0, 33}, {33, 30, 3}, {5, 2, 0}})
    merge_cases(numbers, 1 + m + rows * m, [&](Matrix left, Matrix right, const std::string& what) {
      for (Matrix* a : {&left, &right})
        for (Index i = 0; i < a->rows; ++i) {
          const Wide n = partial_weight(numbers, a == &left, i);
          a->set(i, 0, n);
          for (Index k = 1; k < a->cols; ++k)
            a->set(i, k, n > 0 ? (*a)(i, k) + (k <= m ? 100 : 0) : 0);
        }
      suite.check(
          what, {left, right},
          [&](Stream& s, Tiles t, Host&) { kernels().merge_grams(s, m, first, t[0], t[1]); },
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

}  // namespace

std::vector<Cases> partial_cases() {
  const DTypes float64 = {DType::float64};
  const linalg::Kernels& k = kernels();
  return {{k.leaf_moments.name(), floating, leaf_moments},
          {k.leaf_group_moments.name(), floating, leaf_group_moments},
          {k.merge_moments.name(), float64, merge_moments},
          {k.leaf_gram.name(), floating, leaf_gram},
          {k.merge_grams.name(), float64, merge_grams},
          {k.add.name(), float64, add},
          {k.leaf_squares.name(), floating, leaf_squares},
          {k.leaf_gram_product.name(), floating, leaf_gram_product}};
}

}  // namespace tessera::conformance
