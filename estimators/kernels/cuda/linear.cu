// What linear models minimise: each row's predictors and what the loss makes of them, then sums
// over the rows of each leaf. The order of additions follows from the columns and the leaf's rows.
#include <tessera/estimators/kernels/cuda/linear.hpp>
#include <tessera/estimators/kernels/pointwise.hpp>
#include <tessera/runtime/cuda/launch.cuh>

namespace tessera::on_cuda {
namespace {

constexpr int kThreads = 256;

template <class T>
struct Data {
  const T* x;
  std::int64_t rows, p, stride;
  Values<const T> y, weights;
};

/// What is kept of every row: of predictor c the slope at slope[c rows + i]; loss and slope by the
/// scale at sums[2 i]; and room for as many predictors of the direction.
struct PerRow {
  double *slope, *sums, *along;
};

template <class T>
struct Curvature {
  T* at;
  std::int64_t stride;
  __device__ void set(std::int64_t pair, std::int64_t row, double value) const {
    at[pair * stride + row] = static_cast<T>(value > 0 ? value : 0);
  }
};

/// [x_i, 1] times coefficients, by `lanes` threads beside each other, who all get it.
template <class T>
__device__ double predictor(const T* x, std::int64_t p, const double* coef, int lane, int lanes) {
  double sum = 0;
  for (std::int64_t j = lane; j < p; j += lanes) sum = fma(static_cast<double>(x[j]), coef[j], sum);
  for (int half = lanes / 2; half > 0; half /= 2) sum += __shfl_xor_sync(~0u, sum, half, lanes);
  return sum + coef[p];
}

/// u_ci, c < k, of row i become the shares exp(u_c) / sum exp(u_c); returns log sum exp(u_c).
__device__ double softmax(double* u, std::int64_t k, std::int64_t rows) {
  double most = u[0], sum = 0;
  for (std::int64_t c = 1; c < k; ++c) most = u[c * rows] > most ? u[c * rows] : most;
  for (std::int64_t c = 0; c < k; ++c) sum += exp(u[c * rows] - most);
  for (std::int64_t c = 0; c < k; ++c) u[c * rows] = exp(u[c * rows] - most) / sum;
  return most + log(sum);
}

/// Slopes, losses and curvatures of a row with predictors u_c, by one thread.
template <class T>
__device__ void differentiate(const LinearLoss& loss, std::int64_t i, double y, double w,
                              std::int64_t rows, PerRow per, Curvature<T> curvature) {
  double* const u = per.slope + i;
  const std::int64_t k = loss.outputs;
  double value = 0, scale_slope = 0;
  if (loss.loss == Loss::multinomial) {
    const auto label = static_cast<std::int64_t>(y);
    const double own = u[label * rows];
    value = softmax(u, k, rows) - own;
    std::int64_t pair = 0;
    for (std::int64_t a = 0; curvature.at && a < k; ++a)
      for (std::int64_t b = a; b < k; ++b)
        curvature.set(pair++, i, w * u[a * rows] * (a == b ? 1 - u[a * rows] : u[b * rows]));
    u[label * rows] -= 1;
    for (std::int64_t c = 0; c < k; ++c) u[c * rows] = w == 0 ? 0 : w * u[c * rows];
  } else {
    const auto at = pointwise(loss, u[0], y);
    value = at.loss;
    scale_slope = at.scale_slope;
    if (curvature.at) curvature.set(0, i, w == 0 ? 0 : w * at.curvature);
    u[0] = w == 0 ? 0 : w * at.slope;
  }
  // A row without weight says no more than that it has no number.
  per.sums[2 * i] = w != 0 ? w * value : isnan(value) ? value : 0;
  per.sums[2 * i + 1] = w != 0 ? w * scale_slope : 0;
}

/// The curvature of a row times the predictors of the direction, by one thread.
__device__ void turn(const LinearLoss& loss, std::int64_t i, double y, double w, std::int64_t rows,
                     PerRow per) {
  double* const u = per.slope + i;
  const double* const v = per.along + i;
  const std::int64_t k = loss.outputs;
  if (w == 0) {
    for (std::int64_t c = 0; c < k; ++c) u[c * rows] = 0;
  } else if (loss.loss == Loss::multinomial) {
    softmax(u, k, rows);
    double mean = 0;
    for (std::int64_t c = 0; c < k; ++c) mean += u[c * rows] * v[c * rows];
    for (std::int64_t c = 0; c < k; ++c) u[c * rows] *= w * (v[c * rows] - mean);
  } else {
    u[0] = w * pointwise(loss, u[0], y).curvature * v[0];
  }
}

template <class T, bool kProduct>
__global__ void __launch_bounds__(kThreads)
    rows_kernel(Data<T> data, const double* coef, const double* direction, LinearLoss loss,
                PerRow per, Curvature<T> curvature, int lanes) {
  const int lane = static_cast<int>(threadIdx.x) % lanes, each = kThreads / lanes;
  const std::int64_t step = std::int64_t{gridDim.x} * each, m = data.p + 1;
  for (std::int64_t begin = std::int64_t{blockIdx.x} * each; begin < data.rows; begin += step) {
    const std::int64_t i = begin + static_cast<int>(threadIdx.x) / lanes;
    // All threads of a warp take part in the sums.
    const bool there = i < data.rows;
    const T* x = data.x + (there ? i : begin) * data.stride;
    for (std::int64_t c = 0; c < loss.outputs; ++c) {
      const double u = predictor(x, data.p, coef + c * m, lane, lanes);
      if (there && lane == 0) per.slope[c * data.rows + i] = u;
      if constexpr (kProduct) {
        const double v = predictor(x, data.p, direction + c * m, lane, lanes);
        if (there && lane == 0) per.along[c * data.rows + i] = v;
      }
    }
    if (!there || lane != 0) continue;
    const auto y = static_cast<double>(data.y[i]);
    const double w = data.weights ? static_cast<double>(data.weights[i]) : 1.0;
    if constexpr (kProduct)
      turn(loss, i, y, w, data.rows, per);
    else
      differentiate(loss, i, y, w, data.rows, per, curvature);
  }
}

/// out (leaves x k (p + 1)) = sums of g_c [x, 1], C predictors at a time.
template <class T, int C>
__global__ void __launch_bounds__(kThreads)
    sums_kernel(Data<T> data, std::int64_t leaf_rows, const double* g, std::int64_t k, int lanes,
                std::int64_t leaves, double* out, std::int64_t out_stride) {
  __shared__ double room[kThreads];
  const std::int64_t m = data.p + 1, groups = ceil_div(m, lanes), sets = ceil_div(k, C);
  const std::int64_t pieces = leaves * sets * groups;
  const int row_step = kThreads / lanes, first = static_cast<int>(threadIdx.x) / lanes;
  for (std::int64_t piece = blockIdx.x; piece < pieces; piece += gridDim.x) {
    const std::int64_t leaf = piece / (sets * groups), set = piece / groups % sets * C;
    const std::int64_t j = piece % groups * lanes + static_cast<int>(threadIdx.x) % lanes;
    const LeafRows run = leaf_rows_of(leaf, leaf_rows, data.rows);
    double sum[C] = {};
    for (std::int64_t i = run.begin + first; j < m && i < run.begin + run.rows; i += row_step) {
      const double x = j < data.p ? static_cast<double>(data.x[i * data.stride + j]) : 1.0;
#pragma unroll
      for (int c = 0; c < C; ++c) {
        // Of a row without weight nothing counts, not even NaN.
        const double slope = set + c < k ? g[(set + c) * data.rows + i] : 0.0;
        if (slope != 0) sum[c] = fma(slope, x, sum[c]);
      }
    }
#pragma unroll
    for (int c = 0; c < C; ++c) {
      const double all = sum_of_block(sum[c], lanes, room);
      if (first == 0 && j < m && set + c < k) out[leaf * out_stride + (set + c) * m + j] = all;
    }
  }
}

/// out (leaves x 2) = sums of what every row has two of.
__global__ void __launch_bounds__(kThreads)
    totals_kernel(const double* each, std::int64_t rows, std::int64_t leaf_rows,
                  std::int64_t leaves, double* out, std::int64_t out_stride) {
  __shared__ double room[kThreads];
  const int part = static_cast<int>(threadIdx.x) % 2;
  for (std::int64_t leaf = blockIdx.x; leaf < leaves; leaf += gridDim.x) {
    const LeafRows run = leaf_rows_of(leaf, leaf_rows, rows);
    double sum = 0;
    for (std::int64_t i = threadIdx.x / 2; i < run.rows; i += kThreads / 2)
      sum += each[2 * (run.begin + i) + part];
    sum = sum_of_block(sum, 2, room);
    if (threadIdx.x < 2) out[leaf * out_stride + part] = sum;
  }
}

template <bool kProduct>
void run(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& y, const Tile& weights,
         std::span<const double> coef, const LinearLoss& loss, std::span<const double> direction,
         const Tile& curvature, const Tile& out) {
  if (out.rows == 0) return;
  auto& queue = queue_of(stream);
  const auto rows = static_cast<std::size_t>(x.rows), k = static_cast<std::size_t>(loss.outputs);
  const auto [slope, sums, along, room, there] = workspace<double, double, double, double, double>(
      queue, rows * k, rows * 2, kProduct ? rows * k : 0, coef.size(), direction.size());
  const double* const w = upload(queue, coef, room);
  const double* const v = upload(queue, direction, there);
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Data<T> data{x.as<const T>(),         x.rows, x.cols, x.stride, Values<const T>(y),
                       Values<const T>(weights)};
    const int lanes = column_lanes(x.cols);
    if (x.rows > 0)
      cuda::launch(queue, rows_kernel<T, kProduct>, grid_of(ceil_div(x.rows, kThreads / lanes)),
                   kThreads, data, w, v, loss, PerRow{slope, sums, along},
                   Curvature<T>{curvature.as<T>(), curvature.stride}, lanes);
    const Tile gradient = kProduct ? out : out.columns(LinearLoss::gradient_at, out.cols - 2);
    const int wide = column_lanes(x.cols + 1);
    const std::int64_t groups = out.rows * ceil_div(x.cols + 1, wide);
    if (loss.outputs == 1)
      cuda::launch(queue, sums_kernel<T, 1>, grid_of(groups), kThreads, data, leaf_rows, slope,
                   loss.outputs, wide, out.rows, gradient.as<double>(), out.stride);
    else
      cuda::launch(queue, sums_kernel<T, 4>, grid_of(groups * ceil_div(loss.outputs, 4)), kThreads,
                   data, leaf_rows, slope, loss.outputs, wide, out.rows, gradient.as<double>(),
                   out.stride);
  });
  if (!kProduct)
    cuda::launch(queue, totals_kernel, grid_of(out.rows), kThreads, sums, x.rows, leaf_rows,
                 out.rows, out.as<double>(), out.stride);
}

}  // namespace

void leaf_loss(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& y,
               const Tile& weights, std::span<const double> coef, const LinearLoss& loss,
               const Tile& curvature, const Tile& out) {
  run<false>(stream, x, leaf_rows, y, weights, coef, loss, {}, curvature, out);
}

void leaf_product(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& y,
                  const Tile& weights, std::span<const double> coef, const LinearLoss& loss,
                  std::span<const double> direction, const Tile& out) {
  run<true>(stream, x, leaf_rows, y, weights, coef, loss, direction, {}, out);
}

}  // namespace tessera::on_cuda
