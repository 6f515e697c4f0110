#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera::detail {

/// Whether nothing but this handle has this process's memory, and the library took it: whoever
/// writes to it is then not noticed elsewhere. Local; processes may differ.
bool exclusive(const Array& x);

}  // namespace tessera::detail
