// The double's functions for memory and copies.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "memory.hpp"
#include "queues.hpp"

using namespace cuda_on_host;  // NOLINT(google-build-using-namespace)

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  if (devices() == 0) return result(cudaErrorNoDevice);
  watch_faults();
  advance();
  return result(memory().allocate(current_device, bytes, data));
}

cudaError_t cudaFree(void* data) {
  if (!data) return cudaSuccess;
  const int device = memory().device_of(data, 0);
  for (const auto& s : all_streams())
    if (s->device == device) drain(*s, queued(*s));
  memory().release(data);
  return cudaSuccess;
}

cudaError_t cudaMallocAsync(void** data, std::size_t bytes, cudaStream_t stream) {
  if (!stream) return result(cudaErrorInvalidResourceHandle);
  advance();
  return result(memory().allocate(stream->stream->device, bytes, data));
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t stream) {
  if (!data || !stream) return result(cudaErrorInvalidValue);
  if (memory().device_of(data, 0) < 0) return result(cudaErrorInvalidValue);
  push(*stream->stream, {[data] {
                           memory().release(data);
                           return true;
                         },
                         [] { return true; }});
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** data, std::size_t bytes) {
  *data = std::aligned_alloc(page, (bytes + page - 1) / page * page);
  if (!*data) return result(cudaErrorMemoryAllocation);
  memory().pin(*data, bytes);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* data) {
  if (!data) return cudaSuccess;
  memory().unpin(data);
  std::free(data);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  static CUmemPoolHandle_st one{0};
  if (device < 0 || device >= devices()) return result(cudaErrorInvalidDevice);
  *pool = &one;
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, std::size_t) { return cudaSuccess; }

namespace {

/// A copy of `height` rows of `width` bytes.
struct Copy {
  std::byte* to;
  std::size_t to_pitch;
  const std::byte* from;
  std::size_t from_pitch;
  std::size_t width;
  std::size_t height;

  std::size_t to_bytes() const { return (height - 1) * to_pitch + width; }
  std::size_t from_bytes() const { return (height - 1) * from_pitch + width; }

  // Neither end may have been freed since the copy was queued.
  void run(int to_device, int from_device) const {
    if (to_device >= 0 && !on_device(to, to_bytes(), to_device))
      fail("a copy writes memory that was freed after it had been queued");
    if (from_device >= 0 && !on_device(from, from_bytes(), from_device))
      fail("a copy reads memory that was freed after it had been queued");
    const Open open_to(to_device);
    const Open open_from(from_device);
    doing() = {"a copy", std::max(to_device, from_device)};
    for (std::size_t i = 0; i < height; ++i)
      std::memcpy(to + i * to_pitch, from + i * from_pitch, width);
    doing() = {};
  }
};

cudaError_t copy(const Copy& c, cudaMemcpyKind kind, cudaStream_t stream) {
  if (c.width == 0 || c.height == 0) return cudaSuccess;
  if (c.to_pitch < c.width || c.from_pitch < c.width)
    return refuse(cudaErrorInvalidValue, "a copy whose rows are longer than their distance");
  const int to = memory().device_of(c.to, c.to_bytes());
  const int from = memory().device_of(c.from, c.from_bytes());
  if ((to < 0 && memory().in_arena(c.to)) || (from < 0 && memory().in_arena(c.from)))
    return refuse(cudaErrorInvalidValue, "a copy reaches outside an allocation");
  if (kind != cudaMemcpyDefault) {
    const bool to_host = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyHostToHost;
    const bool from_host = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyHostToHost;
    if (to_host != (to < 0) || from_host != (from < 0))
      return refuse(cudaErrorInvalidValue, "a copy's direction is not that of its addresses");
  }
  count([&](Counters& counters) {
    const std::uint64_t bytes = c.width * c.height;
    if (to >= 0 && from >= 0) {
      ++counters.on_device;
      counters.on_device_bytes += bytes;
    } else if (to >= 0) {
      ++counters.to_device;
      counters.to_device_bytes += bytes;
    } else if (from >= 0) {
      ++counters.to_host;
      counters.to_host_bytes += bytes;
    }
  });
  if (!stream) {
    c.run(to, from);
    return cudaSuccess;
  }
  enqueue(stream, [=] {
    c.run(to, from);
    return true;
  });
  return cudaSuccess;
}

Copy flat(void* to, const void* from, std::size_t bytes) {
  return {static_cast<std::byte*>(to), bytes, static_cast<const std::byte*>(from), bytes, bytes, 1};
}

}  // namespace

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return copy(flat(to, from, bytes), kind, nullptr);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (!stream)
    return refuse(cudaErrorInvalidResourceHandle, "the default stream is not to be used");
  return copy(flat(to, from, bytes), kind, stream);
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
                              std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  if (!stream)
    return refuse(cudaErrorInvalidResourceHandle, "the default stream is not to be used");
  if (to_pitch > 0x7fffffff || from_pitch > 0x7fffffff) return result(cudaErrorInvalidValue);
  return copy({static_cast<std::byte*>(to), to_pitch, static_cast<const std::byte*>(from),
               from_pitch, width, height},
              kind, stream);
}

cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream) {
  if (!stream)
    return refuse(cudaErrorInvalidResourceHandle, "the default stream is not to be used");
  if (bytes == 0) return cudaSuccess;
  const int device = stream->stream->device;
  if (!on_device(data, bytes, device)) return result(cudaErrorInvalidValue);
  enqueue(stream, [=] {
    if (!on_device(data, bytes, device)) fail("a memset of memory that has been freed");
    std::memset(data, value, bytes);
    return true;
  });
  return cudaSuccess;
}
