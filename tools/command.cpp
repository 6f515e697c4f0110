#include "command.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <limits>

#include <tessera/ndimage/registry.hpp>

namespace tessera {
namespace {

[[noreturn]] void fail_to_print() {
  throw OSError(fmt::format("cannot write to the standard output: {}",
                            errno ? std::strerror(errno) : "an earlier write failed"));
}

}  // namespace

void print(const std::string& text) {
  on_first(Communicator::world(), [&] {
    // Whoever reads it may take their time.
    const Watch watch("write to the standard output", std::numeric_limits<double>::infinity());
    if (std::fputs((text + "\n").c_str(), stdout) < 0) fail_to_print();
  });
  finish_printing();
}

void finish_printing() {
  on_first(Communicator::world(), [] {
    const Watch watch("write to the standard output", std::numeric_limits<double>::infinity());
    errno = 0;
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) fail_to_print();
  });
}

CLI::Validator within(double low, double high) {
  const auto complain = [=](const std::string& text) -> std::string {
    double v = 0.0;
    if (!CLI::detail::lexical_cast(text, v) || (v >= low && v <= high)) return {};
    const bool bounded = high < std::numeric_limits<double>::max();
    return fmt::format("must be a number of at least {}{}, got {}", low,
                       bounded ? fmt::format(" and at most {}", high) : "", text);
  };
  return {complain, "", ""};
}

io::Location output(const std::string& location) {
  auto at = io::parse_location(location);
  if (at.dataset.empty())
    throw ValueError(
        fmt::format("'{}' does not say which dataset to write: use FILE.h5:/name", location));
  return at;
}

namespace {

// CLI11 takes 99999999999999999999 for the largest integer, and 010 for 8.
template <class T>
std::string complain_unless_integer(const std::string& text) {
  T value{};
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(begin, end, value);
  if (code == std::errc{} && stop == end) return {};
  return fmt::format("must be an integer from {} to {}, got {}", std::numeric_limits<T>::min(),
                     std::numeric_limits<T>::max(), text);
}

}  // namespace

void check_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();
    option->check(CLI::Validator(
        [type](const std::string& text) -> std::string {
          if (text.empty()) return "the value is empty";
          if (type.starts_with("INT")) return complain_unless_integer<std::int64_t>(text);
          if (type.starts_with("UINT")) return complain_unless_integer<std::uint64_t>(text);
          return {};
        },
        "", ""));
  }
  for (CLI::App* subcommand : app.get_subcommands([](CLI::App*) { return true; }))
    check_values(*subcommand);
}

void Common::add_to(CLI::App& app, Reads reads) {
  app.add_option("--threads", threads, "threads per process (default: the cores it may use)");
  app.add_flag("--portable-bits", portable_bits,
               "AVX2 code everywhere: same bits on every machine that has it");
  app.add_flag(
      "--trusted", trusted,
      "open HDF5 files without a look at their structure in a process of its own (for files "
      "that nobody made to harm), however little they hold of what they claim");
  app.add_flag("--progress", progress, "show how far long work is (terminals only)");
  if (reads == Reads::nothing) return;
  if (reads == Reads::rows)
    app.add_flag("--stream", stream,
                 "read X leaf by leaf on every pass instead of holding it in memory");
  app.add_flag("--collective", collective, "read files with collective MPI-IO");
  app.add_flag("--dense", dense, "read sparse matrices (AnnData, 10x, MATLAB) as dense ones");
  app.add_option("--device", device,
                 "where the data lie and work runs: cpu, cuda (one GPU per process), cuda:N, or "
                 "auto (cuda where there is a GPU) [cpu]")
      ->group("Backends");
  app.add_option("--plugin", plugins, "shared library with more backends; may be repeated")
      ->allow_extra_args(false)
      ->group("Backends");
  app.add_option("--backend", backend,
                 "backend to prefer; only:NAME and skip:NAME, and several with commas, work too "
                 "(see tessera backends)")
      ->group("Backends");
  app.add_option("--trace", trace,
                 "print what ran where and for how long, and write FILE for Perfetto or "
                 "chrome://tracing")
      ->type_name("FILE")
      ->group("Backends");
}

void Common::apply() const {
  together(Communicator::world(), [&] {
    if (threads) Runtime::set_threads(*threads);
  });
  Progress::enable(progress);
  if (trusted) io::set_trusted(true);
  if (!trace.empty()) trace::start(trace, Communicator::world());
  register_operations();
  register_ndimage_operations();
  for (const auto& file : plugins) load_plugin(file);
  if (!backend.empty()) set_default_selection(Selection::parse(backend));
  check_backends(selection());
}

Device Common::where() const {
  Device found = cpu;
  together(Communicator::world(), [&] { found = Runtime::device(device); });
  return found;
}

Array Common::read(const std::string& location) const {
  return location.empty()
             ? Array{}
             : io::read(location, io::ReadOptions{.collective = collective, .dense = dense});
}

Rows Common::read_x(const std::string& location) const {
  const Device device = where();
  if (!stream) {
    Array x = read(location);
    // Estimators read integers as float64, and a GPU's memory should hold them once.
    if (device != cpu && !is_floating(x.dtype())) x = x.astype(DType::float64);
    return x.to(device);
  }
  const Rows x = io::stream(location, {.dense = dense});
  const bool as_it_is = is_floating(x.dtype()) || is_complex(x.dtype());  // which fit refuses
  return (as_it_is ? x : x.as(DType::float64)).to(device);
}

}  // namespace tessera
