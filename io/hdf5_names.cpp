// The attribute column_names of datasets.
#include <hdf5.h>

#include <algorithm>
#include <vector>

#include <tessera/io/hdf5.hpp>

namespace tessera::io::hdf5 {
namespace {

constexpr const char* names_attribute = "column_names";

}  // namespace

void write_column_names(hid_t dataset_id, const std::vector<std::string>& names) {
  if (names.empty()) return;
  const hsize_t count = names.size();
  const Id space(check(H5Screate_simple(1, &count, nullptr)));
  const Id type(check(H5Tcopy(H5T_C_S1)));
  check(H5Tset_size(type, H5T_VARIABLE));
  check(H5Tset_cset(type, H5T_CSET_UTF8));
  const Id attribute(
      check(H5Acreate2(dataset_id, names_attribute, type, space, H5P_DEFAULT, H5P_DEFAULT)));
  std::vector<const char*> texts;
  for (const auto& name : names) texts.push_back(name.c_str());
  check(H5Awrite(attribute, type, texts.data()));
}

std::vector<std::string> read_column_names(hid_t dataset_id, const Shape& shape) {
  if (shape.empty() || shape.size() > 2) return {};
  if (check(H5Aexists(dataset_id, names_attribute)) == 0) return {};
  const Id attribute(check(H5Aopen(dataset_id, names_attribute, H5P_DEFAULT)));
  const Id type(check(H5Aget_type(attribute)));
  const Id space(check(H5Aget_space(attribute)));
  const auto count = check(H5Sget_simple_extent_npoints(space));
  if (H5Tget_class(type) != H5T_STRING || check(H5Sget_simple_extent_ndims(space)) != 1 ||
      count != elements_per_row(shape))
    return {};
  const auto n = static_cast<std::size_t>(count);
  std::vector<std::string> names;
  if (check(H5Tis_variable_str(type)) > 0) {
    std::vector<char*> texts(n);
    check(H5Aread(attribute, type, texts.data()));
    for (const char* text : texts) names.emplace_back(text ? text : "");
    check(H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts.data()));
  } else {
    const std::size_t width = H5Tget_size(type);
    std::vector<char> texts(n * width);
    check(H5Aread(attribute, type, texts.data()));
    const bool blanks = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
    for (std::size_t i = 0; i < n; ++i) {
      std::string name(texts.data() + i * width, width);
      name.erase(std::min(name.find('\0'), blanks ? name.find_last_not_of(' ') + 1 : width));
      names.push_back(std::move(name));
    }
  }
  return names;
}

}  // namespace tessera::io::hdf5
