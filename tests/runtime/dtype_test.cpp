#include <tessera/runtime/dtype.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/near.hpp"

#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

struct Row {
  DType dtype;
  std::string name;
  std::size_t size;
};
const std::vector<Row> table = {
    {DType::boolean, "bool", 1},
    {DType::int8, "int8", 1},
    {DType::int16, "int16", 2},
    {DType::int32, "int32", 4},
    {DType::int64, "int64", 8},
    {DType::uint8, "uint8", 1},
    {DType::uint16, "uint16", 2},
    {DType::uint32, "uint32", 4},
    {DType::uint64, "uint64", 8},
    {DType::float32, "float32", 4},
    {DType::float64, "float64", 8},
    {DType::complex64, "complex64", 8},
    {DType::complex128, "complex128", 16},
};

TEST(DType, HasNumpysNamesAndSizes) {
  ASSERT_EQ(table.size(), static_cast<std::size_t>(dtype_count));
  for (const auto& [dtype, name, size] : table) {
    EXPECT_EQ(name_of(dtype), name);
    EXPECT_EQ(size_of(dtype), size) << name;
    EXPECT_EQ(dtype_from_name(name), dtype) << name;
    EXPECT_EQ(is_floating(dtype), name.starts_with("float")) << name;
    EXPECT_EQ(is_complex(dtype), name.starts_with("complex")) << name;
  }
}

TEST(DType, UnknownNameListsAllNames) {
  test::expect_error<ValueError>(
      [] { dtype_from_name("float16"); },
      "unknown dtype 'float16'; allowed are bool, int8, int16, int32, int64, uint8, uint16, "
      "uint32, uint64, float32, float64, complex64, complex128");
}

TEST(DType, VisitGivesTheTypeOfTheDtype) {
  for (const auto& row : table)
    visit(row.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      EXPECT_EQ(dtype_of<T>, row.dtype) << row.name;
      EXPECT_EQ(dtype_of<const T>, row.dtype) << row.name;
      EXPECT_EQ(sizeof(T), row.size) << row.name;
    });
}

template <class T>
concept HasDType = requires {
  dtype_of<T>;
};
static_assert(HasDType<float> && !HasDType<long double> && !HasDType<char*>);

TEST(DType, VisitFloatingRefusesTheRest) {
  for (const auto& row : table) {
    const auto size = [&] {
      return visit_floating(row.dtype,
                            [](auto tag) { return sizeof(typename decltype(tag)::type); });
    };
    if (is_floating(row.dtype))
      EXPECT_EQ(size(), row.size);
    else
      test::expect_error<TypeError>([&] { size(); },
                                    "expected float32 or float64 data, got " + row.name);
  }
}

}  // namespace
}  // namespace tessera
