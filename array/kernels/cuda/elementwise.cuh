#pragma once
// Elementwise functions on the GPU: one kernel for all of them, made theirs by the functions of
// array/kernels/functions.hpp.
#include <array>
#include <tuple>

#include <tessera/array/kernels/cuda/complex.cuh>
#include <tessera/array/kernels/elementwise.hpp>
#include <tessera/runtime/cuda/launch.cuh>

namespace tessera::on_cuda {

template <class F, class... G>
constexpr bool one_of(functions::List<G...>) {
  return (std::same_as<F, G> || ...);
}

/// What a GPU computes: everything of integers and real numbers but powers of signed integers,
/// which may have to throw; of complex numbers what needs nothing of the C library.
template <class F, class T>
concept OnCuda =
    functions::Takes<F, T> && !(std::same_as<F, functions::Pow> && std::signed_integral<T>)&&(
        !functions::Complex<T> ||
        (one_of<F>(functions::Simple{}) && !std::same_as<F, functions::Sqrt>));

/// Functions that do the same to the bits of signed and unsigned integers, so that the kernels of
/// one do for both.
template <class F>
inline constexpr bool sign_blind = [] {
  using namespace functions;
  return one_of<F>(List<Add, BitwiseAnd, BitwiseInvert, BitwiseLeftShift, BitwiseOr, BitwiseXor,
                        Ceil, Conj, Equal, Floor, Imag, Isfinite, Isinf, Isnan, LogicalAnd,
                        LogicalNot, LogicalOr, LogicalXor, Multiply, Negative, NotEqual, Positive,
                        Real, Round, Square, Subtract, Trunc, Where>{});
}();

template <class F, class T>
struct ComputedAs {
  using type = Element<T>;
};
template <class F, class T>
requires(sign_blind<F>&& functions::Integer<T>) struct ComputedAs<F, T> {
  using type = std::make_unsigned_t<T>;
};

/// Where the n elements of up to three operands and of the result are: `cols` in a row, rows a
/// stride apart.
struct Places {
  std::int64_t n, cols;
  std::int64_t strides[4];
};
using ElementwiseKernel = void (*)(const void* x, const void* y, const void* z, void* out, Places);

template <class F, class T>
__global__ void __launch_bounds__(256)
    each(const void* x, const void* y, const void* z, void* out, Places at) {
  const auto step = std::int64_t{blockDim.x} * gridDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < at.n; i += step) {
    const std::int64_t row = at.cols == at.n ? 0 : i / at.cols, col = i - row * at.cols;
    const T& a = static_cast<const T*>(x)[row * at.strides[0] + col];
    auto& to = static_cast<functions::Result<F, T>*>(out)[row * at.strides[3] + col];
    if constexpr (functions::arity<F> == 1)
      to = F::of(a);
    else if constexpr (functions::arity<F> == 2)
      to = F::of(a, static_cast<const T*>(y)[row * at.strides[1] + col]);
    else
      to = F::of(a, static_cast<const T*>(y)[row * at.strides[1] + col],
                 static_cast<const functions::OperandType<F, T, 2>*>(z)[row * at.strides[2] + col]);
  }
}

/// Launches a kernel on operands, at most three, and the result, the last tile.
void run_elementwise(Stream& stream, ElementwiseKernel kernel, std::initializer_list<Tile> tiles);

template <class F>
constexpr auto kernels_of() {
  const auto one = []<class T>(TypeTag<T>) -> ElementwiseKernel {
    if constexpr (OnCuda<F, T>)
      return &each<F, typename ComputedAs<F, T>::type>;
    else
      return nullptr;
  };
  return functions::with_all_types([=](auto... tag) { return std::array{one(tag)...}; });
}

/// Implements every function of a list.
template <class... F>
void implement_all(Backend& backend, functions::List<F...> all) {
  functions::for_each(all, [&]<class G>(G) {
    const auto run = [](Stream& stream, const auto&... tiles) {
      static constexpr auto kernels = kernels_of<G>();
      const auto dtype = std::get<0>(std::tie(tiles...)).dtype;
      run_elementwise(stream, kernels[static_cast<std::size_t>(dtype)], {tiles...});
    };
    const DTypes dtypes = functions::dtypes_where(
        []<class T>(TypeTag<T>) { return std::bool_constant<OnCuda<G, T>>(); });
    const auto& op = functions::operation<G>();
    if constexpr (functions::arity<G> == 1)
      backend.implement(op, dtypes,
                        [=](Stream& s, const Tile& x, const Tile& out) { run(s, x, out); });
    else if constexpr (functions::arity<G> == 2)
      backend.implement(op, dtypes, [=](Stream& s, const Tile& x, const Tile& y, const Tile& out) {
        run(s, x, y, out);
      });
    else
      backend.implement(
          op, dtypes, [=](Stream& s, const Tile& x, const Tile& y, const Tile& z, const Tile& out) {
            run(s, x, y, z, out);
          });
  });
}

}  // namespace tessera::on_cuda
