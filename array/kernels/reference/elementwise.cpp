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
  static functions::Result<F, T> one(const auto&... x) {
    using R = functions::Result<F, T>;
    if constexpr (F::rounded)
      return static_cast<R>(F::of(wide(x)...));
    else
      return F::of(x...);
  }
  template <class F, class T>
  static void row(void* to, const void* const* in, std::int64_t n) {
    auto* out = static_cast<functions::Result<F, T>*>(to);
    const auto* x = static_cast<const T*>(in[0]);
    if constexpr (functions::arity<F> == 1) {
      for (std::int64_t i = 0; i < n; ++i) out[i] = one<F, T>(x[i]);
    } else if constexpr (functions::arity<F> == 2) {
      const auto* y = static_cast<const T*>(in[1]);
      for (std::int64_t i = 0; i < n; ++i) out[i] = one<F, T>(x[i], y[i]);
    } else {
      const auto* y = static_cast<const T*>(in[1]);
      const auto* z = static_cast<const functions::OperandType<F, T, 2>*>(in[2]);
      for (std::int64_t i = 0; i < n; ++i) out[i] = one<F, T>(x[i], y[i], z[i]);
    }
  }
};

template <class... F>
void implement_all(Backend& backend, functions::List<F...>) {
  const auto one = [&]<class G>(G) {
    static constexpr auto rows = functions::row_functions<G, Loops>();
    functions::implement<G>(backend,
                            [](DType dtype) { return rows[static_cast<std::size_t>(dtype)]; });
  };
  (one(F{}), ...);
}

}  // namespace

void implement_elementwise(Backend& backend) {
  implement_all(backend, functions::Simple{});
  implement_all(backend, functions::Involved{});
  implement_all(backend, functions::Special{});
}

}  // namespace tessera::on_reference
