#include <tessera/io/text.hpp>

#include <hdf5.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace tessera::io::hdf5 {
namespace {

/// Memory that HDF5 fills with pointers to strings of its own, which go with it.
struct Strings {
  Strings(hid_t t, hid_t s, std::size_t n) : type(t), space(s), all(n, nullptr) {}
  ~Strings() { H5Dvlen_reclaim(type, space, H5P_DEFAULT, all.data()); }
  Strings(const Strings&) = delete;
  hid_t type, space;
  std::vector<char*> all;
};

}  // namespace

bool is_text(hid_t type) { return H5Tget_class(type) == H5T_STRING; }

std::uint64_t stored_bytes(hid_t dataset_id, hid_t type) {
  if (!is_text(type) || check(H5Tis_variable_str(type)) == 0) return H5Tget_size(type);
  // A length, and where in the file's heap the string is.
  const Id file_id(check(H5Iget_file_id(dataset_id)));
  const Id creation(check(H5Fget_create_plist(file_id)));
  std::size_t address = 0;
  check(H5Pget_sizes(creation, &address, nullptr));
  return 8 + address;
}

void read_text(hid_t dataset_id, const DatasetInfo& info, Range rows,
               const std::function<void(std::string_view)>& take) {
  if (rows.size() <= 0) return;
  const Session session;
  const Id type(check(H5Dget_type(dataset_id)));
  const Selection selection(info.shape, rows);
  const auto n = static_cast<std::size_t>(rows.size() * elements_per_row(info.shape));
  const Watch watch("H5Dread", most_seconds(info.shape, rows, info.dtype));
  if (check(H5Tis_variable_str(type)) > 0) {
    Strings strings(type, selection.memory, n);
    check(H5Dread(dataset_id, type, selection.memory, selection.file, H5P_DEFAULT,
                  strings.all.data()));
    for (const char* text : strings.all) take(text ? std::string_view(text) : std::string_view());
    return;
  }
  const std::size_t width = H5Tget_size(type);
  const bool blanks = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
  std::vector<char> texts(n * width);
  check(H5Dread(dataset_id, type, selection.memory, selection.file, H5P_DEFAULT, texts.data()));
  for (std::size_t i = 0; i < n; ++i) {
    const char* text = texts.data() + i * width;
    std::size_t length = strnlen(text, width);
    while (blanks && length > 0 && text[length - 1] == ' ') --length;
    take({text, length});
  }
}

}  // namespace tessera::io::hdf5
