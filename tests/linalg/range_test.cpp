// Matrices of any size that the dtype holds, so that squares of their elements leave its range.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include <tessera/linalg/functions.hpp>

#include "support/near.hpp"

namespace tessera::linalg {
namespace {

template <class T>
struct Range : testing::Test {
  using Real = decltype(std::abs(T{}));
  static constexpr bool single = sizeof(Real) == 4;
  static constexpr double near = 512 * double{std::numeric_limits<Real>::epsilon()};

  static Array times(const Array& x, int k) {
    return test::make<T>(x.shape(), x.distribution(), [&, i = 0](std::int64_t) mutable {
      const T v = x.local().template as<const T>()[i++];
      if constexpr (std::is_floating_point_v<T>)
        return std::ldexp(v, k);
      else
        return T(std::ldexp(v.real(), k), std::ldexp(v.imag(), k));
    });
  }
  static std::vector<std::complex<double>> numbers(const Array& x) {
    const Array all = gather(x).astype(DType::complex128);
    const auto values = all.values<std::complex<double>>();
    return {values.begin(), values.end()};
  }
  static void expect_times(const Array& got, const Array& want, int k, const std::string& text) {
    const auto a = numbers(got), b = numbers(want);
    ASSERT_EQ(a.size(), b.size()) << text;
    double largest = 0;
    for (const auto& v : b) largest = std::max(largest, std::abs(v));
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::complex<double> back(std::ldexp(a[i].real(), -k), std::ldexp(a[i].imag(), -k));
      EXPECT_NEAR(std::abs(back - b[i]), 0, near * largest) << text << ", value " << i;
    }
  }
};
using Types = testing::Types<float, double, std::complex<float>, std::complex<double>>;
TYPED_TEST_SUITE(Range, Types);

TYPED_TEST(Range, ResultsAreScaled) {
  for (const auto& shape : {Shape{60, 3}, {6, 5}, {5, 5}, {3, 60}}) {
    const Array a = test::make<TypeParam>(shape);
    const Array b = test::make<TypeParam>({shape[0]});
    const Svd f = svd(a);
    const Svd few = svds(a, 2);
    const Lstsq solution = lstsq(a, b);
    const double condition = cond(a);
    for (const int k :
         this->single ? std::vector{-120, -80, 80, 112} : std::vector{-1000, -600, 600, 1008}) {
      const auto text = fmt::format("{} at 2^{}", to_string(shape), k);
      const Array x = this->times(a, k), y = this->times(b, k);
      this->expect_times(svdvals(x), f.s, k, text + ", svdvals");
      this->expect_times(svd(x).s, f.s, k, text + ", svd");
      this->expect_times(svds(x, 2).s, few.s, k, text + ", svds");
      this->expect_times(pinv(x), pinv(a), -k, text + ", pinv");
      this->expect_times(lstsq(x, y).x, solution.x, 0, text + ", lstsq");
      this->expect_times(lstsq(a, y).x, solution.x, k, text + ", lstsq of b");
      this->expect_times(lstsq(x, b).x, solution.x, -k, text + ", lstsq of a");
      EXPECT_EQ(lstsq(x, y).rank, solution.rank) << text;
      EXPECT_EQ(matrix_rank(x), std::min(shape[0], shape[1])) << text;
      EXPECT_NEAR(cond(x) / condition, 1, this->near * condition) << text;
      for (const char* order : {"fro", "nuc"})
        EXPECT_NEAR(std::ldexp(norm(x, order), -k) / norm(a, order), 1, this->near) << text;
      for (const int order : {1, 2, -2})
        EXPECT_NEAR(std::ldexp(norm(x, order), -k) / norm(a, order), 1, this->near * condition)
            << text;
      if (shape[0] == shape[1]) {
        EXPECT_NEAR(cond(x, 1) / cond(a, 1), 1, this->near * condition) << text;
      }
    }
  }
}

TYPED_TEST(Range, ValuesByHand) {
  const auto of = [](std::initializer_list<double> values, Shape shape) {
    const std::vector<double> v(values);
    return test::make<TypeParam>(shape, [&](std::int64_t i) {
      return TypeParam(static_cast<typename TestFixture::Real>(v[static_cast<std::size_t>(i)]));
    });
  };
  for (const int k :
       this->single ? std::vector{-145, -100, 100, 124} : std::vector{-1070, -600, 600, 1020}) {
    const double u = std::ldexp(1.0, k);
    EXPECT_EQ(norm(of({3 * u, 4 * u}, {2})), 5 * u) << k;
    EXPECT_EQ(norm(of({3 * u, 0, 0, 4 * u}, {2, 2}), 2), 4 * u) << k;
    EXPECT_EQ(cond(of({3 * u, 0, 0, 4 * u}, {2, 2})), 4.0 / 3) << k;
    EXPECT_EQ(matrix_rank(of({3 * u, 6 * u, 4 * u, 8 * u}, {2, 2})), 1) << k;
  }
  const double big = this->single ? 0x1p100 : 0x1p1000;
  const Array dots = vecdot(of({big, big, big, 1}, {2, 2}), of({big, -big, 0.5, 2}, {2, 2}));
  EXPECT_EQ(this->numbers(dots), (std::vector<std::complex<double>>{0, big / 2 + 2}));
  // float64 holds the residues of float32.
  const Lstsq fit = lstsq(of({big, 0, 0}, {3, 1}), of({big, 0, big}, {3}));
  if (this->single) {
    EXPECT_EQ(this->numbers(fit.residues)[0], 0x1p200);
  }
  EXPECT_EQ(this->numbers(fit.x)[0], 1.0);
}

TYPED_TEST(Range, AGramMatrixOfSmallValues) {
  using Real = typename TestFixture::Real;
  if (!std::is_same_v<TypeParam, float>) return;
  const int k = -71;  // squares are subnormal, their sum is not
  const Array x = test::make<TypeParam>({70000, 1}, [&](std::int64_t i) {
    return TypeParam(std::ldexp(static_cast<Real>(1 + i % 7), k));
  });
  const Array g = gram(x);
  EXPECT_NEAR(std::ldexp(this->numbers(g)[0].real(), -2 * k), 10000 * 140, 1.0);
}

}  // namespace
}  // namespace tessera::linalg
