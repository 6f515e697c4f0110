#include <fmt/format.h>

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <tessera/runtime/embed.hpp>
#include <tessera/runtime/error.hpp>

#include "binding.hpp"

namespace tessera::python {
namespace {

std::unique_ptr<Runtime> runtime;
std::thread::id main_thread;
std::mutex calling;

struct Warning {
  std::string text, kind;
};
std::mutex noting;
std::vector<Warning> noted;

std::vector<Warning> take_noted() {
  const std::lock_guard lock(noting);
  return std::exchange(noted, {});
}

void tell_python() {
  for (const auto& [text, kind] : take_noted()) errors("warn")(text, kind, speaks);
}

// Of this thread: how many calls it is in, for a backend in Python may call, and whether in a
// kernel.
thread_local int depth = 0;
thread_local bool in_kernel = false;

// What ends the call: other threads may be in it. Under the interpreter's lock.
std::optional<nb::python_error> ending;

struct Deeper {
  Deeper() { ++depth; }
  ~Deeper() { --depth; }
  Deeper(const Deeper&) = delete;
};

void require_usable() {
  if (in_kernel)
    throw RuntimeError("a kernel in Python cannot call Tessera: it runs inside of a call");
  if (!Runtime::running()) throw RuntimeError("Tessera has ended: the interpreter is exiting");
  if (std::this_thread::get_id() != main_thread && Communicator::world().size() > 1)
    throw RuntimeError(
        "a job of several processes calls Tessera from its main thread only: calls of other "
        "threads would meet each other's messages");
}

void translate(const std::exception_ptr& failure, void*) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    nb::object made = errors("error")(std::string(error.kind()), std::string(error.what()));
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
  }
}

}  // namespace

InKernel::InKernel(bool kernel) : before_(in_kernel) { in_kernel = in_kernel || kernel; }
InKernel::~InKernel() { in_kernel = before_; }

void end_call(const nb::python_error& exception) {
  if (!ending) ending.emplace(exception);
  throw embed::Interrupted();
}
void require_not_ending() {
  if (ending) throw embed::Interrupted();
}

// Imported when first needed.
nb::object errors(const char* function) {
  return nb::module_::import_("tessera._errors").attr(function);
}

void call(const std::function<void()>& work) {
  require_usable();
  try {
    const nb::gil_scoped_release unlocked;
    std::unique_lock lock(calling, std::defer_lock);
    if (depth == 0) lock.lock();
    const Deeper inside;
    work();
  } catch (...) {
    if (ending) {
      const nb::python_error exception = *ending;
      ending.reset();
      throw exception;
    }
    if (PyErr_Occurred()) throw nb::python_error();  // an interrupt, and what came of it
    tell_python();
    throw;
  }
  if (!noted.empty()) tell_python();
}

}  // namespace tessera::python

NB_MODULE(_core, m) {
  using namespace tessera;
  using namespace tessera::python;
  nb::set_leak_warnings(false);
  m.attr("__version__") = TESSERA_VERSION;
  nb::register_exception_translator(translate, nullptr);
  m.def("start", [] {
    if (Runtime::running()) return;
    main_thread = std::this_thread::get_id();
    runtime = std::make_unique<Runtime>();
    embed::handle_warnings([](const std::string& text, std::string_view kind) {
      const std::lock_guard lock(noting);
      noted.push_back({text, std::string(kind)});
    });
    embed::check_for_interrupt([] {
      if (std::this_thread::get_id() != main_thread) return false;
      const nb::gil_scoped_acquire lock;
      return PyErr_CheckSignals() != 0;
    });
  });
  m.def("finish", [] {
    const nb::gil_scoped_release unlocked;
    embed::check_for_interrupt({});
    embed::handle_warnings({});
    runtime.reset();
  });
  m.def("report", [](const std::string& text) {
    const nb::gil_scoped_release unlocked;
    embed::report_failure(text);
  });
  m.def("rank", [] { return Communicator::world().rank(); });
  m.def("size", [] { return Communicator::world().size(); });
  m.def("mpi_version", [] { return embed::mpi_version(); });
  m.def("threads", [] { return Runtime::threads(); });
  m.def("set_threads", [](int count) { Runtime::set_threads(count); });
  m.def("show_progress", [](bool on) { Progress::enable(on); });
  add_arrays(m);
  add_array_api(m);
  add_estimators(m);
  add_functions(m);
  add_backends(m);
  add_words(m);
}
