#pragma once
#include <memory>
#include <string>

#include "command.hpp"

namespace tessera {

/// `tessera describe X.h5:/X`: what is in each column.
class Describe {
 public:
  Describe(CLI::App& program, Command& chosen);

 private:
  void run() const;
  std::shared_ptr<Common> common_ = std::make_shared<Common>();
  std::shared_ptr<std::string> x_ = std::make_shared<std::string>();
};

}  // namespace tessera
