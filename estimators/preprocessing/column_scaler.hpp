#pragma once
#include <string>
#include <vector>

#include <tessera/estimators/estimator.hpp>

namespace tessera {

/// A role: shifts and scales every column, NaN stay. Brings transform and inverse_transform, of
/// what fit learnt; they run where X lies. ValueError for an infinity in X and for a result that
/// X's dtype does not hold.
class ColumnScaler : public Estimator {
 public:
  static std::vector<Method> role_methods();

 protected:
  /// What becomes of x in column j: (x - shift[j]) / scale[j], or x scale[j] + shift[j]. Either may
  /// be empty.
  struct Scaling {
    std::vector<double> shift = {};
    std::vector<double> scale = {};
    bool multiplies = false;
    std::vector<double> limits = {};  ///< nothing, or the least and the largest result
  };
  virtual Scaling scaling() const = 0;

 private:
  Rows do_transform(const Rows& x) const;
  Rows do_inverse_transform(const Rows& x) const;
  Rows scaled(const Rows& x, Scaling how, const char* method) const;
};

namespace detail {

/// Of every column without its NaN: how many values, the least, the largest. NaN for none.
struct Extremes {
  std::vector<double> count, low, high;
};
/// One pass over x. ValueError, in terms of `estimator`, for an infinity. Collective.
Extremes extremes(const Rows& x, std::string_view estimator);

/// The values of an array or none as float64; nothing for what is no array.
std::vector<double> doubles_of(const Value& value);
/// A vector of `dtype` on every process.
Value vector_value(const std::vector<double>& values, DType dtype, const Communicator& comm);
/// scale, with 1 for what is nothing in `dtype`: that of a constant column, as scikit-learn.
std::vector<double> nonzero_scale(std::vector<double> scale, DType dtype);
/// ValueError unless X has the columns of fit: for methods whose X is not of features.
void require_width(const Rows& x, const Estimator& estimator);

}  // namespace detail
}  // namespace tessera
