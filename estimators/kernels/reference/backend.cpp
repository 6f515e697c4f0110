// Plain loops that read as the definition of each operation, in long double, as in linalg.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/linalg/kernels/element.hpp>

namespace tessera {
namespace {

using namespace tessera::reference;

/// |x_i - offset - c_j|^2; an offset may be nothing.
Wide squared_distance(const Tile& x, Index i, const Tile& centers, Index j, const Tile& offset) {
  Wide sum = 0;
  for (Index t = 0; t < x.cols; ++t) {
    const Wide v = at(x, i, t) - (offset ? at(offset, 0, t) : 0) - at(centers, j, t);
    sum += v * v;
  }
  return sum;
}

/// The smaller one; `a` where b is not a number.
Wide smaller(Wide a, Wide b) { return b < a ? b : a; }

/// Calls f(row, i) for the rows of every leaf i.
template <class F>
void for_each_row(const Tile& x, Index leaf_rows, const Tile& out, F f) {
  for (Index i = 0; i < out.rows; ++i)
    for (Index row = i * leaf_rows; row < std::min(x.rows, (i + 1) * leaf_rows); ++row) f(row, i);
}

void zero(const Tile& t) {
  for (Index i = 0; i < t.rows; ++i)
    for (Index j = 0; j < t.cols; ++j) put(t, i, j, 0);
}

void assign_nearest(Stream&, const Tile& x, Index leaf_rows, const Tile& centers,
                    const Tile& offset, const Tile& weights, const Tile& labels,
                    const AssignmentParts& parts, const Tile& out) {
  std::vector<Wide> sums(static_cast<std::size_t>(out.rows * parts.size()));
  for_each_row(x, leaf_rows, out, [&](Index row, Index leaf) {
    Index nearest = 0;
    Wide best = std::numeric_limits<Wide>::infinity();
    for (Index j = 0; j < centers.rows; ++j)
      if (const Wide d = squared_distance(x, row, centers, j, offset); d < best) {
        best = d;
        nearest = j;
      }
    Wide* sum = sums.data() + leaf * parts.size();
    const Wide w = weight_of(weights, row);
    for (Index t = 0; parts.sums && t < x.cols; ++t)
      sum[nearest * x.cols + t] += w * (at(x, row, t) - (offset ? at(offset, 0, t) : 0));
    sum[parts.counts_at() + nearest] += w;
    if (parts.inertia)
      sum[parts.inertia_at()] += w * squared_distance(x, row, centers, nearest, offset);
    std::int32_t& label = labels.as<std::int32_t>()[row * labels.stride];
    sum[parts.changed_at()] += label != nearest;
    label = static_cast<std::int32_t>(nearest);
  });
  for (Index i = 0; i < out.rows; ++i)
    for (Index k = 0; k < parts.size(); ++k)
      put(out, i, k, sums[static_cast<std::size_t>(i * parts.size() + k)]);
}

void candidate_potentials(Stream&, const Tile& x, Index leaf_rows, const Tile& candidates,
                          const Tile& weights, const Tile& closest, const Tile& out) {
  zero(out);
  for (Index t = 0; t < candidates.rows; ++t) {
    std::vector<Wide> sums(static_cast<std::size_t>(out.rows));
    for_each_row(x, leaf_rows, out, [&](Index row, Index leaf) {
      const Wide d = squared_distance(x, row, candidates, t, {});
      sums[static_cast<std::size_t>(leaf)] +=
          weight_of(weights, row) * smaller(at(closest, row, 0), d);
    });
    for (Index i = 0; i < out.rows; ++i) put(out, i, t, sums[static_cast<std::size_t>(i)]);
  }
}

void update_closest(Stream&, const Tile& x, Index leaf_rows, const Tile& centers,
                    const Tile& weights, const Tile& closest, const Tile& out) {
  std::vector<Wide> sums(static_cast<std::size_t>(out.rows));
  for_each_row(x, leaf_rows, out, [&](Index row, Index leaf) {
    Wide best = at(closest, row, 0);
    for (Index j = 0; j < centers.rows; ++j)
      best = smaller(best, squared_distance(x, row, centers, j, {}));
    put(closest, row, 0, best);
    sums[static_cast<std::size_t>(leaf)] += weight_of(weights, row) * at(closest, row, 0);
  });
  for (Index i = 0; i < out.rows; ++i) put(out, i, 0, sums[static_cast<std::size_t>(i)]);
}

void distances(Stream&, const Tile& x, const Tile& centers, const Tile& out) {
  for (Index i = 0; i < out.rows; ++i)
    for (Index j = 0; j < out.cols; ++j)
      put(out, i, j, std::sqrt(squared_distance(x, i, centers, j, {})));
}

}  // namespace

Backend reference_backend(const EstimatorKernels& k) {
  Backend backend("reference", Device::Kind::cpu, -100);
  backend.implement(k.assign_nearest, floating, assign_nearest)
      .implement(k.candidate_potentials, floating, candidate_potentials)
      .implement(k.update_closest, floating, update_closest)
      .implement(k.distances, floating, distances);
  return backend;
}

}  // namespace tessera
