#pragma once
#include <array>
#include <string>
#include <tuple>

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
  return dtypes_where([]<class T>(TypeTag<T>) { return std::bool_constant<Takes<F, T>>(); });
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

/// A row function of F: `one` of the elements of each operand. It becomes part of its caller, whose
/// instruction set counts. An operand may be the result itself: what is written is read no more.
template <class F, class T, class One>
[[gnu::always_inline]] inline void each(void* to, const void* const* in, std::int64_t n, One one) {
  auto* out = static_cast<Result<F, T>*>(to);
  const auto* x = static_cast<const T*>(in[0]);
  if constexpr (arity<F> == 1) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) out[i] = one(x[i]);
  } else if constexpr (arity<F> == 2) {
    const auto* y = static_cast<const T*>(in[1]);
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) out[i] = one(x[i], y[i]);
  } else {
    const auto* y = static_cast<const T*>(in[1]);
    const auto* z = static_cast<const OperandType<F, T, 2>*>(in[2]);
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) out[i] = one(x[i], y[i], z[i]);
  }
}

/// For every function of a list and every dtype the row function `Rows::row<F, T>`, null where F
/// does not take it.
template <class Rows, class... F>
constexpr auto row_table(List<F...>) {
  const auto one = []<class G, class T>(G, TypeTag<T>) -> RowFunction {
    if constexpr (Takes<G, T>)
      return &Rows::template row<G, T>;
    else
      return nullptr;
  };
  const auto of_function = [one](auto f) {
    return with_all_types([=](auto... tag) { return std::array{one(f, tag)...}; });
  };
  return std::array{of_function(F{})...};
}

/// Implements every function of a list by the rows that `row(its place in the list, dtype)` gives.
template <class... F, class Row>
void implement(Backend& backend, List<F...> all, Row row) {
  std::size_t place = 0;
  for_each(all, [&]<class G>(G) {
    const auto each_row = [row, i = place++](const auto& out, const auto&... in) {
      const RowFunction function = row(i, std::get<0>(std::tie(in...)).dtype);
      for (std::int64_t r = 0; r < out.rows; ++r) {
        const std::array<const void*, sizeof...(in)> from = {in.slice(r, 1).data...};
        function(out.slice(r, 1).data, from.data(), out.cols);
      }
    };
    const auto add = [&](auto f) { backend.implement(operation<G>(), dtypes<G>(), f); };
    if constexpr (arity<G> == 1)
      add([=](Stream&, const Tile& x, const Tile& out) { each_row(out, x); });
    else if constexpr (arity<G> == 2)
      add([=](Stream&, const Tile& x, const Tile& y, const Tile& out) { each_row(out, x, y); });
    else
      add([=](Stream&, const Tile& x, const Tile& y, const Tile& z, const Tile& out) {
        each_row(out, x, y, z);
      });
  });
}
/// By the rows of `Rows`.
template <class Rows, class... F>
void implement(Backend& backend, List<F...> all) {
  implement(backend, all, [](std::size_t place, DType dtype) {
    static constexpr auto rows = row_table<Rows>(List<F...>{});
    return rows[place][static_cast<std::size_t>(dtype)];
  });
}

/// Makes `cpu` and `reference` known. Every use of operation() comes after it.
void register_elementwise();

}  // namespace tessera::functions
