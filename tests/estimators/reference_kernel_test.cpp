// The oracle itself: reference kernels against values worked out by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <tessera/estimators/kernels/kernels.hpp>

namespace tessera {
namespace {

using Values = std::vector<double>;

template <class T>
Tile tile(const std::vector<T>& values, std::int64_t rows, std::int64_t cols) {
  return tile_of(values.data(), rows, cols, cols);
}

template <class T>
struct ReferenceKernel : testing::Test {
  SelectionGuard guard = only("reference");
  Stream stream;
  const EstimatorKernels& k = estimator_kernels();
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(ReferenceKernel, Types);

// Points 0, 1, 9, 10 and centres 0.5, 9.5 and 0.5 again, relative to 1.
TYPED_TEST(ReferenceKernel, Assigns) {
  using T = TypeParam;
  const T hole = std::numeric_limits<T>::quiet_NaN();
  std::vector<T> x = {0, 1, 9, 10};
  const std::vector<T> centers = {T(-0.5), T(8.5), T(-0.5)}, offset = {1}, w = {1, 2, 3, 4};
  std::vector<std::int32_t> labels = {0, 1, 1, 2};
  const AssignmentParts parts{3, 1};
  Values out(16, -1);  // leaves of three rows and one: sums, counts, inertia, changed
  this->k.assign_nearest(this->stream, tile(x, 4, 1), 3, tile(centers, 3, 1), tile(offset, 1, 1),
                         tile(w, 4, 1), tile(labels, 4, 1), parts, tile(out, 2, 8));
  EXPECT_EQ(labels, (std::vector<std::int32_t>{0, 0, 1, 1}));
  EXPECT_EQ(out, (Values{-1, 24, 0, 3, 3, 0, 1.5, 1, 0, 36, 0, 0, 4, 0, 1, 1}));
  x[3] = hole;
  out.assign(10, -1);
  this->k.assign_nearest(this->stream, tile(x, 4, 1), 3, tile(centers, 3, 1), tile(offset, 1, 1),
                         {}, tile(labels, 4, 1), {3, 1, false, false}, tile(out, 2, 5));
  EXPECT_EQ(labels, (std::vector<std::int32_t>{0, 0, 1, 0}));
  EXPECT_EQ(out, (Values{2, 1, 0, 0, 0, 1, 0, 0, 0, 1}));
}

TYPED_TEST(ReferenceKernel, Distances) {
  using T = TypeParam;
  const T hole = std::numeric_limits<T>::quiet_NaN();
  const std::vector<T> x = {3, 4, 0, 0, 6, hole}, centers = {0, 0, 3, 4}, w = {1, 2, 3};
  std::vector<T> out(4), closest = {30, 30, 30};
  this->k.distances(this->stream, tile(x, 2, 2), tile(centers, 2, 2), tile(out, 2, 2));
  EXPECT_EQ(out, (std::vector<T>{5, 0, 0, 5}));
  Values sums(4, -1);
  this->k.candidate_potentials(this->stream, tile(x, 3, 2), 2, tile(centers, 2, 2), tile(w, 3, 1),
                               tile(closest, 3, 1), tile(sums, 2, 2));
  EXPECT_EQ(sums, (Values{25, 50, 90, 90}));
  this->k.update_closest(this->stream, tile(x, 3, 2), 2, tile(centers, 2, 2), tile(w, 3, 1),
                         tile(closest, 3, 1), tile(sums, 2, 1));
  EXPECT_EQ(closest, (std::vector<T>{0, 0, 30}));
  EXPECT_EQ(sums, (Values{0, 90, 90, 90}));
}

// Rows 1 and 2 of one feature in a leaf each, the second twice; coefficients first, then
// intercepts.
TYPED_TEST(ReferenceKernel, Losses) {
  using T = TypeParam;
  const std::vector<T> x = {1, 2}, w = {1, 2};
  struct Case {
    LinearLoss loss;
    std::vector<T> y;
    Values coef, want, curvature, product;  // the product is along 1 for every coefficient
  };
  const double third = 1.0 / 3;
  for (const Case& c : std::vector<Case>{
           // u = 1, 2 (of x) + 1: errors 2 - 0 and 3 - 4
           {{.loss = Loss::squared},
            {0, 4},
            {1, 1},
            {2, 0, 2, 2, 1, 0, -4, -2},
            {1, 2},
            {2, 2, 12, 6}},
           {{.loss = Loss::logistic},
            {1, 0},
            {0, 0},
            {std::log(2), 0, -0.5, -0.5, 2 * std::log(2), 0, 2, 1},
            {0.25, 0.5},
            {0.5, 0.5, 3, 1.5}},
           {{.loss = Loss::multinomial, .outputs = 3},
            {0, 2},
            Values(6),
            {std::log(3), 0, -2 * third, -2 * third, third, third, third, third, 2 * std::log(3), 0,
             4 * third, 2 * third, 4 * third, 2 * third, -8 * third, -4 * third},
            // pairs (0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2) of both rows
            {2 * third * third, 4 * third * third, third * third, 2 * third * third, third * third,
             2 * third * third, 2 * third * third, 4 * third * third, third * third,
             2 * third * third, 2 * third * third, 4 * third * third},
            Values(12)},  // what is the same of all classes changes nothing
           {{.loss = Loss::poisson},
            {2, 0},
            {0, 0},
            {1, 0, -1, -1, 2, 0, 4, 2},
            {1, 2},
            {2, 2, 12, 6}},
           {{.loss = Loss::gamma},
            {2, 1},
            {0, 0},
            {2, 0, -1, -1, 2, 0, 0, 0},
            {2, 2},
            {4, 4, 12, 6}},
           // Means 1 and 1 of variance mean^3: 1 / 2 - ... of the power 3.
           {{.loss = Loss::tweedie, .power = 3},
            {3, 1},
            {0, 0},
            {0.5, 0, -2, -2, -1, 0, 0, 0},
            {5, 2},
            {10, 10, 12, 6}},
           // Residuals 1 and -3 by a scale of 1.
           {{.loss = Loss::huber, .epsilon = 2, .scale = 1},
            {0, 5},
            {1, 0},
            {2, 0, 2, 2, 18, -6, -16, -8},
            {2, 0},
            {4, 4, 0, 0}}}) {
    const std::int64_t k = c.loss.outputs, size = c.loss.size(1);
    Values out(2 * static_cast<std::size_t>(size), -1);
    std::vector<T> curvature(2 * static_cast<std::size_t>(c.loss.pairs()));
    this->k.leaf_loss(this->stream, tile(x, 2, 1), 1, tile(c.y, 2, 1), tile(w, 2, 1), c.coef,
                      c.loss, tile(curvature, c.loss.pairs(), 2), tile(out, 2, size));
    const auto what = "loss " + std::to_string(static_cast<int>(c.loss.loss));
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out[i], c.want[i], 1e-14) << what << i;
    for (std::size_t i = 0; i < curvature.size(); ++i)
      EXPECT_NEAR(curvature[i], c.curvature[i], 1e-6) << what << i;
    Values product(static_cast<std::size_t>(4 * k), -1);
    this->k.leaf_product(this->stream, tile(x, 2, 1), 1, tile(c.y, 2, 1), tile(w, 2, 1), c.coef,
                         c.loss, Values(c.coef.size(), 1.0), tile(product, 2, 2 * k));
    for (std::size_t i = 0; i < product.size(); ++i)
      EXPECT_NEAR(product[i], c.product[i], 1e-14) << what << i;
  }
}

}  // namespace
}  // namespace tessera
