#pragma once
#include <cmath>
#include <complex>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/signatures.hpp>

/// The parts of the table of signatures, one entry per function, and what several of them say.
namespace tessera::linalg::tables {

using functions::Arguments;
using functions::between;
using functions::flag;
using functions::integer;
using functions::number;
using functions::numbers;
using functions::Option;
using functions::required_integer;
using functions::scalar;
using functions::Signature;
using functions::unless;
using functions::word;
using Kind = Option::Kind;
using Results = std::vector<functions::Result>;
using Inputs = std::vector<Signature::Input>;

/// One for each group, in the order of the documentation.
std::vector<Signature> of_products();
std::vector<Signature> of_factorisations();
std::vector<Signature> of_spectra();
std::vector<Signature> of_bases();
std::vector<Signature> of_equations();
std::vector<Signature> of_functions();

/// Arguments of several functions.
inline const Inputs any = {{"A", "matrix"}};
inline const Inputs square = {{"A", "square matrix"}};
inline const Inputs two = {{"A", "array"}, {"B", "array"}};
inline const Inputs definite = {{"A", "Hermitian positive definite matrix"}};
inline const Inputs band = {{"AB", "diagonals, one a row, as LAPACK has them"}};
/// Options of several functions.
inline Option check_finite() {
  return unless("check_finite", "no_check_finite", "do not look for NaN and infinities first");
}
inline Option trans(std::string name, const std::string& of) {
  return word(std::move(name), "take " + of + " as it is, its transpose or its adjoint",
              {"N", "T", "C"});
}
inline Option hermitian() {
  return flag("hermitian", "by eigenvalues of the lower triangle of a Hermitian matrix");
}
inline Option order(std::string shown, const std::string& more = "") {
  return {"ord", "a number, inf, -inf, fro or nuc" + more, Kind::order, {}, std::move(shown)};
}
inline Option lower(const std::string& doc) { return flag("lower", doc); }
/// What an option says.
inline NormOrder norm_order(const Arguments& in) {
  if (const auto* word = std::get_if<std::string>(&in.value("ord"))) return *word;
  const auto p = in.number("ord");
  return p ? NormOrder(*p) : NormOrder();
}
inline Transpose transpose_of(const Arguments& in, const std::string& name) {
  const std::string& letter = in.word(name);
  return letter == "N" ? Transpose::no : letter == "T" ? Transpose::yes : Transpose::conjugate;
}

}  // namespace tessera::linalg::tables
