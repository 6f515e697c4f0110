// The kernels as the rest of Tessera calls them: tiles in, dispatch by dtype.
#include <tessera/linalg/kernels/kernels.hpp>

#include <gtest/gtest.h>

#include <complex>

#include "linalg/kernel_cases.hpp"
#include "support/near.hpp"

namespace tessera::linalg {
namespace {

using namespace tessera::test;

template <class T>
struct DenseKernel : testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(DenseKernel, Types);

template <class T>
Tile tile(const std::vector<T>& values, std::int64_t rows, std::int64_t cols) {
  return tile_of(values.data(), rows, cols, cols);
}

TYPED_TEST(DenseKernel, GemmByHand) {
  using T = TypeParam;
  Stream stream;
  const std::vector<T> a = {1, 2, 3, 4, 5, 6};    // 2 x 3
  const std::vector<T> b = {1, 0, 2, 1, 0, 3};    // 3 x 2
  const std::vector<T> a_t = {1, 4, 2, 5, 3, 6};  // 3 x 2
  const std::vector<T> b_t = {1, 2, 0, 0, 1, 3};  // 2 x 3
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      std::vector<T> c = {10, 20, 30, 40};
      kernels().gemm(stream, 2.0, ta ? tile(a_t, 3, 2) : tile(a, 2, 3),
                     ta ? Transpose::yes : Transpose::no, tb ? tile(b_t, 2, 3) : tile(b, 3, 2),
                     tb ? Transpose::yes : Transpose::no, 0.5, tile(c, 2, 2));
      EXPECT_EQ(c, (std::vector<T>{2 * 5 + 5, 2 * 11 + 10, 2 * 14 + 15, 2 * 23 + 20})) << ta << tb;
    }
}

TYPED_TEST(DenseKernel, GemmAgreesWithNaiveLoops) {
  using T = TypeParam;
  Numbers numbers(6);
  Stream stream;
  for (const std::int64_t m : {1, 2, 33, 257})
    for (const std::int64_t n : {1, 5, 16})
      for (const std::int64_t k : {1, 3, 17, 129})
        for (int mode = 0; mode < 4; ++mode) {
          const bool ta = mode & 1;
          const bool tb = mode & 2;
          const Block<T> a(ta ? k : m, ta ? m : k, 3, 0, numbers);
          const Block<T> b(tb ? n : k, tb ? k : n, 2, 0, numbers);
          Block<T> c(m, n, 1, 0, numbers);
          const Block<T> before = c;
          kernels().gemm(stream, -1.5, tile_of(a.data(), a.rows, a.cols, a.stride),
                         static_cast<Transpose>(ta), tile_of(b.data(), b.rows, b.cols, b.stride),
                         static_cast<Transpose>(tb), 0.25, tile_of(c.data(), m, n, c.stride));
          Comparison values(fmt::format("gemm {} x {} x {}, mode {}", m, n, k, mode));
          for (std::int64_t i = 0; i < m; ++i)
            for (std::int64_t j = 0; j < n; ++j) {
              Wide want = 0.25L * before.at(i, j), size = std::abs(want);
              for (std::int64_t l = 0; l < k; ++l) {
                const Wide product =
                    -1.5L * (ta ? a.at(l, i) : a.at(i, l)) * (tb ? b.at(j, l) : b.at(l, j));
                want += product;
                size += std::abs(product);
              }
              values.near(c.at(i, j), want, (4 + static_cast<Wide>(k)) * eps_of<T> * size, i, j);
            }
          for (std::int64_t i = 0; i + 1 < m; ++i)
            values.holds(std::isnan(c.values[z(i * c.stride + n)]), "gaps are not written", i);
        }
}

TEST(ComplexKernel, GemmByHand) {
  using C = std::complex<double>;
  Stream stream;
  const std::vector<C> a = {{1, 2}, {0, 1}};  // 1 x 2
  const std::vector<C> b = {{3, 0}, {1, -1}};
  std::vector<C> c = {{1, 1}};
  const auto product = [&](Transpose ta, const Tile& x, Transpose tb, const Tile& y) {
    c = {{1, 1}};
    kernels().gemm(stream, 2.0, x, ta, y, tb, 1.0, tile(c, 1, 1));
    return c[0];
  };
  const Tile row = tile(a, 1, 2), column = tile(a, 2, 1), right = tile(b, 2, 1);
  EXPECT_EQ(product(Transpose::no, row, Transpose::no, right), (C{9, 15}));
  EXPECT_EQ(product(Transpose::yes, column, Transpose::no, right), (C{9, 15}));
  EXPECT_EQ(product(Transpose::conjugate, column, Transpose::no, right), (C{5, -13}));
  EXPECT_EQ(product(Transpose::no, row, Transpose::conjugate, tile(b, 1, 2)), (C{5, 15}));
}

// beta = 0 overwrites, so that scratch memory may hold anything; empty products are zero.
TYPED_TEST(DenseKernel, GemmOverwritesAndTakesEmptyTiles) {
  using T = TypeParam;
  Stream stream;
  const std::vector<T> a = {2};
  std::vector<T> c = {std::numeric_limits<T>::quiet_NaN()};
  kernels().gemm(stream, 1.0, tile(a, 1, 1), Transpose::no, tile(a, 1, 1), Transpose::no, 0.0,
                 tile(c, 1, 1));
  EXPECT_EQ(c[0], 4);
  c[0] = 8;
  kernels().gemm(stream, 1.0, tile(a, 1, 0), Transpose::no, tile(a, 0, 1), Transpose::no, 0.5,
                 tile(c, 1, 1));
  EXPECT_EQ(c[0], 4);
  kernels().gemm(stream, 1.0, tile(a, 0, 1), Transpose::no, tile(a, 1, 1), Transpose::no, 0.0,
                 tile(c, 0, 1));
  EXPECT_EQ(c[0], 4);
}

// Results may not depend on where in memory a tile lies or how far apart its rows are.
TYPED_TEST(DenseKernel, GemmBitsDoNotDependOnTheLayout) {
  using T = TypeParam;
  Numbers numbers(7);
  Stream stream;
  for (const auto& [rows, n] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 5}, {7, 5}, {256, 5}, {1, 1}, {7, 1}, {256, 1}}) {
    const Block<T> a(rows, 33, 0, 0, numbers);
    const Block<T> b(n, 33, 0, 0, numbers);
    std::vector<T> want(z(rows * n));
    const auto product = [&, n = n, rows = rows](const Tile& left, std::vector<T>& out) {
      kernels().gemm(stream, 1.0, left, Transpose::no, tile_of(b.data(), n, 33, 33), Transpose::yes,
                     0.0, tile(out, rows, n));
    };
    product(tile_of(a.data(), rows, 33, 33), want);
    for (const std::int64_t shift : {1, 2, 5}) {
      const auto moved = a.moved(shift);
      std::vector<T> got(want.size());
      product(tile_of(moved.data() + shift, rows, 33, 33), got);
      EXPECT_EQ(got, want) << rows << " rows, moved by " << shift;
    }
    std::vector<T> spread(z(rows * 40));
    for (std::int64_t i = 0; i < rows; ++i) std::copy_n(a.row(i), 33, spread.begin() + i * 40);
    std::vector<T> got(want.size());
    product(tile_of(spread.data(), rows, 33, 40), got);
    EXPECT_EQ(got, want) << rows << " rows, 40 apart";
  }
}

TYPED_TEST(DenseKernel, MomentsGramAndScalingThroughTiles) {
  using T = TypeParam;
  Stream stream;
  const std::vector<T> x = {1, 2, -1, 3, 6, -1};  // 2 x 2, rows 3 apart
  const std::vector<T> y = {1, 5};
  const std::vector<T> w = {3, 1};
  const Tile tile_x = tile_of(x.data(), 2, 2, 3);
  std::vector<double> m(6);
  kernels().leaf_moments(stream, tile_x, 2, tile(w, 2, 1), tile(m, 1, 6));
  EXPECT_EQ(m, (std::vector<double>{4, 4, 1.5, 3, 3, 12}));
  std::vector<double> g(13);
  kernels().leaf_gram(stream, tile_x, 2, tile(y, 2, 1), Tile{}, true, tile(g, 1, 13));
  EXPECT_EQ(g, (std::vector<double>{2, 2, 4, 3, 2, 4, 4, 4, 8, 8, 4, 8, 8}));
  const std::vector<double> shift = {1, 2};
  const std::vector<double> scale = {2, 4};
  std::vector<T> out(4);
  kernels().standardize(stream, tile_x, shift, scale, tile(out, 2, 2));
  EXPECT_EQ(out, (std::vector<T>{0, 0, 1, 1}));
  std::vector<T> back(4);
  kernels().unstandardize(stream, tile(out, 2, 2), shift, scale, tile(back, 2, 2));
  EXPECT_EQ(back, (std::vector<T>{1, 2, 3, 6}));
  kernels().standardize(stream, tile_x, shift, {}, tile(out, 2, 2));
  EXPECT_EQ(out, (std::vector<T>{0, 0, 2, 4}));
  kernels().standardize(stream, tile_x, {}, scale, tile(out, 2, 2));
  EXPECT_EQ(out, (std::vector<T>{0.5, 0.5, 1.5, 1.5}));
}

TEST(QrKernel, ByHand) {
  Stream stream;
  std::vector<double> a = {3, 1, 4, 7};  // columns (3, 4) and (1, 7)
  kernels().qr_r(stream, tile(a, 2, 2));
  EXPECT_NEAR(std::abs(a[0]), 5, 1e-14);
  EXPECT_NEAR(a[0] * a[1], 31, 1e-13);  // the product of the columns
  EXPECT_EQ(a[2], 0);
  EXPECT_NEAR(std::abs(a[3]), 17.0 / 5, 1e-14);  // determinant / 5
}

TEST(QrKernel, KeepsTheGramMatrix) {
  Numbers numbers(8);
  Stream stream;
  for (const std::int64_t rows : {1, 2, 31, 33, 257, 1000})
    for (const std::int64_t p : {1, 2, 5, 16, 64}) {
      const Block<double> a(rows, p, 3, 1, numbers);
      Block<double> r = a;
      kernels().qr_r(stream, tile_of(r.data(), rows, p, r.stride));
      Comparison values(fmt::format("R of {} x {}", rows, p));
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < std::min(i, p); ++j) values.same(r.at(i, j), 0, i, j);
      for (std::int64_t s = 0; s < p; ++s)
        for (std::int64_t t = s; t < p; ++t) {
          Wide want = 0, got = 0, left = 0, right = 0;
          for (std::int64_t i = 0; i < rows; ++i) {
            want += static_cast<Wide>(a.at(i, s)) * a.at(i, t);
            got += static_cast<Wide>(r.at(i, s)) * r.at(i, t);
            left += static_cast<Wide>(a.at(i, s)) * a.at(i, s);
            right += static_cast<Wide>(a.at(i, t)) * a.at(i, t);
          }
          values.near(got, want, 30 * eps_of<double> * std::sqrt(left * right), s, t);
        }
    }
}

TEST(QrKernel, RefusesNaN) {
  Stream stream;
  std::vector<double> a = {1, std::numeric_limits<double>::quiet_NaN(), 2, 3};
  expect_error<LinAlgError>([&] { kernels().qr_r(stream, tile(a, 2, 2)); },
                            "QR of a tile failed: its values are not finite");
}

TEST(Targets, PortableBitsMeanAvx2) {
  if (!(hwy::SupportedTargets() & HWY_AVX2)) GTEST_SKIP() << "this machine has no AVX2";
  on_cpu::pin_target_avx2();
  EXPECT_STREQ(on_cpu::target_name(), "AVX2");
  hwy::DisableTargets(0);
}

}  // namespace
}  // namespace tessera::linalg
