#pragma once
#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

#include <tessera/linalg/signatures.hpp>

#include "command.hpp"

namespace tessera {

/// `tessera ROOM FUNCTION INPUT... --out RESULT.h5`: a table of functions on datasets.
class Functions {
 public:
  struct Table {
    std::string name;    ///< of the subcommand
    std::string doc;     ///< what the functions are, in its help
    std::string footer;  ///< of its help
    std::string title;   ///< of the page that `functions` prints, with what stands below it
    const std::vector<functions::Signature>& functions;
  };
  /// Adds the subcommand and one below it for every function.
  Functions(CLI::App& program, Table table, Command& chosen);

  static Table arrays();
  static Table fourier();
  static Table images();
  static Table linear_algebra();
  static Table linear_models();
  static Table metrics();

 private:
  std::shared_ptr<Common> common_ = std::make_shared<Common>();
  Table table_;
};

}  // namespace tessera
