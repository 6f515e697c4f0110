#include <tessera/io/checksum.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

namespace tessera::io {

static_assert(std::endian::native == std::endian::little);

// Every step maps the state one-to-one for a given word and words one-to-one for a given state.
std::uint64_t checksum(std::uint64_t sum, std::string_view bytes) {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15U;
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
    sum = std::rotl((sum ^ word) * odd, 29);
    sum ^= sum >> 32;
  }
  return sum;
}

}  // namespace tessera::io
