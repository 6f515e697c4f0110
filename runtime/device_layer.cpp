#include <tessera/runtime/device_layer.hpp>

#include <dlfcn.h>
#include <fmt/format.h>

#include <atomic>
#include <filesystem>
#include <mutex>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/plugin.hpp>
#include <tessera/runtime/process.hpp>
#include <tessera/runtime/runtime.hpp>

namespace tessera {
namespace {

std::mutex mutex;
std::atomic<DeviceLayer*> cuda_layer{nullptr};

// Beside this library. A module of its own, so that a run on CPUs never loads CUDA's libraries.
std::filesystem::path cuda_module() {
  Dl_info here{};
  dladdr(reinterpret_cast<const void*>(&device_layer), &here);
  return std::filesystem::path(here.dli_fname).parent_path() / "libtessera_cuda.so";
}

void load_cuda() {
  static std::mutex loading;
  const std::lock_guard lock(loading);
  if (cuda_layer.load()) return;
  const auto module = cuda_module();
  if (!std::filesystem::exists(module))
    throw NotImplementedError("device cuda: this build of Tessera has no CUDA; use device cpu");
  detail::load_plugin_here(module, true);
}

}  // namespace

void install(Device::Kind kind, std::unique_ptr<DeviceLayer> layer) {
  if (kind != Device::Kind::cuda || !layer) throw ValueError("a device layer is for cuda");
  const std::lock_guard lock(mutex);
  // Never deleted: buffers in static variables may outlive any owner.
  if (!cuda_layer.load()) cuda_layer.store(layer.release());
}

DeviceLayer& device_layer(Device::Kind kind) {
  if (kind != Device::Kind::cuda) throw ValueError("the CPU needs no device layer");
  if (!cuda_layer.load(std::memory_order_acquire)) load_cuda();
  return *cuda_layer.load(std::memory_order_acquire);
}

int device_count(Device::Kind kind) {
  if (kind == Device::Kind::cpu) return 1;
  try {
    return device_layer(kind).count();
  } catch (const Error&) {  // also a module whose libraries are not on this machine
    return 0;
  }
}

Device Runtime::device(const std::string& word) {
  if (word == "cpu") return cpu;
  if (word == "auto") return device_count(Device::Kind::cuda) > 0 ? device("cuda") : cpu;
  Device found = Device::parse(word);
  const int count = device_layer(found.kind).count();
  if (count == 0) throw NotImplementedError("device cuda: there is no GPU here; use device cpu");
  if (word == "cuda") found.index = detail::process().local_rank % count;
  if (found.index >= count)
    throw ValueError(fmt::format("there is no device {}; this machine has cuda:0 to cuda:{}",
                                 found.to_string(), count - 1));
  return found;
}

}  // namespace tessera
