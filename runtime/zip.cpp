#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

class ZippedSource : public RowSource {
 public:
  ZippedSource(Rows x, std::vector<Array> beside)
      : RowSource(x.shape(), x.dtype(), x.distribution(), x.comm()),
        x_(std::move(x)),
        beside_(std::move(beside)) {}
  Device device() const override { return x_.device(); }

  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int threads) const override {
    x_.visit_leaves(leaves, with_others(visit), threads);
  }
  void visit_runs(std::int64_t leaves, const LeafVisitor& visit, int threads) const override {
    x_.visit_runs(leaves, with_others(visit), threads);
  }

 private:
  LeafVisitor with_others(const LeafVisitor& visit) const {
    return [&](const Leaf& in, Stream& stream) {
      std::vector<Tile> tiles;
      for (const Array& a : beside_)
        tiles.push_back(a ? a.local().slice(in.rows.begin - a.local_rows().begin, in.rows.size())
                          : Tile{});
      visit({in.index, in.rows, in.tile, tiles}, stream);
    };
  }
  Rows x_;
  std::vector<Array> beside_;
};

class CachedSource : public RowSource {
 public:
  CachedSource(Rows x, Array memory)
      : RowSource(x.shape(), x.dtype(), x.distribution(), x.comm()),
        x_(std::move(x)),
        memory_(std::move(memory)),
        kept_(memory_),
        known_(static_cast<std::size_t>(mine().size())) {}
  Device device() const override { return x_.device(); }

  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int threads) const override {
    bool all = true;
    for (std::int64_t i = 0; i < leaves.size(); ++i) all = all && known(leaves[i]);
    if (all) return kept_.visit_leaves(leaves, visit, threads);
    x_.visit_leaves(leaves, keeping(visit), threads);
  }
  void visit_runs(std::int64_t leaves, const LeafVisitor& visit, int threads) const override {
    bool all = true;
    for (auto leaf = mine().begin; leaf < mine().end; ++leaf) all = all && known(leaf);
    if (all) return kept_.visit_runs(leaves, visit, threads);
    x_.visit_runs(leaves, keeping(visit), threads);
  }

 private:
  Range mine() const { return distribution().leaves_of(comm().rank()); }
  std::atomic<bool>& known(std::int64_t leaf) const {
    return known_[static_cast<std::size_t>(leaf - mine().begin)];
  }
  // A leaf, or a run of them, is known when its copy is there.
  LeafVisitor keeping(const LeafVisitor& visit) const {
    return [&](const Leaf& in, Stream& stream) {
      copy(stream, in.tile,
           memory_.local().slice(in.rows.begin - memory_.local_rows().begin, in.rows.size()));
      stream.synchronize();
      for (auto leaf = in.index;
           leaf < mine().end && distribution().rows_of_leaf(leaf).begin < in.rows.end; ++leaf)
        known(leaf) = true;
      visit(in, stream);
    };
  }
  Rows x_;
  Array memory_;
  Rows kept_;
  mutable std::vector<std::atomic<bool>> known_;
};

}  // namespace

Rows zip(const Rows& x, std::vector<Array> beside) {
  for (Array& a : beside) {
    if (!a) continue;
    if (a.rows() != x.rows())
      throw ValueError(
          fmt::format("rows beside others must be as many: {} and {}", a.rows(), x.rows()));
    a = redistribute(a, x.distribution()).to(x.device());
  }
  return Rows(std::make_shared<ZippedSource>(x, std::move(beside))).with(x.names());
}

Rows cached(const Rows& x) {
  if (x.array()) return x;
  const Array memory =
      detail::allocate(x.shape(), x.dtype(), x.distribution(), x.comm(), x.device());
  return Rows(std::make_shared<CachedSource>(x, memory)).with(x.names());
}

}  // namespace tessera
