// Reductions: several accumulators side by side along what lies one after another in memory, and
// blocks of it merged pairwise, so that rounding errors grow with the logarithm of n. How elements
// are dealt to accumulators depends on n alone, never on the instruction set.
#include <tessera/array/kernels/cpu/reductions.hpp>

#include <algorithm>

namespace tessera::on_cpu {
namespace {

struct Blocks {
  static constexpr std::int64_t lanes = 16;
  static constexpr std::int64_t block = 128 * lanes;

  // n elements in a row, at least one.
  template <class A, class T>
  static A line(const T* x, std::int64_t n, std::int64_t first) {
    if constexpr (requires { typename A::Extreme; })
      return place<A>(x, n, first);
    else
      return fold<A>(x, n, first);
  }

  // Where the best one is: looked for in those blocks only that have a better one.
  template <class A, class T>
  static A place(const T* x, std::int64_t n, std::int64_t first) {
    A best;
    best.first(x[0], first);
    for (std::int64_t at = 0; at < n; at += block) {
      const std::int64_t end = std::min(n, at + block);
      const T extreme = fold<typename A::Extreme>(x + at, end - at, 0).value;
      if (!A::better(extreme, best.value)) continue;
      std::int64_t i = at;
      while (x[i] != extreme && (extreme == extreme || x[i] == x[i])) ++i;
      best.first(x[i], first + i);
    }
    return best;
  }

  template <class A, class T>
  static A fold(const T* x, std::int64_t n, std::int64_t first) {
    if (n > block) {
      const std::int64_t left = (n / block + 1) / 2 * block;
      A a = fold<A>(x, left, first);
      if (left < n) a.merge(fold<A>(x + left, n - left, first + left));
      return a;
    }
    if (n < 2 * lanes) {
      A a;
      a.first(x[0], first);
      for (std::int64_t i = 1; i < n; ++i) a.add(x[i], first + i);
      return a;
    }
    A all[lanes];
    for (std::int64_t k = 0; k < lanes; ++k) all[k].first(x[k], first + k);
    std::int64_t i = lanes;
    for (; i + lanes <= n; i += lanes)
      for (std::int64_t k = 0; k < lanes; ++k) all[k].add(x[i + k], first + i + k);
    for (std::int64_t k = 0; i + k < n; ++k) all[k].add(x[i + k], first + i + k);
    for (std::int64_t step = lanes / 2; step > 0; step /= 2)
      for (std::int64_t k = 0; k < step; ++k) all[k].merge(all[k + step]);
    return all[0];
  }

  template <class A, class T>
  static void run(const Tile& x, std::int64_t n, std::int64_t first, const Tile& out) {
    for (std::int64_t b = 0; b < out.rows; ++b) {
      auto* all = static_cast<A*>(out.slice(b, 1).data);
      const Tile rows = x.slice(b * n, n);
      if (x.cols == 1 && x.stride == 1) {
        all[0] = line<A>(rows.as<const T>(), n, first);
        continue;
      }
      for (std::int64_t i = 0; i < n; ++i) {
        const T* row = rows.as<const T>() + i * rows.stride;
        if (i == 0)
          for (std::int64_t j = 0; j < x.cols; ++j) all[j].first(row[j], first);
        else
          for (std::int64_t j = 0; j < x.cols; ++j) all[j].add(row[j], first + i);
      }
    }
  }
};

}  // namespace

void implement_reductions(Backend& backend, const reductions::Operations& operations) {
  reductions::implement<Blocks>(backend, operations, reductions::All{});
}

}  // namespace tessera::on_cpu
