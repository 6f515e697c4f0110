// A plug-in: plain code for one kernel and for one method of an estimator. See docs/backends.md.
#include <algorithm>

#include <tessera/estimators/operations.hpp>
#include <tessera/tessera.hpp>

using namespace tessera;

void standardize(Stream&, const Tile& x, std::span<const double> shift,
                 std::span<const double> scale, const Tile& out) {
  for (std::int64_t i = 0; i < x.rows; ++i)
    for (std::size_t j = 0; j < static_cast<std::size_t>(x.cols); ++j) {
      const double v = x.slice(i, 1).as<double>()[j] - (shift.empty() ? 0 : shift[j]);
      out.slice(i, 1).as<double>()[j] = scale.empty() ? v : v / scale[j];
    }
}

Verdict few_clusters(const Rows&, const KMeans& kmeans) {
  if (kmeans.params.n_clusters <= 100) return {};
  return Decline{"more than 100 clusters"};
}
Rows predict(const Rows& x, const KMeans& kmeans) {
  const auto nearest = [](const Leaf& distances, const Tile& labels, Stream&) {
    for (std::int64_t i = 0; i < distances.tile.rows; ++i) {
      const auto* row = distances.tile.slice(i, 1).as<const double>();
      const auto at = std::min_element(row, row + distances.tile.cols) - row;
      *labels.slice(i, 1).as<std::int32_t>() = static_cast<std::int32_t>(at);
    }
  };
  return map_rows(kmeans.transform_rows(x), {x.rows()}, DType::int32, nearest);
}

extern "C" Plugin tessera_plugin() {
  return {plugin_version, [] {
            install(Backend("plain", Device::Kind::cpu)
                        .implement(linalg::kernels().standardize, {DType::float64}, standardize)
                        .implement(method_of<KMeans>("predict"), {DType::float64}, few_clusters,
                                   predict));
          }};
}
