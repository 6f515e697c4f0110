#include <tessera/runtime/warn.hpp>

#include <fmt/format.h>

#include <mutex>
#include <set>

#include <tessera/runtime/embed.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/process.hpp>

namespace tessera {
namespace {

embed::WarningHandler& handler() {
  static embed::WarningHandler one;
  return one;
}

}  // namespace

void embed::handle_warnings(WarningHandler told) { handler() = std::move(told); }

void warn(const std::string& text, std::string_view kind) {
  if (handler()) return handler()(text, kind);
  static std::mutex mutex;
  static std::set<std::string> told;
  const std::lock_guard lock(mutex);
  if (detail::process().rank == 0 && told.insert(text).second)
    detail::say(fmt::format("tessera: warning: {}: {}", kind, text));
}

}  // namespace tessera
