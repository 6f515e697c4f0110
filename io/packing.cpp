#include <tessera/io/packing.hpp>

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstring>
#include <limits>

#include <tessera/runtime/visit.hpp>

namespace tessera::io::hdf5 {
namespace {

constexpr std::array names = {"scale_factor", "add_offset", "_FillValue",  "missing_value",
                              "valid_min",    "valid_max",  "valid_range", "_Unsigned"};

bool is_signed(DType dtype) { return dtype >= DType::int8 && dtype <= DType::int64; }
bool is_unsigned(DType dtype) { return dtype >= DType::uint8 && dtype <= DType::uint64; }

DType with_other_sign(DType dtype) {
  constexpr int apart = static_cast<int>(DType::uint8) - static_cast<int>(DType::int8);
  return static_cast<DType>(static_cast<int>(dtype) + (is_signed(dtype) ? apart : -apart));
}

// Whether the type has that very number.
bool holds(DType dtype, Wide value) {
  return visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>)
      return std::trunc(value) == value && value >= Wide{std::numeric_limits<T>::min()} &&
             value <= Wide{std::numeric_limits<T>::max()};
    else
      return true;
  });
}

// The number whose bytes in one sign are those of `value` in the other.
Wide turned(DType from, Wide value) {
  return visit(from, [&](auto tag) -> Wide {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      const auto whole = static_cast<T>(value);
      if constexpr (std::is_signed_v<T>)
        return static_cast<std::make_unsigned_t<T>>(whole);
      else
        return static_cast<std::make_signed_t<T>>(whole);
    } else {
      return value;
    }
  });
}

// float32 where NumPy computes a product or sum of both in it.
DType common(DType number, DType factor) {
  const bool narrow = number == DType::float32 || size_of(number) <= 2;
  return narrow && factor == DType::float32 ? DType::float32 : DType::float64;
}

// NetCDF writes these where nothing was written, and says so as HDF5's fill value.
std::optional<Wide> netcdf_fill(hid_t dataset_id, DType stored) {
  const auto known = [&]() -> std::optional<Wide> {
    switch (stored) {
      case DType::int16:
        return -32767;
      case DType::uint16:
        return 65535;
      case DType::int32:
        return -2147483647;
      case DType::uint32:
        return 4294967295U;
      case DType::int64:
        return -9223372036854775806;
      case DType::uint64:
        return 18446744073709551614U;
      case DType::float32:
        return 9.9692099683868690e+36F;
      case DType::float64:
        return 9.9692099683868690e+36;
      default:
        return {};
    }
  }();
  if (!known) return {};
  const Id creation(check(H5Dget_create_plist(dataset_id)));
  H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
  check(H5Pfill_value_defined(creation, &defined));
  if (defined != H5D_FILL_VALUE_USER_DEFINED) return {};
  Wide fill = 0;
  if (is_floating(stored)) {
    double value = 0;
    check(H5Pget_fill_value(creation, H5T_NATIVE_DOUBLE, &value));
    fill = value;
  } else if (is_signed(stored)) {
    std::int64_t value = 0;
    check(H5Pget_fill_value(creation, H5T_NATIVE_INT64, &value));
    fill = value;
  } else {
    std::uint64_t value = 0;
    check(H5Pget_fill_value(creation, H5T_NATIVE_UINT64, &value));
    fill = value;
  }
  if (fill != *known) return {};
  if (is_floating(stored)) return known;  // nobody else has this number
  const Id root(check(H5Gopen2(dataset_id, "/", H5P_DEFAULT)));
  return has_attribute(root, "_NCProperties") ? known : std::nullopt;
}

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
class Missing {
 public:
  explicit Missing(const Packing& p) {
    for (const Wide m : p.missing) values_.push_back(static_cast<T>(m));
    if (p.low) low_ = *p.low;
    if (p.high) high_ = *p.high;
    has_range_ = p.low || p.high;
  }
  bool has(T value) const {
    if (std::find(values_.begin(), values_.end(), value) != values_.end()) return true;
    return has_range_ && (value < low_ || value > high_);
  }

 private:
  std::vector<T> values_;
  bool has_range_ = false;
  Wide low_ = -std::numeric_limits<Wide>::infinity();
  Wide high_ = std::numeric_limits<Wide>::infinity();
};

template <class T, class Result>
void unpack_as(const Packing& p, std::int64_t count, std::byte* to) {
  // The stored numbers are no wider than the results and lie at the end of their memory: writing
  // never reaches a number that is yet to be read.
  const std::byte* from = to + static_cast<std::size_t>(count) * (sizeof(Result) - sizeof(T));
  const Missing<T> missing(p);
  const bool single = p.scaled == DType::float32;
  for (std::int64_t i = 0; i < count; ++i, from += sizeof(T), to += sizeof(Result)) {
    const T number = load<T>(from);
    auto value = static_cast<Result>(number);
    if (p.scale && single)
      value = static_cast<Result>(static_cast<float>(number) * static_cast<float>(*p.scale));
    else if (p.scale)
      value = static_cast<Result>(static_cast<double>(number) * *p.scale);
    if (p.offset) value = value + static_cast<Result>(*p.offset);
    if (missing.has(number)) value = std::numeric_limits<Result>::quiet_NaN();
    std::memcpy(to, &value, sizeof value);
  }
}

}  // namespace

std::optional<Packing> packing_of(hid_t dataset_id, DType stored, const std::string& who) {
  H5O_info_t object{};
  check(H5Oget_info2(dataset_id, &object, H5O_INFO_NUM_ATTRS));
  Packing p{stored, stored, stored, stored, {}, {}, {}, {}, {}, {}};
  const bool is_number = is_floating(stored) || is_signed(stored) || is_unsigned(stored);
  const auto said = object.num_attrs == 0
                        ? names.end()
                        : std::find_if(names.begin(), names.end(), [&](const char* name) {
                            return has_attribute(dataset_id, name);
                          });
  if (said == names.end()) {
    const auto fill = netcdf_fill(dataset_id, stored);
    if (!fill) return {};
    if (is_floating(stored))
      p.missing = {*fill};
    else
      p.unwritten = fill;
    return p;
  }
  if (!is_number)
    throw NotImplementedError(fmt::format(
        "{} has the attribute {}, which applies to integers and floats, and holds {} numbers", who,
        *said, name_of(stored)));

  if (has_attribute(dataset_id, "_Unsigned")) {
    auto text = text_attribute(dataset_id, "_Unsigned").value_or("");
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (text != "true" && text != "false")
      throw ValueError(fmt::format("the attribute _Unsigned of {} must be true or false", who));
    if (text == "true" ? is_signed(stored) : is_unsigned(stored))
      p.number = with_other_sign(stored);
  }

  const auto one = [&](const char* name) {
    auto found = number_attribute(dataset_id, name, who);
    if (found && found->values.size() != 1)
      throw ValueError(fmt::format("the attribute {} of {} holds {} numbers; expected one", name,
                                   who, found->values.size()));
    return found;
  };
  // As what is compared: a float is rounded to the type of the data, an integer may have been
  // written in either sign. A number that the type does not have cannot be among the data.
  const auto comparable = [&](Wide value) -> std::optional<Wide> {
    if (is_floating(stored)) {
      if (stored == DType::float32) value = static_cast<float>(value);
      return value;
    }
    if (p.number != stored && holds(stored, value)) return turned(stored, value);
    return holds(p.number, value) ? std::optional(value) : std::nullopt;
  };
  const auto add_missing = [&](const std::optional<Numbers>& found) {
    if (!found) return;
    for (const Wide value : found->values)
      if (const auto v = comparable(value)) p.missing.push_back(*v);
  };
  const auto fill = one("_FillValue");
  const auto others = number_attribute(dataset_id, "missing_value", who);
  add_missing(fill);
  add_missing(others);
  auto range = number_attribute(dataset_id, "valid_range", who);
  if (range && range->values.size() != 2)
    throw ValueError(fmt::format("the attribute valid_range of {} holds {} numbers; expected two",
                                 who, range->values.size()));
  // A border that the type cannot hold lies beyond all of its numbers, or between two of them.
  const auto border = [&](Wide value) { return comparable(value).value_or(value); };
  if (range) {
    p.low = border(range->values[0]);
    p.high = border(range->values[1]);
  } else {
    if (const auto low = one("valid_min")) p.low = border(low->values[0]);
    if (const auto high = one("valid_max")) p.high = border(high->values[0]);
  }

  const auto scale = one("scale_factor");
  const auto offset = one("add_offset");
  for (const auto& [name, found] :
       {std::pair("scale_factor", &scale), std::pair("add_offset", &offset)})
    if (*found && !std::isfinite((*found)->values[0]))
      throw ValueError(fmt::format("the attribute {} of {} is not finite", name, who));
  p.scaled = p.number;
  if (scale) {
    p.scale = static_cast<double>(scale->values[0]);
    p.scaled = common(p.number, scale->dtype);
  }
  p.result = p.scaled;
  if (offset) {
    p.offset = static_cast<double>(offset->values[0]);
    p.result = common(p.scaled, offset->dtype);
  }
  if (scale || offset || fill || others || p.low || p.high) {
    if (!is_floating(p.result))  // integers with a hole, exact as long as float64 is
      p.result = size_of(p.number) <= 2 ? DType::float32 : DType::float64;
    if (!fill)
      if (const auto unwritten = netcdf_fill(dataset_id, stored))
        if (const auto v = comparable(*unwritten)) p.missing.push_back(*v);
  }
  return p;
}

void unpack(const Packing& p, std::int64_t count, void* to, const std::string& who) {
  auto* bytes = static_cast<std::byte*>(to);
  visit(p.number, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
      if (p.result == p.number && !is_floating(p.result)) {
        const auto unwritten = static_cast<T>(p.unwritten.value_or(0));
        for (std::int64_t i = 0; p.unwritten && i < count; ++i)
          if (load<T>(bytes + static_cast<std::size_t>(i) * sizeof(T)) == unwritten)
            throw ValueError(fmt::format(
                "{} holds {}, NetCDF's mark for numbers that were never written; give it the "
                "attribute _FillValue, and they are read as NaN",
                who, unwritten));
      } else if (p.result == DType::float64) {
        unpack_as<T, double>(p, count, bytes);
      } else if constexpr (sizeof(T) <= sizeof(float)) {
        unpack_as<T, float>(p, count, bytes);
      }
    }
  });
}

}  // namespace tessera::io::hdf5
