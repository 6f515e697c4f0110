#include <tessera/estimators/kernels/cpu/kmeans.hpp>
#include <tessera/estimators/kernels/kernels.hpp>

namespace tessera {
namespace {

void assign_nearest(Stream&, const Tile& x, const Tile& centers, const Tile& offset,
                    const Tile& weights, const Tile& labels, Assignment& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const tessera::on_cpu::PackedCenters<T> packed(centers.as<const T>(), centers.rows,
                                                   centers.cols, offset.as<const T>());
    const auto pointer = [](auto& v) { return v.empty() ? nullptr : v.data(); };
    tessera::on_cpu::assign_nearest(x.as<const T>(), x.rows, x.stride, packed,
                                    weights.as<const T>(), labels.as<std::int32_t>(),
                                    pointer(out.sums), pointer(out.counts),
                                    out.inertia ? &*out.inertia : nullptr, &out.changed);
  });
}

void candidate_potentials(Stream&, const Tile& x, const Tile& candidates, const Tile& weights,
                          const Tile& closest, std::span<double> potentials) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    tessera::on_cpu::candidate_potentials(
        x.as<const T>(), x.rows, x.stride, x.cols, candidates.as<const T>(), candidates.rows,
        weights.as<const T>(), closest.as<const T>(), potentials.data());
  });
}

double update_closest(Stream&, const Tile& x, const Tile& center, const Tile& weights,
                      const Tile& closest) {
  return visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return tessera::on_cpu::update_closest(x.as<const T>(), x.rows, x.stride, x.cols,
                                           center.as<const T>(), weights.as<const T>(),
                                           closest.as<T>());
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
  Backend backend("cpu", Device::Kind::cpu, 0);
  backend.implement(k.assign_nearest, assign_nearest)
      .implement(k.candidate_potentials, candidate_potentials)
      .implement(k.update_closest, update_closest)
      .implement(k.distances, distances);
  return backend;
}

}  // namespace tessera
