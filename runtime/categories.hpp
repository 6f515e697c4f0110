#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tessera/runtime/rows.hpp>

namespace tessera {

/// Turns text into an array of codes with categories() while it is read: each process numbers the
/// words of its rows as they come, and then all agree on one list.
class Categorizer {
 public:
  /// The number of a word on this process. ValueError beyond 2^24 different ones, which are no
  /// categories.
  std::int64_t operator()(std::string_view word);
  /// codes, whose elements are numbers that operator() gave on their process, as codes of all
  /// words in the order of their bytes. In place. Collective.
  Array finish(const Array& codes) const;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> numbers_;
};

/// Rows of uint8 (n, length), each a word of at most that many bytes filled up with zeros, as an
/// int64 vector of codes with categories. One pass. Collective.
Array categorize(const Rows& bytes);

/// The words of an array of text as such rows, as long as the longest, (n, p, length) of (n, p),
/// computed when they are read. ValueError for a code that has no category.
Rows words_of(const Rows& text);

}  // namespace tessera
