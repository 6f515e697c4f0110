#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <tessera/linalg/eigh.hpp>
#include <tessera/linalg/precision.hpp>
#include <tessera/linalg/scalapack/matrix.hpp>
#include <tessera/runtime/array.hpp>

/// What the functions on whole matrices share: checked arguments, one process or a grid of them,
/// and where results lie (docs/linalg.md).
namespace tessera::linalg::detail {

using linalg::common_dtype;
using linalg::exponent_for;

/// x in host memory in that dtype; x itself when it is so already. Collective.
Array on_host(const Array& x, DType dtype);

/// x in host memory in its common_dtype, after checks: ValueError naming the function unless x is
/// a matrix (square), and finite if that is to be checked. Collective.
Array matrix_argument(std::string_view function, const Array& x, bool check_finite);
/// The same times 2^exponent, which is not 0 where x is finite and squares and sums of its elements
/// may leave the range of its dtype.
Array matrix_argument(std::string_view function, const Array& x, bool check_finite, int& exponent);
Array square_argument(std::string_view function, const Array& x, bool check_finite);
/// b for a system of n equations, (n,) or n x k, as an n x k matrix in host memory.
Array right_hand_side(std::string_view function, const Array& b, std::int64_t n, DType dtype,
                      bool check_finite);
/// The largest magnitude of a real or imaginary part of x, floating or complex in host memory; not
/// finite when one is NaN or infinite. Collective.
double largest_magnitude(const Array& x);
/// ValueError naming the lowest row and column of a NaN or infinity. Returns largest_magnitude, 0
/// for integers. Collective.
double require_finite(std::string_view function, const Array& x);
/// Whether x, floating or complex in host memory, has neither. Collective.
bool is_finite(const Array& x);
/// LinAlgError unless it is: for what iterates. Collective.
void require_convergence(std::string_view what, const Array& x);
/// x divided by a power of two, a copy, when it has elements so near the largest number that sums
/// of a few overflow, and the exponent; else x and 0. For what works in double precision.
/// Collective.
std::pair<Array, int> scaled_down(const Array& x);
/// x times 2^exponent, laid out like it, in host memory; x itself for 0. Exact but where elements
/// over- or underflow, of which a RuntimeWarning names `what` ("pinv: the result") if given: when
/// one becomes infinite or all become 0. Collective.
Array times_power(const Array& x, int exponent, std::string_view what = {});
/// A single number as a 1 x 1 matrix, as SciPy takes it in some functions; anything else as it is.
Array at_least_2d(const Array& x);

/// ValueError unless value >= 0.
void require_tolerance(std::string_view function, std::string_view name, double value);

/// Warns of a reciprocal condition number below eps, as SciPy does.
void warn_if_ill_conditioned(std::string_view function, double rcond, DType dtype);

/// Where results lie: replicated like a replicated argument, else like it when they have as many
/// rows as the argument or more than 2^20 elements, else replicated. On its device. Collective.
Array laid_out_like(const Array& result, const Array& like);

/// A solution of a system with right-hand side b: n x k, or (n,) when b is a vector, by the
/// rule of laid_out_like(b). Collective.
Array solution_like(const Array& x, const Array& b);
/// A replicated vector of that dtype.
Array vector_of(const std::vector<double>& values, DType dtype, const Communicator& comm);
/// Columns [first, last] of a matrix by rows or replicated. Collective.
Array columns_of(const Array& x, std::int64_t first, std::int64_t last);

/// Eigenvalues [first, last], or those in (low, high], and their vectors if there are any.
/// ValueError naming the function for an interval that is none. Collective.
Eigh subset(std::string_view function, const Eigh& all,
            const std::optional<std::pair<std::int64_t, std::int64_t>>& by_index,
            const std::optional<std::pair<double, double>>& by_value);

/// solve_banded() of a right-hand side that is a matrix, both of one dtype; warns if told to of a
/// matrix that is ill-conditioned. Replicated. Collective.
Array solve_band(std::string_view function, const Array& ab, const Array& b,
                 std::pair<std::int64_t, std::int64_t> l_and_u, bool warns);

/// diag(s)^+ y: row i divided by s[i] where |s[i]| is above `least`, else zero. By rows or
/// replicated. Collective.
Array divided_rows(const Array& y, std::span<const double> s, double least);

/// Whether an m x n matrix takes a tree of QRs (TallQr): what is left has n x n elements then.
bool is_tall(std::int64_t m, std::int64_t n);
/// x by rows or replicated, as the tree wants it. Collective.
Array by_rows(const Array& x);

/// Whether matrices of that shape are small enough for one process; depends on nothing else.
bool fits_one_process(const Shape& shape);
/// Most elements of a matrix for that; returns what it was. Only tests change it.
std::int64_t limit_one_process(std::int64_t elements);

/// A dense algorithm on matrices of one dtype laid out over one grid, its own to overwrite. Returns
/// matrices of the grid, and replicated arrays on the grid's communicator.
using DenseAlgorithm =
    std::function<std::vector<Array>(const scalapack::Grid&, std::vector<scalapack::Matrix>)>;

/// OpenBLAS's own threads, for matrices that no other thread of this process works on.
class BlasThreads {
 public:
  explicit BlasThreads(int count);
  BlasThreads(const BlasThreads&) = delete;
  ~BlasThreads();
};
/// The grid of the first block-cyclic matrix in square blocks, else one of all processes.
/// Collective.
scalapack::Grid grid_for(const std::vector<Array>& matrices,
                         scalapack::Grid::Form form = scalapack::Grid::Form::wide);

/// An algorithm on whole matrices by rows in this process's memory, which it does not modify.
using LocalAlgorithm = std::function<std::vector<Array>(const std::vector<Array>&)>;
/// Runs `algorithm` where dense() would use one process: on rank 0 with one thread when all
/// matrices fit one (replicated results), or on the only one there is, with BLAS's threads, results
/// as it lays them. Nothing where a grid of several computes. Errors are agreed. Collective.
std::optional<std::vector<Array>> on_one_process(const std::vector<Array>& matrices,
                                                 const LocalAlgorithm& algorithm);

/// Runs `algorithm` on copies of the matrices. When all fit one process, on rank 0, on one thread:
/// results are replicated, the same bits at any number of processes. Otherwise on a near-square
/// grid (that of the first block-cyclic matrix if there is one): results are block-cyclic or
/// replicated. Errors are agreed. Collective.
std::vector<Array> dense(const std::vector<Array>& matrices, const DenseAlgorithm& algorithm,
                         scalapack::Grid::Form form = scalapack::Grid::Form::wide);

/// Runs on rank 0, whatever the size, what has no distributed algorithm; results are replicated and
/// have the same bits at any number of processes. NotImplementedError naming the function for
/// matrices of more than 2^24 elements (4096 x 4096), LinAlgError for NaN and infinities, which
/// nothing that iterates may see. Collective.
std::vector<Array> lapack(std::string_view function, const std::vector<Array>& matrices,
                          const DenseAlgorithm& algorithm);
/// The same with results laid out like `like`.
std::vector<Array> lapack_like(const Array& like, std::string_view function,
                               const std::vector<Array>& matrices, const DenseAlgorithm& algorithm);

}  // namespace tessera::linalg::detail
