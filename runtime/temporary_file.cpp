#include <tessera/runtime/temporary_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string_view>
#include <utility>

#include <tessera/runtime/error.hpp>

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// What a signal's handler has to know of a file: no memory is allocated there.
struct Unfinished {
  enum State { unused, reserved, there };
  std::atomic<int> state{unused};
  std::atomic<bool> named{false};
  std::array<char, PATH_MAX> name{};
  std::array<char, 512> title{};
};
std::array<Unfinished, 64> unfinished;

// What ends a process by default. A crash has had its own handlers (Open MPI's), which run after
// ours.
constexpr std::array ends = {SIGHUP,  SIGINT,    SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM,
                             SIGPIPE, SIGVTALRM, SIGPROF, SIGXCPU, SIGPOLL, SIGPWR,  SIGSTKFLT};
constexpr std::array crashes = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};

struct Handlers {
  std::mutex mutex;
  int files = 0;
  std::array<struct sigaction, ends.size() + crashes.size()> before{};
};
Handlers handlers;

int signal_at(std::size_t i) { return i < ends.size() ? ends[i] : crashes[i - ends.size()]; }

void append(std::array<char, 768>& line, std::size_t& length, const char* text) {
  const std::size_t n = std::min(std::strlen(text), line.size() - length);
  std::memcpy(line.data() + length, text, n);
  length += n;
}

extern "C" void tessera_end_by_signal(int signal) {
  static std::atomic<bool> said{false};
  std::array<char, 768> line;
  std::size_t length = 0;
  append(line, length, "tessera: ended by SIG");
  append(line, length, sigabbrev_np(signal));
  for (const Unfinished& u : unfinished)
    if (u.state == Unfinished::there) {
      append(line, length, "; ");
      append(line, length, u.title.data());
      append(line, length, " was not written");
      break;
    }
  append(line, length, "\n");
  remove_unfinished();
  if (!said.exchange(true)) (void)!write(STDERR_FILENO, line.data(), length);
  for (std::size_t i = 0; i < handlers.before.size(); ++i)
    if (signal_at(i) == signal) sigaction(signal, &handlers.before[i], nullptr);
  raise(signal);  // comes when this returns
}

bool ours(const struct sigaction& action) {
  return !(action.sa_flags & SA_SIGINFO) && action.sa_handler == tessera_end_by_signal;
}

void watch_signals() {
  const std::lock_guard lock(handlers.mutex);
  if (handlers.files++ > 0) return;
  static const bool at_exit = std::atexit(remove_unfinished) == 0;
  (void)at_exit;
  struct sigaction action {};
  action.sa_handler = tessera_end_by_signal;
  sigfillset(&action.sa_mask);
  for (std::size_t i = 0; i < handlers.before.size(); ++i) {
    struct sigaction& before = handlers.before[i];
    if (sigaction(signal_at(i), nullptr, &before) != 0) continue;
    const bool plain = !(before.sa_flags & SA_SIGINFO);
    if (plain && before.sa_handler == SIG_IGN) continue;
    const bool by_default = plain && before.sa_handler == SIG_DFL;
    if (by_default || i >= ends.size()) sigaction(signal_at(i), &action, nullptr);
  }
}

void unwatch_signals() {
  const std::lock_guard lock(handlers.mutex);
  if (--handlers.files > 0) return;
  for (std::size_t i = 0; i < handlers.before.size(); ++i) {
    struct sigaction now {};
    if (sigaction(signal_at(i), nullptr, &now) == 0 && ours(now))
      sigaction(signal_at(i), &handlers.before[i], nullptr);
  }
}

template <std::size_t n>
void keep(const std::string& text, std::array<char, n>& in) {
  const std::size_t length = std::min(text.size(), n - 1);
  std::memcpy(in.data(), text.data(), length);
  in[length] = '\0';
}

// -1 when there are too many at once: such a file is removed by its destructor only.
int reserve(const std::string& title) {
  watch_signals();
  for (std::size_t i = 0; i < unfinished.size(); ++i) {
    int expected = Unfinished::unused;
    if (!unfinished[i].state.compare_exchange_strong(expected, Unfinished::reserved)) continue;
    unfinished[i].named = false;
    keep(printable(title), unfinished[i].title);
    unfinished[i].state = Unfinished::there;
    return static_cast<int>(i);
  }
  return -1;
}

Unfinished* at(int slot) {
  return slot < 0 ? nullptr : &unfinished[static_cast<std::size_t>(slot)];
}

std::atomic<bool> unnamed_allowed{false};

}  // namespace

void remove_unfinished() {
  for (Unfinished& u : unfinished)
    if (u.state == Unfinished::there && u.named.exchange(false)) unlink(u.name.data());
}

void detail::allow_unnamed_files(bool allow) { unnamed_allowed = allow; }

void TemporaryFile::fail() const {
  const std::string why = std::strerror(errno);
  throw OSError(fmt::format("cannot write {}: {}", title_, why));
}

TemporaryFile::TemporaryFile(const std::string& target, std::string title)
    : title_(std::move(title)), target_(target) {
  struct stat status {};
  replaces_ = stat(target_.c_str(), &status) == 0;
  if (!replaces_ && errno != ENOENT) fail();
  std::error_code ignored;
  if (replaces_ && fs::is_symlink(target_, ignored)) {
    if (const auto real = fs::canonical(target_, ignored); !ignored) target_ = real.string();
  } else if (!replaces_) {
    // A link to what is not there yet; stat() has found no loop.
    while (fs::is_symlink(target_, ignored)) {
      const fs::path next = fs::read_symlink(target_, ignored);
      if (ignored) break;
      target_ = (fs::path(target_).parent_path() / next).string();
    }
  }
  if (replaces_ && S_ISDIR(status.st_mode))
    throw OSError(fmt::format("cannot write {}: it is a folder", title_));
  if (replaces_ && !S_ISREG(status.st_mode))
    throw OSError(fmt::format("cannot write {}: it is not a regular file", title_));
  if (replaces_ && access(target_.c_str(), W_OK) != 0) fail();
  if (target_.ends_with('/')) {
    errno = EISDIR;
    fail();
  }
  slot_ = reserve(title_);
  try {
    const auto folder = fs::path(target_).parent_path();
    if (!unnamed_allowed || !create_unnamed(folder.empty() ? "." : folder.string())) create_named();
  } catch (...) {
    if (auto* u = at(slot_)) u->state = Unfinished::unused;
    unwatch_signals();
    throw;
  }
  if (replaces_) (void)fchmod(fd_, status.st_mode & 07777);
}

TemporaryFile::~TemporaryFile() {
  if (!name_.empty()) unlink(name_.c_str());
  close(fd_);
  if (auto* u = at(slot_)) u->state = Unfinished::unused;
  unwatch_signals();
}

bool TemporaryFile::create_unnamed(const std::string& folder) {
  // Linking it later needs /proc, too.
  fd_ = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (fd_ < 0) return false;
  path_ = fmt::format("/proc/{}/fd/{}", getpid(), fd_);
  if (access(path_.c_str(), R_OK | W_OK) == 0) return true;
  close(std::exchange(fd_, -1));
  return false;
}

template <class Make>
bool TemporaryFile::with_new_name(const Make& make) {
  static std::atomic<std::uint64_t> counter{0};
  const fs::path target(target_);
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::string suffix = fmt::format(".part-{}-{}", getpid(), counter.fetch_add(1));
    // The longest names leave no room for more.
    std::string name = target.filename().string();
    name.resize(std::min(name.size(), NAME_MAX - suffix.size()));
    const std::string path = (target.parent_path() / (name + suffix)).string();
    if (!make(path)) {
      if (errno == EEXIST) continue;
      return false;
    }
    name_ = path;
    if (auto* u = at(slot_); u && name_.size() < u->name.size()) {
      keep(name_, u->name);
      u->named = true;
    }
    return true;
  }
  return false;
}

void TemporaryFile::create_named() {
  const bool made = with_new_name([&](const std::string& name) {
    fd_ = open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
    return fd_ >= 0;
  });
  if (!made) fail();
  path_ = name_;
}

bool TemporaryFile::take_name(bool only_new) {
  if (name_.empty()) {
    const auto link_as = [&](const std::string& name) {
      return linkat(AT_FDCWD, path_.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
    };
    const auto copy_as = [&](const std::string& name) {
      std::error_code why;
      bool done = fs::copy_file(path_, name, why);
      const int copy = done ? open(name.c_str(), O_RDWR | O_CLOEXEC) : -1;
      done = done && copy >= 0 && fsync(copy) == 0;
      const int error = why ? why.value() : errno;
      if (copy >= 0) close(copy);
      if (!done && error != EEXIST) unlink(name.c_str());
      errno = error;
      return done;
    };
    if (link_as(target_)) {
      if (auto* u = at(slot_)) u->state = Unfinished::reserved;  // nothing is unfinished any more
      return true;
    }
    if (errno == EEXIST && only_new) return false;
    // There is no linking in the place of another: it has a name for a moment. And some file
    // systems know unnamed files but do not link them.
    if (!(errno == EEXIST ? with_new_name(link_as) : with_new_name(copy_as))) fail();
  }
  int failed = renameat2(AT_FDCWD, name_.c_str(), AT_FDCWD, target_.c_str(),
                         only_new ? RENAME_NOREPLACE : 0);
  if (failed && only_new && errno == EEXIST) return false;
  if (failed && only_new) failed = rename(name_.c_str(), target_.c_str());  // no such flag
  if (failed) fail();
  if (auto* u = at(slot_)) u->state = Unfinished::reserved;
  name_.clear();
  return true;
}

}  // namespace tessera
