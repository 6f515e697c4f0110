// Datasets of every type and form, as HDF5 writes them.
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
using test::Foreign;
using test::Maker;
using test::Scratch;

hid_t half_type() {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

TEST_F(Foreign, BigEndianIntegersAndFloats) {
  const std::vector<double> values = {1, 2, 3, 100, 5, 6};
  const std::vector<std::pair<hid_t, DType>> types = {
      {H5T_STD_I8BE, DType::int8},      {H5T_STD_I16BE, DType::int16},
      {H5T_STD_I32BE, DType::int32},    {H5T_STD_I64BE, DType::int64},
      {H5T_STD_U8BE, DType::uint8},     {H5T_STD_U16BE, DType::uint16},
      {H5T_STD_U32BE, DType::uint32},   {H5T_STD_U64BE, DType::uint64},
      {H5T_IEEE_F32BE, DType::float32}, {H5T_IEEE_F64BE, DType::float64}};
  make([&](Maker& m) {
    for (const auto& [type, dtype] : types)
      m.dataset(std::string(name_of(dtype)).c_str(), type, {3, 2}, values.data(),
                H5T_NATIVE_DOUBLE);
  });
  for (const auto& [type, dtype] : types) {
    const Array x = get(std::string(name_of(dtype)));
    EXPECT_EQ(x.dtype(), dtype);
    EXPECT_EQ(x.shape(), (Shape{3, 2}));
    const Array d = x.astype(DType::float64);
    const auto v = d.values<double>();
    EXPECT_TRUE(std::equal(v.begin(), v.end(), values.begin())) << name_of(dtype);
  }
}

TEST_F(Foreign, ChunkedCompressedCompactAndExtendible) {
  std::vector<std::int32_t> values(5003 * 3);
  std::iota(values.begin(), values.end(), -7);
  make([&](Maker& m) {
    const hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[] = {700, 2};
    H5Pset_chunk(chunked, 2, chunk);
    H5Pset_shuffle(chunked);
    H5Pset_deflate(chunked, 4);
    H5Pset_fletcher32(chunked);
    m.dataset("gzip", H5T_STD_I32LE, {5003, 3}, values.data(), H5T_NATIVE_INT32, chunked);
    m.dataset("unwritten", H5T_STD_I32LE, {1000, 3}, nullptr, 0, chunked);
    H5Premove_filter(chunked, H5Z_FILTER_FLETCHER32);
    m.dataset("threads", H5T_STD_I32LE, {5003, 3}, values.data(), H5T_NATIVE_INT32, chunked);
    m.dataset("threads_unwritten", H5T_STD_I32LE, {1000, 3}, nullptr, 0, chunked);
    H5Pclose(chunked);
    const hid_t compact = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(compact, H5D_COMPACT);
    m.dataset("compact", H5T_STD_I32LE, {4, 3}, values.data(), H5T_NATIVE_INT32, compact);
    H5Pclose(compact);
  });
  const Array x = get("gzip");
  ASSERT_EQ(x.shape(), (Shape{5003, 3}));
  EXPECT_TRUE(std::equal(values.begin(), values.end(), x.values<std::int32_t>().begin()));
  // Leaves that do not fit the chunks, unpacked by us; and what we leave to HDF5.
  for (const int threads : {1, 3}) {
    io::stream(file, "threads")
        .for_each_leaf(
            [&](const Leaf& leaf, Stream&) {
              EXPECT_TRUE(std::equal(leaf.tile.as<std::int32_t>(),
                                     leaf.tile.as<std::int32_t>() + leaf.rows.size() * 3,
                                     values.begin() + leaf.rows.begin * 3));
            },
            threads);
    io::stream(file, "threads_unwritten")
        .for_each_leaf(
            [&](const Leaf& leaf, Stream&) { EXPECT_EQ(*leaf.tile.as<std::int32_t>(), 0); },
            threads);
  }
  EXPECT_EQ(get("compact").values<std::int32_t>()[11], 4);
  EXPECT_EQ(get("unwritten").values<std::int32_t>()[2999], 0);
}

TEST_F(Foreign, HalfBoolAndComplexOfH5py) {
  make([&](Maker& m) {
    const hid_t half = half_type();
    const std::uint16_t halves[] = {0x3c00, 0xc500, 0x7c00};
    m.dataset("half", half, {3}, halves, half);
    H5Tclose(half);
    const hid_t boolean = H5Tenum_create(H5T_NATIVE_INT8);
    for (std::int8_t v : {0, 1}) H5Tenum_insert(boolean, v ? "TRUE" : "FALSE", &v);
    const std::int8_t bools[] = {1, 0, 7};
    m.dataset("bool", boolean, {3}, bools, boolean);
    H5Tclose(boolean);
    for (const auto& [name, part] :
         {std::pair("c8", H5T_IEEE_F32BE), std::pair("c16", H5T_IEEE_F64LE)}) {
      const std::size_t width = H5Tget_size(part);
      const hid_t type = H5Tcreate(H5T_COMPOUND, 2 * width);
      H5Tinsert(type, "r", 0, part);
      H5Tinsert(type, "i", width, part);
      const hid_t memory = H5Tcreate(H5T_COMPOUND, 16);
      H5Tinsert(memory, "r", 0, H5T_NATIVE_DOUBLE);
      H5Tinsert(memory, "i", 8, H5T_NATIVE_DOUBLE);
      const std::complex<double> values[] = {{1, 2}, {-3, 0.5}};
      m.dataset(name, type, {2}, values, memory);
      H5Tclose(type);
      H5Tclose(memory);
    }
  });
  EXPECT_EQ(get("half").values<float>()[1], -5.0F);
  EXPECT_TRUE(std::isinf(get("half").values<float>()[2]));
  const Array b = get("bool");
  EXPECT_TRUE(b.values<bool>()[0] && !b.values<bool>()[1] && b.values<bool>()[2]);
  EXPECT_EQ(bytes(b), std::string("\1\0\1", 3));
  EXPECT_EQ(get("c8").values<std::complex<float>>()[1], std::complex<float>(-3, 0.5));
  EXPECT_EQ(get("c16").values<std::complex<double>>()[0], std::complex<double>(1, 2));
}

TEST_F(Foreign, ComplexNumbersByAnyOfTheirNames) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"r", "i"}, {"re", "im"}, {"Real", "Imag"}, {"REAL", "imaginary"}};
  struct Padded {
    double a[3];
  };
  const Padded values[] = {{{1, 0, 2}}, {{-3, 0, 0.5}}};
  make([&](Maker& m) {
    for (const auto& [real, imaginary] : names) {
      const hid_t memory = H5Tcreate(H5T_COMPOUND, sizeof(Padded));
      H5Tinsert(memory, real.c_str(), 0, H5T_NATIVE_DOUBLE);
      H5Tinsert(memory, imaginary.c_str(), 16, H5T_NATIVE_DOUBLE);
      const hid_t single = H5Tcreate(H5T_COMPOUND, 12);
      H5Tinsert(single, imaginary.c_str(), 0, H5T_IEEE_F32BE);
      H5Tinsert(single, real.c_str(), 8, H5T_IEEE_F32BE);
      m.dataset(("padded_" + real).c_str(), memory, {2}, values, memory);
      m.dataset(("turned_" + real).c_str(), single, {2}, values, memory);
      H5Tclose(memory);
      H5Tclose(single);
    }
    const hid_t other = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(other, "re", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(other, "i", 8, H5T_NATIVE_DOUBLE);
    m.dataset("mixed", other, {2}, nullptr, 0);
    H5Tclose(other);
  });
  for (const auto& [real, imaginary] : names) {
    EXPECT_EQ(get("padded_" + real).values<std::complex<double>>()[1],
              std::complex<double>(-3, 0.5));
    EXPECT_EQ(get("turned_" + real).values<std::complex<float>>()[0], std::complex<float>(1, 2));
  }
  EXPECT_EQ(refused("mixed"), "TypeError: " + the("/mixed") +
                                  "holds records (a compound type of re, i); expected integers, "
                                  "floats, bools or complex numbers");
}

TEST_F(Foreign, BooleansAsBitFieldsAndEnumerations) {
  const std::uint8_t bytes_written[] = {1, 0, 1};
  const std::uint8_t flags[] = {1, 6, 0};
  make([&](Maker& m) {
    m.dataset("bits", H5T_STD_B8LE, {3}, bytes_written, H5T_NATIVE_B8);
    m.dataset("flags", H5T_STD_B8LE, {3}, flags, H5T_NATIVE_B8);
    for (const auto& [name, base] :
         {std::pair("wide", H5T_STD_I32BE), std::pair("u1", H5T_STD_U8LE),
          std::pair("i8", H5T_STD_I64LE)}) {
      const hid_t type = H5Tenum_create(base);
      for (const std::int64_t v : {1, 0}) {
        std::int64_t value = v;
        H5Tconvert(H5T_NATIVE_INT64, base, 1, &value, nullptr, H5P_DEFAULT);
        H5Tenum_insert(type, v ? "True" : "false", &value);
      }
      std::vector<std::int64_t> values = {1, 0, 1};
      H5Tconvert(H5T_NATIVE_INT64, base, 3, values.data(), nullptr, H5P_DEFAULT);
      m.dataset(name, type, {3}, values.data(), type);
      H5Tclose(type);
    }
  });
  for (const std::string name : {"bits", "wide", "u1", "i8"}) {
    const Array x = get(name);
    EXPECT_EQ(x.dtype(), DType::boolean);
    EXPECT_EQ(bytes(x), std::string("\1\0\1", 3)) << name;
  }
  EXPECT_EQ(error_of([&] { io::read(file, "flags", {}, Communicator::self()); }),
            "TypeError: dataset '/flags' of '" + file +
                "' holds bit fields with more than one bit, not booleans");
}

TEST_F(Foreign, RefusesWhatIsNoNumber) {
  make([&](Maker& m) {
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, 5);
    m.dataset("text", text, {2, 1, 1}, nullptr, 0);
    H5Tset_size(text, H5T_VARIABLE);
    m.dataset("vltext", text, {2, 1, 1}, nullptr, 0);
    const hid_t sequence = H5Tvlen_create(H5T_NATIVE_INT);
    m.dataset("sequence", sequence, {2}, nullptr, 0);
    const hid_t record = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(record, "a", 0, H5T_NATIVE_INT);
    H5Tinsert(record, "b", 4, H5T_NATIVE_INT);
    m.dataset("record", record, {2}, nullptr, 0);
    m.dataset("reference", H5T_STD_REF_OBJ, {2}, nullptr, 0);
    const hid_t colour = H5Tenum_create(H5T_NATIVE_INT8);
    for (std::int8_t v : {0, 1}) H5Tenum_insert(colour, v ? "RED" : "BLUE", &v);
    m.dataset("colour", colour, {2}, nullptr, 0);
    m.dataset("wide", H5T_NATIVE_LDOUBLE, {2}, nullptr, 0);
    const hid_t none = H5Screate(H5S_NULL);
    H5Dclose(
        H5Dcreate2(m.file(), "null", H5T_NATIVE_INT, none, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(none);
    const hid_t opaque = H5Tcreate(H5T_OPAQUE, 8);
    H5Tset_tag(opaque, "NUMPY:datetime64[ns]");
    m.dataset("opaque", opaque, {2}, nullptr, 0);
    m.dataset("region", H5T_STD_REF_DSETREG, {2}, nullptr, 0);
    m.dataset("bits", H5T_STD_B16LE, {2}, nullptr, 0);
    for (const hid_t type : {text, sequence, record, colour, opaque}) H5Tclose(type);
  });
  const std::string expected = "; expected integers, floats, bools or complex numbers";
  EXPECT_EQ(refused("text"), "TypeError: " + the("/text") + "holds strings" + expected);
  EXPECT_EQ(refused("vltext"), "TypeError: " + the("/vltext") + "holds strings" + expected);
  EXPECT_EQ(refused("sequence"),
            "TypeError: " + the("/sequence") + "holds variable-length sequences" + expected);
  EXPECT_EQ(refused("record"),
            "TypeError: " + the("/record") + "holds records (a compound type of a, b)" + expected);
  EXPECT_EQ(refused("reference"),
            "TypeError: " + the("/reference") + "holds references" + expected);
  EXPECT_EQ(refused("colour"),
            "TypeError: " + the("/colour") +
                "holds an enumeration (BLUE, RED) other than FALSE = 0 and TRUE = 1" + expected);
  EXPECT_EQ(refused("wide"),
            "TypeError: " + the("/wide") + "holds 16-byte floating-point numbers" + expected);
  EXPECT_EQ(refused("opaque"), "TypeError: " + the("/opaque") +
                                   "holds opaque bytes (NUMPY:datetime64[ns])" + expected);
  EXPECT_EQ(refused("region"),
            "TypeError: " + the("/region") + "holds references to regions" + expected);
  EXPECT_EQ(refused("bits"),
            "TypeError: " + the("/bits") + "holds bit fields of 2 bytes" + expected);
  EXPECT_EQ(refused("null"), "ValueError: " + the("/null") + "has no data (a null dataspace)");
  EXPECT_TRUE(io::list_datasets(file).empty());
}

std::vector<std::string> words_in(const Array& x) {
  std::vector<std::string> words;
  const Array all = gather(x);
  for (const auto code : all.values<std::int64_t>())
    words.push_back(x.categories()[static_cast<std::size_t>(code)]);
  return words;
}

TEST_F(Foreign, StringsBecomeCodesOfCategories) {
  constexpr int n = 1500;  // several leaves, and words that one process alone has
  std::vector<std::string> expected;
  for (int i = 0; i < n; ++i)
    expected.push_back(i == 1400 ? "last" : i % 3 == 0 ? "" : i % 3 == 1 ? "wei\u00df" : "b c");
  make([&](Maker& m) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    std::vector<const char*> pointers;
    for (const auto& word : expected) pointers.push_back(word.c_str());
    H5Tset_size(type, H5T_VARIABLE);
    m.dataset("variable", type, {n}, pointers.data(), type);
    H5Tset_cset(type, H5T_CSET_UTF8);
    const hid_t packed = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 100;
    H5Pset_chunk(packed, 1, &chunk);
    H5Pset_deflate(packed, 3);
    m.dataset("packed", type, {n}, pointers.data(), type, packed);
    m.dataset("unwritten", type, {2}, nullptr, 0);
    m.dataset("none", type, {0}, nullptr, 0);
    const hid_t fixed = H5Tcopy(H5T_C_S1);
    H5Tset_size(fixed, 7);
    for (const H5T_str_t pad : {H5T_STR_NULLPAD, H5T_STR_NULLTERM, H5T_STR_SPACEPAD}) {
      std::string all;
      for (auto word : expected) {
        word.resize(7, pad == H5T_STR_SPACEPAD ? ' ' : '\0');
        all += word;
      }
      H5Tset_strpad(fixed, pad);
      m.dataset(("fixed" + std::to_string(pad)).c_str(), fixed, {n}, all.data(), fixed);
    }
    H5Pclose(packed);
    H5Tclose(fixed);
    H5Tclose(type);
  });
  for (const std::string name : {"variable", "packed", "fixed0", "fixed1", "fixed2"}) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(io::inspect(file, name).text);
    const Array x = io::read(file, name);
    EXPECT_EQ(x.dtype(), DType::int64);
    EXPECT_EQ(x.shape(), Shape{n});
    EXPECT_EQ(x.categories(), (std::vector<std::string>{"", "b c", "last", "wei\u00df"}));
    EXPECT_EQ(words_in(x), expected);
    EXPECT_EQ(words_in(io::read(file, name, {.collective = true})), expected);
    EXPECT_EQ(error_of([&] { io::stream(file, name); }),
              "TypeError: " + the("/" + name) +
                  "holds strings, which cannot be streamed; expected numbers");
    // And back, as strings of one length.
    io::write(folder / "out.h5", "/y", x);
    io::write(folder / "out.h5", "/rows",
              map_rows(x, x.shape(), x.dtype(), [](const Leaf& in, const Tile& out, Stream& s) {
                copy(s, in.tile, out);
              }).with(x.names()));
    EXPECT_EQ(words_in(io::read(folder / "out.h5", "/y")), expected);
    EXPECT_EQ(words_in(io::read(folder / "out.h5", "/rows")), expected);
  }
  EXPECT_EQ(words_in(io::read(file, "unwritten")), (std::vector<std::string>{"", ""}));
  EXPECT_EQ(io::read(file, "none").shape(), Shape{0});
  EXPECT_EQ(error_of([&] { (void)io::read(file, "fixed0").astype(DType::float64); }),
            "ValueError: could not convert string to float: ''");
}

TEST_F(Foreign, TheOneOfNumbersIsMeantWhereThereIsTextBesideIt) {
  make([&](Maker& m) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    m.dataset("label", type, {2}, "ab", type);
    m.dataset("more", type, {2}, "ab", type);
    const double values[] = {1, 2};
    m.dataset("x", H5T_NATIVE_DOUBLE, {2}, values, H5T_NATIVE_DOUBLE);
    H5Tclose(type);
  });
  EXPECT_EQ(io::resolve({file, ""}, Communicator::world()).dataset, "/x");
  EXPECT_EQ(io::list_datasets(file).size(), 3U);
}

TEST_F(Foreign, FollowsLinksInsideTheFileOnly) {
  const std::string other = folder / "other.h5";
  test::on_rank_0([&] {
    const double secret[] = {1};
    Maker(other).dataset("secret", H5T_NATIVE_DOUBLE, {1}, secret, H5T_NATIVE_DOUBLE);
    test::put_file(folder / "raw", "12345678");
  });
  make([&](Maker& m) {
    const double values[] = {1, 2};
    H5Gclose(H5Gcreate2(m.file(), "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    m.dataset("g/x", H5T_NATIVE_DOUBLE, {2}, values, H5T_NATIVE_DOUBLE);
    H5Lcreate_soft("/g", m.file(), "group", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("group/x", m.file(), "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/loop", m.file(), "loop", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/nothing", m.file(), "dangling", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external(other.c_str(), "/", m.file(), "external", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/external/secret", m.file(), "sneaky", H5P_DEFAULT, H5P_DEFAULT);
    const hid_t outside = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(outside, (folder / "raw").c_str(), 0, 8);
    m.dataset("outside", H5T_NATIVE_DOUBLE, {1}, nullptr, 0, outside);
    H5Pclose(outside);
    const hid_t virtually = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t one = 1;
    const hid_t space = H5Screate_simple(1, &one, nullptr);
    H5Pset_virtual(virtually, space, other.c_str(), "/secret", space);
    m.dataset("virtual", H5T_NATIVE_DOUBLE, {1}, nullptr, 0, virtually);
    H5Sclose(space);
    H5Pclose(virtually);
  });
  EXPECT_EQ(get("soft").values<double>()[1], 2.0);
  EXPECT_EQ(io::inspect(file, "soft").name, "/g/x");
  EXPECT_EQ(refused("/loop"), "OSError: " + the("/loop") + "lies behind more than 16 links");
  EXPECT_EQ(refused("/dangling"),
            "ValueError: '" + file + "' has no dataset '/dangling'; it has '/g/x'");
  EXPECT_EQ(refused("/external/secret"), "OSError: " + the("/external/secret") +
                                             "is refused: '/external' is a link to another file");
  EXPECT_EQ(refused("/sneaky"),
            "OSError: " + the("/sneaky") + "is refused: '/external' is a link to another file");
  EXPECT_EQ(refused("/outside"),
            "OSError: " + the("/outside") + "is refused: its data lies in another file");
  EXPECT_EQ(refused("/virtual"),
            "OSError: " + the("/virtual") +
                "is refused: it is a virtual dataset, and data of it lies in another file");
  EXPECT_EQ(io::list_datasets(file).size(), 1U);
}

TEST_F(Foreign, NamesTheMissingFilter) {
  make([&](Maker& m) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 2;
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_filter(creation, 32000, H5Z_FLAG_OPTIONAL, 0, nullptr);
    m.dataset("lzf", H5T_NATIVE_INT, {4}, nullptr, 0, creation);
    H5Pclose(creation);
  });
  EXPECT_EQ(
      refused("lzf"),
      "NotImplementedError: " + the("/lzf") +
          "is stored with the filter lzf (number 32000), which is not available here: install "
          "its HDF5 plug-in and set HDF5_PLUGIN_PATH, or store the data with gzip");
}

TEST_F(Foreign, MissingThingsAreNamed) {
  EXPECT_EQ(refused("x"), "OSError: cannot open '" + file + "': No such file or directory");
  EXPECT_EQ(error_of([&] { io::read(folder.path(), "/x"); }),
            "OSError: cannot open '" + folder.path() + "': it is a folder");
  test::on_rank_0([&] { test::put_file(file, "no HDF5 at all"); });
  EXPECT_EQ(refused("x"), "OSError: '" + file + "' is not an HDF5 file");
  EXPECT_FALSE(io::is_hdf5(file));
  io::write(folder / "y.h5", "/g/y", arange(0, 3));
  EXPECT_TRUE(io::is_hdf5(folder / "y.h5"));
  EXPECT_EQ(error_of([&] { io::read(folder / "y.h5", "x"); }),
            "ValueError: '" + (folder / "y.h5") + "' has no dataset 'x'; it has '/g/y'");
  EXPECT_EQ(error_of([&] { io::read(folder / "y.h5", "/g"); }),
            "ValueError: '/g' of '" + (folder / "y.h5") +
                "' is a group, not a dataset; the file has '/g/y'");
  EXPECT_EQ(error_of([&] { io::read(folder / "y.h5", "/g/y/z"); }),
            "ValueError: '" + (folder / "y.h5") + "' has no dataset '/g/y/z'; it has '/g/y'");
}

TEST_F(Foreign, ManyNamesAndDeepGroups) {
  constexpr int many = 2000;
  test::on_rank_0([&] {
    // As NetCDF-4 and h5py's libver="latest" store groups.
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    const hid_t id = H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
    const hid_t space = H5Screate(H5S_SCALAR);
    const auto dataset = [&](hid_t where, const std::string& name) {
      H5Dclose(H5Dcreate2(where, name.c_str(), H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT,
                          H5P_DEFAULT));
    };
    for (int i = 0; i < many; ++i) dataset(id, "sample_" + std::to_string(10000 + i));
    hid_t at = H5Gopen2(id, "/", H5P_DEFAULT);
    for (int i = 0; i < many; ++i) {
      const hid_t next = H5Gcreate2(at, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      H5Gclose(at);
      at = next;
    }
    dataset(at, "Deepest");
    H5Lcreate_hard(id, "/", at, "circle", H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(at);
    H5Sclose(space);
    H5Fclose(id);
    H5Pclose(access);
  });
  std::string deep;
  for (int i = 0; i < many; ++i) deep += "/g";
  deep += "/Deepest";
  const auto all = io::list_datasets(file);
  ASSERT_EQ(all.size(), many + 1U);
  EXPECT_EQ(all.front().name, deep);
  EXPECT_EQ(all.back().name, "/sample_11999");
  EXPECT_EQ(io::inspect(file, deep).shape, Shape{});
  const std::string error = error_of([&] { io::read(file, "/sampel_10007"); });
  EXPECT_TRUE(error.starts_with("ValueError: '" + file +
                                "' has no dataset '/sampel_10007'; did "
                                "you mean '/sample_10007'? It has '/g/g/"));
  EXPECT_TRUE(error.ends_with("'/sample_10018' and 1981 more")) << error;
  EXPECT_NE(refused("/SAMPLE_10000").find("did you mean '/sample_10000'?"), std::string::npos);
  EXPECT_NE(refused("/deepest").find("/g/g/Deepest'? It has '/g"), std::string::npos);
  EXPECT_LT(refused("/deepest").size(), 2000U);
  EXPECT_EQ(refused("/z").find("did you mean"), std::string::npos);
  EXPECT_NE(error_of([&] { io::read(file); }).find("holds 2001 datasets; name one of: "),
            std::string::npos);
}

TEST_F(Foreign, AUserBlockIsKept) {
  const std::string header = "MATLAB 7.3 MAT-file" + std::string(493, ' ');
  test::on_rank_0([&] {
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_userblock(creation, 512);
    H5Fclose(H5Fcreate(file.c_str(), H5F_ACC_TRUNC, creation, H5P_DEFAULT));
    H5Pclose(creation);
    test::put_file(file, header + test::file_bytes(file).substr(512));
  });
  EXPECT_TRUE(io::is_hdf5(file));
  for (const int first : {5, 6}) {  // added, then replaced
    io::write(file, "/x", arange(first, first + 3000));
    EXPECT_EQ(get("/x").values<double>()[2999], first + 2999);
    EXPECT_EQ(test::shared_bytes(file).substr(0, 512), header);
  }
}

}  // namespace
}  // namespace tessera
