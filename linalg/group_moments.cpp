#include <tessera/linalg/group_moments.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

void require_codes(const Rows& x, const Array& codes, const Array& weights) {
  if (codes.dtype() != DType::int32 || codes.ndim() != 1)
    throw TypeError(fmt::format("codes of groups must be an int32 vector, got {} of shape {}",
                                name_of(codes.dtype()), to_string(codes.shape())));
  if (weights && weights.dtype() != x.dtype())
    throw TypeError(fmt::format("weights must have the dtype of the rows, {}, got {}",
                                name_of(x.dtype()), name_of(weights.dtype())));
}

/// Of each group [weight | mean | gram], one after the other.
struct Grams {
  std::int64_t groups = 0, columns = 0;
  AlignedVector<double> values;

  Grams() = default;
  Grams(std::int64_t k, std::int64_t p)
      : groups(k), columns(p), values(static_cast<std::size_t>(k * (1 + p + p * p))) {}
  /// One row for each group.
  Tile tile() {
    const std::int64_t size = std::ssize(values) / std::max<std::int64_t>(groups, 1);
    return tile_of(values.data(), groups, size, size);
  }
  void merge(Grams&& right) {
    Stream stream;
    kernels().merge_grams(stream, columns, 0, tile(), right.tile());
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(groups, columns, values);
  }
};

/// The Grams of a leaf, whose rows are put together by group.
template <class T>
Grams grams_of(const Leaf& leaf, std::int64_t groups, Stream& stream) {
  const Tile& x = leaf.tile;
  const Tile codes = leaf.beside[0], weights = leaf.beside[1];
  std::vector<std::vector<std::int64_t>> rows_of(static_cast<std::size_t>(groups));
  for (std::int64_t i = 0; i < x.rows; ++i)
    if (const auto g = codes.as<const std::int32_t>()[i * codes.stride]; g >= 0 && g < groups)
      rows_of[static_cast<std::size_t>(g)].push_back(i);
  Grams grams(groups, x.cols);
  std::vector<T> values, weight;
  for (std::int64_t g = 0; g < groups; ++g) {
    const auto& rows = rows_of[static_cast<std::size_t>(g)];
    const auto count = std::ssize(rows);
    if (count == 0) continue;
    values.clear();
    weight.clear();
    for (const std::int64_t i : rows) {
      const T* row = x.as<const T>() + i * x.stride;
      values.insert(values.end(), row, row + x.cols);
      if (weights) weight.push_back(weights.as<const T>()[i * weights.stride]);
    }
    kernels().leaf_gram(stream, tile_of(values.data(), count, x.cols, x.cols), count, {},
                        weights ? tile_of(weight.data(), count, 1, 1) : Tile{}, true,
                        grams.tile().slice(g, 1));
  }
  return grams;
}

}  // namespace

GroupMoments composed::group_moments(const Rows& x, const Array& codes, std::int64_t groups,
                                     const Array& weights) {
  require_codes(x, codes, weights);
  const std::int64_t values = groups * x.cols();
  const auto sums = reduce(
      zip(x, {codes, weights}), 3 * values,
      [leaf_rows = x.distribution().leaf_rows()](const Leaf& run, const Tile& out, Stream& stream) {
        kernels().leaf_group_moments(stream, run.tile, leaf_rows, run.beside[0], run.beside[1],
                                     out);
      },
      Merging::whole(kernels().merge_moments));
  GroupMoments all{{},
                   {sums.begin() + values, sums.begin() + 2 * values},
                   {sums.begin() + 2 * values, sums.end()}};
  for (std::int64_t g = 0; g < groups; ++g)
    all.weight.push_back(x.cols() > 0 ? sums[static_cast<std::size_t>(g * x.cols())] : 0.0);
  return all;
}

std::vector<CenteredGram> composed::group_gram(const Rows& x, const Array& codes,
                                               std::int64_t groups, const Array& weights) {
  require_codes(x, codes, weights);
  const std::int64_t p = x.cols();
  Grams sums =
      reduce<Grams>(zip(x.to(cpu), {codes, weights}), [&](const Leaf& leaf, Stream& stream) {
        return visit_floating(x.dtype(), [&](auto tag) {
          return grams_of<typename decltype(tag)::type>(leaf, groups, stream);
        });
      });
  if (sums.groups == 0) sums = Grams(groups, p);  // no rows
  std::vector<CenteredGram> all;
  for (std::int64_t g = 0; g < groups; ++g) {
    const double* v = sums.tile().slice(g, 1).as<const double>();
    all.push_back({v[0], {v + 1, v + 1 + p}, {p, p, {v + 1 + p, v + 1 + p + p * p}}});
  }
  return all;
}

ColumnMoments merged(const GroupMoments& groups) {
  const std::size_t p = groups.weight.empty() ? 0 : groups.mean.size() / groups.weight.size();
  ColumnMoments all{std::vector<double>(p), std::vector<double>(p), std::vector<double>(p)};
  for (std::size_t i = 0; i < groups.mean.size(); ++i) {
    const double weight = groups.weight[i / p];
    if (weight == 0) continue;
    const std::size_t j = i % p;
    const double before = all.count[j];
    const double step = groups.mean[i] - all.mean[j];
    all.count[j] += weight;
    all.mean[j] += step * (weight / all.count[j]);
    all.m2[j] += groups.m2[i] + step * step * (before * (weight / all.count[j]));
  }
  return all;
}

}  // namespace tessera::linalg
