#pragma once
#include <complex>
#include <functional>

#include <tessera/linalg/matrix_functions.hpp>

namespace tessera::linalg {

/// What funm() takes. Apart from it, for most programs do without complex numbers.
struct ScalarFunction : std::function<std::complex<double>(const std::complex<double>&)> {
  using function::function;
};

}  // namespace tessera::linalg
