#include <tessera/ndimage/measurements.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <unordered_map>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/ndimage/common.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::ndimage {
namespace {

constexpr std::int64_t none = -1;

template <class T>
concept Real = !requires(const T& v) {
  v.imag();
};

/// An image and, for each of its elements, which group it is in: 0, 1, ... or none.
class Grouped {
 public:
  Grouped(std::string_view function, const Array& given, const Groups& groups)
      : x_(detail::in_rows(given)) {
    if (is_complex(x_.dtype()))
      throw TypeError(fmt::format("{} takes real numbers, not {}", function, name_of(x_.dtype())));
    if (!groups.labels) {
      if (groups.index)
        throw ValueError(fmt::format("{} takes an index with labels alone", function));
      return;
    }
    if (is_complex(groups.labels.dtype()))
      throw TypeError(
          fmt::format("{} takes real labels, not {}", function, name_of(groups.labels.dtype())));
    const Array both[] = {x_, detail::in_rows(groups.labels)};
    const auto seen = broadcast_arrays(both);
    x_ = seen[0];
    labels_ = redistribute(seen[1], x_.distribution());
    has_labels_ = true;
    if (groups.index) {
      has_index_ = true;
      shape_ = groups.index.shape();
      wanted_ = host_numbers(groups.index);
      count_ = std::ssize(wanted_);
      for (std::int64_t i = 0; i < count_; ++i) place_.try_emplace(wanted_[z(i)], i);
    }
  }

  const Array& x() const { return x_; }
  std::int64_t count() const { return count_; }
  /// Elements of that dtype, with the labels beside them.
  Rows rows(DType dtype) const { return zip(Rows(x_).as(dtype), {labels_}); }

  /// The values of groups in the shape of the index; `more` are the axes of one value.
  template <class T>
  Array result(const std::vector<T>& values, const Shape& more = {}) const {
    const auto width = element_count(more);
    std::vector<T> all(values);
    // An index may name a label twice.
    for (std::size_t i = 0; i < wanted_.size(); ++i)
      std::copy_n(values.begin() + place_.at(wanted_[i]) * width, width,
                  all.begin() + static_cast<std::int64_t>(i) * width);
    Shape shape = shape_;
    shape.insert(shape.end(), more.begin(), more.end());
    return detail::settle(replicated(all, shape, x_.comm()));
  }

  /// one(element, its flat index, group) for a leaf's elements, of type T, that are in a group.
  template <class T, class One>
  void each(const Leaf& leaf, const One& one) const {
    const std::int64_t n = leaf.tile.rows * leaf.tile.cols;
    const std::int64_t first = leaf.rows.begin * leaf.tile.cols;
    const T* x = leaf.tile.as<const T>();
    std::array<std::int64_t, 1024> groups{};  // all in one, without labels
    for (std::int64_t begin = 0; begin < n; begin += std::ssize(groups)) {
      const std::int64_t count = std::min(std::ssize(groups), n - begin);
      if (has_labels_) find_groups(leaf.beside[0], begin, std::span(groups).first(z(count)));
      for (std::int64_t i = 0; i < count; ++i)
        if (groups[z(i)] != none) one(x[begin + i], first + begin + i, groups[z(i)]);
    }
  }

 private:
  // Of labels from `begin` on, whatever their dtype.
  void find_groups(const Tile& labels, std::int64_t begin, std::span<std::int64_t> groups) const {
    visit(labels.dtype, [&](auto tag) {
      using L = typename decltype(tag)::type;
      if constexpr (Real<L>) {
        const L* label = labels.as<const L>() + begin;
        L last{};
        std::int64_t group = group_of(last);
        for (std::int64_t& out : groups) {
          if (*label != last) group = group_of(last = *label);
          out = group;
          ++label;
        }
      }
    });
  }
  template <class L>
  std::int64_t group_of(L label) const {
    if (!has_index_) return label > L(0) ? 0 : none;
    const auto found = place_.find(static_cast<double>(label));
    return found == place_.end() ? none : found->second;
  }

  Array x_, labels_;
  bool has_labels_ = false, has_index_ = false;
  Shape shape_;
  std::vector<double> wanted_;
  std::unordered_map<double, std::int64_t> place_;
  std::int64_t count_ = 1;
};

// `width` sums over the elements of each group: add(those of the group, element, its flat index,
// the group).
template <class Add>
std::vector<double> sums_of(const Grouped& groups, std::int64_t width, const Add& add) {
  const auto size = z(groups.count() * width);
  auto sums = reduce<Sums>(groups.rows(DType::float64), [&](const Leaf& leaf, Stream&) {
                Sums partial{std::vector<double>(size)};
                groups.each<double>(leaf, [&](double value, std::int64_t at, std::int64_t group) {
                  add(partial.values.data() + group * width, value, at, group);
                });
                return partial;
              }).values;
  sums.resize(size);
  return sums;
}

// Sums divided by the first of them of each group.
std::vector<double> quotients(const std::vector<double>& sums, std::int64_t width) {
  std::vector<double> out;
  for (std::size_t k = 0; k < sums.size(); k += z(width))
    for (std::size_t i = 1; i < z(width); ++i) out.push_back(sums[k + i] / sums[k]);
  return out;
}

std::vector<double> means_of(const Grouped& groups) {
  return quotients(sums_of(groups, 2,
                           [](double* s, double v, std::int64_t, std::int64_t) {
                             s[0] += 1;
                             s[1] += v;
                           }),
                   2);
}

/// The first of the smallest or largest elements of each group; of NaN and others NaN if that wins.
template <class T>
struct Best {
  std::vector<T> values;
  std::vector<std::int64_t> at;  // none for no element
  bool largest = false, nan_wins = false;

  bool is_better(const T& value, const T& than) const {
    if constexpr (std::is_floating_point_v<T>)
      if (std::isnan(value) || std::isnan(than))
        return std::isnan(value) != std::isnan(than) && std::isnan(value) == nan_wins;
    return largest ? value > than : value < than;
  }
  void take(std::size_t group, const T& value, std::int64_t place) {
    if (at[group] != none && !is_better(value, values[group])) return;
    values[group] = value;
    at[group] = place;
  }
  void merge(const Best& right) {
    for (std::size_t g = 0; g < at.size(); ++g)
      if (right.at[g] != none) take(g, right.values[g], right.at[g]);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values, at, largest, nan_wins);
  }
};

/// The smallest and the largest, of which either may be left out.
template <class T>
struct Ends {
  std::vector<Best<T>> each;
  void merge(const Ends& right) {
    for (std::size_t k = 0; k < each.size(); ++k) each[k].merge(right.each[k]);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(each);
  }
};

struct Found {
  Array value, position;
};

// Of the smallest (false) or largest (true), or of both.
std::vector<Found> best(std::string_view function, const Array& given, const Groups& labelled,
                        const std::vector<bool>& largest) {
  const Grouped groups(function, given, labelled);
  const auto n = z(groups.count());
  // As in SciPy, which takes one group by NumPy's min and max and several in sorted order.
  const bool nan_wins = !labelled.index || labelled.index.ndim() == 0;
  std::vector<Found> out;
  visit(groups.x().dtype(), [&](auto tag) {
    using Given = typename decltype(tag)::type;
    // There is no vector of booleans to point into.
    using T = std::conditional_t<std::is_same_v<Given, bool>, std::uint8_t, Given>;
    if constexpr (Real<T>) {
      const auto none_yet = [&] {
        Ends<T> ends;
        for (const bool most : largest)
          ends.each.push_back(
              {std::vector<T>(n), std::vector<std::int64_t>(n, none), most, most || nan_wins});
        return ends;
      };
      auto found = reduce<Ends<T>>(groups.rows(groups.x().dtype()), [&](const Leaf& leaf, Stream&) {
        Ends<T> partial = none_yet();
        groups.each<T>(leaf, [&](T value, std::int64_t at, std::int64_t group) {
          for (auto& each : partial.each) each.take(z(group), value, at);
        });
        return partial;
      });
      if (found.each.empty()) found = none_yet();  // of no leaf
      const Shape& shape = groups.x().shape();
      for (auto& each : found.each) {
        each.values.resize(n);
        each.at.resize(n, none);
        if (!labelled.index && each.at[0] == none)
          throw ValueError(fmt::format("{} needs an element", function));
        std::vector<std::int64_t> places;
        for (const std::int64_t at : each.at) {
          std::vector<std::int64_t> place(shape.size());
          std::int64_t left = at;
          for (std::size_t d = at == none ? 0 : shape.size(); d-- > 0; left /= shape[d])
            place[d] = left % shape[d];
          places.insert(places.end(), place.begin(), place.end());
        }
        out.push_back({groups.result(each.values).astype(groups.x().dtype()),
                       groups.result(places, {std::ssize(shape)})});
      }
    }
  });
  return out;
}

}  // namespace

Array find_objects(const Array& given, std::int64_t max_label) {
  const Array x = detail::in_rows(given);
  if (is_floating(x.dtype()) || is_complex(x.dtype()) || x.dtype() == DType::boolean)
    throw TypeError(fmt::format("find_objects takes integers, not {}", name_of(x.dtype())));
  if (max_label < 1)
    max_label = x.size() == 0 ? 0 : static_cast<std::int64_t>(host_numbers(max(x))[0]);
  max_label = std::max<std::int64_t>(max_label, 0);
  const Shape& shape = x.shape();
  const std::size_t ndim = shape.size();
  // First elements, and ends below 0: the least of both is wanted.
  constexpr std::int64_t missing = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> least(z(max_label) * ndim * 2, missing);
  visit(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      const auto* label = x.local().as<const T>();
      const std::int64_t n = x.local_rows().size() * x.cols(),
                         first = x.local_rows().begin * x.cols();
      const std::int64_t line = ndim == 0 ? 1 : std::max<std::int64_t>(shape.back(), 1);
      const std::int64_t parts = std::clamp<std::int64_t>(n >> 16, 1, Runtime::threads());
      std::vector<std::vector<std::int64_t>> found(z(parts));
      parallel_for({0, parts}, Runtime::threads(), [&](std::int64_t p, Stream&) {
        auto& mine = found[z(p)] = least;
        for (std::int64_t i = n * p / parts; i < n * (p + 1) / parts;) {
          // A run of one label within a line: of it only the ends matter.
          const std::int64_t begin = i,
                             stop = std::min(n * (p + 1) / parts, i + line - (first + i) % line);
          const T value = label[i];
          while (i < stop && label[i] == value) ++i;
          if (!(value > T(0)) ||
              static_cast<std::uint64_t>(value) > static_cast<std::uint64_t>(max_label))
            continue;
          auto* box = mine.data() + (static_cast<std::size_t>(value) - 1) * ndim * 2;
          auto left = first + begin;
          for (std::size_t d = ndim; d-- > 0; left /= shape[d]) {
            const std::int64_t k = left % shape[d], last = d + 1 == ndim ? k + i - begin - 1 : k;
            box[2 * d] = std::min(box[2 * d], k);
            box[2 * d + 1] = std::min(box[2 * d + 1], -last - 1);
          }
        }
      });
      for (const auto& mine : found)
        std::ranges::transform(least, mine, least.begin(),
                               [](auto a, auto b) { return std::min(a, b); });
    }
  });
  if (!detail::is_replicated(x)) x.comm().all_reduce(std::span(least), Reduce::min);
  for (std::size_t k = 0; k < least.size(); k += 2) {
    const bool found = least[k] != missing;
    least[k] = found ? least[k] : -1;
    least[k + 1] = found ? -least[k + 1] : -1;
  }
  return replicated(least, {max_label, std::ssize(shape), 2}, x.comm());
}

Array sum_labels(const Array& x, const Groups& given) {
  const Grouped groups("sum_labels", x, given);
  const Array out = groups.result(
      sums_of(groups, 1, [](double* s, double v, std::int64_t, std::int64_t) { *s += v; }));
  // Without an index SciPy's sums are NumPy's, of the dtype of these.
  if (given.index) return out;
  const DType dtype = groups.x().dtype();
  if (is_floating(dtype)) return out.astype(dtype);
  return out.astype(dtype >= DType::uint8 && dtype <= DType::uint64 ? DType::uint64 : DType::int64);
}

Array mean(const Array& x, const Groups& given) {
  const Grouped groups("mean", x, given);
  return groups.result(means_of(groups));
}

Array variance(const Array& x, const Groups& given) {
  const Grouped groups("variance", x, given);
  const auto means = means_of(groups);
  return groups.result(
      quotients(sums_of(groups, 2,
                        [&](double* s, double v, std::int64_t, std::int64_t group) {
                          s[0] += 1;
                          s[1] += (v - means[z(group)]) * (v - means[z(group)]);
                        }),
                2));
}

Array standard_deviation(const Array& x, const Groups& groups) { return sqrt(variance(x, groups)); }

Array minimum(const Array& x, const Groups& groups) {
  return best("minimum", x, groups, {false})[0].value;
}
Array maximum(const Array& x, const Groups& groups) {
  return best("maximum", x, groups, {true})[0].value;
}
Array minimum_position(const Array& x, const Groups& groups) {
  return best("minimum_position", x, groups, {false})[0].position;
}
Array maximum_position(const Array& x, const Groups& groups) {
  return best("maximum_position", x, groups, {true})[0].position;
}

Extrema extrema(const Array& x, const Groups& groups) {
  const auto found = best("extrema", x, groups, {false, true});
  return {found[0].value, found[1].value, found[0].position, found[1].position};
}

Array center_of_mass(const Array& x, const Groups& given) {
  const Grouped groups("center_of_mass", x, given);
  const Shape& shape = groups.x().shape();
  const auto axes = std::ssize(shape);
  const auto sums =
      sums_of(groups, axes + 1, [&](double* s, double v, std::int64_t at, std::int64_t) {
        s[0] += v;
        for (std::size_t d = shape.size(); d-- > 0; at /= shape[d])
          s[d + 1] += v * static_cast<double>(at % shape[d]);
      });
  return groups.result(quotients(sums, axes + 1), {axes});
}

Array histogram(const Array& x, double least, double most, std::int64_t bins, const Groups& given) {
  if (bins < 1) throw ValueError(fmt::format("histogram needs 1 bin or more, got {}", bins));
  if (!(least < most) || !std::isfinite(most - least))
    throw ValueError(fmt::format("histogram needs a finite range, got {} to {}", least, most));
  const Grouped groups("histogram", x, given);
  std::vector<double> edges;
  edges.reserve(z(bins) + 1);
  const double step = (most - least) / static_cast<double>(bins);
  for (std::int64_t b = 0; b < bins; ++b) edges.push_back(static_cast<double>(b) * step + least);
  edges.push_back(most);
  const auto counts = sums_of(groups, bins, [&](double* s, double v, std::int64_t, std::int64_t) {
    if (!(v >= least && v <= most)) return;
    const auto bin = std::upper_bound(edges.begin(), edges.end(), v) - edges.begin() - 1;
    s[std::min<std::int64_t>(bin, bins - 1)] += 1;
  });
  return groups.result(counts, {bins}).astype(DType::int64);
}

}  // namespace tessera::ndimage
