// Equations and inverses in the table.
#include <tessera/linalg/table.hpp>

namespace tessera::linalg::tables {
namespace {

const Inputs riccati = {{"A", "square matrix"},
                        {"B", "matrix"},
                        {"Q", "Hermitian matrix"},
                        {"R", "Hermitian matrix"},
                        {"e", "square matrix, the identity if left out", false, true},
                        {"s", "matrix like B, 0 if left out", false, true}};

const Inputs system = {{"A", "matrix"}, {"B", "right-hand side, a vector or a matrix"}};
const Inputs band_system = {band[0], {"B", "right-hand side, a vector or a matrix"}};
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

Option return_rank() { return flag("return_rank", "also how many values were not 0"); }
}  // namespace

std::vector<Signature> of_equations() {
  return {
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
  };
}

}  // namespace tessera::linalg::tables
