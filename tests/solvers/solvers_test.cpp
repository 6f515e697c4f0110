#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <tessera/solvers/coordinate_descent.hpp>
#include <tessera/solvers/lbfgs.hpp>
#include <tessera/solvers/newton.hpp>
#include <tessera/solvers/proximal_gradient.hpp>
#include <tessera/solvers/proximal_newton.hpp>

namespace tessera::solvers {
namespace {

using Numbers = std::vector<double>;

void expect_near(const Numbers& got, const Numbers& want, double tolerance,
                 const std::string& text = "") {
  ASSERT_EQ(got.size(), want.size()) << text;
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], want[i], tolerance) << text << " [" << i << "]";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// sum_i (i+1) (x_i - i)^2 / 2.
double quadratic(std::span<const double> x, std::span<double> g) {
  double value = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double e = x[i] - static_cast<double>(i);
    g[i] = static_cast<double>(i + 1) * e;
    value += g[i] * e / 2;
  }
  return value;
}
void quadratic_hessian(std::span<const double> x, std::span<double> h) {
  for (std::size_t i = 0; i < x.size(); ++i) h[i * x.size() + i] = static_cast<double>(i + 1);
}

/// Rosenbrock's valley in any dimension; its minimum is at (1, ..., 1).
double rosenbrock(std::span<const double> x, std::span<double> g) {
  std::fill(g.begin(), g.end(), 0.0);
  double value = 0.0;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    const double a = x[i + 1] - x[i] * x[i];
    const double b = 1 - x[i];
    value += 100 * a * a + b * b;
    g[i] += -400 * x[i] * a - 2 * b;
    g[i + 1] += 200 * a;
  }
  return value;
}
void rosenbrock_hessian(std::span<const double> x, std::span<double> h) {
  const std::size_t n = x.size();
  for (std::size_t i = 0; i + 1 < n; ++i) {
    h[i * n + i] += 1200 * x[i] * x[i] - 400 * x[i + 1] + 2;
    h[i * n + i + 1] = h[(i + 1) * n + i] = -400 * x[i];
    h[(i + 1) * n + i + 1] += 200;
  }
}

HessianProduct product_of(const Hessian& hessian) {
  return [=](std::span<const double> x, std::span<const double> v, std::span<double> out) {
    Numbers h(x.size() * x.size());
    hessian(x, h);
    for (std::size_t i = 0; i < x.size(); ++i) {
      out[i] = 0.0;
      for (std::size_t j = 0; j < x.size(); ++j) out[i] += h[i * x.size() + j] * v[j];
    }
  };
}

/// 24 rows of 6 small integers, targets and classes, as the Python that gave the figures below.
struct Data {
  static constexpr int n = 24;
  static constexpr int p = 6;
  Numbers x, y, classes;
  Data() {
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < p; ++j) x.push_back((7 * i + 3 * j * j + i * j) % 13 - 6);
      y.push_back(2 * at(i, 0) - at(i, 3) + (5 * i) % 7 - 3);
      classes.push_back(at(i, 0) + (3 * i) % 5 - 2 > 0 ? 1.0 : 0.0);
    }
  }
  double at(int i, int j) const { return x[static_cast<std::size_t>(i * p + j)]; }
  Numbers gram() const {
    Numbers q(p * p);
    for (int i = 0; i < n; ++i)
      for (int a = 0; a < p; ++a)
        for (int b = 0; b < p; ++b) q[static_cast<std::size_t>(a * p + b)] += at(i, a) * at(i, b);
    return q;
  }
  Numbers product() const {
    Numbers q(p);
    for (int i = 0; i < n; ++i)
      for (int a = 0; a < p; ++a)
        q[static_cast<std::size_t>(a)] += at(i, a) * y[static_cast<std::size_t>(i)];
    return q;
  }
  double y_squares() const {
    double sum = 0.0;
    for (const double v : y) sum += v * v;
    return sum;
  }
  /// Logistic loss, and half of l2 times the squared weights.
  Objective logistic(double l2) const {
    return [this, l2](std::span<const double> w, std::span<double> g) {
      double value = 0.0;
      for (int j = 0; j < p; ++j) {
        const auto k = static_cast<std::size_t>(j);
        value += l2 * w[k] * w[k] / 2;
        g[k] = l2 * w[k];
      }
      for (int i = 0; i < n; ++i) {
        double z = 0.0;
        for (int j = 0; j < p; ++j) z += at(i, j) * w[static_cast<std::size_t>(j)];
        const double t = classes[static_cast<std::size_t>(i)];
        value += std::log1p(std::exp(-std::abs(z))) + std::max(z, 0.0) - t * z;
        for (int j = 0; j < p; ++j)
          g[static_cast<std::size_t>(j)] += at(i, j) * (1 / (1 + std::exp(-z)) - t);
      }
      return value;
    };
  }
  Hessian logistic_hessian(double l2) const {
    return [this, l2](std::span<const double> w, std::span<double> h) {
      for (int j = 0; j < p; ++j) h[static_cast<std::size_t>(j * p + j)] = l2;
      for (int i = 0; i < n; ++i) {
        double z = 0.0;
        for (int j = 0; j < p; ++j) z += at(i, j) * w[static_cast<std::size_t>(j)];
        const double s = 1 / (1 + std::exp(-z));
        for (int a = 0; a < p; ++a)
          for (int b = 0; b < p; ++b)
            h[static_cast<std::size_t>(a * p + b)] += s * (1 - s) * at(i, a) * at(i, b);
      }
    };
  }
};

// scipy.optimize's minimum of logistic(1).
const Numbers logistic_minimum = {1.2124329137864462, -0.018001137538666032, -0.0527077603262895,
                                  0.3442147874779308, -0.29000879594406126,  0.12922046066617468};
constexpr double logistic_value = 2.8932976256347653;

TEST(Lbfgs, FindsMinima) {
  for (const std::size_t n : {1u, 2u, 7u, 100u}) {
    const Result r = lbfgs(quadratic, Numbers(n, 3.0), {.gtol = 1e-9, .ftol = 0});
    EXPECT_TRUE(r.converged) << r.why;
    Numbers want;
    for (std::size_t i = 0; i < n; ++i) want.push_back(static_cast<double>(i));
    expect_near(r.x, want, 1e-8);
    EXPECT_NEAR(r.value, 0, 1e-15);
  }
  for (const std::size_t n : {2u, 5u, 30u}) {
    const Result r = lbfgs(rosenbrock, Numbers(n, -0.9), {.gtol = 1e-9, .ftol = 0});
    EXPECT_TRUE(r.converged) << r.why;
    if (n == 2) expect_near(r.x, Numbers(n, 1.0), 1e-8);
    EXPECT_LT(r.evaluations, 500);
  }
  const Data data;
  const Result r = lbfgs(data.logistic(1), Numbers(6), {.gtol = 1e-8, .ftol = 0});
  EXPECT_TRUE(r.converged) << r.why;
  expect_near(r.x, logistic_minimum, 1e-8);
  EXPECT_NEAR(r.value, logistic_value, 1e-12);
  EXPECT_LT(r.n_iter, 40);  // SciPy: 20
}

TEST(Lbfgs, SaysWhyItStops) {
  const Result at_once = lbfgs(quadratic, {0, 1, 2});
  EXPECT_TRUE(at_once.converged);
  EXPECT_EQ(at_once.n_iter, 0);
  EXPECT_EQ(at_once.evaluations, 1);
  EXPECT_EQ(at_once.why, "gradient of 0 within gtol=1e-05");
  const Result few = lbfgs(rosenbrock, {-1.2, 1}, {.max_iter = 3});
  EXPECT_FALSE(few.converged);
  EXPECT_EQ(few.n_iter, 3);
  EXPECT_EQ(few.why, "max_iter=3 reached");
  const Result slow = lbfgs(rosenbrock, {-1.2, 1}, {.gtol = 0, .ftol = 1e-2});
  EXPECT_TRUE(slow.converged);
  EXPECT_TRUE(has(slow.why, "within ftol=0.01")) << slow.why;
  const auto nan = [](std::span<const double>, std::span<double>) { return std::nan(""); };
  const Result none = lbfgs(nan, {1, 2});
  EXPECT_FALSE(none.converged);
  EXPECT_EQ(none.why, "the objective is not finite at the start");
  EXPECT_EQ(none.x, (Numbers{1, 2}));
  EXPECT_TRUE(lbfgs(quadratic, {}).converged);
}

TEST(Lbfgs, StepsOverWhatIsNotFinite) {
  // x - log(x), infinite or NaN for x <= 0, with its minimum at 1.
  const auto barrier = [](std::span<const double> x, std::span<double> g) {
    g[0] = 1 - 1 / x[0];
    return x[0] - std::log(x[0]);
  };
  for (const double start : {1e-3, 0.5, 50.0}) {
    const Result r = lbfgs(barrier, {start}, {.gtol = 1e-9, .ftol = 0});
    EXPECT_TRUE(r.converged) << r.why;
    expect_near(r.x, {1}, 1e-8);
  }
  // Without a minimum: it goes on as long as it may.
  const auto slope = [](std::span<const double> x, std::span<double> g) {
    g[0] = 1;
    return x[0];
  };
  EXPECT_FALSE(lbfgs(slope, {0}, {.max_iter = 20}).converged);
  // Where the value does not say what the gradient says no step is taken.
  const auto uphill = [](std::span<const double> x, std::span<double> g) {
    g[0] = -1;
    return x[0];
  };
  const Result r = lbfgs(uphill, {0});
  EXPECT_EQ(r.why, "the line search found no lower point");
  EXPECT_EQ(r.x, Numbers{0});
}

TEST(Newton, FindsMinima) {
  const Result r = newton(quadratic, quadratic_hessian, Numbers(20, -4.0), {.gtol = 1e-12});
  EXPECT_TRUE(r.converged) << r.why;
  EXPECT_EQ(r.n_iter, 1);  // a quadratic is minimised in one step
  EXPECT_NEAR(r.x[19], 19, 1e-12);
  const Data data;
  const NewtonOptions exact{.gtol = 1e-10};
  const auto hessian = data.logistic_hessian(1);
  for (const Result& l : {newton(data.logistic(1), hessian, Numbers(6), exact),
                          newton_cg(data.logistic(1), product_of(hessian), Numbers(6), exact)}) {
    EXPECT_TRUE(l.converged) << l.why;
    expect_near(l.x, logistic_minimum, 1e-10);
    EXPECT_NEAR(l.value, logistic_value, 1e-12);
    EXPECT_LT(l.n_iter, 15);
  }
}

// At the start of the valley the Hessian is indefinite.
TEST(Newton, GoesOnWhereTheHessianIsNotPositive) {
  for (const std::size_t n : {2u, 6u}) {
    Numbers start(n, 0.0);
    start[1] = 2.0;
    const NewtonOptions exact{.gtol = 1e-9};
    for (const Result& r : {newton(rosenbrock, rosenbrock_hessian, start, exact),
                            newton_cg(rosenbrock, product_of(rosenbrock_hessian), start, exact)}) {
      EXPECT_TRUE(r.converged) << r.why;
      expect_near(r.x, Numbers(n, 1.0), 1e-8);
    }
  }
}

TEST(Newton, SaysWhyItStops) {
  const Result few = newton(rosenbrock, rosenbrock_hessian, {-1.2, 1}, {.max_iter = 2});
  EXPECT_FALSE(few.converged);
  EXPECT_EQ(few.why, "max_iter=2 reached");
  EXPECT_EQ(newton(quadratic, quadratic_hessian, {0, 1}).n_iter, 0);
  EXPECT_TRUE(newton(quadratic, quadratic_hessian, {}).converged);
}

struct NetCase {
  const char* name;
  double l1, l2;
  bool positive, random;
  std::int64_t n_iter;
  Numbers w;
};

// sklearn.linear_model._cd_fast.enet_coordinate_descent_gram of scikit-learn 1.9, tol=1e-4, from 0,
// with RandomState(7).
TEST(CoordinateDescent, StepsAsScikitLearn) {
  const Data data;
  const Numbers gram = data.gram();
  const Numbers product = data.product();
  for (const NetCase& c : std::vector<NetCase>{
           {"lasso", 100, 0, false, false, 4, {1.742268340034474, 0, 0, -0.6187864725392362, 0, 0}},
           {"net", 100, 40, false, false, 4, {1.5422549759963295, 0, 0, -0.5336935561299027, 0, 0}},
           {"positive", 30, 5, true, false, 2, {1.8408408408408408, 0, 0, 0, 0, 0}},
           {"random",
            100,
            40,
            false,
            true,
            5,
            {1.5422551110773828, 0, 0, -0.5336930625321049, 0, 0}},
           {"random lasso", 300, 0, false, true, 3, {1.045731707317073, 0, 0, 0, 0, 0}},
           {"ridge",
            0,
            50,
            false,
            false,
            5,
            {1.7506399787980218, -0.01708696687652452, -0.18963525733013414, -0.7652866627506002,
             -0.11000220257013976, 0.024048447223702217}},
           {"no penalty",
            0,
            0,
            false,
            false,
            6,
            {2.0712081060392045, 0.0255494280995794, -0.13732763534197506, -0.9267430898690817,
             -0.07285061576699185, 0.09696985708429574}},
           {"all zero", 1e5, 0, false, false, 0, Numbers(6)}}) {
    RandomState random(7);
    const auto r = coordinate_descent({gram, product, data.y_squares(), c.l1, c.l2, c.positive},
                                      Numbers(6), {.random = c.random ? &random : nullptr});
    EXPECT_TRUE(r.converged) << c.name << ": " << r.why;
    EXPECT_EQ(r.n_iter, c.n_iter) << c.name;
    expect_near(r.x, c.w, 1e-11, c.name);
    EXPECT_LE(r.gap, r.tolerance) << c.name;
    EXPECT_DOUBLE_EQ(r.tolerance, 1e-4 * data.y_squares());
  }
}

TEST(CoordinateDescent, StartsWhereItIsTold) {
  const Data data;
  const Numbers gram = data.gram();
  const Numbers product = data.product();
  const ElasticNet problem{gram, product, data.y_squares(), 100, 40};
  const auto cold = coordinate_descent(problem, Numbers(6), {.tol = 1e-10});
  const auto warm = coordinate_descent(problem, cold.x, {.tol = 1e-10});
  EXPECT_EQ(warm.n_iter, 0);
  EXPECT_EQ(warm.x, cold.x);
  EXPECT_DOUBLE_EQ(warm.value, cold.value);
  // The conditions of a minimum: |X^T r - l2 w| = l1 where w is not 0, and less elsewhere.
  for (std::size_t j = 0; j < 6; ++j) {
    double pull = product[j] - 40 * cold.x[j];
    for (std::size_t k = 0; k < 6; ++k) pull -= gram[j * 6 + k] * cold.x[k];
    if (cold.x[j] != 0)
      EXPECT_NEAR(pull, std::copysign(100, cold.x[j]), 1e-3) << j;
    else
      EXPECT_LE(std::abs(pull), 100) << j;
  }
}

TEST(CoordinateDescent, SaysThatItDidNotConverge) {
  const Data data;
  const Numbers gram = data.gram();
  const Numbers product = data.product();
  const auto r = coordinate_descent({gram, product, data.y_squares(), 1, 0}, Numbers(6),
                                    {.max_iter = 1, .tol = 1e-12});
  EXPECT_FALSE(r.converged);
  EXPECT_EQ(r.n_iter, 1);
  EXPECT_TRUE(has(r.why, "max_iter=1 reached with a duality gap of ")) << r.why;
  EXPECT_GT(r.gap, r.tolerance);
}

TEST(CoordinateDescent, ColumnsOfZerosStayOut) {
  const Numbers gram = {4, 0, 0, 0};
  const Numbers product = {2, 0};
  for (const double l1 : {0.0, 1.0}) {
    const auto r = coordinate_descent({gram, product, 1.0, l1, 0}, Numbers(2), {.tol = 1e-12});
    EXPECT_TRUE(r.converged) << r.why;
    EXPECT_EQ(r.x, (Numbers{(2 - l1) / 4, 0}));
  }
}

TEST(ProximalGradient, FindsSparseMinima) {
  const Data data;
  // The same by 200000 plain steps in NumPy.
  const Numbers want = {0.7639938760579188, 0, 0, 0.09754304187284682, 0, 0};
  for (const double lipschitz : {0.0, 1000.0}) {
    const Result r = proximal_gradient(data.logistic(0), l1_penalty(4), Numbers(6),
                                       {.max_iter = 20000, .tol = 1e-9, .lipschitz = lipschitz});
    EXPECT_TRUE(r.converged) << r.why;
    expect_near(r.x, want, 1e-9);
    EXPECT_EQ(r.x[1], 0);
  }
}

TEST(ProximalGradient, AgreesWithCoordinateDescent) {
  const Data data;
  const Numbers gram = data.gram();
  const Numbers product = data.product();
  const auto squares = [&](std::span<const double> w, std::span<double> g) {
    double value = data.y_squares() / 2;
    for (std::size_t j = 0; j < 6; ++j) {
      g[j] = -product[j];
      for (std::size_t k = 0; k < 6; ++k) g[j] += gram[j * 6 + k] * w[k];
      value += w[j] * (g[j] - product[j]) / 2;
    }
    return value;
  };
  const Result r = proximal_gradient(squares, l1_penalty(100), Numbers(6), {.tol = 1e-7});
  EXPECT_TRUE(r.converged) << r.why;
  expect_near(r.x, {1.7422688436127152, 0, 0, -0.6187865370645818, 0, 0}, 1e-9);
  const auto same =
      coordinate_descent({gram, product, data.y_squares(), 100}, Numbers(6), {.tol = 1e-10});
  EXPECT_NEAR(r.value, same.value, 1e-9 * same.value);
}

TEST(ProximalGradient, SaysWhyItStops) {
  const Result few = proximal_gradient(rosenbrock, l1_penalty(0), {-1.2, 1}, {.max_iter = 3});
  EXPECT_FALSE(few.converged);
  EXPECT_EQ(few.why, "max_iter=3 reached");
  EXPECT_EQ(few.n_iter, 3);
}

TEST(ProximalNewton, AgreesWithCoordinateDescentAndProximalGradient) {
  const Data data;
  const Numbers gram = data.gram();
  const Numbers product = data.product();
  const Objective least_squares = [&](std::span<const double> w, std::span<double> g) {
    double value = data.y_squares() / 2;
    for (std::size_t i = 0; i < 6; ++i) {
      g[i] = -product[i];
      for (std::size_t j = 0; j < 6; ++j) g[i] += gram[i * 6 + j] * w[j];
      value += w[i] * (g[i] - product[i]) / 2;
    }
    return value;
  };
  const Hessian constant = [&](std::span<const double>, std::span<double> h) {
    std::copy(gram.begin(), gram.end(), h.begin());
  };
  for (const double l1 : {10.0, 100.0, 300.0, 1e5}) {
    const Numbers weights(6, l1);
    const auto newton =
        proximal_newton(least_squares, constant, weights, Numbers(6), {.gtol = 1e-7});
    const auto descent = coordinate_descent({gram, product, data.y_squares(), l1, 0}, Numbers(6),
                                            {.max_iter = 10000, .tol = 1e-13});
    EXPECT_TRUE(newton.converged) << newton.why;
    EXPECT_NEAR(newton.value, descent.value, 1e-7 * descent.value) << l1;
    expect_near(newton.x, descent.x, 1e-6);
  }
  // One weight free of the penalty; all of them: Newton's method.
  const Numbers some = {0, 100, 100, 100, 100, 100};
  const auto part = proximal_newton(least_squares, constant, some, Numbers(6), {.gtol = 1e-7});
  Numbers g(6);
  least_squares(part.x, g);
  EXPECT_NEAR(g[0], 0.0, 1e-6);
  for (std::size_t j = 1; j < 6; ++j)
    EXPECT_LE(std::abs(g[j] + (part.x[j] != 0 ? std::copysign(100, part.x[j]) : 0)), 100 + 1e-6);
  const auto none = proximal_newton(quadratic, quadratic_hessian, Numbers(4), Numbers(4, 9.0));
  expect_near(none.x, {0, 1, 2, 3}, 1e-4);
}

TEST(ProximalNewton, SaysWhyItStops) {
  const Numbers l1(3, 0.5);
  const auto few =
      proximal_newton(rosenbrock, rosenbrock_hessian, l1, Numbers(3, -1.0), {.max_iter = 1});
  EXPECT_FALSE(few.converged);
  EXPECT_EQ(few.why, "max_iter=1 reached");
  const auto at_once = proximal_newton(quadratic, quadratic_hessian, Numbers(1, 5.0), {0.0});
  EXPECT_EQ(at_once.n_iter, 0);
  EXPECT_TRUE(at_once.converged && has(at_once.why, "within gtol"));
  const auto never =
      proximal_newton([](std::span<const double>,
                         std::span<double>) { return std::numeric_limits<double>::quiet_NaN(); },
                      quadratic_hessian, Numbers(1), {0.0});
  EXPECT_EQ(never.why, "the objective is not finite at the start");
}

TEST(GroupCoordinateDescent, OneTaskIsCoordinateDescentAndGroupsAreZeroAsAWhole) {
  const Data data;
  const Numbers gram = data.gram();
  const Numbers product = data.product();
  for (const double l1 : {30.0, 100.0, 1e5}) {
    const auto one = group_coordinate_descent({gram, product, 1, data.y_squares(), l1, 40},
                                              Numbers(6), {.tol = 1e-12});
    const auto plain =
        coordinate_descent({gram, product, data.y_squares(), l1, 40}, Numbers(6), {.tol = 1e-12});
    EXPECT_TRUE(one.converged) << one.why;
    expect_near(one.x, plain.x, 1e-7);
  }
  Numbers two;  // the same target, and its double
  for (const double v : product) {
    two.push_back(v);
    two.push_back(2 * v);
  }
  const auto r = group_coordinate_descent({gram, two, 2, 5 * data.y_squares(), 100, 0}, Numbers(12),
                                          {.tol = 1e-12});
  const auto alone = coordinate_descent({gram, product, data.y_squares(), 100 / std::sqrt(5.0), 0},
                                        Numbers(6), {.tol = 1e-12});
  for (std::size_t j = 0; j < 6; ++j) {
    EXPECT_NEAR(r.x[2 * j], alone.x[j], 1e-6);
    EXPECT_NEAR(r.x[2 * j + 1], 2 * alone.x[j], 1e-6);
  }
}

}  // namespace
}  // namespace tessera::solvers
