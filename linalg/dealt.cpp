#include <tessera/linalg/dealt.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include <tessera/array/creation.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/linalg/precision.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera::stacks {
namespace {

Range share_of(std::int64_t n, int rank, int processes) {
  const std::int64_t each = (n + processes - 1) / processes;
  return {std::min(n, rank * each), std::min(n, (rank + 1) * each)};
}

Range overlap(Range a, Range b) {
  const std::int64_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

std::size_t bytes(const Array& x, std::int64_t elements) {
  return static_cast<std::size_t>(elements) * size_of(x.dtype());
}

// The shape of an operand without that of one matrix, and that.
std::pair<Shape, Shape> cut(const Stack& s) {
  const auto middle = s.array.shape().end() - static_cast<std::ptrdiff_t>(s.axes);
  return {{s.array.shape().begin(), middle}, {middle, s.array.shape().end()}};
}

}  // namespace

Array alone(Shape shape, DType dtype) {
  const Communicator self = Communicator::self();
  const Distribution d = replicated_distribution(shape, self);
  return Array(std::move(shape), dtype, d, self);
}

std::byte* at(const Array& x, std::int64_t element) {
  return static_cast<std::byte*>(x.local().data) +
         element * static_cast<std::int64_t>(size_of(x.dtype()));
}

Shape joined(Shape shape, const Shape& tail) {
  shape.insert(shape.end(), tail.begin(), tail.end());
  return shape;
}

Part::Part(const Stack& stack, const Shape& lead, std::int64_t count) {
  const Array x = detail::in_rows(stack.array);
  const auto [given, core] = cut(stack);
  core_ = core;
  const bool shared = element_count(given) == 1 && count > 0;
  step_ = shared ? 0 : element_count(core_);
  if (!shared) {
    take(broadcast_to(x, joined(lead, core_)), count);
    return;
  }
  values_ = alone(joined({1}, core_), x.dtype());
  const Array whole = gather(x);
  std::memcpy(at(values_, 0), whole.local().data, bytes(x, x.size()));
}

Array Part::array(std::int64_t i) const {
  Array x = alone(core_, dtype());
  std::memcpy(x.local().data, at(values_, i * step_), bytes(x, x.size()));
  return x;
}

Array Part::example() const {
  if (first_) return first_;
  if (step_ == 0 && values_.size() > 0) return array(0);
  const Communicator self = Communicator::self();
  return gather(core_.size() == 2 ? eye(core_[0], core_[1], 0, dtype(), self)
                                  : ones(core_, dtype(), self));
}

// Row-major elements travel from the rows of x to the shares.
void Part::take(const Array& x, std::int64_t count) {
  const Communicator& comm = x.comm();
  const auto wanted = [&](int rank) {
    const Range m = share_of(count, rank, comm.size());
    return Range{m.begin * step_, m.end * step_};
  };
  const auto held = [&](int rank) {
    const Range rows = x.distribution().rows_of(rank);
    return Range{rows.begin * x.cols(), rows.end * x.cols()};
  };
  const Range want = wanted(comm.rank()), have = held(comm.rank());
  together(comm, [&] {
    const std::int64_t mine = share_of(count, comm.rank(), comm.size()).size();
    values_ = alone(joined({mine}, core_), x.dtype());
  });
  if (detail::is_replicated(x) || comm.size() == 1) {
    std::memcpy(at(values_, 0), at(x, want.begin), bytes(x, want.size()));
    if (want.size() == 0 && count > 0) {
      first_ = alone(core_, x.dtype());
      std::memcpy(at(first_, 0), at(x, 0), bytes(x, step_));
    }
    return;
  }
  struct Sides {
    std::vector<std::int64_t> sizes, offsets;
    void add(Range piece, std::int64_t begin, std::int64_t width) {
      sizes.push_back(piece.size() * width);
      offsets.push_back(piece.size() == 0 ? 0 : (piece.begin - begin) * width);
    }
  } out, in;
  for (int r = 0; r < comm.size(); ++r) {
    const auto width = static_cast<std::int64_t>(size_of(x.dtype()));
    out.add(overlap(have, wanted(r)), have.begin, width);
    in.add(overlap(held(r), want), want.begin, width);
  }
  comm.all_to_all_v(at(x, 0), out.sizes, out.offsets, at(values_, 0), in.sizes, in.offsets);
  if (count == 0 || share_of(count, comm.size() - 1, comm.size()).size() > 0) return;
  Array first;
  together(comm, [&] {
    first = alone(core_, x.dtype());
    if (comm.rank() == 0) std::memcpy(at(first, 0), at(values_, 0), bytes(x, step_));
  });
  comm.broadcast(std::span(at(first, 0), bytes(x, step_)), 0);
  if (want.size() == 0) first_ = first;
}

Dealt::Dealt(std::string_view function, const std::vector<Stack>& operands) {
  std::vector<Array> arrays;
  std::vector<Shape> leads;
  for (const Stack& s : operands) {
    arrays.push_back(s.array);
    leads.push_back(cut(s).first);
    replicated_ = replicated_ && detail::is_replicated(s.array);
  }
  comm_ = detail::common_communicator(function, arrays);
  device_ = arrays[0].device();
  lead_ = broadcast_shapes(leads);
  count_ = element_count(lead_);
  for (const Stack& s : operands) parts_.emplace_back(s, lead_, count_);
}

Range Dealt::mine() const { return share_of(count_, comm_.rank(), comm_.size()); }

Array Dealt::collected(const Array& own) const {
  const Shape tail(own.shape().begin() + 1, own.shape().end());
  const Tile rows{own.local().data, own.rows(), own.cols(), own.cols(), own.dtype(), cpu};
  const Array all = reshape(from_local(rows, tail, comm_), joined(lead_, tail));
  return redistribute(all, detail::settled(all.shape(), replicated_, comm_)).to(device_);
}

Results over(std::string_view function, const std::vector<Stack>& operands,
             const std::function<Results(std::span<const Array>)>& f) {
  std::vector<Array> plain;
  bool one = true;
  for (const auto& [x, axes] : operands) {
    if (!x || x.shape().size() < axes)
      throw ValueError(fmt::format("{} needs {}, or a stack of them, got {}", function,
                                   axes == 2 ? "a matrix" : "a vector",
                                   x ? "an array of shape " + to_string(x.shape()) : "no array"));
    one = one && x.shape().size() == axes;
    plain.push_back(x);
  }
  if (one) {
    Results results = f(plain);
    for (Array& x : results) x = detail::settle(x);
    return results;
  }
  const Dealt dealt(function, operands);
  const Range mine = dealt.mine();
  const std::int64_t n = mine.size();
  std::vector<Results> found;
  std::vector<std::int8_t> kinds;  // of all results of a matrix, of which none is more than complex
  together(dealt.comm(), [&] {
    for (std::int64_t i = 0; i < std::max<std::int64_t>(1, n); ++i) {
      std::vector<Array> each;
      for (const Part& p : dealt.parts()) each.push_back(n == 0 ? p.example() : p.array(i));
      found.push_back(f(each));
      for (Array& x : found.back()) x = gather(x.to(cpu));
      kinds.resize(found.back().size());
      for (std::size_t k = 0; k < kinds.size(); ++k)
        kinds[k] =
            std::max(kinds[k], static_cast<std::int8_t>(is_complex(found.back()[k].dtype())));
    }
  });
  dealt.comm().all_reduce(std::span(kinds), Reduce::max);
  const auto shapes = on_root<std::vector<Shape>>(dealt.comm(), [&] {
    std::vector<Shape> of_first;
    for (const Array& x : found[0]) of_first.push_back(x.shape());
    return of_first;
  });
  Results own;
  const std::int64_t other = least_together(dealt.comm(), [&] {
    for (std::size_t k = 0; k < kinds.size(); ++k)
      own.push_back(alone(
          joined({n}, shapes[k]),
          kinds[k] != 0 ? linalg::detail::complex_of(found[0][k].dtype()) : found[0][k].dtype()));
    for (std::int64_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < kinds.size(); ++k) {
        const Array& x = found[static_cast<std::size_t>(i)][k];
        if (x.shape() != shapes[k]) return mine.begin + i;
        std::memcpy(at(own[k], i * x.size()), x.astype(own[k].dtype()).local().data,
                    bytes(own[k], x.size()));
      }
    return dealt.count();
  });
  if (other < dealt.count())
    throw ValueError(fmt::format(
        "{} gives arrays of different shapes for the matrices of a stack: for number {} "
        "others than for number 0",
        function, other));
  for (Array& x : own) x = dealt.collected(x);
  return own;
}

}  // namespace tessera::stacks
