#pragma once
#include <cstddef>
#include <memory>
#include <string>

#include <tessera/runtime/communicator.hpp>
#include <tessera/runtime/tile.hpp>

namespace tessera {

/// Work in order on one device. Kernels and copies queued here run after what was queued before and
/// may still be running when the call that queued them returns. Used by one thread at a time.
class DeviceQueue {
 public:
  virtual ~DeviceQueue() = default;
  /// Returns when everything queued has finished; RuntimeError if any of it failed.
  virtual void synchronize() = 0;
};

/// Messages between the device memories of the processes of one communicator, in order on a queue.
/// RuntimeError on the processes that are left when another one has failed.
class DeviceLink {
 public:
  virtual ~DeviceLink() = default;
  virtual void send(DeviceQueue& queue, const std::byte* data, std::size_t bytes,
                    int destination) = 0;
  virtual void receive(DeviceQueue& queue, std::byte* data, std::size_t bytes, int source) = 0;
  virtual void broadcast(DeviceQueue& queue, std::byte* data, std::size_t bytes, int root) = 0;
};

/// What a kind of device offers the runtime: memory, queues, copies, messages. One object per kind
/// and process; all functions may be called by several threads.
class DeviceLayer {
 public:
  virtual ~DeviceLayer() = default;
  /// How many devices of this kind this process sees.
  virtual int count() const = 0;
  /// Uninitialised memory aligned to 256 bytes; MemoryError when there is not enough.
  virtual std::byte* allocate(int index, std::size_t bytes) = 0;
  virtual void release(int index, std::byte* data) noexcept = 0;
  /// A queue on device `index`; the layer keeps closed ones for the next call.
  virtual std::unique_ptr<DeviceQueue> open_queue(int index) = 0;
  /// Returns when all that the program has queued on device `index`, by whatever way, has finished.
  virtual void synchronize(int index) = 0;
  /// Queues a copy between tiles of equal rows, columns and dtype; each lies in host memory or on a
  /// device of this kind. Host memory must stay until the queue has been synchronised.
  virtual void copy(DeviceQueue& queue, const Tile& from, const Tile& to) = 0;
  /// What connects the device memories of `comm`'s processes, each with its device `index`, or
  /// nothing, then with the reason in `why_not` on every process. Collective.
  virtual std::shared_ptr<DeviceLink> link(const Communicator& comm, int index,
                                           std::string& why_not) = 0;
};

/// Makes a kind of device known; a plug-in calls it, the first one per kind wins.
void install(Device::Kind kind, std::unique_ptr<DeviceLayer> layer);
/// The layer for a kind of device. Loads Tessera's own CUDA module when asked for cuda the first
/// time; NotImplementedError when this build or machine has none.
DeviceLayer& device_layer(Device::Kind kind);
/// How many devices of a kind this process sees; 0 where device_layer would throw.
int device_count(Device::Kind kind);

}  // namespace tessera
