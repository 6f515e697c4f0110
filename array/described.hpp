#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <tessera/array/functions.hpp>
#include <tessera/runtime/signature.hpp>

/// Functions of a table as the program's commands: what the tables of arrays, transforms and images
/// share.
namespace tessera::detail {

/// A parameter as in Python's definition; no text for one that must be given.
struct Parameter {
  std::string name, initial;
};
/// Of a function's `parameters`, without "/" and "*".
std::vector<Parameter> parameters_of(std::string_view parameters);

/// The names of all dtypes, and what a function's results are called: its fields, or itself.
std::vector<std::string> dtype_words();
std::vector<std::string> outputs_of(const ArrayFunction& function);

/// An option for a parameter, of the kind that its default in Python has: a flag for True and
/// False, a number for one with a point, else an integer; `shown` is what None means.
functions::Option option_of(const Parameter& parameter, std::string doc, std::string shown);

/// Calls a function with what a command was given. A parameter is the input of its name, all of
/// them for "arrays", or the option: a word is a dtype for `dtype` and `output`, true for "yes" and
/// false for "no". One that the command does not have keeps its default. Collective.
std::vector<functions::Result> call_described(const ArrayFunction& function,
                                              const functions::Arguments& in);

}  // namespace tessera::detail
