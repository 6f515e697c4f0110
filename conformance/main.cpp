// The `tessera-conformance` program: does a backend do what the operations say?
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <set>

#include <tessera/estimators/registry.hpp>
#include <tessera/ndimage/registry.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/plugin.hpp>
#include <tessera/runtime/runtime.hpp>

#include "suite.hpp"

namespace {

using namespace tessera;
using namespace tessera::conformance;

struct Options {
  std::string backend, device, plugin, operation = "*";
  bool verbose = false;
};

void print(const std::string& text) {
  if (Communicator::world().rank() == 0) fmt::print("{}\n", text);
}
void print_list(const char* title, const std::vector<std::string>& names) {
  if (!names.empty()) print(fmt::format("{}: {}", title, fmt::join(names, ", ")));
}

/// The CPU for a backend that implements anything for it, else its device.
Device home_of(const std::string& backend) {
  Device::Kind kind = Device::Kind::cuda;
  for (const Support& s : support_table())
    for (const auto& e : s.entries)
      if (e.backend == backend && e.device == Device::Kind::cpu) kind = e.device;
  return {kind, 0};
}

int run(const Options& options) {
  register_operations();
  register_ndimage_operations();
  std::vector<Cases> all = linalg_cases();
  for (auto more : {array_cases(), estimator_cases(), ndimage_cases(), whole_cases()})
    for (Cases& c : more) all.push_back(std::move(c));
  std::set<std::string> ours;
  for (const Support& s : support_table()) ours.insert(s.operation);
  if (!options.plugin.empty()) load_plugin(options.plugin);
  Selection selection;
  selection.set_only(options.backend);
  check_backends(selection);
  const Device device =
      options.device.empty() ? home_of(options.backend) : Device::parse(options.device);
  Suite suite(options.backend, device, options.verbose, print);

  const auto wanted = [&](const std::string& name) {
    return fnmatch(options.operation.c_str(), name.c_str(), 0) == 0;
  };
  std::vector<std::string> missing, whole, unknown;
  for (const Support& s : support_table()) {
    if (!wanted(s.operation)) continue;
    const auto entry = std::find_if(s.entries.begin(), s.entries.end(), [&](const auto& e) {
      return e.backend == options.backend && e.device == device.kind;
    });
    const bool implemented = entry != s.entries.end();
    const auto is_it = [&](const Cases& c) { return c.operation == s.operation; };
    const auto cases = std::find_if(all.begin(), all.end(), is_it);
    if (s.composed && cases != all.end() && (implemented || options.backend == "cpu")) {
      const Index before = suite.accepted(), refused = suite.refused();
      for (int i = 0; i < dtype_count; ++i)
        if (const auto dtype = static_cast<DType>(i); !implemented || entry->dtypes.has(dtype)) {
          suite.begin(s.operation, dtype);
          cases->run(suite, dtype);
        }
      if (suite.accepted() == before && suite.refused() > refused)
        suite.fail(s.operation + ": refuses every case");
      else if (suite.accepted() == before)
        whole.push_back(s.operation);  // no arguments are known for it
    } else if (s.composed) {
      if (implemented) whole.push_back(s.operation);
    } else if (s.operation.starts_with("scalapack.")) {
      // These take matrices of a grid, not tiles.
      if (implemented) whole.push_back(s.operation);
    } else if (!ours.contains(s.operation)) {
      unknown.push_back(s.operation);
    } else if (cases == all.end()) {
      suite.fail("no cases for operation " + s.operation);
    } else if (!implemented) {
      missing.push_back(s.operation);
    } else {
      const Index before = suite.accepted();
      for (int i = 0; i < dtype_count; ++i)
        // Other than floating numbers are an offer: who does not make it has declined nothing.
        if (const auto dtype = static_cast<DType>(i);
            cases->dtypes.has(dtype) && (entry->dtypes.has(dtype) || is_floating(dtype))) {
          suite.begin(s.operation, dtype);
          cases->run(suite, dtype);
        }
      if (suite.accepted() == before)
        suite.fail(s.operation + ": implemented, but every case is declined");
    }
  }
  if (suite.accepted() == 0)
    suite.fail(fmt::format("{} ran nothing on {}", options.backend, device.to_string()));

  const Index failed = suite.report();
  print_list("not implemented", missing);
  print_list("whole functions, not checked here", whole);
  print_list("unknown to this suite", unknown);
  const auto everywhere = Communicator::world().all_gather(failed);
  for (std::size_t rank = 1; rank < everywhere.size(); ++rank)
    if (everywhere[rank] > 0) print(fmt::format("FAILED {} on rank {}", everywhere[rank], rank));
  print(fmt::format("conformance of {} on {}: {} checks passed, {} failed, {} declined",
                    options.backend, device.to_string(), suite.passed(), failed, suite.declined()));
  return std::all_of(everywhere.begin(), everywhere.end(), [](Index n) { return n == 0; }) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Runtime runtime(argc, argv);
  Options options;
  CLI::App program{
      "Checks every operation that a backend implements against its definition.\n"
      "Exit status: 0 when it conforms, 1 when it does not, 2 for a wrong command line.",
      "tessera-conformance"};
  program.add_option("--backend", options.backend, "the backend's name")->required();
  program
      .add_option("--device", options.device, "where it runs: cpu, cuda or cuda:N [the backend's]")
      ->check(CLI::Validator(
          [](const std::string& text) -> std::string {
            try {
              Device::parse(text);
            } catch (const Error& e) {
              return e.what();
            }
            return {};
          },
          ""));
  program.add_option("--plugin", options.plugin, "a plug-in to load, a shared library");
  program.add_option("--operation", options.operation,
                     "only operations whose names match, such as 'linalg.*'");
  program.add_flag("--verbose", options.verbose, "show every check");
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const bool first = Communicator::world().rank() == 0;
    const bool help = e.get_exit_code() == 0;
    if (first && help) program.exit(e);
    if (first && !help) fmt::print(stderr, "tessera-conformance: {}\n", e.what());
    return help ? 0 : 2;
  }
  return runtime.run([&] { return run(options); });
}
