#include <tessera/runtime/categories.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/tree.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

std::string packed(const std::set<std::string>& words) {
  return detail::to_bytes(std::vector<std::string>(words.begin(), words.end()));
}
std::set<std::string> unpacked(const std::string& bytes) {
  const auto words = detail::from_bytes<std::vector<std::string>>(bytes);
  return {words.begin(), words.end()};
}

}  // namespace

std::int64_t Categorizer::operator()(std::string_view word) {
  constexpr std::size_t most = std::size_t{1} << 24;
  if (const auto found = numbers_.find(word); found != numbers_.end()) return found->second;
  if (numbers_.size() == most)
    throw ValueError(
        fmt::format("more than {} different strings: too many to be categories", most));
  const auto number = static_cast<std::int64_t>(numbers_.size());
  numbers_.emplace(word, number);
  return number;
}

Array Categorizer::finish(const Array& codes) const {
  const auto& comm = codes.comm();
  std::set<std::string> all;
  for (const auto& [word, number] : numbers_) all.insert(word);
  if (comm.size() > 1)
    all = unpacked(detail::climb(
        comm, {.pack = [&] { return packed(all); },
               .absorb = [&](const std::string& message, int) { all.merge(unpacked(message)); },
               .root = [&] { return packed(all); }}));
  std::vector<std::string> categories(all.begin(), all.end());
  std::vector<std::int64_t> place(numbers_.size());
  for (const auto& [word, number] : numbers_)
    place[static_cast<std::size_t>(number)] =
        std::lower_bound(categories.begin(), categories.end(), word) - categories.begin();
  const Tile t = codes.local();
  for (std::int64_t i = 0; i < t.rows * t.cols; ++i) {
    auto& code = t.as<std::int64_t>()[i];
    code = place[static_cast<std::size_t>(code)];
  }
  return codes.categorized(std::move(categories));
}

Array categorize(const Rows& bytes) {
  if (bytes.dtype() != DType::uint8 || bytes.ndim() != 2)
    throw ValueError(fmt::format("text must be uint8 of shape (n, length), got {} {}",
                                 name_of(bytes.dtype()), to_string(bytes.shape())));
  const Array codes =
      detail::allocate({bytes.rows()}, DType::int64, bytes.distribution(), bytes.comm());
  Categorizer categorizer;
  together(bytes.comm(), [&] {
    bytes.to(cpu).for_each_leaf(
        [&](const Leaf& leaf, Stream&) {
          for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
            const char* word = leaf.tile.slice(i, 1).as<const char>();
            const auto length = strnlen(word, static_cast<std::size_t>(leaf.tile.cols));
            codes.local().as<std::int64_t>()[leaf.rows.begin - codes.local_rows().begin + i] =
                categorizer({word, length});
          }
        },
        1);
  });
  return categorizer.finish(codes);
}

Rows words_of(const Rows& text) {
  std::size_t longest = 1;
  for (const auto& word : text.categories()) longest = std::max(longest, word.size());
  Shape shape = text.shape();
  shape.push_back(static_cast<std::int64_t>(longest));
  return map_rows(
      text.to(cpu), shape, DType::uint8,
      [longest, categories = text.names().categories](const Leaf& in, const Tile& out, Stream&) {
        visit(in.tile.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          if constexpr (std::is_integral_v<T>)
            for (std::int64_t i = 0; i < in.tile.rows; ++i)
              for (std::int64_t j = 0; j < in.tile.cols; ++j) {
                const auto code =
                    static_cast<std::int64_t>(in.tile.as<const T>()[i * in.tile.stride + j]);
                if (code < 0 || code >= std::ssize(*categories))
                  throw ValueError(fmt::format("text has a code {} at row {}, but {} categories",
                                               code, in.rows.begin + i, categories->size()));
                const auto& word = (*categories)[static_cast<std::size_t>(code)];
                char* to = out.slice(i, 1).as<char>() + static_cast<std::size_t>(j) * longest;
                std::memset(to, 0, longest);
                std::memcpy(to, word.data(), word.size());
              }
        });
      });
}

}  // namespace tessera
