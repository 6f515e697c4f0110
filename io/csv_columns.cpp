#include <tessera/io/csv_columns.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <tessera/io/csv_text.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io::csv {

std::vector<std::int64_t> Columns::in(const std::string& option, const std::string& list) const {
  std::vector<std::int64_t> all;
  if (list.empty()) return all;
  for (const auto& [word, quoted] : words(list)) {
    const auto before = all.size();
    if (const auto one = single(word, quoted)) {
      all.push_back(*one);
    } else if (const auto many = quoted ? std::nullopt : range(word)) {
      for (auto i = many->begin; i < many->end; ++i) all.push_back(i);
    }
    if (all.size() == before) throw ValueError(unknown(option, word));
    for (auto i = before; i < all.size(); ++i)
      if (std::find(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i), all[i]) !=
          all.begin() + static_cast<std::ptrdiff_t>(i))
        throw ValueError(
            fmt::format("'{}': column {} is named twice in {}", file_, all[i] + 1, option));
  }
  return all;
}

std::optional<std::int64_t> Columns::single(const std::string& word, bool quoted) const {
  const auto at = std::ranges::find(names_, word);
  const bool is_name = !word.empty() && at != names_.end();
  if (is_name && std::find(at + 1, names_.end(), word) != names_.end())
    throw ValueError(
        fmt::format("'{}' has several columns called '{}': give its number", file_, word));
  const std::int64_t name = at - names_.begin();
  const auto number = quoted ? std::nullopt : number_of(word);
  if (is_name && number && *number != name)
    throw ValueError(
        fmt::format("'{0}': '{1}' is the name of column {2} and the number of another: write "
                    "\"{1}\" with the quotes for the name, {1}-{1} for the number",
                    file_, word, name + 1));
  return is_name ? name : number;
}

std::optional<std::int64_t> Columns::number_of(const std::string& word) const {
  if (word.empty() || word.size() > 18 || word.find_first_not_of("0123456789") != std::string::npos)
    return {};
  const auto number = std::stoll(word);
  if (number < 1 || number > count_) return {};
  return number - 1;
}

std::optional<Range> Columns::range(const std::string& word) const {
  for (auto dash = word.find('-'); dash != std::string::npos; dash = word.find('-', dash + 1)) {
    const auto end_of = [&](const std::string& end) {
      const auto number = number_of(end);
      return number ? number : single(end, false);
    };
    const std::string from = word.substr(0, dash);
    const std::string to = word.substr(dash + 1);
    if (from.empty() && to.empty()) continue;
    const auto begin = from.empty() ? 0 : end_of(from);
    const auto last = to.empty() ? count_ - 1 : end_of(to);
    if (begin && last && *begin <= *last) return Range{*begin, *last + 1};
  }
  return {};
}

std::string Columns::unknown(const std::string& option, const std::string& word) const {
  constexpr std::size_t most = 20;
  std::string known;
  for (std::size_t i = 0; i < std::min(names_.size(), most); ++i)
    known += fmt::format("{}'{}'", i ? ", " : ": ", names_[i]);
  if (names_.size() > most) known += fmt::format(" and {} more", names_.size() - most);
  return fmt::format("'{}' has no column '{}' for {}; it has {}{}", file_, word, option, count_,
                     known);
}

}  // namespace tessera::io::csv
