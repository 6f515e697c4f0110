#include <tessera/estimators/feature_selection/selector.hpp>

#include <algorithm>
#include <cstring>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {

Rows detail::take_columns(const Rows& x, std::vector<std::int64_t> columns) {
  const Shape shape = {x.rows(), std::ssize(columns)};
  const bool zeros = std::ranges::find(columns, -1) != columns.end();
  const auto kernel = [columns = std::move(columns)](const Leaf& in, const Tile& out,
                                                     Stream& stream) {
    if (in.tile.device != cpu) {
      for (std::size_t k = 0; k < columns.size(); ++k)
        copy(stream, in.tile.columns(columns[k], 1), out.columns(static_cast<std::int64_t>(k), 1));
      return;
    }
    visit(in.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < out.rows; ++i) {
        const T* from = in.tile.as<const T>() + i * in.tile.stride;
        T* to = out.as<T>() + i * out.stride;
        for (std::size_t k = 0; k < columns.size(); ++k)
          to[k] = columns[k] < 0 ? T{} : from[columns[k]];
      }
    });
  };
  return zeros ? map_rows(x.to(cpu), shape, x.dtype(), kernel).to(x.device())
               : map_rows(x, shape, x.dtype(), kernel);
}

std::vector<Method> Selector::role_methods() {
  const auto names = [](const Estimator& e, const std::vector<std::string>& of_x) {
    std::vector<std::string> some;
    for (const std::int64_t j : static_cast<const Selector&>(e).kept())
      some.push_back(of_x[static_cast<std::size_t>(j)]);
    return some;
  };
  const auto always = [](const Estimator&) { return true; };
  return {method("transform", &Selector::do_transform, "the columns that are kept",
                 {.keeps_dtype = always, .column_names = names}),
          method("inverse_transform", &Selector::do_inverse_transform,
                 "the columns of X again, zeros where they were left out",
                 {.of_features = false, .keeps_dtype = always}),
          method("get_support", &Selector::do_get_support, "whether each column is kept")};
}

std::vector<std::int64_t> Selector::kept() const {
  const std::vector<bool> mask = support();
  std::vector<std::int64_t> columns;
  for (std::size_t j = 0; j < mask.size(); ++j)
    if (mask[j]) columns.push_back(static_cast<std::int64_t>(j));
  return columns;
}

Rows Selector::do_transform(const Rows& given) const {
  // What is left out is looked at, too, as in scikit-learn.
  const Rows x = type().tags().allows_nan
                     ? given
                     : map_rows(given, given.shape(), given.dtype(),
                                [names = feature_names_in_, called = std::string(name())](
                                    const Leaf& in, const Tile& out, Stream& stream) {
                                  copy(stream, in.tile, out);
                                  if (!linalg::kernels().all_finite(stream, in.tile))
                                    require_finite(in, "X", called, false, names);
                                });
  if (kept().empty())
    warn(
        "No features were selected: either the data is too noisy or the selection test too "
        "strict.");
  return detail::take_columns(x, kept());
}

Rows Selector::do_inverse_transform(const Rows& x) const {
  const auto columns = kept();
  if (x.cols() != std::ssize(columns))
    throw ValueError("X has a different shape than during fitting.");
  std::vector<std::int64_t> from(static_cast<std::size_t>(n_features_in_), -1);
  for (std::size_t k = 0; k < columns.size(); ++k)
    from[static_cast<std::size_t>(columns[k])] = static_cast<std::int64_t>(k);
  return detail::take_columns(x, std::move(from));
}

Array Selector::do_get_support() const {
  const std::vector<bool> mask = support();
  std::vector<std::uint8_t> bytes(mask.begin(), mask.end());
  return replicated(bytes, {std::ssize(bytes)}, comm()).astype(DType::boolean);
}

}  // namespace tessera
