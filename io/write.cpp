#include <fcntl.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <tessera/io/dataset.hpp>
#include <tessera/io/hdf5.hpp>
#include <tessera/io/inspection.hpp>
#include <tessera/io/pending_file.hpp>
#include <tessera/io/readable.hpp>
#include <tessera/runtime/categories.hpp>
#include <tessera/runtime/mpi.hpp>
#include <tessera/runtime/runtime.hpp>

namespace tessera::io {

using hdf5::check;
using hdf5::Id;

namespace {

/// "/a//b/" as "/a/b"; ValueError for a path without a name.
std::string clean_path(const std::string& dataset) {
  std::string clean;
  for (const auto& part : hdf5::components(dataset)) clean += "/" + part;
  if (clean.empty() || clean.find('\0') != std::string::npos)
    throw ValueError(fmt::format("expected the path of a dataset such as /X, got '{}'", dataset));
  return clean;
}

// Of this process. The driver that opens a temporary without a name, as all will do later.
Id file_access() {
  Id access(check(H5Pcreate(H5P_FILE_ACCESS)));
  check(H5Pset_fapl_mpio(access, MPI_COMM_SELF, MPI_INFO_NULL));
  check(H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST));
  return access;
}

// Makes room for the dataset: its groups must be hard links to groups, and nothing else than a
// dataset is replaced.
void clear_way(hid_t file_id, const std::string& file, const std::string& path) {
  for (auto at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const bool last = at == std::string::npos;
    const std::string part = path.substr(0, at);
    if (check(H5Lexists(file_id, part.c_str(), H5P_DEFAULT)) == 0) return;
    H5L_info_t link{};
    check(H5Lget_info(file_id, part.c_str(), &link, H5P_DEFAULT));
    H5O_type_t type = H5O_TYPE_UNKNOWN;
    if (link.type == H5L_TYPE_HARD) {
      H5O_info_t object{};
      check(H5Oget_info_by_name2(file_id, part.c_str(), &object, H5O_INFO_BASIC, H5P_DEFAULT));
      type = object.type;
    }
    if (last && type == H5O_TYPE_GROUP)
      throw ValueError(fmt::format(
          "cannot write dataset '{}' of '{}': there is a group of that name", path, file));
    if (last) {
      check(H5Ldelete(file_id, path.c_str(), H5P_DEFAULT));
      return;
    }
    if (type != H5O_TYPE_GROUP)
      throw ValueError(
          fmt::format("cannot write dataset '{}' of '{}': '{}' is not a group", path, file, part));
  }
}

using Transfer = std::function<void(hid_t dataset)>;

/// A dataset to be written. `transfer` writes all numbers of this process; it may agree and so runs
/// outside of together().
struct Target {
  std::string path;
  Shape shape;
  DType dtype;
  Transfer transfer;
  std::vector<std::string> names;  ///< of the columns
  bool text = false;               ///< rows of bytes that are strings
};
using Targets = std::vector<Target>;

// That of strings whose bytes are along the last dimension.
Shape extent_of_text(Shape shape) {
  shape.pop_back();
  return shape;
}

// Nothing is lost when such a file is made anew.
bool holds_only(hid_t file_id, const Targets& targets) {
  H5G_info_t root{};
  check(H5Gget_info(file_id, &root));
  H5O_info_t object{};
  check(H5Oget_info2(file_id, &object, H5O_INFO_NUM_ATTRS));
  if (object.num_attrs != 0) return false;
  hsize_t before = 0;  // bytes of something else, such as MATLAB's header
  check(H5Pget_userblock(Id(check(H5Fget_create_plist(file_id))), &before));
  if (before != 0) return false;
  hsize_t replaced = 0;
  for (const auto& [path, shape, dtype, transfer, names, text] : targets) {
    if (path.find('/', 1) != std::string::npos) return false;
    if (check(H5Lexists(file_id, path.c_str(), H5P_DEFAULT)) == 0) continue;
    H5L_info_t link{};
    check(H5Lget_info(file_id, path.c_str(), &link, H5P_DEFAULT));
    if (link.type != H5L_TYPE_HARD) return false;
    check(H5Oget_info_by_name2(file_id, path.c_str(), &object, H5O_INFO_BASIC, H5P_DEFAULT));
    if (object.type != H5O_TYPE_DATASET) return false;
    ++replaced;
  }
  return replaced == root.nlinks;
}

// And the structures around them.
std::uint64_t required_bytes(const std::string& file, const Targets& targets) {
  std::uint64_t bytes = 1 << 16;
  for (const Target& t : targets) {
    std::uint64_t more = 0;
    for (const auto& name : t.names) bytes += name.size() + 64;
    if (__builtin_mul_overflow(static_cast<std::uint64_t>(element_count(t.shape)), size_of(t.dtype),
                               &more) ||
        __builtin_add_overflow(bytes, more, &bytes))
      throw OSError(fmt::format("cannot write '{}': File too large", file));
  }
  return bytes;
}

// How objects are made: without the time, so that equal contents are equal bytes whenever they are
// written.
Id untimed(hid_t kind) {
  Id creation(check(H5Pcreate(kind)));
  check(H5Pset_obj_track_times(creation, false));
  return creation;
}

// Those of `path` that are missing.
void make_groups(hid_t file_id, const std::string& path) {
  for (auto end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string group = path.substr(0, end);
    if (check(H5Lexists(file_id, group.c_str(), H5P_DEFAULT)) == 0)
      Id(check(
          H5Gcreate2(file_id, group.c_str(), H5P_DEFAULT, untimed(H5P_GROUP_CREATE), H5P_DEFAULT)));
  }
}

// On rank 0 alone: the temporary with everything but the numbers, whose room is reserved.
void prepare(PendingFile& pending, const std::string& file, const Targets& targets) {
  const hdf5::Session session;
  const Id access = file_access();
  bool keep = false;
  if (pending.replaces()) {
    if (!is_trusted()) examine_in_child(file, "");  // HDF5 walks the groups that it adds to
    const Id old = hdf5::open_file(file);
    keep = !holds_only(old, targets);
  }
  if (keep) pending.copy_target();
  // Looked at first: HDF5 1.10 crashes at the end of the program when closing a file has failed.
  pending.require_room(required_bytes(file, targets));
  Id file_id(check(
      keep ? H5Fopen(pending.path().c_str(), H5F_ACC_RDWR, access)
           : H5Fcreate(pending.path().c_str(), H5F_ACC_TRUNC, untimed(H5P_FILE_CREATE), access)));
  const Id creation = untimed(H5P_DATASET_CREATE);
  check(H5Pset_layout(creation, H5D_CONTIGUOUS));
  check(H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY));
  check(H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER));
  for (const auto& [path, shape, dtype, transfer, names, text] : targets) {
    if (keep) clear_way(file_id, file, path);
    make_groups(file_id, path);
    const Id type = text ? hdf5::text_type(shape.back()) : hdf5::stored_type(dtype);
    const Shape extent = text ? extent_of_text(shape) : shape;
    const hdf5::Selection all(extent, {0, extent.empty() ? 1 : extent[0]});
    Id dataset(check(
        H5Dcreate2(file_id, path.c_str(), type, all.file, H5P_DEFAULT, creation, H5P_DEFAULT)));
    hdf5::write_column_names(dataset, names);
    check(dataset.close());
  }
  check(H5Fflush(file_id, H5F_SCOPE_GLOBAL));
  check(file_id.close());
  pending.claim_space();
}

// On rank 0 alone, when somebody has written the file since it was copied: the temporary with what
// the file holds now, and our datasets.
void bring_up_to_date(std::unique_ptr<PendingFile>& pending, const std::string& file,
                      const Targets& targets) {
  const hdf5::Session session;
  auto fresh = std::make_unique<PendingFile>(file);
  if (!fresh->replaces()) return;  // it is gone
  if (!is_trusted()) examine_in_child(file, "");
  (void)hdf5::open_file(file);
  fresh->copy_target();
  fresh->require_room(required_bytes(file, targets));
  const Id ours(check(H5Fopen(pending->path().c_str(), H5F_ACC_RDONLY, file_access())));
  Id all(check(H5Fopen(fresh->path().c_str(), H5F_ACC_RDWR, file_access())));
  for (const Target& t : targets) {
    clear_way(all, file, t.path);
    make_groups(all, t.path);
    check(H5Ocopy(ours, t.path.c_str(), all, t.path.c_str(), H5P_DEFAULT, H5P_DEFAULT));
    note_progress();
  }
  check(H5Fflush(all, H5F_SCOPE_GLOBAL));
  check(all.close());
  pending = std::move(fresh);
}

void write_datasets(const std::string& file, const Targets& targets, const Communicator& comm) {
  const std::string failed =
      "cannot write " +
      (targets.size() == 1 ? hdf5::title(file, targets[0].path) : fmt::format("'{}'", file));
  std::unique_ptr<PendingFile> pending;  // on rank 0
  std::string temporary;
  on_first(comm, [&] {
    hdf5::explain(failed, [&] {
      pending = std::make_unique<PendingFile>(file);
      prepare(*pending, file, targets);
      temporary = pending->path();
    });
  });
  comm.broadcast(temporary, 0);
  together(comm, [&] {
    const int fd = open(temporary.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) throw OSError(fmt::format("cannot write '{}': {}", file, std::strerror(errno)));
    close(fd);
  });

  const auto step = [&](const std::function<void()>& work) {
    together(comm, [&] {
      const hdf5::Session session;
      const Watch watch(hdf5::all_call, 0.0, Watch::Waits::for_others);
      hdf5::explain(failed, work);
    });
  };
  Id access;
  Id file_id;
  Id dataset_id;
  step([&] {
    access = file_access();
    check(H5Pset_fapl_mpio(access, mpi::native(comm), MPI_INFO_NULL));
    check(H5Pset_coll_metadata_write(access, true));
    check(H5Pset_all_coll_metadata_ops(access, true));
  });
  try {
    step([&] { file_id = Id(check(H5Fopen(temporary.c_str(), H5F_ACC_RDWR, access))); });
    for (const Target& t : targets) {
      step([&] { dataset_id = hdf5::open_dataset(file_id, t.path); });
      t.transfer(dataset_id);
      step([&] { check(dataset_id.close()); });
    }
  } catch (...) {  // agreed: every process is here
    dataset_id.close();
    file_id.close();
    throw;
  }
  step([&] { check(file_id.close()); });
  together(comm, [&] { sync_file(temporary); });
  on_first(comm, [&] {
    hdf5::explain(failed, [&] {
      constexpr int most_rounds = 1000;  // one is lost for every writer that was faster
      for (int round = 0; !pending->commit_if_unchanged(); ++round) {
        if (round == most_rounds) throw OSError(failed + ": others keep changing it");
        bring_up_to_date(pending, file, targets);
      }
    });
  });
  forget_first_look(file);
}

void write_rows(hid_t dataset, const Shape& shape, DType dtype, Range rows, const void* from,
                hid_t transfer, bool text = false) {
  const hdf5::Session session;
  const Id type = text ? hdf5::text_type(shape.back()) : hdf5::writing_type(dtype);
  const hdf5::Selection selection(text ? extent_of_text(shape) : shape, rows);
  const Watch watch("H5Dwrite", hdf5::most_seconds(shape, rows, dtype));
  check(H5Dwrite(dataset, type, selection.memory, selection.file, transfer, from));
  note_progress();
}

bool has_elements(const Shape& shape) { return element_count(shape) > 0; }

Target target(const std::string& file, const std::string& dataset, const Rows& x,
              bool text = false);

Target target_of_text(const std::string& file, const std::string& dataset, const Rows& x) {
  Target made = target(file, dataset, words_of(x), true);
  if (x.ndim() == 2) made.names = x.column_names();
  return made;
}

Target target(const std::string& file, const std::string& dataset, const Array& x) {
  if (!x) throw ValueError("expected an array to write, got an empty Array handle");
  if (x.distribution().kind() == Distribution::Kind::block_cyclic)
    throw ValueError("a block-cyclic array cannot be written; redistribute it by rows first");
  if (!x.categories().empty()) return target_of_text(file, dataset, x);
  const auto work = [file, dataset, x, host = x.to(cpu)](hid_t id) {
    const auto& d = x.distribution();
    const auto& comm = x.comm();
    const bool split = d.kind() == Distribution::Kind::rows;
    const auto rows_of = [&](int rank) { return split || rank == 0 ? d.rows_of(rank) : Range{}; };
    const std::int64_t most = hdf5::rows_per_transfer(x.shape(), x.dtype());
    std::int64_t longest = 0;
    for (int r = 0; r < comm.size(); ++r) longest = std::max(longest, rows_of(r).size());
    if (!has_elements(x.shape())) longest = 0;
    const Range mine = rows_of(comm.rank());
    for (std::int64_t at = 0; at < longest; at += most) {
      together(comm, [&] {
        const hdf5::Session session;
        const Watch watch(hdf5::all_call, 0.0, Watch::Waits::for_others);
        hdf5::explain("cannot write " + hdf5::title(file, dataset), [&] {
          const Id transfer(check(H5Pcreate(H5P_DATASET_XFER)));
          check(H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE));
          const Range rows = {std::min(mine.end, mine.begin + at),
                              std::min(mine.end, mine.begin + at + most)};
          static const std::byte nothing{};
          const void* from =
              rows.size() ? host.local().slice(rows.begin - d.rows_of(comm.rank()).begin, 1).data
                          : &nothing;
          write_rows(id, x.shape(), x.dtype(), rows, from, transfer);
        });
      });
    }
  };
  return {clean_path(dataset), x.shape(), x.dtype(), work, x.column_names()};
}

Target target(const std::string& file, const std::string& dataset, const Rows& x, bool text) {
  if (!x.categories().empty()) return target_of_text(file, dataset, x);
  if (const Array* array = text ? nullptr : x.array())
    return target(file, dataset, array->with(x.names()));
  if (text && (x.dtype() != DType::uint8 || x.ndim() < 2 || x.ndim() > 3 || x.cols() == 0))
    throw ValueError(fmt::format("text to write must be uint8 of shape (n, length), got {} {}",
                                 name_of(x.dtype()), to_string(x.shape())));
  const auto work = [file, dataset, x, text](hid_t id) {
    const auto& comm = x.comm();
    const bool split = x.distribution().kind() == Distribution::Kind::rows;
    together(comm, [&] {
      if (!split && comm.rank() != 0) return;
      if (!has_elements(x.shape())) return;
      x.to(cpu).for_each_leaf(
          [&](const Leaf& leaf, Stream& scratch) {
            const Tile& t = leaf.tile;
            const void* from = t.data;
            if (t.stride != t.cols) {
              const std::size_t row_bytes = static_cast<std::size_t>(t.cols) * size_of(t.dtype);
              std::byte* packed = scratch.scratch(static_cast<std::size_t>(t.rows) * row_bytes);
              for (std::int64_t i = 0; i < t.rows; ++i)
                std::memcpy(packed + static_cast<std::size_t>(i) * row_bytes, t.slice(i, 1).data,
                            row_bytes);
              from = packed;
            }
            hdf5::explain("cannot write " + hdf5::title(file, dataset), [&] {
              write_rows(id, x.shape(), x.dtype(), leaf.rows, from, H5P_DEFAULT, text);
            });
          },
          1);
    });
  };
  return {clean_path(dataset), x.shape(), x.dtype(), work, x.column_names(), text};
}

}  // namespace

void write(const std::string& file, const std::string& dataset, const Array& x) {
  const Targets targets = {target(file, dataset, x)};  // first: x may be no array
  write_datasets(file, targets, x.comm());
}

void write(const std::string& file, const std::string& dataset, const Rows& x) {
  write_datasets(file, {target(file, dataset, x)}, x.comm());
}

void write(const std::string& file, const std::vector<NamedRows>& datasets) {
  Targets targets;
  for (const auto& [name, rows, text] : datasets) targets.push_back(target(file, name, rows, text));
  if (!targets.empty()) write_datasets(file, targets, datasets.front().rows.comm());
}

}  // namespace tessera::io
