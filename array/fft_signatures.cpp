// The program's Fourier, cosine, sine and Hankel transforms, made from the entries of the table.
#include <algorithm>
#include <map>

#include <tessera/array/described.hpp>
#include <tessera/array/signatures.hpp>

namespace tessera::fft {
namespace {

using tessera::detail::Parameter;
using tessera::functions::Arguments;
using tessera::functions::Option;
using tessera::functions::Signature;
using Kind = Option::Kind;

bool is_transform(const ArrayFunction& f) { return f.space == "fft" || f.space == "scipy_fft"; }

const ArrayFunction& entry(const std::string& name) {
  return *std::ranges::find_if(
      array_functions(), [&](const ArrayFunction& f) { return f.name == name && is_transform(f); });
}

Option option_of(const Parameter& p) {
  struct Said {
    std::string doc;
    Kind kind;
    std::string otherwise = {};
  };
  static const std::map<std::string, Said> known = {
      {"n", {"elements of a line: it is cut, or gets zeros", Kind::integer, "those of the axis"}},
      {"s", {"elements of a line of each axis, -1 for all", Kind::integers, "those of the axes"}},
      {"axis", {"along which one", Kind::integer}},
      {"axes", {"along which ones", Kind::integers, "all, or the last ones for s"}},
      {"norm", {"which transforms are divided by n; ortho: both by its root", Kind::word}},
      {"type", {"of symmetry, 1 to 4", Kind::integer}},
      {"orthogonalize", {"scale elements at the ends", Kind::word, "yes for norm ortho"}},
      {"d", {"how far samples are apart", Kind::number}},
      {"dtype", {"of the result", Kind::word, "float64"}},
      {"target", {"the least that is wanted", Kind::integer}},
      {"real", {"for real transforms", Kind::flag}},
      {"dln", {"how far the logarithms of samples are apart", Kind::number}},
      {"mu", {"order of the transform", Kind::number}},
      {"offset", {"logarithm of what the middles of both axes are multiplied to", Kind::number}},
      {"initial", {"where to look", Kind::number}},
      {"bias", {"exponent of a power law", Kind::number}}};
  const Said& said = known.at(p.name);
  if (p.name == "norm")
    return tessera::functions::word(p.name, said.doc, {"backward", "ortho", "forward"});
  Option o = tessera::detail::option_of(p, said.doc, said.otherwise);
  o.kind = said.kind;
  if (p.name == "orthogonalize") o.words = {"yes", "no"};
  if (p.name == "dtype") o.words = {"float32", "float64"};
  if (p.initial == "(-2,-1)") o.initial = std::vector<std::int64_t>{-2, -1};
  return o;
}

Signature of_table(const ArrayFunction& f) {
  Signature s{f.name, f.doc, {}, {}, {f.name}, f.local, f.name, [](const Arguments& in) {
                return tessera::detail::call_described(entry(in.signature().name), in);
              }};
  for (const Parameter& p : tessera::detail::parameters_of(f.parameters)) {
    if (p.name == "x" || p.name == "a") {
      s.inputs.push_back({p.name, "an array", true});
      s.example += " signal.h5:/x";
    } else if (p.name != "device" && p.name != "comm") {  // which a command line cannot say
      s.options.push_back(option_of(p));
      if (p.initial.empty())
        s.example += " --" + p.name + (s.options.back().kind == Kind::integer ? " 1000" : " 0.5");
    }
  }
  if (!s.scalars) s.example += " --out result.h5";
  return s;
}

}  // namespace

const std::vector<Signature>& signatures() {
  static const auto all = [] {
    std::vector<Signature> signatures;
    for (const ArrayFunction& f : array_functions())
      if (is_transform(f)) signatures.push_back(of_table(f));
    return signatures;
  }();
  return all;
}

}  // namespace tessera::fft
