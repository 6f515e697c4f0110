#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tessera/runtime/buffer.hpp>
#include <tessera/runtime/communicator.hpp>
#include <tessera/runtime/distribution.hpp>
#include <tessera/runtime/dtype.hpp>
#include <tessera/runtime/tile.hpp>

namespace tessera {

using Shape = std::vector<std::int64_t>;

/// "(3, 4)", "(5,)", "()" as NumPy prints a shape.
std::string to_string(const Shape& shape);
/// Number of elements; ValueError for negative extents or more than 2^63.
std::int64_t element_count(const Shape& shape);
/// Extent of axis 0, 1 for a scalar.
std::int64_t row_count(const Shape& shape);
/// Elements in each of them.
std::int64_t elements_per_row(const Shape& shape);
/// The same shape, of one dimension at least, with another number of rows.
Shape with_rows(Shape shape, std::int64_t rows);
/// How arrays of that shape lie unless one asks for something else: by rows, a scalar replicated.
Distribution row_distribution(const Shape& shape, const Communicator& comm);
/// The same leaves on every process.
Distribution replicated_distribution(const Shape& shape, const Communicator& comm);

class Array;

namespace detail {
/// Shared by handles; null for none.
using SharedNames = std::shared_ptr<const std::vector<std::string>>;
const std::vector<std::string>& names_or_none(const SharedNames& names);
/// What a handle on rows says beside their numbers.
struct Names {
  SharedNames columns;
  SharedNames categories;
};
/// ValueError unless these can be the names of the columns of an array of that shape.
SharedNames column_names(std::vector<std::string> names, const Shape& shape);
/// ValueError unless numbers of that dtype can be codes of these.
SharedNames category_names(std::vector<std::string> categories, DType dtype);
/// ValueError, as in scikit-learn, for text that is to be computed with.
[[noreturn]] void refuse_text(const std::vector<std::string>& categories);
/// ValueError unless an array of that shape can lie so over the processes of `comm`.
void check_fits(const Shape& shape, const Distribution& distribution, const Communicator& comm);
/// An uninitialised Array, or the same MemoryError on every process. Collective.
Array allocate(Shape shape, DType dtype, const Distribution& distribution, const Communicator& comm,
               Device device = cpu);
/// ValueError unless these are rows of an array of that shape.
void check_row_indices(const Shape& shape, std::span<const std::int64_t> indices);
}  // namespace detail

class Array;
namespace embed {
Array adopt(const void* rows, Shape shape, DType dtype, const Communicator& comm,
            std::shared_ptr<const void> owner, Device device);  // embed.hpp
}

/// A global n-D array: shape, dtype, distribution, device, communicator and this process's part of
/// it. Rows are axis 0; the rest of the shape travels along. A handle: copying it copies no data
/// and never communicates. Library functions never modify their arguments.
///
/// The local part of a row-distributed or replicated array is row-major, that of a block-cyclic
/// one column-major.
class Array {
 public:
  /// No array: shape (0,), float64, and false in a boolean context.
  Array() = default;
  /// Uninitialised memory for this process's part. No communication.
  Array(Shape shape, DType dtype, const Distribution& distribution, const Communicator& comm,
        Device device = cpu);

  explicit operator bool() const { return state_ != nullptr; }
  const Shape& shape() const;
  std::int64_t ndim() const { return static_cast<std::int64_t>(shape().size()); }
  std::int64_t size() const { return element_count(shape()); }
  /// row_count() and elements_per_row() of the shape.
  std::int64_t rows() const;
  std::int64_t cols() const;
  DType dtype() const;
  const Distribution& distribution() const;
  const Communicator& comm() const;
  Device device() const;

  /// This process's rows, a matrix; of block_cyclic the column-major block, as the row-major tile
  /// of its transpose (local_cols x local_rows). Collective where a transpose has yet to be formed.
  Tile local() const;
  /// One of this process's leaves. Kinds rows and replicated.
  Tile leaf(std::int64_t index) const;
  /// The global rows of local().
  Range local_rows() const;

  /// All elements, row-major, of a replicated array in host memory. TypeError for another dtype,
  /// ValueError when the array is not replicated or on a device.
  template <class T>
  std::span<const T> values() const {
    return {static_cast<const T*>(replicated_data(dtype_of<T>)), static_cast<std::size_t>(size())};
  }
  template <class T>
  std::span<T> mutable_values() {
    return {static_cast<T*>(replicated_data(dtype_of<T>)), static_cast<std::size_t>(size())};
  }

  /// One element, on every process. Collective; for tests and small things.
  template <class T>
  T at(std::initializer_list<std::int64_t> index) const {
    T value{};
    element(index, dtype_of<T>, &value);
    return value;
  }

  /// The same values in another shape with the same rows. No copy.
  Array reshape(Shape shape) const;
  /// The same values with another dtype. A copy unless it has that dtype; by way of host memory for
  /// an array on a device. Fractions are cut off on the way to integers, and what is not 0 becomes
  /// true. ValueError, the same everywhere, for a number that the integer dtype does not hold (NaN,
  /// infinities and what is outside of its range); a float32 that cannot hold a float64 is
  /// infinite. TypeError from complex to real. Of text the codes; ValueError for other than
  /// integers. Collective when it converts to an integer dtype.
  Array astype(DType dtype) const;
  /// The same values with this process's part on another device. A copy unless it is there already.
  /// Processes may name different devices. Collective: MemoryError, or NotImplementedError where
  /// there is no such device, on every process.
  Array to(Device device) const;

  /// Names of the columns, those that a file gave them; none for most arrays. Conversion and moving
  /// keep them, computation does not.
  const std::vector<std::string>& column_names() const {
    return detail::names_or_none(names_.columns);
  }
  /// The same array with its columns named, or no longer. ValueError unless there is one name for
  /// each column of an array of one or two dimensions, or none at all. No copy.
  Array named(std::vector<std::string> names) const;

  /// What the integers of an array of text stand for: value i is categories()[i]. None for an array
  /// of numbers. Moving rows and arrays keeps them, computation does not, and what needs numbers
  /// refuses an array that has any.
  const std::vector<std::string>& categories() const {
    return detail::names_or_none(names_.categories);
  }
  /// The same array as codes of categories, or as plain integers for none. ValueError unless it
  /// holds integers. No copy.
  Array categorized(std::vector<std::string> categories) const;

  /// Rows [begin, end) of a row-distributed or replicated array without a copy, where every process
  /// holds those that it is to have; no array otherwise. Local, alike on every process.
  Array view(Range rows) const;

  /// Column names and categories, from one handle to another.
  const detail::Names& names() const { return names_; }
  Array with(detail::Names names) const;

 private:
  struct State;
  friend Array redistribute(const Array& x, const Distribution& distribution);
  friend Array embed::adopt(const void*, Shape, DType, const Communicator&,
                            std::shared_ptr<const void>, Device);
  Array moved(Device device) const;                 // to(), without agreement
  Array in_leaves_of(const Distribution& d) const;  // replicated like this one
  void* replicated_data(DType dtype) const;
  void element(std::initializer_list<std::int64_t> index, DType dtype, void* value) const;
  std::shared_ptr<State> state_;
  detail::Names names_;
};

/// Creation. All processes of `comm` call with the same arguments; the result is row-distributed.
/// MemoryError, the same everywhere, when one process lacks memory.
Array empty(Shape shape, DType dtype, const Communicator& comm = Communicator::world());
Array zeros(Shape shape, DType dtype = DType::float64,
            const Communicator& comm = Communicator::world());
/// Of one of the C++ types that are a dtype, and of that one unless another is named; ValueError or
/// TypeError where that does not hold it, as of astype().
template <class T>
Array full(Shape shape, T value, DType dtype = dtype_of<T>,
           const Communicator& comm = Communicator::world());
/// start, start + step, ... below `stop`.
Array arange(double start, double stop, double step = 1.0, DType dtype = DType::float64,
             const Communicator& comm = Communicator::world());

/// Every process gives the rows it happens to hold, of any number, concatenated by rank; the rows
/// are moved to where the row distribution wants them. Collective. `local` is row-major with
/// shape (its rows, tail...); ValueError unless dtype and tail agree on all processes.
Array from_local(const Tile& local, const Shape& tail,
                 const Communicator& comm = Communicator::world());
/// The row distribution of an array that every process holds in full. Collective.
template <class T>
Array from_host(std::span<const T> data, Shape shape,
                const Communicator& comm = Communicator::world());
/// The same from `root` alone; `data` is ignored elsewhere. Collective.
template <class T>
Array from_host_on(int root, std::span<const T> data, Shape shape,
                   const Communicator& comm = Communicator::world());
/// A replicated array from data that every process holds. No communication.
template <class T>
Array replicated(std::span<const T> data, Shape shape, const Communicator& comm);
template <class T>
Array replicated(const std::vector<T>& data, Shape shape, const Communicator& comm) {
  return replicated(std::span<const T>(data), std::move(shape), comm);
}

/// The same array laid out anew over the same communicator, on its device (by way of host memory).
/// Collective; no copy between replicated ones. A matrix on its way into or out of blocks travels a
/// panel of columns at a time: two buffers, each of about 16 MB, or of one round of block columns
/// (block_cols * grid_cols) over this process's rows where that is more; a grid of few processes
/// has more on each.
Array redistribute(const Array& x, const Distribution& distribution);
/// Every process holds all of it. Collective.
Array gather(const Array& x);
/// Rows[i] of x for the given global row indices, replicated in host memory, shape (indices,
/// tail...). One exchange. Collective; every process gives the same indices.
Array take_rows(const Array& x, std::span<const std::int64_t> indices);
/// The same for a vector of int64 indices that may be as large as x: by rows, on x's device.
/// Two exchanges. Collective; ValueError for a row that x has not.
Array take(const Array& x, const Array& indices);

}  // namespace tessera
