#include <tessera/estimators/targets.hpp>

#include <gtest/gtest.h>

#include <limits>

#include "support/near.hpp"

namespace tessera {
namespace {

using Words = std::vector<std::string>;

Communicator world() { return Communicator::world(); }
std::string on_rank(const std::string& text, int rank) {
  return world().size() == 1 ? text : text + " (rank " + std::to_string(rank) + ")";
}

// Labels i % k of a row i, by `label`; each of them there.
template <class T, class F>
void check_numbers(const F& label, std::int64_t k) {
  for (const std::int64_t n : {k, std::int64_t{257}, std::int64_t{2048}}) {
    const Array x = test::make<float>({n, 2});
    const Array y = test::make<T>({n}, [&](auto i) { return label(i % k); });
    const Classes c = encode_classes(y, x, "Tiny");
    const Array& values = c.values.as<Array>();
    EXPECT_EQ(values.distribution().kind(), Distribution::Kind::replicated);
    EXPECT_EQ(class_count(c.values), k);
    test::expect_elements<T>(values, label);
    EXPECT_TRUE(c.codes.distribution() == x.distribution());
    test::expect_elements<std::int32_t>(c.codes,
                                        [&](auto i) { return static_cast<std::int32_t>(i % k); });
    test::expect_elements<T>(collect(decode_classes(c.codes, c.values)),
                             [&](auto i) { return label(i % k); });
    // The same among known classes, also from another dtype.
    const Classes again = encode_classes(y, x, "Tiny", c.values);
    test::expect_same<std::int32_t>(again.codes, c.codes);
    require_known_labels(y, again, "Tiny");
  }
}

TEST(Classes, KeepTheDtypeOfLabels) {
  check_numbers<std::int8_t>([](auto i) { return std::int8_t(i - 1); }, 3);
  check_numbers<std::int32_t>([](auto i) { return std::int32_t(i * 1000 - 5); }, 4);
  check_numbers<bool>([](auto i) { return i == 1; }, 2);
  check_numbers<float>([](auto i) { return float(i) - 1; }, 3);
  check_numbers<double>([](auto i) { return double(i * i); }, 3);
  // What float32 or float64 would merge.
  check_numbers<std::int64_t>([](auto i) { return 16777216 + i; }, 3);
  check_numbers<std::int64_t>([](auto i) { return (std::int64_t{1} << 53) + i; }, 3);
  check_numbers<std::uint64_t>(
      [](auto i) { return std::numeric_limits<std::uint64_t>::max() - 2 + std::uint64_t(i); }, 3);
}

TEST(Classes, OfText) {
  const Array x = test::make<double>({700, 2});
  // Not in order, twice the same, and some that do not occur.
  const Words words = {"virginica", "unused", "setosa", "versicolor", "setosa"};
  const std::vector<std::int64_t> used = {0, 2, 3, 4};
  const auto code = [&](std::int64_t i) { return used[static_cast<std::size_t>(i % 4)]; };
  const Array y = test::make<std::int64_t>({700}, code).categorized(words);
  const Classes c = encode_classes(y, x, "Tiny");
  const Words names = {"setosa", "versicolor", "virginica"};
  EXPECT_EQ(c.values.as<Words>(), names);
  const std::vector<std::int32_t> expected = {2, 0, 1, 0};
  test::expect_elements<std::int32_t>(
      c.codes, [&](auto i) { return expected[static_cast<std::size_t>(i % 4)]; });
  const Rows back = decode_classes(c.codes, c.values);
  EXPECT_EQ(back.categories(), names);
  const Classes again = encode_classes(collect(back), x, "Tiny", c.values);
  test::expect_same<std::int32_t>(again.codes, c.codes);
  const Classes fewer = encode_classes(y, x, "Tiny", Words{"setosa", "zebra"});
  test::expect_elements<std::int32_t>(
      fewer.codes, [&](auto i) { return expected[static_cast<std::size_t>(i % 4)] == 0 ? 0 : -1; });
  test::expect_error<ValueError>(
      [&] { require_known_labels(y, fewer, "Tiny"); },
      "y holds 'virginica' at row 0, which is none of the classes that Tiny was first given");
}

TEST(Classes, RefuseWhatIsNoLabel) {
  const Array x = zeros({300, 2});
  const auto encode = [&](const Array& y) { encode_classes(y, x, "Tiny"); };
  test::expect_error<ValueError>([&] { encode(zeros({299})); },
                                 "X and y have different numbers of samples: 300 and 299");
  test::expect_error<ValueError>(
      [&] {
        encode(zeros({300, 2}));
      },
      "y should be a 1d array, got an array of shape (300, 2) instead: "
      "Tiny needs one label for each row");
  test::expect_error<ValueError>(
      [&] { encode(zeros({300}, DType::complex64)); },
      "Complex data not supported: y is complex64, Tiny takes real numbers");
  const auto odd = [&](double v) {
    return test::make<double>({300}, [v](auto i) { return i == 299 ? v : 1.0; });
  };
  const int last = odd(0).distribution().owner_of_row(299);
  test::expect_error<ValueError>(
      [&] { encode(odd(0.5)); },
      on_rank("Unknown label type: continuous. Tiny learns classes, but y holds 0.5 at row 299; a "
              "regressor learns numbers",
              last));
  test::expect_error<ValueError>(
      [&] { encode(odd(std::numeric_limits<double>::quiet_NaN())); },
      on_rank("Input y contains NaN at row 299, column 0 (Tiny).", last));
  test::expect_error<ValueError>(
      [&] { encode_classes(zeros({300}, DType::int64), x, "Tiny", Words{"a"}); },
      "y holds numbers, but the classes of Tiny are text");
  const Array numbers = replicated(std::vector<std::int64_t>{1, 2}, {2}, world());
  test::expect_error<ValueError>(
      [&] { encode_classes(zeros({300}, DType::int64).categorized({"a"}), x, "Tiny", numbers); },
      "y holds text, but the classes of Tiny are numbers");
  const Array y = test::make<float>({300}, [](auto i) { return i == 270 ? 7.0F : 1.0F; });
  const Classes c = encode_classes(y, x, "Tiny", numbers);
  test::expect_elements<std::int32_t>(c.codes, [](auto i) { return i == 270 ? -1 : 0; });
  test::expect_error<ValueError>(
      [&] { require_known_labels(y, c, "Tiny"); },
      "y holds 7 at row 270, which is none of the classes that Tiny was first given");
}

TEST(Accuracy, OfNumbersAndText) {
  const std::int64_t n = 700;
  const Array p = test::make<std::int64_t>({n}, [](auto i) { return i % 4; });
  const Array y = test::make<float>({n}, [](auto i) { return i % 4 == 3 ? 9.0F : float(i % 4); });
  EXPECT_EQ(accuracy(p, y, {}).share(), 0.75);
  EXPECT_EQ(accuracy(p, y.reshape({n, 1}), {}).share(), 0.75);
  const Array w = test::make<double>({n}, [](auto i) { return i % 4 == 3 ? 5.0 : 1.0; });
  EXPECT_EQ(accuracy(p, y, w).share(), 3.0 / 8.0);
  const Array words = p.categorized({"a", "b", "c", "d"});
  const Array others = p.categorized({"b", "a", "c", "e"});
  EXPECT_EQ(accuracy(words, words, {}).share(), 1.0);
  EXPECT_EQ(accuracy(words, others, {}).share(), 0.25);
  test::expect_error<ValueError>([&] { accuracy(words, y, {}); },
                                 "y holds numbers, but the predictions are text");
}

TEST(Classes, WeightsOfRows) {
  const std::int64_t n = 700;  // classes of 175, 525
  const Array x = test::make<float>({n, 2});
  const Array y = test::make<std::int64_t>({n}, [](auto i) { return i % 4 == 0 ? 0 : 1; });
  const Classes c = encode_classes(y, x, "Tiny");
  EXPECT_EQ(class_weight_sums(c, {}), (std::vector<double>{175, 525}));
  const Array w = full({n}, 2, DType::float32);
  EXPECT_EQ(class_weight_sums(c, w), (std::vector<double>{350, 1050}));
  EXPECT_FALSE(with_class_weight({}, c, {}, x));
  EXPECT_EQ(with_class_weight({}, c, w, x).local().data, w.local().data);
  for (const Array& own : {Array{}, w}) {
    const double times = own ? 2.0 : 1.0;
    test::expect_elements<float>(with_class_weight("balanced", c, own, x), [&](auto i) {
      return static_cast<float>(times * (i % 4 == 0 ? 2.0 : 2.0 / 3.0));
    });
    const Array given = replicated(std::vector<double>{3, 0.5}, {2}, world());
    test::expect_elements<float>(with_class_weight(given, c, own, x), [&](auto i) {
      return static_cast<float>(times * (i % 4 == 0 ? 3.0 : 0.5));
    });
  }
  test::expect_error<ValueError>(
      [&] { with_class_weight("heavy", c, {}, x); },
      "class_weight must be None, 'balanced', a mapping of labels to weights "
      "or 2 weights, got 'heavy'");
  // By label; labels that are no classes are ignored where all classes have weights.
  const auto& values = c.values.as<Array>();
  const auto label = [&](std::size_t i) {
    return static_cast<double>(values.astype(DType::float64).values<double>()[i]);
  };
  const auto expect = [](const Array& weights, double low, double high) {
    test::expect_elements<float>(
        weights, [&](auto i) { return static_cast<float>(i % 4 == 0 ? low : high); });
  };
  const Mapping both = {{{label(0), 3}, {label(1), 0.5}, {99, 7}}};
  expect(with_class_weight(both, c, {}, x), 3.0, 0.5);
  expect(with_class_weight(Mapping{{{label(1), 0.5}}}, c, {}, x), 1.0, 0.5);
  const Classes text{Words{"no", "yes"}, c.codes};
  expect(with_class_weight(Mapping{{{"yes", 2}, {"no", 0}}}, text, {}, x), 0.0, 2.0);
  test::expect_error<ValueError>(
      [&] {
        with_class_weight(Mapping{{{"yes", 2}, {"No", 1}}}, text, {}, x);
      },
      "The classes, ['no'], are not in class_weight, which is {'yes': 2, 'No': 1}");
  test::expect_error<ValueError>(
      [&] {
        with_class_weight(Mapping{{{"yes", -2}}}, text, {}, x);
      },
      "class_weight must hold finite weights of 0 and more, got -2");
  test::expect_error<ValueError>(
      [&] {
        with_class_weight(Mapping{{{"yes", "much"}}}, text, {}, x);
      },
      "class_weight must map labels to weights, got {'yes': 'much'}");
}

}  // namespace
}  // namespace tessera
