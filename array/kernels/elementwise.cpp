#include <tessera/array/kernels/elementwise.hpp>

#include <tessera/array/kernels/cpu/elementwise.hpp>
#include <tessera/array/kernels/of_reals.hpp>
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

const std::map<std::string, const OfReal*>& of_reals() {
  static const auto all = [] {
    register_elementwise();
    std::map<std::string, const OfReal*> by_name;
    const auto add = [&]<class F>(F) {
      if constexpr (arity<F> == 1 && Takes<F, double>)
        if constexpr (std::same_as<Result<F, double>, double>)
          by_name.emplace(F::name, &operation<F>());
    };
    for_each(Simple{}, add);
    for_each(Involved{}, add);
    return by_name;
  }();
  return all;
}

}  // namespace tessera::functions
