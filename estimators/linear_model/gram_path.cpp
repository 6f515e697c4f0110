#include <tessera/estimators/linear_model/gram_path.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/warn.hpp>
#include <tessera/solvers/vector.hpp>

namespace tessera::detail {
namespace {

/// [weight | mean | gram] of the folds that rows have been seen of, by their number.
struct FoldSums {
  std::vector<std::pair<std::int64_t, std::vector<double>>> folds;
  bool center = true;
  std::int64_t columns = 0;

  void merge(FoldSums&& right) {
    Stream stream;
    for (auto& [fold, sums] : right.folds) {
      const auto at = std::lower_bound(folds.begin(), folds.end(), fold,
                                       [](const auto& a, std::int64_t b) { return a.first < b; });
      if (at == folds.end() || at->first != fold) {
        folds.emplace(at, fold, std::move(sums));
        continue;
      }
      const auto tile = [](std::vector<double>& v) {
        return tile_of(v.data(), 1, std::ssize(v), std::ssize(v));
      };
      if (center)
        linalg::kernels().merge_grams(stream, columns, 0, tile(at->second), tile(sums));
      else
        linalg::kernels().add(stream, tile(at->second), tile(sums));
    }
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(folds, center, columns);
  }
};

std::vector<double> flat(const linalg::CenteredGram& g) {
  std::vector<double> all{g.weight};
  all.insert(all.end(), g.mean.begin(), g.mean.end());
  all.insert(all.end(), g.gram.values().begin(), g.gram.values().end());
  return all;
}
linalg::CenteredGram gram_of(const std::vector<double>& v, std::int64_t m) {
  return {v[0], {v.begin() + 1, v.begin() + 1 + m}, {m, m, {v.begin() + 1 + m, v.end()}}};
}

}  // namespace

GramProblem::GramProblem(const linalg::CenteredGram& g, std::int64_t targets, std::int64_t target) {
  take(g, targets, target);
}
GramProblem::GramProblem(const linalg::CenteredGram& g, std::int64_t targets)
    : tasks(targets), grouped(true) {
  take(g, targets, 0);
}

void GramProblem::take(const linalg::CenteredGram& g, std::int64_t targets, std::int64_t first) {
  const std::int64_t features = g.cols() - targets;
  weight = g.weight;
  y_squares = 0.0;
  for (std::int64_t t = features + first; t < features + first + tasks; ++t)
    y_squares += g.gram.at(t, t);
  for (std::int64_t i = 0; i < features; ++i) {
    const auto row = g.gram.row(i);
    gram.insert(gram.end(), row.begin(), row.begin() + features);
    const auto from = row.begin() + features + first;
    product.insert(product.end(), from, from + tasks);
  }
}

double GramProblem::residual(std::span<const double> w) const {
  double sum = y_squares;
  const std::size_t n = z(p());
  std::vector<double> one(n);
  for (std::size_t t = 0; t < z(tasks); ++t) {
    for (std::size_t j = 0; j < n; ++j) one[j] = w[j * z(tasks) + t];
    for (std::size_t j = 0; j < n; ++j)
      if (one[j] != 0)
        sum += one[j] * (solvers::dot(std::span(gram).subspan(j * n, n), one) -
                         2 * product[j * z(tasks) + t]);
  }
  return std::max(sum, 0.0);
}

Path descend(const GramProblem& problem, double l1_ratio, const std::vector<double>& alphas,
             std::vector<double> start, const DescentOptions& options) {
  Path path{alphas, linalg::Small(std::ssize(alphas), std::ssize(problem.product)), {}, {}};
  std::optional<RandomState> random;
  if (options.seed) random.emplace(*options.seed);
  const solvers::CoordinateDescentOptions how{
      .max_iter = options.max_iter, .tol = options.tol, .random = random ? &*random : nullptr};
  for (std::size_t i = 0; i < alphas.size(); ++i) {
    const double strength = alphas[i] * problem.weight;
    const double l1 = strength * l1_ratio, l2 = strength * (1 - l1_ratio);
    auto result = problem.grouped
                      ? solvers::group_coordinate_descent({.gram = problem.gram,
                                                           .product = problem.product,
                                                           .tasks = problem.tasks,
                                                           .y_squares = problem.y_squares,
                                                           .l1 = l1,
                                                           .l2 = l2},
                                                          std::move(start), how)
                      : solvers::coordinate_descent({.gram = problem.gram,
                                                     .product = problem.product,
                                                     .y_squares = problem.y_squares,
                                                     .l1 = l1,
                                                     .l2 = l2,
                                                     .positive = options.positive},
                                                    std::move(start), how);
    path.dual_gaps.push_back(result.gap / problem.weight);
    path.n_iters.push_back(result.n_iter);
    std::copy(result.x.begin(), result.x.end(),
              path.coefs.row(static_cast<std::int64_t>(i)).begin());
    start = std::move(result.x);
  }
  return path;
}

std::vector<double> alpha_grid(const GramProblem& problem, double l1_ratio, double eps,
                               std::int64_t n_alphas) {
  if (l1_ratio == 0)
    throw ValueError(
        "l1_ratio=0 has no alpha from which on all coefficients are 0, where a grid would begin: "
        "give "
        "alphas");
  double most = solvers::max_abs(problem.product);
  if (problem.grouped) {
    most = 0.0;
    for (std::size_t j = 0; j < z(problem.p()); ++j) {
      const auto row = std::span(problem.product).subspan(j * z(problem.tasks), z(problem.tasks));
      most = std::max(most, std::sqrt(solvers::dot(row, row)));
    }
  }
  most /= problem.weight * l1_ratio;
  if (most <= 1e-15) return std::vector<double>(z(n_alphas), 1e-15);
  std::vector<double> alphas;
  const double low = std::log10(most * eps), high = std::log10(most);
  for (std::int64_t i = 0; i < n_alphas; ++i)
    alphas.push_back(i == 0 ? most
                            : std::pow(10.0, high + (low - high) * static_cast<double>(i) /
                                                        static_cast<double>(std::max<std::int64_t>(
                                                            1, n_alphas - 1))));
  return alphas;
}

void warn_of_gap(double gap, double tolerance, std::string_view estimator) {
  if (gap > tolerance)
    warn(fmt::format("{}: Objective did not converge. You might want to increase the number of "
                     "iterations, check the scale of the features or consider increasing "
                     "regularisation. Duality gap: {:.3e}, tolerance: {:.3e}",
                     estimator, gap, tolerance),
         "ConvergenceWarning");
}

std::vector<linalg::CenteredGram> fold_grams(const Rows& x, const Array& y, const Array& weights,
                                             bool center, const std::vector<RowSet>& folds) {
  const std::int64_t m = x.cols() + y.cols();
  const auto sums = reduce<FoldSums>(zip(x, {y, weights}), [&](const Leaf& leaf, Stream& stream) {
    FoldSums all;
    all.center = center;
    all.columns = m;
    for (std::int64_t f = 0; f < std::ssize(folds); ++f)
      folds[z(f)].each_in(leaf.rows, [&](Range rows, std::int64_t) {
        const auto part = [&](const Tile& t) {
          return t ? t.slice(rows.begin - leaf.rows.begin, rows.size()) : t;
        };
        FoldSums one;
        one.center = center;
        one.folds.emplace_back(f, std::vector<double>(z(1 + m + m * m)));
        auto& values = one.folds[0].second;
        Tile out = tile_of(values.data(), 1, std::ssize(values), std::ssize(values));
        const bool here = leaf.tile.device == cpu;
        const Buffer there(here ? 0 : values.size() * sizeof(double), leaf.tile.device);
        Tile target = out;
        if (!here) {
          target.data = there.data();
          target.device = leaf.tile.device;
        }
        linalg::kernels().leaf_gram(stream, part(leaf.tile), rows.size(), part(leaf.beside[0]),
                                    part(leaf.beside[1]), center, target);
        if (!here) copy(stream, target, out);
        stream.synchronize();
        all.merge(std::move(one));
      });
    return all;
  });
  std::vector<linalg::CenteredGram> grams(folds.size(),
                                          gram_of(std::vector<double>(z(1 + m + m * m)), m));
  for (const auto& [fold, values] : sums.folds) grams[z(fold)] = gram_of(values, m);
  return grams;
}

linalg::CenteredGram merged(const std::vector<linalg::CenteredGram>& folds, std::int64_t but) {
  FoldSums sums;
  sums.columns = folds[0].cols();
  for (std::int64_t f = 0; f < std::ssize(folds); ++f) {
    if (f == but) continue;
    FoldSums one;
    one.folds.emplace_back(0, flat(folds[z(f)]));
    sums.merge(std::move(one));
  }
  return gram_of(sums.folds[0].second, folds[0].cols());
}

}  // namespace tessera::detail
