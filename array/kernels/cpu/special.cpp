// SciPy's special functions, an element at a time.
#include <tessera/array/kernels/cpu/special.hpp>

#include <tessera/array/kernels/elementwise.hpp>
#include <tessera/array/kernels/special.hpp>

namespace tessera::on_cpu {
namespace {

struct Loops {
  template <class F, class T>
  static void row(void* to, const void* const* in, std::int64_t n) {
    auto* out = static_cast<functions::Result<F, T>*>(to);
    const auto x = [&](int k) { return static_cast<const T*>(in[k]); };
    for (std::int64_t i = 0; i < n; ++i)
      if constexpr (functions::arity<F> == 1)
        out[i] = F::of(x(0)[i]);
      else if constexpr (functions::arity<F> == 2)
        out[i] = F::of(x(0)[i], x(1)[i]);
      else
        out[i] = F::of(x(0)[i], x(1)[i], x(2)[i]);
  }
};

}  // namespace

void implement_special(Backend& backend) {
  functions::for_each(functions::Special{}, [&](auto f) {
    static constexpr auto rows = functions::row_functions<decltype(f), Loops>();
    functions::implement<decltype(f)>(
        backend, [](DType dtype) { return rows[static_cast<std::size_t>(dtype)]; });
  });
}

}  // namespace tessera::on_cpu
