#include <tessera/io/convert.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include <tessera/io/array_file.hpp>
#include <tessera/io/csv_text.hpp>
#include <tessera/io/dataset.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/runtime.hpp>

namespace tessera::io {
namespace {

// Names of datasets may be anything that is no path.
std::string dataset_name(const TextColumn& column, std::set<std::string>& taken) {
  const std::string& name = column.name;
  const bool usable = !name.empty() && name != "." && name.find('/') == std::string::npos;
  if (usable && taken.insert(name).second) return name;
  std::string number = fmt::format("column_{}", column.number);
  while (!taken.insert(number).second) number += "_";
  return number;
}

void convert_table(const std::string& source, const Location& target, const TableOptions& options,
                   const Communicator& comm) {
  const Table table = open_table(source, options, comm);
  if (is_array_file(target)) {
    if (!table.text.empty() || !table.numbers)
      throw ValueError(
          fmt::format("'{}' has {} column{} of text, which '{}' does not hold; "
                      "--drop-columns leaves columns out",
                      source, table.text.size(), table.text.size() == 1 ? "" : "s", target.file));
    write_array_file(target.file, *table.numbers);
    return table.warn_of_lost_digits();
  }
  std::vector<NamedRows> datasets;
  if (table.numbers) datasets.push_back({target.dataset, *table.numbers});
  if (!table.numbers && table.text.size() == 1) {
    datasets.push_back({target.dataset, table.text[0].rows, true});
  } else if (!table.text.empty()) {
    std::set<std::string> taken;
    std::vector<std::string> names;
    for (const auto& column : table.text) {
      names.push_back(fmt::format("{}_text/{}", target.dataset, dataset_name(column, taken)));
      datasets.push_back({names.back(), column.rows, true});
    }
    constexpr std::size_t most = 20;
    const std::string more =
        names.size() > most ? fmt::format(" and {} more", names.size() - most) : "";
    names.resize(std::min(names.size(), most));
    warn(
        fmt::format("'{}': {} column{} of text {} written as strings to {}{}{}; --columns and "
                    "--drop-columns choose columns",
                    source, table.text.size(), table.text.size() == 1 ? "" : "s",
                    table.text.size() == 1 ? "is" : "are", fmt::join(names, ", "), more,
                    table.numbers ? "" : fmt::format(", and nothing to {}", target.dataset)));
  }
  write(target.file, datasets);
  table.warn_of_lost_digits();
}

}  // namespace

std::vector<std::string> split_list(const std::string& list) {
  std::vector<std::string> all;
  for (auto& [word, quoted] : csv::words(list)) all.push_back(std::move(word));
  return all;
}

void convert(const std::string& source, const Location& target, const TableOptions& options,
             const Communicator& comm) {
  const bool to_array = is_array_file(target);
  if (target.dataset.empty() && !to_array)
    throw ValueError(fmt::format(
        "expected a target FILE.h5:/dataset, or an image or NumPy file, got '{}'", target.file));
  std::string ending = std::filesystem::path(source).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (ending == ".csv" || ending == ".tsv") return convert_table(source, target, options, comm);
  const bool of_array =
      is_array_file(parse_location(source)) || ending == ".npz";  // of which the latter is refused
  if (!of_array && !to_array)
    throw ValueError(
        fmt::format("can convert .csv, .tsv, .npy, .png and .tif files, got '{}'", source));
  if (options != TableOptions{})
    throw ValueError(fmt::format("the options for text tables do not apply to '{}'", source));
  const Rows x = ending == ".npz" ? stream_npy(source, comm) : stream(source, {}, comm);
  if (to_array)
    write_array_file(target.file, x);
  else
    write(target.file, target.dataset, x);
}

}  // namespace tessera::io
