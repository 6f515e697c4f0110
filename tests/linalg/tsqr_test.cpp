// TSQR with its Q over any number of processes and threads: the bits of one process, orthonormal
// columns and a small backward error whatever the matrix.
#include <tessera/linalg/qr.hpp>
#include <tessera/linalg/tsqr.hpp>
#include <tessera/runtime/visit.hpp>

#include <gtest/gtest.h>

#include <cstring>

#include "support/near.hpp"

namespace tessera::linalg {
namespace {

using Element = std::function<std::complex<double>(std::int64_t i, std::int64_t j)>;
using Number = std::complex<long double>;

std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Threads {
  explicit Threads(int n) { Runtime::set_threads(n); }
  ~Threads() { Runtime::set_threads(1); }
};

template <class T>
T element_of(const std::complex<double>& v) {
  if constexpr (test::is_complex_type<T>::value)
    return static_cast<T>(v);
  else
    return static_cast<T>(v.real());
}
template <class T>
double eps_of() {
  return std::numeric_limits<decltype(std::abs(T{}))>::epsilon();
}

template <class T>
Array matrix(std::int64_t m, std::int64_t n, const Element& f,
             const Communicator& comm = Communicator::world()) {
  return test::make<T>(
      {m, n}, [&](std::int64_t k) { return element_of<T>(f(k / n, k % n)); }, comm);
}
Element noise(std::int64_t n) {
  return [n](std::int64_t i, std::int64_t j) {
    return std::complex<double>(test::unit(i * n + j, 1) - 0.4, test::unit(i * n + j, 2) - 0.5);
  };
}

/// The k x l matrix of a dtype, replicated.
template <class T, class F>
Array small(std::int64_t k, std::int64_t l, F f, const Communicator& comm) {
  return replicated(test::tabulate<T>(k * l, [&](std::int64_t i) { return T(f(i / l, i % l)); }),
                    {k, l}, comm);
}
Array identity_like(const Array& r) {
  const auto one = [](std::int64_t i, std::int64_t j) { return i == j ? 1.0 : 0.0; };
  return is_complex(r.dtype()) ? small<std::complex<double>>(r.rows(), r.rows(), one, r.comm())
                               : small<double>(r.rows(), r.rows(), one, r.comm());
}

/// Whether this process's part of x has the bytes of its rows in `whole`, which one process has.
bool same_bytes(const Array& x, const Array& whole) {
  if (x.shape() != whole.shape() || x.dtype() != whole.dtype()) return false;
  const Range rows = x.local_rows();
  const std::size_t bytes = z(rows.size() * x.cols()) * size_of(x.dtype());
  return bytes == 0 ||
         std::memcmp(x.local().data, whole.local().slice(rows.begin, rows.size()).data, bytes) == 0;
}

/// All elements of a matrix on every process.
struct Numbers {
  std::int64_t rows, cols;
  std::vector<Number> values;

  explicit Numbers(const Array& x) : rows(x.rows()), cols(x.cols()) {
    const Array all = gather(x);
    visit(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (const T& v : all.template values<T>()) {
        if constexpr (test::is_complex_type<T>::value)
          values.emplace_back(v.real(), v.imag());
        else
          values.emplace_back(static_cast<long double>(v));
      }
    });
  }
  Number operator()(std::int64_t i, std::int64_t j) const { return values[z(i * cols + j)]; }
  /// With columns as rows, which sums go along.
  Numbers transposed() const {
    Numbers t = *this;
    std::swap(t.rows, t.cols);
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < cols; ++j) t.values[z(j * rows + i)] = (*this)(i, j);
    return t;
  }
};

/// ||q^H q - 1||_F.
double off_orthonormal(const Numbers& q) {
  const Numbers columns = q.transposed();
  long double sum = 0;
  for (std::int64_t s = 0; s < q.cols; ++s)
    for (std::int64_t t = s; t < q.cols; ++t) {
      Number dot = s == t ? -1 : 0;
      for (std::int64_t i = 0; i < q.rows; ++i) dot += std::conj(columns(s, i)) * columns(t, i);
      sum += (s == t ? 1 : 2) * std::norm(dot);
    }
  return static_cast<double>(std::sqrt(sum));
}
/// The largest ||(q r - a)_j|| / ||a_j|| over columns j, for an r that is 0 below its diagonal.
double backward_error(const Numbers& q, const Numbers& r, const Numbers& a) {
  const Numbers columns = r.transposed();
  long double worst = 0;
  for (std::int64_t j = 0; j < a.cols; ++j) {
    long double difference = 0, size = 0;
    for (std::int64_t i = 0; i < a.rows; ++i) {
      Number sum = -a(i, j);
      for (std::int64_t k = 0; k < std::min(r.rows, j + 1); ++k) sum += q(i, k) * columns(j, k);
      difference += std::norm(sum);
      size += std::norm(a(i, j));
    }
    if (difference > 0) worst = std::max(worst, std::sqrt(difference / size));
  }
  return static_cast<double>(worst);
}

template <class T>
void expect_factors(const Array& a, const Qr& f, const std::string& text) {
  const std::int64_t k = std::min(a.rows(), a.cols());
  EXPECT_EQ(f.q.shape(), (Shape{a.rows(), k})) << text;
  EXPECT_EQ(f.r.shape(), (Shape{k, a.cols()})) << text;
  EXPECT_EQ(f.q.dtype(), a.dtype()) << text;
  EXPECT_EQ(f.r.dtype(), a.dtype()) << text;
  EXPECT_TRUE(f.q.distribution() == Distribution::rows(a.rows(), a.comm().size()) ||
              f.q.distribution() == a.distribution())
      << text;
  const Numbers q(f.q), r(f.r), given(a);
  if (a.comm().rank() != 0) return;  // all have the same
  const double unit =
      12 * eps_of<T>() * std::sqrt(static_cast<double>(std::max<std::int64_t>(k, 4)));
  EXPECT_LE(off_orthonormal(q), unit * std::sqrt(static_cast<double>(k))) << text;
  EXPECT_LE(backward_error(q, r, given), unit) << text;
  for (std::int64_t i = 0; i < k; ++i) {
    EXPECT_GE(r(i, i).real(), 0) << text;
    EXPECT_EQ(r(i, i).imag(), 0) << text;
    for (std::int64_t j = 0; j < i; ++j) EXPECT_EQ(r(i, j), Number(0)) << text;
  }
}

template <class T>
struct TallQrOf : testing::Test {};
using Types = testing::Types<float, double, std::complex<float>, std::complex<double>>;
TYPED_TEST_SUITE(TallQrOf, Types);

TYPED_TEST(TallQrOf, HasTheBitsOfOneProcess) {
  using T = TypeParam;
  for (const std::int64_t p : {1, 5, 17, 300})
    for (const std::int64_t m : test::interesting_rows) {
      if (p == 300 && (m != 1031 || dtype_of<T> != DType::float64)) continue;
      const auto f = noise(p);
      const Array x = matrix<T>(m, p, f);
      const TallQr alone(matrix<T>(m, p, f, Communicator::self()));
      const Array r = alone.r();
      const auto dense = [&](const Communicator& comm) {
        const auto value = [](std::int64_t i, std::int64_t j) { return test::unit(7 * i + j); };
        return is_complex(r.dtype()) ? small<std::complex<double>>(r.rows(), 3, value, comm)
                                     : small<double>(r.rows(), 3, value, comm);
      };
      const Array q = alone.q_times(identity_like(r));
      const Array qc = alone.q_times(dense(Communicator::self()));
      const auto expect = [&](const Rows& rows, const std::string& how) {
        const TallQr got(rows);
        const auto text = fmt::format("{} x {}, {}", m, p, how);
        EXPECT_TRUE(same_bytes(got.r(), r)) << text;
        EXPECT_TRUE(same_bytes(got.q_times(identity_like(got.r())), q)) << text;
        EXPECT_TRUE(same_bytes(got.q_times(dense(rows.comm())), qc)) << text;
      };
      expect(x, "1 thread");
      expect(redistribute(x, Distribution::replicated(m, x.comm().size())), "replicated");
      expect(map_rows(x, x.shape(), x.dtype(),
                      [](const Leaf& in, const Tile& out, Stream& s) { copy(s, in.tile, out); }),
             "streamed");
      if (m < 1031) continue;
      const Threads three(3);
      expect(x, "3 threads");
    }
}

TYPED_TEST(TallQrOf, IsBackwardStable) {
  using T = TypeParam;
  const double c = std::cos(1.2), s = std::sin(1.2);
  const std::vector<std::pair<std::string, std::function<Element(std::int64_t)>>> kinds = {
      {"noise", noise},
      {"graded columns",
       [](std::int64_t p) -> Element {
         return
             [=](auto i, auto j) { return noise(p)(i, j) * std::pow(10.0, -2.0 * double(j % 8)); };
       }},
      {"graded rows",
       [](std::int64_t p) -> Element {
         return [=](auto i, auto j) { return noise(p)(i, j) * std::pow(10.0, -double(i % 16)); };
       }},
      {"columns at small angles",
       [](std::int64_t p) -> Element {
         return [=](auto i, auto j) { return noise(p)(i, 0) + 0.3 * noise(p)(i, j); };
       }},
      {"nearly parallel columns",
       [](std::int64_t p) -> Element {
         return [=](auto i, auto j) { return noise(p)(i, 0) + 1e-14 * noise(p)(i, j); };
       }},
      {"rank 2",
       [](std::int64_t p) -> Element {
         return [=](auto i, auto j) {
           return noise(p)(i, 0) + noise(p)(i, 1) * static_cast<double>(j % 3);
         };
       }},
      {"Kahan's",
       [=](std::int64_t) -> Element {
         return [=](auto i, auto j) -> std::complex<double> {
           return i > j ? 0.0 : std::pow(s, double(i)) * (i == j ? 1 : -c);
         };
       }},
      {"a zero column",
       [](std::int64_t p) -> Element {
         return [=](auto i, auto j) { return j == 1 ? 0.0 : noise(p)(i, j); };
       }},
      {"constant", [](std::int64_t) -> Element { return [](auto, auto) { return 3.0; }; }},
      {"zero", [](std::int64_t) -> Element { return [](auto, auto) { return 0.0; }; }}};
  for (const auto& [name, kind] : kinds)
    for (const auto& [m, p] : std::vector<std::pair<std::int64_t, std::int64_t>>{
             {0, 3}, {1, 1}, {1, 6}, {3, 2}, {4, 9}, {256, 8}, {257, 7}, {613, 16}, {1031, 31}}) {
      const Array a = matrix<T>(m, p, kind(p));
      expect_factors<T>(a, qr(a), fmt::format("{}, {} x {}", name, m, p));
    }
}

TYPED_TEST(TallQrOf, LeavesWithFewerRowsThanColumns) {
  using T = TypeParam;
  for (const std::int64_t m : {280, 520, 700}) {
    const std::int64_t p = is_complex(dtype_of<T>) ? 270 : 300;
    const Array a = matrix<T>(m, p, noise(p));
    expect_factors<T>(a, qr(a), fmt::format("{} x {}", m, p));
  }
}

TYPED_TEST(TallQrOf, ManyRows) {
  using T = TypeParam;
  const Array a = matrix<T>(100003, 3, noise(3));
  const Qr f = qr(a);
  expect_factors<T>(a, f, "100003 x 3");
  if constexpr (std::is_same_v<T, double>) {
    const auto r = f.r.template values<double>();
    EXPECT_EQ(tsqr(a).values(), std::vector<double>(r.begin(), r.end())) << "the same as tsqr's";
  }
}

// Columns whose squares are no doubles, and columns of them beside others.
TEST(TallQr, HugeAndTinyColumns) {
  const std::vector<double> scales = {1e-300, 1, 1e300, 1e-160, 1e160, 1e-308};
  for (const std::int64_t m : {4, 9, 700, 1300}) {
    const Array a = matrix<double>(
        m, 6, [&](std::int64_t i, std::int64_t j) { return noise(6)(i, j) * scales[z(j)]; });
    const Qr f = qr(a);
    expect_factors<double>(a, f, fmt::format("{} rows", m));
  }
}

TEST(TallQr, OneProcessHasAllRowsOfALeafOrNone) {
  // 300 rows are two leaves: with more than two processes some have none.
  const Array a = matrix<double>(300, 4, noise(4));
  const Qr only_r = qr(a, QrMode::r);
  EXPECT_FALSE(only_r.q);
  EXPECT_TRUE(same_bytes(only_r.r, qr(a).r));
}

TEST(TallQr, ByHand) {
  // Columns (3, 4) and (5, 10) on the first two of 1000 rows, -R's diagonal in LAPACK's signs.
  const Array a = matrix<double>(1000, 2, [](std::int64_t i, std::int64_t j) -> double {
    return i == 0 ? (j == 0 ? 3 : 5) : i == 1 ? (j == 0 ? 4 : 10) : 0;
  });
  const Qr f = qr(a);
  const std::vector<double> r = {5, 11, 0, 2}, q = {0.6, -0.8, 0.8, 0.6};
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 2; ++j) {
      EXPECT_NEAR((Numbers(f.r)(i, j).real()), r[z(2 * i + j)], 1e-14);
      EXPECT_NEAR((Numbers(f.q)(i, j).real()), q[z(2 * i + j)], 1e-15);
    }
}

TEST(TallQr, Errors) {
  const Array a = matrix<double>(700, 3, noise(3));
  test::expect_error<TypeError>([&] { TallQr(a.astype(DType::int32)); },
                                "QR takes floating and complex dtypes, not int32");
  const Array c = small<double>(
      2, 3, [](auto, auto) { return 1; }, a.comm());
  test::expect_error<ValueError>([&] { TallQr(a).q_times(c); },
                                 "TallQr.q_times: c must be 3 x l, not of shape (2, 3)");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::int64_t row : {3, 650})
    for (const bool complex : {false, true}) {
      const Element f = [&](std::int64_t i, std::int64_t) { return i == row ? nan : 1.0; };
      const Array bad =
          complex ? matrix<std::complex<float>>(700, 3, f) : matrix<double>(700, 3, f);
      const std::string text = "QR of a tile failed: its values are not finite";
      const int owner = bad.distribution().owner_of_row(row);
      test::expect_error<LinAlgError>(
          [&] { TallQr{bad}; },
          bad.comm().size() == 1 ? text : fmt::format("{} (rank {})", text, owner));
    }
}

}  // namespace
}  // namespace tessera::linalg
