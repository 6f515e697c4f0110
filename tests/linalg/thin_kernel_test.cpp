#include <tessera/linalg/kernels/cpu/thin.hpp>

#include <gtest/gtest.h>

#include <cmath>

#include "linalg/kernel_cases.hpp"
#include "support/near.hpp"

namespace tessera::on_cpu {
namespace {

using namespace tessera::test;

template <class T>
struct ThinKernel : testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(ThinKernel, Types);

TYPED_TEST(ThinKernel, AgreesWithNaiveLoops) {
  using T = TypeParam;
  const auto value = [](std::int64_t i) { return static_cast<T>(unit(i) - 0.5); };
  for (const auto target : targets()) {
    const OnTarget on(target);
    SCOPED_TRACE(target_name());
    for (const std::int64_t m : {1, 7, 8, 19})
      for (const std::int64_t k : {0, 1, 16, 512, 513, 1031})
        for (const std::int64_t n : {1, 2, 4, 5, 8, 9, 16, 17, 20, 31, 32})
          for (const bool transposed : {false, true}) {
            const std::int64_t a_stride = k + 3;
            const std::int64_t b_stride = transposed ? k + 1 : n + 2;
            const std::int64_t c_stride = n + 2;
            const auto a = tabulate<T>(m * a_stride, value);
            const auto b = tabulate<T>((transposed ? n : k) * b_stride,
                                       [&](std::int64_t i) { return value(i + 100000); });
            std::vector<T> c(z(m * c_stride), T(7));
            thin_product<T>(T(-2), a.data(), m, k, a_stride, b.data(), n, b_stride, transposed,
                            c.data(), c_stride);
            for (std::int64_t i = 0; i < m; ++i)
              for (std::int64_t j = 0; j < c_stride; ++j) {
                double want = 0.0;
                for (std::int64_t t = 0; t < k; ++t)
                  want -= 2.0 * double(a[z(i * a_stride + t)]) *
                          double(b[z(transposed ? j % n * b_stride + t : t * b_stride + j % n)]);
                const double tolerance = double(k + 1) * double(std::numeric_limits<T>::epsilon());
                ASSERT_NEAR(double(c[z(i * c_stride + j)]), j < n ? want : 7.0, tolerance)
                    << m << " x " << k << " x " << n << ", transposed " << transposed << " at " << i
                    << ", " << j;
              }
          }
  }
}

TYPED_TEST(ThinKernel, VectorProductAgreesWithNaiveLoopsWhereverItLies) {
  using T = TypeParam;
  const auto value = [](std::int64_t i) { return static_cast<T>(unit(i) - 0.5); };
  constexpr std::int64_t m = 3;
  for (const auto target : targets()) {
    const OnTarget on(target);
    SCOPED_TRACE(target_name());
    for (const std::int64_t k : {0, 1, 7, 16, 33, 513, 4096, 9001})
      for (const T beta : {T(0), T(0.5)}) {
        std::vector<T> first;
        for (const std::int64_t shift : {0, 1, 2, 5}) {
          const std::int64_t a_stride = k + shift, b_stride = 1 + shift, c_stride = 1 + shift;
          std::vector<T> a(z(shift + m * a_stride)), b(z(shift + k * b_stride)),
              c(z(m * c_stride), beta == 0 ? std::numeric_limits<T>::quiet_NaN() : T(3));
          for (std::int64_t t = 0; t < k; ++t) {
            b[z(shift + t * b_stride)] = value(t + 100000);
            for (std::int64_t i = 0; i < m; ++i) a[z(shift + i * a_stride + t)] = value(i * k + t);
          }
          vector_product<T>(-2, a.data() + shift, m, k, a_stride, b.data() + shift, b_stride, beta,
                            c.data(), c_stride);
          std::vector<T> got;
          for (std::int64_t i = 0; i < m; ++i) {
            double want = 3.0 * double(beta);
            for (std::int64_t t = 0; t < k; ++t)
              want -= 2.0 * double(value(i * k + t)) * double(value(t + 100000));
            got.push_back(c[z(i * c_stride)]);
            EXPECT_NEAR(double(got.back()), want,
                        double(k + 3) * double(std::numeric_limits<T>::epsilon()))
                << k << " values, row " << i;
          }
          if (shift == 0) first = got;
          EXPECT_EQ(got, first) << k << " values, moved by " << shift;
        }
      }
  }
}

TYPED_TEST(ThinKernel, NaNMeetsZero) {
  using T = TypeParam;
  const std::vector<T> a = {1, std::numeric_limits<T>::quiet_NaN(), 1, 1};
  const std::vector<T> b = {1, 0, 2, 0};  // 2 x 2, its second column is zeros
  std::vector<T> c(4);
  thin_product<T>(1, a.data(), 2, 2, 2, b.data(), 2, 2, false, c.data(), 2);
  EXPECT_TRUE(std::isnan(c[0]) && std::isnan(c[1]));
  EXPECT_EQ(c[2], 3);
  EXPECT_EQ(c[3], 0);
}

}  // namespace
}  // namespace tessera::on_cpu
