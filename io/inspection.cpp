#include <tessera/io/inspection.hpp>

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include <tessera/io/hdf5.hpp>
#include <tessera/io/preflight.hpp>
#include <tessera/io/sparse.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io {
namespace {

/// Fields one after another, each behind its length: "3:abc".
class Writer {
 public:
  void text(const std::string& value) { bytes_ += fmt::format("{}:{}", value.size(), value); }
  void number(std::uint64_t value) { text(std::to_string(value)); }
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  bool done() const { return left_.empty(); }
  std::string text() {
    const auto colon = left_.find(':');
    if (colon == std::string_view::npos) complain();
    const auto length = parse(left_.substr(0, colon));
    left_.remove_prefix(colon + 1);
    if (length > left_.size()) complain();
    const std::string value(left_.substr(0, length));
    left_.remove_prefix(length);
    return value;
  }
  std::uint64_t number() { return parse(text()); }
  std::uint64_t number_up_to(std::uint64_t most) {
    const auto value = number();
    if (value > most) complain();
    return value;
  }

 private:
  [[noreturn]] static void complain() { throw OSError("the answer of tessera-inspect is broken"); }
  static std::uint64_t parse(std::string_view digits) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) complain();
    return value;
  }
  std::string_view left_;
};

Found look_closely(hdf5::Handle file_id, const std::string& file, const std::string& path,
                   bool trial) {
  hdf5::Id dataset = hdf5::open_dataset(file_id, path);
  DatasetInfo info = hdf5::describe(dataset, file, path);
  if (!info.sparse.empty()) {
    for (const auto& part : hdf5::sparse_parts(dataset, file, path))
      if (trial) hdf5::try_reading(file_id, part, hdf5::title(file, part.name));
    return {std::move(info), "it is a sparse matrix", ""};
  }
  info.column_names = hdf5::read_column_names(dataset, info.shape);
  hdf5::Storage storage = hdf5::storage_of(dataset, info.dtype, hdf5::title(file, path));
  if (info.packing) storage.why_independent = "its attributes say that numbers are packed";
  hdf5::check(dataset.close());  // and its cache of chunks
  if (trial) hdf5::try_reading(file_id, info, hdf5::title(file, path));
  return {std::move(info), std::move(storage.why_independent), std::move(storage.implausible)};
}

}  // namespace

std::vector<Found> examine(const std::string& file, const std::string& dataset, bool trial) {
  const hdf5::Session session;
  std::vector<Found> found;
  hdf5::explain(fmt::format("cannot read '{}'", file), [&] {
    hdf5::Id id = hdf5::open_file(file);
    if (!dataset.empty()) {
      found = {look_closely(id, file, hdf5::follow(id, file, dataset), trial)};
    } else {
      for (auto& info : hdf5::datasets_of(id, file)) found.push_back({std::move(info), "", ""});
      if (found.size() == 1) found = {look_closely(id, file, found[0].info.name, trial)};
    }
    hdf5::check(id.close());
  });
  return found;
}

std::string pack(const std::vector<Found>& all) {
  Writer out;
  for (const auto& [info, why_independent, implausible] : all) {
    out.text(info.name);
    out.number(static_cast<std::uint64_t>(info.dtype));
    out.number(info.shape.size());
    for (const auto extent : info.shape) out.number(static_cast<std::uint64_t>(extent));
    out.number(info.column_names.size());
    for (const auto& column : info.column_names) out.text(column);
    out.text(info.sparse);
    out.number(info.text);
    out.text(why_independent);
    out.text(implausible);
  }
  return out.bytes_;
}

std::vector<Found> unpack(const std::string& bytes) {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  constexpr std::uint64_t most_dimensions = 32;
  std::vector<Found> all;
  for (Reader in(bytes); !in.done();) {
    Found& f = all.emplace_back();
    f.info.name = in.text();
    f.info.dtype = static_cast<DType>(in.number_up_to(dtype_count - 1));
    f.info.shape.resize(in.number_up_to(most_dimensions));
    for (auto& extent : f.info.shape) extent = static_cast<std::int64_t>(in.number_up_to(largest));
    for (auto names = in.number_up_to(bytes.size()); names > 0; --names)
      f.info.column_names.push_back(in.text());
    f.info.sparse = in.text();
    f.info.text = in.number_up_to(1) != 0;
    f.why_independent = in.text();
    f.implausible = in.text();
  }
  return all;
}

}  // namespace tessera::io
