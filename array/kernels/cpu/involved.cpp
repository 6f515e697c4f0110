// Functions of the C library: an element at a time, so that a result cannot depend on its place.
#include <tessera/array/kernels/cpu/elementwise.hpp>

namespace tessera::on_cpu {
namespace {

struct Loops {
  template <class F, class T>
  static void row(void* to, const void* const* in, std::int64_t n) {
    auto* out = static_cast<functions::Result<F, T>*>(to);
    const auto* x = static_cast<const T*>(in[0]);
    if constexpr (functions::arity<F> == 1) {
      for (std::int64_t i = 0; i < n; ++i) out[i] = F::of(x[i]);
    } else {
      const auto* y = static_cast<const T*>(in[1]);
      for (std::int64_t i = 0; i < n; ++i) out[i] = F::of(x[i], y[i]);
    }
  }
};

}  // namespace

void implement_involved(Backend& backend) {
  functions::for_each(functions::Involved{}, [&](auto f) {
    static constexpr auto rows = functions::row_functions<decltype(f), Loops>();
    functions::implement<decltype(f)>(
        backend, [](DType dtype) { return rows[static_cast<std::size_t>(dtype)]; });
  });
}

}  // namespace tessera::on_cpu
