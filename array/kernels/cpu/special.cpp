// SciPy's special functions, an element at a time.
#include <tessera/array/kernels/special.hpp>

#include <tessera/array/kernels/cpu/elementwise.hpp>
#include <tessera/array/kernels/elementwise.hpp>

namespace tessera::on_cpu {
namespace {

struct Loops {
  template <class F, class T>
  static void row(void* to, const void* const* in, std::int64_t n) {
    functions::each<F, T>(to, in, n, [](auto... x) { return F::of(x...); });
  }
};

}  // namespace

void implement_special(Backend& backend) {
  functions::implement<Loops>(backend, functions::Special{});
}

}  // namespace tessera::on_cpu
