#include <tessera/linalg/outer.hpp>

#include <fmt/format.h>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::linalg {

Array composed::outer(const Array& a, const Array& b) {
  detail::require_together("outer", a, b);
  if (a.ndim() != 1 || b.ndim() != 1)
    throw ValueError(fmt::format("outer needs two vectors, got shapes {} and {}",
                                 to_string(a.shape()), to_string(b.shape())));
  const DType dtype = detail::common_dtype(a.dtype(), b.dtype());
  const Array column = detail::converted(a.reshape({a.rows(), 1}), dtype);
  const Array row = detail::converted(gather(b).reshape({b.rows(), 1}), dtype);
  const Array result = detail::multiply(column, Operand(row, Transpose::yes));
  return detail::laid_out_like(result, column);
}

}  // namespace tessera::linalg
