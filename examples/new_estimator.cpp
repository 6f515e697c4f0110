// An estimator of one's own: what it learns from, what it gives, fit and its methods.
#include <cmath>
#include <iostream>

#include <tessera/tessera.hpp>

using namespace tessera;

struct ScalerParams {
  bool with_mean = true;
};

class Scaler : public EstimatorOf<Scaler, ScalerParams> {
 public:
  using EstimatorOf::EstimatorOf;
  Array mean_, scale_;  // (n_features,) float64

  static constexpr std::string_view class_name = "Scaler";
  static const EstimatorType& describe() {
    const auto columns = [](const Scaler& s) { return array({s.n_features_in_}); };  // finite
    static const auto type = EstimatorType::of<Scaler>(
        "mean 0 and variance 1",
        {parameter("with_mean", &Params::with_mean, boolean(), "subtract the mean")},
        {attribute("mean_", &Scaler::mean_, columns),
         attribute("scale_", &Scaler::scale_, columns)},
        {method("fit", &Scaler::do_fit, "finds mean and deviation of each column"),
         method("transform", &Scaler::do_transform, "the rows scaled", {.keeps_columns = true})});
    return type;
  }

 private:
  void do_fit(const Rows& x, const Array&, const Array& weights) {
    auto moments =
        linalg::column_moments(x, weights);  // the reduction: one pass, any process count
    for (std::size_t j = 0; j < moments.m2.size(); ++j)
      moments.m2[j] = std::sqrt(moments.m2[j] / moments.count[j]);
    mean_ = replicated(moments.mean, {x.cols()}, x.comm());
    scale_ = replicated(moments.m2, {x.cols()}, x.comm());
  }
  Rows do_transform(const Rows& x) const {
    return map_rows(
        x, x.shape(), x.dtype(), [self = *this](const Leaf& in, const Tile& out, Stream& stream) {
          const auto mean =
              self.params.with_mean ? self.mean_.values<double>() : std::span<const double>{};
          linalg::kernels().standardize(stream, in.tile, mean, self.scale_.values<double>(), out);
        });
  }
};

int main(int argc, char** argv) {
  Runtime runtime(argc, argv);
  register_estimator<Scaler>();  // so that its models can be loaded
  const Array x = io::read(argc > 1 ? argv[1] : "points.h5:/X");
  Scaler scaler;
  scaler.fit(x);
  const auto again = make_estimator(scaler.model());
  const auto check = linalg::column_moments(again->transform(x));
  if (x.comm().rank() == 0)
    std::cout << "variance of column 0: " << check.m2[0] / check.count[0] << "\n";
}
