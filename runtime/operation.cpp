#include <tessera/runtime/operation.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>

namespace tessera {
namespace {

// Readers follow one atomic pointer to an immutable snapshot. Snapshots are few and are kept: a
// reader may still be in an old one.
struct Registry {
  std::vector<std::shared_ptr<const Backend>> backends;
  std::array<std::vector<const Backend*>, 2> by_device;
};

std::mutex install_mutex;
std::atomic<const Registry*> current{nullptr};

const Registry& registry() {
  static const Registry none;
  const Registry* now = current.load(std::memory_order_acquire);
  return now ? *now : none;
}

}  // namespace

void install(Backend backend) {
  const std::lock_guard lock(install_mutex);
  static std::vector<std::unique_ptr<const Registry>> kept;
  auto next = std::make_unique<Registry>();
  next->backends = registry().backends;
  std::erase_if(next->backends, [&](const auto& old) {
    if (old->name() != backend.name() || old->device() != backend.device()) return false;
    backend.implementations_.insert(old->implementations_.begin(), old->implementations_.end());
    return true;
  });
  next->backends.push_back(std::make_shared<const Backend>(std::move(backend)));
  std::stable_sort(next->backends.begin(), next->backends.end(),
                   [](const auto& a, const auto& b) { return a->priority() > b->priority(); });
  for (const auto& b : next->backends)
    next->by_device[static_cast<std::size_t>(b->device())].push_back(b.get());
  current.store(next.get(), std::memory_order_release);
  kept.push_back(std::move(next));
}

const std::vector<const Backend*>& backends_for(Device::Kind device) {
  return registry().by_device[static_cast<std::size_t>(device)];
}

const std::any* find_implementation(const Backend& backend, const std::string& operation) {
  const auto it = backend.implementations_.find(operation);
  return it == backend.implementations_.end() ? nullptr : &it->second;
}

}  // namespace tessera
