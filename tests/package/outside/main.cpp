#include <cstdio>

#include <tessera/tessera.hpp>

int main(int argc, char** argv) {
  tessera::Runtime runtime(argc, argv);
  const tessera::Array x = tessera::arange(0, 1000).reshape({1000, 1});
  tessera::KMeans kmeans({.n_clusters = 2, .tol = 0.0});
  kmeans.fit(x);  // 501 and 499 of them, as scikit-learn has it
  if (x.comm().rank() == 0)
    std::printf("inertia %.0f over %d processes\n", kmeans.inertia_, x.comm().size());
}
