#pragma once
#include <tessera/array/layout.hpp>
#include <tessera/runtime/operation.hpp>

/// Functions that compute where their data lie, as far as there are kernels.
namespace tessera::detail {

/// `device` if a backend there takes that dtype under the selection in force here, else the host,
/// where every array can go. Alike on processes whose data lie on devices of one kind.
inline Device where_computed(int operation, Device device, DType dtype) {
  if (device == cpu) return cpu;
  for (const Candidate& c : candidates(operation, device.kind).asked)
    if (c.dtypes->has(dtype)) return device;
  return cpu;
}

/// room_for() on a device.
inline Array room_on(Device device, const Shape& shape, DType dtype, const Distribution& d,
                     const Communicator& comm) {
  return device == cpu ? room_for(shape, dtype, d, comm) : allocate(shape, dtype, d, comm, device);
}

/// x by rows or replicated, on a device.
inline Array in_rows_on(Device device, const Array& x) {
  if (device == cpu) return in_rows(x);
  if (!x.categories().empty()) refuse_text(x.categories());
  const bool blocks = x.distribution().kind() == Distribution::Kind::block_cyclic;
  const Array rows = blocks ? redistribute(x, row_distribution(x.shape(), x.comm())) : x;
  return rows.device() == device ? rows : rows.to(device);
}

}  // namespace tessera::detail
