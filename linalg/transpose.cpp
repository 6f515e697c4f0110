#include <tessera/linalg/transpose.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/stream.hpp>

namespace tessera::linalg {
namespace {

Operand transposed(const char* function, const Array& x, Transpose op) {
  if (!x || x.ndim() < 1 || x.ndim() > 2)
    throw ValueError(fmt::format("{} needs a matrix or a vector, got {}", function,
                                 x ? "an array of shape " + to_string(x.shape()) : "no array"));
  return {x, op};
}

}  // namespace

Shape Operand::shape() const {
  Shape shape = array.shape();
  if (op != Transpose::no) std::reverse(shape.begin(), shape.end());
  return shape;
}

Operand transpose(const Array& x) { return transposed("transpose", x, Transpose::yes); }
Operand adjoint(const Array& x) { return transposed("adjoint", x, Transpose::conjugate); }

// Column blocks of x, one for each process and column-major, are x^T cut by rows.
Array evaluate(const Operand& given) {
  if (given.op == Transpose::no) return given.array;
  const Array& x = given.array;
  Array out = x;
  if (x.ndim() == 2) {
    const int processes = x.comm().size();
    const auto each = std::max<std::int64_t>(1, (x.cols() + processes - 1) / processes);
    const auto by_columns = Distribution::block_cyclic(
        x.rows(), x.cols(), 1, processes, std::max<std::int64_t>(1, x.rows()), each, processes);
    out = from_local(redistribute(x.to(cpu), by_columns).local(), {x.rows()}, x.comm());
  }
  if (given.op == Transpose::conjugate) out = detail::conjugated(out);
  return detail::laid_out_like(out, x);
}

Array block_cyclic(const Array& given, std::int64_t block) {
  const Array x = detail::matrix_argument("block_cyclic", given, false);
  if (block < 1 || block > std::numeric_limits<int>::max())
    throw ValueError(fmt::format("block_cyclic needs a block of at least 1, got {}", block));
  const int processes = x.comm().size();
  const int height = scalapack::Grid::near_square(processes);
  return redistribute(x, Distribution::block_cyclic(x.rows(), x.cols(), height, processes / height,
                                                    block, block, processes));
}

}  // namespace tessera::linalg
