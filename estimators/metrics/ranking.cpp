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
#include <tessera/estimators/metrics/multilabel.hpp>
#include <tessera/estimators/metrics/regression.hpp>
#include <tessera/estimators/targets.hpp>
#include <tessera/runtime/exchange.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera::metrics {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

double epsilon_of(DType dtype) {
  return dtype == DType::float32 ? double{std::numeric_limits<float>::epsilon()}
                                 : std::numeric_limits<double>::epsilon();
}

/// Labels as codes with scores and weights in float64 beside them, checked; all lie alike.
struct Scored {
  Classes truth;
  Array score;                   // (n,) or (n, k)
  Array weights;                 // (n,) or nothing
  DType dtype = DType::float64;  // of the scores that were given

  /// `labels` are all that there are, some of which y_true may lack.
  Scored(const Array& y_true, const Array& y_score, const Array& sample_weight,
         const Value& labels = {}) {
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
    if (labels.is_none()) {
      truth = encode_classes(y_true, score, "y_true");
    } else {
      truth = encode_classes(y_true, score, "labels", sorted_classes(labels));
      require_known_labels(y_true, truth, "labels");
    }
    if (!sample_weight) return;
    if (sample_weight.size() != y_true.rows())
      throw ValueError(fmt::format("sample_weight must have {} values, got shape {}", y_true.rows(),
                                   to_string(sample_weight.shape())));
    weights =
        redistribute(as_doubles(sample_weight).reshape({y_true.rows()}), score.distribution());
    require_finite(Rows(weights), "sample_weight", "metric");
    require_some_weight(weights);
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

/// The code of the positive label, none for one that is not there: `pos_label`, or of None 1 of
/// labels 0 or -1 and 1. Of others None is the `larger` one of two numbers, or refused.
std::optional<std::int32_t> positive_of(const Scored& y, const Value& pos_label,
                                        bool larger = false) {
  const Value& labels = y.truth.values;
  if (!pos_label.is_none()) return code_of(pos_label, labels);
  require_two_labels(y);
  const auto one = code_of(std::int64_t{1}, labels), zero = code_of(std::int64_t{0}, labels),
             minus = code_of(std::int64_t{-1}, labels);
  if (one.has_value() + (zero || minus) == y.classes()) return one;
  using Words = std::vector<std::string>;
  if (larger && !labels.is<Words>()) return static_cast<std::int32_t>(y.classes()) - 1;
  throw ValueError(fmt::format(
      "y_true takes value in {{{}}} and pos_label is not specified: labels must be 0 "
      "and 1 or -1 and 1, or pos_label say which one is positive",
      labels.is<Words>() ? fmt::format("'{}'", fmt::join(labels.as<Words>(), "', '"))
                         : fmt::format("{}", fmt::join(tessera::detail::doubles(labels), ", "))));
}

/// positive_of two labels, which has to be one of them.
std::optional<std::int32_t> positive_of_two(const Scored& y, const Value& pos_label,
                                            bool larger = false) {
  require_two_labels(y);
  const auto code = positive_of(y, pos_label, larger);
  if (!code && y.classes() == 2)
    throw ValueError(fmt::format("pos_label={} is not a valid label: it is none of y_true's",
                                 pos_label.to_string()));
  return code;
}

using Key = std::uint64_t;
constexpr detail::KeyOrder<Key, true> order(DType::float64);
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

struct Area {
  double area = nan, positive = 0.0;
};

// Under the ROC curve, up to the false positive rate max_fpr; NaN where one kind of label is
// missing.
Area roc_area(const Scored& y, std::int64_t column, std::optional<std::int32_t> positive,
              std::optional<std::int32_t> negative = {}, double max_fpr = 1.0) {
  double most = infinity;  // false positives
  if (max_fpr < 1.0)
    most = max_fpr * row_mean(y, false, [&](std::span<const double>, std::int64_t code) {
             return code == positive ? 0.0 : 1.0;
           });
  double state[3] = {0.0, 0.0, 0.0};
  double &tp = state[0], &fp = state[1], &area = state[2];
  in_order(y, column, positive, negative, state, [&](double, double more, double others) {
    const double part = fp < most ? std::min(1.0, (most - fp) / others) : 0.0;
    area += part * others * (tp + 0.5 * part * more);
    tp += more;
    fp += others;
  });
  if (!(tp > 0.0 && fp > 0.0)) return {nan, tp};
  area /= tp * fp;
  if (max_fpr == 1.0) return {area, tp};
  const double least = 0.5 * max_fpr * max_fpr;
  return {0.5 * (1.0 + (area - least) / (max_fpr - least)), tp};
}

// The code of each row as a column that is 1.
Array indicators(const Scored& y) {
  return collect(map_rows(Rows(y.truth.codes.to(cpu)), {y.score.rows(), y.classes()}, DType::int32,
                          [](const Leaf& in, const Tile& out, Stream&) {
                            for (std::int64_t i = 0; i < out.rows; ++i) {
                              auto* row = out.as<std::int32_t>() + i * out.stride;
                              std::fill_n(row, out.cols, 0);
                              row[in.tile.as<const std::int32_t>()[i]] = 1;
                            }
                          }));
}

// ValueError unless labels are as the columns that they name: ascending.
void require_ascending(const Value& labels, const Scored& y) {
  if (!labels.is_none() && !same_classes(labels, y.truth.values))
    throw ValueError("Parameter 'labels' must be unique and ordered, as the columns of scores are");
}

void require_columns(const Scored& y, const char* what) {
  if (y.score.ndim() == 1 ? y.classes() > 2 : y.score.cols() != y.classes())
    throw ValueError(
        fmt::format("Number of classes in y_true not equal to the number of columns in "
                    "'{}': y_true has {} labels, {} has shape {}",
                    what, y.classes(), what, to_string(y.score.shape())));
}

// Of the labels that are given as well.
void require_probabilities(const Scored& y, const char* what, const Value& labels = {}) {
  double outside = row_mean(y, false, [](std::span<const double> row, std::int64_t) {
    return std::ranges::any_of(row, [](double p) { return p < 0.0 || p > 1.0; }) ? 1.0 : 0.0;
  });
  if (outside != 0.0) throw ValueError(fmt::format("{} must be probabilities in [0, 1]", what));
  if (!labels.is_none() && !same_classes(labels, y.truth.values))
    warn(fmt::format("labels are not in ascending order, which the columns of {} are in", what));
  if (y.score.ndim() == 1) return;
  const double close = std::sqrt(epsilon_of(y.dtype)) + 1e-8;
  outside = row_mean(y, false, [close](std::span<const double> row, std::int64_t) {
    return std::abs(std::accumulate(row.begin(), row.end(), 0.0) - 1.0) > close ? 1.0 : 0.0;
  });
  if (outside != 0.0)
    warn(fmt::format("Some rows of {} do not sum to one, as probabilities do", what));
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
  in_order(y, 0, positive_of(y, pos_label), {}, state,
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

std::vector<double> roc_auc_score(const Array& y_true, const Array& y_score,
                                  const AreaOptions& options) {
  const double max_fpr = options.max_fpr.value_or(1.0);
  if (!(max_fpr > 0.0 && max_fpr <= 1.0))
    throw ValueError(fmt::format("max_fpr must be in (0, 1], got {}", max_fpr));
  const auto defined = [](double area) {
    if (std::isnan(area))
      warn("Only one class is present in y_true. ROC AUC score is not defined in that case.",
           "UndefinedMetricWarning");
    return area;
  };
  const auto of_two = [&](const Array& truth, const Array& score, const Array& weights) {
    const Scored y(truth, score, weights);
    return defined(roc_area(y, 0, y.classes() == 2 ? 1 : 0, {}, max_fpr).area);
  };
  if (is_multilabel(y_true)) {
    if (max_fpr != 1.0 && options.average == "samples")
      throw ValueError("max_fpr is not supported with average='samples'");
    return multilabel::averaged(y_true, y_score, options.sample_weight, options.average, of_two,
                                multilabel::area_of_row);
  }
  const Scored y(y_true, y_score, options.sample_weight, options.labels);
  const auto k = static_cast<std::int32_t>(y.classes());
  const std::string &multi = options.multi_class, &average = options.average;
  if (k <= 2 && y.score.ndim() == 1)
    return {defined(roc_area(y, 0, k == 2 ? 1 : 0, {}, max_fpr).area)};
  if (k <= 2)
    throw ValueError(fmt::format("y_score should be a 1d array for two labels, got shape {}",
                                 to_string(y_score.shape())));
  if (max_fpr != 1.0)
    throw ValueError(fmt::format("max_fpr must be None for {} labels, got {}", k, max_fpr));
  if (multi != "ovr" && multi != "ovo")
    throw ValueError(
        fmt::format("multi_class must be in ('ovo', 'ovr') for {} labels and scores of "
                    "shape {}, got '{}'",
                    k, to_string(y.score.shape()), multi));
  if (average == "samples" || (multi == "ovo" && average != "macro" && average != "weighted"))
    throw ValueError(
        fmt::format("average must be one of ('macro', 'weighted'{}) for {} labels, got '{}'",
                    multi == "ovo" ? "" : ", 'micro', None", k, average));
  require_columns(y, "y_score");
  require_ascending(options.labels, y);
  if (row_mean(y, false, [](std::span<const double> row, std::int64_t) {
        const double sum = std::accumulate(row.begin(), row.end(), 0.0);
        return std::abs(sum - 1.0) > 1e-8 + 1e-5 * std::abs(sum) ? 1.0 : 0.0;
      }) != 0.0)
    throw ValueError(
        "Target scores need to be probabilities for multiclass roc_auc, i.e. they should sum up to "
        "1.0 over classes");
  if (multi == "ovr")
    return multilabel::averaged(indicators(y), y.score, y.weights, average, of_two,
                                multilabel::area_of_row);
  if (options.sample_weight)
    throw ValueError("sample_weight is not supported for multiclass one-vs-one ROC AUC");
  const auto rows = class_weight_sums(y.truth, {});
  const auto missing = [&](std::int32_t c) { return rows[static_cast<std::size_t>(c)] == 0.0; };
  double sum = 0.0, all = 0.0;
  for (std::int32_t a = 0; a < k; ++a)
    for (std::int32_t b = a + 1; b < k; ++b) {
      if (missing(a) || missing(b)) continue;  // pairs of labels that occur
      const Area first = roc_area(y, a, a, b);
      const Area second = roc_area(y, b, b, a);
      const double weight = average == "weighted" ? first.positive + second.positive : 1.0;
      sum += weight * 0.5 * (first.area + second.area);
      all += weight;
    }
  return {defined(sum / all)};
}

std::vector<double> average_precision_score(const Array& y_true, const Array& y_score,
                                            const AreaOptions& options) {
  const auto of_two = [](const Array& truth, const Array& score, const Array& weights,
                         const Value& pos_label) {
    const Scored y(truth, score, weights);
    if (y.score.ndim() != 1)
      throw ValueError(fmt::format("y_score should be a 1d array, got an array of shape {} instead",
                                   to_string(y.score.shape())));
    double state[3] = {0.0, 0.0, 0.0};
    double &tp = state[0], &fp = state[1], &sum = state[2];
    in_order(y, 0, positive_of_two(y, pos_label), {}, state,
             [&](double, double positive, double negative) {
               tp += positive;
               fp += negative;
               if (tp + fp != 0.0) sum += positive * (tp / (tp + fp));
             });
    if (tp != 0.0) return sum / tp;
    warn("No positive class found in y_true, recall is set to one for all thresholds.");
    return 0.0;
  };
  const auto of_column = [&](const Array& truth, const Array& score, const Array& weights) {
    return of_two(truth, score, weights, std::int64_t{1});
  };
  const auto averaged = [&](const Array& sets, const Array& score, const Array& weights) {
    if (code_of(options.pos_label, replicated(std::vector<std::int64_t>{1}, {1}, sets.comm())) != 0)
      throw ValueError(fmt::format("pos_label must be 1 for several labels, got {}",
                                   options.pos_label.to_string()));
    return multilabel::averaged(sets, score, weights, options.average, of_column,
                                multilabel::precision_of_row);
  };
  if (is_multilabel(y_true)) return averaged(y_true, y_score, options.sample_weight);
  const Scored y(y_true, y_score, options.sample_weight);
  if (y.classes() <= 2) return {of_two(y_true, y_score, options.sample_weight, options.pos_label)};
  require_columns(y, "y_score");
  return averaged(indicators(y), y.score, y.weights);
}

double auc(const Array& x, const Array& y) {
  if (x.size() != y.size() || x.size() < 2 || x.size() != x.rows() || y.size() != y.rows())
    throw ValueError(
        fmt::format("auc needs two vectors of the same 2 points or more, got shapes {} "
                    "and {}",
                    to_string(x.shape()), to_string(y.shape())));
  const Pairs points(x, y);  // checked, and alike
  points.require_finite();
  const auto at = tessera::detail::doubles(x), height = tessera::detail::doubles(y);
  double area = 0.0;
  bool up = true, down = true;
  for (std::size_t i = 1; i < at.size(); ++i) {
    const double step = at[i] - at[i - 1];
    up &= step >= 0.0;
    down &= step <= 0.0;
    area += 0.5 * step * (height[i] + height[i - 1]);
  }
  if (!up && !down) throw ValueError("auc: x must ascend or descend");
  return up ? area : -area;
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
                                            const Array& sample_weight, const Value& pos_label,
                                            bool drop_intermediate) {
  const Counts counts = counts_by_threshold(y_true, y_score, sample_weight, pos_label);
  const auto all = values_of(counts.thresholds);
  const auto tps = values_of(counts.true_positives), fps = values_of(counts.false_positives);
  if (tps.back() == 0.0)
    warn("No positive class found in y_true, recall is set to one for all thresholds.");
  std::vector<double> precision, recall, thresholds;
  for (std::size_t i = tps.size(); i-- > 0;) {
    if (drop_intermediate && i > 0 && i + 1 < tps.size() && tps[i] == tps[i - 1] &&
        tps[i + 1] == tps[i])
      continue;
    thresholds.push_back(all[i]);
    precision.push_back(tps[i] + fps[i] != 0.0 ? tps[i] / (tps[i] + fps[i]) : 0.0);
    recall.push_back(tps.back() == 0.0 ? 1.0 : tps[i] / tps.back());
  }
  precision.push_back(1.0);
  recall.push_back(0.0);
  const auto& comm = y_true.comm();
  return {vector_of(precision, comm), vector_of(recall, comm), vector_of(thresholds, comm)};
}

double log_loss(const Array& y_true, const Array& y_prob, const Array& sample_weight,
                bool normalize, const Value& labels) {
  const Scored y(y_true, y_prob, sample_weight, labels);
  if (y.classes() < 2)
    throw ValueError(
        "y_true contains only one label. Log loss needs at least two: labels names those that "
        "y_true lacks");
  require_columns(y, "y_prob");
  require_probabilities(y, "y_prob", labels);
  const double eps = epsilon_of(y.dtype);
  return row_mean(y, normalize, [&](std::span<const double> row, std::int64_t code) {
    const double p = row.size() > 1 ? row[static_cast<std::size_t>(code)]
                     : code == 1    ? row[0]
                                    : 1.0 - row[0];
    return -std::log(std::clamp(p, eps, 1.0 - eps));
  });
}

double brier_score_loss(const Array& y_true, const Array& y_prob, const Array& sample_weight,
                        const Value& pos_label, const Value& labels, std::optional<bool> halved) {
  const bool several = y_prob.ndim() == 2 && y_prob.cols() > 1;
  const Scored y(y_true, y_prob, sample_weight, several ? labels : Value());
  require_probabilities(y, "y_prob", several ? labels : Value());
  const double scale = halved.value_or(y_prob.ndim() == 1 || y_prob.cols() < 3) ? 0.5 : 1.0;
  if (!several) {
    const auto positive = positive_of_two(y, pos_label, true);
    return row_mean(y, true, [&](std::span<const double> row, std::int64_t code) {
      const double e = row[0] - (positive && code == *positive ? 1.0 : 0.0);
      return 2.0 * scale * e * e;
    });
  }
  if (y.classes() < 2)
    throw ValueError("y_true contains only one label: labels names those that it lacks");
  require_columns(y, "y_prob");
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
    const Scored& y, const std::function<double()>& loss,
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
    if (shares[c] != 0.0) simple += shares[c] * of_row(shares, static_cast<std::int64_t>(c));
  return 1.0 - loss() / simple;
}

}  // namespace

double d2_log_loss_score(const Array& y_true, const Array& y_prob, const Array& sample_weight,
                         const Value& labels) {
  const Scored y(y_true, y_prob, sample_weight, labels);
  return explained(
      y, [&] { return log_loss(y_true, y_prob, sample_weight, true, labels); },
      [eps = epsilon_of(y.dtype)](std::span<const double> shares, std::int64_t c) {
        return -std::log(std::clamp(shares[static_cast<std::size_t>(c)], eps, 1.0 - eps));
      });
}

double d2_brier_score(const Array& y_true, const Array& y_prob, const Array& sample_weight,
                      const Value& pos_label, const Value& labels) {
  const bool several = y_prob.ndim() == 2 && y_prob.cols() > 1;
  const double scale = several && y_prob.cols() > 2 ? 1.0 : 0.5;
  return explained(
      {y_true, y_prob, sample_weight, several ? labels : Value()},
      [&] { return brier_score_loss(y_true, y_prob, sample_weight, pos_label, labels); },
      [&](std::span<const double> shares, std::int64_t c) {
        double sum = 0.0;
        for (std::size_t j = 0; j < shares.size(); ++j) {
          const double e = shares[j] - (static_cast<std::int64_t>(j) == c ? 1.0 : 0.0);
          sum += e * e;
        }
        return scale * sum;
      });
}

double hinge_loss(const Array& y_true, const Array& decision, const Array& sample_weight,
                  const Value& labels) {
  const Scored y(y_true, decision, sample_weight, labels);
  require_columns(y, "decision");
  if (y.score.ndim() == 2 && y.classes() <= 2)
    throw ValueError("pred_decision should be a 1d array for two labels");
  return row_mean(y, true, [](std::span<const double> row, std::int64_t code) {
    if (row.size() == 1) return std::max(0.0, 1.0 - (code == 1 ? row[0] : -row[0]));
    double best = -infinity;
    for (std::size_t c = 0; c < row.size(); ++c)
      if (static_cast<std::int64_t>(c) != code) best = std::max(best, row[c]);
    return std::max(0.0, 1.0 - (row[static_cast<std::size_t>(code)] - best));
  });
}

double top_k_accuracy_score(const Array& y_true, const Array& y_score, std::int64_t k,
                            const Array& sample_weight, bool normalize, const Value& labels) {
  const Scored y(y_true, y_score, sample_weight, labels);
  if (k < 1) throw ValueError(fmt::format("k must be at least 1, got {}", k));
  require_columns(y, "y_score");
  require_ascending(labels, y);
  const std::int64_t classes = y.score.ndim() == 1 ? 2 : y.score.cols();
  if (y.classes() != classes)
    throw ValueError("y_true contains only one label: labels names those that it lacks");
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
