#include <tessera/array/kernels/cuda/backend.hpp>
#include <tessera/array/kernels/cuda/elementwise.cuh>

namespace tessera::on_cuda {

void implement_involved(Backend& backend) { implement_all(backend, functions::Involved{}); }

}  // namespace tessera::on_cuda
