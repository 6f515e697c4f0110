#include <tessera/io/hdf5.hpp>

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <tessera/io/attributes.hpp>
#include <tessera/io/packing.hpp>
#include <tessera/io/preflight.hpp>
#include <tessera/io/sparse.hpp>

namespace tessera::io::hdf5 {

static_assert(std::is_same_v<hid_t, Handle> && std::is_same_v<herr_t, Status>);

namespace {

std::recursive_mutex& mutex() {
  static std::recursive_mutex m;
  return m;
}

herr_t note_line(unsigned, const H5E_error2_t* error, void* lines) {
  if (error->desc && *error->desc)
    static_cast<std::vector<std::string>*>(lines)->emplace_back(error->desc);
  return 0;
}

// What HDF5 says when it meets a version of a structure that it does not know.
bool names_unknown_version(const std::string& line) {
  if (line.find("fail if unknown") != std::string::npos) return true;
  const auto has = [&](const char* word) { return line.find(word) != std::string::npos; };
  return has("version") && (has("bad ") || has("wrong ") || has("unknown ") || has("incorrect "));
}

herr_t deny_link(const char*, const char*, const char*, const char*, unsigned*, hid_t, void*) {
  return -1;
}

constexpr const char* names_attribute = "column_names";

/// Neither a relative name in a file nor the environment finds data here.
constexpr const char* nowhere = "/nonexistent";

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
      return fmt::format("an enumeration ({}) other than FALSE and TRUE", members(type));
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

Session::Session() : lock_(mutex()) {
  H5open();
  H5Eget_auto2(H5E_DEFAULT, &print_, &print_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLget_loading_state(&plugins_);
  if (!std::getenv("HDF5_PLUGIN_PATH")) H5PLset_loading_state(0);
}

Session::~Session() {
  H5PLset_loading_state(plugins_);
  H5Eset_auto2(H5E_DEFAULT, print_, print_data_);
}

std::int64_t check(Result result) {
  if (result.value >= 0) return result.value;
  std::vector<std::string> lines;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, note_line, &lines);
  H5Eclear2(H5E_DEFAULT);
  // The first line says what was asked, the last one why it failed.
  if (!lines.empty() && names_unknown_version(lines.back()))
    throw Failure(
        fmt::format("a newer HDF5 than the {}.{}.{} of this Tessera has written it (h5py can write "
                    "it anew with "
                    "libver='v110'{}), or it is damaged: {}",
                    H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE,
                    lines.back().find("datatype") == std::string::npos
                        ? ""
                        : "; complex numbers as a compound of r and i",
                    lines.back()));
  std::string text = lines.empty() ? "unknown failure" : lines.front();
  if (lines.size() > 1 && lines.back() != text) text += ": " + lines.back();
  throw Failure(fmt::format("HDF5: {} (at {}:{})", text,
                            std::filesystem::path(result.at.file_name()).filename().string(),
                            result.at.line()));
}

void explain(const std::string& what, const std::function<void()>& work) {
  constexpr std::string_view cannot = "cannot ";
  const std::string_view text = what;
  const Watch watch(text.starts_with(cannot) ? text.substr(cannot.size()) : text);
  try {
    work();
  } catch (const Failure& failure) {
    throw OSError(what + ": " + failure.what());
  }
}

herr_t Id::close() {
  if (id_ < 0) return 0;
  const Session session;
  return H5Idec_ref(std::exchange(id_, -1)) < 0 ? -1 : 0;
}

std::deque<std::string> components(const std::string& path) {
  std::deque<std::string> parts;
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    if (const auto part = path.substr(at, end - at); !part.empty() && part != ".")
      parts.push_back(part);
    at = end + 1;
  }
  return parts;
}

std::string title(const std::string& file, const std::string& dataset) {
  return fmt::format("dataset '{}' of '{}'", dataset, file);
}

Id open_file(const std::string& file) {
  const Session session;
  Id id;
  explain(fmt::format("cannot open '{}'", file), [&] {
    if (check(H5Fis_hdf5(file.c_str())) == 0)
      throw OSError(fmt::format("'{}' is not an HDF5 file", file));
    const Id access(check(H5Pcreate(H5P_FILE_ACCESS)));
    id = Id(check(H5Fopen(file.c_str(), H5F_ACC_RDONLY, access)));
  });
  return id;
}

int descriptor(hid_t file_id) {
  const Session session;
  void* handle = nullptr;
  check(H5Fget_vfd_handle(file_id, H5P_DEFAULT, &handle));
  return *static_cast<int*>(handle);
}

namespace {

struct Place {
  std::string path;
  H5O_type_t type = H5O_TYPE_UNKNOWN;  ///< where nothing has the name
};

Place place_of(hid_t file_id, const std::string& file, const std::string& dataset) {
  constexpr int most_links = 16;
  auto pending = components(dataset);
  const auto root = [&] { return Id(check(H5Gopen2(file_id, "/", H5P_DEFAULT))); };
  // Every name is looked up in its own group: long paths are not resolved anew for each part.
  Id group = root();
  std::string at;
  int links = 0;
  while (!pending.empty()) {
    const std::string name = pending.front();
    pending.pop_front();
    if (check(H5Lexists(group, name.c_str(), H5P_DEFAULT)) == 0) return {};
    H5L_info_t link{};
    check(H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT));
    if (link.type == H5L_TYPE_SOFT) {
      if (++links > most_links)
        throw OSError(
            fmt::format("{} lies behind more than {} links", title(file, dataset), most_links));
      std::string target(link.u.val_size, '\0');
      check(H5Lget_val(group, name.c_str(), target.data(), target.size(), H5P_DEFAULT));
      target = target.c_str();
      if (target.starts_with('/')) {
        at.clear();
        group = root();
      }
      const auto parts = components(target);
      pending.insert(pending.begin(), parts.begin(), parts.end());
      continue;
    }
    at.append("/").append(name);
    if (link.type != H5L_TYPE_HARD)
      throw OSError(
          fmt::format("{} is refused: '{}' is a link to another file", title(file, dataset), at));
    H5O_info_t object{};
    check(H5Oget_info_by_name2(group, name.c_str(), &object, H5O_INFO_BASIC, H5P_DEFAULT));
    if (object.type == H5O_TYPE_DATASET && pending.empty()) return {at, object.type};
    if (object.type != H5O_TYPE_GROUP) return {};
    group = Id(check(H5Gopen2(group, name.c_str(), H5P_DEFAULT)));
  }
  if (at.empty()) return {};
  return {at, H5O_TYPE_GROUP};
}

}  // namespace

std::string follow(hid_t file_id, const std::string& file, const std::string& dataset) {
  const Session session;
  if (components(dataset).empty())
    throw ValueError(fmt::format("expected a dataset of '{}', got '{}'", file, dataset));
  const Place place = place_of(file_id, file, dataset);
  if (place.type == H5O_TYPE_UNKNOWN) refuse_missing(file_id, file, dataset);
  if (place.type == H5O_TYPE_GROUP &&
      sparse_format(Id(check(H5Gopen2(file_id, place.path.c_str(), H5P_DEFAULT)))).empty())
    refuse_group(file_id, file, dataset);
  return place.path;
}

Id dataset_access() {
  Id access(check(H5Pcreate(H5P_DATASET_ACCESS)));
  check(H5Pset_elink_cb(access, deny_link, nullptr));
  check(H5Pset_efile_prefix(access, nowhere));
  check(H5Pset_virtual_prefix(access, nowhere));
  return access;
}

std::string file_of(hid_t object_id) {
  const Session session;
  std::string name(static_cast<std::size_t>(check(H5Fget_name(object_id, nullptr, 0))), '\0');
  check(H5Fget_name(object_id, name.data(), name.size() + 1));
  return name;
}

Id open_dataset(hid_t file_id, const std::string& path, std::int64_t rows_at_once) {
  constexpr std::uint64_t largest_cache = 256 << 20;
  const Session session;
  H5O_info_t object{};
  check(H5Oget_info_by_name2(file_id, path.c_str(), &object, H5O_INFO_BASIC, H5P_DEFAULT));
  if (object.type == H5O_TYPE_GROUP) return Id(check(H5Gopen2(file_id, path.c_str(), H5P_DEFAULT)));
  const Id access = dataset_access();
  Id id(check(H5Dopen2(file_id, path.c_str(), access)));
  if (rows_at_once <= 0) return id;
  const Id creation(check(H5Dget_create_plist(id)));
  if (H5Pget_layout(creation) != H5D_CHUNKED) return id;

  // Room for all chunks that the rows of one read touch, so that none is unpacked twice.
  const Id space(check(H5Dget_space(id)));
  const Id type(check(H5Dget_type(id)));
  std::array<hsize_t, H5S_MAX_RANK> extent{};
  std::array<hsize_t, H5S_MAX_RANK> chunk{};
  const auto ndim =
      static_cast<std::size_t>(check(H5Sget_simple_extent_dims(space, extent.data(), nullptr)));
  check(H5Pget_chunk(creation, static_cast<int>(ndim), chunk.data()));
  double chunks = static_cast<double>(rows_at_once) / static_cast<double>(chunk[0]) + 2.0;
  double bytes = static_cast<double>(H5Tget_size(type));
  for (std::size_t i = 0; i < ndim; ++i) {
    bytes *= static_cast<double>(chunk[i]);
    if (i > 0) chunks *= static_cast<double>((extent[i] + chunk[i] - 1) / chunk[i]);
  }
  if (chunks * bytes > static_cast<double>(largest_cache)) return id;
  const auto slots = static_cast<std::size_t>(std::min(chunks * 10.0, 1e6)) | 1;
  check(H5Pset_chunk_cache(access, slots, static_cast<std::size_t>(chunks * bytes) + 1, 1.0));
  id.close();
  return Id(check(H5Dopen2(file_id, path.c_str(), access)));
}

namespace {

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
      if (kind != H5O_TYPE_DATASET)
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
  const int dtype = dtype_index(type);
  if (dtype < 0)
    throw TypeError(fmt::format("{} holds {}; expected integers, floats, bools or complex numbers",
                                who, class_name(type)));
  refuse_filters(creation, who);
  const Id space(check(H5Dget_space(dataset_id)));
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
  if (auto packing = packing_of(dataset_id, info.dtype, who)) {
    info.dtype = packing->result;
    info.packing = std::make_shared<const Packing>(*std::move(packing));
  }
  return info;
}

Id writing_type(DType dtype) { return number_type(dtype, false); }
Id stored_type(DType dtype) { return number_type(dtype, true); }

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

Id text_type(std::int64_t bytes) {
  Id type(check(H5Tcopy(H5T_C_S1)));
  check(H5Tset_size(type, static_cast<std::size_t>(bytes)));
  check(H5Tset_cset(type, H5T_CSET_UTF8));
  check(H5Tset_strpad(type, H5T_STR_NULLPAD));
  return type;
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

std::int64_t rows_per_transfer(const Shape& shape, DType dtype) {
  constexpr std::int64_t most_bytes = 1 << 30;
  const std::int64_t most = most_bytes / static_cast<std::int64_t>(size_of(dtype));
  return std::max<std::int64_t>(1, most / std::max<std::int64_t>(1, elements_per_row(shape)));
}

Selection::Selection(const Shape& shape, Range rows) {
  std::vector<hsize_t> extent(shape.begin(), shape.end());
  if (extent.empty()) {
    file = Id(check(H5Screate(H5S_SCALAR)));
    memory = Id(check(H5Screate(H5S_SCALAR)));
  } else {
    file = Id(check(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr)));
    std::vector<hsize_t> start(extent.size(), 0);
    start[0] = static_cast<hsize_t>(rows.begin);
    extent[0] = static_cast<hsize_t>(rows.size());
    memory = Id(check(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr)));
    if (rows.size() > 0 && std::find(extent.begin(), extent.end(), 0U) == extent.end())
      check(
          H5Sselect_hyperslab(file, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr));
    else
      rows.end = rows.begin;
  }
  if (rows.size() > 0) return;
  check(H5Sselect_none(file));
  check(H5Sselect_none(memory));
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

double most_seconds(const Shape& shape, Range rows, DType dtype) {
  constexpr double slow = 1e6;  // bytes a second, of a file server that is busy
  const auto all = static_cast<double>(std::max<std::int64_t>(1, row_count(shape)));
  return static_cast<double>(element_count(shape)) / all * static_cast<double>(rows.size()) *
         static_cast<double>(size_of(dtype)) / slow;
}

namespace {

void read_packed(hid_t dataset_id, const DatasetInfo& info, Range rows, std::byte* to) {
  const Packing& packing = *info.packing;
  const Selection selection(info.shape, rows);
  const auto count = check(H5Sget_select_npoints(selection.memory));
  std::byte* raw =
      to + static_cast<std::size_t>(count) * (size_of(packing.result) - size_of(packing.stored));
  check(H5Dread(dataset_id, number_type(packing.stored, false), selection.memory, selection.file,
                H5P_DEFAULT, raw));
  unpack(packing, count, to, title(file_of(dataset_id), info.name));
}

}  // namespace

void read_rows(hid_t dataset_id, const DatasetInfo& info, Range rows, void* to, hid_t transfer) {
  if (element_count(info.shape) == 0) return;  // on every process
  const Session session;
  if (!info.sparse.empty()) return read_sparse_rows(dataset_id, info, rows, to);
  if (info.packing) return read_packed(dataset_id, info, rows, static_cast<std::byte*>(to));
  const Id stored(check(H5Dget_type(dataset_id)));
  const Id type = reading_type(stored, info.dtype);
  const Selection selection(info.shape, rows);
  const Watch watch("H5Dread", most_seconds(info.shape, rows, info.dtype));
  check(H5Dread(dataset_id, type, selection.memory, selection.file, transfer, to));
  if (info.dtype != DType::boolean) return;
  // Memory of type bool may hold nothing but 0 and 1.
  auto* bytes = static_cast<std::uint8_t*>(to);
  const auto count = check(H5Sget_select_npoints(selection.memory));
  const bool flags = H5Tget_class(stored) == H5T_BITFIELD &&
                     std::any_of(bytes, bytes + count, [](std::uint8_t b) { return b > 1; });
  std::for_each(bytes, bytes + count, [](std::uint8_t& b) { b = b != 0; });
  if (flags)
    throw TypeError(fmt::format("{} holds bit fields with more than one bit, not booleans",
                                title(file_of(dataset_id), info.name)));
}

}  // namespace tessera::io::hdf5
