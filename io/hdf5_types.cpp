#include <tessera/io/hdf5_types.hpp>

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <optional>

namespace tessera::io::hdf5 {
namespace {

std::string member_name(hid_t type, unsigned index) {
  char* found = H5Tget_member_name(type, index);
  const std::string name = found ? found : "";
  H5free_memory(found);
  return name;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string members(hid_t type) {
  constexpr int most = 8;
  const int count = H5Tget_nmembers(type);
  std::string text;
  for (int i = 0; i < std::min(count, most); ++i)
    text += (i ? ", " : "") + member_name(type, static_cast<unsigned>(i));
  return text + (count > most ? ", ..." : "");
}
}  // namespace

std::string class_name(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_STRING:
      return "strings";
    case H5T_COMPOUND:
      return fmt::format("records (a compound type of {})", members(type));
    case H5T_REFERENCE:
      return H5Tget_size(type) == sizeof(hobj_ref_t) ? "references" : "references to regions";
    case H5T_VLEN:
      return "variable-length sequences";
    case H5T_ENUM:
      return fmt::format("an enumeration ({}) other than FALSE = 0 and TRUE = 1", members(type));
    case H5T_OPAQUE: {
      char* tag = H5Tget_tag(type);
      const std::string name = tag ? tag : "";
      H5free_memory(tag);
      return name.empty() ? "opaque bytes" : fmt::format("opaque bytes ({})", name);
    }
    case H5T_BITFIELD:
      return fmt::format("bit fields of {} bytes", H5Tget_size(type));
    case H5T_ARRAY:
      return "an array type";
    case H5T_TIME:
      return "times";
    case H5T_INTEGER:
      return fmt::format("{}-byte integers", H5Tget_size(type));
    case H5T_FLOAT:
      return fmt::format("{}-byte floating-point numbers", H5Tget_size(type));
    default:
      return "an unknown type";
  }
}

namespace {

// FALSE = 0 and TRUE = 1 in any case and of any integers.
bool is_boolean(hid_t type) {
  if (H5Tget_nmembers(type) != 2) return false;
  const Id base(check(H5Tget_super(type)));
  for (unsigned i = 0; i < 2; ++i) {
    std::array<std::int64_t, 2> value{};  // converted in place: room for the wider of both
    if (H5Tget_class(base) != H5T_INTEGER || H5Tget_size(base) > sizeof value[0]) return false;
    check(H5Tget_member_value(type, i, value.data()));
    check(H5Tconvert(base, H5T_NATIVE_INT64, 1, value.data(), nullptr, H5P_DEFAULT));
    if (value[0] != 0 && value[0] != 1) return false;
    if (lower(member_name(type, i)) != (value[0] ? "true" : "false")) return false;
  }
  return true;
}

// -1 when there is none.
int floating_index(hid_t type) {
  switch (H5Tget_size(type)) {
    case 2:
    case 4:
      return static_cast<int>(DType::float32);
    case 8:
      return static_cast<int>(DType::float64);
    default:
      return -1;
  }
}

/// The fields of a complex number: {r, i} of h5py, {real, imag} of MATLAB and Armadillo, ...
struct ComplexFields {
  std::string real;
  std::string imaginary;
  DType dtype = DType::complex128;
};

std::optional<ComplexFields> complex_fields(hid_t type) {
  constexpr std::array<std::array<std::string_view, 2>, 4> known = {
      {{"r", "i"}, {"re", "im"}, {"real", "imag"}, {"real", "imaginary"}}};
  if (H5Tget_nmembers(type) != 2) return {};
  int part = -1;
  for (unsigned i = 0; i < 2; ++i) {
    const Id member(check(H5Tget_member_type(type, i)));
    const int index = H5Tget_class(member) == H5T_FLOAT ? floating_index(member) : -1;
    if (index < 0) return {};
    part = std::max(part, index);
  }
  const bool single = part == static_cast<int>(DType::float32);
  for (const unsigned first : {0U, 1U}) {
    ComplexFields fields{member_name(type, first), member_name(type, 1 - first),
                         single ? DType::complex64 : DType::complex128};
    for (const auto& [real, imaginary] : known)
      if (lower(fields.real) == real && lower(fields.imaginary) == imaginary) return fields;
  }
  return {};
}
}  // namespace

int dtype_index(hid_t type) {
  const auto of = [](DType d) { return static_cast<int>(d); };
  switch (H5Tget_class(type)) {
    case H5T_INTEGER: {
      const bool has_sign = H5Tget_sign(type) != H5T_SGN_NONE;
      switch (H5Tget_size(type)) {
        case 1:
          return of(has_sign ? DType::int8 : DType::uint8);
        case 2:
          return of(has_sign ? DType::int16 : DType::uint16);
        case 4:
          return of(has_sign ? DType::int32 : DType::uint32);
        case 8:
          return of(has_sign ? DType::int64 : DType::uint64);
        default:
          return -1;
      }
    }
    case H5T_FLOAT:
      return floating_index(type);
    case H5T_ENUM:
      return is_boolean(type) ? of(DType::boolean) : -1;
    case H5T_BITFIELD:
      return H5Tget_size(type) == 1 ? of(DType::boolean) : -1;
    case H5T_COMPOUND: {
      const auto fields = complex_fields(type);
      return fields ? of(fields->dtype) : -1;
    }
    default:
      return -1;
  }
}

namespace {

Id complex_type(DType dtype, const Id& part, const char* real, const char* imaginary) {
  const std::size_t width = size_of(dtype);
  Id type(check(H5Tcreate(H5T_COMPOUND, width)));
  check(H5Tinsert(type, real, 0, part));
  check(H5Tinsert(type, imaginary, width / 2, part));
  return type;
}

Id number_type(DType dtype, bool stored) {
  const auto pick = [&](hid_t native, hid_t little) {
    return Id(check(H5Tcopy(stored ? little : native)));
  };
  switch (dtype) {
    case DType::boolean: {
      Id type(check(H5Tenum_create(stored ? H5T_STD_I8LE : H5T_NATIVE_INT8)));
      for (std::int8_t value : {0, 1})
        check(H5Tenum_insert(type, value ? "TRUE" : "FALSE", &value));
      return type;
    }
    case DType::int8:
      return pick(H5T_NATIVE_INT8, H5T_STD_I8LE);
    case DType::int16:
      return pick(H5T_NATIVE_INT16, H5T_STD_I16LE);
    case DType::int32:
      return pick(H5T_NATIVE_INT32, H5T_STD_I32LE);
    case DType::int64:
      return pick(H5T_NATIVE_INT64, H5T_STD_I64LE);
    case DType::uint8:
      return pick(H5T_NATIVE_UINT8, H5T_STD_U8LE);
    case DType::uint16:
      return pick(H5T_NATIVE_UINT16, H5T_STD_U16LE);
    case DType::uint32:
      return pick(H5T_NATIVE_UINT32, H5T_STD_U32LE);
    case DType::uint64:
      return pick(H5T_NATIVE_UINT64, H5T_STD_U64LE);
    case DType::float32:
      return pick(H5T_NATIVE_FLOAT, H5T_IEEE_F32LE);
    case DType::float64:
      return pick(H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE);
    case DType::complex64:
    case DType::complex128:
      return complex_type(
          dtype, number_type(dtype == DType::complex64 ? DType::float32 : DType::float64, stored),
          "r", "i");
  }
  std::abort();
}
}  // namespace

Id writing_type(DType dtype) { return number_type(dtype, false); }
Id stored_type(DType dtype) { return number_type(dtype, true); }
Id text_type(std::int64_t bytes) {
  Id type(check(H5Tcopy(H5T_C_S1)));
  check(H5Tset_size(type, static_cast<std::size_t>(bytes)));
  check(H5Tset_cset(type, H5T_CSET_UTF8));
  check(H5Tset_strpad(type, H5T_STR_NULLPAD));
  return type;
}

// HDF5 converts fields by their names and does not convert bit fields to integers.
Id reading_type(hid_t stored, DType dtype) {
  const bool bits = H5Tget_class(stored) == H5T_BITFIELD;
  if (dtype == DType::boolean) return Id(check(H5Tcopy(bits ? H5T_NATIVE_B8 : H5T_NATIVE_UINT8)));
  if (!is_complex(dtype)) return number_type(dtype, false);
  const auto fields = complex_fields(stored);
  const DType part = dtype == DType::complex64 ? DType::float32 : DType::float64;
  return complex_type(dtype, number_type(part, false), fields->real.c_str(),
                      fields->imaginary.c_str());
}

}  // namespace tessera::io::hdf5
