// The oracle itself: reference kernels against values worked out by hand.
#include <gtest/gtest.h>

#include <limits>
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

}  // namespace
}  // namespace tessera
