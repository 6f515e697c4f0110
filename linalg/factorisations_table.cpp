// Factorisations by Cholesky, LU and QR in the table.
#include <tessera/linalg/table.hpp>

namespace tessera::linalg::tables {
namespace {

QrMode qr_mode(const Arguments& in) {
  const std::string& mode = in.word("mode");
  return mode == "r"                            ? QrMode::r
         : mode == "raw"                        ? QrMode::raw
         : mode == "complete" || mode == "full" ? QrMode::complete
                                                : QrMode::reduced;
}

}  // namespace

std::vector<Signature> of_factorisations() {
  return {
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
  };
}

}  // namespace tessera::linalg::tables
