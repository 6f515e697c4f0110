#include <tessera/estimators/parameter.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tessera {

Allowed operator|(Allowed a, const Allowed& b) {
  a.none_ |= b.none_;
  a.boolean_ |= b.boolean_;
  a.array_ |= b.array_;
  if (b.integers_) a.integers_ = b.integers_;
  if (b.reals_) a.reals_ = b.reals_;
  a.words_.insert(a.words_.end(), b.words_.begin(), b.words_.end());
  if (b.number_) a.number_ = b.number_;
  if (b.array_of_) a.array_of_ = b.array_of_;
  return a;
}

Allowed none() {
  Allowed a;
  a.none_ = true;
  return a;
}
Allowed boolean() {
  Allowed a;
  a.boolean_ = true;
  return a;
}
Allowed array() {
  Allowed a;
  a.array_ = true;
  return a;
}
Allowed integers(std::int64_t low, std::int64_t high) {
  Allowed a;
  a.integers_ = Allowed::Integers{low, high};
  return a;
}
Allowed reals(double low, double high, bool open) {
  Allowed a;
  a.reals_ = Allowed::Reals{low, high, open};
  return a;
}
Allowed words(std::vector<std::string> list) {
  Allowed a;
  a.words_ = std::move(list);
  return a;
}

Allowed number(Numbers numbers) {
  Allowed a;
  a.number_ = std::move(numbers);
  return a;
}
Allowed array(Shape shape, Numbers numbers) {
  Allowed a;
  a.array_of_ = {std::move(shape), std::move(numbers)};
  return a;
}

namespace {

bool fits(const Numbers& n, double v) {
  if (std::isnan(v)) return n.nan;
  if (std::isinf(v) && !n.infinite) return false;
  return (n.open ? v > n.low : v >= n.low) && v <= n.high;
}

std::string words_for(const Numbers& n, std::string_view noun) {
  std::string text = fmt::format("{}{}", n.infinite ? "" : "finite ", noun);
  if (!std::isinf(n.low)) text += fmt::format(" {} {}", n.open ? ">" : ">=", n.low);
  if (!std::isinf(n.high)) text += fmt::format(" and <= {}", n.high);
  if (n.nan) text += " or NaN";
  return text;
}

std::string words_for(const Shape& shape, const Numbers& n) {
  std::vector<std::string_view> dtypes;
  for (const DType dtype : n.dtypes) dtypes.push_back(name_of(dtype));
  return fmt::format("a {} array of shape {} with {}{}",
                     dtypes.empty() ? "floating" : fmt::format("{}", fmt::join(dtypes, " or ")),
                     to_string(shape), words_for(n, "numbers"), n.descending ? ", descending" : "");
}

std::string index_text(std::int64_t at, const Shape& shape) {
  std::vector<std::int64_t> index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0; at /= shape[axis])
    index[axis] = at % shape[axis];
  return fmt::format("[{}]", fmt::join(index, ", "));
}

}  // namespace

// What keeps an array from being array_of_; empty when nothing does.
std::string Allowed::misfit(const Array& value) const {
  const auto& [shape, numbers] = *array_of_;
  const auto& dtypes = numbers.dtypes;
  if (!value) return "an empty Array handle";
  if (value.shape() != shape ||
      (dtypes.empty() ? !is_floating(value.dtype())
                      : std::find(dtypes.begin(), dtypes.end(), value.dtype()) == dtypes.end()))
    return fmt::format("{} {}", name_of(value.dtype()), to_string(value.shape()));
  std::string found;
  visit(value.dtype(), [&, &shape = shape, &numbers = numbers](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>) {
      const Array host = value.to(cpu);
      const auto all = host.template values<T>();
      double before = std::numeric_limits<double>::infinity();
      for (std::size_t i = 0; i < all.size(); ++i) {
        const auto v = static_cast<double>(all[i]);
        const bool rises = numbers.descending && v > before;
        if (!rises && fits(numbers, v)) {
          before = std::isnan(v) ? before : v;
          continue;
        }
        found = fmt::format("{}{} at {}", Value(v).to_string(),
                            rises ? " after " + Value(before).to_string() : "",
                            index_text(static_cast<std::int64_t>(i), shape));
        return;
      }
    }
  });
  return found;
}

std::string Allowed::got(const Value& value) const {
  return array_of_ && value.is<Array>() ? misfit(value.as<Array>()) : value.to_string();
}

bool Allowed::accepts(const Value& value) const {
  const auto in_reals = [&](double v) {
    return reals_ && (reals_->open ? v > reals_->low : v >= reals_->low) && v < reals_->high;
  };
  if (value.is_none()) return none_;
  if (value.is<bool>()) return boolean_;
  if (value.is<Array>()) return array_ || (array_of_ && misfit(value.as<Array>()).empty());
  if (value.is<std::string>())
    return std::find(words_.begin(), words_.end(), value.as<std::string>()) != words_.end();
  if (value.is<double>())
    return number_ ? fits(*number_, value.as<double>()) : in_reals(value.as<double>());
  const auto v = value.as<std::int64_t>();
  if (integers_) return v >= integers_->low && v <= integers_->high;
  return in_reals(static_cast<double>(v));
}

std::string Allowed::describe() const {
  std::vector<std::string> kinds;
  if (!words_.empty())
    kinds.push_back(fmt::format("a str among {{'{}'}}", fmt::join(words_, "', '")));
  if (integers_ && integers_->low == std::numeric_limits<std::int64_t>::min())
    kinds.emplace_back("an int");
  else if (integers_)
    kinds.push_back(
        integers_->high == std::numeric_limits<std::int64_t>::max()
            ? fmt::format("an int in the range [{}, inf)", integers_->low)
            : fmt::format("an int in the range [{}, {}]", integers_->low, integers_->high));
  if (reals_)
    kinds.push_back(
        fmt::format("a float in the range {}{:.1f}, {})", reals_->open ? '(' : '[', reals_->low,
                    std::isinf(reals_->high) ? "inf" : fmt::format("{:.1f}", reals_->high)));
  if (number_) kinds.push_back("a " + words_for(*number_, "float"));
  if (array_of_) kinds.push_back(words_for(array_of_->first, array_of_->second));
  if (boolean_) kinds.emplace_back("a bool");
  if (array_) kinds.emplace_back("an array");
  if (none_) kinds.emplace_back("None");
  return fmt::format("{}", fmt::join(kinds, " or "));
}

Value Allowed::parse(const std::string& text) const {
  if (std::find(words_.begin(), words_.end(), text) != words_.end()) return text;
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), ::tolower);
  if (none_ && lower == "none") return {};
  if (boolean_ && (lower == "true" || lower == "false")) return lower == "true";
  const char* const end = text.data() + text.size();
  std::int64_t integer = 0;
  const auto [after, code] = std::from_chars(text.data(), end, integer);
  const bool whole = after == end && code != std::errc::invalid_argument;
  if (whole && code == std::errc{}) return integer;
  double real = 0.0;
  if (!(whole && integers_))
    if (const auto read = std::from_chars(text.data(), end, real);
        read.ec == std::errc{} && read.ptr == end)
      return real;
  return text;
}

}  // namespace tessera
