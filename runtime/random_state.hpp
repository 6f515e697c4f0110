#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace tessera {

/// The numbers of numpy.random.RandomState, in its order: every function draws what NumPy's of that
/// name draws, so that an estimator makes scikit-learn's choices for scikit-learn's seed. For draws
/// whose count does not grow with the rows; all processes make the same ones, each from its own
/// state. What every row needs comes from Random, which is a function of the row's number.
class RandomState {
 public:
  explicit RandomState(std::uint32_t seed = 0) : engine_(seed) {}

  /// What NumPy's get_state and set_state pass, but for the name.
  struct Position {
    std::vector<std::uint32_t> key;  ///< 624 of them
    std::int64_t next;               ///< in the key, at most 624
    bool has_left_over;
    double left_over;
  };
  Position position() const;
  /// ValueError for what is none.
  void set_position(const Position& position);

  /// Uniform in [0, 1) with 53 random bits.
  double random_sample();
  std::vector<double> random_sample(std::int64_t size);
  double uniform(double low = 0.0, double high = 1.0);
  /// Polar method; every other number is left over from the one before.
  double normal(double loc = 0.0, double scale = 1.0);
  /// Uniform in [low, high), also randint(low, high, dtype=int32) of NumPy. ValueError unless
  /// low < high.
  std::int64_t randint(std::int64_t low, std::int64_t high);

  template <class T, std::size_t N>
  void shuffle(std::span<T, N> values) {
    for (auto i = static_cast<std::uint64_t>(values.size()); i-- > 1;)
      std::swap(values[i], values[interval(i)]);
  }
  /// 0 ... n-1, shuffled.
  std::vector<std::int64_t> permutation(std::int64_t n);

  /// Numbers below n, all with the same probability. ValueError as NumPy's.
  std::vector<std::int64_t> choice(std::int64_t n, std::int64_t size, bool replace = true);
  /// Indices of `p`, probabilities that sum to 1 (but for rounding).
  std::vector<std::int64_t> choice(std::span<const double> p, std::int64_t size,
                                   bool replace = true);

  /// For each share in [0, 1) the index at which the cumulated weights pass that share of their
  /// sum, with the weights of the indices `without` taken for 0.
  using Search = std::function<std::vector<std::int64_t>(std::span<const double> shares,
                                                         std::span<const std::int64_t> without)>;
  /// choice(p, size, replace=False) where the cumulated weights lie elsewhere. At least `size`
  /// weights are above 0.
  std::vector<std::int64_t> choice_without_replacement(std::int64_t size, const Search& search);

 private:
  std::uint64_t interval(std::uint64_t most);  // uniform in [0, most]

  std::mt19937 engine_;
  double left_over_ = 0.0;
  bool has_left_over_ = false;
};

/// What an estimator's random_state means: a seed its own numbers; None those of embed::Draws where
/// there are such, else the seed 0.
std::shared_ptr<RandomState> check_random_state(std::optional<std::int64_t> seed);

}  // namespace tessera
