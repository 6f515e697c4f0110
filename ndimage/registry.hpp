#pragma once

namespace tessera {

/// Makes the operations of the room `ndimage` and who computes them known, for lists of what there
/// is.
void register_ndimage_operations();

}  // namespace tessera
