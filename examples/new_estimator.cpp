// An estimator of one's own: parameters once, attributes once, fit and transform.
#include <cmath>
#include <iostream>

#include <tessera/tessera.hpp>

using namespace tessera;

struct ScalerParams {
  bool with_mean = true;
};

class Scaler : public EstimatorOf<Scaler, ScalerParams> {
 public:
  Scaler(ScalerParams p = {}) : EstimatorOf(p) {}
  Array mean_, scale_;  // (n_features,) float64

  static constexpr std::string_view class_name = "Scaler";
  static constexpr std::string_view class_summary = "mean 0 and variance 1";
  static const std::vector<Field<ScalerParams>>& parameter_list() {
    static const std::vector<Field<ScalerParams>> list = {
        parameter("with_mean", &ScalerParams::with_mean, boolean(), "subtract the mean")};
    return list;
  }
  static const std::vector<Field<Scaler>>& attribute_list() {
    const auto columns = [](const Scaler& s) { return array({s.n_features_in_}); };  // finite
    static const std::vector<Field<Scaler>> list = {attribute("mean_", &Scaler::mean_, columns),
                                                    attribute("scale_", &Scaler::scale_, columns)};
    return list;
  }

 private:
  void do_fit(const Rows& x, const Array&, const Array& weights) override {
    auto moments =
        linalg::column_moments(x, weights);  // the reduction: one pass, any process count
    for (std::size_t j = 0; j < moments.m2.size(); ++j)
      moments.m2[j] = std::sqrt(moments.m2[j] / moments.count[j]);
    mean_ = replicated(moments.mean, {x.cols()}, x.comm());
    scale_ = replicated(moments.m2, {x.cols()}, x.comm());
  }
  Rows do_transform(const Rows& x) const override {
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
  Scaler scaler;
  const Array scaled = scaler.fit_transform(io::read(argc > 1 ? argv[1] : "points.h5:/X"));
  const auto check = linalg::column_moments(scaled);
  if (scaled.comm().rank() == 0)
    std::cout << "variance of column 0: " << check.m2[0] / check.count[0] << "\n";
}
