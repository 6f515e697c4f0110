#include <tessera/estimators/registry.hpp>
#include <tessera/linalg/signatures.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/selection.hpp>
#include <tessera/runtime/trace.hpp>

#include "binding.hpp"

namespace tessera::python {
namespace {

using linalg::Setting;

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

Setting to_setting(nb::handle object) {
  const Value value = to_value(object);
  if (value.is<bool>()) return value.as<bool>();
  if (value.is<std::int64_t>()) return value.as<std::int64_t>();
  if (value.is<double>()) return value.as<double>();
  if (value.is<std::string>()) return value.as<std::string>();
  if (const List* items = value.items()) {
    std::vector<std::int64_t> all;
    for (const Value& item : *items) {
      if (!item.is<std::int64_t>()) throw TypeError("expected ints, got " + value.to_string());
      all.push_back(item.as<std::int64_t>());
    }
    return all;
  }
  if (!value.is_none()) throw TypeError("no option is " + value.to_string());
  return {};
}

nb::dict description(const linalg::Signature& function) {
  nb::dict all;
  all["name"] = function.name;
  all["doc"] = function.doc;
  all["outputs"] = function.outputs;
  all["scalars"] = function.scalars;
  nb::list inputs, options;
  for (const auto& input : function.inputs)
    inputs.append(nb::make_tuple(input.name, input.doc, input.verbatim));
  for (const auto& option : function.options)
    options.append(nb::make_tuple(option.name, to_python(option.initial), option.required,
                                  option.allowed(), option.doc));
  all["inputs"] = inputs;
  all["options"] = options;
  return all;
}

nb::list run(const std::string& name, const nb::list& arrays, const nb::dict& options) {
  std::vector<Array> operands;
  for (const nb::handle x : arrays) operands.push_back(to_array(x));
  std::map<std::string, Setting> settings;
  for (const auto& [key, value] : options) settings[nb::cast<std::string>(key)] = to_setting(value);
  std::vector<linalg::Result> results;
  call([&] { results = linalg::signature(name)(std::move(operands), settings); });
  nb::list all;
  for (const auto& [output, array] : results) all.append(nb::make_tuple(output, array));
  return all;
}

// A guard of this thread, from __enter__ to __exit__.
class Choice {
 public:
  Choice(std::string how, std::string backend)
      : how_(std::move(how)), backend_(std::move(backend)) {}
  void enter() {
    register_operations();
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
  m.def("linalg_functions", [] {
    nb::list all;
    for (const auto& function : linalg::signatures()) all.append(description(function));
    return all;
  });
  m.def("linalg", &run);
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
    return backend_names();
  });
  m.def("support", [] {
    register_operations();
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
