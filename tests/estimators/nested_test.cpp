// Estimators inside estimators: parameters by their path, copies, a model inside a model.
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <tessera/estimators/cluster/kmeans.hpp>
#include <tessera/estimators/decomposition/pca.hpp>
#include <tessera/estimators/preprocessing/standard_scaler.hpp>

#include "estimators/estimator_cases.hpp"

namespace tessera {
namespace {

using test::expect_error;
using test::numbers;

struct ChainParams {
  Value steps = List{};
  Value last = KMeans();
  Value weight = Tuple{{1, 0.5}};
};

/// Transforms with every step, then does what the last one does.
class Chain : public EstimatorOf<Chain, ChainParams> {
 public:
  using EstimatorOf::EstimatorOf;
  std::vector<FittedEstimator> steps_;
  FittedEstimator last_;

  static constexpr std::string_view class_name = "Chain";
  static const EstimatorType& describe() {
    static const auto type = EstimatorType::of<Chain>(
        "steps and what comes last",
        {parameter("steps", &Params::steps, list_of(tuple_of({text(), estimator("transform")})),
                   "names and estimators"),
         parameter("last", &Params::last, estimator("predict"), "what predicts"),
         parameter("weight", &Params::weight, tuple_of({integers(0), reals(0.0)}), "nothing")},
        {attribute("steps_", &Chain::steps_, list_of(estimator("transform"))),
         attribute("last_", &Chain::last_, estimator("predict"))},
        {method("fit", &Chain::do_fit, "fits each to what the ones before give"),
         method("predict", &Chain::do_predict, "what the last predicts")});
    return type;
  }

 private:
  void do_fit(const Rows& x, const Array& y, const Array& weights) {
    steps_.clear();
    Rows now = x;
    for (const Value& step : params.steps.as<List>()) {
      std::shared_ptr<Estimator> e = clone((*step.items())[1].as<Model>());
      now = e->fit(now).transform_rows(now);
      steps_.push_back(e);
    }
    std::shared_ptr<Estimator> e = clone(params.last.as<Model>());
    e->fit(now, y, weights);
    last_ = e;
  }
  Rows do_predict(const Rows& x) const {
    Rows now = x;
    for (const FittedEstimator& step : steps_) now = step->transform_rows(now);
    return last_->predict_rows(now);
  }
};

Array data() {
  return test::make<double>(
      {300, 3}, [](std::int64_t i) { return test::unit(i) + double(i / 3 % 3 * (i % 3 + 4)); });
}

Chain chain() {
  return Chain(
      {.steps = List{Tuple{{"scale", StandardScaler()}}, Tuple{{"pca", PCA({.n_components = 2})}}},
       .last = KMeans({.n_clusters = 3, .random_state = 1})});
}

std::string printed(const Values& values) {
  std::string text;
  for (const auto& [name, value] : values) text += name + "=" + value.to_string() + "\n";
  return text;
}

class Nested : public testing::Test {
 protected:
  static void SetUpTestSuite() { register_estimator<Chain>(); }
};

TEST_F(Nested, ParametersByTheirPath) {
  Chain e = chain();
  const Values all = e.get_params();
  EXPECT_EQ(e.get_params(false).size(), 3u);
  EXPECT_EQ(find(all, "pca__n_components").as<std::int64_t>(), 2);
  EXPECT_EQ(find(all, "last__n_clusters").as<std::int64_t>(), 3);
  EXPECT_EQ(find(all, "pca").as<Model>().estimator, "PCA");
  EXPECT_TRUE(find(all, "scale__with_mean").as<bool>());
  e.set_params({{"pca__n_components", 1},
                {"last__n_clusters", 2},
                {"scale", StandardScaler({.with_std = false})},
                {"scale__with_mean", false}});
  const Values now = e.get_params();
  EXPECT_EQ(find(now, "pca__n_components").as<std::int64_t>(), 1);
  EXPECT_EQ(find(now, "last__n_clusters").as<std::int64_t>(), 2);
  EXPECT_EQ(find(now, "last__random_state").as<std::int64_t>(), 1) << "the others stay";
  EXPECT_FALSE(find(now, "scale__with_std").as<bool>());
  EXPECT_FALSE(find(now, "scale__with_mean").as<bool>());
  Chain outer({.last = e});
  outer.set_params({{"last__last__n_clusters", 5}});
  EXPECT_EQ(find(outer.get_params(), "last__last__n_clusters").as<std::int64_t>(), 5);
}

TEST_F(Nested, WrongPathsAndValues) {
  Chain e = chain();
  expect_error<InvalidParameterError>(
      [&] {
        e.set_params({{"last__clusters", 1}});
      },
      "Invalid parameter 'clusters' for estimator KMeans. Valid parameters are: n_clusters, init, "
      "n_init, max_iter, tol, verbose, random_state, copy_x, algorithm.");
  expect_error<InvalidParameterError>(
      [&] {
        e.set_params({{"third__x", 1}});
      },
      "Invalid parameter 'third__x' for estimator Chain. Valid parameters are: steps, last, "
      "weight.");
  expect_error<InvalidParameterError>(
      [&] {
        e.set_params({{"last__tol", "x"}});
      },
      "The 'tol' parameter of KMeans must be a float in the range [0.0, inf). Got 'x' instead.");
  e.set_params({{"last__n_clusters", 0}});  // ranges are checked at fit
  expect_error<InvalidParameterError>(
      [&] { e.fit(data()); },
      "The 'n_clusters' parameter of KMeans must be an int in the range [1, inf). Got 0 instead.");
  e.set_params({{"last", PCA()}});
  expect_error<InvalidParameterError>([&] { e.fit(data()); },
                                      "The 'last' parameter of Chain must be an estimator with "
                                      "predict. Got " +
                                          Value(PCA()).to_string() + " instead.");
  e.set_params({{"last", KMeans()}, {"weight", Tuple{{1}}}});
  expect_error<InvalidParameterError>(
      [&] { e.fit(data()); },
      "The 'weight' parameter of Chain must be a tuple (an int in the range [0, inf), a float in "
      "the range [0.0, inf)). Got (1,) instead.");
}

TEST_F(Nested, ACloneHasTheParametersAndIsNotFitted) {
  Chain e = chain();
  e.fit(data());
  const auto copy = clone(e);
  EXPECT_FALSE(copy->is_fitted());
  EXPECT_EQ(printed(copy->get_params()), printed(e.get_params()));
  copy->set_params({{"last__n_clusters", 7}});
  EXPECT_EQ(find(e.get_params(), "last__n_clusters").as<std::int64_t>(), 3);
  copy->set_params({{"last__n_clusters", 3}});
  EXPECT_EQ(numbers(copy->fit(data()).predict(data())), numbers(e.predict(data())));
}

TEST_F(Nested, AModelInsideAModel) {
  Chain e = chain();
  e.fit(data());
  const Model model = e.model();
  const auto& inside = find(model.attributes, "steps_").as<List>();
  EXPECT_EQ(inside[1].as<Model>().estimator, "PCA");
  EXPECT_TRUE(find(inside[1].as<Model>().attributes, "components_").is<Array>());
  const auto again = make_estimator(model);
  EXPECT_EQ(numbers(again->predict(data())), numbers(e.predict(data())));
  EXPECT_EQ(printed(again->get_params()), printed(e.get_params()));

  const auto changed = [&](const std::string& name, const Value& value) {
    Model m = model;
    for (auto& [key, v] : m.attributes)
      if (key == name) v = value;
    return m;
  };
  expect_error<ValueError>([&] { make_estimator(changed("last_", 3)); },
                           "the model's attribute 'last_' must be an estimator, got 3");
  expect_error<ValueError>(
      [&] {
        make_estimator(changed("last_", Model{"Means", {}, {}}));
      },
      fmt::format("unknown estimator 'Means'; there are {}", fmt::join(estimator_names(), ", ")));
  PCA pca;
  pca.fit(data());
  expect_error<ValueError>([&] { make_estimator(changed("last_", pca.model())); },
                           "the model's attribute 'last_' must be an estimator with predict, got " +
                               Value(pca.model()).to_string());
}

}  // namespace
}  // namespace tessera
