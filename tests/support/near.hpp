#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <string>
#include <typeinfo>
#include <vector>

#include <fmt/format.h>

#include <tessera/runtime/array.hpp>
#include <tessera/runtime/error.hpp>

/// Test data are functions of the global index, so that what an array should hold can be said
/// without communicating, for any number of processes and any distribution.
namespace tessera::test {

/// Well mixed 64 bits for an index (SplitMix64's finaliser).
inline std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// Uniform in [0, 1).
inline double unit(std::int64_t index, std::uint64_t seed = 0) {
  return static_cast<double>(mix(static_cast<std::uint64_t>(index) + (seed << 40)) >> 11) * 0x1p-53;
}

template <class T>
struct is_complex_type : std::false_type {};
template <class T>
struct is_complex_type<std::complex<T>> : std::true_type {};

/// The value test arrays hold at a flat global index: all bits in use for every element type.
template <class T>
T sample(std::int64_t flat) {
  const std::uint64_t bits = mix(static_cast<std::uint64_t>(flat));
  if constexpr (std::is_same_v<T, bool>)
    return (bits & 1) != 0;
  else if constexpr (std::is_integral_v<T>)
    return static_cast<T>(bits);
  else if constexpr (is_complex_type<T>::value)
    return {static_cast<typename T::value_type>(unit(2 * flat) - 0.5),
            static_cast<typename T::value_type>(unit(2 * flat + 1) * 100)};
  else
    return static_cast<T>((unit(flat) - 0.5) * 100);
}

/// All elements of a row-major array that holds f(flat index).
template <class T, class F>
std::vector<T> tabulate(std::int64_t count, F f) {
  std::vector<T> all;
  all.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) all.push_back(f(i));
  return all;
}

/// Calls f(flat global index, address of the element) for each element of this process's part.
template <class T, class F>
void for_each_element(const Array& x, F f) {
  const Tile t = x.local();
  const auto& d = x.distribution();
  const int rank = x.comm().rank();
  for (std::int64_t i = 0; i < t.rows; ++i)
    for (std::int64_t j = 0; j < t.cols; ++j) {
      T* element = t.as<T>() + i * t.stride + j;
      if (d.kind() == Distribution::Kind::block_cyclic)
        f(d.global_row(rank, j) * x.cols() + d.global_col(rank, i), element);
      else
        f((x.local_rows().begin + i) * x.cols() + j, element);
    }
}

/// An array with the given distribution that holds f(flat index), made without communication.
template <class T, class F>
Array make(const Shape& shape, const Distribution& distribution, F f,
           const Communicator& comm = Communicator::world()) {
  Array x(shape, dtype_of<T>, distribution, comm);
  for_each_element<T>(x, [&](std::int64_t flat, T* element) { *element = f(flat); });
  return x;
}
template <class T, class F>
Array make(const Shape& shape, F f, const Communicator& comm = Communicator::world()) {
  return make<T>(shape, Distribution::rows(shape.empty() ? 1 : shape[0], comm.size()), f, comm);
}
template <class T>
Array make(const Shape& shape, const Communicator& comm = Communicator::world()) {
  return make<T>(shape, sample<T>, comm);
}

/// 0 for equal values (NaN equals NaN here), infinity where only one is NaN.
template <class T>
double difference(const T& a, const T& b) {
  if (a == b || (a != a && b != b)) return 0.0;
  double d = 0.0;
  if constexpr (is_complex_type<T>::value)
    d = static_cast<double>(std::abs(a - b));
  else
    d = std::abs(static_cast<double>(a) - static_cast<double>(b));
  if (std::isnan(d)) return std::numeric_limits<double>::infinity();
  return std::max(d, std::numeric_limits<double>::denorm_min());  // wide integers may collide
}

template <class T>
std::string show(const T& v) {
  if constexpr (is_complex_type<T>::value)
    return fmt::format("{}{:+}i", v.real(), v.imag());
  else
    return fmt::format("{}", v);
}

/// "(3, 4)" for a flat index into `shape`.
inline std::string index_text(std::int64_t flat, const Shape& shape) {
  Shape index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return to_string(index);
}

/// Every process checks the part it holds against expected(flat index); the message has the worst
/// element, its global index and its owner.
template <class T, class F>
void expect_near(const Array& x, F expected, double tolerance) {
  ASSERT_TRUE(x) << "an empty Array handle";
  ASSERT_EQ(x.dtype(), dtype_of<T>);
  std::int64_t wrong = 0;
  std::int64_t worst_at = 0;
  double worst = 0.0;
  T got{};
  T wanted{};
  for_each_element<T>(x, [&](std::int64_t flat, const T* element) {
    const T e = expected(flat);
    const double d = difference<T>(*element, e);
    if (d > tolerance) ++wrong;
    if (d > worst) {
      worst = d;
      worst_at = flat;
      got = *element;
      wanted = e;
    }
  });
  if (wrong == 0) return;
  ADD_FAILURE() << wrong << " element(s) of " << to_string(x.shape()) << ' ' << name_of(x.dtype())
                << ' ' << x.distribution().to_string() << " differ by more than " << tolerance
                << "; worst by " << worst << " at " << index_text(worst_at, x.shape())
                << " on rank " << x.comm().rank() << ": " << show(got) << " instead of "
                << show(wanted);
}
template <class T, class F>
void expect_elements(const Array& x, F expected) {
  expect_near<T>(x, expected, 0.0);
}

/// The same shape, dtype and distribution, and elements within `tolerance`, part by part.
template <class T>
void expect_same(const Array& x, const Array& y, double tolerance = 0.0) {
  ASSERT_EQ(x.shape(), y.shape());
  ASSERT_EQ(x.dtype(), y.dtype());
  ASSERT_TRUE(x.distribution() == y.distribution())
      << x.distribution().to_string() << " and " << y.distribution().to_string();
  std::vector<T> expected;
  for_each_element<T>(y, [&](std::int64_t, const T* e) { expected.push_back(*e); });
  auto next = expected.begin();
  expect_near<T>(
      x, [&](std::int64_t) -> T { return *next++; }, tolerance);
}

/// `statement` throws exactly Kind (not a kind derived from it) with exactly this text.
template <class Kind, class Statement>
void expect_error(Statement statement, const std::string& text) {
  try {
    statement();
  } catch (const Error& e) {
    EXPECT_EQ(typeid(e), typeid(Kind))
        << "got " << e.kind() << ": " << e.what() << "\nexpected " << Kind::name << ": " << text;
    EXPECT_EQ(std::string(e.what()), text);
    return;
  } catch (const std::exception& e) {
    ADD_FAILURE() << "threw " << typeid(e).name() << ": " << e.what() << "\nexpected " << Kind::name
                  << ": " << text;
    return;
  }
  ADD_FAILURE() << "threw nothing; expected " << Kind::name << ": " << text;
}

/// True when `condition` holds on every process; for ASSERT_TRUE, which must fail everywhere alike.
inline bool all_of(const Communicator& comm, bool condition) {
  std::int32_t all = condition ? 1 : 0;
  comm.all_reduce(std::span(&all, 1), Reduce::min);
  return all != 0;
}

/// Array lengths where mistakes hide: none, one, fewer than processes, around one leaf, several.
inline const std::vector<std::int64_t> interesting_rows = {0, 1, 3, 7, 255, 256, 257, 1031, 2048};

}  // namespace tessera::test
