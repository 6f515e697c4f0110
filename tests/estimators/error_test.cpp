// What estimators refuse: the exact text, the same kind and text on every process.
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <tessera/estimators/cluster/kmeans.hpp>
#include <tessera/estimators/decomposition/pca.hpp>
#include <tessera/estimators/linear_model/linear_regression.hpp>
#include <tessera/estimators/preprocessing/standard_scaler.hpp>

#include "estimators/estimator_cases.hpp"

namespace tessera {
namespace {

using test::array_of;
using test::expect_error;
using test::suited;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

Communicator world() { return Communicator::world(); }

/// The text of an error that only one process found.
std::string found_by(int rank, const std::string& text) {
  return world().size() == 1 ? text : fmt::format("{} (rank {})", text, rank);
}

Array ramp(Shape shape) {
  return test::make<double>(shape,
                            [](std::int64_t i) { return double(i % 17) + 0.5 * test::unit(i); });
}

/// Those with X of features and something to learn.
std::vector<std::unique_ptr<Estimator>> everyone() {
  std::vector<std::unique_ptr<Estimator>> all;
  for (const EstimatorType* type : estimator_types())
    if (type->tags().input == Input::features && type->tags().requires_fit)
      all.push_back(type->make());
  return all;
}

TEST(Errors, UnknownParameters) {
  for (const EstimatorType* type : estimator_types()) {
    std::vector<std::string> names;
    for (const auto& info : type->parameter_info()) names.push_back(info.name);
    ASSERT_TRUE(!names.empty() || type->name() == "LabelEncoder") << type->name();
    expect_error<InvalidParameterError>(
        [&] {
          make_estimator(std::string(type->name()))->set_params({{"clusters", 3}});
        },
        fmt::format("Invalid parameter 'clusters' for estimator {}. Valid parameters are: {}.",
                    type->name(), fmt::join(names, ", ")));
  }
}

struct Refused {
  std::string estimator;
  std::string parameter;
  Value value;
  std::string allowed;
  std::string got;
};

TEST(Errors, ValuesOfTheWrongKind) {
  const std::vector<Refused> cases = {
      {"KMeans", "n_clusters", "three", "an int in the range [1, inf)", "'three'"},
      {"KMeans", "n_clusters", 3.0, "an int in the range [1, inf)", "3.0"},
      {"KMeans", "n_clusters", true, "an int in the range [1, inf)", "True"},
      {"KMeans", "tol", {}, "a float in the range [0.0, inf)", "None"},
      {"KMeans", "copy_x", 1, "a bool", "1"},
      {"KMeans", "algorithm", 1, "a str among {'lloyd', 'elkan'}", "1"},
      {"KMeans", "random_state", 1.5, "an int in the range [0, 4294967295] or None", "1.5"},
      {"PCA", "whiten", 0, "a bool", "0"},
      {"PCA", "n_oversamples", "many", "an int in the range [1, inf)", "'many'"},
      {"LinearRegression", "fit_intercept", "yes", "a bool", "'yes'"},
      {"StandardScaler", "with_mean", 1, "a bool", "1"},
  };
  for (const auto& c : cases) {
    const auto e = make_estimator(c.estimator);
    expect_error<InvalidParameterError>(
        [&] {
          e->set_params({{c.parameter, c.value}});
        },
        fmt::format("The '{}' parameter of {} must be {}. Got {} instead.", c.parameter,
                    c.estimator, c.allowed, c.got));
  }
}

TEST(Errors, ValuesOutOfRangeAreRefusedByFit) {
  const std::string n_components =
      "a str among {'mle'} or an int in the range [0, inf) or a float in the range (0.0, 1.0) or "
      "None";
  const std::string init = "a str among {'k-means++', 'random', 'k-means||'} or an array";
  const std::string n_init = "a str among {'auto'} or an int in the range [1, inf)";
  const std::vector<Refused> cases = {
      {"KMeans", "n_clusters", 0, "an int in the range [1, inf)", "0"},
      {"KMeans", "max_iter", 0, "an int in the range [1, inf)", "0"},
      {"KMeans", "tol", -1.0, "a float in the range [0.0, inf)", "-1.0"},
      {"KMeans", "tol", nan, "a float in the range [0.0, inf)", "nan"},
      {"KMeans", "init", "kmeans++", init, "'kmeans++'"},
      {"KMeans", "init", 3, init, "3"},
      {"KMeans", "n_init", 0, n_init, "0"},
      {"KMeans", "n_init", 1.0, n_init, "1.0"},
      {"KMeans", "verbose", -1, "an int in the range [0, inf) or a bool", "-1"},
      {"KMeans", "random_state", -1, "an int in the range [0, 4294967295] or None", "-1"},
      {"KMeans", "algorithm", "full", "a str among {'lloyd', 'elkan'}", "'full'"},
      {"PCA", "n_components", 1.0, n_components, "1.0"},
      {"PCA", "n_components", -1, n_components, "-1"},
      {"PCA", "n_components", "all", n_components, "'all'"},
      {"PCA", "svd_solver", "lapack",
       "a str among {'auto', 'full', 'covariance_eigh', 'arpack', 'randomized'}", "'lapack'"},
      {"PCA", "tol", -0.5, "a float in the range [0.0, inf)", "-0.5"},
      {"PCA", "iterated_power", -1, "a str among {'auto'} or an int in the range [0, inf)", "-1"},
      {"PCA", "n_oversamples", 0, "an int in the range [1, inf)", "0"},
      {"PCA", "power_iteration_normalizer", "qr", "a str among {'auto', 'QR', 'LU', 'none'}",
       "'qr'"},
      {"LinearRegression", "tol", -1.0, "a float in the range [0.0, inf)", "-1.0"},
  };
  const Array x = ramp({40, 3});
  const Array y = ramp({40});
  for (const auto& c : cases) {
    const auto e = make_estimator(c.estimator);
    e->set_params({{c.parameter, c.value}});
    expect_error<InvalidParameterError>(
        [&] { e->fit(x, y); }, fmt::format("The '{}' parameter of {} must be {}. Got {} instead.",
                                           c.parameter, c.estimator, c.allowed, c.got));
    EXPECT_FALSE(e->is_fitted());
  }
}

TEST(Errors, WhatIsNotSupportedSaysSo) {
  const Array x = ramp({40, 3});
  const auto refuse = [&](const char* estimator, const char* parameter, const Value& value,
                          const std::string& text) {
    const auto e = make_estimator(estimator);
    e->set_params({{parameter, value}});
    expect_error<NotImplementedError>([&] { e->fit(x, ramp({40})); }, text);
  };
  refuse("KMeans", "algorithm", "elkan",
         "KMeans(algorithm='elkan') is not supported; use 'lloyd', which gives the same clusters");
  refuse(
      "PCA", "svd_solver", "arpack",
      "PCA(svd_solver='arpack') is not supported; use auto, full, covariance_eigh or randomized");
  refuse("PCA", "n_components", "mle",
         "PCA(n_components='mle') is not supported; give an int, a float or None");
  refuse("PCA", "power_iteration_normalizer", "LU",
         "PCA(power_iteration_normalizer='LU') is not supported; use auto or QR");
}

TEST(Errors, ShapesAndDtypes) {
  for (const auto& e : everyone()) {
    const std::string name(e->name());
    const auto fit = [&](const Array& x) { e->fit(x, suited(*e, x.rows(), 1).y); };
    expect_error<ValueError>([&] { fit(ramp({12})); },
                             "Expected 2D array, got 1D array instead: " + name +
                                 " expects a 2-D array (n_samples, n_features), got shape (12,). "
                                 "Reshape your data to (n, 1) for one feature or (1, n) for one "
                                 "sample");
    expect_error<ValueError>(
        [&] {
          fit(ramp({12, 2, 2}));
        },
        "Found array with dim 3, while dim <= 2 is required: " + name +
            " expects a 2-D array (n_samples, n_features), got shape (12, 2, 2)");
    expect_error<ValueError>([&] { fit(ramp({})); },
                             "Expected 2D array, got scalar array instead: " + name +
                                 " expects a 2-D array (n_samples, n_features), got shape (). "
                                 "Reshape your data to (n, 1) "
                                 "for one feature or (1, n) for one sample");
    expect_error<ValueError>(
        [&] {
          fit(test::make<std::complex<double>>({12, 2}));
        },
        "Complex data not supported: X is complex128, " + name + " takes real numbers");
    expect_error<ValueError>(
        [&] {
          fit(ramp({0, 2}));
        },
        "Found array with 0 sample(s) (shape=(0, 2)) while a minimum of 1 is required: " + name +
            " needs at least 1 sample");
    expect_error<ValueError>(
        [&] {
          fit(ramp({12, 0}));
        },
        "Found array with 0 feature(s) (shape=(12, 0)) while a minimum of 1 is required: " + name +
            " needs at least 1 feature");
    EXPECT_FALSE(e->is_fitted());
  }
}

TEST(Errors, UseBeforeFit) {
  const Array x = ramp({40, 3});
  for (const auto& e : everyone()) {
    const std::string text = fmt::format(
        "This {} instance is not fitted yet. Call 'fit' with appropriate arguments first.",
        e->name());
    expect_error<NotFittedError>([&] { e->predict(x); }, text);
    expect_error<NotFittedError>([&] { e->transform(x); }, text);
    expect_error<NotFittedError>([&] { e->inverse_transform(x); }, text);
    expect_error<NotFittedError>([&] { e->score(x, x); }, text);
    expect_error<NotFittedError>([&] { e->score_samples(x); }, text);
    expect_error<NotFittedError>([&] { e->get_covariance(); }, text);
    expect_error<NotFittedError>([&] { e->get_precision(); }, text);
    expect_error<NotFittedError>([&] { e->model(); }, text);
  }
}

TEST(Errors, MethodsThatAreNotThere) {
  const Array x = ramp({40, 3});
  const auto missing = [&](const char* estimator, std::vector<std::string> methods) {
    const auto e = make_estimator(estimator);
    e->fit(x, ramp({40}));
    for (const auto& m : methods)
      expect_error<NotImplementedError>(
          [&] {
            if (m == "predict") e->predict(x);
            if (m == "transform") e->transform(x);
            if (m == "inverse_transform") e->inverse_transform(x);
            if (m == "score") e->score(x, x);
            if (m == "score_samples") e->score_samples(x);
            if (m == "get_covariance") e->get_covariance();
            if (m == "get_precision") e->get_precision();
          },
          fmt::format("{} has no {}", estimator, m));
  };
  missing("KMeans", {"inverse_transform", "score_samples"});
  missing("LinearRegression", {"transform", "inverse_transform", "get_covariance"});
  missing("PCA", {"predict"});
  missing("StandardScaler", {"predict", "score", "get_precision"});
}

TEST(Errors, AnotherNumberOfFeatures) {
  for (const auto& e : everyone()) {
    const auto [narrow, y] = suited(*e, 40, 3);
    const Array more = suited(*e, 40, 4).x;
    e->fit(narrow, y);
    const std::string text =
        fmt::format("X has 4 features, but {} is expecting 3 features as input.", e->name());
    for (const Method& m : e->type().methods())
      if (!e->has(m.name))
        expect_error<NotImplementedError>([&] { e->call(m.name, more); },
                                          m.options.unavailable(*e));
      else if (m.options.of_features && std::holds_alternative<std::function<Method::Map>>(m.does))
        expect_error<ValueError>([&] { e->call(m.name, more); }, text);
    if (e->has("score")) expect_error<ValueError>([&] { e->score(more, y); }, text);
  }
  const Array x = ramp({40, 3});
  const Array wide = ramp({40, 4});
  PCA pca({.n_components = 2});
  pca.fit(x);
  expect_error<ValueError>([&] { pca.inverse_transform(x); },
                           "X has 3 columns, but this PCA has 2 components");
  StandardScaler scaler;
  scaler.fit(x);
  expect_error<ValueError>(
      [&] { scaler.inverse_transform(wide); },
      "X has 4 features, but StandardScaler is expecting 3 features as input.");
}

TEST(Errors, Targets) {
  const Array x = ramp({600, 3});
  LinearRegression e;
  const auto fit = [&](const Array& y) { return [&, y] { e.fit(x, y); }; };
  expect_error<ValueError>(fit({}),
                           "LinearRegression requires y to be passed, but the target y is None");
  expect_error<ValueError>(fit(ramp({599})),
                           "X and y have different numbers of samples: 600 and 599");
  expect_error<ValueError>(fit(ramp({600, 2, 2})), "y must be 1-D or 2-D, got shape (600, 2, 2)");
  expect_error<ValueError>(
      fit(test::make<std::complex<float>>({600})),
      "Complex data not supported: y is complex64, LinearRegression takes real numbers");
  const Array holes =
      test::make<double>({600}, [](std::int64_t i) { return i == 555 ? nan : 1.0; });
  expect_error<ValueError>(
      fit(holes), found_by(x.distribution().owner_of_row(555),
                           "Input y contains NaN at row 555, column 0 (LinearRegression)."));
  EXPECT_FALSE(e.is_fitted());
  e.fit(x, ramp({600}));
  expect_error<ValueError>([&] { e.score(x); },
                           "LinearRegression requires y to be passed, but the target y is None");
  expect_error<ValueError>(
      [&] {
        e.score(x, ramp({600, 2}));
      },
      "y has 2 targets, but LinearRegression was fitted with 1");
}

TEST(Errors, Weights) {
  const Array x = ramp({600, 3});
  const Array y = ramp({600});
  for (const char* name : {"KMeans", "LinearRegression", "StandardScaler"}) {
    const auto e = make_estimator(name);
    const auto fit = [&](const Array& w) { return [&, w] { e->fit(x, y, w); }; };
    const int owner = x.distribution().owner_of_row(300);
    const auto weights = [](double special) {
      return test::make<double>({600}, [=](std::int64_t i) { return i == 300 ? special : 1.0; });
    };
    expect_error<ValueError>(fit(ramp({599})),
                             "X and sample_weight have different numbers of samples: 600 and 599");
    expect_error<ValueError>(fit(ramp({600, 1})), "sample_weight must be 1-D, got shape (600, 1)");
    expect_error<ValueError>(
        fit(test::make<std::complex<float>>({600})),
        fmt::format("Complex data not supported: sample_weight is complex64, {} takes real numbers",
                    name));
    expect_error<ValueError>(
        fit(zeros({600})),
        "sample_weight must contain at least one weight other than 0, but all are zero");
    expect_error<ValueError>(
        fit(weights(-0.5)),
        found_by(owner, "sample_weight must not be negative, got -0.5 at row 300"));
    expect_error<ValueError>(
        fit(weights(inf)),
        found_by(owner,
                 fmt::format("Input sample_weight contains infinity or a value too large for "
                             "dtype('float64') at row 300, column 0 ({}).",
                             name)));
    EXPECT_FALSE(e->is_fitted());
  }
  PCA pca;
  expect_error<ValueError>([&] { pca.fit(x, {}, ramp({600})); },
                           "PCA does not take a sample_weight");
  pca.fit(x);
  expect_error<ValueError>([&] { pca.score(x, {}, ramp({600})); },
                           "PCA does not take a sample_weight");
}

struct Bad {
  double value;
  std::int64_t row, col;
};

/// 2000 x 3 (eight leaves) with some bad values.
Array with(const std::vector<Bad>& bad) {
  return test::make<double>({2000, 3}, [&](std::int64_t i) {
    for (const auto& b : bad)
      if (i == b.row * 3 + b.col) return b.value;
    return double(i % 17) + test::unit(i);
  });
}

// Each solver and initialisation looks at the data in its own way.
std::vector<std::pair<std::string, Values>> ways() {
  return {{"KMeans", {{"n_clusters", 3}}},
          {"KMeans", {{"n_clusters", 3}, {"init", "random"}}},
          {"LinearRegression", {}},
          {"LinearRegression", {{"fit_intercept", false}}},
          {"PCA", {{"svd_solver", "covariance_eigh"}}},
          {"PCA", {{"svd_solver", "full"}}},
          {"PCA", {{"svd_solver", "randomized"}, {"n_components", 2}}},
          {"StandardScaler", {}}};
}

// NaN and infinities anywhere: the lowest row is named, whoever has it, in memory or streamed.
TEST(Errors, NaNAndInfinityInX) {
  const std::vector<std::vector<Bad>> patterns = {
      {{nan, 0, 0}},
      {{inf, 0, 2}},
      {{-inf, 1999, 1}},
      {{nan, 1700, 2}},
      {{nan, 1700, 2}, {inf, 900, 1}},
      {{inf, 900, 2}, {nan, 900, 1}, {nan, 1999, 0}},
      {{nan, 10, 0}, {nan, 600, 0}, {nan, 1100, 0}, {nan, 1600, 0}},
  };
  for (const auto& pattern : patterns)
    for (const auto& [name, params] : ways()) {
      const bool scaler = name == "StandardScaler";
      const Bad* first = nullptr;
      for (const auto& b : pattern) {
        if (scaler && std::isnan(b.value)) continue;  // ignored, as in scikit-learn
        if (!first || std::pair(b.row, b.col) < std::pair(first->row, first->col)) first = &b;
      }
      if (!first) continue;
      const Array x = with(pattern);
      const Array y = ramp({2000});
      const std::string text =
          found_by(x.distribution().owner_of_row(first->row),
                   fmt::format("Input X contains {} at row {}, column {} ({}).",
                               std::isnan(first->value)
                                   ? "NaN"
                                   : "infinity or a value too large for dtype('float64')",
                               first->row, first->col, name));
      for (const Rows& rows : {Rows(x), test::streamed(x)}) {
        const auto e = make_estimator(name);
        e->set_params(params);
        expect_error<ValueError>([&] { e->fit(rows, y); }, text);
        EXPECT_FALSE(e->is_fitted());
        e->fit(with({}), y);
        // Results are computed leaf by leaf: the lowest bad row of the lowest process.
        const auto refuses = [&](const char* method, const std::function<void()>& call) {
          SCOPED_TRACE(method);
          expect_error<ValueError>(call, text);
        };
        if (name == "KMeans" || name == "LinearRegression")
          refuses("predict", [&] { e->predict(rows); });
        if (name != "LinearRegression") refuses("transform", [&] { e->transform(rows); });
        if (scaler) refuses("inverse_transform", [&] { e->inverse_transform(rows); });
        if (!scaler) refuses("score", [&] { e->score(rows, y); });
      }
    }
}

TEST(Errors, NaNInWideX) {
  const Array x =
      test::make<double>({3, 10}, [](std::int64_t i) { return i == 17 ? nan : test::unit(i); });
  LinearRegression e;
  expect_error<ValueError>(
      [&] { e.fit(x, ramp({3})); },
      found_by(0, "Input X contains NaN at row 1, column 7 (LinearRegression)."));
}

// Very large finite values are not mistaken for infinities.
TEST(Errors, FiniteDataWhoseSquaresOverflowAreNotCalledInfinite) {
  const Array x = test::make<double>(
      {300, 2}, [](std::int64_t i) { return (i % 2 ? 1e200 : 1.0) * test::unit(i); });
  for (const auto& [name, params] : ways()) {
    const auto e = make_estimator(name);
    e->set_params(params);
    try {
      e->fit(x, ramp({300}));
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("contains"), std::string::npos) << error.what();
    }
  }
}

TEST(Errors, KMeansOwn) {
  const Array x = ramp({5, 2});
  const auto fit = [&](const KMeansParams& p) { return [&, p] { KMeans(p).fit(x); }; };
  KMeansParams p;
  expect_error<ValueError>(fit(p), "n_samples=5 should be >= n_clusters=8.");
  p.n_clusters = 3;
  p.init = ramp({3, 4});
  expect_error<ValueError>(
      fit(p),
      "The shape of the initial centers (3, 4) does not match the number of features "
      "of the data: init must have shape (n_clusters, n_features) = (3, 2)");
  p.init = ramp({2, 2});
  expect_error<ValueError>(
      fit(p),
      "The shape of the initial centers (2, 2) does not match the number of clusters: "
      "init must have shape (n_clusters, n_features) = (3, 2)");
  p.init = ramp({6});
  expect_error<ValueError>(
      fit(p),
      "The shape of the initial centers (6,) does not match the number of clusters: "
      "init must have shape (n_clusters, n_features) = (3, 2)");
  p.init = test::make<std::complex<double>>({3, 2});
  expect_error<ValueError>(fit(p), "Complex data not supported: init is complex");
  p.init = test::make<double>({3, 2}, [](std::int64_t i) { return i == 3 ? inf : 1.0; });
  expect_error<ValueError>(
      fit(p),
      "Input init contains infinity or a value too large for dtype('float64') at row "
      "1, column 1 (KMeans).");
  p.init = "random";
  const Array w = array_of({0, 1, 0, 1, 0}, {5});
  expect_error<ValueError>([&] { KMeans(p).fit(x, {}, w); },
                           "init='random' needs 3 rows with a weight above 0, there are 2");
}

TEST(Errors, PCAOwn) {
  const auto fit = [&](const Shape& shape, Value components, const char* solver) {
    return [=] {
      PCAParams p;
      p.n_components = components;
      p.svd_solver = solver;
      PCA(p).fit(ramp(shape));
    };
  };
  const std::string rest = " must be between 0 and min(n_samples, n_features)=3 with svd_solver=";
  expect_error<ValueError>(fit({40, 3}, 4, "auto"), "n_components=4" + rest + "'covariance_eigh'");
  expect_error<ValueError>(fit({3, 40}, 4, "auto"), "n_components=4" + rest + "'full'");
  expect_error<ValueError>(fit({40, 3}, 0, "randomized"),
                           "n_components=0 must be between 1 and min(n_samples, n_features)=3 with "
                           "svd_solver='randomized'");
  expect_error<ValueError>(
      fit({40, 3}, 0.5, "randomized"),
      "n_components=0.5 must be between 1 and min(n_samples, n_features)=3 with "
      "svd_solver='randomized'");
  // What is wrong is said before what is not supported.
  expect_error<ValueError>(fit({40, 3}, 0, "arpack"),
                           "n_components=0 must be between 1 and min(n_samples, n_features)=3 with "
                           "svd_solver='arpack'");
  expect_error<ValueError>(fit({40, 3}, 3, "arpack"),
                           "n_components=3 must be strictly less than min(n_samples, n_features)=3 "
                           "with svd_solver='arpack'");
  expect_error<ValueError>(fit({40, 3}, "mle", "randomized"),
                           "n_components='mle' cannot be a string with svd_solver='randomized'");
  expect_error<ValueError>(fit({3, 40}, "mle", "auto"),
                           "n_components='mle' is only supported if n_samples >= n_features, got "
                           "shape (3, 40)");
}

// A failed fit leaves no half-fitted estimator behind.
TEST(Errors, AFailedFitUnfits) {
  const Array y = ramp({2000});
  for (const auto& [name, params] : ways()) {
    const auto e = make_estimator(name);
    e->set_params(params);
    e->fit(with({}), y);
    EXPECT_TRUE(e->is_fitted());
    EXPECT_THROW(e->fit(with({{inf, 3, 1}}), y), ValueError);
    EXPECT_FALSE(e->is_fitted()) << name;
  }
}

TEST(Errors, ModelsOfAnother) {
  for (const auto& from : everyone()) {
    const auto [x, y] = suited(*from, 40, 3);
    from->fit(x, y);
    const Model model = from->model();
    for (const auto& to : everyone()) {
      if (to->name() == from->name()) continue;
      expect_error<ValueError>(
          [&] { to->restore(model); },
          fmt::format("the model holds a {}, not a {}", from->name(), to->name()));
    }
  }
  expect_error<ValueError>(
      [] { make_estimator("Kmeans"); },
      fmt::format("unknown estimator 'Kmeans'; there are {}", fmt::join(estimator_names(), ", ")));
}

TEST(Errors, DamagedModels) {
  KMeans k({.n_clusters = 2});
  k.fit(ramp({40, 3}));
  const Model good = k.model();
  const auto without = [&](const std::string& name) {
    Model m = good;
    std::erase_if(m.attributes, [&](const auto& a) { return a.first == name; });
    return m;
  };
  const auto changed = [&](const std::string& name, const Value& value) {
    Model m = without(name);
    m.attributes.emplace_back(name, value);
    return m;
  };
  for (const auto& [name, value] : good.attributes)
    if (name != "_n_init")  // which earlier versions did not write
      expect_error<ValueError>([&] { KMeans::from_model(without(name)); },
                               "the model lacks the attribute '" + name + "'");
  expect_error<ValueError>([&] { KMeans::from_model(changed("inertia_", "much")); },
                           "the model's attribute 'inertia_' must be a float, got 'much'");
  for (const Value& wrong : {Value(0), Value(3.0), Value()})
    expect_error<ValueError>([&] { KMeans::from_model(changed("n_features_in_", wrong)); },
                             "the model's attribute 'n_features_in_' must be an int in the range "
                             "[1, inf), got " +
                                 wrong.to_string());
}

}  // namespace
}  // namespace tessera
