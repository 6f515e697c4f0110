#pragma once
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>

/// The block kernel of sort, argsort and sets.
namespace tessera::order {

/// Brings the rows of a dense tile of unsigned integers into ascending order: numbers, or pairs of
/// uint64, of which the second counts first.
using Signature = void(Stream&, const Tile& keys);
/// `array.sort_keys`. Its first use makes `cpu` and `reference` known.
const Operation<Signature>& sort_keys();
/// uint8 to uint64.
DTypes key_dtypes();

}  // namespace tessera::order
