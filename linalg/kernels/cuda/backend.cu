#include <cmath>
#include <string>
#include <type_traits>

#include <tessera/linalg/kernels/cuda/gram.hpp>
#include <tessera/linalg/kernels/cuda/moments.hpp>
#include <tessera/linalg/kernels/cuda/tile.cuh>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::linalg {
namespace {

using on_cuda::ceil_div;
using on_cuda::grid_of;

constexpr int kThreads = 256;

/// A size for cuBLAS and cuSOLVER.
int narrow(std::int64_t n) {
  if (n > 0x7fffffff)
    throw ValueError(std::to_string(n) + " exceeds the 32-bit sizes of cuBLAS and cuSOLVER");
  return static_cast<int>(n);
}

// cuBLAS is column-major: what it sees is c^T = op(b)^T op(a)^T. It chooses its kernel, and thereby
// the bits of a row, by the number of rows, which may depend on the number of GPUs.
void gemm(Stream& stream, double alpha, const Tile& a, Transpose ta, const Tile& b, Transpose tb,
          double beta, const Tile& c) {
  if (ta == Transpose::no)
    return on_cuda::gemm_rows(stream, alpha, a, b, tb != Transpose::no, beta, c);
  const int m = narrow(c.rows);
  const int n = narrow(c.cols);
  const int k = narrow(a.rows);
  if (m == 0 || n == 0) return;
  const auto ld = [](const Tile& t) {
    return narrow(std::max<std::int64_t>({1, t.cols, t.stride}));
  };
  auto& queue = on_cuda::queue_of(stream);
  visit_floating(c.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T scale_ab = static_cast<T>(alpha);
    const T scale_c = static_cast<T>(beta);
    const auto multiply = [&](auto routine) {
      cuda::check(routine(queue.cublas(), tb == Transpose::no ? CUBLAS_OP_N : CUBLAS_OP_T,
                          CUBLAS_OP_T, n, m, k, &scale_ab, b.as<const T>(), ld(b), a.as<const T>(),
                          ld(a), &scale_c, c.as<T>(), ld(c)));
    };
    if constexpr (std::is_same_v<T, float>)
      multiply(cublasSgemm);
    else
      multiply(cublasDgemm);
  });
}

/// a (rows x m, column-major) = diag(sqrt(weights)) ([x, y] - shift), the columns of one of x and
/// y.
template <class T>
__global__ void __launch_bounds__(kThreads)
    widen_kernel(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                 const double* shift, on_cuda::Values<const T> weights, double* a, int* bad) {
  for (std::int64_t e = blockIdx.x * std::int64_t{kThreads} + threadIdx.x; e < rows * cols;
       e += gridDim.x * std::int64_t{kThreads}) {
    const std::int64_t i = e % rows;
    const std::int64_t j = e / rows;
    const double v = static_cast<double>(x[i * stride + j]) - (shift ? shift[j] : 0.0);
    a[e] = weights ? sqrt(static_cast<double>(weights[i])) * v : v;
    if (!isfinite(a[e])) *bad = 1;
  }
}

/// to (row-major) = the upper triangle of the first min(rows, cols) rows of a (rows x cols,
/// column-major) and zeros in its other to_rows x cols elements; NaN if it is `bad` or `info` says
/// that it has not been factored: cuSOLVER does not promise that NaN stays.
__global__ void __launch_bounds__(kThreads)
    triangle_kernel(const double* a, std::int64_t rows, std::int64_t cols, const int* info,
                    const int* bad, double* to, std::int64_t to_rows, std::int64_t to_stride) {
  const bool failed = *info != 0 || *bad != 0;
  for (std::int64_t e = blockIdx.x * std::int64_t{kThreads} + threadIdx.x; e < to_rows * cols;
       e += gridDim.x * std::int64_t{kThreads}) {
    const std::int64_t i = e / cols;
    const std::int64_t j = e % cols;
    to[i * to_stride + j] = i > j || i >= rows ? 0.0 : failed ? NAN : a[j * rows + i];
  }
}

[[noreturn]] void refuse_triangle() {
  throw LinAlgError("QR of a tile failed: its values are not finite");
}

struct Factors {
  double* a;  ///< rows x cols, column-major
  int* info;
  int* bad;  ///< 0
  double* room;
};

/// Calls fill to make a rows x cols matrix, factors it and calls use; both get the Factors, with
/// `extra` values of room.
template <class Fill, class Use>
void factor(cuda::Queue& queue, std::int64_t rows, std::int64_t cols, std::int64_t extra,
            const Fill& fill, const Use& use) {
  const int m = narrow(rows);
  const int n = narrow(cols);
  int size = 0;
  cuda::check(cusolverDnDgeqrf_bufferSize(queue.cusolver(), m, n, nullptr, m, &size));
  const auto [a, tau, work, info, bad, room] =
      on_cuda::workspace<double, double, double, int, int, double>(
          queue, static_cast<std::size_t>(rows * cols),
          static_cast<std::size_t>(std::min(rows, cols)), static_cast<std::size_t>(size), 1, 1,
          static_cast<std::size_t>(extra));
  const Factors factors{a, info, bad, room};
  cuda::check(cudaMemsetAsync(bad, 0, sizeof(int), queue.stream()));
  fill(factors);
  cuda::check(cusolverDnDgeqrf(queue.cusolver(), m, n, a, m, tau, work, size, info));
  use(factors);
}

/// The columns of `from` to those of the Factors from `first` on.
template <class T>
void widen(cuda::Queue& queue, const Tile& from, std::int64_t first, const double* shift,
           const Tile& weights, const Factors& f) {
  if (from.cols == 0) return;
  cuda::launch(queue, widen_kernel<T>, grid_of(ceil_div(from.rows * from.cols, kThreads)), kThreads,
               from.as<const T>(), from.rows, from.cols, from.stride,
               shift ? shift + first : nullptr, on_cuda::Values<const T>(weights),
               f.a + first * from.rows, f.bad);
}

void keep_triangle(cuda::Queue& queue, std::int64_t rows, std::int64_t cols, const Factors& f,
                   double* to, std::int64_t to_rows, std::int64_t to_stride) {
  cuda::launch(queue, triangle_kernel, grid_of(ceil_div(to_rows * cols, kThreads)), kThreads,
               static_cast<const double*>(f.a), rows, cols, static_cast<const int*>(f.info),
               static_cast<const int*>(f.bad), to, to_rows, to_stride);
}

void leaf_triangle(Stream& stream, const Tile& x, std::span<const double> shift, const Tile& y,
                   const Tile& weights, const Tile& r) {
  const std::int64_t m = x.cols + y.cols;
  const std::int64_t k = std::min(x.rows, m);
  if (k == 0) return;
  auto& queue = on_cuda::queue_of(stream);
  const auto shifts = static_cast<std::int64_t>(shift.size());
  factor(
      queue, x.rows, m, shifts + k * m,
      [&](const Factors& f) {
        const double* const means = on_cuda::upload(queue, shift, f.room);
        visit_floating(x.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          widen<T>(queue, x, 0, means, weights, f);
          widen<T>(queue, y, x.cols, means, weights, f);
        });
      },
      [&](const Factors& f) {
        double* const packed = f.room + shifts;
        keep_triangle(queue, x.rows, m, f, packed, k, m);
        const auto width = [](std::int64_t n) {
          return static_cast<std::size_t>(n) * sizeof(double);
        };
        cuda::check(cudaMemcpy2DAsync(r.data, width(r.stride), packed, width(m), width(m),
                                      static_cast<std::size_t>(k), cudaMemcpyDeviceToHost,
                                      queue.stream()));
      });
  queue.synchronize();
  for (std::int64_t i = 0; i < k; ++i)
    for (std::int64_t j = 0; j < m; ++j)
      if (!std::isfinite(r.as<double>()[i * r.stride + j])) refuse_triangle();
}

void qr_r(Stream& stream, const Tile& a) {
  if (a.rows == 0 || a.cols == 0) return;
  auto& queue = on_cuda::queue_of(stream);
  factor(
      queue, a.rows, a.cols, 0,
      [&](const Factors& f) { widen<double>(queue, a, 0, nullptr, {}, f); },
      [&](const Factors& f) {
        keep_triangle(queue, a.rows, a.cols, f, a.as<double>(), a.rows, a.stride);
      });
  if (!on_cuda::all_finite(stream, a)) refuse_triangle();
}

// Column-major and row-major agree on a symmetric matrix, and the columns of cuSOLVER's result are
// rows of the row-major one.
void eigh(Stream& stream, const Tile& a, const Tile& values) {
  if (a.rows == 0) return;
  if (!on_cuda::all_finite(stream, a))
    throw ValueError("dsyevd: the matrix is not finite; do squares of the data overflow?");
  auto& queue = on_cuda::queue_of(stream);
  const int n = narrow(a.rows);
  int size = 0;
  cuda::check(cusolverDnDsyevd_bufferSize(queue.cusolver(), CUSOLVER_EIG_MODE_VECTOR,
                                          CUBLAS_FILL_MODE_LOWER, n, a.as<double>(), n,
                                          values.as<double>(), &size));
  const auto [work, info] =
      on_cuda::workspace<double, int>(queue, static_cast<std::size_t>(size), 1);
  cuda::check(cusolverDnDsyevd(queue.cusolver(), CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_LOWER,
                               n, a.as<double>(), n, values.as<double>(), work, size, info));
  int failed = 0;
  cuda::check(
      cudaMemcpyAsync(&failed, info, sizeof failed, cudaMemcpyDeviceToHost, queue.stream()));
  queue.synchronize();
  if (failed != 0)
    throw LinAlgError("dsyevd did not converge (info " + std::to_string(failed) + ")");
}

}  // namespace

Backend cuda_backend(const Kernels& k) {
  const DTypes wide = {DType::float64};
  Backend backend("cuda", Device::Kind::cuda);
  backend.implement(k.leaf_moments, floating, on_cuda::leaf_moments)
      .implement(k.leaf_group_moments, floating, on_cuda::leaf_group_moments)
      .implement(k.merge_moments, wide, on_cuda::merge_moments)
      .implement(k.leaf_gram, floating, on_cuda::leaf_gram)
      .implement(k.merge_grams, wide, on_cuda::merge_grams)
      .implement(k.add, wide, on_cuda::add)
      .implement(k.leaf_squares, floating, on_cuda::leaf_squares)
      .implement(k.leaf_gram_product, floating, on_cuda::leaf_gram_product)
      .implement(k.leaf_triangle, floating, leaf_triangle)
      .implement(k.qr_r, wide, qr_r)
      .implement(k.gemm, floating, gemm)
      .implement(k.standardize, floating, on_cuda::standardize)
      .implement(k.unstandardize, floating, on_cuda::unstandardize)
      .implement(k.all_finite, floating, on_cuda::all_finite)
      .implement(k.eigh, wide, eigh);
  return backend;
}

}  // namespace tessera::linalg
