#pragma once
#include <memory>

#include <tessera/runtime/rows.hpp>

namespace tessera::linalg {

/// The QR factorisation x = q r of tall rows by a tree of QRs (TSQR), Q implicit: what qr, svd,
/// lstsq and the randomised SVD of tall matrices stand on. Same bits at any number of processes.
class TallQr {
 public:
  /// x m x n of a floating or complex dtype. Collective.
  explicit TallQr(const Rows& x);
  /// k x n, k = min(m, n), float64 or complex128, replicated; diagonal real and >= 0.
  Array r() const;
  /// q c for a replicated k x l matrix c of r's dtype: m x l of x's dtype, laid out like x.
  /// Collective.
  Array q_times(const Array& c) const;

 private:
  struct Tree;
  std::shared_ptr<const Tree> tree_;
};

}  // namespace tessera::linalg
