#pragma once
#include <map>
#include <string>

#include <tessera/array/kernels/elementwise.hpp>

namespace tessera::functions {

using OfReal = Operation<SignatureOf<1>::type>;
/// By name the operations of one operand that make real numbers of real numbers.
const std::map<std::string, const OfReal*>& of_reals();

}  // namespace tessera::functions
