#pragma once
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "estimators/configurations.hpp"

/// The same data at another power of two: whatever is learnt and computed is scaled and otherwise
/// has the same bits, as long as its dtype holds it.
namespace tessera::test {

/// x times 2^k; the caller knows that no element overflows.
template <class T>
Array times(const Array& x, int k) {
  if (!x) return x;
  std::vector<T> mine;
  for_each_element<T>(
      x, [&](std::int64_t, const T* v) { mine.push_back(static_cast<T>(std::ldexp(*v, k))); });
  auto next = mine.begin();
  return make<T>(
      x.shape(), x.distribution(), [&](std::int64_t) { return *next++; }, x.comm());
}

/// got, in T, = want 2^k, but for what T cannot hold.
template <class T>
void expect_times(const Array& got, const Array& want, int k, double tolerance,
                  const std::string& text) {
  const auto a = numbers(got.to(cpu)), b = numbers(want.to(cpu));
  ASSERT_EQ(a.size(), b.size()) << text;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double expected = std::ldexp(b[i], k);
    if (std::abs(expected) < std::numeric_limits<T>::min() * 0x1p30 ||
        std::abs(expected) > std::numeric_limits<T>::max())
      continue;
    const auto value = static_cast<double>(static_cast<T>(a[i]));
    if (difference(value, static_cast<double>(static_cast<T>(expected))) <=
        tolerance * std::abs(expected))
      continue;
    ADD_FAILURE() << text << ": value " << i << " is " << a[i] << " instead of " << expected;
    return;
  }
}

/// Fits at size 1 and at 2^k and compares attributes and what every method gives.
template <class T>
void expect_scaled(const Configuration& c, const Data& d, int k, int weight_k = 0) {
  static const std::map<std::string, int> powers = {{"mean_", 1},
                                                    {"var_", 2},
                                                    {"scale_", 1},
                                                    {"cluster_centers_", 1},
                                                    {"inertia_", 2},
                                                    {"singular_", 1},
                                                    {"intercept_", 1},
                                                    {"explained_variance_", 2},
                                                    {"singular_values_", 1},
                                                    {"noise_variance_", 2}};
  const auto text =
      fmt::format("{} on {} at 2^{}, weights at 2^{}", c.name, name_of(dtype_of<T>), k, weight_k);
  // Sums of y and weights come to its device by way of the host.
  const Device device = d.x.device();
  const auto scaled = [&](const Array& a, int e) { return a ? times<T>(a.to(cpu), e) : a; };
  const Array x = scaled(d.x, k).to(device), y = scaled(d.y, k);
  const Array weights = c.weighted ? d.weights : Array{};
  const Array scaled_weights = scaled(weights, weight_k);
  const auto one = c.make(d.x.rows(), d.x.cols()), other = c.make(d.x.rows(), d.x.cols());
  one->fit(d.x, d.y, weights);
  other->fit(x, y, scaled_weights);
  const std::string name(one->name());
  // Distances are rounded later where squares are not safe; whitening takes the roots of rounded
  // variances or singular values.
  const bool exact = name != "KMeans" && c.name != "PCA whitened";
  const double near = exact ? 0 : 64 * double{std::numeric_limits<T>::epsilon()};

  const Model want = one->model(), got = other->model();
  for (std::size_t i = 0; i < want.attributes.size(); ++i) {
    const auto& [key, value] = want.attributes[i];
    const auto at = powers.find(key);
    int e = at == powers.end() ? 0 : at->second * k;
    if (key == "inertia_" || (key == "n_samples_seen_" && c.weighted)) e += weight_k;
    if (key == "singular_") e += weight_k / 2;
    // Where float32 cannot hold it, the other is float64, and an array of shape () a float.
    const auto array = [](const Value& v) {
      return v.is<double>()  ? array_of({v.as<double>()}, {})
             : v.is<Array>() ? v.as<Array>()
                             : Array{};
    };
    const Value& there = got.attributes[i].second;
    const Array here = array(value), far = array(there);
    const std::string of = text + ", " + key;
    ASSERT_EQ(!here, !far) << of;
    if (here && here.dtype() != far.dtype())
      expect_times<double>(far, here, e, double{std::numeric_limits<T>::epsilon()}, of);
    else if (value.is<Array>())
      expect_times<T>(far, here, e, 0, of);
    else if (here)
      expect_times<double>(far, here, e, 0, of);
    else
      EXPECT_EQ(there.to_string(), value.to_string()) << of;
  }
  if (one->has_labels()) expect_times<T>(other->labels(), one->labels(), 0, 0, text + ", labels");
  if (name == "KMeans" || name == "LinearRegression")
    expect_times<T>(other->predict(x), one->predict(d.x), name == "KMeans" ? 0 : k, 0,
                    text + ", predict");
  if (name != "LinearRegression") {
    const bool relative = name == "StandardScaler" || c.name == "PCA whitened";
    const Array there = other->transform(x), here = one->transform(d.x);
    expect_times<T>(there, here, relative ? 0 : k, near, text + ", transform");
    if (exact)
      expect_times<T>(other->inverse_transform(there), one->inverse_transform(here), k, 0,
                      text + ", inverse_transform");
  }
  if (name == "KMeans" || name == "LinearRegression")
    expect_times<double>(array_of({other->score(x, y, scaled_weights)}, {1}),
                         array_of({one->score(d.x, d.y, weights)}, {1}),
                         name == "KMeans" ? 2 * k + weight_k : 0, 0, text + ", score");
}

}  // namespace tessera::test
