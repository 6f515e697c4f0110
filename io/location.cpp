#include <tessera/io/location.hpp>

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <string_view>

#include <tessera/io/dataset.hpp>
#include <tessera/io/pending_file.hpp>
#include <tessera/io/readable.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io {

Location parse_location(const std::string& text) {
  const auto split = text.rfind(":/");
  Location location{text.substr(0, split), ""};
  if (split != std::string::npos) location.dataset = text.substr(split + 1);
  if (location.dataset == "/") location.dataset.clear();
  if (location.file.empty())
    throw ValueError(fmt::format("expected FILE.h5 or FILE.h5:/dataset, got '{}'", text));
  return location;
}

Location resolve(const Location& location, const Communicator& comm) {
  if (!location.dataset.empty()) return location;
  const auto found = list_datasets(location.file, comm);
  if (found.size() == 1) return {location.file, found.front().name};
  if (found.empty())
    throw ValueError(
        fmt::format("'{}' holds no dataset of numbers that can be read; name one to learn why not",
                    location.file));
  std::string candidates;
  for (const auto& info : found)
    candidates += fmt::format("{}{}:{} {} {}", candidates.empty() ? "" : ", ", location.file,
                              info.name, tessera::to_string(info.shape), name_of(info.dtype));
  throw ValueError(fmt::format("'{}' holds {} datasets; name one of: {}", location.file,
                               found.size(), candidates));
}

void require_writable(const std::string& file, const Communicator& comm) {
  on_first(comm, [&] { const PendingFile probe(file); });
}

bool is_hdf5(const std::string& file, const Communicator& comm) {
  constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
  std::array<char, signature.size()> start{};
  require_readable(file, comm);
  on_first(comm, [&] { std::ifstream(file, std::ios::binary).read(start.data(), start.size()); });
  comm.broadcast(std::span(start), 0);
  return std::string_view(start.data(), start.size()) == signature;
}

std::string to_string(const Location& location) {
  return location.dataset.empty() ? location.file : location.file + ":" + location.dataset;
}

}  // namespace tessera::io
