#pragma once
#include <vector>

#include <tessera/runtime/signature.hpp>

namespace tessera::metrics {

/// The metrics as data, as linalg::signatures(): what the program's `metric` is made from.
const std::vector<functions::Signature>& signatures();

}  // namespace tessera::metrics
