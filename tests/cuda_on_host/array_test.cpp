// Functions of arrays in device memory, with our CUDA kernels on the double: they are computed
// there, are the host's results, and have the bits of one process.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <functional>

#include <tessera/array/creation.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/fft.hpp>
#include <tessera/array/functions.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/runtime/plugin.hpp>
#include <tessera/runtime/runtime.hpp>

#include "cuda_on_host.hpp"
#include "support/near.hpp"

namespace tessera {
namespace {

class ArraysOnDevice : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    load_plugin(TESSERA_CUDA_ON_HOST);
    device = Runtime::device("cuda");
  }
  static inline Device device;

  static Array noise(const Shape& shape, const Communicator& comm, std::uint64_t seed = 0) {
    const Array out(shape, DType::float64, row_distribution(shape, comm), comm);
    const Tile t = out.local();
    const std::int64_t first = out.local_rows().begin * t.cols;
    for (std::int64_t i = 0; i < t.rows * t.cols; ++i)
      t.as<double>()[i] = 4 * test::unit(first + i, seed) - 2;
    return out;
  }
  using Numbers = std::vector<std::complex<double>>;
  static Numbers numbers(const Array& x) {
    const Array all = gather(x.to(cpu)).astype(DType::complex128);
    const auto values = all.values<std::complex<double>>();
    return {values.begin(), values.end()};
  }

  /// What f makes of x there is what it makes on the host, to `relative`, and lies there; nothing
  /// but `most` bytes have come to the host for it, and the bits are those of one process.
  static void check(const Array& x, const std::function<Array(const Array&)>& f,
                    std::uint64_t most = 0, double relative = 1e-13) {
    const Array there = x.to(device);
    cuda_on_host::reset_counters();
    const Array got = f(there);
    EXPECT_LE(cuda_on_host::counters().to_host_bytes, most);
    EXPECT_TRUE(got.device() == device);
    const Array want = f(x);
    EXPECT_EQ(got.shape(), want.shape());
    EXPECT_EQ(got.dtype(), want.dtype());
    EXPECT_TRUE(got.distribution() == want.distribution());
    const Numbers a = numbers(got), b = numbers(want);
    double size = 1;
    for (const auto& v : b) size = std::isfinite(std::abs(v)) ? std::max(size, std::abs(v)) : size;
    for (std::size_t i = 0; i < a.size(); ++i)
      ASSERT_TRUE(std::abs(a[i] - b[i]) <= relative * size || (a[i] != a[i] && b[i] != b[i]))
          << i << ": " << a[i] << " instead of " << b[i];
    const Array alone = redistribute(gather(x), replicated_distribution(x.shape(), x.comm()));
    const Array mine(x.shape(), x.dtype(), row_distribution(x.shape(), Communicator::self()),
                     Communicator::self());
    const Tile to = mine.local(), from = alone.local();
    std::memcpy(to.data, from.data,
                static_cast<std::size_t>(to.rows * to.cols) * size_of(to.dtype));
    EXPECT_EQ(numbers(f(mine.to(device))), a);
  }
};

TEST_F(ArraysOnDevice, Elementwise) {
  const Array x = noise({601, 7}, Communicator::world());
  const auto like = [](const Array& given, const Shape& shape, std::uint64_t seed) {
    return noise(shape, given.comm(), seed).to(given.device());
  };
  check(x, [](const Array& a) { return abs(a); });
  check(x, [](const Array& a) { return exp(a); });
  check(x, [](const Array& a) { return a + a * 2; });
  check(x, [](const Array& a) { return a < 0; });
  check(x, [](const Array& a) { return where(a > 0, a, 0); });
  // What is broadcast along axis 0 goes to all processes.
  check(
      x, [&](const Array& a) { return a - like(a, {7}, 1); }, 7 * sizeof(double));
  check(x, [&](const Array& a) { return maximum(a, like(a, {601, 1}, 2)); });
  check(x.astype(DType::float32), [&](const Array& a) { return a / like(a, {601, 7}, 3); });
  check(abs(x * 40).astype(DType::uint8), [](const Array& a) { return a + a; });
  check(round(x * 9).astype(DType::int16), [](const Array& a) { return floor_divide(a, 3); });
  check(round(x * 9).astype(DType::int32), [](const Array& a) { return sqrt(abs(a)); });
  check(x, [](const Array& a) { return real(a * std::complex<double>(1, 2)); });
  check(x, [](const Array& a) { return imag(a * std::complex<double>(1, 2) / a); });
}

// What has no kernel there is computed on the host.
TEST_F(ArraysOnDevice, OnTheHost) {
  const Array x = noise({600}, Communicator::world());
  const auto all = static_cast<std::uint64_t>(16 * 600);
  check(
      x, [](const Array& a) { return abs(exp(a * std::complex<double>(0, 1))); }, all);
  check(
      round(x).astype(DType::int32), [](const Array& a) { return pow(a, 2); }, all);
}

TEST_F(ArraysOnDevice, Reductions) {
  const Array x = noise({601, 5, 6}, Communicator::world());
  using Axes = std::vector<std::int64_t>;
  const auto some = static_cast<std::uint64_t>(32 * 30 * 8);
  for (const OptionalAxes& axes :
       {OptionalAxes(), OptionalAxes(Axes{0}), OptionalAxes(Axes{1}), OptionalAxes(Axes{2}),
        OptionalAxes(Axes{1, 2}), OptionalAxes(Axes{0, 1})}) {
    check(
        x, [&](const Array& a) { return sum(a, axes); }, some);
    check(
        x, [&](const Array& a) { return mean(a, axes, true); }, some);
    check(
        x, [&](const Array& a) { return var(a, axes, 1); }, some, 1e-12);
    check(
        x, [&](const Array& a) { return max(a, axes); }, some);
    check(
        x, [&](const Array& a) { return min(a, axes); }, some);
    check(
        x > 1.9, [&](const Array& a) { return any(a, axes); }, some);
    check(
        x > -1.9, [&](const Array& a) { return all(a, axes); }, some);
    check(
        x > 0, [&](const Array& a) { return count_nonzero(a, axes); }, some);
    check(
        round(x * 5).astype(DType::int8), [&](const Array& a) { return sum(a, axes); }, some);
    check(
        x.astype(DType::float32), [&](const Array& a) { return mean(a, axes); }, some, 1e-6);
  }
  for (const std::int64_t axis : {0, 1, 2}) {
    check(
        x, [&](const Array& a) { return argmax(a, axis); }, some);
    check(
        round(x), [&](const Array& a) { return argmin(a, axis); }, some);
  }
  // Few and long lines.
  const Array wide = noise({3, 70001}, Communicator::world());
  check(
      wide, [](const Array& a) { return sum(a, Axes{1}); }, some);
  check(
      wide, [](const Array& a) { return argmax(a, 1); }, some);
}

// Where every process has what it is to have; else on the host.
TEST_F(ArraysOnDevice, Views) {
  const Array x = noise({300, 6, 5}, Communicator::world());
  const std::uint64_t most = Communicator::world().size() == 1 ? 0 : 300 * 6 * 5 * 8;
  const auto part = [](std::vector<Index> indices) {
    return [indices](const Array& a) { return index(a, indices); };
  };
  check(x, part({Slice{3, 200, 7}}), most);
  check(x, part({Slice{{}, {}, -1}, std::int64_t{2}}), most);
  check(x, part({Slice{}, Slice{5, {}, -2}, Slice{1, 4}}), most);
  check(x, part({Slice{7, 7}}), most);
  using Axes = std::vector<std::int64_t>;
  check(
      x,
      [](const Array& a) {
        return permute_dims(a, Axes{2, 0, 1});
      },
      most);
  check(
      x, [](const Array& a) { return flip(a); }, most);
  check(
      x,
      [](const Array& a) {
        return reshape(a, {90, 100});
      },
      most);
  check(
      x,
      [](const Array& a) {
        return tile(a, Axes{2, 1, 3});
      },
      most);
  check(
      x,
      [](const Array& a) {
        return sum(a, Axes{0, 2});
      },
      most + 32 * 30 * 8);
}

TEST_F(ArraysOnDevice, Fourier) {
  const Array x = noise({600, 12}, Communicator::world());
  check(x, [](const Array& a) { return fft::fft(a); });
  check(x, [](const Array& a) { return fft::rfft(a); });
  check(x, [](const Array& a) { return fft::irfft(a, 15); });
  check(
      x.astype(DType::float32), [](const Array& a) { return fft::ifft(a, 16); }, 0, 1e-6);
  const Array deep = noise({300, 6, 5}, Communicator::world());
  check(deep, [](const Array& a) { return fft::fft(a, {}, 1); });
  check(deep, [](const Array& a) { return fft::rfft(a, 4, 1); });
}

}  // namespace
}  // namespace tessera
