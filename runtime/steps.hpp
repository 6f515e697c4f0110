#pragma once
#include <exception>

namespace tessera::detail {

/// What a process does between messages that others wait for: after a step that failed it leaves
/// the others out, goes on with its messages, and tells in the end.
class Steps {
 public:
  template <class Step>
  void take(Step&& step) {
    if (broken_) return;
    try {
      step();
    } catch (...) {
      failure_ = std::current_exception();
      broken_ = true;
    }
  }
  /// Something failed elsewhere.
  void give_up() { broken_ = true; }
  bool broken() const { return broken_; }
  /// What failed here, or nothing.
  const std::exception_ptr& failure() const { return failure_; }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  bool broken_ = false;
  std::exception_ptr failure_;
};

}  // namespace tessera::detail
