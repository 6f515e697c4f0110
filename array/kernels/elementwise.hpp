#pragma once
#include <array>
#include <string>

#include <tessera/array/kernels/functions.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>
#include <tessera/runtime/visit.hpp>

/// The block kernels of elementwise functions: one operation for each type of functions.hpp.
namespace tessera::functions {

template <int operands>
struct SignatureOf;
template <>
struct SignatureOf<1> {
  using type = void(Stream&, const Tile& x, const Tile& out);
};
template <>
struct SignatureOf<2> {
  using type = void(Stream&, const Tile& x1, const Tile& x2, const Tile& out);
};
template <>
struct SignatureOf<3> {
  using type = void(Stream&, const Tile& x, const Tile& y, const Tile& z, const Tile& out);
};

/// `array.exp` and so on: out = F(x, ...), tiles of one shape. The operands have one dtype for
/// which F is defined, the result has the one that F gives (the last operand of `where` is bool).
template <class F>
const Operation<typename SignatureOf<arity<F>>::type>& operation() {
  static const Operation<typename SignatureOf<arity<F>>::type> op(std::string("array.") + F::name);
  return op;
}

/// For which dtypes F is defined.
template <class F>
DTypes dtypes() {
  const auto some = [](auto... tag) {
    constexpr auto floating = DType::float64;  // which all functions but those of bits take
    constexpr auto other = Takes<F, double> ? floating : DType::int64;
    return DTypes{(Takes<F, typename decltype(tag)::type> ? dtype_of<typename decltype(tag)::type>
                                                          : other)...};
  };
  return some(TypeTag<bool>{}, TypeTag<std::int8_t>{}, TypeTag<std::int16_t>{},
              TypeTag<std::int32_t>{}, TypeTag<std::int64_t>{}, TypeTag<std::uint8_t>{},
              TypeTag<std::uint16_t>{}, TypeTag<std::uint32_t>{}, TypeTag<std::uint64_t>{},
              TypeTag<float>{}, TypeTag<double>{}, TypeTag<std::complex<float>>{},
              TypeTag<std::complex<double>>{});
}

/// The dtype of the result, and the one given where F is not defined for it.
template <class F>
DType result_dtype(DType of) {
  return visit(of, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (Takes<F, T>)
      return dtype_of<Result<F, T>>;
    else
      return of;
  });
}

/// n elements of an operation.
using RowFunction = void (*)(void* out, const void* const* in, std::int64_t n);

/// Implements F by the rows that `row(dtype)` gives.
template <class F, class Row>
void implement(Backend& backend, Row row) {
  const auto each_row = [row](const auto& out, const auto&... in) {
    const RowFunction function = row(std::get<0>(std::tie(in...)).dtype);
    for (std::int64_t i = 0; i < out.rows; ++i) {
      const std::array<const void*, sizeof...(in)> from = {in.slice(i, 1).data...};
      function(out.slice(i, 1).data, from.data(), out.cols);
    }
  };
  if constexpr (arity<F> == 1)
    backend.implement(operation<F>(), dtypes<F>(),
                      [=](Stream&, const Tile& x, const Tile& out) { each_row(out, x); });
  else if constexpr (arity<F> == 2)
    backend.implement(
        operation<F>(), dtypes<F>(),
        [=](Stream&, const Tile& x, const Tile& y, const Tile& out) { each_row(out, x, y); });
  else
    backend.implement(operation<F>(), dtypes<F>(),
                      [=](Stream&, const Tile& x, const Tile& y, const Tile& z, const Tile& out) {
                        each_row(out, x, y, z);
                      });
}

/// A row function for each dtype that F takes: `Rows::row<F, T>`, null for others.
template <class F, class Rows>
constexpr std::array<RowFunction, dtype_count> row_functions() {
  std::array<RowFunction, dtype_count> all{};
  const auto add = [&]<class... T>(TypeTag<T>...) {
    const auto one = [&]<class U>(TypeTag<U>) {
      if constexpr (Takes<F, U>)
        all[static_cast<std::size_t>(dtype_of<U>)] = &Rows::template row<F, U>;
    };
    (one(TypeTag<T>{}), ...);
  };
  add(TypeTag<bool>{}, TypeTag<std::int8_t>{}, TypeTag<std::int16_t>{}, TypeTag<std::int32_t>{},
      TypeTag<std::int64_t>{}, TypeTag<std::uint8_t>{}, TypeTag<std::uint16_t>{},
      TypeTag<std::uint32_t>{}, TypeTag<std::uint64_t>{}, TypeTag<float>{}, TypeTag<double>{},
      TypeTag<std::complex<float>>{}, TypeTag<std::complex<double>>{});
  return all;
}

/// Makes `cpu` and `reference` known. Every use of operation() comes after it.
void register_elementwise();

}  // namespace tessera::functions
