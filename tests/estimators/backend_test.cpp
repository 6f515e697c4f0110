// Backends that override an estimator's methods, and the reference backend below all of them.
#include <gtest/gtest.h>

#include <tessera/estimators/cluster/kmeans.hpp>
#include <tessera/estimators/decomposition/pca.hpp>
#include <tessera/estimators/linear_model/linear_regression.hpp>
#include <tessera/estimators/operations.hpp>
#include <tessera/estimators/preprocessing/standard_scaler.hpp>

#include "estimators/estimator_cases.hpp"

namespace tessera {
namespace {

/// Three blobs with their own spread in every direction: row i belongs to blob i % 3.
template <class T>
Array blobs(std::int64_t n = 1031, std::int64_t p = 4) {
  return test::make<T>({n, p}, [p](std::int64_t flat) {
    const auto blob = flat / p % 3, j = flat % p;
    return static_cast<T>((j == blob ? 50 * (j + 1) : 0) + (j + 1) * test::unit(flat));
  });
}

TEST(Backends, OneMayBeNamedBeforeAnyHasRun) {  // stays first
  const auto guard = only("reference");
  EXPECT_NO_THROW(KMeans({.n_clusters = 3}).fit(blobs<double>(30)));
}

// --- A backend of whole methods -----------------------------------------------------------------

Rows all_labels(const Rows& x, std::int32_t label) {
  return map_rows(x, {x.rows()}, DType::int32, [label](const Leaf&, const Tile& out, Stream&) {
    for (std::int64_t i = 0; i < out.rows; ++i)
      *out.slice(i, 1).template as<std::int32_t>() = label;
  });
}

/// "fitter" fits and predicts in its own way, where it is preferred; "predictor" only predicts.
class Overridden : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto predict = method_of<KMeans>("predict");
    install(Backend("fitter", Device::Kind::cpu)
                .implement(
                    fit_of<KMeans>(), floating,
                    [](const Rows&, KMeans& k, const Array&, const Array& weights) -> Verdict {
                      if (weights) return Decline{"takes no weights"};
                      if (k.params.max_iter == 1) throw LinAlgError("asked with max_iter=1");
                      return {};
                    },
                    [](const Rows& x, KMeans& k, const Array&, const Array&) {
                      if (k.params.max_iter == 2) throw LinAlgError("failed with max_iter=2");
                      const std::int64_t first[] = {0, 1, 2};
                      k.cluster_centers_ = take_rows(x, first);
                      k.labels_ = collect(all_labels(x, 1));
                      k.inertia_ = 42;
                      k.n_iter_ = 17;
                    })
                .implement(predict, [](const Rows& x, const KMeans&) { return all_labels(x, 2); }));
    install(Backend("predictor", Device::Kind::cpu)
                .implement(predict, [](const Rows& x, const KMeans&) { return all_labels(x, 7); }));
    set_default_selection({.skip = {"fitter", "predictor"}});
  }
  static void TearDownTestSuite() { set_default_selection({}); }

  static KMeans fitted_by(const std::string& backend, KMeansParams params = {.n_clusters = 3}) {
    const auto guard = prefer(backend);
    KMeans k(std::move(params));
    k.fit(blobs<double>());
    return k;
  }
  /// The label of all rows; -1 where they differ.
  static int label(const Array& labels) {
    const auto all = test::numbers(labels);
    return all == std::vector<double>(all.size(), all[0]) ? static_cast<int>(all[0]) : -1;
  }
};

TEST_F(Overridden, FitRunsWhereItIsPreferred) {
  EXPECT_NE(fitted_by("cpu").n_iter_, 17);
  const KMeans k = fitted_by("fitter");
  EXPECT_EQ(k.n_iter_, 17);
  EXPECT_EQ(k.inertia_, 42);
  EXPECT_EQ(label(k.labels_), 1);
  EXPECT_EQ(k.n_features_in_, 4);
}

TEST_F(Overridden, FitIsComposedWhereItDeclines) {
  const auto guard = prefer("fitter");
  KMeans k({.n_clusters = 3});
  k.fit(blobs<double>(), {}, test::make<double>({1031}, [](std::int64_t) { return 2.0; }));
  EXPECT_NE(k.n_iter_, 17);
  EXPECT_LT(k.inertia_, 1e6);
}

TEST_F(Overridden, TheChoiceOfFitIsRemembered) {
  const auto x = blobs<double>();
  const KMeans ours = fitted_by("cpu");
  const KMeans theirs = fitted_by("fitter");
  EXPECT_EQ(label(ours.predict(x)), -1);
  EXPECT_EQ(label(theirs.predict(x)), 2);
  EXPECT_EQ(label(KMeans(theirs).predict(x)), 2);
  EXPECT_EQ(label(collect(theirs.predict_rows(x))), 2);
  EXPECT_LT(theirs.score(x), 0);  // what it does not override is composed
  EXPECT_EQ(theirs.transform(x).cols(), 3);
  {
    const auto guard = prefer("predictor");  // one in force now wins, over both
    EXPECT_EQ(label(theirs.predict(x)), 7);
    EXPECT_EQ(label(ours.predict(x)), 7);
  }
  {
    const auto guard = skip("fitter");
    EXPECT_EQ(label(theirs.predict(x)), -1);
  }
  const Rows later = [&] {
    const auto guard = prefer("predictor");
    return theirs.predict_rows(x);
  }();
  EXPECT_EQ(label(collect(later)), 7);  // the choice where rows are made
  KMeans again = theirs;
  again.fit(x);  // the last fit counts
  EXPECT_EQ(label(again.predict(x)), -1);
}

TEST_F(Overridden, AModelFileRemembersNothing) {
  const auto names = [](const KMeans& k) {
    std::vector<std::string> all;
    for (const auto& [name, value] : k.model().attributes) all.push_back(name);
    return all;
  };
  const KMeans theirs = fitted_by("fitter");
  EXPECT_EQ(names(theirs), names(fitted_by("cpu")));
  EXPECT_EQ(label(KMeans::from_model(theirs.model()).predict(blobs<double>())), -1);
}

TEST_F(Overridden, AnErrorIsNotADecline) {
  test::expect_error<LinAlgError>([] { fitted_by("fitter", {.n_clusters = 3, .max_iter = 1}); },
                                  "asked with max_iter=1");
  test::expect_error<LinAlgError>([] { fitted_by("fitter", {.n_clusters = 3, .max_iter = 2}); },
                                  "failed with max_iter=2");
  test::expect_error<InvalidParameterError>(  // what is wrong anyway is found before
      [] { fitted_by("fitter", {.n_clusters = 0}); },
      "The 'n_clusters' parameter of KMeans must be an int in the range [1, inf). Got 0 instead.");
}

TEST_F(Overridden, DifferentChoicesOfFitAreOneError) {
  const auto world = Communicator::world();
  if (world.size() == 1) return;
  const auto guard = prefer(world.rank() == 0 ? "fitter" : "cpu");
  test::expect_error<RuntimeError>(
      [] { KMeans({.n_clusters = 3}).fit(blobs<double>()); },
      "KMeans.fit: the processes chose different backends: rank 0 fitter, rank 1 composed; make "
      "the same choice (prefer, only, skip, TESSERA_BACKEND) on all");
}

// --- The reference below every estimator --------------------------------------------------------

struct Configuration {
  std::string name;
  std::unique_ptr<Estimator> (*make)();
  bool target = false;
  bool weighted = false;
};
template <class E>
std::unique_ptr<Estimator> estimator(typename E::Params params) {
  return std::make_unique<E>(std::move(params));
}
const std::vector<Configuration> configurations = {
    {"StandardScaler", [] { return estimator<StandardScaler>({}); }},
    {"StandardScaler, weights", [] { return estimator<StandardScaler>({}); }, false, true},
    {"LinearRegression", [] { return estimator<LinearRegression>({}); }, true},
    {"LinearRegression, weights", [] { return estimator<LinearRegression>({}); }, true, true},
    {"PCA", [] { return estimator<PCA>({.svd_solver = "covariance_eigh"}); }},
    {"PCA full", [] { return estimator<PCA>({.n_components = 2, .svd_solver = "full"}); }},
    {"PCA randomized",
     [] {
       return estimator<PCA>({.n_components = 2, .whiten = true, .svd_solver = "randomized"});
     }},
    {"KMeans", [] { return estimator<KMeans>({.n_clusters = 3, .n_init = 3}); }},
    {"KMeans random, weights",
     [] { return estimator<KMeans>({.n_clusters = 3, .init = "random"}); }, false, true},
    {"KMeans k-means||", [] { return estimator<KMeans>({.n_clusters = 3, .init = "k-means||"}); }},
};

/// Everything an estimator finds, in float64, by name; labels are to be equal.
std::vector<std::pair<std::string, std::vector<double>>> findings(const Configuration& c,
                                                                  const Array& x, const Array& y,
                                                                  const Array& weights) {
  std::vector<std::pair<std::string, std::vector<double>>> all;
  const auto e = c.make();
  e->fit(x, c.target ? y : Array{}, c.weighted ? weights : Array{});
  for (const auto& [name, value] : e->model().attributes) {
    if (value.is<Array>()) all.emplace_back(name, test::numbers(value));
    if (value.is<double>()) all.emplace_back(name, std::vector<double>{value.as<double>()});
    if (value.is<std::int64_t>())
      all.emplace_back(name, std::vector<double>{double(value.as<std::int64_t>())});
  }
  const auto attempt = [&](const char* name, const std::function<std::vector<double>()>& call) {
    try {
      all.emplace_back(name, call());
    } catch (const NotImplementedError&) {  // it has no such method
    }
  };
  if (e->has_labels()) all.emplace_back("labels", test::numbers(e->labels()));
  attempt(e->has_labels() ? "predicted labels" : "predict",
          [&] { return test::numbers(e->predict(x)); });
  attempt("transform", [&] { return test::numbers(e->transform(x)); });
  attempt("inverse_transform",
          [&] { return test::numbers(e->inverse_transform(e->transform(x))); });
  attempt("score", [&] { return std::vector<double>{e->score(x, c.target ? y : Array{})}; });
  return all;
}

template <class T>
struct Reference : testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Reference, Types);

TYPED_TEST(Reference, AgreesWithTheCpu) {
  const auto x = blobs<TypeParam>();
  const auto y = test::make<TypeParam>(
      {1031}, [](std::int64_t i) { return static_cast<TypeParam>(i % 3 * 10 + test::unit(i, 1)); });
  const auto weights = test::make<TypeParam>(
      {1031}, [](std::int64_t i) { return static_cast<TypeParam>(1 + i % 4); });
  for (const auto& c : configurations) {
    const auto under = [&](const char* backend) {
      const auto guard = only(backend);
      return findings(c, x, y, weights);
    };
    const auto got = under("cpu");
    const auto want = under("reference");
    ASSERT_EQ(got.size(), want.size()) << c.name;
    for (std::size_t i = 0; i < want.size(); ++i) {
      const auto& [name, values] = want[i];
      double size = 1;
      for (const double v : values) size = std::max(size, std::abs(v));
      const double relative = std::is_same_v<TypeParam, float> ? 1e-4 : 1e-11;
      test::expect_numbers(got[i].second, values, name.ends_with("labels") ? 0 : relative * size,
                           c.name + ", " + name);
    }
  }
}

}  // namespace
}  // namespace tessera
