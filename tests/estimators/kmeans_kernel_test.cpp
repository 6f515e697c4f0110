#include <tessera/estimators/kernels/cpu/kmeans.hpp>

#include <gtest/gtest.h>

#include <algorithm>

#include "linalg/kernel_cases.hpp"

namespace tessera::on_cpu {
namespace {

using namespace tessera::test;

template <class T>
struct KMeansKernel : testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(KMeansKernel, Types);

using Labels = std::vector<std::int32_t>;

// Points 0, 1, 9, 10 and centres 0.5, 9.5 and 0.5 again.
TYPED_TEST(KMeansKernel, AssignsByHand) {
  using T = TypeParam;
  const std::vector<T> x = {0, 1, 9, 10};
  const std::vector<T> offset = {1};
  const std::vector<T> relative = {T(-0.5), T(8.5), T(-0.5)};
  const std::vector<T> w = {1, 2, 3, 4};
  const PackedCenters<T> packed(relative.data(), 3, 1, offset.data());
  for (const auto target : targets()) {
    const OnTarget on(target);
    SCOPED_TRACE(target_name());
    Labels labels = {0, 1, 1, 2};
    std::vector<double> sums(3, 100.0), counts(3, 10.0);
    double inertia = 1000;
    std::int64_t changed = 5;
    assign_nearest<T>(x.data(), 4, 1, packed, w.data(), labels.data(), sums.data(), counts.data(),
                      &inertia, &changed);
    EXPECT_EQ(labels, (Labels{0, 0, 1, 1}));
    EXPECT_EQ(sums, (std::vector<double>{100 - 1, 100 + 3 * 8 + 4 * 9, 100}));
    EXPECT_EQ(counts, (std::vector<double>{13, 17, 10}));
    EXPECT_EQ(inertia, 1002.5);
    EXPECT_EQ(changed, 7);
  }
}

TYPED_TEST(KMeansKernel, TiesTakeTheLowestCentre) {
  using T = TypeParam;
  const std::vector<T> x = {0, 2, 4};
  for (const std::int64_t k : {2, 3, 8, 9, 17}) {
    std::vector<T> centers;  // 1, -1, 1, -1, ...: 0 is as far from both
    for (std::int64_t j = 0; j < k; ++j) centers.push_back(j % 2 == 0 ? 1 : -1);
    const PackedCenters<T> packed(centers.data(), k, 1, nullptr);
    for (const auto target : targets()) {
      const OnTarget on(target);
      Labels labels(3, -1);
      assign_nearest<T>(x.data(), 3, 1, packed, nullptr, labels.data(), nullptr, nullptr, nullptr,
                        nullptr);
      EXPECT_EQ(labels, (Labels{0, 0, 0})) << k << " centres on " << target_name();
    }
  }
}

TYPED_TEST(KMeansKernel, DistancesByHand) {
  using T = TypeParam;
  const std::vector<T> x = {3, 4, 0, 0, 6, 8};
  const std::vector<T> centers = {0, 0, 3, 4};
  const std::vector<T> w = {1, 2, 3};
  for (const auto target : targets()) {
    const OnTarget on(target);
    SCOPED_TRACE(target_name());
    std::vector<T> out(6, -1);
    distances<T>(x.data(), 3, 2, centers.data(), 2, 2, out.data(), 2);
    EXPECT_EQ(out, (std::vector<T>{5, 0, 0, 5, 10, 5}));
    std::vector<T> closest = {30, 30, 30};
    std::vector<double> potentials = {1, 1};
    candidate_potentials<T>(x.data(), 3, 2, 2, centers.data(), 2, w.data(), closest.data(),
                            potentials.data());
    EXPECT_EQ(potentials, (std::vector<double>{1 + 25 + 0 + 90, 1 + 0 + 50 + 75}));
    EXPECT_EQ(update_closest<T>(x.data(), 3, 2, 2, centers.data(), w.data(), closest.data()), 115);
    EXPECT_EQ(closest, (std::vector<T>{25, 0, 30}));
    EXPECT_EQ(update_closest<T>(x.data(), 3, 2, 2, centers.data() + 2, nullptr, closest.data()),
              25);
    EXPECT_EQ(closest, (std::vector<T>{0, 0, 25}));
  }
}

TYPED_TEST(KMeansKernel, RowsWithNaNAndInfinity) {
  using T = TypeParam;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const T inf = std::numeric_limits<T>::infinity();
  for (const std::int64_t d : {1, 3, 16, 17})
    for (const std::int64_t rows : {1, 5, 32, 70}) {
      std::vector<T> x(z(rows * d), T(1));
      for (std::int64_t i = 0; i < rows; ++i)
        x[z(i * d)] = i % 3 == 0 ? nan : i % 3 == 1 ? inf : T(1);
      std::vector<T> centers;
      for (std::int64_t j = 0; j < 9 * d; ++j) centers.push_back(static_cast<T>(j));
      const PackedCenters<T> packed(centers.data(), 9, d, nullptr);
      for (const auto target : targets()) {
        const OnTarget on(target);
        Comparison values(fmt::format("{} x {} with NaN", rows, d));
        Labels labels(z(rows), -1);
        double inertia = 0;
        assign_nearest<T>(x.data(), rows, d, packed, nullptr, labels.data(), nullptr, nullptr,
                          &inertia, nullptr);
        for (std::int64_t i = 0; i < rows; ++i) {
          values.holds(labels[z(i)] >= 0 && labels[z(i)] < 9, "labels are centres", i);
          values.holds(i % 3 != 0 || labels[z(i)] == 0, "a row with NaN gets 0", i);
        }
        values.holds(!std::isfinite(inertia), "the inertia shows it");
        std::vector<T> closest(z(rows), T(7));
        update_closest<T>(x.data(), rows, d, d, centers.data(), nullptr, closest.data());
        values.same(closest[0], 7);
      }
    }
}

template <class T>
Wide squared(const T* a, const T* b, std::int64_t d) {
  Wide sum = 0;
  for (std::int64_t t = 0; t < d; ++t) {
    const Wide v = static_cast<Wide>(a[t]) - static_cast<Wide>(b[t]);
    sum += v * v;
  }
  return sum;
}

struct Case {
  std::int64_t rows, d, k;
  bool weighted;
  std::int64_t gap;
  double offset;
  std::string text() const {
    return fmt::format("{} x {}, {} centres, weights {}, gap {}, offset {}", rows, d, k, weighted,
                       gap, offset);
  }
};

template <class T>
class Problem {
 public:
  Problem(const Case& given, Numbers& numbers)
      : c(given), x(c.rows, c.d, c.gap, c.offset, numbers), weights(numbers.weights<T>(c.rows)) {
    const Block<T> far(c.k, c.d, 0, c.offset, numbers);
    for (std::int64_t t = 0; t < c.d; ++t)
      shift.push_back(static_cast<T>(c.offset * (1 + 0.01 * static_cast<double>(t)) + 0.25));
    // What the kernel is given are relative centres; `centers` are exactly those plus the shift.
    for (std::int64_t j = 0; j < c.k; ++j)
      for (std::int64_t t = 0; t < c.d; ++t) relative.push_back(far.at(j, t) - shift[z(t)]);
    if (c.k > 2) std::copy_n(relative.begin(), c.d, relative.begin() + (c.k - 1) * c.d);
    for (std::size_t i = 0; i < relative.size(); ++i) centers.push_back(far.values[i]);
    for (std::int64_t i = 0; i < c.rows; ++i)
      closest.push_back(static_cast<T>(2.0 * static_cast<double>(c.d) * numbers.uniform()));

    for (std::int64_t i = 0; i < c.rows; ++i)
      for (std::int64_t j = 0; j < c.k; ++j) {
        Wide to_relative = 0;
        for (std::int64_t t = 0; t < c.d; ++t) {
          const Wide v = static_cast<Wide>(x.at(i, t)) - shift[z(t)] - relative[z(j * c.d + t)];
          to_relative += v * v;
        }
        relative_squares.push_back(to_relative);
        squares.push_back(squared(x.row(i), &centers[z(j * c.d)], c.d));
      }
  }

  void check(Labels& all_labels) const {
    check_assignment(all_labels);
    check_direct();
  }

 private:
  Case c;
  Block<T> x;
  std::vector<T> weights, shift, relative, centers, closest;
  std::vector<Wide> relative_squares, squares;  // rows x k

  const T* weight_data() const { return c.weighted ? weights.data() : nullptr; }
  Wide weight(std::int64_t i) const { return c.weighted ? weights[z(i)] : 1; }

  void check_assignment(Labels& all_labels) const {
    Comparison values("assign_nearest " + c.text());
    const PackedCenters<T> packed(relative.data(), c.k, c.d, shift.data());
    Labels labels(z(c.rows), 0);
    std::vector<double> sums(z(c.k * c.d), 1.0), counts(z(c.k), 2.0);
    double inertia = 3;
    std::int64_t changed = 4;
    assign_nearest<T>(x.data(), c.rows, x.stride, packed, weight_data(), labels.data(), sums.data(),
                      counts.data(), &inertia, &changed);
    all_labels.insert(all_labels.end(), labels.begin(), labels.end());
    std::vector<Wide> want_sums(sums.size(), 1), bound(sums.size(), 1),
        want_counts(counts.size(), 2);
    Wide want_inertia = 3;
    std::int64_t want_changed = 4;
    for (std::int64_t i = 0; i < c.rows; ++i) {
      const std::int32_t label = labels[z(i)];
      values.holds(label >= 0 && label < c.k, "labels are centres", i);
      if (label < 0 || label >= c.k) return;
      values.holds(c.k <= 2 || label != c.k - 1, "of two equal centres the lower is taken", i);
      const auto mine = relative_squares.begin() + i * c.k;
      const Wide best = *std::min_element(mine, mine + c.k);
      values.near(mine[label], best, 40 * eps_of<T> * static_cast<Wide>(c.d + 4), i, label);
      want_inertia += weight(i) * mine[label];
      want_changed += label != 0;
      want_counts[z(label)] += weight(i);
      for (std::int64_t t = 0; t < c.d; ++t) {
        const Wide v = static_cast<Wide>(x.at(i, t)) - static_cast<Wide>(shift[z(t)]);
        want_sums[z(label * c.d + t)] += weight(i) * v;
        bound[z(label * c.d + t)] += weight(i) * std::abs(v);
      }
    }
    values.same(static_cast<Wide>(changed), static_cast<Wide>(want_changed));
    // The offset is subtracted in T, so x - offset - centre is as accurate as T is for |x -
    // offset|.
    values.near(inertia, want_inertia,
                ((8 + 0.02 * static_cast<double>(c.d)) * eps_of<T> + 1e-13) * want_inertia);
    for (std::size_t j = 0; j < counts.size(); ++j)
      values.near(counts[j], want_counts[j], 1e-12L * want_counts[j]);
    for (std::size_t j = 0; j < sums.size(); ++j)
      values.near(sums[j], want_sums[j], 1e-12L * bound[j]);
    // Neither where the data lie nor which outputs are wanted changes labels.
    const auto copy = x.moved(1);
    Labels again(z(c.rows), -1);
    assign_nearest<T>(copy.data() + 1, c.rows, x.stride, packed, nullptr, again.data(), nullptr,
                      nullptr, nullptr, nullptr);
    values.holds(again == labels, "the same labels at another alignment and without other outputs");
    auto again_sums = std::vector<double>(z(c.k * c.d), 1.0);
    auto again_counts = std::vector<double>(z(c.k), 2.0);
    double again_inertia = 3;
    assign_nearest<T>(copy.data() + 1, c.rows, x.stride, packed, weight_data(), again.data(),
                      again_sums.data(), again_counts.data(), &again_inertia, nullptr);
    values.holds(again_sums == sums && again_counts == counts && again_inertia == inertia,
                 "the same bits at another alignment");
  }

  void check_direct() const {
    Comparison values("distances " + c.text());
    const Wide tolerance = (8 + 0.5 * std::sqrt(static_cast<double>(c.d))) * eps_of<T>;
    const std::int64_t out_stride = c.k + c.gap;
    std::vector<T> out(z(c.rows * out_stride), T(-7));
    distances<T>(x.data(), c.rows, x.stride, centers.data(), c.k, c.d, out.data(), out_stride);
    std::vector<double> potentials(z(c.k), 5.0);
    candidate_potentials<T>(x.data(), c.rows, x.stride, c.d, centers.data(), c.k, weight_data(),
                            closest.data(), potentials.data());
    for (std::int64_t j = 0; j < c.k; ++j) {
      Wide potential = 5;
      for (std::int64_t i = 0; i < c.rows; ++i) {
        const Wide s = squares[z(i * c.k + j)];
        potential += weight(i) * std::min(s, static_cast<Wide>(closest[z(i)]));
        values.near(out[z(i * out_stride + j)], std::sqrt(s), tolerance * std::sqrt(s), i, j);
      }
      values.near(potentials[z(j)], potential, tolerance * potential, -1, j);
    }
    for (std::int64_t i = 0; i < c.rows; ++i)
      for (std::int64_t j = c.k; j < out_stride; ++j)
        values.holds(out[z(i * out_stride + j)] == T(-7), "gaps are not written", i, j);
    auto updated = closest;
    const double potential = update_closest<T>(x.data(), c.rows, x.stride, c.d, centers.data(),
                                               weight_data(), updated.data());
    Wide want = 0;
    for (std::int64_t i = 0; i < c.rows; ++i) {
      const Wide s = std::min<Wide>(squares[z(i * c.k)], closest[z(i)]);
      values.near(updated[z(i)], s, tolerance * s, i);
      want += weight(i) * s;
    }
    values.near(potential, want, tolerance * want);
    const auto copy = x.moved(3);
    auto again = closest;
    values.same(update_closest<T>(copy.data() + 3, c.rows, x.stride, c.d, centers.data(),
                                  weight_data(), again.data()),
                potential);
    values.holds(again == updated, "the same bits at another alignment");
  }
};

TYPED_TEST(KMeansKernel, AgreesWithNaiveLoops) {
  Numbers numbers(5);
  std::vector<Case> cases = {
      {33, 7, 1000, true, 1, 0}, {40, 10000, 9, true, 0, 0}, {4096, 4, 9, true, 0, 100}};
  int turn = 0;
  for (const std::int64_t rows : {0, 1, 2, 31, 32, 33, 255, 257, 1000})
    for (const auto d : kernel_cols)
      for (const std::int64_t k : {1, 2, 7, 8, 9, 64, 100}) {
        ++turn;
        if (rows * d * k > 400000) continue;
        cases.push_back(
            {rows, d, k, turn % 2 == 1, turn % 3 == 0 ? 5 : 0, turn % 5 == 0 ? 100.0 : 0.0});
      }
  std::vector<Labels> labels(targets().size());
  for (const auto& c : cases) {
    const Problem<TypeParam> problem(c, numbers);
    for (std::size_t t = 0; t < targets().size(); ++t) {
      const OnTarget on(targets()[t]);
      problem.check(labels[t]);
    }
  }
  // A label is the outcome of one chain of fused multiply-adds, whatever the width of the vectors.
  for (std::size_t t = 1; t < targets().size(); ++t) {
    if (targets()[t] > HWY_AVX2) continue;  // no fused multiply-add
    EXPECT_EQ(labels[t], labels[0])
        << hwy::TargetName(targets()[t]) << " and " << hwy::TargetName(targets()[0]);
  }
}

}  // namespace
}  // namespace tessera::on_cpu
