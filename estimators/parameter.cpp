#include <tessera/estimators/parameter.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include <tessera/estimators/registry.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {

Allowed::Allowed() = default;
Allowed::Allowed(const Allowed&) = default;
Allowed::Allowed(Allowed&&) noexcept = default;
Allowed& Allowed::operator=(const Allowed&) = default;
Allowed& Allowed::operator=(Allowed&&) noexcept = default;
Allowed::~Allowed() = default;

Field::Field() = default;
Field::Field(std::string_view called, const detail::Member& m, const Allowed& may,
             std::string_view line)
    : name(called),
      get([m](const void* owner) { return m.get(m.in(const_cast<void*>(owner), m.pointer)); }),
      set([m](void* owner, const Value& v) { return m.set(m.in(owner, m.pointer), v); }),
      allowed(may),
      doc(line) {}
Field::Field(std::string_view called, const detail::Member& m, const Allowed& kind,
             const Allowed& may)
    : Field(called, m, kind) {
  holds = [may](const void*) { return may; };
}
Field::Field(std::string_view called, const detail::Member& m, const Allowed& kind,
             detail::Holds may)
    : Field(called, m, kind) {
  holds = [may](const void* owner) { return may.call(may.function, owner); };
}
Field::Field(const Field&) = default;
Field::Field(Field&&) noexcept = default;
Field& Field::operator=(const Field&) = default;
Field& Field::operator=(Field&&) noexcept = default;
Field::~Field() = default;

namespace detail {
template struct MemberOf<bool>;
template struct MemberOf<std::int64_t>;
template struct MemberOf<double>;
template struct MemberOf<std::string>;
template struct MemberOf<Array>;
template struct MemberOf<Value>;
template struct MemberOf<std::optional<std::int64_t>>;
template struct MemberOf<std::optional<double>>;
}  // namespace detail

Allowed operator|(Allowed a, const Allowed& b) {
  const auto add = [](auto& mine, const auto& theirs) {
    mine.insert(mine.end(), theirs.begin(), theirs.end());
  };
  a.none_ |= b.none_;
  a.boolean_ |= b.boolean_;
  a.array_ |= b.array_;
  a.text_ |= b.text_;
  a.labels_ |= b.labels_;
  add(a.integers_, b.integers_);
  add(a.reals_, b.reals_);
  add(a.words_, b.words_);
  add(a.lists_, b.lists_);
  add(a.tuples_, b.tuples_);
  add(a.mappings_, b.mappings_);
  if (b.estimator_) a.estimator_ = b.estimator_;
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
Allowed several(const Allowed& numbers) { return numbers | list_of(numbers, 1) | array(); }
std::vector<double> detail::doubles(const Array& values) {
  const Array wide = gather(values).to(cpu).astype(DType::float64);
  return {wide.values<double>().begin(), wide.values<double>().end()};
}
std::vector<double> detail::doubles(const Value& value) {
  if (value.is<Array>()) return doubles(value.as<Array>());
  if (value.is<double>()) return {value.as<double>()};
  if (value.is<std::int64_t>()) return {static_cast<double>(value.as<std::int64_t>())};
  std::vector<double> all;
  for (const Value& one : *value.items()) all.push_back(doubles(one)[0]);
  return all;
}
Allowed class_weights() {
  const double all = std::numeric_limits<double>::infinity();
  return mapping_of(reals(-all) | boolean() | text(), reals(0.0)) | words({"balanced"}) | none();
}
Allowed class_labels() {
  Allowed a;
  a.labels_ = true;
  return a;
}
Allowed integers(std::int64_t low, std::int64_t high) {
  Allowed a;
  a.integers_ = {{low, high}};
  return a;
}
Allowed reals(double low, double high, Closed closed) {
  Allowed a;
  a.reals_ = {{low, high, closed}};
  return a;
}
Allowed words(std::vector<std::string> list) {
  Allowed a;
  a.words_ = std::move(list);
  return a;
}
Allowed words(std::initializer_list<std::string_view> list) {
  return words(std::vector<std::string>(list.begin(), list.end()));
}
Allowed text() {
  Allowed a;
  a.text_ = true;
  return a;
}
Allowed list_of(const Allowed& item, std::int64_t least) {
  Allowed a;
  a.lists_ = {{item, least}};
  return a;
}
Allowed tuple_of(std::vector<Allowed> items) {
  Allowed a;
  a.tuples_ = {std::move(items)};
  return a;
}
Allowed mapping_of(const Allowed& key, const Allowed& value) {
  Allowed a;
  a.mappings_ = {{key, value}};
  return a;
}
Allowed estimator(std::string method) {
  Allowed a;
  a.estimator_ = std::move(method);
  return a;
}

Allowed number(const Numbers& numbers) {
  Allowed a;
  a.number_ = numbers;
  return a;
}
Allowed array(Shape shape, const Numbers& numbers) {
  Allowed a;
  a.array_of_ = {std::move(shape), numbers};
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
  for (int d = dtype_count; d-- > 0;)
    if (n.dtypes.has(static_cast<DType>(d))) dtypes.push_back(name_of(static_cast<DType>(d)));
  return fmt::format("a {} array of shape {} with {}{}",
                     dtypes.empty() ? "floating" : fmt::format("{}", fmt::join(dtypes, " or ")),
                     to_string(shape), words_for(n, "numbers"),
                     n.descending               ? ", descending"
                     : n.sum == Sum::one        ? ", which sum to 1"
                     : n.sum == Sum::one_of_exp ? ", whose exponentials sum to 1"
                                                : "");
}

template <class All>
bool ascend(const All& all) {
  return !all.empty() &&
         std::adjacent_find(all.begin(), all.end(),
                            [](const auto& a, const auto& b) { return !(a < b); }) == all.end();
}

bool are_labels(const Array& values) {
  if (!values || values.ndim() != 1) return false;
  bool right = false;
  visit(values.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>) {
      const Array host = values.to(cpu);
      const auto all = host.template values<T>();
      right = ascend(all) && all.front() == all.front();  // one NaN
    }
  });
  return right;
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
  const DTypes dtypes = numbers.dtypes == DTypes{} ? floating : numbers.dtypes;
  if (!value) return "an empty Array handle";
  if (value.shape() != shape || !dtypes.has(value.dtype()))
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
      // Of many terms, in the dtype of the array.
      const double eps = std::is_same_v<T, float> ? 1e-4 : 1e-6;
      const std::size_t width = shape.empty() ? 1 : static_cast<std::size_t>(shape.back());
      for (std::size_t i = 0; numbers.sum != Sum::any && i < all.size(); i += width) {
        double sum = 0.0;
        for (std::size_t j = i; j < i + width; ++j)
          sum += numbers.sum == Sum::one ? static_cast<double>(all[j])
                                         : std::exp(static_cast<double>(all[j]));
        if (std::abs(sum - 1.0) <= eps || (numbers.sum == Sum::one_of_exp && sum == 0.0)) continue;
        found = fmt::format("a sum of {} from {} on", sum,
                            index_text(static_cast<std::int64_t>(i), shape));
        return;
      }
    }
  });
  return found;
}

std::string Allowed::got(const Value& value) const {
  if (array_of_ && value.is<Array>()) return misfit(value.as<Array>());
  const List* items = value.items();
  if (items && tuples_.size() == 1 && items->size() == tuples_[0].size())
    for (std::size_t i = 0; i < items->size(); ++i)
      if (!tuples_[0][i].accepts((*items)[i]))
        return fmt::format("{} as item {}", tuples_[0][i].got((*items)[i]), i);
  return value.to_string();
}

bool Allowed::accepts(const Value& value) const {
  const auto in_reals = [&](double v) {
    return std::any_of(reals_.begin(), reals_.end(), [&](const Reals& r) {
      const bool left = r.closed == Closed::left || r.closed == Closed::both;
      const bool right = r.closed == Closed::right || r.closed == Closed::both;
      return (left ? v >= r.low : v > r.low) && (right ? v <= r.high : v < r.high);
    });
  };
  if (value.is_none()) return none_;
  if (value.is<bool>()) return boolean_;
  if (labels_ && value.is<std::vector<std::string>>() &&
      ascend(value.as<std::vector<std::string>>()))
    return true;
  if (labels_ && value.is<Array>() && are_labels(value.as<Array>())) return true;
  if (value.is<Array>()) return array_ || (array_of_ && misfit(value.as<Array>()).empty());
  if (value.is<std::string>())
    return text_ ||
           std::find(words_.begin(), words_.end(), value.as<std::string>()) != words_.end();
  if (value.is<double>())
    return number_ ? fits(*number_, value.as<double>()) : in_reals(value.as<double>());
  if (value.is<std::int64_t>()) {
    const auto v = value.as<std::int64_t>();
    if (integers_.empty()) return in_reals(static_cast<double>(v));
    return std::any_of(integers_.begin(), integers_.end(),
                       [&](const Integers& r) { return v >= r.low && v <= r.high; });
  }
  if (value.is<std::vector<std::string>>()) {
    const auto& all = value.as<std::vector<std::string>>();
    return std::any_of(lists_.begin(), lists_.end(), [&](const Lists& l) {
      return std::ssize(all) >= l.least &&
             std::all_of(all.begin(), all.end(),
                         [&](const std::string& one) { return l.item.accepts(one); });
    });
  }
  if (value.is<Mapping>()) {
    const auto& all = value.as<Mapping>().items;
    return std::any_of(mappings_.begin(), mappings_.end(), [&](const Mappings& m) {
      return std::all_of(all.begin(), all.end(), [&](const auto& one) {
        return m.key.accepts(one.first) && m.value.accepts(one.second);
      });
    });
  }
  if (value.is<Model>()) {
    if (!estimator_) return false;
    const EstimatorType* type = find_estimator_type(value.as<Model>().estimator);
    return type && (estimator_->empty() || type->method(*estimator_));
  }
  const List& all = *value.items();
  return std::any_of(lists_.begin(), lists_.end(),
                     [&](const Lists& l) {
                       return std::ssize(all) >= l.least &&
                              std::all_of(all.begin(), all.end(),
                                          [&](const Value& one) { return l.item.accepts(one); });
                     }) ||
         std::any_of(tuples_.begin(), tuples_.end(), [&](const std::vector<Allowed>& items) {
           return std::equal(all.begin(), all.end(), items.begin(), items.end(),
                             [](const Value& one, const Allowed& a) { return a.accepts(one); });
         });
}

std::string Allowed::describe() const {
  std::vector<std::string> kinds;
  if (!words_.empty())
    kinds.push_back(fmt::format("a str among {{'{}'}}", fmt::join(words_, "', '")));
  if (text_) kinds.emplace_back("a str");
  for (const Integers& r : integers_)
    if (r.low == std::numeric_limits<std::int64_t>::min())
      kinds.emplace_back("an int");
    else
      kinds.push_back(r.high == std::numeric_limits<std::int64_t>::max()
                          ? fmt::format("an int in the range [{}, inf)", r.low)
                          : fmt::format("an int in the range [{}, {}]", r.low, r.high));
  for (const Reals& r : reals_)
    kinds.push_back(fmt::format("a float in the range {}{}, {}{}",
                                r.closed == Closed::left || r.closed == Closed::both ? '[' : '(',
                                Value(r.low).to_string(), Value(r.high).to_string(),
                                r.closed == Closed::right || r.closed == Closed::both ? ']' : ')'));
  if (number_) kinds.push_back("a " + words_for(*number_, "float"));
  if (array_of_) kinds.push_back(words_for(array_of_->first, array_of_->second));
  if (boolean_) kinds.emplace_back("a bool");
  if (array_) kinds.emplace_back("an array");
  if (labels_) kinds.emplace_back("labels, ascending (a vector of numbers or a list of strings)");
  for (const Lists& l : lists_)
    kinds.push_back(fmt::format("a list of {}({})",
                                l.least > 0 ? fmt::format("at least {} of ", l.least) : "",
                                l.item.describe()));
  for (const auto& items : tuples_) {
    std::vector<std::string> each;
    for (std::size_t i = 0; i < std::min<std::size_t>(items.size(), 4); ++i)
      each.push_back(items[i].describe());
    if (items.size() > each.size()) each.push_back(fmt::format("... {} items", items.size()));
    kinds.push_back(fmt::format("a tuple ({})", fmt::join(each, ", ")));
  }
  for (const Mappings& m : mappings_)
    kinds.push_back(fmt::format("a mapping from {} to {}", m.key.describe(), m.value.describe()));
  if (estimator_)
    kinds.push_back(estimator_->empty() ? "an estimator" : "an estimator with " + *estimator_);
  if (none_) kinds.emplace_back("None");
  return fmt::format("{}", fmt::join(kinds, " or "));
}

Value Allowed::parse(const std::string& text) const {
  if (std::find(words_.begin(), words_.end(), text) != words_.end()) return text;
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), ::tolower);
  if (none_ && lower == "none") return {};
  if (boolean_ && (lower == "true" || lower == "false")) return lower == "true";
  if (estimator_ && find_estimator_type(text)) return Model{text, {}, {}};
  const bool nests = !lists_.empty() || !tuples_.empty() || !mappings_.empty() || estimator_;
  if (nests && text.find_first_of("[({") != std::string::npos) return Value::parse(text);
  const char* const end = text.data() + text.size();
  std::int64_t integer = 0;
  const auto [after, code] = std::from_chars(text.data(), end, integer);
  const bool whole = after == end && code != std::errc::invalid_argument;
  if (whole && code == std::errc{}) return integer;
  double real = 0.0;
  if (!(whole && !integers_.empty()))
    if (const auto read = std::from_chars(text.data(), end, real);
        read.ec == std::errc{} && read.ptr == end)
      return real;
  return text;
}

Value stored_float(double value, const Array& like) {
  if (like.dtype() != DType::float32) return value;
  return replicated(std::vector<double>{value}, {}, like.comm()).astype(DType::float32);
}
Value restored_float(const Value& value) {
  if (!value.is<Array>()) return value;
  const Array& a = value.as<Array>();
  if (a.ndim() != 0 || !is_floating(a.dtype())) return value;
  return a.astype(DType::float64).values<double>()[0];
}
Allowed float_like(const Array& like, const Numbers& numbers) {
  return like.dtype() == DType::float32 ? number(numbers) | array({}, numbers) : number(numbers);
}

}  // namespace tessera
