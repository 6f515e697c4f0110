#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <numeric>
#include <set>

#include <tessera/io/attributes.hpp>
#include <tessera/io/hdf5.hpp>
#include <tessera/io/sparse.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::io::hdf5 {
namespace {

struct HardLinks {
  std::vector<std::string> names;
  std::exception_ptr failure;
};

herr_t note_hard_link(hid_t, const char* name, const H5L_info_t* link, void* to) {
  auto& found = *static_cast<HardLinks*>(to);
  try {
    if (link->type == H5L_TYPE_HARD) found.names.emplace_back(name);
    return 0;
  } catch (...) {  // no exception passes through C
    found.failure = std::current_exception();
    return -1;
  }
}

// One pass over a group in the order of its storage: asking for the n-th name costs a pass each.
std::vector<std::string> hard_links(hid_t group) {
  HardLinks found;
  const herr_t status =
      H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, note_hard_link, &found);
  if (found.failure) std::rethrow_exception(found.failure);
  check(status);
  std::sort(found.names.begin(), found.names.end());
  return std::move(found.names);
}

using Visitor = std::function<void(hid_t group, const char* name, const std::string& path)>;

// Visits every hard link to a dataset, and groups that are sparse matrices. Opens each group once,
// from the one it lies in, and keeps a stack of its own: files may nest groups as deep as they
// like, also in circles.
void visit_datasets(hid_t file_id, const Visitor& visit) {
  struct Level {
    Id group;
    std::vector<std::string> names;
    std::size_t next;
    std::size_t path_length;
  };
  std::string path;
  std::vector<Level> levels;
  std::set<haddr_t> seen;
  H5O_info_t object{};
  // By address: HDF5 would keep the whole path of a group that was opened by name.
  const auto enter = [&] {
    Id group(check(H5Oopen_by_addr(file_id, object.addr)));
    auto names = hard_links(group);
    levels.push_back({std::move(group), std::move(names), 0, path.size()});
  };
  check(H5Oget_info2(file_id, &object, H5O_INFO_BASIC));
  seen.insert(object.addr);
  enter();
  while (!levels.empty()) {
    Level& level = levels.back();
    path.resize(level.path_length);
    if (level.next == level.names.size()) {
      levels.pop_back();
      continue;
    }
    const std::string name = std::move(level.names[level.next++]);
    path.append("/").append(name);
    check(H5Oget_info_by_name2(level.group, name.c_str(), &object, H5O_INFO_BASIC, H5P_DEFAULT));
    if (object.type == H5O_TYPE_DATASET) visit(level.group, name.c_str(), path);
    if (object.type != H5O_TYPE_GROUP || !seen.insert(object.addr).second) continue;
    const hid_t parent = level.group;
    enter();  // which moves the level
    if (!sparse_format(levels.back().group).empty()) visit(parent, name.c_str(), path);
  }
}

std::vector<std::string> names_of(hid_t file_id) {
  std::vector<std::string> names;
  visit_datasets(file_id,
                 [&](hid_t, const char*, const std::string& path) { names.push_back(path); });
  std::sort(names.begin(), names.end());
  return names;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Letters to change, add or leave out to turn one into the other.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

// The name that was probably meant; empty when none is near.
std::string likeliest(const std::vector<std::string>& names, const std::string& wanted) {
  constexpr std::size_t longest = 200;
  std::string path;
  for (const auto& part : components(wanted)) path.append("/").append(lower(part));
  const std::string last = last_part(path);
  std::string best;
  std::size_t nearest = last.size() / 3 + 1;  // beyond it a name is another one
  std::string elsewhere;
  for (const auto& name : names) {
    const std::string candidate = lower(name);
    if (candidate == path) return name;
    if (elsewhere.empty() && last_part(candidate) == last) elsewhere = name;
    const std::size_t shorter = std::min(candidate.size(), path.size());
    const std::size_t longer = std::max(candidate.size(), path.size());
    if (longer > longest || longer - shorter >= nearest) continue;
    if (const std::size_t d = distance(candidate, path); d < nearest) {
      nearest = d;
      best = name;
    }
  }
  return elsewhere.empty() ? best : elsewhere;
}

// A name for a message, which a name of thousands of letters would hide.
std::string shortened(const std::string& name) {
  constexpr std::size_t most = 300;
  constexpr std::size_t end = 100;
  if (name.size() <= most) return name;
  return name.substr(0, most - end) + "..." + name.substr(name.size() - end);
}

// The first names of what can be read. Only so many datasets are opened: all others are counted.
std::string quoted(hid_t file_id, const std::string& file, const std::vector<std::string>& names) {
  constexpr std::size_t most = 20;
  std::string text;
  std::size_t named = 0;
  auto at = names.begin();
  for (; at != names.end() && named < most; ++at) {
    try {
      describe(open_dataset(file_id, *at), file, *at);
      text += fmt::format("{}'{}'", named++ ? ", " : "", shortened(*at));
    } catch (const Error&) {  // not one that read() accepts
    }
  }
  if (at != names.end()) text += fmt::format(" and {} more", names.end() - at);
  return text.empty() ? "no dataset of numbers" : text;
}

}  // namespace

std::vector<DatasetInfo> datasets_of(hid_t file_id, const std::string& file) {
  const Session session;
  std::vector<DatasetInfo> found;
  visit_datasets(file_id, [&](hid_t group, const char* name, const std::string& path) {
    try {
      found.push_back(describe(open_dataset(group, name), file, path));
    } catch (const Error&) {  // not one that read() accepts
    }
  });
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return found;
}

void refuse_missing(hid_t file_id, const std::string& file, const std::string& dataset) {
  const auto names = names_of(file_id);
  const std::string meant = likeliest(names, dataset);
  throw ValueError(
      fmt::format("'{}' has no dataset '{}'; {} has {}", file, dataset,
                  meant.empty() ? "it" : fmt::format("did you mean '{}'? It", shortened(meant)),
                  quoted(file_id, file, names)));
}

void refuse_group(hid_t file_id, const std::string& file, const std::string& dataset) {
  std::string path;
  for (const auto& part : components(dataset)) path.append("/").append(part);
  const Id group(check(H5Gopen2(file_id, path.c_str(), H5P_DEFAULT)));
  const std::string pandas = text_attribute(group, "pandas_type").value_or("");
  if (pandas == "frame")
    throw TypeError(fmt::format(
        "'{}' of '{}' is a data frame of pandas; the numbers of one dtype are in {}/block0_values",
        dataset, file, path));
  if (!pandas.empty())
    throw TypeError(
        fmt::format("'{}' of '{}' is stored by pandas as a table of records ({}), which cannot be "
                    "read; store the numbers with h5py, or the frame with format='fixed'",
                    dataset, file, pandas));
  throw ValueError(fmt::format("'{}' of '{}' is a group, not a dataset; the file has {}", dataset,
                               file, quoted(file_id, file, names_of(file_id))));
}

}  // namespace tessera::io::hdf5
