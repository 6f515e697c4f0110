// The program's functions of arrays, made from the entries of the table: what stands before "/" is
// read from files, what has a default is an option.
#include <tessera/array/signatures.hpp>

#include <algorithm>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include <tessera/array/described.hpp>
#include <tessera/array/functions.hpp>
#include <tessera/array/histogram.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/array/quantile.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/row_set.hpp>

namespace tessera {

namespace {

using detail::Parameter;
using functions::Arguments;
using functions::Option;
using functions::Signature;
using Kind = Option::Kind;
using Results = std::vector<functions::Result>;

const ArrayFunction& entry(const std::string& name) {
  const auto& all = array_functions();
  return *std::find_if(all.begin(), all.end(),
                       [&](const ArrayFunction& f) { return f.name == name && f.space.empty(); });
}

// Arguments from files; several arrays are two and up to two more.
std::vector<Signature::Input> inputs_of(const Parameter& p) {
  static const std::map<std::string, std::string> docs = {{"indices", "integers"},
                                                          {"condition", "booleans"},
                                                          {"sorter", "the order of x1"},
                                                          {"prepend", "what comes before"},
                                                          {"append", "what comes behind"}};
  if (p.name == "arrays")
    return {{"x1", "an array", true},
            {"x2", "another", true},
            {"x3", "a third", true, true},
            {"x4", "a fourth", true, true}};
  const auto doc = docs.find(p.name);
  return {{p.name, doc == docs.end() ? "an array" : doc->second, true, !p.initial.empty()}};
}

bool is_input(const Parameter& p) {
  return p.initial.empty() || p.name == "sorter" || p.name == "prepend" || p.name == "append";
}
// What a command line cannot say.
bool is_left_out(const Parameter& p) { return p.name == "stable" || p.name == "device"; }

Option option_of(const Parameter& p, bool of_all) {
  static const std::map<std::string, std::string> docs = {
      {"axis", "along which one"},
      {"keepdims", "keep the axis with extent 1"},
      {"dtype", "of the result"},
      {"correction", "what is taken from the number of elements that squares are divided by"},
      {"descending", "the largest first"},
      {"include_initial", "begin with the sum or product of nothing"},
      {"n", "how many times"},
      {"invert", "whether they are not"},
      {"side", "before or behind equal elements"}};
  Option o = detail::option_of(p, docs.at(p.name), of_all ? "all elements" : "that of a vector");
  if (p.name == "dtype") {
    o.kind = Kind::word;
    o.words = detail::dtype_words();
    o.shown = "as the function says";
  } else if (p.name == "side") {
    o.kind = Kind::word;
    o.words = {"left", "right"};
    o.initial = "left";
  }
  return o;
}

Results call(const Arguments& in) { return detail::call_described(entry(in.signature().name), in); }

Signature of_table(const std::string& name, const std::string& example, bool scalars = false) {
  const ArrayFunction& f = entry(name);
  Signature s{name, f.doc, {}, {}, detail::outputs_of(f), scalars, name + " " + example, &call};
  for (const Parameter& p : detail::parameters_of(f.parameters)) {
    if (is_left_out(p)) continue;
    if (!is_input(p)) {
      s.options.push_back(option_of(p, scalars));
      continue;
    }
    for (auto& input : inputs_of(p)) s.inputs.push_back(std::move(input));
  }
  return s;
}

std::vector<Signature> beside_the_table() {
  Option dtype{"dtype", "of the result", Kind::word};
  dtype.words = detail::dtype_words();
  dtype.required = true;
  const std::vector<std::string> methods = {"linear",
                                            "inverted_cdf",
                                            "averaged_inverted_cdf",
                                            "closest_observation",
                                            "interpolated_inverted_cdf",
                                            "hazen",
                                            "weibull",
                                            "median_unbiased",
                                            "normal_unbiased"};
  return {
      {"astype",
       "The same values as another dtype.",
       {{"x", "an array", true}},
       {dtype},
       {"astype"},
       false,
       "astype points.h5:/X --dtype float32 --out single.h5",
       [](const Arguments& in) -> Results {
         return {{"astype", in[0].astype(dtype_from_name(in.word("dtype")))}};
       }},
      {"compress",
       "The elements where a mask is true: rows, for one of rows.",
       {{"x", "an array", true}, {"mask", "booleans, as many leading axes as they have", true}},
       {},
       {"compress"},
       false,
       "compress points.h5:/X mask.h5:/mask --out chosen.h5",
       [](const Arguments& in) -> Results {
         return {{"compress", index(in[0], {in[1]})}};
       }},
      {"histogram",
       "How many elements lie in bins of one width.",
       {{"x", "an array", true}},
       {functions::between(functions::integer("bins", "how many", 10), 1, 1 << 24),
        functions::number("low", "where the first begins", "the least element"),
        functions::number("high", "where the last ends", "the largest element")},
       {"counts", "edges"},
       false,
       "histogram points.h5:/X --bins 100 --out histogram.h5",
       [](const Arguments& in) -> Results {
         const auto low = in.number("low"), high = in.number("high");
         if (low.has_value() != high.has_value())
           throw ValueError("histogram needs low and high, or neither");
         const auto h = histogram(in[0], in.integer("bins"),
                                  low ? std::optional(std::pair(*low, *high)) : std::nullopt);
         return {{"counts", h.counts}, {"edges", h.edges}};
       }},
      {"quantile",
       "The number below which that share of each column lies, exactly.",
       {{"x", "an array", true}},
       {functions::number("q", "which share, from 0 to 1", 0.5),
        functions::word("method", "where a quantile lies among the values, as NumPy's", methods),
        functions::flag("ignore_nan", "leave NaN out")},
       {"quantile"},
       true,
       "quantile points.h5:/X --q 0.9 --out high.h5",
       [](const Arguments& in) -> Results {
         static const std::map<std::string, QuantileMethod> by_name = {
             {"linear", QuantileMethod::linear},
             {"inverted_cdf", QuantileMethod::inverted_cdf},
             {"averaged_inverted_cdf", QuantileMethod::averaged_inverted_cdf},
             {"closest_observation", QuantileMethod::closest_observation},
             {"interpolated_inverted_cdf", QuantileMethod::interpolated_inverted_cdf},
             {"hazen", QuantileMethod::hazen},
             {"weibull", QuantileMethod::weibull},
             {"median_unbiased", QuantileMethod::median_unbiased},
             {"normal_unbiased", QuantileMethod::normal_unbiased}};
         const double q[] = {*in.number("q")};
         const Array all = quantile(
             in[0], q,
             {.method = by_name.at(in.word("method")), .ignore_nan = in.flag("ignore_nan")});
         return {{"quantile", index(all, {std::int64_t{0}})}};
       }}};
}

}  // namespace

const std::vector<Signature>& array_signatures() {
  static const auto signatures = [] {
    std::vector<Signature> all;
    for (const char* name : {"all", "any", "argmax", "argmin", "count_nonzero", "max", "mean",
                             "min", "prod", "std", "sum", "var"})
      all.push_back(of_table(name, "points.h5:/X --axis 0 --out result.h5", true));
    for (const char* name : {"argsort", "cumulative_prod", "cumulative_sum", "diff", "sort"})
      all.push_back(of_table(name, "points.h5:/X --axis 0 --out result.h5"));
    for (const char* name : {"unique_all", "unique_counts", "unique_inverse", "unique_values"})
      all.push_back(of_table(name, "labels.h5:/y --out classes.h5"));
    all.push_back(of_table("concat", "points.h5:/X more.h5:/X --axis 0 --out both.h5"));
    all.push_back(of_table("isin", "labels.h5:/y wanted.h5:/y --out mask.h5"));
    all.push_back(of_table("searchsorted", "edges.h5:/edges values.h5:/y --out places.h5"));
    all.push_back(of_table("take", "points.h5:/X rows.h5:/rows --axis 0 --out chosen.h5"));
    all.push_back(
        of_table("take_along_axis", "points.h5:/X order.h5:/order --axis 0 --out sorted.h5"));
    all.push_back(of_table("where", "mask.h5:/mask one.h5:/X other.h5:/X --out mixed.h5"));
    for (auto& s : beside_the_table()) all.push_back(std::move(s));
    return all;
  }();
  return signatures;
}

bool streams(const Signature& function) {
  return function.scalars ? function.name != "quantile"
                          : function.name == "histogram" || function.name == "astype" ||
                                function.name == "compress";
}

std::vector<std::pair<std::string, Rows>> streamed(
    const Signature& function, const Rows& x, const std::vector<Array>& beside,
    const std::map<std::string, functions::Setting>& settings) {
  const auto refuse = [&](std::string_view why) {
    throw ValueError(fmt::format("{}, rows read as needed: {}", function.name, why));
  };
  if (function.name == "compress") {
    if (beside[0].shape() != Shape{x.rows()}) refuse("the mask must be a vector, of all rows");
    return {{"compress", select(x, RowSet::of_mask(beside[0]))}};
  }
  // Options are checked as for an array.
  const Array none({0}, x.dtype(), Distribution::rows(0, x.comm().size()), x.comm());
  const Arguments in(function, {none}, settings);
  if (function.name == "astype") {
    const DType dtype = dtype_from_name(in.word("dtype"));
    if (!is_floating(dtype)) refuse("dtype must be float32 or float64");
    return {{"astype", x.as(dtype)}};
  }
  if (function.name == "histogram") {
    const auto low = in.number("low"), high = in.number("high");
    if (!low || !high) refuse("low and high must be given");
    const auto h = histogram(x, in.integer("bins"), std::pair(*low, *high));
    return {{"counts", h.counts}, {"edges", h.edges}};
  }
  const auto given = [&](const std::string& name) {
    return std::any_of(function.options.begin(), function.options.end(),
                       [&](const Option& o) { return o.name == name; });
  };
  const auto* axis = std::get_if<std::int64_t>(&in.value("axis"));
  if (axis && *axis != 0 && *axis != -x.ndim()) refuse("the axis must be 0, or none");
  if (given("dtype") && std::holds_alternative<std::string>(in.value("dtype")))
    refuse("dtype must not be given");
  return {{function.outputs[0],
           reduce_rows(function.name, x, !axis, in.flag("keepdims"),
                       given("correction") ? in.number("correction").value_or(0) : 0)}};
}

}  // namespace tessera
