#pragma once

#include <cstdint>

namespace tessera::on_cpu {

/// u_i = x_i coef + intercept for `rows` rows of p values, `stride` apart; T is float or double,
/// everything is added in double. Every u depends on its row only.
template <class T>
void predict_rows(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                  const double* coef, double intercept, double* u);

/// sum_j += sum_i g_i x_ij.
template <class T>
void add_rows(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride, const double* g,
              double* sum);

/// The sum of x_j w_j, and in `square` that of x_j x_j.
template <class T>
double dot_row(const T* x, std::int64_t p, const double* w, double& square);

/// w_j = w_j shrink + x_j by, and in `square` the sum of the squares of w.
template <class T>
void step_row(const T* x, std::int64_t p, double shrink, double by, double* w, double& square);

/// v = exp(v) for n values.
void exponentials(double* v, std::int64_t n);

/// For n rows of labels y, 0 or 1: log(1 + exp(u)) - y u, its slope and its curvature by u.
void logistic(const double* u, const double* y, std::int64_t n, double* loss, double* slope,
              double* curvature);

}  // namespace tessera::on_cpu
