#include <tessera/estimators/decomposition/centred.hpp>

#include <algorithm>

#include <tessera/linalg/kernels/kernels.hpp>

namespace tessera::detail {

Tile centred(Stream& stream, const Tile& x, std::span<const double> mean, std::int64_t extra,
             std::span<const double> powers) {
  Tile c = x;
  c.data = stream.scratch(static_cast<std::size_t>(x.rows * x.cols + extra) * size_of(x.dtype));
  c.stride = x.cols;
  if (!powers.empty()) linalg::kernels().unstandardize(stream, x, {}, powers, c);
  linalg::kernels().standardize(stream, powers.empty() ? x : c, mean, {}, c);
  return c;
}

void multiply_centred(Stream& stream, const Tile& x, std::span<const double> mean,
                      std::span<const double> powers, const Tile& b, linalg::Transpose op,
                      const Tile& out) {
  constexpr std::int64_t cached = 500'000;  // bytes
  const std::int64_t row = std::max<std::int64_t>(1, x.cols) * std::int64_t(size_of(x.dtype));
  const std::int64_t block = x.device == cpu ? std::max<std::int64_t>(64, cached / row)
                                             : std::max<std::int64_t>(1, x.rows);
  for (std::int64_t at = 0; at < x.rows; at += block) {
    const std::int64_t count = std::min(block, x.rows - at);
    linalg::kernels().gemm(stream, 1.0, centred(stream, x.slice(at, count), mean, 0, powers),
                           linalg::Transpose::no, b, op, 0.0, out.slice(at, count));
  }
}

Tile reshaped(Tile t, std::int64_t rows, std::int64_t cols) {
  t.rows = rows;
  t.cols = t.stride = cols;
  return t;
}

Tile behind(const Tile& before, std::int64_t rows, std::int64_t cols) {
  return reshaped(before.slice(before.rows, 0), rows, cols);
}

}  // namespace tessera::detail
