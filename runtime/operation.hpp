#pragma once
#include <any>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tessera/runtime/communicator.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/selection.hpp>
#include <tessera/runtime/tile.hpp>
#include <tessera/runtime/trace.hpp>
#include <tessera/runtime/watchdog.hpp>

namespace tessera {

/// "Not me", always with the reason.
struct Decline {
  std::string why;
};
/// A backend's answer to whether it takes a call. Empty: yes.
using Verdict = std::optional<Decline>;

/// A set of implementations of operations for one kind of device.
class Backend {
 public:
  Backend(std::string name, Device::Kind device, int priority = 0)
      : name_(std::move(name)), device_(device), priority_(priority) {}
  const std::string& name() const { return name_; }
  Device::Kind device() const { return device_; }
  int priority() const { return priority_; }
  /// Whether it runs only where it is preferred or the only one: so are a plug-in's backends.
  bool opt_in() const { return opt_in_; }

  /// Adds an implementation that takes the calls whose dtype is one of `dtypes` and for which `can`
  /// returns no Decline. `can` has no side effects and looks at facts that every process knows
  /// (shapes, dtypes, parameters); once it has accepted, `run` returns a result or throws.
  template <class Operation>
  Backend& implement(const Operation& operation, DTypes dtypes, typename Operation::Predicate can,
                     typename Operation::Function run) {
    implementations_[operation.id()] = {
        dtypes, typename Operation::Implementation{std::move(can), std::move(run)}};
    return *this;
  }
  template <class Operation>
  Backend& implement(const Operation& operation, DTypes dtypes, typename Operation::Function run) {
    return implement(operation, dtypes, nullptr, std::move(run));
  }
  template <class Operation>
  Backend& implement(const Operation& operation, typename Operation::Function run) {
    return implement(operation, DTypes::all(), nullptr, std::move(run));
  }

 private:
  friend struct Registry;
  struct Entry {
    DTypes dtypes;
    std::any implementation;
  };
  std::string name_;
  Device::Kind device_;
  int priority_;
  int plugin_ = 0;  // which one it came with; 0: none
  bool opt_in_ = false;
  std::unordered_map<int, Entry> implementations_;
};

/// Registers a backend, ours and other people's alike. A backend of a known name and device adds
/// its operations to that one, replacing those both have. Local: every process installs the same.
void install(Backend backend);

/// Names of the backends there are, by descending priority.
std::vector<std::string> backend_names();
/// ValueError listing the backends there are if `selection` names another one.
void check_backends(const Selection& selection);

/// What the support table says about one operation: its backends with the dtypes they take, and
/// whether it is composed of others where no backend takes it.
struct Support {
  struct Entry {
    std::string backend;
    Device::Kind device;
    DTypes dtypes;
  };
  std::string operation;
  bool composed = false;
  std::vector<Entry> entries;
};
/// All operations and backends that this process has seen, ordered by name.
std::vector<Support> support_table();
/// A number that differs when the plug-ins of two processes installed different backends. What is
/// built in does not count: a process that has not needed it yet does not know it.
std::uint64_t registry_hash();

namespace detail {

int operation_id(const std::string& name, bool composed);
/// Lives as long as the program, unlike an operation: traces refer to it.
const std::string& operation_name(int id);
/// install() for our own: not a plug-in's, though a plug-in may be the first to need them.
void install_built_in(Backend backend);

struct Candidate {
  const Backend* backend;
  const DTypes* dtypes;
  const std::any* implementation;
};
/// Who is asked for an operation on a kind of device, in this order, and why the others are not.
struct Candidates {
  std::vector<Candidate> asked;
  std::string not_asked;
};
/// Under the selection in force on this thread. Valid until the thread asks for the same again.
const Candidates& candidates(int operation, Device::Kind device);

/// Who runs a call, and why others do not.
struct Choice {
  std::string_view backend;
  const void* run = nullptr;  ///< its Function
  std::string declined;
};
/// What an implementation says to the call: `run` is its Function unless it is of another
/// signature.
using Ask = Verdict (*)(const void* call, const std::any& implementation, const void*& run);
/// The first candidate that takes the call, of which `dtype` is the first argument's that has one,
/// otherwise `composed`. NotImplementedError where there is neither. Not inline, for every file
/// that calls an operation would have its own.
Choice choose(int operation, Device device, std::optional<DType> dtype, const void* call, Ask ask,
              const void* composed);
/// `composed`, where backends have declined; NotImplementedError if there is none.
Choice compose(int operation, Device device, std::string declined, const void* composed);

/// Runs `choose`, which names this process's choice, and returns whether the processes all chose
/// that; false where they have their data on different kinds of device. RuntimeError when they
/// differ otherwise; what `choose` throws is thrown everywhere. Collective.
bool agree(const Communicator& comm, const std::string& operation, Device::Kind device,
           const std::function<std::string_view()>& choose);

inline Device device_of(const Tile& tile) { return tile.device; }
template <class T>
Device device_of(const T& holder) {
  return holder.device();
}

template <class T>
void note_dtype(std::optional<DType>& dtype, const T& argument) {
  if (dtype) return;
  if constexpr (std::is_same_v<T, Tile>) {
    if (argument.data || argument.rows == 0) dtype = argument.dtype;
  } else if constexpr (requires { argument.dtype(); }) {
    dtype = argument.dtype();
  }
}
template <class T>
double bytes_of(const T& argument) {
  if constexpr (std::is_same_v<T, Tile>)
    return argument.data ? static_cast<double>(argument.rows * argument.cols) *
                               static_cast<double>(size_of(argument.dtype))
                         : 0.0;
  return 0.0;
}
/// Waits for what a kernel has queued, so that a traced call covers its work.
template <class T>
void finish_on_device(T& first) {
  if constexpr (requires { first.synchronize(); }) first.synchronize();
}

}  // namespace detail

/// What has a communicator is shared by its processes, and they choose together.
template <class T>
concept Shared = requires(const std::remove_cvref_t<T>& t) {
  { t.comm() } -> std::convertible_to<const Communicator&>;
};

/// A named function that backends implement. The data decides where it runs: the device of the
/// first argument; then the selection in force on this thread; then the priority of the backends
/// that take the call, by the dtype of the first argument that has one. NotImplementedError naming
/// every backend and its reason when none does.
///
/// Two kinds. A block kernel takes a Stream or Tile first and is local. A whole function takes Rows
/// or an Array first and is collective: the processes agree on the choice before anything runs, and
/// where their data lie on different kinds of device, or no backend takes the call, `composed`
/// runs, which is made of other operations.
template <class Signature>
class Operation;

template <class R, class First, class... Rest>
class Operation<R(First, Rest...)> {
 public:
  using Function = std::function<R(First, Rest...)>;
  using Predicate = std::function<Verdict(First, Rest...)>;
  using Flops = std::function<double(First, Rest...)>;
  struct Implementation {
    Predicate can;
    Function run;
  };

  /// A block kernel; `flops` is what one call does, for the trace.
  explicit Operation(const std::string& name, Flops flops = nullptr)
      : Operation(detail::operation_id(name, false), std::move(flops), nullptr) {}
  /// A whole function.
  static Operation composed_of(const std::string& name, Function composed) {
    return Operation(detail::operation_id(name, true), nullptr, std::move(composed));
  }

  const std::string& name() const { return name_; }
  int id() const { return id_; }

  R operator()(First first, Rest... rest) const {
    const Device device = detail::device_of(first);
    const double flops = flops_ ? flops_(first, rest...) : 0.0;
    const Watch watch(name(), flops * 1e-9);
    detail::Choice choice;
    if constexpr (Shared<First>) {
      if (!detail::agree(first.comm(), name(), device.kind, [&] {
            choice = choose(device, first, rest...);
            return choice.backend;
          }))
        choice = detail::compose(id_, device, "\n  the processes use different kinds of device",
                                 composed());
    } else {
      choice = choose(device, first, rest...);
    }
    const Function& run = *static_cast<const Function*>(choice.run);
    if (!trace::enabled()) [[likely]]
      return run(first, std::forward<Rest>(rest)...);
    trace::Span span(name(), choice.backend, device);
    span.declined(std::move(choice.declined));
    span.work(flops, (detail::bytes_of(rest) + ... + detail::bytes_of(first)));
    if constexpr (std::is_void_v<R>) {
      run(first, std::forward<Rest>(rest)...);
      detail::finish_on_device(first);
    } else {
      R result = run(first, std::forward<Rest>(rest)...);
      detail::finish_on_device(first);
      return result;
    }
  }

 private:
  Operation(int id, Flops flops, Function composed)
      : id_(id),
        name_(detail::operation_name(id)),
        flops_(std::move(flops)),
        composed_(std::move(composed)) {}

  detail::Choice choose(Device device, std::remove_reference_t<First>& first,
                        std::remove_reference_t<Rest>&... rest) const {
    std::optional<DType> dtype;
    detail::note_dtype(dtype, first);
    (detail::note_dtype(dtype, rest), ...);
    const auto ask = [&](const std::any& any, const void*& run) -> Verdict {
      const auto* implementation = std::any_cast<Implementation>(&any);
      if (!implementation) return {};
      run = &implementation->run;
      return implementation->can ? implementation->can(first, rest...) : Verdict{};
    };
    return detail::choose(
        id_, device, dtype, &ask,
        [](const void* call, const std::any& any, const void*& run) {
          return (*static_cast<decltype(&ask)>(call))(any, run);
        },
        composed());
  }
  const void* composed() const { return composed_ ? &composed_ : nullptr; }

  int id_;
  std::reference_wrapper<const std::string> name_;
  Flops flops_;
  Function composed_;
};

}  // namespace tessera
