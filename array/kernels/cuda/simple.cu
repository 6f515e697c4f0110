#include <tessera/array/kernels/cuda/backend.hpp>
#include <tessera/array/kernels/cuda/elementwise.cuh>

namespace tessera::on_cuda {

void run_elementwise(Stream& stream, ElementwiseKernel kernel, std::initializer_list<Tile> tiles) {
  const Tile& out = *(tiles.end() - 1);
  if (out.rows == 0 || out.cols == 0) return;
  Places at{out.rows * out.cols, out.cols, {}};
  const void* in[3] = {};
  bool dense = true;
  std::size_t k = 0;
  for (const Tile& t : tiles) {
    const bool last = &t == &out;
    if (!last) in[k] = t.data;
    at.strides[last ? 3 : k++] = t.stride;
    dense = dense && (t.stride == t.cols || t.rows == 1);
  }
  if (dense) at.cols = at.n;
  cuda::launch(stream.queue(), kernel,
               grid_of(std::min<std::int64_t>(ceil_div(at.n, 256), 1 << 16)), 256, in[0], in[1],
               in[2], out.data, at);
}

void implement_simple(Backend& backend) { implement_all(backend, functions::Simple{}); }

}  // namespace tessera::on_cuda
