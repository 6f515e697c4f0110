#include <tessera/linalg/matmul.hpp>

#include <fmt/format.h>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::linalg {
namespace {

// A vector as a matrix of one column: itself, or its conjugate.
Array column(const Array& v, bool conjugate) {
  const Array x = v.reshape({v.rows(), 1});
  return conjugate ? detail::conjugated(x) : x;
}
Array flat(const Array& column) { return detail::by_rows(column).reshape({column.rows()}); }

void check_extents(const Operand& a, const Operand& b) {
  const Shape left = a.shape();
  const Shape right = b.shape();
  for (const Shape& s : {left, right})
    if (s.empty() || s.size() > 2)
      throw ValueError(fmt::format("matmul needs matrices or vectors, got shapes {} and {}",
                                   to_string(left), to_string(right)));
  if (left.back() != right.front())
    throw ValueError(
        fmt::format("matmul: inner extents differ: {} @ {}", to_string(left), to_string(right)));
}

}  // namespace

Array composed::matmul(const Operand& a, const Operand& b) {
  detail::require_together("matmul", a.array, b.array);
  return detail::matmul_as(detail::common_dtype(a.dtype(), b.dtype()), a, b);
}

Array detail::matmul_as(DType dtype, const Operand& given_a, const Operand& given_b) {
  check_extents(given_a, given_b);
  const Operand a(detail::converted(given_a.array, dtype), given_a.op);
  const Operand b(detail::converted(given_b.array, dtype), given_b.op);
  const bool a_conjugate = a.op == Transpose::conjugate;
  const bool b_conjugate = b.op == Transpose::conjugate;
  if (a.array.ndim() == 2 && b.array.ndim() == 2)
    return detail::laid_out_like(detail::multiply(a, b), a.array);
  if (a.array.ndim() == 2) {
    const Array product = detail::multiply(a, column(b.array, b_conjugate));
    return flat(detail::laid_out_like(product, a.array));
  }
  if (b.array.ndim() == 1) {
    const Operand row(column(a.array, false), a_conjugate ? Transpose::conjugate : Transpose::yes);
    const Array product = detail::multiply(row, column(b.array, b_conjugate));
    return gather(product).reshape({}).to(a.device());
  }
  // v op(b) = op(b)^T v, and v b^H is the conjugate of b conj(v).
  const Operand turned(b.array, b.op == Transpose::no ? Transpose::yes : Transpose::no);
  const Array product = detail::multiply(turned, column(a.array, a_conjugate != b_conjugate));
  return detail::laid_out_like(flat(b_conjugate ? detail::conjugated(product) : product), a.array);
}

}  // namespace tessera::linalg
