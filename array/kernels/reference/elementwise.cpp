// What every function means: from long double where the result is rounded.
#include <tessera/array/kernels/reference/elementwise.hpp>
#include <tessera/array/kernels/special.hpp>

namespace tessera::on_reference {
namespace {

template <class T>
auto wide(const T& x) {
  if constexpr (functions::Complex<T>)
    return std::complex<long double>(x);
  else if constexpr (functions::Floating<T>)
    return static_cast<long double>(x);
  else
    return x;
}

struct Loops {
  template <class F, class T>
  static void row(void* to, const void* const* in, std::int64_t n) {
    functions::each<F, T>(to, in, n, [](const auto&... x) {
      if constexpr (F::rounded)
        return static_cast<functions::Result<F, T>>(F::of(wide(x)...));
      else
        return F::of(x...);
    });
  }
};

}  // namespace

void implement_elementwise(Backend& backend) {
  functions::implement<Loops>(backend, functions::Simple{});
  functions::implement<Loops>(backend, functions::Involved{});
  functions::implement<Loops>(backend, functions::Special{});
}

}  // namespace tessera::on_reference
