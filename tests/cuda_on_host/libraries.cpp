// cuBLAS, cuSOLVER and NCCL of the double.
#include <cblas.h>
#include <cublas_v2.h>
#include <cusolverDn.h>
#include <lapacke.h>
#include <mpi.h>
#include <nccl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "internal.hpp"

using cuda_on_host::device_of;
using cuda_on_host::enqueue;
using cuda_on_host::enqueue_call;
using cuda_on_host::fail;

struct cublasContext {
  cudaStream_t stream = nullptr;
};
struct cusolverDnContext {
  cudaStream_t stream = nullptr;
};

namespace {

// A column-major matrix lies in the memory of the stream's device.
template <class T>
void need(cudaStream_t stream, const char* function, const T* a, std::int64_t rows,
          std::int64_t columns, std::int64_t ld) {
  if (rows < 0 || columns < 0 || ld < std::max<std::int64_t>(rows, 1))
    fail(std::string(function) + ": a matrix with impossible sizes");
  if (rows == 0 || columns == 0) return;
  const auto elements = static_cast<std::size_t>((columns - 1) * ld + rows);
  if (!cuda_on_host::on_device(a, elements * sizeof(T), device_of(stream)))
    fail(std::string(function) + ": a matrix that is not (all) in the memory of the device");
}

CBLAS_TRANSPOSE transposed(cublasOperation_t op) {
  return op == CUBLAS_OP_N ? CblasNoTrans : CblasTrans;
}

void multiply(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha,
              const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  cblas_sgemm(CblasColMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void multiply(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha,
              const double* a, int lda, const double* b, int ldb, double beta, double* c, int ldc) {
  cblas_dgemm(CblasColMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void rank_k(CBLAS_UPLO fill, CBLAS_TRANSPOSE t, int n, int k, float alpha, const float* a, int lda,
            float beta, float* c, int ldc) {
  cblas_ssyrk(CblasColMajor, fill, t, n, k, alpha, a, lda, beta, c, ldc);
}
void rank_k(CBLAS_UPLO fill, CBLAS_TRANSPOSE t, int n, int k, double alpha, const double* a,
            int lda, double beta, double* c, int ldc) {
  cblas_dsyrk(CblasColMajor, fill, t, n, k, alpha, a, lda, beta, c, ldc);
}

template <class T>
cublasStatus_t gemm(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n,
                    int k, T alpha, const T* a, int lda, long long stride_a, const T* b, int ldb,
                    long long stride_b, T beta, T* c, int ldc, long long stride_c, int batch) {
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (m == 0 || n == 0 || batch == 0) return CUBLAS_STATUS_SUCCESS;
  for (int i = 0; i < batch; ++i) {
    need(handle->stream, "cublas gemm", a + i * stride_a, ta == CUBLAS_OP_N ? m : k,
         ta == CUBLAS_OP_N ? k : m, lda);
    need(handle->stream, "cublas gemm", b + i * stride_b, tb == CUBLAS_OP_N ? k : n,
         tb == CUBLAS_OP_N ? n : k, ldb);
    need(handle->stream, "cublas gemm", c + i * stride_c, m, n, ldc);
  }
  enqueue_call(handle->stream, [=] {
    for (int i = 0; i < batch; ++i)
      multiply(transposed(ta), transposed(tb), m, n, k, alpha, a + i * stride_a, lda,
               b + i * stride_b, ldb, beta, c + i * stride_c, ldc);
  });
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t syrk(cublasHandle_t handle, cublasFillMode_t fill, cublasOperation_t trans, int n,
                    int k, T alpha, const T* a, int lda, T beta, T* c, int ldc) {
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  need(handle->stream, "cublas syrk", a, trans == CUBLAS_OP_N ? n : k, trans == CUBLAS_OP_N ? k : n,
       lda);
  need(handle->stream, "cublas syrk", c, n, n, ldc);
  enqueue_call(handle->stream, [=] {
    rank_k(fill == CUBLAS_FILL_MODE_LOWER ? CblasLower : CblasUpper, transposed(trans), n, k, alpha,
           a, lda, beta, c, ldc);
  });
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t geam(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n,
                    T alpha, const T* a, int lda, T beta, const T* b, int ldb, T* c, int ldc) {
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (alpha != 0)
    need(handle->stream, "cublas geam", a, ta == CUBLAS_OP_N ? m : n, ta == CUBLAS_OP_N ? n : m,
         lda);
  if (beta != 0)
    need(handle->stream, "cublas geam", b, tb == CUBLAS_OP_N ? m : n, tb == CUBLAS_OP_N ? n : m,
         ldb);
  need(handle->stream, "cublas geam", c, m, n, ldc);
  enqueue_call(handle->stream, [=] {
    const auto at = [](const T* x, cublasOperation_t t, int ld, std::size_t i, std::size_t j) {
      return t == CUBLAS_OP_N ? x[i + j * static_cast<std::size_t>(ld)]
                              : x[j + i * static_cast<std::size_t>(ld)];
    };
    for (std::size_t j = 0; j < static_cast<std::size_t>(n); ++j)
      for (std::size_t i = 0; i < static_cast<std::size_t>(m); ++i)
        c[i + j * static_cast<std::size_t>(ldc)] =
            (alpha == 0 ? T{} : alpha * at(a, ta, lda, i, j)) +
            (beta == 0 ? T{} : beta * at(b, tb, ldb, i, j));
  });
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

// ---- cuBLAS ----

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "the operation completed successfully";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an invalid value was used as a parameter";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      break;
  }
  return "the function failed to launch on the GPU";
}
cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetPointerMode(cublasHandle_t, cublasPointerMode_t mode) {
  return mode == CUBLAS_POINTER_MODE_HOST ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }

cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t transa,
                           cublasOperation_t transb, int m, int n, int k, const float* alpha,
                           const float* a, int lda, const float* b, int ldb, const float* beta,
                           float* c, int ldc) {
  return gemm(handle, transa, transb, m, n, k, *alpha, a, lda, 0, b, ldb, 0, *beta, c, ldc, 0, 1);
}
cublasStatus_t cublasDgemm(cublasHandle_t handle, cublasOperation_t transa,
                           cublasOperation_t transb, int m, int n, int k, const double* alpha,
                           const double* a, int lda, const double* b, int ldb, const double* beta,
                           double* c, int ldc) {
  return gemm(handle, transa, transb, m, n, k, *alpha, a, lda, 0, b, ldb, 0, *beta, c, ldc, 0, 1);
}
cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t transa,
                                         cublasOperation_t transb, int m, int n, int k,
                                         const float* alpha, const float* a, int lda,
                                         long long stride_a, const float* b, int ldb,
                                         long long stride_b, const float* beta, float* c, int ldc,
                                         long long stride_c, int batch) {
  return gemm(handle, transa, transb, m, n, k, *alpha, a, lda, stride_a, b, ldb, stride_b, *beta, c,
              ldc, stride_c, batch);
}
cublasStatus_t cublasDgemmStridedBatched(cublasHandle_t handle, cublasOperation_t transa,
                                         cublasOperation_t transb, int m, int n, int k,
                                         const double* alpha, const double* a, int lda,
                                         long long stride_a, const double* b, int ldb,
                                         long long stride_b, const double* beta, double* c, int ldc,
                                         long long stride_c, int batch) {
  return gemm(handle, transa, transb, m, n, k, *alpha, a, lda, stride_a, b, ldb, stride_b, *beta, c,
              ldc, stride_c, batch);
}
cublasStatus_t cublasSsyrk(cublasHandle_t handle, cublasFillMode_t fill, cublasOperation_t trans,
                           int n, int k, const float* alpha, const float* a, int lda,
                           const float* beta, float* c, int ldc) {
  return syrk(handle, fill, trans, n, k, *alpha, a, lda, *beta, c, ldc);
}
cublasStatus_t cublasDsyrk(cublasHandle_t handle, cublasFillMode_t fill, cublasOperation_t trans,
                           int n, int k, const double* alpha, const double* a, int lda,
                           const double* beta, double* c, int ldc) {
  return syrk(handle, fill, trans, n, k, *alpha, a, lda, *beta, c, ldc);
}
cublasStatus_t cublasSgeam(cublasHandle_t handle, cublasOperation_t transa,
                           cublasOperation_t transb, int m, int n, const float* alpha,
                           const float* a, int lda, const float* beta, const float* b, int ldb,
                           float* c, int ldc) {
  return geam(handle, transa, transb, m, n, *alpha, a, lda, *beta, b, ldb, c, ldc);
}
cublasStatus_t cublasDgeam(cublasHandle_t handle, cublasOperation_t transa,
                           cublasOperation_t transb, int m, int n, const double* alpha,
                           const double* a, int lda, const double* beta, const double* b, int ldb,
                           double* c, int ldc) {
  return geam(handle, transa, transb, m, n, *alpha, a, lda, *beta, b, ldb, c, ldc);
}

// ---- cuSOLVER ----

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle) {
  *handle = new cusolverDnContext;
  return CUSOLVER_STATUS_SUCCESS;
}
cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle) {
  delete handle;
  return CUSOLVER_STATUS_SUCCESS;
}
cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUSOLVER_STATUS_SUCCESS;
}
cusolverStatus_t cusolverDnDsyevd_bufferSize(cusolverDnHandle_t, cusolverEigMode_t,
                                             cublasFillMode_t, int n, const double*, int,
                                             const double*, int* lwork) {
  *lwork = 2 * n + 1;
  return CUSOLVER_STATUS_SUCCESS;
}
cusolverStatus_t cusolverDnDsyevd(cusolverDnHandle_t handle, cusolverEigMode_t job,
                                  cublasFillMode_t fill, int n, double* a, int lda, double* w,
                                  double* work, int lwork, int* info) {
  if (lwork < 2 * n + 1) return CUSOLVER_STATUS_INVALID_VALUE;
  const char* const name = "cusolverDnDsyevd";
  need(handle->stream, name, a, n, n, lda);
  need(handle->stream, name, w, n, 1, n);
  need(handle->stream, name, work, lwork, 1, lwork);
  need(handle->stream, name, info, 1, 1, 1);
  enqueue_call(handle->stream, [=] {
    std::fill_n(work, lwork, -1.0);
    *info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, job == CUSOLVER_EIG_MODE_VECTOR ? 'V' : 'N',
                           fill == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U', n, a, lda, w);
  });
  return CUSOLVER_STATUS_SUCCESS;
}
cusolverStatus_t cusolverDnDgeqrf_bufferSize(cusolverDnHandle_t, int, int n, double*, int,
                                             int* lwork) {
  *lwork = 4 * n + 1;
  return CUSOLVER_STATUS_SUCCESS;
}
cusolverStatus_t cusolverDnDgeqrf(cusolverDnHandle_t handle, int m, int n, double* a, int lda,
                                  double* tau, double* work, int lwork, int* info) {
  if (lwork < 4 * n + 1) return CUSOLVER_STATUS_INVALID_VALUE;
  const char* const name = "cusolverDnDgeqrf";
  need(handle->stream, name, a, m, n, lda);
  need(handle->stream, name, tau, std::min(m, n), 1, std::max(std::min(m, n), 1));
  need(handle->stream, name, work, lwork, 1, lwork);
  need(handle->stream, name, info, 1, 1, 1);
  enqueue_call(handle->stream, [=] {
    std::fill_n(work, lwork, -1.0);
    *info = LAPACKE_dgeqrf(LAPACK_COL_MAJOR, m, n, a, lda, tau);
  });
  return CUSOLVER_STATUS_SUCCESS;
}

// ---- NCCL ----

struct ncclComm {
  MPI_Comm mpi = MPI_COMM_NULL;
  int rank = 0;
  int size = 1;
  bool blocking = true;
  int in_progress = 0;  // how often GetAsyncError still says so
  /// Shared with queued messages, which may outlive an aborted communicator.
  struct Fate {
    std::atomic<ncclResult_t> failure = ncclSuccess;
    std::atomic<bool> aborted = false;
  };
  std::shared_ptr<Fate> fate = std::make_shared<Fate>();
};

namespace {

constexpr int id_tag = 21000;
constexpr std::size_t piece = std::size_t{1} << 30;
std::atomic<ncclResult_t> failing = ncclSuccess;

enum class Direction { send, receive };

/// One message of a group. Bytes travel through host memory of our own, for MPI touches its
/// buffers at any time and device memory is open at some times only.
struct Message {
  Direction direction;
  std::byte* data;
  std::size_t bytes;
  int peer;
  std::vector<std::byte> buffer{};
};

class Exchange {
 public:
  Exchange(const ncclComm& comm, std::vector<Message> messages)
      : mpi_(comm.mpi), fate_(comm.fate), messages_(std::move(messages)) {}

  bool run() {
    if (fate_->aborted) return true;
    if (fate_->failure != ncclSuccess) return false;
    if (!started_) start();
    int done = 0;
    MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE);
    if (!done) return false;
    for (const Message& m : messages_)
      if (m.direction == Direction::receive) std::memcpy(m.data, m.buffer.data(), m.bytes);
    return true;
  }

 private:
  void start() {
    started_ = true;
    for (Message& m : messages_) {
      m.buffer.resize(m.bytes);
      if (m.direction == Direction::send) std::memcpy(m.buffer.data(), m.data, m.bytes);
      for (std::size_t at = 0; at < m.bytes; at += piece) {
        const auto n = static_cast<int>(std::min(piece, m.bytes - at));
        requests_.emplace_back();
        // Synchronous: NCCL, too, may wait until the other side takes part.
        if (m.direction == Direction::send)
          MPI_Issend(m.buffer.data() + at, n, MPI_BYTE, m.peer, 0, mpi_, &requests_.back());
        else
          MPI_Irecv(m.buffer.data() + at, n, MPI_BYTE, m.peer, 0, mpi_, &requests_.back());
      }
    }
  }

  MPI_Comm mpi_;
  std::shared_ptr<ncclComm::Fate> fate_;
  std::vector<Message> messages_;
  std::vector<MPI_Request> requests_;
  bool started_ = false;
};

thread_local int group_depth = 0;
thread_local std::map<std::pair<ncclComm_t, cudaStream_t>, std::vector<Message>> group;

ncclResult_t progress(ncclComm_t comm) {
  if (comm->blocking) return ncclSuccess;
  comm->in_progress = 2;
  return ncclInProgress;
}

ncclResult_t flush() {
  ncclResult_t result = ncclSuccess;
  for (auto& [where, messages] : std::exchange(group, {})) {
    const auto [comm, stream] = where;
    enqueue(stream, [exchange = std::make_shared<Exchange>(*comm, std::move(messages))] {
      return exchange->run();
    });
    result = progress(comm);
  }
  return result;
}

ncclResult_t add(ncclComm_t comm, cudaStream_t stream, std::vector<Message> messages) {
  if (failing != ncclSuccess) comm->fate->failure = failing.load();
  std::uint64_t bytes = 0;
  for (const Message& m : messages) {
    if (m.peer < 0 || m.peer >= comm->size || m.peer == comm->rank) return ncclInvalidArgument;
    if (!cuda_on_host::on_device(m.data, m.bytes, device_of(stream)))
      fail("NCCL: a message that is not (all) in the memory of the stream's device");
    bytes += m.bytes;
  }
  cuda_on_host::count([&](cuda_on_host::Counters& c) {
    ++c.messages;
    c.message_bytes += bytes;
  });
  auto& waiting = group[{comm, stream}];
  for (Message& m : messages) waiting.push_back(std::move(m));
  return group_depth > 0 ? ncclSuccess : flush();
}

// Who takes part: rank in the world and device, which nobody may share.
struct Member {
  int world = 0;
  std::array<char, 32> device{};
};

}  // namespace

namespace cuda_on_host {
void fail_messages(ncclResult_t result) { failing = result; }
}  // namespace cuda_on_host

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclUnhandledCudaError:
      return "unhandled cuda error";
    case ncclSystemError:
      return "unhandled system error";
    case ncclInternalError:
      return "internal error";
    case ncclInvalidArgument:
      return "invalid argument";
    case ncclInvalidUsage:
      return "invalid usage";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    case ncclInProgress:
      break;
  }
  return "NCCL operation in progress";
}
const char* ncclGetLastError(ncclComm_t) { return ""; }

ncclResult_t ncclGetVersion(int* version) {
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  static std::atomic<int> serial = 0;
  std::array<int, 2> content{0, serial++};
  MPI_Comm_rank(MPI_COMM_WORLD, content.data());
  *id = {};
  std::memcpy(id->internal, content.data(), sizeof(content));
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  if (rank < 0 || rank >= ranks) return ncclInvalidArgument;
  std::array<int, 2> content{};
  std::memcpy(content.data(), id.internal, sizeof(content));
  const auto [root, serial] = content;
  const int tag = id_tag + serial % 1000 * 2;
  Member mine;
  MPI_Comm_rank(MPI_COMM_WORLD, &mine.world);
  int device = 0;
  cudaGetDevice(&device);
  cudaDeviceGetPCIBusId(mine.device.data(), static_cast<int>(mine.device.size()), device);
  std::vector<Member> all(static_cast<std::size_t>(ranks));
  const auto bytes = static_cast<int>(all.size() * sizeof(Member));
  all[static_cast<std::size_t>(rank)] = mine;
  if (mine.world == root) {
    for (int i = 1; i < ranks; ++i) {
      std::pair<int, Member> other;
      MPI_Recv(&other, sizeof(other), MPI_BYTE, MPI_ANY_SOURCE, tag, MPI_COMM_WORLD,
               MPI_STATUS_IGNORE);
      all[static_cast<std::size_t>(other.first)] = other.second;
    }
    for (const Member& m : all)
      if (m.world != root) MPI_Send(all.data(), bytes, MPI_BYTE, m.world, tag + 1, MPI_COMM_WORLD);
  } else {
    std::pair<int, Member> me{rank, mine};
    MPI_Send(&me, sizeof(me), MPI_BYTE, root, tag, MPI_COMM_WORLD);
    MPI_Recv(all.data(), bytes, MPI_BYTE, root, tag + 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }
  std::vector<int> world;
  for (const Member& m : all) {
    world.push_back(m.world);
    if (std::count_if(all.begin(), all.end(),
                      [&](const Member& other) { return other.device == m.device; }) > 1)
      return ncclInvalidUsage;
  }
  MPI_Group everybody = MPI_GROUP_NULL;
  MPI_Group some = MPI_GROUP_NULL;
  MPI_Comm_group(MPI_COMM_WORLD, &everybody);
  MPI_Group_incl(everybody, ranks, world.data(), &some);
  *comm = new ncclComm;
  MPI_Comm_create_group(MPI_COMM_WORLD, some, tag, &(*comm)->mpi);
  MPI_Group_free(&some);
  MPI_Group_free(&everybody);
  (*comm)->rank = rank;
  (*comm)->size = ranks;
  (*comm)->blocking = !config || config->blocking != 0;
  return progress(*comm);
}

ncclResult_t ncclCommInitRank(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank) {
  return ncclCommInitRankConfig(comm, ranks, id, rank, nullptr);
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) { return progress(comm); }

// Keeps its MPI communicator: to free it would be collective.
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  comm->fate->aborted = true;
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  *state = comm->fate->failure;
  if (*state == ncclSuccess && comm->in_progress > 0 && comm->in_progress-- > 0)
    *state = ncclInProgress;
  return ncclSuccess;
}

ncclResult_t ncclGroupStart() {
  ++group_depth;
  return ncclSuccess;
}

ncclResult_t ncclGroupEnd() {
  if (group_depth == 0) return ncclInvalidUsage;
  return --group_depth == 0 ? flush() : ncclSuccess;
}

ncclResult_t ncclSend(const void* data, std::size_t count, ncclDataType_t, int peer,
                      ncclComm_t comm, cudaStream_t stream) {
  return add(comm, stream,
             {{Direction::send, static_cast<std::byte*>(const_cast<void*>(data)), count, peer}});
}

ncclResult_t ncclRecv(void* data, std::size_t count, ncclDataType_t, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return add(comm, stream, {{Direction::receive, static_cast<std::byte*>(data), count, peer}});
}

ncclResult_t ncclBroadcast(const void* from, void* to, std::size_t count, ncclDataType_t, int root,
                           ncclComm_t comm, cudaStream_t stream) {
  if (root < 0 || root >= comm->size) return ncclInvalidArgument;
  if (comm->rank != root)
    return add(comm, stream, {{Direction::receive, static_cast<std::byte*>(to), count, root}});
  if (from != to &&
      cudaMemcpyAsync(to, from, count, cudaMemcpyDeviceToDevice, stream) != cudaSuccess)
    return ncclUnhandledCudaError;
  std::vector<Message> messages;
  for (int peer = 0; peer < comm->size; ++peer)
    if (peer != root)
      messages.push_back(
          {Direction::send, static_cast<std::byte*>(const_cast<void*>(from)), count, peer});
  return add(comm, stream, std::move(messages));
}
