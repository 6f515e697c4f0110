#pragma once
#include <span>

#include <tessera/array/scalar.hpp>

/// Where results lie: the one place that decides it (docs/architecture.md has the rules).
namespace tessera::detail {

/// Whether TESSERA_DISTRIBUTE=all: then nothing of one dimension or more is replicated.
bool distributes_all();
/// How a result of that shape lies: replicated if asked for and allowed, or if it has no dimension,
/// else in the canonical distribution by rows.
Distribution settled(const Shape& shape, bool replicated, const Communicator& comm);
/// An uninitialised Array there. Large ones (of more than 1 MiB over all processes) agree on
/// whether all have the memory.
Array room_for(Shape shape, DType dtype, const Distribution& distribution,
               const Communicator& comm);

/// x in host memory, by rows or replicated.
Array in_rows(const Array& x);
/// x as `settled` has it: replicated arrays of one dimension or more become distributed where that
/// is asked for.
Array settle(const Array& x);
bool is_replicated(const Array& x);

/// ValueError unless all are on the same processes.
const Communicator& common_communicator(std::string_view function, std::span<const Array> arrays);

/// An axis from 0 on; ValueError for one that is not in [-ndim, ndim).
std::int64_t checked_axis(std::int64_t axis, std::int64_t ndim);
/// Different axes, ascending if `sorted`; all for nothing given.
std::vector<std::int64_t> checked_axes(std::vector<std::int64_t> axes, std::int64_t ndim);

/// Elements between neighbours along each axis of a row-major array.
std::vector<std::int64_t> strides_of(const Shape& shape);

}  // namespace tessera::detail
