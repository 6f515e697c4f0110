// tessera-inspect: looks at an HDF5 file in a process of its own, which a hostile file may crash or
// keep busy without harm. Started by examine_in_child(), which reads its standard output.
#include <fcntl.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <new>
#include <string_view>

#include <tessera/io/inspection.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/watchdog.hpp>

namespace {

using namespace tessera;

void limit(__rlimit_resource what, rlim_t most, rlim_t beyond = 0) {
  rlimit now{};
  getrlimit(what, &now);
  const rlimit lower = {std::min(most, now.rlim_max), std::min(most + beyond, now.rlim_max)};
  setrlimit(what, &lower);
}

rlim_t number(std::string_view text) {
  rlim_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool put(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto n = write(STDOUT_FILENO, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return true;
}

std::string answer(const std::string& file, const std::string& dataset) {
  try {
    return "found\n" + io::pack(io::examine(file, dataset, true));
  } catch (const Error& e) {
    return fmt::format("{}\n{}", e.kind(), e.what());
  } catch (const std::bad_alloc&) {
    return "MemoryError\nout of memory";
  } catch (const std::exception& e) {
    return fmt::format("RuntimeError\n{}", e.what());
  }
}

}  // namespace

namespace tessera {
// Whoever started this process watches it.
Watch::Watch(std::string_view what, double seconds, Waits waits)
    : what_(what), seconds_(seconds), waits_(waits) {}
Watch::~Watch() = default;
}  // namespace tessera

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: tessera-inspect SECONDS BYTES FILE DATASET\n", stderr);
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NOFILE, 32);
  limit(RLIMIT_CPU, number(argv[1]), 1);  // the signal of the lower limit says what it was
  alarm(static_cast<unsigned>(10 * number(argv[1])) + 1);  // of a file server that does not answer
#if !defined(__SANITIZE_ADDRESS__)                         // which maps terabytes
  limit(RLIMIT_AS, number(argv[2]));
#endif
  const std::string text = answer(argv[3], argv[4]);
  // HDF5's own ending is part of the trial: some files crash it there.
  return put(text) && H5close() >= 0 ? 0 : 1;
}
