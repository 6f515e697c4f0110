#pragma once
#include <memory>
#include <string>
#include <vector>

#include <tessera/io/file_identity.hpp>
#include <tessera/runtime/array.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::io {

namespace hdf5 {
struct Packing;
}

/// What a dataset is before it is read.
struct DatasetInfo {
  std::string name;  ///< absolute path inside the file, soft links followed
  Shape shape;
  DType dtype = DType::float64;  ///< of the array that reading gives
  FileIdentity file{};           ///< as this process saw it: reading compares
  /// The attribute column_names, when it has one string for each column; left out of lists.
  std::vector<std::string> column_names{};
  std::string sparse{};  ///< "csr" or "csc" for a sparse matrix, else ""
  bool text = false;     ///< strings: reading gives their codes, with categories()
  /// How stored numbers become those of the array; null where they are the same, and where the
  /// dataset is not open.
  std::shared_ptr<const hdf5::Packing> packing{};
};

/// The datasets that read() accepts, ordered by name; those behind links are left out.
/// OSError when the file cannot be read on some process or is not HDF5. Collective.
std::vector<DatasetInfo> list_datasets(const std::string& file,
                                       const Communicator& comm = Communicator::world());

/// Shape and dtype of one dataset: rank 0 looks and tells the others. Integers and floats of either
/// byte order keep their dtype, float16 becomes float32. Bits and enumerations of FALSE and TRUE
/// become bool, compounds {r, i}, {re, im}, {real, imag} and {real, imaginary} complex64 or
/// complex128.
///
/// The attributes scale_factor, add_offset, _FillValue, missing_value, valid_min, valid_max,
/// valid_range and _Unsigned are applied as netCDF4 does: packed integers become float32 or
/// float64, and what is missing or not valid becomes NaN.
///
/// A vector of strings, of fixed or variable length, becomes int64 codes with the different strings
/// as categories(), in the order of their bytes.
///
/// A group that is a sparse matrix (AnnData, h5sparse, 10x Genomics, MATLAB) has `sparse` set.
///
/// Errors, the same on every process: OSError when the file is missing, is not HDF5, is cut short,
/// differs between processes (in size or in a sample of its contents) or stores the data outside
/// itself; ValueError listing the datasets there are when this one is missing, for one without data
/// and for an attribute above of strange size; TypeError for references and other
/// non-numbers, and for strings in other shapes; NotImplementedError for a filter that this HDF5
/// lacks. Collective.
DatasetInfo inspect(const std::string& file, const std::string& dataset,
                    const Communicator& comm = Communicator::world());

/// Whether HDF5 files are opened without a look in a process of its own first, which takes some
/// 20 ms. Without it a file made to harm can crash HDF5 1.10 or keep it busy for ever. By default
/// what TESSERA_TRUSTED says (0 or 1) on rank 0, else false. Local; only rank 0's counts.
void set_trusted(bool trusted);

struct ReadOptions {
  /// Let MPI-IO merge the requests of all processes: for file systems that suffer from many
  /// independent readers. Several times slower than independent reads on a local disk.
  bool collective = false;
  /// Read a sparse matrix as the dense one: each process its rows of a csr matrix. All of a csc
  /// matrix passes through each process, so it cannot be streamed. TypeError otherwise.
  bool dense = false;
  /// Told whether HDF5 did transfer collectively.
  bool* was_collective = nullptr;
  /// Told why not, if so: a collective read must not fail on one process alone, for the others
  /// would wait inside HDF5. So it is made only of contiguous datasets and of chunks without
  /// filters, written in full, of the type that an Array has; all others are read independently.
  std::string* why_independent = nullptr;
};

/// The whole dataset as a row-distributed array (a scalar is replicated). Every process reads its
/// rows straight into the array's memory. Errors as inspect(), OSError when the file changes
/// meanwhile, and MemoryError. Collective.
Array read(const std::string& file, const std::string& dataset, ReadOptions options = {},
           const Communicator& comm = Communicator::world());
/// The same from FILE.h5:/dataset; the dataset may be left out when the file holds only one. Or
/// from a file of one array (array_file.hpp).
Array read(const std::string& location, ReadOptions options = {},
           const Communicator& comm = Communicator::world());

/// The dataset as rows that are read when they are needed, for data larger than memory: each pass
/// reads this process's leaves in order, ahead of the workers, into threads + 2 buffers of one
/// leaf. Opens the file anew for every pass. Errors as inspect(). Collective; the passes are local
/// and throw OSError when the file is another one or has changed since this look at it. Of the
/// options, `dense` counts. TypeError for strings.
Rows stream(const std::string& file, const std::string& dataset, ReadOptions options = {},
            const Communicator& comm = Communicator::world());

/// Writes `x` as a contiguous dataset that h5py reads, with the groups in its path. Other contents
/// of the file stay. All or nothing: the data goes to a temporary file in the same folder, which
/// takes the file's name when every process has succeeded and is removed otherwise. Jobs that add
/// datasets to one file at the same time all succeed: one that finds the file changed at the end
/// takes over what the others have written. A reader sees the file before or after, whole.
///
/// OSError when the folder cannot be written, the disk is full, or `file` exists and is not an HDF5
/// file; ValueError for a dataset path that is empty or leads through something else than groups,
/// and for a block-cyclic array. Collective over x.comm().
/// An array of text (categories()) becomes UTF-8 strings of the length of the longest.
void write(const std::string& file, const std::string& dataset, const Array& x);
/// The same leaf by leaf, for rows that are streamed or computed: holds one leaf at a time.
void write(const std::string& file, const std::string& dataset, const Rows& x);

/// The same from a location, as read().
Rows stream(const std::string& location, ReadOptions options = {},
            const Communicator& comm = Communicator::world());

struct NamedRows {
  std::string dataset;
  Rows rows;
  /// Rows of uint8 (n, length) or (n, p, length) that become UTF-8 strings of that many bytes,
  /// zeros at their ends.
  bool text = false;
};
/// The same for several datasets, of rows or whole arrays of one communicator: all or none of them.
void write(const std::string& file, const std::vector<NamedRows>& datasets);

}  // namespace tessera::io
