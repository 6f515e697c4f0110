// Singular values, eigenvalues and forms that show them in the table.
#include <tessera/linalg/table.hpp>

namespace tessera::linalg::tables {
namespace {

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

}  // namespace

std::vector<Signature> of_spectra() {
  return {
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
  };
}

}  // namespace tessera::linalg::tables
