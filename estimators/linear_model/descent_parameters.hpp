#pragma once
#include <tessera/estimators/parameter.hpp>

/// The parameters that all models have which descend by coordinates on a Gram matrix.
namespace tessera::descent {

template <class P>
FieldOf<P> with_alpha() {
  return parameter("alpha", &P::alpha, reals(0.0), "strength of the penalty");
}
template <class P>
FieldOf<P> with_max_iter() {
  return parameter("max_iter", &P::max_iter, integers(1), "most sweeps over the coefficients");
}
template <class P>
FieldOf<P> with_tol() {
  return parameter("tol", &P::tol, reals(0.0),
                   "stop when the duality gap is at most this share of the square of y");
}
template <class P>
FieldOf<P> with_seed() {
  return parameter("random_state", &P::random_state, integers(0, 4294967295) | none(),
                   "seed of the order of coefficients; None: 0");
}
template <class P>
FieldOf<P> with_selection() {
  return parameter("selection", &P::selection, words({"cyclic", "random"}),
                   "the order of coefficients");
}
template <class P>
FieldOf<P> with_positive() {
  return parameter("positive", &P::positive, boolean(), "force coefficients >= 0");
}

}  // namespace tessera::descent
