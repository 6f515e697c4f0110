#include <tessera/io/location.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <vector>

#include <tessera/io/dataset.hpp>
#include <tessera/io/pending_file.hpp>
#include <tessera/io/readable.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io {

namespace {

namespace fs = std::filesystem;

bool is_file(const std::string& name) {
  std::error_code ignored;
  return fs::is_regular_file(name, ignored);
}

bool has_extension(const std::string& name) { return fs::path(name).has_extension(); }

bool has_folder(const std::string& name) {
  std::error_code ignored;
  const auto folder = fs::path(name).parent_path();
  return folder.empty() || fs::is_directory(folder, ignored);
}

}  // namespace

Location parse_location(const std::string& text) {
  // Names of files, groups and datasets may hold ":/" themselves: these are the ways to read it,
  // the longest name of a file first.
  std::vector<Location> ways = {{text, ""}};
  for (auto at = text.rfind(":/"); at != std::string::npos && at > 0; at = text.rfind(":/", at - 1))
    ways.push_back({text.substr(0, at), text.substr(at + 1)});
  const auto pick = [&](const Location& location) {
    return Location{location.file, location.dataset == "/" ? "" : location.dataset};
  };
  if (text.empty() || (ways.size() == 1 && text.starts_with(":/")))
    throw ValueError(fmt::format("expected FILE.h5 or FILE.h5:/dataset, got '{}'", text));
  for (const auto& way : ways)
    if (is_file(way.file)) return pick(way);
  // One that is yet to be written.
  const std::span named(ways.begin() + 1, ways.end());
  if (named.empty()) return ways.front();
  for (const auto& way : named)
    if (has_extension(way.file) && has_folder(way.file)) return pick(way);
  for (auto way = named.rbegin(); way != named.rend(); ++way)
    if (has_extension(way->file)) return pick(*way);
  return pick(named.front());
}

Location resolve(const Location& location, const Communicator& comm) {
  if (!location.dataset.empty()) return location;
  constexpr std::size_t most = 20;
  // The one of numbers, where there is text beside it.
  auto found = list_datasets(location.file, comm);
  if (std::count_if(found.begin(), found.end(), [](const auto& f) { return !f.text; }) == 1)
    std::erase_if(found, [](const auto& f) { return f.text; });
  if (found.size() == 1) return {location.file, found.front().name};
  if (found.empty())
    throw ValueError(
        fmt::format("'{}' holds no dataset of numbers that can be read; name one to learn why not",
                    location.file));
  std::string candidates;
  for (const auto& info : std::span(found).first(std::min(most, found.size())))
    candidates +=
        fmt::format("{}{}:{} {} {}", candidates.empty() ? "" : ", ", location.file, info.name,
                    tessera::to_string(info.shape), info.text ? "str" : name_of(info.dtype));
  if (found.size() > most)
    candidates += fmt::format(" and {} more (tessera show lists them)", found.size() - most);
  throw ValueError(fmt::format("'{}' holds {} datasets; name one of: {}", location.file,
                               found.size(), candidates));
}

void require_writable(const std::string& file, const Communicator& comm) {
  on_first(comm, [&] { const PendingFile probe(file); });
}

std::string to_string(const Location& location) {
  return location.dataset.empty() ? location.file : location.file + ":" + location.dataset;
}

}  // namespace tessera::io
