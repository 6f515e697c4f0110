#include <tessera/runtime/array.hpp>

#include <gtest/gtest.h>

#include <numeric>

#include "support/near.hpp"

#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

using test::sample;

Communicator world() { return Communicator::world(); }
std::int64_t rank() { return world().rank(); }

template <class F>
void for_every_dtype(F f) {
  for (int i = 0; i < dtype_count; ++i) visit(static_cast<DType>(i), f);
}

// std::vector<bool> is not an array of bool.
template <class T>
struct Host {
  explicit Host(std::int64_t n) : data(new T[static_cast<std::size_t>(n)]), count(n) {
    for (std::int64_t i = 0; i < n; ++i) data[static_cast<std::size_t>(i)] = sample<T>(i);
  }
  std::unique_ptr<T[]> data;
  std::int64_t count;
  std::span<const T> span() const { return {data.get(), static_cast<std::size_t>(count)}; }
};

TEST(Shape, PrintsAsNumpyDoes) {
  EXPECT_EQ(to_string(Shape{}), "()");
  EXPECT_EQ(to_string(Shape{5}), "(5,)");
  EXPECT_EQ(to_string(Shape{3, 4}), "(3, 4)");
}

TEST(Shape, CountsElementsAndRefusesNonsense) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({3, 0, 5}), 0);
  EXPECT_EQ(element_count({3, 4, 5}), 60);
  test::expect_error<ValueError>(
      [] {
        element_count({3, -1});
      },
      "negative extent in shape (3, -1)");
  test::expect_error<ValueError>(
      [] {
        element_count({1LL << 32, 1LL << 31});
      },
      "more than 2^63 elements in shape (4294967296, 2147483648)");
}

TEST(Array, EmptyHandleIsHarmless) {
  const Array x;
  EXPECT_FALSE(x);
  EXPECT_EQ(x.shape(), Shape{0});
  EXPECT_EQ(x.dtype(), DType::float64);
  EXPECT_EQ(x.size(), 0);
  EXPECT_EQ(x.rows(), 0);
  EXPECT_EQ(x.device(), cpu);
  EXPECT_TRUE(x.values<double>().empty());
  const std::string distribution = "an empty Array handle has no distribution";
  test::expect_error<ValueError>([&] { x.distribution(); }, distribution);
  test::expect_error<ValueError>([&] { x.local(); }, distribution);
  test::expect_error<ValueError>([&] { x.local_rows(); }, distribution);
  test::expect_error<ValueError>([&] { x.leaf(0); }, distribution);
  test::expect_error<ValueError>([&] { x.astype(DType::float32); }, distribution);
  test::expect_error<ValueError>([&] { x.reshape({0, 3}); }, distribution);
  test::expect_error<ValueError>([&] { gather(x); }, "an empty Array handle has no communicator");
  test::expect_error<ValueError>([&] { x.comm(); }, "an empty Array handle has no communicator");
}

TEST(Array, KnowsItsFacts) {
  for (const auto n : test::interesting_rows) {
    const Array x = zeros({n, 3, 2}, DType::int16);
    EXPECT_TRUE(x);
    EXPECT_EQ(x.shape(), (Shape{n, 3, 2}));
    EXPECT_EQ(x.ndim(), 3);
    EXPECT_EQ(x.rows(), n);
    EXPECT_EQ(x.cols(), 6);
    EXPECT_EQ(x.size(), 6 * n);
    EXPECT_EQ(x.dtype(), DType::int16);
    EXPECT_TRUE(x.distribution() == Distribution::rows(n, world().size()));
    EXPECT_EQ(x.local_rows(), x.distribution().rows_of(world().rank()));
    EXPECT_EQ(x.local().rows, x.local_rows().size());
    EXPECT_EQ(x.local().cols, 6);
    test::expect_elements<std::int16_t>(x, [](std::int64_t) { return std::int16_t{0}; });
  }
}

TEST(Array, LeavesTileTheLocalPart) {
  const Array x = test::make<float>({1031, 3});
  const auto& d = x.distribution();
  const Range leaves = d.leaves_of(world().rank());
  std::int64_t rows = 0;
  for (std::int64_t i = leaves.begin; i < leaves.end; ++i) {
    const Tile t = x.leaf(i);
    ASSERT_EQ(t.rows, d.rows_of_leaf(i).size());
    for (std::int64_t r = 0; r < t.rows; ++r)
      for (std::int64_t c = 0; c < 3; ++c)
        ASSERT_EQ(t.as<float>()[r * t.stride + c],
                  sample<float>((d.rows_of_leaf(i).begin + r) * 3 + c));
    rows += t.rows;
  }
  EXPECT_EQ(rows, x.local_rows().size());
}

TEST(Array, IsAHandle) {
  Array x = zeros({300, 2});
  const Array copy = x;
  if (x.local().rows > 0) {
    x.local().as<double>()[0] = 5;
    EXPECT_EQ(copy.local().as<double>()[0], 5);
  }
  EXPECT_EQ(copy.local().data, x.local().data);
}

TEST(Array, RefusesADistributionOfOtherSize) {
  test::expect_error<ValueError>(
      [] {
        Array({5, 2}, DType::float64, Distribution::rows(4, world().size()), world());
      },
      "a distribution over 4 rows cannot hold an array of shape (5, 2)");
  const auto cyclic = Distribution::block_cyclic(5, 3, 1, 1, 2, 2, world().size());
  test::expect_error<ValueError>(
      [&] {
        Array({5, 2}, DType::float64, cyclic, world());
      },
      "a distribution over a 5 x 3 matrix cannot hold an array of shape (5, 2)");
  test::expect_error<ValueError>(
      [&] { Array({5}, DType::float64, cyclic, world()); },
      "a distribution over a 5 x 3 matrix cannot hold an array of shape (5,)");
}

TEST(Array, LackOfMemoryIsAgreed) {
  // Rank 0 owns the only leaf, so it alone runs out of memory. 2^61 bytes.
  const std::string suffix = world().size() > 1 ? " (rank 0)" : "";
  const auto said = [] {
    try {
      empty({1, 1LL << 58}, DType::float64);
    } catch (const MemoryError& e) {
      return std::string(e.what());
    }
    return std::string();
  }();
  EXPECT_TRUE(said.starts_with("an array of shape (1, 288230376151711744) takes 2305843009.2 GB"))
      << said;
  test::expect_error<MemoryError>(
      [] {
        empty({1, 1LL << 62}, DType::float64);
      },
      "4611686018427387904 elements of float64 do not fit in memory" + suffix);
  test::expect_error<ValueError>(
      [] {
        empty({-1, 2}, DType::float64);
      },
      "negative extent in shape (-1, 2)");
}

TEST(Array, FullAndZerosOfEveryDtype) {
  for_every_dtype([](auto tag) {
    using T = typename decltype(tag)::type;
    for (const std::int64_t n : {0, 1, 257}) {
      test::expect_elements<T>(full({n, 2}, 1.0, dtype_of<T>),
                               [](std::int64_t) { return static_cast<T>(1); });
      test::expect_elements<T>(zeros({n, 2}, dtype_of<T>), [](std::int64_t) { return T{}; });
    }
  });
}

TEST(Array, FullTakesValuesOfEveryDtype) {
  constexpr std::int64_t beyond_doubles = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(full({3}, beyond_doubles).at<std::int64_t>({2}), beyond_doubles);
  EXPECT_EQ(full({3}, true).dtype(), DType::boolean);
  EXPECT_EQ(full({3}, 2.0F).dtype(), DType::float32);
  const std::complex<double> z(1.5, -2.0);
  EXPECT_EQ(full({3}, z).at<std::complex<double>>({1}), z);
  EXPECT_EQ(full({3}, 7, DType::complex64).at<std::complex<float>>({1}), 7.0F);
  EXPECT_EQ(full({3}, -7.9, DType::int8).at<std::int8_t>({1}), -7);
  test::expect_error<ValueError>([] { full({3}, 300, DType::int8); },
                                 "int8 holds -128 to 127, not 300");
  test::expect_error<ValueError>([] { full({3}, std::nan(""), DType::int32); },
                                 "int32 holds -2147483648 to 2147483647, not nan");
  test::expect_error<TypeError>([&] { full({3}, z, DType::float64); },
                                "cannot convert complex128 to float64");
}

TEST(Array, AstypeRefusesWhatAnIntegerDoesNotHold) {
  constexpr std::int64_t n = 600;
  const auto but = [](double special) {
    return test::make<double>({n, 2}, [=](std::int64_t i) { return i == 1001 ? special : 1.0; });
  };
  const auto expect_refused = [&](double v, DType dtype, const std::string& text) {
    const Array x = but(v);
    const std::string there =
        world().size() == 1 ? "" : fmt::format(" (rank {})", x.distribution().owner_of_row(500));
    test::expect_error<ValueError>([&] { x.astype(dtype); },
                                   text + " at row 500, column 1" + there);
    if (world().size() > 1) return;
    const Array cyclic =
        redistribute(x, Distribution::block_cyclic(n, 2, 1, 1, 7, 1, world().size()));
    test::expect_error<ValueError>([&] { cyclic.astype(dtype); }, text + " at row 500, column 1");
  };
  const double inf = std::numeric_limits<double>::infinity();
  const std::string int8 = "int8 holds -128 to 127, not ";
  expect_refused(std::nan(""), DType::int8, int8 + "nan");
  expect_refused(-inf, DType::int8, int8 + "-inf");
  expect_refused(128, DType::int8, int8 + "128");
  expect_refused(-129, DType::int8, int8 + "-129");
  expect_refused(-1, DType::uint16, "uint16 holds 0 to 65535, not -1");
  expect_refused(0x1p63, DType::int64,
                 "int64 holds -9223372036854775808 to 9223372036854775807, not "
                 "9.223372036854776e+18");
  EXPECT_EQ(but(127.9).astype(DType::int8).at<std::int8_t>({500, 1}), 127);
  EXPECT_EQ(but(-128.9).astype(DType::int8).at<std::int8_t>({500, 1}), -128);
  EXPECT_EQ(but(-0.9).astype(DType::uint8).at<std::uint8_t>({500, 1}), 0);
  EXPECT_EQ(but(-0x1p63).astype(DType::int64).at<std::int64_t>({500, 1}),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(but(std::nan("")).astype(DType::boolean).at<bool>({500, 1}), true);
  EXPECT_EQ(but(1e300).astype(DType::float32).at<float>({500, 1}),
            std::numeric_limits<float>::infinity());
  test::expect_error<ValueError>([] { full({2}, -1).astype(DType::uint64); },
                                 "uint64 holds 0 to 18446744073709551615, not -1 at row 0" +
                                     std::string(world().size() > 1 ? " (rank 0)" : ""));
}

TEST(Array, Arange) {
  for (const auto n : test::interesting_rows) {
    const Array x = arange(0, static_cast<double>(n));
    EXPECT_EQ(x.shape(), Shape{n});
    test::expect_elements<double>(x, [](std::int64_t i) { return static_cast<double>(i); });
  }
  test::expect_elements<float>(arange(1, 100, 0.25, DType::float32), [](std::int64_t i) {
    return static_cast<float>(1 + 0.25 * static_cast<double>(i));
  });
  EXPECT_EQ(arange(0, 1, 0.3).shape(), Shape{4});
  EXPECT_EQ(arange(0, 0.9, 0.3).shape(), Shape{3});
  EXPECT_EQ(arange(5, 2).shape(), Shape{0});
  test::expect_elements<std::int64_t>(arange(5, 2, -1, DType::int64),
                                      [](std::int64_t i) { return 5 - i; });
  test::expect_error<ValueError>([] { arange(0, 1, 0); }, "arange needs a step other than 0");
}

TEST(Array, FromHostOfEveryDtype) {
  for_every_dtype([](auto tag) {
    using T = typename decltype(tag)::type;
    for (const std::int64_t n : {0, 1, 3, 257, 1031}) {
      const Host<T> host(n * 3);
      const Array x = from_host(host.span(), {n, 3});
      EXPECT_TRUE(x.distribution() == Distribution::rows(n, world().size()));
      test::expect_elements<T>(x, sample<T>);
      const Array r = replicated(host.span(), {n, 3}, world());
      EXPECT_EQ(r.distribution().kind(), Distribution::Kind::replicated);
      test::expect_elements<T>(r, sample<T>);
      ASSERT_EQ(r.values<T>().size(), static_cast<std::size_t>(n * 3));
    }
  });
  const Host<double> host(5);
  const std::string text = "5 elements cannot fill shape (3, 2)";
  test::expect_error<ValueError>([&] { from_host(host.span(), {3, 2}); }, text);
  test::expect_error<ValueError>([&] { replicated(host.span(), {3, 2}, world()); }, text);
}

TEST(Array, FromHostOnEveryRoot) {
  for (int root = 0; root < world().size(); ++root)
    for (const std::int64_t n : {0, 1, 3, 257, 1031}) {
      const Host<float> host(rank() == root ? n * 4 : 0);
      const Array x = from_host_on(root, host.span(), {n, 2, 2});
      EXPECT_EQ(x.shape(), (Shape{n, 2, 2}));
      test::expect_elements<float>(x, sample<float>);
    }
  const int last = world().size() - 1;
  const Host<float> wrong(5);
  test::expect_error<ValueError>(
      [&] {
        from_host_on(last, wrong.span(), {3, 2});
      },
      "5 elements cannot fill shape (3, 2)" +
          (last > 0 ? " (rank " + std::to_string(last) + ")" : std::string()));
}

// How many rows each process happens to hold: ragged in several ways.
std::vector<std::vector<std::int64_t>> cuts() {
  const int size = world().size();
  std::vector<std::vector<std::int64_t>> all(6);
  for (int r = 0; r < size; ++r) {
    all[0].push_back(0);
    all[1].push_back(r == size - 1 ? 1000 : 0);
    all[2].push_back(r == 0 ? 1000 : 0);
    all[3].push_back(r % 2 == 0 ? 301 + r : 0);
    all[4].push_back(1);
    all[5].push_back(600 - 77 * r);
  }
  return all;
}

TEST(Array, FromLocalMovesRaggedPieces) {
  for (const auto& cut : cuts())
    for_every_dtype([&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto first = std::accumulate(cut.begin(), cut.begin() + rank(), std::int64_t{0});
      const auto total = std::accumulate(cut.begin(), cut.end(), std::int64_t{0});
      const std::int64_t mine = cut[static_cast<std::size_t>(rank())];
      for (const std::int64_t stride : {6, 8}) {  // packed, and rows with a gap
        std::unique_ptr<T[]> data(new T[static_cast<std::size_t>(mine * stride)]());
        for (std::int64_t i = 0; i < mine; ++i)
          for (std::int64_t j = 0; j < 6; ++j)
            data[static_cast<std::size_t>(i * stride + j)] = sample<T>((first + i) * 6 + j);
        const Array x = from_local(tile_of(data.get(), mine, 6, stride), {2, 3});
        EXPECT_EQ(x.shape(), (Shape{total, 2, 3}));
        EXPECT_TRUE(x.distribution() == Distribution::rows(total, world().size()));
        test::expect_elements<T>(x, sample<T>);
      }
    });
}

TEST(Array, FromLocalRefusesWhatDoesNotFitTogether) {
  std::vector<double> data(12);
  test::expect_error<ValueError>([&] { from_local(tile_of(data.data(), 2, 6, 6), {5}); },
                                 "from_local got rows of 6 elements for a shape (5,) after axis 0");
  if (world().size() == 1) return;
  const std::string text =
      "from_local needs the same dtype and the same shape after axis 0 on every process";
  const bool odd = rank() == 1;
  test::expect_error<ValueError>(
      [&] { from_local(tile_of(data.data(), 2, odd ? 5 : 6, 6), {odd ? 5 : 6}); }, text);
  // As many elements per row, but not the same shape.
  test::expect_error<ValueError>(
      [&] {
        from_local(tile_of(data.data(), 2, 6, 6), odd ? Shape{3, 2} : Shape{2, 3});
      },
      text);
  test::expect_error<ValueError>(
      [&] {
        Tile t = tile_of(data.data(), 1, 6, 6);
        if (odd) t.dtype = DType::int64;
        from_local(t, {6});
      },
      text);
}

TEST(Array, AtGivesOneElementToEveryProcess) {
  const Array x = test::make<double>({1031, 2, 3});
  for (const std::int64_t row : {0, 255, 256, 700, 1030})
    EXPECT_EQ(x.at<double>({row, 1, 2}), sample<double>(row * 6 + 5));
  EXPECT_EQ(gather(x).at<double>({300, 0, 1}), sample<double>(300 * 6 + 1));
  test::expect_error<TypeError>(
      [&] {
        x.at<float>({0, 0, 0});
      },
      "array holds float64, not float32");
  test::expect_error<ValueError>(
      [&] {
        x.at<double>({1031, 0, 0});
      },
      "index (1031, 0, 0) is outside an array of shape (1031, 2, 3)");
  test::expect_error<ValueError>(
      [&] {
        x.at<double>({0, -1, 0});
      },
      "index (0, -1, 0) is outside an array of shape (1031, 2, 3)");
  test::expect_error<ValueError>([&] { x.at<double>({5}); },
                                 "index (5) is outside an array of shape (1031, 2, 3)");
  const Array m = test::make<double>({300, 5});
  const Array cyclic =
      redistribute(m, Distribution::block_cyclic(300, 5, 1, world().size(), 7, 2, world().size()));
  EXPECT_EQ(cyclic.at<double>({211, 4}), sample<double>(211 * 5 + 4));
}

TEST(Array, ScalarsHaveNoDimensions) {
  const std::vector<double> seven = {7};
  for (const Array& x : {full({}, 7.0), from_host(std::span(seven), {}),
                         replicated(seven, {}, world()), from_host_on(0, std::span(seven), {})}) {
    EXPECT_EQ(x.shape(), Shape{});
    EXPECT_EQ(x.ndim(), 0);
    EXPECT_EQ(x.size(), 1);
    EXPECT_EQ(x.rows(), 1);
    EXPECT_EQ(x.cols(), 1);
    EXPECT_EQ(x.at<double>({}), 7);
    EXPECT_EQ(gather(x).values<double>()[0], 7);
    EXPECT_EQ(x.astype(DType::int8).at<std::int8_t>({}), 7);
  }
}

TEST(Array, ValuesNeedAReplicatedArrayOfThatDtype) {
  const Array x = zeros({3, 2});
  test::expect_error<ValueError>([&] { x.values<double>(); },
                                 "values() needs a replicated array; gather() it first");
  test::expect_error<TypeError>([&] { gather(x).values<float>(); },
                                "array holds float64, not float32");
}

TEST(Array, AstypeConvertsEveryPair) {
  constexpr std::int64_t n = 300;
  const auto small = [](std::int64_t i) { return static_cast<int>(i % 100); };
  for_every_dtype([&](auto a) {
    using From = typename decltype(a)::type;
    const Array x =
        test::make<From>({n, 2}, [&](std::int64_t i) { return static_cast<From>(small(i)); });
    for_every_dtype([&](auto b) {
      using To = typename decltype(b)::type;
      constexpr bool narrows =
          test::is_complex_type<From>::value && !test::is_complex_type<To>::value;
      if constexpr (narrows) {
        test::expect_error<TypeError>(
            [&] { x.astype(dtype_of<To>); },
            fmt::format("cannot convert {} to {}", name_of(dtype_of<From>), name_of(dtype_of<To>)));
      } else {
        const Array y = x.astype(dtype_of<To>);
        EXPECT_TRUE(y.distribution() == x.distribution());
        test::expect_elements<To>(y, [&](std::int64_t i) -> To {
          if constexpr (std::is_same_v<From, bool>)
            return static_cast<To>(small(i) != 0);
          else
            return static_cast<To>(small(i));
        });
      }
    });
  });
  const Array x = zeros({3});
  EXPECT_EQ(x.astype(DType::float64).local().data, x.local().data) << "no copy is needed";
}

TEST(Array, ReshapeKeepsTheRows) {
  const Array x = test::make<float>({1031, 6});
  const Array y = x.reshape({1031, 2, 3});
  EXPECT_EQ(y.shape(), (Shape{1031, 2, 3}));
  EXPECT_EQ(x.shape(), (Shape{1031, 6}));
  EXPECT_EQ(y.local().data, x.local().data);
  test::expect_elements<float>(y, sample<float>);
  EXPECT_EQ(zeros({5}).reshape({5, 1}).shape(), (Shape{5, 1}));
  EXPECT_EQ(zeros({0, 4}).reshape({0, 2, 2}).shape(), (Shape{0, 2, 2}));
  test::expect_error<ValueError>(
      [&] {
        x.reshape({2062, 3});
      },
      "cannot view shape (1031, 6) as (2062, 3) without moving rows");
  test::expect_error<ValueError>(
      [&] {
        x.reshape({1031, 5});
      },
      "cannot view shape (1031, 6) as (1031, 5) without moving rows");
}

TEST(Array, ToAnotherDevice) {
  const Array x = zeros({3});
  EXPECT_EQ(x.to(cpu).local().data, x.local().data) << "no copy is needed";
}

TEST(Array, TakeRowsInAnyOrder) {
  const std::vector<std::int64_t> indices = {1030, 0, 256, 255, 0, 700};
  const auto check = [&](const Array& x) {
    const Array y = take_rows(x, indices);
    EXPECT_EQ(y.shape(), (Shape{6, 2, 3}));
    EXPECT_EQ(y.distribution().kind(), Distribution::Kind::replicated);
    test::expect_elements<float>(y, [&](std::int64_t flat) {
      return sample<float>(indices[static_cast<std::size_t>(flat / 6)] * 6 + flat % 6);
    });
  };
  const Array x = test::make<float>({1031, 2, 3});
  check(x);
  check(gather(x));
  EXPECT_EQ(take_rows(x, std::vector<std::int64_t>{}).shape(), (Shape{0, 2, 3}));
}

TEST(Array, TakeRowsRefusesRowsThatAreNotThere) {
  const Array x = test::make<float>({300, 2});
  const std::vector<std::int64_t> beyond = {3, 300};
  const std::vector<std::int64_t> negative = {-1};
  test::expect_error<ValueError>([&] { take_rows(x, beyond); },
                                 "row 300 is outside an array of shape (300, 2)");
  test::expect_error<ValueError>([&] { take_rows(x, negative); },
                                 "row -1 is outside an array of shape (300, 2)");
  test::expect_error<ValueError>([&] { take_rows(full({}, 7), std::vector<std::int64_t>{0}); },
                                 "an array of shape () has no rows to take");
}

TEST(Array, TakeRowsOfABlockCyclicMatrix) {
  const Array x = test::make<float>({300, 5});
  const Array cyclic =
      redistribute(x, Distribution::block_cyclic(300, 5, 1, world().size(), 7, 2, world().size()));
  const std::vector<std::int64_t> indices = {299, 0, 8};
  test::expect_elements<float>(take_rows(cyclic, indices), [&](std::int64_t flat) {
    return sample<float>(indices[static_cast<std::size_t>(flat / 5)] * 5 + flat % 5);
  });
}

TEST(Array, LivesOnPartOfTheJob) {
  const Communicator half = world().split(world().rank() % 2);
  const Array x = test::make<double>({700, 2}, half);
  const Array all = gather(x);
  test::expect_elements<double>(all, sample<double>);
  const Array alone = test::make<double>({700, 2}, Communicator::self());
  EXPECT_EQ(alone.local_rows(), (Range{0, 700}));
}

}  // namespace
}  // namespace tessera
