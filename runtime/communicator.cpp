#include <tessera/runtime/communicator.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>

#include <tessera/runtime/embed.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/mpi.hpp>
#include <tessera/runtime/runtime.hpp>
#include <tessera/runtime/trace.hpp>

namespace tessera {
namespace {

/// A wait for other processes.
struct Waiting : Watch {
  explicit Waiting(std::string_view what) : Watch(what, 0.0, Waits::for_others) {}
};

}  // namespace

namespace mpi {

void check(Result result) {
  note_progress();
  if (result.code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(result.code, text.data(), &length);
  throw RuntimeError(std::string("MPI: ") + text.data() + " at " + result.at.file_name() + ":" +
                     std::to_string(result.at.line()));
}

}  // namespace mpi

using mpi::check;

struct Communicator::Handle {
  MPI_Comm comm = MPI_COMM_NULL;  // of a process without MPI
  bool owned = false;
  int rank = 0;
  int size = 1;

  Handle() = default;
  Handle(MPI_Comm c, bool own) : comm(c), owned(own) {
    check(MPI_Comm_rank(comm, &rank));
    check(MPI_Comm_size(comm, &size));
  }
  Handle(const Handle&) = delete;
  ~Handle() {
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (owned && !finalized) MPI_Comm_free(&comm);
  }
};

namespace {

bool mpi_runs() {
  int initialized = 0;
  int finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  return initialized && !finalized;
}

std::int64_t count_limit = 1 << 30;

// Pieces of at most count_limit elements: MPI 3 counts are int.
void in_pieces(std::int64_t count, const std::function<void(std::int64_t, int)>& piece) {
  for (std::int64_t at = 0; at < count; at += count_limit)
    piece(at, static_cast<int>(std::min(count_limit, count - at)));
}

MPI_Datatype mpi_type(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return MPI_CXX_BOOL;
    case DType::int8:
      return MPI_INT8_T;
    case DType::int16:
      return MPI_INT16_T;
    case DType::int32:
      return MPI_INT32_T;
    case DType::int64:
      return MPI_INT64_T;
    case DType::uint8:
      return MPI_UINT8_T;
    case DType::uint16:
      return MPI_UINT16_T;
    case DType::uint32:
      return MPI_UINT32_T;
    case DType::uint64:
      return MPI_UINT64_T;
    case DType::float32:
      return MPI_FLOAT;
    case DType::float64:
      return MPI_DOUBLE;
    case DType::complex64:
      return MPI_C_FLOAT_COMPLEX;
    case DType::complex128:
      return MPI_C_DOUBLE_COMPLEX;
  }
  std::abort();
}

MPI_Op mpi_operation(Reduce operation, DType dtype) {
  // MPI has no arithmetic on bool.
  if (dtype == DType::boolean) return operation == Reduce::min ? MPI_LAND : MPI_LOR;
  switch (operation) {
    case Reduce::sum:
      return MPI_SUM;
    case Reduce::min:
      return MPI_MIN;
    case Reduce::max:
      return MPI_MAX;
  }
  std::abort();
}

}  // namespace

Communicator Communicator::world() {
  if (!Runtime::running())
    throw RuntimeError("create a tessera::Runtime in main before using Tessera");
  if (!mpi_runs()) return self();
  MPI_Comm comm = MPI_COMM_WORLD;
  return borrow(&comm);
}

Communicator Communicator::self() {
  if (!mpi_runs()) return Communicator(std::make_shared<Handle>());
  MPI_Comm comm = MPI_COMM_SELF;
  return borrow(&comm);
}

Communicator Communicator::borrow(void* comm) {
  return Communicator(std::make_shared<Handle>(*static_cast<MPI_Comm*>(comm), false));
}

Communicator Communicator::adopt(void* comm) {
  return Communicator(std::make_shared<Handle>(*static_cast<MPI_Comm*>(comm), true));
}

Communicator embed::communicator(void* comm) {
  const MPI_Comm given = *static_cast<MPI_Comm*>(comm);
  if (given == MPI_COMM_NULL)
    throw ValueError("this process is not in the communicator: it has MPI_COMM_NULL");
  if (given == MPI_COMM_WORLD) return Communicator::world();
  if (given == MPI_COMM_SELF) return Communicator::self();
  int between_groups = 0;
  check(MPI_Comm_test_inter(given, &between_groups));
  if (between_groups) throw ValueError("arrays lie on one group, got an intercommunicator");
  // The duplicate is an attribute of the program's communicator, so that it goes with it.
  static const int key = [] {
    int made = MPI_KEYVAL_INVALID;
    check(MPI_Comm_create_keyval(
        MPI_COMM_NULL_COPY_FN,
        [](MPI_Comm, int, void* kept, void*) -> int {
          delete static_cast<Communicator*>(kept);
          return MPI_SUCCESS;
        },
        &made, nullptr));
    return made;
  }();
  void* kept = nullptr;
  int found = 0;
  check(MPI_Comm_get_attr(given, key, &kept, &found));
  if (!found) {
    auto own = std::make_unique<Communicator>(Communicator::borrow(comm).dup());
    MPI_Comm_set_errhandler(mpi::native(*own), MPI_ERRORS_RETURN);
    check(MPI_Comm_set_attr(given, key, own.get()));
    kept = own.release();
  }
  return *static_cast<Communicator*>(kept);
}

std::string embed::mpi_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  check(MPI_Get_library_version(text.data(), &length));
  return text.data();
}

int Communicator::rank() const { return handle_->rank; }
int Communicator::size() const { return handle_->size; }
bool Communicator::operator==(const Communicator& other) const {
  return handle_->comm == other.handle_->comm;
}
void* Communicator::native() const {
  if (handle_->comm == MPI_COMM_NULL) throw RuntimeError("this process runs without MPI");
  return const_cast<MPI_Comm*>(&handle_->comm);
}
void Communicator::limit_count(std::int64_t elements) { count_limit = elements; }

Communicator Communicator::dup() const {
  if (handle_->comm == MPI_COMM_NULL) return *this;
  const Waiting waiting("the making of a communicator");
  MPI_Comm comm = MPI_COMM_NULL;
  check(MPI_Comm_dup(handle_->comm, &comm));
  return adopt(&comm);
}

Communicator Communicator::split(int color, int key) const {
  if (handle_->comm == MPI_COMM_NULL) return *this;
  const Waiting waiting("the making of a communicator");
  MPI_Comm comm = MPI_COMM_NULL;
  check(MPI_Comm_split(handle_->comm, color, key, &comm));
  return adopt(&comm);
}

void Communicator::barrier() const {
  if (size() == 1) return;
  const Waiting waiting("a barrier");
  check(MPI_Barrier(handle_->comm));
}

void Communicator::broadcast_bytes(std::span<std::byte> data, int root) const {
  if (size() == 1) return;
  const Waiting waiting("a broadcast");
  trace::communicated(data.size());
  in_pieces(static_cast<std::int64_t>(data.size()), [&](std::int64_t at, int count) {
    check(MPI_Bcast(data.data() + at, count, MPI_BYTE, root, handle_->comm));
  });
}

void Communicator::broadcast(std::string& text, int root) const {
  std::array<std::uint64_t, 1> length = {text.size()};
  broadcast(std::span(length), root);
  text.resize(length[0]);
  broadcast_bytes(std::as_writable_bytes(std::span(text)), root);
}

void Communicator::all_reduce(void* data, std::int64_t count, DType dtype, Reduce operation) const {
  if (size() == 1) return;
  const Waiting waiting("an all-reduce");
  auto* bytes = static_cast<std::byte*>(data);
  const auto width = static_cast<std::int64_t>(size_of(dtype));
  trace::communicated(static_cast<std::uint64_t>(count * width));
  in_pieces(count, [&](std::int64_t at, int n) {
    check(MPI_Allreduce(MPI_IN_PLACE, bytes + at * width, n, mpi_type(dtype),
                        mpi_operation(operation, dtype), handle_->comm));
  });
}

void Communicator::all_gather_bytes(std::span<const std::byte> mine,
                                    std::span<std::byte> all) const {
  if (size() == 1) {
    std::copy(mine.begin(), mine.end(), all.begin());
    return;
  }
  const int count = static_cast<int>(mine.size());
  const Waiting waiting("an all-gather");
  trace::communicated(all.size());
  check(MPI_Allgather(mine.data(), count, MPI_BYTE, all.data(), count, MPI_BYTE, handle_->comm));
}

void Communicator::all_gather_v(std::span<const std::byte> mine,
                                std::span<const std::int64_t> bytes,
                                std::span<std::byte> all) const {
  std::int64_t offset = 0;
  for (int r = 0; r < size(); ++r) {
    const auto n = bytes[static_cast<std::size_t>(r)];
    auto part = all.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(n));
    if (r == rank() && part.data() != mine.data())
      std::copy(mine.begin(), mine.end(), part.begin());
    broadcast_bytes(part, r);
    offset += n;
  }
}

void Communicator::all_to_all_v(const std::byte* send, std::span<const std::int64_t> send_bytes,
                                std::span<const std::int64_t> send_offset, std::byte* receive,
                                std::span<const std::int64_t> receive_bytes,
                                std::span<const std::int64_t> receive_offset) const {
  if (size() == 1) {
    std::copy_n(send + send_offset[0], send_bytes[0], receive + receive_offset[0]);
    return;
  }
  const Waiting waiting("an all-to-all");
  std::vector<MPI_Request> requests;
  const auto start = [&](auto&& call) { check(call(&requests.emplace_back(MPI_REQUEST_NULL))); };
  for (int r = 0; r < size(); ++r) {
    const auto i = static_cast<std::size_t>(r);
    in_pieces(receive_bytes[i], [&](std::int64_t at, int count) {
      start([&](MPI_Request* request) {
        return MPI_Irecv(receive + receive_offset[i] + at, count, MPI_BYTE, r, 0, handle_->comm,
                         request);
      });
    });
  }
  for (int r = 0; r < size(); ++r) {
    const auto i = static_cast<std::size_t>(r);
    if (r != rank()) trace::communicated(static_cast<std::uint64_t>(send_bytes[i]));
    in_pieces(send_bytes[i], [&](std::int64_t at, int count) {
      start([&](MPI_Request* request) {
        return MPI_Isend(send + send_offset[i] + at, count, MPI_BYTE, r, 0, handle_->comm, request);
      });
    });
  }
  check(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE));
}

void Communicator::send(const std::string& message, int destination) const {
  const Waiting waiting("a send");
  const std::uint64_t length = message.size();
  trace::communicated(length);
  check(MPI_Send(&length, 1, MPI_UINT64_T, destination, 1, handle_->comm));
  in_pieces(static_cast<std::int64_t>(length), [&](std::int64_t at, int count) {
    check(MPI_Send(message.data() + at, count, MPI_BYTE, destination, 1, handle_->comm));
  });
}

std::string Communicator::receive(int source) const {
  const Waiting waiting("a receive");
  std::uint64_t length = 0;
  check(MPI_Recv(&length, 1, MPI_UINT64_T, source, 1, handle_->comm, MPI_STATUS_IGNORE));
  std::string message(length, '\0');
  in_pieces(static_cast<std::int64_t>(length), [&](std::int64_t at, int count) {
    check(MPI_Recv(message.data() + at, count, MPI_BYTE, source, 1, handle_->comm,
                   MPI_STATUS_IGNORE));
  });
  return message;
}

}  // namespace tessera
