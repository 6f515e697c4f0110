// The array API standard as C++ spells it; tests/together compares all of it with NumPy.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include <tessera/array/creation.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/functions.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/array/statistics.hpp>

namespace tessera {
namespace {

template <class T>
std::vector<T> host(const Array& x) {
  const Array all = gather(x);
  const auto values = all.values<T>();
  return {values.begin(), values.end()};
}

TEST(Standard, OperatorsTakeArraysAndNumbers) {
  const Array x = arange(0, 700, 1, DType::float64);
  const auto y = host<double>(2 * x + 1);
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], 2.0 * static_cast<double>(i) + 1);
  const auto clipped = host<double>(where(x > 650, x, 0));
  EXPECT_EQ(clipped[650], 0);
  EXPECT_EQ(clipped[651], 651);
  EXPECT_EQ(host<double>(-x)[3], -3);
  EXPECT_EQ(host<bool>((x == x) & ~(x < 3))[2], false);
  EXPECT_EQ((x / 2).dtype(), DType::float64);
}

TEST(Standard, NumbersAdaptToTheDtypeOfTheArray) {
  const Array x = arange(Scalar(0), Scalar(5), Scalar(1), DType::int8);
  EXPECT_EQ((x + 1).dtype(), DType::int8);
  EXPECT_EQ((x + 1.5).dtype(), DType::float64);
  EXPECT_EQ((x / x).dtype(), DType::float64);
  EXPECT_THROW(x + 300, ValueError);
  EXPECT_EQ(promote(DType::uint8, DType::int8), DType::int16);
  EXPECT_EQ(promote(DType::uint64, DType::int8), DType::float64);
  EXPECT_EQ(promote(DType::int16, DType::complex64), DType::complex64);
}

TEST(Standard, IndexIsNumPys) {
  const Array x = reshape(arange(0, 3000, 1, DType::float64), {600, 5});
  EXPECT_EQ(host<double>(index(x, {Slice{2, 6, 2}, 3})), (std::vector<double>{13, 23}));
  EXPECT_EQ(index(x, {Ellipsis{}, NewAxis{}}).shape(), (Shape{600, 5, 1}));
  EXPECT_EQ(host<double>(index(x, {Slice{{}, {}, -1}, 0}))[0], 2995);
  const Array y = assigned(x, {599, Slice{}}, -1.0);
  EXPECT_EQ(host<double>(sum(y, {{1}}))[599], -5);
  EXPECT_EQ(host<double>(sum(x, {{1}}))[599], 14985);  // x has not changed
  EXPECT_THROW(index(x, {600}), IndexError);
}

TEST(Standard, AssignmentWritesWhereNobodyElseReads) {
  Array x = zeros({600, 5});
  const void* memory = x.local().data;
  assign(x, {599, Slice{}}, -1.0);
  assign(x, {x < 0}, 2.0);  // the mask is another array
  EXPECT_EQ(x.local().data, memory);
  const Array kept = x;
  assign(x, {from_host<std::int64_t>(std::vector<std::int64_t>{0, 0, 599}, {3}), 1},
         from_host<double>(std::vector<double>{3, 4, 5}, {3}));
  EXPECT_EQ(host<double>(index(x, {Slice{}, 1}))[0], 4);
  EXPECT_EQ(host<double>(index(x, {599})), (std::vector<double>{2, 5, 2, 2, 2}));
  EXPECT_EQ(host<double>(index(kept, {599})), (std::vector<double>{2, 2, 2, 2, 2}));
  EXPECT_THROW(assign(x, {Slice{}}, zeros({3, 5})), ValueError);
}

TEST(Standard, OperatorsInPlaceWriteWhereNobodyElseReads) {
  Array x = zeros({600, 5});
  const void* memory = x.local().data;
  x += 2;
  x *= arange(0, 5, 1, DType::float64);
  EXPECT_EQ(x.local().data, memory);
  const Array kept = x;
  x -= x;
  EXPECT_EQ(host<double>(index(kept, {599})), (std::vector<double>{0, 2, 4, 6, 8}));
  EXPECT_EQ(host<double>(index(x, {599})), (std::vector<double>{0, 0, 0, 0, 0}));
  EXPECT_THROW(x += zeros({3, 600, 5}), TypeError);
}

TEST(Standard, ArraysStandAmongOtherIndices) {
  const Array x = reshape(arange(0, 3000, 1, DType::float64), {100, 6, 5});
  const Array at = from_host<std::int64_t>(std::vector<std::int64_t>{4, -5}, {2});
  EXPECT_EQ(host<double>(index(x, {99, Slice{{}, {}, 5}, at})),
            (std::vector<double>{2974, 2999, 2970, 2995}));  // the axis of what selects together
  EXPECT_EQ(host<double>(index(x, {Slice{98, {}}, at, 0})),
            (std::vector<double>{2960, 2945, 2990, 2975}));  // where it stands
  EXPECT_THROW(
      index(x, {Slice{}, Slice{}, from_host<std::int64_t>(std::vector<std::int64_t>{5}, {1})}),
      IndexError);
}

TEST(Standard, ReductionsOverRowsAreReplicated) {
  const Array x = reshape(arange(0, 3000, 1, DType::float64), {600, 5});
  const Array means = mean(x, {{0}});
  EXPECT_EQ(means.distribution().kind(), Distribution::Kind::replicated);
  EXPECT_EQ(host<double>(means), (std::vector<double>{1497.5, 1498.5, 1499.5, 1500.5, 1501.5}));
  EXPECT_EQ(mean(x, {{1}}).distribution(), row_distribution({600}, x.comm()));
  EXPECT_EQ((x - means).distribution(), x.distribution());
  EXPECT_EQ(host<std::int64_t>(argmax(x))[0], 2999);
}

// One function of an Operand, and the C library's.
template <class T>
struct Approximated {
  const char* name;
  Array (*array)(const Operand&);
  T (*number)(T);
};

template <class T>
void expect_approximated() {
  const std::array<Approximated<T>, 12> all = {{{"acosh", acosh, std::acosh},
                                                {"asinh", asinh, std::asinh},
                                                {"atan", atan, std::atan},
                                                {"cos", cos, std::cos},
                                                {"cosh", cosh, std::cosh},
                                                {"exp", exp, std::exp},
                                                {"expm1", expm1, std::expm1},
                                                {"log", log, std::log},
                                                {"log1p", log1p, std::log1p},
                                                {"sin", sin, std::sin},
                                                {"sinh", sinh, std::sinh},
                                                {"tanh", tanh, std::tanh}}};
  using Limits = std::numeric_limits<T>;
  std::vector<T> values = {0,
                           T(-0.0),
                           1,
                           -1,
                           Limits::infinity(),
                           -Limits::infinity(),
                           Limits::quiet_NaN(),
                           Limits::max(),
                           Limits::lowest(),
                           Limits::min(),
                           Limits::denorm_min(),
                           T(709.9),
                           T(-710.4),
                           T(88.8),
                           T(-89.3)};
  for (int e = Limits::min_exponent; e < Limits::max_exponent; e += 7)
    for (const T sign : {T(1), T(-1)}) values.push_back(sign * std::ldexp(T(0.7), e));
  const auto comm = Communicator::world();
  const auto n = std::ssize(values);
  const Array x = replicated(values, {n}, comm);
  for (const auto& f : all) {
    const Array together = gather(f.array(x));
    for (std::int64_t i = 0; i < n; ++i) {
      const T v = values[static_cast<std::size_t>(i)], want = f.number(v);
      const T got = together.template values<T>()[static_cast<std::size_t>(i)];
      SCOPED_TRACE(testing::Message() << f.name << " of " << v);
      // In a vector of its own, in another place.
      const Array alone = gather(f.array(replicated(std::vector<T>{v}, {1}, comm)));
      EXPECT_EQ(std::memcmp(&got, alone.template values<T>().data(), sizeof(T)), 0);
      if (std::isnan(want) || std::isinf(want) || want == 0) {
        EXPECT_TRUE(std::isnan(want) ? std::isnan(got)
                                     : got == want && std::signbit(got) == std::signbit(want))
            << got << " for " << want;
      } else {
        EXPECT_NEAR(got, want, 2 * (std::abs(want) * Limits::epsilon() + Limits::denorm_min()));
      }
    }
  }
}

TEST(Standard, ApproximatesInAllOfTheRangeAndWhereverAnElementSits) {
  expect_approximated<double>();
  expect_approximated<float>();
}

TEST(Standard, EveryFunctionOfArraysIsAnOperation) {
  register_array_operations();
  const std::set<std::string> local = {"can_cast", "next_fast_len", "prev_fast_len", "fhtoffset"};
  std::set<std::string> operations;
  for (const Support& s : support_table()) operations.insert(s.operation);
  for (const ArrayFunction& f : array_functions()) {
    const std::string space = f.space.empty() ? "" : f.space + ".";
    EXPECT_EQ(operations.contains("array." + space + f.name), !local.contains(f.name)) << f.name;
  }
}

TEST(Standard, ABackendTakesAFunctionWhole) {
  const auto sort = std::ranges::find(array_functions(), "sort", &ArrayFunction::name);
  const std::vector<Argument> values = {arange(0, 700, 1, DType::float64), Scalar(-1), Scalar(true),
                                        Scalar(true)};
  const ArrayArguments in("sort", sort->parameters, values);
  EXPECT_EQ(host<double>(std::get<Array>(sort->call(in)))[0], 699);
  install(Backend("sizes", Device::Kind::cpu)
              .implement(ArrayOperation::composed_of("array.sort", nullptr), {DType::float64},
                         [](const ArrayArguments& given) -> Argument {
                           return Scalar(given.array(0).size());
                         }));
  EXPECT_EQ(std::get<std::int64_t>(std::get<Scalar>(sort->call(in)).value()), 700);
  const auto guard = skip("sizes");
  EXPECT_EQ(host<double>(std::get<Array>(sort->call(in)))[0], 699);
}

}  // namespace
}  // namespace tessera
