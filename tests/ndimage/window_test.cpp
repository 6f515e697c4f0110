#include <gtest/gtest.h>

#include <numeric>

#include <tessera/ndimage/border.hpp>
#include <tessera/ndimage/filters.hpp>
#include <tessera/ndimage/window.hpp>

namespace tessera::ndimage {
namespace {

constexpr Mode modes[] = {Mode::reflect, Mode::constant, Mode::nearest, Mode::mirror, Mode::wrap};

// What stands beyond the ends of 0 1 2 3, from -6 to 9.
TEST(Border, ContinuesAsTheModeSays) {
  const std::vector<std::vector<std::int64_t>> want = {
      {2, 3, 3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0, 0, 1},
      {-1, -1, -1, -1, -1, -1, 0, 1, 2, 3, -1, -1, -1, -1, -1, -1},
      {0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3, 3},
      {0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3},
      {2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1}};
  for (std::size_t m = 0; m < want.size(); ++m)
    for (std::int64_t i = -6; i < 10; ++i)
      EXPECT_EQ(source_index(i, 4, modes[m]), want[m][static_cast<std::size_t>(i + 6)])
          << "mode " << m << ", index " << i;
  for (const Mode mode : modes)
    EXPECT_EQ(source_index(-5, 1, mode), mode == Mode::constant ? -1 : 0);
}

TEST(Border, RangesHoldWhatStandsAroundRowsAndNothingElse) {
  for (const Mode mode : modes)
    for (const std::int64_t n : {1, 2, 5, 12})
      for (std::int64_t first = 0; first < n; ++first)
        for (const std::int64_t before : {0, 1, 4, 40})
          for (const std::int64_t after : {0, 2, 30}) {
            const Range rows = {first - before, first + 1 + after};
            std::vector<bool> needed(static_cast<std::size_t>(n)), held(needed);
            for (std::int64_t i = rows.begin; i < rows.end; ++i)
              if (const auto s = source_index(i, n, mode); s >= 0)
                needed[static_cast<std::size_t>(s)] = true;
            std::int64_t last = -1;
            for (const Range& r : source_ranges(rows, n, mode)) {
              EXPECT_LT(last, r.begin);
              EXPECT_LT(r.begin, r.end);
              last = r.end;
              for (std::int64_t i = r.begin; i < r.end; ++i)
                held[static_cast<std::size_t>(i)] = true;
            }
            EXPECT_EQ(held, needed) << static_cast<int>(mode) << " " << n << " " << first;
          }
}

// Rows of every process around its own, fewer than it has or more than there are.
TEST(Window, HasTheRowsOfOthers) {
  const Communicator comm = Communicator::world();
  for (const std::int64_t rows : {0, 1, 40, 257, 513, 3000})
    for (const std::int64_t halo : {0, 1, 300, 4000})
      for (const bool everywhere : {false, true})
        for (const Mode mode : modes) {
          const Shape shape = {rows, 3};
          std::vector<double> all(static_cast<std::size_t>(rows * 3));
          std::iota(all.begin(), all.end(), 0);
          const Array x = everywhere ? replicated(all, shape, comm)
                                     : from_host(std::span<const double>(all), shape, comm);
          const auto wants = [&](int rank) {
            const Range own = x.distribution().rows_of(rank);
            if (own.size() == 0) return std::vector<Range>{};
            return source_ranges({own.begin - halo, own.end + halo}, rows, mode);
          };
          const Window window(x, wants);
          for (const Range& r : wants(comm.rank()))
            for (std::int64_t i = r.begin; i < r.end; ++i) {
              const auto* row = reinterpret_cast<const double*>(window.row(i));
              ASSERT_EQ(row[0], 3 * i);
              ASSERT_EQ(row[2], 3 * i + 2);
            }
        }
}

// A kernel in C++, of which a row of ones knows how many neighbours there are.
TEST(Filters, TakeACompiledKernel) {
  const Array x = full<double>({700, 5}, 1.0);
  Filter filter;
  filter.mode = {Mode::constant};
  const Array sums = generic_filter(
      x, [](std::span<const double> v) { return std::accumulate(v.begin(), v.end(), 0.0); },
      {.size = {5, 3}}, filter);
  EXPECT_EQ(sums.at<double>({350, 2}), 15);
  EXPECT_EQ(sums.at<double>({0, 0}), 6);
  EXPECT_EQ(sums.at<double>({699, 4}), 6);
  EXPECT_EQ(sums.at<double>({1, 2}), 12);
}

}  // namespace
}  // namespace tessera::ndimage
