#pragma once
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <tessera/runtime/cpu_target.hpp>

/// What the tests of CPU kernels share: one run per instruction set, awkward blocks of data, and
/// comparisons with long double loops that report the worst element only.
namespace tessera::test {

using Wide = long double;

inline std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

template <class T>
constexpr double eps_of = std::numeric_limits<T>::epsilon();

/// Makes every CPU kernel run on one Highway target while it lives.
class OnTarget {
 public:
  explicit OnTarget(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
  }
  ~OnTarget() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();  // the next dispatch chooses again
  }
  OnTarget(const OnTarget&) = delete;
};

/// The targets that this machine has and the kernels were compiled for.
inline const std::vector<std::int64_t>& targets() {
  static const std::vector<std::int64_t> all = [] {
    std::vector<std::int64_t> found;
    for (std::int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
      const std::int64_t target = left & -left;
      const OnTarget on(target);
      if (std::string(on_cpu::target_name()) == hwy::TargetName(target)) found.push_back(target);
    }
    return found;
  }();
  return all;
}

/// Reproducible numbers.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed * 2654435761u + 1) {}
  double uniform() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state_ >> 11) * 0x1p-53;
  }
  /// Mean 0, variance about 1, bounded.
  double bell() { return (uniform() + uniform() + uniform() + uniform() - 2) * 1.732; }

  template <class T>
  std::vector<T> weights(std::int64_t n) {
    std::vector<T> w(z(n));
    for (auto& v : w) v = uniform() < 0.1 ? T(0) : static_cast<T>(0.1 + 3 * uniform());
    return w;
  }

 private:
  std::uint64_t state_;
};

/// A block whose last row ends with its allocation (sanitizers see reads beyond it) and whose gaps
/// between rows are NaN (results show reads of them).
template <class T>
struct Block {
  std::int64_t rows, cols, stride;
  std::vector<T> values;

  Block(std::int64_t n, std::int64_t p, std::int64_t gap, double offset, Numbers& numbers)
      : rows(n), cols(p), stride(p + gap) {
    if (n > 0) values.assign(z((n - 1) * stride + p), std::numeric_limits<T>::quiet_NaN());
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < p; ++j)
        at(i, j) = static_cast<T>(numbers.bell() + offset * (1 + 0.01 * static_cast<double>(j)));
  }
  T& at(std::int64_t i, std::int64_t j) { return values[z(i * stride + j)]; }
  T at(std::int64_t i, std::int64_t j) const { return values[z(i * stride + j)]; }
  const T* data() const { return values.data(); }
  const T* row(std::int64_t i) const { return values.data() + i * stride; }

  /// The same rows at `shift` elements from the start of an allocation.
  std::vector<T> moved(std::int64_t shift) const {
    std::vector<T> copy(z(shift), std::numeric_limits<T>::quiet_NaN());
    copy.insert(copy.end(), values.begin(), values.end());
    return copy;
  }
};

/// Collects comparisons; says on destruction how many failed, and shows the worst.
class Comparison {
 public:
  explicit Comparison(std::string what) : what_(std::move(what)) {}
  ~Comparison() {
    if (wrong_ > 0)
      ADD_FAILURE() << what_ << " on " << on_cpu::target_name() << ": " << wrong_ << " of "
                    << count_ << " values wrong, the worst at " << where_ << ": " << shown_;
  }
  Comparison(const Comparison&) = delete;

  /// |got - want| <= tolerance; a NaN where none is wanted is wrong.
  void near(Wide got, Wide want, Wide tolerance, std::int64_t i = 0, std::int64_t j = 0) {
    ++count_;
    const Wide error = std::abs(got - want);
    if (got == want || error <= tolerance) return;
    ++wrong_;
    const Wide excess =
        std::isnan(error) ? std::numeric_limits<Wide>::infinity() : error - tolerance;
    if (wrong_ > 1 && !(excess > worst_)) return;
    worst_ = excess;
    where_ = fmt::format("({}, {})", i, j);
    shown_ = fmt::format("{:.17g} instead of {:.17g}, allowed is {:.3g}", static_cast<double>(got),
                         static_cast<double>(want), static_cast<double>(tolerance));
  }
  /// The same value, where NaN equals NaN.
  void same(Wide got, Wide want, std::int64_t i = 0, std::int64_t j = 0) {
    if (std::isnan(got) && std::isnan(want)) {
      ++count_;
      return;
    }
    near(got, want, 0, i, j);
  }
  void holds(bool condition, const char* statement, std::int64_t i = 0, std::int64_t j = 0) {
    ++count_;
    if (condition) return;
    if (++wrong_ > 1) return;
    where_ = fmt::format("({}, {})", i, j);
    shown_ = fmt::format("not so: {}", statement);
  }

 private:
  std::string what_;
  std::int64_t count_ = 0;
  std::int64_t wrong_ = 0;
  Wide worst_ = 0;
  std::string where_;
  std::string shown_;
};

inline const std::vector<std::int64_t> kernel_rows = {0, 1, 2, 31, 32, 33, 255, 257, 1000, 4096};
inline const std::vector<std::int64_t> kernel_cols = {1, 2, 3, 4, 5, 15, 16, 17, 64, 100, 129};

}  // namespace tessera::test
