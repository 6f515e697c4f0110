#pragma once
#include <vector>

#include <tessera/runtime/signature.hpp>

namespace tessera::linalg {

using functions::Arguments;
using functions::Option;
using functions::Result;
using functions::Setting;
using functions::signature;
using functions::Signature;

/// All functions of linear algebra, in the order of the documentation: docs/linalg_functions.md is
/// made from it.
const std::vector<Signature>& signatures();

}  // namespace tessera::linalg
