// Reductions: the threads of a block take the rows of a block of x in turn, and merge what they
// have as a tree. Which element goes where follows from the number of rows.
#include <tessera/array/kernels/cuda/backend.hpp>
#include <tessera/array/kernels/cuda/complex.cuh>
#include <tessera/array/kernels/reductions.hpp>
#include <tessera/runtime/cuda/launch.cuh>

namespace tessera::on_cuda {
namespace {

using reductions::Start;
constexpr int kThreads = 256;

/// x is `blocks` blocks of n rows. `lanes` threads beside each other have a column each, `teams` of
/// them the rows of a block; the threads of a block of the grid have as many blocks side by side.
struct Shape {
  std::int64_t n, blocks, cols, stride, out_stride;
  Start start;
  int lanes, teams;
};

template <class A, class T>
__global__ void __launch_bounds__(kThreads) reduce_kernel(const void* x, void* out, Shape s) {
  __shared__ __align__(16) unsigned char memory[kThreads * sizeof(A)];
  auto* const room = reinterpret_cast<A*>(memory);
  const int thread = static_cast<int>(threadIdx.x), each = s.lanes * s.teams;
  const int lane = thread % s.lanes, team = thread / s.lanes % s.teams;
  const std::int64_t groups = (s.cols + s.lanes - 1) / s.lanes, pieces = s.blocks * groups;
  const std::int64_t step = std::int64_t{gridDim.x} * (kThreads / each);
  const std::int64_t busy = s.n < s.teams ? s.n : s.teams;
  for (std::int64_t begin = std::int64_t{blockIdx.x} * (kThreads / each); begin < pieces;
       begin += step) {
    const std::int64_t piece = begin + thread / each;
    const std::int64_t block = piece / groups, col = piece % groups * s.lanes + lane;
    const bool works = piece < pieces && col < s.cols;
    A own{};
    if (works && team < busy) {
      const T* from = static_cast<const T*>(x) + block * s.n * s.stride + col;
      const std::int64_t first = s.start.first + block * s.start.step;
      own.first(from[team * s.stride], first + team);
      for (std::int64_t i = team + s.teams; i < s.n; i += s.teams)
        own.add(from[i * s.stride], first + i);
    }
    if (s.teams > 1) {
      __syncthreads();  // those of the piece before have been read
      room[thread] = own;
      for (int half = s.teams / 2; half > 0; half /= 2) {
        __syncthreads();
        if (team < half && team + half < busy) room[thread].merge(room[thread + half * s.lanes]);
      }
      own = room[thread];
    }
    if (works && team == 0)
      reinterpret_cast<A*>(static_cast<unsigned char*>(out) + block * s.out_stride)[col] = own;
  }
}

using Kernel = void (*)(const void*, void*, Shape);

void run(Stream& stream, Kernel kernel, const Tile& x, std::int64_t n, Start start,
         const Tile& out) {
  if (out.rows == 0 || x.cols == 0) return;
  Shape s{n, out.rows, x.cols, x.stride, out.stride, start, column_lanes(x.cols), 1};
  // Four rows a thread at least.
  while (s.teams * 4 < n && s.teams * s.lanes < kThreads) s.teams *= 2;
  const std::int64_t pieces = s.blocks * ceil_div(s.cols, s.lanes);
  const std::int64_t blocks = ceil_div(pieces, kThreads / (s.lanes * s.teams));
  cuda::launch(stream.queue(), kernel, grid_of(std::min<std::int64_t>(blocks, 1 << 20)), kThreads,
               x.data, out.data, s);
}

template <template <class> class R>
constexpr auto kernels_of() {
  const auto one = []<class T>(TypeTag<T>) -> Kernel {
    if constexpr (reductions::Takes<R, T>)
      return &reduce_kernel<R<Element<T>>, Element<T>>;
    else
      return nullptr;
  };
  return functions::with_all_types([=](auto... tag) { return std::array{one(tag)...}; });
}

template <template <class> class R>
void implement_one(Backend& backend) {
  backend.implement(
      reductions::operation(R<double>::name), reductions::dtypes<R>(),
      [](Stream& stream, const Tile& x, std::int64_t n, Start start, const Tile& out) {
        static constexpr auto kernels = kernels_of<R>();
        run(stream, kernels[static_cast<std::size_t>(x.dtype)], x, n, start, out);
      });
}

template <template <class> class... R>
void implement_all(Backend& backend, reductions::List<R...>) {
  (implement_one<R>(backend), ...);
}

template <class A>
__global__ void __launch_bounds__(kThreads)
    results_kernel(const A* accumulators, std::int64_t count, double n, double parameter,
                   typename A::Result* out) {
  const auto step = std::int64_t{blockDim.x} * gridDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step)
    out[i] = accumulators[i].result(n, parameter);
}

void results(Stream& stream, const Tile& accumulators, const reductions::Reducer& reducer, double n,
             double parameter, const Tile& out) {
  if (out.cols == 0) return;
  const auto of = [&]<class A>(TypeTag<A>) {
    cuda::launch(stream.queue(), results_kernel<A>,
                 grid_of(std::min<std::int64_t>(ceil_div(out.cols, kThreads), 1 << 16)), kThreads,
                 accumulators.as<const A>(), out.cols, n, parameter, out.as<typename A::Result>());
  };
  // Accumulators of one layout; of the others the value is the result.
  if (reducer.name == "mean" && reducer.result == DType::complex128)
    of(TypeTag<reductions::MeanOf<Complex<double>>>{});
  else if (reducer.name == "mean")
    of(TypeTag<reductions::MeanOf<double>>{});
  else if (reducer.name == "var")
    of(TypeTag<reductions::VarianceOf<double>>{});
  else if (reducer.name == "argmax" || reducer.name == "argmin")
    of(TypeTag<reductions::ArgmaxOf<std::int64_t>>{});
  else
    cuda::check(cudaMemcpyAsync(out.data, accumulators.data,
                                static_cast<std::size_t>(out.cols) * reducer.bytes,
                                cudaMemcpyDeviceToDevice, cuda::queue(stream.queue()).stream()));
}

}  // namespace

void implement_reductions(Backend& backend) {
  implement_all(backend, reductions::All{});
  backend.implement(reductions::results(), results);
}

}  // namespace tessera::on_cuda
