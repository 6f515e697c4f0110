// The CUDA kernels, run on the double of CUDA, against the reference backend.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/buffer.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/plugin.hpp>
#include <tessera/runtime/selection.hpp>

#include "cuda_on_host.hpp"
#include "support/near.hpp"

namespace tessera {
namespace {

using linalg::Transpose;
constexpr Device gpu{Device::Kind::cuda, 0};
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

void load_module() {
  static const bool loaded = (detail::load_plugin_here(TESSERA_CUDA_ON_HOST), true);
  (void)loaded;
}

/// The same tile in host memory and on the device, each with NaN (or -1) in what is not set.
template <class T>
class Twin {
 public:
  template <class F>
  Twin(std::int64_t rows, std::int64_t cols, std::int64_t gap, F f)
      : values_(static_cast<std::size_t>(rows * (cols + gap)),
                std::is_integral_v<T> ? T(-1) : static_cast<T>(nan)),
        host_(tile_of(values_.data(), rows, cols, cols + gap)),
        memory_(values_.size() * sizeof(T), gpu),
        device_(host_) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < cols; ++j) host_.as<T>()[i * host_.stride + j] = f(i, j);
    device_.data = memory_.data();
    device_.device = gpu;
    Stream stream(gpu);
    copy(stream, whole(host_), whole(device_));
    stream.synchronize();
  }
  Twin(std::int64_t rows, std::int64_t cols, std::int64_t gap = 0)
      : Twin(rows, cols, gap, [](auto, auto) { return static_cast<T>(nan); }) {}
  Twin(const Twin&) = delete;

  Tile host() const { return host_; }
  Tile device() const { return device_; }
  std::vector<T> from_device(const Tile& part) const {
    std::vector<T> all(static_cast<std::size_t>(part.rows * part.stride));
    Stream stream(gpu);
    copy(stream, whole(part), tile_of(all.data(), 1, static_cast<std::int64_t>(all.size()), 0));
    stream.synchronize();
    return all;
  }
  /// Both are the same up to `relative` times the largest finite value.
  void expect_same(double relative) const {
    double largest = 0;
    for (const T v : values_)
      if (std::isfinite(static_cast<double>(v)))
        largest = std::max(largest, std::abs(static_cast<double>(v)));
    const auto got = from_device(device_);
    int wrong = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const auto want = values_[i];
      if (!std::isfinite(static_cast<double>(want)) && !std::isfinite(static_cast<double>(got[i])))
        continue;
      if (test::difference(got[i], want) <= relative * largest) continue;
      if (++wrong < 4)
        ADD_FAILURE() << "(" << i / static_cast<std::size_t>(host_.stride) << ", "
                      << i % static_cast<std::size_t>(host_.stride) << "): " << +got[i]
                      << " instead of " << +want;
    }
    EXPECT_EQ(wrong, 0);
  }

 private:
  static Tile whole(Tile t) {
    t.cols = t.rows * t.stride;
    t.rows = t.cols > 0 ? 1 : 0;
    return t;
  }
  std::vector<T> values_;
  Tile host_;
  Buffer memory_;
  Tile device_;
};

// Tiles of either side; an empty pointer is no tile.
struct OnHost {
  template <class T>
  Tile operator()(const Twin<T>& t) const {
    return t.host();
  }
  template <class T>
  Tile operator()(const std::unique_ptr<Twin<T>>& t) const {
    return t ? t->host() : Tile{};
  }
};
struct OnDevice {
  template <class T>
  Tile operator()(const Twin<T>& t) const {
    return t.device();
  }
  template <class T>
  Tile operator()(const std::unique_ptr<Twin<T>>& t) const {
    return t ? t->device() : Tile{};
  }
};

/// call(stream, side) with a backend of the host and on the device; how often that waited.
template <class Call>
std::uint64_t both(const Call& call, const char* backend = "reference") {
  {
    const auto guard = only(backend);
    Stream stream;
    call(stream, OnHost{});
  }
  Stream stream(gpu);
  const auto before = cuda_on_host::counters().synchronizations;
  call(stream, OnDevice{});
  const auto after = cuda_on_host::counters().synchronizations;
  stream.synchronize();
  return after - before;
}

/// Kernels with several leaves, the last one ragged; few rows and many, few columns and many.
struct Case {
  std::int64_t rows, cols, leaf_rows, gap;
  bool weights;
  std::int64_t leaves() const {
    return std::max<std::int64_t>(1, (rows + leaf_rows - 1) / leaf_rows);
  }
};
const std::vector<Case> cases = {{0, 3, 256, 0, false},    {1, 1, 256, 2, true},
                                 {5, 2, 2, 0, false},      {263, 7, 64, 1, true},
                                 {300, 33, 256, 0, false}, {601, 70, 300, 3, true},
                                 {600, 65, 512, 0, false}};

double noise(std::int64_t i, std::int64_t j, std::uint64_t seed = 0) {
  return test::unit(i * 1009 + j, seed) - 0.5;
}
/// Multiples of 1/4: sums of products are exact even in float32.
double grid(std::int64_t i, std::int64_t j, std::uint64_t seed = 0) {
  return std::floor(16 * test::unit(i * 1009 + j, seed) - 8) / 4;
}
template <class T>
std::unique_ptr<Twin<T>> weights_of(const Case& c) {
  if (!c.weights) return nullptr;
  return std::make_unique<Twin<T>>(c.rows, 1, 1, [](auto i, auto) {
    return static_cast<T>(i % 7 == 3 ? 0.0 : 0.25 * static_cast<double>(1 + i % 5));
  });
}

template <class T>
struct CudaKernels : testing::Test {
  static void SetUpTestSuite() { load_module(); }
  static constexpr double eps = std::numeric_limits<T>::epsilon();

  /// f(case) for all of them, with the case in messages.
  template <class F>
  static void each(const F& f) {
    for (const Case& c : cases) {
      SCOPED_TRACE(testing::Message() << c.rows << " x " << c.cols << " leaves of " << c.leaf_rows
                                      << (c.weights ? " weighted" : ""));
      f(c);
    }
  }
  static Twin<T> data(const Case& c, double offset) {
    return Twin<T>(c.rows, c.cols, c.gap, [&](auto i, auto j) {
      return static_cast<T>(noise(i, j) + (j % 3 == 1 ? offset : 0.0));
    });
  }
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(CudaKernels, Types);

TYPED_TEST(CudaKernels, Moments) {
  using T = TypeParam;
  const auto& k = linalg::kernels();
  this->each([&](const Case& c) {
    const auto w = weights_of<T>(c);
    const auto x = this->data(c, 1e5);
    const Twin<T> holes(c.rows, c.cols, c.gap, [&](auto i, auto j) {
      return static_cast<T>(j == 1 || (i + j) % 5 == 0 ? nan
                            : i == 50 && j == 2        ? inf
                                                       : noise(i, j));
    });
    for (const Twin<T>* t : {&x, &holes}) {
      const Twin<double> out(c.leaves(), 3 * c.cols, 1), squares(c.leaves(), c.cols);
      EXPECT_EQ(both([&](Stream& s, auto on) {
                  k.leaf_moments(s, on(*t), c.leaf_rows, on(w), on(out));
                  k.leaf_squares(s, on(*t), c.leaf_rows, on(squares));
                }),
                0u);
      out.expect_same(1e-14);
      squares.expect_same(1e-13);
      const std::int64_t half = c.leaves() / 2;
      both([&](Stream& s, auto on) {
        k.merge_moments(s, on(out).slice(0, half), on(out).slice(half, half));
        k.add(s, on(squares).slice(0, half), on(squares).slice(half, half));
      });
      out.expect_same(1e-14);
      squares.expect_same(1e-13);
    }
  });
}

TYPED_TEST(CudaKernels, Gram) {
  using T = TypeParam;
  const auto& k = linalg::kernels();
  this->each([&](const Case& c) {
    const auto w = weights_of<T>(c);
    const auto x = this->data(c, 0);
    for (const std::int64_t q : {0, 2}) {
      const auto y = q == 0 ? nullptr : std::make_unique<Twin<T>>(c.rows, q, 1, [](auto i, auto j) {
        return static_cast<T>(noise(i, j, 5));
      });
      const std::int64_t m = c.cols + q;
      for (const bool center : {true, false}) {
        const Twin<double> out(c.leaves(), 1 + m + m * m, 1);
        EXPECT_EQ(both([&](Stream& s, auto on) {
                    k.leaf_gram(s, on(x), c.leaf_rows, on(y), on(w), center, on(out));
                  }),
                  0u);
        out.expect_same(this->eps);
        const auto got = out.from_device(out.device());
        for (std::int64_t i = 0; i < m; ++i)
          for (std::int64_t j = 0; j < i; ++j)
            ASSERT_EQ(got[1 + m + i * m + j], got[1 + m + j * m + i]) << i << " " << j;
        if (!center) continue;
        const std::int64_t half = c.leaves() / 2;
        both([&](Stream& s, auto on) {
          k.merge_grams(s, m, 0, on(out).slice(0, half), on(out).slice(half, half));
        });
        out.expect_same(this->eps);
      }
    }
  });
}

TYPED_TEST(CudaKernels, GramOfAwkwardColumns) {
  using T = TypeParam;
  // A constant, a large offset, a NaN and an infinity late in the leaf; the weights of a leaf are
  // 0.
  const Twin<T> x(600, 5, 0, [](auto i, auto j) {
    return static_cast<T>(j == 0     ? 1e6 / 3
                          : j == 1   ? noise(i, j)
                          : j == 2   ? 4096 + noise(i, j)
                          : i == 590 ? (j == 3 ? nan : inf)
                                     : noise(i, j));
  });
  const auto w = std::make_unique<Twin<T>>(
      600, 1, 0, [](auto i, auto) { return static_cast<T>(i < 512 ? 1 + i % 2 : 0); });
  for (const auto* weights : {static_cast<decltype(&w)>(nullptr), &w}) {
    const Twin<double> out(3, 31);
    both([&](Stream& s, auto on) {
      linalg::kernels().leaf_gram(s, on(x), 256, {}, weights ? on(*weights) : Tile{}, true,
                                  on(out));
    });
    const auto got = out.from_device(out.device());
    for (int leaf = 0; leaf < 3; ++leaf) {
      EXPECT_EQ(got[leaf * 31 + 1], weights && leaf == 2 ? 0 : static_cast<double>(T(1e6 / 3)));
      for (int j = 0; j < 3; ++j) EXPECT_EQ(got[leaf * 31 + 6 + j], 0);
      EXPECT_NEAR(got[leaf * 31 + 6 + 12], out.host().template as<double>()[leaf * 31 + 6 + 12],
                  1e-4);
    }
    if (!weights) {
      EXPECT_FALSE(std::isfinite(got[62 + 4]));
      EXPECT_FALSE(std::isfinite(got[62 + 5]));
      EXPECT_FALSE(std::isfinite(got[62 + 6 + 3]));
      EXPECT_TRUE(std::isfinite(got[62 + 6 + 6]));
    }
  }
}

TYPED_TEST(CudaKernels, GramProduct) {
  using T = TypeParam;
  this->each([&](const Case& c) {
    const auto x = this->data(c, 1);
    std::vector<double> mean(static_cast<std::size_t>(c.cols));
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] = j % 3 == 1 ? 1 : 0.125;
    for (const std::int64_t l : {1, 37}) {
      const Twin<T> q(c.cols, l, 1, [](auto i, auto j) { return static_cast<T>(noise(i, j, 3)); });
      const Twin<double> out(c.leaves(), c.cols * l, 1);
      EXPECT_EQ(both([&](Stream& s, auto on) {
                  linalg::kernels().leaf_gram_product(s, on(x), c.leaf_rows, mean, on(q), on(out));
                }),
                0u);
      out.expect_same(16 * this->eps);
    }
  });
}

TYPED_TEST(CudaKernels, Triangle) {
  using T = TypeParam;
  this->each([&](const Case& c) {
    const auto w = weights_of<T>(c);
    const auto x = this->data(c, 10);
    const Twin<T> y(c.rows, 1, 0, [](auto i, auto) { return static_cast<T>(noise(i, 0, 9)); });
    const std::int64_t m = c.cols + 1;
    const std::int64_t k = std::min(c.rows, m);
    const std::vector<double> shift(static_cast<std::size_t>(m), 0.5);
    std::vector<std::vector<double>> squares;
    both([&](Stream& s, auto on) {
      std::vector<double> r(static_cast<std::size_t>(k * m), nan);
      linalg::kernels().leaf_triangle(s, on(x), shift, on(y), on(w), tile_of(r.data(), k, m, m));
      auto& square = squares.emplace_back(static_cast<std::size_t>(m * m));
      for (std::int64_t i = 0; i < k; ++i)
        for (std::int64_t a = 0; a < m; ++a)
          for (std::int64_t b = 0; b < m; ++b)
            square[static_cast<std::size_t>(a * m + b)] +=
                r[static_cast<std::size_t>(i * m + a)] * r[static_cast<std::size_t>(i * m + b)];
    });
    for (std::size_t i = 0; i < squares[0].size(); ++i)
      ASSERT_NEAR(squares[0][i], squares[1][i], 1e-9) << i;
  });
  const Twin<T> bad(3, 1, 0, [](auto i, auto) { return static_cast<T>(i == 1 ? nan : 1.0); });
  Stream stream(gpu);
  double r = 0;
  test::expect_error<LinAlgError>(
      [&] {
        linalg::kernels().leaf_triangle(stream, bad.device(), {}, {}, {}, tile_of(&r, 1, 1, 1));
      },
      "QR of a tile failed: its values are not finite");
}

TYPED_TEST(CudaKernels, Gemm) {
  using T = TypeParam;
  const auto f = [](std::uint64_t seed) {
    return [seed](auto i, auto j) { return static_cast<T>(grid(i, j, seed)); };
  };
  for (const auto& [m, n, depth] :
       {std::array{3, 5, 7}, {1, 1, 1}, {40, 2, 9}, {0, 3, 2}, {3, 4, 0}})
    for (const auto ta : {Transpose::no, Transpose::yes})
      for (const auto tb : {Transpose::no, Transpose::yes})
        for (const double beta : {0.0, -2.0}) {
          const Twin<T> a(ta == Transpose::yes ? depth : m, ta == Transpose::yes ? m : depth, 1,
                          f(1));
          const Twin<T> b(tb == Transpose::yes ? n : depth, tb == Transpose::yes ? depth : n, 2,
                          f(2));
          const Twin<T> c(m, n, 3, [&](auto i, auto j) {
            return static_cast<T>(beta == 0 ? nan : grid(i, j));
          });
          both([&](Stream& s, auto on) {
            linalg::kernels().gemm(s, 0.5, on(a), ta, on(b), tb, beta, on(c));
          });
          c.expect_same(0);
        }
}

TYPED_TEST(CudaKernels, Elementwise) {
  using T = TypeParam;
  const auto& k = linalg::kernels();
  this->each([&](const Case& c) {
    std::vector<double> shift(static_cast<std::size_t>(c.cols));
    std::iota(shift.begin(), shift.end(), 0.1);
    for (const bool with_shift : {true, false}) {
      const auto x = this->data(c, 1e3);
      const Twin<T> z(c.rows, c.cols, 2);
      const std::span<const double> s1 = with_shift ? shift : std::span<const double>{};
      EXPECT_EQ(both([&](Stream& s, auto on) {
                  const std::vector<double> gone = shift;  // need not outlive the call
                  k.standardize(s, on(x), s1, gone, on(z));
                  k.unstandardize(s, on(z), gone, s1, on(x));
                }),
                0u);
      z.expect_same(0);
      x.expect_same(0);
    }
    for (const double v : {0.0, nan, inf}) {
      const Twin<T> t(c.rows, c.cols, c.gap, [&](auto i, auto j) {
        return static_cast<T>(i == c.rows - 1 && j == c.cols - 1 ? v : 1);
      });
      Stream stream(gpu);
      EXPECT_EQ(k.all_finite(stream, t.device()), c.rows == 0 || v == 0);
    }
  });
  const Twin<T> wide(2, 1201, 0, [](auto i, auto j) { return static_cast<T>(noise(i, j)); });
  const std::vector<double> many(1201, 0.3);
  both([&](Stream& s, auto on) { k.standardize(s, on(wide), many, many, on(wide)); });
  wide.expect_same(0);
}

TEST(CudaSolvers, EighAndTriangle) {
  load_module();
  const auto& k = linalg::kernels();
  Stream stream(gpu);
  for (const std::int64_t n : {0, 1, 6, 31}) {
    const auto plain = [](auto i, auto j) { return noise(i, j); };
    const auto symmetric = [](auto i, auto j) { return noise(std::min(i, j), std::max(i, j)); };
    const Twin<double> a(n, n, 0, symmetric), values(1, n);
    k.eigh(stream, a.device(), values.device());
    stream.synchronize();
    const auto v = a.from_device(a.device());
    const auto s = values.from_device(values.device());
    EXPECT_TRUE(std::is_sorted(s.begin(), s.end()));
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::int64_t e = 0; e < n; ++e) sum += s[e] * v[e * n + i] * v[e * n + j];
        ASSERT_NEAR(sum, symmetric(i, j), 1e-13);
      }
    const Twin<double> tall(n + 3, n, 2, plain), wide(n, n + 3, 1, plain);
    both([&](Stream& t, auto on) {
      for (const auto* x : {&tall, &wide}) {
        const Tile r = on(*x);
        k.qr_r(t, r);
      }
    });
    for (const auto* x : {&tall, &wide}) {  // up to the signs of the rows
      const auto got = x->from_device(x->device());
      const Tile want = x->host();
      for (std::int64_t i = 0; i < want.rows; ++i)
        for (std::int64_t j = 0; j < want.cols; ++j)
          ASSERT_NEAR(std::abs(got[i * want.stride + j]),
                      std::abs(want.as<double>()[i * want.stride + j]), 1e-13);
    }
  }
  const Twin<double> bad(2, 2, 0, [](auto, auto) { return nan; }), values(1, 2);
  EXPECT_THROW(k.eigh(stream, bad.device(), values.device()), ValueError);
  EXPECT_THROW(k.qr_r(stream, bad.device()), LinAlgError);
}

TYPED_TEST(CudaKernels, AssignNearest) {
  using T = TypeParam;
  const auto check = [&](const Case& c, std::int64_t k, bool sums, bool inertia) {
    SCOPED_TRACE(testing::Message() << "k " << k);
    const Twin<T> x(c.rows, c.cols, c.gap,
                    [](auto i, auto j) { return static_cast<T>(i == 130 ? nan : 2 + grid(i, j)); });
    const Twin<T> centers(k, c.cols, 1, [](auto i, auto j) {  // some twice: ties
      return static_cast<T>(grid(i % 20 == 19 ? i - 7 : i, j, 2));
    });
    const auto offset =
        !sums ? nullptr : std::make_unique<Twin<T>>(1, c.cols, 0, [](auto, auto) { return T(2); });
    const auto w = weights_of<T>(c);
    const Twin<std::int32_t> labels(c.rows, 1, 1, [](auto i, auto) { return int(i % 3); });
    const AssignmentParts parts{k, c.cols, sums, inertia};
    const Twin<double> out(c.leaves(), parts.size(), 1);
    EXPECT_EQ(both([&](Stream& s, auto on) {
                estimator_kernels().assign_nearest(s, on(x), c.leaf_rows, on(centers), on(offset),
                                                   on(w), on(labels), parts, on(out));
              }),
              0u);
    labels.expect_same(0);
    out.expect_same(0);
    for (std::int64_t i = 0; !inertia && i < c.leaves(); ++i)
      EXPECT_EQ(out.from_device(out.device().slice(i, 1))[parts.inertia_at()], 0);
  };
  this->each([&](const Case& c) {
    for (const std::int64_t k : {1, 5, 30, 67}) check(c, k, k != 5, k != 30);
  });
  check({700, 2, 512, 0, true}, 1500, true, true);
  check({300, 1, 256, 0, false}, 70000, true, false);
  check({20, 1025, 16, 0, false}, 17, true, true);
}

TYPED_TEST(CudaKernels, LabelsOfTheCpu) {
  using T = TypeParam;
  const Case c{601, 33, 256, 0, false};
  const auto x = this->data(c, 1);
  for (const std::int64_t k : {16, 32, 200}) {
    const Twin<T> centers(k, 33, 0, [](auto i, auto j) { return static_cast<T>(noise(i, j, 2)); });
    const Twin<T> offset(1, 33, 0, [](auto, auto j) { return static_cast<T>(noise(0, j, 4)); });
    const Twin<std::int32_t> labels(c.rows, 1, 0, [](auto, auto) { return 0; });
    const AssignmentParts parts{k, 33, true, true};
    const Twin<double> out(c.leaves(), parts.size());
    both(
        [&](Stream& s, auto on) {
          estimator_kernels().assign_nearest(s, on(x), c.leaf_rows, on(centers), on(offset), {},
                                             on(labels), parts, on(out));
        },
        "cpu");
    labels.expect_same(0);
    out.expect_same(16 * this->eps);
  }
}

TYPED_TEST(CudaKernels, DirectDistances) {
  using T = TypeParam;
  const auto& k = estimator_kernels();
  const auto check = [&](const Case& c) {
    for (const std::int64_t m : {1, 8, 35}) {
      const Twin<T> x(c.rows, c.cols, c.gap,
                      [](auto i, auto j) { return static_cast<T>(i == 130 ? nan : grid(i, j)); });
      const Twin<T> centers(m, c.cols, 1,
                            [](auto i, auto j) { return static_cast<T>(grid(i, j, 2)); });
      const auto w = weights_of<T>(c);
      const Twin<T> closest(c.rows, 1, 1, [&](auto i, auto) {
        return static_cast<T>(
            i % 4 == 0 ? 1e6 : static_cast<double>(i % 11) * static_cast<double>(c.cols));
      });
      const Twin<double> potentials(c.leaves(), m, 1), sums(c.leaves(), 1, 2);
      const Twin<T> out(c.rows, m, 1);
      EXPECT_EQ(both([&](Stream& s, auto on) {
                  k.candidate_potentials(s, on(x), c.leaf_rows, on(centers), on(w), on(closest),
                                         on(potentials));
                  k.update_closest(s, on(x), c.leaf_rows, on(centers), on(w), on(closest),
                                   on(sums));
                  k.distances(s, on(x), on(centers), on(out));
                }),
                0u);
      potentials.expect_same(0);
      closest.expect_same(0);
      sums.expect_same(0);
      out.expect_same(this->eps);
    }
  };
  this->each(check);
  check({20, 1025, 16, 0, false});
}

TYPED_TEST(CudaKernels, BitsOfALeafDependOnItAlone) {
  using T = TypeParam;
  const Case c{700, 40, 300, 0, true};
  const auto x = this->data(c, 3);
  const auto w = weights_of<T>(c);
  const Twin<T> centers(9, 40, 0, [](auto i, auto j) { return static_cast<T>(noise(i, j, 2)); });
  const Twin<T> closest(c.rows, 1, 0, [](auto i, auto) { return static_cast<T>(noise(i, 0) + 3); });
  const Twin<std::int32_t> labels(c.rows, 1, 0, [](auto, auto) { return 0; });
  const AssignmentParts parts{9, 40, true, true};
  const auto run = [&](std::int64_t first, std::int64_t leaves) {
    Stream s(gpu);
    const auto part = [&](const Tile& t) {
      return t.slice(first * 300, std::min(t.rows, (first + leaves) * 300) - first * 300);
    };
    const Tile rows = part(x.device()), weights = part(w->device());
    const auto& k = linalg::kernels();
    const auto& e = estimator_kernels();
    std::vector<std::vector<double>> all;
    const auto add = [&](std::int64_t cols, const auto& call) {
      const Twin<double> out(leaves, cols);
      call(out.device());
      s.synchronize();
      all.push_back(out.from_device(out.device()));
    };
    add(120, [&](const Tile& o) { k.leaf_moments(s, rows, 300, weights, o); });
    add(1641, [&](const Tile& o) { k.leaf_gram(s, rows, 300, {}, weights, true, o); });
    add(parts.size(), [&](const Tile& o) {
      e.assign_nearest(s, rows, 300, centers.device(), {}, weights, part(labels.device()), parts,
                       o);
    });
    add(9, [&](const Tile& o) {
      e.candidate_potentials(s, rows, 300, centers.device(), weights, part(closest.device()), o);
    });
    add(1, [&](const Tile& o) {
      e.update_closest(s, rows, 300, centers.device(), weights, part(closest.device()), o);
    });
    return all;
  };
  const auto alone = std::array{run(0, 1), run(1, 1), run(2, 1)};
  Stream s(gpu);
  copy(s, labels.host(), labels.device());
  copy(s, closest.host(), closest.device());
  s.synchronize();
  const auto together = run(0, 3);
  for (std::size_t i = 0; i < together.size(); ++i) {
    std::vector<double> joined;
    for (const auto& leaf : alone) joined.insert(joined.end(), leaf[i].begin(), leaf[i].end());
    EXPECT_EQ(joined, together[i]) << i;
  }
}

}  // namespace
}  // namespace tessera
