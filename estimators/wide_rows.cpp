#include <tessera/estimators/wide_rows.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <tessera/estimators/estimator.hpp>

namespace tessera {

void for_each_wide_row(const Tile& tile,
                       const std::function<void(std::int64_t, std::span<const double>)>& visit) {
  const auto cols = static_cast<std::size_t>(tile.cols);
  std::vector<double> wide(tile.dtype == DType::float64 ? 0 : cols);
  visit_floating(tile.dtype, [&]<class T>(TypeTag<T>) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      const T* row = tile.as<const T>() + i * tile.stride;
      if constexpr (std::is_same_v<T, double>) {
        visit(i, {row, cols});
      } else {
        std::copy(row, row + cols, wide.begin());
        visit(i, wide);
      }
    }
  });
}

double weight_of(const Tile& weights, std::int64_t i) {
  if (!weights) return 1.0;
  return weights.dtype == DType::float32
             ? static_cast<double>(weights.as<const float>()[i * weights.stride])
             : weights.as<const double>()[i * weights.stride];
}

Rows map_wide_rows(const Rows& x, std::int64_t cols, WideRowKernel kernel,
                   const Estimator* checked) {
  const auto on_leaf = [=, kernel = std::move(kernel), check = checked != nullptr,
                        name = checked ? std::string(checked->name()) : std::string(),
                        names = checked ? checked->feature_names_in_ : std::vector<std::string>()](
                           const Leaf& in, const Tile& out, Stream&) {
    std::vector<double> result(static_cast<std::size_t>(cols));
    for_each_wide_row(in.tile, [&](std::int64_t i, std::span<const double> row) {
      if (check && !std::ranges::all_of(row, [](double v) { return std::isfinite(v); }))
        require_finite(in, "X", name, false, names);
      kernel(in.rows.begin + i, row, result);
      visit_floating(out.dtype, [&]<class T>(TypeTag<T>) {
        std::ranges::transform(result, out.as<T>() + i * out.stride,
                               [](double v) { return static_cast<T>(v); });
      });
    });
  };
  return map_rows(x.to(cpu), {x.rows(), cols}, x.dtype(), on_leaf).to(x.device());
}

}  // namespace tessera
