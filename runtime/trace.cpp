#include <tessera/runtime/trace.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <tessera/runtime/archive.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/json.hpp>
#include <tessera/runtime/steps.hpp>
#include <tessera/runtime/temporary_file.hpp>

namespace tessera {

std::string detail::json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + '"';
}

namespace trace {
namespace {

using detail::json_text;

using Clock = std::chrono::steady_clock;

std::atomic<bool> on{false};

// Beyond this many calls of one thread only the summary goes on counting.
constexpr std::size_t most_events = 1 << 20;

struct Event {
  std::string_view operation;
  std::string_view backend;
  Device device;
  Clock::time_point start;
  Clock::duration length;
  double flops;
  double bytes;
  std::uint64_t communicated;
  std::string declined;
};

/// A line of the summary.
struct Line {
  std::string operation, backend, device, declined;
  std::uint64_t calls = 0;
  double seconds = 0.0;
  double flops = 0.0;
  double bytes = 0.0;
  double communicated = 0.0;

  auto key() const { return std::tie(operation, backend, device, declined); }
  void add(const Line& other) {
    calls += other.calls;
    seconds += other.seconds;
    flops += other.flops;
    bytes += other.bytes;
    communicated += other.communicated;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(operation, backend, device, declined, calls, seconds, flops, bytes, communicated);
  }
};

/// What one thread has recorded. Its own thread writes; finish() reads when the work is done.
struct Lane {
  int number = 0;
  std::vector<Event> events = {};
  std::uint64_t dropped = 0;
  using Key = std::tuple<std::string_view, std::string_view, Device, std::string>;
  std::map<Key, Line> summary = {};
};

struct Recording {
  std::mutex mutex;
  std::vector<std::unique_ptr<Lane>> lanes;
  std::string file;
  Clock::time_point start;
  std::atomic<std::uint64_t> communicated{0};
};

Recording& recording() {
  static Recording one;
  return one;
}

Lane& lane() {
  thread_local Lane* mine = nullptr;
  if (!mine) {
    Recording& r = recording();
    const std::lock_guard lock(r.mutex);
    mine = r.lanes.emplace_back(std::make_unique<Lane>()).get();
    mine->number = static_cast<int>(r.lanes.size()) - 1;
  }
  return *mine;
}

// "\n  a: why\n  b: why" on one line.
std::string on_one_line(const std::string& reasons) {
  std::string out;
  for (std::size_t at = 0; at < reasons.size();) {
    const std::size_t end = std::min(reasons.find("\n  ", at), reasons.size());
    if (end > at) out += (out.empty() ? "" : "; ") + reasons.substr(at, end - at);
    at = end + 3;
  }
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

// This process's events, each ending with a comma.
std::string events_of(int rank) {
  const Recording& r = recording();
  std::string out =
      fmt::format(R"({{"ph":"M","name":"process_name","pid":{},"args":{{"name":"rank {}"}}}},)"
                  "\n",
                  rank, rank);
  const auto us = [](auto duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
  };
  for (const auto& l : r.lanes) {
    out += fmt::format(
        R"({{"ph":"M","name":"thread_name","pid":{},"tid":{},"args":{{"name":"thread {}{}"}}}},)"
        "\n",
        rank, l->number, l->number,
        l->dropped ? fmt::format(" ({} later calls left out)", l->dropped) : "");
    for (const Event& e : l->events)
      out += fmt::format(
          R"({{"ph":"X","name":{},"cat":{},"pid":{},"tid":{},"ts":{:.3f},"dur":{:.3f},"args":)"
          R"({{"backend":{},"device":{},"flops":{},"bytes":{},"communicated":{},"declined":{}}}}},)"
          "\n",
          json_text(e.operation), json_text(e.backend), rank, l->number, us(e.start - r.start),
          us(e.length), json_text(e.backend), json_text(e.device.to_string()), e.flops, e.bytes,
          e.communicated, json_text(on_one_line(e.declined)));
  }
  return out;
}

std::vector<Line> lines_here() {
  std::vector<Line> all;
  for (const auto& l : recording().lanes)
    for (const auto& [key, line] : l->summary) all.push_back(line);
  return all;
}

std::string table(const std::vector<Line>& all) {
  std::vector<Line> lines;
  for (const Line& l : all) {
    const auto same = std::find_if(lines.begin(), lines.end(),
                                   [&](const Line& other) { return other.key() == l.key(); });
    if (same == lines.end())
      lines.push_back(l);
    else
      same->add(l);
  }
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    return a.seconds > b.seconds || (a.seconds == b.seconds && a.key() < b.key());
  });
  const auto rate = [](double amount, double seconds) {
    return amount > 0 && seconds > 0 ? fmt::format("{:.1f}", amount / seconds * 1e-9) : "";
  };
  std::string out = fmt::format("{:<28} {:<14} {:<8} {:>9} {:>10} {:>8} {:>8} {:>10}  {}\n",
                                "operation", "backend", "device", "calls", "seconds", "GFLOP/s",
                                "GB/s", "MB sent", "declined");
  for (const Line& l : lines)
    out += fmt::format(
        "{:<28} {:<14} {:<8} {:>9} {:>10.6f} {:>8} {:>8} {:>10}  {}\n", l.operation, l.backend,
        l.device, l.calls, l.seconds, rate(l.flops, l.seconds), rate(l.bytes, l.seconds),
        l.communicated > 0 ? fmt::format("{:.3f}", l.communicated * 1e-6) : "", l.declined);
  return out;
}

constexpr std::string_view opening = "{\"traceEvents\":[\n";

/// A file that takes its name when it is complete, the place of an older trace at most. What is no
/// plain file, such as a pipe, is written as it is.
class TraceFile {
 public:
  explicit TraceFile(const std::string& name) : title_(fmt::format("the trace '{}'", name)) {
    std::error_code unknown;  // what is wrong with a name shows when the file is made
    const auto found = std::filesystem::status(name, unknown);
    if (std::filesystem::is_fifo(found)) fail("it is a pipe");  // opening it may wait for ever
    if (!std::filesystem::exists(found) || std::filesystem::is_regular_file(found)) {
      std::string begin(opening.size(), ' ');
      std::ifstream old(name, std::ios::binary);
      if (old.read(begin.data(), std::ssize(begin)); old.gcount() > 0 && begin != opening)
        fail("it is there and no trace");
      pending_.emplace(name, title_);
    }
    file_ = pending_ ? fdopen(dup(pending_->descriptor()), "w") : std::fopen(name.c_str(), "w");
    if (!file_) fail(std::strerror(errno));
  }
  ~TraceFile() {
    if (file_) std::fclose(file_);
  }
  TraceFile(const TraceFile&) = delete;
  void write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) fail(std::strerror(errno));
  }
  void keep() {
    if (std::fclose(std::exchange(file_, nullptr)) != 0) fail(std::strerror(errno));
    if (pending_) pending_->take_name(false);
  }

 private:
  [[noreturn]] void fail(const char* why) const {
    throw OSError(fmt::format("cannot write {}: {}", title_, why));
  }
  std::string title_;
  std::optional<TemporaryFile> pending_;
  std::FILE* file_ = nullptr;
};

}  // namespace

bool enabled() { return on.load(std::memory_order_relaxed); }

void start(std::string file, const Communicator& comm) {
  on_first(comm, [&] { const TraceFile probe(file); });
  Recording& r = recording();
  for (const auto& l : r.lanes) *l = {.number = l->number};
  r.file = std::move(file);
  r.start = Clock::now();
  on = true;
}

void finish(const Communicator& comm) {
  if (!enabled()) return;
  on = false;
  // Rank 0 writes what the others send, one after the other; an error is told when all have sent.
  std::vector<Line> lines = lines_here();
  std::optional<TraceFile> file;
  tessera::detail::Steps steps;
  if (comm.rank() != 0) {
    comm.send(tessera::detail::to_bytes(lines), 0);
    comm.send(events_of(comm.rank()), 0);
  } else {
    steps.take([&] {
      file.emplace(recording().file);
      file->write(opening);
      file->write(events_of(0));
    });
    for (int r = 1; r < comm.size(); ++r) {
      const auto theirs = tessera::detail::from_bytes<std::vector<Line>>(comm.receive(r));
      lines.insert(lines.end(), theirs.begin(), theirs.end());
      const std::string events = comm.receive(r);
      steps.take([&] { file->write(events); });
    }
    steps.take([&] {
      // The last event has no comma behind it.
      file->write(R"({"ph":"M","name":"trace","pid":0,"args":{"name":"tessera"}})"
                  "\n],\"displayTimeUnit\":\"ms\"}\n");
      file->keep();
    });
  }
  on_first(comm, [&] {
    steps.rethrow();
    if (lines.empty()) return;
    const std::string text = table(lines);
    (void)!::write(STDERR_FILENO, text.data(), text.size());
  });
}

Span::Span(std::string_view operation, std::string_view backend, Device device)
    : operation_(operation),
      backend_(backend),
      device_(device),
      sent_before_(recording().communicated.load(std::memory_order_relaxed)),
      start_(std::chrono::nanoseconds(Clock::now().time_since_epoch()).count()) {}

void Span::work(double flops, double bytes) {
  flops_ = flops;
  bytes_ = bytes;
}

Span::~Span() {
  const Clock::time_point start{std::chrono::nanoseconds(start_)};
  const auto length = Clock::now() - start;
  const std::uint64_t sent =
      recording().communicated.load(std::memory_order_relaxed) - sent_before_;
  Lane& l = lane();
  Line& line = l.summary[{operation_, backend_, device_, declined_}];
  if (line.calls == 0)
    line = {std::string(operation_), std::string(backend_), device_.to_string(),
            on_one_line(declined_)};
  line.add({"", "", "", "", 1, std::chrono::duration<double>(length).count(), flops_, bytes_,
            static_cast<double>(sent)});
  if (l.events.size() < most_events)
    l.events.push_back(
        {operation_, backend_, device_, start, length, flops_, bytes_, sent, std::move(declined_)});
  else
    ++l.dropped;
}

void communicated(std::uint64_t bytes) {
  if (enabled()) recording().communicated.fetch_add(bytes, std::memory_order_relaxed);
}

}  // namespace trace
}  // namespace tessera
