#include <fmt/format.h>

#include <array>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/linalg/dealt.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/transposed.hpp>

namespace tessera::stacks {
namespace {

DType product_dtype(std::string_view function, const Array& x1, const Array& x2) {
  const DType dtype = promote(x1.dtype(), x2.dtype());
  if (dtype == DType::boolean) throw TypeError(fmt::format("{} takes numbers, not bool", function));
  return dtype;
}

// x as products take it: a transpose that has not been formed is not formed for them.
linalg::Operand operand(const Array& x, DType dtype) {
  const Array matrix = detail::transposed_of(x);
  const Array converted = linalg::detail::converted(matrix ? matrix : x, dtype);
  return {converted, matrix ? linalg::Transpose::yes : linalg::Transpose::no};
}

// Of matrices and vectors.
Array plain_product(const linalg::Operand& a, const linalg::Operand& b) {
  if (!is_integer(a.dtype())) return linalg::matmul(a, b);
  return linalg::detail::matmul_as(a.dtype(), {detail::in_rows(a.array), a.op},
                                   {detail::in_rows(b.array), b.op});
}

Array product_of_stacks(const Array& a, const Array& b) {
  const Dealt dealt("matmul", {{a, 2}, {b, 2}});
  const Part &left = dealt.parts()[0], &right = dealt.parts()[1];
  Array own;
  together(dealt.comm(), [&] {
    const std::int64_t n = dealt.mine().size(), rows = left.shape()[0], cols = right.shape()[1];
    own = alone({n, rows, cols}, a.dtype());
    parallel_for({0, n}, Runtime::threads(), [&](std::int64_t i, Stream& stream) {
      const Tile out{at(own, i * rows * cols), rows, cols, cols, a.dtype(), cpu};
      linalg::kernels().gemm(stream, 1.0, left.tile(i), linalg::Transpose::no, right.tile(i),
                             linalg::Transpose::no, 0.0, out);
    });
  });
  return dealt.collected(own);
}

}  // namespace

Array matmul(const Array& x1, const Array& x2) {
  linalg::detail::require_together("matmul", x1, x2);
  const DType dtype = product_dtype("matmul", x1, x2);
  const bool row = x1.ndim() == 1, column = x2.ndim() == 1;
  if (x1.ndim() == 0 || x2.ndim() == 0 ||
      x1.shape().back() != x2.shape()[static_cast<std::size_t>(column ? 0 : x2.ndim() - 2)])
    throw ValueError(fmt::format("matmul: shapes do not fit: {} @ {}", to_string(x1.shape()),
                                 to_string(x2.shape())));
  if (x1.ndim() <= 2 && x2.ndim() <= 2)
    return detail::settle(plain_product(operand(x1, dtype), operand(x2, dtype)));
  const Array a = linalg::detail::converted(x1, dtype);
  if (x2.ndim() <= 2) {  // one matrix of all rows
    const linalg::Operand b = operand(x2, dtype);
    const std::int64_t k = a.shape().back();
    Shape shape(a.shape().begin(), a.shape().end() - 1);
    const Array rows = reshape(a, {element_count(shape), k});
    if (!column) shape.push_back(b.shape().back());
    return detail::settle(reshape(plain_product(rows, b), std::move(shape)));
  }
  const Array b = linalg::detail::converted(x2, dtype);
  const Array product =
      product_of_stacks(row ? expand_dims(a, {0}) : a, column ? expand_dims(b, {1}) : b);
  return row ? squeeze(product, {-2}) : product;
}

Array vecdot(const Array& x1, const Array& x2, std::int64_t axis) {
  linalg::detail::require_together("vecdot", x1, x2);
  const DType dtype = product_dtype("vecdot", x1, x2);
  const std::int64_t least = std::min(x1.ndim(), x2.ndim());
  if (axis >= 0 && x1.ndim() == x2.ndim()) axis -= x1.ndim();
  const auto extent = [&](const Array& x) {
    return x.shape()[static_cast<std::size_t>(x.ndim() + axis)];
  };
  if (axis >= 0 || axis < -least || extent(x1) != extent(x2))
    throw ValueError(fmt::format("vecdot: shapes {} and {} do not fit along axis {}",
                                 to_string(x1.shape()), to_string(x2.shape()), axis));
  const Array a = linalg::detail::converted(x1, dtype), b = linalg::detail::converted(x2, dtype);
  if (is_integer(dtype) || axis != -1) return sum(multiply(conj(a), b), {{axis}}, false, dtype);
  if (a.shape() == b.shape() && a.ndim() <= 2)
    return detail::settle(linalg::vecdot(detail::in_rows(a), detail::in_rows(b)));
  const std::array both = {a, b};
  const std::vector<Array> seen = broadcast_arrays(both);
  Shape lead(seen[0].shape().begin(), seen[0].shape().end() - 1);
  const Shape flat = {element_count(lead), extent(a)};
  return detail::settle(
      reshape(linalg::vecdot(reshape(seen[0], flat), reshape(seen[1], flat)), std::move(lead)));
}

Array tensordot(const Array& x1, const Array& x2, std::span<const std::int64_t> axes1,
                std::span<const std::int64_t> axes2) {
  linalg::detail::require_together("tensordot", x1, x2);
  const DType dtype = product_dtype("tensordot", x1, x2);
  const Array a = linalg::detail::converted(x1, dtype), b = linalg::detail::converted(x2, dtype);
  return detail::settle(is_integer(dtype) ? linalg::detail::tensordot_as(dtype, a, b, axes1, axes2)
                                          : linalg::tensordot(a, b, axes1, axes2));
}

Array tensordot(const Array& x1, const Array& x2, std::int64_t axes) {
  const auto [first, second] = linalg::detail::last_and_first(x1, x2, axes);
  return tensordot(x1, x2, first, second);
}

Array outer(const Array& x1, const Array& x2) {
  if (x1.ndim() != 1 || x2.ndim() != 1)
    throw ValueError(fmt::format("outer needs two vectors, got shapes {} and {}",
                                 to_string(x1.shape()), to_string(x2.shape())));
  return multiply(expand_dims(x1, {1}), expand_dims(x2, {0}));
}

Array cross(const Array& x1, const Array& x2, std::int64_t axis) {
  const std::int64_t least = std::min(x1.ndim(), x2.ndim());
  if (axis >= 0 && x1.ndim() == x2.ndim()) axis -= x1.ndim();
  const auto part = [axis](const Array& x, std::int64_t i) {
    std::vector<Index> at(static_cast<std::size_t>(x.ndim()), Slice{});
    at[static_cast<std::size_t>(x.ndim() + axis)] = i;
    return index(x, at);
  };
  const auto extent = [&](const Array& x) {
    return x.shape()[static_cast<std::size_t>(x.ndim() + axis)];
  };
  if (axis >= 0 || axis < -least || extent(x1) != 3 || extent(x2) != 3)
    throw ValueError(fmt::format("cross needs vectors of 3 elements, got shapes {} and {}, axis {}",
                                 to_string(x1.shape()), to_string(x2.shape()), axis));
  std::vector<Array> parts;
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::int64_t j = (i + 1) % 3, k = (i + 2) % 3;
    parts.push_back(part(x1, j) * part(x2, k) - part(x1, k) * part(x2, j));
  }
  return stack(parts, axis);
}

}  // namespace tessera::stacks
