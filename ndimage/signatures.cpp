// The program's functions of images, made from the entries of the table: what is an array is read
// from files, other parameters are options with one value for all axes.
#include <tessera/ndimage/signatures.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include <tessera/array/described.hpp>
#include <tessera/ndimage/functions.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::ndimage {
namespace {

using tessera::functions::Arguments;
using tessera::functions::Option;
using tessera::functions::Result;
using tessera::functions::Signature;
using Kind = Option::Kind;

using detail::Parameter;
using detail::parameters_of;
using Words = std::vector<std::string>;

const std::map<std::string, std::string>& input_docs() {
  static const std::map<std::string, std::string> docs = {
      {"input", "an image"},
      {"weights", "what neighbours are multiplied by"},
      {"footprint", "which neighbours are looked at"},
      {"structure", "which neighbours are connected, or heights"},
      {"structure1", "what fits"},
      {"structure2", "what finds nothing"},
      {"mask", "where elements may change"},
      {"labels", "of each element the number of its object"},
      {"index", "numbers of objects"},
      {"coordinates", "along each axis"},
      {"matrix", "of the map, or its diagonal"}};
  return docs;
}

// What a command line cannot say, and what changes nothing.
bool is_left_out(const Parameter& p) {
  static const std::set<std::string> names = {"axes", "output_shape", "brute_force", "origin2"};
  return names.contains(p.name);
}

std::vector<std::string> modes_of(const std::string& first) {
  std::vector<std::string> words = {"reflect", "constant",    "nearest",       "mirror",
                                    "wrap",    "grid-mirror", "grid-constant", "grid-wrap"};
  const auto at = std::ranges::find(words, first);
  std::rotate(words.begin(), at, at + 1);
  return words;
}

Option option_of(const Parameter& p, bool interpolates) {
  static const std::map<std::string, std::string> docs = {
      {"axis", "along which one"},
      {"output", "dtype of the result"},
      {"mode", "what lies beyond the ends"},
      {"cval", "the constant of that mode"},
      {"origin", "by how much what is looked at moves"},
      {"origin1", "by how much what is looked at moves"},
      {"size", "neighbours along each axis"},
      {"sigma", "standard deviation"},
      {"truncate", "after how many standard deviations the filter ends"},
      {"radius", "after how many elements it ends"},
      {"rank", "which of the neighbours in order"},
      {"percentile", "which of the neighbours in order"},
      {"iterations", "how often; below 1 until nothing changes"},
      {"border_value", "whether what lies beyond is true: 0 or 1"},
      {"max_label", "how many objects"},
      {"min", "where the first bin begins"},
      {"max", "where the last ends"},
      {"bins", "how many"},
      {"prefilter", "the image is coefficients already"},
      {"offset", "of the map"},
      {"shift", "by how many elements"},
      {"zoom", "how many times as large"},
      {"grid_mode", "elements have an extent"},
      {"n", "how many elements the axis had before a transform of real numbers"},
      {"metric", "how steps add up"},
      {"sampling", "how far neighbours are from each other"},
      {"return_indices", "also where the nearest 0 is"},
      {"angle", "in degrees"},
      {"reshape", "the image keeps its shape"}};
  static const std::set<std::string> numbers = {"sigma", "percentile", "min",   "max",
                                                "shift", "zoom",       "angle", "sampling"};
  const std::string doc = p.name != "order" ? docs.at(p.name)
                          : interpolates    ? "of the spline"
                                            : "which derivative";
  const std::string word =
      p.initial.size() > 1 && p.initial[0] == '\'' ? p.initial.substr(1, p.initial.size() - 2) : "";
  if (p.name == "mode") return tessera::functions::word(p.name, doc, modes_of(word));
  if (p.name == "metric")
    return tessera::functions::word(
        p.name, doc,
        word == "euclidean" ? Words{word, "taxicab", "chessboard"} : Words{word, "taxicab"});
  Option o = detail::option_of(p, doc, "none");
  if (p.name == "output") {
    o.kind = Kind::word;
    o.words = detail::dtype_words();
    o.initial = word.empty() ? tessera::functions::Setting() : word;
    if (word.empty()) o.shown = "that of the image";
  } else if (numbers.contains(p.name)) {
    o.kind = Kind::number;
  }
  return o;
}

const ArrayFunction& entry(const std::string& name) {
  return *std::ranges::find(functions(), name, &ArrayFunction::name);
}

std::vector<Result> call(const Arguments& in) {
  return detail::call_described(entry(in.signature().name), in);
}

Signature of_table(const ArrayFunction& f) {
  static const std::map<std::string, std::vector<std::string>> outputs = {
      {"label", {"labels", "count"}},
      {"distance_transform_edt", {"distances", "indices"}},
      {"distance_transform_cdt", {"distances", "indices"}},
      {"distance_transform_bf", {"distances", "indices"}},
      {"extrema", {"minimum", "maximum", "minimum_position", "maximum_position"}}};
  Signature s{f.name, f.doc, {}, {}, {f.name}, false, f.name + " scan.h5:/image", &call};
  if (const auto several = outputs.find(f.name); several != outputs.end())
    s.outputs = several->second;
  const auto parameters = parameters_of(f.parameters);
  const bool interpolates =
      std::ranges::find(parameters, "prefilter", &Parameter::name) != parameters.end() ||
      f.name.starts_with("spline");
  for (const Parameter& p : parameters) {
    if (const auto input = input_docs().find(p.name); input != input_docs().end()) {
      s.inputs.push_back({p.name, input->second, true, !p.initial.empty()});
      if (p.initial.empty() && p.name != "input") s.example += " " + p.name + ".h5:/" + p.name;
    } else if (!is_left_out(p)) {
      s.options.push_back(option_of(p, interpolates));
      const Option& o = s.options.back();
      if (o.required || p.name == "size")
        s.example += " --" + p.name + (o.kind == Kind::integer ? " 3" : " 1.5");
    }
    // What measures gives one number of all elements.
    if (p.name == "index") s.scalars = true;
  }
  s.example += " --out result.h5";
  return s;
}

}  // namespace

const std::vector<Signature>& signatures() {
  static const auto all = [] {
    std::vector<Signature> signatures;
    for (const ArrayFunction& f : functions())
      if (f.name[0] != '_' && parameters_of(f.parameters)[0].name == "input")
        signatures.push_back(of_table(f));
    return signatures;
  }();
  return all;
}

}  // namespace tessera::ndimage
