// Numbers and functions of a matrix in the table.
#include <tessera/linalg/scalar_function.hpp>
#include <tessera/linalg/table.hpp>

namespace tessera::linalg::tables {
namespace {

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

}  // namespace

std::vector<Signature> of_functions() {
  return {
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

}  // namespace tessera::linalg::tables
