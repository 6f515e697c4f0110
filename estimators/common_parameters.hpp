#pragma once
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tessera/estimators/parameter.hpp>

/// Parameters that mean the same in every estimator that has them: `{with_intercept<Params>(),
/// ...}` in its list. Params may inherit the member.
namespace tessera::common {

/// parameter() of a member of P or of a base of P.
template <class P, class M>
FieldOf<P> of(std::string_view name, M member, const Allowed& allowed, std::string_view doc) {
  return parameter<P, std::remove_reference_t<decltype(std::declval<P&>().*member)>>(name, member,
                                                                                     allowed, doc);
}

template <class P>
FieldOf<P> with_intercept() {
  return of<P>("fit_intercept", &P::fit_intercept, boolean(),
               "estimate an intercept; otherwise it is 0");
}
/// `copy`, or `copy_X` where P has that.
template <class P>
FieldOf<P> with_copy() {
  constexpr std::string_view doc = "accepted for compatibility: inputs are never modified";
  if constexpr (requires { &P::copy_X; })
    return of<P>("copy_X", &P::copy_X, boolean(), doc);
  else
    return of<P>("copy", &P::copy, boolean(), doc);
}
template <class P>
FieldOf<P> with_warm_start() {
  return of<P>("warm_start", &P::warm_start, boolean(),
               "start from the coefficients of the last fit");
}
template <class P>
FieldOf<P> with_class_weight() {
  return of<P>("class_weight", &P::class_weight, class_weights(),
               "weights of the classes; balanced: as rare as they are");
}
/// Of models that are solved by an active-set method then.
template <class P>
FieldOf<P> with_active_set() {
  return of<P>("positive", &P::positive, boolean(),
               "force coefficients >= 0, by an active-set method");
}
/// Of what minimises a mean loss by its gradient.
template <class P>
FieldOf<P> with_solver_iterations(std::int64_t least = 1) {
  return of<P>("max_iter", &P::max_iter, integers(least), "most iterations of the solver");
}
template <class P>
FieldOf<P> with_gradient_tol(Closed closed = Closed::left) {
  return of<P>("tol", &P::tol, reals(0.0, std::numeric_limits<double>::infinity(), closed),
               "stop when no element of the gradient of the mean loss is larger");
}

/// Of models of which no solver iterates.
template <class P>
FieldOf<P> with_unused_max_iter() {
  return of<P>("max_iter", &P::max_iter, integers(1) | none(),
               "accepted for compatibility: no solver iterates");
}
template <class P>
FieldOf<P> with_unused_tol() {
  return of<P>("tol", &P::tol, reals(0.0), "accepted for compatibility: no solver iterates");
}

/// What has no effect here: of estimators that draw nothing, write nothing, and run on all threads.
template <class P>
FieldOf<P> with_unused_seed() {
  return of<P>("random_state", &P::random_state, integers(0, 4294967295) | none(),
               "accepted for compatibility: nothing is drawn");
}
template <class P>
FieldOf<P> with_unused_verbose() {
  return of<P>("verbose", &P::verbose, integers(0) | boolean(),
               "accepted for compatibility: use --trace");
}
template <class P>
FieldOf<P> with_unused_jobs() {
  return of<P>("n_jobs", &P::n_jobs, integers(std::numeric_limits<std::int64_t>::min()) | none(),
               "accepted for compatibility: use --threads and mpirun");
}

}  // namespace tessera::common
