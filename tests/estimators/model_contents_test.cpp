// What a model file may say: contents that no fit gives are refused, those that a fit gives are
// not.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include <tessera/estimators/cluster/kmeans.hpp>
#include <tessera/estimators/decomposition/pca.hpp>
#include <tessera/estimators/linear_model/linear_regression.hpp>
#include <tessera/estimators/preprocessing/standard_scaler.hpp>

#include "estimators/estimator_cases.hpp"

namespace tessera {
namespace {

using test::numbers;
using test::printed;

/// The model with another value of a parameter or attribute.
Model with(Model model, const std::string& name, const Value& value) {
  for (auto* values : {&model.params, &model.attributes})
    for (auto& [key, old] : *values)
      if (key == name) old = value;
  return model;
}

/// The model with another number in an attribute.
Model with(const Model& model, const std::string& name, std::size_t index, double number) {
  const Array old = find(model.attributes, name).as<Array>();
  std::vector<double> all = numbers(old);
  all.at(index) = number;
  return with(model, name, replicated(all, old.shape(), old.comm()).astype(old.dtype()));
}

/// What is said of the model, after "ValueError: the model's attribute ".
std::string refusal(const Model& model) {
  try {
    make_estimator(model);
  } catch (const ValueError& error) {
    const std::string text = error.what();
    const std::string start = "the model's attribute ";
    return text.starts_with(start) ? text.substr(start.size()) : text;
  }
  return "accepted";
}

/// A model file with a right checksum may still hold anything.
TEST(Models, ImpossibleContentsAreRefused) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  const Array x =
      test::make<double>({60, 3}, [](std::int64_t i) { return test::unit(i) * double(1 + i % 3); });
  const Array y = test::make<double>({60}, [](std::int64_t i) { return test::unit(i, 3); });
  const auto fitted = [&](std::string name, const Values& params, const Array& target) {
    const auto e = make_estimator(name);
    e->set_params(params);
    return e->fit(x, target).model();
  };
  const auto floats = [&](std::vector<double> v, Shape shape) {
    return Value(replicated(v, std::move(shape), x.comm()));
  };
  const Model kmeans = fitted("KMeans", {{"n_clusters", 2}}, {});
  const Model pca = fitted("PCA", {{"n_components", 2}}, {});
  const Model linear = fitted("LinearRegression", {}, y);
  const Model several = fitted("LinearRegression", {}, x);
  const Model scaler = fitted("StandardScaler", {}, {});
  const Model ridge = fitted("Ridge", {{"alpha", 2.0}}, y);
  const Model robust = fitted("RobustScaler", {}, {});
  const Model bins = fitted("KBinsDiscretizer", {{"n_bins", 2}, {"encode", "ordinal"}}, {});
  const Model quadratic =
      fitted("QuadraticDiscriminantAnalysis", {},
             test::make<std::int64_t>({60}, [](std::int64_t i) { return i % 2; }));
  // In a list of arrays one number of the first is another.
  const auto within = [](const Model& model, const std::string& name, double number) {
    List all = *find(model.attributes, name).items();
    const Array old = all[0].as<Array>();
    std::vector<double> values = numbers(old);
    values.at(1) = number;
    all[0] = replicated(values, old.shape(), old.comm());
    return with(model, name, Value(all));
  };
  const std::string finite = "a floating array of shape (3,) with finite numbers";
  const std::string descending = "a floating array of shape (2,) with numbers >= 0, descending";

  const std::vector<std::pair<Model, std::string>> cases = {
      {with(kmeans, "cluster_centers_", 4, nan),
       "'cluster_centers_' must be a floating array of shape (2, 3) with finite numbers, got nan "
       "at "
       "[1, 1]"},
      {with(kmeans, "cluster_centers_", 0, inf),
       "'cluster_centers_' must be a floating array of shape (2, 3) with finite numbers, got inf "
       "at "
       "[0, 0]"},
      {with(kmeans, "n_features_in_", 4),
       "'cluster_centers_' must be a floating array of shape (2, 4) with finite numbers, got "
       "float64 "
       "(2, 3)"},
      {with(kmeans, "cluster_centers_", 1), "'cluster_centers_' must be an array, got 1"},
      {with(kmeans, "inertia_", -1.0), "'inertia_' must be a float >= 0, got -1.0"},
      {with(kmeans, "inertia_", nan), "'inertia_' must be a float >= 0, got nan"},
      {with(kmeans, "n_iter_", -1), "'n_iter_' must be an int in the range [0, inf), got -1"},
      {with(kmeans, "n_iter_", 1.0), "'n_iter_' must be an int, got 1.0"},
      {with(kmeans, "n_features_in_", 0),
       "'n_features_in_' must be an int in the range [1, inf), got 0"},
      {with(kmeans, "n_features_in_", "3"),
       "'n_features_in_' must be an int in the range [1, inf), got '3'"},

      {with(pca, "components_", 5, -inf),
       "'components_' must be a floating array of shape (2, 3) with finite numbers >= -1.001 and "
       "<= "
       "1.001, "
       "got -inf at [1, 2]"},
      {with(pca, "components_", 4, 2.0),
       "'components_' must be a floating array of shape (2, 3) with finite numbers >= -1.001 and "
       "<= "
       "1.001, "
       "got 2.0 at [1, 1]"},
      {with(pca, "explained_variance_", 1, -0.5),
       "'explained_variance_' must be " + descending + ", got -0.5 at [1]"},
      {with(pca, "explained_variance_", floats({1, 2}, {2})),
       "'explained_variance_' must be " + descending + ", got 2.0 after 1.0 at [1]"},
      {with(pca, "explained_variance_", 0, nan),
       "'explained_variance_' must be " + descending + ", got nan at [0]"},
      {with(pca, "explained_variance_ratio_", 0, 1.5),
       "'explained_variance_ratio_' must be a floating array of shape (2,) with numbers >= 0 and "
       "<= "
       "1.000001, descending, got 1.5 at [0]"},
      {with(pca, "explained_variance_ratio_", 1, nan),
       "'explained_variance_ratio_' must be a floating array of shape (2,) with numbers >= 0 and "
       "<= 1.000001, descending, got nan at [1]"},
      {with(pca, "singular_values_", 0, -3.0),
       "'singular_values_' must be " + descending + ", got -3.0 at [0]"},
      {with(pca, "mean_", 2, nan), "'mean_' must be " + finite + ", got nan at [2]"},
      {with(pca, "mean_", floats({1, 2}, {2})), "'mean_' must be " + finite + ", got float64 (2,)"},
      {with(pca, "n_samples_", 0),
       "'n_components_' must be an int in the range [0, 0], got 2; the model's attribute "
       "'n_samples_' must be an int in the range [1, inf), got 0"},
      {with(pca, "noise_variance_", -1e-3), "'noise_variance_' must be a float >= 0, got -0.001"},

      {with(linear, "coef_", 1, nan), "'coef_' must be " + finite + ", got nan at [1]"},
      {with(linear, "coef_", floats({1, 2, 3}, {3, 1})),
       "'coef_' must be a floating array of shape (3, 3) with finite numbers, got float64 (3, 1)"},
      {with(linear, "coef_", floats({1}, {})), "'coef_' must be " + finite + ", got float64 ()"},
      {with(linear, "intercept_", inf), "'intercept_' must be a finite float, got inf"},
      {with(linear, "intercept_", floats({1}, {1})),
       "'intercept_' must be a finite float, got an array of shape (1,)"},
      {with(linear, "intercept_", Value()), "'intercept_' must be a finite float, got None"},
      {with(several, "intercept_", floats({1, 2}, {2})),
       "'intercept_' must be a finite float or " + finite + ", got float64 (2,)"},
      {with(several, "intercept_", 0, nan),
       "'intercept_' must be a finite float or " + finite + ", got nan at [0]"},
      {with(linear, "rank_", 4), "'rank_' must be an int in the range [0, 3], got 4"},
      {with(linear, "rank_", -1), "'rank_' must be an int in the range [0, 3], got -1"},
      {with(linear, "singular_", floats({2, 1, 1, 1}, {4})),
       "'singular_' must be a floating array of shape (3,) with numbers >= 0, descending, "
       "got "
       "float64 (4,)"},
      {with(linear, "singular_", floats({1, 2, 1}, {3})),
       "'singular_' must be a floating array of shape (3,) with numbers >= 0, descending, "
       "got "
       "2.0 after 1.0 at [1]"},

      {with(ridge, "coef_", 1, nan), "'coef_' must be " + finite + ", got nan at [1]"},
      {with(ridge, "solver_", "sag"),
       "'solver_' must be a str among {'cholesky', 'svd', 'lbfgs'}, got 'sag'"},

      {with(robust, "scale_", 1, -1.0),
       "'scale_' must be a floating array of shape (3,) with finite numbers > 0 or NaN, got -1.0 "
       "at "
       "[1]"},
      {with(scaler, "mean_", 0, inf),
       "'mean_' must be a float64 array of shape (3,) with finite numbers, got inf at [0]"},
      {with(scaler, "mean_", Value()),
       "'mean_' must be a float64 array of shape (3,) with finite numbers, got None"},
      {with(scaler, "var_", 1, -1.0),
       "'var_' must be a float64 array of shape (3,) with numbers >= 0, got -1.0 at [1]"},
      {with(scaler, "scale_", 1, 0.0),
       "'scale_' must be a float64 array of shape (3,) with finite numbers > 0, got 0.0 at "
       "[1]"},
      {with(scaler, "scale_", 1, inf),
       "'scale_' must be a float64 array of shape (3,) with finite numbers > 0, got inf at "
       "[1]"},
      // NaN where all columns have values
      {with(scaler, "scale_", 1, nan),
       "'scale_' must be a float64 array of shape (3,) with finite numbers > 0, got nan at [1]"},
      {with(scaler, "scale_", Value()),
       "'scale_' must be a float64 array of shape (3,) with finite numbers > 0, got None"},
      {with(scaler, "scale_", find(scaler.attributes, "scale_").as<Array>().astype(DType::float32)),
       "'scale_' must be a float64 array of shape (3,) with finite numbers > 0, got float32 "
       "(3,)"},
      {with(scaler, "n_samples_seen_", -5),
       "'n_samples_seen_' must be an int in the range [0, inf) or a float >= 0 or "
       "a float64 or int64 array of shape (3,) with numbers >= 0, got -5"},
      {with(scaler, "n_samples_seen_", floats({1, -2, 3}, {3})),
       "'n_samples_seen_' must be an int in the range [0, inf) or a float >= 0 or "
       "a float64 or int64 array of shape (3,) with numbers >= 0, got -2.0 at [1]"},
      // All at once.
      {with(with(scaler, "mean_", 0, inf), "scale_", 2, -1.0),
       "'mean_' must be a float64 array of shape (3,) with finite numbers, got inf at [0]; "
       "the model's attribute 'scale_' must be a float64 array of shape (3,) with finite numbers > "
       "0, "
       "got -1.0 at [2]"},
  };
  for (const auto& [model, text] : cases) EXPECT_EQ(refusal(model), text);
  for (const auto& [model, text] : std::vector<std::pair<Model, std::string>>{
           {within(bins, "bin_edges_", nan), "'bin_edges_' must be a list"},
           {within(quadratic, "rotations_", inf), "'rotations_' must be a list"},
           {within(quadratic, "scalings_", -1.0), "'scalings_' must be a list"}})
    EXPECT_TRUE(refusal(model).starts_with(text)) << refusal(model);
  EXPECT_TRUE(refusal(with(pca, "n_components_", -1))
                  .ends_with("'n_components_' must be an int in the range [0, 3], got -1"));

  Model names = kmeans;
  names.attributes.emplace_back("inertia_", 1.0);
  names.attributes.emplace_back("nonsense_", 1.0);
  std::erase_if(names.attributes, [](const auto& a) { return a.first == "n_iter_"; });
  EXPECT_EQ(refusal(names),
            "the model has two attributes 'inertia_'; "
            "the model has an attribute 'nonsense_'; KMeans has cluster_centers_, inertia_, "
            "n_iter_, _n_init, "
            "n_features_in_; "
            "the model lacks the attribute 'n_iter_'");
  for (int i = 0; i < 100; ++i) names.attributes.emplace_back(fmt::format("a{}", i), i);
  EXPECT_TRUE(refusal(names).ends_with("; and 83 more"));
  EXPECT_EQ(refusal(with(kmeans, "n_clusters", 0)),
            "The 'n_clusters' parameter of KMeans must be an int in the range [1, inf). Got 0 "
            "instead.");
  Model params = kmeans;
  params.params.emplace_back("n_cluster", 2);
  EXPECT_TRUE(refusal(params).starts_with("Invalid parameter 'n_cluster' for estimator KMeans."));

  // A file is named, and what failed to load is not fitted.
  Model bad = with(kmeans, "n_iter_", -1);
  bad.file = "k.tessera";
  KMeans k = KMeans::from_model(kmeans);
  test::expect_error<ValueError>(
      [&] { k.restore(bad); },
      "'k.tessera': the model's attribute 'n_iter_' must be an int in the range [0, inf), got -1");
  EXPECT_THROW(k.predict(x), NotFittedError);
}

/// Every model that differs in one number of an attribute, which is `number` there.
std::vector<std::pair<std::string, Model>> spoilt(const Model& model, double number) {
  std::vector<std::pair<std::string, Model>> all;
  const auto first_of = [&](const Array& old) -> Value {
    std::vector<double> values = numbers(old);
    if (values.empty() || !is_floating(old.dtype())) return {};
    values[0] = number;
    return replicated(values, old.shape(), old.comm()).astype(old.dtype());
  };
  for (const auto& [name, value] : model.attributes) {
    Value other;
    if (value.is<double>()) other = number;
    if (value.is<Array>() && name != "classes_") other = first_of(value.as<Array>());
    if (const List* items = value.items(); items && !items->empty() && (*items)[0].is<Array>()) {
      List changed = *items;
      changed[0] = first_of(changed[0].as<Array>());
      if (!changed[0].is_none()) other = Value(changed);
    }
    if (!other.is_none()) all.emplace_back(model.estimator + "." + name, with(model, name, other));
  }
  return all;
}

/// Nobody learns NaN, an infinity or nonsense from clean data, so no model may bring them.
TEST(Models, OfEveryEstimatorHaveNumbers) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  // A category, which may be any number, and a score of features: what F is of constant ones.
  const std::vector<std::string> any_means = {"OneHotEncoder.categories_",
                                              "OrdinalEncoder.categories_",
                                              "TargetEncoder.categories_", "SelectKBest.scores_"};
  // A column of NaN, which is missing values, has no range, mean or quantile.
  std::vector<std::string> nan_means = {
      "MaxAbsScaler.max_abs_", "MaxAbsScaler.scale_", "MinMaxScaler.data_max_",
      "MinMaxScaler.data_min_", "MinMaxScaler.data_range_", "MinMaxScaler.min_",
      "MinMaxScaler.scale_", "PowerTransformer.lambdas_", "QuantileTransformer.quantiles_",
      "RobustScaler.center_", "RobustScaler.scale_", "SimpleImputer.statistics_",
      "VarianceThreshold.variances_",
      // no share of nothing: means of classes that are all alike, p-values of constant features
      "LinearDiscriminantAnalysis.explained_variance_ratio_", "SelectKBest.pvalues_"};
  // Sums of squares that float32 or float64 does not hold, the ends of what is open, the logarithm
  // of 0 or of a prior of 0, and a penalty that nobody wants.
  std::vector<std::string> inf_means = {"ComplementNB.feature_log_prob_",
                                        "KBinsDiscretizer.bin_edges_",
                                        "KMeans.inertia_",
                                        "LinearDiscriminantAnalysis.intercept_",
                                        "LinearRegression.singular_",
                                        "LogisticRegressionCV.C_",
                                        "LogisticRegressionCV.Cs_",
                                        "PCA.explained_variance_",
                                        "PCA.noise_variance_",
                                        "PCA.singular_values_",
                                        "StandardScaler.var_"};
  std::vector<std::string> minus_inf_means = {"BernoulliNB.feature_log_prob_",
                                              "KBinsDiscretizer.bin_edges_",
                                              "LinearDiscriminantAnalysis.intercept_"};
  for (auto* means : {&nan_means, &inf_means, &minus_inf_means})
    means->insert(means->end(), any_means.begin(), any_means.end());
  for (const std::string& name : estimator_names()) {
    const auto e = make_estimator(name);
    const test::Suited data = test::suited(*e, 60, 3);
    const Model model = e->fit(data.x, data.y).model();
    EXPECT_EQ(refusal(model), "accepted") << name;
    const auto expect_refused = [&](double number, const std::vector<std::string>& means) {
      for (const auto& [what, other] : spoilt(model, number))
        EXPECT_EQ(refusal(other) == "accepted", std::ranges::find(means, what) != means.end())
            << what << " with " << number << ": " << refusal(other);
    };
    expect_refused(std::numeric_limits<double>::quiet_NaN(), nan_means);
    expect_refused(inf, inf_means);
    expect_refused(-inf, minus_inf_means);
  }
}

/// What fit gives is a possible model, whatever the data.
TEST(Models, EverythingThatFitGivesLoadsAgain) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const auto x_of = [](Shape shape, const std::function<double(std::int64_t)>& of) {
    return test::make<double>(std::move(shape), of);
  };
  const auto unit = [](std::int64_t i) { return test::unit(i); };
  const Array tall = x_of({60, 4}, unit);
  const Array wide = x_of({5, 9}, unit);
  const Array one = x_of({1, 3}, unit);
  const Array same = x_of({40, 3}, [](std::int64_t) { return 2.5; });
  const Array deficient = x_of({60, 4}, [](std::int64_t i) { return test::unit(i / 4); });
  const Array holes =
      x_of({60, 4}, [&](std::int64_t i) { return i % 4 == 1 || i == 6 ? nan : test::unit(i); });
  const auto target = [&](const Array& x, std::int64_t q, double size) {
    return x_of(q ? Shape{x.rows(), q} : Shape{x.rows()},
                [=](std::int64_t i) { return size * test::unit(i, 7); });
  };
  const auto check = [](Estimator& e, const Array& x, const Array& y = {}, const Array& w = {}) {
    for (const DType dtype : {DType::float64, DType::float32}) {
      const Model model = e.fit(x.astype(dtype), y, w).model();
      EXPECT_NO_THROW({
        const auto again = make_estimator(model);
        EXPECT_EQ(printed(again->model().attributes), printed(model.attributes));
      }) << e.name()
         << to_string(x.shape());
    }
  };
  // As far as float32 goes: singular values and variances may be infinite there.
  const Array huge = x_of({60, 4}, [](std::int64_t i) { return 1e38 * test::unit(i); });
  const Array tiny = x_of({60, 4}, [](std::int64_t i) { return 1e-37 * test::unit(i); });
  for (const auto& [x, size] : std::vector<std::pair<Array, double>>{
           {tall, 1}, {wide, 1}, {one, 1}, {same, 1}, {deficient, 1}, {huge, 1e38}, {tiny, 1}}) {
    KMeans kmeans({.n_clusters = 1});
    check(kmeans, x);
    for (const std::string solver : {"full", "covariance_eigh", "randomized"})
      for (const bool whiten : {false, true})
        for (const Value& components : {Value(), Value(1), Value(0)}) {
          if (solver == "randomized" && components.is<std::int64_t>() &&
              components.as<std::int64_t>() == 0)
            continue;
          PCA pca({.n_components = components, .whiten = whiten, .svd_solver = solver});
          check(pca, x);
        }
    for (const bool intercept : {true, false})
      for (const std::int64_t q : {0, 1, 3}) {
        LinearRegression linear({.fit_intercept = intercept});
        check(linear, x, target(x, q, size));
      }
  }
  for (const Array& x : {tall, wide, one, same, holes, huge, tiny})
    for (const bool with_mean : {true, false})
      for (const bool with_std : {true, false}) {
        StandardScaler scaler({.with_mean = with_mean, .with_std = with_std});
        check(scaler, x);
        check(scaler, x, {}, x_of({x.rows()}, [](std::int64_t i) { return 0.5 + double(i % 3); }));
      }
}

}  // namespace
}  // namespace tessera
