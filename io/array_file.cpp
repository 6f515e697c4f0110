#include <tessera/io/array_file.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <filesystem>
#include <utility>

#include <tessera/io/array_format.hpp>
#include <tessera/io/convert.hpp>
#include <tessera/io/readable.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/trace.hpp>

namespace tessera::io {
namespace {

std::string ending_of(const std::string& file) {
  std::string ending = std::filesystem::path(file).extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending == ".tiff" ? ".tif" : ending;
}

std::unique_ptr<ImageReader> reader_of(const InputFile& input, const std::string& file) {
  return ending_of(file) == ".png" ? read_png(input, file) : read_tiff(input, file);
}

// Decoded from the first leaf to the last: what is compressed has no other order.
class ImageSource : public RowSource {
 public:
  ImageSource(std::string file, const FileIdentity& first, Shape shape, DType dtype,
              const Communicator& comm)
      : RowSource(std::move(shape), dtype, comm), file_(std::move(file)), first_(first) {}
  bool is_everywhere() const override { return true; }
  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int) const override {
    if (leaves.size() == 0) return;
    reading_unchanged(file_, first_, [&](const InputFile& input) {
      const auto reader = reader_of(input, file_);
      if (reader->shape != shape() || reader->dtype != dtype())
        throw OSError(fmt::format("'{}' changed while it was read", file_));
      parallel_for({0, leaves.size()}, 1, [&](std::int64_t i, Stream& stream) {
        const Range rows = distribution().rows_of_leaf(leaves[i]);
        Buffer memory(static_cast<std::size_t>(rows.size() * cols()) * size_of(dtype()));
        reader->read(rows, static_cast<std::byte*>(memory.data()));
        visit({leaves[i], rows, {memory.data(), rows.size(), cols(), cols(), dtype(), cpu}},
              stream);
      });
    });
  }

 private:
  std::string file_;
  FileIdentity first_;
};

// Every row of x in order, on rank 0. What `append` throws, all processes throw.
void in_order(const Rows& x, const std::function<void(const std::byte*, std::int64_t)>& append) {
  const Communicator& comm = x.comm();
  const auto visit = [&](const Leaf& leaf, Stream& scratch) {
    const Tile& t = leaf.tile;
    const std::size_t row = static_cast<std::size_t>(t.cols) * size_of(t.dtype);
    if (t.stride == t.cols) return append(static_cast<const std::byte*>(t.data), t.rows);
    std::byte* packed = scratch.scratch(static_cast<std::size_t>(t.rows) * row);
    for (std::int64_t i = 0; i < t.rows; ++i)
      std::copy_n(static_cast<const std::byte*>(t.slice(i, 1).data), row,
                  packed + static_cast<std::size_t>(i) * row);
    append(packed, t.rows);
  };
  const Distribution& d = x.distribution();
  if (x.is_everywhere() || d.kind() == Distribution::Kind::replicated) {
    on_first(comm, [&] { x.visit_leaves(Range{0, d.leaves()}, visit, 1); });
    return;
  }
  const Array host = collect(x).to(cpu);
  const std::size_t row = static_cast<std::size_t>(x.cols()) * size_of(x.dtype());
  std::exception_ptr failure;  // rank 0 receives the rest all the same
  for (std::int64_t leaf = 0; leaf < d.leaves(); ++leaf) {
    const Range rows = d.rows_of_leaf(leaf);
    const int owner = d.owner_of_row(rows.begin);
    const auto* mine = owner == comm.rank()
                           ? static_cast<const std::byte*>(
                                 host.local().slice(rows.begin - host.local_rows().begin, 1).data)
                           : nullptr;
    if (comm.rank() != 0) {
      if (mine)
        comm.send(
            {reinterpret_cast<const char*>(mine), static_cast<std::size_t>(rows.size()) * row}, 0);
      continue;
    }
    const std::string other = mine ? std::string() : comm.receive(owner);
    if (!mine) mine = reinterpret_cast<const std::byte*>(other.data());
    try {
      if (!failure) append(mine, rows.size());
    } catch (...) {
      failure = std::current_exception();
    }
  }
  on_first(comm, [&] {
    if (failure) std::rethrow_exception(failure);
  });
}

}  // namespace

bool is_array_file(const Location& location) {
  if (!location.dataset.empty()) return false;
  const std::string ending = ending_of(location.file);
  return ending == ".png" || ending == ".tif" || ending == ".npy";
}

Rows open_array_file(const std::string& file, const Communicator& comm) {
  if (ending_of(file) == ".npy") return stream_npy(file, comm);
  const FileIdentity first = require_readable(file, comm);
  Shape shape;
  DType dtype{};
  together(comm, [&] {
    reading_unchanged(file, first, [&](const InputFile& input) {
      const auto reader = reader_of(input, file);
      shape = reader->shape;
      dtype = reader->dtype;
    });
  });
  return Rows(std::make_shared<ImageSource>(file, first, shape, dtype, comm));
}

void write_array_file(const std::string& file, const Rows& x) {
  if (x.distribution().kind() == Distribution::Kind::block_cyclic)
    throw ValueError("a block-cyclic array cannot be written; redistribute it by rows first");
  if (!x.categories().empty())
    throw TypeError(fmt::format("'{}' is to hold numbers, not text", file));
  const std::string ending = ending_of(file);
  const MakeWriter make = (ending == ".png"   ? png_writer
                           : ending == ".npy" ? npy_writer
                                              : tiff_writer)(file, x.shape(), x.dtype());
  const trace::Span span("io.write", "in order", cpu);
  std::unique_ptr<PendingFile> pending;
  std::unique_ptr<ArrayWriter> writer;
  on_first(x.comm(), [&] {
    pending = std::make_unique<PendingFile>(file);
    writer = make(*pending);
  });
  in_order(x.to(cpu),
           [&](const std::byte* from, std::int64_t rows) { writer->append(from, rows); });
  on_first(x.comm(), [&] {
    writer->finish();
    pending->commit();
  });
  forget_first_look(file);
}

Pixels pixels_of(const Shape& shape, const std::string& file, bool stacks) {
  Shape left = shape;
  Pixels p;
  if (left.size() > 2 && left.back() >= 2 && left.back() <= 4) {
    p.channels = left.back();
    left.pop_back();
  }
  if (stacks && left.size() == 3) {
    p.stack = true;
    p.pages = left.front();
    left.erase(left.begin());
  }
  constexpr std::int64_t most = 0x7fffffff;
  if (left.size() != 2 || element_count(shape) == 0 || left[0] > most || left[1] > most)
    throw ValueError(
        fmt::format("'{}' cannot hold an array of shape {}: expected (rows, columns) or (rows, "
                    "columns, 2 to 4 channels){}, none of them 0",
                    file, tessera::to_string(shape), stacks ? ", or a stack of these" : ""));
  p.rows = left[0];
  p.cols = left[1];
  return p;
}

void require_plausible(const std::string& file, const Shape& shape, DType dtype, std::int64_t size,
                       std::int64_t most) {
  std::int64_t bytes = static_cast<std::int64_t>(size_of(dtype));
  std::int64_t limit = 0;
  bool fits = true;
  for (const auto extent : shape) fits = fits && !__builtin_mul_overflow(bytes, extent, &bytes);
  if (dtype == DType::boolean) bytes /= 8;  // bits
  if (__builtin_mul_overflow(size, most, &limit)) return;
  if (!fits || bytes > limit)
    throw OSError(
        fmt::format("'{}' is damaged: its {} bytes cannot hold the shape {} that it claims", file,
                    size, tessera::to_string(shape)));
}

}  // namespace tessera::io
