#pragma once
#include <vector>

#include <tessera/runtime/signature.hpp>

namespace tessera::linalg {

/// All functions of linear algebra, in the order of the documentation: docs/linalg_functions.md is
/// made from it.
const std::vector<functions::Signature>& signatures();

}  // namespace tessera::linalg
