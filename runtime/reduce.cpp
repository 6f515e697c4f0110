#include <tessera/runtime/reduce.hpp>

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <mutex>
#include <optional>

#include <tessera/runtime/climb_steps.hpp>
#include <tessera/runtime/device_layer.hpp>
#include <tessera/runtime/exchange.hpp>
#include <tessera/runtime/process.hpp>
#include <tessera/runtime/reduce_runs.hpp>
#include <tessera/runtime/steps.hpp>
#include <tessera/runtime/tree.hpp>

namespace tessera {
namespace detail {

std::string climb(const Communicator& comm, const Climb& steps) {
  // A step that throws on the way must not leave the others waiting: it travels on as an empty
  // message, and in the end everybody throws it.
  Steps own;
  std::string bytes;
  for (int step = 1; step < comm.size(); step *= 2) {
    if (comm.rank() % (2 * step) == step) {
      const int to = comm.rank() - step;
      own.take([&] { bytes = steps.pack(); });
      if (own.broken()) bytes.clear();
      comm.send(bytes, to);
      // What follows would wait for ever for a receiver that has failed.
      if (steps.follow && !bytes.empty() && !comm.receive(to).empty())
        own.take([&] { steps.follow(to); });
      break;
    }
    if (comm.rank() % (2 * step) == 0 && comm.rank() + step < comm.size()) {
      const int from = comm.rank() + step;
      std::string message = comm.receive(from);
      const bool complete = !message.empty();
      if (!complete) own.give_up();
      if (steps.prepare) own.take([&] { steps.prepare(message); });
      if (steps.follow && complete) comm.send(own.broken() ? "" : "ready", from);
      own.take([&] { steps.absorb(std::move(message), from); });
    }
  }
  bytes.clear();
  if (comm.rank() == 0) own.take([&] { bytes = steps.root() + '+'; });  // never empty
  if (own.broken()) bytes.clear();
  comm.broadcast(bytes, 0);
  if (bytes.empty()) together(comm, [&] { own.rethrow(); });
  bytes.pop_back();
  return bytes;
}

std::string bytes_of_root(const Communicator& comm, const std::function<std::string()>& work) {
  std::string bytes;
  on_first(comm, [&] { bytes = work(); });
  if (comm.size() > 1) comm.broadcast(bytes, 0);
  return bytes;
}

namespace {

// Calls visit(leaves, stream) for groups of 2^k leaves, `most` at most, that begin at a multiple of
// 2^k, or what the run has of them: as large ones as still give each thread several.
void for_groups(Range run, std::int64_t most, const std::function<void(Range, Stream&)>& visit) {
  int level = 0;
  while ((2 << level) <= most && run.size() >> (level + 4) >= Runtime::threads()) ++level;
  if (run.size() > 0)
    parallel_for(
        {run.begin >> level, ((run.end - 1) >> level) + 1}, Runtime::threads(),
        [&](std::int64_t g, Stream& stream) {
          visit({std::max(run.begin, g << level), std::min(run.end, (g + 1) << level)}, stream);
        });
}

// Many leaves of an array by the group, so that what a thread merges alone needs no lock.
void reduce_groups(const Rows& x, const PartialType& type,
                   const std::function<AnyPartial(const Leaf&, Stream&)>& kernel,
                   Tree<AnyPartial>& tree) {
  for_groups(tree.run(), 16, [&](Range leaves, Stream&) {
    std::vector<std::pair<Node, AnyPartial>> nodes;
    const auto visit = [&](const Leaf& leaf, Stream& stream) {
      Node node{0, leaf.index};
      AnyPartial partial = kernel(leaf, stream);
      for (; !node.is_left() && !nodes.empty() && nodes.back().first == node.sibling();
           node = node.parent()) {
        type.merge(nodes.back().second.get(), partial.get());
        partial = std::move(nodes.back().second);
        nodes.pop_back();
      }
      nodes.emplace_back(node, std::move(partial));
    };
    x.visit_leaves(leaves, visit, 1);
    for (auto& [node, partial] : nodes) tree.offer(node, std::move(partial));
  });
}

// Nodes of at most that many leaves, each by one call.
void reduce_nodes(const Array& x, std::int64_t most,
                  const std::function<AnyPartial(const Leaf&, Stream&)>& kernel,
                  Tree<AnyPartial>& tree) {
  const auto& d = x.distribution();
  for_groups(tree.run(), most, [&](Range leaves, Stream& stream) {
    for (const Node& node : cover(leaves, d.leaves())) {
      const Range rows = {d.rows_of_leaf(node.begin()).begin,
                          d.rows_of_leaf(std::min(node.end(), leaves.end) - 1).end};
      const Tile tile = x.local().slice(rows.begin - x.local_rows().begin, rows.size());
      tree.offer(node, kernel({node.begin(), rows, tile}, stream));
    }
  });
}

}  // namespace

std::vector<Node> cover(Range run, std::int64_t leaves) {
  std::vector<Node> nodes;
  for (std::int64_t at = run.begin; at < run.end; at = nodes.back().end()) {
    Node node{0, at};
    while (!node.is_root(leaves) && node.is_left() && node.parent().inside(run, leaves))
      node = node.parent();
    nodes.push_back(node);
  }
  return nodes;
}

AnyPartial reduce(const Rows& x, const PartialType& type,
                  const std::function<AnyPartial(const Leaf&, Stream&)>& kernel) {
  return reduce_runs(x, 1, type, kernel);
}

AnyPartial reduce_runs(const Rows& x, std::int64_t most, const PartialType& type,
                       const std::function<AnyPartial(const Leaf&, Stream&)>& kernel) {
  const auto& d = x.distribution();
  const auto& comm = x.comm();
  Tree<AnyPartial> tree(
      d.leaves(), d.leaves_of(comm.rank()),
      [&](AnyPartial& left, AnyPartial&& right) { type.merge(left.get(), right.get()); });
  together(comm, [&] {
    if (x.array() && x.device() == cpu && most > 1)
      return reduce_nodes(*x.array(), most, kernel, tree);
    if (x.array() && x.device() == cpu && tree.run().size() >= 32 * Runtime::threads())
      return reduce_groups(x, type, kernel, tree);
    x.for_each_leaf([&](const Leaf& leaf, Stream& stream) {
      tree.offer({0, leaf.index}, kernel(leaf, stream));
    });
  });
  AnyPartial result;
  const auto take_root = [&] {
    auto nodes = tree.take_nodes();
    if (!nodes.empty()) result = std::move(nodes.front().second);
  };
  if (d.kind() != Distribution::Kind::rows || comm.size() == 1) {
    take_root();
    return result;
  }
  const auto pack = [&] {
    Packer archive;
    const auto nodes = tree.take_nodes();
    archive(tree.run().begin, tree.run().end, nodes.size());
    for (const auto& [node, partial] : nodes) {
      archive(node);
      type.pack(partial.get(), archive);
    }
    return archive.take();
  };
  const auto absorb = [&](const std::string& message, int) {
    Unpacker archive(message);
    Range run;
    std::size_t count = 0;
    archive(run.begin, run.end, count);
    std::vector<std::pair<Node, AnyPartial>> nodes(count);
    for (auto& [node, partial] : nodes) {
      archive(node);
      partial = type.unpack(archive);
    }
    tree.append(run, std::move(nodes));
  };
  const auto root = [&] {
    take_root();
    Packer archive;
    archive(result != nullptr);
    if (result) type.pack(result.get(), archive);
    return archive.take();
  };
  const std::string bytes = climb(comm, {.pack = pack, .absorb = absorb, .root = root});
  if (comm.rank() == 0) return result;
  Unpacker archive(bytes);
  bool any = false;
  archive(any);
  return any ? type.unpack(archive) : nullptr;
}

}  // namespace detail

[[noreturn]] void Unpacker::refuse() { throw RuntimeError("a message ends early"); }

namespace {

std::int64_t most_leaves = 1024;
std::int64_t least_sliced = 512;

using detail::Node;
using Tree = detail::Tree<Buffer>;

std::span<std::byte> bytes_of(double* values, std::int64_t count) {
  return std::as_writable_bytes(std::span(values, static_cast<std::size_t>(count)));
}

/// The messages of one step after another. With each goes whether its sender is whole.
struct ToldExchange {
  explicit ToldExchange(const Communicator& c) : comm(c) {}

  using Pieces = std::vector<detail::ClimbStep::Piece>;
  /// Begins a message for each of these.
  void open(const Pieces& give, const Pieces& take) {
    told.assign(take.size(), 1);
    out.clear();
    in.clear();
    for (const auto& piece : give) out.push_back({piece.rank, {bytes_of(&fine, 1)}});
    for (const auto& piece : take) in.push_back({piece.rank, {bytes_of(&told[in.size()], 1)}});
  }
  void exchange() {
    fine = own.broken() ? 0 : 1;
    detail::exchange(comm, out, in);
    if (std::ranges::count(told, 0.0) > 0) own.give_up();
  }

  const Communicator& comm;
  detail::Steps own;
  std::vector<detail::Message> out, in;
  double fine = 1;
  std::vector<double> told;
};

/// One reduction of partials of `size` values on this process's device.
class FlatReduction {
 public:
  FlatReduction(const Rows& x, std::int64_t size, const Merging& merging)
      : x_(x),
        size_(size),
        merging_(merging),
        tree_(x.distribution().leaves(), x.distribution().leaves_of(x.comm().rank()),
              [this](Buffer& left, Buffer&& right) {
                if (!stream_) {  // leaves of the CPU, on several threads
                  Stream stream;
                  merging_.merge(stream, 0, tile(left), tile(right));
                  const std::lock_guard lock(mutex_);
                  return spare_.push_back(std::move(right));
                }
                merging_.merge(*stream_, 0, tile(left), tile(right));
                retired_.push_back(std::move(right));  // until the merge has run
              }) {}

  void compute_on_host(const LeafPartials& kernel) {
    x_.for_each_leaf([&](const Leaf& leaf, Stream& stream) {
      Buffer partial = room_for_one();
      kernel(leaf, tile(partial), stream);
      tree_.offer({0, leaf.index}, std::move(partial));
    });
  }

  void compute_on_device(const LeafPartials& kernel) {
    // Partials of one run: what a few hundred MB hold.
    constexpr std::size_t most_bytes = std::size_t{256} << 20;
    std::int64_t leaves = 1;
    while (2 * leaves <= most_leaves &&
           static_cast<std::size_t>(2 * leaves) * bytes() <= most_bytes)
      leaves *= 2;
    x_.visit_runs(leaves, [&](const Leaf& in, Stream& stream) {
      const Range run = {in.index, leaves_up_to(in.rows.end)};
      Buffer memory(static_cast<std::size_t>(run.size()) * bytes(), x_.device());
      const Tile partials{memory.data(), run.size(), size_, size_, DType::float64, x_.device()};
      kernel(in, partials, stream);
      const std::lock_guard lock(mutex_);  // streamed rows come on several threads
      stream_ = &stream;
      for (const auto& [node, row] : merge_run(partials, run)) {
        Buffer own(bytes(), x_.device());
        copy(stream, partials.slice(row, 1), tile(own));
        tree_.offer(node, std::move(own));
      }
      stream.synchronize();  // before the memory goes
      retired_.clear();
      stream_ = nullptr;
    });
  }

  /// Plans how partials of CPUs climb, if they go by steps, and gets the memory for it.
  void prepare_steps() {
    const auto& comm = x_.comm();
    if (x_.device() != cpu || !is_split()) return;
    sliced_ = size_ >= least_sliced;
    if (sliced_ && merging_.grain == 0) return;
    header_ = sliced_ ? merging_.header : 0;
    grain_ = sliced_ ? merging_.grain : size_;
    steps_ = sliced_ ? detail::slice_steps(comm.rank(), comm.size(), (size_ - header_) / grain_)
                     : detail::whole_steps(comm.rank(), comm.size());
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const detail::ClimbStep& s = steps_[i];
      const std::size_t nodes = cover(run_of(s.group.begin, s.middle)).size() +
                                cover(run_of(s.middle, s.group.end)).size();
      Buffer& room = slices_[i % 2];
      const std::size_t need = nodes * static_cast<std::size_t>(width(s.after)) * sizeof(double);
      if (room.size() < need) room = Buffer(need);
    }
  }

  /// The merged values of all processes, by way of this process's device. Collective. `on_cpus`:
  /// whether all have theirs in host memory.
  void finish(Stream& stream, bool on_cpus, AlignedVector<double>& values) {
    stream_ = &stream;
    spare_.clear();
    const auto& comm = x_.comm();
    if (!is_split()) return together(comm, [&] { take_root(values); });
    if (on_cpus && !steps_.empty()) return climb_by_steps(values);
    if (!on_cpus) link_ = find_link(comm.all_gather(x_.device().kind));
    detail::Climb steps{.pack = [&] { return pack(); },
                        .absorb = [&](std::string message, int source) { absorb(message, source); },
                        .root =
                            [&] {
                              take_root(values);
                              return std::string(reinterpret_cast<const char*>(values.data()),
                                                 values.size() * sizeof(double));
                            },
                        .prepare = [&](const std::string& message) { prepare(message); }};
    if (link_) steps.follow = [&](int destination) { send_values(destination); };
    const std::string bytes = detail::climb(comm, steps);
    std::memcpy(values.data(), bytes.data(), bytes.size());
  }

 private:
  bool is_split() const {
    return x_.distribution().kind() == Distribution::Kind::rows && x_.comm().size() > 1;
  }
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(double); }
  // Leaves of a run of ranks.
  Range run_of(std::int64_t first, std::int64_t end) const {
    const auto& d = x_.distribution();
    return {d.leaves_of(static_cast<int>(first)).begin, d.leaves_of(static_cast<int>(end) - 1).end};
  }
  std::vector<Node> cover(Range run) const {
    return detail::cover(run, x_.distribution().leaves());
  }
  // Values of a partial's slice with its header.
  std::int64_t width(Range slice) const { return header_ + slice.size() * grain_; }

  /// Up, neighbouring groups of processes exchange slices of their nodes, and every process merges
  /// those of its slice; down, the slices of the result go the same ways back. What a step throws
  /// is thrown on every process: who hears of a failure passes it on, and everybody hears from
  /// those who had each slice. Where a slice is the whole there is no way down: a merge fails on
  /// all who do the same one, or on one alone, which ends the job.
  void climb_by_steps(AlignedVector<double>& values) {
    const auto& comm = x_.comm();
    auto leaves = tree_.take_nodes();
    ToldExchange told(comm);
    std::vector<double*> rows;  // of each node of the group the header and this process's slice
    for (auto& [node, buffer] : leaves) rows.push_back(reinterpret_cast<double*>(buffer.data()));
    for (std::size_t i = 0; i < steps_.size(); ++i)
      step_up(told, steps_[i], rows, reinterpret_cast<double*>(slices_[i % 2].data()));
    const Range mine = steps_.back().after;
    if (!rows.empty() && !told.own.broken() && mine.size() > 0) {
      std::copy_n(rows[0], header_, values.begin());
      std::copy_n(rows[0] + header_, mine.size() * grain_,
                  values.begin() + header_ + mine.begin * grain_);
    }
    for (auto s = steps_.rbegin(); sliced_ && s != steps_.rend(); ++s)
      step_down(told, *s, values.data());
    if (!told.own.broken()) return;
    if (!sliced_) detail::meet_after(comm, told.own.failure());
    together(comm, [&] { told.own.rethrow(); });
  }

  /// From `rows` of this process's half to those of the group, which lie in `next`.
  void step_up(ToldExchange& told, const detail::ClimbStep& s, std::vector<double*>& rows,
               double* next) {
    const std::vector<Node> left = cover(run_of(s.group.begin, s.middle)),
                            right = cover(run_of(s.middle, s.group.end));
    const auto row = [&](std::size_t node) {
      return next + static_cast<std::int64_t>(node) * width(s.after);
    };
    const auto of_half = [&](int rank) {  // where the rows of its nodes begin, and end
      return rank < s.middle ? std::pair{std::size_t{0}, left.size()}
                             : std::pair{left.size(), left.size() + right.size()};
    };
    told.open(s.give, s.take);
    for (std::size_t m = 0; m < told.out.size(); ++m)
      for (double* const mine : rows)
        add(told.out[m], mine, s.before.begin, s.give[m].part, s.give[m].leads);
    for (std::size_t m = 0; m < told.in.size(); ++m) {
      const auto [first, end] = of_half(s.take[m].rank);
      for (std::size_t n = first; n < end; ++n)
        add(told.in[m], row(n), s.after.begin, s.take[m].part,
            s.take[m].part.begin == s.after.begin);
    }
    const Range kept = {std::max(s.before.begin, s.after.begin),
                        std::min(s.before.end, s.after.end)};
    for (std::size_t n = 0; kept.size() > 0 && n < rows.size(); ++n) {
      double* const to = row(of_half(x_.comm().rank()).first + n);
      if (kept.begin == s.after.begin) std::copy_n(rows[n], header_, to);
      std::copy_n(place(rows[n], s.before.begin, kept), kept.size() * grain_,
                  place(to, s.after.begin, kept));
    }
    told.exchange();
    const Range run = run_of(s.group.begin, s.group.end);
    rows.assign(cover(run).size(), next);
    if (s.after.size() == 0) return;
    told.own.take([&] {
      const auto slice = [&](double* at) { return tile_of(at, 1, width(s.after), width(s.after)); };
      detail::Tree<double*> tree(x_.distribution().leaves(), run, [&](double*& to, double*&& from) {
        merging_.merge(*stream_, s.after.begin * grain_, slice(to), slice(from));
      });
      for (std::size_t n = 0; n < left.size(); ++n) tree.offer(left[n], row(n));
      for (std::size_t n = 0; n < right.size(); ++n) tree.offer(right[n], row(left.size() + n));
      const auto merged = tree.take_nodes();
      std::ranges::transform(merged, rows.begin(), [](const auto& node) { return node.second; });
    });
  }

  /// From this process's slice of a group's result to that of its half's: what was taken is given.
  void step_down(ToldExchange& told, const detail::ClimbStep& s, double* values) {
    told.open(s.take, s.give);
    for (std::size_t m = 0; m < told.out.size(); ++m)
      add(told.out[m], values, 0, s.take[m].part, s.take[m].leads);
    for (std::size_t m = 0; m < told.in.size(); ++m)
      add(told.in[m], values, 0, s.give[m].part, s.give[m].part.begin == s.before.begin);
    told.exchange();
  }

  /// Where a part is in a row whose slice begins at `first`.
  double* place(double* row, std::int64_t first, Range part) const {
    return row + header_ + (part.begin - first) * grain_;
  }
  void add(detail::Message& message, double* row, std::int64_t first, Range part,
           bool with_header) const {
    if (with_header) message.pieces.push_back(bytes_of(row, header_));
    message.pieces.push_back(bytes_of(place(row, first, part), part.size() * grain_));
  }
  Tile tile(const Buffer& b) const {
    return {b.data(), 1, size_, size_, DType::float64, b.device()};
  }
  // Large blocks that are freed go back to the system, and new ones come page by page.
  Buffer room_for_one() {
    const std::lock_guard lock(mutex_);
    if (spare_.empty()) return Buffer(bytes());
    Buffer one = std::move(spare_.back());
    spare_.pop_back();
    return one;
  }
  std::int64_t leaves_up_to(std::int64_t row) const {
    const auto& d = x_.distribution();
    return (row + d.leaf_rows() - 1) / d.leaf_rows();
  }

  /// Merges the partials of a run of leaves, one per row, level by level, all pairs of a level in
  /// one call. A node's partial stays in the row of its first leaf. Returns the nodes that are left
  /// with their rows.
  std::vector<std::pair<Node, std::int64_t>> merge_run(const Tile& partials, Range run) {
    const std::int64_t leaves = x_.distribution().leaves();
    std::vector<std::pair<Node, std::int64_t>> left;
    for (int level = 0;; ++level) {
      const std::int64_t width = std::int64_t{1} << level;
      const std::int64_t first = (run.begin + width - 1) / width;
      std::int64_t end = first;  // the nodes [first, end) of this level are complete
      end = run.end == leaves ? (run.end + width - 1) / width : run.end / width;
      if (first >= end) return left;
      for (const std::int64_t i : {first, end - 1}) {
        const Node node{level, i};
        const bool root = node.is_root(leaves);
        if ((root || !node.parent().inside(run, leaves)) &&
            (left.empty() || left.back().first != node))
          left.emplace_back(node, node.begin() - run.begin);
        if (root) return left;
      }
      const std::int64_t from = first + (first & 1);
      const std::int64_t pairs = (end - from) / 2;
      if (pairs < 1) continue;
      Tile even = partials.slice(from * width - run.begin, pairs);
      even.stride = 2 * width * partials.stride;
      Tile odd = even;
      odd.data = partials.slice((from + 1) * width - run.begin, 1).data;
      merging_.merge(*stream_, 0, even, odd);
    }
  }

  void take_root(AlignedVector<double>& values) {
    auto nodes = tree_.take_nodes();
    if (nodes.empty()) return;
    const Tile host{values.data(), 1, size_, size_, DType::float64, cpu};
    copy(*stream_, tile(nodes.front().second), host);
    stream_->synchronize();
  }

  // Collective: the processes must all have it or do without.
  std::shared_ptr<DeviceLink> find_link(const std::vector<Device::Kind>& kinds) {
    const auto on_device = [](Device::Kind k) { return k != Device::Kind::cpu; };
    std::string why_not = "some processes have their data on the CPU";
    std::shared_ptr<DeviceLink> link;
    if (std::all_of(kinds.begin(), kinds.end(), on_device))
      link = device_layer(x_.device().kind).link(x_.comm(), x_.device().index, why_not);
    if (trace::enabled()) {
      trace::Span span("runtime.merge_across", link ? "device link" : "host staging", x_.device());
      if (!link) span.declined("\n  device link: " + why_not);
    }
    return link;
  }

  // A message: the run, the number of nodes, the nodes, and their values unless a link brings them.
  std::string pack() {
    sent_ = tree_.take_nodes();
    std::string message;
    const auto append = [&](const auto& v) {
      message.append(reinterpret_cast<const char*>(&v), sizeof v);
    };
    append(tree_.run());
    append(sent_.size());
    for (const auto& [node, buffer] : sent_) append(node);
    if (link_) return message;
    const std::size_t at = message.size();
    message.resize(at + sent_.size() * bytes());
    for (std::size_t i = 0; i < sent_.size(); ++i)
      copy(*stream_, tile(sent_[i].second), host_tile(message.data() + at + i * bytes()));
    stream_->synchronize();
    return message;
  }

  void send_values(int destination) {
    for (const auto& [node, buffer] : sent_)
      link_->send(stream_->queue(), buffer.data(), bytes(), destination);
    stream_->synchronize();
    trace::communicated(sent_.size() * bytes());
  }

  // Reads a message but for the values and makes room for these.
  void prepare(const std::string& message) {
    const char* at = message.data();
    const auto take = [&](auto& v) {
      std::memcpy(&v, at, sizeof v);
      at += sizeof v;
    };
    std::size_t count = 0;
    take(received_run_);
    take(count);
    received_.resize(count);
    for (auto& [node, buffer] : received_) take(node);
    for (auto& [node, buffer] : received_) buffer = Buffer(bytes(), x_.device());
  }

  void absorb(const std::string& message, int source) {
    const char* at = message.data() + message.size() - (link_ ? 0 : received_.size() * bytes());
    for (auto& [node, buffer] : received_) {
      if (link_)
        link_->receive(stream_->queue(), buffer.data(), bytes(), source);
      else
        copy(*stream_, host_tile(at), tile(buffer));
      at += link_ ? 0 : bytes();
    }
    tree_.append(received_run_, std::exchange(received_, {}));
    stream_->synchronize();  // before the message and what was merged go
    retired_.clear();
  }

  Tile host_tile(const char* at) const {
    return {const_cast<char*>(at), 1, size_, size_, DType::float64, cpu};
  }

  const Rows& x_;
  std::int64_t size_;
  const Merging& merging_;
  Stream* stream_ = nullptr;  // what merges run on, but for the leaves of the CPU
  std::shared_ptr<DeviceLink> link_;
  std::vector<std::pair<Node, Buffer>> sent_;
  Range received_run_;
  std::vector<std::pair<Node, Buffer>> received_;
  std::vector<Buffer> retired_;
  std::vector<Buffer> spare_;
  std::vector<detail::ClimbStep> steps_;
  bool sliced_ = false;
  std::int64_t header_ = 0, grain_ = 0;  // of what is exchanged: merging_'s, or all in one grain
  std::array<Buffer, 2> slices_;         // of the nodes before and after a step, in turns
  std::mutex mutex_;
  Tree tree_;
};

}  // namespace

void detail::limit_runs(std::int64_t leaves) { most_leaves = leaves; }
void detail::slice_from(std::int64_t values) { least_sliced = values; }

Merging Merging::whole(const MergePartials& merge) {
  return {[&merge](Stream& stream, std::int64_t, const Tile& left, const Tile& right) {
    merge(stream, left, right);
  }};
}
Merging Merging::by_value(const MergePartials& merge) {
  Merging each = whole(merge);
  each.grain = 1;
  return each;
}

AlignedVector<double> reduce(const Rows& x, std::int64_t size, const LeafPartials& kernel,
                             const Merging& merging) {
  FlatReduction reduction(x, size, merging);
  std::optional<Stream> stream;
  AlignedVector<double> values;
  const bool on_cpus = least_together(x.comm(), [&] {
                         if (x.device() == cpu)
                           reduction.compute_on_host(kernel);
                         else
                           reduction.compute_on_device(kernel);
                         stream.emplace(x.device());
                         values.resize(static_cast<std::size_t>(size));
                         reduction.prepare_steps();
                         return x.device() == cpu;
                       }) == 1;
  reduction.finish(*stream, on_cpus, values);
  return values;
}

}  // namespace tessera
