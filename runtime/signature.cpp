#include <tessera/runtime/signature.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ranges>

#include <tessera/runtime/error.hpp>

namespace tessera::functions {
namespace {

using Kind = Option::Kind;

template <class T>
std::optional<T> number_in(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || stop != text.data() + text.size()) return {};
  return value;
}

std::string text_of(const Setting& value) {
  struct Text {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool v) const { return v ? "True" : "False"; }
    std::string operator()(const std::string& v) const { return v; }
    std::string operator()(const std::vector<std::int64_t>& v) const {
      return fmt::format("{}", fmt::join(v, " "));
    }
    std::string operator()(const std::vector<double>& v) const {
      return fmt::format("{}", fmt::join(v, " "));
    }
    std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
  };
  return std::visit(Text{}, value);
}

}  // namespace

std::string Option::allowed() const {
  switch (kind) {
    case Kind::flag:
      return "True or False";
    case Kind::integer:
      if (low == std::numeric_limits<std::int64_t>::min()) return "an int";
      return high == std::numeric_limits<std::int64_t>::max()
                 ? fmt::format("an int of at least {}", low)
                 : fmt::format("an int in [{}, {}]", low, high);
    case Kind::integers:
      return words.empty() ? "ints"
                           : fmt::format("{} ints ({})", words.size(), fmt::join(words, ", "));
    case Kind::numbers:
      return fmt::format("{} numbers ({})", words.size(), fmt::join(words, ", "));
    case Kind::number:
      return "a number";
    case Kind::word:
      return fmt::format("one of {}{}", fmt::join(words, ", "), or_numbers ? ", or numbers" : "");
    case Kind::order:
      return "a number, inf, -inf, fro or nuc";
    case Kind::label:
      return "a label";
  }
  return {};
}

std::string Option::default_text() const {
  return !shown.empty() || std::holds_alternative<std::monostate>(initial) ? shown
                                                                           : text_of(initial);
}

Setting Option::parse(const std::string& text) const {
  Setting value = text;
  if (kind == Kind::integer) {
    if (const auto v = number_in<std::int64_t>(text)) value = *v;
  } else if (kind == Kind::label) {
    if (const auto v = number_in<double>(text)) value = *v;
    if (const auto v = number_in<std::int64_t>(text)) value = *v;
  } else if (kind == Kind::number || kind == Kind::order) {
    if (const auto v = number_in<double>(text)) value = *v;
  } else if (or_numbers) {  // separated by commas
    std::vector<double> numbers;
    for (const auto part : std::views::split(std::string_view(text), ','))
      if (const auto v = number_in<double>({part.begin(), part.end()})) numbers.push_back(*v);
    if (std::ssize(numbers) == 1 + std::ranges::count(text, ',')) value = numbers;
  }
  check(value);
  return value;
}

void Option::check(const Setting& value) const {
  const auto fits = [&] {
    if (std::holds_alternative<std::monostate>(value))
      return !required && std::holds_alternative<std::monostate>(initial);
    const auto* integer = std::get_if<std::int64_t>(&value);
    const auto* word = std::get_if<std::string>(&value);
    const bool number = integer || std::holds_alternative<double>(value);
    switch (kind) {
      case Kind::flag:
        return std::holds_alternative<bool>(value);
      case Kind::integer:
        return integer && *integer >= low && *integer <= high;
      case Kind::integers: {
        const auto* list = std::get_if<std::vector<std::int64_t>>(&value);
        return list && (words.empty() || list->size() == words.size());
      }
      case Kind::numbers: {
        const auto* whole = std::get_if<std::vector<std::int64_t>>(&value);
        const auto* list = std::get_if<std::vector<double>>(&value);
        return (whole && whole->size() == words.size()) || (list && list->size() == words.size()) ||
               (number && std::holds_alternative<double>(initial));
      }
      case Kind::number:
        return number;
      case Kind::word:
        return word ? std::ranges::find(words, *word) != words.end()
                    : or_numbers && (std::holds_alternative<std::vector<std::int64_t>>(value) ||
                                     std::holds_alternative<std::vector<double>>(value));
      case Kind::label:
        return number || word || std::holds_alternative<bool>(value);
      case Kind::order:  // the function knows which words there are for the shape
        return number || word;
    }
    return false;
  };
  if (!fits()) throw ValueError(fmt::format("must be {}, got {}", allowed(), text_of(value)));
}

Arguments::Arguments(const Signature& signature, std::vector<Array> arrays,
                     const std::map<std::string, Setting>& settings)
    : signature_(&signature), arrays_(std::move(arrays)) {
  while (arrays_.size() < signature.inputs.size() && signature.inputs[arrays_.size()].optional)
    arrays_.emplace_back();
  if (arrays_.size() != signature.inputs.size())
    throw ValueError(fmt::format("{} takes {} array{}, got {}", signature.name,
                                 signature.inputs.size(), signature.inputs.size() == 1 ? "" : "s",
                                 arrays_.size()));
  for (const Option& option : signature.options) {
    const auto given = settings.find(option.name);
    if (given == settings.end() && option.required)
      throw ValueError(fmt::format("{} needs {}", signature.name, option.name));
    const Setting& value = given == settings.end() ? option.initial : given->second;
    try {
      if (given != settings.end()) option.check(value);
    } catch (const ValueError& e) {
      throw ValueError(fmt::format("{}: {} {}", signature.name, option.name, e.what()));
    }
    settings_[option.name] = value;
  }
  for (const auto& setting : settings)
    if (!settings_.contains(setting.first))
      throw ValueError(fmt::format("{} has no option {}", signature.name, setting.first));
}

const Setting& Arguments::value(const std::string& name) const {
  const auto found = settings_.find(name);
  if (found == settings_.end())
    throw RuntimeError(fmt::format("the signature has no option {}", name));
  return found->second;
}

std::optional<double> Arguments::number(const std::string& name) const {
  const Setting& v = value(name);
  if (std::holds_alternative<std::monostate>(v)) return {};
  const auto* integer = std::get_if<std::int64_t>(&v);
  return integer ? static_cast<double>(*integer) : std::get<double>(v);
}

std::optional<std::pair<std::int64_t, std::int64_t>> Arguments::pair(
    const std::string& name) const {
  const auto* list = std::get_if<std::vector<std::int64_t>>(&value(name));
  if (!list) return {};
  return std::pair{list->at(0), list->at(1)};
}

std::optional<std::pair<double, double>> Arguments::interval(const std::string& name) const {
  if (const auto list = numbers(name)) return std::pair{list->at(0), list->at(1)};
  const auto both = number(name);
  return both ? std::optional(std::pair{*both, *both}) : std::nullopt;
}

std::optional<std::vector<double>> Arguments::numbers(const std::string& name) const {
  const Setting& v = value(name);
  if (const auto whole = std::get_if<std::vector<std::int64_t>>(&v))
    return std::vector<double>(whole->begin(), whole->end());
  if (const auto list = std::get_if<std::vector<double>>(&v)) return *list;
  return {};
}

std::vector<Result> Signature::operator()(std::vector<Array> arrays,
                                          const std::map<std::string, Setting>& settings) const {
  return run(Arguments(*this, std::move(arrays), settings));
}

Option flag(std::string name, std::string doc) {
  return {std::move(name), std::move(doc), Kind::flag, false};
}
Option unless(std::string name, std::string off, std::string doc) {
  Option o = {std::move(name), std::move(doc), Kind::flag, true};
  o.off = std::move(off);
  return o;
}
Option integer(std::string name, std::string doc, std::int64_t initial) {
  return {std::move(name), std::move(doc), Kind::integer, initial};
}
Option required_integer(std::string name, std::string doc) {
  Option o = {std::move(name), std::move(doc), Kind::integer};
  o.required = true;
  return o;
}
Option between(Option option, std::int64_t low, std::int64_t high) {
  option.low = low;
  option.high = high;
  return option;
}
Option number(std::string name, std::string doc, double initial) {
  return {std::move(name), std::move(doc), Kind::number, initial};
}
Option number(std::string name, std::string doc, std::string shown) {
  return {std::move(name), std::move(doc), Kind::number, {}, std::move(shown)};
}
Option numbers(std::string name, std::string doc, std::vector<std::string> each) {
  Option o = {std::move(name), std::move(doc), Kind::numbers};
  o.words = std::move(each);
  return o;
}
Option word(std::string name, std::string doc, std::vector<std::string> words) {
  Option o = {std::move(name), std::move(doc), Kind::word, words.front()};
  o.words = std::move(words);
  return o;
}
Option word_or_numbers(std::string name, std::string doc, std::vector<std::string> words) {
  Option o = word(std::move(name), std::move(doc), std::move(words));
  o.or_numbers = true;
  return o;
}

const Signature& signature(std::string_view name, const std::vector<Signature>& table) {
  const auto found = std::ranges::find(table, name, &Signature::name);
  if (found != table.end()) return *found;
  std::vector<std::string_view> known;
  known.reserve(table.size());
  for (const Signature& s : table) known.push_back(s.name);
  throw ValueError(
      fmt::format("there is no function '{}'; there are {}", name, fmt::join(known, ", ")));
}

}  // namespace tessera::functions
