#include <tessera/linalg/kernels/cpu/gram.hpp>

#include <gtest/gtest.h>

#include "linalg/kernel_cases.hpp"

namespace tessera::on_cpu {
namespace {

using namespace tessera::test;

template <class T>
struct GramKernel : testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GramKernel, Types);

struct Gram {
  double weight = -1;
  std::vector<double> mean, gram;
  friend bool operator==(const Gram&, const Gram&) = default;
};

template <class T>
Gram gram_of(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride, const T* y,
             std::int64_t q, std::int64_t y_stride, const T* weights, bool center) {
  Gram g{-1, std::vector<double>(z(p + q), -1), std::vector<double>(z((p + q) * (p + q)), -1)};
  centered_gram<T>(x, rows, p, stride, y, q, y_stride, weights, center, &g.weight, g.mean.data(),
                   g.gram.data());
  return g;
}

TYPED_TEST(GramKernel, ByHand) {
  using T = TypeParam;
  const std::vector<T> x = {1, 2, 3, 6};
  const std::vector<T> y = {1, 5};
  const std::vector<T> w = {1, 4};
  const std::vector<T> none = {0, 0};
  for (const auto target : targets()) {
    const OnTarget on(target);
    SCOPED_TRACE(target_name());
    const auto centred = gram_of<T>(x.data(), 2, 2, 2, y.data(), 1, 1, nullptr, true);
    EXPECT_EQ(centred.weight, 2);
    EXPECT_EQ(centred.mean, (std::vector<double>{2, 4, 3}));
    EXPECT_EQ(centred.gram, (std::vector<double>{2, 4, 4, 4, 8, 8, 4, 8, 8}));
    const auto raw = gram_of<T>(x.data(), 2, 2, 2, nullptr, 0, 0, w.data(), false);
    EXPECT_EQ(raw.weight, 5);
    EXPECT_EQ(raw.mean, (std::vector<double>{0, 0}));
    EXPECT_EQ(raw.gram, (std::vector<double>{37, 74, 74, 148}));
    const auto empty = gram_of<T>(x.data(), 2, 2, 2, y.data(), 1, 1, none.data(), true);
    EXPECT_EQ(empty, (Gram{0, std::vector<double>(3), std::vector<double>(9)}));
    EXPECT_EQ(gram_of<T>(x.data(), 0, 2, 2, y.data(), 1, 1, nullptr, true), empty);
  }
}

struct Case {
  std::int64_t rows, p, q;
  bool weighted, center;
  std::int64_t gap;
  double offset;
  std::string text() const {
    return fmt::format("gram of {} x ({} + {}), weights {}, centred {}, gap {}, offset {}", rows, p,
                       q, weighted, center, gap, offset);
  }
};

template <class T>
struct Problem {
  Case c;
  Block<T> x, y;
  std::vector<T> weights;

  Problem(const Case& given, Numbers& numbers)
      : c(given),
        x(c.rows, c.p, c.gap, c.offset, numbers),
        y(c.rows, c.q, c.gap, c.offset, numbers),
        weights(numbers.weights<T>(c.rows)) {
    for (std::int64_t i = 0; i < c.rows; ++i) {
      if (c.p > 2) x.at(i, c.p - 1) = x.at(i, 0);                                // equal columns
      if (c.p > 4) x.at(i, 1) = static_cast<T>(c.offset + 0.1);                  // a constant one
      if (c.p > 3) x.at(i, 2) += static_cast<T>(static_cast<double>(i) / 1000);  // a drifting one
    }
  }
  Gram compute(const T* at) const {
    return gram_of<T>(at, c.rows, c.p, x.stride, c.q ? y.data() : nullptr, c.q, y.stride,
                      c.weighted ? weights.data() : nullptr, c.center);
  }
  Gram compute() const { return compute(x.data()); }

  void expected(Wide& weight, std::vector<Wide>& mean, std::vector<Wide>& gram) const {
    const std::int64_t size = c.p + c.q;
    const auto w = [&](std::int64_t i) -> Wide { return c.weighted ? weights[z(i)] : 1; };
    std::vector<Wide> row(z(size));
    const auto value = [&](std::int64_t i, std::int64_t j) -> Wide {
      return j < c.p ? x.at(i, j) : y.at(i, j - c.p);
    };
    const auto read =
        [&](std::int64_t i) {  // relative to the first row, so that this loop is exact
          for (std::int64_t j = 0; j < size; ++j)
            row[z(j)] = value(i, j) - (c.center ? value(0, j) : 0);
        };
    weight = 0;
    mean.assign(z(size), 0);
    gram.assign(z(size * size), 0);
    for (std::int64_t i = 0; i < c.rows; ++i) {
      read(i);
      weight += w(i);
      for (std::int64_t j = 0; j < size; ++j) mean[z(j)] += w(i) * row[z(j)];
    }
    for (auto& m : mean) m = c.center && weight > 0 ? m / weight : 0;
    for (std::int64_t i = 0; i < c.rows; ++i) {
      read(i);
      for (std::int64_t a = 0; a < size; ++a) {
        const Wide left = w(i) * (row[z(a)] - mean[z(a)]);
        for (std::int64_t b = a; b < size; ++b)
          gram[z(a * size + b)] += left * (row[z(b)] - mean[z(b)]);
      }
    }
    for (std::int64_t j = 0; c.center && weight > 0 && j < size; ++j) mean[z(j)] += value(0, j);
  }

  void check() {
    const std::int64_t size = c.p + c.q;
    Wide weight = 0;
    std::vector<Wide> mean, gram;
    expected(weight, mean, gram);
    auto bad = x;
    const bool infinity = c.p > 5;
    const bool several_chunks = c.rows > 4096;
    if (c.rows > 3) {
      bad.at(c.rows / 2, 0) = std::numeric_limits<T>::quiet_NaN();
      if (infinity) bad.at(c.rows / 3, 3) = std::numeric_limits<T>::infinity();
    }
    for (const auto target : targets()) {
      const OnTarget on(target);
      Comparison values(c.text());
      const Gram got = compute();
      values.near(got.weight, weight, 1e-12L * weight);
      for (std::int64_t a = 0; a < size; ++a) {
        const Wide variance = gram[z(a * size + a)] / std::max<Wide>(weight, 1e-30L);
        values.near(
            got.mean[z(a)], mean[z(a)],
            4 * eps_of<T> * (std::sqrt(variance) + c.weighted) + 1e-14L * std::abs(mean[z(a)]), -1,
            a);
        for (std::int64_t b = a; b < size; ++b) {
          const Wide scale = std::sqrt(gram[z(a * size + a)] * gram[z(b * size + b)]);
          // Chunks of rows are merged by the difference of their float64 means.
          const Wide means = eps_of<double> * std::max(std::abs(mean[z(a)]), std::abs(mean[z(b)]));
          const Wide merging = several_chunks ? 4 * means * std::sqrt(weight) *
                                                    (std::sqrt(scale) + std::sqrt(weight) * means)
                                              : 0;
          values.near(
              got.gram[z(a * size + b)], gram[z(a * size + b)],
              30 * eps_of<T> * scale + 10 * eps_of<T> * eps_of<T> * weight + 1e-25L + merging, a,
              b);
          values.holds(got.gram[z(a * size + b)] == got.gram[z(b * size + a)], "symmetric bits", a,
                       b);
        }
      }
      for (const std::int64_t shift : {1, 3}) {
        const auto copy = x.moved(shift);
        values.holds(compute(copy.data() + shift) == got, "the same bits at another alignment",
                     shift);
      }
      if (c.rows <= 3) continue;
      const Gram broken = gram_of<T>(bad.data(), c.rows, c.p, x.stride, c.q ? y.data() : nullptr,
                                     c.q, y.stride, nullptr, c.center);
      for (std::int64_t a = 0; a < size; ++a) {
        const bool wrong = a == 0 || (infinity && a == 3);
        values.holds(std::isfinite(broken.gram[z(a * size + a)]) == !wrong,
                     "NaN and infinity reach their column's square and no other", a, a);
        values.holds(!c.center || std::isfinite(broken.mean[z(a)]) == !wrong,
                     "NaN and infinity reach their column's mean and no other", a);
        values.holds(!std::isfinite(broken.gram[z(a)]), "NaN reaches its whole row", 0, a);
      }
    }
  }
};

TYPED_TEST(GramKernel, AgreesWithNaiveLoops) {
  Numbers numbers(3);
  for (const auto rows : kernel_rows)
    for (const auto p : kernel_cols)
      for (int mode = 0; mode < 8; ++mode) {
        if (rows * p * p > 200000 && mode % 3 != 0) continue;
        if (rows * p * p > 5000000 && mode != 3) continue;
        const int pick = (mode + static_cast<int>(p)) % 4;
        const bool center = mode & 2;
        const bool gap = mode & 4;
        Problem<TypeParam>({rows, p, pick == 3 ? 19 : pick, (mode & 1) != 0, center, gap ? 3 : 0,
                            center && gap ? 1e4 : 0.5},
                           numbers)
            .check();
      }
}

TYPED_TEST(GramKernel, KeepsItsAccuracyOverManyRowsFarFromZero) {
  Numbers numbers(4);
  for (const bool weighted : {false, true})
    Problem<TypeParam>({10001, 5, 2, weighted, true, 0, 1e4}, numbers).check();
}

}  // namespace
}  // namespace tessera::on_cpu
