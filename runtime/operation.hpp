#pragma once
#include <any>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/tile.hpp>

namespace tessera {

/// "Not me", always with the reason.
struct Decline {
  std::string why;
};
/// A backend's answer to whether it takes a call, from facts that every process knows. Empty: yes.
using Verdict = std::optional<Decline>;

/// A set of implementations of operations for one device.
class Backend {
 public:
  Backend(std::string name, Device::Kind device, int priority)
      : name_(std::move(name)), device_(device), priority_(priority) {}
  const std::string& name() const { return name_; }
  Device::Kind device() const { return device_; }
  int priority() const { return priority_; }

  /// Adds an implementation of `operation` that takes every call.
  template <class Operation>
  Backend& implement(const Operation& operation, typename Operation::Function run) {
    return implement(operation, nullptr, std::move(run));
  }
  /// Adds one that takes the calls for which `can` returns no Decline. `can` has no side effects;
  /// once it has accepted, `run` returns a result or throws.
  template <class Operation>
  Backend& implement(const Operation& operation, typename Operation::Predicate can,
                     typename Operation::Function run) {
    implementations_[operation.name()] =
        typename Operation::Implementation{std::move(can), std::move(run)};
    return *this;
  }

 private:
  friend const std::any* find_implementation(const Backend&, const std::string&);
  friend void install(Backend);
  std::string name_;
  Device::Kind device_;
  int priority_;
  std::unordered_map<std::string, std::any> implementations_;
};

/// Registers a backend, ours and other people's alike. A backend of a known name and device adds
/// its operations to that one, replacing those both have.
void install(Backend backend);

/// Backends for a device by descending priority.
const std::vector<const Backend*>& backends_for(Device::Kind device);
const std::any* find_implementation(const Backend& backend, const std::string& operation);

inline Device device_of(const Tile& tile) { return tile.device; }
template <class T>
Device device_of(const T& holder) {
  return holder.device();
}

/// A named kernel that backends implement: the data decides where it runs (the device of the first
/// argument, a Tile or Stream), then the priority of the backends that take the call.
/// NotImplementedError naming every backend and its reason when none does.
template <class Signature>
class Operation;

template <class R, class First, class... Rest>
class Operation<R(First, Rest...)> {
 public:
  using Function = std::function<R(First, Rest...)>;
  using Predicate = std::function<Verdict(First, Rest...)>;
  struct Implementation {
    Predicate can;
    Function run;
  };

  explicit Operation(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }

  R operator()(First first, Rest... rest) const {
    const Device device = device_of(first);
    std::string reasons;
    for (const Backend* backend : backends_for(device.kind)) {
      const std::any* found = find_implementation(*backend, name_);
      if (!found) continue;
      const auto* implementation = std::any_cast<Implementation>(found);
      if (!implementation)
        throw TypeError(backend->name() + " implements " + name_ + " with another signature");
      if (implementation->can) {
        if (const Verdict no = implementation->can(first, rest...)) {
          reasons += "\n  " + backend->name() + ": " + no->why;
          continue;
        }
      }
      return implementation->run(first, std::forward<Rest>(rest)...);
    }
    throw NotImplementedError(name_ + ": no backend for " + device.to_string() +
                              " takes this call" +
                              (reasons.empty() ? "; none implements it" : ":" + reasons));
  }

 private:
  std::string name_;
};

}  // namespace tessera
