#pragma once
#include <cereal/archives/binary.hpp>
#include <cereal/types/vector.hpp>

#include <algorithm>
#include <concepts>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera {

/// What a reduction carries: default-constructible, absorbs its right neighbour with merge, and
/// travels between processes through cereal (a member template serialize(Archive&)).
template <class P>
concept Partial = std::default_initializable<P> && std::movable<P> && requires(P a, P b) {
  a.merge(std::move(b));
};

namespace detail {

/// A node of the binary tree fixed over all leaves of an array: it covers the leaves
/// [index << level, (index + 1) << level), cut at the number of leaves.
struct Node {
  int level = 0;
  std::int64_t index = 0;
  auto operator<=>(const Node&) const = default;
  Node parent() const { return {level + 1, index >> 1}; }
  Node sibling() const { return {level, index ^ 1}; }
  bool is_left() const { return (index & 1) == 0; }
  std::int64_t begin() const { return index << level; }
  std::int64_t end() const { return (index + 1) << level; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(level, index);
  }
};

/// The part of the tree over a run of consecutive leaves. Partials are offered in any order and by
/// any thread; whenever both children of a node are there they are merged, left with right. So the
/// shape of the tree alone decides the order of the additions.
template <class P>
class Tree {
 public:
  using Merge = std::function<void(P& left, P&& right)>;
  Tree(
      std::int64_t leaves, Range run,
      Merge merge = [](P& left, P&& right) { left.merge(std::move(right)); })
      : leaves_(leaves), run_(run), merge_(std::move(merge)) {}

  void offer(Node node, P partial) {
    for (;;) {
      std::optional<P> sibling;
      {
        const std::lock_guard lock(mutex_);
        const bool root = node.begin() == 0 && node.end() >= leaves_;
        if (root || !inside(node.parent())) {
          waiting_.insert_or_assign(node, std::move(partial));
          return;
        }
        if (node.sibling().begin() < leaves_) {
          auto other = waiting_.extract(node.sibling());
          if (!other) {
            waiting_.insert_or_assign(node, std::move(partial));
            return;
          }
          sibling = std::move(other.mapped());
        }  // else: beyond the last leaf there is nothing to merge with
      }
      if (sibling && node.is_left()) {
        merge_(partial, std::move(*sibling));
      } else if (sibling) {
        merge_(*sibling, std::move(partial));
        partial = std::move(*sibling);
      }
      node = node.parent();
    }
  }

  /// Takes in the neighbouring run to the right with its finished nodes.
  void append(Range run, std::vector<std::pair<Node, P>> nodes) {
    run_.end = run.end;
    auto mine = std::exchange(waiting_, {});
    for (auto& [node, partial] : mine) offer(node, std::move(partial));
    for (auto& [node, partial] : nodes) offer(node, std::move(partial));
  }

  /// The finished nodes, the fewest that cover the run, in the order of their leaves.
  std::vector<std::pair<Node, P>> take_nodes() {
    std::vector<std::pair<Node, P>> nodes;
    for (auto& [node, partial] : waiting_) nodes.emplace_back(node, std::move(partial));
    waiting_.clear();
    return nodes;
  }

  Range run() const { return run_; }

 private:
  bool inside(Node node) const {
    return node.begin() >= run_.begin && std::min(node.end(), leaves_) <= run_.end;
  }
  std::int64_t leaves_;
  Range run_;
  Merge merge_;
  std::mutex mutex_;
  std::map<Node, P> waiting_;
};

template <class T>
std::string to_bytes(const T& value) {
  std::ostringstream stream(std::ios::binary);
  cereal::BinaryOutputArchive archive(stream);
  archive(value);
  return std::move(stream).str();
}

template <class T>
T from_bytes(std::string bytes) {
  std::istringstream stream(std::move(bytes), std::ios::binary);
  cereal::BinaryInputArchive archive(stream);
  T value{};
  archive(value);
  return value;
}

template <Partial P>
struct Parcel {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::vector<std::pair<Node, P>> nodes;

  template <class Archive>
  void save(Archive& archive) const {
    archive(begin, end, nodes.size());
    for (const auto& [node, partial] : nodes) archive(node, partial);
  }
  template <class Archive>
  void load(Archive& archive) {
    std::size_t count = 0;
    archive(begin, end, count);
    nodes.resize(count);
    for (auto& [node, partial] : nodes) archive(node, partial);
  }
};

/// How the nodes of the processes' trees become one result: what a process sends, what it does with
/// what it receives from a rank, and what rank 0 has in the end. With `follow`, on every process or
/// on none, more goes to the receiver than the message: `follow` sends it, to the rank that got the
/// message, once `prepare` has succeeded there, and `absorb` receives it.
struct Climb {
  std::function<std::string()> pack;
  std::function<void(std::string message, int source)> absorb;
  std::function<std::string()> root;
  std::function<void(const std::string& message)> prepare = {};
  std::function<void(int destination)> follow = {};
};
/// Most leaves that a device's kernel gets at once. Only tests lower it.
void limit_runs(std::int64_t leaves);
/// Runs it up a binomial tree of processes and hands rank 0's result to all. What a step throws is
/// thrown on every process.
std::string climb(const Communicator& comm, const Climb& steps);

}  // namespace detail

/// Runs `work` on one process and hands its result to all: how the small replicated solves stay
/// the same bits everywhere. Errors are agreed. Collective. T travels through cereal.
template <class T>
T on_root(const Communicator& comm, const std::function<T()>& work) {
  T value{};
  std::string bytes;
  on_first(comm, [&] {
    value = work();
    if (comm.size() > 1) bytes = detail::to_bytes(value);
  });
  if (comm.size() == 1) return value;
  comm.broadcast(bytes, 0);
  return comm.rank() == 0 ? std::move(value) : detail::from_bytes<T>(std::move(bytes));
}

/// merge_tree(kernel(leaf_0), kernel(leaf_1), ...) on every process: kernel(leaf, stream) gives a
/// partial in host memory for one leaf, on several threads at once, and partials are merged in a
/// binary tree fixed over the leaf index. The result is the same bits for any number of processes
/// and threads. Collective; what a kernel or a merge throws is thrown on every process. P{} for an
/// array without rows.
///
/// Each process merges the subtrees inside its own run of leaves; the roots of these, at most
/// 2 log2(leaves per process) of them, travel up a binomial tree of processes.
template <Partial P>
P reduce(const Rows& x, const std::function<P(const Leaf&, Stream&)>& kernel) {
  const auto& d = x.distribution();
  const auto& comm = x.comm();
  detail::Tree<P> tree(d.leaves(), d.leaves_of(comm.rank()));
  together(comm, [&] {
    x.for_each_leaf([&](const Leaf& leaf, Stream& stream) {
      tree.offer({0, leaf.index}, kernel(leaf, stream));
    });
  });
  P result{};
  const auto take_root = [&] {
    auto nodes = tree.take_nodes();
    if (!nodes.empty()) result = std::move(nodes.front().second);
  };
  if (d.kind() != Distribution::Kind::rows || comm.size() == 1) {
    take_root();
    return result;
  }
  std::string bytes = detail::climb(
      comm, {.pack =
                 [&] {
                   return detail::to_bytes(
                       detail::Parcel<P>{tree.run().begin, tree.run().end, tree.take_nodes()});
                 },
             .absorb =
                 [&](std::string message, int) {
                   auto parcel = detail::from_bytes<detail::Parcel<P>>(std::move(message));
                   tree.append({parcel.begin, parcel.end}, std::move(parcel.nodes));
                 },
             .root =
                 [&] {
                   take_root();
                   return detail::to_bytes(result);
                 }});
  if (comm.rank() != 0) result = detail::from_bytes<P>(std::move(bytes));
  return result;
}

/// Fills `out` (one row per leaf of the run, float64, on its device) with the partials of the
/// leaves of a run, as the leaf kernels of linalg do.
using LeafPartials = std::function<void(const Leaf& run, const Tile& out, Stream&)>;
/// Row i of `left` absorbs row i of `right`.
using MergePartials = Operation<void(Stream&, const Tile& left, const Tile& right)>;

/// The same for partials that are `size` float64 values each, computed and merged where the rows
/// lie: on a device many leaves at a time, without copying partials to the host, and from device to
/// device where the processes' devices are linked. Values on every process; zeros for an array
/// without rows. The same bits for any number of devices of one kind.
AlignedVector<double> reduce(const Rows& x, std::int64_t size, const LeafPartials& kernel,
                             const MergePartials& merge);

/// A partial made of one vector that is added element by element.
struct Sums {
  std::vector<double> values;
  void merge(const Sums& right) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += right.values[i];
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values);
  }
};

}  // namespace tessera
