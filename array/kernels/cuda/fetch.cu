// Elements of a view, one thread each.
#include <tessera/array/kernels/cuda/backend.hpp>
#include <tessera/array/kernels/cuda/complex.cuh>
#include <tessera/array/kernels/fetch.hpp>
#include <tessera/runtime/cuda/launch.cuh>
#include <tessera/runtime/visit.hpp>

namespace tessera::on_cuda {
namespace {

constexpr std::size_t most_axes = 16;
struct Places {
  std::int64_t first, n;
  int axes;
  fetching::Axis axis[most_axes];
};

/// visit() of runtime/visit.hpp, in kernels.
template <class F>
__device__ auto visit_here(DType dtype, const F& f) {
  switch (dtype) {
    case DType::boolean:
      return f(TypeTag<bool>{});
    case DType::int8:
      return f(TypeTag<std::int8_t>{});
    case DType::int16:
      return f(TypeTag<std::int16_t>{});
    case DType::int32:
      return f(TypeTag<std::int32_t>{});
    case DType::int64:
      return f(TypeTag<std::int64_t>{});
    case DType::uint8:
      return f(TypeTag<std::uint8_t>{});
    case DType::uint16:
      return f(TypeTag<std::uint16_t>{});
    case DType::uint32:
      return f(TypeTag<std::uint32_t>{});
    case DType::uint64:
      return f(TypeTag<std::uint64_t>{});
    case DType::float32:
      return f(TypeTag<float>{});
    case DType::float64:
      return f(TypeTag<double>{});
    case DType::complex64:
      return f(TypeTag<std::complex<float>>{});
    default:
      return f(TypeTag<std::complex<double>>{});
  }
}

template <class To>
struct Load {
  const void* from;
  std::int64_t place;
  template <class Tag>
  __device__ To operator()(Tag) const {
    using From = Element<typename Tag::type>;
    const From& v = static_cast<const From*>(from)[place];
    if constexpr (functions::Complex<From> && !functions::Complex<To>)
      return static_cast<To>(v.real());
    else
      return static_cast<To>(v);
  }
};

// One for all dtypes of what is read: all threads go the same way, and compiling a kernel for each
// takes a minute.
template <class To>
__global__ void __launch_bounds__(256)
    fetch_kernel(const void* from, DType dtype, void* out, Places at) {
  const auto step = std::int64_t{blockDim.x} * gridDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < at.n; i += step) {
    std::int64_t rest = at.first + i, place = 0;
    for (int k = at.axes - 1; k > 0; --k) {
      const std::int64_t next = rest / at.axis[k].extent;
      place += (rest - next * at.axis[k].extent) * at.axis[k].stride;
      rest = next;
    }
    if (at.axes > 0) place += rest * at.axis[0].stride;
    static_cast<To*>(out)[i] = visit_here(dtype, Load<To>{from, place});
  }
}

void fetch(Stream& stream, const Tile& from, fetching::View view, std::int64_t first,
           const Tile& out) {
  if (out.rows == 0 || out.cols == 0) return;
  Places at{first, out.cols, static_cast<int>(view.size()), {}};
  std::copy(view.begin(), view.end(), at.axis);
  visit(out.dtype, [&](auto tag) {
    cuda::launch(stream.queue(), fetch_kernel<Element<typename decltype(tag)::type>>,
                 grid_of(std::min<std::int64_t>(ceil_div(at.n, 256), 1 << 16)), 256, from.data,
                 from.dtype, out.data, at);
  });
}

}  // namespace

void implement_fetch(Backend& backend) {
  backend.implement(
      fetching::operation(), DTypes::all(),
      [](Stream&, const Tile&, fetching::View view, std::int64_t, const Tile&) -> Verdict {
        if (view.size() > most_axes)
          return Decline{"takes views of at most " + std::to_string(most_axes) + " axes"};
        return {};
      },
      fetch);
}

}  // namespace tessera::on_cuda
