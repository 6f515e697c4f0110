#include <tessera/runtime/watchdog.hpp>

#include <fmt/format.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fcntl.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/temporary_file.hpp>

namespace tessera {
namespace {

/// The open watches of one thread, the outermost first. Its thread takes the lock only where it
/// closes a watch that may be looked at.
struct Lane {
  std::mutex mutex;
  std::atomic<bool> looked_at{false};  // under the lock
  std::array<std::atomic<const Watch*>, 32> open{};
  std::atomic<std::size_t> depth{0};  // may exceed the room, whose watches count
  // By its thread: one count for all would go from core to core.
  std::atomic<std::uint64_t> steps{0};
};

/// Lanes go from threads that end to new ones.
struct Lanes {
  std::mutex mutex;
  std::vector<std::unique_ptr<Lane>> all;
  std::vector<Lane*> unused;
  std::atomic<Lane*> main{nullptr};  // of the thread that calls MPI
};
Lanes& lanes() {
  static Lanes* const one = new Lanes;  // outlives every thread
  return *one;
}

struct Mine {
  Lane* lane = nullptr;
  Mine() {
    Lanes& l = lanes();
    const std::lock_guard lock(l.mutex);
    if (l.unused.empty()) {
      lane = l.all.emplace_back(std::make_unique<Lane>()).get();
    } else {
      lane = l.unused.back();
      l.unused.pop_back();
    }
  }
  ~Mine() {
    const std::lock_guard lock(lanes().mutex);
    lanes().unused.push_back(lane);
  }
};
Lane& my_lane() {
  thread_local const Mine mine;
  return *mine.lane;
}

std::uint64_t progress() {
  Lanes& l = lanes();
  const std::lock_guard lock(l.mutex);
  std::uint64_t steps = 0;
  for (const auto& lane : l.all) steps += lane->steps.load(std::memory_order_relaxed);
  return steps;
}

enum class State : int { outside, works, waits, ended };

/// What a process does now.
struct Doing {
  State state = State::outside;
  double allowed = 0.0;  // seconds beyond the limit
  std::string what;
};

Doing look() {
  Lanes& l = lanes();
  const std::lock_guard all_lock(l.mutex);
  Doing now;
  std::string others;
  bool waits = false;
  for (const auto& lane : l.all) {
    const std::lock_guard lock(lane->mutex);
    lane->looked_at = true;  // a watch that is closed from here on waits for the lock
    const std::size_t depth = std::min(lane->depth.load(), lane->open.size());
    const bool main = lane.get() == l.main;
    std::string_view before;
    for (std::size_t i = 0; i < depth; ++i) {
      const Watch& w = *lane->open[i].load();
      now.allowed += w.seconds();
      if (!main && i + 1 == depth) others += fmt::format("; another thread: {}", w.what());
      if (!main) continue;
      waits = waits || w.waits() == Watch::Waits::for_others;
      if (i == 0 || w.what() != before) now.what += (i ? " > " : "") + std::string(w.what());
      before = w.what();
    }
    lane->looked_at = false;
  }
  if (now.what.empty() && others.empty()) return now;
  // A thread that works besides keeps the process from waiting for others only.
  now.state = waits && others.empty() ? State::waits : State::works;
  now.what = now.what.empty() ? others.substr(2) : now.what + others;
  return now;
}

/// What the processes of a machine see of one of them. Written by its watchdog.
struct Slot {
  std::atomic<int> rank, pid;
  std::atomic<State> state;
  std::atomic<std::uint64_t> beats, progress;
  std::atomic<double> allowed;
  std::array<std::atomic<char>, 256> what;

  void publish(const Doing& now) {
    const std::size_t n = std::min(now.what.size(), what.size() - 1);
    for (std::size_t i = 0; i < n; ++i) what[i] = now.what[i];
    what[n] = '\0';
    allowed = now.allowed;
    state = now.state;
    progress = tessera::progress();
    ++beats;
  }
  std::string text() const {
    std::string out;
    for (const auto& c : what) {
      if (c == '\0') break;
      out += c;
    }
    return out;
  }
};
static_assert(std::atomic<double>::is_always_lock_free);

/// Zeros at first. Stays mapped until the process ends.
struct Page {
  std::atomic<bool>* told = nullptr;  // whether somebody has said why the job ends
  std::span<Slot> slots;
  int mine = 0;
  int processes = 1;  // of the job

  bool map(int fd, int count) {
    constexpr std::size_t start = alignof(std::max_align_t) > 64 ? alignof(std::max_align_t) : 64;
    const std::size_t bytes = start + static_cast<std::size_t>(count) * sizeof(Slot);
    if (fd >= 0 && ftruncate(fd, static_cast<off_t>(bytes)) != 0) return false;
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        fd >= 0 ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, fd, 0);
    if (memory == MAP_FAILED) return false;
    told = static_cast<std::atomic<bool>*>(memory);
    slots = {reinterpret_cast<Slot*>(static_cast<char*>(memory) + start),
             static_cast<std::size_t>(count)};
    return true;
  }
};
Page page;

using Clock = std::chrono::steady_clock;

class Watchdog {
 public:
  explicit Watchdog(double limit)
      : limit_(limit), tick_(std::clamp(limit / 20, 0.01, 1.0)), seen_(page.slots.size()) {
    // Signals are for the program's threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
    mine().state = State::ended;
  }
  Watchdog(const Watchdog&) = delete;

 private:
  /// How long a process has shown no progress, and its watchdog no life.
  struct Seen {
    std::uint64_t progress = 0, beats = 0;
    State state = State::outside;
    double idle = 0.0, silent = 0.0;
  };

  static Slot& mine() { return page.slots[static_cast<std::size_t>(page.mine)]; }

  void run() {
    std::unique_lock lock(mutex_);
    auto before = Clock::now();
    while (!changed_.wait_for(lock, std::chrono::duration<double>(tick_),
                              [this] { return stopping_; })) {
      const auto now = Clock::now();
      // A job that was stopped as a whole, or a machine that slept, has not been idle.
      const double passed =
          std::min(std::chrono::duration<double>(now - before).count(), 2 * tick_);
      before = now;
      mine().publish(look());
      for (std::size_t i = 0; i < seen_.size(); ++i) note(page.slots[i], seen_[i], passed);
      judge();
    }
  }

  static void note(const Slot& slot, Seen& seen, double passed) {
    seen.idle += passed;
    seen.silent += passed;
    if (slot.progress != seen.progress || slot.state != seen.state) seen.idle = 0.0;
    if (slot.beats != seen.beats) seen.silent = 0.0;
    seen.progress = slot.progress;
    seen.state = slot.state;
    seen.beats = slot.beats;
  }

  bool over(std::size_t i, double more = 0.0) const {
    return seen_[i].idle > limit_ + page.slots[i].allowed + more;
  }

  void judge() {
    const auto me = static_cast<std::size_t>(page.mine);
    if (seen_[me].state == State::works && over(me)) return end(stuck(me));
    if (seen_[me].state != State::waits) return;
    const auto gone = who_left();
    if (!gone && seen_[me].idle <= limit_) return;
    if (*page.told) return end("");
    if (gone)
      return end(fmt::format("{} has left Tessera, while rank {} waits in {}", name(*gone),
                             page.slots[me].rank.load(), page.slots[me].text()));
    // Whoever is stuck has the first word, if it can speak.
    const double grace = std::max(2.0, 4 * tick_);
    bool all_wait = over(me);
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      if (page.slots[i].pid == 0) return;  // not there yet
      if (seen_[i].state != State::ended && silent(i)) return end(not_running(i));
      if (seen_[i].state == State::works && over(i, grace)) return end(stuck(i));
      if (seen_[i].state == State::ended && over(me))
        return end(fmt::format("{} has left Tessera, while rank {} waits in {}", name(i),
                               page.slots[me].rank.load(), page.slots[me].text()));
      all_wait = all_wait && seen_[i].state == State::waits && over(i);
    }
    if (!all_wait) return;
    if (std::ssize(seen_) == page.processes) return end(all_waiting());
    // Of processes on other machines nothing is known: they may be at work outside of Tessera.
    constexpr double patience = 6.0;
    if (seen_[me].idle > patience * limit_ + page.slots[me].allowed)
      end(fmt::format("{} waits for a process of another machine for {} s in {}", name(me),
                      patience * limit_, page.slots[me].text()));
  }

  // One that has ended, where all others have waited for longer than a message takes: in vain.
  std::optional<std::size_t> who_left() const {
    const double patience = std::min(limit_, 10.0);
    std::optional<std::size_t> gone;
    if (std::ssize(seen_) != page.processes) return {};
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      if (seen_[i].state == State::ended)
        gone = i;
      else if (seen_[i].state != State::waits || seen_[i].idle <= patience)
        return {};
    }
    return gone;
  }

  // A crowded machine may keep a watchdog waiting that is none the worse for it.
  bool silent(std::size_t i) const {
    constexpr double crowded = 30.0;
    if (seen_[i].silent <= limit_) return false;
    const char state = kernel_state(i);
    return state == 'T' || state == 't' || state == 'Z' || seen_[i].silent > limit_ + crowded;
  }

  static std::string name(std::size_t i) {
    std::array<char, 65> host{};
    gethostname(host.data(), host.size() - 1);
    const Slot& s = page.slots[i];
    return fmt::format("rank {} of {} (process {} on {})", s.rank.load(), page.processes,
                       s.pid.load(), host.data());
  }

  // What Linux says of its main thread: T for stopped, D for a disk or file server that is awaited.
  static char kernel_state(std::size_t i) {
    std::ifstream file(fmt::format("/proc/{}/stat", page.slots[i].pid.load()));
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto end = text.rfind(')');  // of the program's name
    return end + 2 < text.size() && end != std::string::npos ? text[end + 2] : '?';
  }

  std::string stuck(std::size_t i) const {
    const Slot& s = page.slots[i];
    const double allowed = s.allowed;
    std::int64_t alike = -1;
    for (std::size_t j = 0; j < seen_.size(); ++j)
      alike += seen_[j].state == State::works && over(j) ? 1 : 0;
    return fmt::format("{}: no progress for {:.0f} s in {}{}{}", name(i), limit_ + allowed,
                       s.text(), kernel_state(i) == 'D' ? ", waiting for a disk or server" : "",
                       alike > 0 ? fmt::format("; nor do {} more get on", alike) : "");
  }
  std::string not_running(std::size_t i) const {
    const char state = kernel_state(i);
    return fmt::format("{} does not run for {:.0f} s{}{}; others wait for it", name(i), limit_,
                       state == 'T' || state == 't' ? ": it is stopped"
                       : state == 'Z'               ? ": it has died"
                                                    : "",
                       page.slots[i].state == State::outside
                           ? ""
                           : fmt::format(", it was in {}", page.slots[i].text()));
  }
  std::string all_waiting() const {
    constexpr std::size_t most = 4;
    std::string list;
    for (std::size_t i = 0; i < std::min(most, seen_.size()); ++i)
      list += fmt::format("{}rank {} in {}", i ? ", " : "", page.slots[i].rank.load(),
                          page.slots[i].text());
    return fmt::format("all processes wait for each other for {:.0f} s: {}{}", limit_, list,
                       seen_.size() > most ? ", ..." : "");
  }

  // The first to come says why.
  static void end(const std::string& why) {
    if (!page.told->exchange(true))
      detail::say(fmt::format("tessera: {} (see TESSERA_TIMEOUT); ending the job", why));
    else
      std::this_thread::sleep_for(std::chrono::seconds(2));  // whoever has spoken ends the job
    remove_unfinished();
    std::_Exit(86);
  }

  double limit_;
  double tick_;
  std::vector<Seen> seen_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

Watchdog* watchdog = nullptr;  // not destroyed by a program that just exits

}  // namespace

Watch::Watch(std::string_view what, double seconds, Waits waits)
    : what_(what), seconds_(seconds), waits_(waits) {
  Lane& lane = my_lane();
  const std::size_t depth = lane.depth.load(std::memory_order_relaxed);
  if (depth < lane.open.size()) lane.open[depth].store(this, std::memory_order_relaxed);
  lane.depth.store(depth + 1, std::memory_order_release);
  note_progress();
}

Watch::~Watch() {
  Lane& lane = my_lane();
  lane.depth.store(lane.depth.load(std::memory_order_relaxed) - 1);
  if (lane.looked_at) const std::lock_guard until_it_is_not(lane.mutex);
  note_progress();
}

void note_progress() {
  std::atomic<std::uint64_t>& steps = my_lane().steps;
  steps.store(steps.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

namespace detail {

bool share_progress(const Communicator& node, int rank, int size) {
  lanes().main = &my_lane();
  const int fd = node.rank() == 0 ? memfd_create("tessera", MFD_CLOEXEC) : -1;
  std::array<int, 2> where = {getpid(), fd};
  node.broadcast(std::span(where), 0);
  int mine = fd;
  if (node.rank() != 0)
    mine = open(fmt::format("/proc/{}/fd/{}", where[0], where[1]).c_str(), O_RDWR | O_CLOEXEC);
  std::array<std::int32_t, 1> good = {mine >= 0 && page.map(mine, node.size()) ? 1 : 0};
  node.all_reduce(std::span(good), Reduce::min);
  page.mine = node.rank();
  page.processes = size;
  if (good[0] == 0) {  // then everybody sees but itself
    page.mine = 0;
    if (!page.map(-1, 1)) throw MemoryError("cannot allocate memory");
  }
  if (mine >= 0) close(mine);
  Slot& slot = page.slots[static_cast<std::size_t>(page.mine)];
  slot.rank = rank;
  slot.state = State::outside;
  slot.pid = getpid();
  return good[0] != 0;
}

void start_watchdog(const std::string& seconds) {
  double limit = 0.0;
  const char* const last = seconds.data() + seconds.size();
  const auto [end, error] = std::from_chars(seconds.data(), last, limit);
  if (error != std::errc() || end != last || !std::isfinite(limit) || limit < 0)
    throw ValueError(fmt::format(
        "TESSERA_TIMEOUT must be a number of seconds, or 0 for no limit, got '{}'", seconds));
  if (limit > 0) watchdog = new Watchdog(limit);
}

void stop_watchdog() {
  delete watchdog;
  watchdog = nullptr;
}

}  // namespace detail

}  // namespace tessera
