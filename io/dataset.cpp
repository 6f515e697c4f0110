#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <limits>

#include <tessera/io/array_file.hpp>
#include <tessera/io/chunks.hpp>
#include <tessera/io/dataset.hpp>
#include <tessera/io/file_source.hpp>
#include <tessera/io/hdf5.hpp>
#include <tessera/io/inspection.hpp>
#include <tessera/io/location.hpp>
#include <tessera/io/readable.hpp>
#include <tessera/io/text.hpp>
#include <tessera/runtime/categories.hpp>
#include <tessera/runtime/memory.hpp>
#include <tessera/runtime/mpi.hpp>
#include <tessera/runtime/runtime.hpp>
#include <tessera/runtime/trace.hpp>

namespace tessera::io {

using hdf5::check;
using hdf5::Id;

namespace {

// What rank 0 finds, on every process.
std::vector<Found> look(const std::string& file, const std::string& dataset,
                        const Communicator& comm) {
  const FileIdentity first = require_readable(file, comm);
  std::string found;
  on_first(comm, [&] {
    reading_unchanged(file, first,
                      [&](const InputFile&) { found = pack(inspect_once(file, dataset, first)); });
  });
  comm.broadcast(found, 0);
  auto all = unpack(found);
  for (auto& f : all) f.info.file = first;
  return all;
}

// The rows of `rank` in pieces; a process with fewer pieces than others takes part with nothing.
std::vector<Range> pieces(const Array& x, int rank, std::int64_t most) {
  std::vector<Range> all;
  const Range mine = x.distribution().rows_of(rank);
  for (std::int64_t at = mine.begin; at < mine.end; at += most)
    all.push_back({at, std::min(mine.end, at + most)});
  return all;
}

std::byte* row_of(const Array& x, std::int64_t row) {
  return static_cast<std::byte*>(x.local().slice(row - x.local_rows().begin, 1).data);
}

void read_independent(const std::string& file, const DatasetInfo& info, const Array& out) {
  const std::string failed = "cannot read " + hdf5::title(file, info.name);
  hdf5::explain(failed, [&] {
    const Id file_id = hdf5::open_file(file);
    require_unchanged(file, hdf5::descriptor(file_id), info.file);
    const Id dataset = hdf5::open_dataset(file_id, info.name);
    const DatasetInfo here = hdf5::describe(dataset, file, info.name);
    if (here.shape != info.shape || here.dtype != info.dtype)
      throw OSError(fmt::format("{} changed while it was read, or differs between processes",
                                hdf5::title(file, info.name)));
    // All rows of a sparse matrix at once: one of columns is read whole each time.
    const auto most = info.sparse.empty() ? hdf5::rows_per_transfer(info.shape, info.dtype)
                                          : std::max<std::int64_t>(1, row_count(info.shape));
    for (const Range rows : pieces(out, out.comm().rank(), most)) {
      if (!hdf5::read_deflated_rows(dataset, here, rows, row_of(out, rows.begin)))
        hdf5::read_rows(dataset, here, rows, row_of(out, rows.begin));
      note_progress();
    }
  });
}

// Codes of this process's strings, as `categorizer` numbers them.
void read_words(const std::string& file, const DatasetInfo& info, const Array& out,
                Categorizer& categorizer) {
  hdf5::explain("cannot read " + hdf5::title(file, info.name), [&] {
    const Id file_id = hdf5::open_file(file);
    require_unchanged(file, hdf5::descriptor(file_id), info.file);
    const Id dataset = hdf5::open_dataset(file_id, info.name);
    const DatasetInfo here = hdf5::describe(dataset, file, info.name);
    if (here.shape != info.shape || !here.text)
      throw OSError(fmt::format("{} changed while it was read, or differs between processes",
                                hdf5::title(file, info.name)));
    const std::int64_t some =
        std::max<std::int64_t>(1, (1 << 16) / std::max<std::int64_t>(1, out.cols()));
    auto* code = out.local().as<std::int64_t>();
    for (const Range rows : pieces(out, out.comm().rank(), some)) {
      hdf5::read_text(dataset, here, rows,
                      [&](std::string_view word) { *code++ = categorizer(word); });
      note_progress();
    }
  });
}

// Every step is one collective call of HDF5, made by all processes, and then agreed on.
void read_collective(const std::string& file, const DatasetInfo& info, const Array& out,
                     bool* was_collective) {
  const auto& comm = out.comm();
  Id file_id;
  Id dataset;
  Id transfer;
  const auto step = [&](const std::function<void()>& work) {
    together(comm, [&] {
      const hdf5::Session session;
      const Watch watch(hdf5::all_call, 0.0, Watch::Waits::for_others);
      hdf5::explain("cannot read " + hdf5::title(file, info.name), work);
    });
  };
  Id access;
  step([&] {
    access = Id(check(H5Pcreate(H5P_FILE_ACCESS)));
    check(H5Pset_fapl_mpio(access, mpi::native(comm), MPI_INFO_NULL));
    check(H5Pset_all_coll_metadata_ops(access, true));
    transfer = Id(check(H5Pcreate(H5P_DATASET_XFER)));
    check(H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE));
  });
  // MPI-IO gives no descriptor: what has the name now must be the file.
  const auto unchanged = [&] { reading_unchanged(file, info.file, [](const InputFile&) {}); };
  std::uint32_t causes = 0;
  try {
    step([&] { file_id = Id(check(H5Fopen(file.c_str(), H5F_ACC_RDONLY, access))); });
    step(unchanged);
    step([&] { dataset = hdf5::open_dataset(file_id, info.name); });
    // HDF5 1.10 hangs in a collective read of a dataset that was never written when a process asks
    // for nothing: it takes part, and those that ask for rows return at once with the fill value.
    step([&] {
      if (H5Dget_storage_size(dataset) == 0)
        check(H5Pset_dxpl_mpio(transfer, H5FD_MPIO_INDEPENDENT));
    });
    const auto most = hdf5::rows_per_transfer(info.shape, info.dtype);
    std::size_t rounds = 0;
    for (int r = 0; r < comm.size(); ++r) rounds = std::max(rounds, pieces(out, r, most).size());
    const auto mine = pieces(out, comm.rank(), most);
    for (std::size_t i = 0; i < rounds; ++i) {
      step([&] {
        const Range rows = i < mine.size() ? mine[i] : Range{};
        static std::byte nothing{};
        hdf5::read_rows(dataset, info, rows, rows.size() ? row_of(out, rows.begin) : &nothing,
                        transfer);
        if (out.size() == 0) return;
        std::uint32_t local = 0;
        std::uint32_t global = 0;
        check(H5Pget_mpio_no_collective_cause(transfer, &local, &global));
        causes |= local | global;
      });
    }
    if (was_collective) *was_collective = causes == H5D_MPIO_COLLECTIVE;
  } catch (...) {  // agreed: every process is here
    dataset.close();
    file_id.close();
    step(unchanged);
    throw;
  }
  step([&] {
    check(dataset.close());
    check(file_id.close());
    unchanged();
  });
}

}  // namespace

std::vector<DatasetInfo> list_datasets(const std::string& file, const Communicator& comm) {
  std::vector<DatasetInfo> all;
  for (auto& found : look(file, "", comm)) all.push_back(std::move(found.info));
  return all;
}

bool is_hdf5(const std::string& file, const Communicator& comm) {
  std::uint8_t found = 0;
  require_readable(file, comm);
  on_first(comm, [&] {
    const hdf5::Session session;
    hdf5::explain(fmt::format("cannot read '{}'", file),
                  [&] { found = check(H5Fis_hdf5(file.c_str())) > 0; });
  });
  comm.broadcast(std::span(&found, 1), 0);
  return found != 0;
}

DatasetInfo inspect(const std::string& file, const std::string& dataset, const Communicator& comm) {
  if (dataset.empty()) throw ValueError(fmt::format("expected a dataset of '{}', got ''", file));
  return look(file, dataset, comm).front().info;
}

Found inspect_to_read(const std::string& file, const std::string& dataset,
                      const Communicator& comm) {
  Found found = look(file, dataset, comm).front();
  if (!found.implausible.empty())
    throw OSError(fmt::format("{} is refused: {} (--trusted or TESSERA_TRUSTED=1 reads it)",
                              hdf5::title(file, found.info.name), found.implausible));
  return found;
}

namespace {

// For this process's rows of an array, where they are many. Collective.
void require_room(const Shape& shape, DType dtype, const std::string& purpose,
                  const Communicator& comm) {
  const auto bytes_of = [&](std::int64_t rows) {
    std::uint64_t bytes = 0;
    return __builtin_mul_overflow(static_cast<std::uint64_t>(rows * elements_per_row(shape)),
                                  size_of(dtype), &bytes)
               ? std::numeric_limits<std::uint64_t>::max()
               : bytes;
  };
  constexpr std::uint64_t little = 16 << 20;
  if (bytes_of(row_count(shape)) <= little) return;
  require_memory(bytes_of(row_distribution(shape, comm).rows_of(comm.rank()).size()), purpose,
                 "--stream reads it piece by piece; more processes on more machines hold less each",
                 comm);
}

}  // namespace

Array read(const std::string& file, const std::string& dataset, ReadOptions options,
           const Communicator& comm) {
  if (dataset.empty()) throw ValueError(fmt::format("expected a dataset of '{}', got ''", file));
  const auto [info, why_independent, implausible] = inspect_to_read(file, dataset, comm);
  hdf5::require_dense(info, file, options.dense);
  require_room(info.shape, info.dtype, "reading " + hdf5::title(file, info.name) + " whole", comm);
  Array out = empty(info.shape, info.dtype, comm);
  const bool collective = options.collective && why_independent.empty();
  trace::Span span("io.read", collective ? "collective" : "independent", cpu);
  if (options.collective && !collective) span.declined("\n  collective: " + why_independent);
  if (options.was_collective) *options.was_collective = false;
  if (options.why_independent) *options.why_independent = collective ? "" : why_independent;
  if (info.text) {
    Categorizer categorizer;
    together(comm, [&] {
      reading_unchanged(file, info.file,
                        [&](const InputFile&) { read_words(file, info, out, categorizer); });
    });
    const Array text = categorizer.finish(out);
    return out.ndim() == 2 ? text.named(info.column_names) : text;
  }
  if (collective)
    read_collective(file, info, out, options.was_collective);
  else
    together(comm, [&] {
      reading_unchanged(file, info.file,
                        [&](const InputFile&) { read_independent(file, info, out); });
    });
  return out.named(info.column_names);
}

Array read(const std::string& location, ReadOptions options, const Communicator& comm) {
  const Location named = parse_location(location);
  if (is_array_file(named)) {
    const Rows x = open_array_file(named.file, comm);
    require_room(x.shape(), x.dtype(), fmt::format("reading '{}' whole", location), comm);
    const trace::Span span("io.read", "independent", cpu);
    return collect(x);
  }
  const Location at = resolve(named, comm);
  return read(at.file, at.dataset, options, comm);
}

}  // namespace tessera::io
