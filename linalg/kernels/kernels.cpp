#include <tessera/linalg/kernels/kernels.hpp>

namespace tessera::linalg {

// The one place that knows which backends are built in.
const Kernels& kernels() {
  static const Kernels all;
  static const bool installed = (install(cpu_backend(all)), true);
  (void)installed;
  return all;
}

}  // namespace tessera::linalg
