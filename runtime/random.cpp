#include <tessera/runtime/random.hpp>

#include <Random123/philox.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace tessera {
namespace {

std::array<std::uint64_t, 2> philox(std::uint64_t seed, std::uint32_t purpose,
                                    std::uint64_t index) {
  const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  const auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  const r123::Philox4x32::ctr_type counter = {{low(index), high(index), purpose, 0}};
  const r123::Philox4x32::key_type key = {{low(seed), high(seed)}};
  const auto r = r123::Philox4x32{}(counter, key);
  return {(std::uint64_t{r[1]} << 32) | r[0], (std::uint64_t{r[3]} << 32) | r[2]};
}

double to_unit(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

}  // namespace

double Random::uniform(std::uint64_t index) const {
  return to_unit(philox(seed_, purpose_, index)[0]);
}

double Random::normal(std::uint64_t index) const {
  const auto bits = philox(seed_, purpose_, index);
  const double radius = std::sqrt(-2.0 * std::log(1.0 - to_unit(bits[0])));
  return radius * std::cos(2.0 * std::numbers::pi * to_unit(bits[1]));
}

std::uint64_t Random::integer(std::uint64_t index, std::uint64_t bound) const {
  const double scaled = uniform(index) * static_cast<double>(bound);
  return std::min(static_cast<std::uint64_t>(scaled), bound - 1);
}

}  // namespace tessera
