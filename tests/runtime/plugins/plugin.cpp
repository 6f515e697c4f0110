// Plug-ins that go wrong, each in its own way: ENDING is its name.
#include <string>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/plugin.hpp>

namespace {

using tessera::Backend;
const std::string ending = ENDING;

void install_it() {
  const auto world = tessera::Communicator::world();
  if (ending == "throws") throw tessera::MemoryError("no room for tables");
  if (ending == "throws_on_one" && world.rank() == 1) throw tessera::MemoryError("no room here");
  const bool other = ending == "differs" && world.rank() == 2;
  Backend backend(ending == "taken" ? "good"
                  : other           ? "other"
                                    : ending,
                  tessera::Device::Kind::cpu);
  backend.implement(tessera::Operation<void(const tessera::Tile&)>("plugins.op"),
                    [](const tessera::Tile&) {});
  tessera::install(backend);
}

}  // namespace

#ifndef WITHOUT_ENTRY
extern "C" tessera::Plugin tessera_plugin() {
  return {tessera::plugin_version + (ending == "version" ? 41 : 0), install_it};
}
#endif
