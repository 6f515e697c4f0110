// The table of functions of linear models: one entry per function, written once.
#include <fmt/format.h>

#include <tessera/estimators/linear_model/elastic_net.hpp>
#include <tessera/estimators/linear_model/signatures.hpp>

namespace tessera::linear_model {
namespace {

using functions::Arguments;
using functions::Option;
using functions::Signature;

// What enet_path finds, with the axes of scikit-learn's: alphas come last.
std::vector<functions::Result> path_of(const Arguments& in, double l1_ratio) {
  const auto floating = [](const Array& a) {
    return is_floating(a.dtype()) ? a : a.astype(DType::float64);
  };
  const auto several = [&](std::size_t input) {
    return in[input] ? detail::doubles(gather(in[input]).to(cpu)) : std::vector<double>();
  };
  const Array x = floating(in[0]), y = floating(in[1]).astype(x.dtype());
  PathOptions options{.eps = in.number("eps").value(),
                      .n_alphas = in.integer("n_alphas"),
                      .alphas = several(2),
                      .coef_init = several(3),
                      .positive = in.flag("positive"),
                      .max_iter = in.integer("max_iter"),
                      .tol = in.number("tol").value()};
  if (in[2] && in[2].ndim() == 0) {  // how many of a grid
    const double count = options.alphas[0];
    if (!(count >= 1 && count <= 1e6))
      throw ValueError(
          fmt::format("alphas must be a number of alphas, 1 to 10^6, or several, got {}", count));
    options.n_alphas = static_cast<std::int64_t>(count);
    options.alphas.clear();
  }
  const Path path = enet_path(x, y, l1_ratio, options);
  const std::int64_t k = path.coefs.rows(), p = x.cols(), q = y.cols();
  const auto z = [](std::int64_t n) { return static_cast<std::size_t>(n); };
  std::vector<double> coefs(z(k * p * q));
  for (std::int64_t a = 0; a < k; ++a)
    for (std::int64_t j = 0; j < p; ++j)
      for (std::int64_t t = 0; t < q; ++t)
        coefs[z((t * p + j) * k + a)] = path.coefs.at(a, j * q + t);
  const auto& comm = x.comm();
  std::vector<functions::Result> all = {
      {"alphas", replicated(path.alphas, {k}, comm)},
      {"coefs",
       replicated(coefs, y.ndim() == 1 ? Shape{p, k} : Shape{q, p, k}, comm).astype(x.dtype())},
      {"dual_gaps", replicated(path.dual_gaps, {k}, comm)}};
  if (in.flag("return_n_iter")) all.emplace_back("n_iters", replicated(path.n_iters, {k}, comm));
  return all;
}

Signature path(const std::string& name, std::string doc, std::vector<Option> first,
               std::vector<functions::Result> (*run)(const Arguments&)) {
  using functions::flag;
  using functions::number;
  first.insert(
      first.end(),
      {number("eps", "the least alpha by the largest", 1e-3),
       functions::between(functions::integer("n_alphas", "how many, of a grid", 100), 1),
       flag("positive", "coefficients are not below 0"),
       functions::between(functions::integer("max_iter", "most sweeps for each alpha", 1000), 1),
       number("tol", "of the duality gap, as a share of the square of y", 1e-4),
       flag("return_n_iter", "the sweeps of each alpha, too")});
  return {name,
          std::move(doc),
          {{"X", "the data, (n, p)"},
           {"y", "the target, (n,), or (n, q) of tasks whose coefficients are 0 together"},
           {"alphas", "the penalties; of shape (): how many of a grid", true, true},
           {"coef_init", "where the largest alpha starts, (p,) or (q, p)", true, true}},
          std::move(first),
          {"alphas", "coefs", "dual_gaps", "n_iters"},
          false,
          name + " data.h5:/X data.h5:/y --out path.h5",
          run};
}

}  // namespace

const std::vector<Signature>& signatures() {
  static const std::vector<Signature> table = {
      path("lasso_path", "the coefficients of Lasso without an intercept for many penalties", {},
           [](const Arguments& in) { return path_of(in, 1.0); }),
      path("enet_path", "the coefficients of ElasticNet without an intercept for many penalties",
           {functions::number("l1_ratio", "the share of the L1 penalty; the rest is L2", 0.5)},
           [](const Arguments& in) { return path_of(in, in.number("l1_ratio").value()); })};
  return table;
}

}  // namespace tessera::linear_model
