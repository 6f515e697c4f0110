// Whole functions of the table of arrays: each with arguments made from the names of its
// parameters, against what it is composed of by the kernels of `reference`.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include <tessera/array/described.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/functions.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/array/sort.hpp>
#include <tessera/runtime/error.hpp>

#include "suite.hpp"

namespace tessera::conformance {
namespace {

Array array_of(Numbers& numbers, DType dtype, const Shape& shape) {
  const Index n = element_count(shape);
  Matrix m(dtype, 1, n);
  for (Index i = 0; i < n; ++i) {
    const auto part = [&]() -> Wide {
      if (is_floating(dtype) || is_complex(dtype)) return std::round(8 * numbers.bell()) / 4;
      return dtype == DType::boolean ? numbers.below(2) : numbers.below(9);
    };
    const Wide real = part();
    m.set(0, i, {real, is_complex(dtype) ? part() : 0});
  }
  const Array all(shape, dtype, replicated_distribution(shape, Communicator::world()),
                  Communicator::world());
  std::memcpy(all.local().data, m.bytes.data(), m.bytes.size());
  return redistribute(all, detail::settled(shape, shape.empty(), all.comm()));
}

// A default as Python has it.
Argument default_of(const std::string& text) {
  if (text == "None") return {};
  if (text == "True" || text == "False") return Scalar(text == "True");
  if (text.starts_with('\'')) return text.substr(1, text.size() - 2);
  if (text.find('.') != std::string::npos) return Scalar(std::stod(text));
  return Scalar(static_cast<std::int64_t>(std::stoll(text)));
}

using Integers = std::vector<std::int64_t>;

// What a parameter is given, by its name, for x of that shape; nothing for one that is not known.
std::optional<Argument> argument(const detail::Parameter& p, const std::string& function,
                                 Numbers& numbers, DType dtype, const Shape& shape) {
  const bool vector = shape.size() == 1;
  const auto integers = [&](Integers values) {
    return Argument(replicated(values, {std::ssize(values)}, Communicator::world()));
  };
  const auto x = [&] { return array_of(numbers, dtype, shape); };
  if (p.name == "x" && function == "bincount")
    return abs(array_of(numbers, is_integer(dtype) ? dtype : DType::int64, shape));
  if (p.name == "x1" && function == "searchsorted" && !is_complex(dtype))
    return sort(x(), 0, false);
  if (p.name == "x" && function == "squeeze") return expand_dims(x(), {0});
  if (p.name == "x" || p.name == "x1" || p.name == "x2") return x();
  if (p.name == "condition") return array_of(numbers, DType::boolean, shape);
  if (p.name == "arrays" || p.name == "*arrays") return std::vector{x(), x()};
  if (p.name == "indices" && function == "take_along_axis")
    return array_of(numbers, DType::int64, shape) % 2;
  if (p.name == "indices") return integers({1, 0, -1, 1});
  if (p.name == "axis" && (function == "take" || p.initial.empty())) return Scalar(std::int64_t{0});
  if (p.name == "axis" && !vector && p.initial == "None") return Scalar(std::int64_t{0});
  if (p.name == "axes") return vector ? Integers{0} : Integers{1, 0};
  if (p.name == "shape" && function == "reshape") return Integers{-1, 1};
  if (p.name == "shape" && function == "broadcast_to") {
    Shape larger = shape;
    larger.insert(larger.begin(), 2);
    return larger;
  }
  static const std::map<std::string, Argument> all = {{"shape", Integers{4, 3}},
                                                      {"fill_value", Scalar(std::int64_t{1})},
                                                      {"n_rows", Scalar(std::int64_t{4})},
                                                      {"start", Scalar(std::int64_t{1})},
                                                      {"stop", Scalar(std::int64_t{9})},
                                                      {"num", Scalar(std::int64_t{5})},
                                                      {"source", Integers{0}},
                                                      {"destination", Integers{-1}},
                                                      {"repeats", Scalar(std::int64_t{2})},
                                                      {"shift", Integers{2}},
                                                      {"repetitions", Integers{2}},
                                                      {"n", Scalar(std::int64_t{5})},
                                                      {"dln", Scalar(0.1)},
                                                      {"mu", Scalar(0.5)}};
  const auto known = all.find(p.name);
  if (known != all.end() && (p.initial.empty() || p.name == "stop")) return known->second;
  if (p.initial.empty()) return {};
  return default_of(p.initial);
}

std::vector<Array> arrays_of(const Argument& result) {
  if (const auto* several = std::get_if<std::vector<Array>>(&result)) return *several;
  if (const auto* one = std::get_if<Array>(&result)) return {*one};
  return {};
}

Matrix everything(const Array& given) {
  const Array x = gather(detail::in_rows(given));
  Matrix m(x.dtype(), 1, x.size());
  std::memcpy(m.bytes.data(), x.local().data, m.bytes.size());
  return m;
}

const ArrayFunction& function_of(const std::string& operation) {
  const auto& all = array_functions();
  return *std::find_if(all.begin(), all.end(), [&](const ArrayFunction& f) {
    return "array." + (f.space.empty() ? "" : f.space + ".") + f.name == operation;
  });
}

void run_whole(Suite& suite, DType dtype) {
  const ArrayFunction& f = function_of(suite.operation());
  Numbers numbers(11);
  for (const Shape& shape : {Shape{7}, Shape{6, 3}, Shape{1100}, Shape{0, 2}}) {
    std::vector<Argument> values;
    for (const auto& p : detail::parameters_of(f.parameters)) {
      auto value = argument(p, f.name, numbers, dtype, shape);
      if (!value) return;  // a function that this knows no arguments for
      values.push_back(std::move(*value));
    }
    suite.check_whole(to_string(shape), [&] {
      std::vector<std::pair<std::string, Matrix>> results;
      for (const Array& x : arrays_of(f.call(ArrayArguments(f.name, f.parameters, values))))
        results.emplace_back(to_string(x.shape()), everything(x));
      return results;
    });
  }
}

}  // namespace

std::vector<Cases> whole_cases() {
  std::vector<Cases> all;
  for (const ArrayFunction& f : array_functions())
    if (f.space != "random" && f.name != "empty" && f.name != "empty_like")
      all.push_back(
          {"array." + (f.space.empty() ? "" : f.space + ".") + f.name, DTypes::all(), run_whole});
  return all;
}

}  // namespace tessera::conformance
