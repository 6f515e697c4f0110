#include <tessera/estimators/metrics/ranking.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>

#include <tessera/array/keys.hpp>
#include <tessera/array/ordering.hpp>
#include <tessera/estimators/estimator.hpp>
#include <tessera/estimators/targets.hpp>
#include <tessera/runtime/exchange.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera::metrics {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Labels as codes with scores and weights in float64 beside them, checked; all lie alike.
struct Scored {
  Classes truth;
  Array score;                   // (n,) or (n, k)
  Array weights;                 // (n,) or nothing
  DType dtype = DType::float64;  // of the scores that were given

  Scored(const Array& y_true, const Array& y_score, const Array& sample_weight) {
    if (y_true.rows() != y_score.rows())
      throw ValueError(
          fmt::format("Found input variables with inconsistent numbers of samples: "
                      "[{}, {}] of y_true and the scores",
                      y_true.rows(), y_score.rows()));
    if (y_true.rows() == 0) throw ValueError("y_true and the scores have no rows");
    if (y_score.ndim() > 2 || is_complex(y_score.dtype()) || !y_score.categories().empty())
      throw ValueError(fmt::format("scores must be real numbers (n,) or (n, k), got {} of shape {}",
                                   y_score.categories().empty() ? name_of(y_score.dtype()) : "text",
                                   to_string(y_score.shape())));
    if (is_floating(y_score.dtype())) dtype = y_score.dtype();
    score = as_doubles(
        y_score.ndim() == 2 && y_score.cols() == 1 ? y_score.reshape({y_score.rows()}) : y_score);
    score = redistribute(score, row_distribution(score.shape(), score.comm()));
    require_finite(Rows(score), "scores", "metric");
    truth = encode_classes(y_true, score, "y_true");
    if (!sample_weight) return;
    if (sample_weight.size() != y_true.rows())
      throw ValueError(fmt::format("sample_weight must have {} values, got shape {}", y_true.rows(),
                                   to_string(sample_weight.shape())));
    weights =
        redistribute(as_doubles(sample_weight).reshape({y_true.rows()}), score.distribution());
    require_finite(Rows(weights), "sample_weight", "metric");
    const Tile w = weights.local();
    std::int64_t any =
        std::ranges::any_of(std::span(w.as<const double>(), static_cast<std::size_t>(w.rows)),
                            [](double v) { return v != 0.0; });
    score.comm().all_reduce(std::span(&any, 1), Reduce::max);
    if (any == 0) throw ValueError("sample_weight must contain at least one non-zero number");
  }

  std::int64_t classes() const { return class_count(truth.values); }
  const std::int32_t* codes() const { return truth.codes.local().as<const std::int32_t>(); }

 private:
  static Array as_doubles(const Array& x) { return x.to(cpu).astype(DType::float64); }
};

void require_two_labels(const Scored& y) {
  if (y.classes() > 2)
    throw ValueError(
        fmt::format("multiclass format is not supported: y_true has {} labels", y.classes()));
}

/// The code of the positive label of two: `pos_label`, or of None 1 or the larger one; none for a
/// label that is not there.
std::optional<std::int32_t> positive_of(const Scored& y, const Value& pos_label) {
  require_two_labels(y);
  const Value& labels = y.truth.values;
  if (pos_label.is_none()) {
    if (y.classes() == 2) return 1;
    return code_of(1, labels);
  }
  if (const auto code = code_of(pos_label, labels)) return code;
  throw ValueError(fmt::format("pos_label={} is not a valid label: it is none of y_true's",
                               pos_label.to_string()));
}

/// The same where None is 1 of labels 0 or -1 and 1, and refused for others.
std::optional<std::int32_t> positive_of_curve(const Scored& y, const Value& pos_label) {
  require_two_labels(y);
  if (!pos_label.is_none()) return positive_of(y, pos_label);
  const Value& labels = y.truth.values;
  const auto one = code_of(std::int64_t{1}, labels), zero = code_of(std::int64_t{0}, labels),
             minus = code_of(std::int64_t{-1}, labels);
  if (one.has_value() + (zero || minus) == y.classes()) return one;
  using Words = std::vector<std::string>;
  throw ValueError(fmt::format(
      "y_true takes value in {{{}}} and pos_label is not specified: labels must be 0 "
      "and 1 or -1 and 1, or pos_label say which one is positive",
      labels.is<Words>() ? fmt::format("'{}'", fmt::join(labels.as<Words>(), "', '"))
                         : fmt::format("{}", fmt::join(tessera::detail::doubles(labels), ", "))));
}

using Key = std::uint64_t;
constexpr detail::KeyOrder<Key> order(DType::float64);
Key key_of_number(double v) { return order.key(std::bit_cast<Key>(v)); }
double number_of(Key key) { return std::bit_cast<double>(order.bits(key)); }
using detail::Placed;
using detail::Room;

// Rows are sorted as keys of their scores, descending, and where rows have weights, or stand for
// several, with those: rows of one score come in the order of their weights, wherever they lie.
Key key_of_score(double score) { return ~key_of_number(score + 0.0); }
Key key_of(Key item) { return item; }
Key key_of(const Placed& item) { return item.key; }
double weight_of(Key) { return 1.0; }
double weight_of(const Placed& item) { return number_of(item.index); }

/// Rows with the positive label, sorted, and the others.
template <class Item>
using Sides = std::array<Room<Item>, 2>;

// Of this process's rows; item(i) is row i, side(i) where it belongs, 2 for neither.
template <class Item, class F, class Side>
Sides<Item> sorted_sides(const Scored& y, const F& item, const Side& side) {
  const std::int64_t n = y.score.local().rows, pieces = detail::pieces_of(n);
  std::vector<std::array<std::int64_t, 3>> counts(static_cast<std::size_t>(pieces));
  detail::for_pieces(n, pieces, [&](std::int64_t p, Range piece) {
    std::array<std::int64_t, 3> count{};
    for (std::int64_t i = piece.begin; i < piece.end; ++i) ++count[side(i)];
    counts[static_cast<std::size_t>(p)] = count;
  });
  std::array<std::vector<std::int64_t>, 2> starts;
  Sides<Item> sides;
  for (std::size_t s = 0; s < 2; ++s) {
    std::int64_t at = 0;
    for (const auto& count : counts) {
      starts[s].push_back(at);
      at += count[s];
    }
    sides[s] = Room<Item>(at);
  }
  detail::for_pieces(n, pieces, [&](std::int64_t p, Range piece) {
    const auto which = static_cast<std::size_t>(p);
    Item* to[2] = {sides[0].items().data() + starts[0][which],
                   sides[1].items().data() + starts[1][which]};
    for (std::int64_t i = piece.begin; i < piece.end; ++i)
      if (const std::size_t s = side(i); s < 2) *to[s]++ = item(i);
    for (std::size_t s = 0; s < 2; ++s) {
      const auto count = static_cast<std::size_t>(counts[which][s]);
      detail::sort_keys(std::span(to[s] - count, count));
    }
  });
  for (std::size_t s = 0; s < 2; ++s) sides[s] = detail::merged(sides[s], std::move(starts[s]));
  return sides;
}

// Of the rows of all processes those of a range of scores, lower ranks having larger ones. Rows of
// one score travel as one where that is exact: without weights.
template <class Item>
Sides<Placed> dealt(const Sides<Item>& mine, const Communicator& comm) {
  std::array<std::vector<Placed>, 2> items;
  together(comm, [&] {
    for (std::size_t s = 0; s < 2; ++s) {
      const std::span<const Item> all = mine[s].items();
      for (auto at = all.begin(); at != all.end();) {
        auto end = at + 1;
        if constexpr (std::is_same_v<Item, Key>)
          end = std::find_if(end, all.end(), [&](Key k) { return k != *at; });
        items[s].push_back(
            {key_of_number(weight_of(*at) * static_cast<double>(end - at)), key_of(*at)});
        at = end;
      }
    }
  });
  const auto below = [&](std::size_t s, Key key) {
    return std::ranges::lower_bound(items[s], key, {}, &Placed::key) - items[s].begin();
  };
  std::int64_t all = std::ssize(items[0]) + std::ssize(items[1]);
  comm.all_reduce(std::span(&all, 1), Reduce::sum);
  std::vector<std::int64_t> ranks;
  for (int r = 1; r < comm.size(); ++r) ranks.push_back(all / comm.size() * r);
  const auto bounds = detail::keys_of_rank<Key>(
      [&](Key key) { return below(0, key) + below(1, key); }, ranks, comm);
  Sides<Placed> sides;
  for (std::size_t s = 0; s < 2; ++s) {
    std::vector<std::int64_t> send, starts;
    std::int64_t before = 0;
    for (const Key bound : bounds) {
      send.push_back(below(s, bound) - before);
      before += send.back();
    }
    send.push_back(std::ssize(items[s]) - before);
    const Exchange exchange(comm, std::move(send));
    for (int r = 0; r < comm.size(); ++r) starts.push_back(exchange.received_from(r));
    together(comm, [&] { sides[s] = Room<Placed>(exchange.received()); });
    exchange.forward(std::span<const Placed>(items[s]), sides[s].items());
    together(comm, [&] { sides[s] = detail::merged(sides[s], std::move(starts)); });
  }
  return sides;
}

// Calls f(key, positive, negative) for each different score of this process.
template <class Item, class F>
void for_each_score(const Sides<Item>& sides, const F& f) {
  std::span<const Item> left[2] = {sides[0].items(), sides[1].items()};
  while (!left[0].empty() || !left[1].empty()) {
    const Key key = left[0].empty()   ? key_of(left[1].front())
                    : left[1].empty() ? key_of(left[0].front())
                                      : std::min(key_of(left[0].front()), key_of(left[1].front()));
    double sums[2] = {0.0, 0.0};
    for (std::size_t s = 0; s < 2; ++s)
      for (; !left[s].empty() && key_of(left[s].front()) == key; left[s] = left[s].subspan(1))
        sums[s] += weight_of(left[s].front());
    f(key, sums[0], sums[1]);
  }
}

// Calls f(score, positive, negative) for each different score in `column`, descending: how many
// rows have it and the positive label, and how many others, or their weights. Only rows whose label
// is `positive` or, if one is given, `negative`, and whose weight is not 0. Processes have their
// turns one after another, so sums over the scores have one order; `state` goes from each to the
// next, and to all.
template <class F>
void in_order(const Scored& y, std::int64_t column, std::optional<std::int32_t> positive,
              std::optional<std::int32_t> negative, std::span<double> state, const F& f) {
  const auto& comm = y.score.comm();
  const Tile in = y.score.local();
  const auto* codes = y.codes();
  const auto* weight = y.weights ? y.weights.local().as<const double>() : nullptr;
  const auto side = [=](std::int64_t i) -> std::size_t {
    if (weight && weight[i] == 0.0) return 2;
    return codes[i] == positive ? 0 : !negative || codes[i] == negative ? 1 : 2;
  };
  const auto key = [=](std::int64_t i) {
    return key_of_score(in.as<const double>()[i * in.stride + column]);
  };
  const auto turns = [&](const auto& sides) {
    for (int r = 0; r < comm.size(); ++r) {
      if (r == comm.rank())
        for_each_score(sides, [&](Key k, double p, double n) { f(number_of(~k), p, n); });
      comm.broadcast(state, r);
    }
  };
  const auto sort = [&]<class Item>(TypeTag<Item>, const auto& item) {
    Sides<Item> mine;
    together(comm, [&] { mine = sorted_sides<Item>(y, item, side); });
    if (comm.size() == 1) return turns(mine);
    turns(dealt(mine, comm));
  };
  if (!y.weights) return sort(TypeTag<Key>{}, key);
  sort(TypeTag<Placed>{}, [=](std::int64_t i) { return Placed{key_of_number(weight[i]), key(i)}; });
}

struct Area {
  double area = nan, positive = 0.0;
};

// Under the ROC curve; NaN where one kind of label is missing.
Area roc_area(const Scored& y, std::int64_t column, std::optional<std::int32_t> positive,
              std::optional<std::int32_t> negative = {}) {
  double state[3] = {0.0, 0.0, 0.0};
  auto& [tp, fp, area] = state;
  in_order(y, column, positive, negative, state, [&](double, double more, double others) {
    area += others * (tp + 0.5 * more);
    tp += more;
    fp += others;
  });
  return {tp > 0.0 && fp > 0.0 ? area / (tp * fp) : nan, tp};
}

// The weighted mean of f(row of scores, code) over the rows, or the sum.
double row_mean(const Scored& y, bool normalize,
                const std::function<double(std::span<const double>, std::int64_t)>& f) {
  const Sums sums =
      reduce<Sums>(zip(Rows(y.score), {y.truth.codes, y.weights}), [&](const Leaf& leaf, Stream&) {
        Sums s{{0.0, 0.0}};
        const Tile &t = leaf.tile, &w = leaf.beside[1];
        for (std::int64_t i = 0; i < t.rows; ++i) {
          const double weight = w ? w.as<const double>()[i] : 1.0;
          const std::span<const double> row(t.as<const double>() + i * t.stride,
                                            static_cast<std::size_t>(t.cols));
          s.values[0] += weight * f(row, leaf.beside[0].as<const std::int32_t>()[i]);
          s.values[1] += weight;
        }
        return s;
      });
  return normalize ? sums.values[0] / sums.values[1] : sums.values[0];
}

void require_columns(const Scored& y, const char* what) {
  if (y.score.ndim() == 1 ? y.classes() > 2 : y.score.cols() != y.classes())
    throw ValueError(
        fmt::format("Number of classes in y_true not equal to the number of columns in "
                    "'{}': y_true has {} labels, {} has shape {}",
                    what, y.classes(), what, to_string(y.score.shape())));
}

void require_probabilities(const Scored& y, const char* what) {
  const double outside = row_mean(y, false, [](std::span<const double> row, std::int64_t) {
    return std::ranges::any_of(row, [](double p) { return p < 0.0 || p > 1.0; }) ? 1.0 : 0.0;
  });
  if (outside != 0.0) throw ValueError(fmt::format("{} must be probabilities in [0, 1]", what));
}

Array vector_of(const std::vector<double>& values, const Communicator& comm) {
  return replicated(values, {std::ssize(values)}, comm);
}
std::vector<double> values_of(const Array& x) {
  const Array all = gather(x);
  return {all.values<double>().begin(), all.values<double>().end()};
}

}  // namespace

Counts counts_by_threshold(const Array& y_true, const Array& y_score, const Array& sample_weight,
                           const Value& pos_label) {
  const Scored y(y_true, y_score, sample_weight);
  if (y.score.ndim() != 1)
    throw ValueError(fmt::format("y_score should be a 1d array, got an array of shape {} instead",
                                 to_string(y.score.shape())));
  std::vector<double> scores, tps, fps;
  double state[2] = {0.0, 0.0};
  in_order(y, 0, positive_of_curve(y, pos_label), {}, state,
           [&](double score, double positive, double negative) {
             scores.push_back(score);
             tps.push_back(state[0] += positive);
             fps.push_back(state[1] += negative);
           });
  const auto by_rows = [&](const std::vector<double>& v) {
    return from_local(tile_of(v.data(), std::ssize(v), 1, 1), {}, y.score.comm());
  };
  return {by_rows(scores), by_rows(tps), by_rows(fps)};
}

double roc_auc_score(const Array& y_true, const Array& y_score, const Array& sample_weight,
                     const std::string& multi_class, const std::string& average) {
  const Scored y(y_true, y_score, sample_weight);
  const auto k = static_cast<std::int32_t>(y.classes());
  const auto undefined = [](double area) {
    if (std::isnan(area))
      warn("Only one class is present in y_true. ROC AUC score is not defined in that case.",
           "UndefinedMetricWarning");
    return area;
  };
  if (k <= 2 && y.score.ndim() == 1) return undefined(roc_area(y, 0, k == 2 ? 1 : 0).area);
  if (multi_class != "ovr" && multi_class != "ovo")
    throw ValueError(
        fmt::format("multi_class must be in ('ovo', 'ovr') for {} labels and scores of "
                    "shape {}, got '{}'",
                    k, to_string(y.score.shape()), multi_class));
  if (average != "macro" && average != "weighted")
    throw ValueError(
        fmt::format("average must be one of ('macro', 'weighted') for multiclass "
                    "problems, got '{}'",
                    average));
  require_columns(y, "y_score");
  if (row_mean(y, false, [](std::span<const double> row, std::int64_t) {
        const double sum = std::accumulate(row.begin(), row.end(), 0.0);
        return std::abs(sum - 1.0) > 1e-8 + 1e-5 * std::abs(sum) ? 1.0 : 0.0;
      }) != 0.0)
    throw ValueError(
        "Target scores need to be probabilities for multiclass roc_auc, i.e. they should sum up to "
        "1.0 over classes");
  double sum = 0.0, all = 0.0;
  if (multi_class == "ovr") {
    for (std::int32_t c = 0; c < k; ++c) {
      const Area of = roc_area(y, c, c);
      const double weight = average == "weighted" ? of.positive : 1.0;
      sum += weight * of.area;
      all += weight;
    }
    return undefined(sum / all);
  }
  if (sample_weight)
    throw ValueError("sample_weight is not supported for multiclass one-vs-one ROC AUC");
  for (std::int32_t a = 0; a < k; ++a)
    for (std::int32_t b = a + 1; b < k; ++b) {
      const Area first = roc_area(y, a, a, b);
      const Area second = roc_area(y, b, b, a);
      const double weight = average == "weighted" ? first.positive + second.positive : 1.0;
      sum += weight * 0.5 * (first.area + second.area);
      all += weight;
    }
  return undefined(sum / all);
}

double average_precision_score(const Array& y_true, const Array& y_score,
                               const Array& sample_weight, const Value& pos_label) {
  const Scored y(y_true, y_score, sample_weight);
  if (y.score.ndim() != 1)
    throw ValueError(fmt::format("y_score should be a 1d array, got an array of shape {} instead",
                                 to_string(y.score.shape())));
  double state[3] = {0.0, 0.0, 0.0};
  auto& [tp, fp, sum] = state;
  // Without a label that counts only where all rows have one label.
  const auto code =
      y.classes() < 2 ? code_of(pos_label, y.truth.values) : positive_of(y, pos_label);
  in_order(y, 0, code, {}, state, [&](double, double positive, double negative) {
    tp += positive;
    fp += negative;
    if (tp + fp != 0.0) sum += positive * (tp / (tp + fp));
  });
  if (tp != 0.0) return sum / tp;
  warn("No positive class found in y_true, recall is set to one for all thresholds.");
  return 0.0;
}

RocCurve roc_curve(const Array& y_true, const Array& y_score, const Array& sample_weight,
                   const Value& pos_label, bool drop_intermediate) {
  const Counts counts = counts_by_threshold(y_true, y_score, sample_weight, pos_label);
  const auto t = values_of(counts.thresholds), tps = values_of(counts.true_positives),
             fps = values_of(counts.false_positives);
  std::vector<double> fpr = {0.0}, tpr = {0.0}, thresholds = {infinity};
  for (std::size_t i = 0; i < t.size(); ++i) {
    // Between its neighbours on a line it is no corner.
    const bool inner = drop_intermediate && t.size() > 2 && i > 0 && i + 1 < t.size();
    if (inner && fps[i + 1] - fps[i] == fps[i] - fps[i - 1] &&
        tps[i + 1] - tps[i] == tps[i] - tps[i - 1])
      continue;
    fpr.push_back(fps[i]);
    tpr.push_back(tps[i]);
    thresholds.push_back(t[i]);
  }
  const auto rates = [&](std::vector<double> v, const char* missing, const char* rate) {
    const double all = v.back();
    if (all == 0.0)
      warn(fmt::format("No {} samples in y_true, {} positive value should be meaningless", missing,
                       rate),
           "UndefinedMetricWarning");
    for (double& x : v) x = all == 0.0 ? nan : x / all;
    return vector_of(v, y_true.comm());
  };
  return {rates(std::move(fpr), "negative", "false"), rates(std::move(tpr), "positive", "true"),
          vector_of(thresholds, y_true.comm())};
}

DetCurve det_curve(const Array& y_true, const Array& y_score, const Array& sample_weight,
                   const Value& pos_label, bool drop_intermediate) {
  const Counts counts = counts_by_threshold(y_true, y_score, sample_weight, pos_label);
  auto t = values_of(counts.thresholds), tps = values_of(counts.true_positives),
       fps = values_of(counts.false_positives);
  const double positive = tps.back(), negative = fps.back();
  if (positive == 0.0 || negative == 0.0)
    throw ValueError(
        "Only one class is present in y_true. Detection error tradeoff curve is not defined in "
        "that case.");
  t.insert(t.begin(), infinity);
  tps.insert(tps.begin(), 0.0);
  fps.insert(fps.begin(), 0.0);
  // From the last point without false positives to the first without false negatives.
  const auto first = std::ranges::upper_bound(fps, fps[0]) - fps.begin() - 1;
  const auto last = std::ranges::lower_bound(tps, positive) - tps.begin();
  std::vector<double> fpr, fnr, thresholds;
  for (std::ptrdiff_t at = last; at >= first; --at) {
    const auto i = static_cast<std::size_t>(at);
    const bool inner = drop_intermediate && i > 0 && i + 1 < tps.size() && tps[i] == tps[i - 1] &&
                       tps[i + 1] == tps[i];
    if (inner) continue;
    fpr.push_back(fps[i] / negative);
    fnr.push_back((positive - tps[i]) / positive);
    thresholds.push_back(t[i]);
  }
  const auto& comm = y_true.comm();
  return {vector_of(fpr, comm), vector_of(fnr, comm), vector_of(thresholds, comm)};
}

PrecisionRecallCurve precision_recall_curve(const Array& y_true, const Array& y_score,
                                            const Array& sample_weight, const Value& pos_label) {
  const Counts counts = counts_by_threshold(y_true, y_score, sample_weight, pos_label);
  auto thresholds = values_of(counts.thresholds);
  const auto tps = values_of(counts.true_positives), fps = values_of(counts.false_positives);
  if (tps.back() == 0.0)
    warn("No positive class found in y_true, recall is set to one for all thresholds.");
  std::vector<double> precision, recall;
  for (std::size_t i = tps.size(); i-- > 0;) {
    precision.push_back(tps[i] + fps[i] != 0.0 ? tps[i] / (tps[i] + fps[i]) : 0.0);
    recall.push_back(tps.back() == 0.0 ? 1.0 : tps[i] / tps.back());
  }
  precision.push_back(1.0);
  recall.push_back(0.0);
  std::ranges::reverse(thresholds);
  const auto& comm = y_true.comm();
  return {vector_of(precision, comm), vector_of(recall, comm), vector_of(thresholds, comm)};
}

double log_loss(const Array& y_true, const Array& y_prob, const Array& sample_weight,
                bool normalize) {
  const Scored y(y_true, y_prob, sample_weight);
  if (y.classes() < 2)
    throw ValueError("y_true contains only one label. Log loss needs at least two");
  require_columns(y, "y_prob");
  require_probabilities(y, "y_prob");
  const double eps = y.dtype == DType::float32 ? double{std::numeric_limits<float>::epsilon()}
                                               : std::numeric_limits<double>::epsilon();
  return row_mean(y, normalize, [&](std::span<const double> row, std::int64_t code) {
    const double p = row.size() > 1 ? row[static_cast<std::size_t>(code)]
                     : code == 1    ? row[0]
                                    : 1.0 - row[0];
    return -std::log(std::clamp(p, eps, 1.0 - eps));
  });
}

double brier_score_loss(const Array& y_true, const Array& y_prob, const Array& sample_weight,
                        const Value& pos_label) {
  const Scored y(y_true, y_prob, sample_weight);
  require_probabilities(y, "y_prob");
  if (y.score.ndim() == 1) {
    const auto positive = positive_of(y, pos_label);
    return row_mean(y, true, [&](std::span<const double> row, std::int64_t code) {
      const double e = row[0] - (positive && code == *positive ? 1.0 : 0.0);
      return e * e;
    });
  }
  require_columns(y, "y_prob");
  const double scale = y.classes() < 3 ? 0.5 : 1.0;
  return row_mean(y, true, [&](std::span<const double> row, std::int64_t code) {
    double sum = 0.0;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const double e = row[c] - (static_cast<std::int64_t>(c) == code ? 1.0 : 0.0);
      sum += e * e;
    }
    return scale * sum;
  });
}

namespace {

// 1 - loss / loss of the shares of the labels, where `of_row` is that of a row with some label.
double explained(
    const Scored& y, double loss,
    const std::function<double(std::span<const double> shares, std::int64_t)>& of_row) {
  if (y.score.rows() < 2) {
    warn("D^2 score is not well-defined with less than two samples.", "UndefinedMetricWarning");
    return nan;
  }
  std::vector<double> shares = class_weight_sums(y.truth, y.weights);
  const double all = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= all;
  double simple = 0.0;
  for (std::size_t c = 0; c < shares.size(); ++c)
    simple += shares[c] * of_row(shares, static_cast<std::int64_t>(c));
  return 1.0 - loss / simple;
}

}  // namespace

double d2_log_loss_score(const Array& y_true, const Array& y_prob, const Array& sample_weight) {
  return explained({y_true, y_prob, sample_weight}, log_loss(y_true, y_prob, sample_weight),
                   [](std::span<const double> shares, std::int64_t c) {
                     return -std::log(shares[static_cast<std::size_t>(c)]);
                   });
}

double d2_brier_score(const Array& y_true, const Array& y_prob, const Array& sample_weight,
                      const Value& pos_label) {
  const double scale = y_prob.ndim() == 1 || y_prob.cols() < 3 ? 0.5 : 1.0;
  return explained({y_true, y_prob, sample_weight},
                   brier_score_loss(y_true, y_prob, sample_weight, pos_label),
                   [&](std::span<const double> shares, std::int64_t c) {
                     double sum = 0.0;
                     for (std::size_t j = 0; j < shares.size(); ++j) {
                       const double e = shares[j] - (static_cast<std::int64_t>(j) == c ? 1.0 : 0.0);
                       sum += e * e;
                     }
                     return scale * sum;
                   });
}

double hinge_loss(const Array& y_true, const Array& decision, const Array& sample_weight) {
  const Scored y(y_true, decision, sample_weight);
  require_columns(y, "decision");
  return row_mean(y, true, [](std::span<const double> row, std::int64_t code) {
    if (row.size() == 1) return std::max(0.0, 1.0 - (code == 1 ? row[0] : -row[0]));
    double best = -infinity;
    for (std::size_t c = 0; c < row.size(); ++c)
      if (static_cast<std::int64_t>(c) != code) best = std::max(best, row[c]);
    return std::max(0.0, 1.0 - (row[static_cast<std::size_t>(code)] - best));
  });
}

double top_k_accuracy_score(const Array& y_true, const Array& y_score, std::int64_t k,
                            const Array& sample_weight, bool normalize) {
  const Scored y(y_true, y_score, sample_weight);
  if (k < 1) throw ValueError(fmt::format("k must be at least 1, got {}", k));
  require_columns(y, "y_score");
  const std::int64_t classes = y.score.ndim() == 1 ? 2 : y.score.cols();
  if (k >= classes)
    warn(fmt::format("'k' ({}) greater than or equal to 'n_classes' ({}) will result in a perfect "
                     "score and is therefore meaningless.",
                     k, classes),
         "UndefinedMetricWarning");
  if (y.score.ndim() == 1) {
    const bool probable = row_mean(y, false, [](std::span<const double> row, std::int64_t) {
                            return row[0] < 0.0 || row[0] > 1.0 ? 1.0 : 0.0;
                          }) == 0.0;
    const double threshold = probable ? 0.5 : 0.0;
    return row_mean(y, normalize, [&](std::span<const double> row, std::int64_t code) {
      return k >= 2 || (row[0] > threshold) == (code == 1) ? 1.0 : 0.0;
    });
  }
  return row_mean(y, normalize, [&](std::span<const double> row, std::int64_t code) {
    const double own = row[static_cast<std::size_t>(code)];
    std::int64_t before = 0;
    for (std::size_t c = 0; c < row.size(); ++c)
      before += row[c] > own || (row[c] == own && static_cast<std::int64_t>(c) > code);
    return before < k ? 1.0 : 0.0;
  });
}

}  // namespace tessera::metrics
