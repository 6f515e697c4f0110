#include <tessera/linalg/kernels/cpu/moments.hpp>

#include <gtest/gtest.h>

#include "linalg/kernel_cases.hpp"

namespace tessera::on_cpu {
namespace {

using namespace tessera::test;

template <class T>
struct MomentsKernel : testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(MomentsKernel, Types);

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Moments {
  std::vector<double> count, mean, m2;
  explicit Moments(std::int64_t p) : count(z(p), -1), mean(z(p), -1), m2(z(p), -1) {}
};

template <class T>
Moments moments_of(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                   const T* weights = nullptr) {
  Moments m(p);
  column_moments<T>(x, rows, p, stride, weights, m.count.data(), m.mean.data(), m.m2.data());
  return m;
}

TYPED_TEST(MomentsKernel, ByHand) {
  using T = TypeParam;
  const T hole = static_cast<T>(nan);
  const std::vector<T> x = {1, 10, hole, 5,  //
                            3, 10, hole, 5,  //
                            8, 10, 7,    5};
  const std::vector<T> w = {1, 2, 1};
  for (const auto target : targets()) {
    const OnTarget on(target);
    SCOPED_TRACE(target_name());
    const auto plain = moments_of<T>(x.data(), 3, 4, 4);
    EXPECT_EQ(plain.count, (std::vector<double>{3, 3, 1, 3}));
    EXPECT_EQ(plain.mean, (std::vector<double>{4, 10, 7, 5}));
    EXPECT_EQ(plain.m2, (std::vector<double>{26, 0, 0, 0}));
    const auto weighted = moments_of<T>(x.data(), 3, 4, 4, w.data());
    EXPECT_EQ(weighted.count, (std::vector<double>{4, 4, 1, 4}));
    EXPECT_EQ(weighted.mean, (std::vector<double>{3.75, 10, 7, 5}));
    EXPECT_EQ(weighted.m2, (std::vector<double>{26.75, 0, 0, 0}));
    const auto first = moments_of<T>(x.data(), 2, 3, 4);  // the third column has nothing but NaN
    EXPECT_EQ(first.count, (std::vector<double>{2, 2, 0}));
    EXPECT_EQ(first.mean, (std::vector<double>{2, 10, 0}));
    EXPECT_EQ(first.m2, (std::vector<double>{2, 0, 0}));
  }
}

template <class T>
struct WideMoments {
  std::vector<Wide> count, mean, m2;

  WideMoments(const Block<T>& x, const T* weights) {
    for (std::int64_t j = 0; j < x.cols; ++j) {
      const auto weight = [&](std::int64_t i) -> Wide {
        return std::isnan(x.at(i, j)) ? 0 : weights ? weights[i] : 1;
      };
      Wide n = 0, sum = 0, squares = 0;
      for (std::int64_t i = 0; i < x.rows; ++i) {
        n += weight(i);
        if (weight(i) != 0) sum += weight(i) * x.at(i, j);
      }
      const Wide m = n > 0 ? sum / n : 0;
      for (std::int64_t i = 0; i < x.rows; ++i)
        if (weight(i) != 0) squares += weight(i) * (x.at(i, j) - m) * (x.at(i, j) - m);
      count.push_back(n);
      mean.push_back(m);
      m2.push_back(squares);
    }
  }
};

TYPED_TEST(MomentsKernel, AgreesWithNaiveLoops) {
  using T = TypeParam;
  Numbers numbers(1);
  for (const auto rows : kernel_rows)
    for (const auto p : kernel_cols)
      for (int mode = 0; mode < 8; ++mode) {
        if (rows * p > 30000 && mode % 3 != 0) continue;
        const bool weighted = mode & 1;
        const bool holes = mode & 2;
        const std::int64_t gap = mode & 4 ? 3 : 0;
        Block<T> x(rows, p, gap, gap ? 1e6 : 0, numbers);
        for (std::int64_t i = 0; holes && i < rows; ++i)
          for (std::int64_t j = 0; j < p; ++j)
            if (j == 1 || numbers.uniform() < 0.01) x.at(i, j) = static_cast<T>(nan);
        const auto all_weights = numbers.weights<T>(rows);
        const T* weights = weighted ? all_weights.data() : nullptr;
        const WideMoments<T> want(x, weights);
        Block<T> bad = x;
        if (rows > 0) bad.at(rows - 1, p - 1) = static_cast<T>(-inf);
        for (const auto target : targets()) {
          const OnTarget on(target);
          const auto got = moments_of<T>(x.data(), rows, p, x.stride, weights);
          Comparison values(fmt::format("moments of {} x {}, mode {}", rows, p, mode));
          for (std::int64_t j = 0; j < p; ++j) {
            const Wide n = want.count[z(j)], m = want.mean[z(j)], s = want.m2[z(j)];
            values.near(got.count[z(j)], n, 1e-13L * n, 0, j);
            values.near(got.mean[z(j)], m, 1e-14L * std::abs(m) + (n > 0 ? 1e-14L : 0), 1, j);
            values.near(got.m2[z(j)], s, 1e-12L * s + 1e-15L * n, 2, j);
          }
          for (const std::int64_t shift : {1, 3}) {
            const auto copy = x.moved(shift);
            const auto again = moments_of<T>(copy.data() + shift, rows, p, x.stride, weights);
            values.holds(again.mean == got.mean && again.m2 == got.m2 && again.count == got.count,
                         "the same bits at another alignment", shift);
          }
          if (rows == 0) continue;
          const auto infinite = moments_of<T>(bad.data(), rows, p, x.stride);
          values.holds(!std::isfinite(infinite.mean.back()), "infinity shows in the mean");
          values.holds(!std::isfinite(infinite.m2.back()), "infinity shows in m2");
          for (std::int64_t j = 0; j + 1 < p; ++j)
            values.holds(std::isfinite(infinite.mean[z(j)]) && std::isfinite(infinite.m2[z(j)]),
                         "a column without infinities stays finite", 0, j);
        }
      }
}

// Which steps are there, and in which order; x is 5, shift 1, factor 2.
TYPED_TEST(MomentsKernel, ScalesByHand) {
  using T = TypeParam;
  const T x = 5;
  const double shift = 1;
  const double factor = 2;
  for (const auto target : targets()) {
    const OnTarget on(target);
    SCOPED_TRACE(target_name());
    const auto there = [&](const double* s, const double* f) {
      T out = -9;
      shift_scale<T>(&x, 1, 1, 1, s, f, &out, 1);
      return static_cast<double>(out);
    };
    const auto back = [&](const double* s, const double* f) {
      T out = -9;
      scale_shift<T>(&x, 1, 1, 1, s, f, &out, 1);
      return static_cast<double>(out);
    };
    EXPECT_EQ(there(&shift, &factor), 2);
    EXPECT_EQ(there(nullptr, &factor), 2.5);
    EXPECT_EQ(there(&shift, nullptr), 4);
    EXPECT_EQ(there(nullptr, nullptr), 5);
    EXPECT_EQ(back(&shift, &factor), 11);
    EXPECT_EQ(back(nullptr, &factor), 10);
    EXPECT_EQ(back(&shift, nullptr), 6);
  }
}

// Each step is rounded in T, so the result is exactly that of the plain loop.
template <class T>
void check_scaling(std::int64_t rows, std::int64_t p, std::int64_t gap, std::int64_t out_gap,
                   int mode, Numbers& numbers) {
  Block<T> x(rows, p, gap, 3, numbers);
  if (rows > 2) {
    x.at(1, 0) = static_cast<T>(nan);
    x.at(2, p - 1) = static_cast<T>(inf);
  }
  std::vector<double> shifts(z(p)), factors(z(p));
  for (auto& v : shifts) v = numbers.bell();
  for (auto& v : factors) v = 0.3 + numbers.uniform();
  const double* shift = mode & 1 ? shifts.data() : nullptr;
  const double* factor = mode & 2 ? factors.data() : nullptr;
  const std::int64_t out_stride = p + out_gap;
  for (const auto target : targets()) {
    const OnTarget on(target);
    std::vector<T> out(z(rows * out_stride), T(-9));
    auto back = out;
    auto in_place = x.values;
    shift_scale<T>(x.data(), rows, p, x.stride, shift, factor, out.data(), out_stride);
    scale_shift<T>(x.data(), rows, p, x.stride, shift, factor, back.data(), out_stride);
    shift_scale<T>(in_place.data(), rows, p, x.stride, shift, factor, in_place.data(), x.stride);
    Comparison values(
        fmt::format("scaling of {} x {}, mode {}, gaps {} and {}", rows, p, mode, gap, out_gap));
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < p; ++j) {
        const T s = shift ? static_cast<T>(shifts[z(j)]) : T(0);
        const T f = factor ? static_cast<T>(factors[z(j)]) : T(1);
        const T v = x.at(i, j);
        const T want = (v - s) / f;
        values.same(out[z(i * out_stride + j)], want, i, j);
        values.same(in_place[z(i * x.stride + j)], want, i, j);
        values.same(back[z(i * out_stride + j)], v * f + s, i, j);
      }
      for (std::int64_t j = p; j < out_stride; ++j)
        values.holds(out[z(i * out_stride + j)] == T(-9), "gaps are not written", i, j);
    }
  }
}

TYPED_TEST(MomentsKernel, ScalesExactlyAsPlainLoops) {
  Numbers numbers(2);
  for (const auto rows : kernel_rows)
    for (const auto p : kernel_cols) {
      if (rows * p > 70000) continue;
      for (int mode = 0; mode < 4; ++mode) {
        if (rows * p > 9000 && mode != 3) continue;
        check_scaling<TypeParam>(rows, p, (rows + mode) % 2 ? 0 : 2, mode % 3, mode, numbers);
      }
    }
  // Large enough to bypass the caches.
  check_scaling<TypeParam>(4096, 100, 0, 0, 3, numbers);
  check_scaling<TypeParam>(30011, 7, 0, 0, 3, numbers);
}

}  // namespace
}  // namespace tessera::on_cpu
