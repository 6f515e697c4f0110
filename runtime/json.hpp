#pragma once
#include <string>
#include <string_view>

namespace tessera::detail {

/// A string of JSON.
std::string json_text(std::string_view text);

}  // namespace tessera::detail
