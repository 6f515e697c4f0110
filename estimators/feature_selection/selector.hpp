#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <tessera/estimators/estimator.hpp>

namespace tessera {

/// A role: keeps some of the columns. Brings transform, inverse_transform (zeros in the others) and
/// get_support, and the names of the columns.
class Selector : public Estimator {
 public:
  static std::vector<Method> role_methods();

 protected:
  /// Whether each column is kept.
  virtual std::vector<bool> support() const = 0;

 private:
  std::vector<std::int64_t> kept() const;
  Rows do_transform(const Rows& x) const;
  Rows do_inverse_transform(const Rows& x) const;
  Array do_get_support() const;
};

namespace detail {
/// These columns of x in this order, where x lies; -1 is a column of zeros (on the host).
Rows take_columns(const Rows& x, std::vector<std::int64_t> columns);
}  // namespace detail

}  // namespace tessera
