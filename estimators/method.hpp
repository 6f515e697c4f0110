#pragma once
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <tessera/runtime/rows.hpp>

namespace tessera {

class Estimator;

/// What a method gives for the rows of X: one array of rows, which is most of them, or several,
/// computed when they are read.
struct Outputs : std::vector<Rows> {
  Outputs(Rows one) { push_back(std::move(one)); }  // NOLINT(google-explicit-constructor)
  Outputs(std::initializer_list<Rows> several) : vector(several) {}
};

/// What there is to say of a method beside its code.
struct MethodOptions {
  /// x has the columns of the training data; otherwise the method looks at its width itself.
  bool of_features = true;
  /// Column j of the result is feature j and has its name.
  bool keeps_columns = false;
  /// Of what maps rows, whether results are values of X, or 0 and 1, so that those of integers and
  /// bools are such, too; ValueError for others, and for integers that float64 does not hold. Of
  /// fit, whether objects of Python's are taken as they are, not as numbers.
  bool (*keeps_dtype)(const Estimator&) = nullptr;
  /// Otherwise what the columns of the result are called, where it follows from the names of X.
  std::vector<std::string> (*column_names)(const Estimator&,
                                           const std::vector<std::string>& of_x) = nullptr;
  /// What is learnt or measured may be weighted.
  bool sample_weight = true;
  /// Attributes that a caller may have learning start from, in Python coef_init for coef_.
  std::vector<std::string_view> starts = {};
  /// The names of several results: their datasets in a file.
  std::vector<std::string_view> outputs = {};
  /// Why there is no such method with the parameters as they are, which nobody has checked; nothing
  /// where there is.
  std::string (*unavailable)(const Estimator&) = nullptr;
};

/// A method of a class of estimators. The entry makes the operation CLASS.NAME, which backends may
/// override and the support table shows, and the program's subcommand. Its functions take any
/// Estimator, so that one list type serves every class; MethodOf says whose it is.
struct Method {
  /// Learns from x, y and weights: fit.
  using Learn = void(const Rows& x, Estimator&, const Array& y, const Array& sample_weight);
  /// One number about x: score.
  using Measure = double(const Rows& x, const Estimator&, const Array& y,
                         const Array& sample_weight);
  /// Rows computed from rows: predict, transform.
  using Map = Outputs(const Rows& x, const Estimator&);
  /// A replicated array in host memory: get_covariance.
  using Tell = Array(const Estimator&);

  using Does = std::variant<std::function<Learn>, std::function<Measure>, std::function<Map>,
                            std::function<Tell>>;

  std::string_view name;
  std::string_view doc;
  MethodOptions options;
  Does does;

  /// Members of estimators' classes, so that what calls them is compiled once.
  using Learns = void (Estimator::*)(const Rows& x, const Array& y, const Array& sample_weight);
  using Measures = double (Estimator::*)(const Rows& x, const Array& y,
                                         const Array& sample_weight) const;
  using Maps = Rows (Estimator::*)(const Rows& x) const;
  using MapsToSeveral = Outputs (Estimator::*)(const Rows& x) const;
  using Tells = Array (Estimator::*)() const;
  Method(std::string_view name, std::string_view doc, MethodOptions options, Learns does);
  Method(std::string_view name, std::string_view doc, MethodOptions options, Measures does);
  Method(std::string_view name, std::string_view doc, MethodOptions options, Maps does);
  Method(std::string_view name, std::string_view doc, MethodOptions options, MapsToSeveral does);
  Method(std::string_view name, std::string_view doc, Tells does);
  Method(const Method&);
  Method(Method&&) noexcept;
  Method& operator=(const Method&);
  Method& operator=(Method&&) noexcept;
  ~Method();
};
/// A Method of Owner.
template <class Owner>
struct MethodOf : Method {
  using Method::Method;
};

/// An entry of a list of methods: name, the member that does it, one line of documentation, what
/// else there is to say. `x` is checked; y and sample_weight are nothing or have its dtype and
/// rows.
template <class Owner>
MethodOf<Owner> method(std::string_view name,
                       void (Owner::*does)(const Rows& x, const Array& y,
                                           const Array& sample_weight),
                       std::string_view doc, MethodOptions options = {}) {
  return {name, doc, std::move(options), static_cast<Method::Learns>(does)};
}
template <class Owner>
MethodOf<Owner> method(std::string_view name,
                       double (Owner::*does)(const Rows& x, const Array& y,
                                             const Array& sample_weight) const,
                       std::string_view doc, MethodOptions options = {}) {
  return {name, doc, std::move(options), static_cast<Method::Measures>(does)};
}
template <class Owner, class Result>
MethodOf<Owner> method(std::string_view name, Result (Owner::*does)(const Rows& x) const,
                       std::string_view doc, MethodOptions options = {}) {
  return {name, doc, std::move(options),
          static_cast<Result (Estimator::*)(const Rows& x) const>(does)};
}
template <class Owner>
MethodOf<Owner> method(std::string_view name, Array (Owner::*does)() const, std::string_view doc) {
  return {name, doc, static_cast<Method::Tells>(does)};
}

}  // namespace tessera
