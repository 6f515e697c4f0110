#pragma once
#include <cstdint>

namespace tessera {

/// Counter-based random numbers (Philox4x32-10, Salmon et al., SC 2011): a pure function of
/// (seed, purpose, index), so that what a row gets does not depend on which process draws it.
class Random {
 public:
  /// `purpose` separates independent uses of one seed.
  Random(std::uint64_t seed, std::uint32_t purpose) : seed_(seed), purpose_(purpose) {}
  /// Uniform in [0, 1) with 53 random bits.
  double uniform(std::uint64_t index) const;
  /// Standard normal (Box-Muller).
  double normal(std::uint64_t index) const;
  /// Uniform in [0, bound), bound >= 1.
  std::uint64_t integer(std::uint64_t index, std::uint64_t bound) const;

 private:
  std::uint64_t seed_;
  std::uint32_t purpose_;
};

}  // namespace tessera
