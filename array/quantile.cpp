#include <tessera/array/quantile.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <mutex>

#include <tessera/array/keys.hpp>

namespace tessera {
namespace {

/// The elements of some ranks in every column, found digit by digit: a pass counts, for each column
/// and rank, the elements that share the digits known so far by their next one.
template <class T>
class OrderStatistics {
 public:
  using Order = detail::Ordered<T>;
  using Key = typename Order::Key;

  OrderStatistics(const Rows& x, std::vector<std::int64_t> ranks)
      : x_(x), p_(static_cast<std::size_t>(x.cols())), ranks_(std::move(ranks)) {
    const std::size_t found = p_ * ranks_.size();
    prefix_.assign(found, 0);
    left_.resize(found);
    for (std::size_t f = 0; f < found; ++f) left_[f] = ranks_[f % ranks_.size()];
    constexpr std::size_t most = std::size_t{1} << 22;  // counts in memory
    constexpr int key_bits = 8 * static_cast<int>(sizeof(Key));
    const int bits = key_bits > 8 && found << 16 <= most ? 16 : 8;
    for (int shift = key_bits - bits; shift >= 0; shift -= bits) pass(shift, bits);
  }

  /// Of column j, the element of ranks[r].
  T value(std::size_t j, std::size_t r) const {
    return Order::value(prefix_[j * ranks_.size() + r]);
  }
  bool has_nan(std::size_t j) const { return nan_[j] > 0; }

 private:
  using Counts = std::vector<std::int64_t>;

  void pass(int shift, int bits) {
    const std::size_t digits = std::size_t{1} << bits;
    const bool first = shift + bits == 8 * static_cast<int>(sizeof(Key));
    // In the first pass all ranks of a column count the same.
    const std::size_t many = first ? 1 : ranks_.size();
    Counts total;
    std::mutex mutex;
    std::vector<std::unique_ptr<Counts>> spare;  // one for each thread at work
    together(x_.comm(), [&] {
      total.assign(p_ * many * digits + p_, 0);
      x_.for_each_leaf([&](const Leaf& leaf, Stream&) {
        std::unique_ptr<Counts> counts;
        {
          const std::lock_guard lock(mutex);
          if (!spare.empty()) {
            counts = std::move(spare.back());
            spare.pop_back();
          }
        }
        if (!counts) counts = std::make_unique<Counts>(total.size(), 0);
        count(leaf.tile, shift, bits, first, *counts);
        const std::lock_guard lock(mutex);
        spare.push_back(std::move(counts));
      });
      for (const auto& counts : spare)
        std::transform(total.begin(), total.end(), counts->begin(), total.begin(), std::plus<>());
    });
    if (x_.distribution().kind() == Distribution::Kind::rows)
      x_.comm().all_reduce(std::span(total), Reduce::sum);
    for (std::size_t f = 0; f < prefix_.size(); ++f) {
      const std::size_t row = first ? f / ranks_.size() : f;
      const auto* counts = total.data() + row * digits;
      std::size_t digit = 0;
      while (digit + 1 < digits && left_[f] >= counts[digit]) left_[f] -= counts[digit++];
      prefix_[f] =
          static_cast<Key>(prefix_[f] | static_cast<Key>(static_cast<Key>(digit) << shift));
    }
    if (first) nan_.assign(total.end() - static_cast<std::ptrdiff_t>(p_), total.end());
  }

  void count(const Tile& t, int shift, int bits, bool first, Counts& counts) const {
    const std::size_t digits = std::size_t{1} << bits;
    const Key mask = static_cast<Key>(digits - 1);
    std::int64_t* nan = counts.data() + (counts.size() - p_);
    for (std::int64_t i = 0; i < t.rows; ++i) {
      const T* row = t.as<const T>() + i * t.stride;
      for (std::size_t j = 0; j < p_; ++j) {
        const Key key = Order::key(row[j]);
        const auto digit = static_cast<std::size_t>((key >> shift) & mask);
        if (first) {
          ++counts[j * digits + digit];
          if constexpr (std::is_floating_point_v<T>) nan[j] += std::isnan(row[j]);
          continue;
        }
        for (std::size_t r = 0; r < ranks_.size(); ++r) {
          const std::size_t f = j * ranks_.size() + r;
          const Key known = static_cast<Key>((key ^ prefix_[f]) >> shift) >> bits;
          counts[f * digits + digit] += known == 0;
        }
      }
    }
  }

  Rows x_;
  std::size_t p_;
  std::vector<std::int64_t> ranks_;
  std::vector<Key> prefix_;         // digits known, of each column and rank
  std::vector<std::int64_t> left_;  // rank among the elements that share them
  Counts nan_;
};

}  // namespace

Array quantile(const Rows& given, std::span<const double> q) {
  if (given.ndim() < 1) throw ValueError("quantile needs an array of at least one dimension");
  for (const double v : q)
    if (!(v >= 0 && v <= 1))
      throw ValueError(fmt::format("quantiles must be in the range [0, 1], got {}", v));
  if (!given.categories().empty()) detail::refuse_text(given.categories());
  const Rows x = given.to(cpu);
  const auto& comm = x.comm();
  const std::int64_t n = x.rows();
  const DType dtype = x.dtype() == DType::float32 ? DType::float32 : DType::float64;
  Shape shape = x.shape();
  shape[0] = std::ssize(q);
  const auto p = static_cast<std::size_t>(x.cols());
  std::vector<double> values(q.size() * p, std::numeric_limits<double>::quiet_NaN());
  detail::visit_ordered("quantile", x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (n == 0 || values.empty()) return;
    std::vector<std::int64_t> ranks;
    for (const double v : q) {
      const auto low = static_cast<std::int64_t>(v * static_cast<double>(n - 1));
      ranks.push_back(low);
      ranks.push_back(std::min(low + 1, n - 1));
    }
    const OrderStatistics<T> found(x, ranks);
    for (std::size_t i = 0; i < q.size(); ++i)
      for (std::size_t j = 0; j < p; ++j) {
        if (found.has_nan(j)) continue;
        const auto low = static_cast<double>(found.value(j, 2 * i));
        const auto high = static_cast<double>(found.value(j, 2 * i + 1));
        const double at = q[i] * static_cast<double>(n - 1);
        const double t = at - std::floor(at);
        const double step = high - low;
        double& value = values[i * p + j];
        if (low == high || t == 0)
          value = low;
        else if (!std::isfinite(step))
          value = low * (1 - t) + high * t;
        else  // from the nearer end, as NumPy
          value = t < 0.5 ? low + step * t : high - step * (1 - t);
      }
  });
  return replicated(values, shape, comm).astype(dtype);
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
