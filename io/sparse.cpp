#include <tessera/io/sparse.hpp>

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include <tessera/io/attributes.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::io::hdf5 {
namespace {

struct Names {
  const char* data;
  const char* indices;
  const char* indptr;
};
constexpr Names scipy = {"data", "indices", "indptr"};
constexpr Names matlab = {"data", "ir", "jc"};

bool has_dataset(hid_t group_id, const char* name) {
  if (check(H5Lexists(group_id, name, H5P_DEFAULT)) == 0) return false;
  H5L_info_t link{};
  check(H5Lget_info(group_id, name, &link, H5P_DEFAULT));
  if (link.type != H5L_TYPE_HARD) return false;
  H5O_info_t object{};
  check(H5Oget_info_by_name2(group_id, name, &object, H5O_INFO_BASIC, H5P_DEFAULT));
  return object.type == H5O_TYPE_DATASET;
}

bool has_all(hid_t group_id, const Names& names) {
  return has_dataset(group_id, names.data) && has_dataset(group_id, names.indices) &&
         has_dataset(group_id, names.indptr);
}

/// A one-dimensional dataset of the group.
struct Part {
  Part(hid_t group_id, const std::string& file, const std::string& path, const char* name)
      : id(open_dataset(group_id, name)), info(describe(id, file, path + "/" + name)) {
    if (info.shape.size() != 1)
      throw OSError(fmt::format("{} has the shape {}; a sparse matrix keeps it in one dimension",
                                title(file, info.name), to_string(info.shape)));
  }
  std::int64_t size() const { return info.shape[0]; }
  Id id;
  DatasetInfo info;
};

// Counts and places as int64, whatever integers the file has.
std::vector<std::int64_t> whole_numbers(const Part& part, Range range, const std::string& who) {
  if (part.info.dtype < DType::int8 || part.info.dtype > DType::uint64)
    throw OSError(fmt::format("{} is damaged: its '{}' holds {} numbers instead of integers", who,
                              part.info.name, name_of(part.info.dtype)));
  DatasetInfo wide = part.info;
  wide.dtype = DType::int64;
  wide.packing = nullptr;
  std::vector<std::int64_t> values(static_cast<std::size_t>(range.size()));
  if (!values.empty()) read_rows(part.id, wide, range, values.data());
  return values;
}

Shape whole_shape(const Numbers& numbers, const std::string& who) {
  constexpr Wide largest = std::numeric_limits<std::int64_t>::max();
  Shape shape;
  for (const Wide n : numbers.values) {
    if (!(n >= 0) || n > largest || static_cast<Wide>(static_cast<std::int64_t>(n)) != n)
      throw OSError(fmt::format("{} is damaged: its shape holds {}", who, static_cast<double>(n)));
    shape.push_back(static_cast<std::int64_t>(n));
  }
  if (shape.size() != 2)
    throw OSError(
        fmt::format("{} is damaged: its shape has {} numbers instead of 2", who, shape.size()));
  return shape;
}

/// A sparse matrix that is open: what its parts are and that they fit each other.
struct Matrix {
  Matrix(hid_t group_id, const std::string& file, const std::string& path)
      : who(fmt::format("sparse matrix '{}' of '{}'", path, file)),
        format(sparse_format(group_id)),
        is_matlab(has_attribute(group_id, "MATLAB_sparse")),
        names(is_matlab ? matlab : scipy),
        data(group_id, file, path, names.data),
        indices(group_id, file, path, names.indices),
        indptr(group_id, file, path, names.indptr) {
    if (is_matlab) {
      auto rows = number_attribute(group_id, "MATLAB_sparse", who);
      rows->values.resize(1);
      rows->values.push_back(static_cast<Wide>(indptr.size() - 1));
      shape = whole_shape(*rows, who);
    } else {
      shape = stored_shape(group_id, file, path);
    }
    const std::int64_t majors = format == "csr" ? shape[0] : shape[1];
    if (data.size() != indices.size())
      damaged(fmt::format("it has {} values and {} indices", data.size(), indices.size()));
    if (indptr.size() == 0 || indptr.size() - 1 != majors)
      damaged(fmt::format("it has {} pointers for the {} {} of its shape {}", indptr.size(), majors,
                          format == "csr" ? "rows" : "columns", to_string(shape)));
    const auto first = whole_numbers(indptr, {0, 1}, who);
    const auto last = whole_numbers(indptr, {majors, majors + 1}, who);
    if (first[0] != 0 || last[0] != data.size())
      damaged(fmt::format("its pointers go from {} to {}, and it has {} values", first[0], last[0],
                          data.size()));
  }

  [[noreturn]] void damaged(const std::string& how) const {
    throw OSError(fmt::format("{} is damaged: {}", who, how));
  }

  std::string who;
  std::string format;
  bool is_matlab;
  Names names;
  Part data;
  Part indices;
  Part indptr;
  Shape shape;

 private:
  Shape stored_shape(hid_t group_id, const std::string& file, const std::string& path) const {
    for (const char* name : {"shape", "h5sparse_shape"})
      if (const auto found = number_attribute(group_id, name, who)) return whole_shape(*found, who);
    if (!has_dataset(group_id, "shape")) damaged("nothing says its shape");
    const Part part(group_id, file, path, "shape");
    Numbers numbers;
    for (const auto n : whole_numbers(part, {0, std::min<std::int64_t>(3, part.size())}, who))
      numbers.values.push_back(static_cast<Wide>(n));
    return whole_shape(numbers, who);
  }
};

template <class T>
void add(std::byte* to, const std::byte* value) {
  T sum;
  T more;
  std::memcpy(&sum, to, sizeof sum);
  std::memcpy(&more, value, sizeof more);
  if constexpr (std::is_same_v<T, bool>) {
    sum = sum || more;
  } else if constexpr (std::is_integral_v<T>) {
    using Bits = std::make_unsigned_t<T>;  // which may wrap
    sum = static_cast<T>(static_cast<Bits>(static_cast<Bits>(sum) + static_cast<Bits>(more)));
  } else {
    sum += more;
  }
  std::memcpy(to, &sum, sizeof sum);
}

}  // namespace

std::string sparse_format(hid_t group_id) {
  if (has_attribute(group_id, "MATLAB_sparse") && has_all(group_id, matlab)) return "csc";
  if (!has_all(group_id, scipy)) return "";
  for (const char* name : {"encoding-type", "h5sparse_format", "format"}) {
    const std::string text = text_attribute(group_id, name).value_or("").substr(0, 3);
    if (text == "csr" || text == "csc") return text;
  }
  // 10x Genomics: a column per barcode.
  return has_dataset(group_id, "shape") && has_dataset(group_id, "barcodes") ? "csc" : "";
}

DatasetInfo describe_sparse(hid_t group_id, const std::string& file, const std::string& path) {
  const Matrix matrix(group_id, file, path);
  DatasetInfo info{path, matrix.shape, matrix.data.info.dtype};
  info.sparse = matrix.format;
  element_count(info.shape);
  return info;
}

std::vector<DatasetInfo> sparse_parts(hid_t group_id, const std::string& file,
                                      const std::string& path) {
  const Matrix matrix(group_id, file, path);
  return {matrix.data.info, matrix.indices.info, matrix.indptr.info};
}

void read_sparse_rows(hid_t group_id, const DatasetInfo& info, Range rows, void* to) {
  constexpr std::int64_t majors_at_once = 1 << 16;
  constexpr std::int64_t values_at_once = 1 << 18;
  const Matrix matrix(group_id, file_of(group_id), info.name);
  const bool by_rows = info.sparse == "csr";
  const std::int64_t cols = info.shape[1];
  const std::int64_t minors = by_rows ? cols : info.shape[0];
  const std::size_t width = size_of(info.dtype);
  auto* out = static_cast<std::byte*>(to);
  std::memset(out, 0, static_cast<std::size_t>(rows.size() * cols) * width);
  std::vector<std::byte> values;
  const Range majors = by_rows ? rows : Range{0, cols};
  for (std::int64_t begin = majors.begin; begin < majors.end; begin += majors_at_once) {
    const std::int64_t end = std::min(majors.end, begin + majors_at_once);
    const auto pointers = whole_numbers(matrix.indptr, {begin, end + 1}, matrix.who);
    if (pointers.front() < 0 || pointers.back() > matrix.data.size() ||
        !std::is_sorted(pointers.begin(), pointers.end()))
      matrix.damaged("its pointers do not rise from 0 to the number of its values");
    std::int64_t major = begin;
    for (std::int64_t at = pointers.front(); at < pointers.back(); at += values_at_once) {
      const Range piece = {at, std::min(pointers.back(), at + values_at_once)};
      const auto places = whole_numbers(matrix.indices, piece, matrix.who);
      values.resize(places.size() * width);
      read_rows(matrix.data.id, matrix.data.info, piece, values.data());
      for (std::size_t i = 0; i < places.size(); ++i) {
        while (piece.begin + static_cast<std::int64_t>(i) >=
               pointers[static_cast<std::size_t>(major - begin + 1)])
          ++major;
        const std::int64_t minor = places[i];
        if (minor < 0 || minor >= minors)
          matrix.damaged(fmt::format("it has an index of {} in {} {}", minor, minors,
                                     by_rows ? "columns" : "rows"));
        const std::int64_t row = by_rows ? major : minor;
        if (row < rows.begin || row >= rows.end) continue;
        const auto place = (row - rows.begin) * cols + (by_rows ? minor : major);
        visit(info.dtype, [&](auto tag) {
          add<typename decltype(tag)::type>(out + static_cast<std::size_t>(place) * width,
                                            values.data() + i * width);
        });
      }
    }
  }
}

}  // namespace tessera::io::hdf5
