#pragma once
#include <vector>

#include <tessera/estimators/roles.hpp>
#include <tessera/linalg/small.hpp>

namespace tessera {

/// Decides by x coef + intercept: for two classes by its sign, else by the highest.
class LinearClassifier : public Classifier {
 public:
  Array coef_;             ///< (1, p) for two classes, of ridge (p,), else (k, p)
  Value intercept_ = 0.0;  ///< (1,) or (k,), or 0.0

  static std::vector<Method> role_methods();

 protected:
  /// Sets both in X's dtype.
  void set_solution(const linalg::Small& coef, const std::vector<double>& intercept, const Rows& x);
  std::vector<double> intercepts() const;
  std::int64_t outputs() const { return class_count(classes_) == 2 ? 1 : class_count(classes_); }
  /// The weights of rows times those of their classes.
  Array weighted(const Value& class_weight, const Array& codes, const Array& sample_weight,
                 const Rows& x) const {
    return with_class_weight(class_weight, {classes_, codes}, sample_weight, x);
  }

  /// Entries for the list of attributes.
  template <class Self>
  static FieldOf<Self> coef_attribute() {
    return attribute<Self, Array>("coef_", &Self::coef_, [](const Self& s) {
      return array({s.outputs(), s.n_features_in_});
    });
  }
  template <class Self>
  static FieldOf<Self> intercept_attribute() {
    return attribute<Self, Value>("intercept_", &Self::intercept_, [](const Self& s) {
      return array({s.outputs()}) | number({.low = 0.0, .high = 0.0});
    });
  }

 private:
  Rows do_decision(const Rows& x) const;
  Rows do_predict(const Rows& x) const;
};

}  // namespace tessera
