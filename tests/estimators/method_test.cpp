// Methods: each goes through its operation, for every estimator that is registered; what roles
// bring; methods of several outputs; estimators of one's own.
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>

#include <tessera/estimators/linear_model/linear_regression.hpp>
#include <tessera/estimators/operations.hpp>
#include <tessera/estimators/roles.hpp>

#include "estimators/estimator_cases.hpp"

namespace tessera {
namespace {

using test::expect_error;
using test::numbers;

Array data() {
  return test::make<double>({300, 3}, [](std::int64_t i) { return test::unit(i) + double(i % 3); });
}
Array target() {
  return test::make<double>({300}, [](std::int64_t i) { return double(i % 2); });
}

// --- Estimators of one's own --------------------------------------------------------------------

struct HalvesParams {
  double at = 0.0;
};

/// The class of a row is whether its first column is above `at`.
class Halves : public EstimatorOf<Halves, HalvesParams, Classifier> {
 public:
  using EstimatorOf::EstimatorOf;
  double at_ = 0;
  static constexpr std::string_view class_name = "Halves";
  static const EstimatorType& describe() {
    static const auto type = EstimatorType::of<Halves>(
        "two halves", {parameter("at", &Params::at, reals(-10.0), "where the border is")},
        {attribute("at_", &Halves::at_, number())},
        {method("fit", &Halves::do_fit, "takes the border"),
         method("predict", &Halves::do_predict, "the class of each row"),
         method("kneighbors", &Halves::do_kneighbors, "distances to the border, and sides",
                {.outputs = {"distances", "sides"}}),
         method("get_border", &Halves::do_border, "the border")});
    return type;
  }

 private:
  void do_fit(const Rows&, const Array&, const Array&) { at_ = params.at; }
  Rows first_column(const Rows& x, double (*f)(double, double)) const {
    return map_rows(
        x, {x.rows()}, x.dtype(), [at = at_, f](const Leaf& in, const Tile& out, Stream&) {
          for (std::int64_t i = 0; i < out.rows; ++i)
            *out.slice(i, 1).as<double>() = f(*in.tile.slice(i, 1).as<const double>(), at);
        });
  }
  Rows do_predict(const Rows& x) const {
    return first_column(x, [](double v, double at) { return v > at ? 1.0 : 0.0; });
  }
  Outputs do_kneighbors(const Rows& x) const {
    return {first_column(x, [](double v, double at) { return std::abs(v - at); }),
            run("predict", x)[0]};
  }
  Array do_border() const {
    return replicated(std::vector<double>{at_}, {1}, Communicator::world());
  }
};

/// A density that is exp(-k) in row k.
struct NoParams {};
class Falling : public EstimatorOf<Falling, NoParams, Density> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "Falling";
  static const EstimatorType& describe() {
    static const auto type = EstimatorType::of<Falling>(
        "falls", {}, {},
        {method("fit", &Falling::do_fit, "nothing"),
         method("score_samples", &Falling::do_score_samples, "minus the number of each row")});
    return type;
  }

 private:
  void do_fit(const Rows&, const Array&, const Array&) {}
  Rows do_score_samples(const Rows& x) const {
    return map_rows(x, {x.rows()}, DType::float64, [](const Leaf& in, const Tile& out, Stream&) {
      for (std::int64_t i = 0; i < out.rows; ++i)
        *out.slice(i, 1).as<double>() = -static_cast<double>(in.rows.begin + i);
    });
  }
};

/// Another class by the name of one of ours.
class Usurper : public EstimatorOf<Usurper, NoParams> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "KMeans";
  static const EstimatorType& describe() {
    static const auto type = EstimatorType::of<Usurper>("none", {}, {}, {});
    return type;
  }
};

TEST(Registry, TakesEstimatorsOfOnesOwn) {  // stays first
  expect_error<ValueError>(
      [] { make_estimator("Halves"); },
      fmt::format("unknown estimator 'Halves'; there are {}", fmt::join(estimator_names(), ", ")));
  std::vector<std::string> names = estimator_names();
  register_estimator<Halves>();
  register_estimator<Falling>();
  register_estimator<Halves>();  // twice is once
  names.insert(names.end(), {"Falling", "Halves"});
  std::ranges::sort(names);
  EXPECT_EQ(estimator_names(), names);
  expect_error<ValueError>([] { register_estimator<Usurper>(); },
                           "there is an estimator 'KMeans' already");
  Halves halves({.at = 1.5});
  halves.fit(data(), target());
  const auto again = make_estimator(halves.model());
  EXPECT_EQ(numbers(again->predict(data())), numbers(halves.predict(data())));
}

// --- Every method of every estimator goes through its operation ---------------------------------

/// "spy" takes every operation of every registered estimator and throws the operation's name.
void install_spy() {
  Backend spy("spy", Device::Kind::cpu);
  for (const EstimatorType* type : estimator_types())
    for (const auto& operation : type->operations().all)
      std::visit(
          [&]<class R, class... Args>(const Operation<R(Args...)>& one) {
            spy.implement(one, [name = one.name()](Args...) -> R { throw LinAlgError(name); });
          },
          operation);
  install(std::move(spy));
  set_default_selection({.skip = {"spy"}});
}

TEST(Methods, GoThroughTheirOperations) {
  install_spy();
  std::vector<std::unique_ptr<Estimator>> all;
  for (const EstimatorType* type : estimator_types()) all.push_back(type->make());
  all.push_back(make_estimator("SGDClassifier"));  // whose other losses have no probabilities
  all.back()->set_params({{"loss", "log_loss"}});
  ASSERT_TRUE(all.back()->has("predict_proba"));
  for (const auto& e : all) {
    const EstimatorType* type = &e->type();
    const auto data = test::suited(*e, 300, 3);
    const Array &x = data.x, &y = data.y;
    e->fit(x, y);
    const auto spied = [&](std::string_view method, const std::function<void()>& call) {
      const auto guard = prefer("spy");
      expect_error<LinAlgError>(call, fmt::format("{}.{}", type->name(), method));
    };
    for (const Method& m : type->methods()) {
      if (!e->has(m.name)) continue;
      if (m.name == "fit") {
        spied("fit", [&] { type->make()->fit(x, y); });
        spied("fit", [&] { type->make()->fit_predict(x, y); });
        spied("fit", [&] { type->make()->fit_transform(x, y); });
      } else if (std::holds_alternative<std::function<Method::Learn>>(m.does)) {
        spied(m.name, [&] { e->partial_fit(x, y); });
      } else if (std::holds_alternative<std::function<Method::Tell>>(m.does)) {
        spied(m.name, [&] { e->call(m.name); });
      } else if (std::holds_alternative<std::function<Method::Measure>>(m.does)) {
        spied(m.name, [&] { e->measure(m.name, x, y); });
      } else {
        const Rows given = m.options.of_features ? Rows(x) : e->call("transform", x)[0];
        spied(m.name, [&] { e->call(m.name, given); });
      }
    }
    const std::pair<const char*, std::function<Array()>> named[] = {
        {"predict", [&] { return e->predict(x); }},
        {"transform", [&] { return e->transform(x); }},
        {"inverse_transform", [&] { return e->inverse_transform(x); }},
        {"score_samples", [&] { return e->score_samples(x); }},
        {"predict_proba", [&] { return e->predict_proba(x); }},
        {"predict_log_proba", [&] { return e->predict_log_proba(x); }},
        {"decision_function", [&] { return e->decision_function(x); }},
        {"get_covariance", [&] { return e->get_covariance(); }},
        {"get_precision", [&] { return e->get_precision(); }}};
    for (const auto& [name, call] : named)
      if (e->has(name))
        spied(name, call);
      else
        expect_error<NotImplementedError>(
            call, type->method(name) ? type->method(name)->options.unavailable(*e)
                                     : fmt::format("{} has no {}", type->name(), name));
  }
}

// A score that a role brings is made of another method's operation.
TEST(Methods, ScoresGoThroughTheOperationOfWhatTheyScore) {
  Backend spy("half_a_spy", Device::Kind::cpu);
  for (const EstimatorType* type : estimator_types())
    for (std::size_t i = 0; i < type->methods().size(); ++i)
      if (const auto name = type->methods()[i].name; name == "predict" || name == "score_samples")
        spy.implement(std::get<Operation<Method::Map>>(type->operations().all[i]),
                      [type, name](const Rows&, const Estimator&) -> Outputs {
                        throw LinAlgError(fmt::format("{}.{}", type->name(), name));
                      });
  install(std::move(spy));
  set_default_selection({.skip = {"spy", "half_a_spy"}});
  int checked = 0;
  for (const EstimatorType* type : estimator_types()) {
    const auto e = type->make();
    const bool predicts = dynamic_cast<Regressor*>(e.get()) || dynamic_cast<Classifier*>(e.get());
    if (!predicts && !dynamic_cast<Density*>(e.get())) continue;
    const auto data = test::suited(*e, 300, 3);
    const Array &x = data.x, &y = data.y;
    e->fit(x, y);
    const auto guard = prefer("half_a_spy");
    expect_error<LinAlgError>(
        [&] { e->score(x, y); },
        fmt::format("{}.{}", type->name(), predicts ? "predict" : "score_samples"));
    ++checked;
  }
  EXPECT_GE(checked, 5);
}

TEST(Methods, ABackendThatPredictsChangesScore) {
  const Array x = data();
  const Array y = test::make<double>({300}, [](std::int64_t i) { return double(i % 7); });
  LinearRegression e;
  e.fit(x, y);
  install(Backend("oracle", Device::Kind::cpu)
              .implement(method_of<LinearRegression>("predict"),
                         [y](const Rows&, const LinearRegression&) -> Rows { return y; }));
  set_default_selection({.skip = {"spy", "half_a_spy", "oracle"}});
  EXPECT_LT(e.score(x, y), 0.5);
  const auto guard = prefer("oracle");
  EXPECT_EQ(e.score(x, y), 1.0);
}

TEST(Methods, OnlyThoseThatAClassHasAreOperations) {
  std::vector<std::string> found;
  for (const auto& s : support_table())
    if (s.operation.starts_with("LinearRegression.")) found.push_back(s.operation);
  EXPECT_EQ(found, (std::vector<std::string>{"LinearRegression.fit", "LinearRegression.predict",
                                             "LinearRegression.score"}));
  expect_error<ValueError>([] { method_of<LinearRegression>("transform"); },
                           "LinearRegression has no method 'transform' of this signature; it has "
                           "predict");
  expect_error<ValueError>([] { method_of<LinearRegression>("score"); },
                           "LinearRegression has no method 'score' of this signature; it has "
                           "predict");
  EXPECT_NO_THROW(score_of<LinearRegression>());
}

// --- What methods give --------------------------------------------------------------------------

TEST(Methods, OfSeveralOutputs) {
  Halves e({.at = 1.0});
  e.fit(data(), target());
  const std::vector<Rows> all = e.call("kneighbors", data());
  ASSERT_EQ(all.size(), 2u);
  const auto x = numbers(data());
  const auto distances = numbers(collect(all[0])), sides = numbers(collect(all[1]));
  for (std::size_t i = 0; i < 300; ++i) {
    EXPECT_EQ(distances[i], std::abs(x[3 * i] - 1.0));
    EXPECT_EQ(sides[i], x[3 * i] > 1.0 ? 1.0 : 0.0);
  }
  EXPECT_EQ(numbers(e.call("get_border")), std::vector<double>{1.0});
}

TEST(Methods, ScoresOfRoles) {
  Halves e({.at = 0.5});
  const Array x = data(), y = target();
  e.fit(x, y);
  const auto predicted = numbers(e.predict(x)), truth = numbers(y);
  double hits = 0, weighted = 0, weights = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double hit = predicted[i] == truth[i] ? 1.0 : 0.0, weight = double(i % 4);
    hits += hit;
    weighted += hit * weight;
    weights += weight;
  }
  EXPECT_EQ(e.score(x, y), hits / 300);
  const Array w = test::make<double>({300}, [](std::int64_t i) { return double(i % 4); });
  EXPECT_EQ(e.score(x, y, w), weighted / weights);
  expect_error<ValueError>([&] { e.score(x); },
                           "Halves requires y to be passed, but the target y is None");
  Falling falling;
  falling.fit(x);
  EXPECT_EQ(falling.score(x), -149.5);
  expect_error<ValueError>([&] { falling.score(x, {}, w); },
                           "Falling does not take a sample_weight");
}

}  // namespace
}  // namespace tessera
