#include <tessera/runtime/progress.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <tessera/runtime/process.hpp>

namespace tessera {
namespace {

bool enabled = false;

}  // namespace

Progress::Progress(std::string title) : title_(std::move(title)) {}

Progress::~Progress() {
  if (drawn_) (void)!write(STDERR_FILENO, "\n", 1);
}

void Progress::enable(bool on) { enabled = on; }

void Progress::update(std::int64_t done, std::int64_t total, const std::string& note) {
  if (!enabled || detail::process().rank != 0 || !isatty(STDERR_FILENO)) return;
  constexpr int width = 30;
  const auto filled = total > 0 ? static_cast<int>(width * done / total) : 0;
  const std::string line = fmt::format("\r{} [{:#<{}}{:.<{}}] {}/{} {}\x1b[K", title_, "", filled,
                                       "", width - filled, done, total, note);
  (void)!write(STDERR_FILENO, line.data(), line.size());
  drawn_ = true;
}

}  // namespace tessera
