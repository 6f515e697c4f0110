#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/temporary_file.hpp>

#include "support/near.hpp"

namespace {
int linking_fails = 0;  // the errno of file systems that do not link
int links_refused = 0;
}  // namespace

// In the place of the C library's, for the runtime, too.
extern "C" int linkat(int from, const char* path, int to, const char* name, int flags) noexcept {
  if (linking_fails == 0) return static_cast<int>(syscall(SYS_linkat, from, path, to, name, flags));
  errno = linking_fails;
  ++links_refused;
  return -1;
}

namespace tessera {
namespace {

namespace fs = std::filesystem;

class TemporaryFileTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "tessera-test-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    detail::allow_unnamed_files(GetParam());
  }
  void TearDown() override {
    fs::remove_all(folder_);
    detail::allow_unnamed_files(true);
    linking_fails = 0;
  }

  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  static std::string contents(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void put(const std::string& file, const std::string& text) { std::ofstream(file) << text; }
  bool is_empty() const { return fs::is_empty(folder_); }

  static void write_through(const std::string& target, const std::string& text) {
    TemporaryFile file(target, "'it'");
    ASSERT_EQ(write(file.descriptor(), text.data(), text.size()), std::ssize(text));
    EXPECT_TRUE(file.take_name(false));
  }
  static std::string error_of(const std::string& target) {
    try {
      const TemporaryFile file(target, "'it'");
      return "";
    } catch (...) {
      return describe(std::current_exception());
    }
  }

  struct End {
    int signal;  // that ended the child; 0 if it exited
    std::string said;
  };
  // Runs `work` in a process of its own.
  static End end_of(const std::function<void()>& work) {
    std::array<int, 2> pipes{};
    EXPECT_EQ(pipe(pipes.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
      dup2(pipes[1], STDERR_FILENO);
      close(pipes[0]);
      close(pipes[1]);
      for (int s : {SIGALRM, SIGTERM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL})
        std::signal(s, SIG_DFL);  // the test program's, and Open MPI's
      work();
      std::_Exit(0);
    }
    close(pipes[1]);
    End end{0, ""};
    std::array<char, 512> text{};
    for (ssize_t n = 0; (n = read(pipes[0], text.data(), text.size())) > 0;)
      end.said.append(text.data(), static_cast<std::size_t>(n));
    close(pipes[0]);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
    return end;
  }

  fs::path folder_;
};

TEST_P(TemporaryFileTest, TakesItsNameInTheEndOrVanishes) {
  { const TemporaryFile file(at("x"), "'it'"); }
  EXPECT_TRUE(is_empty());
  write_through(at("x"), "one");
  EXPECT_EQ(contents(at("x")), "one");
  {
    TemporaryFile second(at("x"), "'it'");
    EXPECT_TRUE(second.replaces());
    EXPECT_FALSE(second.take_name(true));
  }
  EXPECT_EQ(contents(at("x")), "one");
  write_through(at("x"), "two");
  EXPECT_EQ(contents(at("x")), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_P(TemporaryFileTest, IsCopiedWhereFilesAreNotLinked) {
  for (const int why : {EPERM, EXDEV, EOPNOTSUPP, ENOENT}) {
    linking_fails = why;
    links_refused = 0;
    write_through(at("x"), "one");
    EXPECT_EQ(contents(at("x")), "one");
    ASSERT_EQ(chmod(at("x").c_str(), 0640), 0);
    write_through(at("x"), "second");
    EXPECT_EQ(contents(at("x")), "second");
    struct stat status {};
    EXPECT_EQ(stat(at("x").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0640U);
    {
      TemporaryFile third(at("x"), "'it'");
      EXPECT_FALSE(third.take_name(true));
    }
    EXPECT_EQ(contents(at("x")), "second");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
    EXPECT_EQ(links_refused > 0, GetParam());
    fs::remove(at("x"));
    fs::create_directory(at("gone"));
    TemporaryFile lost(at("gone/x"), "'it'");
    fs::remove_all(at("gone"));
    test::expect_error<OSError>([&] { lost.take_name(false); },
                                "cannot write 'it': No such file or directory");
    EXPECT_TRUE(is_empty());
  }
}

TEST_P(TemporaryFileTest, IsRemovedByWhateverEndsTheProcess) {
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE,
                           SIGXCPU, SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) {
    const End end = end_of([&] {
      const TemporaryFile file(at("x"), "'x\n'");
      std::raise(signal);
    });
    EXPECT_EQ(end.signal, signal);
    EXPECT_EQ(end.said, std::string("tessera: ended by SIG") + sigabbrev_np(signal) +
                            "; 'x\\n' was not written\n");
    EXPECT_TRUE(is_empty()) << signal;
  }
  end_of([&] {
    const TemporaryFile file(at("x"), "'x'");
    std::exit(3);
  });
  EXPECT_TRUE(is_empty());
  if (!GetParam()) return;
  EXPECT_EQ(end_of([&] {
              const TemporaryFile file(at("x"), "'x'");
              std::raise(SIGKILL);
            }).signal,
            SIGKILL);
  EXPECT_TRUE(is_empty());
}

TEST_P(TemporaryFileTest, LeavesOtherPeoplesHandlersAlone) {
  const auto say_own = [](int) { (void)!write(STDERR_FILENO, "own", 3); };
  const End own = end_of([&] {
    std::signal(SIGTERM, say_own);
    std::signal(SIGINT, SIG_IGN);
    {
      const TemporaryFile file(at("x"), "'x'");
      std::raise(SIGTERM);
      std::raise(SIGINT);
      std::signal(SIGUSR1, say_own);  // set while ours is there
    }
    std::raise(SIGUSR1);
  });
  EXPECT_EQ(own.signal, 0);
  EXPECT_EQ(own.said, "ownown");
  const End later = end_of([&] {
    { const TemporaryFile file(at("x"), "'x'"); }
    std::raise(SIGTERM);
  });
  EXPECT_EQ(later.signal, SIGTERM);
  EXPECT_EQ(later.said, "");
}

TEST_P(TemporaryFileTest, FollowsLinksAndTakesAnyName) {
  fs::create_directory(folder_ / "there");
  fs::create_symlink("there/x", at("link"));
  write_through(at("link"), "one");  // the link dangles
  EXPECT_TRUE(fs::is_symlink(at("link")));
  EXPECT_EQ(contents(at("there/x")), "one");
  write_through(at("link"), "two");
  EXPECT_EQ(contents(at("there/x")), "two");
  fs::create_symlink("link", at("chain"));
  write_through(at("chain"), "three");
  EXPECT_EQ(contents(at("there/x")), "three");

  for (const std::size_t length : {230, 245, 255}) {
    const std::string name(length, 'n');
    write_through(at(name), "one");
    write_through(at(name), "two");
    EXPECT_EQ(contents(at(name)), "two");
  }
  EXPECT_EQ(error_of(at(std::string(256, 'n'))), "OSError: cannot write 'it': File name too long");
}

TEST_P(TemporaryFileTest, SaysWhatCannotBeWritten) {
  fs::create_symlink("b", at("a"));
  fs::create_symlink("a", at("b"));
  fs::create_symlink("no/such/folder", at("nowhere"));
  EXPECT_EQ(error_of(at("a")), "OSError: cannot write 'it': Too many levels of symbolic links");
  EXPECT_EQ(error_of(at("nowhere")), "OSError: cannot write 'it': No such file or directory");
  EXPECT_EQ(error_of(at("no/x")), "OSError: cannot write 'it': No such file or directory");
  EXPECT_EQ(error_of(at("new/")), "OSError: cannot write 'it': Is a directory");
  EXPECT_EQ(error_of(folder_), "OSError: cannot write 'it': it is a folder");
  EXPECT_EQ(error_of("/dev/full"), "OSError: cannot write 'it': it is not a regular file");
  EXPECT_EQ(error_of("/proc/sys/x"), "OSError: cannot write 'it': No such file or directory");
  put(at("file"), "");
  EXPECT_EQ(error_of(at("file/x")), "OSError: cannot write 'it': Not a directory");
}

INSTANTIATE_TEST_SUITE_P(, TemporaryFileTest, testing::Bool(), [](const auto& info) {
  return info.param ? "WithoutAName" : "WithAName";
});

}  // namespace
}  // namespace tessera
