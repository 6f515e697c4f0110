#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <tessera/estimators/parameter.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/value.hpp>

namespace tessera {

namespace detail {
/// Makes this room's and linalg's backends known: a guard may name one before any of them has run.
void install_backends();
}  // namespace detail

/// What all estimators share: parameters in, fitted attributes out, scikit-learn's method names.
/// Every function is collective over the communicator of the data. X is n x p with at least one row
/// and one column; integers are read as float64, float32 stays float32, complex data is refused.
/// Arrays that accompany X (y, sample_weight) have n rows and may lie on any device. Work runs
/// where X lies, under the choice of backends in force at fit, which the estimator remembers for
/// predict and transform unless a guard is in force there.
///
/// Errors, the same on every process: InvalidParameterError for a parameter outside its range,
/// ValueError for a wrong shape or a NaN or infinity (with its row and column), NotFittedError
/// before fit, NotImplementedError for what an estimator has no method or support for.
class Estimator {
 public:
  virtual ~Estimator() = default;

  /// scikit-learn's class name, e.g. "KMeans".
  virtual std::string_view name() const = 0;
  virtual std::string_view summary() const = 0;

  virtual std::vector<ParameterInfo> parameter_info() const = 0;
  virtual Values get_params() const = 0;
  /// InvalidParameterError listing the parameters there are, for an unknown name or a value of the
  /// wrong kind. Ranges are checked at fit, as in scikit-learn.
  void set_params(const Values& params);

  /// Learns from X; estimators without a target ignore y. Returns *this.
  Estimator& fit(const Rows& x, const Array& y = {}, const Array& sample_weight = {});
  /// Results are row-distributed like X, on its device and in its dtype, labels int32.
  Array predict(const Rows& x) const;
  Array transform(const Rows& x) const;
  Array inverse_transform(const Rows& x) const;
  /// The log-likelihood of each row, (n,).
  Array score_samples(const Rows& x) const;
  Array fit_predict(const Rows& x, const Array& y = {}, const Array& sample_weight = {});
  Array fit_transform(const Rows& x, const Array& y = {}, const Array& sample_weight = {});
  double score(const Rows& x, const Array& y = {}, const Array& sample_weight = {}) const;

  /// The same results computed leaf by leaf when they are read, for data larger than memory.
  Rows predict_rows(const Rows& x) const;
  Rows transform_rows(const Rows& x) const;
  Rows inverse_transform_rows(const Rows& x) const;
  Rows score_samples_rows(const Rows& x) const;

  /// The covariance of the fitted model of the data and its inverse: (p, p), replicated, in host
  /// memory. LinAlgError where there is no inverse.
  Array get_covariance() const;
  Array get_precision() const;

  bool is_fitted() const { return n_features_in_ > 0; }
  /// Attributes with one entry per row of the training data, which stay out of the model file
  /// (KMeans' labels_); nothing otherwise.
  virtual Array labels() const { return {}; }
  virtual bool has_labels() const { return false; }

  /// Parameters and fitted attributes as data. NotFittedError before fit.
  Model model() const;
  /// Takes both from a model of the same estimator; parameters that it does not have become the
  /// defaults. A model is input: ValueError, naming its file, for another estimator's, and, a line
  /// each, for attributes that are missing, not known or not what the estimator says of them;
  /// InvalidParameterError for parameters. Then the estimator is not fitted. Collective.
  void restore(const Model& model);

  std::int64_t n_features_in_ = 0;
  /// The column names of the X of fit, when it had any. An X of predict, transform or score whose
  /// names differ or come in another order is a ValueError; one with names where fit had none, or
  /// the other way round, is a warning.
  std::vector<std::string> feature_names_in_;

 protected:
  virtual Values attributes() const = 0;
  /// An attribute, and what it must be where it is not that.
  using Refusals = std::vector<std::pair<std::string, std::string>>;
  /// Those of another kind are left as they are.
  virtual Refusals set_attributes(const Values& values) = 0;
  virtual Refusals refused_attributes() const = 0;
  virtual std::vector<std::string> attribute_names() const = 0;
  /// With None for what model files of earlier versions lack.
  virtual Values with_newer(Values attributes) const = 0;
  virtual void set_param(const std::string& name, const Value& value) = 0;
  virtual void check_params() const = 0;

  /// x is floating and checked for shape; y and sample_weight are nothing or have x's dtype, n rows
  /// and finite values (weights: not negative, not all zero).
  virtual void do_fit(const Rows& x, const Array& y, const Array& sample_weight) = 0;
  virtual bool needs_y() const { return false; }
  virtual bool takes_sample_weight() const { return true; }
  virtual Rows do_predict(const Rows& x) const;
  virtual Rows do_transform(const Rows& x) const;
  virtual Rows do_inverse_transform(const Rows& x) const;
  virtual Rows do_score_samples(const Rows& x) const;
  virtual Array do_covariance(bool inverse) const;
  /// Whether column j of what transform and inverse_transform give is the feature j, and so keeps
  /// its name.
  virtual bool keeps_columns() const { return false; }
  virtual double do_score(const Rows& x, const Array& y, const Array& sample_weight) const;

  [[noreturn]] void has_no(std::string_view method) const;

  /// do_fit and so on through the operations of the class, which backends override.
  virtual void run_fit(const Rows& x, const Array& y, const Array& sample_weight) = 0;
  virtual Rows run_predict(const Rows& x) const = 0;
  virtual Rows run_transform(const Rows& x) const = 0;
  virtual Rows run_inverse_transform(const Rows& x) const = 0;
  virtual Rows run_score_samples(const Rows& x) const = 0;
  virtual double run_score(const Rows& x, const Array& y, const Array& sample_weight) const = 0;

 private:
  detail::SelectionHandle remembered() const;
  detail::SelectionHandle fitted_under_;
  Rows check_x(const Rows& x, bool fitting) const;
  Rows rows(const Rows& x, Rows (Estimator::*method)(const Rows&) const,
            bool features = true) const;
  void check_names(const std::vector<std::string>& names) const;
  Rows with_names(const Rows& transformed) const;
  void require_y(const Array& y) const;
  Array check_companion(const Array& a, const Rows& x, const char* what) const;
};

/// Implements the parameter and attribute half of Estimator from two lists that `Self` gives:
///
///     static const std::vector<Field<Params>>& parameter_list();
///     static const std::vector<Field<Self>>& attribute_list();
///
/// with a struct Self::Params whose defaults are the parameters' and a member `params` of it.
///
/// Its methods are operations: KMeans::operations().fit is "KMeans.fit", which a backend may
/// override; what runs otherwise is do_fit. A method that Self has not is none.
template <class Self, class Params>
class EstimatorOf : public Estimator {
 public:
  explicit EstimatorOf(Params p) : params(std::move(p)) {}
  Params params;

  std::string_view name() const override { return Self::class_name; }
  std::string_view summary() const override { return Self::class_summary; }

  std::vector<ParameterInfo> parameter_info() const override {
    std::vector<ParameterInfo> all;
    const Params defaults;
    for (const auto& f : Self::parameter_list())
      all.push_back({std::string(f.name), f.allowed, f.get(defaults), std::string(f.doc)});
    return all;
  }
  Values get_params() const override { return read(Self::parameter_list(), params); }
  static Self from_model(const Model& model) {
    Self self;
    self.restore(model);
    return self;
  }

 private:
  // What Self does not override is Estimator's; what it does has another type or is private to it.
  static constexpr bool has_predict = !requires {
    requires std::is_same_v<decltype(&Self::do_predict), decltype(&EstimatorOf::do_predict)>;
  };
  static constexpr bool has_transform = !requires {
    requires std::is_same_v<decltype(&Self::do_transform), decltype(&EstimatorOf::do_transform)>;
  };
  static constexpr bool has_inverse_transform = !requires {
    requires std::is_same_v<decltype(&Self::do_inverse_transform),
                            decltype(&EstimatorOf::do_inverse_transform)>;
  };
  static constexpr bool has_score_samples = !requires {
    requires std::is_same_v<decltype(&Self::do_score_samples),
                            decltype(&EstimatorOf::do_score_samples)>;
  };
  static constexpr bool has_score = !requires {
    requires std::is_same_v<decltype(&Self::do_score), decltype(&EstimatorOf::do_score)>;
  };
  template <bool has, class Signature>
  using If = std::conditional_t<has, Operation<Signature>, std::function<Signature>>;
  template <class Owner, class Method, class Function>
  static Method make(Method Owner::*, const char* name, const Function& does) {
    if constexpr (requires { Method::composed_of(name, does); })
      return Method::composed_of(std::string(Self::class_name) + name, does);
    else
      return Method(does);
  }

 public:
  struct Operations {
    Operation<void(const Rows& x, Self&, const Array& y, const Array& sample_weight)> fit;
    If<has_predict, Rows(const Rows& x, const Self&)> predict;
    If<has_transform, Rows(const Rows& x, const Self&)> transform;
    If<has_inverse_transform, Rows(const Rows& x, const Self&)> inverse_transform;
    If<has_score_samples, Rows(const Rows& x, const Self&)> score_samples;
    If<has_score, double(const Rows& x, const Self&, const Array& y, const Array& sample_weight)>
        score;
  };
  static const Operations& operations() {
    detail::install_backends();
    const auto rows = [](Rows (Estimator::*does)(const Rows&) const) {
      return [does](const Rows& x, const Self& self) {
        return (static_cast<const Estimator&>(self).*does)(x);
      };
    };
    static const Operations all = {
        make(&Operations::fit, ".fit",
             [](const Rows& x, Self& self, const Array& y, const Array& w) {
               static_cast<EstimatorOf&>(self).do_fit(x, y, w);
             }),
        make(&Operations::predict, ".predict", rows(&EstimatorOf::do_predict)),
        make(&Operations::transform, ".transform", rows(&EstimatorOf::do_transform)),
        make(&Operations::inverse_transform, ".inverse_transform",
             rows(&EstimatorOf::do_inverse_transform)),
        make(&Operations::score_samples, ".score_samples", rows(&EstimatorOf::do_score_samples)),
        make(&Operations::score, ".score",
             [](const Rows& x, const Self& self, const Array& y, const Array& w) {
               return static_cast<const EstimatorOf&>(self).do_score(x, y, w);
             })};
    return all;
  }

 protected:
  void run_fit(const Rows& x, const Array& y, const Array& sample_weight) override {
    operations().fit(x, self(), y, sample_weight);
  }
  Rows run_predict(const Rows& x) const override { return operations().predict(x, self()); }
  Rows run_transform(const Rows& x) const override { return operations().transform(x, self()); }
  Rows run_inverse_transform(const Rows& x) const override {
    return operations().inverse_transform(x, self());
  }
  Rows run_score_samples(const Rows& x) const override {
    return operations().score_samples(x, self());
  }
  double run_score(const Rows& x, const Array& y, const Array& sample_weight) const override {
    return operations().score(x, self(), y, sample_weight);
  }

  Values attributes() const override {
    return read(Self::attribute_list(), static_cast<const Self&>(*this));
  }
  Refusals set_attributes(const Values& values) override {
    Refusals refused;
    for (const auto& f : Self::attribute_list())
      if (const Value& value = find(values, std::string(f.name)); !f.set(self(), value))
        refused.emplace_back(f.name, f.allowed.describe() + ", got " + value.to_string());
    return refused;
  }
  Refusals refused_attributes() const override {
    Refusals refused;
    for (const auto& f : Self::attribute_list()) {
      const Allowed allowed = f.holds(self());
      if (const Value value = f.get(self()); !allowed.accepts(value))
        refused.emplace_back(f.name, allowed.describe() + ", got " + allowed.got(value));
    }
    return refused;
  }
  Values with_newer(Values attributes) const override {
    for (const auto& f : Self::attribute_list())
      if (std::string key(f.name); f.newer && !lookup(attributes, key))
        attributes.emplace_back(std::move(key), Value());
    return attributes;
  }
  std::vector<std::string> attribute_names() const override {
    std::vector<std::string> names;
    for (const auto& f : Self::attribute_list()) names.emplace_back(f.name);
    return names;
  }
  void set_param(const std::string& key, const Value& value) override {
    for (const auto& f : Self::parameter_list()) {
      if (f.name != key) continue;
      if (!f.set(params, value)) refuse(f, value);
      return;
    }
    std::string known;
    for (const auto& f : Self::parameter_list())
      known += (known.empty() ? "" : ", ") + std::string(f.name);
    throw InvalidParameterError("Invalid parameter '" + key + "' for estimator " +
                                std::string(Self::class_name) + ". Valid parameters are: " + known +
                                ".");
  }
  void check_params() const override {
    for (const auto& f : Self::parameter_list())
      if (const Value value = f.get(params); !f.allowed.accepts(value)) refuse(f, value);
  }

 private:
  Self& self() { return static_cast<Self&>(*this); }
  const Self& self() const { return static_cast<const Self&>(*this); }
  template <class Owner>
  static Values read(const std::vector<Field<Owner>>& fields, const Owner& owner) {
    Values values;
    for (const auto& f : fields) values.emplace_back(f.name, f.get(owner));
    return values;
  }
  [[noreturn]] static void refuse(const Field<Params>& f, const Value& value) {
    throw InvalidParameterError("The '" + std::string(f.name) + "' parameter of " +
                                std::string(Self::class_name) + " must be " + f.allowed.describe() +
                                ". Got " + value.to_string() + " instead.");
  }
};

/// The error for a NaN or infinity in a leaf: "Input X contains NaN at row 17, column 3, 'age'
/// (KMeans)." Returns if all values are finite (or NaN and `allow_nan`). For when a result is not
/// finite: it copies a leaf on a device to the host, on a stream of its own, so synchronise the
/// visitor's before.
void require_finite(const Leaf& leaf, std::string_view input, std::string_view estimator,
                    bool allow_nan = false, const std::vector<std::string>& column_names = {});
/// The same over all rows of x. Collective: all processes throw for the lowest row, or none.
void require_finite(const Rows& x, std::string_view input, std::string_view estimator,
                    bool allow_nan = false);

/// All estimators by name.
std::unique_ptr<Estimator> make_estimator(const std::string& name);
std::vector<std::string> estimator_names();
/// A fitted estimator from a model.
std::unique_ptr<Estimator> make_estimator(const Model& model);
/// Makes the operations and built-in backends of this room and of linalg known, for
/// support_table().
void register_operations();

}  // namespace tessera
