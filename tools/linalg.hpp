#pragma once
#include <CLI/CLI.hpp>

#include <memory>

#include "command.hpp"

namespace tessera {

/// `tessera linalg FUNCTION INPUT... --out RESULT.h5`: the functions of linalg/ on datasets.
class Linalg {
 public:
  /// Adds the subcommand and one below it for every function.
  Linalg(CLI::App& program, Command& chosen);

 private:
  std::shared_ptr<Common> common_ = std::make_shared<Common>();
};

}  // namespace tessera
