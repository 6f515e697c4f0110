#pragma once

namespace tessera {

/// Whether nothing of one dimension or more is replicated, from now on, whatever
/// TESSERA_DISTRIBUTE says; gives what was so before. The same on all processes.
bool distribute_all(bool all);

}  // namespace tessera
