#pragma once
#include <string>
#include <string_view>

namespace tessera {

/// Warns once per text, on rank 0, on standard error: "tessera: warning: UserWarning: text". `kind`
/// is the class that Python's libraries give such a warning, e.g. "ConvergenceWarning".
void warn(const std::string& text, std::string_view kind = "UserWarning");

}  // namespace tessera
