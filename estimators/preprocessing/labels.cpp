#include <tessera/estimators/preprocessing/labels.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include <tessera/estimators/preprocessing/categories.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

// A vector of labels; ValueError for more columns.
void require_labels(const Rows& x, const Estimator& e) {
  if (x.cols() != 1)
    throw ValueError(fmt::format("y should be a 1d array, got an array of shape {} instead ({})",
                                 to_string(x.shape()), e.name()));
  if (x.rows() == 0) throw ValueError(fmt::format("y has 0 samples: {} needs 1", e.name()));
}

Value classes_of(const Rows& x, const Estimator& e) {
  require_labels(x, e);
  Value classes = detail::categories_of(x)[0].values;
  if (e.name() == "LabelBinarizer" && classes.is<Array>() &&
      is_floating(classes.as<Array>().dtype()))
    encode_classes(collect(x), x, e.name());  // refuses what are no labels
  return classes;
}

// (n,) from (n, 1).
Rows vector_of(const Rows& x) {
  return map_rows(
             x, {x.rows()}, x.dtype(),
             [](const Leaf& in, const Tile& out, Stream& stream) { copy(stream, in.tile, out); })
      .with(x.names());
}

}  // namespace

const EstimatorType& LabelEncoder::describe() {
  using Self = LabelEncoder;
  static const auto type = EstimatorType::of<Self>(
      "labels as numbers", {},
      {attribute<Self, Value>("classes_", &Self::classes_, detail::categories_allowed())},
      {method("fit", &Self::do_fit, "finds the labels", {.sample_weight = false}),
       method("transform", &Self::do_transform, "the number of every label"),
       method("inverse_transform", &Self::do_inverse_transform, "the labels again",
              {.of_features = false})});
  return type;
}

void LabelEncoder::do_fit(const Rows& x, const Array&, const Array&) {
  classes_ = classes_of(x, *this);
}

Rows LabelEncoder::do_transform(const Rows& x) const {
  require_labels(x, *this);
  return map_rows(detail::codes_among(x, {classes_}, true, name()), {x.rows()}, DType::int64,
                  [](const Leaf& in, const Tile& out, Stream&) {
                    for (std::int64_t i = 0; i < out.rows; ++i)
                      out.as<std::int64_t>()[i] =
                          in.tile.as<const std::int32_t>()[i * in.tile.stride];
                  })
      .to(x.device());
}

Rows LabelEncoder::do_inverse_transform(const Rows& x) const {
  require_labels(x, *this);
  const auto count = static_cast<double>(detail::category_count(classes_));
  const Rows codes = map_rows(
      x.to(cpu), {x.rows(), 1}, DType::int32, [count](const Leaf& in, const Tile& out, Stream&) {
        visit_floating(in.tile.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          for (std::int64_t i = 0; i < out.rows; ++i) {
            const auto v = static_cast<double>(in.tile.as<const T>()[i * in.tile.stride]);
            if (!(v >= 0 && v < count))
              throw ValueError(fmt::format("y contains previously unseen labels: [{}]", v));
            out.as<std::int32_t>()[i] = static_cast<std::int32_t>(v);
          }
        });
      });
  return vector_of(detail::values_of(codes, {classes_})).to(x.device());
}

const EstimatorType& LabelBinarizer::describe() {
  using Self = LabelBinarizer;
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  static const auto type = EstimatorType::of<Self>(
      "a column for each label",
      {parameter("neg_label", &Params::neg_label, integers(least), "of the other labels"),
       parameter("pos_label", &Params::pos_label, integers(least), "of the row's label"),
       parameter("sparse_output", &Params::sparse_output, boolean(),
                 "True is not supported: results are dense")},
      {attribute<Self, Value>("classes_", &Self::classes_, detail::categories_allowed()),
       attribute("y_type_", &Self::y_type_, words({"binary", "multiclass"})),
       attribute("sparse_input_", &Self::sparse_input_, boolean())},
      {method("fit", &Self::do_fit, "finds the labels", {.sample_weight = false}),
       method("transform", &Self::do_transform, "pos_label in the column of every label"),
       method("inverse_transform", &Self::do_inverse_transform, "the labels again",
              {.of_features = false})});
  return type;
}

void LabelBinarizer::do_fit(const Rows& x, const Array&, const Array&) {
  if (params.neg_label >= params.pos_label)
    throw ValueError(fmt::format("neg_label={} must be strictly less than pos_label={}.",
                                 params.neg_label, params.pos_label));
  if (params.sparse_output)
    throw NotImplementedError("LabelBinarizer: sparse_output=True is not supported");
  classes_ = classes_of(x, *this);
  y_type_ = detail::category_count(classes_) > 2 ? "multiclass" : "binary";
}

Rows LabelBinarizer::do_transform(const Rows& x) const {
  require_labels(x, *this);
  const std::int64_t k = detail::category_count(classes_);
  const bool one = k <= 2;
  return map_rows(detail::codes_among(x, {classes_}, false, name()), {x.rows(), one ? 1 : k},
                  DType::int64,
                  [=, neg = params.neg_label, pos = params.pos_label](const Leaf& in,
                                                                      const Tile& out, Stream&) {
                    for (std::int64_t i = 0; i < out.rows; ++i) {
                      auto* to = out.as<std::int64_t>() + i * out.stride;
                      std::fill(to, to + out.cols, neg);
                      const std::int32_t code =
                          in.tile.as<const std::int32_t>()[i * in.tile.stride];
                      if (one ? code == 1 : code >= 0) to[one ? 0 : code] = pos;
                    }
                  })
      .to(x.device());
}

Rows LabelBinarizer::do_inverse_transform(const Rows& x) const {
  const std::int64_t k = detail::category_count(classes_), width = k <= 2 ? 1 : k;
  if (x.cols() != width)
    throw ValueError(
        fmt::format("The number of class is not equal to the number of dimension of Y: {} has {} "
                    "columns, got {}",
                    name(), width, x.cols()));
  const double threshold = static_cast<double>(params.pos_label + params.neg_label) / 2.0;
  const Rows codes = map_rows(
      x.to(cpu), {x.rows(), 1}, DType::int32, [=](const Leaf& in, const Tile& out, Stream&) {
        visit_floating(in.tile.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          for (std::int64_t i = 0; i < out.rows; ++i) {
            const T* row = in.tile.as<const T>() + i * in.tile.stride;
            out.as<std::int32_t>()[i] =
                k == 1   ? 0
                : k == 2 ? static_cast<double>(row[0]) > threshold
                         : static_cast<std::int32_t>(std::max_element(row, row + k) - row);
          }
        });
      });
  return vector_of(detail::values_of(codes, {classes_})).to(x.device());
}

namespace detail {
const EstimatorType& label_encoder() { return LabelEncoder::describe(); }
const EstimatorType& label_binarizer() { return LabelBinarizer::describe(); }
}  // namespace detail

}  // namespace tessera
