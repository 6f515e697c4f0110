#include <tessera/array/described.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include <tessera/runtime/error.hpp>

namespace tessera::detail {
namespace {

// (1, 0) and what else a command has no word for.
Argument default_of(const Parameter& p) {
  if (p.initial == "True" || p.initial == "False") return Scalar(p.initial == "True");
  if (!p.initial.starts_with('(')) return {};
  std::vector<std::int64_t> all;
  const char* end = p.initial.data() + p.initial.size();
  for (const char* at = p.initial.data() + 1; at < end; ++at) {
    std::int64_t value = 0;
    at = std::from_chars(at, end, value).ptr;
    all.push_back(value);
  }
  return all;
}

Argument argument_of(const std::string& name, const functions::Setting& setting) {
  struct {
    const std::string& name;
    Argument operator()(std::monostate) const { return {}; }
    Argument operator()(const std::string& word) const {
      if (name == "dtype" || name == "output") return dtype_from_name(word);
      if (word == "yes" || word == "no") return Scalar(word == "yes");
      return word;
    }
    Argument operator()(const std::vector<std::int64_t>& v) const { return v; }
    Argument operator()(const std::vector<double>& v) const { return v; }
    Argument operator()(bool v) const { return Scalar(v); }
    Argument operator()(std::int64_t v) const { return Scalar(v); }
    Argument operator()(double v) const { return Scalar(v); }
  } const as_argument{name};
  return std::visit(as_argument, setting);
}

}  // namespace

std::vector<Parameter> parameters_of(std::string_view parameters) {
  std::vector<Parameter> all;
  std::string one;
  int depth = 0;
  for (const char c : std::string(parameters) + ",") {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c != ',' || depth > 0) {
      if (c != ' ') one += c;
      continue;
    }
    const auto equals = std::min(one.find('='), one.size());
    if (one != "*" && one != "/")
      all.push_back({one.substr(0, equals), one.substr(std::min(equals + 1, one.size()))});
    one.clear();
  }
  return all;
}

std::vector<std::string> dtype_words() {
  std::vector<std::string> words;
  for (int i = 0; i < dtype_count; ++i) words.emplace_back(name_of(static_cast<DType>(i)));
  return words;
}

functions::Option option_of(const Parameter& p, std::string doc, std::string shown) {
  const auto value = [&](auto number) {
    std::from_chars(p.initial.data(), p.initial.data() + p.initial.size(), number);
    return number;
  };
  if (p.initial == "True") return functions::unless(p.name, "no_" + p.name, std::move(doc));
  if (p.initial == "False") return functions::flag(p.name, std::move(doc));
  if (p.initial.find('.') != std::string::npos)
    return functions::number(p.name, std::move(doc), value(0.0));
  functions::Option o = functions::integer(p.name, std::move(doc), value(std::int64_t{0}));
  o.required = p.initial.empty();
  if (o.required || p.initial == "None") o.initial = {};
  if (p.initial == "None") o.shown = std::move(shown);
  return o;
}

std::vector<std::string> outputs_of(const ArrayFunction& function) {
  std::vector<std::string> names;
  for (std::string_view left = function.fields; left.find(' ') != left.npos;) {
    left.remove_prefix(left.find(' ') + 1);
    names.emplace_back(left.substr(0, left.find(' ')));
  }
  if (names.empty()) names = {function.name};
  return names;
}

std::vector<functions::Result> call_described(const ArrayFunction& function,
                                              const functions::Arguments& in) {
  const functions::Signature& command = in.signature();
  const auto is = [](const std::string& name) {
    return [&name](const auto& each) { return each.name == name; };
  };
  std::vector<Argument> values;
  for (const Parameter& p : parameters_of(function.parameters)) {
    Argument& value = values.emplace_back(default_of(p));
    const auto input = std::ranges::find_if(command.inputs, is(p.name));
    if (p.name == "arrays") {
      std::vector<Array> all;
      for (std::size_t k = 0; k < command.inputs.size(); ++k)
        if (in[k]) all.push_back(in[k]);
      value = all;
    } else if (input != command.inputs.end()) {
      const Array& x = in[static_cast<std::size_t>(input - command.inputs.begin())];
      value = x ? Argument(x) : Argument();
    } else if (std::ranges::any_of(command.options, is(p.name))) {
      value = argument_of(p.name, in.value(p.name));
    }
  }
  const Argument result = function.call(ArrayArguments(function.name, function.parameters, values));
  std::vector<functions::Result> all;
  if (const auto* several = std::get_if<std::vector<Array>>(&result)) {
    for (std::size_t k = 0; k < several->size(); ++k)
      all.emplace_back(command.outputs[k], (*several)[k]);
  } else if (const auto* number = std::get_if<Scalar>(&result)) {
    all.emplace_back(command.outputs[0], number->array(number->dtype(), Communicator::world()));
  } else {
    all.emplace_back(command.outputs[0], std::get<Array>(result));
  }
  return all;
}

}  // namespace tessera::detail

namespace tessera {

void ArrayArguments::refuse(std::size_t i, std::string_view wanted) const {
  const auto text = [](const auto& v) -> std::string {
    using T = std::decay_t<decltype(v)>;
    if constexpr (std::is_same_v<T, std::monostate>)
      return "None";
    else if constexpr (std::is_same_v<T, Scalar>)
      return v.dtype() == DType::boolean   ? (std::get<bool>(v.value()) ? "True" : "False")
             : v.dtype() == DType::float64 ? fmt::format("{:#}", std::get<double>(v.value()))
                                           : v.to_string();
    else if constexpr (std::is_same_v<T, std::string>)
      return fmt::format("'{}'", v);
    else if constexpr (std::is_same_v<T, DType>)
      return fmt::format("the dtype {}", name_of(v));
    else if constexpr (std::is_same_v<T, Array>)
      return fmt::format("an Array of shape {}", to_string(v.shape()));
    else if constexpr (std::is_same_v<T, std::vector<Array>>)
      return fmt::format("{} Arrays", v.size());
    else if constexpr (std::is_same_v<T, std::vector<std::vector<std::int64_t>>>)
      return "several times integers";
    else if constexpr (std::is_same_v<T, Communicator>)
      return "a communicator";
    else
      return fmt::format("({})", fmt::join(v, ", "));
  };
  const auto parameters = detail::parameters_of(parameters_);
  std::string name = i < parameters.size() ? parameters[i].name : "the value";
  if (name[0] == '*') name.erase(0, 1);
  throw TypeError(fmt::format("{}: {} must be {}, got {}", function_, name, wanted,
                              std::visit(text, values_[i])));
}

}  // namespace tessera
