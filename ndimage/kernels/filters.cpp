#include <tessera/ndimage/kernels/filters.hpp>

#include <utility>

#include <tessera/ndimage/kernels/cpu/filters.hpp>
#include <tessera/ndimage/kernels/reference/filters.hpp>

namespace tessera::ndimage {

namespace {

double elements(const Tile& t) { return static_cast<double>(t.rows) * static_cast<double>(t.cols); }
double looks(const Tile& out, const Taps& taps) {
  return elements(out) * static_cast<double>(taps.lines.size());
}

}  // namespace

Filters::Filters()
    : weighted_sum("ndimage.weighted_sum",
                   [](Stream&, const Tile& out, const Taps& taps, std::span<const double>, Pairs) {
                     return 2 * looks(out, taps);
                   }),
      extreme("ndimage.extreme", [](Stream&, const Tile& out, const Taps& taps,
                                    std::span<const double>, bool) { return looks(out, taps); }),
      rank("ndimage.rank", [](Stream&, const Tile& out, const Taps& taps,
                              std::int64_t) { return 8 * looks(out, taps); }),
      slide("ndimage.slide", [](Stream&, const Tile&, const Tile& out, Fold, int, std::int64_t,
                                std::int64_t) { return 3 * elements(out); }) {}

const Filters& filters() {
  static const Filters all;
  static const bool installed = [] {
    Backend cpu_backend("cpu", Device::Kind::cpu);
    Backend reference("reference", Device::Kind::cpu, -100);
    on_cpu::implement(cpu_backend, all);
    on_reference::implement(reference, all);
    detail::install_built_in(std::move(cpu_backend));
    detail::install_built_in(std::move(reference));
    return true;
  }();
  (void)installed;
  return all;
}

}  // namespace tessera::ndimage
