// Estimators as data: parameters, attributes, models.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include <tessera/estimators/estimator.hpp>
#include <tessera/estimators/operations.hpp>
#include <tessera/estimators/registry.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera {
namespace {

// One after the other, and not many.
void refuse(const std::vector<std::string>& problems) {
  constexpr std::ptrdiff_t most = 20;
  if (problems.empty()) return;
  const auto end = problems.begin() + std::min(most, std::ssize(problems));
  std::string text = fmt::format("{}", fmt::join(problems.begin(), end, "; "));
  if (std::ssize(problems) > most) text += fmt::format("; and {} more", problems.size() - most);
  throw ValueError(text);
}

/// An attribute, and what it must be where it is not that.
using Refusals = std::vector<std::pair<std::string, std::string>>;

std::vector<std::string> sentences(const Refusals& refused) {
  std::vector<std::string> all;
  for (const auto& [attribute, must] : refused)
    all.push_back(fmt::format("the model's attribute '{}' must be {}", attribute, must));
  return all;
}

std::vector<std::string> misnamed(const Values& attributes, const std::vector<std::string>& known,
                                  std::string_view estimator) {
  std::map<std::string_view, int> count;
  for (const auto& attribute : known) count[attribute] = 0;
  std::vector<std::string> all;
  for (const auto& [attribute, value] : attributes)
    if (const auto found = count.find(attribute); found == count.end())
      all.push_back(fmt::format("the model has an attribute '{}'; {} has {}", attribute, estimator,
                                fmt::join(known, ", ")));
    else if (++found->second == 2)
      all.push_back(fmt::format("the model has two attributes '{}'", attribute));
  for (const auto& attribute : known)
    if (count[attribute] == 0)
      all.push_back(fmt::format("the model lacks the attribute '{}'", attribute));
  return all;
}

[[noreturn]] void refuse_parameter(std::string_view estimator, const Field& f, const Value& value) {
  throw InvalidParameterError(fmt::format("The '{}' parameter of {} must be {}. Got {} instead.",
                                          f.name, estimator, f.allowed.describe(),
                                          value.to_string()));
}

Values read(const std::vector<Field>& fields, const void* owner) {
  Values values;
  for (const Field& f : fields)
    if (!f.per_row) values.emplace_back(f.name, f.get(owner));
  return values;
}

const Field* row_field(const EstimatorType& type) {
  for (const Field& f : type.attributes())
    if (f.per_row) return &f;
  return nullptr;
}

// Whether an item of a list is ("name", estimator).
bool is_named_estimator(const Value& item) {
  const List* pair = item.items();
  return pair && pair->size() == 2 && (*pair)[0].is<std::string>() && (*pair)[1].is<Model>();
}

}  // namespace

std::string_view Estimator::name() const { return type().name(); }

Values Estimator::get_params(bool deep) const {
  Values all = read(type().parameters(), owner_of_parameters());
  if (!deep) return all;
  const auto add = [&](const std::string& prefix, const Model& inside) {
    for (auto& [key, value] : clone(inside)->get_params())
      all.emplace_back(fmt::format("{}__{}", prefix, key), std::move(value));
  };
  const Values own = all;
  for (const auto& [key, value] : own) {
    if (value.is<Model>()) add(key, value.as<Model>());
    if (const List* items = value.items())
      for (const Value& item : *items)
        if (is_named_estimator(item)) {
          const List& pair = *item.items();
          all.emplace_back(pair[0].as<std::string>(), pair[1]);
          add(pair[0].as<std::string>(), pair[1].as<Model>());
        }
  }
  return all;
}

Estimator::operator Value() const { return Model{std::string(name()), get_params(false), {}}; }

// Changes the estimator of that name inside the parameters; false where there is none.
bool Estimator::change_inside(const std::string& key,
                              const std::function<Value(const Model&)>& change) {
  for (const Field& f : type().parameters()) {
    Value value = f.get(owner_of_parameters());
    bool found = f.name == key && value.is<Model>();
    if (found) {
      value = change(value.as<Model>());
    } else if (const List* items = value.items()) {
      List changed = *items;
      for (Value& item : changed) {
        if (!is_named_estimator(item) || !(*item.items())[0].is_word(key.c_str())) continue;
        const Model& inside = (*item.items())[1].as<Model>();
        item = Tuple{List{Value(key), change(inside)}};
        found = true;
      }
      if (found) value = value.is<List>() ? Value(std::move(changed)) : Value(Tuple{changed});
    }
    if (!found) continue;
    if (!f.set(owner_of_parameters(), value)) refuse_parameter(name(), f, value);
    return true;
  }
  return false;
}

void Estimator::set_params(const Values& values) {
  for (const auto& [key, value] : values) {
    const std::size_t cut = key.find("__");
    const auto set_inside = [&, rest = key.substr(std::min(cut + 2, key.size())),
                             &to = value](const Model& inside) -> Value {
      const auto changed = clone(inside);
      changed->set_params({{rest, to}});
      return *changed;
    };
    if (cut == std::string::npos || !change_inside(key.substr(0, cut), set_inside))
      set_param(key, value);
  }
}

void Estimator::set_param(const std::string& key, const Value& value) {
  for (const Field& f : type().parameters()) {
    if (f.name != key) continue;
    if (!f.set(owner_of_parameters(), value)) refuse_parameter(name(), f, value);
    return;
  }
  if (change_inside(key, [&](const Model&) { return value; })) return;
  std::vector<std::string_view> known;
  for (const Field& f : type().parameters()) known.push_back(f.name);
  throw InvalidParameterError(
      fmt::format("Invalid parameter '{}' for estimator {}. Valid parameters are: {}.", key, name(),
                  fmt::join(known, ", ")));
}

void Estimator::check_params() const {
  for (const Field& f : type().parameters())
    if (const Value value = f.get(owner_of_parameters()); !f.allowed.accepts(value))
      refuse_parameter(name(), f, value);
}

Value detail::value_of(const FittedEstimator& estimator) {
  return estimator ? Value(estimator->model()) : Value();
}

bool detail::assign(FittedEstimator& estimator, const Value& value) {
  if (value.is_none()) estimator.reset();
  if (!value.is<Model>()) return value.is_none();
  estimator = make_estimator(value.as<Model>());
  return true;
}

bool Estimator::has_labels() const { return row_field(type()) != nullptr; }

Array Estimator::labels() const {
  const Field* field = row_field(type());
  return field ? field->get(owner_of_attributes()).as<Array>() : Array{};
}

Values Estimator::attributes() const { return read(type().attributes(), owner_of_attributes()); }

Communicator Estimator::comm() const {
  for (const auto& [name, value] : attributes())
    if (value.is<Array>() && value.as<Array>()) return value.as<Array>().comm();
  return Communicator::world();
}

Model Estimator::model() const {
  detail::require_fitted(*this);
  Model m{std::string(name()), get_params(false), attributes()};
  m.attributes.emplace_back("n_features_in_", n_features_in_);
  if (!feature_names_in_.empty()) m.attributes.emplace_back("feature_names_in_", feature_names_in_);
  return m;
}

void Estimator::restore(const Model& model) {
  n_features_in_ = 0;
  try {
    if (model.estimator != name())
      throw ValueError(fmt::format("the model holds a {}, not a {}", model.estimator, name()));
    set_params(type().make()->get_params(false));
    set_params(model.params);
    check_params();

    std::vector<const Field*> fields;
    Values attributes = model.attributes;
    std::vector<std::string> known;
    for (const Field& f : type().attributes()) {
      if (f.per_row) continue;
      fields.push_back(&f);
      known.emplace_back(f.name);
      if (f.newer && !lookup(attributes, known.back()))
        attributes.emplace_back(known.back(), Value());
    }
    known.emplace_back("n_features_in_");
    // Models of data without names have none.
    const Value* names = lookup(attributes, "feature_names_in_");
    if (names) known.emplace_back("feature_names_in_");
    refuse(misnamed(attributes, known, name()));
    Refusals refused;
    for (const Field* f : fields)
      if (const Value& value = find(attributes, std::string(f->name));
          !f->set(owner_of_attributes(), value))
        refused.emplace_back(f->name, f->allowed.describe() + ", got " + value.to_string());
    const Value& features = find(attributes, "n_features_in_");
    if (const Allowed allowed = integers(1); !allowed.accepts(features))
      refused.emplace_back("n_features_in_", allowed.describe() + ", got " + features.to_string());
    refuse(sentences(refused));
    n_features_in_ = features.as<std::int64_t>();
    for (const Field* f : fields) {
      const Allowed allowed = f->holds(owner_of_attributes());
      if (const Value value = f->get(owner_of_attributes()); !allowed.accepts(value))
        refused.emplace_back(f->name, allowed.describe() + ", got " + allowed.got(value));
    }
    using Names = std::vector<std::string>;
    if (names && (!names->is<Names>() || std::ssize(names->as<Names>()) != n_features_in_))
      refused.emplace_back("feature_names_in_", fmt::format("a list of {} strings, got {}",
                                                            n_features_in_, names->to_string()));
    refuse(sentences(refused));
    feature_names_in_ = names ? names->as<Names>() : Names{};
  } catch (const Error& error) {
    n_features_in_ = 0;
    if (model.file.empty()) throw;
    error.with_text(fmt::format("'{}': {}", model.file, error.what()))->raise();
  }
}

}  // namespace tessera
