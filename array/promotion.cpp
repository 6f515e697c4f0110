#include <tessera/array/promotion.hpp>

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <type_traits>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

DType with_size(DType smallest, std::size_t bytes) {
  int d = static_cast<int>(smallest);
  while (size_of(static_cast<DType>(d)) < bytes) ++d;
  return static_cast<DType>(d);
}

// The floating dtype that an integer meets in arithmetic.
DType floating_of(DType d) {
  return is_floating(d) ? d : size_of(d) <= 2 ? DType::float32 : DType::float64;
}

}  // namespace

DType promote(DType a, DType b) {
  if (a > b) std::swap(a, b);
  if (a == b || a == DType::boolean) return b;
  if (is_complex(b)) {
    const DType part = promote(floating_of(real_of(a)), real_of(b));
    return complex_of(part);
  }
  if (is_floating(b)) return std::max(floating_of(a), b);
  if (is_signed_integer(a) == is_signed_integer(b)) return b;
  // a is signed, b is not.
  if (b == DType::uint64) return DType::float64;
  return with_size(DType::int8, std::max(size_of(a), 2 * size_of(b)));
}

DType result_type(std::span<const Operand> operands) {
  std::optional<DType> dtype;
  for (const Operand& o : operands)
    if (o.array()) dtype = dtype ? promote(*dtype, o.array()->dtype()) : o.array()->dtype();
  const bool weak = dtype.has_value();
  for (const Operand& o : operands) {
    if (o.array()) continue;
    const DType kind = o.scalar().dtype();
    if (!dtype || (weak && *dtype == DType::boolean)) {
      dtype = kind;
    } else if (!weak) {
      dtype = promote(*dtype, kind);
    } else if (is_complex(kind)) {
      dtype = complex_of(is_floating(*dtype) || is_complex(*dtype) ? *dtype : DType::float64);
    } else if (kind == DType::float64) {
      if (!is_floating(*dtype) && !is_complex(*dtype)) dtype = DType::float64;
    }
  }
  if (!dtype) throw ValueError("result_type needs an array, a dtype or a scalar");
  return *dtype;
}

bool can_cast(DType from, DType to) {
  if (is_integer(from) && is_floating(to))
    return size_of(from) < size_of(to) || to == DType::float64;
  if (is_integer(from) && is_complex(to)) return can_cast(from, real_of(to));
  return promote(from, to) == to;
}

bool isdtype(DType d, std::string_view kind) {
  const bool is_real = is_integer(d) || is_floating(d);
  if (kind == "bool") return d == DType::boolean;
  if (kind == "signed integer") return is_signed_integer(d);
  if (kind == "unsigned integer") return is_unsigned_integer(d);
  if (kind == "integral") return is_integer(d);
  if (kind == "real floating") return is_floating(d);
  if (kind == "complex floating") return is_complex(d);
  if (kind == "numeric") return is_real || is_complex(d);
  throw ValueError(
      fmt::format("kind must be one of 'bool', 'signed integer', 'unsigned integer', 'integral', "
                  "'real floating', 'complex floating', 'numeric'; got '{}'",
                  kind));
}

FloatInfo finfo(DType dtype) {
  return visit(real_of(dtype), [&](auto tag) -> FloatInfo {
    using T = typename decltype(tag)::type;
    using Limits = std::numeric_limits<T>;
    if constexpr (std::is_floating_point_v<T>)
      return {static_cast<int>(8 * sizeof(T)),
              Limits::epsilon(),
              Limits::max(),
              Limits::lowest(),
              Limits::min(),
              real_of(dtype)};
    else
      throw TypeError(fmt::format("finfo takes floating dtypes, not {}", name_of(dtype)));
  });
}

IntegerInfo iinfo(DType dtype) {
  return visit(dtype, [&](auto tag) -> IntegerInfo {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      return {static_cast<int>(8 * sizeof(T)), std::numeric_limits<T>::max(),
              std::numeric_limits<T>::min(), dtype};
    else
      throw TypeError(fmt::format("iinfo takes integer dtypes, not {}", name_of(dtype)));
  });
}

DType Scalar::dtype() const {
  constexpr std::array kinds = {DType::boolean, DType::int64, DType::uint64, DType::float64,
                                DType::complex128};
  return kinds[value_.index()];
}

void Scalar::write(DType dtype, void* memory) const {
  tessera::visit(dtype, [&](auto tag) {
    using To = typename decltype(tag)::type;
    std::visit(
        [&](const auto& v) {
          using From = std::decay_t<decltype(v)>;
          constexpr bool higher = !std::is_constructible_v<To, From> ||
                                  (std::is_integral_v<To> && !std::is_same_v<To, bool> &&
                                   std::is_floating_point_v<From>);
          if constexpr (higher) {
            throw TypeError(
                fmt::format("{} is not a number of dtype {}", to_string(), name_of(dtype)));
          } else {
            if constexpr (std::is_integral_v<To> && !std::is_same_v<To, bool> &&
                          !std::is_same_v<From, bool>)
              if (!std::in_range<To>(v))
                throw ValueError(fmt::format("{} holds {} to {}, not {}", name_of(dtype),
                                             std::numeric_limits<To>::min(),
                                             std::numeric_limits<To>::max(), v));
            const To value = static_cast<To>(v);
            std::memcpy(memory, &value, sizeof value);
          }
        },
        value_);
  });
}

Array Scalar::array(DType dtype, const Communicator& comm) const {
  const Array out({}, dtype, replicated_distribution({}, comm), comm);
  write(dtype, out.local().data);
  return out;
}

std::string Scalar::to_string() const {
  return std::visit(
      [](const auto& v) {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::complex<double>>)
          return fmt::format("{}{:+}j", v.real(), v.imag());
        else
          return fmt::format("{}", v);
      },
      value_);
}

}  // namespace tessera
