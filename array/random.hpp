#pragma once
#include <optional>

#include <tessera/runtime/array.hpp>

/// Random arrays, the same numbers at any number of processes and threads: element i, counted
/// row-major, is a function of (seed, stream, what is drawn, i) by Philox4x32-10
/// (runtime/random.hpp). So no call depends on those before it. Streams are separated by the
/// counter: the functions have one word of it, in which each has a number of its own (8 bits, apart
/// from those of estimators and `tessera make`) and each of 2^24 streams another; the 64 bits of i
/// are two other words, and the seed is the key. What is to be independent takes another stream, or
/// another seed. All are collective; results lie by rows. ValueError for a stream of 2^24 or more.
namespace tessera::random {

/// Which numbers: those of another seed or stream are independent.
struct Draw {
  std::uint64_t seed = 0;
  std::uint32_t stream = 0;
};

/// Uniform in [low, high), 53 random bits rounded to the dtype, to the number below `high` where
/// that would be `high`. float32 or float64, TypeError for others; ValueError unless low <= high
/// and their distance is finite.
Array uniform(const Shape& shape, double low = 0, double high = 1, DType dtype = DType::float64,
              Draw draw = {}, const Communicator& comm = Communicator::world());
/// Normal, by Box and Muller. float32 or float64, TypeError for others; ValueError for a negative
/// scale.
Array normal(const Shape& shape, double loc = 0, double scale = 1, DType dtype = DType::float64,
             Draw draw = {}, const Communicator& comm = Communicator::world());
/// Uniform in [low, high); no number is more likely than another by more than 2^-20 of its share.
/// An integer dtype, TypeError for others; ValueError unless low < high and the dtype holds both
/// ends.
Array integers(const Shape& shape, std::int64_t low, std::int64_t high, DType dtype = DType::int64,
               Draw draw = {}, const Communicator& comm = Communicator::world());
/// 0 ... n - 1 in random order, int64: where random keys are when sorted. ValueError for n < 0.
Array permutation(std::int64_t n, Draw draw = {}, const Communicator& comm = Communicator::world());
/// The rows of x in random order.
Array permutation(const Array& x, Draw draw = {});
/// Numbers below n, int64, each as likely, or by the probabilities p (real, n of them, any positive
/// sum). Without replacement none comes twice: rows of p are ordered by exponential waiting times
/// divided by p. ValueError for n < 1 where something is drawn, for more than there are, and for p
/// that is negative, not finite or 0 everywhere.
Array choice(std::int64_t n, const Shape& shape, bool replace = true,
             const std::optional<Array>& p = {}, Draw draw = {},
             const Communicator& comm = Communicator::world());
/// Rows of x: shape (shape..., tail of x).
Array choice(const Array& x, const Shape& shape, bool replace = true,
             const std::optional<Array>& p = {}, Draw draw = {});

}  // namespace tessera::random
