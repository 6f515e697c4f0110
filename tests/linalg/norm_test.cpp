// Norms of vectors and matrices of all layouts and dtypes against plain loops.
#include <gtest/gtest.h>

#include <algorithm>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>

#include "host_matrix.hpp"

namespace tessera::linalg {
namespace {

using namespace tessera::test;

std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

template <class T>
class Norm : public testing::Test {};
using Types = testing::Types<float, double, std::complex<float>, std::complex<double>>;
TYPED_TEST_SUITE(Norm, Types);

const double inf = std::numeric_limits<double>::infinity();
const double not_a_number = std::numeric_limits<double>::quiet_NaN();

double power_norm(const HostMatrix& v, double p) {
  long double sum = 0;
  for (const Z& e : v.values) sum += std::pow(static_cast<long double>(std::abs(e)), p);
  return static_cast<double>(std::pow(sum, 1 / static_cast<long double>(p)));
}
std::vector<double> line_sums(const HostMatrix& a, bool of_rows) {
  std::vector<double> sums(z(of_rows ? a.rows : a.cols));
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.cols; ++j) sums[z(of_rows ? i : j)] += std::abs(a(i, j));
  return sums;
}

TYPED_TEST(Norm, OfVectors) {
  using T = TypeParam;
  for (const std::int64_t n : {1, 3, 255, 256, 257, 1031})
    for (const Layout layout : {Layout::rows, Layout::replicated}) {
      HostMatrix v = random_matrix<T>(n, 1);
      if (n > 3) v(2, 0) = 0;
      const Array x = vector_laid_out<T>(v, layout);
      const Array alone = vector_laid_out<T>(v, layout, Communicator::self());
      std::vector<double> size;
      for (const Z& e : v.values) size.push_back(std::abs(e));
      const auto check = [&](const NormOrder& order, double want) {
        const double got = norm(x, order);
        EXPECT_NEAR(got, want, 1e-13 * std::abs(want))
            << n << " order " << order.number.value_or(-99);
        EXPECT_EQ(got, norm(alone, order));
      };
      check({}, power_norm(v, 2));
      for (const double p : {1.0, 2.0, 3.0, 0.5, 2.5}) check(p, power_norm(v, p));
      for (const double p : {-1.0, -2.0, -0.5}) check(p, n > 3 ? 0.0 : power_norm(v, p));
      check(0.0, static_cast<double>(
                     std::count_if(size.begin(), size.end(), [](double s) { return s != 0; })));
      check(inf, *std::max_element(size.begin(), size.end()));
      check(-inf, *std::min_element(size.begin(), size.end()));
    }
}

TYPED_TEST(Norm, OfMatrices) {
  using T = TypeParam;
  for (const auto& [m, n] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {5, 3}, {3, 5}, {300, 7}, {7, 300}})
    for (const Layout layout : all_layouts) {
      const HostMatrix a = random_matrix<T>(m, n);
      const Array x = laid_out<T>(a, layout);
      const auto rows = line_sums(a, true);
      const auto cols = line_sums(a, false);
      const auto check = [&](const NormOrder& order, double want) {
        const double got = norm(x, order);
        EXPECT_NEAR(got, want, 1e-13 * want) << m << " x " << n;
        EXPECT_EQ(got, norm(laid_out<T>(a, layout, Communicator::self()), order));
      };
      check({}, a.norm());
      check("fro", a.norm());
      check(inf, *std::max_element(rows.begin(), rows.end()));
      check(-inf, *std::min_element(rows.begin(), rows.end()));
      check(1, *std::max_element(cols.begin(), cols.end()));
      check(-1, *std::min_element(cols.begin(), cols.end()));
    }
}

// What takes singular values: a diagonal has them in sight.
TYPED_TEST(Norm, BySingularValues) {
  using T = TypeParam;
  const HostMatrix a(6, 4,
                     [](auto i, auto j) { return i == j ? static_cast<double>(i + 2) : 0.0; });
  for (const Layout layout : all_layouts) {
    const Array x = laid_out<T>(a, layout);
    EXPECT_NEAR(norm(x, 2), 5, 1e-13);
    EXPECT_NEAR(norm(x, -2), 2, 1e-13);
    EXPECT_NEAR(norm(x, "nuc"), 14, 1e-13);
  }
}

TEST(Norms, NeitherOverflowNorUnderflow) {
  const std::int64_t n = 2000;
  for (const double size : {1e300, 1e-300, 1e-320, 1.0}) {
    const auto x = make<double>({n}, [&](std::int64_t i) { return i % 2 == 0 ? size : -size; });
    const double few = size < 1e-310 ? 1e-2 : 1e-11;  // such numbers have few bits
    EXPECT_NEAR(norm(x) / size, std::sqrt(2000.0), few) << size;
    EXPECT_NEAR(norm(x, 3.5) / size, std::pow(2000.0, 1 / 3.5), few) << size;
    EXPECT_NEAR(norm(x, -2) / size, std::pow(2000.0, -0.5), few) << size;
    EXPECT_NEAR(norm(x.reshape({n, 1}), "fro") / size, std::sqrt(2000.0), few) << size;
  }
  const auto mixed = make<double>({3}, [](std::int64_t i) { return i == 1 ? 3e-200 : 4e200; });
  EXPECT_NEAR(norm(mixed) / 4e200, std::sqrt(2.0), 1e-14);
  const auto complex = make<std::complex<double>>(
      {2, 1}, [](std::int64_t) { return std::complex<double>(3e300, 4e300); });
  EXPECT_NEAR(norm(complex) / 5e300, std::sqrt(2.0), 1e-14);
  EXPECT_NEAR(norm(complex, 1) / 5e300, 2, 1e-14);
  EXPECT_EQ(norm(zeros({5})), 0.0);
}

TEST(Norms, NaNAndInfinitiesShow) {
  const auto with = [](double bad, const Shape& shape) {
    return make<double>(shape, [=](std::int64_t i) { return i == 700 ? bad : 1.0; });
  };
  for (const NormOrder& order :
       {NormOrder(), NormOrder(1), NormOrder(inf), NormOrder(-inf), NormOrder(3)}) {
    EXPECT_TRUE(std::isnan(norm(with(not_a_number, {1000}), order)));
    if (order.number == 3.0) continue;
    EXPECT_TRUE(std::isnan(norm(with(not_a_number, {500, 2}), order)));
  }
  for (const NormOrder& order : {NormOrder(2), NormOrder(-2), NormOrder("nuc")})
    EXPECT_TRUE(std::isnan(norm(with(not_a_number, {500, 2}), order)));
  EXPECT_EQ(norm(with(inf, {1000})), inf);
  EXPECT_EQ(norm(with(-inf, {1000}), inf), inf);
  EXPECT_EQ(norm(with(inf, {1000}), -inf), 1);
}

TEST(Norms, EmptyAndOtherShapes) {
  EXPECT_EQ(norm(zeros({0})), 0);
  EXPECT_EQ(norm(zeros({0}), 1), 0);
  EXPECT_EQ(norm(zeros({0}), 0), 0);
  EXPECT_EQ(norm(zeros({0, 3})), 0);
  EXPECT_EQ(norm(zeros({0, 3}), 1), 0);
  EXPECT_EQ(norm(zeros({3, 0}), inf), 0);
  EXPECT_EQ(norm(zeros({3, 0}), "nuc"), 0);
  EXPECT_EQ(norm(full({2, 2, 2}, 2.0)), std::sqrt(32.0));
  EXPECT_EQ(norm(full({300}, 1, DType::int32)), std::sqrt(300.0));
  EXPECT_EQ(norm(full({3, 3}, 1, DType::boolean), 1), 3);
  for (const auto& [shape, order] : std::vector<std::pair<Shape, NormOrder>>{
           {{0}, inf}, {{0, 3}, inf}, {{3, 0}, 1}, {{0, 3}, 2}})
    EXPECT_EQ(norm(zeros(shape), order), 0) << to_string(shape);
  for (const auto& [shape, order] : std::vector<std::pair<Shape, NormOrder>>{
           {{0}, -inf}, {{0, 3}, -inf}, {{3, 0}, -1}, {{3, 0}, -2}})
    expect_error<ValueError>([&] { norm(zeros(shape), order); },
                             fmt::format("norm of shape {} by a minimum does not exist: "
                                         "there is nothing to choose from",
                                         to_string(shape)));
  expect_error<ValueError>([] { norm(zeros({3}), "fro"); },
                           "norm of order 'fro' of a vector does not exist: allowed are numbers");
  expect_error<ValueError>(
      [] {
        norm(zeros({3, 3}), 3);
      },
      "norm of order 3 of a matrix does not exist: allowed are 1, -1, 2, -2, "
      "inf, -inf, 'fro' and 'nuc'");
  expect_error<ValueError>(
      [] {
        norm(zeros({2, 2, 2}), 2);
      },
      "norm of that order needs a vector or a matrix, got shape (2, 2, 2)");
}

}  // namespace
}  // namespace tessera::linalg
