#pragma once
#include <algorithm>
#include <cmath>
#include <complex>
#include <concepts>
#include <cstddef>
#include <limits>
#include <type_traits>

#include <tessera/runtime/dtype.hpp>

/// What an elementwise function is: a type with its name, its line of documentation, and `of`,
/// which says for which C++ types it is defined, what comes out, and what its special values are.
namespace tessera::functions {

template <class T>
concept Floating = std::floating_point<T>;
template <class T>
concept Complex = requires(const T& z) {
  typename T::value_type;
  z.imag();
};
template <class T>
concept Inexact = Floating<T> || Complex<T>;
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;
template <class T>
concept RealNumber = Integer<T> || Floating<T>;
template <class T>
concept Number = RealNumber<T> || Complex<T>;
template <class T>
concept Bits = std::integral<T>;
template <class T>
concept Ordered = Bits<T> || Floating<T>;
template <class T>
concept Any = Bits<T> || Inexact<T>;

template <Complex T>
using Part = typename T::value_type;

// Integers wrap around, which signed ones of C++ do not.
template <Integer T>
using Wrapping =
    std::conditional_t<(sizeof(T) < sizeof(unsigned)), unsigned, std::make_unsigned_t<T>>;
template <Integer T>
constexpr auto wrapping(T x) {
  return static_cast<Wrapping<T>>(x);
}

/// A literal as a template's argument.
template <std::size_t size>
struct Text {
  char value[size];
  constexpr Text(const char (&text)[size]) { std::copy_n(text, size, value); }
};

/// `rounded`: the result is a rounded real or complex number, so that the backend `reference` takes
/// it from long double.
template <Text text, Text described, bool is_rounded>
struct Function {
  static constexpr const char* name = text.value;
  static constexpr const char* doc = described.value;
  static constexpr bool rounded = is_rounded;
};
template <Text name, Text doc>
using Rounded = Function<name, doc, true>;
template <Text name, Text doc>
using Exact = Function<name, doc, false>;

/// The C++ type of operand `i` of a function whose first has type T.
template <class F, class T, int i>
struct OperandOf {
  using type = T;
};
template <class F, class T, int i>
using OperandType = typename OperandOf<F, T, i>::type;

template <class F, class T>
concept TakesOne = requires(const T& x) {
  F::of(x);
};
template <class F, class T>
concept TakesTwo = requires(const T& x) {
  F::of(x, x);
};
template <class F, class T>
concept TakesThree = requires(const T& x) {
  F::of(x, x, OperandType<F, T, 2>());
};
template <class F>
inline constexpr int arity = TakesOne<F, float> || TakesOne<F, int>   ? 1
                             : TakesTwo<F, float> || TakesTwo<F, int> ? 2
                                                                      : 3;
template <class F, class T>
concept Takes = TakesOne<F, T> || TakesTwo<F, T> || TakesThree<F, T>;

template <class F, class T>
auto result_of() {
  if constexpr (arity<F> == 1)
    return F::of(T());
  else if constexpr (arity<F> == 2)
    return F::of(T(), T());
  else
    return F::of(T(), T(), OperandType<F, T, 2>());
}
template <class F, class T>
using Result = decltype(result_of<F, T>());

template <class... F>
struct List {};
/// Calls f(F{}) for every function of a list.
template <class... F, class Visit>
constexpr void for_each(List<F...>, Visit&& visit) {
  (visit(F{}), ...);
}

/// visit(TypeTag<T>{}...) with the C++ types of all dtypes, in their order.
template <class Visit>
constexpr auto with_all_types(Visit visit) {
  return visit(TypeTag<bool>{}, TypeTag<std::int8_t>{}, TypeTag<std::int16_t>{},
               TypeTag<std::int32_t>{}, TypeTag<std::int64_t>{}, TypeTag<std::uint8_t>{},
               TypeTag<std::uint16_t>{}, TypeTag<std::uint32_t>{}, TypeTag<std::uint64_t>{},
               TypeTag<float>{}, TypeTag<double>{}, TypeTag<std::complex<float>>{},
               TypeTag<std::complex<double>>{});
}
/// The dtypes for whose C++ type takes(TypeTag<T>{}) is true, one at least.
template <class F>
DTypes dtypes_where(F takes) {
  return with_all_types([=]<class... T>(TypeTag<T>... tag) {
    constexpr bool taken[] = {decltype(takes(tag))::value...};
    int one = 0;
    while (!taken[one]) ++one;
    return DTypes{decltype(takes(tag))::value ? dtype_of<T> : static_cast<DType>(one)...};
  });
}

}  // namespace tessera::functions
