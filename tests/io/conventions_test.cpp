// What files say beyond their numbers, and what is wrong with some: packing, sparse matrices,
// virtual datasets, damage.
#include <cmath>
#include <complex>
#include <filesystem>
#include <fstream>
#include <numeric>

#include <tessera/io/dataset.hpp>
#include <tessera/io/location.hpp>
#include <tessera/runtime/error.hpp>

#include "foreign.hpp"

namespace tessera {
namespace {

using test::error_of;
using test::Maker;
using test::Scratch;

struct Conventions : test::Foreign {};

// A number or text beside a dataset or group.
void attribute(hid_t where, const char* object, const char* name, hid_t type, const void* value,
               std::vector<hsize_t> extent = {}) {
  const hid_t space =
      extent.empty() ? H5Screate(H5S_SCALAR)
                     : H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr);
  const hid_t id =
      H5Acreate_by_name(where, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  EXPECT_GE(H5Awrite(id, type, value), 0) << object << name;
  H5Aclose(id);
  H5Sclose(space);
}

void attribute(hid_t where, const char* object, const char* name, const std::string& text) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, text.size());
  attribute(where, object, name, type, text.data());
  H5Tclose(type);
}

void attribute(hid_t where, const char* object, const char* name, double value) {
  attribute(where, object, name, H5T_NATIVE_DOUBLE, &value);
}

TEST_F(Conventions, PackedNumbersAreUnpacked) {
  // Three leaves, so that every process has rows.
  constexpr int n = 600;
  std::vector<std::int16_t> values(n);
  std::iota(values.begin(), values.end(), std::int16_t{0});
  const float tenth = 0.1F;
  const std::int16_t two_missing[] = {3, 5};
  const std::int16_t range[] = {10, 500};
  make([&](Maker& m) {
    const auto add = [&](const char* name, hid_t type = H5T_STD_I16BE) {
      m.dataset(name, type, {n}, values.data(), H5T_NATIVE_INT16);
    };
    add("single");
    attribute(m.file(), "single", "scale_factor", H5T_NATIVE_FLOAT, &tenth, {1});
    add("mixed");
    attribute(m.file(), "mixed", "scale_factor", H5T_IEEE_F32BE, "\x3d\xcc\xcc\xcd");
    attribute(m.file(), "mixed", "add_offset", 273.15);
    attribute(m.file(), "mixed", "_FillValue", H5T_NATIVE_INT16, &values[7]);
    attribute(m.file(), "mixed", "missing_value", H5T_NATIVE_INT16, two_missing, {2});
    attribute(m.file(), "mixed", "valid_range", H5T_NATIVE_INT16, range, {2});
    add("hole");
    attribute(m.file(), "hole", "_FillValue", 7.0);
    add("wide", H5T_STD_I32LE);
    attribute(m.file(), "wide", "missing_value", 1e20);
    attribute(m.file(), "wide", "valid_max", 598.5);
    add("bytes", H5T_STD_I8LE);  // clipped to 127
    attribute(m.file(), "bytes", "_Unsigned", "true");
    add("floats", H5T_IEEE_F32LE);
    attribute(m.file(), "floats", "missing_value", 7.0);
    add("nothing_said");
    attribute(m.file(), "nothing_said", "units", "K");
  });
  const Array single = get("single");
  ASSERT_EQ(single.dtype(), DType::float32);
  const Array mixed = get("mixed");
  ASSERT_EQ(mixed.dtype(), DType::float64);
  for (std::size_t i = 0; i < n; ++i) {
    const float product = static_cast<float>(i) * tenth;
    EXPECT_EQ(single.values<float>()[i], product);
    const double v = mixed.values<double>()[i];
    if (i < 10 || i > 500)
      EXPECT_TRUE(std::isnan(v)) << i;
    else
      EXPECT_EQ(v, static_cast<double>(product) + 273.15);
  }
  const Array hole = get("hole");
  EXPECT_EQ(hole.dtype(), DType::float32);
  EXPECT_TRUE(std::isnan(hole.values<float>()[7]));
  EXPECT_EQ(hole.values<float>()[599], 599.0F);
  const Array wide = get("wide");
  EXPECT_EQ(wide.dtype(), DType::float64);
  EXPECT_EQ(wide.values<double>()[598], 598.0);
  EXPECT_TRUE(std::isnan(wide.values<double>()[599]));
  EXPECT_EQ(get("bytes").dtype(), DType::uint8);
  EXPECT_TRUE(std::isnan(get("floats").values<float>()[7]));
  EXPECT_EQ(get("nothing_said").dtype(), DType::int16);
  for (const auto& info : io::list_datasets(file))
    EXPECT_EQ(info.dtype, io::read(file, info.name).dtype()) << info.name;
}

TEST_F(Conventions, UnsignedBytesAndTheirFill) {
  const std::int8_t values[] = {-1, -2, 3, 0};
  const std::uint8_t fill = 255;
  const std::int8_t low = 1;
  make([&](Maker& m) {
    m.dataset("x", H5T_STD_I8LE, {4}, values, H5T_NATIVE_INT8);
    attribute(m.file(), "x", "_Unsigned", "true");
    attribute(m.file(), "x", "_FillValue", H5T_NATIVE_UINT8, &fill);
    attribute(m.file(), "x", "valid_min", H5T_NATIVE_INT8, &low);
    attribute(m.file(), "x", "scale_factor", 0.5);
  });
  const Array x = get("x");
  ASSERT_EQ(x.dtype(), DType::float64);
  EXPECT_TRUE(std::isnan(x.values<double>()[0]));
  EXPECT_EQ(x.values<double>()[1], 127.0);
  EXPECT_EQ(x.values<double>()[2], 1.5);
  EXPECT_TRUE(std::isnan(x.values<double>()[3]));
}

TEST_F(Conventions, AttributesOfStrangeTypesAndSizes) {
  const std::int16_t values[] = {1, 2};
  const double two[] = {1, 2};
  make([&](Maker& m) {
    for (const char* name : {"text", "two", "infinite", "sign", "range"})
      m.dataset(name, H5T_STD_I16LE, {2}, values, H5T_NATIVE_INT16);
    attribute(m.file(), "text", "missing_value", "-9999");
    attribute(m.file(), "two", "scale_factor", H5T_NATIVE_DOUBLE, two, {2});
    attribute(m.file(), "infinite", "add_offset", HUGE_VAL);
    attribute(m.file(), "sign", "_Unsigned", "perhaps");
    attribute(m.file(), "range", "valid_range", 1.0);
    m.dataset("bits", H5T_STD_B8LE, {2}, values, H5T_NATIVE_B8);
    attribute(m.file(), "bits", "scale_factor", 2.0);
  });
  const auto of = [&](const std::string& name, const std::string& which) {
    return "the attribute " + which + " of " + the(name);
  };
  EXPECT_EQ(refused("text"),
            "TypeError: " + of("/text", "missing_value") + "must be a number of at most 8 bytes");
  EXPECT_EQ(refused("two"),
            "ValueError: " + of("/two", "scale_factor") + "holds 2 numbers; expected one");
  EXPECT_EQ(refused("infinite"), "ValueError: " + of("/infinite", "add_offset") + "is not finite");
  EXPECT_EQ(refused("sign"), "ValueError: " + of("/sign", "_Unsigned") + "must be true or false");
  EXPECT_EQ(refused("range"),
            "ValueError: " + of("/range", "valid_range") + "holds 1 numbers; expected two");
  EXPECT_EQ(refused("bits"), "NotImplementedError: " + the("/bits") +
                                 "has the attribute scale_factor, which applies to integers and "
                                 "floats, and holds bool numbers");
  EXPECT_TRUE(io::list_datasets(file).empty());
}

TEST_F(Conventions, WhatWasNeverWrittenByNetcdf) {
  const float float_fill = 9.9692099683868690e+36F;
  const std::int16_t short_fill = -32767;
  make([&](Maker& m) {
    attribute(m.file(), "/", "_NCProperties", "version=2,netcdf=4.9.0");
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_fill_value(creation, H5T_NATIVE_FLOAT, &float_fill);
    m.dataset("f", H5T_NATIVE_FLOAT, {2}, nullptr, 0, creation);
    H5Pset_fill_value(creation, H5T_NATIVE_INT16, &short_fill);
    m.dataset("i", H5T_NATIVE_INT16, {2}, nullptr, 0, creation);
    const std::int16_t written[] = {1, 2};
    m.dataset("j", H5T_NATIVE_INT16, {2}, written, H5T_NATIVE_INT16, creation);
    H5Pclose(creation);
    m.dataset("dimension", H5T_IEEE_F32BE, {2}, nullptr, 0);
    attribute(m.file(), "dimension", "CLASS", "DIMENSION_SCALE");
    attribute(m.file(), "dimension", "NAME",
              "This is a netCDF dimension but not a netCDF variable.         2");
    const std::uint64_t extents[] = {0, 3};
    m.dataset("empty", H5T_NATIVE_UINT64, {2}, extents, H5T_NATIVE_UINT64);
    attribute(m.file(), "empty", "MATLAB_empty", 1.0);
    m.dataset("char", H5T_NATIVE_INT16, {2}, written, H5T_NATIVE_INT16);
    attribute(m.file(), "char", "MATLAB_class", "char");
  });
  EXPECT_TRUE(std::isnan(get("f").values<float>()[1]));
  EXPECT_EQ(get("j").dtype(), DType::int16);
  EXPECT_EQ(error_of([&] { io::read(file, "i"); }),
            "ValueError: " + the("/i") +
                "holds -32767, NetCDF's mark for numbers that were never written; give it the "
                "attribute _FillValue, and they are read as NaN");
  EXPECT_EQ(refused("dimension"),
            "ValueError: " + the("/dimension") + "has no data (a dimension of NetCDF)");
  EXPECT_EQ(refused("empty"),
            "ValueError: " + the("/empty") + "has no data (an empty array of MATLAB)");
  EXPECT_EQ(refused("char"), "TypeError: " + the("/char") + "holds text of MATLAB");
}

TEST_F(Conventions, VirtualDatasetsOfTheFileItself) {
  constexpr hsize_t n = 300;
  std::vector<double> values(n);
  std::iota(values.begin(), values.end(), 0.0);
  const std::string copy = folder / "copy.h5";
  make([&](Maker& m) {
    m.dataset("a", H5T_NATIVE_DOUBLE, {n}, values.data(), H5T_NATIVE_DOUBLE);
    const auto add = [&](const char* name, const std::string& in, const char* source) {
      const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
      const hsize_t twice = 2 * n;
      const hid_t from = H5Screate_simple(1, &n, nullptr);
      const hid_t to = H5Screate_simple(1, &twice, nullptr);
      for (const hsize_t start : {hsize_t{0}, n}) {
        H5Sselect_hyperslab(to, H5S_SELECT_SET, &start, nullptr, &n, nullptr);
        H5Pset_virtual(creation, to, in.c_str(), source, from);
      }
      m.dataset(name, H5T_NATIVE_FLOAT, {twice}, nullptr, 0, creation);
      H5Sclose(from);
      H5Sclose(to);
      H5Pclose(creation);
    };
    const float few[] = {1, 2};
    m.dataset("few", H5T_NATIVE_FLOAT, {2}, few, H5T_NATIVE_FLOAT);
    add("dot", ".", "/a");
    add("name", "foreign.h5", "/a");
    add("gone", ".", "/nothing");
    add("more", ".", "/few");
    add("itself", ".", "/itself");
  });
  test::on_rank_0([&] { std::filesystem::copy_file(file, copy); });
  for (const std::string name : {"dot", "name"}) {
    const Array x = get(name);
    ASSERT_EQ(x.shape(), Shape{2 * n});
    EXPECT_EQ(x.dtype(), DType::float32);
    EXPECT_EQ(x.values<float>()[299], 299.0F);
    EXPECT_EQ(x.values<float>()[301], 1.0F);
  }
  EXPECT_EQ(error_of([&] { io::read(copy, "name"); }),
            "OSError: dataset '/name' of '" + copy +
                "' is refused: it is a virtual dataset, and data of it lies in another file");
  EXPECT_EQ(refused("gone"),
            "OSError: " + the("/gone") + "is a virtual dataset of '/nothing', which is not there");
  EXPECT_EQ(refused("more"), "OSError: " + the("/more") +
                                 "is damaged: it takes another part of '/few' than there is");
  EXPECT_EQ(refused("itself"),
            "OSError: " + the("/itself") +
                "is refused: it consists of virtual datasets, one inside another");
  EXPECT_NE(refused("dor").find("did you mean '/dot'?"), std::string::npos);
}

TEST_F(Conventions, SparseMatricesInTheFormsOfTheirWriters) {
  // Row i of 600 holds i + 1 in column i % 4, twice, and the last row nothing.
  constexpr std::int64_t rows = 600;
  std::vector<double> data;
  std::vector<std::int32_t> columns;
  std::vector<std::int64_t> pointers = {0};
  std::vector<std::uint64_t> places;
  std::vector<std::uint64_t> column_pointers = {0};
  for (std::int64_t i = 0; i < rows; ++i) {
    for (int twice = 0; twice < 2 && i + 1 < rows; ++twice) {
      data.push_back(static_cast<double>(i + 1));
      columns.push_back(static_cast<std::int32_t>(i % 4));
    }
    pointers.push_back(std::ssize(data));
  }
  std::vector<double> by_column;
  for (std::int64_t c = 0; c < 4; ++c) {
    for (std::int64_t i = c; i + 1 < rows; i += 4)
      for (int twice = 0; twice < 2; ++twice) {
        by_column.push_back(static_cast<double>(i + 1));
        places.push_back(static_cast<std::uint64_t>(i));
      }
    column_pointers.push_back(places.size());
  }
  make([&](Maker& m) {
    const auto group = [&](const std::string& name) {
      H5Gclose(H5Gcreate2(m.file(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    };
    const std::int64_t shape[] = {rows, 4};
    const auto by_rows = [&](const std::string& name) {
      group(name);
      m.dataset((name + "/data").c_str(), H5T_IEEE_F32LE, {data.size()}, data.data(),
                H5T_NATIVE_DOUBLE);
      m.dataset((name + "/indices").c_str(), H5T_STD_I32LE, {columns.size()}, columns.data(),
                H5T_NATIVE_INT32);
      m.dataset((name + "/indptr").c_str(), H5T_STD_I64LE, {pointers.size()}, pointers.data(),
                H5T_NATIVE_INT64);
    };
    by_rows("X");
    attribute(m.file(), "X", "encoding-type", "csr_matrix");
    attribute(m.file(), "X", "shape", H5T_NATIVE_INT64, shape, {2});
    by_rows("old");
    attribute(m.file(), "old", "h5sparse_format", "csr");
    attribute(m.file(), "old", "h5sparse_shape", H5T_NATIVE_INT64, shape, {2});
    const auto by_columns = [&](const std::string& name, const char* indices, const char* starts) {
      group(name);
      m.dataset((name + "/data").c_str(), H5T_IEEE_F32LE, {by_column.size()}, by_column.data(),
                H5T_NATIVE_DOUBLE);
      m.dataset((name + "/" + indices).c_str(), H5T_STD_U64LE, {places.size()}, places.data(),
                H5T_NATIVE_UINT64);
      m.dataset((name + "/" + starts).c_str(), H5T_STD_U64LE, {5}, column_pointers.data(),
                H5T_NATIVE_UINT64);
    };
    by_columns("matrix", "indices", "indptr");
    m.dataset("matrix/shape", H5T_STD_I32LE, {2}, shape, H5T_NATIVE_INT64);
    m.dataset("matrix/barcodes", H5T_STD_I32LE, {4}, nullptr, 0);
    by_columns("matlab", "ir", "jc");
    attribute(m.file(), "matlab", "MATLAB_sparse", static_cast<double>(rows));
    by_rows("narrow");
    const std::int64_t narrow[] = {rows, 3};
    attribute(m.file(), "narrow", "format", "csr");
    attribute(m.file(), "narrow", "shape", H5T_NATIVE_INT64, narrow, {2});
    by_rows("silent");
    group("frame");
    attribute(m.file(), "frame", "pandas_type", "frame_table");
  });
  const std::string refusal = error_of([&] { io::read(file, "X"); });
  EXPECT_EQ(refusal, "TypeError: '/X' of '" + file +
                         "' is a sparse matrix (csr, 600 x 4, float32); it can be read as a dense "
                         "one of 0.0 MB (--dense, in C++ ReadOptions.dense)");
  EXPECT_EQ(error_of([&] { io::stream(file, "X"); }), refusal);
  EXPECT_EQ(io::inspect(file, "matlab").sparse, "csc");
  const Array x = gather(io::read(file, "X", io::ReadOptions{.dense = true}));
  ASSERT_EQ(x.shape(), (Shape{rows, 4}));
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t c = 0; c < 4; ++c)
      ASSERT_EQ(x.at<float>({i, c}),
                i + 1 < rows && c == i % 4 ? 2.0F * static_cast<float>(i + 1) : 0.0F);
  for (const std::string name : {"old", "matrix", "matlab"}) {
    const io::ReadOptions options{.collective = true, .dense = true};
    EXPECT_EQ(bytes(gather(io::read(file, name, options))), bytes(x)) << name;
  }
  EXPECT_EQ(bytes(gather(collect(io::stream(file, "X", {.dense = true})))), bytes(x));
  EXPECT_EQ(error_of([&] { io::stream(file, "matlab", {.dense = true}); }),
            "NotImplementedError: '/matlab' of '" + file +
                "' is a sparse matrix by columns (csc), which cannot be streamed by rows");
  EXPECT_NE(error_of([&] {
              io::read(file, "narrow", io::ReadOptions{.dense = true});
            }).find("is damaged: it has an index of 3 in 3 columns"),
            std::string::npos);
  EXPECT_NE(refused("silent").find("is a group, not a dataset"), std::string::npos);
  EXPECT_NE(refused("frame").find("is stored by pandas as a table of records (frame_table)"),
            std::string::npos);
}

TEST_F(Conventions, AFormatOfNewerLibraries) {
  make([&](Maker& m) {
    const double values[] = {1, 2};
    m.dataset("x", H5T_NATIVE_DOUBLE, {2}, values, H5T_NATIVE_DOUBLE);
  });
  test::on_rank_0([&] {
    std::string bytes = test::file_bytes(file);
    bytes[8] = 9;  // the version of the superblock
    test::put_file(file, bytes);
  });
  const std::string error = refused("x");
  EXPECT_TRUE(error.starts_with("OSError: cannot ") &&
              error.find("a newer HDF5 than the 1.") != std::string::npos)
      << error;
}

TEST_F(Conventions, AFileMissingOnOneProcessIsAnErrorOnAll) {
  io::write(file, "/x", arange(0, 3000));
  const auto world = Communicator::world();
  const int last = world.size() - 1;
  const std::string mine = world.rank() == last ? folder / "absent.h5" : file;
  const std::string wanted = "OSError: cannot open '" + (folder / "absent.h5") +
                             "': No such file or directory" +
                             (last ? " (rank " + std::to_string(last) + ")" : "");
  for (const bool collective : {false, true})
    EXPECT_EQ(error_of([&] { io::read(mine, "/x", {.collective = collective}); }), wanted);
  EXPECT_EQ(error_of([&] { io::stream(mine, "/x"); }), wanted);
}

TEST_F(Conventions, DamagedFilesNeverGiveWrongNumbersQuietly) {
  const test::Trusting trusting;  // hundreds of reads
  // HDF5 checksums its own structures in the files we write, not the contiguous numbers.
  io::write(file, "/x", arange(0, 16));
  test::on_rank_0([&] {
    const auto self = Communicator::self();
    const std::string good = test::file_bytes(file);
    const double first = 1;
    const std::string needle(reinterpret_cast<const char*>(&first), sizeof first);
    const std::size_t data = good.find(needle) - sizeof first;
    int refused = 0;
    for (std::size_t bit = 0; bit < 8 * good.size(); bit += 7) {
      if (bit / 8 >= data && bit / 8 < data + 16 * sizeof first) continue;
      test::flip_bit(file, bit);
      try {
        const Array x = io::read(file, "/x", {}, self);
        EXPECT_EQ(x.shape(), Shape{16}) << bit;
        for (int i = 0; i < 16 && x.rows() == 16; ++i) EXPECT_EQ(x.at<double>({i}), i) << bit;
      } catch (const Error&) {
        ++refused;
      }
      test::flip_bit(file, bit);
    }
    EXPECT_GT(refused, 100);
    for (std::size_t length = 0; length < good.size(); length += 5) {
      std::filesystem::resize_file(file, length);
      EXPECT_THROW(io::read(file, "/x", {}, self), OSError) << length;
      test::put_file(file, good);
    }
  });
}

}  // namespace
}  // namespace tessera
