#pragma once
#include <vector>

#include <tessera/array/functions.hpp>

namespace tessera::linalg {

/// All functions of the array API standard: those of array_functions() and linear algebra, its
/// extension `linalg` included.
const std::vector<ArrayFunction>& standard_functions();

}  // namespace tessera::linalg
