// Plain loops that read as the definition of each operation, in long double, as in linalg.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/estimators/kernels/pointwise.hpp>
#include <tessera/linalg/kernels/element.hpp>
#include <tessera/runtime/index.hpp>

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

using detail::z;

/// [x_i, 1] times each row of coefficients.
std::vector<Wide> predictors(const Tile& x, Index i, std::span<const double> coef, Index k) {
  std::vector<Wide> u(z(k));
  for (Index c = 0; c < k; ++c)
    for (Index j = 0; j <= x.cols; ++j)
      u[z(c)] += (j < x.cols ? at(x, i, j) : 1) * Wide{coef[z(c * (x.cols + 1) + j)]};
  return u;
}

/// What the loss makes of a row: its slopes by the predictors and the matrix of its curvature.
struct RowLoss {
  Wide loss = 0, scale_slope = 0;
  std::vector<Wide> slope, curvature;
  RowLoss(const LinearLoss& of, const std::vector<Wide>& u, Wide y)
      : slope(u.size()), curvature(u.size() * u.size()) {
    if (of.loss != Loss::multinomial) {
      const auto p = pointwise(of, u[0], y);
      loss = p.loss;
      scale_slope = p.scale_slope;
      slope[0] = p.slope;
      curvature[0] = p.curvature;
      return;
    }
    const Wide most = *std::max_element(u.begin(), u.end());
    Wide sum = 0;
    for (const Wide v : u) sum += std::exp(v - most);
    const auto label = static_cast<std::size_t>(y);
    loss = most + std::log(sum) - u[label];
    const auto probability = [&](std::size_t c) { return std::exp(u[c] - most) / sum; };
    for (std::size_t a = 0; a < u.size(); ++a) {
      slope[a] = probability(a) - (a == label ? 1 : 0);
      for (std::size_t b = 0; b < u.size(); ++b)
        curvature[a * u.size() + b] = probability(a) * ((a == b ? 1 : 0) - probability(b));
    }
  }
};

/// sums (k x (p + 1)) += g [x_i, 1]^T.
void add_outer(const std::vector<Wide>& g, const Tile& x, Index i, Wide* sums) {
  for (const Wide each : g)
    for (Index j = 0; j <= x.cols; ++j) *sums++ += each * (j < x.cols ? at(x, i, j) : 1);
}

void store(const std::vector<Wide>& sums, const Tile& out) {
  for (Index i = 0; i < out.rows; ++i)
    for (Index j = 0; j < out.cols; ++j) put(out, i, j, sums[z(i * out.cols + j)]);
}

void leaf_loss(Stream&, const Tile& x, Index leaf_rows, const Tile& y, const Tile& weights,
               std::span<const double> coef, const LinearLoss& loss, const Tile& curvature,
               const Tile& out) {
  const Index k = loss.outputs;
  std::vector<Wide> sums(z(out.rows * out.cols));
  for_each_row(x, leaf_rows, out, [&](Index i, Index leaf) {
    const Wide w = weight_of(weights, i);
    RowLoss row(loss, predictors(x, i, coef, k), at(y, i, 0));
    Wide* sum = sums.data() + leaf * out.cols;
    if (w == 0 && std::isnan(row.loss)) sum[0] += row.loss;
    if (w != 0) {
      sum[0] += w * row.loss;
      sum[1] += w * row.scale_slope;
      for (Wide& g : row.slope) g *= w;
      add_outer(row.slope, x, i, sum + LinearLoss::gradient_at);
    }
    Index pair = 0;
    for (Index a = 0; curvature && a < k; ++a)
      for (Index b = a; b < k; ++b, ++pair) {
        const Wide h = row.curvature[z(a * k + b)];
        put(curvature, pair, i, w == 0 ? 0 : std::max(w * (a == b ? h : -h), Wide{0}));
      }
  });
  store(sums, out);
}

void leaf_product(Stream&, const Tile& x, Index leaf_rows, const Tile& y, const Tile& weights,
                  std::span<const double> coef, const LinearLoss& loss,
                  std::span<const double> direction, const Tile& out) {
  const Index k = loss.outputs;
  std::vector<Wide> sums(z(out.rows * out.cols));
  for_each_row(x, leaf_rows, out, [&](Index i, Index leaf) {
    const Wide w = weight_of(weights, i);
    if (w == 0) return;
    const RowLoss row(loss, predictors(x, i, coef, k), at(y, i, 0));
    const std::vector<Wide> along = predictors(x, i, direction, k);
    std::vector<Wide> turned(z(k));
    for (Index a = 0; a < k; ++a)
      for (Index b = 0; b < k; ++b) turned[z(a)] += w * row.curvature[z(a * k + b)] * along[z(b)];
    add_outer(turned, x, i, sums.data() + leaf * out.cols);
  });
  store(sums, out);
}

}  // namespace

Backend reference_backend(const EstimatorKernels& k) {
  Backend backend("reference", Device::Kind::cpu, -100);
  backend.implement(k.assign_nearest, floating, assign_nearest)
      .implement(k.candidate_potentials, floating, candidate_potentials)
      .implement(k.update_closest, floating, update_closest)
      .implement(k.distances, floating, distances)
      .implement(k.leaf_loss, floating, leaf_loss)
      .implement(k.leaf_product, floating, leaf_product);
  return backend;
}

}  // namespace tessera
