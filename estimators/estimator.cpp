#include <tessera/estimators/estimator.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/estimators/operations.hpp>
#include <tessera/estimators/registry.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

void require_fitted(const Estimator& e) {
  if (!e.is_fitted())
    throw NotFittedError(fmt::format(
        "This {} instance is not fitted yet. Call 'fit' with appropriate arguments first.",
        e.name()));
}

void require_numbers(const std::vector<std::string>& categories, std::string_view what,
                     std::string_view estimator) {
  if (!categories.empty())
    throw ValueError(
        fmt::format("could not convert string to float: '{}' ({} holds text, {} takes numbers)",
                    categories.front(), what, estimator));
}

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

}  // namespace

// --- Classes of estimators ----------------------------------------------------------------------

Method::Method(std::string_view called, std::string_view line, MethodOptions more, Does it_does)
    : name(called), doc(line), options(std::move(more)), does(std::move(it_does)) {}
Method::Method(const Method&) = default;
Method::Method(Method&&) noexcept = default;
Method& Method::operator=(const Method&) = default;
Method& Method::operator=(Method&&) noexcept = default;
Method::~Method() = default;

void EstimatorType::add_parameter(const Field& field) { parameters_.push_back(field); }
void EstimatorType::add_attribute(const Field& field) { attributes_.push_back(field); }
void EstimatorType::add_method(const Method& method) { methods_.push_back(method); }

EstimatorType::EstimatorType(std::string_view class_name, std::string_view line,
                             std::string_view file, Make maker)
    : name_(class_name),
      summary_(line),
      module_(std::filesystem::path(file).parent_path().filename()),
      make_(maker) {}
EstimatorType::EstimatorType(EstimatorType&&) noexcept = default;
EstimatorType::~EstimatorType() = default;

void EstimatorType::make_operations(std::vector<Method> of_role) {
  linalg::kernels();  // a guard may name their backends before any of them has run
  estimator_kernels();
  for (Method& m : of_role)
    if (!method(m.name)) methods_.push_back(std::move(m));
  auto operations = std::make_shared<Operations>();
  for (const Method& m : methods_)
    std::visit(
        [&]<class Signature>(const std::function<Signature>& does) {
          operations->all.emplace_back(
              Operation<Signature>::composed_of(fmt::format("{}.{}", name_, m.name), does));
        },
        m.does);
  operations_ = std::move(operations);
}

const Method* EstimatorType::method(std::string_view name) const {
  const auto found = std::find_if(methods_.begin(), methods_.end(),
                                  [&](const Method& m) { return m.name == name; });
  return found == methods_.end() ? nullptr : &*found;
}

std::vector<ParameterInfo> EstimatorType::parameter_info() const {
  std::vector<ParameterInfo> all;
  const Values defaults = make()->get_params(false);
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    all.push_back({std::string(parameters_[i].name), parameters_[i].allowed, defaults[i].second,
                   std::string(parameters_[i].doc)});
  return all;
}

namespace {

// The operation of a method that does `Signature`; nothing if the class has no such method.
template <class Signature>
const Operation<Signature>* operation_of(const EstimatorType& type, std::string_view name) {
  const Method* m = type.method(name);
  if (!m) return nullptr;
  return std::get_if<Operation<Signature>>(
      &type.operations().all[static_cast<std::size_t>(m - type.methods().data())]);
}

template <class Signature>
const Operation<Signature>& require_operation(const EstimatorType& type, std::string_view name) {
  if (const auto* operation = operation_of<Signature>(type, name)) return *operation;
  throw NotImplementedError(fmt::format("{} has no {}", type.name(), name));
}

}  // namespace

int detail::method_id(const EstimatorType& type, std::string_view method, std::size_t kind) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < type.methods().size(); ++i) {
    const auto& operation = type.operations().all[i];
    if (operation.index() != kind) continue;
    if (type.methods()[i].name == method)
      return std::visit([](const auto& one) { return one.id(); }, operation);
    names.push_back(type.methods()[i].name);
  }
  throw ValueError(fmt::format("{} has no method '{}' of this signature; it has {}", type.name(),
                               method, fmt::join(names, ", ")));
}

// --- Checks -------------------------------------------------------------------------------------

void require_finite(const Leaf& leaf, std::string_view input, std::string_view estimator,
                    bool allow_nan, const std::vector<std::string>& column_names) {
  if (leaf.tile.device != cpu) {
    Leaf here = leaf;
    const Buffer memory(static_cast<std::size_t>(leaf.tile.rows * leaf.tile.cols) *
                        size_of(leaf.tile.dtype));
    here.tile = {memory.data(),  leaf.tile.rows,  leaf.tile.cols,
                 leaf.tile.cols, leaf.tile.dtype, cpu};
    Stream stream(leaf.tile.device);
    copy(stream, leaf.tile, here.tile);
    stream.synchronize();
    return require_finite(here, input, estimator, allow_nan, column_names);
  }
  visit_floating(leaf.tile.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
      for (std::int64_t j = 0; j < leaf.tile.cols; ++j) {
        const T v = leaf.tile.as<const T>()[i * leaf.tile.stride + j];
        if (std::isfinite(v) || (allow_nan && std::isnan(v))) continue;
        const auto named = static_cast<std::size_t>(j) < column_names.size()
                               ? fmt::format(", '{}'", column_names[static_cast<std::size_t>(j)])
                               : "";
        throw ValueError(
            fmt::format("Input {} contains {} at row {}, column {}{} ({}).", input,
                        std::isnan(v) ? "NaN"
                                      : fmt::format("infinity or a value too large for dtype('{}')",
                                                    name_of(leaf.tile.dtype)),
                        leaf.rows.begin + i, j, named, estimator));
      }
  });
}

void require_finite(const Rows& x, std::string_view input, std::string_view estimator,
                    bool allow_nan) {
  together(x.comm(), [&] {
    x.for_each_leaf([&](const Leaf& leaf, Stream& stream) {
      stream.synchronize();  // the leaf may be on its way to a device
      require_finite(leaf, input, estimator, allow_nan, x.column_names());
    });
  });
}

namespace {

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

}  // namespace

std::string_view Estimator::name() const { return type().name(); }

namespace {

// Whether an item of a list is ("name", estimator).
bool is_named_estimator(const Value& item) {
  const List* pair = item.items();
  return pair && pair->size() == 2 && (*pair)[0].is<std::string>() && (*pair)[1].is<Model>();
}

}  // namespace

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

Rows Estimator::check_x(const Rows& x, bool fitting) const {
  require_numbers(x.categories(), "X", name());
  if (x.ndim() != 2)
    throw ValueError(fmt::format(
        "{}: {} expects a 2-D array (n_samples, n_features), got shape {}{}",
        x.ndim() > 2 ? fmt::format("Found array with dim {}, while dim <= 2 is required", x.ndim())
        : x.ndim() < 1 ? "Expected 2D array, got scalar array instead"
                       : "Expected 2D array, got 1D array instead",
        name(), to_string(x.shape()),
        x.ndim() > 2 ? ""
                     : ". Reshape your data to (n, 1) for one feature or (1, n) for one sample"));
  if (is_complex(x.dtype()))
    throw ValueError(fmt::format("Complex data not supported: X is {}, {} takes real numbers",
                                 name_of(x.dtype()), name()));
  for (const auto& [extent, what] : {std::pair{x.rows(), "sample"}, {x.cols(), "feature"}})
    if (extent == 0)
      throw ValueError(fmt::format(
          "Found array with 0 {0}(s) (shape={1}) while a minimum of 1 is required: {2} needs at "
          "least 1 {0}",
          what, to_string(x.shape()), name()));
  if (!fitting) check_names(x.column_names());
  if (!fitting && x.cols() != n_features_in_)
    throw ValueError(fmt::format("X has {} features, but {} is expecting {} features as input.",
                                 x.cols(), name(), n_features_in_));
  return is_floating(x.dtype()) ? x : x.as(DType::float64);
}

void Estimator::check_names(const std::vector<std::string>& names) const {
  if (names == feature_names_in_) return;
  if (names.empty())
    return warn(fmt::format(
        "X does not have valid feature names, but {} was fitted with feature names", name()));
  if (feature_names_in_.empty())
    return warn(
        fmt::format("X has feature names, but {} was fitted without feature names", name()));
  const auto missing_from = [](const std::vector<std::string>& some,
                               const std::vector<std::string>& others) {
    constexpr std::size_t most = 5;
    const std::set<std::string> known(others.begin(), others.end());
    std::vector<std::string> missing;
    for (const auto& one : some)
      if (!known.contains(one)) missing.push_back(fmt::format("'{}'", one));
    const std::size_t n = missing.size();
    missing.resize(std::min(n, most));
    return fmt::format("{}{}", fmt::join(missing, ", "),
                       n > most ? fmt::format(" and {} more", n - most) : "");
  };
  std::string text = "The feature names should match those that were passed during fit.";
  const std::string unseen = missing_from(names, feature_names_in_);
  const std::string missing = missing_from(feature_names_in_, names);
  if (!unseen.empty()) text += " Feature names unseen at fit time: " + unseen + ".";
  if (!missing.empty())
    text += " Feature names seen at fit time, yet now missing: " + missing + ".";
  if (unseen.empty() && missing.empty())
    text += " Feature names must be in the same order as they were in fit.";
  throw ValueError(text);
}

Array Estimator::check_companion(const Array& a, const Rows& x, const char* what,
                                 bool taken) const {
  if (!a) return a;
  const bool weights = std::string_view(what) == "sample_weight";
  if (weights && !taken) throw ValueError(fmt::format("{} does not take a sample_weight", name()));
  if (a.ndim() < 1 || a.ndim() > (weights ? 1 : 2))
    throw ValueError(fmt::format("{} must be {}, got shape {}", what,
                                 weights ? "1-D" : "1-D or 2-D", to_string(a.shape())));
  if (a.rows() != x.rows())
    throw ValueError(fmt::format("X and {} have different numbers of samples: {} and {}", what,
                                 x.rows(), a.rows()));
  if (is_complex(a.dtype()))
    throw ValueError(fmt::format("Complex data not supported: {} is {}, {} takes real numbers",
                                 what, name_of(a.dtype()), name()));
  require_numbers(a.categories(), what, name());
  // One value per row, or a few, is checked in host memory and then goes where X is.
  const Array same = redistribute(a.to(cpu).astype(x.dtype()), x.distribution());
  const auto total = reduce<Sums>(same, [&](const Leaf& leaf, Stream& stream) {
    if (!linalg::kernels().all_finite(stream, leaf.tile)) require_finite(leaf, what, name());
    Sums s{{0.0}};
    if (!weights) return s;
    visit_floating(leaf.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
        const T w = leaf.tile.as<const T>()[i];
        if (w < 0)
          throw ValueError(fmt::format("sample_weight must not be negative, got {} at row {}", w,
                                       leaf.rows.begin + i));
        s.values[0] += static_cast<double>(w);
      }
    });
    return s;
  });
  if (weights && total.values[0] == 0.0)
    throw ValueError(
        "sample_weight must contain at least one weight other than 0, but all are zero");
  return same.to(x.device());
}

Array Estimator::check_target(const Array& y, const Rows& x) const {
  if (target() == Target::none) return {};
  if (!y)
    throw ValueError(fmt::format("{} requires y to be passed, but the target y is None", name()));
  return target() == Target::classes ? detail::labels_of(y, x, name())
                                     : check_companion(y, x, "y", true);
}

// --- Methods ------------------------------------------------------------------------------------

Estimator& Estimator::fit(const Rows& x, const Array& y, const Array& sample_weight) {
  learn("fit", x, y, sample_weight);
  return *this;
}

void Estimator::learn(std::string_view method, const Rows& x, const Array& y,
                      const Array& sample_weight) {
  const bool anew = method == "fit" || !is_fitted();
  check_params();
  const Rows checked = check_x(x, anew);
  const auto& operation = require_operation<Method::Learn>(type(), method);
  const Array target = check_target(y, checked);
  const Array weights = check_companion(sample_weight, checked, "sample_weight",
                                        type().method(method)->options.sample_weight);
  if (anew) {
    n_features_in_ = 0;
    feature_names_in_.clear();
  }
  operation(checked, *this, target, weights);
  n_features_in_ = x.cols();
  if (anew) feature_names_in_ = x.column_names();
  fitted_under_ = selection_is_default() ? nullptr : detail::selection_in_force();
}

// The choice in force at fit holds unless one is in force now.
detail::SelectionHandle Estimator::remembered() const {
  return fitted_under_ && selection_is_default() ? fitted_under_ : detail::selection_in_force();
}

bool Estimator::has(std::string_view method) const { return type().method(method) != nullptr; }

std::vector<Rows> Estimator::call(std::string_view method, const Rows& x) const {
  require_fitted(*this);
  const auto& map = require_operation<Method::Map>(type(), method);
  const MethodOptions& options = type().method(method)->options;
  const SelectionGuard guard(remembered());
  std::vector<Rows> all = map(check_x(x, !options.of_features), *this);
  if (options.keeps_columns)
    for (Rows& rows : all) rows = rows.named(feature_names_in_);
  return all;
}

std::vector<std::string> Estimator::get_feature_names_out() const {
  require_fitted(*this);
  // Rows are computed when they are read, so asking for their number costs nothing.
  const Rows none = zeros({1, n_features_in_}, DType::float64, Communicator::self());
  const auto columns = require_operation<Method::Map>(type(), "transform")(none, *this)[0].cols();
  const bool kept = type().method("transform")->options.keeps_columns;
  if (kept && !feature_names_in_.empty()) return feature_names_in_;
  std::string prefix = kept ? "x" : std::string(name());
  std::ranges::transform(prefix, prefix.begin(), [](unsigned char c) { return std::tolower(c); });
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < columns; ++i) names.push_back(fmt::format("{}{}", prefix, i));
  return names;
}

Outputs Estimator::run(std::string_view method, const Rows& x) const {
  return require_operation<Method::Map>(type(), method)(x, *this);
}

Array Estimator::call(std::string_view method) const {
  require_fitted(*this);
  const auto& tell = require_operation<Method::Tell>(type(), method);
  const SelectionGuard guard(remembered());
  return tell(*this);
}

double Estimator::measure(std::string_view method, const Rows& x, const Array& y,
                          const Array& sample_weight) const {
  require_fitted(*this);
  const auto& measure = require_operation<Method::Measure>(type(), method);
  const SelectionGuard guard(remembered());
  const Rows checked = check_x(x, false);
  return measure(checked, *this, check_target(y, checked),
                 check_companion(sample_weight, checked, "sample_weight",
                                 type().method(method)->options.sample_weight));
}

Array Estimator::fit_predict(const Rows& x, const Array& y, const Array& sample_weight) {
  fit(x, y, sample_weight);
  return has_labels() ? labels() : predict(x);
}

Array Estimator::fit_transform(const Rows& x, const Array& y, const Array& sample_weight) {
  return fit(x, y, sample_weight).transform(x);
}

// --- Attributes and models ----------------------------------------------------------------------

Value detail::value_of(const FittedEstimator& estimator) {
  return estimator ? Value(estimator->model()) : Value();
}

bool detail::assign(FittedEstimator& estimator, const Value& value) {
  if (!value.is<Model>()) return false;
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
  require_fitted(*this);
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
