#include <fmt/format.h>

#include <algorithm>

#include <tessera/estimators/linear_model/signatures.hpp>
#include <tessera/estimators/metrics/signatures.hpp>
#include <tessera/estimators/parameter.hpp>
#include <tessera/estimators/registry.hpp>
#include <tessera/linalg/signatures.hpp>
#include <tessera/ndimage/registry.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/selection.hpp>
#include <tessera/runtime/trace.hpp>

#include "binding.hpp"

namespace tessera::python {
namespace {

using functions::Option;
using functions::Setting;
using functions::Signature;

/// The tables of functions by the module that they make.
const std::map<std::string, const std::vector<Signature>&>& tables() {
  static const std::map<std::string, const std::vector<Signature>&> all = {
      {"linalg", linalg::signatures()},
      {"linear_model", linear_model::signatures()},
      {"metrics", metrics::signatures()}};
  return all;
}

bool has_word(const Option& option, const std::string& word) {
  return std::ranges::find(option.words, word) != option.words.end();
}

nb::object to_python(const Setting& setting) {
  return std::visit(
      [](const auto& v) -> nb::object {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::monostate>)
          return nb::none();
        else
          return nb::cast(v);
      },
      setting);
}

Setting to_setting(const Option* option, nb::handle object) {
  const Value value = to_value(object);
  if (option && option->kind == Option::Kind::word) {
    // A command line has words for what Python says otherwise: None, True, 0, 1.0, nan.
    if (value.is_none() && has_word(*option, "none")) return "none";
    if (value.is<bool>()) return value.as<bool>() ? "true" : "false";
    if (value.is<std::int64_t>() || value.is<double>())
      return fmt::format("{}", PyFloat_AsDouble(object.ptr()));
  }
  if (value.is<bool>()) return value.as<bool>();
  if (option && option->kind == Option::Kind::flag && value.is<std::int64_t>() &&
      (value.as<std::int64_t>() == 0 || value.as<std::int64_t>() == 1))
    return value.as<std::int64_t>() == 1;
  if (value.is<std::int64_t>()) return value.as<std::int64_t>();
  if (value.is<double>()) return value.as<double>();
  if (value.is<std::string>()) return value.as<std::string>();
  if (value.is<Array>() && value.as<Array>().ndim() == 1) return detail::doubles(value);
  if (value.is<Mapping>() && option && option->kind == Option::Kind::numbers) {  // by their names
    std::vector<double> all;
    for (const std::string& name : option->words)
      for (const auto& [key, number] : value.as<Mapping>().items)
        if (key.is_word(name.c_str()) && (number.is<double>() || number.is<std::int64_t>()))
          all.push_back(detail::doubles(number)[0]);
    return all;
  }
  if (const List* items = value.items()) {
    std::vector<std::int64_t> all;
    std::vector<double> floats;
    for (const Value& item : *items) {
      if (item.is<std::int64_t>())
        floats.push_back(static_cast<double>(all.emplace_back(item.as<std::int64_t>())));
      else if (item.is<double>())
        floats.push_back(item.as<double>());
      else
        throw TypeError("expected ints or floats, got " + value.to_string());
    }
    if (floats.size() > all.size()) return floats;
    return all;
  }
  if (!value.is_none()) throw TypeError("no option is " + value.to_string());
  return {};
}

nb::dict description(const Signature& function) {
  nb::dict all;
  all["name"] = function.name;
  all["doc"] = function.doc;
  all["outputs"] = function.outputs;
  all["scalars"] = function.scalars;
  nb::list inputs, options;
  for (const auto& input : function.inputs)
    inputs.append(nb::make_tuple(input.name, input.doc, input.optional));
  for (const Option& option : function.options) {
    std::string allowed = option.allowed();
    if (const auto at = allowed.rfind("none");
        option.kind == Option::Kind::word && at < allowed.size())
      allowed.replace(at, 4, "None");
    const bool none = option.initial == Setting("none");
    const std::string doc = option.off.empty() ? option.doc : "If False, " + option.doc;
    options.append(nb::make_tuple(option.name, to_python(none ? Setting() : option.initial),
                                  option.required, allowed, doc));
  }
  all["inputs"] = inputs;
  all["options"] = options;
  return all;
}

nb::list run(const std::string& table, const std::string& name, const nb::list& arrays,
             const nb::dict& options) {
  const Signature& function = functions::signature(name, tables().at(table));
  std::vector<Array> operands;
  for (const nb::handle x : arrays) operands.push_back(to_array(x));
  std::map<std::string, Setting> settings;
  for (const auto& [key, value] : options) {
    const auto named = nb::cast<std::string>(key);
    const auto option = std::ranges::find(function.options, named, &Option::name);
    settings[named] = to_setting(option == function.options.end() ? nullptr : &*option, value);
  }
  std::vector<functions::Result> results;
  call([&] { results = function(std::move(operands), settings); });
  nb::list all;
  for (const auto& [output, array] : results)
    all.append(nb::make_tuple(output, array ? nb::cast(array) : nb::none()));
  return all;
}

// A guard of this thread, from __enter__ to __exit__.
class Choice {
 public:
  Choice(std::string how, std::string backend)
      : how_(std::move(how)), backend_(std::move(backend)) {}
  void enter() {
    register_operations();
    register_ndimage_operations();
    Selection named;
    named.prefer = {backend_};
    check_backends(named);
    guard_.reset(new SelectionGuard(how_ == "prefer" ? prefer(backend_)
                                    : how_ == "only" ? only(backend_)
                                                     : skip(backend_)));
  }
  void exit() { guard_.reset(); }

 private:
  std::string how_, backend_;
  std::unique_ptr<SelectionGuard> guard_;
};

}  // namespace

void add_functions(nb::module_& m) {
  m.def("functions", [] {
    nb::dict all;
    for (const auto& [name, table] : tables()) {
      nb::list functions;
      for (const Signature& function : table) functions.append(description(function));
      all[name.c_str()] = functions;
    }
    return all;
  });
  m.def("run", &run);
  nb::class_<Choice>(m, "Choice", "Which backends run, while a with statement lasts.")
      .def(nb::init<std::string, std::string>())
      .def("__enter__",
           [](nb::object self) {
             nb::cast<Choice&>(self).enter();
             return self;
           })
      .def("__exit__", [](Choice& self, nb::args) { self.exit(); });
  m.def("trace_start",
        [](const std::string& file) { call([&] { trace::start(file, Communicator::world()); }); });
  m.def("trace_finish", [] { call([] { trace::finish(Communicator::world()); }); });
  m.def("backends", [] {
    register_operations();
    register_ndimage_operations();
    return backend_names();
  });
  m.def("support", [] {
    register_operations();
    register_ndimage_operations();
    nb::dict all;
    for (const auto& row : support_table()) {
      nb::dict takes;
      for (const auto& entry : row.entries) takes[entry.backend.c_str()] = entry.dtypes.to_string();
      all[row.operation.c_str()] = takes;
    }
    return all;
  });
}

}  // namespace tessera::python
