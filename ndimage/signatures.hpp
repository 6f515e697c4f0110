#pragma once
#include <vector>

#include <tessera/runtime/signature.hpp>

namespace tessera::ndimage {

/// The functions of images for the program: those of functions() that take images, by their names
/// and parameters.
const std::vector<tessera::functions::Signature>& signatures();

}  // namespace tessera::ndimage
