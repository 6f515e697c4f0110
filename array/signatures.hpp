#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/signature.hpp>

namespace tessera {

/// The functions of arrays that make sense on datasets of files, for the program: those of
/// array_functions() by their names, with `astype`, `compress`, `histogram` and `quantile` beside
/// them.
const std::vector<functions::Signature>& array_signatures();

namespace fft {
/// The transforms of array_functions(), of the standard and of scipy.fft, for the program.
const std::vector<functions::Signature>& signatures();
}  // namespace fft

/// Whether a function needs one pass over its first argument alone.
bool streams(const functions::Signature& function);
/// Calls such a function for rows that need not be in memory, and never are as a whole; `beside`
/// are its other arguments, which are. ValueError for what needs more: an axis other than 0, a
/// histogram without a range, a mask of more than rows. Collective.
std::vector<std::pair<std::string, Rows>> streamed(
    const functions::Signature& function, const Rows& x, const std::vector<Array>& beside,
    const std::map<std::string, functions::Setting>& settings);

}  // namespace tessera
