#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <tessera/estimators/cluster/kmeans.hpp>
#include <tessera/estimators/decomposition/pca.hpp>
#include <tessera/estimators/linear_model/linear_regression.hpp>
#include <tessera/estimators/preprocessing/standard_scaler.hpp>

#include "estimators/estimator_cases.hpp"

/// Every estimator with every algorithm it has, and data for them.
namespace tessera::test {

struct Configuration {
  std::string name;
  std::function<std::unique_ptr<Estimator>(std::int64_t n, std::int64_t p)> make;
  std::int64_t targets = 0;  ///< columns of y; -1: y is 1-D
  bool weighted = false;
};

template <class E>
std::unique_ptr<Estimator> estimator(typename E::Params params) {
  return std::make_unique<E>(std::move(params));
}

inline KMeansParams kmeans(std::int64_t n, const char* init) {
  KMeansParams p;
  p.n_clusters = std::min<std::int64_t>(n, 5);
  p.init = init;
  p.n_init = 2;
  p.max_iter = 6;
  p.random_state = 3;
  return p;
}

inline PCAParams pca(const char* solver, Value components = {}) {
  PCAParams p;
  p.n_components = std::move(components);
  p.svd_solver = solver;
  return p;
}

inline const std::vector<Configuration> configurations = {
    {"StandardScaler", [](auto, auto) { return estimator<StandardScaler>({}); }},
    {"StandardScaler, weights", [](auto, auto) { return estimator<StandardScaler>({}); }, 0, true},
    {"LinearRegression", [](auto, auto) { return estimator<LinearRegression>({}); }, -1},
    {"LinearRegression, 2 targets, weights",
     [](auto, auto) { return estimator<LinearRegression>({}); }, 2, true},
    {"LinearRegression, no intercept",
     [](auto, auto) { return estimator<LinearRegression>({.fit_intercept = false}); }, -1},
    {"PCA covariance_eigh", [](auto, auto) { return estimator<PCA>(pca("covariance_eigh")); }},
    {"PCA full, 1 component", [](auto, auto) { return estimator<PCA>(pca("full", 1)); }},
    {"PCA randomized", [](auto, auto) { return estimator<PCA>(pca("randomized", 1)); }},
    {"PCA whitened",
     [](auto, auto) {
       auto p = pca("auto");
       p.whiten = true;
       return estimator<PCA>(p);
     }},
    {"KMeans k-means++", [](auto n, auto) { return estimator<KMeans>(kmeans(n, "k-means++")); }},
    {"KMeans random, weights", [](auto, auto) { return estimator<KMeans>(kmeans(1, "random")); }, 0,
     true},
    {"KMeans k-means||", [](auto n, auto) { return estimator<KMeans>(kmeans(n, "k-means||")); }},
    {"KMeans k-means++, weights",
     [](auto n, auto) { return estimator<KMeans>(kmeans(n, "k-means++")); }, 0, true},
};

struct Data {
  Array x, y, weights;

  template <class T>
  static Data of(std::int64_t n, std::int64_t p, std::int64_t targets, const Communicator& comm) {
    Data d;
    d.x = make<T>(
        {n, p}, [](std::int64_t i) { return static_cast<T>(unit(i, 1) * 40 + double(i % 3) * 10); },
        comm);
    const auto y_value = [](std::int64_t i) { return static_cast<T>(unit(i, 2) * 9); };
    if (targets < 0) d.y = make<T>({n}, y_value, comm);
    if (targets > 0) d.y = make<T>({n, targets}, y_value, comm);
    d.weights = make<T>(
        {n}, [](std::int64_t i) { return static_cast<T>(1 + i % 3); }, comm);
    return d;
  }
};

}  // namespace tessera::test
