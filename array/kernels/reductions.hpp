#pragma once
#include <limits>
#include <map>
#include <string_view>

#include <tessera/array/kernels/functions.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>
#include <tessera/runtime/visit.hpp>

/// The reductions: for each what is kept of elements (an accumulator, plain bytes), how it takes in
/// one more and absorbs that of elements further on, and what comes out. The index of an element
/// counts along what is reduced.
namespace tessera::reductions {

using functions::Any;
using functions::Complex;
using functions::Floating;
using functions::Number;
using functions::Ordered;

/// What sums are kept in: float64, complex128, int64 or uint64.
template <class T>
struct WideOf {
  using type = std::conditional_t<Floating<T>, double,
                                  std::conditional_t<std::is_signed_v<T> || std::same_as<T, bool>,
                                                     std::int64_t, std::uint64_t>>;
};
template <template <class> class ComplexNumber, class T>
struct WideOf<ComplexNumber<T>> {
  using type = ComplexNumber<double>;
};
template <class T>
using Wide = typename WideOf<T>::type;

template <Any T>
struct SumOf {
  static constexpr std::string_view name = "sum";
  using Result = Wide<T>;
  Result value;
  constexpr void first(T x, std::int64_t) { value = static_cast<Result>(x); }
  constexpr void add(T x, std::int64_t) {
    value = functions::Add::of(value, static_cast<Result>(x));
  }
  constexpr void merge(const SumOf& later) { value = functions::Add::of(value, later.value); }
  constexpr Result result(double, double) const { return value; }
  static constexpr Result of_none() { return 0; }
};

template <Any T>
struct ProductOf {
  static constexpr std::string_view name = "prod";
  using Result = Wide<T>;
  Result value;
  constexpr void first(T x, std::int64_t) { value = static_cast<Result>(x); }
  constexpr void add(T x, std::int64_t) {
    value = functions::Multiply::of(value, static_cast<Result>(x));
  }
  constexpr void merge(const ProductOf& later) {
    value = functions::Multiply::of(value, later.value);
  }
  constexpr Result result(double, double) const { return value; }
  static constexpr Result of_none() { return 1; }
};

/// The sum in float64 or complex128, divided by how many there are.
template <Any T>
struct MeanOf {
  static constexpr std::string_view name = "mean";
  using Result = std::conditional_t<Complex<T>, Wide<T>, double>;
  Result value;
  constexpr void first(T x, std::int64_t) { value = static_cast<Result>(x); }
  constexpr void add(T x, std::int64_t) { value += static_cast<Result>(x); }
  constexpr void merge(const MeanOf& later) { value += later.value; }
  constexpr Result result(double n, double) const { return value / n; }
  static constexpr Result of_none() { return std::numeric_limits<double>::quiet_NaN(); }
};

/// Sums of x - shift and of its square; the shift is one of the elements, so that of n elements at
/// most n eps of the variance cancels. Chan's formula merges. The parameter is the correction.
template <class T>
requires(!Complex<T>) struct VarianceOf {
  static constexpr std::string_view name = "var";
  using Result = double;
  double count, shift, sum, squares;
  constexpr void first(T x, std::int64_t) { *this = {1, static_cast<double>(x), 0, 0}; }
  constexpr void add(T x, std::int64_t) {
    const double d = static_cast<double>(x) - shift;
    count += 1;
    sum += d;
    squares += d * d;
  }
  constexpr void merge(const VarianceOf& later) {
    const double mean = shift + sum / count, other = later.shift + later.sum / later.count;
    const double both = count + later.count, delta = other - mean;
    squares = deviations() + later.deviations() + delta * delta * (count * later.count / both);
    shift = mean + delta * (later.count / both);
    sum = 0;
    count = both;
  }
  constexpr double deviations() const { return squares - sum * sum / count; }
  constexpr double result(double n, double correction) const {
    return std::max(0.0, deviations()) / std::max(0.0, n - correction) + (squares - squares) +
           (shift - shift);  // NaN of infinities, and of NaN
  }
  static constexpr double of_none() { return std::numeric_limits<double>::quiet_NaN(); }
};

/// The extreme that F (Maximum, Minimum) makes of two.
template <class T, class F>
struct ExtremeOf {
  using Result = T;
  using Function = F;
  T value;
  constexpr void first(T x, std::int64_t) { value = x; }
  constexpr void add(T x, std::int64_t) { value = F::of(value, x); }
  constexpr void merge(const ExtremeOf& later) { value = F::of(value, later.value); }
  constexpr T result(double, double) const { return value; }
};
template <Ordered T>
struct MaximumOf : ExtremeOf<T, functions::Maximum> {
  static constexpr std::string_view name = "max";
};
template <Ordered T>
struct MinimumOf : ExtremeOf<T, functions::Minimum> {
  static constexpr std::string_view name = "min";
};

template <Any T>
struct AnyOf {
  static constexpr std::string_view name = "any";
  using Result = bool;
  bool value;
  constexpr void first(T x, std::int64_t) { value = x != T(0); }
  constexpr void add(T x, std::int64_t) { value |= x != T(0); }
  constexpr void merge(const AnyOf& later) { value |= later.value; }
  constexpr bool result(double, double) const { return value; }
  static constexpr bool of_none() { return false; }
};

template <Any T>
struct AllOf {
  static constexpr std::string_view name = "all";
  using Result = bool;
  bool value;
  constexpr void first(T x, std::int64_t) { value = x != T(0); }
  constexpr void add(T x, std::int64_t) { value &= x != T(0); }
  constexpr void merge(const AllOf& later) { value &= later.value; }
  constexpr bool result(double, double) const { return value; }
  static constexpr bool of_none() { return true; }
};

template <Any T>
struct CountOf {
  static constexpr std::string_view name = "count_nonzero";
  using Result = std::int64_t;
  std::int64_t value;
  constexpr void first(T x, std::int64_t) { value = x != T(0); }
  constexpr void add(T x, std::int64_t) { value += x != T(0); }
  constexpr void merge(const CountOf& later) { value += later.value; }
  constexpr std::int64_t result(double, double) const { return value; }
  static constexpr std::int64_t of_none() { return 0; }
};

/// Where the best element is, the first of several; NaN is better than any number.
template <class T, class Self, class Better>
struct BestOf {
  using Result = std::int64_t;
  T value;
  std::int64_t index;
  constexpr void first(T x, std::int64_t i) {
    value = x;
    index = i;
  }
  constexpr void add(T x, std::int64_t i) {
    if (better(x, value)) first(x, i);
  }
  constexpr void merge(const Self& later) {
    if (better(later.value, value) || (!better(value, later.value) && later.index < index))
      first(later.value, later.index);
  }
  constexpr std::int64_t result(double, double) const { return index; }
  static constexpr bool better(T x, T y) { return y == y && (x != x || Better()(x, y)); }
};
template <Ordered T>
struct ArgmaxOf : BestOf<T, ArgmaxOf<T>, std::greater<>> {
  using Extreme = MaximumOf<T>;
  static constexpr std::string_view name = "argmax";
};
template <Ordered T>
struct ArgminOf : BestOf<T, ArgminOf<T>, std::less<>> {
  using Extreme = MinimumOf<T>;
  static constexpr std::string_view name = "argmin";
};

template <template <class> class... R>
struct List {};
using All = List<AllOf, AnyOf, ArgmaxOf, ArgminOf, CountOf, MaximumOf, MeanOf, MinimumOf, ProductOf,
                 SumOf, VarianceOf>;

/// R for elements of that type, if it is defined for them.
template <template <class> class R, class T>
concept Takes = requires {
  typename R<T>;
};

/// Which index the first element of a block has, and how much further on that of the next is.
struct Start {
  std::int64_t first = 0, step = 0;
  std::int64_t of(std::int64_t block) const { return first + block * step; }
};

/// x is a stack of blocks of n rows each; row i of `out` receives the accumulators of block i, one
/// after another for each column of x. Columns are different results, so what is reduced is n rows,
/// whose indices `start` says. n is 1 at least.
using Signature = void(Stream&, const Tile& x, std::int64_t n, Start start, const Tile& out);
/// `array.sum` and so on. `out` has bytes: x.rows / n rows of x.cols accumulators.
const Operation<Signature>& operation(std::string_view name);

struct Reducer;
/// out (1 x count, of the reducer's result) = what comes out of `count` accumulators of n elements
/// each, which are the row of bytes given.
using Results = void(Stream&, const Tile& accumulators, const Reducer& reducer, double n,
                     double parameter, const Tile& out);
/// `array.results`.
const Operation<Results>& results();

using Operations = std::map<std::string_view, Operation<Signature>>;

/// For which dtypes R is defined.
template <template <class> class R>
DTypes dtypes() {
  return functions::dtypes_where(
      []<class T>(TypeTag<T>) { return std::bool_constant<Takes<R, T>>(); });
}

/// Implements one by `Blocks::run<R<T>, T>(x, n, start, out)`.
template <class Blocks, template <class> class R>
void implement_one(Backend& backend, const Operations& operations) {
  backend.implement(operations.at(R<double>::name), dtypes<R>(),
                    [](Stream&, const Tile& x, std::int64_t n, Start start, const Tile& out) {
                      visit(x.dtype, [&](auto tag) {
                        using T = typename decltype(tag)::type;
                        if constexpr (Takes<R, T>) Blocks::template run<R<T>, T>(x, n, start, out);
                      });
                    });
}
/// Implements all.
template <class Blocks, template <class> class... R>
void implement(Backend& backend, const Operations& operations, List<R...>) {
  (implement_one<Blocks, R>(backend, operations), ...);
}

/// One reduction of elements of one dtype.
struct Reducer {
  std::string_view name;
  std::size_t bytes;  ///< of an accumulator
  DType result;       ///< dtype of what comes out
  void (*merge)(void* left, const void* right, std::int64_t count);
  /// Results of `count` accumulators of n elements each.
  void (*finish)(const void* accumulators, std::int64_t count, double n, double parameter,
                 void* out);
  /// The result of no elements; null where there is none.
  void (*of_none)(void* out);
};
/// TypeError where it is not defined for that dtype. Makes the backends known.
const Reducer& reducer(std::string_view name, DType dtype);

}  // namespace tessera::reductions
