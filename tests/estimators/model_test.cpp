// Parameters and fitted attributes as data: scikit-learn's names and defaults, and the way to a
// model and back.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include <tessera/estimators/cluster/kmeans.hpp>
#include <tessera/estimators/decomposition/pca.hpp>
#include <tessera/estimators/linear_model/linear_regression.hpp>
#include <tessera/estimators/preprocessing/standard_scaler.hpp>

#include "estimators/estimator_cases.hpp"

namespace tessera {
namespace {

using test::numbers;
using test::printed;

/// What scikit-learn 1.9 says of a class.
struct Reference {
  std::string name;
  std::string signature;
  std::vector<std::string> attributes;  ///< but for labels_, which belongs to the training rows
  Values others;                        ///< allowed values other than the defaults
};

std::vector<Reference> references() {
  return {
      {"KMeans",
       "n_clusters=8, init='k-means++', n_init='auto', max_iter=300, tol=0.0001, verbose=0, "
       "random_state=None, "
       "copy_x=True, algorithm='lloyd'",
       {"cluster_centers_", "inertia_", "n_iter_", "_n_init", "n_features_in_"},
       {{"n_clusters", 3},
        {"init", "random"},
        {"n_init", 2},
        {"max_iter", 7},
        {"tol", 0.5},
        {"verbose", false},
        {"random_state", 11},
        {"copy_x", false},
        {"algorithm", "lloyd"}}},
      {"LinearRegression",
       "fit_intercept=True, copy_X=True, tol=1e-06, n_jobs=None, positive=False",
       {"coef_", "intercept_", "rank_", "singular_", "n_features_in_"},
       {{"fit_intercept", false},
        {"copy_X", false},
        {"tol", 0.25},
        {"n_jobs", -1},
        {"positive", false}}},
      {"PCA",
       "n_components=None, copy=True, whiten=False, svd_solver='auto', tol=0.0, "
       "iterated_power='auto', "
       "n_oversamples=10, power_iteration_normalizer='auto', random_state=None",
       {"components_", "explained_variance_", "explained_variance_ratio_", "singular_values_",
        "mean_", "n_components_", "n_samples_", "noise_variance_", "_fit_svd_solver",
        "n_features_in_"},
       {{"n_components", 2},
        {"copy", false},
        {"whiten", true},
        {"svd_solver", "randomized"},
        {"tol", 1.5},
        {"iterated_power", 3},
        {"n_oversamples", 4},
        {"power_iteration_normalizer", "QR"},
        {"random_state", 5}}},
      {"Ridge",
       "alpha=1.0, fit_intercept=True, copy_X=True, max_iter=None, tol=0.0001, solver='auto', "
       "positive=False, random_state=None",
       {"coef_", "intercept_", "n_iter_", "solver_", "n_features_in_"},
       {{"alpha", 0.5},
        {"fit_intercept", false},
        {"copy_X", false},
        {"max_iter", 9},
        {"tol", 0.5},
        {"solver", "svd"},
        {"positive", false},
        {"random_state", 4}}},
      {"StandardScaler",
       "copy=True, with_mean=True, with_std=True",
       {"mean_", "var_", "scale_", "n_samples_seen_", "n_features_in_"},
       {{"copy", false}, {"with_mean", false}, {"with_std", true}}},
  };
}

Array data() {
  return test::make<double>({300, 4},
                            [](std::int64_t i) { return test::unit(i) * double(1 + i % 4); });
}
Array target() {
  return test::make<double>({300}, [](std::int64_t i) { return test::unit(i, 3); });
}

// tests/python compares the parameters and attributes of every estimator with scikit-learn's.
TEST(Model, NamesAndDefaultsAreScikitLearns) {
  for (const auto& r : references()) {
    const auto e = make_estimator(r.name);
    EXPECT_EQ(e->name(), r.name);
    EXPECT_EQ(printed(e->get_params()), r.signature);
    e->fit(data(), target());
    std::vector<std::string> attributes;
    for (const auto& [name, value] : e->model().attributes) attributes.push_back(name);
    EXPECT_EQ(attributes, r.attributes) << r.name;
  }
}

TEST(Model, ParametersAreDescribedOnce) {
  for (const auto& r : references()) {
    const auto e = make_estimator(r.name);
    e->set_params(r.others);  // what is described are the defaults, whatever is set
    Values defaults;
    for (const auto& info : e->type().parameter_info())
      defaults.emplace_back(info.name, info.default_value);
    EXPECT_EQ(printed(defaults), r.signature);
  }
  for (const EstimatorType* type : estimator_types()) {
    EXPECT_FALSE(type->summary().empty()) << type->name();
    for (const auto& info : type->parameter_info()) {
      EXPECT_TRUE(info.allowed.accepts(info.default_value)) << type->name() << "." << info.name;
      EXPECT_FALSE(info.doc.empty()) << type->name() << "." << info.name;
      EXPECT_FALSE(info.allowed.describe().empty()) << type->name() << "." << info.name;
    }
  }
}

TEST(Model, ParametersThatAreSetAreGot) {
  for (const auto& r : references()) {
    const auto e = make_estimator(r.name);
    ASSERT_EQ(e->get_params().size(), r.others.size());
    for (std::size_t i = 0; i < r.others.size(); ++i) {
      const auto before = e->get_params();
      e->set_params({r.others[i]});
      auto want = before;
      want[i].second = r.others[i].second;
      EXPECT_EQ(printed(e->get_params()), printed(want)) << "one and no other changes";
    }
    EXPECT_EQ(printed(e->get_params()), printed(r.others));
    EXPECT_FALSE(e->is_fitted());
  }
}

TEST(Model, WhatIsSetBeforeAnErrorStays) {
  KMeans e;
  EXPECT_THROW(e.set_params({{"n_clusters", 5}, {"nonsense", 1}, {"max_iter", 2}}),
               InvalidParameterError);
  EXPECT_EQ(e.params.n_clusters, 5) << "as in scikit-learn, one after the other";
  EXPECT_EQ(e.params.max_iter, 300);
}

TEST(Model, IntsAreTakenForFloats) {
  KMeans e;
  e.set_params({{"tol", 1}});
  EXPECT_EQ(e.params.tol, 1.0);
  EXPECT_EQ(find(e.get_params(), "tol").to_string(), "1.0");
}

test::Fingerprint use(const Estimator& e, const test::Suited& data) {
  test::Fingerprint f;
  const auto attempt = [&](const char* name, const std::function<std::string()>& call) {
    try {
      f.emplace_back(name, call());
    } catch (const Error& error) {  // SimpleImputer's inverse wants another parameter
      f.emplace_back(name, error.what());
    }
  };
  for (const auto& [name, value] : e.get_params()) f.emplace_back(name, test::bits_of(value));
  for (const auto& [name, value] : e.model().attributes) f.emplace_back(name, test::bits_of(value));
  attempt("predict", [&] { return test::bits_of(e.predict(data.x)); });
  attempt("transform", [&] { return test::bits_of(e.transform(data.x)); });
  attempt("inverse", [&] { return test::bits_of(e.inverse_transform(e.transform(data.x))); });
  attempt("score", [&] { return test::bits_of(e.score(data.x, data.y)); });
  return f;
}

TEST(Model, ThereAndBack) {
  std::vector<std::pair<std::string, Values>> cases;
  for (const auto& name : estimator_names()) cases.emplace_back(name, Values{});
  for (const auto& r : references()) cases.emplace_back(r.name, r.others);
  for (const auto& [name, params] : cases) {
    const auto e = make_estimator(name);
    e->set_params(params);
    const auto data = test::suited(*e, 300, 4);
    e->fit(data.x, data.y);
    const Model model = e->model();
    EXPECT_EQ(model.estimator, name);
    const auto again = make_estimator(model);
    EXPECT_TRUE(again->is_fitted());
    EXPECT_EQ(again->n_features_in_, e->n_features_in_);
    test::expect_same_bits(use(*again, data), use(*e, data), name);
    EXPECT_FALSE(again->labels()) << "labels are of the training data";
    // Over what was fitted before.
    const auto other = make_estimator(name);
    const auto before = test::suited(*other, 50, 2);
    other->fit(before.x, before.y);
    other->restore(model);
    test::expect_same_bits(use(*other, data), use(*e, data), name + " restored over another");
  }
}

TEST(Model, TypedEstimatorsComeBackToo) {
  KMeans k({.n_clusters = 3, .random_state = 2});
  k.fit(data());
  const KMeans again = KMeans::from_model(k.model());
  EXPECT_EQ(again.params.n_clusters, 3);
  EXPECT_EQ(again.params.random_state, 2);
  EXPECT_EQ(again.inertia_, k.inertia_);
  EXPECT_EQ(numbers(again.cluster_centers_), numbers(k.cluster_centers_));
  EXPECT_EQ(numbers(again.predict(data())), numbers(k.labels_));
}

// An array given as init is a parameter like others.
TEST(Model, InitMayBeAnArray) {
  KMeans k({.n_clusters = 2,
            .init = replicated(std::vector<double>{0, 0, 0, 0, 1, 1, 1, 1}, {2, 4},
                               Communicator::world())});
  k.fit(data());
  const KMeans again = KMeans::from_model(k.model());
  EXPECT_EQ(test::bits_of(again.params.init), test::bits_of(k.params.init));
  EXPECT_EQ(find(k.get_params(), "init").to_string(), "an array of shape (2, 4)");
}

TEST(Model, CopiesAreIndependent) {
  StandardScaler s;
  s.fit(data());
  const auto before = numbers(s.transform(data()));
  StandardScaler copy = s;
  copy.fit(test::make<double>({300, 4}));
  EXPECT_EQ(numbers(s.transform(data())), before);
}

TEST(Model, SaysWhatAutoMeant) {
  KMeans k({.n_clusters = 2, .init = "random"});
  k.fit(data());
  EXPECT_EQ(find(k.model().attributes, "_n_init").to_string(), "10");
  k.params.init = "k-means++";
  k.fit(data());
  EXPECT_EQ(find(k.model().attributes, "_n_init").to_string(), "1");
  PCA p;
  p.fit(data());
  EXPECT_EQ(find(p.model().attributes, "_fit_svd_solver").to_string(), "'covariance_eigh'");
  p.fit(test::make<double>({30, 4}));
  EXPECT_EQ(find(p.model().attributes, "_fit_svd_solver").to_string(), "'full'");
}

// Model files of version 0.1 lack some attributes and hold an intercept of float32 as a float64.
TEST(Model, OfAnEarlierVersion) {
  KMeans k({.n_clusters = 2});
  k.fit(data());
  Model old = k.model();
  std::erase_if(old.attributes, [](const auto& a) { return a.first == "_n_init"; });
  k.restore(old);
  EXPECT_FALSE(k.n_init_.has_value()) << "and not what was fitted before";
  LinearRegression l;
  l.fit(data().astype(DType::float32), target());
  Model linear = l.model();
  const Value intercept = find(linear.attributes, "intercept_");
  ASSERT_TRUE(intercept.is<Array>());
  EXPECT_EQ(intercept.as<Array>().dtype(), DType::float32);
  EXPECT_EQ(intercept.as<Array>().ndim(), 0);
  for (auto& [key, value] : linear.attributes)
    if (key == "intercept_") value = l.intercept_.as<double>();
  for (const Model& m : {linear, l.model()})
    EXPECT_EQ(LinearRegression::from_model(m).intercept_.as<double>(), l.intercept_.as<double>());
}

TEST(Models, FeatureNamesAreRememberedAndChecked) {
  using Names = std::vector<std::string>;
  const Array plain = test::make<double>({300, 3});
  const Array x = plain.named({"a", "b", "c"});
  KMeans kmeans({.n_clusters = 2});
  kmeans.fit(plain);
  EXPECT_EQ(kmeans.feature_names_in_, Names{});
  EXPECT_EQ(kmeans.model().attributes.back().first, "n_features_in_");
  kmeans.fit(x);
  const auto again = make_estimator(kmeans.model());
  EXPECT_EQ(again->feature_names_in_, (Names{"a", "b", "c"}));
  EXPECT_EQ(again->predict(x).column_names(), Names{});
  const std::string differ = "The feature names should match those that were passed during fit.";
  for (const auto& [names, text] : std::vector<std::pair<Names, std::string>>{
           {{"b", "a", "c"}, " Feature names must be in the same order as they were in fit."},
           {{"a", "b", "d"},
            " Feature names unseen at fit time: 'd'. Feature names seen at fit time, yet now "
            "missing: 'c'."}}) {
    const Array other = plain.named(names);
    test::expect_error<ValueError>([&] { again->predict(other); }, differ + text);
    test::expect_error<ValueError>([&] { again->transform(Rows(other)); }, differ + text);
    test::expect_error<ValueError>([&] { again->score(other); }, differ + text);
  }
  again->predict(plain);  // a warning, as in scikit-learn
  kmeans.fit(plain);
  EXPECT_EQ(kmeans.feature_names_in_, Names{});

  // A column of a scaler stays what it is, a component of PCA is something else.
  StandardScaler scaler;
  scaler.fit(x);
  EXPECT_EQ(scaler.transform(plain).column_names(), (Names{"a", "b", "c"}));
  EXPECT_EQ(scaler.transform_rows(x).column_names(), (Names{"a", "b", "c"}));
  EXPECT_EQ(scaler.inverse_transform(plain).column_names(), (Names{"a", "b", "c"}));
  PCA pca;
  EXPECT_EQ(pca.fit(x).transform(x).column_names(), Names{});
  EXPECT_EQ(scaler.get_feature_names_out(), (Names{"a", "b", "c"}));
  StandardScaler unnamed;
  EXPECT_EQ(unnamed.fit(plain).get_feature_names_out(), (Names{"x0", "x1", "x2"}));
  EXPECT_EQ(PCA({.n_components = 2}).fit(x).get_feature_names_out(), (Names{"pca0", "pca1"}));
  EXPECT_EQ(kmeans.get_feature_names_out().front(), "kmeans0");
  test::expect_error<NotFittedError>(
      [] { StandardScaler().get_feature_names_out(); },
      "This StandardScaler instance is not fitted yet. Call 'fit' with appropriate arguments "
      "first.");

  // Errors that name a column use its name, whoever finds the NaN.
  const std::string there = Communicator::world().size() > 1 ? " (rank 0)" : "";
  const auto spoiled = [&](const Array& good) {
    Array all = gather(good);
    all.mutable_values<double>()[3 * 17 + 1] = std::nan("");
    return redistribute(all, x.distribution()).named({"a", "b", "c"});
  };
  for (const auto& name : estimator_names()) {
    const auto estimator = make_estimator(name);
    const Tags& tags = estimator->type().tags();
    if (tags.allows_nan || tags.input != Input::features) continue;
    const auto good = test::suited(*estimator, 300, 3);
    test::expect_error<ValueError>(
        [&] { estimator->fit(spoiled(good.x), good.y); },
        "Input X contains NaN at row 17, column 1, 'b' (" + name + ")." + there);
  }
  test::expect_error<ValueError>([&] { again->predict(spoiled(plain)); },
                                 "Input X contains NaN at row 17, column 1, 'b' (KMeans)." + there);

  Model model = scaler.model();
  model.attributes.back().second = Names{"a"};
  test::expect_error<ValueError>([&] { make_estimator(model); },
                                 "the model's attribute 'feature_names_in_' must be a list of "
                                 "3 strings, got a list of 1 strings");
}

}  // namespace
}  // namespace tessera
