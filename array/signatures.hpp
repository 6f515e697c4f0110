#pragma once
#include <vector>

#include <tessera/runtime/signature.hpp>

namespace tessera {

/// The functions of arrays that make sense on datasets of files, for the program: those of
/// array_functions() by their names, with `astype`, `compress`, `histogram` and `quantile` beside
/// them.
const std::vector<functions::Signature>& array_signatures();

}  // namespace tessera
