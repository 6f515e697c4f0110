#include <tessera/estimators/linear_model/sgd.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <tessera/estimators/estimator.hpp>
#include <tessera/estimators/kernels/cpu/linear.hpp>
#include <tessera/runtime/random.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera::detail {
namespace {

enum class Kind : std::uint8_t {
  hinge,
  squared_hinge,
  perceptron,
  log_loss,
  modified_huber,
  squared_error,
  huber,
  epsilon_insensitive,
  squared_epsilon_insensitive
};

Kind kind_of_loss(const std::string& name) {
  constexpr std::string_view names[] = {
      "hinge",    "squared_hinge",       "perceptron",
      "log_loss", "modified_huber",      "squared_error",
      "huber",    "epsilon_insensitive", "squared_epsilon_insensitive"};
  return static_cast<Kind>(std::find(std::begin(names), std::end(names), name) - std::begin(names));
}

struct Value2 {
  double loss, slope;
};

// Of a row with target y (-1 or 1 of a class, for log_loss 0 or 1) and prediction u.
Value2 loss_at(Kind kind, double epsilon, double y, double u) {
  const double z = y * u, d = u - y, beyond = std::abs(d) - epsilon;
  switch (kind) {
    case Kind::hinge:
      return z <= 1 ? Value2{1 - z, -y} : Value2{};
    case Kind::perceptron:
      return z <= 0 ? Value2{-z, -y} : Value2{};
    case Kind::squared_hinge:
      return z < 1 ? Value2{(1 - z) * (1 - z), -2 * y * (1 - z)} : Value2{};
    case Kind::modified_huber:
      if (z >= 1) return {};
      return z >= -1 ? Value2{(1 - z) * (1 - z), 2 * (1 - z) * -y} : Value2{-4 * z, -4 * y};
    case Kind::log_loss: {
      const double e = std::exp(-std::abs(u));
      return {std::log1p(e) + std::max(u, 0.0) - y * u, (u < 0 ? e : 1) / (1 + e) - y};
    }
    case Kind::squared_error:
      return {0.5 * d * d, d};
    case Kind::huber:
      if (beyond <= 0) return {0.5 * d * d, d};
      return {epsilon * (std::abs(d) - 0.5 * epsilon), std::copysign(epsilon, d)};
    case Kind::epsilon_insensitive:
      return beyond > 0 ? Value2{beyond, std::copysign(1.0, d)} : Value2{};
    case Kind::squared_epsilon_insensitive:
      return beyond > 0 ? Value2{beyond * beyond, std::copysign(2 * beyond, d)} : Value2{};
  }
  return {};
}

// The order of a leaf's rows in an epoch, from 1 on. scikit-learn shuffles what the epoch before
// has left with the same numbers (a 32-bit xorshift generator), so it is a power of one
// permutation, which is found by its cycles.
std::vector<std::int32_t> order_of_rows(std::int64_t rows, bool shuffle, std::uint32_t seed,
                                        std::int64_t epoch) {
  const auto n = static_cast<std::size_t>(rows);
  std::vector<std::int32_t> once(n), order(n);
  std::iota(order.begin(), order.end(), 0);
  if (!shuffle) return order;
  std::iota(once.begin(), once.end(), 0);
  if (seed == 0) seed = 1;
  for (std::size_t i = 0; i + 1 < n; ++i) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    std::swap(once[i], once[i + (seed & 0x7fffffffu) % (n - i)]);
  }
  std::vector<bool> seen(n);
  std::vector<std::int32_t> cycle;
  for (std::size_t i = 0; i < n; ++i) {
    cycle.clear();
    for (auto j = i; !seen[j]; j = static_cast<std::size_t>(once[j])) {
      seen[j] = true;
      cycle.push_back(static_cast<std::int32_t>(j));
    }
    for (std::size_t k = 0; k < cycle.size(); ++k)
      order[static_cast<std::size_t>(cycle[k])] =
          cycle[(k + static_cast<std::size_t>(epoch)) % cycle.size()];
  }
  return order;
}

// What the leaves make of one output in an epoch, in sums: coefficients and so on, then how often
// each coefficient is not 0.
struct Layout {
  std::size_t p;
  std::size_t average() const { return p; }
  std::size_t penalised() const { return 2 * p; }  // the L1 penalty that each coefficient has had
  std::size_t nonzero() const { return 3 * p; }
  std::size_t slope() const { return 4 * p; }  // of all rows, by the way that leaves went
  std::size_t scalars() const { return 5 * p; }
  enum { intercept, average_intercept, penalty, objective, rows, not_finite, slope_0, count };
  std::size_t size() const { return scalars() + count; }
};

// An output under way.
struct Run {
  SgdOutput* output;
  std::vector<double> penalised;  // the L1 penalty that each coefficient has had
  double penalty = 0.0;           // that it should have had
  std::vector<double> slope;      // the mean of the leaves', and of the intercept; empty at first
  std::vector<std::vector<double>> slopes;  // of each leaf of this process
  double eta;
  double steps;
  double objective = 0.0;  // of the last epoch
  double best = std::numeric_limits<double>::infinity();
  std::int64_t no_improvement = 0;
  bool done = false;
};

class Descent {
 public:
  Descent(const Rows& x, const Array& y, const Array& weights, const SgdOptions& options,
          std::string_view estimator)
      : x_(x),
        rows_(zip(x.to(cpu), {y.to(cpu), weights ? weights.to(cpu) : weights})),
        o_(options),
        kind_(kind_of_loss(options.loss)),
        estimator_(estimator),
        p_(static_cast<std::size_t>(x.cols())),
        leaves_(static_cast<double>(x.distribution().leaves())),
        // Marks 0x5347 ("SG") to tell the draws of this use from others.
        held_out_(options.validation_seed, 0x5347) {
    if (o_.penalty == "l2" || o_.penalty == "none") o_.l1_ratio = 0.0;
    if (o_.penalty == "l1") o_.l1_ratio = 1.0;
    o_.tol /= std::sqrt(leaves_);
    passive_ = o_.learning_rate == "pa1" || o_.learning_rate == "pa2";
    optimal_ = o_.learning_rate == "optimal";
    if (optimal_) {
      const double typical = std::sqrt(1.0 / std::sqrt(o_.alpha));
      const double first = typical / std::max(1.0, loss_at(kind_, o_.epsilon, 1.0, -typical).slope);
      optimal_start_ = 1.0 / (first * o_.alpha);
      // Between what is best where classes overlap and where not, measured; 1 of one leaf.
      slower_ = std::pow(leaves_, 0.25);
    }
  }

  double run(std::vector<SgdOutput>& outputs, double steps) {
    std::vector<Run> runs;
    for (SgdOutput& output : outputs)
      runs.push_back({.output = &output,
                      .penalised = std::vector<double>(o_.l1_ratio > 0 ? p_ : 0),
                      .slope = std::vector<double>(p_ + 1),
                      .slopes = std::vector<std::vector<double>>(
                          static_cast<std::size_t>(x_.distribution().leaves())),
                      .eta = o_.eta0,
                      .steps = steps});
    for (std::int64_t epoch = 1; epoch <= o_.max_iter; ++epoch) {
      std::vector<Run*> active;
      for (Run& run : runs)
        if (!run.done) active.push_back(&run);
      if (active.empty()) break;
      one_epoch(active, epoch);
      if (o_.early_stopping) score(active);
      for (Run* run : active) finish_epoch(*run);
    }
    for (const Run& run : runs) steps = std::max(steps, run.steps);
    return steps;
  }

 private:
  bool is_held_out(std::int64_t row) const {
    if (!o_.held_out.empty()) return o_.held_out[static_cast<std::size_t>(row)];
    return o_.early_stopping &&
           held_out_.uniform(static_cast<std::uint64_t>(row)) < o_.validation_fraction;
  }

  double target(const SgdOutput& output, double y) const {
    if (output.positive < 0) return y;
    return y == output.positive ? 1.0 : kind_ == Kind::log_loss ? 0.0 : -1.0;
  }

  void one_epoch(const std::vector<Run*>& active, std::int64_t epoch) {
    const Layout at{p_};
    const Sums sums = reduce<Sums>(rows_, [&](const Leaf& leaf, Stream&) {
      Sums s{std::vector<double>(active.size() * at.size())};
      visit_floating(leaf.tile.dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        for (std::size_t k = 0; k < active.size(); ++k)
          pass<T>(*active[k], leaf, epoch, s.values.data() + k * at.size());
      });
      return s;
    });
    for (std::size_t k = 0; k < active.size(); ++k) {
      Run& run = *active[k];
      SgdOutput& output = *run.output;
      const double* v = sums.values.data() + k * at.size();
      const double* scalars = v + at.scalars();
      const double trained = scalars[Layout::rows];
      if (trained == 0 || (o_.early_stopping && trained == static_cast<double>(x_.rows())))
        throw ValueError(fmt::format(
            "{}: validation_fraction={} leaves {} rows to fit and {} to validate; early_stopping "
            "needs one of each at least",
            estimator_, o_.validation_fraction, trained, static_cast<double>(x_.rows()) - trained));
      bool finite = scalars[Layout::not_finite] == 0 && std::isfinite(scalars[Layout::intercept]);
      for (std::size_t j = 0; j < p_; ++j) {
        // A mean is never 0 where some are not, so that most decide.
        const bool kept = o_.l1_ratio == 0 || 2 * v[at.nonzero() + j] > leaves_;
        output.coef[j] = kept ? v[j] / leaves_ : 0.0;
        finite = finite && std::isfinite(output.coef[j]);
        if (o_.average > 0) output.average[j] = v[at.average() + j] / leaves_;
        if (o_.l1_ratio > 0) run.penalised[j] = v[at.penalised() + j] / leaves_;
        run.slope[j] = v[at.slope() + j] / trained;
      }
      output.intercept = scalars[Layout::intercept] / leaves_;
      output.average_intercept = scalars[Layout::average_intercept] / leaves_;
      run.penalty = scalars[Layout::penalty] / leaves_;
      run.slope[p_] = scalars[Layout::slope_0] / trained;
      run.steps += trained / leaves_;
      run.objective = scalars[Layout::objective] / trained;
      output.n_iter = epoch;
      if (finite) continue;
      require_finite(x_, "X", estimator_);
      throw ValueError(
          fmt::format("{}: coefficients overflow in epoch {}; scale X, or take smaller steps",
                      estimator_, epoch));
    }
  }

  // Steps of one output over the rows of a leaf, as scikit-learn's _plain_sgd makes them.
  template <class T>
  void pass(Run& run, const Leaf& leaf, std::int64_t epoch, double* out) const {
    constexpr double most_slope = 1e12;
    const SgdOutput& output = *run.output;
    const Layout at{p_};
    double* w = out;
    double* average = out + at.average();
    double* penalised = out + at.penalised();
    double* scalars = out + at.scalars();
    std::copy(output.coef.begin(), output.coef.end(), w);
    std::copy(output.average.begin(), output.average.end(), average);
    std::copy(run.penalised.begin(), run.penalised.end(), penalised);
    double intercept = output.intercept, average_intercept = output.average_intercept;
    double steps = run.steps, penalty = run.penalty, eta = run.eta, objective = 0.0;
    double length = 0.0, sum_of_sizes = 0.0;  // |w|_2^2 and |w|_1
    const auto measure = [&] {
      length = sum_of_sizes = 0.0;
      for (std::size_t j = 0; j < p_; ++j) {
        length += w[j] * w[j];
        sum_of_sizes += std::abs(w[j]);
      }
    };
    measure();
    const bool has_l1 = o_.l1_ratio > 0, has_penalty = o_.penalty != "none";
    const auto p = static_cast<std::int64_t>(p_);
    bool finite = true;
    double trained = 0, rates = 0.0;
    // How the slope of all rows differs from that of this leaf's.
    const bool corrects = leaves_ > 1 && !passive_;
    auto& own = run.slopes[static_cast<std::size_t>(leaf.index)];
    std::vector<double> other(corrects ? p_ + 1 : 0);
    if (corrects && !own.empty())
      for (std::size_t j = 0; j <= p_; ++j) other[j] = run.slope[j] - own[j];
    // Leaf 0 has scikit-learn's order; the others orders of their own.
    const std::uint32_t seed = output.seed ^ (static_cast<std::uint32_t>(leaf.index) * 2654435761u);
    for (const std::int32_t i : order_of_rows(leaf.tile.rows, o_.shuffle, seed, epoch)) {
      if (is_held_out(leaf.rows.begin + i)) continue;
      const T* x = leaf.tile.as<const T>() + i * leaf.tile.stride;
      const double y = target(output, static_cast<double>(leaf.beside[0].as<const T>()[i]));
      double square = 0.0;
      const double u = on_cpu::dot_row(x, p, w, square) + intercept;
      finite = finite && std::isfinite(u);
      if (optimal_)
        eta = 1.0 / (o_.alpha * slower_ * (optimal_start_ + (steps - 1) * slower_));
      else if (o_.learning_rate == "invscaling")
        eta = o_.eta0 / std::pow(steps, o_.power_t);
      const auto [loss, slope] = loss_at(kind_, o_.epsilon, y, u);
      objective += loss;
      if (has_penalty && !passive_)
        objective += o_.alpha * ((1 - o_.l1_ratio) * 0.5 * length + o_.l1_ratio * sum_of_sizes);
      ++trained;
      double by = -eta * std::clamp(slope, -most_slope, most_slope);
      if (passive_) {
        // A row of zeros is no step at all in scikit-learn.
        if (o_.learning_rate == "pa1" && square == 0) continue;
        by = o_.learning_rate == "pa1" ? std::min(o_.eta0, loss / square)
                                       : loss / (square + 0.5 / o_.eta0);
        by *= output.positive >= 0 ? y : y < u ? -1.0 : 1.0;
      }
      by *= output.positive < 0 ? 1.0 : y > 0 ? output.positive_weight : output.negative_weight;
      if (leaf.beside[1]) by *= static_cast<double>(leaf.beside[1].as<const T>()[i]);
      const double shrink = has_penalty && o_.l1_ratio < 1
                                ? std::max(0.0, 1.0 - (1.0 - o_.l1_ratio) * eta * o_.alpha)
                                : 1.0;
      on_cpu::step_row(x, p, shrink, by, w, length);
      if (o_.fit_intercept) intercept += by;
      if (corrects) {
        rates += eta;
        for (std::size_t j = 0; j < p_; ++j) w[j] -= eta * other[j];
        if (o_.fit_intercept) intercept -= eta * other[p_];
      }
      // Of all samples so far, those of the other leaves beside this one's.
      const double seen = (steps - 1) * leaves_ + 1;
      if (0 < o_.average && static_cast<double>(o_.average) <= seen) {
        const double rate = 1.0 / ((seen - static_cast<double>(o_.average)) / leaves_ + 1);
        for (std::size_t j = 0; j < p_; ++j) average[j] += (w[j] - average[j]) * rate;
        average_intercept += (intercept - average_intercept) * rate;
      }
      if (has_l1) {
        // The cumulative penalty of Tsuruoka, Tsujii and Ananiadou, ACL 2009.
        penalty += o_.l1_ratio * eta * o_.alpha;
        for (std::size_t j = 0; j < p_; ++j) {
          const double before = w[j];
          if (before > 0)
            w[j] = std::max(0.0, before - (penalty + penalised[j]));
          else if (before < 0)
            w[j] = std::min(0.0, before + (penalty - penalised[j]));
          penalised[j] += w[j] - before;
        }
        measure();
      }
      ++steps;
    }
    for (std::size_t j = 0; j < p_; ++j) out[at.nonzero() + j] = w[j] != 0 ? 1.0 : 0.0;
    if (corrects && rates > 0) {
      own.resize(p_ + 1);
      for (std::size_t j = 0; j < p_; ++j) own[j] = (output.coef[j] - w[j]) / rates - other[j];
      own[p_] = o_.fit_intercept ? (output.intercept - intercept) / rates - other[p_] : 0.0;
      for (std::size_t j = 0; j < p_; ++j) out[at.slope() + j] = trained * own[j];
      scalars[Layout::slope_0] = trained * own[p_];
    }
    scalars[Layout::intercept] = intercept;
    scalars[Layout::average_intercept] = average_intercept;
    scalars[Layout::penalty] = penalty;
    scalars[Layout::objective] = objective;
    scalars[Layout::rows] = trained;
    scalars[Layout::not_finite] = finite ? 0.0 : 1.0;
  }

  // Less what is worth more: minus accuracy, or R^2, of the rows held out.
  void score(const std::vector<Run*>& active) {
    constexpr std::size_t terms = 5;  // weight, right ones, squared error, y, y^2 about `center`
    const double center = center_of_held_out();
    const Sums sums = reduce<Sums>(rows_, [&](const Leaf& leaf, Stream&) {
      Sums s{std::vector<double>(active.size() * terms)};
      visit_floating(leaf.tile.dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
          if (!is_held_out(leaf.rows.begin + i)) continue;
          const T* x = leaf.tile.as<const T>() + i * leaf.tile.stride;
          const double weight =
              leaf.beside[1] ? static_cast<double>(leaf.beside[1].as<const T>()[i]) : 1.0;
          for (std::size_t k = 0; k < active.size(); ++k) {
            const SgdOutput& output = *active[k]->output;
            double square = 0.0;
            const double u =
                on_cpu::dot_row(x, static_cast<std::int64_t>(p_), output.coef.data(), square) +
                output.intercept;
            const double y = target(output, static_cast<double>(leaf.beside[0].as<const T>()[i]));
            double* to = s.values.data() + k * terms;
            to[0] += weight;
            to[1] += (u > 0) == (y > 0) ? weight : 0.0;
            to[2] += weight * (y - u) * (y - u);
            to[3] += weight * (y - center);
            to[4] += weight * (y - center) * (y - center);
          }
        }
      });
      return s;
    });
    for (std::size_t k = 0; k < active.size(); ++k) {
      const double* v = sums.values.data() + k * terms;
      if (v[0] == 0)
        throw ValueError(
            fmt::format("{}: sample_weight is 0 for all rows that are held out; take another "
                        "random_state or validation_fraction than {}",
                        estimator_, o_.validation_fraction));
      const double spread = v[4] - v[3] * v[3] / v[0];
      active[k]->objective = active[k]->output->positive >= 0 ? -v[1] / v[0]
                             : spread > 0                     ? v[2] / spread - 1
                                                              : 0.0;
    }
  }

  // A y among those held out, by which sums of squares do not cancel: their mean.
  double center_of_held_out() {
    if (centered_) return center_;
    const Sums sums = reduce<Sums>(rows_, [&](const Leaf& leaf, Stream&) {
      Sums s{{0.0, 0.0}};
      visit_floating(leaf.tile.dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
          if (!is_held_out(leaf.rows.begin + i)) continue;
          s.values[0] += static_cast<double>(leaf.beside[0].as<const T>()[i]);
          s.values[1] += 1.0;
        }
      });
      return s;
    });
    centered_ = true;
    return center_ = sums.values[1] > 0 ? sums.values[0] / sums.values[1] : 0.0;
  }

  void finish_epoch(Run& run) const {
    run.no_improvement =
        std::isfinite(o_.tol) && run.objective > run.best - o_.tol ? run.no_improvement + 1 : 0;
    run.best = std::min(run.best, run.objective);
    if (run.no_improvement < o_.n_iter_no_change) return;
    if (o_.learning_rate == "adaptive" && run.eta > 1e-6) {
      run.eta /= 5;
      run.no_improvement = 0;
    } else {
      run.done = true;
    }
  }

  Rows x_, rows_;
  SgdOptions o_;
  Kind kind_;
  std::string_view estimator_;
  std::size_t p_;
  double leaves_;
  Random held_out_;
  bool passive_ = false, optimal_ = false, centered_ = false;
  double optimal_start_ = 0.0, slower_ = 1.0, center_ = 0.0;
};

}  // namespace

double descend(const Rows& x, const Array& y, const Array& weights, const SgdOptions& options,
               std::vector<SgdOutput>& outputs, double steps, std::string_view estimator) {
  return Descent(x, y, weights, options, estimator).run(outputs, steps);
}

}  // namespace tessera::detail
