#pragma once
#include <fmt/format.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "../suite.hpp"

/// Matrices that the cases of linear algebra share, and how their factors are judged.
namespace tessera::conformance {

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
inline void spoil(Matrix& x) {
  x.set(3, 1, nan);
  x.set(200, 2, inf);
  x.set(201, 3, -inf);
}
constexpr Run spoilt{300, 5, 128};

inline const std::vector<std::pair<Index, Index>> shapes = {{0, 0},   {1, 1},    {1, 5},   {5, 1},
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

struct Number {
  Wide re = 0, im = 0;
};
/// Element (i, j) of a matrix of `parts` real columns a column: 2 for complex numbers.
Number element(const Matrix& a, Index parts, Index i, Index j);
/// Element (s, t) of a^H b.
Number dot(const Matrix& a, Index s, const Matrix& b, Index t, Index parts);
/// R of a matrix with `rows` rows by R^H R, which phases and pivots of rounding leave alone.
void judge_triangle(const Matrix& got, const Matrix& want, Index rows, Judge& judge,
                    Index parts = 1);

/// The cases of each file here.
std::vector<Cases> partial_cases();
std::vector<Cases> qr_cases();
std::vector<Cases> product_cases();
std::vector<Cases> small_cases();

}  // namespace tessera::conformance
