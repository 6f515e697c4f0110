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

namespace tessera {
class Estimator;
}

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
/// The memory of a tile; valid while that is.
nb::object view(const Tile& t);
/// All of it on every process. Collective.
Array whole(const Array& x);
/// While it lives, `call` on this thread is refused if `kernel`: a kernel in Python runs inside of
/// a call, on any thread.
class InKernel {
 public:
  explicit InKernel(bool kernel);
  ~InKernel();
  InKernel(const InKernel&) = delete;

 private:
  bool before_;
};
/// Ends the call that a function of Python runs in with this exception. Both throw.
[[noreturn]] void end_call(const nb::python_error& exception);
void require_not_ending();
/// The function of tessera._errors of that name.
nb::object errors(const char* function);

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

/// An object of Python's class, fitted if the estimator is; a copy.
nb::object to_python(const Estimator& estimator);
/// Gives it the fitted attributes, a dict of them by name.
void learn(Estimator& estimator, nb::handle attributes, std::int64_t features);

void add_array_api(nb::module_& m);
void add_arrays(nb::module_& m);
void add_estimators(nb::module_& m);
void add_functions(nb::module_& m);
void add_backends(nb::module_& m);
void add_words(nb::module_& m);

}  // namespace tessera::python
