#include <tessera/runtime/reduce.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <complex>
#include <optional>

#include <tessera/runtime/climb_steps.hpp>
#include <tessera/runtime/tree.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

using test::unit;

Communicator world() { return Communicator::world(); }
std::string on_rank(const std::string& text, int rank) {
  return world().size() == 1 ? text : text + " (rank " + std::to_string(rank) + ")";
}

struct Threads {
  explicit Threads(int n) { Runtime::set_threads(n); }
  ~Threads() { Runtime::set_threads(1); }
};

// Merging is not associative in floating point, and not even in exact numbers.
struct Knot {
  double value = 0;
  std::int64_t leaves = 0;
  void merge(const Knot& right) {
    value = value * 0.7 + std::sqrt(value * value + right.value * right.value) + right.value / 3;
    leaves += right.leaves;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value, leaves);
  }
};

// Writes down what was merged with what.
struct Text {
  std::string text;
  void merge(const Text& right) { text = "(" + text + " " + right.text + ")"; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(text);
  }
};

// The tree, evaluated serially by its definition, and independently of the library: a node of
// level l covers 2^l leaves, and its right child may lie beyond the last leaf.
template <class P, class LeafValue>
std::optional<P> node(int level, std::int64_t index, std::int64_t leaves, LeafValue leaf) {
  if ((index << level) >= leaves) return std::nullopt;
  if (level == 0) return leaf(index);
  auto left = node<P>(level - 1, 2 * index, leaves, leaf);
  auto right = node<P>(level - 1, 2 * index + 1, leaves, leaf);
  if (right) left->merge(*right);
  return left;
}
template <class P, class LeafValue>
P serial_tree(std::int64_t leaves, LeafValue leaf) {
  return node<P>(40, 0, leaves, leaf).value_or(P{});
}

const std::vector<std::int64_t> rows_to_try = {0,       1,        255,   256,     257,
                                               2 * 256, 3 * 256,  1031,  7 * 256, 2049,
                                               5000,    11 * 256, 16384, 20001,   300007};

double row_value(std::int64_t row) { return unit(row) * 1e3 - 300; }

Array column(std::int64_t n) { return test::make<double>({n, 1}, row_value); }

double leaf_sum(Range rows) {
  double sum = 0;
  for (std::int64_t i = rows.begin; i < rows.end; ++i) sum += row_value(i);
  return sum;
}
double leaf_sum(const Leaf& leaf) {
  double sum = 0;
  for (std::int64_t i = 0; i < leaf.tile.rows; ++i) sum += leaf.tile.as<double>()[i];
  return sum;
}

// The bits of a knot do not depend on processes or threads: at every number of both they are those
// of the serial evaluation.
TEST(Reduce, GivesTheBitsOfTheSerialTree) {
  for (const auto n : rows_to_try) {
    const Array x = column(n);
    const auto& d = x.distribution();
    const Knot expected = serial_tree<Knot>(d.leaves(), [&](std::int64_t i) {
      return Knot{leaf_sum(d.rows_of_leaf(i)), 1};
    });
    ASSERT_EQ(expected.leaves, d.leaves());
    for (const int threads : {1, 2, 3}) {
      const Threads set(threads);
      for (const Rows& rows : {Rows(x), Rows(gather(x))}) {
        const Knot got = reduce<Knot>(rows, [](const Leaf& leaf, Stream&) {
          return Knot{leaf_sum(leaf), 1};
        });
        EXPECT_EQ(got.leaves, expected.leaves) << n << " rows, " << threads << " threads";
        EXPECT_EQ(std::bit_cast<std::uint64_t>(got.value),
                  std::bit_cast<std::uint64_t>(expected.value))
            << n << " rows, " << threads << " threads: " << got.value << " and " << expected.value;
      }
    }
  }
}

TEST(Reduce, MergesNeighboursLeftWithRight) {
  const std::vector<std::string> expected = {
      "",
      "0",
      "(0 1)",
      "((0 1) 2)",
      "((0 1) (2 3))",
      "(((0 1) (2 3)) 4)",
      "(((0 1) (2 3)) (4 5))",
      "(((0 1) (2 3)) ((4 5) 6))",
      "(((0 1) (2 3)) ((4 5) (6 7)))",
      "((((0 1) (2 3)) ((4 5) (6 7))) 8)",
  };
  for (std::size_t leaves = 0; leaves < expected.size(); ++leaves)
    for (const int threads : {1, 2, 3}) {
      const Threads set(threads);
      const Array x = zeros({static_cast<std::int64_t>(leaves) * 256, 1});
      ASSERT_EQ(x.distribution().leaves(), static_cast<std::int64_t>(leaves));
      const Text got = reduce<Text>(
          x, [](const Leaf& leaf, Stream&) { return Text{std::to_string(leaf.index)}; });
      EXPECT_EQ(got.text, expected[leaves]) << threads << " threads";
    }
}

TEST(Archive, WhatIsPackedComesBack) {
  using Deep = std::vector<std::pair<std::string, std::vector<std::array<float, 2>>>>;
  const Deep deep = {{"", {}}, {std::string("a\0b", 3), {{{1, 2}}, {{3, -0.0F}}}}};
  const std::vector<bool> bits = {true, false, true};
  const std::complex<double> z(1, -2);
  Packer packer;
  packer(deep, bits, z, DType::int8, std::vector<double>{});
  const std::string bytes = packer.take();
  Deep deep_again;
  std::vector<bool> bits_again;
  std::complex<double> z_again;
  DType dtype{};
  std::vector<double> none = {1};
  Unpacker unpacker(bytes);
  unpacker(deep_again, bits_again, z_again, dtype, none);
  EXPECT_EQ(deep_again, deep);
  EXPECT_EQ(bits_again, bits);
  EXPECT_EQ(z_again, z);
  EXPECT_EQ(dtype, DType::int8);
  EXPECT_TRUE(none.empty());
  test::expect_error<RuntimeError>([&] { unpacker(none); }, "a message ends early");
  Unpacker wrong(bytes);
  std::array<std::uint64_t, 5> many;
  wrong(many);
  test::expect_error<RuntimeError>([&] { wrong(none); }, "a message ends early");
}

TEST(Reduce, OrderOfManyLeavesIsThatOfTheSerialTree) {
  for (const std::int64_t leaves : {13, 31, 33, 63}) {
    const Array x = zeros({leaves * 256 - 5, 1});
    const Text got =
        reduce<Text>(x, [](const Leaf& leaf, Stream&) { return Text{std::to_string(leaf.index)}; });
    EXPECT_EQ(got.text, serial_tree<Text>(leaves, [](std::int64_t i) {
                          return Text{std::to_string(i)};
                        }).text);
  }
}

// Negative control: if these agreed with the tree, the tests above could not tell a wrong order.
TEST(Reduce, OtherOrdersOfAdditionGiveOtherBits) {
  int plain_differs = 0;
  int mpi_differs = 0;
  for (std::int64_t n = 5000; n < 5020; ++n) {
    const Array x = column(n);
    const double tree =
        reduce<Sums>(x, [](const Leaf& leaf, Stream&) { return Sums{{leaf_sum(leaf)}}; }).values[0];
    plain_differs += leaf_sum(Range{0, n}) != tree;
    std::array<double, 1> sum = {leaf_sum(x.local_rows())};
    world().all_reduce(std::span(sum), Reduce::sum);
    mpi_differs += sum[0] != tree;
    EXPECT_NEAR(sum[0], tree, 1e-6);
  }
  EXPECT_GT(plain_differs, 0);
  EXPECT_GT(mpi_differs, 0);
}

TEST(Reduce, ZeroRowsGiveAnEmptyPartial) {
  int calls = 0;
  const Knot got = reduce<Knot>(zeros({0, 4}), [&](const Leaf&, Stream&) {
    ++calls;
    return Knot{1, 1};
  });
  EXPECT_EQ(got.leaves, 0);
  EXPECT_EQ(got.value, 0);
  EXPECT_EQ(calls, 0);
}

TEST(Reduce, CallsTheKernelOncePerLeaf) {
  for (const std::int64_t n : {1, 257, 2049}) {
    const Array x = column(n);
    std::atomic<std::int64_t> calls{0};
    reduce<Knot>(x, [&](const Leaf&, Stream&) {
      ++calls;
      return Knot{};
    });
    EXPECT_EQ(calls, x.distribution().leaves_of(world().rank()).size());
  }
}

TEST(Reduce, VectorsAreAddedElementByElement) {
  const Array x = test::make<double>({3000, 2}, [](std::int64_t i) { return double(i % 7); });
  const Sums got = reduce<Sums>(x, [](const Leaf& leaf, Stream&) {
    Sums s{{0, 0, 0}};
    for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
      for (std::size_t j = 0; j < 2; ++j)
        s.values[j] += leaf.tile.as<double>()[static_cast<std::size_t>(i) * 2 + j];
      s.values[2] += 1;
    }
    return s;
  });
  double even = 0;
  double odd = 0;
  for (std::int64_t i = 0; i < 6000; ++i) (i % 2 == 0 ? even : odd) += double(i % 7);
  EXPECT_EQ(got.values, (std::vector<double>{even, odd, 3000}));
}

TEST(Reduce, WorksOnMappedRows) {
  const Array x = test::make<std::int32_t>(
      {2049, 1}, [](std::int64_t i) { return static_cast<std::int32_t>(i); });
  const Sums got = reduce<Sums>(Rows(x).as(DType::float64),
                                [](const Leaf& leaf, Stream&) { return Sums{{leaf_sum(leaf)}}; });
  EXPECT_EQ(got.values[0], 2048.0 * 2049 / 2);
}

TEST(Reduce, WorksOnPartOfTheJob) {
  const Communicator half = world().split(world().rank() % 2);
  const Array x = test::make<double>({5000, 1}, row_value, half);
  const auto& d = x.distribution();
  const Knot expected = serial_tree<Knot>(d.leaves(), [&](std::int64_t i) {
    return Knot{leaf_sum(d.rows_of_leaf(i)), 1};
  });
  const Knot got = reduce<Knot>(x, [](const Leaf& leaf, Stream&) {
    return Knot{leaf_sum(leaf), 1};
  });
  EXPECT_EQ(got.value, expected.value);
}

TEST(Reduce, WhatAKernelThrowsIsThrownEverywhere) {
  const Array x = column(2000);  // 8 leaves
  for (const int threads : {1, 3}) {
    const Threads set(threads);
    for (const std::int64_t bad : {0, 3, 7})
      test::expect_error<LinAlgError>(
          [&] {
            reduce<Knot>(x, [&](const Leaf& leaf, Stream&) -> Knot {
              if (leaf.index == bad) throw LinAlgError("leaf " + std::to_string(bad));
              return {};
            });
          },
          on_rank("leaf " + std::to_string(bad), x.distribution().owner_of_row(bad * 256)));
    test::expect_error<ValueError>(
        [&] {
          reduce<Knot>(gather(x), [](const Leaf& leaf, Stream&) -> Knot {
            if (leaf.index == 2) throw ValueError("in every process");
            return {};
          });
        },
        "in every process");
  }
}

// Refuses to absorb the partial of one leaf.
struct Brittle {
  std::int64_t leaf = 0;
  std::int64_t fails_at = -1;
  void merge(const Brittle& right) {
    if (right.leaf == fails_at) throw LinAlgError("cannot merge " + std::to_string(fails_at));
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(leaf, fails_at);
  }
};

TEST(Reduce, WhatAMergeThrowsIsThrownEverywhere) {
  const Array x = column(2000);  // 8 leaves
  for (const std::int64_t bad : {1, 2, 3, 4, 6}) {
    try {
      reduce<Brittle>(x, [&](const Leaf& leaf, Stream&) { return Brittle{leaf.index, bad}; });
      ADD_FAILURE() << "merging leaf " << bad << " threw nothing";
    } catch (const LinAlgError& e) {
      // Which rank is named depends on who merges; the rest does not.
      EXPECT_TRUE(std::string(e.what()).starts_with("cannot merge " + std::to_string(bad)))
          << e.what();
    }
  }
  EXPECT_TRUE(test::all_of(world(), true));
}

// Partials that have a header which all of the rest depends on, as Gram matrices have; and sizes
// that no number of processes divides.
constexpr std::int64_t header = 3;

void knot(std::int64_t first, std::int64_t count, double* left, const double* right) {
  for (std::int64_t i = 0; i < count; ++i) {
    double& value = left[header + i];
    value = value * 0.7 + right[header + i] / 3 + (left[1] - right[1]) * double(first + i);
  }
  for (std::int64_t i = 0; i < header; ++i) left[i] = left[i] * 0.9 + right[i];
}
double leaf_value(std::int64_t leaf, std::int64_t i) { return unit(leaf * 100003 + i) - 0.5; }

struct Flat {
  std::vector<double> values;
  void merge(const Flat& right) {
    knot(0, std::ssize(values) - header, values.data(), right.values.data());
  }
};

struct SliceFrom {
  explicit SliceFrom(std::int64_t values) { detail::slice_from(values); }
  ~SliceFrom() { detail::slice_from(512); }
};

AlignedVector<double> reduce_flat(const Array& x, std::int64_t size, Merging merging) {
  return reduce(
      x, size,
      [&](const Leaf& run, const Tile& out, Stream&) {
        for (std::int64_t i = 0; i < size; ++i) out.as<double>()[i] = leaf_value(run.index, i);
      },
      merging);
}

// By slices, whole from half to half, and whole up to rank 0 and back.
TEST(Reduce, EveryWayUpGivesTheBitsOfTheSerialTree) {
  for (const std::int64_t leaves : {0, 1, 2, 5, 8, 13, 64})
    for (const auto& [count, grain] : {std::pair{1, 1}, {4, 4}, {97, 1}, {110, 10}, {1024, 1}}) {
      const std::int64_t size = header + count;
      const Array x = zeros({leaves * 256, 1});
      ASSERT_EQ(x.distribution().leaves(), leaves);
      const Flat expected = serial_tree<Flat>(leaves, [&](std::int64_t leaf) {
        return Flat{test::tabulate<double>(size, [&](auto i) { return leaf_value(leaf, i); })};
      });
      int sliced = 0;
      const Merging merging{
          [&, grain = grain](Stream&, std::int64_t first, const Tile& left, const Tile& right) {
            EXPECT_EQ(first % grain, 0);
            EXPECT_EQ((left.cols - header) % grain, 0);
            if (left.cols < size) ++sliced;
            knot(first, left.cols - header, left.as<double>(), right.as<double>());
          },
          header, grain};
      for (const auto& [from, step] : {std::pair{0, grain}, {int(size) + 1, grain}, {0, 0}}) {
        const SliceFrom set(from);
        sliced = 0;
        Merging by_step = merging;
        by_step.grain = step;
        const auto got = reduce_flat(x, size, by_step);
        for (std::int64_t i = 0; i < size && leaves > 0; ++i)
          ASSERT_EQ(std::bit_cast<std::uint64_t>(got[static_cast<std::size_t>(i)]),
                    std::bit_cast<std::uint64_t>(expected.values[static_cast<std::size_t>(i)]))
              << leaves << " leaves, value " << i << " of " << size << ", sliced from " << from
              << ", grain " << step;
        if (leaves == 0) {
          EXPECT_EQ(std::ranges::count(got, 0.0), size);
        }
        if (from > size || step == 0 || leaves < 2) {
          EXPECT_EQ(sliced, 0);
        }
        if (from == 0 && step > 0 && leaves == 64 && count >= 97 && world().size() > 1) {
          EXPECT_GT(sliced, 0);
        }
      }
    }
}

TEST(Reduce, WhatAMergeOfASliceThrowsIsThrownEverywhere) {
  const SliceFrom set(0);
  const Array x = zeros({8 * 256, 1});
  for (const std::int64_t bad : {0, 50, 99}) {
    const Merging merging{[&](Stream&, std::int64_t first, const Tile& left, const Tile&) {
                            if (left.cols < 100 && bad >= first && bad < first + left.cols)
                              throw LinAlgError("cannot merge value " + std::to_string(bad));
                          },
                          0, 1};
    if (world().size() == 1) continue;
    try {
      reduce_flat(x, 100, merging);
      ADD_FAILURE() << "merging value " << bad << " threw nothing";
    } catch (const LinAlgError& e) {
      EXPECT_TRUE(std::string(e.what()).starts_with("cannot merge value " + std::to_string(bad)))
          << e.what();
    }
  }
  EXPECT_TRUE(test::all_of(world(), true));
}

// Of every group of processes: what one gives another takes, of each half everybody gets its slice
// once, and nobody gives more than what it costs to have it everywhere.
TEST(Slices, EveryStepDealsOutBothHalves) {
  for (const int size : {1, 2, 3, 4, 5, 6, 7, 8, 12, 31, 64, 100})
    for (const std::int64_t count : {1, 5, 100, 100003}) {
      std::vector<std::vector<detail::ClimbStep>> all;
      for (int r = 0; r < size; ++r) all.push_back(detail::slice_steps(r, size, count));
      const auto step_of = [&](int rank, Range group) {
        const auto& steps = all[static_cast<std::size_t>(rank)];
        return *std::ranges::find(steps, group, &detail::ClimbStep::group);
      };
      std::int64_t dealt = 0;
      for (int r = 0; r < size; ++r) {
        Range mine{0, count};
        std::int64_t given = 0;
        for (const auto& s : all[static_cast<std::size_t>(r)]) {
          EXPECT_EQ(s.before, mine);
          mine = s.after;
          std::array<std::vector<Range>, 2> parts;
          const Range kept = {std::max(s.before.begin, s.after.begin),
                              std::min(s.before.end, s.after.end)};
          if (kept.size() > 0) parts[r >= s.middle].push_back(kept);
          for (const auto& piece : s.take) {
            const auto theirs = step_of(piece.rank, s.group);
            EXPECT_EQ(piece.leads, piece.part.begin == theirs.before.begin);
            EXPECT_EQ(std::ranges::count(
                          theirs.give, detail::ClimbStep::Piece{r, piece.part,
                                                                piece.part.begin == s.after.begin}),
                      1);
            parts[piece.rank >= s.middle].push_back(piece.part);
          }
          for (auto& half : parts) {
            std::ranges::sort(half, {}, &Range::begin);
            std::int64_t at = s.after.begin;
            for (const Range part : half) {
              EXPECT_EQ(part.begin, at);
              at = part.end;
            }
            EXPECT_EQ(at, s.after.end) << size << " processes, rank " << r;
          }
          for (const auto& piece : s.give) given += piece.part.size();
        }
        EXPECT_LE(static_cast<double>(given), 1.45 * static_cast<double>(count) + 3)
            << size << " processes";
        dealt += mine.size();
      }
      EXPECT_EQ(dealt, count) << size << " processes";
    }
}

TEST(Slices, EveryWholeStepGivesBothHalvesToAll) {
  for (const int size : {1, 2, 3, 4, 5, 6, 7, 8, 12, 31, 64, 100}) {
    std::vector<std::vector<detail::ClimbStep>> all;
    for (int r = 0; r < size; ++r) all.push_back(detail::whole_steps(r, size));
    for (int r = 0; r < size; ++r) {
      Range mine{r, r + 1};  // the processes whose partials this one has
      for (const auto& s : all[static_cast<std::size_t>(r)]) {
        EXPECT_EQ(mine,
                  r < s.middle ? (Range{s.group.begin, s.middle}) : (Range{s.middle, s.group.end}));
        mine = s.group;
        ASSERT_EQ(s.take.size(), 1U);
        const int other = s.take[0].rank;
        EXPECT_NE(other < s.middle, r < s.middle);
        const auto& theirs = all[static_cast<std::size_t>(other)];
        const auto step = std::ranges::find(theirs, s.group, &detail::ClimbStep::group);
        ASSERT_NE(step, theirs.end());
        EXPECT_EQ(std::ranges::count(step->give, r, &detail::ClimbStep::Piece::rank), 1);
        EXPECT_LE(s.give.size(), 2U);
      }
      EXPECT_EQ(mine, (Range{0, size}));
    }
  }
}

TEST(Tree, WhatCoversARunIsWhatATreeEndsWith) {
  struct Nothing {
    void merge(const Nothing&) {}
  };
  for (std::int64_t leaves = 1; leaves <= 20; ++leaves)
    for (std::int64_t begin = 0; begin < leaves; ++begin)
      for (std::int64_t end = begin; end <= leaves; ++end) {
        detail::Tree<Nothing> tree(leaves, {begin, end});
        for (std::int64_t i = begin; i < end; ++i) tree.offer({0, i}, {});
        const auto nodes = tree.take_nodes();
        const auto cover = detail::cover({begin, end}, leaves);
        ASSERT_EQ(nodes.size(), cover.size());
        for (std::size_t i = 0; i < cover.size(); ++i) EXPECT_EQ(nodes[i].first, cover[i]);
      }
}

TEST(OnRoot, HandsTheRootsResultToAll) {
  int calls = 0;
  const auto got = on_root<std::vector<double>>(world(), [&] {
    ++calls;
    return std::vector<double>{1.5, 0.1 + 0.2, static_cast<double>(world().rank())};
  });
  EXPECT_EQ(got, (std::vector<double>{1.5, 0.1 + 0.2, 0}));
  EXPECT_EQ(calls, world().rank() == 0 ? 1 : 0);
}

TEST(OnRoot, AgreesOnFailures) {
  test::expect_error<LinAlgError>(
      [] { on_root<double>(world(), []() -> double { throw LinAlgError("did not converge"); }); },
      "did not converge");
}

}  // namespace
}  // namespace tessera
