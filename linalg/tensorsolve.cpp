#include <tessera/linalg/tensorsolve.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <tessera/array/creation.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/random.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>

namespace tessera::linalg {

Array composed::tensorsolve(const Array& given, const Array& b,
                            const std::vector<std::int64_t>& axes) {
  detail::require_together("tensorsolve", given, b);
  Array a = given;
  if (!axes.empty()) {
    std::vector<std::int64_t> order, last;
    for (const std::int64_t axis : axes)
      last.push_back(tessera::detail::checked_axis(axis, a.ndim()));
    for (std::int64_t k = 0; k < a.ndim(); ++k)
      if (std::ranges::find(last, k) == last.end()) order.push_back(k);
    order.insert(order.end(), last.begin(), last.end());
    a = permute_dims(a, order);
  }
  const Shape unknown(a.shape().begin() + std::min(b.ndim(), a.ndim()), a.shape().end());
  const std::int64_t n = element_count(unknown);
  if (n * n != a.size() || n != b.size())
    throw ValueError(
        fmt::format("tensorsolve needs as many equations as unknowns, got {} of shape {} "
                    "for a right-hand side of shape {}",
                    a.size(), to_string(a.shape()), to_string(b.shape())));
  const Array x = linalg::solve(reshape(a, {n, n}), reshape(b, {n}));
  return reshape(detail::by_rows(x), unknown);
}

Array composed::tensorinv(const Array& a, std::int64_t ind) {
  if (ind < 1 || ind > a.ndim())
    throw ValueError(fmt::format("tensorinv needs ind in [1, {}], got {}", a.ndim(), ind));
  const Shape first(a.shape().begin(), a.shape().begin() + ind);
  Shape inverse(a.shape().begin() + ind, a.shape().end());
  const std::int64_t n = element_count(inverse);
  if (element_count(first) != n)
    throw ValueError(
        fmt::format("tensorinv needs as many elements in the first {} axes as in the "
                    "others, got shape {}",
                    ind, to_string(a.shape())));
  const Array x = linalg::inv(reshape(a, {n, n}));
  inverse.insert(inverse.end(), first.begin(), first.end());
  return reshape(detail::by_rows(x), inverse);
}

Array composed::khatri_rao(const Array& a, const Array& b) {
  detail::require_together("khatri_rao", a, b);
  if (a.ndim() != 2 || b.ndim() != 2 || a.cols() != b.cols())
    throw ValueError(
        fmt::format("khatri_rao needs two matrices of as many columns, got shapes {} and {}",
                    to_string(a.shape()), to_string(b.shape())));
  const std::int64_t m = a.rows(), n = b.rows(), k = a.cols();
  return reshape(reshape(a, {m, 1, k}) * reshape(b, {1, n, k}), {m * n, k});
}

Array composed::clarkson_woodruff_transform(const Array& given, std::int64_t sketch_size,
                                            std::uint64_t seed) {
  const Array a =
      detail::by_rows(detail::matrix_argument("clarkson_woodruff_transform", given, false));
  if (sketch_size < 1)
    throw ValueError(
        fmt::format("clarkson_woodruff_transform needs sketch_size >= 1, got {}", sketch_size));
  const Shape rows = {a.rows(), 1};
  const Array where_to = random::integers(rows, 0, sketch_size, DType::int64, {seed, 0}, a.comm());
  const Array sign = random::integers(rows, 0, 2, DType::int64, {seed, 1}, a.comm()) * 2 - 1;
  const Array columns =
      reshape(tessera::arange(0, sketch_size, 1, DType::int64, a.comm()), {1, sketch_size});
  const Array s = where(where_to == columns, sign, 0);  // by rows, as a lies
  return detail::laid_out_like(linalg::matmul(transpose(s.astype(a.dtype())), a), given);
}

}  // namespace tessera::linalg
