#include <tessera/estimators/estimator.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include <tessera/estimators/operations.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {

void detail::require_fitted(const Estimator& e) {
  if (!e.is_fitted())
    throw NotFittedError(fmt::format(
        "This {} instance is not fitted yet. Call 'fit' with appropriate arguments first.",
        e.name()));
}

namespace {

using detail::require_fitted;

void require_numbers(const std::vector<std::string>& categories, std::string_view what,
                     std::string_view estimator) {
  if (!categories.empty() && categories.front().starts_with('\x1f'))  // as a table's words do
    throw ValueError(fmt::format(
        "could not convert string to float: {} is a table of text and numbers, {} takes numbers",
        what, estimator));
  if (!categories.empty())
    throw ValueError(
        fmt::format("could not convert string to float: '{}' ({} holds text, {} takes numbers)",
                    categories.front(), what, estimator));
}

}  // namespace

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

Rows Estimator::check_x(const Rows& given, bool fitting, bool of_features) const {
  const Input input = of_features ? type().tags().input : Input::features;
  // A vector of text, as files have them, is a column of categories.
  const bool takes_text = input == Input::categories || (of_features && type().tags().takes_text);
  const bool column = takes_text && given.ndim() == 1 && !given.categories().empty();
  const Rows x = !column ? given
                         : map_rows(given, {given.rows(), 1}, given.dtype(),
                                    [](const Leaf& in, const Tile& out, Stream& stream) {
                                      copy(stream, in.tile, out);
                                    })
                               .categorized(given.categories());
  if (input == Input::features && !takes_text) require_numbers(x.categories(), "X", name());
  const bool labels = type().tags().input == Input::labels;
  if (labels ? x.ndim() != 1 && x.ndim() != 2 : x.ndim() != 2)
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
  if (of_features && labels) return x;
  if (!fitting) check_names(x.column_names());
  if (!fitting && x.cols() != n_features_in_)
    throw ValueError(fmt::format("X has {} features, but {} is expecting {} features as input.",
                                 x.cols(), name(), n_features_in_));
  return is_floating(x.dtype()) || input == Input::categories || !x.categories().empty()
             ? x
             : x.as(DType::float64);
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
  if (target() == Target::any && y.rows() != x.rows())
    throw ValueError(
        fmt::format("X and y have different numbers of samples: {} and {}", x.rows(), y.rows()));
  if (target() == Target::any) return y;
  return target() == Target::classes ? detail::labels_of(y, x, name())
                                     : check_companion(y, x, "y", true);
}

// --- Methods ------------------------------------------------------------------------------------

Estimator& Estimator::fit(const Rows& x, const Array& y, const Array& sample_weight) {
  learn("fit", x, y, sample_weight);
  return *this;
}

void Estimator::start_from(const Values& attributes) {
  const auto& starts = type().method("fit")->options.starts;
  n_features_in_ = 0;  // what the last fit found is overwritten
  for (const auto& [attribute, value] : attributes) {
    const auto field = std::ranges::find(type().attributes(), attribute, &Field::name);
    if (std::ranges::find(starts, attribute) == starts.end())
      throw ValueError(fmt::format("{}.fit starts from no {}", name(), attribute));
    if (!field->set(owner_of_attributes(), value))
      throw ValueError(
          fmt::format("{}.fit cannot start from the {} {}", name(), attribute, value.to_string()));
  }
  has_start_ = true;
}

Estimator& Estimator::partial_fit(const Rows& x, const Array& y, const Value& classes,
                                  const Array& sample_weight) {
  if (!classes.is_none()) throw ValueError(fmt::format("{} takes no classes", name()));
  learn("partial_fit", x, y, sample_weight);
  return *this;
}

void Estimator::learn(std::string_view method, const Rows& x, const Array& y,
                      const Array& sample_weight) {
  const bool anew = method == "fit" || !is_fitted();
  // What a caller gave is for this fit, whether it ends well or not.
  struct Once {
    bool& flag;
    ~Once() { flag = false; }
  } const once{has_start_};
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

std::string Estimator::why_not(std::string_view method) const {
  const Method* found = type().method(method);
  if (!found) return fmt::format("{} has no {}", name(), method);
  return found->options.unavailable ? found->options.unavailable(*this) : "";
}

namespace {
/// What was computed of integers or bools in floating numbers as such again, when it is read.
Rows whole_numbers(const Rows& rows, DType dtype, std::string what) {
  const auto convert = [dtype, what = std::move(what)](const Leaf& in, const Tile& out, Stream&) {
    visit_floating(in.tile.dtype, [&](auto from) {
      visit(dtype, [&](auto to) {
        using From = typename decltype(from)::type;
        using To = typename decltype(to)::type;
        if constexpr (std::is_integral_v<To>) {
          constexpr From exact = From(std::int64_t{1} << std::numeric_limits<From>::digits);
          for (std::int64_t i = 0; i < out.rows; ++i)
            for (std::int64_t j = 0; j < out.cols; ++j) {
              const From v = in.tile.as<const From>()[i * in.tile.stride + j];
              const bool fits = v >= From(std::numeric_limits<To>::min()) &&
                                v <= From(std::numeric_limits<To>::max()) && std::abs(v) <= exact;
              if (!fits || From(To(v)) != v)
                throw ValueError(
                    fmt::format("{} of {} data would be {} in row {}, column {}; give X in float64",
                                what, name_of(dtype), v, in.rows.begin + i, j));
              out.as<To>()[i * out.stride + j] = To(v);
            }
        }
      });
    });
  };
  return map_rows(rows.to(cpu), rows.shape(), dtype, convert).to(rows.device());
}
}  // namespace

std::vector<Rows> Estimator::call(std::string_view method, const Rows& x) const {
  if (type().tags().requires_fit) require_fitted(*this);
  const auto& map = require_operation<Method::Map>(type(), method);
  const MethodOptions& options = type().method(method)->options;
  if (const std::string why = why_not(method); !why.empty()) throw NotImplementedError(why);
  const SelectionGuard guard(remembered());
  if (!is_fitted()) check_params();
  std::vector<Rows> all =
      map(check_x(x, !options.of_features || !is_fitted(), options.of_features), *this);
  if (options.keeps_dtype && !is_floating(x.dtype()) && x.categories().empty() &&
      options.keeps_dtype(*this))
    for (Rows& rows : all)
      rows = whole_numbers(rows, x.dtype(), fmt::format("{}.{}", name(), method));
  if (options.keeps_columns)
    for (Rows& rows : all) rows = rows.named(is_fitted() ? feature_names_in_ : x.column_names());
  if (options.column_names && !feature_names_in_.empty())
    all[0] = all[0].named(options.column_names(*this, feature_names_in_));
  return all;
}

std::vector<std::string> Estimator::get_feature_names_out() const {
  require_fitted(*this);
  if (!feature_names_in_.empty()) return get_feature_names_out(feature_names_in_);
  std::vector<std::string> names;
  for (std::int64_t j = 0; j < n_features_in_; ++j) names.push_back(fmt::format("x{}", j));
  return get_feature_names_out(names);
}

std::vector<std::string> Estimator::get_feature_names_out(
    const std::vector<std::string>& of_x) const {
  require_fitted(*this);
  const MethodOptions& options = type().method("transform")->options;
  if (options.keeps_columns) return of_x;
  if (options.column_names) return options.column_names(*this, of_x);
  // Rows are computed when they are read, so asking for their number costs nothing.
  const Rows none = zeros({1, n_features_in_}, DType::float64, Communicator::self());
  const auto columns = require_operation<Method::Map>(type(), "transform")(none, *this)[0].cols();
  std::string prefix(name());
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

Rows Estimator::fit_transform_rows(const Rows& x, const Array& y, const Array& sample_weight) {
  return fit(x, y, sample_weight).transform_rows(x);
}

}  // namespace tessera
