#pragma once
#include <vector>

#include <tessera/runtime/signature.hpp>

namespace tessera::linear_model {

/// lasso_path and enet_path as data, as linalg::signatures(): what the program's `linear-model` is
/// made from.
const std::vector<functions::Signature>& signatures();

}  // namespace tessera::linear_model
