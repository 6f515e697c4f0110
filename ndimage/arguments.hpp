#pragma once
#include <optional>
#include <string>
#include <vector>

#include <tessera/array/functions.hpp>
#include <tessera/ndimage/filters.hpp>

/// From what a function of the table was given to what the functions of this room take.
namespace tessera::ndimage {

using In = const ArrayArguments&;

/// The parts of the table.
void add_filters(std::vector<ArrayFunction>& all);
void add_morphology(std::vector<ArrayFunction>& all);
void add_measurements(std::vector<ArrayFunction>& all);
void add_interpolation(std::vector<ArrayFunction>& all);

/// Where a function has the parameters that filters share; -1 for one that it has not.
struct Places {
  int output = -1, mode = -1, cval = -1, origin = -1, axes = -1;
};

inline std::vector<Mode> modes_of(In in, std::size_t i) {
  std::vector<Mode> modes;
  for (const auto& word : in.words(i)) modes.push_back(mode_of(word));
  return modes;
}

inline Filter filter_of(In in, const Places& at) {
  const auto given = [&](int i) { return i >= 0 && in.given(static_cast<std::size_t>(i)); };
  const auto place = [](int i) { return static_cast<std::size_t>(i); };
  Filter f;
  if (given(at.output)) f.output = in.dtype(place(at.output));
  if (given(at.mode)) f.mode = modes_of(in, place(at.mode));
  if (given(at.cval)) f.cval = in.number(place(at.cval));
  if (given(at.origin)) f.origin = in.integers(place(at.origin));
  if (given(at.axes)) f.axes = in.integers(place(at.axes));
  return f;
}

inline Array maybe_array(In in, std::size_t i) { return in.given(i) ? in.array(i) : Array(); }

inline std::vector<std::int64_t> maybe_integers(In in, std::size_t i) {
  return in.maybe_integers(i).value_or(std::vector<std::int64_t>{});
}

}  // namespace tessera::ndimage
