#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <functional>
#include <string_view>

#include <tessera/model/value.hpp>
#include <tessera/runtime/rows.hpp>

/// The binding: Tessera as data (lists of estimators, of functions, arrays) for the Python beside
/// it. It names no estimator and no function.
namespace tessera::python {

namespace nb = nanobind;

/// Runs `work`, which may compute and communicate, without the interpreter's lock, one call at a
/// time; then gives Python the warnings there were. RuntimeError from another thread than the main
/// one in a job of several processes, where calls could meet those of other threads.
void call(const std::function<void()>& work);

/// An array as NumPy sees it, without a copy: this process's part of it, which for a replicated one
/// is all; text as its codes. `writable`: nobody else has the array.
nb::object view(const Array& x, bool writable);
/// All of it on every process. Collective.
Array whole(const Array& x);
/// Whether this process is the first of those whose arrays a call was given last: the one that
/// prints warnings.
extern bool speaks;

/// An Array or Rows as Rows, None as no Array; TypeError for anything else.
Rows to_rows(nb::handle x);
Array to_array(nb::handle x);

nb::object to_python(const Value& value);
/// TypeError for what no Value holds.
Value to_value(nb::handle object);
nb::object to_python(const Values& values);
nb::list to_python(const std::vector<std::string>& words);

void add_arrays(nb::module_& m);
void add_estimators(nb::module_& m);
void add_functions(nb::module_& m);

}  // namespace tessera::python
