#include <tessera/io/attributes.hpp>

#include <fmt/format.h>
#include <hdf5.h>

namespace tessera::io::hdf5 {
namespace {

Id open_attribute(hid_t object_id, const char* name) {
  return Id(check(H5Aopen(object_id, name, H5P_DEFAULT)));
}

std::int64_t count_of(hid_t attribute) {
  const Id space(check(H5Aget_space(attribute)));
  return check(H5Sget_simple_extent_npoints(space));
}

template <class T>
std::vector<Wide> read_as(hid_t attribute, hid_t type, std::int64_t count) {
  std::vector<T> values(static_cast<std::size_t>(count));
  check(H5Aread(attribute, type, values.data()));
  return {values.begin(), values.end()};
}

}  // namespace

bool has_attribute(hid_t object_id, const char* name) {
  return check(H5Aexists(object_id, name)) > 0;
}

std::optional<std::string> text_attribute(hid_t object_id, const char* name) {
  constexpr std::size_t longest = 1 << 16;
  if (!has_attribute(object_id, name)) return {};
  const Id attribute = open_attribute(object_id, name);
  const Id type(check(H5Aget_type(attribute)));
  if (H5Tget_class(type) != H5T_STRING || count_of(attribute) != 1) return {};
  const Id memory(check(H5Tcopy(H5T_C_S1)));
  check(H5Tset_cset(memory, H5Tget_cset(type)));
  if (check(H5Tis_variable_str(type)) == 0) {
    const std::size_t bytes = H5Tget_size(type);
    if (bytes > longest) return {};
    std::string text(bytes + 1, '\0');  // read with a zero at the end
    check(H5Tset_size(memory, text.size()));
    check(H5Aread(attribute, memory, text.data()));
    return text.c_str();
  }
  check(H5Tset_size(memory, H5T_VARIABLE));
  char* found = nullptr;
  check(H5Aread(attribute, memory, &found));
  const std::string text = found ? found : "";
  H5free_memory(found);
  return text;
}

std::optional<Numbers> number_attribute(hid_t object_id, const char* name, const std::string& who) {
  constexpr std::int64_t most = 1000;
  if (!has_attribute(object_id, name)) return {};
  const Id attribute = open_attribute(object_id, name);
  const Id type(check(H5Aget_type(attribute)));
  const H5T_class_t kind = H5Tget_class(type);
  if ((kind != H5T_INTEGER && kind != H5T_FLOAT) || H5Tget_size(type) > 8)
    throw TypeError(
        fmt::format("the attribute {} of {} must be a number of at most 8 bytes", name, who));
  const std::int64_t count = count_of(attribute);
  if (count < 1 || count > most)
    throw ValueError(fmt::format("the attribute {} of {} holds {} numbers; expected 1 to {}", name,
                                 who, count, most));
  if (kind == H5T_FLOAT)
    return Numbers{read_as<double>(attribute, H5T_NATIVE_DOUBLE, count),
                   H5Tget_size(type) <= 4 ? DType::float32 : DType::float64};
  if (H5Tget_sign(type) == H5T_SGN_NONE)
    return Numbers{read_as<std::uint64_t>(attribute, H5T_NATIVE_UINT64, count), DType::uint64};
  return Numbers{read_as<std::int64_t>(attribute, H5T_NATIVE_INT64, count), DType::int64};
}

}  // namespace tessera::io::hdf5
