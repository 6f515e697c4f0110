#pragma once
#include <complex>
#include <cstdlib>

#include <tessera/runtime/dtype.hpp>

/// From a dtype to a C++ type, complex ones among them; visit_floating() is in dtype.hpp.
namespace tessera {

/// Calls f(TypeTag<T>{}) with the C++ type of `dtype`.
template <class F>
decltype(auto) visit(DType dtype, F&& f) {
  switch (dtype) {
    case DType::boolean:
      return f(TypeTag<bool>{});
    case DType::int8:
      return f(TypeTag<std::int8_t>{});
    case DType::int16:
      return f(TypeTag<std::int16_t>{});
    case DType::int32:
      return f(TypeTag<std::int32_t>{});
    case DType::int64:
      return f(TypeTag<std::int64_t>{});
    case DType::uint8:
      return f(TypeTag<std::uint8_t>{});
    case DType::uint16:
      return f(TypeTag<std::uint16_t>{});
    case DType::uint32:
      return f(TypeTag<std::uint32_t>{});
    case DType::uint64:
      return f(TypeTag<std::uint64_t>{});
    case DType::float32:
      return f(TypeTag<float>{});
    case DType::float64:
      return f(TypeTag<double>{});
    case DType::complex64:
      return f(TypeTag<std::complex<float>>{});
    case DType::complex128:
      return f(TypeTag<std::complex<double>>{});
  }
  std::abort();
}

/// The same for complex dtypes, too.
template <class F>
decltype(auto) visit_inexact(DType dtype, F&& f) {
  if (dtype == DType::complex64) return f(TypeTag<std::complex<float>>{});
  if (dtype == DType::complex128) return f(TypeTag<std::complex<double>>{});
  return visit_floating(dtype, std::forward<F>(f));
}

}  // namespace tessera
