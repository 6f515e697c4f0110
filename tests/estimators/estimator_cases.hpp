#pragma once
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <tessera/estimators/registry.hpp>
#include <tessera/estimators/roles.hpp>
#include <tessera/runtime/rows.hpp>

#include "support/near.hpp"

namespace tessera::test {

inline std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The threads of this process while it lives.
struct Threads {
  explicit Threads(int n) { Runtime::set_threads(n); }
  ~Threads() { Runtime::set_threads(1); }
  Threads(const Threads&) = delete;
};

/// Data that an estimator of any class can be fitted with, as its role and tags say.
struct Suited {
  Array x;  ///< (n, p) numbers > 0, of which whole ones are categories; or (n,) labels
  Array y;  ///< (n,) classes or numbers > 0; two columns of those for several targets
};
inline Suited suited(const Estimator& e, std::int64_t n, std::int64_t p) {
  const Tags& tags = e.type().tags();
  const bool whole = tags.categorical || tags.input == Input::categories;
  const bool classes = e.needs_y() && !dynamic_cast<const Regressor*>(&e);
  const Array y = make<double>(tags.several_targets ? Shape{n, 2} : Shape{n}, [&](std::int64_t i) {
    return classes || tags.input == Input::labels ? double(i % 2) : 0.5 + unit(i, 3);
  });
  if (tags.input == Input::labels) return {y, y};
  return {make<double>({n, p},
                       [&](std::int64_t i) {
                         return double(1 + i % 3) + (whole ? double(i % 2) : unit(i));
                       }),
          y};
}

/// The same rows without an array behind them, as if they came from a file.
inline Rows streamed(const Rows& x) {
  return map_rows(x, x.shape(), x.dtype(), [](const Leaf& in, const Tile& out, Stream&) {
    const auto row = static_cast<std::size_t>(out.cols) * size_of(out.dtype);
    for (std::int64_t i = 0; i < out.rows; ++i)
      std::memcpy(out.slice(i, 1).data, in.tile.slice(i, 1).data, row);
  });
}

/// Values as text.
inline std::string printed(const Values& values) {
  std::string text;
  for (const auto& [name, value] : values)
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value.to_string());
  return text;
}

/// All bytes of an array, its dtype and shape.
inline std::string bits_of(const Array& x) {
  if (!x) return "no array";
  const Array all = gather(x).to(cpu);
  std::string text = fmt::format("{} {} ", to_string(x.shape()), name_of(x.dtype()));
  return text.append(static_cast<const char*>(all.local().data),
                     static_cast<std::size_t>(x.size()) * size_of(x.dtype()));
}
inline std::string bits_of(double v) { return {reinterpret_cast<const char*>(&v), sizeof v}; }
inline std::string bits_of(const Value& v) {
  if (v.is<Array>()) return bits_of(v.as<Array>());
  if (v.is<double>()) return "float " + bits_of(v.as<double>());
  return v.to_string();
}

/// Named pieces of a result, to be compared bit by bit.
using Fingerprint = std::vector<std::pair<std::string, std::string>>;

inline void expect_same_bits(const Fingerprint& got, const Fingerprint& want,
                             const std::string& text) {
  EXPECT_EQ(got.size(), want.size()) << text;
  for (std::size_t i = 0; i < std::min(got.size(), want.size()); ++i)
    EXPECT_TRUE(got[i] == want[i]) << text << ": " << got[i].first << " differs";
}

/// Fits and calls every method; what an estimator has no method for is part of the result.
inline Fingerprint fit_and_use(Estimator& e, const Rows& x, const Array& y = {},
                               const Array& weights = {}) {
  Fingerprint f;
  const auto attempt = [&](const char* name, const std::function<std::string()>& call) {
    try {
      f.emplace_back(name, call());
    } catch (const Error& error) {
      const std::string text = error.what();  // with the rank that found it, if there are several
      f.emplace_back(name,
                     fmt::format("{}: {}", error.kind(), text.substr(0, text.find(" (rank "))));
    }
  };
  e.fit(x, y, weights);
  for (const auto& [name, value] : e.model().attributes) f.emplace_back(name, bits_of(value));
  f.emplace_back("labels", bits_of(e.labels()));
  attempt("predict", [&] { return bits_of(e.predict(x)); });
  attempt("transform", [&] { return bits_of(e.transform(x)); });
  attempt("inverse_transform", [&] { return bits_of(e.inverse_transform(e.transform(x))); });
  attempt("score", [&] { return bits_of(e.score(x, y)); });
  attempt("weighted score", [&] { return bits_of(e.score(x, y, weights)); });
  return f;
}

/// The contents of a replicated or row-distributed array in float64, on every process.
inline std::vector<double> numbers(const Array& x) {
  const Array all = gather(x).astype(DType::float64);
  return {all.values<double>().begin(), all.values<double>().end()};
}
inline std::vector<double> numbers(const Value& v) { return numbers(v.as<Array>()); }

inline void expect_numbers(const std::vector<double>& got, const std::vector<double>& want,
                           double tolerance, const std::string& text = {}) {
  ASSERT_EQ(got.size(), want.size()) << text;
  double worst = 0;
  std::size_t where = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    if (const double d = difference(got[i], want[i]); d > worst) {
      worst = d;
      where = i;
    }
  EXPECT_LE(worst, tolerance) << text << ": value " << where << " is " << got[where]
                              << " instead of " << want[where];
}

/// A row-distributed array with given contents.
template <class T = double>
Array array_of(std::initializer_list<double> values, Shape shape,
               const Communicator& comm = Communicator::world()) {
  const std::vector<double> v(values);
  return make<T>(
      shape, [&](std::int64_t i) { return static_cast<T>(v[z(i)]); }, comm);
}

}  // namespace tessera::test
