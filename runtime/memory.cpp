#include <tessera/runtime/memory.hpp>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include <tessera/runtime/error.hpp>

namespace tessera {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

/// The first number after `key` in a file of the kernel's; `missing` where there is none ("max").
std::uint64_t number_in(const fs::path& file, const std::string& key, std::uint64_t missing) {
  std::ifstream in(file);
  std::string word;
  std::uint64_t value = 0;
  if (key.empty()) return in >> value ? value : missing;
  while (in >> word)
    if (word == key) return in >> value ? value : missing;
  return missing;
}

std::uint64_t rest(std::uint64_t limit, std::uint64_t used) {
  return limit > used ? limit - used : 0;
}

struct ControlGroups {
  std::string controller, root, limit, usage;
  std::array<const char*, 2> cache;
};

/// What the control groups from this process's own up to the root still allow. The kernel gives
/// cached pages of files back before it refuses.
std::uint64_t free_in_groups(const ControlGroups& kind) {
  std::uint64_t least = unlimited;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "4:memory:/job" or "0::/job"
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = fmt::format(",{},", line.substr(first + 1, second - first - 1));
    if (controllers.find(fmt::format(",{},", kind.controller)) == std::string::npos) continue;
    const fs::path root = kind.root;
    for (fs::path at = root / fs::path(line.substr(second + 1)).relative_path();;
         at = at.parent_path()) {
      const auto limit = number_in(at / kind.limit, "", unlimited);
      auto used = number_in(at / kind.usage, "", 0);
      for (const char* pages : kind.cache)
        used = rest(used, number_in(at / "memory.stat", pages, 0));
      if (limit != unlimited) least = std::min(least, rest(limit, used));
      if (at == root || at.string().size() <= root.string().size()) break;
    }
  }
  return least;
}

std::uint64_t free_under(__rlimit_resource what, std::uint64_t used) {
  rlimit limit{};
  if (getrlimit(what, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unlimited;
  return rest(limit.rlim_cur, used);
}

std::string gigabytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

}  // namespace

FreeMemory free_memory() {
  detail::give_back_freed();
  constexpr std::uint64_t kib = 1024;
  FreeMemory found;
  found.machine = number_in("/proc/meminfo", "MemAvailable:", unlimited / kib) * kib;
  for (const ControlGroups& kind :
       {ControlGroups{
            "", "/sys/fs/cgroup", "memory.max", "memory.current", {"inactive_file", "active_file"}},
        ControlGroups{"memory",
                      "/sys/fs/cgroup/memory",
                      "memory.limit_in_bytes",
                      "memory.usage_in_bytes",
                      {"total_inactive_file", "total_active_file"}}})
    found.machine = std::min(found.machine, free_in_groups(kind));
  found.process =
      std::min(free_under(RLIMIT_AS, number_in("/proc/self/status", "VmSize:", 0) * kib),
               free_under(RLIMIT_DATA, number_in("/proc/self/status", "VmData:", 0) * kib));
  return found;
}

void require_memory(std::uint64_t bytes, const std::string& purpose, const std::string& advice,
                    const Communicator& comm) {
  struct Facts {
    std::uint64_t machine, bytes, machine_free, process_free;
  };
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  const FreeMemory here = free_memory();
  const auto all = comm.all_gather(
      Facts{std::hash<std::string_view>{}(name.data()), bytes, here.machine, here.process});
  struct Machine {
    std::uint64_t bytes = 0, free = unlimited;
    int processes = 0;
  };
  std::map<std::uint64_t, Machine> machines;
  for (const Facts& f : all) {
    if (f.bytes > f.process_free)
      throw MemoryError(
          fmt::format("{} takes {} in one process, which may take {} more (ulimit): {}", purpose,
                      gigabytes(f.bytes), gigabytes(f.process_free), advice));
    Machine& m = machines[f.machine];
    if (__builtin_add_overflow(m.bytes, f.bytes, &m.bytes)) m.bytes = unlimited;
    m.free = std::min(m.free, f.machine_free);
    ++m.processes;
  }
  for (const Facts& f : all) {  // by rank
    const Machine& m = machines[f.machine];
    if (m.bytes > m.free)
      throw MemoryError(
          fmt::format("{} takes {} on a machine with {} of these processes, which has "
                      "{} free: {}",
                      purpose, gigabytes(m.bytes), m.processes, gigabytes(m.free), advice));
  }
}

}  // namespace tessera
