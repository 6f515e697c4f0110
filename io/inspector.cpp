#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>

#include <tessera/io/inspection.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/runtime.hpp>

extern char** environ;  // NOLINT: as POSIX has it

namespace tessera::io {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

fs::path folder_of_this_library() {
  Dl_info info{};
  static const char mark = 0;
  if (dladdr(&mark, &info) == 0 || !info.dli_fname) return {};
  std::error_code ignored;
  return fs::canonical(info.dli_fname, ignored).parent_path();
}

/// Where the program is: said by the environment, beside this library in a build tree, or where it
/// was installed to, seen from this library. "" when it is nowhere.
std::string find_program() {
  constexpr const char* name = "tessera-inspect";
  if (const char* given = std::getenv("TESSERA_INSPECT"); given && *given) {
    if (access(given, X_OK) != 0)
      throw OSError(fmt::format("TESSERA_INSPECT names '{}', which is no program: {}", given,
                                std::strerror(errno)));
    return given;
  }
  std::error_code ignored;
  for (const fs::path& base :
       {folder_of_this_library(), fs::read_symlink("/proc/self/exe", ignored).parent_path()}) {
    if (base.empty()) continue;
    for (const fs::path& place :
         {base / name, base / TESSERA_LIBEXEC_FROM_LIB / name, base / "../io" / name})
      if (access(place.c_str(), X_OK) == 0) return place;
  }
  return "";
}

/// This environment without what would make the child a process of the MPI job.
std::vector<char*> environment_outside_of_mpi() {
  constexpr std::array<std::string_view, 8> prefixes = {
      "GLIBC_TUNABLES", "OMPI_", "PMIX_", "PMI_", "PRTE_", "ORTE_", "MPI_", "TESSERA_"};
  // glibc then writes of a broken heap to standard error, not to the terminal.
  static std::string quiet = "LIBC_FATAL_STDERR_=1";
  // try_reading() fills free memory, which the caches of threads would hand out as it was.
  static std::string uncached = "GLIBC_TUNABLES=glibc.malloc.tcache_count=0";
  std::vector<char*> kept;
  for (char** entry = environ; entry && *entry; ++entry)
    if (std::none_of(prefixes.begin(), prefixes.end(),
                     [&](auto p) { return std::string_view(*entry).starts_with(p); }))
      kept.push_back(*entry);
  kept.push_back(quiet.data());
  kept.push_back(uncached.data());
  kept.push_back(nullptr);
  return kept;
}

std::optional<bool> trust;

struct SpawnSettings {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
  SpawnSettings() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
};

/// A program whose standard output is read. Ends with this object.
class Child {
 public:
  Child(const std::string& program, std::vector<std::string> arguments) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno);
    out_ = ends[0];
    SpawnSettings settings;
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&settings.attributes, &all);
    posix_spawnattr_setsigmask(&settings.attributes, &none);
    posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_adddup2(&settings.files, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&settings.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&settings.files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&settings.files, STDERR_FILENO + 1);
    std::vector<char*> words = {const_cast<char*>(program.c_str())};
    for (auto& word : arguments) words.push_back(word.data());
    words.push_back(nullptr);
    const int error = posix_spawn(&pid_, program.c_str(), &settings.files, &settings.attributes,
                                  words.data(), environment_outside_of_mpi().data());
    close(ends[1]);
    if (error == 0) return;
    close(out_);
    fail(error);
  }
  ~Child() {
    close(out_);
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    wait();
  }
  Child(const Child&) = delete;

  /// All it writes until it closes its output. False when that takes until `deadline`, or more than
  /// `most` bytes.
  bool read_all(std::string& text, Clock::time_point deadline, std::size_t most) {
    std::array<char, 1 << 16> piece{};
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return false;
      pollfd ready = {out_, POLLIN, 0};
      const int n = poll(&ready, 1, static_cast<int>(std::min<std::int64_t>(left, 1000)));
      note_progress();
      if (n < 0 && errno != EINTR) fail(errno);
      if (n <= 0) continue;
      const auto bytes = ::read(out_, piece.data(), piece.size());
      if (bytes < 0 && errno == EINTR) continue;
      if (bytes < 0) fail(errno);
      if (bytes == 0) return true;
      text.append(piece.data(), static_cast<std::size_t>(bytes));
      if (text.size() > most) return false;
    }
  }

  /// Its status as waitpid() has it; -1 when somebody else took it (SIGCHLD is ignored).
  int wait() {
    int status = -1;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  [[noreturn]] static void fail(int error) {
    throw OSError(fmt::format("cannot run tessera-inspect: {}", std::strerror(error)));
  }
  pid_t pid_ = -1;
  int out_ = -1;
};

}  // namespace

std::vector<Found> examine_in_child(const std::string& file, const std::string& dataset) {
  const std::string program = find_program();
  if (program.empty()) {
    warn(
        "the program tessera-inspect is not where it was installed (TESSERA_INSPECT can name it): "
        "files are opened without having been looked at in a process of its own");
    return examine(file, dataset, false);
  }
  constexpr std::int64_t bytes_per_second = 1 << 30;  // a long index of a large file is read, too
  constexpr std::size_t most_memory = std::size_t{1} << 30;
  constexpr std::size_t longest_answer = std::size_t{64} << 20;
  struct stat status {};
  const std::int64_t size = stat(file.c_str(), &status) == 0 ? status.st_size : 0;
  const std::int64_t seconds = 8 + size / bytes_per_second;
  // A crowded machine or a slow file server takes its time: the processor's is what counts.
  const std::int64_t patience = 10 * seconds;
  const auto deadline = Clock::now() + std::chrono::seconds(patience);
  const auto refuse = [&](const std::string& how) {
    throw OSError(fmt::format(
        "cannot read '{}': {} while its structure was looked at: the file is damaged or hostile "
        "(--trusted reads it without that look)",
        file, how));
  };
  const auto late = [](std::int64_t limit) {
    return fmt::format("HDF5 took more than {} s", limit);
  };

  std::string text;
  int ended = 0;
  {
    Child child(program, {std::to_string(seconds), std::to_string(most_memory), file, dataset});
    if (!child.read_all(text, deadline, longest_answer))
      refuse(text.size() > longest_answer ? "HDF5 found structures without end" : late(patience));
    ended = child.wait();
  }
  if (ended != -1 && WIFSIGNALED(ended)) {
    const int signal = WTERMSIG(ended);
    if (signal == SIGXCPU) refuse(late(seconds));
    if (signal == SIGALRM) refuse(late(patience));
    refuse(fmt::format("HDF5 ended with signal {} ({})", signal, strsignal(signal)));
  }
  const auto line = text.find('\n');
  if (line == std::string::npos || (ended != -1 && WEXITSTATUS(ended) != 0))
    refuse("HDF5 ended the program that read it");
  const std::string word = text.substr(0, line);
  const std::string rest = text.substr(line + 1);
  if (word == "MemoryError")
    refuse(fmt::format("HDF5 took more than {} MB of memory", most_memory >> 20));
  if (word != "found") detail::raise(word, rest);
  return unpack(rest);
}

void set_trusted(bool trusted) { trust = trusted; }

bool is_trusted() {
  if (!trust) {
    const char* text = std::getenv("TESSERA_TRUSTED");
    const std::string_view value = text && *text ? text : "0";
    if (value != "0" && value != "1")
      throw ValueError(fmt::format("TESSERA_TRUSTED must be 0 or 1, got '{}'", value));
    trust = value == "1";
  }
  return *trust;
}

std::vector<Found> inspect_once(const std::string& file, const std::string& dataset,
                                const FileIdentity& as) {
  constexpr std::size_t most_kept = 64;
  using Key = std::pair<std::string, std::string>;
  static std::mutex mutex;
  static std::map<Key, std::pair<FileIdentity, std::vector<Found>>> kept;
  const bool trusted = is_trusted();
  {
    const std::lock_guard lock(mutex);
    const auto at = kept.find(Key(file, dataset));
    if (at != kept.end() && difference(at->second.first, as).empty() &&
        at->second.first.changed == as.changed && at->second.first.sample == as.sample)
      return at->second.second;
  }
  auto found = trusted ? examine(file, dataset, false) : examine_in_child(file, dataset);
  if (trusted)
    for (auto& f : found) f.implausible.clear();
  if (trusted || as.fresh) return found;
  const std::lock_guard lock(mutex);
  if (kept.size() >= most_kept) kept.clear();
  kept[Key(file, dataset)] = {as, found};
  // A list of one dataset has looked at it closely.
  if (found.size() == 1) kept[Key(file, found[0].info.name)] = {as, found};
  return found;
}

}  // namespace tessera::io
