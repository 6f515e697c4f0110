#include <tessera/ndimage/functions.hpp>

#include <tessera/ndimage/arguments.hpp>
#include <tessera/ndimage/kernels/filters.hpp>
#include <tessera/ndimage/kernels/interpolation.hpp>
#include <tessera/ndimage/registry.hpp>

namespace tessera::ndimage {

const std::vector<ArrayFunction>& functions() {
  static const auto functions = [] {
    std::vector<ArrayFunction> all;
    add_filters(all);
    add_morphology(all);
    add_measurements(all);
    add_interpolation(all);
    for (ArrayFunction& f : all) f.space = "ndimage";
    detail::dispatch(all);
    return all;
  }();
  return functions;
}

}  // namespace tessera::ndimage

void tessera::register_ndimage_operations() {
  ndimage::filters();
  ndimage::interpolators();
  ndimage::functions();
}
