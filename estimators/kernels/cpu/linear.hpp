#pragma once

#include <cstdint>

namespace tessera::on_cpu {

/// u_i = x_i coef + intercept for `rows` rows of p values, `stride` apart; T is float or double,
/// everything is added in double. Every u depends on its row only.
template <class T>
void predict_rows(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                  const double* coef, double intercept, double* u);

/// u_ci = x_i coef_c + intercept_c of k classes, each class's `u_stride` apart; `coef` has the k
/// values of a column side by side, the intercepts last. u has room for whole blocks of most_rows
/// rows. Every u depends on its row only.
template <class T>
void predict_classes(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                     const double* coef, std::int64_t k, double* u, std::int64_t u_stride);
inline constexpr std::int64_t most_rows = 32;

/// sum_cj += sum_i g_ci x_ij, where x_ip is 1, for k classes, whose g and p + 1 sums are as far
/// apart as given.
template <class T>
void add_rows(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride, const double* g,
              std::int64_t k, std::int64_t g_stride, double* sum, std::int64_t sum_stride);

/// The sum of x_j w_j, and in `square` that of x_j x_j.
template <class T>
double dot_row(const T* x, std::int64_t p, const double* w, double& square);

/// w_j = w_j shrink + x_j by, and in `square` the sum of the squares of w.
template <class T>
void step_row(const T* x, std::int64_t p, double shrink, double by, double* w, double& square);

/// For n rows, u_ci of k classes, `stride` apart, become their shares exp(u_ci) / sum_c exp(u_ci),
/// which `slope` receives, too, and loss, u_ci of the row's own class, log sum_c exp(u_ci) - loss.
void softmax(double* u, std::int64_t n, std::int64_t k, std::int64_t stride, double* slope,
             double* loss);

/// For n rows of labels y, 0 or 1: log(1 + exp(u)) - y u, its slope and its curvature by u.
void logistic(const double* u, const double* y, std::int64_t n, double* loss, double* slope,
              double* curvature);

}  // namespace tessera::on_cpu
