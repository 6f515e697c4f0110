#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tessera/runtime/distribution.hpp>

namespace tessera::io::csv {

/// What the names of columns are for in lists of them.
class Columns {
 public:
  Columns(std::string file, const std::vector<std::string>& names, std::int64_t count)
      : file_(std::move(file)), names_(names), count_(count) {}

  /// The columns of a list, in its order, each once.
  std::vector<std::int64_t> in(const std::string& option, const std::string& list) const;

 private:
  std::optional<std::int64_t> single(const std::string& word, bool quoted) const;
  std::optional<std::int64_t> number_of(const std::string& word) const;
  std::optional<Range> range(const std::string& word) const;
  std::string unknown(const std::string& option, const std::string& word) const;

  std::string file_;
  const std::vector<std::string>& names_;
  std::int64_t count_;
};

}  // namespace tessera::io::csv
