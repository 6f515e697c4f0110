#include <tessera/io/hdf5.hpp>

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <tessera/io/hdf5_types.hpp>
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

int silence(MPI_Comm, int, void*, void*) {
  return H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) < 0 ? MPI_ERR_OTHER : MPI_SUCCESS;
}

// HDF5 that has met damaged metadata may not be able to close what it holds, and says so on its own
// when it ends, with MPI or with the process: the error has been told by then. Both go through what
// was registered in reverse order, so through this before HDF5's.
void close_in_silence() {
  static const int registered = [] {
    int with_mpi = 0;
    MPI_Initialized(&with_mpi);
    if (with_mpi) {
      int key = MPI_KEYVAL_INVALID;
      MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, silence, &key, nullptr);
      MPI_Comm_set_attr(MPI_COMM_SELF, key, nullptr);
      MPI_Comm_free_keyval(&key);
    }
    return std::atexit([] { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); });
  }();
  static_cast<void>(registered);
}

/// Neither a relative name in a file nor the environment finds data here.
constexpr const char* nowhere = "/nonexistent";

}  // namespace

Session::Session() : lock_(mutex()) {
  H5open();
  close_in_silence();
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
    if (object.type == H5O_TYPE_DATASET && pending.empty()) return {at, Place::Kind::dataset};
    if (object.type != H5O_TYPE_GROUP) return {};
    group = Id(check(H5Gopen2(group, name.c_str(), H5P_DEFAULT)));
  }
  if (at.empty()) return {};
  return {at, Place::Kind::group};
}

std::string follow(hid_t file_id, const std::string& file, const std::string& dataset) {
  const Session session;
  if (components(dataset).empty())
    throw ValueError(fmt::format("expected a dataset of '{}', got '{}'", file, dataset));
  const Place place = place_of(file_id, file, dataset);
  if (!place.kind) refuse_missing(file_id, file, dataset);
  if (place.kind == Place::Kind::group &&
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

}  // namespace tessera::io::hdf5
