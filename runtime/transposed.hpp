#pragma once
#include <functional>

#include <tessera/runtime/array.hpp>

/// Transposes that are formed when somebody needs them.
namespace tessera::detail {

/// The transpose of a matrix of numbers, of which shape, dtype and device are known. What asks
/// where its elements lie (distribution(), local() and all that is made of them) calls `form`, once
/// for all handles; on every process, for it is collective, as all functions of arrays are.
Array transposed_later(const Array& x, std::function<Array()> form);

/// The matrix that x is the transpose of, while that has not been formed; no array otherwise.
/// Local, alike on every process.
Array transposed_of(const Array& x);

/// Whether x is such a transpose, formed or not. Local, alike on every process.
bool is_transpose(const Array& x);

}  // namespace tessera::detail
