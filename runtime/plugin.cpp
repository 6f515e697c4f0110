#include <tessera/runtime/plugin.hpp>

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <set>
#include <utility>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/watchdog.hpp>

namespace tessera {
namespace {

int loading = 0;
std::string noted;  // of all plug-ins

// dlopen looks for a name without a slash in the system's folders; a user means a file.
std::string as_path(const std::string& path) {
  return path.find('/') == std::string::npos ? "./" + path : path;
}

}  // namespace

int detail::plugin_being_loaded() { return loading; }

void detail::note_of_plugin(std::string_view what) {
  if (loading != 0) noted.append(what).append("\n");
}

void detail::require_one_registry(const std::string& what, const Communicator& comm) {
  std::uint64_t mine = std::hash<std::string>{}(std::to_string(registry_hash()) + '\n' + noted);
  for (const std::uint64_t theirs : comm.all_gather(mine))
    if (theirs != mine) mine = 0;
  together(comm, [&] {
    if (mine == 0) throw RuntimeError(fmt::format("{} is not the same on every process", what));
  });
}

void detail::load_plugin_here(const std::string& path, bool built_in) {
  static std::set<void*> loaded;
  static int count = 0;
  if (std::error_code e; !std::filesystem::exists(path, e))
    throw OSError(fmt::format("cannot load the plug-in '{}': there is no such file", path));
  if (std::error_code e; !std::filesystem::is_regular_file(path, e))  // opening a pipe may not end
    throw OSError(fmt::format("cannot load the plug-in '{}': it is not a regular file", path));
  const Watch watch("load a plug-in");
  // Never closed: its functions stay in the registry.
  void* library = dlopen(as_path(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw OSError(fmt::format("cannot load the plug-in '{}': {}", path, dlerror()));
  if (loaded.contains(library)) return;
  const auto entry = reinterpret_cast<Plugin (*)()>(dlsym(library, "tessera_plugin"));
  if (!entry)
    throw ValueError(
        fmt::format("'{}' is no plug-in of Tessera: it has no function tessera_plugin", path));
  const auto failed = [&](const std::string& why) {
    return RuntimeError(fmt::format("the plug-in '{}' failed: {}", path, why));
  };
  Plugin plugin{};
  try {
    plugin = entry();
  } catch (...) {
    throw failed(describe(std::current_exception()));
  }
  if (plugin.version != plugin_version)
    throw ValueError(
        fmt::format("the plug-in '{}' was built for version {} of Tessera's plug-ins, this is "
                    "version {}; build it anew",
                    path, plugin.version, plugin_version));
  if (!plugin.install) throw failed("it has nothing to install");
  const int before = std::exchange(loading, built_in ? 0 : ++count);
  try {
    plugin.install();
  } catch (...) {
    loading = before;
    throw failed(describe(std::current_exception()));
  }
  loading = before;
  loaded.insert(library);
}

void load_plugin(const std::string& path, const Communicator& comm) {
  together(comm, [&] { detail::load_plugin_here(path); });
  detail::require_one_registry(fmt::format("the plug-in '{}'", path), comm);
}

}  // namespace tessera
