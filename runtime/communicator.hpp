#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tessera/runtime/dtype.hpp>

namespace tessera {

enum class Reduce { sum, min, max };

/// A shared handle on a group of processes. Copying it never communicates. Every function but
/// rank, size, send and receive is collective: all processes of the group call it with the same
/// sizes, or hang. Messages of any length work: more elements than an MPI count holds travel in
/// pieces. RuntimeError when MPI reports a failure.
class Communicator {
 public:
  /// All processes of the job; valid while a Runtime lives.
  static Communicator world();
  /// This process alone.
  static Communicator self();
  /// Uses `comm` (an MPI_Comm by address), which stays the caller's to free.
  static Communicator borrow(void* comm);
  /// Uses `comm` (an MPI_Comm by address) and frees it with the last handle.
  static Communicator adopt(void* comm);

  int rank() const;
  int size() const;
  /// A new communicator over the same processes, whose messages never meet this one's.
  Communicator dup() const;
  /// Processes with equal `color` form a group, ordered by `key`, then rank.
  Communicator split(int color, int key = 0) const;
  /// Pointer to the MPI_Comm, for HDF5, BLACS and NCCL.
  void* native() const;

  void barrier() const;
  template <class T, std::size_t N>
  void broadcast(std::span<T, N> data, int root) const {
    broadcast_bytes(std::as_writable_bytes(data), root);
  }
  /// Resizes `text` on the others.
  void broadcast(std::string& text, int root) const;
  /// Element by element over all processes, in place. The order of additions is MPI's: use it for
  /// integers, minima and maxima; floating-point sums go through the tree of reduce.hpp.
  template <class T, std::size_t N>
  void all_reduce(std::span<T, N> data, Reduce operation) const {
    all_reduce(data.data(), static_cast<std::int64_t>(data.size()), dtype_of<T>, operation);
  }
  /// One value of every process, by rank.
  template <class T>
  std::vector<T> all_gather(const T& mine) const {
    std::vector<T> all(static_cast<std::size_t>(size()));
    all_gather_bytes(std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(all)));
    return all;
  }
  /// Process r contributes bytes[r] bytes; `all` receives the concatenation by rank.
  void all_gather_v(std::span<const std::byte> mine, std::span<const std::int64_t> bytes,
                    std::span<std::byte> all) const;
  /// Sends send_bytes[r] bytes at send_offset[r] to each rank r and receives likewise.
  void all_to_all_v(const std::byte* send, std::span<const std::int64_t> send_bytes,
                    std::span<const std::int64_t> send_offset, std::byte* receive,
                    std::span<const std::int64_t> receive_bytes,
                    std::span<const std::int64_t> receive_offset) const;

  void send(const std::string& message, int destination) const;
  std::string receive(int source) const;

  /// Largest count passed to one MPI call. Only tests lower it.
  static void limit_count(std::int64_t elements);

  /// The same MPI communicator, however the handles came about.
  bool operator==(const Communicator& other) const;

 private:
  struct Handle;
  explicit Communicator(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {}
  void broadcast_bytes(std::span<std::byte> data, int root) const;
  void all_reduce(void* data, std::int64_t count, DType dtype, Reduce operation) const;
  void all_gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) const;

  std::shared_ptr<const Handle> handle_;
};

}  // namespace tessera
