#include <fmt/format.h>
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include <tessera/estimators/registry.hpp>
#include <tessera/estimators/roles.hpp>
#include <tessera/io/model_file.hpp>
#include <tessera/runtime/embed.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/random_state.hpp>

#include "binding.hpp"

namespace tessera::python {
namespace {

// Makes an object of Python's class from a model: wrap(name, parameters, live or None).
PyObject* wrapper = nullptr;

struct Live {
  std::shared_ptr<Estimator> estimator;
  std::optional<Communicator> comm = {};  // those who fitted or loaded it; none: all processes
  Estimator& operator*() const { return *estimator; }
  Estimator* operator->() const { return estimator.get(); }
};

Model model_of(const std::string& name, const nb::dict& params, nb::handle attributes) {
  Model model{name, {}, {}};
  for (const auto& [key, value] : params)
    model.params.emplace_back(nb::cast<std::string>(key), to_value(value));
  if (!attributes.is_none())
    for (const auto& [key, value] : nb::cast<nb::dict>(attributes))
      model.attributes.emplace_back(nb::cast<std::string>(key), to_value(value));
  return model;
}

// As Estimator::set_params, but also for an object that is no Value.
void set_params(const Live& live, const nb::dict& params) {
  for (const auto& [key, object] : params) {
    const auto parameter = nb::cast<std::string>(key);
    Value value;
    try {
      value = to_value(object);
    } catch (const TypeError&) {
      for (const Field& field : live->type().parameters())
        if (field.name == parameter)
          throw InvalidParameterError(
              fmt::format("The '{}' parameter of {} must be {}. Got {} instead.", parameter,
                          live->name(), field.allowed.describe(), nb::repr(object).c_str()));
      throw;
    }
    live->set_params({{parameter, value}});
  }
}

Live make(const std::string& name, const nb::dict& params) {
  Live live{make_estimator(name)};
  set_params(live, params);
  return live;
}

std::string_view kind_of(const Method& method) {
  constexpr std::string_view kinds[] = {"learn", "measure", "map", "tell"};
  return kinds[method.does.index()];
}

std::string_view role_of(const Estimator& e) {
  if (dynamic_cast<const Regressor*>(&e)) return "regressor";
  if (dynamic_cast<const Classifier*>(&e)) return "classifier";
  if (dynamic_cast<const Density*>(&e)) return "density";
  return e.has_labels() ? "clusterer" : "";
}

template <class T>
nb::object text(const T& view) {
  return nb::cast(std::string(view));
}

nb::dict description(const EstimatorType& type) {
  nb::dict all;
  all["name"] = text(type.name());
  all["module"] = type.module();
  all["summary"] = text(type.summary());
  const auto made = type.make();
  const Tags& tags = type.tags();
  all["allows_nan"] = tags.allows_nan;
  all["positive_x"] = tags.positive_x;
  all["positive_y"] = tags.positive_y;
  all["categorical"] = tags.categorical;
  all["one_target"] = tags.one_target;
  all["several_targets"] = tags.several_targets;
  all["poor_score"] = tags.poor_score;
  constexpr std::string_view inputs[] = {"features", "categories", "labels"};
  all["input"] = text(inputs[static_cast<std::size_t>(tags.input)]);
  all["requires_fit"] = tags.requires_fit;
  all["fit_transforms"] = tags.fit_transforms;
  all["other_steps"] = tags.other_steps;
  all["takes_text"] = tags.takes_text;
  all["keeps_text"] = tags.keeps_text;
  all["role"] = text(role_of(*made));
  all["needs_y"] = made->needs_y();
  all["keeps_dtype"] = std::ranges::any_of(
      type.methods(), [](const Method& m) { return m.options.keeps_dtype != nullptr; });
  nb::list parameters, attributes, methods;
  for (const auto& p : type.parameter_info())
    parameters.append(
        nb::make_tuple(p.name, to_python(p.default_value), p.allowed.describe(), p.doc));
  for (const Field& field : type.attributes())
    attributes.append(nb::make_tuple(text(field.name), field.per_row));
  for (const Method& method : type.methods()) {
    nb::dict one;
    one["name"] = text(method.name);
    one["kind"] = text(kind_of(method));
    one["doc"] = text(method.doc);
    one["sample_weight"] = method.options.sample_weight;
    one["of_features"] = method.options.of_features;
    one["classes"] =
        method.name == "partial_fit" && dynamic_cast<const Classifier*>(made.get()) != nullptr;
    one["keeps_columns"] = method.options.keeps_columns;
    one["names_columns"] = method.options.column_names != nullptr;
    nb::list starts;
    for (const auto& start : method.options.starts) starts.append(text(start));
    one["starts"] = starts;
    one["outputs"] = method.options.outputs.size();
    one["conditional"] = method.options.unavailable != nullptr;
    methods.append(one);
  }
  all["parameters"] = parameters;
  all["attributes"] = attributes;
  all["methods"] = methods;
  return all;
}

using NumpyState = std::tuple<std::vector<std::uint32_t>, std::int64_t, bool, double>;

// Does `fit` with what random_state=None draws from: `state`, of the first process, which is
// afterwards where its draws have led to.
void drawing(const Rows& x, std::optional<NumpyState>& given, const std::function<void()>& fit) {
  if (!given) return fit();
  NumpyState& state = *given;
  auto& [key, next, has_left_over, left_over] = state;
  std::array<double, 3> rest = {static_cast<double>(next), has_left_over ? 1.0 : 0.0, left_over};
  key.resize(624);
  x.comm().broadcast(std::span(key), 0);
  x.comm().broadcast(std::span(rest), 0);
  RandomState random;
  random.set_position({key, static_cast<std::int64_t>(rest[0]), rest[1] != 0.0, rest[2]});
  {
    const embed::Draws draws(random);
    fit();
  }
  auto at = random.position();
  state = {std::move(at.key), at.next, at.has_left_over, at.left_over};
}

// Results for arrays are computed at once, those for a stream when they are read.
nb::list results(const Live& live, const std::string& method, nb::handle x) {
  const Rows rows = to_rows(x);
  std::vector<Rows> out;
  std::vector<Array> arrays;
  const bool at_once = rows.array() != nullptr;
  call([&] {
    out = live->call(method, rows);
    if (at_once)
      for (const Rows& one : out) arrays.push_back(collect(one));
  });
  nb::list all;
  for (std::size_t i = 0; i < out.size(); ++i)
    all.append(at_once ? nb::cast(arrays[i]) : nb::cast(out[i]));
  return all;
}

Live load(const std::string& path, const Communicator& comm) {
  Live live;
  call([&] { live.estimator = make_estimator(io::read_model(path, comm)); });
  live.comm = comm;
  return live;
}

nb::object from_model(const Model& model) {
  nb::object live = nb::none();
  if (!model.attributes.empty()) live = nb::cast(Live{make_estimator(model)});
  return nb::borrow(wrapper)(model.estimator, to_python(model.params), live);
}

}  // namespace

nb::object to_python(const Estimator& estimator) {
  return from_model(estimator.is_fitted()
                        ? estimator.model()
                        : Model{std::string(estimator.name()), estimator.get_params(false), {}});
}

void learn(Estimator& estimator, nb::handle attributes, std::int64_t features) {
  nb::dict found;
  if (!nb::try_cast(attributes, found))
    throw TypeError(fmt::format("what learns returns a dict of the fitted attributes, got {}",
                                nb::repr(attributes).c_str()));
  Model model = model_of(std::string(estimator.name()), {}, found);
  model.params = estimator.get_params(false);
  model.attributes.emplace_back("n_features_in_", features);
  estimator.restore(model);
}

nb::object to_python(const Value& value) {
  return std::visit(
      [](const auto& v) -> nb::object {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return nb::none();
        } else if constexpr (std::is_same_v<T, Array>) {
          return v ? view(v, true) : nb::none();
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          return to_python(v);
        } else if constexpr (std::is_same_v<T, List>) {
          nb::list all;
          for (const Value& one : v) all.append(to_python(one));
          return all;
        } else if constexpr (std::is_same_v<T, Tuple>) {
          return nb::tuple(to_python(Value(v.items)));
        } else if constexpr (std::is_same_v<T, Mapping>) {
          nb::dict all;
          for (const auto& [key, item] : v.items) all[to_python(key)] = to_python(item);
          return all;
        } else if constexpr (std::is_same_v<T, std::shared_ptr<const Model>>) {
          return from_model(*v);
        } else {
          return nb::cast(v);
        }
      },
      value.variant());
}

nb::object to_python(const Values& values) {
  nb::dict all;
  for (const auto& [name, value] : values) all[name.c_str()] = to_python(value);
  return all;
}

Value to_value(nb::handle object) {
  if (object.is_none()) return {};
  PyObject* p = object.ptr();
  if (PyBool_Check(p)) return p == Py_True;
  if (PyLong_Check(p)) {
    int overflow = 0;
    const long long v = PyLong_AsLongLongAndOverflow(p, &overflow);
    return overflow ? Value(PyLong_AsDouble(p)) : Value(std::int64_t{v});
  }
  if (PyFloat_Check(p)) return PyFloat_AS_DOUBLE(p);
  if (PyUnicode_Check(p)) return nb::cast<std::string>(object);
  if (PyList_Check(p) || PyTuple_Check(p)) {
    List items;
    std::vector<std::string> words;
    for (const nb::handle item : object) {
      items.push_back(to_value(item));
      if (items.back().is<std::string>()) words.push_back(items.back().as<std::string>());
    }
    if (PyTuple_Check(p)) return Tuple{std::move(items)};
    if (!items.empty() && words.size() == items.size()) return words;
    return items;
  }
  if (PyDict_Check(p)) {
    Mapping all;
    for (const auto& [key, value] : nb::cast<nb::dict>(object))
      all.items.emplace_back(to_value(key), to_value(value));
    return all;
  }
  if (nb::hasattr(object, "__tessera_model__")) {
    const auto [name, params, attributes] =
        nb::cast<std::tuple<std::string, nb::dict, nb::object>>(object.attr("__tessera_model__")());
    return model_of(name, params, attributes);
  }
  if (nb::isinstance<Array>(object)) {
    Array all;
    call([&] { all = gather(nb::cast<Array>(object).to(cpu)); });
    return all;
  }
  if (nb::ndarray_check(object)) {
    if (nb::cast<int>(object.attr("ndim")) == 0) return to_value(object.attr("item")());
    const auto words = std::string_view("OUS");
    if (words.find(nb::cast<std::string>(object.attr("dtype").attr("kind"))) != words.npos)
      return to_value(object.attr("tolist")());
    // Every process has it, so whoever uses it need not ask the others.
    return nb::cast<Array>(
        nb::module_::import_("tessera._core").attr("replicated")(object, Communicator::self()));
  }
  if (nb::hasattr(object, "item") && nb::hasattr(object, "dtype"))
    return to_value(object.attr("item")());
  throw TypeError(fmt::format("no value of Tessera: {}", nb::repr(object).c_str()));
}

void add_estimators(nb::module_& m) {
  m.def("estimators", [] {
    nb::list all;
    for (const auto* type : estimator_types()) all.append(description(*type));
    return all;
  });
  m.def("set_wrapper", [](nb::object made) {
    Py_XDECREF(wrapper);
    wrapper = made.release().ptr();
  });
  m.def("forget_wrapper", [] { Py_CLEAR(wrapper); });
  nb::class_<Live>(m, "Live", "A live estimator of C++.")
      .def(
          "fit",
          [](Live& live, nb::handle x, nb::handle y, nb::handle weights,
             std::optional<NumpyState> state) {
            const Rows rows = to_rows(x);
            live.comm = rows.comm();
            const Array target = to_array(y), w = to_array(weights);
            call([&] { drawing(rows, state, [&] { live->fit(rows, target, w); }); });
            return state;
          },
          nb::arg("x"), nb::arg("y").none(), nb::arg("sample_weight").none(),
          nb::arg("state").none())
      .def(
          "fit_transform",
          [](Live& live, nb::handle x, nb::handle y, nb::handle weights,
             std::optional<NumpyState> state) {
            const Rows rows = to_rows(x);
            live.comm = rows.comm();
            const Array target = to_array(y), w = to_array(weights);
            std::optional<Rows> out;
            call([&] {
              drawing(rows, state, [&] {
                out = live->fit_transform_rows(rows, target, w);
                if (rows.array() != nullptr) out = collect(*out);
              });
            });
            return std::pair(rows.array() ? nb::cast(*out->array()) : nb::cast(*out), state);
          },
          nb::arg("x"), nb::arg("y").none(), nb::arg("sample_weight").none(),
          nb::arg("state").none())
      .def(
          "partial_fit",
          [](Live& live, nb::handle x, nb::handle y, nb::handle classes, nb::handle weights) {
            const Rows rows = to_rows(x);
            live.comm = rows.comm();
            const Array target = to_array(y), w = to_array(weights);
            const Value all = to_value(classes);
            call([&] { live->partial_fit(rows, target, all, w); });
          },
          nb::arg("x"), nb::arg("y").none(), nb::arg("classes").none(),
          nb::arg("sample_weight").none())
      .def("start_from",
           [](Live& live, const nb::dict& attributes) {
             live->start_from(model_of("", {}, attributes).attributes);
           })
      .def("set_params", &set_params)
      .def("why_not",
           [](const Live& live, const std::string& method) { return live->why_not(method); })
      .def("keeps_dtype",
           [](const Live& live, const std::string& method) {
             const auto keeps = live->type().method(method)->options.keeps_dtype;
             return keeps != nullptr && keeps(*live);
           })
      .def("results", &results)
      .def("tell",
           [](const Live& live, const std::string& method) {
             Array out;
             call([&] { out = live->call(method); });
             return out;
           })
      .def(
          "measure",
          [](const Live& live, const std::string& method, nb::handle x, nb::handle y,
             nb::handle weights) {
            const Rows rows = to_rows(x);
            const Array target = to_array(y), w = to_array(weights);
            double measured = 0.0;
            call([&] { measured = live->measure(method, rows, target, w); });
            return measured;
          },
          nb::arg("method"), nb::arg("x"), nb::arg("y").none(), nb::arg("sample_weight").none())
      .def_prop_ro("name", [](const Live& live) { return text(live->name()); })
      .def_prop_ro("params", [](const Live& live) { return to_python(live->get_params(false)); })
      .def_prop_ro("attributes",
                   [](const Live& live) { return to_python(live->model().attributes); })
      .def_prop_ro("labels",
                   [](const Live& live) -> nb::object {
                     const Array labels = live->labels();
                     return labels ? nb::cast(labels) : nb::none();
                   })
      .def_prop_ro("feature_names_out",
                   [](const Live& live) { return to_python(live->get_feature_names_out()); })
      .def("feature_names_out_of",
           [](const Live& live, const std::vector<std::string>& names) {
             return to_python(live->get_feature_names_out(names));
           })
      .def("save",
           [](const Live& live, const std::string& path) {
             call([&] {
               io::write_model(path, live->model(), live.comm.value_or(Communicator::world()));
             });
           })
      .def("__getstate__",
           [](const Live& live) {
             return nb::make_tuple(text(live->name()), to_python(live->get_params(false)),
                                   to_python(live->model().attributes));
           })
      .def("__setstate__",
           [](Live& live, const std::tuple<std::string, nb::dict, nb::object>& state) {
             const auto& [name, params, attributes] = state;
             new (&live) Live{make_estimator(model_of(name, params, attributes))};
           });
  m.def("make", &make);
  m.def("value", [](const std::string& word) { return to_python(Value::parse(word)); });
  m.def("load", &load);
}

}  // namespace tessera::python
