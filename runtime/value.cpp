#include <tessera/runtime/value.hpp>

#include <fmt/format.h>

#include <tessera/runtime/error.hpp>

namespace tessera {

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
  };
  return std::visit(Printer{}, v_);
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
