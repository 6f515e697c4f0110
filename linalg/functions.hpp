#pragma once
#include <span>

#include <tessera/linalg/gram.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/linalg/tsqr.hpp>
#include <tessera/runtime/operation.hpp>

namespace tessera::linalg {

/// The operations behind this room's functions on whole arrays, for backends that override one.
/// Each does what the function of its name documents.
struct Functions {
  using ColumnMomentsOf = Operation<ColumnMoments(const Rows& x, const Array& weights)>;
  using CenteredGramOf =
      Operation<CenteredGram(const Rows& x, const Array& y, const Array& weights, bool center)>;
  using TsqrOf = Operation<Triangle(const Rows& x, std::span<const double> shift, const Array& y,
                                    const Array& weights)>;

  ColumnMomentsOf column_moments =
      ColumnMomentsOf::composed_of("linalg.column_moments", compose_column_moments);
  CenteredGramOf centered_gram =
      CenteredGramOf::composed_of("linalg.centered_gram", compose_centered_gram);
  TsqrOf tsqr = TsqrOf::composed_of("linalg.tsqr", compose_tsqr);

 private:
  static ColumnMoments compose_column_moments(const Rows&, const Array&);
  static CenteredGram compose_centered_gram(const Rows&, const Array&, const Array&, bool);
  static Triangle compose_tsqr(const Rows&, std::span<const double>, const Array&, const Array&);
};

/// The one instance.
const Functions& functions();

}  // namespace tessera::linalg
