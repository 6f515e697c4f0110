// The program's functions of images, made from the entries of the table: what is an array is read
// from files, other parameters are options with one value for all axes.
#include <tessera/ndimage/signatures.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>

#include <tessera/ndimage/functions.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::ndimage {
namespace {

using tessera::functions::Arguments;
using tessera::functions::Option;
using tessera::functions::Result;
using tessera::functions::Signature;
using Kind = Option::Kind;

struct Parameter {
  std::string name, initial;  // as in Python; no text for one that must be given
};

std::vector<Parameter> parameters_of(const ArrayFunction& f) {
  std::vector<Parameter> all;
  std::string one;
  int depth = 0;
  for (const char c : f.parameters + ",") {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c != ',' || depth > 0) {
      if (c != ' ') one += c;
      continue;
    }
    const auto equals = std::min(one.find('='), one.size());
    if (one != "*" && one != "/")
      all.push_back({one.substr(0, equals), one.substr(std::min(equals + 1, one.size()))});
    one.clear();
  }
  return all;
}

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

std::vector<std::string> modes_of(const std::string& first, bool interpolates) {
  std::vector<std::string> words = {"reflect", "constant", "nearest", "mirror", "wrap"};
  if (interpolates) words.insert(words.end(), {"grid-mirror", "grid-constant", "grid-wrap"});
  std::rotate(words.begin(), std::find(words.begin(), words.end(), first),
              std::find(words.begin(), words.end(), first) + 1);
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
      {"order", interpolates ? "of the spline" : "which derivative"},
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
      {"angle", "in degrees"},
      {"reshape", "the image keeps its shape"}};
  static const std::set<std::string> numbers = {"sigma", "percentile", "min",  "max",
                                                "shift", "zoom",       "angle"};
  Option o{p.name, docs.at(p.name)};
  const std::string word =
      p.initial.size() > 1 && p.initial[0] == '\'' ? p.initial.substr(1, p.initial.size() - 2) : "";
  if (p.name == "output") {
    o.kind = Kind::word;
    for (int i = 0; i < dtype_count; ++i) o.words.emplace_back(name_of(static_cast<DType>(i)));
    o.initial = word.empty() ? tessera::functions::Setting() : word;
    if (word.empty()) o.shown = "that of the image";
  } else if (p.name == "mode") {
    return tessera::functions::word(p.name, o.doc, modes_of(word, interpolates));
  } else if (p.initial == "True") {
    return tessera::functions::unless(p.name, "no_" + p.name, o.doc);
  } else if (p.initial == "False") {
    return tessera::functions::flag(p.name, o.doc);
  } else if (p.initial.find('.') != std::string::npos || numbers.contains(p.name)) {
    o.kind = Kind::number;
    o.required = p.initial.empty();
    if (!o.required) {
      double value = 0;
      std::from_chars(p.initial.data(), p.initial.data() + p.initial.size(), value);
      o.initial = value;
    }
  } else {
    o.kind = Kind::integer;
    o.required = p.initial.empty();
    std::int64_t value = 0;
    std::from_chars(p.initial.data(), p.initial.data() + p.initial.size(), value);
    if (p.initial == "None")
      o.shown = "none";
    else if (!o.required)
      o.initial = value;
  }
  return o;
}

const ArrayFunction& entry(const std::string& name) {
  return *std::ranges::find(functions(), name, &ArrayFunction::name);
}

std::vector<Result> call(const Arguments& in) {
  const Signature& signature = in.signature();
  const ArrayFunction& f = entry(signature.name);
  std::vector<Argument> values;
  std::size_t next = 0;
  for (const Parameter& p : parameters_of(f)) {
    Argument value;
    if (input_docs().contains(p.name)) {
      if (const Array& x = in[next++]) value = x;
    } else if (!is_left_out(p)) {
      const auto& setting = in.value(p.name);
      if (const auto* flag = std::get_if<bool>(&setting)) value = Scalar(*flag);
      if (const auto* integer = std::get_if<std::int64_t>(&setting)) value = Scalar(*integer);
      if (const auto* number = std::get_if<double>(&setting)) value = Scalar(*number);
      if (const auto* word = std::get_if<std::string>(&setting)) {
        if (p.name == "output")
          value = dtype_from_name(*word);
        else
          value = *word;
      }
    } else if (p.initial == "(1,0)") {
      value = std::vector<std::int64_t>{1, 0};
    }
    values.push_back(std::move(value));
  }
  const Argument result = f.call(ArrayArguments(f.name, values));
  if (const auto* one = std::get_if<Array>(&result)) return {{signature.outputs[0], *one}};
  std::vector<Result> all;
  const auto& several = std::get<std::vector<Array>>(result);
  for (std::size_t k = 0; k < several.size(); ++k)
    all.emplace_back(signature.outputs[k], several[k]);
  return all;
}

Signature of_table(const ArrayFunction& f) {
  static const std::map<std::string, std::vector<std::string>> outputs = {
      {"label", {"labels", "count"}},
      {"extrema", {"minimum", "maximum", "minimum_position", "maximum_position"}}};
  Signature s{f.name, f.doc, {}, {}, {f.name}, false, f.name + " scan.h5:/image", &call};
  if (const auto several = outputs.find(f.name); several != outputs.end())
    s.outputs = several->second;
  const auto parameters = parameters_of(f);
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
      if (f.name[0] != '_' && parameters_of(f)[0].name == "input")
        signatures.push_back(of_table(f));
    return signatures;
  }();
  return all;
}

}  // namespace tessera::ndimage
