#include <tessera/array/kernels/fft.hpp>

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <tessera/array/kernels/reference/fft.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/runtime/plugin.hpp>

namespace tessera::fourier {

DType result_of(Kind kind, DType dtype) {
  if (kind == Kind::to_half) return complex_of(dtype);
  return kind == Kind::from_half ? real_of(dtype) : dtype;
}

const Operation<Signature>& operation() {
  static const Operation<Signature> fft(
      "array.fft", [](Stream&, const Tile& in, const Tile& out, Kind kind, double) {
        const auto n = static_cast<double>(std::max(in.cols, out.cols));
        const bool complex = kind == Kind::forward || kind == Kind::backward;
        return (complex ? 5 : 2.5) * static_cast<double>(in.rows) * n * std::log2(std::max(n, 2.0));
      });
  static const bool installed = [] {
    Backend reference("reference", Device::Kind::cpu, -100);
    on_reference::implement_fft(reference, fft);
    detail::install_built_in(std::move(reference));
    // Beside this library, and not linked to anything: FFTW has a licence of its own. Where the
    // module or FFTW is missing, `reference` serves.
    Dl_info here{};
    dladdr(reinterpret_cast<const void*>(&operation), &here);
    const auto module = std::filesystem::path(here.dli_fname).parent_path() / "libtessera_fftw.so";
    try {
      if (std::filesystem::exists(module)) detail::load_plugin_here(module, true);
    } catch (const OSError&) {
    }
    return true;
  }();
  (void)installed;
  return fft;
}

}  // namespace tessera::fourier
