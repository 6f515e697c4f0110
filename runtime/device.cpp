#include <tessera/runtime/device.hpp>

#include <fmt/format.h>

#include <charconv>

#include <tessera/runtime/error.hpp>

namespace tessera {

Device Device::parse(std::string_view text) {
  if (text == "cpu") return cpu;
  Device device{Kind::cuda, 0};
  if (text == "cuda") return device;
  if (text.starts_with("cuda:")) {
    const char* end = text.data() + text.size();
    const auto [at, code] = std::from_chars(text.data() + 5, end, device.index);
    if (code == std::errc{} && at == end && device.index >= 0) return device;
  }
  throw ValueError(
      fmt::format("unknown device '{}'; allowed are cpu, cuda, cuda:N and auto", text));
}

std::string Device::to_string() const {
  return kind == Kind::cpu ? "cpu" : fmt::format("cuda:{}", index);
}

std::string_view name_of(Device::Kind kind) { return kind == Device::Kind::cpu ? "cpu" : "cuda"; }

}  // namespace tessera
