// The table of signatures: one entry per function, written once.
#include <tessera/linalg/signatures.hpp>

#include <fmt/format.h>

#include <cmath>
#include <complex>

#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/stacks.hpp>

namespace tessera::linalg {
namespace {

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

const Inputs any = {{"A", "matrix"}};
const Inputs square = {{"A", "square matrix"}};
const Inputs two = {{"A", "array"}, {"B", "array"}};
const Inputs riccati = {{"A", "square matrix"},
                        {"B", "matrix"},
                        {"Q", "Hermitian matrix"},
                        {"R", "Hermitian matrix"},
                        {"e", "square matrix, the identity if left out", false, true},
                        {"s", "matrix like B, 0 if left out", false, true}};
const Inputs system = {{"A", "matrix"}, {"B", "right-hand side, a vector or a matrix"}};

const Inputs definite = {{"A", "Hermitian positive definite matrix"}};
const Inputs band = {{"AB", "diagonals, one a row, as LAPACK has them"}};
const Inputs band_system = {band[0], {"B", "right-hand side, a vector or a matrix"}};

Option check_finite() {
  return unless("check_finite", "no_check_finite", "do not look for NaN and infinities first");
}
Option rcond() {
  return number("rcond", "singular values up to this times the largest are 0", "eps max(m, n)");
}
Option trans(std::string name, const std::string& of) {
  return word(std::move(name), "take " + of + " as it is, its transpose or its adjoint",
              {"N", "T", "C"});
}
Option hermitian() {
  return flag("hermitian", "by eigenvalues of the lower triangle of a Hermitian matrix");
}
Option order(std::string shown, const std::string& more = "") {
  return {"ord", "a number, inf, -inf, fro or nuc" + more, Kind::order, {}, std::move(shown)};
}

// SciPy's words, and with _ for the spaces.
const std::vector<std::pair<std::string, Structure>> structures = {
    {"detect", Structure::detect},
    {"gen", Structure::general},
    {"general", Structure::general},
    {"diag", Structure::diagonal},
    {"diagonal", Structure::diagonal},
    {"tridiagonal", Structure::tridiagonal},
    {"banded", Structure::banded},
    {"upper triangular", Structure::upper_triangular},
    {"upper_triangular", Structure::upper_triangular},
    {"lower triangular", Structure::lower_triangular},
    {"lower_triangular", Structure::lower_triangular},
    {"sym", Structure::symmetric},
    {"symmetric", Structure::symmetric},
    {"her", Structure::hermitian},
    {"hermitian", Structure::hermitian},
    {"pos", Structure::positive_definite},
    {"positive definite", Structure::positive_definite},
    {"positive_definite", Structure::positive_definite}};
Option assume_a() {
  std::vector<std::string> words;
  for (const auto& [name, structure] : structures) words.push_back(name);
  Option o = word("assume_a", "what is known of A", words);
  o.initial = {};  // None, as SciPy has it
  o.shown = "detect";
  return o;
}
Structure structure_of(const Arguments& in) {
  const auto* name = std::get_if<std::string>(&in.value("assume_a"));
  for (const auto& [known, structure] : structures)
    if (name && known == *name) return structure;
  return Structure::detect;
}

Option lower(const std::string& doc) { return flag("lower", doc); }
Option order_of_eigenvalues() {
  return word("sort",
              "which eigenvalues come first: left or right half plane, in or out of the circle",
              {"none", "lhp", "rhp", "iuc", "ouc"});
}
EigenOrder order_of(const Arguments& in) {
  const std::string& name = in.word("sort");
  return name == "lhp"   ? EigenOrder::lhp
         : name == "rhp" ? EigenOrder::rhp
         : name == "iuc" ? EigenOrder::iuc
         : name == "ouc" ? EigenOrder::ouc
                         : EigenOrder::none;
}
Option output() {
  return word("output", "numbers of the form of a real matrix", {"real", "complex"});
}
Option return_rank() { return flag("return_rank", "also how many values were not 0"); }

QrMode qr_mode(const Arguments& in) {
  const std::string& mode = in.word("mode");
  return mode == "r"                            ? QrMode::r
         : mode == "raw"                        ? QrMode::raw
         : mode == "complete" || mode == "full" ? QrMode::complete
                                                : QrMode::reduced;
}

// Functions of numbers that funm takes by name.
using Function = std::complex<double> (*)(const std::complex<double>&);
const std::vector<std::pair<std::string, Function>> scalar_functions = {
    {"exp", std::exp<double>},
    {"log", std::log<double>},
    {"sqrt", std::sqrt<double>},
    {"sin", std::sin<double>},
    {"cos", std::cos<double>},
    {"tan", std::tan<double>},
    {"sinh", std::sinh<double>},
    {"cosh", std::cosh<double>},
    {"tanh", std::tanh<double>},
    {"square", [](const std::complex<double>& z) { return z * z; }},
    {"reciprocal", [](const std::complex<double>& z) { return 1.0 / z; }}};
Option function_of_numbers() {
  std::vector<std::string> names;
  for (const auto& [name, f] : scalar_functions) names.push_back(name);
  Option o = word("func", "the function of numbers", names);
  o.initial = {};
  o.required = true;
  return o;
}
Function scalar_function(const std::string& name) {
  for (const auto& [known, f] : scalar_functions)
    if (known == name) return f;
  return nullptr;
}

// SciPy's way to say which eigenvalues.
Option select() {
  return word("select", "which eigenvalues: all, in an interval (low, high], or by index",
              {"a", "all", "v", "value", "i", "index"});
}
Option select_range() {
  return numbers("select_range", "the interval, or the first and last index", {"LOW", "HIGH"});
}
BandedOptions banded_options(const Arguments& in, bool lower) {
  BandedOptions o{lower, {}, {}, in.flag("check_finite")};
  const char select = in.word("select")[0];
  const auto range = in.interval("select_range");
  if (select == 'a') return o;
  if (!range)
    throw ValueError(in.signature().name +
                     " needs select_range with select = " + in.word("select"));
  if (select == 'v') {
    o.by_value = *range;
    return o;
  }
  for (const double x : {range->first, range->second})
    if (x != std::trunc(x) || !(std::abs(x) < 0x1p53))
      throw ValueError(fmt::format("{} needs ints as select_range with select = {}, got {}",
                                   in.signature().name, in.word("select"), x));
  o.by_index = {static_cast<std::int64_t>(range->first), static_cast<std::int64_t>(range->second)};
  return o;
}
Option eigvals_only() { return flag("eigvals_only", "no eigenvectors"); }

const std::vector<Option> eigh_options = {
    unless("lower", "upper", "read the upper triangle of A, not the lower"),
    {"subset_by_index",
     "first and last eigenvalue wanted, from 0, both included",
     Kind::integers,
     {},
     "all",
     false,
     0,
     0,
     {"FIRST", "LAST"}},
    numbers("subset_by_value", "an interval (low, high] that eigenvalues wanted lie in",
            {"LOW", "HIGH"}),
    between(integer("type", "with b: 1 for A x = w b x, 2 for A b x = w x, 3 for b A x = w x", 1),
            1, 3),
    check_finite()};
const Inputs square_pencil = {{"A", "square matrix"},
                              {"b", "another one, of a x = w b x", false, true}};
EighOptions eigh_options_of(const Arguments& in) {
  return {in.flag("lower"),
          in.pair("subset_by_index"),
          in.flag("check_finite"),
          in.interval("subset_by_value"),
          in[1],
          static_cast<int>(in.integer("type"))};
}

NormOrder norm_order(const Arguments& in) {
  if (const auto* word = std::get_if<std::string>(&in.value("ord"))) return *word;
  const auto p = in.number("ord");
  return p ? NormOrder(*p) : NormOrder();
}
Transpose transpose_of(const Arguments& in, const std::string& name) {
  const std::string& letter = in.word(name);
  return letter == "N" ? Transpose::no : letter == "T" ? Transpose::yes : Transpose::conjugate;
}

std::vector<Signature> make_table() {
  return {
      // ---- products
      {"matmul",
       "matrix product (numpy.matmul)",
       two,
       {trans("trans_a", "A"), trans("trans_b", "B")},
       {"matmul"},
       false,
       "matmul data.h5:/X data.h5:/X --trans-a T --out xtx.h5",
       [](const Arguments& in) -> Results {
         return {{"matmul", matmul({in[0], transpose_of(in, "trans_a")},
                                   {in[1], transpose_of(in, "trans_b")})}};
       }},
      {"gram",
       "X^H X, small for tall X",
       {{"X", "matrix"}},
       {},
       {"gram"},
       false,
       "gram data.h5:/X --out gram.h5",
       [](const Arguments& in) -> Results {
         return {{"gram", gram(in[0])}};
       }},
      {"outer",
       "products of the elements of two vectors (numpy.outer)",
       two,
       {},
       {"outer"},
       false,
       "outer data.h5:/a data.h5:/b --out outer.h5",
       [](const Arguments& in) -> Results {
         return {{"outer", outer(in[0], in[1])}};
       }},
      {"vecdot",
       "sum of conj(A) B over the last axis (numpy.vecdot)",
       two,
       {},
       {"vecdot"},
       false,
       "vecdot data.h5:/X data.h5:/Y --out dots.h5",
       [](const Arguments& in) -> Results {
         return {{"vecdot", vecdot(in[0], in[1])}};
       }},
      {"tensordot",
       "the last axes of A summed against the first of B (numpy.tensordot)",
       two,
       {integer("axes", "how many axes", 2)},
       {"tensordot"},
       false,
       "tensordot data.h5:/A data.h5:/B --axes 1 --out product.h5",
       [](const Arguments& in) -> Results {
         return {{"tensordot", tensordot(in[0], in[1], in.integer("axes"))}};
       }},
      {"transpose",
       "the transpose, or adjoint, of a matrix",
       any,
       {flag("conjugate", "the adjoint")},
       {"transpose"},
       false,
       "transpose data.h5:/X --out transposed.h5",
       [](const Arguments& in) -> Results {
         return {{"transpose", evaluate(in.flag("conjugate") ? adjoint(in[0]) : transpose(in[0]))}};
       }},
      {"norm",
       "a norm of a matrix or vector (numpy.linalg.norm)",
       {{"X", "matrix or vector"}},
       {order("fro, for vectors 2"),
        {"axis", "norms of vectors along this axis", Kind::integer, {}, "one of all"},
        flag("keepdims", "keep the axes as ones of extent 1")},
       {"norm"},
       true,
       "norm data.h5:/X --ord 2",
       [](const Arguments& in) -> Results {
         const bool keepdims = in.flag("keepdims");
         if (const auto* axis = std::get_if<std::int64_t>(&in.value("axis")))
           return {{"norm", stacks::vector_norm(in[0], {{*axis}}, norm_order(in), keepdims)}};
         if (keepdims && in[0].ndim() == 2)
           return {{"norm", stacks::matrix_norm(in[0], norm_order(in), true)}};
         if (keepdims) return {{"norm", stacks::vector_norm(in[0], {}, norm_order(in), true)}};
         return {{"norm", scalar(norm(in[0], norm_order(in)), in)}};
       }},
      {"trace",
       "the sum of a diagonal (numpy.trace)",
       any,
       {integer("offset", "which diagonal", 0)},
       {"trace"},
       true,
       "trace data.h5:/A",
       [](const Arguments& in) -> Results {
         return {{"trace", linalg::trace(in[0], in.integer("offset"))}};
       }},
      {"diagonal",
       "a diagonal (numpy.diagonal)",
       any,
       {integer("offset", "which diagonal", 0)},
       {"diagonal"},
       false,
       "diagonal data.h5:/A --offset 1 --out diagonal.h5",
       [](const Arguments& in) -> Results {
         return {{"diagonal", diagonal(in[0], in.integer("offset"))}};
       }},
      // ---- factorisations
      {"cholesky",
       "A = R^H R of a Hermitian positive definite matrix (scipy.linalg.cholesky)",
       square,
       {flag("lower", "A = L L^H instead; reads and writes that triangle"), check_finite()},
       {"c"},
       false,
       "cholesky data.h5:/A --lower --out factor.h5",
       [](const Arguments& in) -> Results {
         return {{"c", cholesky(in[0], {in.flag("lower"), in.flag("check_finite")})}};
       }},
      {"cho_factor",
       "the Cholesky factor for cho_solve (scipy.linalg.cho_factor)",
       definite,
       {lower("A = L L^H; that triangle is read and written"), check_finite()},
       {"c"},
       false,
       "cho_factor data.h5:/A --out factor.h5",
       [](const Arguments& in) -> Results {
         return {{"c", cho_factor(in[0], {in.flag("lower"), in.flag("check_finite")})}};
       }},
      {"lu",
       "A = p l u with partial pivoting (scipy.linalg.lu)",
       any,
       {flag("permute_l", "p l and u only"), flag("p_indices", "p as row numbers: A = l[p] u"),
        check_finite()},
       {"p", "l", "u", "pl"},
       false,
       "lu data.h5:/A --out lu.h5",
       [](const Arguments& in) -> Results {
         const bool permute = in.flag("permute_l");
         const PLu f = lu(in[0], permute, in.flag("p_indices"), in.flag("check_finite"));
         return permute ? Results{{"pl", f.l}, {"u", f.u}}
                        : Results{{"p", f.p}, {"l", f.l}, {"u", f.u}};
       }},
      {"lu_factor",
       "P A = L U with partial pivoting (scipy.linalg.lu_factor)",
       any,
       {check_finite()},
       {"lu", "piv"},
       false,
       "lu_factor data.h5:/A --out factors.h5",
       [](const Arguments& in) -> Results {
         const Lu f = lu_factor(in[0], in.flag("check_finite"));
         return {{"lu", f.lu}, {"piv", f.piv}};
       }},
      {"qr",
       "A = q r, q with orthonormal columns (numpy.linalg.qr); r has a diagonal >= 0",
       any,
       {word("mode",
             "what to compute; complete, or full: a square q; raw: LAPACK's reflectors qr and tau",
             {"reduced", "economic", "complete", "full", "r", "raw"}),
        flag("pivoting", "A[:, p] = q r, the diagonal of r falling"), check_finite()},
       {"q", "r", "p", "qr", "tau"},
       false,
       "qr data.h5:/X --mode r --out r.h5",
       [](const Arguments& in) -> Results {
         const Qr f = qr(in[0], qr_mode(in), in.flag("check_finite"), in.flag("pivoting"));
         Results results;
         if (f.q) results.emplace_back(f.tau ? "qr" : "q", f.q);
         if (f.tau) results.emplace_back("tau", f.tau);
         results.emplace_back("r", f.r);
         if (f.p) results.emplace_back("p", f.p);
         return results;
       }},
      {"qr_multiply",
       "q C or C q for A = q r, and r (scipy.linalg.qr_multiply)",
       {{"A", "matrix"}, {"C", "matrix or vector"}},
       {word("mode", "C q, or q C", {"right", "left"}),
        flag("pivoting", "A[:, p] = q r, the diagonal of r falling"),
        flag("conjugate", "conj(q) in place of q")},
       {"cq", "r", "p"},
       false,
       "qr_multiply data.h5:/X data.h5:/C --mode left --out product.h5",
       [](const Arguments& in) -> Results {
         const QrProduct f = qr_multiply(in[0], in[1], in.word("mode") == "right",
                                         in.flag("pivoting"), in.flag("conjugate"));
         Results results = {{"cq", f.cq}, {"r", f.r}};
         if (f.p) results.emplace_back("p", f.p);
         return results;
       }},
      {"rq",
       "A = r q, q with orthonormal rows (scipy.linalg.rq)",
       any,
       {word("mode", "what to compute; full: a square q", {"full", "economic", "r"}),
        check_finite()},
       {"r", "q"},
       false,
       "rq data.h5:/W --mode economic --out rq.h5",
       [](const Arguments& in) -> Results {
         const Qr f = rq(in[0], qr_mode(in), in.flag("check_finite"));
         return f.q ? Results{{"r", f.r}, {"q", f.q}} : Results{{"r", f.r}};
       }},
      {"svd",
       "A = u diag(s) vh (scipy.linalg.svd, economy size)",
       any,
       {flag("full_matrices", "square u and vh"), check_finite()},
       {"u", "s", "vh"},
       false,
       "svd data.h5:/X --out svd.h5",
       [](const Arguments& in) -> Results {
         const Svd f = svd(in[0], {in.flag("full_matrices"), in.flag("check_finite")});
         return {{"u", f.u}, {"s", f.s}, {"vh", f.vh}};
       }},
      {"svdvals",
       "singular values, descending (scipy.linalg.svdvals)",
       any,
       {check_finite()},
       {"s"},
       false,
       "svdvals data.h5:/X --out s.h5",
       [](const Arguments& in) -> Results {
         return {{"s", svdvals(in[0], in.flag("check_finite"))}};
       }},
      {"svds",
       "the k largest singular values and vectors, approximately (randomised)",
       any,
       {required_integer("k", "how many"), integer("n_oversamples", "more random vectors", 10),
        integer("n_iter", "power iterations", 4),
        between(integer("random_state", "seed", 0), 0, std::numeric_limits<std::uint32_t>::max())},
       {"u", "s", "vh"},
       false,
       "svds data.h5:/X --k 10 --out svds.h5",
       [](const Arguments& in) -> Results {
         const Svd f = svds(in[0], in.integer("k"),
                            {in.integer("n_oversamples"), in.integer("n_iter"),
                             static_cast<std::uint32_t>(in.integer("random_state"))});
         return {{"u", f.u}, {"s", f.s}, {"vh", f.vh}};
       }},
      {"eigh",
       "eigenvalues, ascending, and vectors of a Hermitian matrix (scipy.linalg.eigh)",
       square_pencil,
       eigh_options,
       {"w", "v"},
       false,
       "eigh data.h5:/A --subset-by-index 0 9 --out eigh.h5",
       [](const Arguments& in) -> Results {
         const Eigh f = eigh(in[0], eigh_options_of(in));
         return {{"w", f.values}, {"v", f.vectors}};
       }},
      {"eigvalsh",
       "eigenvalues of a Hermitian matrix, ascending (scipy.linalg.eigvalsh)",
       square_pencil,
       eigh_options,
       {"w"},
       false,
       "eigvalsh data.h5:/A --out w.h5",
       [](const Arguments& in) -> Results {
         return {{"w", eigvalsh(in[0], eigh_options_of(in))}};
       }},
      {"eig",
       "eigenvalues and eigenvectors of a square matrix, complex (scipy.linalg.eig)",
       square_pencil,
       {flag("left", "also vl with vl^H A = w vl^H"), unless("right", "no_right", "no v"),
        check_finite()},
       {"w", "v", "vl"},
       false,
       "eig data.h5:/A --out eig.h5",
       [](const Arguments& in) -> Results {
         const Eig f = eig(in[0], in.flag("check_finite"), in.flag("left"), in[1]);
         Results results = {{"w", f.values}};
         if (f.left) results.emplace_back("vl", f.left);
         if (in.flag("right")) results.emplace_back("v", f.vectors);
         return results;
       }},
      {"eigvals",
       "eigenvalues of a square matrix, complex (scipy.linalg.eigvals)",
       square_pencil,
       {check_finite()},
       {"w"},
       false,
       "eigvals data.h5:/A --out w.h5",
       [](const Arguments& in) -> Results {
         return {{"w", eigvals(in[0], in.flag("check_finite"), in[1])}};
       }},
      {"eig_banded",
       "eigenvalues, ascending, and vectors of a Hermitian band (scipy.linalg.eig_banded)",
       band,
       {lower("AB has the lower diagonals"), eigvals_only(), select(), select_range(),
        check_finite()},
       {"w", "v"},
       false,
       "eig_banded data.h5:/AB --select i --select-range 0 4 --out eig.h5",
       [](const Arguments& in) -> Results {
         const BandedOptions o = banded_options(in, in.flag("lower"));
         if (in.flag("eigvals_only")) return {{"w", eigvals_banded(in[0], o)}};
         const Eigh f = eig_banded(in[0], o);
         return {{"w", f.values}, {"v", f.vectors}};
       }},
      {"eigvals_banded",
       "eigenvalues of a Hermitian band, ascending (scipy.linalg.eigvals_banded)",
       band,
       {lower("AB has the lower diagonals"), select(), select_range(), check_finite()},
       {"w"},
       false,
       "eigvals_banded data.h5:/AB --out w.h5",
       [](const Arguments& in) -> Results {
         return {{"w", eigvals_banded(in[0], banded_options(in, in.flag("lower")))}};
       }},
      {"eigh_tridiagonal",
       "those of a real symmetric tridiagonal matrix (scipy.linalg.eigh_tridiagonal)",
       {{"D", "diagonal"}, {"E", "what is beside it"}},
       {eigvals_only(), select(), select_range(), check_finite()},
       {"w", "v"},
       false,
       "eigh_tridiagonal data.h5:/d data.h5:/e --out eig.h5",
       [](const Arguments& in) -> Results {
         const BandedOptions o = banded_options(in, true);
         if (in.flag("eigvals_only")) return {{"w", eigvalsh_tridiagonal(in[0], in[1], o)}};
         const Eigh f = eigh_tridiagonal(in[0], in[1], o);
         return {{"w", f.values}, {"v", f.vectors}};
       }},
      {"eigvalsh_tridiagonal",
       "eigenvalues of one, ascending (scipy.linalg.eigvalsh_tridiagonal)",
       {{"D", "diagonal"}, {"E", "what is beside it"}},
       {select(), select_range(), check_finite()},
       {"w"},
       false,
       "eigvalsh_tridiagonal data.h5:/d data.h5:/e --out w.h5",
       [](const Arguments& in) -> Results {
         return {{"w", eigvalsh_tridiagonal(in[0], in[1], banded_options(in, true))}};
       }},
      {"schur",
       "A = z t z^H, t upper (quasi-)triangular (scipy.linalg.schur)",
       square,
       {output(), order_of_eigenvalues(), check_finite()},
       {"t", "z", "sdim"},
       false,
       "schur data.h5:/A --output complex --out schur.h5",
       [](const Arguments& in) -> Results {
         const Schur f =
             schur(in[0], in.word("output") == "complex", order_of(in), in.flag("check_finite"));
         Results results = {{"t", f.t}, {"z", f.z}};
         if (in.word("sort") != "none") results.emplace_back("sdim", scalar(f.leading, in));
         return results;
       }},
      {"rsf2csf",
       "the complex Schur form of what a real one is of (scipy.linalg.rsf2csf)",
       {{"T", "quasi-triangular matrix"}, {"Z", "unitary matrix"}},
       {check_finite()},
       {"t", "z"},
       false,
       "rsf2csf schur.h5:/t schur.h5:/z --out complex.h5",
       [](const Arguments& in) -> Results {
         const Schur f = rsf2csf(in[0], in[1], in.flag("check_finite"));
         return {{"t", f.t}, {"z", f.z}};
       }},
      {"hessenberg",
       "A = q h q^H, h zero below the first subdiagonal (scipy.linalg.hessenberg)",
       square,
       {flag("calc_q", "also q"), check_finite()},
       {"h", "q"},
       false,
       "hessenberg data.h5:/A --calc-q --out hessenberg.h5",
       [](const Arguments& in) -> Results {
         const Hessenberg f = hessenberg(in[0], in.flag("check_finite"));
         return in.flag("calc_q") ? Results{{"h", f.h}, {"q", f.q}} : Results{{"h", f.h}};
       }},
      {"qz",
       "A = q aa z^H and B = q bb z^H, aa and bb upper triangular (scipy.linalg.qz)",
       {{"A", "square matrix"}, {"B", "square matrix"}},
       {output(), order_of_eigenvalues(), check_finite()},
       {"aa", "bb", "q", "z"},
       false,
       "qz data.h5:/A data.h5:/B --out qz.h5",
       [](const Arguments& in) -> Results {
         const Qz f = qz(in[0], in[1], in.word("output") == "complex", order_of(in),
                         in.flag("check_finite"));
         return {{"aa", f.aa}, {"bb", f.bb}, {"q", f.q}, {"z", f.z}};
       }},
      {"ldl",
       "A = lu d lu^H of a symmetric or Hermitian matrix (scipy.linalg.ldl)",
       square,
       {unless("lower", "upper", "read the upper triangle of A, not the lower"),
        unless("hermitian", "symmetric", "A = lu d lu^T, also of complex numbers"), check_finite()},
       {"lu", "d", "perm"},
       false,
       "ldl data.h5:/A --out ldl.h5",
       [](const Arguments& in) -> Results {
         const Ldl f = ldl(in[0], in.flag("lower"), in.flag("hermitian"), in.flag("check_finite"));
         return {{"lu", f.lu}, {"d", f.d}, {"perm", f.perm}};
       }},
      {"cossin",
       "x = u cs vh of a unitary matrix by blocks (scipy.linalg.cossin)",
       {{"X", "unitary matrix"}},
       {required_integer("p", "rows of its first block"),
        required_integer("q", "columns of its first block"),
        flag("separate", "blocks u1, u2, v1h, v2h and the angles theta"),
        flag("swap_sign", "the sines above the diagonal are those that are positive")},
       {"u", "cs", "vh", "u1", "u2", "theta", "v1h", "v2h"},
       false,
       "cossin data.h5:/Q --p 2 --q 3 --out cossin.h5",
       [](const Arguments& in) -> Results {
         const bool swap_sign = in.flag("swap_sign");
         const Cossin f = cossin(in[0], in.integer("p"), in.integer("q"), swap_sign);
         if (in.flag("separate"))
           return {{"u1", f.u1}, {"u2", f.u2}, {"theta", f.theta}, {"v1h", f.v1h}, {"v2h", f.v2h}};
         return {{"u", block_diagonal(f.u1, f.u2)},
                 {"cs", cossin_middle(f, swap_sign)},
                 {"vh", block_diagonal(f.v1h, f.v2h)}};
       }},
      {"matrix_balance",
       "b = t^-1 A t with rows and columns of similar norms (scipy.linalg.matrix_balance)",
       square,
       {unless("permute", "no_permute", "no interchanges"),
        unless("scale", "no_scale", "no scaling"),
        flag("separate", "scale and perm in place of t")},
       {"b", "t", "scale", "perm"},
       false,
       "matrix_balance data.h5:/A --out balanced.h5",
       [](const Arguments& in) -> Results {
         const Balanced f = matrix_balance(in[0], in.flag("permute"), in.flag("scale"));
         return in.flag("separate") ? Results{{"b", f.b}, {"scale", f.scale}, {"perm", f.perm}}
                                    : Results{{"b", f.b}, {"t", f.t}};
       }},
      {"polar",
       "A = u p, u with orthonormal columns, p positive semidefinite (scipy.linalg.polar)",
       any,
       {word("side", "right: A = u p, left: A = p u", {"right", "left"})},
       {"u", "p"},
       false,
       "polar data.h5:/A --out polar.h5",
       [](const Arguments& in) -> Results {
         const Polar f = polar(in[0], in.word("side") == "left");
         return {{"u", f.u}, {"p", f.p}};
       }},
      {"orthogonal_procrustes",
       "the unitary r with the least |A r - B| (scipy.linalg.orthogonal_procrustes)",
       {{"A", "matrix"}, {"B", "matrix"}},
       {check_finite()},
       {"r", "scale"},
       false,
       "orthogonal_procrustes data.h5:/X data.h5:/Y --out r.h5",
       [](const Arguments& in) -> Results {
         const Procrustes f = orthogonal_procrustes(in[0], in[1], in.flag("check_finite"));
         return {{"r", f.r}, {"scale", scalar(f.scale, in)}};
       }},
      {"subspace_angles",
       "angles between what columns span (scipy.linalg.subspace_angles)",
       {{"A", "matrix"}, {"B", "matrix"}},
       {},
       {"subspace_angles"},
       false,
       "subspace_angles data.h5:/X data.h5:/Y --out angles.h5",
       [](const Arguments& in) -> Results {
         return {{"subspace_angles", subspace_angles(in[0], in[1])}};
       }},
      {"khatri_rao",
       "Kronecker products of columns (scipy.linalg.khatri_rao)",
       {{"A", "matrix"}, {"B", "matrix"}},
       {},
       {"khatri_rao"},
       false,
       "khatri_rao data.h5:/X data.h5:/Y --out products.h5",
       [](const Arguments& in) -> Results {
         return {{"khatri_rao", khatri_rao(in[0], in[1])}};
       }},
      {"clarkson_woodruff_transform",
       "a random sketch of the rows of A (scipy.linalg.clarkson_woodruff_transform)",
       any,
       {required_integer("sketch_size", "its rows"),
        between(integer("seed", "another seed, another sketch", 0), 0)},
       {"sketch"},
       false,
       "clarkson_woodruff_transform data.h5:/X --sketch-size 100 --out sketch.h5",
       [](const Arguments& in) -> Results {
         return {{"sketch",
                  clarkson_woodruff_transform(in[0], in.integer("sketch_size"),
                                              static_cast<std::uint64_t>(in.integer("seed")))}};
       }},
      {"orth",
       "an orthonormal basis of the columns (scipy.linalg.orth)",
       any,
       {rcond()},
       {"orth"},
       false,
       "orth data.h5:/X --out basis.h5",
       [](const Arguments& in) -> Results {
         return {{"orth", orth(in[0], in.number("rcond"))}};
       }},
      {"null_space",
       "an orthonormal basis of what A maps to 0 (scipy.linalg.null_space)",
       any,
       {rcond(), check_finite()},
       {"null_space"},
       false,
       "null_space data.h5:/A --rcond 1e-10 --out basis.h5",
       [](const Arguments& in) -> Results {
         return {{"null_space", null_space(in[0], in.number("rcond"), in.flag("check_finite"))}};
       }},
      // ---- equations
      {"solve",
       "x with A x = B for a square A (scipy.linalg.solve)",
       system,
       {assume_a(), flag("lower", "sym, her, pos: read the lower triangle of A"),
        flag("transposed", "A^T x = B"), check_finite()},
       {"x"},
       false,
       "solve data.h5:/A data.h5:/b --assume-a pos --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x", solve(in[0], in[1],
                             {structure_of(in), in.flag("lower"), in.flag("check_finite"),
                              in.flag("transposed")})}};
       }},
      {"cho_solve",
       "x with A x = B from what cho_factor wrote (scipy.linalg.cho_solve)",
       {{"C", "factor"}, {"B", "right-hand side, a vector or a matrix"}},
       {lower("the factor is the lower one"), check_finite()},
       {"x"},
       false,
       "cho_solve factor.h5:/c data.h5:/b --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x", cho_solve(in[0], in[1], in.flag("lower"), in.flag("check_finite"))}};
       }},
      {"solve_banded",
       "x with A x = B for a banded A (scipy.linalg.solve_banded)",
       band_system,
       {{"l_and_u",
         "how many diagonals there are below and above the main one",
         Kind::integers,
         {},
         {},
         true,
         0,
         0,
         {"L", "U"}},
        check_finite()},
       {"x"},
       false,
       "solve_banded data.h5:/AB data.h5:/b --l-and-u 1 2 --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x",
                  solve_banded(in[0], in[1], in.pair("l_and_u").value(), in.flag("check_finite"))}};
       }},
      {"solveh_banded",
       "x with A x = B for a positive definite banded A (scipy.linalg.solveh_banded)",
       band_system,
       {lower("AB has the lower diagonals"), check_finite()},
       {"x"},
       false,
       "solveh_banded data.h5:/AB data.h5:/b --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x", solveh_banded(in[0], in[1], in.flag("lower"), in.flag("check_finite"))}};
       }},
      {"cholesky_banded",
       "the Cholesky factor of a banded matrix (scipy.linalg.cholesky_banded)",
       band,
       {lower("AB has the lower diagonals, and so has c"), check_finite()},
       {"c"},
       false,
       "cholesky_banded data.h5:/AB --out factor.h5",
       [](const Arguments& in) -> Results {
         return {{"c", cholesky_banded(in[0], in.flag("lower"), in.flag("check_finite"))}};
       }},
      {"cho_solve_banded",
       "x with A x = B from what cholesky_banded wrote (scipy.linalg.cho_solve_banded)",
       {{"CB", "factor"}, {"B", "right-hand side, a vector or a matrix"}},
       {lower("the factor is the lower one"), check_finite()},
       {"x"},
       false,
       "cho_solve_banded factor.h5:/c data.h5:/b --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x", cho_solve_banded(in[0], in[1], in.flag("lower"), in.flag("check_finite"))}};
       }},
      {"solve_toeplitz",
       "x with A x = B for a Toeplitz matrix A (scipy.linalg.solve_toeplitz)",
       {{"C", "first column"},
        {"B", "right-hand side, a vector or a matrix"},
        {"r", "first row; conj(C) if left out", false, true}},
       {check_finite()},
       {"x"},
       false,
       "solve_toeplitz data.h5:/c data.h5:/b --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x", solve_toeplitz(in[0], in[1], in[2], in.flag("check_finite"))}};
       }},
      {"matmul_toeplitz",
       "A X for a Toeplitz matrix A (scipy.linalg.matmul_toeplitz)",
       {{"C", "first column"},
        {"X", "vector or matrix"},
        {"r", "first row; conj(C) if left out", false, true}},
       {check_finite()},
       {"matmul_toeplitz"},
       false,
       "matmul_toeplitz data.h5:/c data.h5:/X --out product.h5",
       [](const Arguments& in) -> Results {
         return {
             {"matmul_toeplitz", matmul_toeplitz(in[0], in[1], in[2], in.flag("check_finite"))}};
       }},
      {"solve_circulant",
       "x with A x = B for a circulant A (scipy.linalg.solve_circulant)",
       {{"C", "first column"}, {"B", "right-hand side, a vector or a matrix"}},
       {word("singular", "what a singular A is: an error, or the shortest x", {"raise", "lstsq"}),
        number("tol", "eigenvalues up to this are 0", "eps n times the largest")},
       {"x"},
       false,
       "solve_circulant data.h5:/c data.h5:/b --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x",
                  solve_circulant(in[0], in[1], in.word("singular") == "lstsq", in.number("tol"))}};
       }},
      {"solve_sylvester",
       "x with A x + x B = Q (scipy.linalg.solve_sylvester)",
       {{"A", "square matrix"}, {"B", "square matrix"}, {"Q", "matrix"}},
       {},
       {"x"},
       false,
       "solve_sylvester data.h5:/A data.h5:/B data.h5:/Q --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x", solve_sylvester(in[0], in[1], in[2])}};
       }},
      {"solve_continuous_lyapunov",
       "x with A x + x A^H = Q (scipy.linalg.solve_continuous_lyapunov)",
       {{"A", "square matrix"}, {"Q", "square matrix"}},
       {},
       {"x"},
       false,
       "solve_continuous_lyapunov data.h5:/A data.h5:/Q --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x", solve_continuous_lyapunov(in[0], in[1])}};
       }},
      {"solve_discrete_lyapunov",
       "x with A x A^H - x + Q = 0 (scipy.linalg.solve_discrete_lyapunov)",
       {{"A", "square matrix"}, {"Q", "square matrix"}},
       {word("method", "a system of n^2 equations (for n < 10), or a continuous equation",
             {"none", "direct", "bilinear"})},
       {"x"},
       false,
       "solve_discrete_lyapunov data.h5:/A data.h5:/Q --out x.h5",
       [](const Arguments& in) -> Results {
         const std::string& method = in.word("method");
         return {{"x", solve_discrete_lyapunov(
                           in[0], in[1],
                           method == "none" ? std::nullopt : std::optional(method == "direct"))}};
       }},
      {"solve_continuous_are",
       "the stabilising x of A^H x + x A - x B R^-1 B^H x + Q = 0 "
       "(scipy.linalg.solve_continuous_are)",
       riccati,
       {},
       {"x"},
       false,
       "solve_continuous_are data.h5:/A data.h5:/B data.h5:/Q data.h5:/R --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x", solve_continuous_are(in[0], in[1], in[2], in[3], in[4], in[5])}};
       }},
      {"solve_discrete_are",
       "that of A^H x A - x - A^H x B (R + B^H x B)^-1 B^H x A + Q = 0 "
       "(scipy.linalg.solve_discrete_are)",
       riccati,
       {},
       {"x"},
       false,
       "solve_discrete_are data.h5:/A data.h5:/B data.h5:/Q data.h5:/R --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x", solve_discrete_are(in[0], in[1], in[2], in[3], in[4], in[5])}};
       }},
      {"tensorsolve",
       "x with tensordot(A, x) = B (numpy.linalg.tensorsolve)",
       two,
       {{"axes", "these of A are moved to its end first", Kind::integers, {}, "none"}},
       {"x"},
       false,
       "tensorsolve data.h5:/A data.h5:/B --out x.h5",
       [](const Arguments& in) -> Results {
         const auto* axes = std::get_if<std::vector<std::int64_t>>(&in.value("axes"));
         return {{"x", tensorsolve(in[0], in[1], axes ? *axes : std::vector<std::int64_t>())}};
       }},
      {"tensorinv",
       "the inverse of tensordot with A (numpy.linalg.tensorinv)",
       {{"A", "array"}},
       {integer("ind", "how many of its axes come first in what it is applied to", 2)},
       {"tensorinv"},
       false,
       "tensorinv data.h5:/A --ind 1 --out inverse.h5",
       [](const Arguments& in) -> Results {
         return {{"tensorinv", tensorinv(in[0], in.integer("ind"))}};
       }},
      {"lu_solve",
       "x with A x = B from what lu_factor wrote (scipy.linalg.lu_solve)",
       {{"LU", "factors"},
        {"PIV", "row interchanges", true},
        {"B", "right-hand side, a vector or a matrix"}},
       {trans("trans", "A"), check_finite()},
       {"x"},
       false,
       "lu_solve factors.h5:/lu factors.h5:/piv data.h5:/b --trans T --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x", lu_solve({in[0], in[1]}, in[2], transpose_of(in, "trans"),
                                in.flag("check_finite"))}};
       }},
      {"solve_triangular",
       "x with A x = B for a triangular A (scipy.linalg.solve_triangular)",
       system,
       {flag("lower", "A's lower triangle is read, not the upper"), trans("trans", "A"),
        flag("unit_diagonal", "take A's diagonal for ones"), check_finite()},
       {"x"},
       false,
       "solve_triangular data.h5:/R data.h5:/b --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x", solve_triangular(in[0], in[1],
                                        {in.flag("lower"), transpose_of(in, "trans"),
                                         in.flag("unit_diagonal"), in.flag("check_finite")})}};
       }},
      {"lstsq",
       "the shortest x with the smallest |B - A x| (scipy.linalg.lstsq)",
       system,
       {number("cond", "singular values up to this times the largest are 0",
               "eps min(max(m, n), 4 min(m, n))"),
        check_finite()},
       {"x", "residues", "rank", "s"},
       false,
       "lstsq data.h5:/X data.h5:/y --out fit.h5",
       [](const Arguments& in) -> Results {
         const Lstsq f = lstsq(in[0], in[1], in.number("cond"), in.flag("check_finite"));
         return {{"x", f.x}, {"residues", f.residues}, {"rank", scalar(f.rank, in)}, {"s", f.s}};
       }},
      {"inv",
       "the inverse (scipy.linalg.inv)",
       square,
       {check_finite()},
       {"inv"},
       false,
       "inv data.h5:/A --out inv.h5",
       [](const Arguments& in) -> Results {
         return {{"inv", inv(in[0], in.flag("check_finite"))}};
       }},
      {"pinv",
       "the Moore-Penrose inverse (scipy.linalg.pinv)",
       any,
       {number("atol", "singular values up to this are 0", "0"),
        number("rtol", "or up to this times the largest", "eps max(m, n)"), check_finite(),
        hermitian(), return_rank()},
       {"pinv", "rank"},
       false,
       "pinv data.h5:/X --out pinv.h5",
       [](const Arguments& in) -> Results {
         std::int64_t rank = 0;
         Results results = {{"pinv", pinv(in[0], in.number("atol").value_or(0.0), in.number("rtol"),
                                          in.flag("check_finite"), in.flag("hermitian"), &rank)}};
         if (in.flag("return_rank")) results.emplace_back("rank", scalar(rank, in));
         return results;
       }},
      {"pinvh",
       "the Moore-Penrose inverse of a Hermitian matrix (scipy.linalg.pinvh)",
       square,
       {number("atol", "eigenvalues of a magnitude up to this are 0", "0"),
        number("rtol", "or up to this times the largest", "eps n"),
        unless("lower", "upper", "read the upper triangle of A, not the lower"), check_finite(),
        return_rank()},
       {"pinvh", "rank"},
       false,
       "pinvh data.h5:/A --out pinvh.h5",
       [](const Arguments& in) -> Results {
         std::int64_t rank = 0;
         Results results = {
             {"pinvh", pinvh(in[0], in.number("atol").value_or(0.0), in.number("rtol"),
                             in.flag("lower"), in.flag("check_finite"), &rank)}};
         if (in.flag("return_rank")) results.emplace_back("rank", scalar(rank, in));
         return results;
       }},
      // ---- numbers of a matrix
      {"det",
       "the determinant (scipy.linalg.det)",
       square,
       {check_finite()},
       {"det"},
       true,
       "det data.h5:/A",
       [](const Arguments& in) -> Results {
         return {{"det", det(in[0], in.flag("check_finite"))}};
       }},
      {"slogdet",
       "sign and logarithm of |det| (numpy.linalg.slogdet)",
       square,
       {check_finite()},
       {"sign", "logabsdet"},
       true,
       "slogdet data.h5:/A",
       [](const Arguments& in) -> Results {
         const Slogdet f = slogdet(in[0], in.flag("check_finite"));
         return {{"sign", f.sign}, {"logabsdet", scalar(f.logabsdet, in)}};
       }},
      {"matrix_rank",
       "how many singular values are not 0 (numpy.linalg.matrix_rank)",
       any,
       {number("tol", "singular values up to this are 0", "eps max(m, n) times the largest"),
        hermitian()},
       {"matrix_rank"},
       true,
       "matrix_rank data.h5:/X",
       [](const Arguments& in) -> Results {
         return {{"matrix_rank",
                  scalar(matrix_rank(in[0], in.number("tol"), in.flag("hermitian")), in)}};
       }},
      {"cond",
       "the condition number (numpy.linalg.cond)",
       any,
       {order("2", ", other than 2 and -2 for square matrices")},
       {"cond"},
       true,
       "cond data.h5:/X",
       [](const Arguments& in) -> Results {
         return {{"cond", scalar(cond(in[0], norm_order(in)), in)}};
       }},
      // ---- functions of a matrix
      {"matrix_power",
       "a power (numpy.linalg.matrix_power)",
       square,
       {required_integer("n", "which, also 0 and negative")},
       {"matrix_power"},
       false,
       "matrix_power data.h5:/A --n 3 --out cube.h5",
       [](const Arguments& in) -> Results {
         return {{"matrix_power", matrix_power(in[0], in.integer("n"))}};
       }},
      {"expm",
       "the matrix exponential (scipy.linalg.expm)",
       square,
       {},
       {"expm"},
       false,
       "expm data.h5:/A --out expm.h5",
       [](const Arguments& in) -> Results {
         return {{"expm", expm(in[0])}};
       }},
      {"sqrtm",
       "the principal square root of a matrix (scipy.linalg.sqrtm)",
       square,
       {},
       {"sqrtm"},
       false,
       "sqrtm data.h5:/A --out sqrtm.h5",
       [](const Arguments& in) -> Results {
         return {{"sqrtm", sqrtm(in[0])}};
       }},
      {"logm",
       "the principal logarithm of a matrix (scipy.linalg.logm)",
       square,
       {},
       {"logm"},
       false,
       "logm data.h5:/A --out logm.h5",
       [](const Arguments& in) -> Results {
         return {{"logm", logm(in[0])}};
       }},
      {"signm",
       "the matrix sign function of a matrix (scipy.linalg.signm)",
       square,
       {},
       {"signm"},
       false,
       "signm data.h5:/A --out signm.h5",
       [](const Arguments& in) -> Results {
         return {{"signm", signm(in[0])}};
       }},
      {"cosm",
       "the cosine of a matrix (scipy.linalg.cosm)",
       square,
       {},
       {"cosm"},
       false,
       "cosm data.h5:/A --out cosm.h5",
       [](const Arguments& in) -> Results {
         return {{"cosm", cosm(in[0])}};
       }},
      {"sinm",
       "the sine of a matrix (scipy.linalg.sinm)",
       square,
       {},
       {"sinm"},
       false,
       "sinm data.h5:/A --out sinm.h5",
       [](const Arguments& in) -> Results {
         return {{"sinm", sinm(in[0])}};
       }},
      {"tanm",
       "the tangent of a matrix (scipy.linalg.tanm)",
       square,
       {},
       {"tanm"},
       false,
       "tanm data.h5:/A --out tanm.h5",
       [](const Arguments& in) -> Results {
         return {{"tanm", tanm(in[0])}};
       }},
      {"coshm",
       "the hyperbolic cosine of a matrix (scipy.linalg.coshm)",
       square,
       {},
       {"coshm"},
       false,
       "coshm data.h5:/A --out coshm.h5",
       [](const Arguments& in) -> Results {
         return {{"coshm", coshm(in[0])}};
       }},
      {"sinhm",
       "the hyperbolic sine of a matrix (scipy.linalg.sinhm)",
       square,
       {},
       {"sinhm"},
       false,
       "sinhm data.h5:/A --out sinhm.h5",
       [](const Arguments& in) -> Results {
         return {{"sinhm", sinhm(in[0])}};
       }},
      {"tanhm",
       "the hyperbolic tangent of a matrix (scipy.linalg.tanhm)",
       square,
       {},
       {"tanhm"},
       false,
       "tanhm data.h5:/A --out tanhm.h5",
       [](const Arguments& in) -> Results {
         return {{"tanhm", tanhm(in[0])}};
       }},
      {"funm",
       "a function of numbers on a matrix (scipy.linalg.funm)",
       square,
       {function_of_numbers()},
       {"funm"},
       false,
       "funm data.h5:/A --func tanh --out funm.h5",
       [](const Arguments& in) -> Results {
         return {{"funm", funm(in[0], scalar_function(in.word("func")))}};
       }},
      {"fractional_matrix_power",
       "a real power (scipy.linalg.fractional_matrix_power)",
       square,
       {number("t", "which", 0.5)},
       {"power"},
       false,
       "fractional_matrix_power data.h5:/A --t 0.25 --out root.h5",
       [](const Arguments& in) -> Results {
         return {{"power", fractional_matrix_power(in[0], in.number("t").value())}};
       }},
      {"expm_frechet",
       "the exponential and its derivative in the direction E (scipy.linalg.expm_frechet)",
       {{"A", "square matrix"}, {"E", "direction"}},
       {unless("compute_expm", "no_expm", "the derivative only"), check_finite()},
       {"expm", "frechet"},
       false,
       "expm_frechet data.h5:/A data.h5:/E --out frechet.h5",
       [](const Arguments& in) -> Results {
         const Frechet f = expm_frechet(in[0], in[1], in.flag("check_finite"));
         return in.flag("compute_expm") ? Results{{"expm", f.expm}, {"frechet", f.frechet}}
                                        : Results{{"frechet", f.frechet}};
       }},
      {"expm_cond",
       "the relative condition number of the exponential (scipy.linalg.expm_cond)",
       square,
       {check_finite()},
       {"expm_cond"},
       true,
       "expm_cond data.h5:/A",
       [](const Arguments& in) -> Results {
         return {{"expm_cond", scalar(expm_cond(in[0], in.flag("check_finite")), in)}};
       }},
  };
}

}  // namespace

const std::vector<Signature>& signatures() {
  static const std::vector<Signature> table = make_table();
  return table;
}

}  // namespace tessera::linalg
