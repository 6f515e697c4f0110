// Products and what is done by element.
#include <fmt/format.h>

#include <algorithm>

#include <tessera/array/promotion.hpp>
#include <tessera/linalg/kernels/kernels.hpp>

#include "matrices.hpp"

namespace tessera::conformance {
namespace {

using linalg::kernels;
using linalg::Transpose;

void gemm(Suite& suite, DType dtype) {
  Numbers numbers(10);
  const auto element = [](const Matrix& m, Transpose op, Index i, Index j) {
    return op == Transpose::no ? m.number(i, j) : m.number(j, i);
  };
  const auto check = [&](const std::string& what, double alpha, const Matrix& a, Transpose ta,
                         const Matrix& b, Transpose tb, double beta, const Matrix& c) {
    suite.check(
        what, {a, b, c},
        [&](Stream& s, Tiles t, Host&) {
          kernels().gemm(s, alpha, t[0], ta, t[1], tb, beta, t[2]);
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          const Index k = ta == Transpose::no ? a.cols : a.rows;
          for (Index i = 0; i < c.rows; ++i)
            for (Index j = 0; j < c.cols; ++j) {
              // |alpha| |a| |b| + |beta| |c|, real and imaginary parts taken together.
              const auto magnitude = [](const std::complex<Wide>& v) {
                return std::abs(v.real()) + std::abs(v.imag());
              };
              Wide size = beta != 0 ? std::abs(beta) * magnitude(c.number(i, j)) : 0;
              for (Index l = 0; l < k; ++l)
                size += std::abs(alpha) * magnitude(element(a, ta, i, l)) *
                        magnitude(element(b, tb, l, j));
              const Wide allowed = (4 + static_cast<Wide>(k)) * eps_of(dtype) * size;
              const auto g = got.tiles[2].number(i, j);
              const auto e = want.tiles[2].number(i, j);
              judge.near(g.real(), e.real(), allowed, i, j);
              if (is_complex(dtype)) judge.near(g.imag(), e.imag(), allowed, i, j);
            }
        });
  };
  const auto text = [](const char* name, Transpose op) {
    return std::string(name) + (op == Transpose::no ? "" : op == Transpose::yes ? "^T" : "^H");
  };
  // Integers wrap around, alike everywhere.
  const bool whole = is_integer(dtype);
  const auto some = [&](Index rows, Index cols, Layout layout) {
    if (!whole) return data(numbers, dtype, rows, cols, layout);
    Matrix x(dtype, rows, cols, layout);
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < cols; ++j) x.set(i, j, static_cast<Wide>(numbers.below(100)));
    return x;
  };
  const double alpha = whole ? 3 : -1.5, beta = whole ? 2 : 0.25;
  const auto ops = {Transpose::no, Transpose::yes, Transpose::conjugate};
  for (const Index m : {0, 1, 7, 257})
    for (const Index n : {1, 5, 67})
      for (const Index k : {0, 1, 17, 131})
        for (const Transpose ta : ops)
          for (const Transpose tb : ops) {
            const bool conjugate = ta == Transpose::conjugate || tb == Transpose::conjugate;
            // The transpose once more; of integers small ones are enough.
            if ((conjugate || whole) && !is_complex(dtype) && m > 7) continue;
            for (const bool overwrite : {false, true}) {
              const Layout layout =
                  (m + n + k + overwrite + static_cast<int>(ta)) % 2 ? compact : spread;
              const Matrix a = ta != Transpose::no ? some(k, m, layout) : some(m, k, layout);
              const Matrix b = tb != Transpose::no ? some(n, k, layout) : some(k, n, layout);
              const Matrix c = overwrite ? result(dtype, m, n, layout)  // nothing but NaN
                                         : some(m, n, layout).output();
              check(fmt::format("{} x {} x {}, {} {}, {}, {}", m, n, k, text("a", ta),
                                text("b", tb), layout.gap ? "strided" : "compact",
                                overwrite ? "beta 0" : fmt::format("beta {}", beta)),
                    overwrite ? 1 : alpha, a, ta, b, tb, overwrite ? 0 : beta, c);
            }
          }
  if (whole) return;
  Matrix a = data(numbers, dtype, 9, 5);
  a.set(3, 2, nan);
  a.set(4, 1, inf);
  check("NaN and infinity in a", 1, a, Transpose::no, data(numbers, dtype, 5, 4), Transpose::no, 0,
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

}  // namespace

std::vector<Cases> product_cases() {
  const linalg::Kernels& k = kernels();
  return {{k.gemm.name(), linalg::numbers, gemm},
          {k.standardize.name(), floating, standardize},
          {k.unstandardize.name(), floating, unstandardize},
          {k.all_finite.name(), floating, all_finite}};
}

}  // namespace tessera::conformance
