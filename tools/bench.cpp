#include "bench.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <tessera/runtime/error.hpp>

namespace tessera {
namespace {

constexpr const char* summary =
    "time estimators and functions beside other libraries; see bench --help";

[[noreturn]] void fail(const std::string& why) {
  detail::say("tessera: bench " + why);
  std::_Exit(2);
}

}  // namespace

void add_bench(CLI::App& program) { program.add_subcommand("bench", summary); }

void run_bench(char** argv) {
  if (!argv[1] || std::string_view(argv[1]) != "bench") return;
  namespace fs = std::filesystem;
  std::error_code unknown;
  const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
  const fs::path folder = program.parent_path();
  // In a build tree, or as an installation has it; where pip installed it, Python finds it itself.
  for (const fs::path& place : {folder / "../python", folder / "../share/tessera/python"})
    if (fs::exists(place / "tessera_bench", unknown)) {
      const char* others = std::getenv("PYTHONPATH");
      const std::string here = fs::weakly_canonical(place, unknown).string();
      setenv("PYTHONPATH", (others ? here + ":" + others : here).c_str(), 1);
    }
  const char* wished = std::getenv("TESSERA_PYTHON");
  std::string python = wished ? wished : (folder / "python3").string();
  if (!wished && access(python.c_str(), X_OK) != 0) python = TESSERA_PYTHON;
  if (access(python.c_str(), X_OK) != 0) python = "python3";
  setenv("TESSERA_PROGRAM", program.c_str(), 1);
  std::vector<char*> words = {python.data(), const_cast<char*>("-m"),
                              const_cast<char*>("tessera_bench")};
  for (char** word = argv + 2; *word; ++word) words.push_back(*word);
  words.push_back(nullptr);
  execvp(words[0], words.data());
  fail(fmt::format("needs Python; '{}' does not start: {} (TESSERA_PYTHON names another)", python,
                   std::strerror(errno)));
}

}  // namespace tessera
