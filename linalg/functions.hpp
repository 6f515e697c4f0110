#pragma once
#include <span>

#include <tessera/linalg/banded.hpp>
#include <tessera/linalg/cholesky.hpp>
#include <tessera/linalg/cond.hpp>
#include <tessera/linalg/det.hpp>
#include <tessera/linalg/diagonal.hpp>
#include <tessera/linalg/eig.hpp>
#include <tessera/linalg/eigh.hpp>
#include <tessera/linalg/equations.hpp>
#include <tessera/linalg/expm.hpp>
#include <tessera/linalg/gram.hpp>
#include <tessera/linalg/group_moments.hpp>
#include <tessera/linalg/inv.hpp>
#include <tessera/linalg/lstsq.hpp>
#include <tessera/linalg/lu.hpp>
#include <tessera/linalg/matmul.hpp>
#include <tessera/linalg/matrix_functions.hpp>
#include <tessera/linalg/matrix_power.hpp>
#include <tessera/linalg/matrix_rank.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/linalg/norm.hpp>
#include <tessera/linalg/orth.hpp>
#include <tessera/linalg/outer.hpp>
#include <tessera/linalg/pinv.hpp>
#include <tessera/linalg/polar.hpp>
#include <tessera/linalg/qr.hpp>
#include <tessera/linalg/schur.hpp>
#include <tessera/linalg/solve.hpp>
#include <tessera/linalg/svd.hpp>
#include <tessera/linalg/svds.hpp>
#include <tessera/linalg/tensordot.hpp>
#include <tessera/linalg/tensorsolve.hpp>
#include <tessera/linalg/toeplitz.hpp>
#include <tessera/linalg/tsqr.hpp>
#include <tessera/linalg/vecdot.hpp>
#include <tessera/runtime/operation.hpp>

namespace tessera::linalg {

/// What each function of this room does where no backend overrides it, with the signature that its
/// header gives it; public functions dispatch to it.
namespace composed {
decltype(linalg::column_moments) column_moments;
decltype(linalg::group_moments) group_moments;
decltype(linalg::group_gram) group_gram;
decltype(linalg::centered_gram) centered_gram;
decltype(linalg::tsqr) tsqr;
decltype(linalg::gram) gram;
decltype(linalg::matmul) matmul;
decltype(linalg::outer) outer;
decltype(linalg::vecdot) vecdot;
Array tensordot(const Array& a, const Array& b, std::span<const std::int64_t> axes_a,
                std::span<const std::int64_t> axes_b);
decltype(linalg::norm) norm;
decltype(linalg::diagonal) diagonal;
decltype(linalg::trace) trace;
decltype(linalg::cholesky) cholesky;
decltype(linalg::lu_factor) lu_factor;
Array lu_solve(const Array& lu, const Array& piv, const Array& b, Transpose op, bool check_finite);
decltype(linalg::qr) qr;
decltype(linalg::svd) svd;
decltype(linalg::svdvals) svdvals;
decltype(linalg::svds) svds;
decltype(linalg::eigh) eigh;
decltype(linalg::eigvalsh) eigvalsh;
decltype(linalg::eig) eig;
decltype(linalg::eigvals) eigvals;
decltype(linalg::solve) solve;
decltype(linalg::solve_triangular) solve_triangular;
decltype(linalg::lstsq) lstsq;
decltype(linalg::inv) inv;
decltype(linalg::pinv) pinv;
decltype(linalg::orth) orth;
decltype(linalg::null_space) null_space;
decltype(linalg::slogdet) slogdet;
decltype(linalg::det) det;
decltype(linalg::matrix_rank) matrix_rank;
decltype(linalg::cond) cond;
decltype(linalg::matrix_power) matrix_power;
decltype(linalg::expm) expm;
decltype(linalg::cho_factor) cho_factor;
decltype(linalg::cho_solve) cho_solve;
decltype(linalg::lu) lu;
decltype(linalg::qr_multiply) qr_multiply;
decltype(linalg::rq) rq;
decltype(linalg::pinvh) pinvh;
decltype(linalg::schur) schur;
decltype(linalg::rsf2csf) rsf2csf;
decltype(linalg::hessenberg) hessenberg;
decltype(linalg::qz) qz;
decltype(linalg::ldl) ldl;
decltype(linalg::matrix_balance) matrix_balance;
decltype(linalg::cossin) cossin;
decltype(linalg::sqrtm) sqrtm;
decltype(linalg::logm) logm;
decltype(linalg::funm) funm;
decltype(linalg::signm) signm;
decltype(linalg::fractional_matrix_power) fractional_matrix_power;
decltype(linalg::cosm) cosm;
decltype(linalg::sinm) sinm;
decltype(linalg::tanm) tanm;
decltype(linalg::coshm) coshm;
decltype(linalg::sinhm) sinhm;
decltype(linalg::tanhm) tanhm;
decltype(linalg::expm_frechet) expm_frechet;
decltype(linalg::expm_cond) expm_cond;
decltype(linalg::solve_banded) solve_banded;
decltype(linalg::solveh_banded) solveh_banded;
decltype(linalg::cholesky_banded) cholesky_banded;
decltype(linalg::cho_solve_banded) cho_solve_banded;
decltype(linalg::eig_banded) eig_banded;
decltype(linalg::eigvals_banded) eigvals_banded;
decltype(linalg::eigh_tridiagonal) eigh_tridiagonal;
decltype(linalg::eigvalsh_tridiagonal) eigvalsh_tridiagonal;
decltype(linalg::solve_toeplitz) solve_toeplitz;
decltype(linalg::matmul_toeplitz) matmul_toeplitz;
decltype(linalg::solve_circulant) solve_circulant;
decltype(linalg::solve_sylvester) solve_sylvester;
decltype(linalg::solve_continuous_lyapunov) solve_continuous_lyapunov;
decltype(linalg::solve_discrete_lyapunov) solve_discrete_lyapunov;
decltype(linalg::solve_continuous_are) solve_continuous_are;
decltype(linalg::solve_discrete_are) solve_discrete_are;
decltype(linalg::polar) polar;
decltype(linalg::orthogonal_procrustes) orthogonal_procrustes;
decltype(linalg::subspace_angles) subspace_angles;
decltype(linalg::tensorsolve) tensorsolve;
decltype(linalg::tensorinv) tensorinv;
decltype(linalg::khatri_rao) khatri_rao;
decltype(linalg::clarkson_woodruff_transform) clarkson_woodruff_transform;

template <class Signature>
Operation<Signature> whole(const char* name, Signature& function) {
  return Operation<Signature>::composed_of(name, &function);
}
}  // namespace composed

/// The operations behind this room's functions on whole arrays, for backends that override one.
/// Each does what the function of its name documents.
struct Functions {
  Operation<decltype(composed::column_moments)> column_moments =
      composed::whole("linalg.column_moments", composed::column_moments);
  Operation<decltype(composed::group_moments)> group_moments =
      composed::whole("linalg.group_moments", composed::group_moments);
  Operation<decltype(composed::group_gram)> group_gram =
      composed::whole("linalg.group_gram", composed::group_gram);
  Operation<decltype(composed::centered_gram)> centered_gram =
      composed::whole("linalg.centered_gram", composed::centered_gram);
  Operation<decltype(composed::tsqr)> tsqr = composed::whole("linalg.tsqr", composed::tsqr);
  Operation<decltype(composed::gram)> gram = composed::whole("linalg.gram", composed::gram);
  Operation<decltype(composed::matmul)> matmul = composed::whole("linalg.matmul", composed::matmul);
  Operation<decltype(composed::outer)> outer = composed::whole("linalg.outer", composed::outer);
  Operation<decltype(composed::vecdot)> vecdot = composed::whole("linalg.vecdot", composed::vecdot);
  Operation<decltype(composed::tensordot)> tensordot =
      composed::whole("linalg.tensordot", composed::tensordot);
  Operation<decltype(composed::norm)> norm = composed::whole("linalg.norm", composed::norm);
  Operation<decltype(composed::diagonal)> diagonal =
      composed::whole("linalg.diagonal", composed::diagonal);
  Operation<decltype(composed::trace)> trace = composed::whole("linalg.trace", composed::trace);
  Operation<decltype(composed::cholesky)> cholesky =
      composed::whole("linalg.cholesky", composed::cholesky);
  Operation<decltype(composed::lu_factor)> lu_factor =
      composed::whole("linalg.lu_factor", composed::lu_factor);
  Operation<decltype(composed::lu_solve)> lu_solve =
      composed::whole("linalg.lu_solve", composed::lu_solve);
  Operation<decltype(composed::qr)> qr = composed::whole("linalg.qr", composed::qr);
  Operation<decltype(composed::svd)> svd = composed::whole("linalg.svd", composed::svd);
  Operation<decltype(composed::svdvals)> svdvals =
      composed::whole("linalg.svdvals", composed::svdvals);
  Operation<decltype(composed::svds)> svds = composed::whole("linalg.svds", composed::svds);
  Operation<decltype(composed::eigh)> eigh = composed::whole("linalg.eigh", composed::eigh);
  Operation<decltype(composed::eigvalsh)> eigvalsh =
      composed::whole("linalg.eigvalsh", composed::eigvalsh);
  Operation<decltype(composed::eig)> eig = composed::whole("linalg.eig", composed::eig);
  Operation<decltype(composed::eigvals)> eigvals =
      composed::whole("linalg.eigvals", composed::eigvals);
  Operation<decltype(composed::solve)> solve = composed::whole("linalg.solve", composed::solve);
  Operation<decltype(composed::solve_triangular)> solve_triangular =
      composed::whole("linalg.solve_triangular", composed::solve_triangular);
  Operation<decltype(composed::lstsq)> lstsq = composed::whole("linalg.lstsq", composed::lstsq);
  Operation<decltype(composed::inv)> inv = composed::whole("linalg.inv", composed::inv);
  Operation<decltype(composed::pinv)> pinv = composed::whole("linalg.pinv", composed::pinv);
  Operation<decltype(composed::orth)> orth = composed::whole("linalg.orth", composed::orth);
  Operation<decltype(composed::null_space)> null_space =
      composed::whole("linalg.null_space", composed::null_space);
  Operation<decltype(composed::slogdet)> slogdet =
      composed::whole("linalg.slogdet", composed::slogdet);
  Operation<decltype(composed::det)> det = composed::whole("linalg.det", composed::det);
  Operation<decltype(composed::matrix_rank)> matrix_rank =
      composed::whole("linalg.matrix_rank", composed::matrix_rank);
  Operation<decltype(composed::cond)> cond = composed::whole("linalg.cond", composed::cond);
  Operation<decltype(composed::matrix_power)> matrix_power =
      composed::whole("linalg.matrix_power", composed::matrix_power);
  Operation<decltype(composed::expm)> expm = composed::whole("linalg.expm", composed::expm);
  Operation<decltype(composed::cho_factor)> cho_factor =
      composed::whole("linalg.cho_factor", composed::cho_factor);
  Operation<decltype(composed::cho_solve)> cho_solve =
      composed::whole("linalg.cho_solve", composed::cho_solve);
  Operation<decltype(composed::lu)> lu = composed::whole("linalg.lu", composed::lu);
  Operation<decltype(composed::qr_multiply)> qr_multiply =
      composed::whole("linalg.qr_multiply", composed::qr_multiply);
  Operation<decltype(composed::rq)> rq = composed::whole("linalg.rq", composed::rq);
  Operation<decltype(composed::pinvh)> pinvh = composed::whole("linalg.pinvh", composed::pinvh);
  Operation<decltype(composed::schur)> schur = composed::whole("linalg.schur", composed::schur);
  Operation<decltype(composed::rsf2csf)> rsf2csf =
      composed::whole("linalg.rsf2csf", composed::rsf2csf);
  Operation<decltype(composed::hessenberg)> hessenberg =
      composed::whole("linalg.hessenberg", composed::hessenberg);
  Operation<decltype(composed::qz)> qz = composed::whole("linalg.qz", composed::qz);
  Operation<decltype(composed::ldl)> ldl = composed::whole("linalg.ldl", composed::ldl);
  Operation<decltype(composed::matrix_balance)> matrix_balance =
      composed::whole("linalg.matrix_balance", composed::matrix_balance);
  Operation<decltype(composed::cossin)> cossin = composed::whole("linalg.cossin", composed::cossin);
  Operation<decltype(composed::sqrtm)> sqrtm = composed::whole("linalg.sqrtm", composed::sqrtm);
  Operation<decltype(composed::logm)> logm = composed::whole("linalg.logm", composed::logm);
  Operation<decltype(composed::funm)> funm = composed::whole("linalg.funm", composed::funm);
  Operation<decltype(composed::signm)> signm = composed::whole("linalg.signm", composed::signm);
  Operation<decltype(composed::fractional_matrix_power)> fractional_matrix_power =
      composed::whole("linalg.fractional_matrix_power", composed::fractional_matrix_power);
  Operation<decltype(composed::cosm)> cosm = composed::whole("linalg.cosm", composed::cosm);
  Operation<decltype(composed::sinm)> sinm = composed::whole("linalg.sinm", composed::sinm);
  Operation<decltype(composed::tanm)> tanm = composed::whole("linalg.tanm", composed::tanm);
  Operation<decltype(composed::coshm)> coshm = composed::whole("linalg.coshm", composed::coshm);
  Operation<decltype(composed::sinhm)> sinhm = composed::whole("linalg.sinhm", composed::sinhm);
  Operation<decltype(composed::tanhm)> tanhm = composed::whole("linalg.tanhm", composed::tanhm);
  Operation<decltype(composed::expm_frechet)> expm_frechet =
      composed::whole("linalg.expm_frechet", composed::expm_frechet);
  Operation<decltype(composed::expm_cond)> expm_cond =
      composed::whole("linalg.expm_cond", composed::expm_cond);
  Operation<decltype(composed::solve_banded)> solve_banded =
      composed::whole("linalg.solve_banded", composed::solve_banded);
  Operation<decltype(composed::solveh_banded)> solveh_banded =
      composed::whole("linalg.solveh_banded", composed::solveh_banded);
  Operation<decltype(composed::cholesky_banded)> cholesky_banded =
      composed::whole("linalg.cholesky_banded", composed::cholesky_banded);
  Operation<decltype(composed::cho_solve_banded)> cho_solve_banded =
      composed::whole("linalg.cho_solve_banded", composed::cho_solve_banded);
  Operation<decltype(composed::eig_banded)> eig_banded =
      composed::whole("linalg.eig_banded", composed::eig_banded);
  Operation<decltype(composed::eigvals_banded)> eigvals_banded =
      composed::whole("linalg.eigvals_banded", composed::eigvals_banded);
  Operation<decltype(composed::eigh_tridiagonal)> eigh_tridiagonal =
      composed::whole("linalg.eigh_tridiagonal", composed::eigh_tridiagonal);
  Operation<decltype(composed::eigvalsh_tridiagonal)> eigvalsh_tridiagonal =
      composed::whole("linalg.eigvalsh_tridiagonal", composed::eigvalsh_tridiagonal);
  Operation<decltype(composed::solve_toeplitz)> solve_toeplitz =
      composed::whole("linalg.solve_toeplitz", composed::solve_toeplitz);
  Operation<decltype(composed::matmul_toeplitz)> matmul_toeplitz =
      composed::whole("linalg.matmul_toeplitz", composed::matmul_toeplitz);
  Operation<decltype(composed::solve_circulant)> solve_circulant =
      composed::whole("linalg.solve_circulant", composed::solve_circulant);
  Operation<decltype(composed::solve_sylvester)> solve_sylvester =
      composed::whole("linalg.solve_sylvester", composed::solve_sylvester);
  Operation<decltype(composed::solve_continuous_lyapunov)> solve_continuous_lyapunov =
      composed::whole("linalg.solve_continuous_lyapunov", composed::solve_continuous_lyapunov);
  Operation<decltype(composed::solve_discrete_lyapunov)> solve_discrete_lyapunov =
      composed::whole("linalg.solve_discrete_lyapunov", composed::solve_discrete_lyapunov);
  Operation<decltype(composed::solve_continuous_are)> solve_continuous_are =
      composed::whole("linalg.solve_continuous_are", composed::solve_continuous_are);
  Operation<decltype(composed::solve_discrete_are)> solve_discrete_are =
      composed::whole("linalg.solve_discrete_are", composed::solve_discrete_are);
  Operation<decltype(composed::polar)> polar = composed::whole("linalg.polar", composed::polar);
  Operation<decltype(composed::orthogonal_procrustes)> orthogonal_procrustes =
      composed::whole("linalg.orthogonal_procrustes", composed::orthogonal_procrustes);
  Operation<decltype(composed::subspace_angles)> subspace_angles =
      composed::whole("linalg.subspace_angles", composed::subspace_angles);
  Operation<decltype(composed::tensorsolve)> tensorsolve =
      composed::whole("linalg.tensorsolve", composed::tensorsolve);
  Operation<decltype(composed::tensorinv)> tensorinv =
      composed::whole("linalg.tensorinv", composed::tensorinv);
  Operation<decltype(composed::khatri_rao)> khatri_rao =
      composed::whole("linalg.khatri_rao", composed::khatri_rao);
  Operation<decltype(composed::clarkson_woodruff_transform)> clarkson_woodruff_transform =
      composed::whole("linalg.clarkson_woodruff_transform", composed::clarkson_woodruff_transform);
};

/// The one instance.
const Functions& functions();

}  // namespace tessera::linalg
