#include <tessera/estimators/metrics/multilabel.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <span>

#include <tessera/array/manipulation.hpp>
#include <tessera/estimators/estimator.hpp>
#include <tessera/estimators/feature_selection/selector.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera::metrics {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
using Row = std::span<const double>;
using tessera::detail::z;

// y_true and what is beside it as float64 in host memory, checked.
struct Sets {
  Array truth, other, weights;

  Sets(const Array& y_true, const Array& y_other, const Array& sample_weight, const char* what) {
    if (y_true.ndim() != 2 || y_true.shape() != y_other.shape())
      throw ValueError(fmt::format("y_true and {} must be (n, k) alike, got {} and {}", what,
                                   to_string(y_true.shape()), to_string(y_other.shape())));
    if (y_true.rows() == 0) throw ValueError(fmt::format("y_true and {} have no rows", what));
    for (const Array& y : {y_true, y_other})
      if (is_complex(y.dtype()) || !y.categories().empty())
        throw ValueError(fmt::format("y_true and {} must be real numbers, got {}", what,
                                     y.categories().empty() ? name_of(y.dtype()) : "text"));
    truth = y_true.to(cpu).astype(DType::float64);
    other = redistribute(y_other.to(cpu).astype(DType::float64), truth.distribution());
    require_finite(Rows(truth), "y_true", "metric");
    require_finite(Rows(other), what, "metric");
    if (!sample_weight) return;
    if (sample_weight.size() != y_true.rows())
      throw ValueError(fmt::format("sample_weight must have {} values, got shape {}", y_true.rows(),
                                   to_string(sample_weight.shape())));
    weights = redistribute(sample_weight.to(cpu).astype(DType::float64).reshape({y_true.rows()}),
                           truth.distribution());
    require_finite(Rows(weights), "sample_weight", "metric");
    require_some_weight(weights);
  }

  // Sums over the rows of f(sums, truth, other, weight).
  std::vector<double> sums(
      std::size_t count,
      const std::function<void(std::vector<double>&, Row, Row, double)>& f) const {
    auto all = reduce<Sums>(zip(Rows(truth), {other, weights}), [&](const Leaf& leaf, Stream&) {
      Sums s{std::vector<double>(count)};
      const auto row = [](const Tile& t, std::int64_t i) {
        return Row(t.as<const double>() + i * t.stride, z(t.cols));
      };
      for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
        f(s.values, row(leaf.tile, i), row(leaf.beside[0], i),
          leaf.beside[1] ? leaf.beside[1].as<const double>()[i] : 1.0);
      return s;
    });
    all.values.resize(count);
    return all.values;
  }
  double mean(const std::function<double(Row, Row)>& f) const {
    const auto s = sums(2, [&](std::vector<double>& to, Row a, Row b, double w) {
      to[0] += w * f(a, b);
      to[1] += w;
    });
    return s[0] / s[1];
  }
};

void require_indicators(const Sets& y, bool both) {
  const auto s = y.sums(1, [both](std::vector<double>& to, Row a, Row b, double) {
    const auto is_no_label = [](double v) { return v != 0.0 && v != 1.0; };
    if (std::ranges::any_of(a, is_no_label) || (both && std::ranges::any_of(b, is_no_label)))
      to[0] = 1.0;
  });
  if (s[0] != 0.0)
    throw ValueError(
        "multiclass-multioutput is not supported: labels of several columns must be 0 and 1");
}

std::vector<std::int64_t> all_columns(const Array& x) {
  std::vector<std::int64_t> all(z(x.cols()));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  return all;
}

Array column_of(const Array& x, std::int64_t c) {
  return collect(tessera::detail::take_columns(x, {c})).reshape({x.rows()});
}

// Pairs of a label and another column: those in the right order, those that tie, and all.
struct Pairs3 {
  double right = 0.0, tied = 0.0, all = 0.0;
  Pairs3(Row truth, Row score) {
    for (std::size_t a = 0; a < truth.size(); ++a)
      for (std::size_t b = 0; truth[a] != 0.0 && b < truth.size(); ++b) {
        if (truth[b] != 0.0) continue;
        ++all;
        right += score[a] > score[b];
        tied += score[a] == score[b];
      }
  }
};

// For each label of a row: of the columns that score as high the labels, and all.
template <class F>
void each_label(Row truth, Row score, const F& f) {
  for (std::size_t a = 0; a < truth.size(); ++a) {
    if (truth[a] == 0.0) continue;
    double labels = 0.0, all = 0.0;
    for (std::size_t b = 0; b < truth.size(); ++b) {
      if (score[b] < score[a]) continue;
      ++all;
      labels += truth[b] != 0.0;
    }
    f(labels, all);
  }
}

// The discounted gain of one row.
double gain_of(Row truth, Row score, const GainOptions& options, bool ignore_ties) {
  const std::size_t n = truth.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  // The later of equal ones first, as scikit-learn's reversed sort has them.
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return score[a] != score[b] ? score[a] > score[b] : a > b;
  });
  const auto discount = [&](std::size_t i) {
    return options.k > 0 && i >= z(options.k)
               ? 0.0
               : std::log(options.log_base) / std::log(static_cast<double>(i) + 2.0);
  };
  double sum = 0.0;
  for (std::size_t i = 0; i < n;) {
    std::size_t end = i + 1;
    while (!ignore_ties && end < n && score[order[end]] == score[order[i]]) ++end;
    double gains = 0.0, discounts = 0.0;
    for (std::size_t j = i; j < end; ++j) {
      gains += truth[order[j]];
      discounts += discount(j);
    }
    sum += gains / static_cast<double>(end - i) * discounts;
    i = end;
  }
  return sum;
}

void check_gain(const GainOptions& options) {
  if (!(options.log_base > 0.0) || options.log_base == 1.0)
    throw ValueError(fmt::format("log_base must be above 0 and not 1, got {}", options.log_base));
}

}  // namespace

std::vector<double> multilabel::averaged(
    const Array& y_true, const Array& y_score, const Array& sample_weight,
    const std::string& average,
    const std::function<double(const Array&, const Array&, const Array&)>& of,
    double (*of_row)(Row, Row)) {
  const Sets y(y_true, y_score, sample_weight, "y_score");
  require_indicators(y, false);
  const std::int64_t n = y.truth.rows(), k = y.truth.cols();
  if (average == "samples") return {y.mean(of_row)};
  const auto labels = [](const Array& x) { return x.astype(DType::int32); };
  if (average == "micro") {
    const Array weights =
        y.weights
            ? tessera::reshape(
                  collect(map_rows(zip(Rows(y.truth), {y.weights}), {n, k}, DType::float64,
                                   [](const Leaf& in, const Tile& out, Stream&) {
                                     for (std::int64_t i = 0; i < out.rows; ++i)
                                       std::fill_n(out.as<double>() + i * out.stride, out.cols,
                                                   in.beside[0].as<const double>()[i]);
                                   })),
                  {n * k})
            : Array();
    return {of(labels(tessera::reshape(y.truth, {n * k})), tessera::reshape(y.other, {n * k}),
               weights)};
  }
  std::vector<double> each;
  for (std::int64_t c = 0; c < k; ++c)
    each.push_back(of(labels(column_of(y.truth, c)), column_of(y.other, c), y.weights));
  if (average == "none") return each;
  std::vector<double> by(each.size(), 1.0);
  if (average == "weighted")
    by = y.sums(z(k), [](std::vector<double>& to, Row a, Row, double w) {
      for (std::size_t c = 0; c < a.size(); ++c) to[c] += w * a[c];
    });
  double sum = 0.0, all = 0.0;
  for (std::size_t c = 0; c < each.size(); ++c) {
    if (by[c] == 0.0) continue;  // a weight of 0 takes a NaN away
    sum += by[c] * each[c];
    all += by[c];
  }
  return {all == 0.0 ? 0.0 : sum / all};
}

double multilabel::area_of_row(Row truth, Row score) {
  const Pairs3 pairs(truth, score);
  return pairs.all == 0.0 ? nan : (pairs.right + 0.5 * pairs.tied) / pairs.all;
}

double multilabel::precision_of_row(Row truth, Row score) {
  double sum = 0.0, count = 0.0;
  each_label(truth, score, [&](double labels, double all) {
    sum += labels / all;
    ++count;
  });
  return count == 0.0 ? 0.0 : sum / count;
}

multilabel::LabelSets multilabel::label_sets(const Array& y_true, const Array& y_pred,
                                             const Array& sample_weight) {
  const Sets y(y_true, y_pred, sample_weight, "y_pred");
  require_indicators(y, true);
  const std::size_t k = z(y.truth.cols());
  const auto s =
      y.sums(3 * k + 3, [k](std::vector<double>& to, Row truth, Row predicted, double w) {
        bool same = true;
        for (std::size_t c = 0; c < k; ++c) {
          to[c] += w * truth[c] * predicted[c];
          to[k + c] += w * truth[c];
          to[2 * k + c] += w * predicted[c];
          if (truth[c] == predicted[c]) continue;
          to[3 * k] += w;
          same = false;
        }
        to[3 * k + 1] += same ? w : 0.0;
        to[3 * k + 2] += w;
      });
  const auto part = [&](std::size_t i) {
    const auto at = s.begin() + static_cast<std::ptrdiff_t>(i * k);
    return std::vector<double>(at, at + static_cast<std::ptrdiff_t>(k));
  };
  return {part(0), part(1), part(2), s[3 * k + 2], s[3 * k + 1], s[3 * k]};
}

Array multilabel::sample_tables(const Array& y_true, const Array& y_pred,
                                const Array& sample_weight,
                                const std::vector<std::int64_t>& columns) {
  const Sets y(y_true, y_pred, sample_weight, "y_pred");
  require_indicators(y, true);
  const auto some = columns.empty() ? all_columns(y.truth) : columns;
  const Array tables = collect(
      map_rows(zip(Rows(y.truth), {y.other, y.weights}), {y.truth.rows(), 4}, DType::float64,
               [some](const Leaf& in, const Tile& out, Stream&) {
                 for (std::int64_t i = 0; i < out.rows; ++i) {
                   auto* to = out.as<double>() + i * out.stride;
                   std::fill_n(to, 4, 0.0);
                   for (const std::int64_t c : some) {
                     const bool has = in.tile.as<const double>()[i * in.tile.stride + c] != 0.0;
                     const Tile& other = in.beside[0];
                     const bool taken = other.as<const double>()[i * other.stride + c] != 0.0;
                     to[2 * has + taken] += in.beside[1] ? in.beside[1].as<const double>()[i] : 1.0;
                   }
                 }
               }));
  return tessera::reshape(tables, {tables.rows(), 2, 2})
      .astype(sample_weight ? DType::float64 : DType::int64);
}

multilabel::SampleScores multilabel::sample_scores(const Array& y_true, const Array& y_pred,
                                                   const Array& sample_weight,
                                                   const std::vector<std::int64_t>& columns,
                                                   double beta, double zero) {
  const Sets y(y_true, y_pred, sample_weight, "y_pred");
  require_indicators(y, true);
  const auto some = columns.empty() ? all_columns(y.truth) : columns;
  const double beta2 = beta * beta;
  // Of each score: its sum, the weights that count, and whether something was divided by 0.
  const auto s = y.sums(12, [&](std::vector<double>& to, Row truth, Row predicted, double w) {
    double hits = 0.0, found = 0.0, taken = 0.0;
    for (const std::int64_t c : some) {
      hits += truth[z(c)] * predicted[z(c)];
      found += truth[z(c)];
      taken += predicted[z(c)];
    }
    const auto add = [&](std::size_t i, double a, double b) {
      const double v = b != 0.0 ? a / b : zero;
      if (b == 0.0) to[8 + i] = 1.0;
      if (std::isnan(v)) return;
      to[i] += w * v;
      to[4 + i] += w;
    };
    add(0, hits, taken);
    add(1, hits, found);
    if (std::isinf(beta2))
      add(2, hits, found);
    else
      add(2, (1.0 + beta2) * hits, beta2 * found + taken);
    add(3, hits, found + taken - hits);
  });
  const auto mean = [&](std::size_t i) { return s[4 + i] == 0.0 ? nan : s[i] / s[4 + i]; };
  return {mean(0), mean(1), mean(2), mean(3), {s[8] > 0, s[9] > 0, s[10] > 0, s[11] > 0}};
}

double coverage_error(const Array& y_true, const Array& y_score, const Array& sample_weight) {
  const Sets y(y_true, y_score, sample_weight, "y_score");
  require_indicators(y, false);
  return y.mean([](Row truth, Row score) {
    double most = 0.0;
    each_label(truth, score, [&](double, double all) { most = std::max(most, all); });
    return most;
  });
}

double label_ranking_average_precision_score(const Array& y_true, const Array& y_score,
                                             const Array& sample_weight) {
  const Sets y(y_true, y_score, sample_weight, "y_score");
  require_indicators(y, false);
  return y.mean([](Row truth, Row score) {
    const double labels = std::accumulate(truth.begin(), truth.end(), 0.0);
    return labels == 0.0 ? 1.0 : multilabel::precision_of_row(truth, score);
  });
}

double label_ranking_loss(const Array& y_true, const Array& y_score, const Array& sample_weight) {
  const Sets y(y_true, y_score, sample_weight, "y_score");
  require_indicators(y, false);
  return y.mean([](Row truth, Row score) {
    const Pairs3 pairs(truth, score);
    return pairs.all == 0.0 ? 0.0 : (pairs.all - pairs.right) / pairs.all;
  });
}

double dcg_score(const Array& y_true, const Array& y_score, const GainOptions& options) {
  check_gain(options);
  return Sets(y_true, y_score, options.sample_weight, "y_score").mean([&](Row truth, Row score) {
    return gain_of(truth, score, options, options.ignore_ties);
  });
}

double ndcg_score(const Array& y_true, const Array& y_score, const GainOptions& options) {
  check_gain(options);
  const Sets y(y_true, y_score, options.sample_weight, "y_score");
  if (y.truth.cols() < 2)
    throw ValueError(fmt::format("ndcg_score needs 2 columns or more, got {}", y.truth.cols()));
  const auto negative = y.sums(1, [](std::vector<double>& to, Row truth, Row, double) {
    if (*std::ranges::min_element(truth) < 0.0) to[0] = 1.0;
  });
  if (negative[0] != 0.0)
    throw ValueError("ndcg_score needs a y_true of 0 and more, got negative values");
  return y.mean([&](Row truth, Row score) {
    const double most = gain_of(truth, truth, options, true);
    return most == 0.0 ? 0.0 : gain_of(truth, score, options, options.ignore_ties) / most;
  });
}

}  // namespace tessera::metrics
