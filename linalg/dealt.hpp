#pragma once
#include <string_view>
#include <vector>

#include <tessera/linalg/stacks.hpp>
#include <tessera/runtime/tile.hpp>

/// How the matrices of stacks get to the processes, and results back.
namespace tessera::stacks {

/// An uninitialised array of this process alone.
Array alone(Shape shape, DType dtype);
/// Where an element of this process's part is, counted row-major.
std::byte* at(const Array& x, std::int64_t element);
/// One shape behind another.
Shape joined(Shape shape, const Shape& tail);

/// The matrices of one operand that this process computes with.
class Part {
 public:
  /// Of `count` with the leading axes `lead`, to which those of the stack broadcast; one for all
  /// is not repeated. Collective.
  Part(const Stack& stack, const Shape& lead, std::int64_t count);
  /// Of one.
  const Shape& shape() const { return core_; }
  DType dtype() const { return values_.dtype(); }
  Tile tile(std::int64_t i) const {
    return {at(values_, i * step_), core_[0], core_[1], core_[1], dtype(), cpu};
  }
  /// A copy, of this process alone.
  Array array(std::int64_t i) const;
  /// For a process without any: the first of the stack or, where that is empty, what has the shape
  /// of one and can be computed with.
  Array example() const;

 private:
  void take(const Array& x, std::int64_t count);
  Shape core_;
  Array values_;  // (matrices, ...), of this process alone
  Array first_;   // where there are some, but none here
  std::int64_t step_ = 0;
};

/// Operands dealt over the processes in equal runs of matrices.
class Dealt {
 public:
  /// ValueError unless leading axes broadcast and all lie on the same processes. Collective.
  Dealt(std::string_view function, const std::vector<Stack>& operands);
  const Communicator& comm() const { return comm_; }
  const std::vector<Part>& parts() const { return parts_; }
  /// Which matrices are here, of `count` of them.
  Range mine() const;
  std::int64_t count() const { return count_; }
  /// The stack of what each process has made of its own, (matrices, ...). Collective.
  Array collected(const Array& own) const;

 private:
  Communicator comm_ = Communicator::self();
  Device device_;
  bool replicated_ = true;
  Shape lead_;
  std::int64_t count_ = 0;
  std::vector<Part> parts_;
};

}  // namespace tessera::stacks
