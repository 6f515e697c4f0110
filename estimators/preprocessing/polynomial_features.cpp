#include <tessera/estimators/preprocessing/polynomial_features.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <map>

#include <tessera/estimators/preprocessing/row_map.hpp>

namespace tessera {
namespace {

using Product = std::vector<std::int64_t>;  // factors, ascending

// The products of so many columns, by degree and then by their factors.
std::vector<Product> products(std::int64_t p, std::int64_t least, std::int64_t most, bool distinct,
                              bool bias) {
  constexpr std::size_t limit = std::size_t{1} << 24;
  std::vector<Product> all, last = {{}};
  if (bias) all.emplace_back();
  for (std::int64_t degree = 1; degree <= most; ++degree) {
    std::vector<Product> next;
    for (const Product& factors : last)
      for (std::int64_t j = factors.empty() ? 0 : factors.back() + (distinct ? 1 : 0); j < p; ++j) {
        next.push_back(factors);
        next.back().push_back(j);
        if (next.size() > limit)
          throw ValueError(fmt::format(
              "PolynomialFeatures: more than {} products of {} features; lower degree", limit, p));
      }
    last = std::move(next);
    if (degree >= least) all.insert(all.end(), last.begin(), last.end());
  }
  return all;
}

std::vector<std::string> names_out(const Estimator& e, const std::vector<std::string>& of_x) {
  const auto& self = static_cast<const PolynomialFeatures&>(e);
  const auto powers = self.powers_.values<std::int64_t>();
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < self.n_output_features_; ++i) {
    std::string name;
    for (std::size_t j = 0; j < of_x.size(); ++j) {
      const std::int64_t power = powers[static_cast<std::size_t>(i) * of_x.size() + j];
      if (power == 0) continue;
      if (!name.empty()) name += " ";
      name += power == 1 ? of_x[j] : fmt::format("{}^{}", of_x[j], power);
    }
    names.push_back(name.empty() ? "1" : name);
  }
  return names;
}

}  // namespace

const EstimatorType& PolynomialFeatures::describe() {
  using Self = PolynomialFeatures;
  static const auto type = EstimatorType::of<Self>(
      "products of features",
      {parameter("degree", &Params::degree, integers(0) | tuple_of({integers(0), integers(0)}),
                 "the largest degree of a product, or the least and the largest"),
       parameter("interaction_only", &Params::interaction_only, boolean(),
                 "products of different features only"),
       parameter("include_bias", &Params::include_bias, boolean(), "a column of ones first"),
       parameter("order", &Params::order, words({"C", "F"}),
                 "accepted for compatibility: results lie by rows")},
      {attribute("powers_", &Self::powers_,
                 [](const Self& s) {
                   return array({s.n_output_features_, s.n_features_in_},
                                {.low = 0.0, .dtypes = {DType::int64}});
                 }),
       attribute("n_output_features_", &Self::n_output_features_, integers(1))},
      {method("fit", &Self::do_fit, "counts the products", {.sample_weight = false}),
       method("transform", &Self::do_transform, "the products of every row",
              {.column_names = names_out})});
  return type;
}

void PolynomialFeatures::do_fit(const Rows& x, const Array&, const Array&) {
  require_finite(x, "X", name());
  std::int64_t least = 0, most = 0;
  if (const List* both = params.degree.items()) {
    least = (*both)[0].as<std::int64_t>();
    most = (*both)[1].as<std::int64_t>();
  } else {
    most = params.degree.as<std::int64_t>();
  }
  if (least > most)
    throw ValueError(
        fmt::format("degree=(min_degree, max_degree) must be non-negative integers that fulfil "
                    "min_degree <= max_degree, got {}.",
                    params.degree.to_string()));
  if (most == 0 && !params.include_bias)
    throw ValueError(
        "Setting degree to zero and include_bias to False would result in an empty output array.");
  const auto all = products(x.cols(), least, most, params.interaction_only, params.include_bias);
  if (all.empty()) throw ValueError("PolynomialFeatures: there is no product of such a degree");
  std::vector<std::int64_t> powers(all.size() * static_cast<std::size_t>(x.cols()));
  for (std::size_t i = 0; i < all.size(); ++i)
    for (const std::int64_t j : all[i])
      ++powers[i * static_cast<std::size_t>(x.cols()) + static_cast<std::size_t>(j)];
  n_output_features_ = std::ssize(all);
  powers_ = replicated(powers, {n_output_features_, x.cols()}, x.comm());
}

Rows PolynomialFeatures::do_transform(const Rows& x) const {
  // Every product is a column times the product of its other factors, which came before; where
  // those are not among the results the factors themselves are multiplied.
  struct Step {
    std::int64_t first = -1, rest = -1;
    Product factors;
  };
  std::vector<Step> steps;
  std::map<Product, std::int64_t> places;
  const auto powers = powers_.values<std::int64_t>();
  const auto p = static_cast<std::size_t>(n_features_in_);
  for (std::int64_t i = 0; i < n_output_features_; ++i) {
    Product factors;
    for (std::size_t j = 0; j < p; ++j)
      factors.insert(factors.end(),
                     static_cast<std::size_t>(powers[static_cast<std::size_t>(i) * p + j]),
                     static_cast<std::int64_t>(j));
    Step step;
    if (!factors.empty()) {
      step.first = factors[0];
      const Product rest(factors.begin() + 1, factors.end());
      if (const auto at = places.find(rest); at != places.end() && !rest.empty())
        step.rest = at->second;
      else
        step.factors = rest;
    }
    places.emplace(std::move(factors), i);
    steps.push_back(std::move(step));
  }
  return detail::map_each_row(
      x, n_output_features_, *this, false, [steps]<class T>(std::span<const T> row, T* out) {
        T* to = out;
        for (const Step& s : steps) {
          T value = s.rest >= 0 ? out[s.rest] : T{1};
          for (auto at = s.factors.rbegin(); at != s.factors.rend(); ++at)
            value *= row[static_cast<std::size_t>(*at)];
          *to++ = s.first < 0 ? T{1} : row[static_cast<std::size_t>(s.first)] * value;
        }
        const auto finite = [](T v) { return std::isfinite(v); };
        if (!std::all_of(out, out + steps.size(), finite) && std::ranges::all_of(row, finite))
          throw ValueError(
              fmt::format("PolynomialFeatures.transform leaves the range of {}: scale X",
                          name_of(dtype_of<T>)));
      });
}

namespace detail {
const EstimatorType& polynomial_features() { return PolynomialFeatures::describe(); }
}  // namespace detail

}  // namespace tessera
