#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace tessera {

/// Where memory is and work runs: `cpu` or `cuda:i`. A value.
struct Device {
  enum class Kind : std::uint8_t { cpu, cuda };
  Kind kind = Kind::cpu;
  std::int32_t index = 0;

  /// "cpu", "cuda" (cuda:0) or "cuda:3"; ValueError otherwise. Runtime::device() knows more words.
  static Device parse(std::string_view text);
  std::string to_string() const;
  auto operator<=>(const Device&) const = default;
};

/// "cpu" or "cuda".
std::string_view name_of(Device::Kind kind);

inline constexpr Device cpu{};

}  // namespace tessera
