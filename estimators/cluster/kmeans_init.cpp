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

namespace tessera::detail {
namespace {

using linalg::leaf_of;

// Independent streams of one seed.
enum Purpose : std::uint32_t {
  first_center = 1,
  candidates = 2,
  random_rows = 3,
  round_of_parallel = 16
};

bool comes_first(const TopRows::Entry& a, const TopRows::Entry& b) {
  return a.value > b.value || (a.value == b.value && a.row < b.row);
}

// Sampling rows with probability proportional to w_i closest_i, by the sums over whole leaves.
class Sampler {
 public:
  Sampler(const Rows& x, const Array& weights)
      : x_(x),
        weights_(weights),
        closest_(redistribute(full({x.rows()}, 1.0, x.dtype(), x.comm()), x.distribution())) {
    sum_leaves([&](const Leaf& leaf, Stream&) {
      double sum = 0.0;
      for (std::int64_t i = 0; i < leaf.rows.size(); ++i) sum += mass(leaf.index, i);
      return sum;
    });
  }

  double total() const { return total_; }
  const Array& closest() const { return closest_; }

  /// Rows at the given shares, in [0, 1), of the total mass.
  std::vector<std::int64_t> pick(std::vector<double> shares) const {
    std::vector<std::int64_t> rows(shares.size(), -1);
    const auto& d = x_.distribution();
    const Range mine = d.leaves_of(x_.comm().rank());
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
      std::int64_t chosen = 0;
      for (std::int64_t i = 0; i < range.size(); ++i) {
        const double m = mass(leaf, i);
        if (m > 0) chosen = i;
        if (remaining < m) break;
        remaining -= m;
      }
      rows[s] = range.begin + chosen;
    }
    x_.comm().all_reduce(std::span(rows), Reduce::max);
    return rows;
  }

  /// closest = min(closest, squared distance to any of the given rows), or just that distance when
  /// `restart`.
  void approach(const Array& centers, bool restart = false) {
    sum_leaves([&](const Leaf& leaf, Stream& stream) {
      const Tile closest = closest_.leaf(leaf.index);
      if (restart)
        visit_floating(closest.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          std::fill_n(closest.as<T>(), closest.rows, std::numeric_limits<T>::infinity());
        });
      double sum = 0.0;
      for (std::int64_t c = 0; c < centers.rows(); ++c)
        sum = estimator_kernels().update_closest(stream, leaf.tile, centers.local().slice(c, 1),
                                                 leaf_of(weights_, leaf.index), closest);
      return sum;
    });
  }

  double mass(std::int64_t leaf, std::int64_t i) const {
    return visit_floating(closest_.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const Tile w = leaf_of(weights_, leaf);
      return static_cast<double>(closest_.leaf(leaf).as<const T>()[i]) *
             (w ? static_cast<double>(w.as<const T>()[i]) : 1.0);
    });
  }

 private:
  void sum_leaves(const std::function<double(const Leaf&, Stream&)>& work) {
    leaf_sums_.assign(static_cast<std::size_t>(x_.distribution().leaves()), 0.0);
    together(x_.comm(), [&] {
      x_.for_each_leaf([&](const Leaf& leaf, Stream& stream) {
        leaf_sums_[static_cast<std::size_t>(leaf.index)] = work(leaf, stream);
      });
    });
    // Every leaf has one owner and the others add zero: exact in any order.
    if (x_.distribution().kind() == Distribution::Kind::rows)
      x_.comm().all_reduce(std::span(leaf_sums_), Reduce::sum);
    total_ = std::accumulate(leaf_sums_.begin(), leaf_sums_.end(), 0.0);
  }

  const Rows& x_;
  const Array& weights_;
  Array closest_;
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

Array plus_plus(const Rows& x, std::int64_t k, const Array& weights, std::uint64_t seed,
                std::uint64_t run) {
  const auto trials = 2 + static_cast<std::int64_t>(std::log(static_cast<double>(k)));
  const Random random(seed, candidates);
  Array centers({k, x.cols()}, x.dtype(), Distribution::replicated(k, x.comm().size()), x.comm());
  const auto keep = [&](std::int64_t c, const Array& row) {
    std::copy_n(static_cast<std::byte*>(row.local().data),
                static_cast<std::size_t>(x.cols()) * size_of(x.dtype()),
                static_cast<std::byte*>(centers.local().slice(c, 1).data));
  };

  Sampler sampler(x, weights);
  Array chosen = take_rows(x, sampler.pick({Random(seed, first_center).uniform(run)}));
  sampler.approach(chosen, true);
  keep(0, chosen);
  Progress progress("k-means++");
  for (std::int64_t c = 1; c < k; ++c) {
    progress.update(c, k);
    std::vector<double> shares;
    for (std::int64_t t = 0; t < trials; ++t)
      shares.push_back(random.uniform((run << 40) + static_cast<std::uint64_t>(c * trials + t)));
    const Array rows = take_rows(x, sampler.pick(shares));
    const Sums potentials = reduce<Sums>(x, [&](const Leaf& leaf, Stream& stream) {
      Sums s{std::vector<double>(shares.size())};
      estimator_kernels().candidate_potentials(stream, leaf.tile, rows.local(),
                                               leaf_of(weights, leaf.index),
                                               sampler.closest().leaf(leaf.index), s.values);
      return s;
    });
    const auto best = std::min_element(potentials.values.begin(), potentials.values.end());
    chosen = one_row(rows, best - potentials.values.begin());
    sampler.approach(chosen);
    keep(c, chosen);
  }
  return centers;
}

Array distinct_random_rows(const Rows& x, std::int64_t k, const Array& weights, std::uint64_t seed,
                           std::uint64_t run) {
  const Random random(seed, random_rows);
  const auto top = reduce<TopRows>(x, [&](const Leaf& leaf, Stream&) {
    TopRows t{static_cast<std::size_t>(k), {}};
    const Tile w = leaf_of(weights, leaf.index);
    for (std::int64_t i = 0; i < leaf.rows.size(); ++i) {
      const std::int64_t row = leaf.rows.begin + i;
      const double weight = !w ? 1.0 : visit_floating(w.dtype, [&](auto tag) {
        return static_cast<double>(w.as<const typename decltype(tag)::type>()[i]);
      });
      const double u = random.uniform((run << 40) + static_cast<std::uint64_t>(row));
      if (weight > 0) t.offer({std::log1p(-u) / weight, row, 0});
    }
    return t;
  });
  if (static_cast<std::int64_t>(top.entries.size()) < k)
    throw ValueError(fmt::format("init='random' needs {} rows with a weight above 0, there are {}",
                                 k, top.entries.size()));
  std::vector<std::int64_t> rows;
  for (const auto& e : top.entries) rows.push_back(e.row);
  return take_rows(x, rows);
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

Array parallel(const Rows& x, std::int64_t k, const Array& weights, std::uint64_t seed,
               std::uint64_t run) {
  constexpr std::uint32_t rounds = 5;
  const double oversampling = 2.0 * static_cast<double>(k);
  Sampler sampler(x, weights);
  auto chosen = sampler.pick({Random(seed, first_center).uniform(run)});
  sampler.approach(take_rows(x, chosen), true);
  for (std::uint32_t round = 0; round < rounds && sampler.total() > 0; ++round) {
    const Random random(seed, round_of_parallel + round);
    std::vector<std::int64_t> mine;
    const auto& d = x.distribution();
    const Range leaves = d.leaves_of(x.comm().rank());
    for (std::int64_t leaf = leaves.begin; leaf < leaves.end; ++leaf) {
      const Range range = d.rows_of_leaf(leaf);
      for (std::int64_t i = 0; i < range.size(); ++i) {
        const auto row = static_cast<std::uint64_t>(range.begin + i);
        if (random.uniform((run << 40) + row) * sampler.total() <
            oversampling * sampler.mass(leaf, i))
          mine.push_back(range.begin + i);
      }
    }
    const auto picked = d.kind() == Distribution::Kind::rows ? gather_all(mine, x.comm()) : mine;
    if (picked.empty()) continue;
    sampler.approach(take_rows(x, picked));
    chosen.insert(chosen.end(), picked.begin(), picked.end());
  }
  const auto count = static_cast<std::int64_t>(chosen.size());
  if (count < k) return plus_plus(x, k, weights, seed, run);  // few distinct rows

  const Array rows = take_rows(x, chosen);
  // Relative to one of the rows, so that products of data far from the origin do not cancel.
  const Array offset = one_row(rows, 0);
  const Array relative = minus(rows, offset);
  const Assignment sizes = reduce<Assignment>(x, [&](const Leaf& leaf, Stream& stream) {
    Assignment a(count, 0);
    std::vector<std::int32_t> labels(static_cast<std::size_t>(leaf.rows.size()));
    estimator_kernels().assign_nearest(stream, leaf.tile, relative.local(), offset.local(),
                                       leaf_of(weights, leaf.index),
                                       tile_of(labels.data(), leaf.rows.size(), 1, 1), a);
    return a;
  });
  const auto picked = on_root<std::vector<double>>(x.comm(), [&] {
    const Communicator self = Communicator::self();
    const auto data = rows.astype(DType::float64);
    const Array few = from_host<double>(data.values<double>(), rows.shape(), self);
    const Array few_weights =
        from_host<double>(std::span<const double>(sizes.counts), {count}, self);
    const Array centers = plus_plus(few, k, few_weights, seed, run);
    const auto values = centers.values<double>();
    return std::vector<double>(values.begin(), values.end());
  });
  return replicated(picked, {k, x.cols()}, x.comm()).astype(x.dtype());
}

}  // namespace

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
                      const Array& weights, std::uint64_t seed, std::uint64_t run) {
  if (method == "random") return distinct_random_rows(x, k, weights, seed, run);
  if (method == "k-means||") return parallel(x, k, weights, seed, run);
  return plus_plus(x, k, weights, seed, run);
}

}  // namespace tessera::detail
