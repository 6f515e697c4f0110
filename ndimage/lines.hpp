#pragma once
#include <functional>
#include <vector>

#include <tessera/runtime/array.hpp>

/// Work on whole lines of an image along an axis.
namespace tessera::ndimage {

/// Images of one shape, along an axis of which every process has whole lines; gives as many.
using OfLines =
    std::function<std::vector<Array>(const std::vector<Array>& images, std::int64_t axis)>;
/// What `of` gives for images of one shape that lie alike, and lies as they do. Lines along the
/// rows become whole by one move and go back by another; those of a vector are gathered by all
/// processes, which compute the same. Collective.
std::vector<Array> with_whole_lines(const std::vector<Array>& images, std::int64_t axis,
                                    const OfLines& of);

/// line(where the first element of a line is, by how many the next is further) for each of a
/// process's lines along an axis, on several threads. Neighbouring lines come one after another.
void each_line(const Array& x, std::int64_t axis,
               const std::function<void(std::int64_t first, std::int64_t stride)>& line);

}  // namespace tessera::ndimage
