// Parameters and fitted attributes as data: scikit-learn's names and defaults, and the way to a
// model and back.
#include <gtest/gtest.h>

#include <tessera/estimators/cluster/kmeans.hpp>
#include <tessera/estimators/decomposition/pca.hpp>
#include <tessera/estimators/linear_model/linear_regression.hpp>
#include <tessera/estimators/preprocessing/standard_scaler.hpp>

#include "estimators/estimator_cases.hpp"

namespace tessera {
namespace {

using test::numbers;

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
       {"cluster_centers_", "inertia_", "n_iter_", "n_features_in_"},
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
        "mean_", "n_components_", "n_samples_", "noise_variance_", "n_features_in_"},
       {{"n_components", 2},
        {"copy", false},
        {"whiten", true},
        {"svd_solver", "randomized"},
        {"tol", 1.5},
        {"iterated_power", 3},
        {"n_oversamples", 4},
        {"power_iteration_normalizer", "QR"},
        {"random_state", 5}}},
      {"StandardScaler",
       "copy=True, with_mean=True, with_std=True",
       {"mean_", "var_", "scale_", "n_samples_seen_", "n_features_in_"},
       {{"copy", false}, {"with_mean", false}, {"with_std", true}}},
  };
}

std::string printed(const Values& values) {
  std::string text;
  for (const auto& [name, value] : values)
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value.to_string());
  return text;
}

Array data() {
  return test::make<double>({300, 4},
                            [](std::int64_t i) { return test::unit(i) * double(1 + i % 4); });
}
Array target() {
  return test::make<double>({300}, [](std::int64_t i) { return test::unit(i, 3); });
}

TEST(Model, NamesAndDefaultsAreScikitLearns) {
  std::vector<std::string> names;
  for (const auto& r : references()) {
    names.push_back(r.name);
    const auto e = make_estimator(r.name);
    EXPECT_EQ(e->name(), r.name);
    EXPECT_FALSE(e->summary().empty());
    EXPECT_EQ(printed(e->get_params()), r.signature);
    e->fit(data(), target());
    std::vector<std::string> attributes;
    for (const auto& [name, value] : e->model().attributes) attributes.push_back(name);
    EXPECT_EQ(attributes, r.attributes) << r.name;
  }
  EXPECT_EQ(estimator_names(), names);
}

TEST(Model, ParametersAreDescribedOnce) {
  for (const auto& r : references()) {
    const auto e = make_estimator(r.name);
    e->set_params(r.others);  // what is described are the defaults, whatever is set
    Values defaults;
    for (const auto& info : e->parameter_info()) {
      defaults.emplace_back(info.name, info.default_value);
      EXPECT_TRUE(info.allowed.accepts(info.default_value)) << r.name << "." << info.name;
      EXPECT_FALSE(info.doc.empty()) << r.name << "." << info.name;
      EXPECT_FALSE(info.allowed.describe().empty()) << r.name << "." << info.name;
    }
    EXPECT_EQ(printed(defaults), r.signature);
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

test::Fingerprint use(const Estimator& e) {
  test::Fingerprint f;
  const auto attempt = [&](const char* name, const std::function<std::string()>& call) {
    try {
      f.emplace_back(name, call());
    } catch (const NotImplementedError& error) {
      f.emplace_back(name, error.what());
    }
  };
  for (const auto& [name, value] : e.get_params()) f.emplace_back(name, test::bits_of(value));
  for (const auto& [name, value] : e.model().attributes) f.emplace_back(name, test::bits_of(value));
  attempt("predict", [&] { return test::bits_of(e.predict(data())); });
  attempt("transform", [&] { return test::bits_of(e.transform(data())); });
  attempt("inverse", [&] { return test::bits_of(e.inverse_transform(e.transform(data()))); });
  attempt("score", [&] { return test::bits_of(e.score(data(), target())); });
  return f;
}

TEST(Model, ThereAndBack) {
  for (const auto& r : references())
    for (const bool defaults : {true, false}) {
      const auto e = make_estimator(r.name);
      if (!defaults) e->set_params(r.others);
      e->fit(data(), target());
      const Model model = e->model();
      EXPECT_EQ(model.estimator, r.name);
      const auto again = make_estimator(model);
      EXPECT_TRUE(again->is_fitted());
      EXPECT_EQ(again->n_features_in_, 4);
      test::expect_same_bits(use(*again), use(*e), r.name);
      EXPECT_FALSE(again->labels()) << "labels are of the training data";
      // Over what was fitted before.
      const auto other = make_estimator(r.name);
      other->fit(test::make<double>({50, 2}), test::make<double>({50}));
      other->restore(model);
      test::expect_same_bits(use(*other), use(*e), r.name + " restored over another");
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

/// A model file with a right checksum may still hold anything.
TEST(Models, AttributesThatDoNotFitAreRefused) {
  const Array x = test::make<double>({300, 3});
  KMeans kmeans({.n_clusters = 2});
  kmeans.fit(x);
  const auto spoiled = [&](const std::string& name, const Value& value) {
    Model model = kmeans.model();
    for (auto& [key, old] : model.attributes)
      if (key == name) old = value;
    return model;
  };
  test::expect_error<ValueError>(
      [&] { make_estimator(spoiled("n_features_in_", 4)); },
      "the model's attribute 'cluster_centers_' must be a floating array of "
      "shape (2, 4), got float64 (2, 3)");
  test::expect_error<ValueError>([&] { make_estimator(spoiled("cluster_centers_", 1)); },
                                 "the model's attribute 'cluster_centers_' is of the wrong kind");
  Model model = kmeans.model();
  for (auto& [key, value] : model.params)
    if (key == "n_clusters") value = 0;
  test::expect_error<InvalidParameterError>(
      [&] { make_estimator(model); },
      "The 'n_clusters' parameter of KMeans must be an int in the range [1, inf). Got 0 instead.");
}

}  // namespace
}  // namespace tessera
