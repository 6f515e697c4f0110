#pragma once
#include <cstdint>
#include <string_view>

namespace tessera::io {

/// `sum` continued by `bytes`, read as little-endian words of eight bytes, the last filled up with
/// zeros. Two texts of equal length that differ inside one such word, hence in any single bit or
/// byte, never have the same sum. Not secret: anyone can make texts of a given sum.
std::uint64_t checksum(std::uint64_t sum, std::string_view bytes);

}  // namespace tessera::io
