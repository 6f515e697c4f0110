#pragma once
#include <tessera/runtime/operation.hpp>

namespace tessera::on_cpu {

void implement_simple(Backend& backend);
void implement_involved(Backend& backend);
void implement_special(Backend& backend);

}  // namespace tessera::on_cpu
