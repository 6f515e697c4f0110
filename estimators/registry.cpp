#include <tessera/estimators/registry.hpp>

#include <tessera/array/functions.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <mutex>

#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/standard.hpp>
#include <tessera/runtime/plugin.hpp>

namespace tessera {

// Ours. Each is at the end of its estimator's file, so that this one includes none of them.
namespace detail {
const EstimatorType& ard_regression();
const EstimatorType& bayesian_ridge();
const EstimatorType& bernoulli_nb();
const EstimatorType& binarizer();
const EstimatorType& categorical_nb();
const EstimatorType& complement_nb();
const EstimatorType& elastic_net();
const EstimatorType& elastic_net_cv();
const EstimatorType& function_transformer();
const EstimatorType& gamma_regressor();
const EstimatorType& gaussian_nb();
const EstimatorType& huber_regressor();
const EstimatorType& k_bins_discretizer();
const EstimatorType& kmeans();
const EstimatorType& label_binarizer();
const EstimatorType& label_encoder();
const EstimatorType& lasso();
const EstimatorType& lasso_cv();
const EstimatorType& linear_discriminant_analysis();
const EstimatorType& linear_regression();
const EstimatorType& logistic_regression();
const EstimatorType& logistic_regression_cv();
const EstimatorType& max_abs_scaler();
const EstimatorType& min_max_scaler();
const EstimatorType& missing_indicator();
const EstimatorType& multi_task_elastic_net();
const EstimatorType& multi_task_elastic_net_cv();
const EstimatorType& multi_task_lasso();
const EstimatorType& multi_task_lasso_cv();
const EstimatorType& multinomial_nb();
const EstimatorType& normalizer();
const EstimatorType& one_hot_encoder();
const EstimatorType& ordinal_encoder();
const EstimatorType& pca();
const EstimatorType& poisson_regressor();
const EstimatorType& polynomial_features();
const EstimatorType& power_transformer();
const EstimatorType& quadratic_discriminant_analysis();
const EstimatorType& quantile_transformer();
const EstimatorType& ridge();
const EstimatorType& ridge_classifier();
const EstimatorType& ridge_classifier_cv();
const EstimatorType& ridge_cv();
const EstimatorType& robust_scaler();
const EstimatorType& select_k_best();
const EstimatorType& sgd_classifier();
const EstimatorType& sgd_regressor();
const EstimatorType& simple_imputer();
const EstimatorType& spline_transformer();
const EstimatorType& standard_scaler();
const EstimatorType& target_encoder();
const EstimatorType& tweedie_regressor();
const EstimatorType& variance_threshold();
}  // namespace detail

namespace {

class Registry {
 public:
  static Registry& instance() {
    static Registry all;
    return all;
  }
  void add(const EstimatorType& type) {
    const std::lock_guard lock(mutex_);
    if (const auto [at, fresh] = types_.try_emplace(type.name(), &type);
        !fresh && at->second != &type)
      throw ValueError(fmt::format("there is an estimator '{}' already", type.name()));
  }
  std::vector<const EstimatorType*> types() {
    const std::lock_guard lock(mutex_);
    std::vector<const EstimatorType*> all;
    for (const auto& [name, type] : types_) all.push_back(type);
    return all;
  }

 private:
  Registry() {
    for (const auto ours : {detail::ard_regression,
                            detail::bayesian_ridge,
                            detail::bernoulli_nb,
                            detail::binarizer,
                            detail::categorical_nb,
                            detail::complement_nb,
                            detail::elastic_net,
                            detail::elastic_net_cv,
                            detail::function_transformer,
                            detail::gamma_regressor,
                            detail::gaussian_nb,
                            detail::huber_regressor,
                            detail::k_bins_discretizer,
                            detail::kmeans,
                            detail::label_binarizer,
                            detail::label_encoder,
                            detail::lasso,
                            detail::lasso_cv,
                            detail::linear_discriminant_analysis,
                            detail::linear_regression,
                            detail::logistic_regression,
                            detail::logistic_regression_cv,
                            detail::max_abs_scaler,
                            detail::min_max_scaler,
                            detail::missing_indicator,
                            detail::multi_task_elastic_net,
                            detail::multi_task_elastic_net_cv,
                            detail::multi_task_lasso,
                            detail::multi_task_lasso_cv,
                            detail::multinomial_nb,
                            detail::normalizer,
                            detail::one_hot_encoder,
                            detail::ordinal_encoder,
                            detail::pca,
                            detail::poisson_regressor,
                            detail::polynomial_features,
                            detail::power_transformer,
                            detail::quadratic_discriminant_analysis,
                            detail::quantile_transformer,
                            detail::ridge,
                            detail::ridge_classifier,
                            detail::ridge_classifier_cv,
                            detail::ridge_cv,
                            detail::robust_scaler,
                            detail::select_k_best,
                            detail::sgd_classifier,
                            detail::sgd_regressor,
                            detail::simple_imputer,
                            detail::spline_transformer,
                            detail::standard_scaler,
                            detail::target_encoder,
                            detail::tweedie_regressor,
                            detail::variance_threshold})
      add(ours());
  }
  std::mutex mutex_;
  std::map<std::string_view, const EstimatorType*> types_;
};

}  // namespace

void register_estimator(const EstimatorType& type) {
  Registry::instance().add(type);
  detail::note_of_plugin(type.name());
  for (const Field& f : type.parameters()) detail::note_of_plugin(f.name);
  for (const Method& m : type.methods()) detail::note_of_plugin(m.name);
}
std::vector<const EstimatorType*> estimator_types() { return Registry::instance().types(); }

std::vector<std::string> estimator_names() {
  std::vector<std::string> names;
  for (const auto* type : estimator_types()) names.emplace_back(type->name());
  return names;
}

const EstimatorType* find_estimator_type(std::string_view name) {
  for (const auto* type : estimator_types())
    if (type->name() == name) return type;
  return nullptr;
}

std::unique_ptr<Estimator> make_estimator(const std::string& name) {
  if (const auto* type = find_estimator_type(name)) return type->make();
  throw ValueError(fmt::format("unknown estimator '{}'; there are {}", name,
                               fmt::join(estimator_names(), ", ")));
}

std::unique_ptr<Estimator> make_estimator(const Model& model) {
  auto e = make_estimator(model.estimator);
  e->restore(model);
  return e;
}

std::unique_ptr<Estimator> clone(const Estimator& estimator) {
  auto e = estimator.type().make();
  e->set_params(estimator.get_params(false));
  return e;
}

std::unique_ptr<Estimator> clone(const Model& model) {
  auto e = make_estimator(model.estimator);
  e->set_params(model.params);
  return e;
}

void register_operations() {
  register_array_operations();
  linalg::kernels();
  linalg::functions();
  linalg::standard_functions();
  estimator_kernels();
  estimator_types();
}

}  // namespace tessera
