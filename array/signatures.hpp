#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <tessera/array/functions.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/signature.hpp>

namespace tessera {

/// What signatures are made from that call functions of a table.
namespace detail {

struct Parameter {
  std::string name, initial;  ///< as in Python; no text for one that must be given
};
std::vector<Parameter> parameters_of(const ArrayFunction& f);
/// The names of all dtypes.
std::vector<std::string> dtype_words();
/// An option for a parameter, of the kind that its default in Python has: a flag for True and
/// False, a number for one with a point, else an integer; `shown` is what None means.
functions::Option option_of(const Parameter& p, std::string doc, std::string shown);
/// What such an option was set to; of `dtype` and `output` the dtype of that name.
Argument argument_of(const Parameter& p, const functions::Setting& setting);
/// What a function gave, one array or several, with the names that the signature has for them.
std::vector<functions::Result> results_of(const functions::Signature& signature,
                                          const Argument& given);

}  // namespace detail

/// The functions of arrays that make sense on datasets of files, for the program: those of
/// array_functions() by their names, with `astype`, `compress`, `histogram` and `quantile` beside
/// them.
const std::vector<functions::Signature>& array_signatures();

/// Whether a function needs one pass over its argument alone.
bool streams(const functions::Signature& function);
/// Calls such a function for rows that need not be in memory, and never are as a whole. ValueError
/// for options that need more: an axis other than 0, a histogram without a range. Collective.
std::vector<std::pair<std::string, Rows>> streamed(
    const functions::Signature& function, const Rows& x,
    const std::map<std::string, functions::Setting>& settings);

}  // namespace tessera
