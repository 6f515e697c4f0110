#include <tessera/runtime/random_state.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <sstream>

#include <tessera/runtime/embed.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera {
namespace {

constexpr std::size_t key_size = std::mt19937::state_size;
thread_local RandomState* draws = nullptr;

}  // namespace

embed::Draws::Draws(RandomState& from) : before_(std::exchange(draws, &from)) {}
embed::Draws::~Draws() { draws = before_; }

std::shared_ptr<RandomState> check_random_state(std::optional<std::int64_t> seed) {
  if (!seed && draws) return {std::shared_ptr<void>(), draws};
  return std::make_shared<RandomState>(static_cast<std::uint32_t>(seed.value_or(0)));
}

// The standard library writes an engine as its numbers; that the next one's index follows them is
// libstdc++'s way.
RandomState::Position RandomState::position() const {
  std::stringstream text;
  text << engine_;
  Position at{std::vector<std::uint32_t>(key_size), 0, has_left_over_, left_over_};
  for (std::uint32_t& word : at.key) text >> word;
  text >> at.next;
  return at;
}

void RandomState::set_position(const Position& at) {
  if (at.key.size() != key_size || at.next < 0 || at.next > static_cast<std::int64_t>(key_size))
    throw ValueError("not a state of NumPy's MT19937");
  std::stringstream text;
  for (const std::uint32_t word : at.key) text << word << ' ';
  text << at.next;
  text >> engine_;
  has_left_over_ = at.has_left_over;
  left_over_ = at.left_over;
}

double RandomState::random_sample() {
  const std::uint32_t high = engine_() >> 5;
  const std::uint32_t low = engine_() >> 6;
  return (high * 0x1p26 + low) * 0x1p-53;
}

std::vector<double> RandomState::random_sample(std::int64_t size) {
  std::vector<double> out(static_cast<std::size_t>(size));
  for (double& v : out) v = random_sample();
  return out;
}

double RandomState::uniform(double low, double high) {
  return low + (high - low) * random_sample();
}

double RandomState::normal(double loc, double scale) {
  if (has_left_over_) {
    has_left_over_ = false;
    return loc + scale * left_over_;
  }
  double x = 0.0;
  double y = 0.0;
  double square = 0.0;
  do {
    x = 2.0 * random_sample() - 1.0;
    y = 2.0 * random_sample() - 1.0;
    square = x * x + y * y;
  } while (square >= 1.0 || square == 0.0);
  const double factor = std::sqrt(-2.0 * std::log(square) / square);
  left_over_ = factor * x;
  has_left_over_ = true;
  return loc + scale * (factor * y);
}

// Numbers of as many bits as `most` has, until one is not above it.
std::uint64_t RandomState::interval(std::uint64_t most) {
  if (most == 0) return 0;
  const std::uint64_t mask = ~std::uint64_t{0} >> std::countl_zero(most);
  for (;;) {
    std::uint64_t bits = engine_();
    if (most > 0xffffffffU) bits = bits << 32 | engine_();
    if ((bits & mask) <= most) return bits & mask;
  }
}

std::int64_t RandomState::randint(std::int64_t low, std::int64_t high) {
  if (low >= high)
    throw ValueError(fmt::format("randint needs low < high, got low={} and high={}", low, high));
  const auto least = static_cast<std::uint64_t>(low);  // wraps around, where high - low does
  return static_cast<std::int64_t>(least + interval(static_cast<std::uint64_t>(high) - least - 1));
}

std::vector<std::int64_t> RandomState::permutation(std::int64_t n) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), std::int64_t{0});
  shuffle(std::span(out));
  return out;
}

namespace {

void require_population(std::int64_t n, std::int64_t size, bool replace) {
  if (n < 1 && size > 0) throw ValueError("cannot choose from an empty population");
  if (!replace && size > n)
    throw ValueError(fmt::format(
        "cannot choose {} of {} without replacement: it is larger than the population", size, n));
}

}  // namespace

std::vector<std::int64_t> RandomState::choice(std::int64_t n, std::int64_t size, bool replace) {
  require_population(n, size, replace);
  std::vector<std::int64_t> out;
  if (replace) {
    for (std::int64_t i = 0; i < size; ++i) out.push_back(randint(0, n));
  } else {
    out = permutation(n);
    out.resize(static_cast<std::size_t>(size));
  }
  return out;
}

std::vector<std::int64_t> RandomState::choice(std::span<const double> p, std::int64_t size,
                                              bool replace) {
  require_population(std::ssize(p), size, replace);
  if (!std::all_of(p.begin(), p.end(), [](double v) { return v >= 0.0; }))
    throw ValueError("probabilities must not be negative or NaN");
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  if (!(std::abs(sum - 1.0) <= 0x1p-26))
    throw ValueError(fmt::format("probabilities must sum to 1, they sum to {}", sum));
  const auto positive = std::count_if(p.begin(), p.end(), [](double v) { return v > 0.0; });
  if (!replace && positive < size)
    throw ValueError(fmt::format(
        "cannot choose {} without replacement: {} probabilities are above 0", size, positive));

  std::vector<double> weights(p.begin(), p.end());
  const auto search = [&](std::span<const double> shares, std::span<const std::int64_t> without) {
    for (const std::int64_t i : without) weights[static_cast<std::size_t>(i)] = 0.0;
    std::vector<double> cumulated(weights.size());
    std::partial_sum(weights.begin(), weights.end(), cumulated.begin());
    for (double& c : cumulated) c /= cumulated.back();
    std::vector<std::int64_t> found;
    for (const double share : shares)
      found.push_back(std::upper_bound(cumulated.begin(), cumulated.end(), share) -
                      cumulated.begin());
    return found;
  };
  if (replace) return search(random_sample(size), {});
  return choice_without_replacement(size, search);
}

std::vector<std::int64_t> RandomState::choice_without_replacement(std::int64_t size,
                                                                  const Search& search) {
  std::vector<std::int64_t> found;
  while (std::ssize(found) < size) {
    const auto shares = random_sample(size - std::ssize(found));
    const auto known = found;
    for (const std::int64_t i : search(shares, known))
      if (std::find(found.begin(), found.end(), i) == found.end()) found.push_back(i);
  }
  return found;
}

}  // namespace tessera
