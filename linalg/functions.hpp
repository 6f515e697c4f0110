#pragma once
#include <span>

#include <tessera/linalg/cholesky.hpp>
#include <tessera/linalg/cond.hpp>
#include <tessera/linalg/det.hpp>
#include <tessera/linalg/diagonal.hpp>
#include <tessera/linalg/eig.hpp>
#include <tessera/linalg/eigh.hpp>
#include <tessera/linalg/expm.hpp>
#include <tessera/linalg/gram.hpp>
#include <tessera/linalg/group_moments.hpp>
#include <tessera/linalg/inv.hpp>
#include <tessera/linalg/lstsq.hpp>
#include <tessera/linalg/lu.hpp>
#include <tessera/linalg/matmul.hpp>
#include <tessera/linalg/matrix_power.hpp>
#include <tessera/linalg/matrix_rank.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/linalg/norm.hpp>
#include <tessera/linalg/orth.hpp>
#include <tessera/linalg/outer.hpp>
#include <tessera/linalg/pinv.hpp>
#include <tessera/linalg/qr.hpp>
#include <tessera/linalg/solve.hpp>
#include <tessera/linalg/svd.hpp>
#include <tessera/linalg/svds.hpp>
#include <tessera/linalg/tensordot.hpp>
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
};

/// The one instance.
const Functions& functions();

}  // namespace tessera::linalg
