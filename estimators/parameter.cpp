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

bool Allowed::accepts(const Value& value) const {
  const auto in_reals = [&](double v) {
    return reals_ && (reals_->open ? v > reals_->low : v >= reals_->low) && v < reals_->high;
  };
  if (value.is_none()) return none_;
  if (value.is<bool>()) return boolean_;
  if (value.is<Array>()) return array_;
  if (value.is<std::string>())
    return std::find(words_.begin(), words_.end(), value.as<std::string>()) != words_.end();
  if (value.is<double>()) return in_reals(value.as<double>());
  const auto v = value.as<std::int64_t>();
  if (integers_) return v >= integers_->low && v <= integers_->high;
  return in_reals(static_cast<double>(v));
}

std::string Allowed::describe() const {
  std::vector<std::string> kinds;
  if (!words_.empty())
    kinds.push_back(fmt::format("a str among {{'{}'}}", fmt::join(words_, "', '")));
  if (integers_)
    kinds.push_back(
        integers_->high == std::numeric_limits<std::int64_t>::max()
            ? fmt::format("an int in the range [{}, inf)", integers_->low)
            : fmt::format("an int in the range [{}, {}]", integers_->low, integers_->high));
  if (reals_)
    kinds.push_back(
        fmt::format("a float in the range {}{:.1f}, {})", reals_->open ? '(' : '[', reals_->low,
                    std::isinf(reals_->high) ? "inf" : fmt::format("{:.1f}", reals_->high)));
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
