#pragma once
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <tessera/array/scalar.hpp>

/// Arrays from nothing, as the array API standard has them; zeros(), empty() and more are in
/// runtime/array.hpp. Results lie by rows. Every element is computed from its index, so it is the
/// same wherever it lies. All are collective.
namespace tessera {

Array ones(Shape shape, DType dtype = DType::float64,
           const Communicator& comm = Communicator::world());
/// full() of a scalar, of its dtype unless another is given.
Array filled(Shape shape, const Scalar& value, std::optional<DType> dtype,
             const Communicator& comm = Communicator::world());
/// start, start + step, ... before `stop`: integers for integers, unless another dtype is given.
Array arange(const Scalar& start, const Scalar& stop, const Scalar& step,
             std::optional<DType> dtype = {}, const Communicator& comm = Communicator::world());
/// `num` numbers from start to stop, which is the last one with `endpoint`.
Array linspace(const Scalar& start, const Scalar& stop, std::int64_t num,
               std::optional<DType> dtype = {}, bool endpoint = true,
               const Communicator& comm = Communicator::world());
/// Ones on diagonal k, zeros elsewhere; square unless the number of columns is given.
Array eye(std::int64_t rows, std::optional<std::int64_t> cols = {}, std::int64_t k = 0,
          DType dtype = DType::float64, const Communicator& comm = Communicator::world());
/// Coordinate vectors as arrays over their grid: the first varies along axis 1 with "xy", along
/// axis 0 with "ij". ValueError for another word or other than vectors of one dtype.
std::vector<Array> meshgrid(std::span<const Array> vectors, std::string_view indexing = "xy");

}  // namespace tessera
