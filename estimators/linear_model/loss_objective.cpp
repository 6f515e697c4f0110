#include <tessera/estimators/linear_model/loss_objective.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <tessera/array/kernels/fetch.hpp>
#include <tessera/array/on_device.hpp>
#include <tessera/estimators/estimator.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/warn.hpp>
#include <tessera/solvers/lbfgs.hpp>
#include <tessera/solvers/proximal_gradient.hpp>
#include <tessera/solvers/proximal_newton.hpp>

namespace tessera::detail {
namespace {

double sum_of_weights(const Rows& x, const Array& weights) {
  if (!weights) return static_cast<double>(x.rows());
  return reduce<Sums>(weights.to(cpu).astype(DType::float64),
                      [](const Leaf& leaf, Stream&) {
                        Sums s{{0.0}};
                        for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
                          s.values[0] += leaf.tile.as<const double>()[i];
                        return s;
                      })
      .values[0];
}

// Where X lies if the loss has a kernel there.
Device where_computed(const Rows& x) {
  return detail::where_computed(estimator_kernels().leaf_loss.id(), x.device(), x.dtype());
}

/// Unknowns up to which a Hessian is formed where nobody asked for one.
constexpr std::size_t most_for_hessian = 2048;

}  // namespace

LossObjective::LossObjective(const Rows& x, const Array& y, const Array& weights,
                             const LinearLoss& loss, bool fit_intercept)
    : x_(x),
      zipped_(zip(x.to(where_computed(x)), {y, weights})),
      loss_(loss),
      fit_intercept_(fit_intercept),
      p_(x.cols()),
      l2_(z(loss.outputs * width())),
      l1_(l2_.size()),
      weight_(sum_of_weights(x, weights)) {}

void LossObjective::penalise(double l2, double l1, double of_intercept) {
  for (std::size_t j = 0; j < l2_.size(); ++j) {
    const bool intercept = static_cast<std::int64_t>(j) % width() == p_;
    l2_[j] = l2 * (intercept ? of_intercept * of_intercept : 1.0);
    l1_[j] = l1 * (intercept ? of_intercept : 1.0);
  }
}

std::vector<double> LossObjective::with_intercepts(std::span<const double> w) const {
  if (fit_intercept_) return {w.begin(), w.end()};
  std::vector<double> all(z(loss_.coefficients(p_)));
  for (std::int64_t c = 0; c < loss_.outputs; ++c)
    std::copy_n(w.begin() + c * p_, p_, all.begin() + c * (p_ + 1));
  return all;
}

double LossObjective::evaluate(std::span<const double> w, std::span<double> gradient,
                               bool curvature) {
  const auto coef = with_intercepts(w);
  const std::int64_t m = p_ + 1, gram_size = 1 + m + m * m, head = loss_.size(p_);
  const std::int64_t pairs = curvature ? loss_.pairs() : 0;
  const std::int64_t leaf_rows = x_.distribution().leaf_rows();
  const DType dtype = x_.dtype();
  const auto sums = reduce(
      zipped_, head + pairs * gram_size,
      [&](const Leaf& run, const Tile& out, Stream& stream) {
        const std::int64_t n = run.tile.rows;
        const Device device = run.tile.device;
        const Buffer memory(pairs > 0 ? z((pairs + 1) * n) * size_of(dtype) : 0, device);
        const Tile all{memory.data(), pairs + 1, n, n, dtype, device};
        const Tile curved = pairs > 0 ? all.slice(0, pairs) : Tile{};
        estimator_kernels().leaf_loss(stream, run.tile, leaf_rows, run.beside[0], run.beside[1],
                                      coef, loss_, curved, out.columns(0, head));
        if (pairs == 0) return;
        const auto column = [&](std::int64_t row) {
          Tile t = all.slice(row, 1);
          std::swap(t.rows, t.cols);
          t.stride = 1;
          return t;
        };
        static const std::uint8_t one = 1;
        const Buffer one_there(1, device);
        const Tile from{one_there.data(), 1, 1, 1, DType::uint8, device};
        copy(stream, tile_of(&one, 1, 1, 1), from);
        const fetching::Axis repeated[] = {{n, 0}};
        fetching::operation()(stream, from, repeated, 0, all.slice(pairs, 1));
        const Tile ones = column(pairs);
        for (std::int64_t pair = 0; pair < pairs; ++pair)
          linalg::kernels().leaf_gram(stream, run.tile, leaf_rows, ones, column(pair), false,
                                      out.columns(head + pair * gram_size, gram_size));
      },
      Merging::by_value(linalg::kernels().add));
  double value = sums[0] / weight_;
  scale_slope_ = sums[1] / weight_;
  const std::int64_t width = this->width();
  for (std::size_t j = 0; j < w.size(); ++j) {
    const auto i = static_cast<std::int64_t>(j);
    const std::int64_t at = LinearLoss::gradient_at + i / width * m + i % width;
    gradient[j] = sums[z(at)] / weight_ + l2_[j] * w[j];
    value += 0.5 * l2_[j] * w[j] * w[j];
  }
  if (pairs == 0) return value;
  curved_at_.assign(w.begin(), w.end());
  const std::size_t n = w.size();
  hessian_.assign(n * n, 0.0);
  std::int64_t at = head + 1 + m;
  for (std::int64_t a = 0; a < loss_.outputs; ++a)
    for (std::int64_t b = a; b < loss_.outputs; ++b, at += gram_size)
      for (std::int64_t i = 0; i < width; ++i)
        for (std::int64_t j = 0; j < width; ++j) {
          const double h = (a == b ? 1 : -1) * sums[z(at + i * m + j)] / weight_;
          hessian_[z(a * width + i) * n + z(b * width + j)] = h;
          hessian_[z(b * width + j) * n + z(a * width + i)] = h;
        }
  for (std::size_t j = 0; j < n; ++j) hessian_[j * n + j] += l2_[j];
  return value;
}

void LossObjective::hessian(std::span<const double> w, std::span<double> out) {
  if (!std::equal(w.begin(), w.end(), curved_at_.begin(), curved_at_.end())) {
    std::vector<double> gradient(w.size());
    evaluate(w, gradient, true);
  }
  std::copy(hessian_.begin(), hessian_.end(), out.begin());
}

void LossObjective::product(std::span<const double> w, std::span<const double> v,
                            std::span<double> out) {
  const auto coef = with_intercepts(w), direction = with_intercepts(v);
  const auto sums = reduce(
      zipped_, loss_.coefficients(p_),
      [&](const Leaf& run, const Tile& part, Stream& stream) {
        estimator_kernels().leaf_product(stream, run.tile, x_.distribution().leaf_rows(),
                                         run.beside[0], run.beside[1], coef, loss_, direction,
                                         part);
      },
      Merging::by_value(linalg::kernels().add));
  for (std::size_t j = 0; j < out.size(); ++j) {
    const auto i = static_cast<std::int64_t>(j);
    out[j] = sums[z(i / width() * (p_ + 1) + i % width())] / weight_ + l2_[j] * v[j];
  }
}

solvers::Result LossObjective::minimise(std::string_view solver, std::vector<double> start,
                                        std::int64_t max_iter, double tol,
                                        std::string_view estimator) {
  const bool has_l1 = std::any_of(l1_.begin(), l1_.end(), [](double v) { return v > 0; });
  const auto value = [&](std::span<const double> w, std::span<double> g) { return evaluate(w, g); };
  const auto curved = [&](std::span<const double> w, std::span<double> g) {
    return evaluate(w, g, true);
  };
  const auto bend = [&](std::span<const double> w, std::span<double> h) { hessian(w, h); };
  const solvers::NewtonOptions newton{.max_iter = max_iter, .gtol = tol};
  const bool small = unknowns() <= most_for_hessian;
  solvers::Result result;
  if (solver == "newton-cholesky" || (solver == "proximal" && !has_l1 && small))
    result = solvers::newton(curved, bend, std::move(start), newton);
  else if (solver == "newton-cg")
    result = solvers::newton_cg(
        value,
        [&](std::span<const double> w, std::span<const double> v, std::span<double> out) {
          product(w, v, out);
        },
        std::move(start), newton);
  else if (solver == "proximal" && has_l1 && small)
    result = solvers::proximal_newton(curved, bend, l1_, std::move(start), newton);
  else if (solver == "proximal" && has_l1)
    result = solvers::proximal_gradient(
        value,
        {[&](std::span<const double> w) {
           double sum = 0.0;
           for (std::size_t j = 0; j < w.size(); ++j) sum += l1_[j] * std::abs(w[j]);
           return sum;
         },
         [&](std::span<double> v, double step) {
           for (std::size_t j = 0; j < v.size(); ++j)
             v[j] = std::copysign(std::max(std::abs(v[j]) - l1_[j] * step, 0.0), v[j]);
         }},
        std::move(start), {.max_iter = max_iter, .tol = tol});
  else
    result = solvers::lbfgs(value, std::move(start),
                            {.max_iter = max_iter, .gtol = tol, .ftol = 64 * 0x1p-52});
  if (!std::isfinite(result.value)) {
    require_finite(x_, "X", estimator);
    throw ValueError(fmt::format("{}: the loss overflows at the start: scale X", estimator));
  }
  if (!result.converged)
    warn(fmt::format("{}: solver '{}' did not converge: {}. Increase max_iter or scale X",
                     estimator, solver, result.why),
         "ConvergenceWarning");
  return result;
}

linalg::Small LossObjective::coefficients(const std::vector<double>& w) const {
  linalg::Small coef(loss_.outputs, p_);
  for (std::int64_t c = 0; c < loss_.outputs; ++c)
    std::copy_n(w.begin() + c * width(), p_, coef.row(c).begin());
  return coef;
}

std::vector<double> LossObjective::intercepts(const std::vector<double>& w) const {
  std::vector<double> all(z(loss_.outputs));
  for (std::int64_t c = 0; fit_intercept_ && c < loss_.outputs; ++c)
    all[z(c)] = w[z(c * width() + p_)];
  return all;
}

std::vector<double> LossObjective::unknowns_of(const std::vector<double>& coef,
                                               const std::vector<double>& intercept) const {
  std::vector<double> w;
  for (std::int64_t c = 0; c < loss_.outputs; ++c) {
    w.insert(w.end(), coef.begin() + c * p_, coef.begin() + (c + 1) * p_);
    if (fit_intercept_) w.push_back(intercept[z(c)]);
  }
  return w;
}

}  // namespace tessera::detail
