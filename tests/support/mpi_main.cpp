// GoogleTest main for programs started by mpirun with any number of ranks.
//
// Contract with the tests: every rank runs the same tests in the same order.
//  * A failed assertion is printed at once by the rank that failed it, every line prefixed
//    "[rank r/n]"; nothing is buffered, so nothing is lost if the job dies later.
//  * At the end of each test the ranks agree on the outcome: a test that failed anywhere fails
//    everywhere, so every rank exits with the same status.
//  * Nothing waits for ever: ranks that left a test wait MPI_TEST_GRACE seconds for the others and
//    then abort the job; a test that no rank leaves is cut off after MPI_TEST_LIMIT seconds. Either
//    way each stuck rank prints where it was.
// In a test, EXPECT_* anywhere; ASSERT_* and GTEST_SKIP only on conditions equal on all ranks.
#include <execinfo.h>
#include <gtest/gtest.h>
#include <mpi.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <tessera/runtime/runtime.hpp>

namespace {

int rank = 0;
int ranks = 1;
std::array<char, 512> where = {"outside any test"};  // read by signal handlers

unsigned seconds_from_environment(const char* name, unsigned fallback) {
  const char* text = std::getenv(name);
  return text ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : fallback;
}

// One write per message, so that ranks never garble each other's lines.
void say(const std::string& message) {
  const std::string prefix = "[rank " + std::to_string(rank) + "/" + std::to_string(ranks) + "] ";
  std::string out;
  for (std::size_t at = 0; at < message.size();) {
    std::size_t end = message.find('\n', at);
    if (end == std::string::npos) end = message.size();
    out += prefix + message.substr(at, end - at) + '\n';
    at = end + 1;
  }
  (void)!write(STDERR_FILENO, out.data(), out.size());
}

extern "C" void die_loudly(int signal) {
  std::array<char, 640> line;
  const char* what = signal == SIGALRM   ? "no rank left the test in time"
                     : signal == SIGTERM ? "stopped because another rank gave up"
                                         : "crashed";
  const int n = std::snprintf(line.data(), line.size(), "[rank %d/%d] %s, inside %s; stack:\n",
                              rank, ranks, what, where.data());
  (void)!write(STDERR_FILENO, line.data(), static_cast<std::size_t>(n));
  std::array<void*, 32> frames;
  backtrace_symbols_fd(frames.data(), backtrace(frames.data(), frames.size()), STDERR_FILENO);
  if (signal == SIGALRM) sleep(1);  // let the other ranks print theirs
  _exit(signal == SIGALRM ? 124 : 1);
}

class RankListener : public testing::EmptyTestEventListener {
 public:
  RankListener(testing::TestEventListener* printer, MPI_Comm comm)
      : printer_(printer),
        comm_(comm),
        limit_(seconds_from_environment("MPI_TEST_LIMIT", 60)),
        grace_(seconds_from_environment("MPI_TEST_GRACE", 10)) {}

  void OnTestProgramStart(const testing::UnitTest& u) override {
    if (rank == 0) printer_->OnTestProgramStart(u);
  }
  void OnTestIterationStart(const testing::UnitTest& u, int i) override {
    if (rank == 0) printer_->OnTestIterationStart(u, i);
  }
  void OnTestSuiteStart(const testing::TestSuite& s) override {
    if (rank == 0) printer_->OnTestSuiteStart(s);
  }
  void OnTestSuiteEnd(const testing::TestSuite& s) override {
    if (rank == 0) printer_->OnTestSuiteEnd(s);
  }
  void OnTestIterationEnd(const testing::UnitTest& u, int i) override {
    if (rank == 0) printer_->OnTestIterationEnd(u, i);
  }
  void OnTestProgramEnd(const testing::UnitTest& u) override {
    if (rank == 0) printer_->OnTestProgramEnd(u);
  }

  void OnTestStart(const testing::TestInfo& t) override {
    std::snprintf(where.data(), where.size(), "%s.%s", t.test_suite_name(), t.name());
    if (rank == 0) printer_->OnTestStart(t);
    alarm(limit_);
  }

  void OnTestPartResult(const testing::TestPartResult& r) override {
    if (agreeing_ || !r.failed()) {
      if (rank == 0) printer_->OnTestPartResult(r);
      return;
    }
    say(std::string(r.file_name() ? r.file_name() : "unknown file") + ":" +
        std::to_string(r.line_number()) + ": " + where.data() + "\n" + r.message());
  }

  void OnTestEnd(const testing::TestInfo& t) override {
    alarm(0);
    const char mine = t.result()->Failed() ? 1 : 0;
    std::vector<char> all(static_cast<std::size_t>(ranks));
    MPI_Request request;
    MPI_Iallgather(&mine, 1, MPI_CHAR, all.data(), 1, MPI_CHAR, comm_, &request);
    wait(request);
    std::string failed;
    for (int r = 0; r < ranks; ++r)
      if (all[static_cast<std::size_t>(r)]) failed.append(" ").append(std::to_string(r));
    agreeing_ = true;
    if (!failed.empty() && (rank == 0 || !mine))
      ADD_FAILURE_AT(t.file(), t.line()) << "failed on rank(s)" << failed << " of " << ranks;
    agreeing_ = false;
    std::snprintf(where.data(), where.size(), "between tests");
    if (rank == 0) printer_->OnTestEnd(t);
  }

 private:
  void wait(MPI_Request& request) {
    const double deadline = MPI_Wtime() + grace_;
    for (int done = 0; !done;) {
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
      if (done) return;
      if (MPI_Wtime() > deadline) {
        say(std::string("left ") + where.data() + " but other ranks did not within " +
            std::to_string(grace_) +
            " s: some rank returned or threw before a collective call. Aborting the job.");
        std::signal(SIGTERM, SIG_DFL);
        MPI_Abort(MPI_COMM_WORLD, 1);
      }
      usleep(200);
    }
  }

  std::unique_ptr<testing::TestEventListener> printer_;
  MPI_Comm comm_;
  unsigned limit_;
  unsigned grace_;
  bool agreeing_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  tessera::Runtime runtime(argc, argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  std::array<void*, 1> warm;
  backtrace(warm.data(), 1);  // loads libgcc now, not in a handler
  for (const int signal : {SIGALRM, SIGTERM}) std::signal(signal, die_loudly);
#ifndef __SANITIZE_ADDRESS__  // the sanitizer reports these better
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS}) std::signal(signal, die_loudly);
#endif

  testing::InitGoogleTest(&argc, argv);
  MPI_Comm own;
  MPI_Comm_dup(MPI_COMM_WORLD, &own);  // never shares messages with the code under test
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  listeners.Append(new RankListener(listeners.Release(listeners.default_result_printer()), own));
  if (rank != 0) delete listeners.Release(listeners.default_xml_generator());

  const int status = RUN_ALL_TESTS();
  MPI_Comm_free(&own);
  return status;
}
