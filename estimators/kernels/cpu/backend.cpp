#include <algorithm>

#include <tessera/estimators/kernels/cpu/kmeans.hpp>
#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/linalg/kernels/kernels.hpp>

namespace tessera {
namespace {

using linalg::leaf_of_run;

void assign_nearest(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& centers,
                    const Tile& offset, const Tile& weights, const Tile& labels,
                    const AssignmentParts& parts, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const tessera::on_cpu::PackedCenters<T> packed(centers.as<const T>(), centers.rows,
                                                   centers.cols, offset.as<const T>());
    for (std::int64_t i = 0; i < out.rows; ++i) {
      const Tile leaf = leaf_of_run(x, leaf_rows, i);
      double* sums = out.slice(i, 1).as<double>();
      std::fill_n(sums, parts.size(), 0.0);
      std::int64_t changed = 0;
      tessera::on_cpu::assign_nearest(leaf.as<const T>(), leaf.rows, leaf.stride, packed,
                                      leaf_of_run(weights, leaf_rows, i).template as<const T>(),
                                      leaf_of_run(labels, leaf_rows, i).template as<std::int32_t>(),
                                      parts.sums ? sums : nullptr, sums + parts.counts_at(),
                                      parts.inertia ? sums + parts.inertia_at() : nullptr,
                                      &changed);
      sums[parts.changed_at()] = static_cast<double>(changed);
    }
  });
}

void candidate_potentials(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& candidates,
                          const Tile& weights, const Tile& closest, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < out.rows; ++i) {
      const Tile leaf = leaf_of_run(x, leaf_rows, i);
      double* potentials = out.slice(i, 1).as<double>();
      std::fill_n(potentials, out.cols, 0.0);
      tessera::on_cpu::candidate_potentials(
          leaf.as<const T>(), leaf.rows, leaf.stride, leaf.cols, candidates.as<const T>(),
          candidates.rows, leaf_of_run(weights, leaf_rows, i).template as<const T>(),
          leaf_of_run(closest, leaf_rows, i).template as<const T>(), potentials);
    }
  });
}

void update_closest(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& centers,
                    const Tile& weights, const Tile& closest, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < out.rows; ++i) {
      const Tile leaf = leaf_of_run(x, leaf_rows, i);
      for (std::int64_t c = 0; c < centers.rows; ++c)
        *out.slice(i, 1).as<double>() = tessera::on_cpu::update_closest(
            leaf.as<const T>(), leaf.rows, leaf.stride, leaf.cols,
            centers.slice(c, 1).as<const T>(),
            leaf_of_run(weights, leaf_rows, i).template as<const T>(),
            leaf_of_run(closest, leaf_rows, i).template as<T>());
    }
  });
}

void distances(Stream&, const Tile& x, const Tile& centers, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    tessera::on_cpu::distances(x.as<const T>(), x.rows, x.stride, centers.as<const T>(),
                               centers.rows, centers.cols, out.as<T>(), out.stride);
  });
}

}  // namespace

Backend cpu_backend(const EstimatorKernels& k) {
  Backend backend("cpu", Device::Kind::cpu);
  backend.implement(k.assign_nearest, floating, assign_nearest)
      .implement(k.candidate_potentials, floating, candidate_potentials)
      .implement(k.update_closest, floating, update_closest)
      .implement(k.distances, floating, distances);
  return backend;
}

}  // namespace tessera
