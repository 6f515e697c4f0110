#pragma once
#include <functional>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <tessera/estimators/estimator.hpp>
#include <tessera/runtime/operation.hpp>

namespace tessera {

/// One for each method, in the order of EstimatorType::methods().
struct EstimatorType::Operations {
  using One = std::variant<Operation<Method::Learn>, Operation<Method::Measure>,
                           Operation<Method::Map>, Operation<Method::Tell>>;
  std::vector<One> all;
};

namespace detail {

/// NotFittedError unless it is fitted.
void require_fitted(const Estimator& estimator);
/// The number of an operation; ValueError listing the methods of `type` for a name that it has not
/// or that has another signature (the index of its kind in Operations::One).
int method_id(const EstimatorType& type, std::string_view method, std::size_t kind);

template <class E, class Argument>
using Own = std::conditional_t<
    std::is_same_v<Argument, Estimator&>, E&,
    std::conditional_t<std::is_same_v<Argument, const Estimator&>, const E&, Argument>>;

/// A function of an E that is called with an Estimator known to be one.
template <class E, class Signature>
class Typed;
template <class E, class R, class... Args>
class Typed<E, R(Args...)> {
 public:
  Typed(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): a predicate that takes all
  template <class F>
  requires std::is_invocable_r_v<R, F, Own<E, Args>...> Typed(F does)
      : does_(std::move(does)) {}  // NOLINT(google-explicit-constructor)
  R operator()(Args... args) const {
    if constexpr (std::is_same_v<R, Verdict>)
      if (!does_) return {};
    return does_(static_cast<Own<E, Args>>(args)...);
  }

 private:
  std::function<R(Own<E, Args>...)> does_;
};

template <class E, class Signature, std::size_t kind>
class MethodOperation;
template <class E, class R, class... Args, std::size_t kind>
class MethodOperation<E, R(Args...), kind> {
 public:
  using Function = Typed<E, R(Args...)>;
  using Predicate = Typed<E, Verdict(Args...)>;
  using Implementation = typename Operation<R(Args...)>::Implementation;
  explicit MethodOperation(std::string_view method) : id_(method_id(E::describe(), method, kind)) {}
  int id() const { return id_; }

 private:
  int id_;
};

}  // namespace detail

/// The operations of the methods of E, for Backend::implement. Implementations take an E:
///
///     backend.implement(method_of<KMeans>("predict"), floating,
///                       [](const Rows& x, const KMeans& kmeans) -> Rows { ... });
///
/// ValueError for a method that E has not.
template <class E>
detail::MethodOperation<E, Method::Map, 2> method_of(std::string_view method) {
  return detail::MethodOperation<E, Method::Map, 2>(method);
}
/// fit, and what else learns: (const Rows& x, E&, const Array& y, const Array& sample_weight).
template <class E>
detail::MethodOperation<E, Method::Learn, 0> fit_of(std::string_view method = "fit") {
  return detail::MethodOperation<E, Method::Learn, 0>(method);
}
/// score: (const Rows& x, const E&, const Array& y, const Array& sample_weight) -> double.
template <class E>
detail::MethodOperation<E, Method::Measure, 1> score_of(std::string_view method = "score") {
  return detail::MethodOperation<E, Method::Measure, 1>(method);
}
/// What is said of the model alone: (const E&) -> Array.
template <class E>
detail::MethodOperation<E, Method::Tell, 3> model_method_of(std::string_view method) {
  return detail::MethodOperation<E, Method::Tell, 3>(method);
}

}  // namespace tessera
