// Fourier transforms by cuFFT. A plan is for a number of lines that follows from their length, and
// fewer are completed by zeros: which kernels cuFFT takes for a line cannot depend on how many
// there are.
#include <tessera/array/kernels/cuda/backend.hpp>

#ifdef TESSERA_WITH_CUFFT
#include <cufft.h>

#include <complex>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include <tessera/array/kernels/fft.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/runtime/cuda/launch.cuh>
#include <tessera/runtime/error.hpp>

namespace tessera::on_cuda {
namespace {

using fourier::Kind;

void check(cufftResult code, std::source_location at = std::source_location::current()) {
  if (code == CUFFT_SUCCESS) return;
  const std::string text = "cuFFT: status " + std::to_string(static_cast<int>(code)) + " at " +
                           at.file_name() + ":" + std::to_string(at.line());
  if (code == CUFFT_ALLOC_FAILED) throw MemoryError(text);
  throw RuntimeError(text);
}

// Lines that are transformed at once.
std::int64_t batch_of(std::int64_t n) { return std::clamp<std::int64_t>((1 << 20) / n, 1, 4096); }

/// Plans of one stream, which has one user at a time; streams are never destroyed.
class Plans {
 public:
  using Key = std::pair<cufftType, std::int64_t>;
  cufftHandle of(cudaStream_t stream, cufftType type, std::int64_t n) {
    const auto found = plans_.find({type, n});
    if (found != plans_.end()) return found->second;
    constexpr std::size_t most = 16;  // they have memory of the device
    if (plans_.size() == most) {
      cuda::check(cudaStreamSynchronize(stream));
      for (const auto& [key, plan] : plans_) check(cufftDestroy(plan));
      plans_.clear();
    }
    int length = static_cast<int>(n);
    cufftHandle plan{};
    check(cufftPlanMany(&plan, 1, &length, nullptr, 1, 0, nullptr, 1, 0, type,
                        static_cast<int>(batch_of(n))));
    check(cufftSetStream(plan, stream));
    return plans_[{type, n}] = plan;
  }
  static Plans& of(cudaStream_t stream) {
    static std::mutex mutex;
    static auto& all = *new std::map<cudaStream_t, Plans>;
    const std::lock_guard lock(mutex);
    return all[stream];
  }

 private:
  std::map<Key, cufftHandle> plans_;
};

cufftType type_of(Kind kind, bool single) {
  if (kind == Kind::to_half) return single ? CUFFT_R2C : CUFFT_D2Z;
  if (kind == Kind::from_half) return single ? CUFFT_C2R : CUFFT_Z2D;
  return single ? CUFFT_C2C : CUFFT_Z2Z;
}

void execute(cufftHandle plan, Kind kind, bool single, void* x, void* y) {
  const int sign = kind == Kind::forward ? CUFFT_FORWARD : CUFFT_INVERSE;
  const auto c = [](void* p) { return static_cast<cufftComplex*>(p); };
  const auto z = [](void* p) { return static_cast<cufftDoubleComplex*>(p); };
  const auto f = [](void* p) { return static_cast<cufftReal*>(p); };
  const auto d = [](void* p) { return static_cast<cufftDoubleReal*>(p); };
  if (kind == Kind::to_half)
    check(single ? cufftExecR2C(plan, f(x), c(y)) : cufftExecD2Z(plan, d(x), z(y)));
  else if (kind == Kind::from_half)
    check(single ? cufftExecC2R(plan, c(x), f(y)) : cufftExecZ2D(plan, z(x), d(y)));
  else
    check(single ? cufftExecC2C(plan, c(x), c(y), sign) : cufftExecZ2Z(plan, z(x), z(y), sign));
}

// `width` numbers of each of some rows, times a factor; 0 where there are none in x.
template <class T>
__global__ void __launch_bounds__(256)
    scale(const T* x, std::int64_t there, std::int64_t stride, T* y, std::int64_t width,
          std::int64_t y_stride, std::int64_t rows, double factor) {
  const auto step = std::int64_t{blockDim.x} * gridDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < rows * width;
       i += step) {
    const std::int64_t row = i / width, col = i % width;
    y[row * y_stride + col] = col < there ? x[row * stride + col] * static_cast<T>(factor) : T(0);
  }
}

// What of Hermitian lines is its own mirror image is real.
template <class T>
__global__ void __launch_bounds__(256)
    make_real(T* x, std::int64_t stride, std::int64_t rows, std::int64_t n) {
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (row >= rows) return;
  x[row * stride + 1] = 0;
  if (n % 2 == 0) x[row * stride + n + 1] = 0;
}

// The real numbers of rows, complex ones being two.
Tile reals(Tile t) {
  if (!is_complex(t.dtype)) return t;
  t.cols *= 2;
  t.stride *= 2;
  t.dtype = real_of(t.dtype);
  return t;
}

void scale_rows(cuda::Queue& queue, const Tile& from, const Tile& to, double factor) {
  const Tile x = reals(from), y = reals(to);
  visit_floating(y.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    cuda::launch(queue, scale<T>,
                 grid_of(std::min<std::int64_t>(ceil_div(y.rows * y.cols, 256), 1 << 16)), 256,
                 x.as<const T>(), x.cols, x.stride, y.as<T>(), y.cols, y.stride, y.rows, factor);
  });
}

void copy_rows(cuda::Queue& queue, const Tile& from, const Tile& to) {
  const std::size_t width = size_of(to.dtype);
  cuda::check(cudaMemcpy2DAsync(
      to.data, static_cast<std::size_t>(to.stride) * width, from.data,
      static_cast<std::size_t>(from.stride) * width, static_cast<std::size_t>(to.cols) * width,
      static_cast<std::size_t>(to.rows), cudaMemcpyDeviceToDevice, queue.stream()));
}

// Whether the plan takes rows as they lie.
bool fits(const Tile& rows, std::int64_t batch) {
  return rows.rows == batch && rows.stride == rows.cols &&
         reinterpret_cast<std::uintptr_t>(rows.data) % 16 == 0;
}

void transform(Stream& stream, const Tile& in, const Tile& out, Kind kind, double factor) {
  if (in.rows == 0) return;
  auto& queue = queue_of(stream);
  const std::int64_t n = std::max(in.cols, out.cols);
  if (n == 1) return scale_rows(queue, in, out, factor);
  const bool single = real_of(in.dtype) == DType::float32;
  const std::int64_t batch = batch_of(n);
  const cufftHandle plan = Plans::of(queue.stream()).of(queue.stream(), type_of(kind, single), n);
  const std::size_t in_bytes = static_cast<std::size_t>(batch * in.cols) * size_of(in.dtype);
  const std::size_t out_bytes = static_cast<std::size_t>(batch * out.cols) * size_of(out.dtype);
  for (std::int64_t first = 0; first < in.rows; first += batch) {
    const std::int64_t rows = std::min(batch, in.rows - first);
    Tile x = in.slice(first, rows), y = out.slice(first, rows);
    // cuFFT writes to what it transforms to real numbers.
    const bool own_x = !fits(x, batch) || kind == Kind::from_half, own_y = !fits(y, batch);
    if (own_x || own_y) {
      const auto [room_x, room_y] = workspace<std::byte, std::byte>(queue, in_bytes, out_bytes);
      if (own_x) {
        if (rows < batch) cuda::check(cudaMemsetAsync(room_x, 0, in_bytes, queue.stream()));
        const Tile own{room_x, rows, in.cols, in.cols, in.dtype, in.device};
        copy_rows(queue, x, own);
        x = own;
        if (kind == Kind::from_half)
          visit_floating(real_of(x.dtype), [&](auto tag) {
            using T = typename decltype(tag)::type;
            cuda::launch(queue, make_real<T>, grid_of(ceil_div(rows, 256)), 256, x.as<T>(),
                         2 * x.stride, rows, n);
          });
      }
      if (own_y) y = {room_y, rows, out.cols, out.cols, out.dtype, out.device};
    }
    execute(plan, kind, single, x.data, y.data);
    if (own_y || factor != 1) scale_rows(queue, y, out.slice(first, rows), factor);
  }
}

}  // namespace

void implement_fft(Backend& backend) {
  backend.implement(
      fourier::operation(), inexact,
      [](Stream&, const Tile& in, const Tile& out, Kind kind, double) -> Verdict {
        if (kind >= Kind::dct1) return Decline{"cuFFT has no cosine and sine transforms"};
        if (std::max(in.cols, out.cols) > INT32_MAX)
          return Decline{"takes lines of at most 2^31 - 1 elements"};
        return {};
      },
      transform);
}

}  // namespace tessera::on_cuda
#else
void tessera::on_cuda::implement_fft(Backend&) {}
#endif
