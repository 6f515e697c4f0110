#pragma once
#include <vector>

#include <tessera/linalg/signatures.hpp>

namespace tessera::metrics {

/// The metrics as data, as linalg::signatures(): what the program's `metric` is made from.
const std::vector<linalg::Signature>& signatures();

}  // namespace tessera::metrics
