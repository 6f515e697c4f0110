#include <fmt/format.h>

#include <tessera/io/array_file.hpp>
#include <tessera/io/convert.hpp>
#include <tessera/io/dataset.hpp>
#include <tessera/linalg/transpose.hpp>
#include <tessera/runtime/device_layer.hpp>
#include <tessera/runtime/embed.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/transposed.hpp>

#include "binding.hpp"

namespace tessera::python {
namespace {

using Part = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

nb::dlpack::dtype dlpack_dtype(DType d) {
  using Code = nb::dlpack::dtype_code;
  const Code code = d == DType::boolean                       ? Code::Bool
                    : d >= DType::int8 && d <= DType::int64   ? Code::Int
                    : d >= DType::uint8 && d < DType::float32 ? Code::UInt
                    : is_floating(d)                          ? Code::Float
                                                              : Code::Complex;
  return {static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(8 * size_of(d)), 1};
}

DType dtype_of_part(const nb::dlpack::dtype& given) {
  for (int i = 0; i < dtype_count; ++i)
    if (const auto d = static_cast<DType>(i); dlpack_dtype(d) == given) return d;
  throw TypeError("an array of this dtype must be converted first");
}

Shape shape_of(const Part& x) {
  Shape shape;
  for (std::size_t i = 0; i < x.ndim(); ++i) shape.push_back(static_cast<std::int64_t>(x.shape(i)));
  return shape;
}

// Keeps a Python object; gives it back under the interpreter's lock.
std::shared_ptr<const void> keep(nb::object object) {
  return {object.release().ptr(), [](const void* p) {
            if (!Py_IsInitialized()) return;
            const nb::gil_scoped_acquire lock;
            Py_DECREF(static_cast<PyObject*>(const_cast<void*>(p)));
          }};
}

// This process's rows of an array of `rows` rows; without a copy.
Array adopt(nb::object part, std::int64_t rows, const Communicator& comm) {
  const auto memory = nb::cast<Part>(part);
  Shape shape = with_rows(shape_of(memory), rows);
  const DType dtype = dtype_of_part(memory.dtype());
  return embed::adopt(memory.data(), std::move(shape), dtype, comm, keep(std::move(part)));
}

std::pair<std::int64_t, std::int64_t> local_range(const Shape& shape, const Communicator& comm) {
  const Range mine = row_distribution(shape, comm).rows_of(comm.rank());
  return {mine.begin, mine.end};
}

// This process's rows of an array on a GPU that every process has whole, at `data`; its device is
// that of `index`, or this process's where that is negative.
Array adopt_cuda(nb::object owner, std::uintptr_t data, Shape shape, const std::string& dtype,
                 int index, const Communicator& comm) {
  Array x;
  call([&] {
    together(comm, [&] {
      const DType type = dtype_from_name(dtype);
      const Device device = Runtime::device(index < 0 ? "cuda" : fmt::format("cuda:{}", index));
      device_layer(device.kind).synchronize(device.index);  // whoever made it may be at work
      const Range mine = row_distribution(shape, comm).rows_of(comm.rank());
      const auto row = static_cast<std::size_t>(elements_per_row(shape)) * size_of(type);
      x = embed::adopt(
          reinterpret_cast<const std::byte*>(data) + static_cast<std::size_t>(mine.begin) * row,
          std::move(shape), type, comm, keep(owner), device);
    });
  });
  return x;
}

// Address, shape, dtype and device of what DLPack says is on a GPU.
nb::tuple cuda_memory(const nb::ndarray<nb::ro, nb::c_contig, nb::device::cuda>& x) {
  nb::list shape;
  for (std::size_t i = 0; i < x.ndim(); ++i) shape.append(x.shape(i));
  return nb::make_tuple(reinterpret_cast<std::uintptr_t>(x.data()), nb::tuple(shape),
                        std::string(name_of(dtype_of_part(x.dtype()))), x.device_id());
}

// Whether the parts are of one dtype and width, and every row is where the distribution wants it.
bool lie_right(const Tile& part, const Shape& tail, const Communicator& comm, std::int64_t& rows) {
  struct Facts {
    std::int64_t rows, cols, ndim, dtype;
  };
  const auto all = comm.all_gather(
      Facts{part.rows, part.cols, std::ssize(tail), static_cast<std::int64_t>(part.dtype)});
  for (const Facts& f : all) rows += f.rows;
  const Distribution wanted = row_distribution(with_rows(Shape{0, part.cols}, rows), comm);
  for (int r = 0; r < comm.size(); ++r) {
    const Facts& f = all[static_cast<std::size_t>(r)];
    if (f.cols != all[0].cols || f.ndim != all[0].ndim || f.dtype != all[0].dtype ||
        wanted.rows_of(r).size() != f.rows)
      return false;
  }
  return true;
}

Array from_parts(nb::object part, const Communicator& comm) {
  const auto memory = nb::cast<Part>(part);
  Shape tail = shape_of(memory);
  const std::int64_t rows = tail.at(0);
  tail.erase(tail.begin());
  const std::int64_t cols = element_count(tail);
  const Tile tile{const_cast<void*>(memory.data()), rows, cols, cols,
                  dtype_of_part(memory.dtype()),    cpu};
  Array x;
  std::int64_t all_rows = 0;
  bool moves = true;
  call([&] {
    moves = tail.size() > 1 || !lie_right(tile, tail, comm, all_rows);
    if (moves) x = from_local(tile, tail, comm);
  });
  return moves ? x : adopt(std::move(part), all_rows, comm);
}

Array replicated_copy(const Part& x, const Communicator& comm) {
  const Shape shape = shape_of(x);
  Array out(shape, dtype_of_part(x.dtype()), replicated_distribution(shape, comm), comm);
  std::memcpy(out.local().data, x.data(), x.nbytes());
  return out;
}

Array redistributed(const Array& x, const std::string& layout, std::int64_t block) {
  if (layout == "rows") return redistribute(x, row_distribution(x.shape(), x.comm()));
  if (layout == "replicated") return gather(x);
  if (layout == "block_cyclic") return linalg::block_cyclic(x, block);
  throw ValueError("layout must be 'rows', 'replicated' or 'block_cyclic', got '" + layout + "'");
}

bool ends_with(const std::string& text, std::string_view end) { return text.ends_with(end); }

Rows stream(const std::string& file, const Communicator& comm) {
  if (ends_with(file, ".csv") || ends_with(file, ".tsv")) return io::stream_csv(file, {}, comm);
  return io::stream(file, {}, comm);
}

// What Array and Rows have in common.
template <class T>
void add_properties(nb::class_<T>& c) {
  c.def_prop_ro("shape",
                [](const T& x) {
                  nb::object all = nb::cast(x.shape());
                  return nb::tuple(all);
                })
      .def_prop_ro("ndim", [](const T& x) { return x.ndim(); })
      .def_prop_ro("dtype_name", [](const T& x) { return std::string(name_of(x.dtype())); })
      .def_prop_ro("device", [](const T& x) { return x.device().to_string(); })
      .def_prop_ro("distribution",
                   [](const T& x) {
                     if constexpr (std::is_same_v<T, Array>)
                       if (const Array matrix = detail::transposed_of(x))  // not formed to be shown
                         return "transpose of " + matrix.distribution().to_string();
                     return x.distribution().to_string();
                   })
      .def_prop_ro("comm", [](const T& x) { return x.comm(); })
      .def_prop_ro("column_names", [](const T& x) { return to_python(x.column_names()); })
      .def_prop_ro("categories", [](const T& x) { return to_python(x.categories()); })
      .def("named", [](const T& x, std::vector<std::string> n) { return x.named(std::move(n)); })
      .def("categorized",
           [](const T& x, std::vector<std::string> c) { return x.categorized(std::move(c)); });
}

// nanobind says long long for 64 bits, where NumPy's own arrays have long, and print as such.
nb::object as_numpys(nb::object array, DType dtype) {
  if (dtype != DType::int64 && dtype != DType::uint64) return array;
  return array.attr("view")(std::string(name_of(dtype)));
}

}  // namespace

nb::object view(const Array& x, bool writable) {
  const Array here = x.device() == cpu ? x : x.to(cpu);  // of one process alone, too
  const bool cyclic = here.distribution().kind() == Distribution::Kind::block_cyclic;
  const Tile local = here.local();
  Shape shape = cyclic             ? Shape{local.rows, local.cols}
                : here.ndim() == 0 ? Shape{}
                                   : with_rows(here.shape(), local.rows);
  if (shape.size() > 64)
    throw ValueError(fmt::format("NumPy has arrays of up to 64 axes, not of {}", shape.size()));
  const std::vector<std::size_t> extents(shape.begin(), shape.end());
  const nb::capsule owner(new Array(here), [](void* p) noexcept { delete static_cast<Array*>(p); });
  const auto make = [&](auto tag) {
    using Numpy = typename decltype(tag)::type;
    return as_numpys(nb::cast(Numpy(local.data, extents.size(), extents.data(), owner, nullptr,
                                    dlpack_dtype(here.dtype()))),
                     here.dtype());
  };
  return writable ? make(TypeTag<nb::ndarray<nb::numpy>>{})
                  : make(TypeTag<nb::ndarray<nb::numpy, nb::ro>>{});
}

nb::object view(const Tile& t) {
  const std::size_t extents[] = {static_cast<std::size_t>(t.rows),
                                 static_cast<std::size_t>(t.cols)};
  const std::int64_t strides[] = {t.stride, 1};
  return as_numpys(nb::cast(nb::ndarray<nb::numpy>(t.data, 2, extents, nb::none(), strides,
                                                   dlpack_dtype(t.dtype))),
                   t.dtype);
}

Array whole(const Array& x) {
  if (x.comm().size() == 1 && x.distribution().kind() == Distribution::Kind::rows) return x.to(cpu);
  if (x.distribution().kind() == Distribution::Kind::block_cyclic)
    return whole(redistribute(x, row_distribution(x.shape(), x.comm())));
  return gather(x.to(cpu));
}

bool speaks = true;

Array to_array(nb::handle x) {
  if (x.is_none()) return {};
  Array array;
  if (!nb::try_cast(x, array))
    throw TypeError("expected a tessera.Array, got " +
                    std::string(nb::str(x.type().attr("__name__")).c_str()));
  speaks = array.comm().rank() == 0;
  return array;
}

Rows to_rows(nb::handle x) {
  if (!nb::isinstance<Rows>(x)) return to_array(x);
  const Rows rows = nb::cast<Rows>(x);
  speaks = rows.comm().rank() == 0;
  return rows;
}

nb::list to_python(const std::vector<std::string>& words) {
  nb::list all;
  for (const auto& word : words) all.append(nb::cast(word));
  return all;
}

void add_arrays(nb::module_& m) {
  nb::class_<Communicator>(m, "Communicator", "A group of processes of the job.")
      .def_prop_ro("rank", &Communicator::rank, "Which one this process is.")
      .def_prop_ro("size", &Communicator::size, "How many there are.")
      .def(
          "split",
          [](const Communicator& comm, int color, int key) {
            std::optional<Communicator> part;
            call([&] { part = comm.split(color, key); });
            return *part;
          },
          nb::arg("color"), nb::arg("key") = 0,
          "The group of the processes that give the same `color`, ordered by `key`. Collective.")
      .def(
          "__eq__", [](const Communicator& a, const Communicator& b) { return a == b; },
          nb::is_operator())
      .def_prop_ro("_address", [](const Communicator& comm) {
        return reinterpret_cast<std::uintptr_t>(comm.native());
      });
  m.def("world", &Communicator::world, "All processes of the job.");
  m.def("borrowed", [](std::uintptr_t address) {
    std::optional<Communicator> comm;
    call([&] { comm = embed::communicator(reinterpret_cast<void*>(address)); });
    return *comm;
  });
  nb::class_<Array> array(m, "Array", "A global array: its rows lie on the processes of the job.");
  add_properties(array);
  array.def_prop_ro("size", [](const Array& x) { return x.size(); })
      .def_prop_ro("_address",
                   [](const Array& x) { return reinterpret_cast<std::uintptr_t>(x.local().data); })
      .def("_local", [](const Array& x) { return view(x, false); })
      .def("_whole",
           [](const Array& x, bool writable) {
             Array all;
             call([&] { all = whole(x); });
             return view(all, writable);
           })
      .def("_astype",
           [](const Array& x, const std::string& dtype) {
             Array out;
             call([&] { out = x.astype(dtype_from_name(dtype)); });
             return out;
           })
      .def("_to",
           [](const Array& x, const std::string& device) {
             Array out;
             call([&] { out = x.to(Runtime::device(device)); });
             return out;
           })
      .def("_redistribute", [](const Array& x, const std::string& layout, std::int64_t block) {
        Array out;
        call([&] { out = redistributed(x, layout, block); });
        return out;
      });
  nb::class_<Rows> rows(m, "Stream", "Rows that are read or computed when they are needed.");
  add_properties(rows);
  rows.def("collect", [](const Rows& x) {
    Array out;
    call([&] { out = collect(x); });
    return out;
  });
  m.def("adopt", &adopt);
  m.def("adopt_cuda", &adopt_cuda);
  m.def("cuda_memory", &cuda_memory);
  m.def("local_range", &local_range);
  m.def("from_parts", &from_parts);
  m.def("replicated", &replicated_copy);
  m.def("read",
        [](const std::string& location, bool collective, bool dense, const Communicator& comm) {
          speaks = comm.rank() == 0;
          Array x;
          call([&] {
            const auto at = io::parse_location(location);
            const bool table = ends_with(at.file, ".csv") || ends_with(at.file, ".tsv");
            x = table ? tessera::collect(stream(at.file, comm))
                      : io::read(location, {.collective = collective, .dense = dense}, comm);
          });
          return x;
        });
  m.def("stream", [](const std::string& location, const Communicator& comm) {
    speaks = comm.rank() == 0;
    std::optional<Rows> rows_there;
    call([&] { rows_there = stream(location, comm); });
    return *rows_there;
  });
  m.def("write", [](const std::string& file, const nb::dict& datasets) {
    std::vector<io::NamedRows> all;
    for (const auto& [name, x] : datasets) all.push_back({nb::cast<std::string>(name), to_rows(x)});
    call([&] { io::write(file, all); });
  });
  m.def("is_array_file", [](const std::string& location) {
    return io::is_array_file(io::parse_location(location));
  });
  m.def("write_array_file", [](const std::string& file, nb::handle x) {
    const Rows rows = to_rows(x);
    call([&] { io::write_array_file(file, rows); });
  });
}

}  // namespace tessera::python
