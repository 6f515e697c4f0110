#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <tessera/runtime/array.hpp>
#include <tessera/runtime/buffer.hpp>
#include <tessera/runtime/communicator.hpp>
#include <tessera/runtime/distribution.hpp>

namespace tessera {

/// Rows by who owns them: counts[r] belong to rank r, and order[k] says which is the k-th when
/// those of rank 0 come first, then those of rank 1, each in the order given.
struct Dealt {
  std::vector<std::int64_t> counts;
  std::span<std::int64_t> order;
  Buffer memory;  ///< of `order`
};
/// `rows`: rows that a distribution by rows has. All threads. Local.
Dealt dealt(const Distribution& distribution, std::span<const std::int64_t> rows);

/// Items that every process has for every process, and the way back for answers to them.
class Exchange {
 public:
  /// send[r] items of this process go to rank r; they lie in the order of ranks. Collective.
  Exchange(const Communicator& comm, std::vector<std::int64_t> send);

  /// How many this process sends and receives in all.
  std::int64_t sent() const { return sent_.back(); }
  std::int64_t received() const { return received_.back(); }
  /// Where the items from `rank` start among those received, in the order of ranks.
  std::int64_t received_from(int rank) const { return received_[static_cast<std::size_t>(rank)]; }

  /// Items of `width` T each to where they go. Collective.
  template <class T>
  std::vector<T> forward(std::span<const T> items, std::size_t width = 1) const {
    std::vector<T> there(static_cast<std::size_t>(received()) * width);
    forward(items, std::span(there), width);
    return there;
  }
  /// The same into memory for received() items.
  template <class T>
  void forward(std::span<const T> items, std::span<T> there, std::size_t width = 1) const {
    move(std::as_bytes(items), sent_, std::as_writable_bytes(there), received_, width * sizeof(T));
  }
  /// One answer of `width` T for each item received, in that order, to who sent the item.
  /// Collective.
  template <class T>
  std::vector<T> back(std::span<const T> answers, std::size_t width = 1) const {
    std::vector<T> here(static_cast<std::size_t>(sent()) * width);
    back(answers, std::span(here), width);
    return here;
  }
  /// The same into memory for sent() answers.
  template <class T>
  void back(std::span<const T> answers, std::span<T> here, std::size_t width = 1) const {
    move(std::as_bytes(answers), received_, std::as_writable_bytes(here), sent_, width * sizeof(T));
  }

 private:
  using Offsets = std::vector<std::int64_t>;  // of each rank, and the end
  void move(std::span<const std::byte> from, const Offsets& from_at, std::span<std::byte> to,
            const Offsets& to_at, std::size_t item_bytes) const;
  Communicator comm_;
  Offsets sent_;
  Offsets received_;
};

namespace detail {

/// Memory that one message to or from `rank` has, piece after piece.
struct Message {
  int rank = 0;
  std::vector<std::span<std::byte>> pieces;
};
/// Sends and receives all of these at once, from and into where the pieces lie; one to and one from
/// a rank at most, which calls it with a message of the same length. Others have no part in it.
void exchange(const Communicator& comm, const std::vector<Message>& send,
              const std::vector<Message>& receive);

/// take() of array.hpp for parts of rows: each row is `parts` of one size, numbered on from row to
/// row. Of shape (indices, elements of a part).
Array take_parts(const Array& x, std::int64_t parts, const Array& indices);

/// The sum of each value over the processes of lower rank, in log2(processes) messages. Collective.
std::vector<std::int64_t> sums_of_lower(const Communicator& comm, std::vector<std::int64_t> values);

}  // namespace detail
}  // namespace tessera
