#include <tessera/array/kernels/elementwise.hpp>

#include <tessera/array/kernels/cpu/elementwise.hpp>
#include <tessera/array/kernels/reference/elementwise.hpp>

namespace tessera::functions {

void register_elementwise() {
  static const bool installed = [] {
    Backend cpu_backend("cpu", Device::Kind::cpu);
    on_cpu::implement_simple(cpu_backend);
    on_cpu::implement_involved(cpu_backend);
    on_cpu::implement_special(cpu_backend);
    Backend reference("reference", Device::Kind::cpu, -100);
    on_reference::implement_elementwise(reference);
    detail::install_built_in(std::move(cpu_backend));
    detail::install_built_in(std::move(reference));
    return true;
  }();
  (void)installed;
}

}  // namespace tessera::functions
