#include <gtest/gtest.h>
#include <hdf5.h>

#include <cmath>
#include <complex>
#include <filesystem>
#include <fstream>
#include <numeric>

#include <tessera/io/dataset.hpp>
#include <tessera/io/location.hpp>
#include <tessera/runtime/error.hpp>

#include "scratch.hpp"

namespace tessera {
namespace {

using test::error_of;
using test::Scratch;

// Files as others write them, through HDF5's own interface. Rank 0 only.
class Maker {
 public:
  explicit Maker(const std::string& path)
      : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  ~Maker() { H5Fclose(file_); }
  hid_t file() const { return file_; }
  void dataset(const char* name, hid_t type, std::vector<hsize_t> extent, const void* data,
               hid_t memory, hid_t creation = H5P_DEFAULT) {
    const hid_t space = H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr);
    const hid_t set = H5Dcreate2(file_, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    EXPECT_GE(set, 0) << name;
    if (data) {
      EXPECT_GE(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), 0);
    }
    H5Dclose(set);
    H5Sclose(space);
  }

 private:
  hid_t file_;
};

hid_t half_type() {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

class Foreign : public testing::Test {
 protected:
  void make(const std::function<void(Maker&)>& work) {
    test::on_rank_0([&] {
      Maker maker(file);
      work(maker);
    });
  }
  // All three ways of reading, replicated.
  Array get(const std::string& name) {
    const Array x = gather(io::read(file, name));
    const Array collective = gather(io::read(file, name, {.collective = true}));
    const Array streamed = gather(collect(io::stream(file, name)));
    for (const Array& other : {collective, streamed}) {
      EXPECT_EQ(other.dtype(), x.dtype());
      EXPECT_EQ(bytes(other), bytes(x)) << name;
    }
    return x;
  }
  static std::string bytes(const Array& x) {
    return {static_cast<const char*>(x.local().data),
            static_cast<std::size_t>(x.size()) * size_of(x.dtype())};
  }
  std::string refused(const std::string& name) {
    const std::string error = error_of([&] { io::read(file, name); });
    EXPECT_EQ(error_of([&] { io::stream(file, name); }), error);
    EXPECT_EQ(error_of([&] { io::inspect(file, name); }), error);
    return error;
  }
  std::string the(const std::string& name) { return "dataset '" + name + "' of '" + file + "' "; }
  Scratch folder;
  const std::string file = folder / "foreign.h5";
};

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
    m.dataset("text", text, {2, 1}, nullptr, 0);
    H5Tset_size(text, H5T_VARIABLE);
    m.dataset("vltext", text, {2, 1}, nullptr, 0);
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
  EXPECT_EQ(refused("colour"), "TypeError: " + the("/colour") +
                                   "holds an enumeration (BLUE, RED) other than FALSE and TRUE" +
                                   expected);
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

TEST_F(Foreign, PackedNumbersAreUnpacked) {
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

TEST_F(Foreign, UnsignedBytesAndTheirFill) {
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

TEST_F(Foreign, AttributesOfStrangeTypesAndSizes) {
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

TEST_F(Foreign, WhatWasNeverWrittenByNetcdf) {
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

TEST_F(Foreign, VirtualDatasetsOfTheFileItself) {
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

TEST_F(Foreign, SparseMatricesInTheFormsOfTheirWriters) {
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

TEST_F(Foreign, AFormatOfNewerLibraries) {
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

TEST_F(Foreign, AFileMissingOnOneProcessIsAnErrorOnAll) {
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

TEST_F(Foreign, DamagedFilesNeverGiveWrongNumbersQuietly) {
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
