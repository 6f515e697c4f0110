#include <tessera/estimators/linear_model/elastic_net.hpp>
#include <tessera/estimators/linear_model/matrix_free.hpp>

#include <gtest/gtest.h>

#include "estimators/estimator_cases.hpp"

namespace tessera {
namespace {

/// No Gram matrix of more than so many columns while it lives.
struct Limit {
  explicit Limit(std::int64_t columns) { detail::limit_gram(columns); }
  ~Limit() { detail::limit_gram(16384); }
  Limit(const Limit&) = delete;
};

constexpr std::int64_t n = 1301, p = 12;  // several leaves

Array data() {
  return test::make<double>({n, p}, [](std::int64_t i) { return test::unit(i) - 0.4; });
}
/// Two targets, of which only some columns say something.
Array targets() {
  return test::make<double>({n, 2}, [](std::int64_t i) {
    const std::int64_t row = i / 2;
    const auto x = [&](std::int64_t j) { return test::unit(row * p + j) - 0.4; };
    return (i % 2 ? -1.0 : 1.0) * (3 * x(0) - 2 * x(5) + x(11)) + 7.0 + 0.1 * test::unit(i, 9);
  });
}

template <class E>
void expect_same_minimum(E with, E without, const Array& y, const Array& weights) {
  const Array x = data();
  with.fit(x, y, weights);
  {
    const Limit limit(3);
    without.fit(x, y, weights);
  }
  const auto a = detail::doubles(with.coef_), b = detail::doubles(without.coef_);
  ASSERT_EQ(with.coef_.shape(), without.coef_.shape());
  for (std::size_t j = 0; j < a.size(); ++j) {
    EXPECT_NEAR(a[j], b[j], 1e-5) << "coefficient " << j;
    EXPECT_EQ(a[j] == 0, b[j] == 0) << "coefficient " << j;
  }
  const auto c = detail::doubles(with.intercept_), d = detail::doubles(without.intercept_);
  for (std::size_t t = 0; t < c.size(); ++t) EXPECT_NEAR(c[t], d[t], 1e-5);
  for (const double gap : detail::doubles(without.dual_gap_)) {
    EXPECT_LE(gap, 1e-10);
    EXPECT_GE(gap, -1e-12);
  }
}

TEST(MatrixFree, FindsWhatTheGramMatrixGives) {
  const Array y = targets();
  const Array one = test::make<double>({n}, [](std::int64_t i) {
    return 2 * (test::unit(i * p + 1) - 0.4) - 5.0 + 0.2 * test::unit(i, 4);
  });
  const Array weights = test::make<double>({n}, [](std::int64_t i) { return double(i % 3); });
  const double tol = 1e-10;
  for (const Array& w : {Array(), weights}) {
    expect_same_minimum(Lasso({.alpha = 0.01, .tol = tol}), Lasso({.alpha = 0.01, .tol = tol}), one,
                        w);
    const ElasticNetParams net{.alpha = 0.05, .l1_ratio = 0.4, .tol = tol};
    expect_same_minimum(ElasticNet(net), ElasticNet(net), y, w);
  }
  const LassoParams positive{.alpha = 0.01, .fit_intercept = false, .tol = tol, .positive = true};
  expect_same_minimum(Lasso(positive), Lasso(positive), one, {});
}

TEST(MatrixFree, StopsAndSaysSo) {
  const Limit limit(3);
  const Array x = data();
  Lasso few({.alpha = 1e-4, .max_iter = 2, .tol = 1e-12});
  few.fit(x, targets());
  EXPECT_LE(detail::doubles(few.n_iter_)[0], 3);
  Lasso again({.alpha = 0.01, .tol = 1e-8, .warm_start = true});
  const Array y = test::make<double>({n}, [](std::int64_t i) { return test::unit(i * p + 1); });
  again.fit(x, y);
  const auto steps = again.n_iter_.as<std::int64_t>();
  again.fit(x, y);
  EXPECT_LT(again.n_iter_.as<std::int64_t>(), steps);
  const Array bad = test::make<double>(
      {n, p}, [](std::int64_t i) { return i == 1234 ? std::nan("") : test::unit(i); });
  const std::string where = Communicator::world().size() > 1 ? " (rank 0)" : "";
  test::expect_error<ValueError>([&] { Lasso({.alpha = 0.1}).fit(bad, y); },
                                 "Input X contains NaN at row 102, column 10 (Lasso)." + where);
}

}  // namespace
}  // namespace tessera
