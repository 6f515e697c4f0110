// The table of the array API standard's functions: one entry each, but for the elementwise ones,
// which are made from the lists of kernels/functions.hpp.
#include <tessera/array/functions.hpp>

#include <fmt/format.h>

#include <set>

#include <tessera/array/counts.hpp>
#include <tessera/array/creation.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/kernels/elementwise.hpp>
#include <tessera/array/kernels/fetch.hpp>
#include <tessera/array/kernels/fft.hpp>
#include <tessera/array/kernels/order.hpp>
#include <tessera/array/kernels/reductions.hpp>
#include <tessera/array/kernels/special.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/sets.hpp>
#include <tessera/array/sort.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/plugin.hpp>

namespace tessera {

const Array& ArrayArguments::array(std::size_t i) const {
  const auto* x = std::get_if<Array>(&values_[i]);
  if (!x) refuse(i, "an Array");
  return *x;
}
std::vector<Array> ArrayArguments::arrays(std::size_t i) const {
  if (const auto* all = std::get_if<std::vector<Array>>(&values_[i])) return *all;
  if (const auto* none = std::get_if<std::vector<std::int64_t>>(&values_[i]); none && none->empty())
    return {};
  refuse(i, "a list of Arrays");
}
Operand ArrayArguments::operand(std::size_t i) const {
  if (const auto* x = std::get_if<Array>(&values_[i])) return *x;
  if (const auto* s = std::get_if<Scalar>(&values_[i])) return *s;
  refuse(i, "an Array or a number");
}
const Scalar& ArrayArguments::scalar(std::size_t i) const {
  const auto* s = std::get_if<Scalar>(&values_[i]);
  if (!s) refuse(i, "a number");
  return *s;
}
std::int64_t ArrayArguments::integer(std::size_t i) const {
  const auto* s = std::get_if<Scalar>(&values_[i]);
  const auto* v = s ? std::get_if<std::int64_t>(&s->value()) : nullptr;
  if (!v) refuse(i, s && s->dtype() == DType::uint64 ? "an integer below 2^63" : "an integer");
  return *v;
}
double ArrayArguments::number(std::size_t i) const {
  if (is_complex(scalar(i).dtype())) refuse(i, "a real number");
  double value = 0;
  scalar(i).write(DType::float64, &value);
  return value;
}
bool ArrayArguments::flag(std::size_t i) const {
  const auto* s = std::get_if<Scalar>(&values_[i]);
  const auto* v = s ? std::get_if<bool>(&s->value()) : nullptr;
  if (!v) refuse(i, "True or False");
  return *v;
}
const std::string& ArrayArguments::word(std::size_t i) const {
  const auto* s = std::get_if<std::string>(&values_[i]);
  if (!s) refuse(i, "a word");
  return *s;
}
std::vector<std::int64_t> ArrayArguments::integers(std::size_t i) const {
  if (const auto* all = std::get_if<std::vector<std::int64_t>>(&values_[i])) return *all;
  if (!std::holds_alternative<Scalar>(values_[i])) refuse(i, "an integer or integers");
  return {integer(i)};
}
std::vector<double> ArrayArguments::numbers(std::size_t i) const {
  if (const auto* all = std::get_if<std::vector<double>>(&values_[i])) return *all;
  if (const auto* all = std::get_if<std::vector<std::int64_t>>(&values_[i]))
    return {all->begin(), all->end()};
  if (!std::holds_alternative<Scalar>(values_[i])) refuse(i, "a number or numbers");
  return {number(i)};
}
std::vector<std::string> ArrayArguments::words(std::size_t i) const {
  if (const auto* all = std::get_if<std::vector<std::string>>(&values_[i])) return *all;
  return {word(i)};
}
std::optional<std::int64_t> ArrayArguments::maybe_integer(std::size_t i) const {
  return given(i) ? std::optional(integer(i)) : std::nullopt;
}
std::optional<std::vector<std::int64_t>> ArrayArguments::maybe_integers(std::size_t i) const {
  return given(i) ? std::optional(integers(i)) : std::nullopt;
}
std::optional<DType> ArrayArguments::dtype(std::size_t i) const {
  if (!given(i)) return {};
  const auto* d = std::get_if<DType>(&values_[i]);
  if (!d) refuse(i, "a dtype of Tessera");
  return *d;
}

const Array* ArrayArguments::first() const {
  for (const Argument& value : values_) {
    if (const auto* x = std::get_if<Array>(&value)) return x;
    const auto* all = std::get_if<std::vector<Array>>(&value);
    if (all && !all->empty()) return &all->front();
  }
  return nullptr;
}
Device ArrayArguments::device() const { return first() ? first()->device() : cpu; }
Communicator ArrayArguments::comm() const {
  const Array* x = first();
  for (const Argument& value : values_) {
    const auto* given = std::get_if<Communicator>(&value);
    if (!given) continue;
    if (x && x->comm() != *given)
      throw ValueError(
          fmt::format("{}: the array lies on other processes than those of comm", function_));
    return *given;
  }
  return x ? x->comm() : Communicator::world();
}
std::optional<DType> ArrayArguments::dtype() const {
  return first() ? std::optional(first()->dtype()) : std::nullopt;
}

void detail::dispatch(std::vector<ArrayFunction>& all) {
  std::set<std::string_view> kernels;
  const auto note = [&](auto f) { kernels.insert(decltype(f)::name); };
  functions::for_each(functions::Simple{}, note);
  functions::for_each(functions::Involved{}, note);
  functions::for_each(functions::Special{}, note);
  [&]<template <class> class... R>(reductions::List<R...>) {
    (kernels.insert(R<double>::name), ...);
  }(reductions::All{});
  for (ArrayFunction& f : all) {
    const std::string name = (f.space.empty() ? "" : f.space + ".") + f.name;
    if (f.local || kernels.contains(name)) continue;
    f.call = ArrayOperation::composed_of("array." + name, std::move(f.call));
    ask_if_overridden("array." + name);
  }
}

namespace {

using In = const ArrayArguments&;

// Made like an array: where it lies, but for its values.
Array like(const Array& x, const Scalar& value, std::optional<DType> dtype) {
  const Array out = filled(x.shape(), value, dtype.value_or(x.dtype()), x.comm());
  return redistribute(out, detail::settled(x.shape(), detail::is_replicated(x), x.comm()));
}

DType dtype_or(In in, std::size_t i, DType otherwise) { return in.dtype(i).value_or(otherwise); }

void add_creation(std::vector<ArrayFunction>& all) {
  all.insert(
      all.end(),
      {{"arange", "start, /, stop=None, step=1, *, dtype=None, device=None, comm=None",
        "start, start + step, ... before stop.",
        [](In in) -> Argument {
          const bool from_zero = !in.given(1);
          return arange(from_zero ? Scalar(0) : in.scalar(0), in.scalar(from_zero ? 0 : 1),
                        in.scalar(2), in.dtype(3), in.comm());
        }},
       {"empty", "shape, *, dtype=None, device=None, comm=None",
        "An array whose elements are not set.",
        [](In in) -> Argument {
          return empty(in.integers(0), dtype_or(in, 1, DType::float64), in.comm());
        }},
       {"empty_like", "x, /, *, dtype=None, device=None", "The same, of x's shape.",
        [](In in) -> Argument { return like(in.array(0), Scalar(false), in.dtype(1)); }},
       {"eye", "n_rows, n_cols=None, /, *, k=0, dtype=None, device=None, comm=None",
        "Ones on diagonal k.",
        [](In in) -> Argument {
          return eye(in.integer(0), in.maybe_integer(1), in.integer(2),
                     dtype_or(in, 3, DType::float64), in.comm());
        }},
       {"full", "shape, fill_value, *, dtype=None, device=None, comm=None",
        "All elements one number.",
        [](In in) -> Argument {
          return filled(in.integers(0), in.scalar(1), in.dtype(2), in.comm());
        }},
       {"full_like", "x, /, fill_value, *, dtype=None, device=None", "The same, of x's shape.",
        [](In in) -> Argument { return like(in.array(0), in.scalar(1), in.dtype(2)); }},
       {"linspace", "start, stop, /, num, *, dtype=None, endpoint=True, device=None, comm=None",
        "num numbers from start to stop.",
        [](In in) -> Argument {
          return linspace(in.scalar(0), in.scalar(1), in.integer(2), in.dtype(3), in.flag(4),
                          in.comm());
        }},
       {"meshgrid", "*arrays, indexing='xy'", "Coordinate vectors over their grid.",
        [](In in) -> Argument { return meshgrid(in.arrays(0), in.word(1)); }},
       {"ones", "shape, *, dtype=None, device=None, comm=None", "All elements 1.",
        [](In in) -> Argument {
          return ones(in.integers(0), dtype_or(in, 1, DType::float64), in.comm());
        }},
       {"ones_like", "x, /, *, dtype=None, device=None", "The same, of x's shape.",
        [](In in) -> Argument { return like(in.array(0), Scalar(true), in.dtype(1)); }},
       {"tril", "x, /, *, k=0", "The lower triangles of matrices.",
        [](In in) -> Argument { return tril(in.array(0), in.integer(1)); }},
       {"triu", "x, /, *, k=0", "The upper triangles of matrices.",
        [](In in) -> Argument { return triu(in.array(0), in.integer(1)); }},
       {"zeros", "shape, *, dtype=None, device=None, comm=None", "All elements 0.",
        [](In in) -> Argument {
          return filled(in.integers(0), Scalar(false), dtype_or(in, 1, DType::float64), in.comm());
        }},
       {"zeros_like", "x, /, *, dtype=None, device=None", "The same, of x's shape.",
        [](In in) -> Argument { return like(in.array(0), Scalar(false), in.dtype(1)); }}});
}

void add_dtypes(std::vector<ArrayFunction>& all) {
  all.insert(all.end(), {{"can_cast", "from_, to, /",
                          "Whether the promotion rules lead from one dtype to another.",
                          [](In in) -> Argument {
                            const auto dtype = [&](std::size_t i) {
                              return in.given(i) && std::holds_alternative<DType>(in[i])
                                         ? *in.dtype(i)
                                         : in.array(i).dtype();
                            };
                            return Scalar(can_cast(dtype(0), dtype(1)));
                          },
                          "", "", true}});
}

void add_manipulation(std::vector<ArrayFunction>& all) {
  all.insert(
      all.end(),
      {{"broadcast_arrays", "*arrays", "Arrays in the shape that they have together.",
        [](In in) -> Argument { return broadcast_arrays(in.arrays(0)); }},
       {"broadcast_to", "x, /, shape", "x in a larger shape, extents of 1 repeated.",
        [](In in) -> Argument { return broadcast_to(in.array(0), in.integers(1)); }},
       {"concat", "arrays, /, *, axis=0", "Arrays one behind another along an axis.",
        [](In in) -> Argument { return concat(in.arrays(0), in.maybe_integer(1)); }},
       {"expand_dims", "x, /, axis", "New axes of extent 1.",
        [](In in) -> Argument { return expand_dims(in.array(0), in.integers(1)); }},
       {"flip", "x, /, *, axis=None", "Elements in reverse order along axes.",
        [](In in) -> Argument { return flip(in.array(0), in.maybe_integers(1)); }},
       {"matrix_transpose", "x, /", "The last two axes exchanged.",
        [](In in) -> Argument { return matrix_transpose(in.array(0)); }},
       {"moveaxis", "x, source, destination, /", "Axes moved to other places.",
        [](In in) -> Argument { return moveaxis(in.array(0), in.integers(1), in.integers(2)); }},
       {"permute_dims", "x, /, axes", "Axes in another order.",
        [](In in) -> Argument { return permute_dims(in.array(0), in.integers(1)); }},
       {"repeat", "x, repeats, /, *, axis=None", "Each element several times.",
        [](In in) -> Argument {
          if (std::holds_alternative<Array>(in[1]))
            return repeat(in.array(0), in.array(1), in.maybe_integer(2));
          return repeat(in.array(0), in.integer(1), in.maybe_integer(2));
        }},
       {"reshape", "x, /, shape, *, copy=None", "The same elements in another shape.",
        [](In in) -> Argument { return reshape(in.array(0), in.integers(1)); }},
       {"roll", "x, /, shift, *, axis=None", "Elements shifted along axes, the last ones first.",
        [](In in) -> Argument { return roll(in.array(0), in.integers(1), in.maybe_integers(2)); }},
       {"squeeze", "x, /, axis", "Without axes of extent 1.",
        [](In in) -> Argument { return squeeze(in.array(0), in.integers(1)); }},
       {"stack", "arrays, /, *, axis=0", "Arrays along a new axis.",
        [](In in) -> Argument { return stack(in.arrays(0), in.integer(1)); }},
       {"tile", "x, repetitions, /", "x several times along each axis.",
        [](In in) -> Argument { return tile(in.array(0), in.integers(1)); }},
       {"unstack", "x, /, *, axis=0", "The arrays along an axis.",
        [](In in) -> Argument { return unstack(in.array(0), in.integer(1)); }}});
}

void add_indexing(std::vector<ArrayFunction>& all) {
  all.insert(
      all.end(),
      {{"take", "x, indices, /, *, axis=None", "Elements along an axis by their indices.",
        [](In in) -> Argument {
          if (!in.given(2) && in.array(0).ndim() != 1)
            throw ValueError("take needs an axis for an array of more than one dimension");
          return take(in.array(0), in.array(1), in.given(2) ? in.integer(2) : 0);
        }},
       {"take_along_axis", "x, indices, /, *, axis=-1", "Elements of every line along an axis.",
        [](In in) -> Argument { return take_along_axis(in.array(0), in.array(1), in.integer(2)); }},
       {"nonzero", "x, /", "Where elements are not 0, by axis.",
        [](In in) -> Argument { return nonzero(in.array(0)); }},
       {"where", "condition, x1, x2, /", "x1 where the condition is true, x2 elsewhere.",
        [](In in) -> Argument { return where(in.operand(0), in.operand(1), in.operand(2)); }},
       {"clip", "x, /, min=None, max=None", functions::Clip::doc, [](In in) -> Argument {
          const Array& x = in.array(0);
          if (in.given(1) && in.given(2)) return clip(x, in.operand(1), in.operand(2));
          if (in.given(1)) return maximum(x, in.operand(1));
          if (in.given(2)) return minimum(x, in.operand(2));
          return positive(x);
        }}});
}

using Reduce = Array (*)(const Array&, const OptionalAxes&, bool);
using Sum = Array (*)(const Array&, const OptionalAxes&, bool, std::optional<DType>);
using Spread = Array (*)(const Array&, const OptionalAxes&, double, bool);
using Best = Array (*)(const Array&, std::optional<std::int64_t>, bool);
using Cumulate = Array (*)(const Array&, std::optional<std::int64_t>, std::optional<DType>, bool);

void add_statistics(std::vector<ArrayFunction>& all) {
  const auto reduce = [&](std::string name, std::string doc, Reduce f) {
    all.push_back(
        {std::move(name), "x, /, *, axis=None, keepdims=False", std::move(doc),
         [f](In in) -> Argument { return f(in.array(0), in.maybe_integers(1), in.flag(2)); }});
  };
  const auto sums = [&](std::string name, std::string doc, Sum f) {
    all.push_back({std::move(name), "x, /, *, axis=None, dtype=None, keepdims=False",
                   std::move(doc), [f](In in) -> Argument {
                     return f(in.array(0), in.maybe_integers(1), in.flag(3), in.dtype(2));
                   }});
  };
  const auto spread = [&](std::string name, std::string doc, Spread f) {
    all.push_back({std::move(name), "x, /, *, axis=None, correction=0.0, keepdims=False",
                   std::move(doc), [f](In in) -> Argument {
                     return f(in.array(0), in.maybe_integers(1), in.number(2), in.flag(3));
                   }});
  };
  const auto best = [&](std::string name, std::string doc, Best f) {
    all.push_back(
        {std::move(name), "x, /, *, axis=None, keepdims=False", std::move(doc),
         [f](In in) -> Argument { return f(in.array(0), in.maybe_integer(1), in.flag(2)); }});
  };
  const auto cumulate = [&](std::string name, std::string doc, Cumulate f) {
    all.push_back({std::move(name), "x, /, *, axis=None, dtype=None, include_initial=False",
                   std::move(doc), [f](In in) -> Argument {
                     return f(in.array(0), in.maybe_integer(1), in.dtype(2), in.flag(3));
                   }});
  };
  reduce("all", "Whether every element is true, or not 0.", tessera::all);
  reduce("any", "Whether one element is true, or not 0.", any);
  reduce("count_nonzero", "How many elements are not 0.", count_nonzero);
  reduce("max", "The largest elements; NaN where one is.", max);
  reduce("mean", "Means.", mean);
  reduce("min", "The smallest elements; NaN where one is.", min);
  sums("prod", "Products.", prod);
  sums("sum", "Sums.", sum);
  spread("std", "Standard deviations.", tessera::std);
  spread("var", "Variances.", var);
  best("argmax", "Where the first of the largest elements is.", argmax);
  best("argmin", "Where the first of the smallest elements is.", argmin);
  best("median", "Medians. Not of the standard.", median);
  all.push_back({"bincount", "x, /, *, weights=None, minlength=0",
                 "How often each of 0, 1, ... is among integers, or sums of weights. Not of the "
                 "standard.",
                 [](In in) -> Argument {
                   return bincount(in.array(0), in.given(1) ? in.array(1) : Array(), in.integer(2));
                 }});
  cumulate("cumulative_prod", "Products of the elements up to each.", cumulative_prod);
  cumulate("cumulative_sum", "Sums of the elements up to each.", cumulative_sum);
  all.push_back({"diff", "x, /, *, axis=-1, n=1, prepend=None, append=None",
                 "Differences of neighbours.", [](In in) -> Argument {
                   return diff(in.array(0), in.integer(1), in.integer(2),
                               in.given(3) ? in.array(3) : Array(),
                               in.given(4) ? in.array(4) : Array());
                 }});
}

void add_sorting(std::vector<ArrayFunction>& all) {
  all.insert(
      all.end(),
      {{"argsort", "x, /, *, axis=-1, descending=False, stable=True",
        "Where the elements in order are.",
        [](In in) -> Argument { return argsort(in.array(0), in.integer(1), in.flag(2)); }},
       {"sort", "x, /, *, axis=-1, descending=False, stable=True", "The elements in order.",
        [](In in) -> Argument { return sort(in.array(0), in.integer(1), in.flag(2)); }},
       {"searchsorted", "x1, x2, /, *, side='left', sorter=None",
        "Where elements of x2 stand in x1.",
        [](In in) -> Argument {
          const Array& x = in.array(0);
          const auto* s = std::get_if<Scalar>(&in[1]);
          const Array values = s ? s->array(x.dtype(), x.comm()) : in.array(1);
          return searchsorted(x, values, in.word(2), in.given(3) ? in.array(3) : Array());
        }},
       {"isin", "x1, x2, /, *, invert=False", "Whether elements of x1 are among those of x2.",
        [](In in) -> Argument {
          const Array* first = std::get_if<Array>(&in[0]);
          const Array& one = first ? *first : in.array(1);
          const auto array = [&](std::size_t i) {
            const auto* s = std::get_if<Scalar>(&in[i]);
            const Operand both[] = {one, s ? Operand(*s) : Operand(in.array(i))};
            return s ? s->array(result_type(both), one.comm()) : in.array(i);
          };
          return isin(array(0), array(1), in.flag(2));
        }},
       {"unique_all", "x, /", "The different elements: values, indices, inverse_indices, counts.",
        [](In in) -> Argument {
          const UniqueAll u = unique_all(in.array(0));
          return std::vector{u.values, u.indices, u.inverse, u.counts};
        },
        "", "UniqueAllResult values indices inverse_indices counts"},
       {"unique_counts", "x, /", "The different elements: values, counts.",
        [](In in) -> Argument {
          const UniqueAll u = unique_all(in.array(0));
          return std::vector{u.values, u.counts};
        },
        "", "UniqueCountsResult values counts"},
       {"unique_inverse", "x, /", "The different elements: values, inverse_indices.",
        [](In in) -> Argument {
          const UniqueAll u = unique_all(in.array(0));
          return std::vector{u.values, u.inverse};
        },
        "", "UniqueInverseResult values inverse_indices"},
       {"unique_values", "x, /", "The different elements.",
        [](In in) -> Argument { return unique_values(in.array(0)); }}});
}

}  // namespace

void register_array_operations() {
  functions::register_elementwise();
  fetching::operation();
  reductions::operation("sum");
  fourier::operation();
  order::sort_keys();
  array_functions();
}

const std::vector<ArrayFunction>& array_functions() {
  static const auto functions = [] {
    std::vector<ArrayFunction> all;
    add_creation(all);
    add_dtypes(all);
    detail::add_elementwise(all);
    add_indexing(all);
    add_manipulation(all);
    add_statistics(all);
    add_sorting(all);
    detail::add_fft(all);
    detail::add_random(all);
    detail::add_real_transforms(all);
    detail::dispatch(all);
    return all;
  }();
  return functions;
}

}  // namespace tessera
