#include <string>

#include <tessera/estimators/kernels/cuda/kmeans.hpp>
#include <tessera/estimators/kernels/cuda/linear.hpp>
#include <tessera/estimators/kernels/kernels.hpp>

namespace tessera {

Backend cuda_backend(const EstimatorKernels& k) {
  Backend backend("cuda", Device::Kind::cuda);
  backend
      .implement(
          k.assign_nearest, floating,
          [](Stream&, const Tile&, std::int64_t leaf_rows, const Tile& centers, const Tile&,
             const Tile&, const Tile&, const AssignmentParts&, const Tile&) -> Verdict {
            if (leaf_rows > on_cuda::most_leaf_rows)
              return Decline{"takes leaves of at most " + std::to_string(on_cuda::most_leaf_rows) +
                             " rows"};
            if (centers.rows > on_cuda::most_centers)
              return Decline{"takes at most " + std::to_string(on_cuda::most_centers) + " centres"};
            return {};
          },
          on_cuda::assign_nearest)
      .implement(k.candidate_potentials, floating, on_cuda::candidate_potentials)
      .implement(k.update_closest, floating, on_cuda::update_closest)
      .implement(k.distances, floating, on_cuda::distances)
      .implement(k.leaf_loss, floating, on_cuda::leaf_loss)
      .implement(k.leaf_product, floating, on_cuda::leaf_product);
  return backend;
}

}  // namespace tessera
