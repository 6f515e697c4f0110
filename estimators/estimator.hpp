#pragma once
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include <tessera/estimators/method.hpp>
#include <tessera/estimators/parameter.hpp>
#include <tessera/estimators/targets.hpp>
#include <tessera/model/value.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/selection.hpp>

namespace tessera {

class EstimatorType;

/// What X is to a class of estimators.
enum class Input : std::uint8_t {
  features,    ///< (n, p) numbers, which come as float32 or float64
  categories,  ///< (n, p) of any real dtype or text, as they are
  labels,      ///< (n,) of any real dtype or text, as they are
};

/// What all estimators share: parameters in, fitted attributes out, scikit-learn's method names.
/// Every function is collective over the communicator of the data. X is n x p with at least one row
/// and one column; integers are read as float64, float32 stays float32, complex data is refused.
/// Arrays that accompany X (y, sample_weight) have n rows and may lie on any device. Work runs
/// where X lies, under the choice of backends in force at fit, which the estimator remembers for
/// its other methods unless a guard is in force there.
///
/// Errors, the same on every process: InvalidParameterError for a parameter outside its range,
/// ValueError for a wrong shape or a NaN or infinity (with its row and column), NotFittedError
/// before fit, NotImplementedError for what an estimator has no method or support for.
class Estimator {
 public:
  virtual ~Estimator() = default;

  /// What there is to know of its class: parameters, attributes, methods.
  virtual const EstimatorType& type() const = 0;
  /// scikit-learn's class name, e.g. "KMeans".
  std::string_view name() const;

  /// Its parameters; `deep`: after them those of estimators inside parameters, "estimator__alpha",
  /// and of the items ("scale", StandardScaler()) of a list: "scale" and "scale__with_mean".
  Values get_params(bool deep = true) const;
  /// By the names of get_params. InvalidParameterError listing the parameters there are, for an
  /// unknown name or a value of the wrong kind. Ranges are checked at fit, as in scikit-learn.
  void set_params(const Values& params);
  /// Its class and parameters as data, without what was learnt: how an estimator is a parameter.
  operator Value() const;  // NOLINT(google-explicit-constructor)

  /// Learns from X; estimators without a target ignore y. Returns *this.
  Estimator& fit(const Rows& x, const Array& y = {}, const Array& sample_weight = {});
  /// What the next fit starts from, where its entry in the list of methods has them among `starts`:
  /// attributes by name. ValueError for others and for values of the wrong kind.
  void start_from(const Values& attributes);
  /// Goes on with more rows, or begins, where the class has a method partial_fit. `classes` is for
  /// classifiers: ValueError for any other. Returns *this.
  virtual Estimator& partial_fit(const Rows& x, const Array& y = {}, const Value& classes = {},
                                 const Array& sample_weight = {});
  Array fit_predict(const Rows& x, const Array& y = {}, const Array& sample_weight = {});
  Array fit_transform(const Rows& x, const Array& y = {}, const Array& sample_weight = {}) {
    return collect(fit_transform_rows(x, y, sample_weight));
  }
  /// The same, computed when read. A class whose fit knows more of its rows than transform does has
  /// its own (Tags::fit_transforms).
  virtual Rows fit_transform_rows(const Rows& x, const Array& y = {},
                                  const Array& sample_weight = {});

  /// Whether there is such a method with the parameters as they are.
  bool has(std::string_view method) const { return why_not(method).empty(); }
  /// Why there is not; nothing where there is.
  std::string why_not(std::string_view method) const;
  /// What a method gives for the rows of X, row-distributed like X, on its device, in its dtype,
  /// labels int32. Rows are computed leaf by leaf when they are read, also for data larger than
  /// memory; several outputs each time anew.
  std::vector<Rows> call(std::string_view method, const Rows& x) const;
  /// What a method says of the model alone: replicated, in host memory.
  Array call(std::string_view method) const;
  /// What a method measures of X: score.
  double measure(std::string_view method, const Rows& x, const Array& y = {},
                 const Array& sample_weight = {}) const;
  /// R^2 of a regressor, accuracy of a classifier; what the class says of others.
  double score(const Rows& x, const Array& y = {}, const Array& sample_weight = {}) const {
    return measure("score", x, y, sample_weight);
  }

  /// call() by name, computed at once.
  Array predict(const Rows& x) const { return collect(predict_rows(x)); }
  Array predict_proba(const Rows& x) const { return collect(call("predict_proba", x)[0]); }
  Array predict_log_proba(const Rows& x) const { return collect(call("predict_log_proba", x)[0]); }
  Array decision_function(const Rows& x) const { return collect(call("decision_function", x)[0]); }
  Array transform(const Rows& x) const { return collect(transform_rows(x)); }
  Array inverse_transform(const Rows& x) const { return collect(inverse_transform_rows(x)); }
  Array score_samples(const Rows& x) const { return collect(score_samples_rows(x)); }
  Array get_covariance() const { return call("get_covariance"); }
  Array get_precision() const { return call("get_precision"); }
  /// call() by name, computed when read.
  Rows predict_rows(const Rows& x) const { return call("predict", x)[0]; }
  Rows transform_rows(const Rows& x) const { return call("transform", x)[0]; }
  Rows inverse_transform_rows(const Rows& x) const { return call("inverse_transform", x)[0]; }
  Rows score_samples_rows(const Rows& x) const { return call("score_samples", x)[0]; }

  /// Names of the columns that transform gives: where they follow from X's, from those of fit's X
  /// or, of data without names, x0, x1, ...; else the class in lower case and a number (pca0,
  /// pca1).
  std::vector<std::string> get_feature_names_out() const;
  /// From these names of X's columns.
  std::vector<std::string> get_feature_names_out(const std::vector<std::string>& of_x) const;

  bool is_fitted() const { return n_features_in_ > 0; }
  /// Whether fit and score need a y.
  bool needs_y() const { return target() != Target::none; }
  /// The attribute with an entry for each row of the training data, which stays out of the model
  /// file (KMeans' labels_); nothing otherwise.
  Array labels() const;
  bool has_labels() const;

  /// Parameters and fitted attributes as data. NotFittedError before fit.
  Model model() const;
  /// Takes both from a model of the same estimator; parameters that it does not have become the
  /// defaults. A model is input: ValueError, naming its file, for another estimator's, and for
  /// attributes that are missing, not known or not what the estimator says of them;
  /// InvalidParameterError for parameters. Then the estimator is not fitted. Collective.
  void restore(const Model& model);

  /// Methods that a role brings; a class may have its own in their place.
  static std::vector<Method> role_methods() { return {}; }
  /// Of the fitted attributes, which lie in host memory.
  Communicator comm() const;
  Device device() const { return cpu; }

  std::int64_t n_features_in_ = 0;
  /// The column names of the X of fit, when it had any. An X of another method whose names differ
  /// or come in another order is a ValueError; one with names where fit had none, or the other way
  /// round, is a warning.
  std::vector<std::string> feature_names_in_;

 protected:
  /// Where the members are that parameters and attributes belong to.
  virtual void* owner_of_parameters() = 0;
  virtual void* owner_of_attributes() = 0;
  const void* owner_of_parameters() const {
    return const_cast<Estimator*>(this)->owner_of_parameters();
  }
  const void* owner_of_attributes() const {
    return const_cast<Estimator*>(this)->owner_of_attributes();
  }

  /// What it learns from beside X. Numbers come to fit in X's dtype and finite; labels as they are,
  /// a vector of any real dtype or text, for encode_classes().
  virtual Target target() const { return Target::none; }
  /// What fit and partial_fit do: the method of that name learns. fit starts anew.
  void learn(std::string_view method, const Rows& x, const Array& y, const Array& sample_weight);
  /// What a method is made of, where it is made of another one: that one's operation, with the
  /// choice in force. x as the method got it.
  Outputs run(std::string_view method, const Rows& x) const;
  /// Whether start_from has been called since the last fit.
  bool has_start() const { return has_start_; }

 private:
  bool has_start_ = false;
  detail::SelectionHandle remembered() const;
  detail::SelectionHandle fitted_under_;
  Rows check_x(const Rows& x, bool fitting, bool of_features = true) const;
  void check_names(const std::vector<std::string>& names) const;
  Array check_target(const Array& y, const Rows& x) const;
  Array check_companion(const Array& a, const Rows& x, const char* what, bool taken) const;
  void check_params() const;
  void set_param(const std::string& name, const Value& value);
  bool change_inside(const std::string& name, const std::function<Value(const Model&)>& change);
  Values attributes() const;
};

/// What is to be known of the data of an estimator; scikit-learn's tags, and its checks, go by
/// that.
struct Tags {
  bool allows_nan = false;       ///< NaN in X is a missing value
  bool positive_x = false;       ///< X >= 0
  bool positive_y = false;       ///< y > 0, or at least >= 0
  bool categorical = false;      ///< X holds numbers of categories
  bool one_target = false;       ///< y is (n,)
  bool several_targets = false;  ///< y is (n, q)
  bool poor_score = false;       ///< not made to be accurate on any data
  bool requires_fit = true;      ///< its methods need something that fit learns
  bool fit_transforms = false;   ///< fit_transform is not fit and transform
  bool other_steps = false;      ///< a seed gives another answer than scikit-learn's
  bool takes_text = false;       ///< X may also be text, as it is
  bool keeps_text = false;       ///< classes_ of text have the dtype that y has in Python
  Input input = Input::features;
};

/// What there is to know of a class of estimators: its name, how one is made, and the lists that
/// everything else is made from. One for each class, which lives as long as the program.
class EstimatorType {
 public:
  /// For E, an EstimatorOf with a member `class_name`, and `tags` where there is something to say
  /// of its data. Its module is the folder of the file that calls this.
  template <class E>
  static EstimatorType of(std::string_view summary,
                          std::initializer_list<FieldOf<typename E::Params>> parameters,
                          std::initializer_list<FieldOf<E>> attributes,
                          std::initializer_list<MethodOf<E>> methods,
                          std::source_location at = std::source_location::current()) {
    EstimatorType type{E::class_name, summary, at.file_name(),
                       [] { return std::unique_ptr<Estimator>(std::make_unique<E>()); }};
    for (const Field& field : parameters) type.add_parameter(field);
    for (const Field& field : attributes) type.add_attribute(field);
    for (const Method& method : methods) type.add_method(method);
    if constexpr (requires { E::tags; }) type.tags_ = E::tags;
    type.make_operations(E::role_methods());
    return type;
  }

  /// Entries beside those of `of`, for classes that share most of their lists.
  void add_parameter(const Field& field);
  void add_attribute(const Field& field);

  EstimatorType(EstimatorType&&) noexcept;
  ~EstimatorType();
  std::string_view name() const { return name_; }
  std::string_view summary() const { return summary_; }
  /// scikit-learn's module that the class is in: "cluster".
  const std::string& module() const { return module_; }
  const Tags& tags() const { return tags_; }
  /// A new one with the default parameters.
  std::unique_ptr<Estimator> make() const { return make_(); }
  std::vector<ParameterInfo> parameter_info() const;

  const std::vector<Field>& parameters() const { return parameters_; }
  const std::vector<Field>& attributes() const { return attributes_; }
  const std::vector<Method>& methods() const { return methods_; }
  /// The method of that name, or nothing.
  const Method* method(std::string_view name) const;

  /// The operations of the methods, in their order; defined in operations.hpp.
  struct Operations;
  const Operations& operations() const { return *operations_; }

 private:
  using Make = std::unique_ptr<Estimator> (*)();
  EstimatorType(std::string_view class_name, std::string_view line, std::string_view file,
                Make maker);
  void add_method(const Method& method);
  void make_operations(std::vector<Method> of_role);
  std::string_view name_;
  std::string_view summary_;
  std::string module_;
  Tags tags_;
  Make make_;
  std::vector<Field> parameters_;
  std::vector<Field> attributes_;
  std::vector<Method> methods_;
  std::shared_ptr<const Operations> operations_;
};

/// An estimator of class Self: a struct Params whose initialisers are the defaults, a Role
/// (Estimator itself, or one of roles.hpp), and
///
///     static constexpr std::string_view class_name = "KMeans";
///     static const EstimatorType& describe();
///
/// which gives the parameters, attributes and methods, each once.
template <class Self, class ParamsOfSelf, class Role = Estimator>
class EstimatorOf : public Role {
 public:
  using Params = ParamsOfSelf;
  explicit EstimatorOf(Params p = {}) : params(std::move(p)) {}
  Params params;

  const EstimatorType& type() const final { return Self::describe(); }
  static Self from_model(const Model& model) {
    Self self;
    self.restore(model);
    return self;
  }

 private:
  void* owner_of_parameters() final { return &params; }
  void* owner_of_attributes() final { return static_cast<Self*>(this); }
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

}  // namespace tessera
