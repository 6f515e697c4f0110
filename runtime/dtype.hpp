#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tessera {

/// Element type of an array, a run-time property as in NumPy and the array API standard.
enum class DType : std::uint8_t {
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float32,
  float64,
  complex64,
  complex128,
};

inline constexpr int dtype_count = 13;

/// Bytes of one element.
std::size_t size_of(DType dtype);
/// NumPy's name: "bool", "int8", ..., "complex128".
std::string_view name_of(DType dtype);
/// The dtype with that name; ValueError listing all names otherwise.
DType dtype_from_name(std::string_view name);

constexpr bool is_floating(DType d) { return d == DType::float32 || d == DType::float64; }
constexpr bool is_complex(DType d) { return d == DType::complex64 || d == DType::complex128; }

/// A set of dtypes: what an implementation of an operation takes.
class DTypes {
 public:
  constexpr DTypes() = default;
  constexpr DTypes(std::initializer_list<DType> dtypes) {
    for (const DType d : dtypes) bits_ |= bit(d);
  }
  constexpr bool has(DType d) const { return (bits_ & bit(d)) != 0; }
  constexpr bool operator==(const DTypes&) const = default;
  static constexpr DTypes all() {
    DTypes d;
    d.bits_ = (1u << dtype_count) - 1;
    return d;
  }
  /// "float32 float64"; "any" for all.
  std::string to_string() const;

 private:
  static constexpr std::uint32_t bit(DType d) { return 1u << static_cast<unsigned>(d); }
  std::uint32_t bits_ = 0;
};
inline constexpr DTypes floating = {DType::float32, DType::float64};
/// Floating and complex ones, by NumPy's name.
inline constexpr DTypes inexact = {DType::float32, DType::float64, DType::complex64,
                                   DType::complex128};

template <class T>
struct TypeTag {
  using type = T;
};

/// TypeError: expected float32 or float64.
[[noreturn]] void refuse_non_floating(DType dtype);

/// Calls f(TypeTag<float>{}) or f(TypeTag<double>{}); TypeError for any other dtype.
template <class F>
decltype(auto) visit_floating(DType dtype, F&& f) {
  if (dtype == DType::float32) return f(TypeTag<float>{});
  if (dtype == DType::float64) return f(TypeTag<double>{});
  refuse_non_floating(dtype);
}

namespace detail {
template <class T>
constexpr int dtype_index() {
  constexpr bool same[] = {std::is_same_v<T, bool>,          std::is_same_v<T, std::int8_t>,
                           std::is_same_v<T, std::int16_t>,  std::is_same_v<T, std::int32_t>,
                           std::is_same_v<T, std::int64_t>,  std::is_same_v<T, std::uint8_t>,
                           std::is_same_v<T, std::uint16_t>, std::is_same_v<T, std::uint32_t>,
                           std::is_same_v<T, std::uint64_t>, std::is_same_v<T, float>,
                           std::is_same_v<T, double>};
  for (int i = 0; i < static_cast<int>(std::size(same)); ++i)
    if (same[i]) return i;
  // std::complex, without the header that it takes to name it.
  if constexpr (requires(const T& v) { v.imag(); }) {
    if (std::is_same_v<typename T::value_type, float>) return static_cast<int>(DType::complex64);
    if (std::is_same_v<typename T::value_type, double>) return static_cast<int>(DType::complex128);
  }
  return -1;
}
}  // namespace detail

/// The dtype of a C++ type, e.g. dtype_of<float> == DType::float32.
template <class T>
requires(detail::dtype_index<std::remove_cv_t<T>>() >= 0) inline constexpr DType dtype_of =
    static_cast<DType>(detail::dtype_index<std::remove_cv_t<T>>());

}  // namespace tessera
