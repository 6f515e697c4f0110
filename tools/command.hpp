#pragma once
#include <CLI/CLI.hpp>

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <tessera/tessera.hpp>

/// What the subcommands of the program share.
namespace tessera {

/// What the command line asks for; set by the subcommand that was named.
using Command = std::function<void()>;

/// Writes a line to the standard output, from rank 0; OSError where that fails. Collective.
void print(const std::string& text);
/// OSError if anything written to the standard output has not arrived. Collective.
void finish_printing();

/// For numbers in [low, high]. CLI11's own check writes the largest double in all its digits.
CLI::Validator within(double low, double high = std::numeric_limits<double>::max());

/// FILE.h5:/name of a dataset to be written; ValueError without the name.
io::Location output(const std::string& location);

/// Refuses "" as a value of any option, otherwise a variable that is not set in a shell would
/// silently mean the default; and for an integer what is none or does not fit 64 bits. Goes after
/// all options were added.
void check_values(CLI::App& app);

/// Options of all subcommands.
struct Common {
  std::optional<int> threads;
  bool stream = false;
  bool collective = false;
  bool dense = false;
  bool progress = false;
  bool trusted = false;
  bool portable_bits = false;  // acted on before the command line is parsed
  std::string device = "cpu";
  std::vector<std::string> plugins;
  std::string backend;
  std::string trace;

  /// What a subcommand reads: nothing, arrays, or also rows leaf by leaf.
  enum class Reads { nothing, arrays, rows };
  void add_to(CLI::App& app, Reads reads);
  void apply() const;
  /// Where the work is to be done. Collective.
  Device where() const;
  /// The array at a location, no array for "". Collective.
  Array read(const std::string& location) const;
  /// The rows at a location, where the work is to be done. Collective.
  Rows read_x(const std::string& location) const;
};

}  // namespace tessera
