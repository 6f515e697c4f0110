#pragma once
#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <limits>
#include <vector>

#include <tessera/linalg/transpose.hpp>
#include <tessera/runtime/array.hpp>

#include "support/near.hpp"

/// Matrices that every process holds in full, computed with in double precision: what the results
/// of linalg are judged against.
namespace tessera::test {

using Z = std::complex<double>;

template <class T>
Z wide(const T& v) {
  if constexpr (is_complex_type<T>::value)
    return {static_cast<double>(v.real()), static_cast<double>(v.imag())};
  else
    return static_cast<double>(v);
}
template <class T>
[[gnu::noinline]] T narrow(const Z& v) {  // inlined, g++ 12 drops the rounding of complex<float>
  if constexpr (is_complex_type<T>::value)
    return {static_cast<typename T::value_type>(v.real()),
            static_cast<typename T::value_type>(v.imag())};
  else
    return static_cast<T>(v.real());
}
template <class T>
double eps_of() {
  if constexpr (is_complex_type<T>::value)
    return std::numeric_limits<typename T::value_type>::epsilon();
  else
    return std::numeric_limits<T>::epsilon();
}

struct HostMatrix {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<Z> values;

  HostMatrix(std::int64_t m, std::int64_t n)
      : rows(m), cols(n), values(static_cast<std::size_t>(m * n)) {}
  /// f(i, j)
  HostMatrix(std::int64_t m, std::int64_t n, const std::function<Z(std::int64_t, std::int64_t)>& f)
      : HostMatrix(m, n) {
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) (*this)(i, j) = f(i, j);
  }
  Z& operator()(std::int64_t i, std::int64_t j) {
    return values[static_cast<std::size_t>(i * cols + j)];
  }
  const Z& operator()(std::int64_t i, std::int64_t j) const {
    return values[static_cast<std::size_t>(i * cols + j)];
  }
  HostMatrix adjoint() const {
    return {cols, rows, [&](auto i, auto j) { return std::conj((*this)(j, i)); }};
  }
  HostMatrix transpose() const {
    return {cols, rows, [&](auto i, auto j) { return (*this)(j, i); }};
  }
  /// Frobenius.
  double norm() const {
    double sum = 0;
    for (const Z& v : values) sum += std::norm(v);
    return std::sqrt(sum);
  }
};

inline HostMatrix operator*(const HostMatrix& a, const HostMatrix& b) {
  HostMatrix c(a.rows, b.cols);
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t k = 0; k < a.cols; ++k)
      for (std::int64_t j = 0; j < b.cols; ++j) c(i, j) += a(i, k) * b(k, j);
  return c;
}
inline HostMatrix operator-(const HostMatrix& a, const HostMatrix& b) {
  return {a.rows, a.cols, [&](auto i, auto j) { return a(i, j) - b(i, j); }};
}
inline HostMatrix identity(std::int64_t n) {
  return {n, n, [](auto i, auto j) { return i == j ? 1.0 : 0.0; }};
}

/// A matrix or vector (as a column) from wherever it lies. Collective.
template <class T>
HostMatrix host(const Array& x) {
  const Array whole = gather(x).to(cpu);
  const auto values = whole.values<T>();
  HostMatrix h(x.rows(), x.cols());
  std::transform(values.begin(), values.end(), h.values.begin(), wide<T>);
  return h;
}

/// How test matrices lie.
enum class Layout { rows, replicated, block_cyclic };
inline const std::vector<Layout> all_layouts = {Layout::rows, Layout::replicated,
                                                Layout::block_cyclic};
inline const char* name_of_layout(Layout l) {
  return l == Layout::rows ? "rows" : l == Layout::replicated ? "replicated" : "block_cyclic";
}
/// Blocks of 7 x 7, so that small matrices are dealt to all processes.
inline Distribution distribution_for(Layout layout, std::int64_t m, std::int64_t n, int processes) {
  if (layout == Layout::rows) return Distribution::rows(m, processes);
  if (layout == Layout::replicated) return Distribution::replicated(m, processes);
  const int high = static_cast<int>(std::sqrt(processes) + 1e-9);
  return Distribution::block_cyclic(m, n, high, processes / high, 7, 7, processes);
}
template <class T>
Array laid_out(const HostMatrix& h, Layout layout,
               const Communicator& comm = Communicator::world()) {
  return make<T>(
      {h.rows, h.cols}, distribution_for(layout, h.rows, h.cols, comm.size()),
      [&](std::int64_t flat) { return narrow<T>(h.values[static_cast<std::size_t>(flat)]); }, comm);
}
template <class T>
Array vector_laid_out(const HostMatrix& h, Layout layout,
                      const Communicator& comm = Communicator::world()) {
  return laid_out<T>(h, layout == Layout::block_cyclic ? Layout::rows : layout, comm)
      .reshape({h.rows});
}

/// Uniform in the square around 0, real for real T, rounded to T.
template <class T>
HostMatrix random_matrix(std::int64_t m, std::int64_t n, std::uint64_t seed = 1) {
  return {
      m, n, [&](auto i, auto j) {
        const std::int64_t flat = i * n + j;
        return wide(narrow<T>({2 * unit(flat, seed) - 1,
                               is_complex_type<T>::value ? 2 * unit(flat, seed + 1000) - 1 : 0.0}));
      }};
}
/// Rounded to what T holds.
template <class T>
HostMatrix rounded(HostMatrix h) {
  for (Z& v : h.values) v = wide(narrow<T>(v));
  return h;
}
/// h h^H + n * identity, rounded to T and then exactly Hermitian.
template <class T>
HostMatrix positive_definite(std::int64_t n, std::uint64_t seed = 1) {
  const HostMatrix h = random_matrix<T>(n, n, seed);
  HostMatrix p = rounded<T>(h * h.adjoint());
  for (std::int64_t i = 0; i < n; ++i) {
    p(i, i) = wide(narrow<T>(p(i, i).real() + static_cast<double>(n)));
    for (std::int64_t j = 0; j < i; ++j) p(j, i) = std::conj(p(i, j));
  }
  return p;
}

/// ||got - wanted|| over eps * max(1, dimension) * scale: LAPACK's kind of measure, a few at most.
template <class T>
double error_of(const HostMatrix& got, const HostMatrix& wanted, double scale) {
  const double n = static_cast<double>(std::max<std::int64_t>({1, got.rows, got.cols}));
  const double norm = (got - wanted).norm();
  return norm == 0.0 ? 0.0 : norm / (eps_of<T>() * n * std::max(scale, 1e-300));
}
/// ||q^H q - 1|| likewise.
template <class T>
double orthogonality(const HostMatrix& q) {
  return error_of<T>(q.adjoint() * q, identity(q.cols), 1.0);
}

}  // namespace tessera::test
