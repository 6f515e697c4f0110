#include <tessera/array/quantile.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <memory>
#include <mutex>

#include <tessera/array/keys.hpp>
#include <tessera/array/sort.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// A quantile of `values` sorted ones: `low` + t ('high' - 'low'), by rank.
struct Place {
  std::int64_t low = 0, high = 0;
  double t = 0.0;
};

Place place_of(double q, std::int64_t values, QuantileMethod method) {
  using enum QuantileMethod;
  const auto n = static_cast<double>(values);
  const auto between = [&](double alpha, double beta) {
    return n * q + (alpha + q * (1.0 - alpha - beta)) - 1.0;
  };
  const double at = method == inverted_cdf || method == averaged_inverted_cdf ? n * q - 1.0
                    : method == closest_observation                           ? n * q - 1.5
                    : method == interpolated_inverted_cdf                     ? between(0.0, 1.0)
                    : method == hazen                                         ? between(0.5, 0.5)
                    : method == weibull                                       ? between(0.0, 0.0)
                    : method == median_unbiased ? between(1.0 / 3.0, 1.0 / 3.0)
                    : method == normal_unbiased ? between(3.0 / 8.0, 3.0 / 8.0)
                                                : (n - 1.0) * q;
  const double low = std::floor(at);
  double t = at - low;
  if (method == inverted_cdf) t = t == 0.0 ? 0.0 : 1.0;
  if (method == averaged_inverted_cdf) t = t == 0.0 ? 0.5 : 1.0;
  if (method == closest_observation) t = t == 0.0 && std::fmod(low, 2.0) != 0.0 ? 0.0 : 1.0;
  const auto rank = [&](double r) {
    return static_cast<std::int64_t>(std::clamp(r, 0.0, std::max(n - 1.0, 0.0)));
  };
  return {rank(low), rank(low + 1.0), t};
}

double interpolated(double low, double high, double t) {
  const double step = high - low;
  if (low == high || t == 0) return low;
  if (!std::isfinite(step)) return low * (1 - t) + high * t;
  return t < 0.5 ? low + step * t : high - step * (1 - t);  // from the nearer end, as NumPy
}

/// The elements of some ranks in every column, found digit by digit: a pass counts, for each column
/// and rank, the elements that share the digits known so far by their next one. With weights a rank
/// is a sum of them: the first element is meant with which those up to it reach that.
template <class Key, bool floats, bool weighted>
class OrderStatistics {
 public:
  using Count = std::conditional_t<weighted, double, std::int64_t>;
  /// The ranks among so many values, or so much weight of them.
  using Ranks = std::function<std::vector<Count>(Count all)>;

  OrderStatistics(detail::KeyOrder<Key, floats> order, const Rows& x, const Array& weights,
                  Range columns, std::size_t ranks, const Ranks& ranks_of)
      : order_(order),
        x_(weighted ? zip(x, {weights}) : x),
        columns_(columns),
        p_(static_cast<std::size_t>(columns.size())),
        ranks_(ranks),
        ranks_of_(ranks_of) {
    prefix_.assign(p_ * ranks_, 0);
    left_.resize(p_ * ranks_);
    for (int left = key_bits; left > 0;) {
      const int bits = digit_bits(left);
      pass(left -= bits, bits);
    }
  }

  /// Columns at a time.
  static std::int64_t columns_at_once(std::size_t ranks) {
    return std::max<std::int64_t>(1,
                                  static_cast<std::int64_t>(most_counts >> 8) /
                                      std::max<std::int64_t>(1, static_cast<std::int64_t>(ranks)));
  }

  /// Of column j, the element of rank r.
  double value(std::size_t j, std::size_t r) const { return number_of(prefix_[j * ranks_ + r]); }
  bool has_nan(std::size_t j) const { return nan_[j] > 0; }
  /// Whether the sum of the weights up to that element is the rank itself.
  bool is_exact(std::size_t j, std::size_t r) const {
    constexpr double eps32 = std::numeric_limits<float>::epsilon();
    constexpr double eps64 = std::numeric_limits<double>::epsilon();
    return counted_[j * ranks_ + r] - left_[j * ranks_ + r] <=
           (x_.dtype() == DType::float32 ? eps32 : eps64);
  }
  /// After these, the next larger ones with a weight, or they themselves. A pass over x.
  std::vector<double> following() const {
    std::vector<std::uint64_t> next(prefix_.size(), none);
    std::mutex mutex;
    together(x_.comm(), [&] {
      x_.for_each_leaf([&](const Leaf& leaf, Stream&) {
        std::vector<std::uint64_t> mine(next.size(), none);
        each(leaf, [&](std::size_t j, Key key, Count weight) {
          if (order_.is_nan(key) || weight == 0) return;
          for (std::size_t f = j * ranks_; f < (j + 1) * ranks_; ++f)
            if (key > prefix_[f]) mine[f] = std::min<std::uint64_t>(mine[f], key);
        });
        const std::lock_guard lock(mutex);
        for (std::size_t f = 0; f < next.size(); ++f) next[f] = std::min(next[f], mine[f]);
      });
    });
    x_.comm().all_reduce(std::span(next), Reduce::min);
    std::vector<double> values;
    for (std::size_t f = 0; f < next.size(); ++f)
      values.push_back(number_of(next[f] == none ? prefix_[f] : static_cast<Key>(next[f])));
    return values;
  }

 private:
  static constexpr std::size_t most_counts = std::size_t{1} << 20;  // of a thread
  static constexpr int key_bits = 8 * static_cast<int>(sizeof(Key));
  static constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();
  using Counts = std::vector<Count>;

  double number_of(Key key) const {
    double number = 0;
    visit(x_.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_arithmetic_v<T> && sizeof(T) == sizeof(Key))
        number = static_cast<double>(std::bit_cast<T>(order_.bits(key)));
    });
    return number;
  }

  // Calls f(column, key, weight) for the elements of a leaf: some rows of a column after the
  // other, whose counts stay in the cache.
  template <class F>
  void each(const Leaf& leaf, const F& f) const {
    constexpr std::int64_t rows_at_once = 256;
    const Tile t = leaf.tile.columns(columns_.begin, columns_.size());
    const auto weight = [&](std::int64_t i) {
      if constexpr (weighted)
        return leaf.beside[0].as<const double>()[i];
      else
        return std::int64_t{1};
    };
    for (std::int64_t begin = 0; begin < t.rows; begin += rows_at_once) {
      const std::int64_t end = std::min(begin + rows_at_once, t.rows);
      for (std::size_t j = 0; j < p_; ++j)
        for (std::int64_t i = begin; i < end; ++i)
          f(j, order_.key(t.as<const Key>()[i * t.stride + static_cast<std::int64_t>(j)]),
            weight(i));
    }
  }

  // Columns and, after the first pass, ranks with different digits known so far.
  struct Known {
    std::vector<Key> prefixes;       // of each column, in order
    std::vector<std::size_t> start;  // of each column's, and the end
  };
  Known known() const {
    Known all{{}, {0}};
    for (std::size_t j = 0; j < p_; ++j) {
      const auto begin = static_cast<std::ptrdiff_t>(all.prefixes.size());
      const auto mine = prefix_.begin() + static_cast<std::ptrdiff_t>(j * ranks_);
      all.prefixes.insert(all.prefixes.end(), mine, mine + static_cast<std::ptrdiff_t>(ranks_));
      const auto of_column = all.prefixes.begin() + begin;
      std::sort(of_column, all.prefixes.end());
      all.prefixes.erase(std::unique(of_column, all.prefixes.end()), all.prefixes.end());
      all.start.push_back(all.prefixes.size());
    }
    return all;
  }

  // Bits of the next digit: as many as the counts have room for, not many more than there are
  // values, shared evenly among the passes.
  int digit_bits(int left) const {
    const std::size_t counted = std::max<std::size_t>(1, known().prefixes.size());
    const auto room = std::min(most_counts / counted, static_cast<std::size_t>(x_.rows()) * 2);
    const int most = std::clamp(static_cast<int>(std::bit_width(room)) - 1, 8, weighted ? 8 : 16);
    const int passes = (left + most - 1) / most;
    return (left + passes - 1) / passes;
  }

  void pass(int shift, int bits) {
    const std::size_t digits = std::size_t{1} << bits;
    const bool first = shift + bits == key_bits;
    const Known known = this->known();
    const std::size_t rows = known.prefixes.size();
    if (first) first_bits_ = bits;
    const auto first_digit = [&](std::size_t j, Key key) {
      return (j << first_bits_) + static_cast<std::size_t>(key >> (key_bits - first_bits_));
    };
    if (!first) {
      // Most elements differ in the first digit from all that is known.
      wanted_.assign(p_ << first_bits_, 0);
      for (std::size_t f = 0; f < prefix_.size(); ++f)
        wanted_[first_digit(f / ranks_, prefix_[f])] = 1;
    }
    const auto row_of = [&](std::size_t j, Key key) {
      if (first) return known.start[j];
      const auto begin = known.prefixes.begin() + static_cast<std::ptrdiff_t>(known.start[j]);
      const auto end = known.prefixes.begin() + static_cast<std::ptrdiff_t>(known.start[j + 1]);
      const auto digits_known = static_cast<Key>(key >> shift >> bits << bits << shift);
      const auto at = std::lower_bound(begin, end, digits_known);
      return at != end && *at == digits_known
                 ? static_cast<std::size_t>(at - known.prefixes.begin())
                 : rows;
    };
    const auto digit_of = [&](Key key) {
      return static_cast<std::size_t>((key >> shift) & static_cast<Key>(digits - 1));
    };
    const auto count = [&](const Leaf& leaf, Counts& counts) {
      Count* of_nan = counts.data() + rows * digits;
      if (first)
        each(leaf, [&](std::size_t j, Key key, Count weight) {
          if (order_.is_nan(key))
            of_nan[j] += weight;
          else
            counts[j * digits + digit_of(key)] += weight;
        });
      else
        each(leaf, [&](std::size_t j, Key key, Count weight) {
          if (!wanted_[first_digit(j, key)] || order_.is_nan(key)) return;
          const std::size_t row = row_of(j, key);
          if (row < rows) counts[row * digits + digit_of(key)] += weight;
        });
    };
    const Counts total = sum(rows * digits + p_, count);
    if (first) {
      nan_.assign(total.end() - static_cast<std::ptrdiff_t>(p_), total.end());
      for (std::size_t j = 0; j < p_; ++j) {
        Count all = 0;
        for (std::size_t d = 0; d < digits; ++d) all += total[j * digits + d];
        std::ranges::copy(ranks_of_(all), left_.begin() + static_cast<std::ptrdiff_t>(j * ranks_));
      }
    }
    counted_.assign(prefix_.size(), 0);
    for (std::size_t f = 0; f < prefix_.size(); ++f) {
      const Count* counts = total.data() + row_of(f / ranks_, prefix_[f]) * digits;
      // Where rounding takes a sum of weights beyond the last of them, that one is meant.
      std::size_t digit = 0;
      for (std::size_t d = 0; d < digits; ++d) {
        if (counts[d] == 0) continue;
        if (counted_[f] != 0) left_[f] -= counted_[f];
        counted_[f] = counts[d];
        digit = d;
        if constexpr (weighted) {
          if (left_[f] <= counts[d]) break;
        } else {
          if (left_[f] < counts[d]) break;
        }
      }
      prefix_[f] =
          static_cast<Key>(prefix_[f] | static_cast<Key>(static_cast<Key>(digit) << shift));
    }
  }

  // Over all rows; weights in the order of the tree.
  Counts sum(std::size_t size, const std::function<void(const Leaf&, Counts&)>& count) const {
    if constexpr (weighted) {
      Counts total = reduce<Sums>(x_, [&](const Leaf& leaf, Stream&) {
                       Sums s{std::vector<double>(size)};
                       count(leaf, s.values);
                       return s;
                     }).values;
      total.resize(size);
      return total;
    } else {
      Counts total;
      std::mutex mutex;
      std::vector<std::unique_ptr<Counts>> spare;  // one for each thread at work
      together(x_.comm(), [&] {
        total.assign(size, 0);
        x_.for_each_leaf([&](const Leaf& leaf, Stream&) {
          std::unique_ptr<Counts> counts;
          {
            const std::lock_guard lock(mutex);
            if (!spare.empty()) {
              counts = std::move(spare.back());
              spare.pop_back();
            }
          }
          if (!counts) counts = std::make_unique<Counts>(size, 0);
          count(leaf, *counts);
          const std::lock_guard lock(mutex);
          spare.push_back(std::move(counts));
        });
        for (const auto& counts : spare)
          std::transform(total.begin(), total.end(), counts->begin(), total.begin(), std::plus<>());
      });
      if (x_.distribution().kind() == Distribution::Kind::rows)
        x_.comm().all_reduce(std::span(total), Reduce::sum);
      return total;
    }
  }

  detail::KeyOrder<Key, floats> order_;
  Rows x_;
  Range columns_;
  std::size_t p_;
  std::size_t ranks_;
  const Ranks& ranks_of_;
  std::vector<Key> prefix_;   // digits known, of each column and rank
  int first_bits_ = 0;        // of the first digit
  std::vector<char> wanted_;  // of each column, whether a rank's element has that first digit
  Counts left_;               // rank among the elements that share them
  Counts counted_;            // those that share the last digit as well
  Counts nan_;
};

// Many quantiles of each column are taken from the column in order.
template <class Key, bool floats>
void find_sorted(detail::KeyOrder<Key, floats> order, const Rows& x, std::span<const double> q,
                 const QuantileOptions& options, std::vector<double>& values) {
  const auto width = static_cast<std::size_t>(x.cols());
  for (std::size_t j = 0; j < width; ++j) {
    const Array column =
        collect(map_rows(x, {x.rows()}, x.dtype(), [j](const Leaf& in, const Tile& out, Stream&) {
          for (std::int64_t i = 0; i < out.rows; ++i)
            out.as<Key>()[i] =
                in.tile.as<const Key>()[i * in.tile.stride + static_cast<std::int64_t>(j)];
        }));
    std::int64_t nan_count = 0;
    if (is_floating(x.dtype())) {
      const Tile mine = column.local();
      for (std::int64_t i = 0; i < mine.rows; ++i)
        nan_count += order.is_nan(order.key(mine.as<const Key>()[i]));
      if (column.distribution().kind() == Distribution::Kind::rows)
        x.comm().all_reduce(std::span(&nan_count, 1), Reduce::sum);
    }
    const std::int64_t count = x.rows() - nan_count;
    if (count == 0 || (nan_count > 0 && !options.ignore_nan)) continue;
    std::vector<std::int64_t> ranks;
    for (const double v : q) {
      const Place place = place_of(v, count, options.method);
      ranks.push_back(place.low);
      ranks.push_back(place.high);
    }
    const Array found = take_rows(sort(column), ranks).astype(DType::float64);
    for (std::size_t i = 0; i < q.size(); ++i)
      values[i * width + j] =
          interpolated(found.values<double>()[2 * i], found.values<double>()[2 * i + 1],
                       place_of(q[i], count, options.method).t);
  }
}

// Of a block of columns; values[i * width + j] becomes quantile i of column j.
template <class Key, bool floats>
void find(detail::KeyOrder<Key, floats> order, const Rows& x, Range columns,
          std::span<const double> q, const QuantileOptions& options, std::vector<double>& values) {
  const auto width = static_cast<std::size_t>(x.cols());
  const auto first = static_cast<std::size_t>(columns.begin);
  const auto p = static_cast<std::size_t>(columns.size());
  if (options.weights) {
    std::vector<double> sums;
    const std::function<std::vector<double>(double)> ranks = [&](double sum) {
      sums.push_back(sum);
      std::vector<double> wanted;
      for (const double v : q)
        wanted.push_back(v == 0.0 ? std::numeric_limits<double>::denorm_min() : v * sum);
      return wanted;
    };
    const OrderStatistics<Key, floats, true> found(order, x, options.weights, columns, q.size(),
                                                   ranks);
    const bool averaged = options.method == QuantileMethod::averaged_inverted_cdf;
    const std::vector<double> next = averaged ? found.following() : std::vector<double>{};
    for (std::size_t j = 0; j < p; ++j)
      for (std::size_t i = 0; i < q.size(); ++i) {
        if (sums[j] == 0.0 || (!options.ignore_nan && found.has_nan(j))) continue;
        double& value = values[i * width + first + j];
        value = found.value(j, i);
        if (averaged && found.is_exact(j, i))
          value = interpolated(value, next[j * q.size() + i], 0.5);
      }
    return;
  }
  std::vector<std::int64_t> counts;
  const std::function<std::vector<std::int64_t>(std::int64_t)> ranks = [&](std::int64_t count) {
    counts.push_back(count);
    std::vector<std::int64_t> wanted;
    for (const double v : q) {
      const Place place = place_of(v, count, options.method);
      wanted.push_back(place.low);
      wanted.push_back(place.high);
    }
    return wanted;
  };
  const OrderStatistics<Key, floats, false> found(order, x, {}, columns, 2 * q.size(), ranks);
  for (std::size_t j = 0; j < p; ++j)
    for (std::size_t i = 0; i < q.size(); ++i)
      if (counts[j] > 0 && (options.ignore_nan || !found.has_nan(j)))
        values[i * width + first + j] =
            interpolated(found.value(j, 2 * i), found.value(j, 2 * i + 1),
                         place_of(q[i], counts[j], options.method).t);
}

}  // namespace

Array quantile(const Rows& given, std::span<const double> q, const QuantileOptions& options) {
  if (given.ndim() < 1) throw ValueError("quantile needs an array of at least one dimension");
  for (const double v : q)
    if (!(v >= 0 && v <= 1))
      throw ValueError(fmt::format("quantiles must be in the range [0, 1], got {}", v));
  if (options.weights && options.method != QuantileMethod::inverted_cdf &&
      options.method != QuantileMethod::averaged_inverted_cdf)
    throw ValueError("weighted quantiles need the method inverted_cdf or averaged_inverted_cdf");
  if (!given.categories().empty()) detail::refuse_text(given.categories());
  const Rows x = given.to(cpu);
  const DType dtype = x.dtype() == DType::float32 ? DType::float32 : DType::float64;
  Shape shape = x.shape();
  shape[0] = std::ssize(q);
  std::vector<double> values(q.size() * static_cast<std::size_t>(x.cols()), nan);
  QuantileOptions exact = options;
  if (options.weights) exact.weights = options.weights.astype(DType::float64);
  detail::visit_ordered("quantile", x.dtype(),
                        [&]<class Key, bool floats>(detail::KeyOrder<Key, floats> order) {
                          if (x.rows() == 0 || values.empty()) return;
                          constexpr std::size_t many = 32;
                          if (q.size() > many && !options.weights && x.dtype() != DType::boolean)
                            return find_sorted(order, x, q, exact, values);
                          const std::int64_t at_once =
                              OrderStatistics<Key, floats, false>::columns_at_once(2 * q.size());
                          for (std::int64_t j = 0; j < x.cols(); j += at_once)
                            find(order, x, {j, std::min(j + at_once, x.cols())}, q, exact, values);
                        });
  return replicated(values, shape, x.comm()).astype(dtype);
}

Array median(const Rows& x) {
  if (x.ndim() < 1) throw ValueError("median needs an array of at least one dimension");
  const std::array half = {0.5};
  const Array row = quantile(x, half);
  Shape tail(x.shape().begin() + 1, x.shape().end());
  const Array wide = row.astype(DType::float64);
  const auto values = wide.values<double>();
  return replicated(values, std::move(tail), x.comm()).astype(row.dtype());
}

}  // namespace tessera
