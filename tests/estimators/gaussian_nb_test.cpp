#include <tessera/estimators/naive_bayes/gaussian_nb.hpp>

#include <gtest/gtest.h>

#include <cmath>

#include <tessera/runtime/row_set.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

using Words = std::vector<std::string>;

constexpr std::int64_t n = 1031;
constexpr std::int64_t k = 3;

// Three classes, far apart: row i is of class i % 3.
template <class T>
Array rows() {
  return test::make<T>({n, 2}, [](auto f) {
    return static_cast<T>(test::unit(f) + static_cast<double>(f / 2 % k) * (f % 2 == 0 ? 5 : -7));
  });
}
template <class T>
Array labels_from(T first) {
  return test::make<T>({n},
                       [first](auto i) { return static_cast<T>(first + static_cast<T>(i % k)); });
}

template <class T>
void predicts_its_labels(T first) {
  const Array x = rows<float>();
  const Array y = labels_from<T>(first);
  GaussianNB model;
  model.fit(x, y);
  EXPECT_EQ(model.classes_.as<Array>().dtype(), dtype_of<T>);
  test::expect_elements<T>(model.classes_.as<Array>(),
                           [first](auto i) { return static_cast<T>(first + static_cast<T>(i)); });
  const Array predicted = model.predict(x);
  test::expect_same<T>(predicted, y);
  EXPECT_EQ(model.score(x, y), 1.0);
  EXPECT_EQ(model.predict_proba(x).dtype(), DType::float32);
  EXPECT_EQ(model.predict_proba(x).shape(), (Shape{n, k}));
  const GaussianNB again = GaussianNB::from_model(model.model());
  test::expect_same<T>(again.predict(x), y);
}

TEST(GaussianNB, KeepsTheLabelsDtypeAndDigits) {
  predicts_its_labels<std::int64_t>(16777216);  // float32 has not the next one
  predicts_its_labels<std::int64_t>(std::int64_t{1} << 53);
  predicts_its_labels<std::uint64_t>(~std::uint64_t{0} - 2);
  predicts_its_labels<std::int8_t>(-1);
  predicts_its_labels<double>(-2.0);
}

TEST(GaussianNB, TellsBoolsAndWordsApart) {
  const Array x = rows<double>();
  const Array flags = test::make<bool>({n}, [](auto i) { return i % k == 1; });
  GaussianNB model({.var_smoothing = 0.0});
  model.fit(x, flags);
  EXPECT_EQ(model.predict(x).dtype(), DType::boolean);
  const Words words = {"wolf", "ant", "bee"};
  const Array y = labels_from<std::int64_t>(0).categorized(words);
  model.fit(x, y);
  EXPECT_EQ(model.classes_.as<Words>(), (Words{"ant", "bee", "wolf"}));
  const Array predicted = model.predict(x);
  EXPECT_EQ(predicted.categories(), model.classes_.as<Words>());
  test::expect_elements<std::int32_t>(
      predicted, [](auto i) { return static_cast<std::int32_t>((i % k + 2) % k); });
  EXPECT_EQ(model.score(x, y), 1.0);
  const GaussianNB again = GaussianNB::from_model(model.model());
  EXPECT_EQ(again.predict(x).categories(), predicted.categories());
}

TEST(GaussianNB, GoesOnWithMoreRows) {
  const Array x = rows<double>();
  const Array y = labels_from<std::int32_t>(1);
  GaussianNB whole({.var_smoothing = 0.0});
  whole.fit(x, y);
  GaussianNB parts({.var_smoothing = 0.0});
  const Array classes = replicated(std::vector<std::int64_t>{3, 2, 1}, {3}, Communicator::world());
  test::expect_error<ValueError>([&] { parts.partial_fit(x, y); },
                                 "classes must be passed on the first call to partial_fit.");
  for (const Range range : {Range{0, 100}, Range{100, 101}, Range{101, n}})
    parts.partial_fit(select(x, range), select(y, range), classes);
  EXPECT_EQ(parts.classes_.as<Array>().dtype(), DType::int64);
  const auto close = [](const Array& a, const Array& b) { test::expect_same<double>(a, b, 1e-9); };
  close(parts.class_count_, whole.class_count_);
  close(parts.class_prior_, whole.class_prior_);
  close(parts.theta_, whole.theta_);
  close(parts.var_, whole.var_);
  const Array others = replicated(std::vector<std::int64_t>{1, 2}, {2}, Communicator::world());
  test::expect_error<ValueError>([&] { parts.partial_fit(x, y, others); },
                                 "classes are not those of the first call to partial_fit");
  const Array unknown = test::make<std::int32_t>({n}, [](auto) { return 7; });
  test::expect_error<ValueError>(
      [&] { parts.partial_fit(x, unknown); },
      "y holds 7 at row 0, which is none of the classes that GaussianNB was first given");
  EXPECT_EQ(parts.score(x, y), 1.0) << "what failed has changed nothing";
}

TEST(GaussianNB, WeightsAreRepetitionsAndTheBitsAreOneProcesss) {
  const Array x = rows<double>();
  const Array y = labels_from<std::int32_t>(0);
  const Array w =
      test::make<double>({n}, [](auto i) { return i % 5 == 0 ? 0.0 : 0.25 * double(i % 5); });
  GaussianNB model;
  model.fit(x, y, w);
  const Communicator self = Communicator::self();
  const auto alone = [&](const Array& a, auto tag) {
    using T = typename decltype(tag)::type;
    const Array all = gather(a);
    return from_host<T>(all.template values<T>(), a.shape(), self);
  };
  GaussianNB serial;
  serial.fit(alone(x, TypeTag<double>{}), alone(y, TypeTag<std::int32_t>{}),
             alone(w, TypeTag<double>{}));
  const auto same = [](const Array& a, const Array& b) {
    const auto u = a.values<double>(), v = b.values<double>();
    EXPECT_TRUE(std::equal(u.begin(), u.end(), v.begin(), v.end()));
  };
  same(model.theta_, serial.theta_);
  same(model.var_, serial.var_);
  same(model.class_count_, serial.class_count_);
}

TEST(GaussianNB, RefusesWhatItCannotLearn) {
  const Array x = rows<double>();
  const Array y = labels_from<std::int32_t>(0);
  const auto fit = [&](GaussianNBParams params, const Array& labels) {
    GaussianNB(std::move(params)).fit(x, labels);
  };
  const auto priors = [](std::vector<double> v) {
    const auto count = std::ssize(v);
    return GaussianNBParams{.priors = replicated(v, {count}, Communicator::world())};
  };
  test::expect_error<ValueError>([&] { fit({}, {}); },
                                 "GaussianNB requires y to be passed, but the target y is None");
  test::expect_error<ValueError>(
      [&] {
        fit(priors({0.5, 0.5}), y);
      },
      "GaussianNB: Number of priors must match number of classes: 2 and 3.");
  test::expect_error<ValueError>(
      [&] {
        fit(priors({0.5, 0.5, 0.5}), y);
      },
      "The sum of the priors should be 1, got 1.5.");
  test::expect_error<ValueError>(
      [&] {
        fit(priors({1.5, -1, 0.5}), y);
      },
      "Priors must be non-negative.");
  const Array text = test::make<std::int64_t>({n, 1}, [](auto) { return 0; }).categorized({"a"});
  GaussianNB model;
  test::expect_error<ValueError>(
      [&] { model.fit(text, y); },
      "could not convert string to float: 'a' (X holds text, GaussianNB takes numbers)");
}

}  // namespace
}  // namespace tessera
