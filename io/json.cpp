#include <cmath>
#include <nlohmann/json.hpp>

#include <tessera/io/dataset.hpp>
#include <tessera/io/model_file.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::io {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t most_elements = 1'000'000;

ordered_json number(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "Infinity" : "-Infinity";
  return v;
}

template <class T>
ordered_json element(const T& v) {
  if constexpr (std::is_integral_v<T>)
    return v;
  else if constexpr (std::is_floating_point_v<T>)
    return number(v);
  else
    return ordered_json::array({number(v.real()), number(v.imag())});
}

ordered_json array(const Array& x, bool full) {
  ordered_json json = {{"shape", x.shape()}, {"dtype", name_of(x.dtype())}, {"data", nullptr}};
  if (x.size() > most_elements && !full) {
    json["note"] = std::to_string(x.size()) + " elements; ask for the full output to see them";
    return json;
  }
  ordered_json data = ordered_json::array();
  if (x)
    visit(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (const T& v : x.to(cpu).template values<T>()) data.push_back(element(v));
    });
  json["data"] = std::move(data);
  return json;
}

ordered_json model_object(const Model& model, bool full);

ordered_json content(const Value& value, bool full) {
  struct Content {
    bool full;
    ordered_json operator()(std::monostate) const { return nullptr; }
    ordered_json operator()(bool v) const { return v; }
    ordered_json operator()(std::int64_t v) const { return v; }
    ordered_json operator()(double v) const { return number(v); }
    ordered_json operator()(const std::string& v) const { return v; }
    ordered_json operator()(const Array& v) const { return array(v, full); }
    ordered_json operator()(const std::vector<std::string>& v) const { return v; }
    ordered_json operator()(const List& v) const {
      ordered_json json = ordered_json::array();
      for (const Value& item : v) json.push_back(content(item, full));
      return json;
    }
    ordered_json operator()(const Tuple& v) const { return (*this)(v.items); }
    ordered_json operator()(const Mapping& v) const {
      ordered_json json = ordered_json::object();
      for (const auto& [key, item] : v.items)
        json[key.is<std::string>() ? key.as<std::string>() : key.to_string()] = content(item, full);
      return json;
    }
    ordered_json operator()(const std::shared_ptr<const Model>& v) const {
      return model_object(*v, full);
    }
  };
  return std::visit(Content{full}, value.variant());
}

ordered_json object(const Values& values, bool full) {
  ordered_json::object_t json;  // as a vector: looking for each name first would be quadratic
  json.reserve(values.size());
  for (const auto& [name, value] : values) json.emplace_back(name, content(value, full));
  return json;
}

ordered_json model_object(const Model& model, bool full) {
  Values attributes, chosen;
  for (const auto& a : model.attributes)
    (a.first.starts_with('_') ? chosen : attributes).push_back(a);
  ordered_json json = {{"estimator", model.estimator},
                       {"params", object(model.params, full)},
                       {"attributes", object(attributes, full)}};
  if (!chosen.empty()) json["chosen"] = object(chosen, full);
  return json;
}

// Bytes that are no UTF-8 become U+FFFD, and what a terminal might obey is escaped.
std::string text_of(const ordered_json& json) {
  return printable(json.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace

std::string to_json(const Model& model, bool full) { return text_of(model_object(model, full)); }

std::string datasets_json(const std::string& file, const Communicator& comm) {
  ordered_json json = ordered_json::array();
  for (const auto& info : list_datasets(file, comm)) {
    json.push_back({{"name", info.name},
                    {"shape", info.shape},
                    {"dtype", info.text ? "str" : name_of(info.dtype)}});
    if (!info.sparse.empty()) json.back()["sparse"] = info.sparse;
  }
  return text_of(json);
}

}  // namespace tessera::io
