#pragma once
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <tessera/linalg/transpose.hpp>

/// What matmul and the products made of it share: matrices (2-D) of one dtype of numbers whose
/// inner extents agree.
namespace tessera::linalg::detail {

/// op(a) op(b) as docs of matmul have it, lying wherever its algorithm leaves it: by rows,
/// replicated or block-cyclic. With `fold`, every row of `a`, as it lies, holds that many rows of
/// the left factor, and every row of the result as many of the product. Collective.
Array multiply(const Operand& a, const Operand& b, std::int64_t fold = 1);

/// op(a) op(b) summed over the leaves of the extent that is contracted, of which a and b have rows
/// (or are replicated), in the reduction tree: accumulated in float64 or complex128, integers
/// exactly modulo 2^64; replicated. Collective.
Array contract(const Operand& a, const Operand& b);
/// matmul() of operands converted to that dtype of numbers; integers wrap around. Collective.
Array matmul_as(DType dtype, const Operand& a, const Operand& b);
/// The same for tensordot().
Array tensordot_as(DType dtype, const Array& a, const Array& b,
                   std::span<const std::int64_t> axes_a, std::span<const std::int64_t> axes_b);
/// The last axes of a and as many first of b; ValueError when there are not as many.
std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> last_and_first(const Array& a,
                                                                               const Array& b,
                                                                               std::int64_t axes);
/// Results of more elements are too large for the tree: every leaf has one.
constexpr std::int64_t most_in_tree = std::int64_t{1} << 22;

/// The complex conjugate; x itself when it is real. Collective.
Array conjugated(const Array& x);
/// x in that dtype, on its device. Collective.
Array converted(const Array& x, DType dtype);
/// TypeError unless both lie on one communicator, ValueError unless both are arrays.
void require_together(std::string_view function, const Array& a, const Array& b);

}  // namespace tessera::linalg::detail
