#pragma once
#include <vector>

#include <tessera/estimators/range.hpp>
#include <tessera/estimators/roles.hpp>
#include <tessera/linalg/gram.hpp>
#include <tessera/runtime/row_set.hpp>

namespace tessera {

/// X, y and weights of a least-squares problem, each times a power of two that keeps squares inside
/// the range of the dtype, and what one pass over them gives.
struct LeastSquares {
  /// Finds the powers and, where `gram` is wanted, the Gram matrix of [x y]. ValueError for a NaN
  /// or infinity in x. Collective.
  LeastSquares(const Rows& x, const Array& y, const Array& sample_weight, bool center, bool gram,
               std::string_view estimator);
  /// The Gram matrices of all rows and of each of some folds from one pass, without the powers:
  /// ValueError where squares of x or y leave the range of float64. Collective.
  LeastSquares(const Rows& x, const Array& y, const Array& sample_weight, bool center,
               const std::vector<RowSet>& rows_of_folds, std::string_view estimator);

  /// R of the QR of the centred, weighted [x y], min(n, p + q) x (p + q), by another pass.
  /// Collective.
  linalg::Small triangle() const;
  /// What penalties of the given x and y are here.
  std::vector<double> penalties(std::vector<double> alphas) const;

  Rows x;   ///< the given one 2^x_exponent
  Array y;  ///< target t 2^y_exponents[t]
  detail::Balanced weights;
  bool center;
  int x_exponent = 0;
  std::vector<int> y_exponents;
  linalg::CenteredGram gram;  ///< of mean alone where it was not wanted
  std::vector<linalg::CenteredGram> folds;
};

namespace detail {
/// Turns the coefficients (q, p) of a scaled problem into those of the given x and y, in place;
/// returns the intercepts, 0 where nothing was centred.
std::vector<double> unscale(const LeastSquares& problem, linalg::Small& coef);
/// The coefficients (q, p), none below 0, that minimise |y - x coef|^2 + alpha |coef|^2 for each
/// target, from the Gram matrix of [x y]: the active-set method of Lawson and Hanson, "Solving
/// least squares problems", 1974, chapter 23. Local.
linalg::Small non_negative(const linalg::CenteredGram& gram, const std::vector<double>& alphas);
/// x coef^T + intercept, computed when read: coef (p,) or (q, p), as many intercepts as targets,
/// and the result (n,) if `flat`. `method` and `names` are for the errors for a NaN or what the
/// dtype does not hold, which is none where an intercept is infinite.
Rows linear_predictor(const Rows& x, const Array& coef, const std::vector<double>& intercept,
                      bool flat, std::string_view estimator, std::string_view method,
                      const std::vector<std::string>& names);
}  // namespace detail

/// Predicts x coef + intercept: what linear models of numbers are.
class LinearModel : public Regressor {
 public:
  Array coef_;             ///< (p,) or, for 2-D y, (q, p)
  Value intercept_ = 0.0;  ///< a number, or (q,) for 2-D y; 0.0 without fit_intercept

  static std::vector<Method> role_methods();

 protected:
  /// coef_ and intercept_ from the coefficients (q, p) of the scaled problem. ValueError where X's
  /// dtype does not hold them.
  void set_solution(const LeastSquares& problem, linalg::Small coef);
  /// Those of one target, in X's dtype.
  void set_coefficients(const std::vector<double>& coef, double intercept, const Rows& x);
  /// After these, of a y (n, 1) that was taken for a vector: the intercept is (1,), coef_ stays
  /// (p,), as scikit-learn has them.
  void set_column_intercept(const Array& y, bool fit_intercept);

  /// Entries for the list of attributes; Self has a parameter fit_intercept. `column`: it uses
  /// set_column_intercept.
  template <class Self>
  static FieldOf<Self> coef_attribute() {
    return attribute<Self, Array>("coef_", &Self::coef_, [](const Self& s) {
      return array(s.coef_.ndim() == 2 ? Shape{s.coef_.rows(), s.n_features_in_}
                                       : Shape{s.n_features_in_});
    });
  }
  template <class Self>
  static FieldOf<Self> intercept_attribute(bool column = false) {
    auto field = attribute<Self, Value>("intercept_", &Self::intercept_, [column](const Self& s) {
      return s.allowed_intercept(column);
    });
    field.get = [](const void* owner) {
      const auto& s = *static_cast<const Self*>(owner);
      return s.params.fit_intercept && s.intercept_.template is<double>()
                 ? stored_float(s.intercept_.template as<double>(), s.coef_)
                 : s.intercept_;
    };
    field.set = [](void* owner, const Value& value) {
      static_cast<Self*>(owner)->intercept_ = restored_float(value);
      return true;
    };
    return field;
  }

 private:
  Rows do_predict(const Rows& x) const;
  Allowed allowed_intercept(bool column) const;
};

}  // namespace tessera
