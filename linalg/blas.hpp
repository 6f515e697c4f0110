#pragma once
#include <cstdint>

/// What calls of BLAS and LAPACK need. For the .cpp files of this room.
namespace tessera::linalg {

/// A 64-bit size as LAPACK's and BLAS's 32-bit integer; ValueError when it does not fit.
int blas_int(std::int64_t n);
/// Makes OpenBLAS take its memory for calls from so many threads at once. MemoryError when there is
/// not enough: OpenBLAS itself would ask again forever. Goes before every use of BLAS and LAPACK.
void reserve_blas(int threads);

}  // namespace tessera::linalg
