#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tessera/runtime/communicator.hpp>
#include <tessera/runtime/distribution.hpp>

namespace tessera::detail {

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
  bool is_root(std::int64_t leaves) const { return index == 0 && end() >= leaves; }
  /// Whether those of its leaves that there are all lie in the run.
  bool inside(Range run, std::int64_t leaves) const {
    return begin() >= run.begin && begin() < run.end && std::min(end(), leaves) <= run.end;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(level, index);
  }
};

/// The fewest nodes that cover a run of leaves, in the order of these: what a tree over it ends
/// with.
std::vector<Node> cover(Range run, std::int64_t leaves);

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
        if (node.is_root(leaves_) || !node.parent().inside(run_, leaves_)) {
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
    std::sort(nodes.begin(), nodes.end(),
              [](const auto& a, const auto& b) { return a.first.begin() < b.first.begin(); });
    return nodes;
  }

  Range run() const { return run_; }

 private:
  std::int64_t leaves_;
  Range run_;
  Merge merge_;
  std::mutex mutex_;
  std::map<Node, P> waiting_;
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
/// Runs it up a binomial tree of processes and hands rank 0's result to all. What a step throws is
/// thrown on every process.
std::string climb(const Communicator& comm, const Climb& steps);

}  // namespace tessera::detail
