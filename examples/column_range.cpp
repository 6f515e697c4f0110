// A new distributed algorithm: a partial for one leaf, a merge, and the tree does the rest.
#include <algorithm>
#include <iostream>
#include <limits>
#include <vector>

#include <tessera/tessera.hpp>

using namespace tessera;

struct ColumnRange {
  std::vector<double> low, high;

  void merge(const ColumnRange& right) {
    for (std::size_t j = 0; j < low.size(); ++j) {
      low[j] = std::min(low[j], right.low[j]);
      high[j] = std::max(high[j], right.high[j]);
    }
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(low, high);
  }
};

int main(int argc, char** argv) {
  Runtime runtime(argc, argv);
  const Rows x = Rows(io::read(argc > 1 ? argv[1] : "points.h5:/X")).as(DType::float64);
  const auto range = reduce<ColumnRange>(x, [](const Leaf& leaf, Stream&) {
    const auto p = static_cast<std::size_t>(leaf.tile.cols);
    constexpr double inf = std::numeric_limits<double>::infinity();
    ColumnRange r{std::vector<double>(p, inf), std::vector<double>(p, -inf)};
    for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
      for (std::size_t j = 0; j < p; ++j) {
        const double v = leaf.tile.slice(i, 1).as<const double>()[j];
        r.low[j] = std::min(r.low[j], v);
        r.high[j] = std::max(r.high[j], v);
      }
    return r;
  });
  if (x.comm().rank() == 0)
    for (std::size_t j = 0; j < range.low.size(); ++j)
      std::cout << "column " << j << ": " << range.low[j] << " to " << range.high[j] << "\n";
}
