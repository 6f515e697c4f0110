#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include <tessera/array/quantile.hpp>
#include <tessera/array/sort.hpp>
#include <tessera/array/unique.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

// Ways in which elements may lie: all different, few different, one, descending, on one process.
constexpr int patterns = 6;
template <class T>
T element(std::int64_t i, int pattern) {
  switch (pattern) {
    case 0:
      return test::sample<T>(i);
    case 1:
      return static_cast<T>(test::mix(static_cast<std::uint64_t>(i)) % 5);
    case 2:
      return T(1);
    case 3:
      return static_cast<T>(-i);
    case 4:
      return static_cast<T>(i < 300 ? 1 : 0);
    default: {
      if constexpr (!std::is_floating_point_v<T>)
        return static_cast<T>(std::numeric_limits<T>::max() - static_cast<T>(i % 3));
      const std::array<double, 8> odd = {nan, -inf, inf, -0.0, 0.0, 1e30, -nan, -1e-300};
      return static_cast<T>(odd[test::mix(static_cast<std::uint64_t>(i)) % odd.size()]);
    }
  }
}

// NaN last; of two that are equal the negative first, which tells zeros apart.
template <class T>
bool before(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
    if (a == b) return std::signbit(a) && !std::signbit(b);
  }
  return a < b;
}

template <class F>
void for_ordered_dtypes(F f) {
  f(TypeTag<bool>{});
  f(TypeTag<std::int8_t>{});
  f(TypeTag<std::uint16_t>{});
  f(TypeTag<std::int32_t>{});
  f(TypeTag<std::int64_t>{});
  f(TypeTag<std::uint64_t>{});
  f(TypeTag<float>{});
  f(TypeTag<double>{});
}

TEST(Sort, IsExactForEveryDtypeAndPattern) {
  for_ordered_dtypes([](auto tag) {
    using T = typename decltype(tag)::type;
    for (const auto n : test::interesting_rows)
      for (int pattern = 0; pattern < patterns; ++pattern) {
        SCOPED_TRACE(fmt::format("{} of {}, pattern {}", n, name_of(dtype_of<T>), pattern));
        std::vector<T> all = test::tabulate<T>(n, [&](auto i) { return element<T>(i, pattern); });
        const Array x = test::make<T>({n}, [&](auto i) { return element<T>(i, pattern); });
        std::sort(all.begin(), all.end(), before<T>);
        const Array y = sort(x);
        EXPECT_TRUE(y.distribution() == x.distribution());
        test::expect_elements<T>(y, [&](auto i) -> T { return all[static_cast<std::size_t>(i)]; });
        if constexpr (std::is_floating_point_v<T>)
          test::for_each_element<T>(y, [&](std::int64_t i, const T* v) {
            EXPECT_TRUE(std::isnan(*v) ||
                        std::signbit(*v) == std::signbit(all[static_cast<std::size_t>(i)]));
          });
      }
  });
}

TEST(Sort, TakesReplicatedVectorsAndRefusesOthers) {
  const Array x = gather(test::make<double>({700}));
  EXPECT_EQ(sort(x).distribution().kind(), Distribution::Kind::rows);
  test::expect_error<ValueError>(
      [] {
        sort(zeros({3, 2}));
      },
      "sort needs a vector, got an array of shape (3, 2)");
  test::expect_error<TypeError>([] { sort(zeros({3}, DType::complex64)); },
                                "sort needs numbers that have an order, not complex64");
}

TEST(Unique, HasValuesCountsAndInverse) {
  for_ordered_dtypes([](auto tag) {
    using T = typename decltype(tag)::type;
    for (const auto n : test::interesting_rows)
      for (int pattern = 0; pattern < patterns; ++pattern) {
        SCOPED_TRACE(fmt::format("{} of {}, pattern {}", n, name_of(dtype_of<T>), pattern));
        const auto value = [&](std::int64_t i) {
          return static_cast<T>(element<T>(i, pattern) + T(0));
        };
        std::map<T, std::int64_t, bool (*)(const T&, const T&)> counts(before<T>);
        for (std::int64_t i = 0; i < n; ++i) ++counts[value(i)];
        std::vector<T> keys;
        std::vector<std::int64_t> times;
        for (const auto& [key, count] : counts) {
          keys.push_back(key);
          times.push_back(count);
        }
        const Array x = test::make<T>({n}, [&](auto i) { return element<T>(i, pattern); });
        const Unique u = unique(x, {.inverse = true, .counts = true});
        ASSERT_EQ(u.values.shape(), Shape{std::ssize(keys)});
        test::expect_elements<T>(u.values,
                                 [&](auto i) -> T { return keys[static_cast<std::size_t>(i)]; });
        test::expect_elements<std::int64_t>(
            u.counts, [&](auto i) { return times[static_cast<std::size_t>(i)]; });
        EXPECT_EQ(u.inverse.shape(), x.shape());
        EXPECT_TRUE(u.inverse.distribution() == x.distribution());
        test::expect_elements<std::int64_t>(u.inverse, [&](auto i) {
          return static_cast<std::int64_t>(std::distance(counts.begin(), counts.find(value(i))));
        });
      }
  });
}

TEST(Unique, OfMatricesScalarsAndText) {
  const Array x = test::make<std::int64_t>({300, 2}, [](auto i) { return i % 7 - 3; });
  const Unique u = unique(x, {.inverse = true});
  test::expect_elements<std::int64_t>(u.values, [](auto i) { return i - 3; });
  test::expect_elements<std::int64_t>(u.inverse, [](auto i) { return i % 7; });
  EXPECT_EQ(u.inverse.shape(), x.shape());
  const Unique one = unique(full({}, 4.0), {.inverse = true, .counts = true});
  test::expect_elements<double>(one.values, [](auto) { return 4.0; });
  test::expect_elements<std::int64_t>(one.counts, [](auto) { return 1; });
  EXPECT_EQ(one.inverse.shape(), Shape{});
  const Array text = x.categorized({"a", "b"});
  EXPECT_EQ(unique(text).values.categories(), (std::vector<std::string>{"a", "b"}));
  test::expect_error<TypeError>([] { unique(zeros({3}, DType::complex128)); },
                                "unique needs numbers that have an order, not complex128");
}

// As numpy.quantile: linear between the two neighbours.
template <class T>
double expected_quantile(std::vector<T> column, double q) {
  for (const T v : column)
    if (std::isnan(static_cast<double>(v))) return nan;
  if (column.empty()) return nan;
  std::sort(column.begin(), column.end());
  const double at = q * static_cast<double>(column.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const double a = static_cast<double>(column[low]);
  const double b = static_cast<double>(column[std::min(low + 1, column.size() - 1)]);
  const double t = at - std::floor(at);
  if (a == b || t == 0) return a;
  if (!std::isfinite(b - a)) return a * (1 - t) + b * t;
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

TEST(Quantile, IsExactByColumn) {
  const std::vector<double> q = {0, 0.1, 0.25, 0.5, 0.75, 1};
  for_ordered_dtypes([&](auto tag) {
    using T = typename decltype(tag)::type;
    for (const auto n : test::interesting_rows) {
      // One column for each pattern, and of the odd ones one without NaN.
      const auto value = [](std::int64_t i, std::int64_t j) {
        const T v = element<T>(i, static_cast<int>(j % patterns));
        if constexpr (std::is_floating_point_v<T>)
          if (j >= patterns && std::isnan(v)) return T(7);
        return v;
      };
      const std::int64_t p = 2 * patterns;
      const Array x = test::make<T>({n, p}, [&](auto i) { return value(i / p, i % p); });
      const Array got = quantile(x, q);
      const auto check = [&](auto result) {
        using R = typename decltype(result)::type;
        ASSERT_EQ(got.shape(), (Shape{6, p}));
        test::expect_elements<R>(got, [&](auto f) {
          const auto column = test::tabulate<T>(n, [&](auto i) -> T { return value(i, f % p); });
          return static_cast<R>(
              expected_quantile(std::vector<T>(column), q[static_cast<std::size_t>(f / p)]));
        });
      };
      if constexpr (std::is_same_v<T, float>)
        check(TypeTag<float>{});
      else
        check(TypeTag<double>{});
    }
  });
}

TEST(Quantile, OfStreamedRowsAndManyColumnsAndTheMedian) {
  const std::int64_t p = 200;  // too many for 16 bits at a time
  const Array x = test::make<double>({300, p});
  const Rows computed =
      map_rows(x, x.shape(), DType::float64,
               [](const Leaf& in, const Tile& out, Stream& stream) { copy(stream, in.tile, out); });
  const Array got = median(computed);
  EXPECT_EQ(got.shape(), Shape{p});
  test::expect_elements<double>(got, [&](auto j) {
    return expected_quantile(
        test::tabulate<double>(300, [&](auto i) { return test::sample<double>(i * p + j); }), 0.5);
  });
  EXPECT_EQ(median(test::make<double>({5})).shape(), Shape{});
}

// A row of weight w counts as w rows; NaN that are left out as none. 40 quantiles are taken from
// sorted columns.
TEST(Quantile, OfWeightsAndWithoutNanAndOfMany) {
  const std::int64_t n = 611, p = 3;
  const auto value = [](std::int64_t i, std::int64_t j) {
    if (j == 1 && i % 5 == 0) return nan;
    return j == 2 ? static_cast<double>(i * 7 % 11) : test::sample<double>(i * p + j);
  };
  const auto weight = [](std::int64_t i) { return i % 4; };
  const Array x = test::make<double>({n, p}, [&](auto i) { return value(i / p, i % p); });
  const Array w =
      test::make<std::int32_t>({n}, [&](auto i) { return static_cast<std::int32_t>(weight(i)); });
  const auto column = [&](std::int64_t j, bool repeated) {
    std::vector<double> all;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t r = 0; r < (repeated ? weight(i) : 1); ++r)
        if (!std::isnan(value(i, j))) all.push_back(value(i, j));
    std::ranges::sort(all);
    return all;
  };
  std::vector<double> q;
  for (int i = 0; i < 40; ++i) q.push_back(i / 39.0);
  for (const std::size_t count : {std::size_t{6}, q.size()}) {
    const std::span<const double> some(q.data(), count);
    const Array plain = quantile(x, some, {.ignore_nan = true});
    test::expect_elements<double>(plain, [&](auto f) {
      return expected_quantile(column(f % p, false), some[static_cast<std::size_t>(f / p)]);
    });
    for (const bool averaged : {false, true}) {
      const Array weighted = quantile(x, some,
                                      {.method = averaged ? QuantileMethod::averaged_inverted_cdf
                                                          : QuantileMethod::inverted_cdf,
                                       .ignore_nan = true,
                                       .weights = w});
      test::expect_elements<double>(weighted, [&](auto f) {
        const auto all = column(f % p, true);
        const double at = some[static_cast<std::size_t>(f / p)] * static_cast<double>(all.size());
        const auto i = static_cast<std::size_t>(std::max(0.0, std::ceil(at) - 1.0));
        const bool exact = averaged && at > 0 && at == std::ceil(at) && i + 1 < all.size();
        return exact ? (all[i] + all[i + 1]) / 2 : all[i];
      });
    }
  }
  EXPECT_TRUE(std::isnan(quantile(x, q).values<double>()[1]));
}

TEST(Quantile, RefusesWhatItCannot) {
  test::expect_error<ValueError>(
      [] {
        const std::vector<double> half = {0.5};
        quantile(zeros({3, 2}), half, {.weights = zeros({3})});
      },
      "weighted quantiles need the method inverted_cdf or averaged_inverted_cdf");
  const std::vector<double> beyond = {0.5, 1.5};
  test::expect_error<ValueError>(
      [&] {
        quantile(zeros({3, 2}), beyond);
      },
      "quantiles must be in the range [0, 1], got 1.5");
  test::expect_error<ValueError>([&] { median(zeros({3}, DType::int32).categorized({"setosa"})); },
                                 "could not convert string to float: 'setosa'");
}

}  // namespace
}  // namespace tessera
