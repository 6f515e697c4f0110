#include <tessera/estimators/cluster/kmeans.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include <tessera/estimators/cluster/kmeans_init.hpp>
#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/estimators/range.hpp>
#include <tessera/linalg/kernels/kernels.hpp>

namespace tessera {
namespace {

using detail::Assignment;
using detail::TopRows;

// Centres relative to an origin near the data's mean: products of shifted values do not cancel.
class Centers {
 public:
  Centers(const Array& centers, const std::vector<double>& origin, const Rows& x)
      : k(centers.rows()),
        d(centers.cols()),
        dtype_(x.dtype()),
        comm_(centers.comm()),
        device_(x.device()) {
    const Array offset = replicated(origin, {1, d}, comm_).astype(dtype_);
    offset_ = offset.to(device_);
    const Array rounded = offset.astype(DType::float64);
    origin_.assign(rounded.values<double>().begin(), rounded.values<double>().end());
    const Array wide = centers.astype(DType::float64);
    relative.assign(wide.values<double>().begin(), wide.values<double>().end());
    for (std::size_t i = 0; i < relative.size(); ++i) relative[i] -= origin_[i % origin_.size()];
    pack();
  }

  std::int64_t k;
  std::int64_t d;
  std::vector<double> relative;  // k x d, minus the origin

  /// Call after changing `relative`. Collective.
  void pack() { packed_ = replicated(relative, {k, d}, comm_).astype(dtype_).to(device_); }
  Tile tile() const { return packed_.local(); }
  Tile offset() const { return offset_.local(); }
  const std::vector<double>& origin() const { return origin_; }

  /// Without the origin, times 2^exponent.
  Array absolute(int exponent) const {
    std::vector<double> out = relative;
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = std::ldexp(out[i] + origin_[i % origin_.size()], exponent);
    return replicated(out, {k, d}, comm_).astype(dtype_);
  }

 private:
  DType dtype_;
  Communicator comm_;
  Device device_;  // where x lies, and with it the packed centres
  Array offset_;
  std::vector<double> origin_;
  Array packed_;
};

std::vector<double> mean_row(const Array& centers) {
  const Array wide = centers.astype(DType::float64);
  const auto values = wide.values<double>();
  const auto d = static_cast<std::size_t>(centers.cols());
  std::vector<double> mean(d);
  for (std::size_t i = 0; i < values.size(); ++i) mean[i % d] += values[i];
  for (double& v : mean) v /= static_cast<double>(centers.rows());
  return mean;
}

/// Centres in long double, relative to their mean: their squares are in its range.
struct WideCenters {
  std::vector<long double> mean;
  std::vector<long double> relative;  // k x d
  std::vector<long double> half_norms;

  explicit WideCenters(const Array& centers)
      : mean(static_cast<std::size_t>(centers.cols())),
        relative(detail::wide_values(centers.local())),
        half_norms(static_cast<std::size_t>(centers.rows())) {
    const std::size_t d = mean.size();
    const auto k = static_cast<long double>(centers.rows());
    for (std::size_t i = 0; i < relative.size(); ++i) mean[i % d] += relative[i] / k;
    for (std::size_t i = 0; i < relative.size(); ++i) {
      relative[i] -= mean[i % d];
      half_norms[i / d] += relative[i] * relative[i] / 2;
    }
  }
  /// The largest deviation from the mean in one column.
  long double spread() const {
    long double largest = 0;
    for (const long double v : relative) largest = std::max(largest, std::abs(v));
    return largest;
  }
  std::int32_t nearest(const long double* row) const {
    std::size_t nearest = 0;
    long double best = std::numeric_limits<long double>::infinity();
    for (std::size_t c = 0; c < half_norms.size(); ++c) {
      long double value = half_norms[c];
      for (std::size_t j = 0; j < mean.size(); ++j)
        value -= (row[j] - mean[j]) * relative[c * mean.size() + j];
      if (!(value < best)) continue;
      best = value;
      nearest = c;
    }
    return static_cast<std::int32_t>(nearest);
  }
};

/// One pass over x: labels and sizes, what the new centres need if `update`, the inertia if
/// `measure`.
Assignment assign(const Rows& x, const Centers& centers, const Array& weights, const Array& labels,
                  bool update, bool measure) {
  return detail::assign(x, centers.tile(), centers.offset(), weights, labels,
                        {centers.k, centers.d, update, measure});
}

// Gives every empty cluster one of the rows farthest from their centres, taking that row's weight
// from the cluster it was in. In a pass of its own, for it is rare.
void relocate_empty(const Rows& x, const Centers& old, const Array& weights, const Array& labels,
                    Assignment& a) {
  std::vector<std::size_t> empty;
  for (std::size_t j = 0; j < a.counts().size(); ++j)
    if (a.counts()[j] == 0.0) empty.push_back(j);
  if (empty.empty()) return;
  const auto d = static_cast<std::size_t>(old.d);

  const auto far = reduce<TopRows>(zip(x.to(cpu), {labels}), [&](const Leaf& leaf, Stream&) {
    TopRows top{empty.size(), {}};
    const auto* label = leaf.beside[0].as<const std::int32_t>();
    visit_floating(leaf.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
        const T* row = leaf.tile.as<const T>() + i * leaf.tile.stride;
        const double* center = old.relative.data() + static_cast<std::size_t>(label[i]) * d;
        double distance = 0.0;
        for (std::size_t j = 0; j < d; ++j) {
          const double e = static_cast<double>(row[j]) - old.origin()[j] - center[j];
          distance += e * e;
        }
        top.offer({distance, leaf.rows.begin + i, label[i]});
      }
    });
    return top;
  });
  if (far.entries.empty() || far.entries[0].value == 0.0)
    return;  // fewer distinct rows than clusters

  std::vector<std::int64_t> indices;
  for (const auto& e : far.entries) indices.push_back(e.row);
  const Array rows = take_rows(x, indices).astype(DType::float64);
  const Array row_weights = weights ? take_rows(weights, indices).astype(DType::float64) : Array{};
  for (std::size_t e = 0; e < std::min(empty.size(), indices.size()); ++e) {
    const std::size_t to = empty[e];
    const auto from = static_cast<std::size_t>(far.entries[e].label);
    const double weight = row_weights ? row_weights.values<double>()[e] : 1.0;
    for (std::size_t j = 0; j < d; ++j) {
      const double part = weight * (rows.values<double>()[e * d + j] - old.origin()[j]);
      a.sums()[from * d + j] -= part;
      a.sums()[to * d + j] = part;
    }
    a.counts()[from] -= weight;
    a.counts()[to] = weight;
  }
}

// The means of the clusters; one that stays empty goes where the heaviest is. Returns the squared
// distance that the centres move.
double move_to_means(Assignment& a, Centers& centers) {
  const auto d = static_cast<std::size_t>(centers.d);
  const auto counts = a.counts();
  const auto heaviest =
      static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  double moved = 0.0;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    const std::size_t source = counts[c] > 0.0 ? c : heaviest;
    for (std::size_t j = 0; j < d; ++j) {
      const double next = a.sums()[source * d + j] / counts[source];
      const double step = next - centers.relative[c * d + j];
      moved += step * step;
      centers.relative[c * d + j] = next;
    }
  }
  centers.pack();
  return moved;
}

struct Run {
  Centers centers;
  Array labels;
  double inertia = 0.0;
  std::int64_t iterations = 0;
  std::int64_t distinct = 0;  // clusters that have rows
};

/// What squares of x, and those with weights, are multiplied with to be printed.
struct Units {
  double squares;
  double inertia;
};

Run lloyd(const Rows& x, Centers centers, const Array& weights, const KMeansParams& params,
          double tolerance, const Units& units) {
  const Array labels = detail::one_per_row(x, -1.0, DType::int32);
  const bool verbose = params.verbose.is<bool>() ? params.verbose.as<bool>()
                                                 : params.verbose.as<std::int64_t>() != 0;
  const auto tell = [&](const std::string& text) {
    if (!verbose || x.comm().rank() != 0) return;
    fmt::print("{}\n", text);
    std::fflush(stdout);  // who reads a pipe or a job's log wants to see it now
  };
  tell("Initialization complete.");
  Progress progress("KMeans");
  std::int64_t iteration = 0;
  for (bool done = false; !done && iteration < params.max_iter; ++iteration) {
    progress.update(iteration, params.max_iter);
    Assignment a = assign(x, centers, weights, labels, true, verbose);
    if (verbose)
      tell(fmt::format("Iteration {}, inertia {}.", iteration, a.inertia() * units.inertia));
    relocate_empty(x, centers, weights, labels, a);
    const double moved = move_to_means(a, centers);
    done = a.changed() == 0.0 || moved <= tolerance;
    if (a.changed() == 0.0)
      tell(fmt::format("Stopped after iteration {}: strict convergence, no label changed.",
                       iteration));
    else if (done)
      tell(fmt::format("Stopped after iteration {}: center shift {} within tolerance {}.",
                       iteration, moved * units.squares, tolerance * units.squares));
    else if (iteration + 1 == params.max_iter)
      tell(fmt::format("Stopped after iteration {}: max_iter={} reached.", iteration,
                       params.max_iter));
  }
  // Measuring the inertia once, here, is cheaper than in every pass, and the labels become those of
  // the final centres.
  Assignment a = assign(x, centers, weights, labels, false, true);
  const auto counts = a.counts();
  const auto distinct = std::count_if(counts.begin(), counts.end(), [](double c) { return c > 0; });
  return {std::move(centers), labels, a.inertia(), iteration, distinct};
}

/// Whether two labelings are the same up to the names of the labels.
struct Renaming {
  std::vector<std::int32_t> to;  // -1: not seen
  bool conflict = false;

  void pair(std::size_t from, std::int32_t name) {
    conflict = conflict || (to[from] != -1 && to[from] != name);
    to[from] = name;
  }
  void merge(const Renaming& right) {
    conflict = conflict || right.conflict;
    for (std::size_t i = 0; i < to.size(); ++i)
      if (right.to[i] != -1) pair(i, right.to[i]);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(to, conflict);
  }
};

bool same_clustering(const Array& a, const Array& b, std::int64_t k) {
  return !reduce<Renaming>(zip(a.to(cpu), {b}), [&](const Leaf& leaf, Stream&) {
            Renaming r{std::vector<std::int32_t>(static_cast<std::size_t>(k), -1), false};
            const auto* x = leaf.tile.as<const std::int32_t>();
            const auto* y = leaf.beside[0].as<const std::int32_t>();
            for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
              r.pair(static_cast<std::size_t>(x[i]), y[i]);
            return r;
          }).conflict;
}

// The given centres times 2^exponent in x's dtype; `m` has the moments of x, likewise.
Array checked_init(const Array& init, const Rows& x, std::int64_t k, const detail::Moments& m,
                   int exponent) {
  if (init.ndim() != 2 || init.rows() != k || init.cols() != x.cols())
    throw ValueError(fmt::format(
        "The shape of the initial centers {} does not match the number of {}: init must have shape "
        "(n_clusters, n_features) = ({}, {})",
        to_string(init.shape()),
        init.ndim() == 2 && init.rows() == k ? "features of the data" : "clusters", k, x.cols()));
  if (is_complex(init.dtype())) throw ValueError("Complex data not supported: init is complex");
  const Array centers = gather(init).to(cpu).astype(x.dtype());
  require_finite(Leaf{0, {0, k}, centers.local()}, "init", "KMeans");
  const Array scaled = detail::times_power(centers, exponent);
  const auto values = detail::wide_values(scaled.local());
  const long double farthest = std::ldexp(1.0L, x.dtype() == DType::float32 ? 60 : 500);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (const auto j = i % m.mean.size(); !(std::abs(values[i] - m.mean[j]) <= farthest))
      throw ValueError(
          fmt::format("init is so far from X at row {}, column {} that squared distances leave the "
                      "range of {}: "
                      "give centres inside the data",
                      i / m.mean.size(), j, name_of(x.dtype())));
  return scaled;
}

}  // namespace

const EstimatorType& KMeans::describe() {
  static const auto type = EstimatorType::of<KMeans>(
      "k-means clustering (Lloyd's algorithm)",
      {
          parameter("n_clusters", &Params::n_clusters, integers(1), "number of clusters"),
          parameter("init", &Params::init, words({"k-means++", "random", "k-means||"}) | array(),
                    "how the first centres are chosen, or the centres (n_clusters x n_features)"),
          parameter(
              "n_init", &Params::n_init, words({"auto"}) | integers(1),
              "runs from different first centres, the best is kept; auto is 10 for random, else 1"),
          parameter("max_iter", &Params::max_iter, integers(1), "most iterations of one run"),
          parameter("tol", &Params::tol, reals(0.0),
                    "stop when the centres move by less than this times the mean variance (squared "
                    "distances)"),
          parameter("verbose", &Params::verbose, integers(0) | boolean(),
                    "print when a run starts, the inertia of every iteration and why the run ends"),
          parameter("random_state", &Params::random_state, integers(0, 4294967295) | none(),
                    "seed of the random choices; None is 0"),
          parameter("copy_x", &Params::copy_x, boolean(),
                    "accepted for compatibility: inputs are never modified"),
          parameter("algorithm", &Params::algorithm, words({"lloyd", "elkan"}),
                    "lloyd (elkan is not supported)"),
      },
      {
          attribute("cluster_centers_", &KMeans::cluster_centers_,
                    [](const KMeans& s) {
                      return array({s.params.n_clusters, s.n_features_in_});
                    }),
          attribute("inertia_", &KMeans::inertia_, number({.low = 0.0, .infinite = true})),
          attribute("n_iter_", &KMeans::n_iter_, integers(0)),
          newer_attribute("_n_init", &KMeans::n_init_, integers(1)),
          row_attribute("labels_", &KMeans::labels_),
      },
      {
          method("fit", &KMeans::do_fit, "finds the centres"),
          method("predict", &KMeans::do_predict, "the nearest centre of each row, (n,) int32"),
          method("transform", &KMeans::do_transform, "distances to the centres, (n, n_clusters)"),
          method("score", &KMeans::do_score, "minus the inertia of X"),
      });
  return type;
}

void KMeans::do_fit(const Rows& given, const Array&, const Array& sample_weight) {
  const std::int64_t k = params.n_clusters;
  if (params.algorithm == "elkan")
    throw NotImplementedError(
        "KMeans(algorithm='elkan') is not supported; use 'lloyd', which gives the same clusters");
  if (given.rows() < k)
    throw ValueError(fmt::format("n_samples={} should be >= n_clusters={}.", given.rows(), k));

  const auto check = [&] { require_finite(given, "X", name()); };
  auto moments = detail::moments(given, {}, detail::Accuracy::whole, check);
  const auto n = static_cast<double>(given.rows());
  if (std::any_of(moments.count.begin(), moments.count.end(), [&](double c) { return c != n; }))
    check();
  // From here on about x = given 2^exponent.
  const int exponent = detail::exponent_for(moments, given.dtype(), name());
  moments.measure_in(exponent);
  const Rows x = detail::times_power(given, exponent);
  const detail::Balanced weights(sample_weight);
  double variance = 0.0;
  for (const double m2 : moments.m2) variance += m2 / n / static_cast<double>(x.cols());
  const double tolerance = params.tol * variance;

  const bool explicit_init = params.init.is<Array>();
  const Array first =
      explicit_init ? checked_init(params.init.as<Array>(), x, k, moments, exponent) : Array{};
  std::int64_t runs = 1;
  if (params.n_init.is<std::int64_t>())
    runs = params.n_init.as<std::int64_t>();
  else if (params.init.is_word("random"))
    runs = 10;
  if (explicit_init && runs > 1) {
    warn(fmt::format("Explicit initial center position passed: performing only one init in KMeans "
                     "instead of n_init={}",
                     runs),
         "RuntimeWarning");
    runs = 1;
  }

  const int squares = weights.exponent - 2 * exponent;
  const Units units{std::ldexp(1.0, -2 * exponent), std::ldexp(1.0, squares)};
  const auto random = check_random_state(params.random_state);
  std::optional<Run> best;
  for (std::int64_t run = 0; run < runs; ++run) {
    const Array start = explicit_init ? first
                                      : detail::initial_centers(params.init.as<std::string>(), x, k,
                                                                weights.values, *random);
    Run now = lloyd(x, Centers(start, moments.mean, x), weights.values, params, tolerance, units);
    if (!best || (now.inertia < best->inertia && !same_clustering(now.labels, best->labels, k)))
      best.emplace(std::move(now));
  }
  if (best->distinct < k)
    warn(
        fmt::format("Number of distinct clusters ({}) found smaller than n_clusters ({}). Possibly "
                    "due to duplicate points in X, which KMeans puts into one cluster",
                    best->distinct, k),
        "ConvergenceWarning");
  cluster_centers_ = best->centers.absolute(-exponent);
  labels_ = best->labels;
  inertia_ = detail::scaled_back(best->inertia, squares, "KMeans: inertia_");
  n_iter_ = best->iterations;
  n_init_ = runs;
}

Rows KMeans::do_predict(const Rows& x) const {
  const Array own = cluster_centers_.astype(x.dtype());
  const int exponent = detail::exponent_for(WideCenters(own).spread(), x.dtype());
  const Array scaled = detail::times_power(own, exponent);
  std::vector<double> powers;
  if (exponent != 0) powers.assign(static_cast<std::size_t>(x.cols()), std::ldexp(1.0, exponent));
  return map_rows(
      x, {x.rows()}, DType::int32,
      [own, powers, centers = Centers(scaled, mean_row(scaled), x),
       leaf_rows = x.distribution().leaf_rows(),
       names = feature_names_in_](const Leaf& in, const Tile& out, Stream& stream) {
        Tile rows = in.tile;
        if (!powers.empty()) {
          rows.stride = rows.cols;
          rows.data =
              stream.scratch(static_cast<std::size_t>(rows.rows * rows.cols) * size_of(rows.dtype));
          linalg::kernels().unstandardize(stream, in.tile, {}, powers, rows);
        }
        const AssignmentParts parts{centers.k, centers.d, false, true};
        const std::int64_t leaves = (in.rows.size() + leaf_rows - 1) / leaf_rows;
        const Buffer memory(static_cast<std::size_t>(leaves * parts.size()) * sizeof(double),
                            out.device);
        const Tile sums{memory.data(), leaves,         parts.size(),
                        parts.size(),  DType::float64, out.device};
        estimator_kernels().assign_nearest(stream, rows, leaf_rows, centers.tile(),
                                           centers.offset(), {}, out, parts, sums);
        // A NaN or infinity in X shows in the inertia.
        std::vector<double> inertia(static_cast<std::size_t>(leaves));
        copy(stream, sums.columns(parts.inertia_at(), 1), tile_of(inertia.data(), leaves, 1, 1));
        stream.synchronize();
        if (detail::is_finite(inertia)) return;
        require_finite(in, "X", class_name, false, names);
        // Rows so far from the centres that squares overflow.
        const auto wide = detail::wide_values(in.tile);
        const WideCenters wide_centers(own);
        std::vector<std::int32_t> labels;
        for (std::size_t i = 0; i < wide.size(); i += static_cast<std::size_t>(centers.d))
          labels.push_back(wide_centers.nearest(wide.data() + i));
        copy(stream, tile_of(labels.data(), out.rows, 1, 1), out);
        stream.synchronize();
      });
}

Rows KMeans::do_transform(const Rows& x) const {
  return map_rows(x, {x.rows(), cluster_centers_.rows()}, x.dtype(),
                  [centers = cluster_centers_.astype(x.dtype()).to(x.device()),
                   names = feature_names_in_](const Leaf& in, const Tile& out, Stream& stream) {
                    estimator_kernels().distances(stream, in.tile, centers.local(), out);
                    if (linalg::kernels().all_finite(stream, out)) return;
                    require_finite(in, "X", class_name, false, names);
                    detail::require_no_overflow(in, out, "KMeans.transform");
                  });
}

double KMeans::do_score(const Rows& given, const Array&, const Array& sample_weight) const {
  const detail::Balanced weights(sample_weight);
  const Array own = cluster_centers_.astype(given.dtype());
  const auto inertia_at = [&](int exponent) {
    const Array scaled = detail::times_power(own, exponent);
    const Rows x = detail::times_power(given, exponent);
    const Centers centers(scaled, mean_row(scaled), x);
    const Array labels = detail::one_per_row(x, -1.0, DType::int32);
    return assign(x, centers, weights.values, labels, false, true).inertia();
  };
  const long double spread = WideCenters(own).spread();
  int exponent = detail::exponent_for(spread, given.dtype());
  double inertia = inertia_at(exponent);
  const double size = std::sqrt(inertia / static_cast<double>(given.rows()));
  if (!(size > 0 && std::isfinite(size)) || detail::exponent_for(size, given.dtype()) != 0) {
    // X may be of another size than the centres: the larger one decides.
    const auto check = [&] { require_finite(given, "X", name()); };
    const auto m = detail::moments(given, {}, detail::Accuracy::whole, check);
    if (!std::isfinite(size)) check();
    long double farthest = std::max(spread, m.spread());
    const auto wide = detail::wide_values(own.local());
    for (std::size_t j = 0; j < m.mean.size(); ++j)
      farthest = std::max(
          farthest, std::abs(std::ldexp(static_cast<long double>(m.mean[j]), m.unit[j]) - wide[j]));
    const int better = detail::exponent_for(farthest, given.dtype());
    if (better != exponent) inertia = inertia_at(better);
    exponent = better;
  }
  return -detail::scaled_back(inertia, weights.exponent - 2 * exponent, "KMeans.score");
}

namespace detail {
const EstimatorType& kmeans() { return KMeans::describe(); }
}  // namespace detail

}  // namespace tessera
