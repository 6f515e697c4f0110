#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <tessera/array/scalar.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/linalg/det.hpp>
#include <tessera/linalg/eig.hpp>
#include <tessera/linalg/eigh.hpp>
#include <tessera/linalg/norm.hpp>
#include <tessera/linalg/qr.hpp>
#include <tessera/linalg/svd.hpp>
#include <tessera/runtime/array.hpp>

/// The linear algebra of the array API standard: functions of matrices, the last two axes of an
/// array, and of stacks of them, all axes before. Leading axes of several operands broadcast.
///
/// One matrix goes to the function of that name in tessera::linalg, which computes on all
/// processes; its results lie as that lays them. The matrices of a stack are dealt over the
/// processes in equal runs, each is computed by the same function on one process, and results lie
/// by rows, or on every process where all operands do. The bits depend on neither. dtypes promote
/// as in the standard; where it asks for floating ones, integers compute in float64. All are
/// collective; ValueError for shapes that do not fit, and what tessera::linalg throws, of a stack
/// on every process what one of its matrices caused.
namespace tessera::stacks {

using linalg::Eig;
using linalg::Eigh;
using linalg::NormOrder;
using linalg::Qr;
using linalg::QrMode;
using linalg::Svd;

/// What of an operand is one matrix (2), vector (1) or number (0): its last axes.
struct Stack {
  Array array;
  std::size_t axes;
};
using Results = std::vector<Array>;
/// f(matrix of each operand) for all of them; the results of each call have the same shapes and
/// dtypes. On one process of a stack f gets arrays of that process alone; where no operand has
/// leading axes f gets the operands, and is collective.
Results over(std::string_view function, const std::vector<Stack>& operands,
             const std::function<Results(std::span<const Array>)>& f);

/// x1 @ x2 (numpy.matmul) of numbers: (..., m, k) @ (..., k, n) -> (..., m, n); a vector (k,) is
/// one row on the left, one column on the right, and that axis is dropped. Integers are exact
/// modulo the size of their dtype. TypeError for booleans.
Array matmul(const Array& x1, const Array& x2);
/// The sum of conj(x1) * x2 over an axis, counted from the end of both, which broadcast.
Array vecdot(const Array& x1, const Array& x2, std::int64_t axis = -1);
/// The sum of products over pairs of axes.
Array tensordot(const Array& x1, const Array& x2, std::span<const std::int64_t> axes1,
                std::span<const std::int64_t> axes2);
/// The last `axes` axes of x1 against the first of x2.
Array tensordot(const Array& x1, const Array& x2, std::int64_t axes = 2);
/// (m,) and (n,) -> (m, n).
Array outer(const Array& x1, const Array& x2);
/// The cross products of vectors of three elements along an axis.
Array cross(const Array& x1, const Array& x2, std::int64_t axis = -1);

/// (..., m, n) -> (..., k): the elements [i, i + offset].
Array diagonal(const Array& x, std::int64_t offset = 0);
/// Their sum; dtypes as of sum().
Array trace(const Array& x, std::int64_t offset = 0, std::optional<DType> dtype = {});

/// x = L L^H, or U^H U.
Array cholesky(const Array& x, bool upper = false);
Array det(const Array& x);
/// sign and logarithm of |det x|, of the real dtype.
std::pair<Array, Array> slogdet(const Array& x);
Eig eig(const Array& x);
Array eigvals(const Array& x);
/// Of the lower triangle.
Eigh eigh(const Array& x);
Array eigvalsh(const Array& x);
Array inv(const Array& x);
Array matrix_power(const Array& x, std::int64_t n);
/// How many singular values are above rtol times the largest; int64. `rtol` broadcasts with the
/// leading axes; max(m, n) eps for nothing given. With `hermitian` by eigenvalues.
Array matrix_rank(const Array& x, const std::optional<Operand>& rtol = {}, bool hermitian = false);
Array pinv(const Array& x, const std::optional<Operand>& rtol = {}, bool hermitian = false);
Qr qr(const Array& x, QrMode mode = QrMode::reduced);
/// x2 is a vector (m,), or (..., m, k).
Array solve(const Array& x1, const Array& x2);
Svd svd(const Array& x, bool full_matrices = true);
Array svdvals(const Array& x);

/// Norms of matrices, of the real dtype: orders "fro", "nuc", 1, -1, 2, -2, infinity and -infinity.
Array matrix_norm(const Array& x, const NormOrder& order = {}, bool keepdims = false);
/// Norms over some axes, all for none given: (sum |x|^p)^(1/p), of the real dtype; order 0 counts
/// what is not 0. No overflow or underflow in between.
Array vector_norm(const Array& x, const OptionalAxes& axes = {}, const NormOrder& order = {},
                  bool keepdims = false);

}  // namespace tessera::stacks
