#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tessera/io/dataset.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/watchdog.hpp>

/// The border to the HDF5 library, for the .cpp files of this room. Needs no hdf5.h itself.
namespace tessera::io::hdf5 {

/// HDF5's hid_t and herr_t.
using Handle = std::int64_t;
using Status = int;

/// Held while HDF5 is called: the library is not safe for threads. Meanwhile HDF5 prints nothing
/// and loads no plug-ins that HDF5_PLUGIN_PATH did not ask for. May be nested on one thread.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  Status (*print_)(Handle, void*) = nullptr;
  void* print_data_ = nullptr;
  unsigned plugins_ = 0;
};

/// The result of an HDF5 call, remembering where the call was written.
struct Result {
  Result(std::int64_t v, std::source_location place = std::source_location::current())
      : value(v), at(place) {}
  std::int64_t value;
  std::source_location at;
};

/// HDF5's own words for a call that failed.
struct Failure : OSError {
  using OSError::OSError;
};

/// The value of a call that succeeded; Failure with HDF5's error stack otherwise.
std::int64_t check(Result result);

/// Runs `work` and puts `what`, such as "cannot read 'x.h5'", before the text of a Failure.
void explain(const std::string& what, const std::function<void()>& work);

/// Owns one HDF5 identifier of any kind.
class Id {
 public:
  Id() = default;
  explicit Id(std::int64_t id) : id_(id) {}
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Id& operator=(Id&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Id() { close(); }
  operator Handle() const { return id_; }
  /// What HDF5 says about closing; 0 when there was nothing to close.
  Status close();

 private:
  Handle id_ = -1;
};

/// The names along a path inside a file: a, b of "/a/./b/".
std::deque<std::string> components(const std::string& path);

/// "dataset '/X' of 'points.h5'"
std::string title(const std::string& file, const std::string& dataset);

/// Opens a local file for reading with this process's POSIX calls. OSError unless it is HDF5.
Id open_file(const std::string& file);

/// The descriptor of a file from open_file().
int descriptor(Handle file_id);

/// The absolute path of `dataset` after soft links. OSError for a link into another file,
/// ValueError listing what there is when nothing has that name.
std::string follow(Handle file_id, const std::string& file, const std::string& dataset);

/// How datasets are opened: so that they cannot reach other files.
Id dataset_access();

/// The name of the file that an open object lies in.
std::string file_of(Handle object_id);

/// Opens a dataset, or a group that is a sparse matrix, by a path from follow() so that it cannot
/// reach other files. `rows_at_once`,
/// when positive, sizes the chunk cache for passes that read so many rows at a time.
Id open_dataset(Handle file_id, const std::string& path, std::int64_t rows_at_once = 0);

/// Shape and dtype; the errors of inspect() for what cannot be read.
DatasetInfo describe(Handle dataset_id, const std::string& file, const std::string& path);

/// All readable datasets of an open file by name.
std::vector<DatasetInfo> datasets_of(Handle file_id, const std::string& file);

/// ValueError: nothing has that name, or a group does. Says what there is, and the likeliest name.
[[noreturn]] void refuse_missing(Handle file_id, const std::string& file,
                                 const std::string& dataset);
[[noreturn]] void refuse_group(Handle file_id, const std::string& file, const std::string& dataset);

/// The type of elements in memory that take what a dataset of type `stored` holds.
Id reading_type(Handle stored, DType dtype);
/// TypeError for a sparse matrix unless it is to be read as a dense one.
void require_dense(const DatasetInfo& info, const std::string& file, bool dense);

/// The type of elements of an Array in memory when writing (bool as h5py's enumeration), and in
/// files we write (little-endian).
Id writing_type(DType dtype);
Id stored_type(DType dtype);
/// The attribute column_names of a dataset of that shape: variable-length UTF-8 strings are
/// written, any strings are read. None when it has no string for each column.
void write_column_names(Handle dataset_id, const std::vector<std::string>& names);
std::vector<std::string> read_column_names(Handle dataset_id, const Shape& shape);

/// UTF-8 strings of at most `bytes` bytes, filled up with zeros.
Id text_type(std::int64_t bytes);

/// Rows per transfer of at most a gibibyte: larger ones meet limits of MPI-IO and of the kernel.
std::int64_t rows_per_transfer(const Shape& shape, DType dtype);

/// A selection of `rows` of a dataset of `shape`, and the memory that takes exactly these. An empty
/// range selects nothing.
struct Selection {
  Selection(const Shape& shape, Range rows);
  /// Of these rows the part of `columns` along the second dimension; in memory the rows are whole.
  Selection(const Shape& shape, Range rows, Range columns);
  Id memory;
  Id file;
};

/// What the watchdog says of a call of HDF5 that all processes make together.
inline constexpr std::string_view all_call = "a collective call of HDF5";
/// Seconds in which such rows should have been read or written: a transfer shows no progress.
double most_seconds(const Shape& shape, Range rows, DType dtype);

/// Reads `rows` of what open_dataset() opened and describe() described to `to`, row-major, as the
/// transfer property list says.
void read_rows(Handle dataset_id, const DatasetInfo& info, Range rows, void* to,
               Handle transfer = 0);

}  // namespace tessera::io::hdf5
