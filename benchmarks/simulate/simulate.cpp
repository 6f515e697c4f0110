// What the processes of a cluster do for a case of `tessera bench`, in SimGrid's SMPI: Tessera's
// own runtime sends the messages, and computing is the time that it was measured to take.
//
// usage: smpirun ... tessera-simulate PATTERN NAME=NUMBER...
//   reduce  an iteration of an estimator: a partial of `values` for each leaf, merged up the tree,
//           and a solution of `solution` values from rank 0 where that is not 0
//   tree    R of a QR: partials of `values` that only merge whole
//   sort    of a vector of float64
//   fft     of a vector of complex128: lines become whole by a move, three times
// Rank 0 prints JSON: seconds of a step, and messages and bytes of all processes in it.

#include <mpi.h>
#include <smpi/smpi.h>
#include <simgrid/s4u/Link.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include <tessera/runtime/exchange.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {
namespace {

using simgrid::kernel::resource::Action;

std::uint64_t messages = 0;  // of all processes: they are of one program, which is not privatised
double sent = 0;

// Computing: hosts of the platform have 1 Gflop/s.
void busy(double seconds) { smpi_execute_flops(seconds * 1e9); }

struct Words {
  std::map<std::string, double> all;
  double operator()(const std::string& name) const {
    const auto at = all.find(name);
    if (at == all.end()) {
      std::fprintf(stderr, "tessera-simulate: %s= is missing\n", name.c_str());
      std::exit(2);
    }
    return at->second;
  }
  std::int64_t whole(const std::string& name) const {
    return static_cast<std::int64_t>((*this)(name));
  }
};

/// Rows that have no contents.
struct Empty final : RowSource {
  using RowSource::RowSource;
  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int) const override {
    Stream stream;
    for (std::int64_t i = 0; i < leaves.size(); ++i)
      visit({leaves[i], distribution().rows_of_leaf(leaves[i]), {}}, stream);
  }
};

Rows rows_of(const Words& w, const Communicator& comm) {
  return Rows(
      std::make_shared<Empty>(Shape{w.whole("rows"), w.whole("columns")}, DType::float32, comm));
}

// The time of this process's rows, which their merging is part of, then leaf by leaf what is free.
void compute(const Leaf& leaf, const Rows& x, const Words& w) {
  const Range mine = x.distribution().rows_of(x.comm().rank());
  if (leaf.rows.begin == mine.begin) busy(static_cast<double>(mine.size()) * w("row_s"));
}
bool in_its_rows(const Rows& x, std::int64_t done) {
  return done < x.distribution().leaves_of(x.comm().rank()).size();
}

void reduce_step(const Communicator& comm, const Words& w) {
  const Rows x = rows_of(w, comm);
  std::int64_t done = 0;
  const Merging merging{[&](Stream&, std::int64_t, const Tile& left, const Tile& right) {
                          if (in_its_rows(x, done)) return;
                          busy(static_cast<double>(left.cols) * w("merge_s"));
                          left.as<double>()[0] += right.as<double>()[0];
                        },
                        w.whole("header"), w.whole("grain")};
  const auto kernel = [&](const Leaf& leaf, const Tile& out, Stream&) {
    compute(leaf, x, w);
    ++done;
    out.as<double>()[0] = 1;
  };
  reduce(x, w.whole("values"), kernel, merging);
  if (w.whole("solution") == 0) return;
  on_root<std::vector<double>>(
      comm, [&] { return std::vector<double>(static_cast<std::size_t>(w.whole("solution"))); });
}

struct Block {
  std::vector<double> values;
  const Words* words = nullptr;
  const Rows* rows = nullptr;
  const std::int64_t* done = nullptr;
  void merge(const Block& right) {
    const Words* const w = words ? words : right.words;
    if (w && !in_its_rows(*rows, *done)) busy((*w)("merge_s"));
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values);
  }
};

void tree_step(const Communicator& comm, const Words& w) {
  const Rows x = rows_of(w, comm);
  std::int64_t done = 0;
  reduce<Block>(x, [&](const Leaf& leaf, Stream&) {
    compute(leaf, x, w);
    ++done;
    return Block{std::vector<double>(static_cast<std::size_t>(w.whole("values"))), &w, &x, &done};
  });
}

// `bytes` of this process to all, as evenly as it goes; the memory is one piece for all processes.
void move(const Communicator& comm, std::int64_t bytes) {
  const auto size = static_cast<std::size_t>(comm.size());
  const std::vector<std::int64_t> each(size, bytes / comm.size());
  std::vector<std::int64_t> at(size);
  for (std::size_t r = 1; r < size; ++r) at[r] = at[r - 1] + each[r - 1];
  const auto room = static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1));
  auto* const from = static_cast<std::byte*>(SMPI_SHARED_MALLOC(room));
  auto* const to = static_cast<std::byte*>(SMPI_SHARED_MALLOC(room));
  comm.all_to_all_v(from, each, at, to, each, at);
  SMPI_SHARED_FREE(from);
  SMPI_SHARED_FREE(to);
}

void sort_step(const Communicator& comm, const Words& w) {
  const std::int64_t mine = w.whole("rows") / comm.size();  // what is moved is the same for all
  const double work = static_cast<double>(mine) * w("row_s");
  busy(work / 2);  // runs of this process's elements
  std::vector<std::int64_t> below(static_cast<std::size_t>(comm.size() - 1));
  for (int bit = 0; bit < 64; ++bit) comm.all_reduce(std::span(below), Reduce::sum);
  comm.all_reduce(std::span(below), Reduce::sum);
  detail::sums_of_lower(comm, below);
  move(comm, comm.size() * 8);  // how many go to each
  together(comm, [] {});
  move(comm, mine * 8);
  together(comm, [&] { busy(work / 2); });  // merging what came
}

void fft_step(const Communicator& comm, const Words& w) {
  const std::int64_t mine = w.whole("rows") / comm.size();  // what is moved is the same for all
  for (int pass = 0; pass < 3; ++pass) {
    move(comm, mine * 16);
    if (pass < 2) together(comm, [&] { busy(static_cast<double>(mine) * w("row_s") / 2); });
  }
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm world = MPI_COMM_WORLD;
  const Communicator comm = Communicator::borrow(&world);
  const std::map<std::string, void (*)(const Communicator&, const Words&)> patterns = {
      {"reduce", reduce_step}, {"tree", tree_step}, {"sort", sort_step}, {"fft", fft_step}};
  const auto pattern = patterns.find(argc > 1 ? argv[1] : "");
  if (pattern == patterns.end()) {
    std::fprintf(stderr, "tessera-simulate: the pattern must be reduce, tree, sort or fft\n");
    return 2;
  }
  Words words;
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const auto equal = std::min(word.find('='), word.size() - 1);
    words.all[word.substr(0, equal)] = std::atof(word.c_str() + equal + 1);
  }
  if (comm.rank() == 0)
    simgrid::s4u::Link::on_communication_state_change_cb(
        [](const simgrid::kernel::resource::NetworkAction& of_network, Action::State) {
          // It is an Action, of which SimGrid installs no declaration.
          const auto& action = reinterpret_cast<const Action&>(of_network);
          if (action.get_state() != Action::State::FINISHED) return;
          ++messages;
          sent += action.get_cost();
        });
  // Long pauses, so that only what a step sends is counted.
  comm.barrier();
  busy(1000);
  const auto messages_before = messages;
  const double sent_before = sent;
  const double begin = MPI_Wtime();
  busy(words("fixed_s"));
  pattern->second(comm, words);
  std::array<double, 1> seconds = {MPI_Wtime() - begin};
  busy(1000);
  const auto messages_after = messages;
  const double sent_after = sent;
  comm.all_reduce(std::span(seconds), Reduce::max);
  if (comm.rank() == 0)
    std::printf("{\"seconds\": %.9g, \"messages\": %llu, \"bytes\": %.0f}\n", seconds[0],
                static_cast<unsigned long long>(messages_after - messages_before),
                sent_after - sent_before);
  MPI_Finalize();
  return 0;
}

}  // namespace
}  // namespace tessera

int main(int argc, char** argv) { return tessera::main(argc, argv); }
