// What a dataset holds, and what is refused.
#include <fmt/format.h>
#include <hdf5.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <tessera/io/attributes.hpp>
#include <tessera/io/hdf5_types.hpp>
#include <tessera/io/packing.hpp>
#include <tessera/io/preflight.hpp>
#include <tessera/io/sparse.hpp>
#include <tessera/io/text.hpp>

namespace tessera::io::hdf5 {
namespace {

void refuse_filters(hid_t creation, const std::string& who) {
  constexpr H5Z_filter_t lzf = 32000;
  const auto count = check(H5Pget_nfilters(creation));
  for (unsigned i = 0; i < count; ++i) {
    unsigned flags = 0;
    std::size_t values = 0;
    std::array<char, 64> name{};
    unsigned config = 0;
    const auto filter = static_cast<H5Z_filter_t>(check(H5Pget_filter2(
        creation, i, &flags, &values, nullptr, name.size() - 1, name.data(), &config)));
    if (filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE ||
        filter == H5Z_FILTER_FLETCHER32 || H5Zfilter_avail(filter) > 0)
      continue;
    throw NotImplementedError(fmt::format(
        "{} is stored with the filter {} (number {}), which is not available here: install its "
        "HDF5 plug-in and set HDF5_PLUGIN_PATH, or store the data with gzip",
        who, filter == lzf ? "lzf" : fmt::format("'{}'", name.data()), filter));
  }
}
// Whether HDF5 will find the source of a virtual dataset in the file itself. It looks for a name
// where HDF5_VDS_PREFIX says and then beside the file.
bool is_same_file(const std::string& source, const std::string& file) {
  if (source == ".") return true;
  if (std::getenv("HDF5_VDS_PREFIX")) return false;
  std::error_code ignored;
  const std::filesystem::path beside = std::filesystem::path(file).parent_path() / source;
  return std::filesystem::equivalent(beside, file, ignored);
}

// OSError unless all numbers lie in this file: in the dataset itself or, for a virtual one, in
// datasets that are there, as large as it says, and of which the same holds.
void require_own_data(hid_t dataset_id, hid_t creation, const std::string& file,
                      const std::string& who, int depth) {
  constexpr int deepest = 8;
  if (check(H5Pget_external_count(creation)) > 0)
    throw OSError(fmt::format("{} is refused: its data lies in another file", who));
  if (H5Pget_layout(creation) != H5D_VIRTUAL) return;
  if (depth == deepest)
    throw OSError(
        fmt::format("{} is refused: it consists of virtual datasets, one inside another", who));
  const auto name_by = [&](auto function, std::size_t index) {
    std::string name(static_cast<std::size_t>(check(function(creation, index, nullptr, 0))), '\0');
    check(function(creation, index, name.data(), name.size() + 1));
    return name;
  };
  std::size_t count = 0;
  check(H5Pget_virtual_count(creation, &count));
  const Id file_id(check(H5Iget_file_id(dataset_id)));
  std::string checked;  // mappings from one dataset lie together
  std::vector<hsize_t> extent;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string source_file = name_by(H5Pget_virtual_filename, i);
    const std::string source = name_by(H5Pget_virtual_dsetname, i);
    if (!is_same_file(source_file, file))
      throw OSError(fmt::format(
          "{} is refused: it is a virtual dataset, and data of it lies in another file", who));
    if (source.find('%') != std::string::npos)
      throw NotImplementedError(
          fmt::format("{} is a virtual dataset of a series of datasets ('{}'); name each of them",
                      who, source));
    if (source != checked) {
      const auto [path, kind] = place_of(file_id, file, source);
      if (kind != Place::Kind::dataset)
        throw OSError(
            fmt::format("{} is a virtual dataset of '{}', which is not there", who, source));
      const Id id = open_dataset(file_id, path);
      const Id how(check(H5Dget_create_plist(id)));
      require_own_data(id, how, file, title(file, path), depth + 1);
      refuse_filters(how, title(file, path));
      require_sound(id, title(file, path));
      const Id space(check(H5Dget_space(id)));
      extent.resize(static_cast<std::size_t>(check(H5Sget_simple_extent_ndims(space))));
      check(H5Sget_simple_extent_dims(space, extent.data(), nullptr));
      checked = source;
    }
    const Id from(check(H5Pget_virtual_srcspace(creation, i)));
    const Id to(check(H5Pget_virtual_vspace(creation, i)));
    // One without end takes what there is.
    bool fits = true;
    std::vector<hsize_t> first(extent.size());
    std::vector<hsize_t> last(extent.size());
    if (H5Sget_select_type(from) == H5S_SEL_ALL) {
      std::uint64_t all = 1;
      for (const hsize_t n : extent) fits = fits && !__builtin_mul_overflow(all, n, &all);
      const auto taken = H5Sget_select_npoints(to);
      fits = fits && (taken < 0 || static_cast<std::uint64_t>(taken) == all);
    } else if (H5Sget_simple_extent_ndims(from) != std::ssize(extent)) {
      fits = false;
    } else if (H5Sget_select_bounds(from, first.data(), last.data()) >= 0) {
      for (std::size_t d = 0; d < extent.size(); ++d) fits = fits && last[d] < extent[d];
    }
    H5Eclear2(H5E_DEFAULT);
    if (!fits)
      throw OSError(
          fmt::format("{} is damaged: it takes another part of '{}' than there is", who, source));
  }
}

// Datasets that hold something else than the numbers of an array, as those who write them mark it.
void refuse_what_is_no_array(hid_t dataset_id, const std::string& who) {
  H5O_info_t object{};
  check(H5Oget_info2(dataset_id, &object, H5O_INFO_NUM_ATTRS));
  if (object.num_attrs == 0) return;
  const auto is = [](const std::optional<Numbers>& found) {
    return found && found->values[0] != 0;
  };
  if (text_attribute(dataset_id, "MATLAB_class").value_or("") == "char")
    throw TypeError(fmt::format("{} holds text of MATLAB", who));
  if (has_attribute(dataset_id, "MATLAB_empty") &&
      is(number_attribute(dataset_id, "MATLAB_empty", who)))
    throw ValueError(fmt::format("{} has no data (an empty array of MATLAB)", who));
  if (has_attribute(dataset_id, "CLASS") &&
      text_attribute(dataset_id, "NAME")
          .value_or("")
          .starts_with("This is a netCDF dimension but not a netCDF variable"))
    throw ValueError(fmt::format("{} has no data (a dimension of NetCDF)", who));
}

}  // namespace
DatasetInfo describe(hid_t dataset_id, const std::string& file, const std::string& path) {
  const Session session;
  const std::string who = title(file, path);
  if (H5Iget_type(dataset_id) == H5I_GROUP) return describe_sparse(dataset_id, file, path);
  const Id creation(check(H5Dget_create_plist(dataset_id)));
  require_own_data(dataset_id, creation, file, who, 0);
  refuse_what_is_no_array(dataset_id, who);
  const Id type(check(H5Dget_type(dataset_id)));
  const Id space(check(H5Dget_space(dataset_id)));
  const bool simple = H5Sget_simple_extent_type(space) == H5S_SIMPLE;
  const int extents = simple ? check(H5Sget_simple_extent_ndims(space)) : 0;
  const bool text = is_text(type) && (extents == 1 || extents == 2);
  const int dtype = text ? static_cast<int>(DType::int64) : dtype_index(type);
  if (dtype < 0)
    throw TypeError(fmt::format("{} holds {}; expected integers, floats, bools or complex numbers",
                                who, class_name(type)));
  refuse_filters(creation, who);
  if (H5Sget_simple_extent_type(space) == H5S_NULL)
    throw ValueError(fmt::format("{} has no data (a null dataspace)", who));
  const auto ndim = check(H5Sget_simple_extent_ndims(space));
  std::vector<hsize_t> extent(static_cast<std::size_t>(ndim));
  check(H5Sget_simple_extent_dims(space, extent.data(), nullptr));
  DatasetInfo info{path, Shape(extent.begin(), extent.end()), static_cast<DType>(dtype)};
  try {
    element_count(info.shape);
  } catch (const ValueError& error) {
    throw ValueError(fmt::format("{}: {}", who, error.what()));
  }
  require_sound(dataset_id, who);
  info.text = text;
  if (text) return info;
  if (auto packing = packing_of(dataset_id, info.dtype, who)) {
    info.dtype = packing->result;
    info.packing = std::make_shared<const Packing>(*std::move(packing));
  }
  return info;
}
void require_dense(const DatasetInfo& info, const std::string& file, bool dense) {
  if (info.sparse.empty() || dense) return;
  throw TypeError(
      fmt::format("'{}' of '{}' is a sparse matrix ({}, {} x {}, {}); it can be read as a dense "
                  "one of {:.1f} MB "
                  "(--dense, in C++ ReadOptions.dense)",
                  info.name, file, info.sparse, info.shape[0], info.shape[1], name_of(info.dtype),
                  static_cast<double>(info.shape[0]) * static_cast<double>(info.shape[1]) *
                      static_cast<double>(size_of(info.dtype)) / 1e6));
}
}  // namespace tessera::io::hdf5
