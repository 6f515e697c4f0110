#pragma once
#include <cstddef>
#include <cstdint>

namespace tessera::detail {

/// A count of rows or columns as the standard library has sizes.
constexpr std::size_t z(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace tessera::detail
