// A plug-in that brings an estimator. The program fits it and loads its models where it is named:
//   tessera fit PeakScaler points.h5:/X --model m.tessera --plugin peak_scaler.so
#include <algorithm>
#include <cmath>

#include <tessera/estimators/registry.hpp>
#include <tessera/runtime/plugin.hpp>
#include <tessera/runtime/reduce.hpp>

using namespace tessera;

struct PeakScalerParams {
  bool clip = false;
};

class PeakScaler : public EstimatorOf<PeakScaler, PeakScalerParams> {
 public:
  using EstimatorOf::EstimatorOf;
  Array peak_;  // (n_features,) float64

  static constexpr std::string_view class_name = "PeakScaler";
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
};

struct Largest {
  std::vector<double> of;
  void merge(const Largest& right) {
    for (std::size_t j = 0; j < of.size(); ++j) of[j] = std::max(of[j], right.of[j]);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(of);
  }
};

const EstimatorType& PeakScaler::describe() {
  static const auto type = EstimatorType::of<PeakScaler>(
      "scale features to a largest absolute value of 1",
      {parameter("clip", &Params::clip, boolean(), "keep results in [-1, 1]")},
      {attribute("peak_", &PeakScaler::peak_,
                 [](const PeakScaler& s) { return array({s.n_features_in_}, {.low = 0.0}); })},
      {method("fit", &PeakScaler::do_fit, "finds the largest absolute value of each column",
              {.sample_weight = false}),
       method("transform", &PeakScaler::do_transform, "the rows divided by them",
              {.keeps_columns = true})});
  return type;
}

void PeakScaler::do_fit(const Rows& x, const Array&, const Array&) {
  const auto largest = reduce<Largest>(x.to(cpu), [&](const Leaf& leaf, Stream&) {
    Largest l{std::vector<double>(static_cast<std::size_t>(leaf.tile.cols))};
    require_finite(leaf, "X", class_name, false, x.column_names());
    visit_floating(leaf.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
        for (std::size_t j = 0; j < l.of.size(); ++j)
          l.of[j] =
              std::max<double>(l.of[j], std::abs(leaf.tile.slice(i, 1).template as<const T>()[j]));
    });
    return l;
  });
  peak_ = replicated(largest.of, {x.cols()}, x.comm());
}

Rows PeakScaler::do_transform(const Rows& x) const {
  const auto scale = [largest = peak_, clip = params.clip](const Leaf& in, const Tile& out,
                                                           Stream&) {
    visit_floating(out.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < out.rows; ++i)
        for (std::int64_t j = 0; j < out.cols; ++j) {
          const double by = largest.values<double>()[static_cast<std::size_t>(j)];
          const double v = in.tile.slice(i, 1).template as<const T>()[j] / (by > 0 ? by : 1.0);
          out.slice(i, 1).template as<T>()[j] = static_cast<T>(clip ? std::clamp(v, -1.0, 1.0) : v);
        }
    });
  };
  return map_rows(x.to(cpu), x.shape(), x.dtype(), scale).to(x.device());
}

extern "C" Plugin tessera_plugin() {
  return {plugin_version, [] { register_estimator<PeakScaler>(); }};
}
