#include <tessera/linalg/tsqr.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <complex>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/steps.hpp>
#include <tessera/runtime/tree.hpp>

namespace tessera::linalg {

/// The way up the tree, remembered for the ways down.
class detail::TallTree {
 public:
  virtual ~TallTree() = default;
  virtual Array r() const = 0;
  virtual Array q_times(const Array& c) const = 0;
};

namespace {

using Complex = std::complex<double>;

/// A matrix that travels.
template <class T>
struct Block {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<T> values;

  Block() = default;
  Block(std::int64_t m, std::int64_t n)
      : rows(m), cols(n), values(static_cast<std::size_t>(m * n)) {}
  Tile tile() const { return tile_of(values.data(), rows, cols, cols); }
  T* row(std::int64_t i) { return values.data() + i * cols; }
  const T* row(std::int64_t i) const { return values.data() + i * cols; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(rows, cols, values);
  }
};

/// A leaf or a merge, by the process that has it and its number there.
struct Address {
  int rank = 0;
  bool leaf = false;
  std::int64_t index = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank, leaf, index);
  }
};

/// What climbs: R and where it comes from.
template <class T>
struct Part {
  Block<T> r;
  Address from;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(r, from);
  }
};
template <class T>
struct Parcel {
  std::int64_t begin, end;
  std::vector<std::pair<tessera::detail::Node, Part<T>>> nodes;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(begin, end, nodes);
  }
};

/// A merge of two parts. Its Q stays where it was made.
template <class T>
struct Merge {
  Block<T> q;
  std::int64_t left_rows;
  Address left, right;
  int height;  // more than that of the merges below on the same process
};

/// What descends: what a leaf's or a merge's Q is to be multiplied with.
template <class T>
using Blocks = std::vector<std::pair<Address, Block<T>>>;

/// c = a b.
template <class T>
void multiply(Stream& stream, const Tile& a, const Block<T>& b, const Tile& c) {
  kernels().gemm(stream, 1.0, a, Transpose::no, b.tile(), Transpose::no, 0.0, c);
}

/// What is factorised: diag(sqrt(weights)) ([x, y] - 1 shift^T).
struct Given {
  Rows x;
  std::span<const double> shift = {};
  Array y = {};
  Array weights = {};
  std::int64_t cols() const { return x.cols() + (y ? y.cols() : 0); }
};

template <class T>
class Tree final : public detail::TallTree {
 public:
  /// With `keep`, what Q needs is kept, and x's leaves are copied to the host.
  Tree(const Given& given, bool keep)
      : x_(!keep || given.x.device() == cpu ? given.x : given.x.to(cpu)),
        home_(given.x.device()),
        alone_(x_.comm().size() == 1 || x_.distribution().kind() != Distribution::Kind::rows),
        keep_(keep) {
    const std::int64_t n = given.cols();
    const auto& d = x_.distribution();
    const auto& comm = x_.comm();
    tessera::detail::Tree<Part<T>> tree(
        d.leaves(), d.leaves_of(comm.rank()),
        [this](Part<T>& left, Part<T>&& right) { merge(left, right); });
    const Rows all = zip(x_, {given.y, given.weights});
    together(comm, [&] {
      all.for_each_leaf([&](const Leaf& leaf, Stream& stream) {
        Part<T> part{{std::min(leaf.rows.size(), n), n}, {comm.rank(), true, leaf.index}};
        kernels().leaf_triangle(stream, leaf.tile, given.shift, leaf.beside[0], leaf.beside[1],
                                part.r.tile());
        tree.offer({0, leaf.index}, std::move(part));
      });
    });
    const auto take_root = [&] {
      auto nodes = tree.take_nodes();
      if (nodes.empty()) return;
      root_ = nodes.front().second.from;
      r_ = std::move(nodes.front().second.r);
    };
    r_ = {0, n};
    if (alone_) {
      take_root();
    } else {
      const std::string bytes = tessera::detail::climb(
          comm, {.pack =
                     [&] {
                       return tessera::detail::to_bytes(
                           Parcel<T>{tree.run().begin, tree.run().end, tree.take_nodes()});
                     },
                 .absorb =
                     [&](std::string message, int) {
                       auto parcel = tessera::detail::from_bytes<Parcel<T>>(std::move(message));
                       tree.append({parcel.begin, parcel.end}, std::move(parcel.nodes));
                     },
                 .root =
                     [&] {
                       take_root();
                       return tessera::detail::to_bytes(r_);
                     }});
      if (comm.rank() != 0) r_ = tessera::detail::from_bytes<Block<T>>(bytes);
    }
    make_diagonal_positive();
  }

  /// k x n, row by row.
  Block<T> take_r() { return std::move(r_); }
  Array r() const override {
    return replicated(std::span<const T>(r_.values), {r_.rows, r_.cols}, x_.comm());
  }

  Array q_times(const Array& c) const override {
    const auto& comm = x_.comm();
    if (c.ndim() != 2 || c.rows() != r_.rows)
      throw ValueError(fmt::format("TallQr.q_times: c must be {} x l, not of shape {}", r_.rows,
                                   to_string(c.shape())));
    Array out =
        tessera::detail::allocate({x_.rows(), c.cols()}, x_.dtype(), x_.distribution(), comm);
    if (x_.rows() == 0) return out.to(home_);
    bool done = false;
    together(comm, [&] {
      const Block<T> factor = through_inverse(c);
      if (factor.values.empty()) return;
      x_.for_each_leaf([&](const Leaf& leaf, Stream& stream) {
        multiply(stream, leaf.tile, factor, out.leaf(leaf.index));
      });
      done = true;
    });
    if (done) return out.to(home_);
    const Range mine = x_.distribution().leaves_of(comm.rank());
    std::vector<Block<T>> leaves(static_cast<std::size_t>(mine.size()));
    const std::exception_ptr failure = descend(c, [&](std::int64_t leaf, Block<T> block) {
      leaves[static_cast<std::size_t>(leaf - mine.begin)] = std::move(block);
    });
    together(comm, [&] {
      if (failure) std::rethrow_exception(failure);
      x_.for_each_leaf([&](const Leaf& leaf, Stream& stream) {
        Block<T>& block = leaves[static_cast<std::size_t>(leaf.index - mine.begin)];
        kernels().leaf_q(stream, leaf.tile, block.tile(), out.leaf(leaf.index));
        block = {};
      });
    });
    return out.to(home_);
  }

 private:
  void merge(Part<T>& left, const Part<T>& right) {
    Merge<T> m{{}, left.r.rows, left.from, right.from, 0};
    left.r.values.insert(left.r.values.end(), right.r.values.begin(), right.r.values.end());
    left.r.rows += right.r.rows;
    const std::int64_t k = std::min(left.r.rows, left.r.cols);
    if (keep_) m.q = {left.r.rows, k};
    Stream stream;
    kernels().qr_pair(stream, left.r.tile(), m.left_rows, keep_ ? m.q.tile() : Tile{});
    left.r.rows = k;
    left.r.values.resize(static_cast<std::size_t>(k * left.r.cols));
    if (!keep_) return;
    const std::lock_guard lock(mutex_);
    const int rank = x_.comm().rank();
    for (const Address& child : {m.left, m.right})
      if (!child.leaf && child.rank == rank)
        m.height = std::max(m.height, merges_[static_cast<std::size_t>(child.index)].height + 1);
    left.from = {rank, false, static_cast<std::int64_t>(merges_.size())};
    merges_.push_back(std::move(m));
  }

  // R = D R' and Q' = Q D with the phases D of R's diagonal.
  void make_diagonal_positive() {
    phases_.assign(static_cast<std::size_t>(r_.rows), T(1));
    for (std::int64_t i = 0; i < r_.rows; ++i) {
      T* const row = r_.row(i);
      const double size = std::abs(row[i]);
      if (size == 0 || row[i] == size) continue;
      T& phase = phases_[static_cast<std::size_t>(i)] = row[i] / size;
      row[i] = size;
      for (std::int64_t j = i + 1; j < r_.cols; ++j) {
        if constexpr (std::is_same_v<T, double>)
          row[j] *= phase;
        else
          row[j] *= std::conj(phase);
      }
    }
  }

  /// Takes c from the root to this process's leaves, by the way the processes' parts came up: a
  /// process gets the blocks of all nodes of the processes above it in one message, empty when
  /// something failed on the way. Returns what failed here.
  std::exception_ptr descend(const Array& c,
                             const std::function<void(std::int64_t, Block<T>)>& deliver) const {
    const auto& comm = x_.comm();
    const int rank = comm.rank();
    tessera::detail::Steps own;
    Blocks<T> given;
    int step = 1;  // the next would be beyond the processes that sent their parts here
    if (!alone_)
      while (step < comm.size() && rank % (2 * step) == 0) step *= 2;
    if (alone_ || rank == 0) {
      if (root_) own.take([&] { given.emplace_back(*root_, start(c)); });
    } else {
      std::string message = comm.receive(rank - step);
      if (message.empty()) own.give_up();
      own.take([&] { given = tessera::detail::from_bytes<Blocks<T>>(std::move(message)); });
    }
    Blocks<T> away;
    own.take([&] { away = through_merges(std::move(given), deliver); });
    for (step /= 2; step >= 1; step /= 2) {
      const int to = rank + step;
      if (to >= comm.size()) continue;
      std::string message;
      own.take([&] {
        Blocks<T> part;
        std::erase_if(away, [&](auto& block) {
          if (block.first.rank < to) return false;
          part.push_back(std::move(block));
          return true;
        });
        message = tessera::detail::to_bytes(part);
      });
      comm.send(message, to);
    }
    return own.failure();
  }

  /// R^-1 c if x R^-1 is as orthonormal as what comes down the tree, else nothing. It is if R has
  /// nearly orthogonal columns once they are equally long: no singular value is below 1/4 then in
  /// the (quadratic) mean of their inverses. Plain loops: all processes decide alike.
  Block<T> through_inverse(const Array& c) const {
    if constexpr (std::is_same_v<T, double>) {
      constexpr double kMost = 4, kLeastLength = 1e-100, kMostLength = 1e100;
      const std::int64_t n = r_.cols;
      if (x_.dtype() != DType::float64 || r_.rows < n) return {};
      std::vector<double> squares(static_cast<std::size_t>(n));  // of the columns' lengths
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = i; j < n; ++j)
          squares[static_cast<std::size_t>(j)] += r_.row(i)[j] * r_.row(i)[j];
      for (const double square : squares)
        if (!(square >= kLeastLength && square <= kMostLength)) return {};
      // Rows of b, from the last one up; some columns on each thread, which changes no bit.
      const auto solve = [&](Block<double> b, bool upper) {
        constexpr std::int64_t some = 64;
        parallel_for(
            {0, (b.cols + some - 1) / some}, Runtime::threads(), [&](std::int64_t part, Stream&) {
              const std::int64_t first = part * some, last = std::min(b.cols, first + some);
              for (std::int64_t i = upper ? last : n; i-- > 0;) {
                double* const row = b.row(i);
                for (std::int64_t k = i + 1; k < (upper ? last : n); ++k) {
                  const double factor = r_.row(i)[k];
                  const double* const below = b.row(k);
                  for (std::int64_t j = upper ? std::max(k, first) : first; j < last; ++j)
                    row[j] -= factor * below[j];
                }
                for (std::int64_t j = upper ? std::max(i, first) : first; j < last; ++j)
                  row[j] /= r_.row(i)[i];
              }
            });
        return b;
      };
      Block<double> identity(n, n);
      for (std::int64_t i = 0; i < n; ++i) identity.row(i)[i] = 1;
      Block<double> inverse = solve(std::move(identity), true);
      double sum = 0;
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = i; j < n; ++j)
          sum += squares[static_cast<std::size_t>(i)] * inverse.row(i)[j] * inverse.row(i)[j];
      if (!(sum <= kMost * kMost * static_cast<double>(n))) return {};
      Block<double> given(n, c.cols());
      std::copy_n(c.values<double>().begin(), given.values.size(), given.values.begin());
      return solve(std::move(given), false);
    } else {
      return {};
    }
  }

  Block<T> start(const Array& c) const {
    Block<T> block(c.rows(), c.cols());
    std::copy_n(c.values<T>().begin(), block.values.size(), block.values.begin());
    for (std::int64_t i = 0; i < block.rows; ++i)
      for (std::int64_t j = 0; j < block.cols; ++j)
        block.row(i)[j] *= phases_[static_cast<std::size_t>(i)];
    return block;
  }

  /// From the given blocks down to the leaves here; returns the blocks for other processes.
  Blocks<T> through_merges(Blocks<T> given,
                           const std::function<void(std::int64_t, Block<T>)>& deliver) const {
    Blocks<T> away;
    std::mutex mutex;
    std::vector<Block<T>> blocks(merges_.size());
    const auto hand_on = [&](const Address& to, Block<T> block) {
      const std::lock_guard lock(mutex);
      if (to.rank != x_.comm().rank())
        away.emplace_back(to, std::move(block));
      else if (to.leaf)
        deliver(to.index, std::move(block));
      else
        blocks[static_cast<std::size_t>(to.index)] = std::move(block);
    };
    for (auto& [to, block] : given) hand_on(to, std::move(block));
    std::vector<std::vector<std::size_t>> levels;
    for (std::size_t i = 0; i < merges_.size(); ++i) {
      const auto height = static_cast<std::size_t>(merges_[i].height);
      levels.resize(std::max(levels.size(), height + 1));
      levels[height].push_back(i);
    }
    for (auto level = levels.rbegin(); level != levels.rend(); ++level)
      parallel_for({0, static_cast<std::int64_t>(level->size())}, Runtime::threads(),
                   [&](std::int64_t k, Stream& stream) {
                     const std::size_t i = (*level)[static_cast<std::size_t>(k)];
                     const Merge<T>& m = merges_[i];
                     const Block<T> block = std::exchange(blocks[i], {});
                     Block<T> left(m.left_rows, block.cols);
                     Block<T> right(m.q.rows - m.left_rows, block.cols);
                     const Tile q = m.q.tile();
                     multiply(stream, q.slice(0, left.rows), block, left.tile());
                     multiply(stream, q.slice(left.rows, right.rows), block, right.tile());
                     hand_on(m.left, std::move(left));
                     hand_on(m.right, std::move(right));
                   });
    return away;
  }

  Rows x_;  // in host memory
  Device home_;
  bool alone_;  // no other process has part in the tree
  bool keep_;
  std::mutex mutex_;
  std::vector<Merge<T>> merges_;
  std::optional<Address> root_;  // where the tree has its root and rows
  Block<T> r_;
  std::vector<T> phases_;  // of the rows of R as the tree leaves them
};

std::shared_ptr<const detail::TallTree> factorise(const Rows& x) {
  if (is_complex(x.dtype())) return std::make_shared<Tree<Complex>>(Given{x}, true);
  if (is_floating(x.dtype())) return std::make_shared<Tree<double>>(Given{x}, true);
  throw TypeError(fmt::format("QR takes floating and complex dtypes, not {}", name_of(x.dtype())));
}

}  // namespace

Small composed::tsqr(const Rows& x, std::span<const double> shift, const Array& y,
                     const Array& weights) {
  if (!is_floating(x.dtype())) refuse_non_floating(x.dtype());
  const auto beside = [&](const Array& a) { return a ? redistribute(a, x.distribution()) : a; };
  Block<double> r = Tree<double>(Given{x, shift, beside(y), beside(weights)}, false).take_r();
  return {r.rows, r.cols, std::move(r.values)};
}

TallQr::TallQr(const Rows& x) : tree_(factorise(x)) {}
Array TallQr::r() const { return tree_->r(); }
Array TallQr::q_times(const Array& c) const { return tree_->q_times(c); }

}  // namespace tessera::linalg
