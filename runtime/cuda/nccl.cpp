// Links between the device memories of processes.
#include <tessera/runtime/cuda/cuda.hpp>

#ifdef TESSERA_WITH_NCCL
#include <fmt/format.h>
#include <nccl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <mutex>
#include <span>
#include <thread>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/mpi.hpp>

namespace tessera::cuda {
namespace {

std::string text_of(ncclResult_t code, ncclComm_t comm) {
  std::string text = ncclGetErrorString(code);
  const char* more = ncclGetLastError(comm);
  if (more && *more) text += fmt::format(" ({})", more);
  return text;
}

void check(ncclResult_t code, std::source_location at = std::source_location::current()) {
  if (code != ncclSuccess)
    throw RuntimeError(
        fmt::format("NCCL: {} at {}:{}", text_of(code, nullptr), at.file_name(), at.line()));
}

// The state of a communicator that does not block, once it is no longer "in progress".
ncclResult_t settled(ncclComm_t comm, ncclResult_t code) {
  using namespace std::chrono_literals;
  while (code == ncclInProgress) {
    if (const ncclResult_t asked = ncclCommGetAsyncError(comm, &code); asked != ncclSuccess)
      return asked;
    if (code == ncclInProgress) std::this_thread::sleep_for(10us);
  }
  return code;
}

class Link final : public DeviceLink, public Watched, public std::enable_shared_from_this<Link> {
 public:
  Link(ncclComm_t comm, int rank) : comm_(comm), rank_(rank) {}
  Link(const Link&) = delete;
  ~Link() override {
    if (!failed_) ncclCommDestroy(comm_);
  }

  void send(DeviceQueue& queue, const std::byte* data, std::size_t bytes,
            int destination) override {
    queue_message(queue, bytes, [&](cudaStream_t stream) {
      return ncclSend(data, bytes, ncclInt8, destination, comm_, stream);
    });
  }

  void receive(DeviceQueue& queue, std::byte* data, std::size_t bytes, int source) override {
    queue_message(queue, bytes, [&](cudaStream_t stream) {
      return ncclRecv(data, bytes, ncclInt8, source, comm_, stream);
    });
  }

  void broadcast(DeviceQueue& queue, std::byte* data, std::size_t bytes, int root) override {
    queue_message(queue, bytes, [&](cudaStream_t stream) {
      return ncclBroadcast(data, data, bytes, ncclInt8, root, comm_, stream);
    });
  }

  void poll() override {
    const std::lock_guard lock(mutex_);
    refuse_if_failed();
    ncclResult_t state = ncclSuccess;
    const ncclResult_t asked = ncclCommGetAsyncError(comm_, &state);
    if (asked != ncclSuccess) state = asked;
    if (state != ncclSuccess && state != ncclInProgress) fail(state);
  }

  bool failed() const override { return failed_; }

 private:
  void queue_message(DeviceQueue& to, std::size_t bytes,
                     const std::function<ncclResult_t(cudaStream_t)>& message) {
    if (bytes == 0) return;
    const std::lock_guard lock(mutex_);
    refuse_if_failed();
    Queue& queue = cuda::queue(to);
    queue.watch(shared_from_this());
    const ncclResult_t code = settled(comm_, message(queue.stream()));
    if (code != ncclSuccess) fail(code);
  }

  void refuse_if_failed() const {
    if (failed_) throw RuntimeError(failure_);
  }

  // Ends what is queued on the device, which might otherwise wait for ever.
  [[noreturn]] void fail(ncclResult_t code) {
    failure_ = fmt::format("NCCL: {} (seen by rank {}); messages between devices were aborted",
                           text_of(code, comm_), rank_);
    ncclCommAbort(comm_);
    failed_ = true;
    throw RuntimeError(failure_);
  }

  std::mutex mutex_;  // NCCL's communicators are for one thread at a time
  ncclComm_t comm_;
  int rank_;
  std::atomic<bool> failed_ = false;
  std::string failure_;
};

/// What the processes must know of each other to decide alike.
struct Facts {
  std::array<char, 64> machine{};
  std::array<char, 32> gpu{};
  std::array<char, 256> problem{};
  int version = 0;
};

void set_text(std::span<char> field, const std::string& text) {
  text.copy(field.data(), field.size() - 1);
}

// Of this boot: two containers on one machine share it, whatever their host names.
std::string machine() {
  std::string id;
  if (std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id)) return id;
  std::array<char, 64> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

Facts facts_of(int index) {
  Facts facts;
  try {
    set_text(facts.machine, machine());
    int count = 0;
    cuda::check(cudaGetDeviceCount(&count));
    if (index < 0 || index >= count) throw ValueError(fmt::format("there is no cuda:{}", index));
    cuda::check(cudaDeviceGetPCIBusId(facts.gpu.data(), static_cast<int>(facts.gpu.size()), index));
    cuda::check(cudaSetDevice(index));  // for connect(); one that failed there would be waited for
    check(ncclGetVersion(&facts.version));
  } catch (const std::exception& e) {
    facts.problem = {};
    set_text(facts.problem, e.what());
  }
  return facts;
}

std::string obstacle(const std::vector<Facts>& all) {
  for (std::size_t r = 0; r < all.size(); ++r)
    if (all[r].problem[0]) return fmt::format("{} (rank {})", all[r].problem.data(), r);
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (all[r].version != all[0].version)
      return fmt::format("ranks 0 and {} have different versions of NCCL", r);
    for (std::size_t other = 0; other < r; ++other)
      if (all[other].machine == all[r].machine && all[other].gpu == all[r].gpu)
        return fmt::format("ranks {} and {} share GPU {}", other, r, all[r].gpu.data());
  }
  return "";
}

std::shared_ptr<Link> connect(const Communicator& comm, int index, std::string& why_not) {
  if (comm.size() == 1) {
    why_not = "a single process has nobody to link with";
    return nullptr;
  }
  why_not = obstacle(comm.all_gather(facts_of(index)));
  if (!why_not.empty()) return nullptr;

  ncclUniqueId id{};
  on_first(comm, [&] { check(ncclGetUniqueId(&id)); });
  comm.broadcast(std::span(id.internal), 0);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;  // so that failures of others can be seen while waiting
  ncclComm_t made = nullptr;
  Facts mine;
  try {
    ncclResult_t code = ncclCommInitRankConfig(&made, comm.size(), id, comm.rank(), &config);
    code = settled(made, code);
    if (code != ncclSuccess) set_text(mine.problem, "NCCL: " + text_of(code, made));
  } catch (const std::exception& e) {
    set_text(mine.problem, e.what());
  }
  const auto outcomes = comm.all_gather(mine);
  for (std::size_t r = 0; r < outcomes.size() && why_not.empty(); ++r)
    if (outcomes[r].problem[0])
      why_not = fmt::format("{} (rank {})", outcomes[r].problem.data(), r);
  if (why_not.empty()) return std::make_shared<Link>(made, comm.rank());
  if (made) ncclCommAbort(made);
  return nullptr;
}

/// What a communicator's first call decided. Belongs to the MPI communicator, as an attribute: it
/// goes when that is freed, and a new communicator at the same address does not find it.
struct Decision {
  int index;
  std::shared_ptr<Link> link;
  std::string why_not;
};

int attribute_key() {
  static const int key = [] {
    int made = MPI_KEYVAL_INVALID;
    const auto remove = [](MPI_Comm, int, void* decision, void*) {
      delete static_cast<Decision*>(decision);
      return MPI_SUCCESS;
    };
    mpi::check(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, remove, &made, nullptr));
    return made;
  }();
  return key;
}

}  // namespace

std::shared_ptr<DeviceLink> link(const Communicator& comm, int index, std::string& why_not) {
  Decision* decision = nullptr;
  int known = 0;
  mpi::check(MPI_Comm_get_attr(mpi::native(comm), attribute_key(), &decision, &known));
  if (!known) {
    auto fresh = std::make_unique<Decision>(Decision{index, nullptr, ""});
    fresh->link = connect(comm, index, fresh->why_not);
    mpi::check(MPI_Comm_set_attr(mpi::native(comm), attribute_key(), fresh.get()));
    decision = fresh.release();
  }
  together(comm, [&] {
    if (decision->index != index)
      throw ValueError(fmt::format("a communicator linked for cuda:{} is asked for cuda:{}",
                                   decision->index, index));
  });
  why_not = decision->why_not;
  return decision->link;
}

}  // namespace tessera::cuda

#else

namespace tessera::cuda {

std::shared_ptr<DeviceLink> link(const Communicator&, int, std::string& why_not) {
  why_not = "this build has no NCCL";
  return nullptr;
}

}  // namespace tessera::cuda

#endif
