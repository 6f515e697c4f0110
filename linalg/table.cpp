// The table of signatures: one entry per function, written once.
#include <tessera/linalg/signatures.hpp>

#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/stacks.hpp>

namespace tessera::linalg {
namespace {

using functions::Arguments;
using functions::between;
using functions::flag;
using functions::integer;
using functions::number;
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
const Inputs system = {{"A", "matrix"}, {"B", "right-hand side, a vector or a matrix"}};

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
std::vector<std::string> structure_words() {
  std::vector<std::string> words;
  for (const auto& [name, structure] : structures) words.push_back(name);
  return words;
}
Structure structure_of(const std::string& name) {
  for (const auto& [known, structure] : structures)
    if (known == name) return structure;
  return Structure::detect;
}

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
    check_finite()};
EighOptions eigh_options_of(const Arguments& in) {
  return {in.flag("lower"), in.pair("subset_by_index"), in.flag("check_finite")};
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
       {word("mode", "what to compute; complete: a square q", {"reduced", "complete", "r"}),
        check_finite()},
       {"q", "r"},
       false,
       "qr data.h5:/X --mode r --out r.h5",
       [](const Arguments& in) -> Results {
         const QrMode mode = in.word("mode") == "r"          ? QrMode::r
                             : in.word("mode") == "complete" ? QrMode::complete
                                                             : QrMode::reduced;
         const Qr f = qr(in[0], mode, in.flag("check_finite"));
         return f.q ? Results{{"q", f.q}, {"r", f.r}} : Results{{"r", f.r}};
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
       square,
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
       square,
       eigh_options,
       {"w"},
       false,
       "eigvalsh data.h5:/A --out w.h5",
       [](const Arguments& in) -> Results {
         return {{"w", eigvalsh(in[0], eigh_options_of(in))}};
       }},
      {"eig",
       "eigenvalues and right eigenvectors of a square matrix, complex (scipy.linalg.eig)",
       square,
       {check_finite()},
       {"w", "v"},
       false,
       "eig data.h5:/A --out eig.h5",
       [](const Arguments& in) -> Results {
         const Eig f = eig(in[0], in.flag("check_finite"));
         return {{"w", f.values}, {"v", f.vectors}};
       }},
      {"eigvals",
       "eigenvalues of a square matrix, complex (scipy.linalg.eigvals)",
       square,
       {check_finite()},
       {"w"},
       false,
       "eigvals data.h5:/A --out w.h5",
       [](const Arguments& in) -> Results {
         return {{"w", eigvals(in[0], in.flag("check_finite"))}};
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
       {word("assume_a", "what is known of A", structure_words()),
        flag("lower", "sym, her, pos: read the lower triangle of A"), check_finite()},
       {"x"},
       false,
       "solve data.h5:/A data.h5:/b --assume-a pos --out x.h5",
       [](const Arguments& in) -> Results {
         return {{"x", solve(in[0], in[1],
                             {structure_of(in.word("assume_a")), in.flag("lower"),
                              in.flag("check_finite")})}};
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
        hermitian()},
       {"pinv"},
       false,
       "pinv data.h5:/X --out pinv.h5",
       [](const Arguments& in) -> Results {
         return {{"pinv", pinv(in[0], in.number("atol").value_or(0.0), in.number("rtol"),
                               in.flag("check_finite"), in.flag("hermitian"))}};
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
  };
}

}  // namespace

const std::vector<Signature>& signatures() {
  static const std::vector<Signature> table = make_table();
  return table;
}

}  // namespace tessera::linalg
