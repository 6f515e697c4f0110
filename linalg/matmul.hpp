#pragma once
#include <tessera/linalg/transpose.hpp>

namespace tessera::linalg {

/// a @ b of matrices and vectors (numpy.matmul of 1-D and 2-D operands): (m x k) @ (k x n), (k,) @
/// (k x n), (m x k) @ (k,), (k,) @ (k,) -> shape (). Either may be transposed: matmul(transpose(x),
/// y); the adjoint of a vector is its conjugate. The operands' dtypes are promoted to a common
/// floating or complex one, integers to float64. ValueError unless the inner extents agree,
/// TypeError for operands of different communicators. Collective. 2 m k n flops.
///
/// By distribution, never holding a full operand on one process unless it is replicated already:
///   rows @ replicated         every process multiplies its own rows; nothing is sent
///   rows @ rows, rows @ rows^T  panels of b's rows travel to all, one at a time
///   rows^T @ rows,            one product per leaf, added in the reduction tree in float64 (or
///   rows^T @ replicated,      complex128); only m x n results travel (for results of up to 2^22
///   replicated @ rows         elements)
///   rows^T otherwise          x^T is formed by rows, then as above
///   block_cyclic with any     p?gemm; on one process for up to 2^20 elements
/// Same bits at any number of processes but for p?gemm on a grid. The result lies like the left
/// operand's array (not its transpose) by the rule of docs/linalg.md: x @ b like x, x^T @ y
/// replicated unless it is large. Complex numbers are multiplied on the host.
Array matmul(const Operand& a, const Operand& b);

}  // namespace tessera::linalg
