// The cases of linalg::Kernels.
#include "matrices.hpp"

#include <algorithm>

namespace tessera::conformance {

Number element(const Matrix& a, Index parts, Index i, Index j) {
  return {a(i, j * parts), parts == 2 ? a(i, j * parts + 1) : 0};
}
Number dot(const Matrix& a, Index s, const Matrix& b, Index t, Index parts) {
  Number sum;
  for (Index i = 0; i < a.rows; ++i) {
    const Number x = element(a, parts, i, s), y = element(b, parts, i, t);
    sum.re += x.re * y.re + x.im * y.im;
    sum.im += x.re * y.im - x.im * y.re;
  }
  return sum;
}

void judge_triangle(const Matrix& got, const Matrix& want, Index rows, Judge& judge, Index parts) {
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

std::vector<Cases> linalg_cases() {
  std::vector<Cases> all;
  for (const auto& cases : {partial_cases(), qr_cases(), product_cases(), small_cases()})
    all.insert(all.end(), cases.begin(), cases.end());
  return all;
}

}  // namespace tessera::conformance
