#include <tessera/array/layout.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string_view>

#include <tessera/array/distribute.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera {
namespace {

std::atomic<bool>& distribution() {
  static std::atomic<bool> all = [] {
    const char* said = std::getenv("TESSERA_DISTRIBUTE");
    const std::string_view how = said ? said : "";
    if (!how.empty() && how != "all" && how != "auto")
      throw ValueError(fmt::format("TESSERA_DISTRIBUTE must be 'auto' or 'all', got '{}'", how));
    return how == "all";
  }();
  return all;
}

}  // namespace

bool distribute_all(bool all) { return distribution().exchange(all); }

namespace detail {

bool distributes_all() { return distribution(); }

Distribution settled(const Shape& shape, bool replicated, const Communicator& comm) {
  return shape.empty() || (replicated && !distributes_all()) ? replicated_distribution(shape, comm)
                                                             : row_distribution(shape, comm);
}

Array room_for(Shape shape, DType dtype, const Distribution& d, const Communicator& comm) {
  constexpr std::int64_t small = 1 << 16;  // elements, of 16 bytes at most
  return element_count(shape) <= small ? Array(std::move(shape), dtype, d, comm)
                                       : allocate(std::move(shape), dtype, d, comm);
}

Array in_rows(const Array& x) {
  if (!x) throw ValueError("expected an array, got an empty Array handle");
  if (!x.categories().empty()) refuse_text(x.categories());
  if (x.distribution().kind() == Distribution::Kind::block_cyclic)
    return redistribute(x, row_distribution(x.shape(), x.comm())).to(cpu);
  return x.device() == cpu ? x : x.to(cpu);
}

Array settle(const Array& x) {
  return is_replicated(x) ? redistribute(x, settled(x.shape(), true, x.comm())) : x;
}

bool is_replicated(const Array& x) {
  return x.distribution().kind() == Distribution::Kind::replicated;
}

const Communicator& common_communicator(std::string_view function, std::span<const Array> arrays) {
  for (const Array& x : arrays)
    if (!(x.comm() == arrays.front().comm()))
      throw ValueError(fmt::format("{} needs arrays on the same processes", function));
  return arrays.front().comm();
}

std::int64_t checked_axis(std::int64_t axis, std::int64_t ndim) {
  if (axis < -ndim || axis >= ndim)
    throw ValueError(fmt::format("axis {} is out of bounds for array of dimension {}", axis, ndim));
  return axis < 0 ? axis + ndim : axis;
}

std::vector<std::int64_t> checked_axes(std::vector<std::int64_t> axes, std::int64_t ndim) {
  for (auto& axis : axes) axis = checked_axis(axis, ndim);
  std::vector<std::int64_t> ascending = axes;
  std::sort(ascending.begin(), ascending.end());
  if (std::adjacent_find(ascending.begin(), ascending.end()) != ascending.end())
    throw ValueError("duplicate value in axis");
  return axes;
}

std::vector<std::int64_t> strides_of(const Shape& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

}  // namespace detail

Shape broadcast_shapes(std::span<const Shape> shapes) {
  Shape all;
  for (const Shape& shape : shapes) {
    if (shape.size() > all.size())
      all.insert(all.begin(), shape.size() - all.size(), std::int64_t{1});
    for (std::size_t k = 1; k <= shape.size(); ++k) {
      auto& extent = all[all.size() - k];
      const auto given = shape[shape.size() - k];
      if (extent == 1)
        extent = given;
      else if (given != 1 && given != extent) {
        std::string text;
        for (const Shape& s : shapes) text.append(" ").append(to_string(s));
        throw ValueError("shapes cannot be broadcast together:" + text);
      }
    }
  }
  return all;
}

}  // namespace tessera
