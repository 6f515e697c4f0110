#include <tessera/tessera.hpp>

int main(int argc, char** argv) {
  tessera::Runtime runtime(argc, argv);
  tessera::Array X = tessera::io::read("points.h5", "/X");
  tessera::KMeans kmeans({.n_clusters = 8, .random_state = 0});
  kmeans.fit(X);
  tessera::Array labels = kmeans.predict(X);  // distributed like X
  tessera::io::write("labels.h5", "/labels", labels);
  tessera::io::save_model("kmeans.tessera", kmeans);
}
