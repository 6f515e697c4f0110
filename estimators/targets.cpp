#include <tessera/estimators/targets.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <span>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/array/unique.hpp>
#include <tessera/estimators/estimator.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

using Words = std::vector<std::string>;

Array as_x_lies(const Array& codes, const Rows& x) {
  return redistribute(codes, x.distribution()).to(x.device());
}

// table[i] for each i of an integer vector, -1 for an i beyond; in host memory as y lies.
Array looked_up(const Array& y, const std::vector<std::int32_t>& table) {
  Array out = detail::allocate(y.shape(), DType::int32, y.distribution(), y.comm());
  const Array here = y.to(cpu).astype(DType::int64);
  const auto* from = here.local().as<const std::int64_t>();
  auto* to = out.local().as<std::int32_t>();
  for (std::int64_t i = 0; i < out.local().rows; ++i)
    to[i] =
        from[i] >= 0 && from[i] < std::ssize(table) ? table[static_cast<std::size_t>(from[i])] : -1;
  return out;
}

// The first column of a tile of real numbers; nothing of no tile.
template <class To>
std::vector<To> numbers(const Tile& t) {
  std::vector<To> all(static_cast<std::size_t>(t ? t.rows : 0));
  if (!t) return all;
  visit(t.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>)
      for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = static_cast<To>(t.as<const T>()[static_cast<std::int64_t>(i) * t.stride]);
  });
  return all;
}

// Exact for every dtype: integers of 64 bits fit.
std::vector<long double> wide(const Array& values) {
  std::vector<long double> all;
  visit(values.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>)
      for (const T v : values.values<T>()) all.push_back(static_cast<long double>(v));
  });
  return all;
}

std::optional<long double> number(const Value& value) {
  if (value.is<bool>()) return value.as<bool>();
  if (value.is<std::int64_t>()) return value.as<std::int64_t>();
  if (value.is<double>()) return value.as<double>();
  return std::nullopt;
}

std::string word(const Array& values, std::int64_t i) {
  std::string text;
  visit(values.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>)
      text = fmt::format("{}", values.values<T>()[static_cast<std::size_t>(i)]);
  });
  return text;
}

// The weight of each class, 1 where none is given. As in scikit-learn, a label that is none of the
// classes is an error only where a class has no weight: it may be that class, misspelt.
std::vector<double> weights_by_label(const Mapping& given, const Value& classes) {
  const auto k = static_cast<std::size_t>(class_count(classes));
  std::vector<double> weights(k, 1.0);
  std::vector<bool> has(k);
  bool others = false;
  for (const auto& [label, value] : given.items) {
    const auto weight = number(value);
    if (!weight || (!number(label) && !label.is<std::string>()))
      throw ValueError(
          fmt::format("class_weight must map labels to weights, got {}", Value(given).to_string()));
    const auto code = code_of(label, classes);
    others |= !code;
    if (!code) continue;
    weights[static_cast<std::size_t>(*code)] = static_cast<double>(*weight);
    has[static_cast<std::size_t>(*code)] = true;
  }
  if (others && std::count(has.begin(), has.end(), true) < std::ssize(has)) {
    Words without;
    for (std::size_t i = 0; i < k; ++i)
      if (!has[i])
        without.push_back(classes.is<Words>()
                              ? "'" + classes.as<Words>()[i] + "'"
                              : word(classes.as<Array>(), static_cast<std::int64_t>(i)));
    throw ValueError(fmt::format("The classes, [{}], are not in class_weight, which is {}",
                                 fmt::join(without, ", "), Value(given).to_string()));
  }
  return weights;
}

}  // namespace

Array detail::labels_of(const Array& given, const Rows& x, std::string_view estimator) {
  if (given.rows() != x.rows())
    throw ValueError(fmt::format("X and y have different numbers of samples: {} and {}", x.rows(),
                                 given.rows()));
  if (given.ndim() < 1 || given.ndim() > 2 || given.cols() != 1)
    throw ValueError(
        fmt::format("y should be a 1d array, got an array of shape {} instead: {} needs one label "
                    "for each row",
                    to_string(given.shape()), estimator));
  if (is_complex(given.dtype()))
    throw ValueError(fmt::format("Complex data not supported: y is {}, {} takes real numbers",
                                 name_of(given.dtype()), estimator));
  if (given.ndim() == 2)
    warn(fmt::format("{} expects labels of shape (n,), y is a column of shape {}", estimator,
                     to_string(given.shape())),
         "DataConversionWarning");
  Array y = given.reshape({given.rows()});
  if (!is_floating(y.dtype())) return y;
  const Rows rows = Rows(y).to(cpu);
  together(y.comm(), [&] {
    rows.for_each_leaf([&](const Leaf& leaf, Stream&) {
      require_finite(leaf, "y", estimator);
      visit_floating(leaf.tile.dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
          if (const T v = leaf.tile.as<const T>()[i]; v != std::floor(v))
            throw ValueError(
                fmt::format("Unknown label type: continuous. {} learns classes, but y holds {} at "
                            "row {}; a regressor learns numbers",
                            estimator, v, leaf.rows.begin + i));
      });
    });
  });
  return y;
}

std::int64_t class_count(const Value& classes) {
  if (classes.is<Words>()) return std::ssize(classes.as<Words>());
  return classes.is<Array>() ? classes.as<Array>().rows() : 0;
}

Value sorted_classes(const Value& classes) {
  if (classes.is<Words>()) {
    const std::set<std::string> words(classes.as<Words>().begin(), classes.as<Words>().end());
    if (!words.empty()) return Words(words.begin(), words.end());
  }
  if (classes.is<Array>() && classes.as<Array>().ndim() == 1 && classes.as<Array>().rows() > 0 &&
      !is_complex(classes.as<Array>().dtype()))
    return encode_classes(classes.as<Array>(), classes.as<Array>(), "classes").values;
  throw ValueError(fmt::format("classes must be a vector of labels or a list of strings, got {}",
                               classes.to_string()));
}

std::optional<std::int32_t> code_of(const Value& label, const Value& classes) {
  const auto at = [](const auto& known, const auto& wanted) -> std::optional<std::int32_t> {
    const auto found = std::ranges::find(known, wanted);
    if (found == known.end()) return {};
    return static_cast<std::int32_t>(found - known.begin());
  };
  if (classes.is<Words>())
    return label.is<std::string>() ? at(classes.as<Words>(), label.as<std::string>())
                                   : std::nullopt;
  const auto key = number(label);
  return key ? at(wide(classes.as<Array>()), *key) : std::nullopt;
}

bool same_classes(const Value& a, const Value& b) {
  if (a.is<Words>() || b.is<Words>())
    return a.is<Words>() && b.is<Words>() && a.as<Words>() == b.as<Words>();
  return wide(a.as<Array>()) == wide(b.as<Array>());
}

Classes encode_classes(const Array& given, const Rows& x, std::string_view estimator) {
  const Array y = detail::labels_of(given, x, estimator);
  const Unique found = unique(y, {.inverse = true});
  const Array values = gather(found.values).to(cpu);
  if (values.rows() > std::numeric_limits<std::int32_t>::max())
    throw ValueError(
        fmt::format("y has {} different labels, too many to be classes", values.rows()));
  if (y.categories().empty())
    return {values, as_x_lies(found.inverse.to(cpu).astype(DType::int32), x)};
  // Of text those that occur, in the order of their letters.
  const Array present = values.astype(DType::int64);
  std::vector<std::pair<std::string, std::int64_t>> words;
  for (const std::int64_t c : present.values<std::int64_t>()) {
    if (c < 0 || c >= std::ssize(y.categories()))
      throw ValueError(fmt::format("y has a code {}, but {} categories", c, y.categories().size()));
    words.emplace_back(y.categories()[static_cast<std::size_t>(c)], std::ssize(words));
  }
  std::sort(words.begin(), words.end());
  std::vector<std::int32_t> place(words.size());
  Words names;
  for (const auto& [name, at] : words) {
    if (names.empty() || names.back() != name) names.push_back(name);
    place[static_cast<std::size_t>(at)] = static_cast<std::int32_t>(names.size()) - 1;
  }
  return {names, as_x_lies(looked_up(found.inverse, place), x)};
}

Classes encode_classes(const Array& given, const Rows& x, std::string_view estimator,
                       const Value& classes) {
  const Array y = detail::labels_of(given, x, estimator);
  const bool text = classes.is<Words>();
  if (text == y.categories().empty())
    throw ValueError(fmt::format("y holds {}, but the classes of {} are {}",
                                 text ? "numbers" : "text", estimator, text ? "text" : "numbers"));
  if (text) {
    const auto& names = classes.as<Words>();
    std::vector<std::int32_t> place;
    for (const auto& category : y.categories()) {
      const auto at = std::lower_bound(names.begin(), names.end(), category);
      place.push_back(at != names.end() && *at == category
                          ? static_cast<std::int32_t>(at - names.begin())
                          : -1);
    }
    return {classes, as_x_lies(looked_up(y, place), x)};
  }
  const auto known = wide(classes.as<Array>());
  const Array here = y.to(cpu);
  const Array codes = detail::allocate(y.shape(), DType::int32, y.distribution(), y.comm());
  auto* to = codes.local().as<std::int32_t>();
  visit(y.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>)
      for (std::int64_t i = 0; i < here.local().rows; ++i) {
        const auto v = static_cast<long double>(here.local().template as<const T>()[i]);
        const auto at = std::lower_bound(known.begin(), known.end(), v);
        to[i] = at != known.end() && *at == v ? static_cast<std::int32_t>(at - known.begin()) : -1;
      }
  });
  return {classes, as_x_lies(codes, x)};
}

void require_comparable(const Array& y_true, const Array& y_pred) {
  if (y_true.rows() != y_pred.rows())
    throw ValueError(
        fmt::format("Found input variables with inconsistent numbers of samples: "
                    "[{}, {}] of y_true and y_pred",
                    y_true.rows(), y_pred.rows()));
  if (y_true.rows() == 0) throw ValueError("y_true and y_pred have no rows");
  if (y_true.categories().empty() != y_pred.categories().empty())
    throw ValueError(
        fmt::format("Labels in y_true and y_pred should be of the same type: one holds "
                    "{}, the other {}",
                    y_true.categories().empty() ? "numbers" : "text",
                    y_true.categories().empty() ? "text" : "numbers"));
}

std::pair<Classes, Classes> encode_together(const Array& y_true, const Array& y_pred) {
  require_comparable(y_true, y_pred);
  Classes truth = encode_classes(y_true, y_true, "y_true");
  Classes predicted = encode_classes(y_pred, y_true, "y_pred");
  if (same_classes(truth.values, predicted.values)) return {std::move(truth), std::move(predicted)};
  Value all;
  if (truth.values.is<Words>()) {
    std::set<std::string> words;
    for (const Value* v : {&truth.values, &predicted.values})
      words.insert(v->as<Words>().begin(), v->as<Words>().end());
    all = Words(words.begin(), words.end());
  } else {
    const Array &a = truth.values.as<Array>(), &b = predicted.values.as<Array>();
    const auto fits = [](const Array& from, DType dtype) {
      return wide(from) == wide(from.astype(dtype));
    };
    const DType dtype = a.dtype() == b.dtype() || fits(b, a.dtype()) ? a.dtype()
                        : fits(a, b.dtype())                         ? b.dtype()
                                                                     : DType::float64;
    std::set<long double> values;
    for (const Array& some : {a, b})
      for (const long double v : wide(some)) values.insert(v);
    const DType built = dtype == DType::boolean ? DType::uint8 : dtype;
    visit(built, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
        std::vector<T> labels;
        for (const long double v : values) labels.push_back(static_cast<T>(v));
        all = replicated(labels, {std::ssize(labels)}, y_true.comm()).astype(dtype);
      }
    });
  }
  return {encode_classes(y_true, y_true, "y_true", all),
          encode_classes(y_pred, y_true, "y_pred", all)};
}

void require_known_labels(const Array& y, const Classes& classes, std::string_view estimator) {
  const Array unknown = classes.codes.to(cpu) < 0;
  if (!any(unknown).values<bool>()[0]) return;
  const std::int64_t row = argmax(unknown).values<std::int64_t>()[0];
  const std::vector<std::int64_t> rows = {row};
  const Array label = take_rows(y, rows);
  const std::string shown = y.categories().empty()
                                ? word(label.reshape({1}), 0)
                                : "'" +
                                      y.categories()[static_cast<std::size_t>(
                                          label.astype(DType::int64).values<std::int64_t>()[0])] +
                                      "'";
  throw ValueError(
      fmt::format("y holds {} at row {}, which is none of the classes that {} was first given",
                  shown, row, estimator));
}

Accuracy accuracy(const Rows& predicted, const Array& given, const Array& sample_weight) {
  const auto& names = predicted.categories();
  if (names.empty() != given.categories().empty())
    throw ValueError(fmt::format("y holds {}, but the predictions are {}",
                                 names.empty() ? "text" : "numbers",
                                 names.empty() ? "numbers" : "text"));
  std::vector<std::int64_t> place;  // of each word among those of the predictions
  for (const auto& category : names.empty() ? Words{} : given.categories()) {
    const auto at = std::find(names.begin(), names.end(), category);
    place.push_back(at == names.end() ? -1 : at - names.begin());
  }
  const auto same = [](const auto& a, const auto& b, const std::vector<double>& w) {
    double right = 0.0;
    std::int64_t count = 0;
    if (w.empty())
      for (std::size_t i = 0; i < a.size(); ++i) count += a[i] == b[i];
    for (std::size_t i = 0; i < w.size(); ++i) right += a[i] == b[i] ? w[i] : 0.0;
    return right + static_cast<double>(count);
  };
  const auto right = [&](const Tile& labels, const Tile& y, const std::vector<double>& w) {
    if (!names.empty()) {
      auto words = numbers<std::int64_t>(y);
      for (auto& code : words)
        code = code >= 0 && code < std::ssize(place) ? place[static_cast<std::size_t>(code)] : -1;
      return same(numbers<std::int64_t>(labels), words, w);
    }
    if (labels.dtype != y.dtype || labels.stride != 1 || y.stride != 1)
      return same(numbers<long double>(labels), numbers<long double>(y), w);
    double count = 0.0;
    visit(y.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto n = static_cast<std::size_t>(y.rows);
      if constexpr (std::is_arithmetic_v<T>)
        count = same(std::span(labels.as<const T>(), n), std::span(y.as<const T>(), n), w);
    });
    return count;
  };
  const auto sums =
      reduce<Sums>(zip(predicted.to(cpu), {given.reshape({given.rows()}), sample_weight}),
                   [&](const Leaf& leaf, Stream&) {
                     const auto w = numbers<double>(leaf.beside[1]);
                     const double all = w.empty() ? static_cast<double>(leaf.tile.rows)
                                                  : std::accumulate(w.begin(), w.end(), 0.0);
                     return Sums{{right(leaf.tile, leaf.beside[0], w), all}};
                   });
  return sums.values.empty() ? Accuracy{} : Accuracy{sums.values[0], sums.values[1]};
}

Rows decode_classes(const Rows& codes, const Value& classes) {
  if (classes.is<Words>()) return codes.categorized(classes.as<Words>());
  const Array& values = classes.as<Array>();
  return map_rows(
             codes.to(cpu), codes.shape(), values.dtype(),
             [values](const Leaf& in, const Tile& out, Stream&) {
               visit(values.dtype(), [&](auto tag) {
                 using T = typename decltype(tag)::type;
                 for (std::int64_t i = 0; i < in.tile.rows; ++i)
                   out.as<T>()[i] =
                       values.local().template as<const T>()[in.tile.as<const std::int32_t>()[i]];
               });
             })
      .to(codes.device());
}

std::vector<double> class_weight_sums(const Classes& classes, const Array& sample_weight) {
  const auto k = static_cast<std::size_t>(class_count(classes.values));
  auto sums = reduce<Sums>(
      zip(Rows(classes.codes.to(cpu)), {sample_weight}), [&](const Leaf& leaf, Stream&) {
        Sums s{std::vector<double>(k)};
        const Tile& weights = leaf.beside[0];
        const auto* code = leaf.tile.as<const std::int32_t>();
        const auto add = [&](auto weight) {
          for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
            if (code[i] >= 0) s.values[static_cast<std::size_t>(code[i])] += weight(i);
        };
        if (!weights) {
          add([](std::int64_t) { return 1.0; });
          return s;
        }
        visit_floating(weights.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          add([&](std::int64_t i) { return static_cast<double>(weights.as<const T>()[i]); });
        });
        return s;
      });
  sums.values.resize(k);
  return sums.values;
}

std::vector<double> weights_of_classes(const Value& class_weight, const Classes& classes,
                                       const Array& sample_weight) {
  const std::int64_t k = class_count(classes.values);
  std::vector<double> of_class(static_cast<std::size_t>(k), 1.0);
  if (class_weight.is_none()) return of_class;
  if (class_weight.is_word("balanced")) {
    of_class = class_weight_sums(classes, sample_weight);
    const double all = std::accumulate(of_class.begin(), of_class.end(), 0.0);
    for (double& w : of_class) w = w > 0 ? all / (static_cast<double>(k) * w) : 0.0;
  } else if (class_weight.is<Array>() && class_weight.as<Array>().size() == k) {
    const Array given = gather(class_weight.as<Array>()).to(cpu).astype(DType::float64);
    of_class.assign(given.values<double>().begin(), given.values<double>().end());
  } else if (class_weight.is<Mapping>()) {
    of_class = weights_by_label(class_weight.as<Mapping>(), classes.values);
  } else {
    throw ValueError(
        fmt::format("class_weight must be None, 'balanced', a mapping of labels to weights or {} "
                    "weights, got {}",
                    k, class_weight.to_string()));
  }
  for (const double w : of_class)
    if (!(w >= 0 && std::isfinite(w)))
      throw ValueError(
          fmt::format("class_weight must hold finite weights of 0 and more, got {}", w));
  return of_class;
}

std::vector<double> class_priors(const Value& given, const std::vector<double>& weights,
                                 std::string_view estimator) {
  std::vector<double> priors = given.is_none() ? weights : detail::doubles(given);
  if (priors.size() != weights.size())
    throw ValueError(fmt::format("{}: Number of priors must match number of classes: {} and {}.",
                                 estimator, priors.size(), weights.size()));
  const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (given.is_none())
    for (double& v : priors) v /= all;
  return priors;
}

Array with_class_weight(const Value& class_weight, const Classes& classes,
                        const Array& sample_weight, const Rows& x) {
  if (class_weight.is_none()) return sample_weight;
  const auto of_class = weights_of_classes(class_weight, classes, sample_weight);
  return collect(map_rows(zip(Rows(classes.codes.to(cpu)), {sample_weight}), {x.rows()}, x.dtype(),
                          [of_class](const Leaf& in, const Tile& out, Stream&) {
                            const auto* code = in.tile.as<const std::int32_t>();
                            const Tile& own = in.beside[0];
                            visit_floating(out.dtype, [&](auto tag) {
                              using T = typename decltype(tag)::type;
                              for (std::int64_t i = 0; i < out.rows; ++i) {
                                const double w =
                                    code[i] < 0 ? 0.0 : of_class[static_cast<std::size_t>(code[i])];
                                out.as<T>()[i] = static_cast<T>(
                                    w * (own ? static_cast<double>(own.as<const T>()[i]) : 1.0));
                              }
                            });
                          }))
      .to(x.device());
}

}  // namespace tessera
