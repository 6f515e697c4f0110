#pragma once
#include <cstdint>
#include <vector>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// x with tensordot(a, x, x.ndim) = b (numpy.linalg.tensorsolve): `axes` of a are moved to its end
/// first. ValueError unless what is left is square; LinAlgError where it is singular. Collective.
Array tensorsolve(const Array& a, const Array& b, const std::vector<std::int64_t>& axes = {});
/// The inverse of tensordot with a over its last axes, all but the first `ind`
/// (numpy.linalg.tensorinv). ValueError unless these have as many elements as those. Collective.
Array tensorinv(const Array& a, std::int64_t ind = 2);
/// Kronecker products of the columns of a and b (scipy.linalg.khatri_rao): m x k and n x k give
/// m n x k. ValueError unless both are matrices of as many columns. Collective.
Array khatri_rao(const Array& a, const Array& b);
/// s a for a random sparse s of `sketch_size` rows with one 1 or -1 in each column: norms of what a
/// maps to stay within a factor that falls with its size
/// (scipy.linalg.clarkson_woodruff_transform). Every seed gives the same numbers at any number of
/// processes, other ones than SciPy's. ValueError unless a is a matrix and sketch_size positive.
/// Collective.
Array clarkson_woodruff_transform(const Array& a, std::int64_t sketch_size, std::uint64_t seed = 0);

}  // namespace tessera::linalg
