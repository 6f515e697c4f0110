#pragma once
#include <cstdint>
#include <string>

#include <tessera/runtime/rows.hpp>

namespace tessera {

/// What `tessera make` is asked for.
struct MakeOptions {
  std::int64_t rows = 0;
  std::int64_t cols = 2;
  std::int64_t centers = 3;  ///< blobs
  double cluster_std = 1.0;  ///< blobs
  std::int64_t targets = 1;  ///< regression
  double noise = 0.0;        ///< regression: standard deviation added to y
  std::uint64_t random_state = 0;
  DType dtype = DType::float64;
};

/// A data set whose rows are computed when they are read, from counter-based random numbers keyed
/// by the global index: the same at any number of processes. y is int32 labels or float targets.
struct DataSet {
  Rows x;
  Rows y;
};

/// Isotropic Gaussian blobs around uniform centres in [-10, 10]^cols, as scikit-learn's make_blobs.
DataSet make_blobs(const MakeOptions& options);
/// Standard normal features and a random linear combination of them plus noise.
DataSet make_regression(const MakeOptions& options);

}  // namespace tessera
