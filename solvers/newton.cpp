#include <tessera/solvers/newton.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <tessera/solvers/line_search.hpp>
#include <tessera/solvers/vector.hpp>

namespace tessera::solvers {
namespace {

// The lower factor of a + shift I in the lower triangle of `l`; false if that is not positive
// definite.
bool factor(std::span<const double> a, double shift, std::size_t n, std::vector<double>& l) {
  l.assign(a.begin(), a.end());
  const auto row = [&](std::size_t i, std::size_t length) {
    return std::span<const double>(l).subspan(i * n, length);
  };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j)
      l[i * n + j] = (l[i * n + j] - dot(row(i, j), row(j, j))) / l[j * n + j];
    const double square = l[i * n + i] + shift - dot(row(i, i), row(i, i));
    if (!(square > 1e-14 * std::abs(a[i * n + i]))) return false;
    l[i * n + i] = std::sqrt(square);
  }
  return true;
}

void solve(const std::vector<double>& l, std::size_t n, std::vector<double>& b) {
  for (std::size_t i = 0; i < n; ++i) {
    b[i] -= dot(std::span(l).subspan(i * n, i), std::span(b).first(i));
    b[i] /= l[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    b[i] /= l[i * n + i];
    add(std::span(b).first(i), -b[i], std::span(l).subspan(i * n, i));
  }
}

std::vector<double> negative(std::span<const double> x) {
  std::vector<double> out(x.begin(), x.end());
  for (double& v : out) v = -v;
  return out;
}

using Direction = std::function<std::vector<double>(const Point&)>;

Result descend(const Objective& objective, std::vector<double> x0, const NewtonOptions& options,
               const Direction& direction) {
  Result result;
  Point at = evaluate(objective, std::move(x0), result.evaluations);
  const auto end = [&](bool converged, std::string why) {
    return ended(std::move(result), std::move(at), converged, std::move(why));
  };
  if (!std::isfinite(at.value)) return end(false, "the objective is not finite at the start");
  for (;; ++result.n_iter) {
    const double largest = max_abs(at.gradient);
    if (largest <= options.gtol)
      return end(true, fmt::format("gradient of {} within gtol={}", largest, options.gtol));
    if (result.n_iter >= options.max_iter)
      return end(false, fmt::format("max_iter={} reached", options.max_iter));
    if (!line_search(objective, direction(at), 1.0, at, result.evaluations))
      return end(false, "the line search found no lower point");
  }
}

}  // namespace

Result newton(const Objective& objective, const Hessian& hessian, std::vector<double> x0,
              const NewtonOptions& options) {
  const std::size_t n = x0.size();
  std::vector<double> h(n * n);
  std::vector<double> l;
  return descend(objective, std::move(x0), options, [&](const Point& at) {
    std::fill(h.begin(), h.end(), 0.0);
    hessian(at.x, h);
    double size = 0.0;
    for (std::size_t i = 0; i < n; ++i) size = std::max(size, std::abs(h[i * n + i]));
    std::vector<double> d = negative(at.gradient);
    for (double shift = 0.0; std::isfinite(shift);
         shift = std::max(10 * shift, 1e-10 * (size > 0 ? size : 1.0)))
      if (factor(h, shift, n, l)) {
        solve(l, n, d);
        break;
      }
    return d;
  });
}

Result newton_cg(const Objective& objective, const HessianProduct& product, std::vector<double> x0,
                 const NewtonOptions& options) {
  return descend(objective, std::move(x0), options, [&](const Point& at) {
    const double size = sum_abs(at.gradient);
    const double enough = std::min(0.5, std::sqrt(size)) * size;
    std::vector<double> z(at.x.size());
    std::vector<double> hd(at.x.size());
    std::vector<double> r = at.gradient;
    std::vector<double> d = negative(r);
    double rr = dot(r, r);
    for (std::int64_t i = 0; i < options.max_inner && sum_abs(r) > enough; ++i) {
      product(at.x, d, hd);
      const double curvature = dot(d, hd);
      if (!(curvature > 3e-16 * dot(d, d))) {
        if (i == 0) return d;
        break;
      }
      const double alpha = rr / curvature;
      add(z, alpha, d);
      add(r, alpha, hd);
      const double next = dot(r, r);
      for (std::size_t k = 0; k < d.size(); ++k) d[k] = next / rr * d[k] - r[k];
      rr = next;
    }
    return z;
  });
}

}  // namespace tessera::solvers
