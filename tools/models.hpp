#pragma once
#include <CLI/CLI.hpp>

#include <memory>
#include <vector>

#include "command.hpp"

namespace tessera {

/// What is done with estimators and their models: fit, partial-fit, a subcommand for every method
/// that an estimator lists, and show.
class Models {
 public:
  Models(CLI::App& program, Command& chosen);

 private:
  std::vector<std::shared_ptr<void>> commands_;
};

}  // namespace tessera
