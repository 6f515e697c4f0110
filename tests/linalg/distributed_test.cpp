// Over any number of processes and threads: the bits of one process, and the right values.
#include <tessera/linalg/gram.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/linalg/tsqr.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include <tessera/runtime/reduce.hpp>

#include "support/near.hpp"

namespace tessera::linalg {
namespace {

using Wide = long double;

std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Threads {
  explicit Threads(int n) { Runtime::set_threads(n); }
  ~Threads() { Runtime::set_threads(1); }
};

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

/// The same global x, y and weights over any communicator.
template <class T>
struct Data {
  Array x, y, weights;

  Data(std::int64_t n, std::int64_t p, std::int64_t q, const Communicator& comm) {
    x = test::make<T>(
        {n, p}, [=](std::int64_t i) { return value(i, i % p); }, comm);
    y = test::make<T>(
        {n, q}, [=](std::int64_t i) { return target(i); }, comm);
    weights = test::make<T>(
        {n}, [=](std::int64_t i) { return weight(i); }, comm);
  }
  static T value(std::int64_t flat, std::int64_t column) {
    return static_cast<T>(test::unit(flat, 1) * 3 + 10 * static_cast<double>(column + 1));
  }
  static T target(std::int64_t flat) { return static_cast<T>(test::unit(flat, 2) - 5); }
  static T weight(std::int64_t row) {
    return row % 7 == 3 ? T(0) : static_cast<T>(0.25 + test::unit(row, 3));
  }
};

struct Options {
  bool y, weights, center;
};
const std::vector<Options> all_options = {{false, false, true},
                                          {false, false, false},
                                          {true, false, true},
                                          {true, true, true},
                                          {true, true, false}};

/// Calls check(compute(world data), compute(self data), text) for sizes, options and threads.
template <class Partial, class T>
void for_each_case(
    const std::function<Partial(const Rows&, const Array&, const Array&, bool)>& compute,
    const std::function<void(const Partial&, const Partial&, const std::string&)>& check) {
  for (const auto n : test::interesting_rows) {
    const std::int64_t p = 5;
    const std::int64_t q = 2;
    const Data<T> shared(n, p, q, Communicator::world());
    const Data<T> alone(n, p, q, Communicator::self());
    for (const auto& o : all_options) {
      const auto run = [&](const Rows& x, const Data<T>& d) {
        return compute(x, o.y ? d.y : Array{}, o.weights ? d.weights : Array{}, o.center);
      };
      const Partial want = run(alone.x, alone);
      for (const int threads : {1, 2, 3}) {
        if (threads > 1 && n < 1031) continue;
        const Threads set(threads);
        const auto text = fmt::format("{} rows, y {}, weights {}, centred {}, {} threads", n, o.y,
                                      o.weights, o.center, threads);
        check(run(shared.x, shared), want, text);
      }
      // Streamed: computed leaf by leaf, with no array behind it.
      const Rows streamed = map_rows(shared.x, shared.x.shape(), shared.x.dtype(),
                                     [](const Leaf& in, const Tile& out, Stream&) {
                                       for (std::int64_t i = 0; i < out.rows; ++i)
                                         std::copy_n(in.tile.as<const T>() + i * in.tile.stride,
                                                     out.cols, out.as<T>() + i * out.stride);
                                     });
      check(run(streamed, shared), want, fmt::format("{} rows, streamed", n));
    }
  }
}

template <class T>
struct Distributed : testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Distributed, Types);

TYPED_TEST(Distributed, ColumnMomentsHaveTheBitsOfOneProcess) {
  for_each_case<ColumnMoments, TypeParam>(
      [](const Rows& x, const Array&, const Array& w, bool) { return column_moments(x, w); },
      [](const ColumnMoments& got, const ColumnMoments& want, const std::string& text) {
        EXPECT_TRUE(same_bits(got.count, want.count)) << text;
        EXPECT_TRUE(same_bits(got.mean, want.mean)) << text;
        EXPECT_TRUE(same_bits(got.m2, want.m2)) << text;
      });
}

TYPED_TEST(Distributed, CenteredGramHasTheBitsOfOneProcess) {
  for_each_case<CenteredGram, TypeParam>(
      [](const Rows& x, const Array& y, const Array& w, bool center) {
        return centered_gram(x, y, w, center);
      },
      [](const CenteredGram& got, const CenteredGram& want, const std::string& text) {
        EXPECT_EQ(got.weight, want.weight) << text;
        EXPECT_TRUE(same_bits(got.mean, want.mean)) << text;
        EXPECT_TRUE(same_bits(got.gram.values(), want.gram.values())) << text;
      });
}

// Also where every process merges a slice: of Gram matrices some rows, with weight and means.
TYPED_TEST(Distributed, SlicesOfCenteredGramsHaveTheBitsOfOneProcess) {
  using T = TypeParam;
  for (const std::int64_t p : {1, 6, 70}) {
    const std::int64_t n = 5000;
    const Data<T> shared(n, p, 2, Communicator::world()), alone(n, p, 2, Communicator::self());
    for (const auto& o : all_options) {
      const auto run = [&](const Data<T>& d) {
        return centered_gram(d.x, o.y ? d.y : Array{}, o.weights ? d.weights : Array{}, o.center);
      };
      const CenteredGram want = run(alone);
      for (const std::int64_t from : {0, 1 << 30}) {
        tessera::detail::slice_from(from);
        const CenteredGram got = run(shared);
        tessera::detail::slice_from(512);
        EXPECT_TRUE(got.weight == want.weight && same_bits(got.mean, want.mean) &&
                    same_bits(got.gram.values(), want.gram.values()))
            << p << " columns, y " << o.y << ", weights " << o.weights << ", centred " << o.center
            << ", sliced from " << from;
      }
    }
  }
}

TYPED_TEST(Distributed, TsqrHasTheBitsOfOneProcess) {
  for_each_case<Small, TypeParam>(
      [](const Rows& x, const Array& y, const Array& w, bool center) {
        const std::vector<double> shift(z(x.cols() + (y ? y.cols() : 0)), 3.5);
        return tsqr(x, center ? std::span<const double>(shift) : std::span<const double>{}, y, w);
      },
      [](const Small& got, const Small& want, const std::string& text) {
        EXPECT_EQ(got.rows(), want.rows()) << text;
        EXPECT_EQ(got.cols(), want.cols()) << text;
        EXPECT_TRUE(same_bits(got.values(), want.values())) << text;
      });
}

/// Weighted sums over all rows in long double: what the functions should give.
template <class T>
struct Expected {
  Wide weight = 0;
  std::vector<Wide> mean, gram;

  Expected(std::int64_t n, std::int64_t p, std::int64_t q, const Options& o,
           const std::vector<double>& shift = {}) {
    const std::int64_t m = p + (o.y ? q : 0);
    const auto read = [&](std::int64_t i, std::int64_t j) -> Wide {
      return j < p ? Data<T>::value(i * p + j, j) : Data<T>::target(i * q + j - p);
    };
    const auto w = [&](std::int64_t i) -> Wide { return o.weights ? Data<T>::weight(i) : 1; };
    mean.assign(z(m), 0);
    gram.assign(z(m * m), 0);
    for (std::int64_t i = 0; i < n; ++i) {
      weight += w(i);
      for (std::int64_t j = 0; j < m; ++j) mean[z(j)] += w(i) * read(i, j);
    }
    for (std::int64_t j = 0; j < m; ++j)
      mean[z(j)] = !shift.empty() ? shift[z(j)] : o.center && weight > 0 ? mean[z(j)] / weight : 0;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t a = 0; a < m; ++a)
        for (std::int64_t b = 0; b < m; ++b)
          gram[z(a * m + b)] += w(i) * (read(i, a) - mean[z(a)]) * (read(i, b) - mean[z(b)]);
  }
};

TYPED_TEST(Distributed, ValuesAreRight) {
  const double eps = std::numeric_limits<TypeParam>::epsilon();
  for (const std::int64_t n : {1, 7, 257, 5003})
    for (const auto& o : all_options) {
      const std::int64_t p = 5;
      const std::int64_t q = 2;
      const std::int64_t m = p + (o.y ? q : 0);
      const Data<TypeParam> d(n, p, q, Communicator::world());
      const Expected<TypeParam> want(n, p, q, o);
      const auto g =
          centered_gram(d.x, o.y ? d.y : Array{}, o.weights ? d.weights : Array{}, o.center);
      const auto text =
          fmt::format("{} rows, y {}, weights {}, centred {}", n, o.y, o.weights, o.center);
      EXPECT_NEAR(g.weight, static_cast<double>(want.weight), 1e-12 * g.weight) << text;
      for (std::int64_t a = 0; a < m; ++a) {
        EXPECT_NEAR(g.mean[z(a)], static_cast<double>(want.mean[z(a)]), 100 * eps) << text;
        for (std::int64_t b = 0; b < m; ++b) {
          const auto scale =
              static_cast<double>(std::sqrt(want.gram[z(a * m + a)] * want.gram[z(b * m + b)]));
          EXPECT_NEAR(g.gram.at(a, b), static_cast<double>(want.gram[z(a * m + b)]),
                      50 * eps * scale + 1e-20)
              << text << ", element " << a << ", " << b;
        }
      }
      if (o.y || !o.center) continue;
      const auto moments = column_moments(d.x);
      for (std::int64_t j = 0; j < p; ++j) {
        EXPECT_EQ(moments.count[z(j)], static_cast<double>(n));
        EXPECT_NEAR(moments.mean[z(j)], static_cast<double>(want.mean[z(j)]), 1e-12);
        EXPECT_NEAR(moments.m2[z(j)], static_cast<double>(want.gram[z(j * p + j)]),
                    1e-11 * moments.m2[z(j)]);
      }
    }
}

// R is determined by R^T R = X^T X up to the signs of its rows.
TYPED_TEST(Distributed, TsqrIsTheCholeskyFactorOfTheGram) {
  for (const std::int64_t n : {1, 3, 7, 257, 5003})
    for (const auto& o : all_options) {
      const std::int64_t p = 5;
      const std::int64_t q = 2;
      const std::int64_t m = p + (o.y ? q : 0);
      std::vector<double> shift;
      for (std::int64_t j = 0; o.center && j < m; ++j)
        shift.push_back(j < p ? 10.0 * static_cast<double>(j) + 11 : -4);
      const Data<TypeParam> d(n, p, q, Communicator::world());
      const auto t = tsqr(d.x, shift, o.y ? d.y : Array{}, o.weights ? d.weights : Array{});
      const auto text =
          fmt::format("{} rows, y {}, weights {}, shifted {}", n, o.y, o.weights, o.center);
      EXPECT_EQ(t.rows(), std::min(n, m)) << text;
      EXPECT_EQ(t.cols(), m) << text;
      Options raw = o;
      raw.center = false;
      const Expected<TypeParam> want(n, p, q, raw, shift);
      for (std::int64_t i = 0; i < t.rows(); ++i)
        for (std::int64_t j = 0; j < i; ++j) EXPECT_EQ(t.at(i, j), 0) << text;
      for (std::int64_t a = 0; a < m; ++a)
        for (std::int64_t b = 0; b < m; ++b) {
          Wide got = 0;
          for (std::int64_t i = 0; i < t.rows(); ++i)
            got += static_cast<Wide>(t.at(i, a)) * t.at(i, b);
          const auto scale =
              static_cast<double>(std::sqrt(want.gram[z(a * m + a)] * want.gram[z(b * m + b)]));
          EXPECT_NEAR(static_cast<double>(got), static_cast<double>(want.gram[z(a * m + b)]),
                      1e-13 * scale + 1e-20)
              << text << ", element " << a << ", " << b;
        }
    }
}

TEST(Linalg, ByHandOverSeveralLeaves) {
  // 600 rows (three leaves): x = row number, y = 2 x + 1.
  const Array x = test::make<double>({600, 1}, [](std::int64_t i) { return double(i); });
  const Array y = test::make<double>({600}, [](std::int64_t i) { return 2.0 * double(i) + 1; });
  const double squares = 600.0 * (600.0 * 600.0 - 1) / 12;  // sum of squared deviations
  const auto m = column_moments(x);
  EXPECT_EQ(m.count, std::vector<double>{600});
  EXPECT_NEAR(m.mean[0], 299.5, 1e-11);
  EXPECT_NEAR(m.m2[0], squares, 1e-15 * squares * 8);
  const auto g = centered_gram(x, y);
  EXPECT_EQ(g.weight, 600);
  EXPECT_NEAR(g.mean[1], 600, 1e-11);
  EXPECT_NEAR(g.gram.at(0, 1), 2 * squares, 1e-15 * squares * 8);
  EXPECT_EQ(g.gram.at(0, 1), g.gram.at(1, 0));
  EXPECT_NEAR(g.gram.at(1, 1), 4 * squares, 1e-15 * squares * 16);
  const std::vector<double> mean = {299.5};
  EXPECT_NEAR(std::abs(tsqr(x, mean).at(0, 0)), std::sqrt(squares), 1e-11);
}

TEST(Linalg, NaNAndInfinityShow) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const Array x = test::make<double>({2000, 3}, [&](std::int64_t i) {
    return i == 3 * 1500 + 1 ? nan : i == 3 * 700 + 2 ? inf : double(i % 10);
  });
  const auto m = column_moments(x);
  EXPECT_EQ(m.count, (std::vector<double>{2000, 1999, 2000})) << "NaN are left out";
  EXPECT_TRUE(std::isfinite(m.mean[0]) && std::isfinite(m.mean[1]));
  EXPECT_FALSE(std::isfinite(m.mean[2]));
  const auto g = centered_gram(x);
  EXPECT_TRUE(std::isfinite(g.mean[0]) && std::isfinite(g.gram.at(0, 0)));
  EXPECT_FALSE(std::isfinite(g.mean[1]) || std::isfinite(g.gram.at(1, 1)));
  EXPECT_FALSE(std::isfinite(g.mean[2]) || std::isfinite(g.gram.at(2, 2)));
  for (const double bad : {nan, inf})
    for (const std::int64_t rows : {100, 2000}) {
      const Array one = test::make<double>(
          {rows, 2}, [&](std::int64_t i) { return i == rows - 10 ? bad : test::unit(i); });
      const std::string text = "QR of a tile failed: its values are not finite";
      const int owner = one.distribution().owner_of_row((rows - 10) / 2);
      test::expect_error<LinAlgError>(
          [&] { tsqr(one); },
          Communicator::world().size() == 1 ? text : fmt::format("{} (rank {})", text, owner));
    }
}

TEST(Linalg, AllWeightsZero) {
  const Array x = test::make<double>({700, 2});
  const Array w = zeros({700});
  const auto g = centered_gram(x, {}, w);
  EXPECT_EQ(g.weight, 0);
  EXPECT_EQ(g.gram, Small(2, 2));
  const auto m = column_moments(x, w);
  EXPECT_EQ(m.count, std::vector<double>(2));
  EXPECT_EQ(m.mean, std::vector<double>(2));
}

}  // namespace
}  // namespace tessera::linalg
