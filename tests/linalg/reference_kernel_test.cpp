// The oracle itself: reference kernels against values worked out by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::linalg {
namespace {

using Values = std::vector<double>;

template <class T>
Tile tile(const std::vector<T>& values, std::int64_t rows, std::int64_t cols,
          std::int64_t stride = 0) {
  return tile_of(values.data(), rows, cols, stride ? stride : cols);
}

template <class T>
struct ReferenceKernel : testing::Test {
  SelectionGuard guard = only("reference");
  Stream stream;
  const Kernels& k = kernels();
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(ReferenceKernel, Types);
using ReferenceSolve = ReferenceKernel<double>;

TYPED_TEST(ReferenceKernel, Moments) {
  const TypeParam hole = std::numeric_limits<TypeParam>::quiet_NaN();
  const std::vector<TypeParam> x = {1, hole, 9,  //
                                    3, hole, 9,  //
                                    8, 7,    9};
  const std::vector<TypeParam> w = {1, 2, 1};
  Values out(12, -1);  // leaves of two rows and one; two columns of three
  this->k.leaf_moments(this->stream, tile(x, 3, 2, 3), 2, tile(w, 3, 1), tile(out, 2, 6));
  EXPECT_EQ(out, (Values{3, 0, 7. / 3, 0, 8. / 3, 0, 1, 1, 8, 7, 0, 0}));
  this->k.merge_moments(this->stream, tile(out, 1, 6), tile_of(out.data() + 6, 1, 6, 6));
  EXPECT_EQ(Values(out.begin(), out.begin() + 6), (Values{4, 1, 3.75, 7, 26.75, 0}));
}

TYPED_TEST(ReferenceKernel, GramAndItsMerge) {
  const std::vector<TypeParam> x = {1, 2, 3, 6, 5, 4}, y = {1, 5, 3}, w = {1, 1, 2};
  Values out(26, -1);
  this->k.leaf_gram(this->stream, tile(x, 3, 2), 2, tile(y, 3, 1), tile(w, 3, 1), true,
                    tile(out, 2, 13));
  EXPECT_EQ(Values(out.begin(), out.begin() + 13), (Values{2, 2, 4, 3, 2, 4, 4, 4, 8, 8, 4, 8, 8}));
  EXPECT_EQ(Values(out.begin() + 13, out.end()), (Values{2, 5, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  this->k.merge_grams(this->stream, 3, 0, tile(out, 1, 13), tile_of(out.data() + 13, 1, 13, 13));
  EXPECT_EQ(Values(out.begin(), out.begin() + 13),
            (Values{4, 3.5, 4, 3, 11, 4, 4, 4, 8, 8, 4, 8, 8}));
  this->k.leaf_gram(this->stream, tile(x, 2, 2), 2, {}, {}, false, tile(out, 1, 7));
  EXPECT_EQ(Values(out.begin(), out.begin() + 7), (Values{2, 0, 0, 10, 20, 20, 40}));
  this->k.add(this->stream, tile(out, 1, 2), tile_of(out.data() + 5, 1, 2, 2));
  EXPECT_EQ(Values(out.begin(), out.begin() + 2), (Values{22, 40}));
}

TYPED_TEST(ReferenceKernel, SquaresAndGramProduct) {
  const std::vector<TypeParam> x = {1, 2, 3, 4, 5, 6}, q = {1, -1};
  Values out(4, -1);
  this->k.leaf_squares(this->stream, tile(x, 3, 2), 2, tile(out, 2, 2));
  EXPECT_EQ(out, (Values{10, 20, 25, 36}));
  const Values mean = {1, 1};  // Xc = (0 1; 2 3; 4 5), Xc q = (-1, -1, -1)
  this->k.leaf_gram_product(this->stream, tile(x, 3, 2), 2, mean, tile(q, 2, 1), tile(out, 2, 2));
  EXPECT_EQ(out, (Values{-2, -4, -4, -5}));
}

TYPED_TEST(ReferenceKernel, TriangleOfWeightedShiftedRows) {
  const std::vector<TypeParam> x = {4, 3}, y = {2, 8}, w = {1, 4};
  const Values shift = {1, 1};  // rows (3, 1) and 2 (2, 7): columns (3, 4) and (1, 14)
  Values r(4, -1);
  this->k.leaf_triangle(this->stream, tile(x, 2, 1), shift, tile(y, 2, 1), tile(w, 2, 1),
                        tile(r, 2, 2));
  EXPECT_NEAR(std::abs(r[0]), 5, 1e-15);
  EXPECT_NEAR(r[0] * r[1], 59, 1e-13);
  EXPECT_EQ(r[2], 0);
  EXPECT_NEAR(std::abs(r[3]), 38. / 5, 1e-14);  // determinant / 5
}

TYPED_TEST(ReferenceKernel, GemmScalingAndFiniteness) {
  using T = TypeParam;
  const std::vector<T> a = {1, 2, 3, 4, 5, 6}, b_t = {1, 2, 0, 0, 1, 3};
  std::vector<T> c = {10, 20, 30, 40};
  this->k.gemm(this->stream, 2, tile(a, 2, 3), Transpose::no, tile(b_t, 2, 3), Transpose::yes, 0.5,
               tile(c, 2, 2));
  EXPECT_EQ(c, (std::vector<T>{15, 32, 43, 66}));
  c[0] = std::numeric_limits<T>::quiet_NaN();
  EXPECT_FALSE(this->k.all_finite(this->stream, tile(c, 2, 2)));
  EXPECT_TRUE(this->k.all_finite(this->stream, tile_of(c.data() + 1, 2, 1, 2)));
  this->k.gemm(this->stream, 1, tile(a, 3, 2), Transpose::yes, tile(a, 3, 1, 2), Transpose::no, 0,
               tile(c, 2, 1));
  EXPECT_EQ(c, (std::vector<T>{35, 44, 43, 66}));
  // Each step is rounded in T: in float32 0.1 loses digits before it is subtracted.
  std::vector<T> x = {1, 2};
  const Values shift = {0.1, 0}, scale = {3, 4};
  this->k.standardize(this->stream, tile(x, 1, 2), shift, scale, tile(x, 1, 2));
  EXPECT_EQ(x, (std::vector<T>{(T(1) - T(0.1)) / T(3), T(0.5)}));
  this->k.unstandardize(this->stream, tile(x, 1, 2), {}, scale, tile(x, 1, 2));
  EXPECT_EQ(x[1], 2);
}

TEST_F(ReferenceSolve, Eigh) {
  Values a = {2, 1, 1, 2}, values(2);
  k.eigh(stream, tile(a, 2, 2), tile(values, 1, 2));
  EXPECT_NEAR(values[0], 1, 1e-15);
  EXPECT_NEAR(values[1], 3, 1e-15);
  EXPECT_NEAR(a[0] * a[1], -0.5, 1e-15);  // (1, -1) / sqrt 2, then (1, 1) / sqrt 2
  EXPECT_NEAR(a[2] * a[3], 0.5, 1e-15);
}

TEST_F(ReferenceSolve, SvdOfEitherShape) {
  for (const bool wide : {false, true}) {
    Values a = wide ? Values{3, 0, 0, 4, 0, 0} : Values{3, 4, 0, 0, 0, 0};
    const std::int64_t m = wide ? 2 : 3, n = wide ? 3 : 2;
    Values u(static_cast<std::size_t>(2 * m)), s(2), vt(static_cast<std::size_t>(2 * n));
    k.svd(stream, tile(a, m, n), tile(u, m, 2), tile(s, 1, 2), tile(vt, 2, n));
    EXPECT_NEAR(s[0], 5, 1e-15);  // of rank 1
    EXPECT_NEAR(s[1], 0, 1e-15);
    const auto& pair = wide ? u : vt;  // 2 x 2: (3, 4) / 5 and what is orthogonal
    EXPECT_NEAR(std::abs(pair[0]), 0.6, 1e-15);
    EXPECT_NEAR(pair[0] * pair[1] + pair[2] * pair[3], 0, 1e-15);
    Values left(4);  // u^T u
    k.gemm(stream, 1, tile(u, m, 2), Transpose::yes, tile(u, m, 2), Transpose::no, 0,
           tile(left, 2, 2));
    EXPECT_NEAR(left[0], 1, 1e-15);
    EXPECT_NEAR(left[1], 0, 1e-15);
    EXPECT_NEAR(left[3], 1, 1e-15);
  }
}

TEST_F(ReferenceSolve, CholeskyQrAndOrthonormalColumns) {
  Values a = {4, 2, 2, 10};
  EXPECT_EQ(k.cholesky(stream, tile(a, 2, 2), false), 0);
  EXPECT_EQ(a, (Values{2, 1, 0, 3}));
  a = {1, 2, 2, 1};
  EXPECT_EQ(k.cholesky(stream, tile(a, 2, 2), false), 2);
  a = {3, 1, 4, 7};
  k.qr_r(stream, tile(a, 2, 2));
  EXPECT_NEAR(std::abs(a[0]), 5, 1e-15);
  EXPECT_NEAR(a[0] * a[1], 31, 1e-14);
  EXPECT_EQ(a[2], 0);
  EXPECT_NEAR(std::abs(a[3]), 17. / 5, 1e-15);
  a = {3, 3, 4, 4, 0, 0};  // of rank 1: the second column is completed
  k.orthonormal_columns(stream, tile(a, 3, 2));
  EXPECT_NEAR(std::abs(a[0]), 0.6, 1e-15);
  EXPECT_NEAR(a[0] * a[1] + a[2] * a[3] + a[4] * a[5], 0, 1e-15);
  EXPECT_NEAR(a[1] * a[1] + a[3] * a[3] + a[5] * a[5], 1, 1e-15);
  a = {1, std::numeric_limits<double>::quiet_NaN(), 2, 3};
  EXPECT_THROW(k.qr_r(stream, tile(a, 2, 2)), LinAlgError);
}

}  // namespace
}  // namespace tessera::linalg
