#include <tessera/estimators/linear_model/gram_path.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/warn.hpp>
#include <tessera/solvers/vector.hpp>

namespace tessera::detail {
namespace {

std::size_t z(std::int64_t n) { return static_cast<std::size_t>(n); }

/// [weight | mean | gram] of the folds that rows have been seen of, by their number.
struct FoldSums {
  std::vector<std::pair<std::int64_t, std::vector<double>>> folds;
  bool center = true;

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
      const auto& merge = center ? linalg::kernels().merge_grams : linalg::kernels().add;
      merge(stream, tile(at->second), tile(sums));
    }
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(folds, center);
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

GramProblem::GramProblem(const linalg::CenteredGram& g, std::int64_t targets, std::int64_t target)
    : y_squares(g.gram.at(g.cols() - targets + target, g.cols() - targets + target)),
      weight(g.weight) {
  const std::int64_t p = g.cols() - targets;
  for (std::int64_t i = 0; i < p; ++i) {
    const auto row = g.gram.row(i);
    gram.insert(gram.end(), row.begin(), row.begin() + p);
    product.push_back(row[z(p + target)]);
  }
}

double GramProblem::residual(std::span<const double> w) const {
  double sum = y_squares;
  for (std::size_t j = 0; j < w.size(); ++j)
    if (w[j] != 0)
      sum += w[j] *
             (solvers::dot(std::span(gram).subspan(j * w.size(), w.size()), w) - 2 * product[j]);
  return std::max(sum, 0.0);
}

Path descend(const GramProblem& problem, double l1_ratio, const std::vector<double>& alphas,
             std::vector<double> start, const DescentOptions& options) {
  Path path{alphas, linalg::Small(std::ssize(alphas), problem.p()), {}, {}};
  std::optional<RandomState> random;
  if (options.seed) random.emplace(*options.seed);
  for (std::size_t i = 0; i < alphas.size(); ++i) {
    const double strength = alphas[i] * problem.weight;
    auto result = solvers::coordinate_descent(
        {.gram = problem.gram,
         .product = problem.product,
         .y_squares = problem.y_squares,
         .l1 = strength * l1_ratio,
         .l2 = strength * (1 - l1_ratio),
         .positive = options.positive},
        std::move(start),
        {.max_iter = options.max_iter, .tol = options.tol, .random = random ? &*random : nullptr});
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
        "Automatic alpha grid generation is not supported for l1_ratio=0. Please supply a grid by "
        "providing your estimator with the appropriate alphas= argument.");
  const double most = solvers::max_abs(problem.product) / (problem.weight * l1_ratio);
  if (most <= 0x1p-52) return std::vector<double>(z(n_alphas), 0x1p-52);
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

Allowed folds_allowed() {
  return integers(2) | list_of(tuple_of({several(integers(0)), several(integers(0))}), 2) | none();
}

std::vector<RowSet> folds_of(const Value& cv, std::int64_t rows, std::string_view estimator) {
  std::vector<RowSet> all;
  if (const List* pairs = cv.items()) {
    std::vector<bool> tested(z(rows));
    bool partition = true;
    std::int64_t count = 0;
    for (const Value& pair : *pairs) {
      const auto sorted = [&](std::size_t which) {
        std::vector<std::int64_t> rows_of;
        for (const double v : doubles((*pair.items())[which]))
          rows_of.push_back(static_cast<std::int64_t>(v));
        std::sort(rows_of.begin(), rows_of.end());
        if (!rows_of.empty() && (rows_of.front() < 0 || rows_of.back() >= rows))
          throw ValueError(fmt::format("{}: cv has row {}, but X has {} rows", estimator,
                                       rows_of.front() < 0 ? rows_of.front() : rows_of.back(),
                                       rows));
        partition =
            partition && std::adjacent_find(rows_of.begin(), rows_of.end()) == rows_of.end();
        return rows_of;
      };
      const auto train = sorted(0), test = sorted(1);
      if (!partition) break;
      for (const std::int64_t row : test) {
        partition = partition && !tested[z(row)];
        tested[z(row)] = true;
      }
      count += std::ssize(test);
      all.push_back(RowSet::of_indices(test));
      const RowSet others = all.back().complement(rows);
      std::size_t at = 0;
      others.each_in({0, rows}, [&](Range run, std::int64_t) {
        for (std::int64_t row = run.begin; row < run.end; ++row, ++at)
          partition = partition && at < train.size() && train[at] == row;
      });
      partition = partition && at == train.size();
    }
    if (!partition || count != rows)
      throw NotImplementedError(
          fmt::format("{}: such a cv is not supported; only test sets that make up all rows, each "
                      "with all others in train, are",
                      estimator));
    return all;
  }
  const std::int64_t folds = cv.is_none() ? 5 : cv.as<std::int64_t>();
  if (folds > rows)
    throw ValueError(
        fmt::format("Cannot have number of splits n_splits={} greater than the number of samples: "
                    "n_samples={}.",
                    folds, rows));
  std::int64_t begin = 0;
  for (std::int64_t i = 0; i < folds; ++i) {
    const std::int64_t end = begin + rows / folds + (i < rows % folds ? 1 : 0);
    all.emplace_back(Range{begin, end});
    begin = end;
  }
  return all;
}

std::vector<linalg::CenteredGram> fold_grams(const Rows& x, const Array& y, const Array& weights,
                                             bool center, const std::vector<RowSet>& folds) {
  const std::int64_t m = x.cols() + y.cols();
  const auto sums = reduce<FoldSums>(zip(x, {y, weights}), [&](const Leaf& leaf, Stream& stream) {
    FoldSums all;
    all.center = center;
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
  for (std::int64_t f = 0; f < std::ssize(folds); ++f) {
    if (f == but) continue;
    FoldSums one;
    one.folds.emplace_back(0, flat(folds[z(f)]));
    sums.merge(std::move(one));
  }
  return gram_of(sums.folds[0].second, folds[0].cols());
}

}  // namespace tessera::detail
