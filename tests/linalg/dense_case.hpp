#pragma once
#include <gtest/gtest.h>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>

#include "host_matrix.hpp"

/// Dense functions on one process and over a grid.
namespace tessera::linalg::test {

using namespace tessera::test;

inline constexpr double few = 10;  // what backward errors may be, in eps * n * norm

// Small matrices on a grid when told so.
struct Limit {
  // Small blocks, so that every process of the grid has some.
  explicit Limit(bool grid)
      : before(detail::limit_one_process(grid ? -1 : 1 << 20)),
        block(scalapack::Grid::use_blocks_of(grid ? 6 : 64)) {}
  ~Limit() {
    detail::limit_one_process(before);
    scalapack::Grid::use_blocks_of(block);
  }
  std::int64_t before;
  std::int64_t block;
};

template <class T>
class DenseCase : public testing::Test {
 protected:
  // Calls check(layout) on one process and over the grid.
  template <class F>
  static void everywhere(F check) {
    for (const bool grid : {false, true})
      for (const Layout layout : all_layouts) {
        SCOPED_TRACE(fmt::format("{}, {}", grid ? "grid" : "one process", name_of_layout(layout)));
        const Limit limit(grid);
        check(layout);
      }
  }
};
using Types = testing::Types<float, double, std::complex<float>, std::complex<double>>;

inline const std::vector<std::int64_t> orders = {0, 1, 2, 5, 13, 40};
struct Extents {
  std::int64_t m, n;
};
inline const std::vector<Extents> shapes = {{0, 0}, {0, 3}, {3, 0},   {1, 1},
                                            {5, 3}, {3, 5}, {23, 20}, {20, 23}};

inline HostMatrix triangle(const HostMatrix& a, bool lower, bool unit = false) {
  return {a.rows, a.cols, [&](auto i, auto j) {
            return unit && i == j ? 1.0 : (lower ? i >= j : i <= j) ? a(i, j) : 0.0;
          }};
}

}  // namespace tessera::linalg::test
