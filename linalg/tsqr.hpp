#pragma once
#include <memory>
#include <span>

#include <tessera/linalg/small.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::linalg {
namespace detail {
class TallTree;
}

/// The QR factorisation of tall rows by a tree of QRs: R climbs the reduction tree and Q comes down
/// it. Demmel, Grigori, Hoemmen, Langou, "Communication-optimal parallel and sequential QR and LU
/// factorizations", 2012.

/// R, with a diagonal >= 0, of the QR of diag(sqrt(weights)) ([x, y] - 1 shift^T) in float64: x is
/// n x p and y n x q of one floating dtype, `shift` nothing or p + q values; min(n, p + q) x (p +
/// q). Collective; the same bits at any number of processes. 2 n (p + q)^2 flops.
Small tsqr(const Rows& x, std::span<const double> shift = {}, const Array& y = {},
           const Array& weights = {});

/// x = q r with Q implicit: what qr, svd, lstsq and the randomised SVD of tall matrices stand on.
/// Same bits at any number of processes. Q comes from the tree's own factors, so its columns are
/// orthonormal whatever the rank of x; only float64 columns that are nearly orthogonal once they
/// are equally long, which r tells, are multiplied by r^-1 instead.
class TallQr {
 public:
  /// x m x n of a floating or complex dtype (TypeError otherwise). One pass over x, 2 m n^2 flops;
  /// keeps a Q of at most 2 n x n per leaf. LinAlgError when x is not finite. Collective.
  explicit TallQr(const Rows& x);
  /// k x n, k = min(m, n), float64 or complex128, replicated; diagonal real and >= 0.
  Array r() const;
  /// q c for a replicated k x l matrix c of r's dtype: m x l of x's dtype, laid out like x, on its
  /// device. Another pass over x, whose leaves are factorised again; 2 m n (n + 2 l) flops, for a
  /// triangular c 2 m n (n + l), or 2 m n l with r^-1. Collective.
  Array q_times(const Array& c) const;

 private:
  std::shared_ptr<const detail::TallTree> tree_;
};

}  // namespace tessera::linalg
