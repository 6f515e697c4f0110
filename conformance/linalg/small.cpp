// Small dense solves.
#include <fmt/format.h>

#include <algorithm>

#include <tessera/linalg/kernels/kernels.hpp>

#include "matrices.hpp"

namespace tessera::conformance {
namespace {

using linalg::kernels;

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
  const auto call = [](bool lower) {
    return [lower](Stream& s, Tiles t, Host& host) {
      const auto minor = kernels().cholesky(s, t[0], lower);
      host = {minor == 0 ? 1.0 : 0.0, static_cast<double>(minor)};
    };
  };
  for_each_symmetric(numbers, [&](const Matrix& a, const std::string& what) {
    if (what.ends_with("rank 1")) return;  // rounding decides
    for (const bool lower : {false, true}) {
      Matrix half = a;  // the other triangle is not read
      for (Index i = 0; i < a.rows; ++i)
        for (Index j = 0; j < a.rows; ++j)
          if (lower ? i < j : i > j) half.set(i, j, nan);
      suite.check(what + (lower ? ", lower" : ""), {half}, call(lower),
                  [&](const Outcome& got, const Outcome& want, Judge& judge) {
                    judge.same(got.host.at(1), want.host.at(1));
                    if (want.host[0] == 0) return;
                    if (lower)
                      judge_triangle(transposed(got.tiles[0]), transposed(want.tiles[0]), a.rows,
                                     judge);
                    else
                      judge_triangle(got.tiles[0], want.tiles[0], a.rows, judge);
                  });
    }
  });
  Matrix a = result(DType::float64, 4, 4);
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 4; ++j) a.set(i, j, i == j ? 3 : 0.5L);
  notices(suite, {a}, call(false));
  notices(suite, {a}, call(true));
}

void solve_triangular(Suite& suite, DType) {
  using linalg::Transpose;
  Numbers numbers(19);
  for (const Index n : {0, 1, 2, 5, 17, 65})
    for (const Index l : {1, 3, 20})
      for (const Transpose op : {Transpose::no, Transpose::yes}) {
        Matrix r(DType::float64, n, n);  // what lies below the diagonal is poison
        for (Index i = 0; i < n; ++i)
          for (Index j = i; j < n; ++j)
            r.set(i, j, i == j ? 2 + numbers.uniform() : numbers.bell());
        const Matrix b = data(numbers, DType::float64, n, l).output();
        suite.check(
            fmt::format("{} x {}, {} columns of b{}", n, n, l, op == Transpose::no ? "" : ", r^T"),
            {r, b},
            [&](Stream& s, Tiles t, Host&) { kernels().solve_triangular(s, t[0], op, t[1]); },
            [&](const Outcome& got, const Outcome&, Judge& judge) {
              const Matrix& x = got.tiles[1];  // op(r) x = b, to some roundings of |r| |x|
              for (Index i = 0; i < n; ++i)
                for (Index t = 0; t < l; ++t) {
                  Wide sum = 0, size = 0;
                  const bool plain = op == Transpose::no;
                  for (Index j = plain ? i : 0; j < (plain ? n : i + 1); ++j) {
                    const Wide term = (plain ? r(i, j) : r(j, i)) * x(j, t);
                    sum += term;
                    size += std::abs(term);
                  }
                  judge.near(sum, b(i, t), dense_unit(n) * size, i, t);
                }
            });
      }
  Matrix r = result(DType::float64, 4, 4);
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 4; ++j) r.set(i, j, i <= j ? 1 : 0);
  notices(suite, {data(numbers, DType::float64, 4, 3).output(), r}, [](Stream& s, Tiles t, Host&) {
    kernels().solve_triangular(s, t[1], Transpose::no, t[0]);
  });
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
      const Wide unit = dense_unit(a.rows) * frobenius(a);
      for_each_product(transposed(q), inside,
                       [&](Index i, Index j, Wide sum) { judge.near(sum, a(i, j), unit, i, j); });
    });
  });
  notices(suite, {data(numbers, DType::float64, 6, 4).output()}, call);
}

}  // namespace

std::vector<Cases> small_cases() {
  const DTypes float64 = {DType::float64};
  const linalg::Kernels& k = kernels();
  return {{k.eigh.name(), float64, eigh},
          {k.svd.name(), float64, svd},
          {k.cholesky.name(), float64, cholesky},
          {k.solve_triangular.name(), float64, solve_triangular},
          {k.orthonormal_columns.name(), float64, orthonormal_columns}};
}

}  // namespace tessera::conformance
