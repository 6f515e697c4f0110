#include <tessera/estimators/cluster/kmeans_init.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/random.hpp>
#include <tessera/runtime/random_state.hpp>

namespace tessera::detail {
namespace {

constexpr std::uint32_t round_of_parallel = 16;  // and following: separate uses of one seed

// A column of floating values as float64 in host memory, wherever it lies.
class HostRows {
 public:
  HostRows(Stream& stream, const Tile& column) {
    if (!column) return;
    values_.resize(static_cast<std::size_t>(column.rows));
    visit_floating(column.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      std::vector<T> fetched;
      const T* from = column.as<const T>();
      if (column.device != cpu) {
        fetched.resize(values_.size());
        copy(stream, column, tile_of(fetched.data(), column.rows, 1, 1));
        stream.synchronize();
        from = fetched.data();
      }
      std::copy_n(from, values_.size(), values_.begin());
    });
  }
  explicit operator bool() const { return !values_.empty(); }
  double operator[](std::int64_t i) const { return values_[static_cast<std::size_t>(i)]; }
  double& operator[](std::int64_t i) { return values_[static_cast<std::size_t>(i)]; }

 private:
  std::vector<double> values_;
};

Tile leaf_of(const Array& companion, std::int64_t index) {
  return companion ? companion.leaf(index) : Tile{};
}

bool comes_first(const TopRows::Entry& a, const TopRows::Entry& b) {
  return a.value > b.value || (a.value == b.value && a.row < b.row);
}

// Sampling rows with probability proportional to w_i closest_i, by the sums over whole leaves.
class Sampler {
 public:
  Sampler(const Rows& x, const Array& weights)
      : x_(x), weights_(weights), closest_(one_per_row(x, 1.0, x.dtype())) {
    if (weights) {
      sum_leaves(weights, [](const Leaf& in, Stream& stream) {
        const HostRows mass(stream, in.tile);
        double sum = 0.0;
        for (std::int64_t i = 0; i < in.rows.size(); ++i) sum += mass[i];
        return sum;
      });
    } else {
      const auto& d = x.distribution();
      for (std::int64_t leaf = 0; leaf < d.leaves(); ++leaf)
        leaf_sums_.push_back(static_cast<double>(d.rows_of_leaf(leaf).size()));
      total_ = static_cast<double>(x.rows());
    }
  }

  double total() const { return total_; }
  const Array& closest() const { return closest_; }

  /// Rows at the given shares, in [0, 1), of the total mass.
  std::vector<std::int64_t> pick(std::span<const double> shares) const {
    std::vector<std::int64_t> rows(shares.size(), -1);
    const auto& d = x_.distribution();
    const Range mine = d.leaves_of(x_.comm().rank());
    together(x_.comm(), [&] {
      Stream stream(x_.device());
      for (std::size_t s = 0; s < shares.size(); ++s) {
        double remaining = shares[s] * total_;
        std::int64_t leaf = 0;
        std::int64_t last_with_mass = 0;
        for (; leaf < d.leaves(); ++leaf) {
          const double sum = leaf_sums_[static_cast<std::size_t>(leaf)];
          if (sum > 0) last_with_mass = leaf;
          if (remaining < sum) break;
          remaining -= sum;
        }
        if (leaf == d.leaves()) {  // rounding ran past the end
          leaf = last_with_mass;
          remaining = std::numeric_limits<double>::infinity();
        }
        if (leaf < mine.begin || leaf >= mine.end) continue;
        const Range range = d.rows_of_leaf(leaf);
        const Mass mass(*this, stream, leaf);
        std::int64_t chosen = 0;
        for (std::int64_t i = 0; i < range.size(); ++i) {
          const double m = mass[i];
          if (m > 0) chosen = i;
          if (remaining < m) break;
          remaining -= m;
        }
        rows[s] = range.begin + chosen;
      }
    });
    x_.comm().all_reduce(std::span(rows), Reduce::max);
    return rows;
  }

  /// From now on these rows have no mass. Collective.
  void exclude(std::span<const std::int64_t> rows) {
    const auto& d = x_.distribution();
    const Range mine = d.leaves_of(x_.comm().rank());
    excluded_.assign(rows.begin(), rows.end());
    std::vector<double> sums(leaf_sums_.size());
    for (std::int64_t leaf = mine.begin; leaf < mine.end; ++leaf)
      sums[static_cast<std::size_t>(leaf)] = leaf_sums_[static_cast<std::size_t>(leaf)];
    together(x_.comm(), [&] {
      Stream stream(x_.device());
      for (const std::int64_t row : rows) {
        const std::int64_t leaf = row / d.leaf_rows();
        if (leaf < mine.begin || leaf >= mine.end) continue;
        const Mass mass(*this, stream, leaf);
        double sum = 0.0;
        for (std::int64_t i = 0; i < d.rows_of_leaf(leaf).size(); ++i) sum += mass[i];
        sums[static_cast<std::size_t>(leaf)] = sum;
      }
    });
    leaf_sums_ = std::move(sums);
    share_sums();
  }

  /// closest = min(closest, squared distance to any of the given rows), or just that distance when
  /// `restart`.
  void approach(const Array& centers, bool restart = false) {
    if (restart) closest_ = one_per_row(x_, std::numeric_limits<double>::infinity(), x_.dtype());
    const Array there = centers.to(x_.device());
    const std::int64_t leaf_rows = x_.distribution().leaf_rows();
    leaf_sums_.assign(static_cast<std::size_t>(x_.distribution().leaves()), 0.0);
    const Rows rows = zip(x_, {weights_});
    together(x_.comm(), [&] {
      constexpr std::int64_t run = 256;
      rows.visit_runs(run, [&](const Leaf& in, Stream& stream) {
        const std::int64_t leaves = (in.rows.size() + leaf_rows - 1) / leaf_rows;
        const Tile host = tile_of(leaf_sums_.data() + in.index, leaves, 1, 1);
        const auto update = [&](const Tile& sums) {
          estimator_kernels().update_closest(stream, in.tile, leaf_rows, there.local(),
                                             in.beside[0], rows_of(closest_, in), sums);
        };
        if (stream.device() == cpu) return update(host);
        const Buffer memory(static_cast<std::size_t>(leaves) * sizeof(double), stream.device());
        Tile sums = host;
        sums.data = memory.data();
        sums.device = stream.device();
        update(sums);
        copy(stream, sums, host);
        stream.synchronize();
      });
    });
    share_sums();
  }

  /// w_i closest_i of the rows of one leaf of this process.
  class Mass {
   public:
    Mass(const Sampler& s, Stream& stream, std::int64_t leaf)
        : closest_(stream, s.closest_.leaf(leaf)), weights_(stream, leaf_of(s.weights_, leaf)) {
      const Range rows = s.x_.distribution().rows_of_leaf(leaf);
      for (const std::int64_t row : s.excluded_)
        if (row >= rows.begin && row < rows.end) closest_[row - rows.begin] = 0.0;
    }
    double operator[](std::int64_t i) const { return closest_[i] * (weights_ ? weights_[i] : 1.0); }

   private:
    HostRows closest_;
    HostRows weights_;
  };

 private:
  void sum_leaves(const Rows& rows, const std::function<double(const Leaf&, Stream&)>& work) {
    leaf_sums_.assign(static_cast<std::size_t>(x_.distribution().leaves()), 0.0);
    together(x_.comm(), [&] {
      rows.for_each_leaf([&](const Leaf& leaf, Stream& stream) {
        leaf_sums_[static_cast<std::size_t>(leaf.index)] = work(leaf, stream);
      });
    });
    share_sums();
  }

  void share_sums() {
    // Every leaf has one owner and the others add zero: exact in any order.
    if (x_.distribution().kind() == Distribution::Kind::rows)
      x_.comm().all_reduce(std::span(leaf_sums_), Reduce::sum);
    total_ = std::accumulate(leaf_sums_.begin(), leaf_sums_.end(), 0.0);
  }

  const Rows& x_;
  const Array& weights_;
  Array closest_;
  std::vector<std::int64_t> excluded_;
  std::vector<double> leaf_sums_;
  double total_ = 0.0;
};

// rows - row, replicated like both.
Array minus(const Array& rows, const Array& row) {
  const Array out(rows.shape(), rows.dtype(), rows.distribution(), rows.comm());
  const Array wide = row.astype(DType::float64);
  Stream stream;
  linalg::kernels().standardize(stream, rows.local(), wide.values<double>(), {}, out.local());
  return out;
}

Array one_row(const Array& rows, std::int64_t i) { return take_rows(rows, std::array{i}); }

Array plus_plus(const Rows& x, std::int64_t k, const Array& weights, RandomState& random) {
  const auto trials = 2 + static_cast<std::int64_t>(std::log(static_cast<double>(k)));
  const Shape shape = {k, x.cols()};
  Array centers(shape, x.dtype(), replicated_distribution(shape, x.comm()), x.comm());
  const auto keep = [&](std::int64_t c, const Array& row) {
    std::copy_n(static_cast<std::byte*>(row.local().data),
                static_cast<std::size_t>(x.cols()) * size_of(x.dtype()),
                static_cast<std::byte*>(centers.local().slice(c, 1).data));
  };

  Sampler sampler(x, weights);
  Array chosen = take_rows(x, sampler.pick(random.random_sample(1)));
  sampler.approach(chosen, true);
  keep(0, chosen);
  Progress progress("k-means++");
  for (std::int64_t c = 1; c < k; ++c) {
    progress.update(c, k);
    const Array rows = take_rows(x, sampler.pick(random.random_sample(trials)));
    const Array there = rows.to(x.device());
    const auto potentials = reduce(
        zip(x, {weights, sampler.closest()}), trials,
        [&](const Leaf& in, const Tile& out, Stream& stream) {
          estimator_kernels().candidate_potentials(stream, in.tile, x.distribution().leaf_rows(),
                                                   there.local(), in.beside[0], in.beside[1], out);
        },
        Merging::by_value(linalg::kernels().add));
    const auto best = std::min_element(potentials.begin(), potentials.end());
    chosen = one_row(rows, best - potentials.begin());
    sampler.approach(chosen);
    keep(c, chosen);
  }
  return centers;
}

Array distinct_random_rows(const Rows& x, std::int64_t k, const Array& weights,
                           RandomState& random) {
  Sampler sampler(x, weights);
  return take_rows(x, random.choice_without_replacement(k, [&](auto shares, auto without) {
    if (!without.empty()) sampler.exclude(without);
    if (!(sampler.total() > 0))
      throw ValueError(fmt::format(
          "init='random' needs {} rows with a weight above 0, there are {}", k, without.size()));
    return sampler.pick(shares);
  }));
}

std::vector<std::int64_t> gather_all(const std::vector<std::int64_t>& mine,
                                     const Communicator& comm) {
  auto bytes = comm.all_gather(static_cast<std::int64_t>(mine.size() * sizeof(std::int64_t)));
  std::vector<std::int64_t> all(
      static_cast<std::size_t>(std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}) /
                               std::int64_t{sizeof(std::int64_t)}));
  comm.all_gather_v(std::as_bytes(std::span(mine)), bytes, std::as_writable_bytes(std::span(all)));
  return all;
}

Array parallel(const Rows& x, std::int64_t k, const Array& weights, RandomState& random) {
  // Two suffice at 2 k candidates each, as Spark has it: more do not end in a smaller inertia.
  constexpr std::uint32_t rounds = 2;
  const double oversampling = 2.0 * static_cast<double>(k);
  Sampler sampler(x, weights);
  auto chosen = sampler.pick(random.random_sample(1));
  const auto seed = static_cast<std::uint32_t>(random.randint(0, std::int64_t{1} << 32));
  sampler.approach(take_rows(x, chosen), true);
  for (std::uint32_t round = 0; round < rounds && sampler.total() > 0; ++round) {
    const Random chance(seed, round_of_parallel + round);
    std::vector<std::int64_t> mine;
    const auto& d = x.distribution();
    const Range leaves = d.leaves_of(x.comm().rank());
    together(x.comm(), [&] {
      Stream stream(x.device());
      for (std::int64_t leaf = leaves.begin; leaf < leaves.end; ++leaf) {
        const Range range = d.rows_of_leaf(leaf);
        const Sampler::Mass mass(sampler, stream, leaf);
        for (std::int64_t i = 0; i < range.size(); ++i) {
          const auto row = static_cast<std::uint64_t>(range.begin + i);
          if (chance.uniform(row) * sampler.total() < oversampling * mass[i])
            mine.push_back(range.begin + i);
        }
      }
    });
    const auto picked = d.kind() == Distribution::Kind::rows ? gather_all(mine, x.comm()) : mine;
    if (picked.empty()) continue;
    sampler.approach(take_rows(x, picked));
    chosen.insert(chosen.end(), picked.begin(), picked.end());
  }
  const auto count = static_cast<std::int64_t>(chosen.size());
  if (count < k) return plus_plus(x, k, weights, random);  // few distinct rows

  const Array rows = take_rows(x, chosen);
  // Relative to one of the rows, so that products of data far from the origin do not cancel.
  const Array offset = one_row(rows, 0);
  const Array relative = minus(rows, offset);
  const Array there = relative.to(x.device());
  const Array offset_there = offset.to(x.device());
  Assignment sizes = assign(x, there.local(), offset_there.local(), weights,
                            one_per_row(x, -1.0, DType::int32), {count, x.cols(), false, false});
  const auto picked = on_root<std::vector<double>>(x.comm(), [&] {
    const Communicator self = Communicator::self();
    const auto data = rows.astype(DType::float64);
    const Array few = from_host<double>(data.values<double>(), rows.shape(), self);
    const Array few_weights =
        from_host<double>(std::span<const double>(sizes.counts()), {count}, self);
    RandomState own(seed);
    const Array centers = plus_plus(few, k, few_weights, own);
    const auto values = centers.values<double>();
    return std::vector<double>(values.begin(), values.end());
  });
  return replicated(picked, {k, x.cols()}, x.comm()).astype(x.dtype());
}

}  // namespace

Assignment assign(const Rows& x, const Tile& centers, const Tile& offset, const Array& weights,
                  const Array& labels, const AssignmentParts& parts) {
  return {parts, reduce(
                     zip(x, {weights}), parts.size(),
                     [&](const Leaf& in, const Tile& out, Stream& stream) {
                       estimator_kernels().assign_nearest(
                           stream, in.tile, x.distribution().leaf_rows(), centers, offset,
                           in.beside[0], rows_of(labels, in), parts, out);
                     },
                     Merging::by_value(linalg::kernels().add))};
}

Array one_per_row(const Rows& x, double value, DType dtype) {
  return redistribute(full({x.rows()}, value, dtype, x.comm()), x.distribution()).to(x.device());
}

void TopRows::offer(const Entry& entry) {
  if (entries.size() == limit && (limit == 0 || !comes_first(entry, entries.back()))) return;
  entries.insert(std::upper_bound(entries.begin(), entries.end(), entry, comes_first), entry);
  if (entries.size() > limit) entries.pop_back();
}

void TopRows::merge(const TopRows& right) {
  limit = std::max(limit, right.limit);
  for (const auto& e : right.entries) offer(e);
}

Array initial_centers(const std::string& method, const Rows& x, std::int64_t k,
                      const Array& weights, RandomState& random) {
  if (method == "random") return distinct_random_rows(x, k, weights, random);
  if (method == "k-means||") return parallel(x, k, weights, random);
  return plus_plus(x, k, weights, random);
}

}  // namespace tessera::detail
