#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tessera {

class Communicator;

/// Anything Tessera reports. The text says what was wrong, what is allowed and what was given.
/// An error that leaves a collective function is the same on every process of its communicator.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  /// The name of the kind as scikit-learn and NumPy say it, e.g. "ValueError".
  virtual std::string_view kind() const { return "Error"; }
  /// A new error of the same kind with another text.
  virtual std::unique_ptr<Error> with_text(const std::string& text) const {
    return std::make_unique<Error>(text);
  }
  /// Throws a copy of this error as its own type.
  virtual void raise() const { throw *this; }
};

namespace detail {
/// Gives one error kind its name and lets an agreed error be raised again as the same type.
template <class Self, class Base = Error>
class ErrorKind : public Base {
 public:
  using Base::Base;
  std::string_view kind() const override { return Self::name; }
  std::unique_ptr<Error> with_text(const std::string& text) const override {
    return std::make_unique<Self>(text);
  }
  void raise() const override { throw static_cast<const Self&>(*this); }
};
}  // namespace detail

/// An argument has the right type but a value, shape or content that is not allowed.
struct ValueError : detail::ErrorKind<ValueError> {
  using ErrorKind::ErrorKind;
  static constexpr std::string_view name = "ValueError";
};
/// An argument has a type or dtype that is not allowed.
struct TypeError : detail::ErrorKind<TypeError> {
  using ErrorKind::ErrorKind;
  static constexpr std::string_view name = "TypeError";
};
/// An estimator's parameter lies outside its allowed range; a ValueError, as in scikit-learn.
struct InvalidParameterError : detail::ErrorKind<InvalidParameterError, ValueError> {
  using ErrorKind::ErrorKind;
  static constexpr std::string_view name = "InvalidParameterError";
};
/// predict, transform, score or save before fit.
struct NotFittedError : detail::ErrorKind<NotFittedError> {
  using ErrorKind::ErrorKind;
  static constexpr std::string_view name = "NotFittedError";
};
/// A decomposition did not converge or a matrix is singular.
struct LinAlgError : detail::ErrorKind<LinAlgError> {
  using ErrorKind::ErrorKind;
  static constexpr std::string_view name = "LinAlgError";
};
/// The request is understood and cannot be served by this version or build.
struct NotImplementedError : detail::ErrorKind<NotImplementedError> {
  using ErrorKind::ErrorKind;
  static constexpr std::string_view name = "NotImplementedError";
};
/// A file could not be opened, read or written.
struct OSError : detail::ErrorKind<OSError> {
  using ErrorKind::ErrorKind;
  static constexpr std::string_view name = "OSError";
};
/// Memory ran out.
struct MemoryError : detail::ErrorKind<MemoryError> {
  using ErrorKind::ErrorKind;
  static constexpr std::string_view name = "MemoryError";
};
/// A library underneath (MPI, HDF5, ...) failed.
struct RuntimeError : detail::ErrorKind<RuntimeError> {
  using ErrorKind::ErrorKind;
  static constexpr std::string_view name = "RuntimeError";
};

/// Runs `work`, which may fail on some processes only, and makes all processes of `comm` agree on
/// the outcome: either it returns on every process, or every process throws the same error, that
/// of the lowest rank that failed, with "(rank r)" appended unless every process failed alike.
/// Collective: call it around every step whose failure is local to a process. `work` must not
/// communicate.
void together(const Communicator& comm, const std::function<void()>& work);
/// The same, and the least of what `work` gives on the processes, for no message more.
std::int64_t least_together(const Communicator& comm, const std::function<std::int64_t()>& work);

/// Runs `work` on rank 0 alone; what it throws there is thrown on every process, in the same words
/// at any number of processes. Collective; `work` must not communicate.
void on_first(const Communicator& comm, const std::function<void()>& work);

namespace detail {
/// Throws the error of this kind, a plain Error for an unknown one.
[[noreturn]] void raise(std::string_view kind, const std::string& text);
}  // namespace detail

/// What a std::exception_ptr holds, as "Kind: text", printable.
std::string describe(const std::exception_ptr& failure);

/// Text that may hold names from files, safe for a terminal: control characters, what turns the
/// direction of writing and bytes that are no UTF-8 as \n, \x1b, \u202e. A line break stays where
/// two spaces follow, so that no name begins a line of its own.
std::string printable(std::string_view text);

namespace detail {
/// Writes a line, printable, to the standard error in one piece.
void say(const std::string& line);
}  // namespace detail

}  // namespace tessera
