#pragma once
#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct NormalizerParams {
  std::string norm = "l2";
  bool copy = true;
};

/// Divides every row by its norm, as sklearn.preprocessing.Normalizer; rows of zeros stay. Needs no
/// fit.
class Normalizer : public EstimatorOf<Normalizer, NormalizerParams> {
 public:
  using EstimatorOf::EstimatorOf;

  static constexpr std::string_view class_name = "Normalizer";
  static constexpr Tags tags = {.requires_fit = false};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
};

struct BinarizerParams {
  double threshold = 0.0;
  bool copy = true;
};

/// 1 for what is larger than a threshold, 0 for the rest, as sklearn.preprocessing.Binarizer. Needs
/// no fit.
class Binarizer : public EstimatorOf<Binarizer, BinarizerParams> {
 public:
  using EstimatorOf::EstimatorOf;

  static constexpr std::string_view class_name = "Binarizer";
  static constexpr Tags tags = {.requires_fit = false};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
};

}  // namespace tessera
