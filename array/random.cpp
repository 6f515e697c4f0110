#include <tessera/array/random.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <tessera/array/creation.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/functions.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/array/sets.hpp>
#include <tessera/array/sort.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/random.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::random {
namespace {

// What is drawn; of choice() other numbers than of the functions that it is like.
enum class Use : std::uint32_t {
  uniform,
  normal,
  integers,
  more_bits,
  order,
  choices,
  more_choices,
  waits
};

Random generator(Draw draw, Use use) {
  if (draw.stream >> 24 != 0)
    throw ValueError(fmt::format("stream must be below 2^24, got {}", draw.stream));
  return {draw.seed, (64 + static_cast<std::uint32_t>(use)) << 24 | draw.stream};
}

void needs_floating(const char* function, DType dtype) {
  if (!is_floating(dtype))
    throw TypeError(fmt::format("{} makes float32 or float64, not {}", function, name_of(dtype)));
}

// f(i) for every element by its index.
template <class F>
Array made(const Shape& shape, DType dtype, const Communicator& comm, const F& f) {
  const Array out = detail::room_for(shape, dtype, row_distribution(shape, comm), comm);
  const Tile t = out.local();
  const std::int64_t first = out.local_rows().begin * t.cols, n = t.rows * t.cols;
  constexpr std::int64_t share = 1 << 13;
  visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto some = [&](std::int64_t k, Stream&) {
      for (std::int64_t i = k * share; i < std::min(n, (k + 1) * share); ++i)
        if constexpr (!requires(T v) { v.imag(); })
          t.as<T>()[i] = static_cast<T>(f(static_cast<std::uint64_t>(first + i)));
    };
    parallel_for({0, (n + share - 1) / share}, n <= share ? 1 : Runtime::threads(), some);
  });
  return out;
}

Array orders(std::int64_t n, const Random& random, const Communicator& comm) {
  return argsort(made({n}, DType::float64, comm, [&](auto i) { return random.uniform(i); }), 0,
                 false);
}

Array whole_numbers(const Shape& shape, std::int64_t low, std::int64_t high, DType dtype,
                    const Random& random, const Random& more, const Communicator& comm) {
  const auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  return made(shape, dtype, comm, [=](std::uint64_t i) {
    std::uint64_t offset;
    if (span >> 32 == 0) {
      offset = random.integer(i, span);
    } else {  // 64 bits from two draws
      const auto bits = [i](const Random& r) { return r.integer(i, std::uint64_t{1} << 32); };
      const unsigned __int128 all = bits(random) << 32 | bits(more);
      offset = static_cast<std::uint64_t>(all * span >> 64);
    }
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
  });
}

std::int64_t drawn(const Shape& shape, std::int64_t n, bool replace) {
  const std::int64_t count = element_count(shape);
  if (n < 1 && count > 0)
    throw ValueError(fmt::format("choice needs something to choose from, got {}", n));
  if (!replace && count > n)
    throw ValueError(fmt::format("choice without replacement has {} to give, not {}", n, count));
  return count;
}

// The first `count` places of the sorted order of keys.
Array first_of(const Array& keys, const Shape& shape) {
  return reshape(index(argsort(keys, 0, false), {Slice{0, element_count(shape)}}), shape);
}

Array checked_weights(const Array& given, std::int64_t n) {
  if (is_complex(given.dtype()))
    throw TypeError(fmt::format("p must be real numbers, got {}", name_of(given.dtype())));
  if (given.ndim() != 1 || given.size() != n)
    throw ValueError(fmt::format("p must be {} probabilities, got an array of shape {}", n,
                                 to_string(given.shape())));
  const Array p = given.astype(DType::float64);
  const double total = sum(p).at<double>({});
  if (!std::isfinite(total) || total <= 0 || min(p).at<double>({}) < 0)
    throw ValueError(fmt::format(
        "p must not be negative and have a positive, finite sum; the sum is {}", total));
  return p;
}

}  // namespace

Array uniform(const Shape& shape, double low, double high, DType dtype, Draw draw,
              const Communicator& comm) {
  needs_floating("uniform", dtype);
  const double width = high - low;
  if (!std::isfinite(width))
    throw ValueError(fmt::format("uniform needs a finite range, got {} to {}", low, high));
  if (width < 0)
    throw ValueError(fmt::format("uniform needs low <= high, got {} and {}", low, high));
  const Random random = generator(draw, Use::uniform);
  const auto largest = [&](auto end) {  // below `high`
    return std::nextafter(end, static_cast<decltype(end)>(low));
  };
  const float limit = largest(static_cast<float>(high));
  const double wide_limit = largest(high);
  return made(shape, dtype, comm, [=](std::uint64_t i) {
    const double v = low + width * random.uniform(i);
    if (dtype == DType::float64) return v >= high && high > low ? wide_limit : v;
    return static_cast<float>(v) >= static_cast<float>(high) && high > low ? double{limit} : v;
  });
}

Array normal(const Shape& shape, double loc, double scale, DType dtype, Draw draw,
             const Communicator& comm) {
  needs_floating("normal", dtype);
  if (!(scale >= 0)) throw ValueError(fmt::format("normal needs scale >= 0, got {}", scale));
  const Random random = generator(draw, Use::normal);
  return made(shape, dtype, comm, [=](std::uint64_t i) { return loc + scale * random.normal(i); });
}

Array integers(const Shape& shape, std::int64_t low, std::int64_t high, DType dtype, Draw draw,
               const Communicator& comm) {
  if (!is_integer(dtype))
    throw TypeError(fmt::format("integers makes integers, not {}", name_of(dtype)));
  if (low >= high)
    throw ValueError(fmt::format("integers needs low < high, got {} and {}", low, high));
  std::uint64_t ignored;
  for (const std::int64_t end : {low, high - 1}) Scalar(end).write(dtype, &ignored);
  return whole_numbers(shape, low, high, dtype, generator(draw, Use::integers),
                       generator(draw, Use::more_bits), comm);
}

Array permutation(std::int64_t n, Draw draw, const Communicator& comm) {
  if (n < 0) throw ValueError(fmt::format("permutation needs n >= 0, got {}", n));
  return orders(n, generator(draw, Use::order), comm);
}
Array permutation(const Array& x, Draw draw) {
  if (x.ndim() == 0) throw ValueError("permutation needs an array of one dimension at least");
  return take(x, permutation(x.rows(), draw, x.comm()), 0);
}

Array choice(std::int64_t n, const Shape& shape, bool replace, const std::optional<Array>& given,
             Draw draw, const Communicator& comm) {
  const std::int64_t count = drawn(shape, n, replace);
  if (count == 0) return zeros(shape, DType::int64, comm);
  if (!given) {
    const Random random = generator(draw, Use::choices);
    if (replace)
      return whole_numbers(shape, 0, n, DType::int64, random, generator(draw, Use::more_choices),
                           comm);
    return reshape(index(orders(n, random, comm), {Slice{0, count}}), shape);
  }
  const Array p = checked_weights(*given, n);
  if (replace) {
    // Of equal sums the first is that of an element with p > 0.
    const Array sums = cumulative_sum(p, 0);
    const double total = sums.at<double>({n - 1});
    const Random random = generator(draw, Use::choices);
    const double most = std::nextafter(total, 0.0);
    const Array shares = made({count}, DType::float64, comm, [=](std::uint64_t i) {
      return std::min(most, total * random.uniform(i));
    });
    return reshape(searchsorted(sums, shares, "right"), shape);
  }
  const std::int64_t possible = count_nonzero(p).at<std::int64_t>({});
  if (possible < count)
    throw ValueError(fmt::format(
        "choice without replacement needs {} probabilities above 0, got {}", count, possible));
  const Random random = generator(draw, Use::waits);
  const Array waits = made({n}, DType::float64, comm,
                           [=](std::uint64_t i) { return -std::log(1 - random.uniform(i)); });
  const Array never = filled({}, Scalar(std::numeric_limits<double>::infinity()), {}, comm);
  return first_of(where(p > 0, divide(waits, p), never), shape);
}
Array choice(const Array& x, const Shape& shape, bool replace, const std::optional<Array>& p,
             Draw draw) {
  if (x.ndim() == 0) throw ValueError("choice needs an array of one dimension at least");
  const Array rows = choice(x.rows(), shape, replace, p, draw, x.comm());
  Shape all = shape;
  all.insert(all.end(), x.shape().begin() + 1, x.shape().end());
  return reshape(take(x, reshape(rows, {rows.size()}), 0), all);
}

}  // namespace tessera::random

namespace tessera {

void detail::add_random(std::vector<ArrayFunction>& all) {
  using In = const ArrayArguments&;
  const auto draw = [](In in, std::size_t i) {
    const std::int64_t seed = in.integer(i), stream = in.integer(i + 1);
    if (seed < 0) throw ValueError(fmt::format("seed must not be negative, got {}", seed));
    if (stream < 0 || stream >> 24 != 0)
      throw ValueError(fmt::format("stream must be from 0 to 2^24 - 1, got {}", stream));
    return random::Draw{static_cast<std::uint64_t>(seed), static_cast<std::uint32_t>(stream)};
  };
  const auto add = [&](std::string name, std::string parameters, std::string doc, auto call) {
    all.push_back({std::move(name), std::move(parameters) + ", seed=0, stream=0, comm=None",
                   std::move(doc),
                   [=](In in) -> Argument {
                     static_cast<void>(in.comm());  // refuses an array that lies on others
                     return call(in, draw);
                   },
                   "random"});
  };
  add("uniform", "shape, *, low=0.0, high=1.0, dtype=None", "Uniform numbers in [low, high).",
      [](In in, auto d) {
        return random::uniform(in.integers(0), in.number(1), in.number(2),
                               in.dtype(3).value_or(DType::float64), d(in, 4), in.comm());
      });
  add("normal", "shape, *, loc=0.0, scale=1.0, dtype=None", "Normal numbers.", [](In in, auto d) {
    return random::normal(in.integers(0), in.number(1), in.number(2),
                          in.dtype(3).value_or(DType::float64), d(in, 4), in.comm());
  });
  add("integers", "shape, low, high, *, dtype=None", "Uniform integers in [low, high).",
      [](In in, auto d) {
        return random::integers(in.integers(0), in.integer(1), in.integer(2),
                                in.dtype(3).value_or(DType::int64), d(in, 4), in.comm());
      });
  add("permutation", "x, *", "0 ... x - 1, or the rows of the array x, in random order.",
      [](In in, auto d) {
        return std::holds_alternative<Array>(in[0])
                   ? random::permutation(in.array(0), d(in, 1))
                   : random::permutation(in.integer(0), d(in, 1), in.comm());
      });
  add("choice", "x, shape, *, replace=True, p=None",
      "Numbers below x, or rows of the array x, at random, by probabilities p.", [](In in, auto d) {
        std::optional<Array> p;
        if (std::holds_alternative<std::vector<double>>(in[3])) {
          const auto shares = in.numbers(3);
          p = replicated(shares, {std::ssize(shares)}, in.comm());
        } else if (in.given(3)) {
          p = in.array(3);
        }
        return std::holds_alternative<Array>(in[0])
                   ? random::choice(in.array(0), in.integers(1), in.flag(2), p, d(in, 4))
                   : random::choice(in.integer(0), in.integers(1), in.flag(2), p, d(in, 4),
                                    in.comm());
      });
}

}  // namespace tessera
