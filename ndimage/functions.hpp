#pragma once
#include <vector>

#include <tessera/array/functions.hpp>

namespace tessera::ndimage {

/// The functions of this room as data, with SciPy's names and parameters: what Python's module is
/// made from. Their operations are `array.ndimage.NAME`.
const std::vector<ArrayFunction>& functions();

}  // namespace tessera::ndimage
