#include "linalg.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <complex>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <utility>

#include <tessera/linalg/dense.hpp>

namespace tessera {
namespace {

using namespace linalg;
using Arrays = std::vector<Array>;
using Results = std::vector<std::pair<std::string, Array>>;
using Call = std::function<Results(const Arrays&)>;

/// The options of one function, in variables that live as long as the call made of them.
class Options {
 public:
  explicit Options(CLI::App& app) : app_(app) {}

  template <class T>
  std::shared_ptr<T> value(const std::string& name, const std::string& doc, T initial = {}) {
    const auto variable = std::make_shared<T>(std::move(initial));
    last_ = app_.add_option(name, *variable, doc);
    return variable;
  }
  std::shared_ptr<bool> flag(const std::string& name, const std::string& doc) {
    const auto variable = std::make_shared<bool>(false);
    app_.add_flag(name, *variable, doc);
    return variable;
  }
  std::shared_ptr<std::optional<double>> number(const std::string& name, const std::string& doc) {
    return value<std::optional<double>>(name, doc);
  }
  /// One of the words; the map's values are what they mean.
  template <class T>
  std::shared_ptr<T> choice(const std::string& name, const std::string& doc,
                            const std::map<std::string, T>& words, const std::string& initial) {
    const auto variable = std::make_shared<T>(words.at(initial));
    std::vector<std::string> known;
    for (const auto& word : words) known.push_back(word.first);
    app_.add_option_function<std::string>(
            name,
            [variable, words, known, name](const std::string& word) {
              const auto found = words.find(word);
              if (found == words.end())
                throw CLI::ValidationError(
                    name, fmt::format("must be one of {}, got {}", fmt::join(known, ", "), word));
              *variable = found->second;
            },
            fmt::format("{}: {} [{}]", doc, fmt::join(known, ", "), initial))
        ->type_name("WORD");
    return variable;
  }
  /// Whether NaN and infinities are looked for.
  std::shared_ptr<bool> check_finite() {
    const auto check = std::make_shared<bool>(true);
    app_.add_flag_callback(
        "--no-check-finite", [check] { *check = false; },
        "do not look for NaN and infinities first");
    return check;
  }
  std::shared_ptr<Transpose> trans(const std::string& name, const std::string& of) {
    const std::map<std::string, Transpose> words = {
        {"N", Transpose::no}, {"T", Transpose::yes}, {"C", Transpose::conjugate}};
    return choice(name, "take " + of + " as it is, its transpose or its adjoint", words, "N");
  }
  std::shared_ptr<std::string> order(const std::string& more) {
    return value<std::string>("--ord", "a number, inf, --ord=-inf, fro or nuc" + more);
  }
  /// Of the option added last.
  void required() { last_->required(); }
  void takes(int values, const std::string& names) {
    last_->expected(values)->type_name("INT(" + names + ")");
  }

 private:
  CLI::App& app_;
  CLI::Option* last_ = nullptr;
};

NormOrder norm_order(const std::string& text) {
  double number = 0.0;
  if (text.empty()) return {};
  return CLI::detail::lexical_cast(text, number) ? NormOrder(number) : NormOrder(text);
}

template <class T>
Array scalar(T value, const Arrays& like) {
  return replicated(std::vector<T>{value}, {}, like.front().comm());
}

/// One function: what its help says, its operands, and how its options make a call of it.
struct Function {
  const char* name;
  const char* doc;
  std::vector<std::pair<const char*, const char*>> operands;
  const char* writes;
  bool scalars;  ///< only scalars, which are printed: --out may be left out
  const char* example;
  Call (*prepare)(Options);
};

using Operands = std::vector<std::pair<const char*, const char*>>;
const Operands any = {{"A", "matrix, FILE.h5:/dataset"}};
const Operands square = {{"A", "square matrix, FILE.h5:/dataset"}};
const Operands system = {{"A", "matrix, FILE.h5:/dataset"},
                         {"B", "right-hand side, a vector or a matrix, FILE.h5:/dataset"}};
const Operands two = {{"A", "FILE.h5:/dataset"}, {"B", "FILE.h5:/dataset"}};

// SciPy's words, and with _ for the spaces.
const std::map<std::string, Structure> structures = {
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

Call eigh_call(Options o, Results (*run)(const Array&, const EighOptions&)) {
  const auto upper = o.flag("--upper", "read the upper triangle of A, not the lower");
  const auto subset = o.value<std::vector<std::int64_t>>(
      "--subset-by-index", "first and last eigenvalue wanted, from 0, both included");
  o.takes(2, "FIRST LAST");
  const auto check = o.check_finite();
  return [=](const Arrays& in) {
    EighOptions options{.lower = !*upper, .check_finite = *check};
    if (!subset->empty()) options.subset_by_index = {subset->at(0), subset->at(1)};
    return run(in[0], options);
  };
}

const std::vector<Function> table = {
    // ---- products
    {"matmul", "matrix product (numpy.matmul)", two, "/matmul", false,
     "matmul data.h5:/X data.h5:/X --trans-a T --out xtx.h5",
     [](Options o) -> Call {
       const auto a = o.trans("--trans-a", "A");
       const auto b = o.trans("--trans-b", "B");
       return [=](const Arrays& in) -> Results {
         return {{"matmul", matmul({in[0], *a}, {in[1], *b})}};
       };
     }},
    {"gram",
     "X^H X, small for tall X",
     {{"X", "matrix, FILE.h5:/dataset"}},
     "/gram",
     false,
     "gram data.h5:/X --out gram.h5",
     [](Options) -> Call {
       return [](const Arrays& in) -> Results { return {{"gram", gram(in[0])}}; };
     }},
    {"outer", "products of the elements of two vectors (numpy.outer)", two, "/outer", false,
     "outer data.h5:/a data.h5:/b --out outer.h5",
     [](Options) -> Call {
       return [](const Arrays& in) -> Results { return {{"outer", outer(in[0], in[1])}}; };
     }},
    {"vecdot", "sum of conj(A) B over the last axis (numpy.vecdot)", two, "/vecdot", false,
     "vecdot data.h5:/X data.h5:/Y --out dots.h5",
     [](Options) -> Call {
       return [](const Arrays& in) -> Results { return {{"vecdot", vecdot(in[0], in[1])}}; };
     }},
    {"tensordot", "the last axes of A summed against the first of B (numpy.tensordot)", two,
     "/tensordot", false, "tensordot data.h5:/A data.h5:/B --axes 1 --out product.h5",
     [](Options o) -> Call {
       const auto axes = o.value<std::int64_t>("--axes", "how many axes [2]", 2);
       return [=](const Arrays& in) -> Results {
         return {{"tensordot", tensordot(in[0], in[1], *axes)}};
       };
     }},
    {"transpose", "the transpose, or adjoint, of a matrix", any, "/transpose", false,
     "transpose data.h5:/X --out transposed.h5",
     [](Options o) -> Call {
       const auto conjugate = o.flag("--conjugate", "the adjoint");
       return [=](const Arrays& in) -> Results {
         return {{"transpose", evaluate(*conjugate ? adjoint(in[0]) : transpose(in[0]))}};
       };
     }},
    {"norm",
     "a norm of a matrix or vector (numpy.linalg.norm)",
     {{"X", "matrix or vector, FILE.h5:/dataset"}},
     "/norm",
     true,
     "norm data.h5:/X --ord 2",
     [](Options o) -> Call {
       const auto order = o.order(" [fro, for vectors 2]");
       return [=](const Arrays& in) -> Results {
         return {{"norm", scalar(norm(in[0], norm_order(*order)), in)}};
       };
     }},
    {"trace", "the sum of a diagonal (numpy.trace)", any, "/trace", true, "trace data.h5:/A",
     [](Options o) -> Call {
       const auto offset = o.value<std::int64_t>("--offset", "which diagonal [0]");
       return [=](const Arrays& in) -> Results {
         return {{"trace", linalg::trace(in[0], *offset)}};
       };
     }},
    {"diagonal", "a diagonal (numpy.diagonal)", any, "/diagonal", false,
     "diagonal data.h5:/A --offset 1 --out diagonal.h5",
     [](Options o) -> Call {
       const auto offset = o.value<std::int64_t>("--offset", "which diagonal [0]");
       return [=](const Arrays& in) -> Results { return {{"diagonal", diagonal(in[0], *offset)}}; };
     }},
    // ---- factorisations
    {"cholesky", "A = R^H R of a Hermitian positive definite matrix (scipy.linalg.cholesky)",
     square, "/c", false, "cholesky data.h5:/A --lower --out factor.h5",
     [](Options o) -> Call {
       const auto lower = o.flag("--lower", "A = L L^H instead; reads and writes that triangle");
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results {
         return {{"c", cholesky(in[0], {.lower = *lower, .check_finite = *check})}};
       };
     }},
    {"lu_factor", "P A = L U with partial pivoting (scipy.linalg.lu_factor)", any, "/lu, /piv",
     false, "lu_factor data.h5:/A --out factors.h5",
     [](Options o) -> Call {
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results {
         const Lu f = lu_factor(in[0], *check);
         return {{"lu", f.lu}, {"piv", f.piv}};
       };
     }},
    {"qr", "A = q r, q with orthonormal columns (numpy.linalg.qr); r has a diagonal >= 0", any,
     "/q, /r", false, "qr data.h5:/X --mode r --out r.h5",
     [](Options o) -> Call {
       const auto mode =
           o.choice<QrMode>("--mode", "what to compute",
                            {{"reduced", QrMode::reduced}, {"r", QrMode::r}}, "reduced");
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results {
         const Qr f = qr(in[0], *mode, *check);
         return f.q ? Results{{"q", f.q}, {"r", f.r}} : Results{{"r", f.r}};
       };
     }},
    {"svd", "A = u diag(s) vh (scipy.linalg.svd, economy size)", any, "/u, /s, /vh", false,
     "svd data.h5:/X --out svd.h5",
     [](Options o) -> Call {
       const auto full = o.flag("--full-matrices", "square u and vh");
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results {
         const Svd f = svd(in[0], {.full_matrices = *full, .check_finite = *check});
         return {{"u", f.u}, {"s", f.s}, {"vh", f.vh}};
       };
     }},
    {"svdvals", "singular values, descending (scipy.linalg.svdvals)", any, "/s", false,
     "svdvals data.h5:/X --out s.h5",
     [](Options o) -> Call {
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results { return {{"s", svdvals(in[0], *check)}}; };
     }},
    {"svds", "the k largest singular values and vectors, approximately (randomised)", any,
     "/u, /s, /vh", false, "svds data.h5:/X --k 10 --out svds.h5",
     [](Options o) -> Call {
       const auto k = o.value<std::int64_t>("--k", "how many");
       o.required();
       const auto samples =
           o.value<std::int64_t>("--n-oversamples", "more random vectors [10]", 10);
       const auto iterations = o.value<std::int64_t>("--n-iter", "power iterations [4]", 4);
       const auto seed = o.value<std::uint32_t>("--random-state", "seed [0]");
       return [=](const Arrays& in) -> Results {
         const Svd f = svds(
             in[0], *k, {.n_oversamples = *samples, .n_iter = *iterations, .random_state = *seed});
         return {{"u", f.u}, {"s", f.s}, {"vh", f.vh}};
       };
     }},
    {"eigh", "eigenvalues, ascending, and vectors of a Hermitian matrix (scipy.linalg.eigh)",
     square, "/w, /v", false, "eigh data.h5:/A --subset-by-index 0 9 --out eigh.h5",
     [](Options o) -> Call {
       return eigh_call(o, [](const Array& a, const EighOptions& options) -> Results {
         const Eigh f = eigh(a, options);
         return {{"w", f.values}, {"v", f.vectors}};
       });
     }},
    {"eigvalsh", "eigenvalues of a Hermitian matrix, ascending (scipy.linalg.eigvalsh)", square,
     "/w", false, "eigvalsh data.h5:/A --out w.h5",
     [](Options o) -> Call {
       return eigh_call(o, [](const Array& a, const EighOptions& options) -> Results {
         return {{"w", eigvalsh(a, options)}};
       });
     }},
    {"eig", "eigenvalues and right eigenvectors of a square matrix (scipy.linalg.eig)", square,
     "/w, /v (complex)", false, "eig data.h5:/A --out eig.h5",
     [](Options o) -> Call {
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results {
         const Eig f = eig(in[0], *check);
         return {{"w", f.values}, {"v", f.vectors}};
       };
     }},
    {"eigvals", "eigenvalues of a square matrix (scipy.linalg.eigvals)", square, "/w (complex)",
     false, "eigvals data.h5:/A --out w.h5",
     [](Options o) -> Call {
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results { return {{"w", eigvals(in[0], *check)}}; };
     }},
    // ---- equations
    {"solve", "x with A x = B for a square A (scipy.linalg.solve)", system, "/x", false,
     "solve data.h5:/A data.h5:/b --assume-a pos --out x.h5",
     [](Options o) -> Call {
       const auto structure = o.choice("--assume-a", "what is known of A", structures, "detect");
       const auto lower = o.flag("--lower", "sym, her, pos: read the lower triangle of A");
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results {
         return {{"x", solve(in[0], in[1],
                             {.assume_a = *structure, .lower = *lower, .check_finite = *check})}};
       };
     }},
    {"lu_solve",
     "x with A x = B from what lu_factor wrote (scipy.linalg.lu_solve)",
     {{"LU", "factors, FILE.h5:/dataset"},
      {"PIV", "row interchanges, FILE.h5:/dataset"},
      {"B", "right-hand side, a vector or a matrix, FILE.h5:/dataset"}},
     "/x",
     false,
     "lu_solve factors.h5:/lu factors.h5:/piv data.h5:/b --trans T --out x.h5",
     [](Options o) -> Call {
       const auto trans = o.trans("--trans", "A");
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results {
         return {{"x", lu_solve({in[0], in[1]}, in[2], *trans, *check)}};
       };
     }},
    {"solve_triangular", "x with A x = B for a triangular A (scipy.linalg.solve_triangular)",
     system, "/x", false, "solve_triangular data.h5:/R data.h5:/b --out x.h5",
     [](Options o) -> Call {
       const auto lower = o.flag("--lower", "A's lower triangle is read, not the upper");
       const auto trans = o.trans("--trans", "A");
       const auto unit = o.flag("--unit-diagonal", "take A's diagonal for ones");
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results {
         return {{"x", solve_triangular(in[0], in[1],
                                        {.lower = *lower,
                                         .op = *trans,
                                         .unit_diagonal = *unit,
                                         .check_finite = *check})}};
       };
     }},
    {"lstsq", "the shortest x with the smallest |B - A x| (scipy.linalg.lstsq)", system,
     "/x, /residues, /rank, /s", false, "lstsq data.h5:/X data.h5:/y --out fit.h5",
     [](Options o) -> Call {
       const auto cond = o.number(
           "--cond",
           "singular values up to this times the largest are 0 [eps min(max(m, n), 4 min(m, n))]");
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results {
         const Lstsq f = lstsq(in[0], in[1], *cond, *check);
         return {{"x", f.x}, {"residues", f.residues}, {"rank", scalar(f.rank, in)}, {"s", f.s}};
       };
     }},
    {"inv", "the inverse (scipy.linalg.inv)", square, "/inv", false, "inv data.h5:/A --out inv.h5",
     [](Options o) -> Call {
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results { return {{"inv", inv(in[0], *check)}}; };
     }},
    {"pinv", "the Moore-Penrose inverse (scipy.linalg.pinv)", any, "/pinv", false,
     "pinv data.h5:/X --out pinv.h5",
     [](Options o) -> Call {
       const auto atol = o.value<double>("--atol", "singular values up to this are 0 [0]");
       const auto rtol = o.number("--rtol", "or up to this times the largest [eps max(m, n)]");
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results {
         return {{"pinv", pinv(in[0], *atol, *rtol, *check)}};
       };
     }},
    // ---- numbers of a matrix
    {"det", "the determinant (scipy.linalg.det)", square, "/det", true, "det data.h5:/A",
     [](Options o) -> Call {
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results { return {{"det", det(in[0], *check)}}; };
     }},
    {"slogdet", "sign and logarithm of |det| (numpy.linalg.slogdet)", square, "/sign, /logabsdet",
     true, "slogdet data.h5:/A",
     [](Options o) -> Call {
       const auto check = o.check_finite();
       return [=](const Arrays& in) -> Results {
         const Slogdet f = slogdet(in[0], *check);
         return {{"sign", f.sign}, {"logabsdet", scalar(f.logabsdet, in)}};
       };
     }},
    {"matrix_rank", "how many singular values are not 0 (numpy.linalg.matrix_rank)", any,
     "/matrix_rank", true, "matrix_rank data.h5:/X",
     [](Options o) -> Call {
       const auto tol =
           o.number("--tol", "singular values up to this are 0 [eps max(m, n) times the largest]");
       return [=](const Arrays& in) -> Results {
         return {{"matrix_rank", scalar(matrix_rank(in[0], *tol), in)}};
       };
     }},
    {"cond", "the condition number (numpy.linalg.cond)", any, "/cond", true, "cond data.h5:/X",
     [](Options o) -> Call {
       const auto order = o.order(", other than 2 and -2 for square matrices [2]");
       return [=](const Arrays& in) -> Results {
         return {{"cond", scalar(cond(in[0], norm_order(*order)), in)}};
       };
     }},
    // ---- functions of a matrix
    {"matrix_power", "a power (numpy.linalg.matrix_power)", square, "/matrix_power", false,
     "matrix_power data.h5:/A --n 3 --out cube.h5",
     [](Options o) -> Call {
       const auto n = o.value<std::int64_t>("--n", "which, also 0 and negative");
       o.required();
       return [=](const Arrays& in) -> Results {
         return {{"matrix_power", matrix_power(in[0], *n)}};
       };
     }},
    {"expm", "the matrix exponential (scipy.linalg.expm)", square, "/expm", false,
     "expm data.h5:/A --out expm.h5",
     [](Options) -> Call {
       return [](const Arrays& in) -> Results { return {{"expm", expm(in[0])}}; };
     }},
};

/// As Python prints it: 1.5, (1+2j).
std::string text_of(const Array& x) {
  std::string text;
  visit(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T v = x.values<T>()[0];
    if constexpr (requires { v.imag(); })
      text = fmt::format("({}{:+}j)", v.real(), v.imag());
    else
      text = fmt::format("{}", v);
  });
  return text;
}

/// What all functions share: where the operands come from, how they lie, where results go.
class Run {
 public:
  Run(CLI::App& app, const Function& function, std::shared_ptr<Common> common)
      : function_(function), common_(std::move(common)), inputs_(function.operands.size()) {
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      app.add_option(function.operands[i].first, inputs_[i], function.operands[i].second)
          ->required()
          ->type_name("");
    auto* out = app.add_option(
        "--out", out_,
        fmt::format("file, FILE.h5 or FILE.h5:/group, to write {} to; it may have other contents",
                    function.writes));
    if (!function.scalars) out->required();
    call_ = function.prepare(Options(app));
    app.add_option("--layout", layout_,
                   "how operands are spread: rows, block_cyclic (ScaLAPACK's) or replicated [rows]")
        ->check(CLI::IsMember({"rows", "block_cyclic", "replicated"}));
    app.add_option("--block", block_, "rows and columns of a block for --layout block_cyclic [64]")
        ->check(within(1, std::numeric_limits<int>::max()));
    app.add_option("--dtype", dtype_,
                   "convert operands to float32, float64, complex64 or complex128 first")
        ->check(CLI::IsMember({"float32", "float64", "complex64", "complex128"}));
    app.footer(fmt::format("Example:\n  mpirun -n 4 tessera linalg {}", function.example));
  }

  void operator()() const {
    io::Location to;
    if (!out_.empty()) {
      to = io::parse_location(out_);
      io::require_writable(to.file);
    }
    Arrays operands;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      operands.push_back(function_.operands[i].first == std::string_view("PIV")
                             ? common_->read(inputs_[i])
                             : operand(inputs_[i]));
    const Results results = call_(operands);
    std::vector<io::NamedRows> datasets;
    for (const auto& [name, result] : results) {
      const bool cyclic = result.distribution().kind() == Distribution::Kind::block_cyclic;
      const Array x =
          cyclic ? redistribute(result, row_distribution(result.shape(), result.comm())) : result;
      datasets.push_back({to.dataset + "/" + name, x});
      if (x.ndim() == 0) print((results.size() > 1 ? name + " " : "") + text_of(x.to(cpu)));
    }
    if (!out_.empty()) io::write(to.file, datasets);
  }

 private:
  Array operand(const std::string& location) const {
    Array x = common_->read(location);
    const bool cyclic = layout_ == "block_cyclic" && x.ndim() == 2;
    if (!dtype_.empty() || cyclic) {
      const DType wanted =
          dtype_.empty() ? linalg::detail::common_dtype(x.dtype()) : dtype_from_name(dtype_);
      together(x.comm(), [&] { x = x.astype(wanted); });
    }
    if (layout_ == "replicated") x = gather(x);
    if (cyclic) {
      const int processes = x.comm().size();
      const int height = static_cast<int>(std::sqrt(processes) + 1e-9);
      x = redistribute(
          x, Distribution::block_cyclic(x.shape()[0], x.shape()[1], height, processes / height,
                                        block_, block_, processes));
    }
    return x.to(common_->where());
  }

  const Function& function_;
  std::shared_ptr<Common> common_;
  std::vector<std::string> inputs_;
  std::string out_, dtype_, layout_ = "rows";
  std::int64_t block_ = 64;
  Call call_;
};

/// Adds all functions below `app`; the one that is named becomes `chosen`.
void add_functions(CLI::App& app, const std::shared_ptr<Common>& common, Command& chosen,
                   bool alone) {
  for (const Function& function : table) {
    CLI::App* own = app.add_subcommand(function.name, function.doc);
    const auto run = std::make_shared<Run>(*own, function, common);
    if (alone) common->add_to(*own, Common::Reads::arrays);
    own->callback([run, common, alone, &chosen] {
      chosen = [run, common, alone] {
        if (alone) common->apply();
        (*run)();
      };
    });
  }
  app.require_subcommand(1);
}

/// Runs the functions that a file names, one a line.
void run_batch(const std::string& file, const std::shared_ptr<Common>& common) {
  std::string text;
  on_first(Communicator::world(), [&] {
    std::ifstream input(file);
    std::stringstream all;
    if (!(all << input.rdbuf())) throw OSError(fmt::format("cannot read commands from '{}'", file));
    text = all.str();
  });
  Communicator::world().broadcast(text, 0);
  std::stringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t") == std::string::npos || line[0] == '#') continue;
    try {
      CLI::App app("", "line");
      Command command;
      add_functions(app, common, command, false);
      check_values(app);
      app.parse(line);
      command();
    } catch (const CLI::ParseError& e) {
      throw ValueError(fmt::format("line {} of '{}': {}", number, file, e.what()));
    } catch (const Error& e) {
      e.with_text(fmt::format("line {} of '{}': {}", number, file, e.what()))->raise();
    }
  }
}

}  // namespace

Linalg::Linalg(CLI::App& program, Command& chosen) {
  CLI::App* app = program.add_subcommand(
      "linalg", "SciPy's linear algebra on datasets; see linalg FUNCTION --help");
  app->footer(
      "Examples:\n"
      "  tessera make regression --rows 100000 --cols 8 --out data.h5\n"
      "  mpirun -n 4 tessera linalg lstsq data.h5:/X data.h5:/y --out fit.h5\n"
      "  tessera show fit.h5\n"
      "  tessera linalg cond data.h5:/X");
  add_functions(*app, common_, chosen, true);
  CLI::App* batch =
      app->add_subcommand("batch", "run several functions in one start of the program");
  const auto file = std::make_shared<std::string>();
  batch->add_option("COMMANDS", *file, "file with one command a line, without 'tessera linalg'")
      ->required()
      ->type_name("");
  common_->add_to(*batch, Common::Reads::arrays);
  batch->footer("Ends at the first error. Example of a line:\n  svd data.h5:/X --out svd.h5");
  batch->callback([file, common = common_, &chosen] {
    chosen = [file, common] {
      common->apply();
      run_batch(*file, common);
    };
  });
}

}  // namespace tessera
