#include <tessera/estimators/linear_model/spectrum.hpp>

#include <algorithm>

#include <tessera/runtime/index.hpp>

namespace tessera::detail {

using linalg::Small;
using linalg::Transpose;
namespace small = linalg::small;

Spectrum::Spectrum(const linalg::CenteredGram& gram, std::int64_t q) {
  const std::int64_t p = gram.cols() - q;
  const Small of_x = gram.gram.first_rows(p);
  auto found = small::eigh(of_x.columns(0, p));
  for (const double v : found.values) squares_.push_back(std::max(v, 0.0));
  directions_ = std::move(found.vectors);
  projected_ = small::product(of_x.columns(p, q), directions_, Transpose::yes, Transpose::yes);
  least_without_penalty_ = 1e-15 * squares_.back();
}

Spectrum::Spectrum(const Small& triangle, std::int64_t q) {
  const std::int64_t p = triangle.cols() - q;
  const Small top = triangle.first_rows(std::min(triangle.rows(), p));
  auto found = small::svd(top.columns(0, p));
  projected_ = small::product(top.columns(p, q), found.u, Transpose::yes);
  for (std::int64_t j = 0; j < projected_.cols(); ++j) {
    const double s = found.s[z(j)];
    squares_.push_back(s * s);
    for (std::int64_t t = 0; t < q; ++t) projected_.at(t, j) *= s;
  }
  directions_ = std::move(found.vt);
  least_ = least_without_penalty_ = 1e-30 * squares_[0];
}

double Spectrum::along(std::int64_t t, std::int64_t j, double alpha) const {
  const double least = alpha > 0 ? least_ : least_without_penalty_;
  return square(j) > least || (alpha > 0 && least == 0) ? projected_.at(t, j) / (square(j) + alpha)
                                                        : 0.0;
}

Small Spectrum::coef(const std::vector<double>& alphas) const {
  Small c = projected_;
  for (std::int64_t t = 0; t < c.rows(); ++t)
    for (std::int64_t j = 0; j < c.cols(); ++j) c.at(t, j) = along(t, j, alphas[z(t)]);
  return small::product(c, directions_);
}

}  // namespace tessera::detail
