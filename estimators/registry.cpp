#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>

#include <tessera/estimators/cluster/kmeans.hpp>
#include <tessera/estimators/decomposition/pca.hpp>
#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/estimators/linear_model/linear_regression.hpp>
#include <tessera/estimators/preprocessing/standard_scaler.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>

namespace tessera {
namespace {

struct Entry {
  std::string_view name;
  std::function<std::unique_ptr<Estimator>()> make;
  std::function<void()> register_operations;
};

template <class E>
Entry entry() {
  return {E::class_name, [] { return std::make_unique<E>(); }, [] { E::operations(); }};
}

const std::vector<Entry>& all() {
  static const std::vector<Entry> entries = {entry<KMeans>(), entry<LinearRegression>(),
                                             entry<PCA>(), entry<StandardScaler>()};
  return entries;
}

}  // namespace

std::vector<std::string> estimator_names() {
  std::vector<std::string> names;
  for (const auto& e : all()) names.emplace_back(e.name);
  return names;
}

std::unique_ptr<Estimator> make_estimator(const std::string& name) {
  for (const auto& e : all())
    if (e.name == name) return e.make();
  throw ValueError(fmt::format("unknown estimator '{}'; there are {}", name,
                               fmt::join(estimator_names(), ", ")));
}

void register_operations() {
  linalg::kernels();
  linalg::functions();
  estimator_kernels();
  for (const auto& e : all()) e.register_operations();
}

std::unique_ptr<Estimator> make_estimator(const Model& model) {
  auto e = make_estimator(model.estimator);
  e->restore(model);
  return e;
}

}  // namespace tessera
