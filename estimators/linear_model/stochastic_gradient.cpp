#include <tessera/estimators/linear_model/stochastic_gradient.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <tessera/estimators/class_scores.hpp>
#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/folds.hpp>
#include <tessera/estimators/linear_model/sgd.hpp>
#include <tessera/runtime/random_state.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera {
namespace {

using detail::SgdOutput;
constexpr std::int64_t most_seed = 2147483647;

// An attribute that is a member of progress_.
template <class Self, class M>
FieldOf<Self> progress(std::string_view name, M SgdProgress::*member, const Allowed& holds) {
  FieldOf<Self> field;
  field.name = name;
  field.get = [member](const void* self) {
    return detail::to_value(static_cast<const Self*>(self)->progress_.*member);
  };
  field.set = [member](void* self, const Value& value) {
    return detail::assign(static_cast<Self*>(self)->progress_.*member, value);
  };
  field.allowed = detail::kind_of<M>();
  field.holds = [holds](const void*) { return holds; };
  return field;
}

// What the two classes have in common.
template <class E>
EstimatorType sgd_type(std::string_view summary, const std::vector<std::string>& losses,
                       std::initializer_list<MethodOf<E>> methods) {
  using P = typename E::Params;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Allowed of_average = array() | none();
  return EstimatorType::of<E>(
      summary,
      {parameter("loss", &P::loss, words(losses), "what is minimised beside the penalty"),
       parameter("penalty", &P::penalty, words({"l2", "l1", "elasticnet"}) | none(),
                 "what keeps coefficients small"),
       parameter("alpha", &P::alpha, reals(0.0),
                 "strength of the penalty; of learning_rate 'optimal' also the rate"),
       parameter("l1_ratio", &P::l1_ratio, reals(0.0, 1.0, Closed::both) | none(),
                 "elasticnet: share of the L1 penalty; the rest is L2"),
       common::with_intercept<P>(),
       parameter("max_iter", &P::max_iter, integers(1), "most epochs of fit"),
       parameter("tol", &P::tol, reals(0.0) | none(),
                 "stop when epochs do not improve by that; None: after max_iter epochs"),
       parameter("shuffle", &P::shuffle, boolean(), "another order of a leaf's rows in each epoch"),
       common::with_unused_verbose<P>(),
       parameter("epsilon", &P::epsilon, reals(0.0),
                 "huber and epsilon-insensitive losses: errors that count less, or nothing"),
       parameter("random_state", &P::random_state, integers(0, 4294967295) | none(),
                 "seed of the orders of rows; None: 0"),
       parameter("learning_rate", &P::learning_rate,
                 words({"constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"}),
                 "the length of a step: eta0, 1 / (alpha (t + t0)), eta0 / t^power_t, eta0 and a "
                 "fifth of it where epochs do not improve, or passive-aggressive steps"),
       parameter("eta0", &P::eta0, reals(0.0, infinity, Closed::neither),
                 "the first step's length, or the most of a passive-aggressive one"),
       parameter("power_t", &P::power_t, reals(-infinity, infinity, Closed::neither),
                 "invscaling: the power of t"),
       parameter("early_stopping", &P::early_stopping, boolean(),
                 "hold rows out, and stop when their score does not improve"),
       parameter("validation_fraction", &P::validation_fraction, reals(0.0, 1.0, Closed::neither),
                 "the share of rows that are held out"),
       parameter("n_iter_no_change", &P::n_iter_no_change, integers(1),
                 "epochs without improvement after which fit stops"),
       common::with_warm_start<P>(),
       parameter("average", &P::average, boolean() | integers(1),
                 "coefficients are means over the steps, or over those from this row on")},
      {attribute("n_iter_", &E::n_iter_, integers(0)),
       progress<E>("t_", &SgdProgress::t, number({.low = 1.0})),
       progress<E>("_steps", &SgdProgress::steps, number({.low = 1.0})),
       progress<E>("_standard_coef", &SgdProgress::standard_coef, of_average),
       progress<E>("_standard_intercept", &SgdProgress::standard_intercept, of_average),
       progress<E>("_average_coef", &SgdProgress::average_coef, of_average),
       progress<E>("_average_intercept", &SgdProgress::average_intercept, of_average)},
      methods);
}

template <class Params>
std::int64_t average_from(const Params& params) {
  const Value& v = params.average;
  return v.is<bool>() ? (v.as<bool>() ? 1 : 0) : v.as<std::int64_t>();
}

template <class Params>
detail::SgdOptions options_of(const Params& params, std::int64_t epochs,
                              std::string_view passive_loss) {
  if (params.learning_rate == "optimal" && params.alpha == 0)
    throw ValueError("alpha must be above 0 for learning_rate='optimal', got 0");
  if (params.learning_rate.starts_with("pa") && params.loss != passive_loss)
    throw ValueError(fmt::format("learning_rate='{}' needs loss='{}', got '{}'",
                                 params.learning_rate, passive_loss, params.loss));
  if (params.penalty.is_word("elasticnet") && !params.l1_ratio)
    throw ValueError("l1_ratio must be a number for penalty='elasticnet', got None");
  detail::SgdOptions o{
      .loss = params.loss,
      .penalty = params.penalty.is_none() ? "none" : params.penalty.template as<std::string>(),
      .learning_rate = params.learning_rate,
      .alpha = params.alpha,
      .l1_ratio = params.l1_ratio.value_or(0.0),
      .eta0 = params.eta0,
      .power_t = params.power_t,
      .epsilon = params.epsilon,
      .tol = params.tol.value_or(-std::numeric_limits<double>::infinity()),
      .max_iter = epochs,
      .n_iter_no_change = params.n_iter_no_change,
      .average = average_from(params),
      .fit_intercept = params.fit_intercept,
      .shuffle = params.shuffle,
      .early_stopping = params.early_stopping,
      .validation_fraction = params.validation_fraction};
  return o;
}

// Which rows early_stopping holds out.
template <class Params>
void hold_out(detail::SgdOptions& options, const Params& params, std::int64_t rows,
              const Array& codes, std::int64_t classes, std::string_view name) {
  constexpr std::int64_t most_drawn_together = std::int64_t{1} << 24;
  if (!options.early_stopping) return;
  const auto draws = check_random_state(params.random_state);
  if (rows <= most_drawn_together)
    options.held_out =
        detail::shuffle_split(params.validation_fraction, rows, codes, classes, *draws, name);
  else
    options.validation_seed = static_cast<std::uint32_t>(draws->randint(0, most_seed));
}

template <class Params>
void check_partial(const Params& params) {
  if (params.early_stopping)
    throw ValueError("early_stopping must be False for partial_fit, got True");
}

// Where the outputs start: coefficients (k p) and intercepts (k), or 0.
void start_at(std::vector<SgdOutput>& outputs, std::int64_t p, const std::vector<double>& coef,
              const std::vector<double>& intercept, const SgdProgress& progress) {
  const auto n = static_cast<std::size_t>(p);
  const auto average = progress.average_coef.is<Array>()
                           ? detail::doubles(progress.average_coef.as<Array>())
                           : std::vector<double>(outputs.size() * n);
  const auto average_intercept = progress.average_intercept.is<Array>()
                                     ? detail::doubles(progress.average_intercept.as<Array>())
                                     : std::vector<double>(outputs.size());
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const auto part = [&](const std::vector<double>& of) {
      const auto from = of.begin() + static_cast<std::ptrdiff_t>(k * n);
      return std::vector<double>(from, from + p);
    };
    outputs[k].coef = coef.empty() ? std::vector<double>(n) : part(coef);
    outputs[k].intercept = k < intercept.size() ? intercept[k] : 0.0;
    outputs[k].average = part(average);
    outputs[k].average_intercept = average_intercept[k];
  }
}

// The same from what a caller gave; none is 0. Takes both away: no later fit starts from them, not
// after an error either.
void start_at_given(std::vector<SgdOutput>& outputs, std::int64_t p, Array& coef, Value& intercept,
                    std::string_view name) {
  const auto k = std::ssize(outputs);
  const auto coefs = coef ? detail::doubles(std::exchange(coef, {})) : std::vector<double>();
  const Value given = std::exchange(intercept, {});
  const auto intercepts =
      given.is<Array>() ? detail::doubles(given.as<Array>()) : std::vector<double>();
  if (!coefs.empty() && std::ssize(coefs) != k * p)
    throw ValueError(
        fmt::format("{}: Provided coef_init does not match dataset: it needs {} x {} "
                    "numbers, got {}",
                    name, k, p, coefs.size()));
  if (!intercepts.empty() && std::ssize(intercepts) != k)
    throw ValueError(
        fmt::format("{}: Provided intercept_init does not match dataset: it needs {} "
                    "numbers, got {}",
                    name, k, intercepts.size()));
  start_at(outputs, p, coefs, intercepts, {});
}

// Runs the epochs; progress goes on. Gives the coefficients and intercepts that the model has.
std::pair<linalg::Small, std::vector<double>> run_epochs(
    const Rows& x, const Array& y, const Array& weights, const detail::SgdOptions& options,
    std::vector<SgdOutput>& outputs, SgdProgress& progress, std::int64_t& n_iter,
    std::string_view name) {
  progress.steps = detail::descend(x, y, weights, options, outputs, progress.steps, name);
  n_iter = 0;
  for (const SgdOutput& output : outputs) n_iter = std::max(n_iter, output.n_iter);
  progress.t += static_cast<double>(n_iter * x.rows());
  const auto k = std::ssize(outputs);
  const auto part = [&](std::vector<double> SgdOutput::*coef, double SgdOutput::*intercept) {
    std::pair<linalg::Small, std::vector<double>> all{linalg::Small(k, x.cols()), {}};
    for (std::int64_t i = 0; i < k; ++i) {
      const SgdOutput& output = outputs[static_cast<std::size_t>(i)];
      std::ranges::copy(output.*coef, all.first.row(i).begin());
      all.second.push_back(output.*intercept);
    }
    return all;
  };
  auto standard = part(&SgdOutput::coef, &SgdOutput::intercept);
  if (options.average == 0) return standard;
  auto average = part(&SgdOutput::average, &SgdOutput::average_intercept);
  const auto keep = [&](const auto& pair, Value& coef, Value& intercept) {
    coef = pair.first.array(DType::float64, x.comm());
    intercept = replicated(pair.second, {k}, x.comm());
  };
  keep(standard, progress.standard_coef, progress.standard_intercept);
  keep(average, progress.average_coef, progress.average_intercept);
  return static_cast<double>(options.average) <= progress.t - 1 ? average : standard;
}

template <class Params>
void warn_after_fit(const Params& params, std::int64_t n_iter, std::string_view name) {
  if (params.tol && n_iter == params.max_iter)
    warn(fmt::format("{}: not converged after max_iter={} epochs; more may improve the fit", name,
                     params.max_iter),
         "ConvergenceWarning");
  if (params.power_t < 0)
    warn(
        "Negative values for `power_t` are deprecated in version 1.8 of scikit-learn: use 0 and "
        "more",
        "FutureWarning");
}

std::string no_probabilities(const Estimator& e) {
  const auto& loss = static_cast<const SGDClassifier&>(e).params.loss;
  if (loss == "log_loss" || loss == "modified_huber") return "";
  return fmt::format("probability estimates are not available for loss='{}'", loss);
}

}  // namespace

// --- SGDClassifier ------------------------------------------------------------------------------

const EstimatorType& SGDClassifier::describe() {
  using Self = SGDClassifier;
  static const auto type = [] {
    auto made = sgd_type<Self>(
        "linear classifier by stochastic gradient descent",
        {"hinge", "squared_hinge", "perceptron", "log_loss", "modified_huber", "squared_error",
         "huber", "epsilon_insensitive", "squared_epsilon_insensitive"},
        {method("fit", &Self::do_fit, "finds the coefficients",
                {.starts = {"coef_", "intercept_"}}),
         method("partial_fit", &Self::do_partial_fit, "goes on with an epoch of these rows"),
         method("predict_proba", &Self::do_predict_proba,
                "the probability of each class, for losses log_loss and modified_huber",
                {.unavailable = no_probabilities}),
         method("predict_log_proba", &Self::do_predict_log_proba, "the logarithm of that",
                {.unavailable = no_probabilities})});
    made.add_parameter(common::with_unused_jobs<Params>());
    made.add_parameter(common::with_class_weight<Params>());
    made.add_attribute(classes_attribute<Self>());
    made.add_attribute(coef_attribute<Self>());
    made.add_attribute(intercept_attribute<Self>());
    return made;
  }();
  return type;
}

void SGDClassifier::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  const Value before = classes_;
  const Array codes = learn_classes(y, x);
  const bool warm = params.warm_start && !has_start() && coef_ && !before.is_none() &&
                    coef_.shape() == Shape{outputs(), x.cols()} && same_classes(before, classes_);
  progress_ = {};
  std::vector<SgdOutput> start(static_cast<std::size_t>(outputs()));
  if (has_start())
    start_at_given(start, x.cols(), coef_, intercept_, name());
  else
    start_at(start, x.cols(), warm ? detail::doubles(coef_) : std::vector<double>(),
             warm ? intercepts() : std::vector<double>(), progress_);
  learn_codes(x, codes, sample_weight, std::move(start), params.max_iter);
  warn_after_fit(params, n_iter_, name());
}

void SGDClassifier::do_partial_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  const Array codes = codes_of(y, x);
  if (!is_fitted()) {
    check_partial(params);
    if (params.class_weight.is_word("balanced"))
      throw ValueError(
          "class_weight 'balanced' is not supported for partial_fit: pass the weights of the "
          "classes, as a large enough sample of them says");
    progress_ = {};
  }
  const bool goes_on = is_fitted(), averaged = progress_.standard_coef.is<Array>();
  std::vector<SgdOutput> start(static_cast<std::size_t>(outputs()));
  start_at(start, x.cols(),
           !goes_on   ? std::vector<double>()
           : averaged ? detail::doubles(progress_.standard_coef.as<Array>())
                      : detail::doubles(coef_),
           !goes_on   ? std::vector<double>()
           : averaged ? detail::doubles(progress_.standard_intercept.as<Array>())
                      : intercepts(),
           progress_);
  learn_codes(x, codes, sample_weight, std::move(start), 1);
}

void SGDClassifier::learn_codes(const Rows& x, const Array& codes, const Array& sample_weight,
                                std::vector<SgdOutput> outputs, std::int64_t epochs) {
  const std::int64_t k = class_count(classes_);
  if (k < 2)
    throw ValueError(fmt::format("{}: y must have 2 classes or more, got {} class", name(), k));
  auto options = options_of(params, epochs, "hinge");
  hold_out(options, params, x.rows(), codes, k, name());
  const auto weights = weights_of_classes(params.class_weight, {classes_, codes}, {});
  const auto random = check_random_state(params.random_state);
  for (std::size_t c = 0; c < outputs.size(); ++c) {
    // scikit-learn's draws: of more than two classes a generator for each.
    outputs[c].positive = static_cast<std::int32_t>(k == 2 ? 1 : c);
    outputs[c].positive_weight = weights[static_cast<std::size_t>(outputs[c].positive)];
    outputs[c].negative_weight = k == 2 ? weights[0] : 1.0;
    RandomState own;
    if (k > 2) own = RandomState(static_cast<std::uint32_t>(random->randint(0, most_seed)));
    RandomState& draws = k > 2 ? own : *random;
    draws.randint(1, most_seed);  // of the data set
    outputs[c].seed = static_cast<std::uint32_t>(draws.randint(0, most_seed));
  }
  const auto [coef, intercept] = run_epochs(x, codes.astype(x.dtype()), sample_weight, options,
                                            outputs, progress_, n_iter_, name());
  set_solution(coef, intercept, x);
}

Rows SGDClassifier::do_predict_proba(const Rows& x) const {
  return detail::one_against_rest(run("decision_function", x)[0], params.loss == "log_loss");
}
Rows SGDClassifier::do_predict_log_proba(const Rows& x) const {
  return detail::logarithm(run("predict_proba", x)[0]);
}

// --- SGDRegressor -------------------------------------------------------------------------------

const EstimatorType& SGDRegressor::describe() {
  using Self = SGDRegressor;
  static const auto type = [] {
    auto made = sgd_type<Self>(
        "linear regression by stochastic gradient descent",
        {"squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"},
        {method("fit", &Self::do_fit, "finds the coefficients",
                {.starts = {"coef_", "intercept_"}}),
         method("partial_fit", &Self::do_partial_fit, "goes on with an epoch of these rows")});
    made.add_attribute(coef_attribute<Self>());
    made.add_attribute(attribute<Self, Value>("intercept_", &Self::intercept_, array({1})));
    return made;
  }();
  return type;
}

void SGDRegressor::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  const bool warm = params.warm_start && !has_start() && coef_ && coef_.shape() == Shape{x.cols()};
  progress_ = {};
  std::vector<SgdOutput> start(1);
  if (has_start())
    start_at_given(start, x.cols(), coef_, intercept_, name());
  else
    start_at(start, x.cols(), warm ? detail::doubles(coef_) : std::vector<double>(),
             warm ? detail::doubles(intercept_) : std::vector<double>(), progress_);
  learn_numbers(x, y, sample_weight, std::move(start), params.max_iter);
  warn_after_fit(params, n_iter_, name());
}

void SGDRegressor::do_partial_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  if (!is_fitted()) {
    check_partial(params);
    progress_ = {};
  }
  const bool goes_on = is_fitted(), averaged = progress_.standard_coef.is<Array>();
  std::vector<SgdOutput> start(1);
  start_at(start, x.cols(),
           goes_on ? detail::doubles(averaged ? progress_.standard_coef.as<Array>() : coef_)
                   : std::vector<double>(),
           goes_on ? detail::doubles(averaged ? progress_.standard_intercept : intercept_)
                   : std::vector<double>(),
           progress_);
  learn_numbers(x, y, sample_weight, std::move(start), 1);
}

void SGDRegressor::learn_numbers(const Rows& x, const Array& y, const Array& sample_weight,
                                 std::vector<SgdOutput> outputs, std::int64_t epochs) {
  if (y.cols() != 1)
    throw ValueError(fmt::format("y should be a 1d array, got an array of shape {} instead.",
                                 to_string(y.shape())));
  auto options = options_of(params, epochs, "epsilon_insensitive");
  hold_out(options, params, x.rows(), {}, 0, name());
  outputs[0].seed =
      static_cast<std::uint32_t>(check_random_state(params.random_state)->randint(0, most_seed));
  const auto [coef, intercept] = run_epochs(x, y.reshape({y.rows()}), sample_weight, options,
                                            outputs, progress_, n_iter_, name());
  coef_ = replicated(coef.values(), {x.cols()}, x.comm()).astype(x.dtype());
  intercept_ = replicated(intercept, {1}, x.comm()).astype(x.dtype());
}

namespace detail {
const EstimatorType& sgd_classifier() { return SGDClassifier::describe(); }
const EstimatorType& sgd_regressor() { return SGDRegressor::describe(); }
}  // namespace detail

}  // namespace tessera
