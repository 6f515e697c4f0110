#include <tessera/solvers/coordinate_descent.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include <tessera/solvers/vector.hpp>

namespace tessera::solvers {
namespace {

/// Coordinates in scikit-learn's random order: a xorshift generator (Marsaglia 2003) with a seed
/// from the RandomState.
class RandomOrder {
 public:
  explicit RandomOrder(RandomState& random)
      : state_(static_cast<std::uint32_t>(random.randint(0, 2147483647))) {}
  std::size_t below(std::size_t end) {
    if (state_ == 0) state_ = 1;
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return (state_ & 0x7fffffffU) % end;
  }

 private:
  std::uint32_t state_;
};

class Descent {
 public:
  Descent(const ElasticNet& problem, std::vector<double> w0)
      : p_(problem), n_(w0.size()), w_(std::move(w0)), gram_w_(n_), slack_(n_), active_(n_) {
    for (std::size_t j = 0; j < n_; ++j)
      if (w_[j] != 0.0) add(gram_w_, w_[j], row(j));
    std::iota(active_.begin(), active_.end(), std::size_t{0});
  }

  std::vector<double>& weights() { return w_; }
  std::span<const std::size_t> active() const { return active_; }

  /// The best weight j with the others as they are; how much it changed.
  double update(std::size_t j) {
    const double curvature = gram(j) + p_.l2;
    if (gram(j) == 0.0) return 0.0;
    const double pull = p_.product[j] - gram_w_[j] + w_[j] * gram(j);
    double next = std::copysign(std::max(std::abs(pull) - p_.l1, 0.0), pull) / curvature;
    if (p_.positive && pull < 0) next = 0.0;
    return move(j, next);
  }

  double value() const {
    return 0.5 * (residual_squares() + p_.l2 * dot(w_, w_)) + p_.l1 * sum_abs(w_);
  }

  /// The duality gap, or the squared gradient where there is no penalty. Leaves X^T r - l2 w, and
  /// its size, for screen().
  double gap() {
    const double l2_only = p_.l1 == 0.0 ? 0.0 : p_.l2;
    for (std::size_t j = 0; j < n_; ++j) slack_[j] = p_.product[j] - gram_w_[j] - l2_only * w_[j];
    const double squares = residual_squares();
    const double residual_y = p_.y_squares - dot(w_, p_.product);
    const double ridge = p_.l2 * dot(w_, w_);
    if (p_.l1 == 0.0) {
      const double gradient = dot(slack_, slack_);
      if (p_.l2 == 0.0) return gradient;
      return squares + 0.5 * ridge - residual_y + gradient / (2 * p_.l2);
    }
    largest_slack_ =
        p_.positive && n_ > 0 ? *std::max_element(slack_.begin(), slack_.end()) : max_abs(slack_);
    const double scale = largest_slack_ > p_.l1 ? p_.l1 / largest_slack_ : 1.0;
    const double primal = 0.5 * (squares + ridge) + p_.l1 * sum_abs(w_);
    const double dual = -0.5 * scale * scale * (squares + ridge) + scale * residual_y;
    return primal - dual;
  }

  /// Sets weights to 0 for good that the gap proves to be 0.
  void screen(double gap) {
    const double radius = std::sqrt(2 * std::abs(gap)) / p_.l1;
    std::erase_if(active_, [&](std::size_t j) {
      const double theta = slack_[j] / std::max(p_.l1, largest_slack_);
      const bool out =
          gram(j) == 0.0 || (1 - std::abs(theta)) / std::sqrt(gram(j) + p_.l2) > radius;
      if (out) move(j, 0.0);
      return out;
    });
  }

 private:
  double gram(std::size_t j) const { return p_.gram[j * n_ + j]; }
  std::span<const double> row(std::size_t j) const { return p_.gram.subspan(j * n_, n_); }
  double residual_squares() const {
    return p_.y_squares + dot(w_, gram_w_) - 2 * dot(w_, p_.product);
  }
  double move(std::size_t j, double to) {
    const double step = to - w_[j];
    if (step != 0.0) add(gram_w_, step, row(j));
    w_[j] = to;
    return std::abs(step);
  }

  const ElasticNet& p_;
  std::size_t n_;
  std::vector<double> w_;
  std::vector<double> gram_w_;
  std::vector<double> slack_;
  double largest_slack_ = 0.0;
  std::vector<std::size_t> active_;
};

}  // namespace

ElasticNetResult coordinate_descent(const ElasticNet& problem, std::vector<double> w0,
                                    const CoordinateDescentOptions& options) {
  ElasticNetResult result;
  result.tolerance = options.tol * problem.y_squares;
  std::optional<RandomOrder> random;
  if (options.random) random.emplace(*options.random);
  Descent descent(problem, std::move(w0));

  result.gap = descent.gap();
  // A singular Gram matrix may cause gaps below 0, which say nothing here.
  result.converged = result.gap >= 0 && result.gap <= result.tolerance;
  const bool screens = problem.l1 > 0;
  if (screens && !result.converged) descent.screen(result.gap);
  while (!result.converged && result.n_iter < options.max_iter) {
    double largest = 0.0;
    double largest_step = 0.0;
    const auto active = descent.active();
    for (std::size_t i = 0; i < active.size(); ++i) {
      const std::size_t j = active[random ? random->below(active.size()) : i];
      largest_step = std::max(largest_step, descent.update(j));
      largest = std::max(largest, std::abs(descent.weights()[j]));
    }
    ++result.n_iter;
    if (largest > 0 && largest_step > options.tol * largest && result.n_iter < options.max_iter)
      continue;
    result.gap = descent.gap();
    result.converged = result.gap <= result.tolerance;
    if (screens && !result.converged) descent.screen(result.gap);
  }
  result.value = descent.value();
  result.x = std::move(descent.weights());
  result.why = result.converged
                   ? fmt::format("duality gap of {} within {}", result.gap, result.tolerance)
                   : fmt::format("max_iter={} reached with a duality gap of {}, above {}",
                                 options.max_iter, result.gap, result.tolerance);
  return result;
}

ElasticNetResult group_coordinate_descent(const GroupElasticNet& problem, std::vector<double> w,
                                          const CoordinateDescentOptions& options) {
  const auto q = static_cast<std::size_t>(problem.tasks);
  const std::size_t n = w.size() / q;
  const auto row_of = [q](std::span<const double> m, std::size_t j) { return m.subspan(j * q, q); };
  const auto norm = [](std::span<const double> v) { return std::sqrt(dot(v, v)); };
  std::vector<double> gram_w(w.size());  // X^T X W
  const auto move = [&](std::size_t j, std::span<const double> step) {
    for (std::size_t i = 0; i < n; ++i)
      add(std::span(gram_w).subspan(i * q, q), problem.gram[i * n + j], step);
  };
  for (std::size_t j = 0; j < n; ++j)
    if (norm(row_of(w, j)) != 0) move(j, row_of(w, j));
  const auto gap = [&] {
    const double along = dot(w, problem.product);
    const double residual = problem.y_squares + dot(w, gram_w) - 2 * along;
    const double squares = dot(w, w);
    double dual = 0.0, sum = 0.0;
    std::vector<double> slack(q);
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t t = 0; t < q; ++t)
        slack[t] = problem.product[j * q + t] - gram_w[j * q + t] - problem.l2 * w[j * q + t];
      dual = std::max(dual, norm(slack));
      sum += norm(row_of(w, j));
    }
    const double scale = dual > problem.l1 ? problem.l1 / dual : 1.0;
    return 0.5 * (1 + scale * scale) * (residual + problem.l2 * squares) + problem.l1 * sum -
           scale * (problem.y_squares - along);
  };

  ElasticNetResult result;
  result.tolerance = options.tol * problem.y_squares;
  std::optional<RandomOrder> random;
  if (options.random) random.emplace(*options.random);
  result.gap = gap();
  result.converged = result.gap >= 0 && result.gap <= result.tolerance;
  std::vector<double> step(q), next(q);
  while (!result.converged && result.n_iter < options.max_iter) {
    double largest = 0.0, largest_step = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t j = random ? random->below(n) : i;
      const double square = problem.gram[j * n + j];
      if (square == 0.0) continue;
      for (std::size_t t = 0; t < q; ++t)
        next[t] = problem.product[j * q + t] - gram_w[j * q + t] + square * w[j * q + t];
      const double size = norm(next);
      const double by = size > problem.l1 ? (1 - problem.l1 / size) / (square + problem.l2) : 0.0;
      for (std::size_t t = 0; t < q; ++t) {
        next[t] *= by;
        step[t] = next[t] - w[j * q + t];
        w[j * q + t] = next[t];
      }
      if (max_abs(step) != 0) move(j, step);
      largest_step = std::max(largest_step, max_abs(step));
      largest = std::max(largest, max_abs(next));
    }
    ++result.n_iter;
    if (largest != 0 && largest_step / largest > options.tol && result.n_iter < options.max_iter)
      continue;
    result.gap = gap();
    result.converged = result.gap <= result.tolerance;
  }
  result.x = std::move(w);
  result.why = result.converged
                   ? fmt::format("duality gap of {} within {}", result.gap, result.tolerance)
                   : fmt::format("max_iter={} reached with a duality gap of {}, above {}",
                                 options.max_iter, result.gap, result.tolerance);
  return result;
}

}  // namespace tessera::solvers
