// Least squares and a singular value decomposition over all processes, as scipy.linalg has them.
#include <iostream>

#include <tessera/tessera.hpp>

using namespace tessera;

int main(int argc, char** argv) {
  Runtime runtime(argc, argv);
  const Array X = io::read("data.h5:/X");
  const Array y = io::read("data.h5:/y");
  const linalg::Lstsq fit = linalg::lstsq(X, y);
  const linalg::Svd svd = linalg::svd(X);  // svd.u is distributed like X
  io::write("svd.h5", {{"/u", svd.u}, {"/s", svd.s}, {"/vh", svd.vh}});
  if (X.comm().rank() == 0) {
    std::cout << "rank " << fit.rank << ", x";
    for (const double v : fit.x.values<double>()) std::cout << " " << v;
    std::cout << "\n";
  }
}
