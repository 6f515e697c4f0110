#include <tessera/array/kernels/order.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

#include <tessera/array/kernels/cpu/order.hpp>

namespace tessera::order {
namespace {

// The definition.
void sort_plainly(Stream&, const Tile& keys) {
  const auto sort = [&](auto* first) { std::sort(first, first + keys.rows); };
  if (keys.cols == 2) {
    using Pair = std::array<std::uint64_t, 2>;
    std::sort(keys.as<Pair>(), keys.as<Pair>() + keys.rows, [](const Pair& a, const Pair& b) {
      return a[1] != b[1] ? a[1] < b[1] : a[0] < b[0];
    });
  } else if (keys.dtype == DType::uint8) {
    sort(keys.as<std::uint8_t>());
  } else if (keys.dtype == DType::uint16) {
    sort(keys.as<std::uint16_t>());
  } else if (keys.dtype == DType::uint32) {
    sort(keys.as<std::uint32_t>());
  } else {
    sort(keys.as<std::uint64_t>());
  }
}

}  // namespace

DTypes key_dtypes() { return {DType::uint8, DType::uint16, DType::uint32, DType::uint64}; }

const Operation<Signature>& sort_keys() {
  static const Operation<Signature> op("array.sort_keys");
  static const bool installed = [] {
    Backend cpu_backend("cpu", Device::Kind::cpu);
    Backend reference("reference", Device::Kind::cpu, -100);
    cpu_backend.implement(op, key_dtypes(), on_cpu::sort_keys);
    reference.implement(op, key_dtypes(), sort_plainly);
    detail::install_built_in(std::move(cpu_backend));
    detail::install_built_in(std::move(reference));
    return true;
  }();
  (void)installed;
  return op;
}

}  // namespace tessera::order
