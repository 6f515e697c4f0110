#pragma once
#include <vector>

#include <tessera/array/kernels/fft.hpp>
#include <tessera/runtime/array.hpp>

namespace tessera::detail {

/// `factor` times the transforms of n elements (of real numbers, on their side) of the lines of x
/// along an axis, from 0 on. Lines are cut or get zeros at their end where they have another
/// length. x is in one of the inexact dtypes; of real numbers `forward` and `backward` are complex,
/// the other kinds want what they are defined for. The result lies by rows, or on every process
/// where x does; it has the same bits wherever x lies. n is 1 at least. Collective.
Array transform_lines(const Array& x, std::int64_t axis, fourier::Kind kind, std::int64_t n,
                      double factor);

/// Transforms of real numbers along `axes`, of which `half` has what determines the others: the
/// first n / 2 + 1 of n elements along the last of them. Their conjugates, if that is asked for.
/// Collective.
Array with_mirror_image(const Array& half, const std::vector<std::int64_t>& axes, std::int64_t n,
                        bool conjugate);

}  // namespace tessera::detail
