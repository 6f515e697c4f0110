#include <tessera/model/value.hpp>

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include <tessera/runtime/error.hpp>

namespace tessera {
namespace {

constexpr int most_levels = 32;

std::string joined(const List& items) {
  std::string text;
  for (const Value& item : items) text += (text.empty() ? "" : ", ") + item.to_string();
  return text;
}

// The grammar of Python's literals, and Name(key=value, ...).
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Value whole() {
    Value value = one();
    if (at(), at_ < text_.size()) fail("the end");
    return value;
  }

 private:
  [[noreturn]] void fail(std::string_view wanted) const {
    throw ValueError(
        fmt::format("cannot read '{}': {} was expected at character {}", text_, wanted, at_ + 1));
  }
  // The next character that is no blank; 0 at the end.
  char at() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (at() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(fmt::format("'{}'", c));
  }
  static bool in_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }
  std::string_view word() {
    at();
    const std::size_t begin = at_;
    while (at_ < text_.size() && in_word(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  template <class Item>
  void items(char end, Item item) {
    while (!take(end)) {
      item();
      if (take(end)) return;
      expect(',');
    }
  }

  Value one() {
    if (++level_ > most_levels) fail(fmt::format("no more than {} levels", most_levels));
    Value value = any();
    --level_;
    return value;
  }
  Value any() {
    switch (const char c = at()) {
      case '[': {
        ++at_;
        List list;
        items(']', [&] { list.push_back(one()); });
        return list;
      }
      case '(':
        return tuple();
      case '{': {
        ++at_;
        Mapping mapping;
        items('}', [&] {
          Value key = one();
          expect(':');
          mapping.items.emplace_back(std::move(key), one());
        });
        return mapping;
      }
      case '\'':
      case '"': {
        const std::size_t end = text_.find(c, at_ + 1);
        if (end == std::string_view::npos) fail(fmt::format("another {}", c));
        const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        return std::string(inside);
      }
      default:
        return c == '-' || c == '.' || (c >= '0' && c <= '9') ? number() : named();
    }
  }
  Value tuple() {
    ++at_;
    Tuple tuple;
    bool comma = false;
    while (!take(')')) {
      tuple.items.push_back(one());
      if (take(')')) break;
      expect(',');
      comma = true;
    }
    if (tuple.items.size() == 1 && !comma) return tuple.items[0];
    return tuple;
  }
  Value number() {
    const std::size_t end = std::min(text_.find_first_of(" ,)]}:", at_), text_.size());
    const std::string_view digits = text_.substr(at_, end - at_);
    const char* const last = digits.data() + digits.size();
    std::int64_t whole = 0;
    double real = 0.0;
    Value value;
    if (const auto r = std::from_chars(digits.data(), last, whole);
        r.ec == std::errc{} && r.ptr == last)
      value = whole;
    else if (const auto f = std::from_chars(digits.data(), last, real);
             f.ec == std::errc{} && f.ptr == last)
      value = real;
    else
      fail("a number");
    at_ = end;
    return value;
  }
  Value named() {
    const std::string_view name = word();
    if (name == "None") return {};
    if (name == "True") return true;
    if (name == "False") return false;
    if (name == "inf") return std::numeric_limits<double>::infinity();
    if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (name.empty() || at() != '(') fail("a value");
    ++at_;
    Model model{std::string(name), {}, {}};
    items(')', [&] {
      const std::string_view key = word();
      if (key.empty()) fail("the name of a parameter");
      expect('=');
      model.params.emplace_back(key, one());
    });
    return model;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int level_ = 0;
};

}  // namespace

Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

std::string Value::to_string() const {
  struct Printer {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool v) const { return v ? "True" : "False"; }
    std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const {
      const std::string text = fmt::format("{}", v);
      const bool whole = text.find_first_not_of("-0123456789") == std::string::npos;
      return whole ? text + ".0" : text;
    }
    std::string operator()(const std::string& v) const { return fmt::format("'{}'", v); }
    std::string operator()(const Array& v) const {
      return "an array of shape " + tessera::to_string(v.shape());
    }
    std::string operator()(const std::vector<std::string>& v) const {
      return fmt::format("a list of {} strings", v.size());
    }
    std::string operator()(const List& v) const { return fmt::format("[{}]", joined(v)); }
    std::string operator()(const Tuple& v) const {
      return fmt::format("({}{})", joined(v.items), v.items.size() == 1 ? "," : "");
    }
    std::string operator()(const Mapping& v) const {
      std::string text;
      for (const auto& [key, value] : v.items)
        text +=
            fmt::format("{}{}: {}", text.empty() ? "" : ", ", key.to_string(), value.to_string());
      return fmt::format("{{{}}}", text);
    }
    std::string operator()(const std::shared_ptr<const Model>& v) const {
      std::string text;
      for (const auto& [name, value] : v->params)
        text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value.to_string());
      return fmt::format("{}({})", v->estimator, text);
    }
  };
  return std::visit(Printer{}, v_);
}

Value Value::parse(std::string_view text) { return Parser(text).whole(); }

const List* Value::items() const {
  if (is<List>()) return &as<List>();
  return is<Tuple>() ? &as<Tuple>().items : nullptr;
}

const Value* lookup(const Values& values, const std::string& name) {
  for (const auto& [key, value] : values)
    if (key == name) return &value;
  return nullptr;
}

const Value& find(const Values& values, const std::string& name) {
  if (const Value* value = lookup(values, name)) return *value;
  throw RuntimeError("the model has no '" + name + "'");
}

}  // namespace tessera
