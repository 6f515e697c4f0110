#include <tessera/estimators/preprocessing/target_encoder.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include <tessera/estimators/folds.hpp>
#include <tessera/estimators/preprocessing/categories.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/random.hpp>
#include <tessera/runtime/random_state.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

using detail::z;

// Of groups of rows: how many, and of each of some targets the mean and the sum of squared
// deviations. Of those that there are alone, by their number.
struct Groups {
  std::size_t targets = 0;
  std::vector<std::int64_t> groups;  // ascending
  std::vector<double> sums;          // of each [count | mean | m2]
  std::size_t each() const { return 1 + 2 * targets; }
  void add(double* group, std::size_t t, double y) const {  // after count
    double& mean = group[1 + t];
    const double step = y - mean;
    mean += step / group[0];
    group[1 + targets + t] += step * (y - mean);
  }
  void absorb(double* to, const double* from) const {
    const double n = from[0], all = to[0] + n;
    if (n == 0) return;
    if (to[0] == 0) {
      std::copy_n(from, each(), to);
      return;
    }
    for (std::size_t t = 1; t <= targets; ++t) {
      const double step = from[t] - to[t];
      to[targets + t] += from[targets + t] + step * step * to[0] * n / all;
      to[t] += step * n / all;
    }
    to[0] = all;
  }
  void merge(const Groups& right) {
    Groups all{targets, {}, {}};
    std::ranges::set_union(groups, right.groups, std::back_inserter(all.groups));
    all.sums.resize(all.groups.size() * each());
    for (const Groups* part : {static_cast<const Groups*>(this), &right})
      for (std::size_t g = 0, at = 0; g < part->groups.size(); ++g) {
        while (all.groups[at] != part->groups[g]) ++at;
        absorb(all.sums.data() + at * each(), part->sums.data() + g * each());
      }
    *this = std::move(all);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(targets, groups, sums);
  }
};

// Where the categories of each column start among all, and last where all rows are one group.
std::vector<std::size_t> starts_of(const List& categories) {
  std::vector<std::size_t> starts = {0};
  for (const Value& c : categories) starts.push_back(starts.back() + z(detail::category_count(c)));
  return starts;
}

// What every category becomes, target by target beside each other, and last the means of all, of
// the sums of all groups.
std::vector<double> encoded(const std::vector<double>& sums, std::size_t targets,
                            const Value& smooth) {
  const std::size_t each = 1 + 2 * targets, all = sums.size() / each - 1;
  std::vector<double> codes((all + 1) * targets);
  for (std::size_t g = 0; g <= all; ++g)
    for (std::size_t t = 0; t < targets; ++t) {
      const double *of = sums.data() + g * each, *whole = sums.data() + all * each;
      const double n = of[0], mean = of[1 + t], of_all = whole[1 + t];
      double& code = codes[g * targets + t] = of_all;
      if (g == all || n == 0) continue;
      if (smooth.is_word("auto")) {
        const double variance = whole[1 + targets + t] / whole[0];
        const double share = variance * n / (variance * n + of[1 + targets + t] / n);
        if (!std::isnan(share)) code = share * mean + (1 - share) * of_all;
      } else {
        const double m = detail::doubles(smooth)[0];
        code = (m * of_all + n * mean) / (m + n);
      }
    }
  return codes;
}

// X with the codes of its categories (those of its row's fold where there are any beside it).
Rows encode(const Rows& codes, const std::vector<std::size_t>& starts, std::int64_t targets,
            std::vector<std::vector<double>> of_folds) {
  const std::int64_t p = std::ssize(starts) - 1;
  return map_rows(
      codes, {codes.rows(), p * targets}, DType::float64,
      [=, of_folds = std::move(of_folds)](const Leaf& in, const Tile& out, Stream&) {
        for (std::int64_t i = 0; i < out.rows; ++i) {
          const auto* row = in.tile.as<const std::int32_t>() + i * in.tile.stride;
          const auto& of =
              of_folds[in.beside.empty() ? 0 : z(in.beside[0].as<const std::int32_t>()[i])];
          auto* to = out.as<double>() + i * out.stride;
          for (std::size_t j = 0; j < z(p); ++j) {
            const std::size_t group = row[j] < 0 ? starts.back() : starts[j] + z(row[j]);
            to = std::copy_n(of.begin() + static_cast<std::ptrdiff_t>(group * z(targets)), targets,
                             to);
          }
        }
      });
}

// Whether numbers are those of labels, as scikit-learn's type_of_target tells them.
bool are_labels(const Array& y) {
  if (!is_floating(y.dtype())) return true;
  const Rows rows = Rows(y).to(cpu).as(DType::float64);
  const Sums broken = reduce<Sums>(rows, [](const Leaf& leaf, Stream&) {
    Sums s{{0.0}};
    for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
      const double v = leaf.tile.as<const double>()[i];
      s.values[0] += v == std::floor(v) ? 0.0 : 1.0;
    }
    return s;
  });
  return broken.values.empty() || broken.values[0] == 0;
}

}  // namespace

const EstimatorType& TargetEncoder::describe() {
  using Self = TargetEncoder;
  const auto means = [](const Self& s) {
    const std::int64_t size = std::ssize(s.encodings_);
    const std::int64_t targets =
        s.target_type_ == "multiclass" ? std::max<std::int64_t>(class_count(s.classes_), 1) : 1;
    if (s.n_features_in_ > size / targets) return list_of(array(), size + 1);
    std::vector<Allowed> each;
    for (const Value& one : s.encodings_)
      each.push_back(one.is<Array>() ? array(one.as<Array>().shape()) : array());
    each.resize(z(s.n_features_in_ * targets), array());
    return tuple_of(std::move(each));
  };
  static const auto type = EstimatorType::of<Self>(
      "categories by the mean of their targets",
      {parameter("categories", &Params::categories,
                 words({"auto"}) | list_of(detail::categories_allowed()),
                 "the categories of every column in their order; 'auto': those of the data"),
       parameter("target_type", &Params::target_type,
                 words({"auto", "continuous", "binary", "multiclass"}), "what y is"),
       parameter("smooth", &Params::smooth, words({"auto"}) | reals(0.0),
                 "how many rows of the overall mean are added to a category; 'auto': as variances "
                 "say"),
       parameter("cv", &Params::cv, detail::folds_allowed(),
                 "fit_transform: how many folds, or (train, test) rows of each; None: 5"),
       parameter("shuffle", &Params::shuffle, boolean() | words({"deprecated"}),
                 "rows come to folds by chance, which is the default"),
       parameter("random_state", &Params::random_state,
                 integers(0, 4294967295) | none() | words({"deprecated"}),
                 "seed of the folds; None: 0")},
      {attribute("categories_", &Self::categories_, list_of(detail::categories_allowed())),
       attribute("encodings_", &Self::encodings_, means),
       attribute("target_type_", &Self::target_type_,
                 words({"continuous", "binary", "multiclass"})),
       attribute<Self, Value>(
           "target_mean_", &Self::target_mean_,
           [](const Self& s) { return number() | array({class_count(s.classes_)}); }),
       attribute<Self, Value>("classes_", &Self::classes_, class_labels() | none())},
      {method("fit", &Self::do_fit, "finds the means of the categories", {.sample_weight = false}),
       method("transform", &Self::do_transform, "the means of the categories",
              {.column_names = &Self::names_out})});
  return type;
}

Rows TargetEncoder::fit_transform_rows(const Rows& x, const Array& y, const Array& sample_weight) {
  cross_fits_ = true;
  try {
    fit(x, y, sample_weight);
  } catch (...) {
    cross_fits_ = false;
    throw;
  }
  cross_fits_ = false;
  if (!crossed_)
    throw NotImplementedError("TargetEncoder: the backend of its fit has no fit_transform");
  return std::exchange(crossed_, {});
}

void TargetEncoder::do_fit(const Rows& x, const Array& given, const Array&) {
  if (given.ndim() < 1 || given.cols() != 1)
    throw ValueError(fmt::format("y should be a 1d array, got an array of shape {} instead",
                                 to_string(given.shape())));
  Array y = given.reshape({given.rows()});
  const bool text = !y.categories().empty();
  if (params.target_type == "continuous" && text)
    throw ValueError("y holds text, but target_type='continuous' needs numbers");
  if (is_floating(y.dtype())) require_finite(Rows(y).to(cpu), "y", name());
  target_type_ = params.target_type;
  if (target_type_ == "auto" && !text && !are_labels(y)) target_type_ = "continuous";
  classes_ = {};
  Array codes;
  if (target_type_ != "continuous") {
    Classes found = encode_classes(y, x, name());
    const std::int64_t k = class_count(found.values);
    if (target_type_ == "auto") target_type_ = k > 2 ? "multiclass" : "binary";
    if (target_type_ == "multiclass" && k <= 2)
      throw ValueError(
          fmt::format("target_type='multiclass' needs more than 2 classes in y, got {}", k));
    if (target_type_ == "binary" && k > 2)
      throw ValueError(fmt::format("target_type='binary' needs 2 classes in y, got {}", k));
    classes_ = std::move(found.values);
    codes = std::move(found.codes);
  }
  categories_ = detail::fit_categories(x, params.categories, false, name());
  const Rows places = detail::codes_among(x, categories_, false, name());
  const auto starts = starts_of(categories_);
  const std::int64_t targets = outputs();
  std::int64_t folds = 1;
  const Array fold = cross_fits_ ? fold_of_rows(x, codes, folds) : Array();
  const Array numbers = codes ? codes.to(cpu).astype(DType::float64)
                              : redistribute(y.to(cpu).astype(DType::float64), x.distribution());

  const std::size_t groups = starts.back() + 1;
  const auto of = reduce<Groups>(zip(places, {numbers, fold}), [&](const Leaf& leaf, Stream&) {
    Groups g{z(targets), {}, {}};
    const std::size_t p = starts.size() - 1;
    // The groups of every row, -1 for none.
    std::vector<std::int64_t> of_rows(z(leaf.tile.rows) * (p + 1), -1);
    for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
      const auto* row = leaf.tile.as<const std::int32_t>() + i * leaf.tile.stride;
      const std::size_t first =
          groups * (leaf.beside[1] ? z(leaf.beside[1].as<const std::int32_t>()[i]) : 0);
      for (std::size_t j = 0; j <= p; ++j)
        if (j == p || row[j] >= 0)
          of_rows[z(i) * (p + 1) + j] =
              static_cast<std::int64_t>(first + starts[j] + (j < p ? z(row[j]) : 0));
    }
    g.groups = of_rows;
    std::ranges::sort(g.groups);
    g.groups.erase(std::unique(g.groups.begin(), g.groups.end()), g.groups.end());
    if (!g.groups.empty() && g.groups[0] < 0) g.groups.erase(g.groups.begin());
    g.sums.resize(g.groups.size() * g.each());
    for (std::size_t i = 0; i < of_rows.size(); ++i) {
      if (of_rows[i] < 0) continue;
      const double v = leaf.beside[0].as<const double>()[i / (p + 1)];
      const auto at = std::ranges::lower_bound(g.groups, of_rows[i]) - g.groups.begin();
      double* group = g.sums.data() + z(at) * g.each();
      ++group[0];
      for (std::size_t t = 0; t < g.targets; ++t)
        g.add(group, t, g.targets == 1 ? v : v == static_cast<double>(t));
    }
    return g;
  });
  // All folds, but for one if there is such.
  const auto all_but = [&](std::int64_t out) {
    std::vector<double> all(groups * of.each());
    for (std::size_t g = 0; g < of.groups.size(); ++g)
      if (const auto group = z(of.groups[g]); group / groups != z(out))
        of.absorb(all.data() + group % groups * of.each(), of.sums.data() + g * of.each());
    return encoded(all, of.targets, params.smooth);
  };
  const auto values = all_but(-1);
  const auto& comm = x.comm();
  encodings_.clear();
  for (std::size_t j = 0; j + 1 < starts.size(); ++j)
    for (std::int64_t t = 0; t < targets; ++t) {
      std::vector<double> one;
      for (std::size_t g = starts[j]; g < starts[j + 1]; ++g)
        one.push_back(values[g * z(targets) + z(t)]);
      encodings_.emplace_back(replicated(one, {std::ssize(one)}, comm));
    }
  const std::vector<double> means(values.end() - targets, values.end());
  target_mean_ =
      target_type_ == "multiclass" ? Value(replicated(means, {targets}, comm)) : Value(means[0]);
  if (!cross_fits_) return;
  std::vector<std::vector<double>> of_folds;
  for (std::int64_t f = 0; f < folds; ++f) of_folds.push_back(all_but(f));
  crossed_ = collect(encode(zip(places, {fold}), starts, targets, of_folds)).to(x.device());
}

// The fold of every row, int32 as X lies, in host memory.
Array TargetEncoder::fold_of_rows(const Rows& x, const Array& codes, std::int64_t& folds) const {
  constexpr std::int64_t most_drawn_together = std::int64_t{1} << 24;
  const std::int64_t n = x.rows();
  const bool by_number = params.cv.items() == nullptr;
  const bool shuffles = by_number && !(params.shuffle.is<bool>() && !params.shuffle.as<bool>());
  const auto seed = params.random_state.is<std::int64_t>()
                        ? std::optional(params.random_state.as<std::int64_t>())
                        : std::nullopt;
  if (by_number) folds = params.cv.is_none() ? 5 : params.cv.as<std::int64_t>();
  const auto draws = check_random_state(seed);
  if (by_number && n > most_drawn_together && shuffles) {
    if (folds > n) detail::folds_of(params.cv, n, name());  // says so
    const Random random(static_cast<std::uint64_t>(draws->randint(0, 2147483647)), 0x7465);
    return collect(map_rows(
        x.to(cpu), {n}, DType::int32, [random, folds](const Leaf& in, const Tile& out, Stream&) {
          for (std::int64_t i = 0; i < out.rows; ++i)
            out.as<std::int32_t>()[i] = static_cast<std::int32_t>(random.integer(
                static_cast<std::uint64_t>(in.rows.begin + i), static_cast<std::uint64_t>(folds)));
        }));
  }
  std::vector<std::int32_t> fold;
  if (by_number && codes) {
    fold = detail::folds_of_rows(params.cv, codes, class_count(classes_), name(),
                                 shuffles ? &*draws : nullptr);
  } else {
    const auto sets = detail::folds_of(params.cv, n, name());
    folds = std::ssize(sets);
    std::vector<std::int64_t> order(z(n));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    if (shuffles) draws->shuffle(std::span(order));
    fold.resize(z(n));
    for (std::size_t f = 0; f < sets.size(); ++f)
      sets[f].each_in({0, n}, [&](Range rows, std::int64_t) {
        for (std::int64_t i = rows.begin; i < rows.end; ++i)
          fold[z(order[z(i)])] = static_cast<std::int32_t>(f);
      });
  }
  return redistribute(replicated(fold, {n}, x.comm()), x.distribution());
}

Rows TargetEncoder::do_transform(const Rows& x) const {
  const auto starts = starts_of(categories_);
  const std::int64_t targets = outputs();
  std::vector<double> values((starts.back() + 1) * z(targets));
  for (std::size_t j = 0; j + 1 < starts.size(); ++j)
    for (std::int64_t t = 0; t < targets; ++t) {
      const auto one = detail::doubles(encodings_[j * z(targets) + z(t)].as<Array>());
      for (std::size_t c = 0; c < one.size(); ++c)
        values[(starts[j] + c) * z(targets) + z(t)] = one[c];
    }
  const auto means = target_mean_.is<double>() ? std::vector<double>{target_mean_.as<double>()}
                                               : detail::doubles(target_mean_.as<Array>());
  std::copy(means.begin(), means.end(), values.end() - targets);
  return encode(detail::codes_among(x, categories_, false, name()), starts, targets, {values})
      .to(x.device());
}

std::vector<std::string> TargetEncoder::names_out(const Estimator& e,
                                                  const std::vector<std::string>& of_x) {
  const auto& self = static_cast<const TargetEncoder&>(e);
  if (self.target_type_ != "multiclass") return of_x;
  std::vector<std::string> names;
  for (const auto& column : of_x)
    for (std::int64_t c = 0; c < self.outputs(); ++c)
      names.push_back(column + "_" + detail::category_text(self.classes_, c));
  return names;
}

namespace detail {
const EstimatorType& target_encoder() { return TargetEncoder::describe(); }
}  // namespace detail

}  // namespace tessera
