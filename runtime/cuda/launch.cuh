#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>

#include <tessera/runtime/cuda/cuda.hpp>
#include <tessera/runtime/stream.hpp>

/// What kernels on the GPU share: launches, workspace, sums over a block. Everything that adds
/// floating numbers does so in an order that depends on the leaf alone: no atomics, no shape of the
/// grid, no number of leaves in the call.
namespace tessera::on_cuda {

// ---- on the host ----

inline cuda::Queue& queue_of(Stream& stream) { return cuda::queue(stream.queue()); }

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The grid for so many pieces of work; kernels go on from blockIdx.x in steps of gridDim.x.
inline dim3 grid_of(std::int64_t pieces) {
  return dim3(static_cast<unsigned>(std::clamp<std::int64_t>(pieces, 1, 0x7fffffff)));
}

/// Pointers to consecutive arrays of so many elements in the queue's workspace.
template <class... Types>
std::tuple<Types*...> workspace(cuda::Queue& queue, decltype(sizeof(Types))... counts) {
  const auto padded = [](std::size_t bytes) { return (bytes + 255) / 256 * 256; };
  std::byte* next = queue.workspace((padded(counts * sizeof(Types)) + ... + 0));
  const auto take = [&]<class T>(T*, std::size_t count) {
    return reinterpret_cast<T*>(std::exchange(next, next + padded(count * sizeof(T))));
  };
  return {take(static_cast<Types*>(nullptr), counts)...};
}

/// Values that travel as an argument of a kernel, which CUDA copies when it is launched: host
/// memory need not outlive the call, and nobody waits.
struct Parcel {
  static constexpr int size = 480;
  double values[size];
};
template <class T>
__global__ void unpack(Parcel parcel, int count, T* to) {
  for (int i = threadIdx.x; i < count; i += blockDim.x) to[i] = static_cast<T>(parcel.values[i]);
}

/// Values of the host in device memory, converted to T; nullptr for none.
template <class T>
const T* upload(cuda::Queue& queue, std::span<const double> values, T* to) {
  for (std::size_t first = 0; first < values.size(); first += Parcel::size) {
    const std::size_t count = std::min<std::size_t>(Parcel::size, values.size() - first);
    Parcel parcel{};
    std::copy_n(values.begin() + first, count, parcel.values);
    cuda::launch(queue, unpack<T>, 1, 128, parcel, static_cast<int>(count), to + first);
  }
  return values.empty() ? nullptr : to;
}

/// Threads of a block beside each other along the columns of a row: the power of two that covers
/// `cols`, at most a warp. The others take other rows.
inline int column_lanes(std::int64_t cols) {
  int lanes = 1;
  while (lanes < cols && lanes < 32) lanes *= 2;
  return lanes;
}

// ---- on the device ----

/// Rows [begin, begin + rows) are a leaf of a run.
struct LeafRows {
  std::int64_t begin;
  std::int64_t rows;
};
__device__ inline LeafRows leaf_rows_of(std::int64_t leaf, std::int64_t leaf_rows,
                                        std::int64_t rows) {
  const std::int64_t begin = leaf * leaf_rows;
  const std::int64_t left = rows - begin;
  return {begin, left < 0 ? 0 : left < leaf_rows ? left : leaf_rows};
}

/// A column of weights or the like; there may be none.
template <class T>
struct Values {
  T* at;
  std::int64_t stride;
  explicit Values(const Tile& tile) : at(tile.as<T>()), stride(tile.stride) {}
  __device__ Values(T* first, std::int64_t step) : at(first), stride(step) {}
  __device__ T& operator[](std::int64_t i) const { return at[i * stride]; }
  __device__ explicit operator bool() const { return at != nullptr; }
  __device__ Values from(std::int64_t first) const {
    return {at ? at + first * stride : nullptr, stride};
  }
};

/// The sum over the threads of a block with equal threadIdx.x % lanes, as a tree, for all of them.
/// `lanes` is a power of two that divides the block, `room` has a value per thread.
template <class T>
__device__ T sum_of_block(T value, int lanes, T* room) {
  const int thread = static_cast<int>(threadIdx.x);
  __syncthreads();
  room[thread] = value;
  for (int half = static_cast<int>(blockDim.x) / 2; half >= lanes; half /= 2) {
    __syncthreads();
    if (thread < half) room[thread] += room[thread + half];
  }
  __syncthreads();
  return room[thread & (lanes - 1)];
}

}  // namespace tessera::on_cuda
