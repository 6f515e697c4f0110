#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include <tessera/runtime/distribution.hpp>

/// What lies beyond the ends of an axis.
namespace tessera::ndimage {

/// For the elements a b c d, with SciPy's names:
enum class Mode : std::uint8_t {
  reflect,   ///< d c b a | a b c d | d c b a; also called grid-mirror
  constant,  ///< one number; also grid-constant
  nearest,   ///< a a a a | a b c d | d d d d
  mirror,    ///< d c b | a b c d | c b a
  wrap,      ///< a b c d | a b c d | a b c d; also grid-wrap
};
/// By its name; RuntimeError for another word.
Mode mode_of(std::string_view word);

/// Which of n elements stands at index i, of any size and sign: one in [0, n), or -1 for the
/// constant. n is 1 at least.
std::int64_t source_index(std::int64_t i, std::int64_t n, Mode mode);
/// Which rows of [0, n) stand at [indices): ranges that ascend and do not touch each other.
std::vector<Range> source_ranges(Range indices, std::int64_t n, Mode mode);

}  // namespace tessera::ndimage
