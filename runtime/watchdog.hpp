#pragma once
#include <string>
#include <string_view>

#include <tessera/runtime/communicator.hpp>

namespace tessera {

/// Says, while it lives, what this thread does inside of Tessera. The watchdog ends a job in which
/// a process does not get on in here, and says what it was doing; outside of every Watch a program
/// may take as long as it likes. Watches nest; a call of an Operation is one.
class Watch {
 public:
  /// Whose fault it is when nothing happens: what waits for other processes looks at them.
  enum class Waits : bool { for_nobody, for_others };
  /// `what` must outlive the Watch. `seconds` is how long this may take beyond the limit without a
  /// sign of progress: estimate the work of a long call of a library at 1e9 operations a second.
  explicit Watch(std::string_view what, double seconds = 0.0, Waits waits = Waits::for_nobody);
  ~Watch();
  Watch(const Watch&) = delete;

  std::string_view what() const { return what_; }
  double seconds() const { return seconds_; }
  Waits waits() const { return waits_; }

 private:
  std::string_view what_;
  double seconds_;
  Waits waits_;
};

/// Tells the watchdog that this process is getting on.
void note_progress();

namespace detail {
/// Makes the page on which the processes of a machine see how the others get on; returns whether
/// they could open it through the first one's /proc/<pid>/fd. Called by the thread that calls MPI.
/// Collective over `node`, the processes of this machine.
bool share_progress(const Communicator& node, int rank, int size);
/// Starts a thread that ends the job (exit status 86) after so many seconds without progress, none
/// for 0, and ends that thread. ValueError unless TESSERA_TIMEOUT, which this is, is such a number.
void start_watchdog(const std::string& seconds);
void stop_watchdog();
}  // namespace detail

}  // namespace tessera
