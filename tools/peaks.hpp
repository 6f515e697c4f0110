#pragma once
#include <CLI/CLI.hpp>

#include <string>

#include "command.hpp"

namespace tessera {

/// `tessera peaks`: what this machine can do at most, the floor under every time.
struct Peaks {
  int threads = 0;
  std::string folder;

  Peaks(CLI::App& program, Command& chosen);
  void run() const;
};

}  // namespace tessera
