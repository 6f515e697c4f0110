#include <tessera/runtime/dtype.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {
constexpr std::array<std::string_view, dtype_count> names = {
    "bool",   "int8",   "int16",   "int32",   "int64",     "uint8",     "uint16",
    "uint32", "uint64", "float32", "float64", "complex64", "complex128"};
}

std::size_t size_of(DType dtype) {
  return visit(dtype, [](auto tag) { return sizeof(typename decltype(tag)::type); });
}

std::string_view name_of(DType dtype) { return names[static_cast<std::size_t>(dtype)]; }

DType dtype_from_name(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<DType>(i);
  throw ValueError(fmt::format("unknown dtype '{}'; allowed are {}", name, fmt::join(names, ", ")));
}

void refuse_non_floating(DType dtype) {
  throw TypeError(fmt::format("expected float32 or float64 data, got {}", name_of(dtype)));
}

std::string DTypes::to_string() const {
  if (*this == all()) return "any";
  std::string text;
  for (int i = 0; i < dtype_count; ++i)
    if (const auto d = static_cast<DType>(i); has(d)) {
      if (!text.empty()) text += ' ';
      text += name_of(d);
    }
  return text;
}

}  // namespace tessera
