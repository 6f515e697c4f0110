#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <tessera/runtime/communicator.hpp>

namespace tessera {

/// Changes whenever what a plug-in sees of Tessera does.
inline constexpr std::uint32_t plugin_version = 3;

/// What the one function of a plug-in's shared library returns:
///
///     extern "C" tessera::Plugin tessera_plugin() {
///       return {tessera::plugin_version, [] { tessera::install(...); }};
///     }
///
/// The version is looked at before anything else of the plug-in runs.
struct Plugin {
  std::uint32_t version;
  void (*install)();  ///< calls tessera::install or register_estimator; may throw
};

/// Loads a plug-in on every process; what it installs is kept until the program ends, and its
/// backends run only where they are preferred or the only ones (unless the device is theirs alone).
/// Nothing when it is loaded already. OSError when the file is missing or no shared library,
/// ValueError when it is no plug-in or was built for another version, RuntimeError when it throws
/// (so does install() for a name that is taken) or the processes end up with different backends or
/// estimators.
/// Collective.
void load_plugin(const std::string& path, const Communicator& comm = Communicator::world());

namespace detail {
/// The number of the plug-in that is being loaded; 0: none.
int plugin_being_loaded();
/// Something beside backends that the plug-in being loaded, if any, brings: it must be the same on
/// every process.
void note_of_plugin(std::string_view what);
/// RuntimeError unless the registry and the notes are the same on all processes, naming `what` was
/// installed.
/// Collective.
void require_one_registry(const std::string& what, const Communicator& comm);
/// From now on processes agree on who computes a whole function only if a backend implements it,
/// which is alike on all: for functions that take less time than a message.
void ask_if_overridden(const std::string& operation);
/// The file's plug-in, loaded and checked for its version; `built_in`: one of our own. Local.
void load_plugin_here(const std::string& path, bool built_in = false);
}  // namespace detail

}  // namespace tessera
