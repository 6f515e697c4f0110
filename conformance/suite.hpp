#pragma once
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>

/// Checks a backend's operations against the definition of each, the backend `reference`.
namespace tessera::conformance {

using Wide = long double;
using Index = std::int64_t;
using Tiles = std::span<const Tile>;
using Host = std::vector<double>;

inline std::size_t z(Index i) { return static_cast<std::size_t>(i); }

inline Wide eps_of(DType dtype) {
  return dtype == DType::float32 || dtype == DType::complex64
             ? Wide{std::numeric_limits<float>::epsilon()}
             : Wide{std::numeric_limits<double>::epsilon()};
}
constexpr Wide eps64 = std::numeric_limits<double>::epsilon();
constexpr Wide nan = std::numeric_limits<double>::quiet_NaN();
constexpr Wide inf = std::numeric_limits<double>::infinity();
/// How many roundings a sum of n terms may show, in any order: they partly cancel.
inline Wide roundings(Index n) { return 16 + 2 * std::sqrt(static_cast<Wide>(n)); }

/// Reproducible numbers.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed * 2654435761u + 1) {}
  Wide uniform() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<Wide>(state_ >> 11) * 0x1p-53L;
  }
  /// Mean 0, variance about 1, bounded.
  Wide bell() { return (uniform() + uniform() + uniform() + uniform() - 2) * 1.732L; }
  Index below(Index n) { return static_cast<Index>(uniform() * static_cast<Wide>(n)); }

 private:
  std::uint64_t state_;
};

/// Elements between the rows of a tile and before the first.
struct Layout {
  Index gap = 0;
  Index lead = 0;
};
constexpr Layout compact{};
constexpr Layout spread{3, 1};

/// A strided tile's worth of host memory. What nobody has set is poison: NaN, or -1 for integers.
struct Matrix {
  DType dtype = DType::float64;
  Index rows = 0, cols = 0, stride = 0, lead = 0;
  bool written = false;  ///< may the operation write it?
  std::vector<std::byte> bytes;

  Matrix() = default;  ///< an empty tile
  Matrix(DType type, Index m, Index n, Layout layout = {});
  /// An element, the real part of a complex one.
  Wide operator()(Index i, Index j) const { return number(i, j).real(); }
  std::complex<Wide> number(Index i, Index j) const;
  void set(Index i, Index j, std::complex<Wide> value);
  /// The whole memory, as one row at `memory`.
  Tile flat(void* memory, Device device) const;
  Tile tile(void* memory, Device device) const;
  std::byte* row(Index i) { return bytes.data() + offset(i, 0); }
  const std::byte* row(Index i) const { return bytes.data() + offset(i, 0); }
  Matrix output() const {
    Matrix m = *this;
    m.written = true;
    return m;
  }

 private:
  std::size_t offset(Index i, Index j) const;
};

/// What an operation is to fill.
inline Matrix result(DType dtype, Index rows, Index cols, Layout layout = {}) {
  return Matrix(dtype, rows, cols, layout).output();
}
/// Bells around `offset`, which grows a little from column to column; the third column is constant.
/// Bells for imaginary parts.
Matrix data(Numbers& numbers, DType dtype, Index rows, Index cols, Layout layout = {},
            Wide offset = 0);
/// Weights of rows, every tenth 0, and those of the second leaf all 0.
Matrix weights(Numbers& numbers, DType dtype, Index rows, Index leaf_rows);

/// Leaves to go through: one row, none, fewer rows than columns, several leaves, the last short.
struct Run {
  Index rows, cols, leaf_rows;
  Index leaves() const { return (rows + leaf_rows - 1) / leaf_rows; }
  std::string text() const;
};
const std::vector<Run>& runs();

/// What a backend made of a call.
struct Outcome {
  std::vector<Matrix> tiles;
  Host host;
  std::string error;
};

/// Compares values and remembers the worst of them, in units of its tolerance.
class Judge {
 public:
  /// |got - want| <= tolerance. Where `want` is not finite, `got` may not be either.
  void near(Wide got, Wide want, Wide tolerance, Index i = 0, Index j = 0);
  /// The same number; NaN is NaN, and -0 is not 0.
  void same(Wide got, Wide want, Index i = 0, Index j = 0);
  void holds(bool condition, const std::string& statement, Index i = 0, Index j = 0);
  void same(const Matrix& got, const Matrix& want);

  Wide worst() const { return worst_; }
  bool passed() const { return wrong_ == 0; }
  std::string text() const;

 private:
  void count(bool right, Wide error, Index i, Index j, const std::function<std::string()>& show);
  Index count_ = 0, wrong_ = 0;
  Wide worst_ = 0, shown_error_ = -1;
  std::string shown_;
};

/// Runs cases on a backend and keeps the score.
class Suite {
 public:
  using Call = std::function<void(Stream&, Tiles, Host&)>;
  using Compare = std::function<void(const Outcome& got, const Outcome& want, Judge&)>;
  using Print = std::function<void(const std::string&)>;

  Suite(std::string backend, Device device, bool verbose, Print print);

  /// One check: `call` on copies of `tiles`, on the device by the backend and on the host by
  /// `reference`, then `compare`. What the operation may not write must not have changed.
  void check(const std::string& what, std::vector<Matrix> tiles, const Call& call,
             const Compare& compare);
  /// The shapes and values of what a whole function gives.
  using Results = std::vector<std::pair<std::string, Matrix>>;
  /// One check of a whole function: by the backend, or composed of what that implements, and
  /// composed of what `reference` does. What both refuse with the same error is no check.
  /// Collective.
  void check_whole(const std::string& what, const std::function<Results()>& call);
  /// One check that bad data do not go unnoticed: an error, a false, or a value that is not finite.
  void check_notices(const std::string& what, std::vector<Matrix> tiles, const Call& call);

  /// Which operation and dtype the checks that follow are about.
  void begin(const std::string& operation, DType dtype);
  const std::string& operation() const { return scores_.back().operation; }
  /// A failure that is none of a check.
  void fail(const std::string& why);

  /// Prints the table and what failed; returns how much did.
  Index report();
  Index passed() const { return total(&Score::passed); }
  Index declined() const { return total(&Score::declined); }
  /// How many calls of whole functions both have refused.
  Index refused() const { return refused_; }
  /// How many calls the backend has taken.
  Index accepted() const { return passed() + total(&Score::failed); }

 private:
  struct Score {
    std::string operation;
    DType dtype;
    Index passed = 0, failed = 0, declined = 0;
    Wide worst = 0;
    std::map<std::string, Index> reasons;
    std::vector<std::string> failures;
  };
  Outcome run(const std::string& backend, Stream& stream, const std::vector<Matrix>& tiles,
              const Call& call) const;
  /// Whether the backend declined, which is then counted.
  bool declines(const Outcome& got);
  void count(const std::string& what, const Judge& judge);
  void check_unwritten(const std::vector<Matrix>& before, const Outcome& got, Judge& judge) const;
  Index total(Index Score::*member) const;

  std::string backend_;
  Stream stream_;
  Stream host_;
  bool verbose_;
  Print print_;
  std::vector<Score> scores_;
  Index refused_ = 0;
  std::vector<std::string> failures_;
};

/// An operation's cases. To cover a new operation, add an entry to its room's table.
struct Cases {
  std::string operation;
  DTypes dtypes;
  void (*run)(Suite&, DType);
};
std::vector<Cases> array_cases();
std::vector<Cases> linalg_cases();
std::vector<Cases> estimator_cases();
std::vector<Cases> ndimage_cases();
/// Of whole functions.
std::vector<Cases> whole_cases();

}  // namespace tessera::conformance
