// Fourier transforms by FFTW: a module that the array room loads where it is there. A plan is for
// one line of aligned memory and is estimated, not measured: which instructions a line gets depends
// on its length alone. Lines that are not aligned are copied (plans for any memory are not
// vectorised).
#include <fftw3.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include <tessera/array/kernels/fft.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/plugin.hpp>

namespace tessera {
namespace {

using fourier::Kind;

struct Double {
  using Real = double;
  using Complex = fftw_complex;
  using Plan = fftw_plan;
  static constexpr auto alignment = fftw_alignment_of;
  static constexpr auto dft = fftw_plan_dft_1d;
  static constexpr auto to_half = fftw_plan_dft_r2c_1d;
  static constexpr auto from_half = fftw_plan_dft_c2r_1d;
  static constexpr auto real = fftw_plan_r2r_1d;
  static constexpr auto run_dft = fftw_execute_dft;
  static constexpr auto run_to_half = fftw_execute_dft_r2c;
  static constexpr auto run_from_half = fftw_execute_dft_c2r;
  static constexpr auto run_real = fftw_execute_r2r;
};
struct Single {
  using Real = float;
  using Complex = fftwf_complex;
  using Plan = fftwf_plan;
  static constexpr auto alignment = fftwf_alignment_of;
  static constexpr auto dft = fftwf_plan_dft_1d;
  static constexpr auto to_half = fftwf_plan_dft_r2c_1d;
  static constexpr auto from_half = fftwf_plan_dft_c2r_1d;
  static constexpr auto real = fftwf_plan_r2r_1d;
  static constexpr auto run_dft = fftwf_execute_dft;
  static constexpr auto run_to_half = fftwf_execute_dft_r2c;
  static constexpr auto run_from_half = fftwf_execute_dft_c2r;
  static constexpr auto run_real = fftwf_execute_r2r;
};

template <class F>
class Lines {
  using Real = typename F::Real;
  using Complex = typename F::Complex;
  using Plan = typename F::Plan;

 public:
  static void run(const Tile& in, const Tile& out, Kind kind, double factor) {
    if (in.rows == 0) return;
    const std::int64_t n = std::max(in.cols, out.cols);
    const Plan plan = planned(kind, n);
    const std::int64_t reads = reals(in), writes = reals(out);
    thread_local AlignedVector<Real> own_x, own_y;
    const auto f = static_cast<Real>(factor);
    for (std::int64_t i = 0; i < in.rows; ++i) {
      auto* x = static_cast<Real*>(in.slice(i, 1).data);
      auto* y = static_cast<Real*>(out.slice(i, 1).data);
      auto* from = x;
      auto* to = y;
      if (F::alignment(x) != 0) {
        own_x.assign(x, x + reads);
        from = own_x.data();
      }
      if (F::alignment(y) != 0) {
        own_y.resize(static_cast<std::size_t>(writes));
        to = own_y.data();
      }
      execute(plan, kind, from, to);
      if (factor != 1 || to != y)
        for (std::int64_t k = 0; k < writes; ++k) y[k] = to[k] * f;
    }
  }

 private:
  // Real numbers of a row, complex ones being two.
  static std::int64_t reals(const Tile& t) { return t.cols * (is_complex(t.dtype) ? 2 : 1); }

  static void execute(Plan plan, Kind kind, void* x, void* y) {
    if (kind == Kind::forward || kind == Kind::backward)
      F::run_dft(plan, static_cast<Complex*>(x), static_cast<Complex*>(y));
    else if (kind == Kind::to_half)
      F::run_to_half(plan, static_cast<Real*>(x), static_cast<Complex*>(y));
    else if (kind == Kind::from_half)
      F::run_from_half(plan, static_cast<Complex*>(x), static_cast<Real*>(y));
    else
      F::run_real(plan, static_cast<Real*>(x), static_cast<Real*>(y));
  }

  // Plans are kept; FFTW makes one at a time.
  static Plan planned(Kind kind, std::int64_t length) {
    static std::mutex mutex;
    static std::map<std::pair<Kind, std::int64_t>, Plan> plans;
    const std::lock_guard lock(mutex);
    Plan& plan = plans[{kind, length}];
    if (plan) return plan;
    // Estimating asks whether both are the same memory, and does not touch it.
    alignas(64) static Real here[16], there[16];
    const int n = static_cast<int>(length);
    constexpr unsigned how = FFTW_ESTIMATE | FFTW_PRESERVE_INPUT;
    auto* a = reinterpret_cast<Complex*>(here);
    auto* b = reinterpret_cast<Complex*>(there);
    constexpr fftw_r2r_kind reals[] = {FFTW_REDFT00, FFTW_REDFT10, FFTW_REDFT01, FFTW_REDFT11,
                                       FFTW_RODFT00, FFTW_RODFT10, FFTW_RODFT01, FFTW_RODFT11};
    if (kind == Kind::forward || kind == Kind::backward)
      plan = F::dft(n, a, b, kind == Kind::forward ? FFTW_FORWARD : FFTW_BACKWARD, how);
    else if (kind == Kind::to_half)
      plan = F::to_half(n, here, b, how);
    else if (kind == Kind::from_half)
      plan = F::from_half(n, a, there, how);
    else
      plan = F::real(n, here, there, reals[static_cast<int>(kind) - static_cast<int>(Kind::dct1)],
                     how);
    if (!plan) throw RuntimeError("FFTW has no plan for lines of " + std::to_string(length));
    return plan;
  }
};

void install_fftw() {
  Backend backend("cpu", Device::Kind::cpu);
  backend.implement(
      Operation<fourier::Signature>("array.fft"), inexact,
      [](Stream&, const Tile& in, const Tile& out, Kind, double) -> Verdict {
        if (std::max(in.cols, out.cols) > INT32_MAX)
          return Decline{"FFTW takes lines of at most 2^31 - 1 elements"};
        return {};
      },
      [](Stream&, const Tile& in, const Tile& out, Kind kind, double factor) {
        if (real_of(in.dtype) == DType::float32)
          Lines<Single>::run(in, out, kind, factor);
        else
          Lines<Double>::run(in, out, kind, factor);
      });
  detail::install_built_in(std::move(backend));
}

}  // namespace
}  // namespace tessera

extern "C" tessera::Plugin tessera_plugin() {
  return {tessera::plugin_version, &tessera::install_fftw};
}
