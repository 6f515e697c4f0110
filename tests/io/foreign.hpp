#pragma once
#include <gtest/gtest.h>
#include <hdf5.h>

#include <functional>
#include <string>
#include <vector>

#include <tessera/io/dataset.hpp>

#include "scratch.hpp"

namespace tessera::test {

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

/// A file that a test has others write, and the ways of reading it.
class Foreign : public testing::Test {
 protected:
  void make(const std::function<void(Maker&)>& work) {
    on_rank_0([&] {
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

}  // namespace tessera::test
