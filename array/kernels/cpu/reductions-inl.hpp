// Reductions: several accumulators side by side along what lies one after another in memory, and
// blocks of it merged pairwise, so that rounding errors grow with the logarithm of n. How elements
// are dealt to accumulators depends on n alone, never on the instruction set. Compiled once per
// target, hence the toggled guard.
#if defined(TESSERA_ARRAY_KERNELS_CPU_REDUCTIONS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_ARRAY_KERNELS_CPU_REDUCTIONS_INL_HPP_
#undef TESSERA_ARRAY_KERNELS_CPU_REDUCTIONS_INL_HPP_
#else
#define TESSERA_ARRAY_KERNELS_CPU_REDUCTIONS_INL_HPP_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include <tessera/array/kernels/cpu/reductions.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {

using reductions::List;

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

  // The extreme of two rows of lanes or more, in vectors of the instruction set.
  template <class A, class T>
  static A extreme(const T* x, std::int64_t n) {
    constexpr std::int64_t width = std::min<std::int64_t>(lanes, HWY_LANES(T));
    constexpr std::int64_t vectors = lanes / width;
    using V [[gnu::vector_size(width * sizeof(T))]] = T;
    const auto better = [](const auto& one, const auto& later) __attribute__((always_inline)) {
      if constexpr (std::is_same_v<typename A::Function, functions::Maximum>)
        return one > later ? one : later;
      else
        return one < later ? one : later;
    };
    V best[vectors];
    std::memcpy(best, x, sizeof best);
    decltype(best[0] != best[0]) nan = best[0] != best[0];
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes)
      for (std::int64_t j = 0; j < vectors; ++j) {
        V v;
        std::memcpy(&v, x + i + j * width, sizeof v);
        if constexpr (std::is_floating_point_v<T>) nan |= v != v;
        best[j] = better(best[j], v);
      }
    for (std::int64_t j = 1; j < vectors; ++j) best[0] = better(best[0], best[j]);
    bool any = false;
    T value = best[0][0];
    for (std::int64_t k = 0; k < width; ++k) {
      any |= nan[k] != 0;
      value = better(value, best[0][k]);
    }
    for (; i < n; ++i) {
      any |= x[i] != x[i];
      value = better(value, x[i]);
    }
    A all;
    all.first(any ? *std::find_if(x, x + n, [](T v) { return v != v; }) : value, 0);
    return all;
  }

  // The variances of full rows of lanes, as they are added one by one, in vectors.
  template <class A, class T>
  static void variances(const T* x, std::int64_t rows, A* all) {
    constexpr std::int64_t width = std::min<std::int64_t>(lanes, HWY_LANES(double));
    constexpr std::int64_t vectors = lanes / width;
    using V [[gnu::vector_size(width * sizeof(double))]] = double;
    using Given [[gnu::vector_size(width * sizeof(T))]] = T;
    V shift[vectors], sum[vectors] = {}, squares[vectors] = {};
    const auto load = [x](std::int64_t i, std::int64_t j) __attribute__((always_inline)) {
      Given v;
      std::memcpy(&v, x + i * lanes + j * width, sizeof v);
      return __builtin_convertvector(v, V);
    };
    for (std::int64_t j = 0; j < vectors; ++j) shift[j] = load(0, j);
    for (std::int64_t i = 1; i < rows; ++i)
      for (std::int64_t j = 0; j < vectors; ++j) {
        const V d = load(i, j) - shift[j];
        sum[j] += d;
        squares[j] += d * d;
      }
    for (std::int64_t k = 0; k < lanes; ++k)
      all[k] = {static_cast<double>(rows), shift[k / width][k % width], sum[k / width][k % width],
                squares[k / width][k % width]};
  }

  template <class A, class T>
  static A fold(const T* x, std::int64_t n, std::int64_t first) {
    if (n < 2 * lanes) {
      A a;
      a.first(x[0], first);
      for (std::int64_t i = 1; i < n; ++i) a.add(x[i], first + i);
      return a;
    }
    if constexpr (requires { typename A::Function; })
      return extreme<A>(x, n);
    else
      return lanes_of<A>(x, n, first);
  }

  // Two rows of lanes or more.
  template <class A, class T>
  static A lanes_of(const T* x, std::int64_t n, std::int64_t first) {
    if (n > block) {
      const std::int64_t left = (n / block + 1) / 2 * block;
      A a = lanes_of<A>(x, left, first);
      if (left < n) a.merge(fold<A>(x + left, n - left, first + left));
      return a;
    }
    A all[lanes];
    std::int64_t i = 0;
    if constexpr (requires { all[0].squares; }) {
      variances(x, n / lanes, all);
      i = n / lanes * lanes;
    }
    if (i == 0)
      for (; i < lanes; ++i) all[i].first(x[i], first + i);
    for (; i + lanes <= n; i += lanes)
      for (std::int64_t k = 0; k < lanes; ++k) all[k].add(x[i + k], first + i + k);
    for (std::int64_t k = 0; i + k < n; ++k) all[k].add(x[i + k], first + i + k);
    for (std::int64_t step = lanes / 2; step > 0; step /= 2)
      for (std::int64_t k = 0; k < step; ++k) all[k].merge(all[k + step]);
    return all[0];
  }

  // Rows one after another; some at once, so that accumulators are read and written less often.
  template <class A, class T>
  static void columns(const Tile& x, std::int64_t n, std::int64_t first, A* __restrict all) {
    const auto* row = x.as<const T>();
    for (std::int64_t j = 0; j < x.cols; ++j) all[j].first(row[j], first);
    std::int64_t i = 1;
    for (; i + 4 <= n; i += 4) {
      const T *a = row + i * x.stride, *b = a + x.stride, *c = b + x.stride, *d = c + x.stride;
      for (std::int64_t j = 0; j < x.cols; ++j) {
        A one = all[j];
        one.add(a[j], first + i);
        one.add(b[j], first + i + 1);
        one.add(c[j], first + i + 2);
        one.add(d[j], first + i + 3);
        all[j] = one;
      }
    }
    for (; i < n; ++i)
      for (std::int64_t j = 0; j < x.cols; ++j) all[j].add(row[i * x.stride + j], first + i);
  }

  template <class A, class T>
  static void run(const Tile& x, std::int64_t n, reductions::Start start, const Tile& out) {
    for (std::int64_t b = 0; b < out.rows; ++b) {
      auto* all = static_cast<A*>(out.slice(b, 1).data);
      const std::int64_t first = start.of(b);
      const Tile rows = x.slice(b * n, n);
      if (x.cols == 1 && x.stride == 1) {
        all[0] = line<A>(rows.as<const T>(), n, first);
        continue;
      }
      columns<A, T>(rows, n, first, all);
    }
  }
};

// R of elements of that type, by one code for types that differ in name only.
template <template <class> class R, class T>
constexpr Run run_of() {
  using namespace reductions;
  using E = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;
  static_assert(sizeof(R<E>) == sizeof(R<T>));
  constexpr auto is = []<class... Same>(TypeTag<Same>...) {
    return (std::is_same_v<R<E>, Same> || ...);
  };
  if constexpr (!std::is_integral_v<E>) {
    // A mean is a sum until it is finished.
    using A = std::conditional_t<std::is_same_v<R<E>, MeanOf<E>>, SumOf<E>, R<E>>;
    return &Blocks::run<A, E>;
  } else {
    constexpr bool knows_no_sign =
        is(TypeTag<AllOf<E>>(), TypeTag<AnyOf<E>>(), TypeTag<CountOf<E>>()) ||
        (sizeof(E) == 8 && is(TypeTag<SumOf<E>>(), TypeTag<ProductOf<E>>()));
    using U = std::conditional_t<knows_no_sign, std::make_unsigned_t<E>, E>;
    return &Blocks::run<R<U>, U>;
  }
}

template <template <class> class R>
Run run_of(DType dtype) {
  Run run = nullptr;
  visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (reductions::Takes<R, T>) run = run_of<R, T>();
  });
  return run;
}

template <template <class> class... R>
Run find_in(List<R...>, std::size_t index, DType dtype) {
  static constexpr std::array<Run (*)(DType), sizeof...(R)> all = {&run_of<R>...};
  return all[index](dtype);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#endif  // toggled guard
