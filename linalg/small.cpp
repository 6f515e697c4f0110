#include <tessera/linalg/small.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/watchdog.hpp>

namespace tessera::linalg {

Small::Small(std::int64_t rows, std::int64_t cols, std::vector<double> values)
    : rows_(rows), cols_(cols), values_(std::move(values)) {
  if (std::ssize(values_) != rows * cols)
    throw ValueError(
        fmt::format("a matrix of {} x {} cannot have {} values", rows, cols, values_.size()));
}

Small::Small(const Array& x) {
  if (x.ndim() < 1 || x.ndim() > 2)
    throw ValueError(fmt::format("expected a matrix or a vector, got an array of shape {}",
                                 to_string(x.shape())));
  const Array wide = x.to(cpu).astype(DType::float64);
  const auto all = wide.values<double>();
  *this = Small(x.rows(), x.cols(), {all.begin(), all.end()});
}

Small Small::identity(std::int64_t n) {
  Small one(n, n);
  for (std::int64_t i = 0; i < n; ++i) one.at(i, i) = 1.0;
  return one;
}

Small Small::first_rows(std::int64_t rows) const {
  return {rows, cols_, {values_.begin(), values_.begin() + rows * cols_}};
}

Small Small::columns(std::int64_t first, std::int64_t count) const {
  Small out(rows_, count);
  for (std::int64_t i = 0; i < rows_; ++i)
    std::copy_n(values_.begin() + i * cols_ + first, count, out.values_.begin() + i * count);
  return out;
}

Small Small::transposed() const {
  Small out(cols_, rows_);
  for (std::int64_t i = 0; i < rows_; ++i)
    for (std::int64_t j = 0; j < cols_; ++j) out.at(j, i) = at(i, j);
  return out;
}

Array Small::array(DType dtype, const Communicator& comm) const {
  return replicated(values_, {rows_, cols_}, comm).astype(dtype);
}

namespace small {
namespace {

// Seconds for so many operations times min(m, n) for each element of an m x n matrix.
double work(double operations, const Small& a) {
  return 1e-9 * operations * static_cast<double>(a.rows()) * static_cast<double>(a.cols()) *
         static_cast<double>(std::min(a.rows(), a.cols()));
}

void require_shape(bool fits, const char* function, const Small& a, const Small& b) {
  if (!fits)
    throw ValueError(fmt::format("{}: matrices of {} x {} and {} x {} do not fit", function,
                                 a.rows(), a.cols(), b.rows(), b.cols()));
}
void require_square(const char* function, const Small& a) {
  if (a.rows() != a.cols())
    throw ValueError(
        fmt::format("{} needs a square matrix, got {} x {}", function, a.rows(), a.cols()));
}

}  // namespace

Small product(const Small& a, const Small& b, Transpose of_a, Transpose of_b) {
  const bool a_as_is = of_a == Transpose::no;
  const bool b_as_is = of_b == Transpose::no;
  require_shape((a_as_is ? a.cols() : a.rows()) == (b_as_is ? b.rows() : b.cols()), "product", a,
                b);
  Small c(a_as_is ? a.rows() : a.cols(), b_as_is ? b.cols() : b.rows());
  Stream stream;
  kernels().gemm(stream, 1.0, a.tile(), of_a, b.tile(), of_b, 0.0, c.tile());
  return c;
}

Eigh eigh(Small a, Device device) {
  constexpr std::int64_t least_for_device = 256;  // below, the copies take longer than the solve
  require_square("eigh", a);
  const std::int64_t n = a.rows();
  const Watch watch("?syevd", work(20, a));
  Small values(1, n);
  Stream stream(n < least_for_device ? cpu : device);
  if (stream.device() == cpu) {
    kernels().eigh(stream, a.tile(), values.tile());
    return {std::move(values.values()), std::move(a)};
  }
  const Buffer memory(static_cast<std::size_t>(n * (n + 1)) * sizeof(double), device);
  Tile there = a.tile();
  there.data = memory.data();
  there.device = device;
  Tile values_there = there.slice(n, 1);
  copy(stream, a.tile(), there);
  kernels().eigh(stream, there, values_there);
  copy(stream, there, a.tile());
  copy(stream, values_there, values.tile());
  stream.synchronize();
  return {std::move(values.values()), std::move(a)};
}

Svd svd(Small a) {
  const std::int64_t k = std::min(a.rows(), a.cols());
  const Watch watch("?gesdd", work(50, a));
  Svd f{{a.rows(), k}, {}, {k, a.cols()}};
  Small s(1, k);
  Stream stream;
  kernels().svd(stream, a.tile(), f.u.tile(), s.tile(), f.vt.tile());
  f.s = std::move(s.values());
  return f;
}

std::optional<Small> cholesky(Small a) {
  require_square("cholesky", a);
  const Watch watch("?potrf", work(1, a));
  Stream stream;
  if (kernels().cholesky(stream, a.tile(), false) != 0) return std::nullopt;
  return a;
}

Small solve_triangular(const Small& r, Small b, Transpose op) {
  require_square("solve_triangular", r);
  require_shape(r.cols() == b.rows(), "solve_triangular", r, b);
  const Watch watch("?trsm", work(1, r) * static_cast<double>(b.cols()) /
                                 static_cast<double>(std::max<std::int64_t>(1, r.rows())));
  Stream stream;
  kernels().solve_triangular(stream, r.tile(), op, b.tile());
  return b;
}

std::optional<Small> solve_positive(Small a, Small b) {
  require_square("solve_positive", a);
  require_shape(a.cols() == b.rows(), "solve_positive", a, b);
  const auto r = cholesky(std::move(a));
  if (!r) return std::nullopt;
  return solve_triangular(*r, solve_triangular(*r, std::move(b), Transpose::yes));
}

Small orthonormal_columns(Small a) {
  if (a.rows() < a.cols())
    throw ValueError(
        fmt::format("orthonormal_columns needs rows >= columns, got {} x {}", a.rows(), a.cols()));
  const Watch watch("?geqrf", work(8, a));
  Stream stream;
  kernels().orthonormal_columns(stream, a.tile());
  return a;
}

}  // namespace small
}  // namespace tessera::linalg
