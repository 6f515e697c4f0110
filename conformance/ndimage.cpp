// Filters of images.
#include <fmt/format.h>

#include <utility>

#include <tessera/ndimage/kernels/filters.hpp>
#include <tessera/ndimage/kernels/interpolation.hpp>

#include "suite.hpp"

namespace tessera::conformance {
namespace {

using namespace ndimage;

/// Images whose elements are few different numbers and many.
struct Size {
  Index rows, cols;
  Layout layout;
};
constexpr Size sizes[] = {{1, 1, compact}, {3, 70, spread}, {40, 5, compact}, {17, 300, spread}};

Matrix image(Numbers& numbers, DType dtype, Index rows, Index cols, Layout layout) {
  Matrix m(dtype, rows, cols, layout);
  const Index kinds = rows % 2 == 0 ? 5 : 200;
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) m.set(i, j, static_cast<Wide>(numbers.below(kinds)));
  return m;
}

/// Checks of a filter that looks at a box of each number of rows and columns.
void check_taps(Suite& suite, DType dtype, const std::vector<std::pair<Index, Index>>& boxes,
                const std::function<void(Stream&, const Tile&, const Taps&)>& filter) {
  Numbers numbers(4);
  for (const auto& [high, wide] : boxes)
    for (const Size& s : sizes)
      suite.check(
          fmt::format("{} x {} of {} x {}", high, wide, s.rows, s.cols),
          {image(numbers, dtype, s.rows + high - 1, s.cols + wide - 1, s.layout),
           result(dtype, s.rows, s.cols, s.layout)},
          [&](Stream& stream, Tiles t, Host&) {
            std::vector<const void*> lines;
            for (Index i = 0; i < high; ++i)
              for (Index j = 0; j < wide; ++j)
                lines.push_back(t[0].slice(i, s.rows).columns(j, s.cols).data);
            filter(stream, t[1], {lines, t[0].stride});
          },
          [](const Outcome& got, const Outcome& want, Judge& judge) {
            judge.same(got.tiles[1], want.tiles[1]);
          });
}

// Sums in the order that the definition says are the same to the bit.
void run_weighted_sum(Suite& suite, DType dtype) {
  for (const Pairs pairs : {Pairs::none, Pairs::even, Pairs::odd})
    check_taps(suite, dtype, {{1, 1}, {5, 3}, {1, 17}},
               [pairs](Stream& stream, const Tile& out, const Taps& taps) {
                 const std::size_t n =
                     pairs == Pairs::none ? taps.lines.size() : (taps.lines.size() + 1) / 2;
                 Host weights;
                 for (std::size_t k = 0; k < n; ++k)
                   weights.push_back(0.3 + 0.1 * static_cast<double>(k));
                 filters().weighted_sum(stream, out, taps, weights, pairs);
               });
}

void run_extreme(Suite& suite, DType dtype) {
  for (const bool largest : {false, true})
    for (const bool higher : {false, true}) {
      if (higher && dtype != DType::float64) continue;
      check_taps(suite, dtype, {{1, 1}, {3, 3}, {2, 9}},
                 [=](Stream& stream, const Tile& out, const Taps& taps) {
                   Host heights;
                   for (std::size_t k = 0; higher && k < taps.lines.size(); ++k)
                     heights.push_back(static_cast<double>(k % 3) - 1.5);
                   filters().extreme(stream, out, taps, heights, largest);
                 });
    }
}

void run_rank(Suite& suite, DType dtype) {
  for (const double share : {0.0, 0.3, 0.5, 1.0})
    check_taps(suite, dtype, {{1, 1}, {3, 3}, {5, 5}, {14, 14}},
               [share](Stream& stream, const Tile& out, const Taps& taps) {
                 const auto last = static_cast<double>(taps.lines.size() - 1);
                 filters().rank(stream, out, taps, static_cast<std::int64_t>(share * last));
               });
}

void run_slide(Suite& suite, DType dtype) {
  Numbers numbers(5);
  for (const Fold fold : {Fold::least, Fold::largest, Fold::mean})
    for (const int axis : {0, 1})
      for (const Index size : {1, 2, 9, 50})
        for (const Index first : {0, 7, -13})
          for (const Size& s : sizes)
            suite.check(
                fmt::format("fold {}, {} along {}, {} x {} from {}", static_cast<int>(fold), size,
                            axis, s.rows, s.cols, first),
                {image(numbers, dtype, s.rows + (axis == 0 ? size - 1 : 0),
                       s.cols + (axis == 1 ? size - 1 : 0), s.layout),
                 result(dtype, s.rows, s.cols, s.layout)},
                [&](Stream& stream, Tiles t, Host&) {
                  filters().slide(stream, t[0], t[1], fold, axis, size, first);
                },
                [](const Outcome& got, const Outcome& want, Judge& judge) {
                  judge.same(got.tiles[1], want.tiles[1]);
                });
}

// Lines one by one and side by side.
void run_spline_filter(Suite& suite, DType dtype) {
  Numbers numbers(6);
  for (const SplineEnds ends : {SplineEnds::mirror, SplineEnds::reflect, SplineEnds::wrap})
    for (const int order : {2, 3, 4, 5})
      for (const Size& s : {Size{1, 3, compact}, Size{2, 20, spread}, Size{300, 37, compact}})
        suite.check(
            fmt::format("order {}, ends {}, {} x {}", order, static_cast<int>(ends), s.rows,
                        s.cols),
            {image(numbers, dtype, s.rows, s.cols, s.layout).output()},
            [&](Stream& stream, Tiles t, Host&) {
              interpolators().spline_filter(stream, t[0], order, ends);
            },
            [](const Outcome& got, const Outcome& want, Judge& judge) {
              for (Index i = 0; i < want.tiles[0].rows; ++i)
                for (Index j = 0; j < want.tiles[0].cols; ++j)
                  judge.near(got.tiles[0](i, j), want.tiles[0](i, j), 1e4 * eps64, i, j);
            });
}

}  // namespace

std::vector<Cases> ndimage_cases() {
  return {{"ndimage.weighted_sum", {DType::float64}, run_weighted_sum},
          {"ndimage.extreme", comparable, run_extreme},
          {"ndimage.rank", comparable, run_rank},
          {"ndimage.slide", comparable, run_slide},
          {"ndimage.spline_filter", {DType::float64}, run_spline_filter}};
}

}  // namespace tessera::conformance
