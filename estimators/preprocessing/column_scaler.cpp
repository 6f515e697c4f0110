#include <tessera/estimators/preprocessing/column_scaler.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/estimators/range.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// In columns whose scale is far from 1 x, too, is multiplied by a power of two with which x - shift
// stays inside the range of x's dtype.
struct Powers {
  std::vector<double> by;    // nothing, or what x is multiplied with
  std::vector<double> back;  // its inverse

  Powers(std::vector<double>& shift, std::vector<double>& scale, DType dtype) {
    const int far = dtype == DType::float32 ? 90 : 950;
    for (std::size_t j = 0; j < scale.size(); ++j) {
      if (!(scale[j] > 0 && std::abs(std::ilogb(scale[j])) >= far)) continue;
      const int e = linalg::exponent_to_one(scale[j], dtype);
      by.resize(scale.size(), 1.0);
      back.resize(scale.size(), 1.0);
      by[j] = std::ldexp(1.0, e);
      back[j] = std::ldexp(1.0, -e);
      scale[j] = std::ldexp(scale[j], e);
      if (!shift.empty()) shift[j] = std::ldexp(shift[j], e);
    }
  }
};

}  // namespace

std::vector<Method> ColumnScaler::role_methods() {
  return {
      method("transform", &ColumnScaler::do_transform, "the rows scaled", {.keeps_columns = true}),
      method("inverse_transform", &ColumnScaler::do_inverse_transform, "rows from scaled ones",
             {.of_features = false, .keeps_columns = true})};
}

Rows ColumnScaler::do_transform(const Rows& x) const { return scaled(x, scaling(), "transform"); }

Rows ColumnScaler::do_inverse_transform(const Rows& x) const {
  detail::require_width(x, *this);
  Scaling how = scaling();
  how.multiplies = !how.multiplies;
  how.limits.clear();
  return scaled(x, std::move(how), "inverse_transform");
}

Rows ColumnScaler::scaled(const Rows& x, Scaling how, const char* method) const {
  const Powers power(how.shift, how.scale, x.dtype());
  const Rows result =
      map_rows(x, x.shape(), x.dtype(),
               [how, power, names = feature_names_in_, called = std::string(name()),
                what = fmt::format("{}.{}", name(), method)](const Leaf& in, const Tile& out,
                                                             Stream& stream) {
                 const auto& kernels = linalg::kernels();
                 if (how.multiplies) {
                   kernels.unstandardize(stream, in.tile, how.shift, how.scale, out);
                   if (!power.back.empty()) kernels.unstandardize(stream, out, {}, power.back, out);
                 } else {
                   const bool by_power = !power.by.empty();
                   if (by_power) kernels.unstandardize(stream, in.tile, {}, power.by, out);
                   kernels.standardize(stream, by_power ? out : in.tile, how.shift, how.scale, out);
                 }
                 if (kernels.all_finite(stream, out)) return;
                 require_finite(in, "X", called, true, names);
                 detail::require_no_overflow(in, out, what);
               });
  if (how.limits.empty()) return result;
  return map_rows(
             result.to(cpu), x.shape(), x.dtype(),
             [low = how.limits[0], high = how.limits[1]](const Leaf& in, const Tile& to, Stream&) {
               visit_floating(to.dtype, [&](auto tag) {
                 using T = typename decltype(tag)::type;
                 const T least = static_cast<T>(low), most = static_cast<T>(high);
                 for (std::int64_t i = 0; i < to.rows; ++i)
                   for (std::int64_t j = 0; j < to.cols; ++j) {
                     const T v = in.tile.as<const T>()[i * in.tile.stride + j];
                     to.as<T>()[i * to.stride + j] = v < least ? least : v > most ? most : v;
                   }
               });
             })
      .to(x.device());
}

namespace detail {
namespace {

struct ExtremesPartial {
  std::vector<double> count, low, high;
  void merge(const ExtremesPartial& right) {
    for (std::size_t j = 0; j < low.size(); ++j) {
      count[j] += right.count[j];
      low[j] = std::min(low[j], right.low[j]);
      high[j] = std::max(high[j], right.high[j]);
    }
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(count, low, high);
  }
};

}  // namespace

Extremes extremes(const Rows& x, std::string_view estimator) {
  const auto p = static_cast<std::size_t>(x.cols());
  ExtremesPartial all = reduce<ExtremesPartial>(x.to(cpu), [&](const Leaf& leaf, Stream&) {
    ExtremesPartial e;
    visit_floating(leaf.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      std::vector<T> low(p, std::numeric_limits<T>::infinity()), high(p, -low[0]);
      std::vector<std::int32_t> count(p);
      for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
        const T* row = leaf.tile.as<const T>() + i * leaf.tile.stride;
        for (std::size_t j = 0; j < p; ++j) {
          const T v = row[j];
          low[j] = v < low[j] ? v : low[j];
          high[j] = v > high[j] ? v : high[j];
          count[j] += v == v ? 1 : 0;
        }
      }
      e.count.assign(count.begin(), count.end());
      e.low.assign(low.begin(), low.end());
      e.high.assign(high.begin(), high.end());
    });
    return e;
  });
  for (std::size_t j = 0; j < p; ++j) {
    if (all.count[j] == 0.0)
      all.low[j] = all.high[j] = std::numeric_limits<double>::quiet_NaN();
    else if (all.low[j] == -infinity || all.high[j] == infinity)
      require_finite(x, "X", estimator, true);
  }
  return {std::move(all.count), std::move(all.low), std::move(all.high)};
}

std::vector<double> doubles_of(const Value& value) {
  if (!value.is<Array>()) return {};
  const Array wide = value.as<Array>().astype(DType::float64);
  return {wide.values<double>().begin(), wide.values<double>().end()};
}

Value vector_value(const std::vector<double>& values, DType dtype, const Communicator& comm) {
  return replicated(values, {std::ssize(values)}, comm).astype(dtype);
}

std::vector<double> nonzero_scale(std::vector<double> scale, DType dtype) {
  const double least =
      10.0 * (dtype == DType::float32 ? double{std::numeric_limits<float>::epsilon()}
                                      : std::numeric_limits<double>::epsilon());
  for (double& s : scale)
    if (s < least) s = 1.0;
  return scale;
}

void require_width(const Rows& x, const Estimator& estimator) {
  if (x.cols() != estimator.n_features_in_)
    throw ValueError(fmt::format("X has {} features, but {} is expecting {} features as input.",
                                 x.cols(), estimator.name(), estimator.n_features_in_));
}

}  // namespace detail
}  // namespace tessera
