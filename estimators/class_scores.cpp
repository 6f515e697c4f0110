#include <tessera/estimators/class_scores.hpp>

#include <algorithm>
#include <cmath>

namespace tessera::detail {
namespace {

// f(values of a row, its place in the result) for every row, on the host.
template <class Out = void, class F>
Rows map_scores(const Rows& scores, Shape shape, DType dtype, F f) {
  return map_rows(scores.to(cpu), std::move(shape), dtype,
                  [f](const Leaf& in, const Tile& out, Stream&) {
                    visit_floating(in.tile.dtype, [&](auto tag) {
                      using T = typename decltype(tag)::type;
                      using To = std::conditional_t<std::is_void_v<Out>, T, Out>;
                      for (std::int64_t i = 0; i < out.rows; ++i)
                        f(in.tile.as<const T>() + i * in.tile.stride, in.tile.cols,
                          out.as<To>() + i * out.stride);
                    });
                  })
      .to(scores.device());
}

}  // namespace

Rows highest(const Rows& scores) {
  const bool one = scores.ndim() == 1;
  return map_scores<std::int32_t>(
      scores, {scores.rows()}, DType::int32,
      [one](const auto* row, std::int64_t k, std::int32_t* out) {
        // The first NaN, if there is one, as NumPy's argmax.
        const auto less = [](auto a, auto b) { return a < b || (b != b && a == a); };
        *out = one ? row[0] > 0
                   : static_cast<std::int32_t>(std::max_element(row, row + k, less) - row);
      });
}

Rows log_softmax(const Rows& scores) {
  if (scores.ndim() == 1)
    return map_scores(scores, {scores.rows(), 2}, scores.dtype(),
                      [](const auto* row, std::int64_t, auto* out) {
                        const auto v = static_cast<double>(*row);
                        const double rest = std::log1p(std::exp(-std::abs(v)));
                        using T = std::decay_t<decltype(*out)>;
                        out[0] = static_cast<T>(-std::max(v, 0.0) - rest);
                        out[1] = static_cast<T>(std::min(v, 0.0) - rest);
                      });
  return map_scores(scores, scores.shape(), scores.dtype(),
                    [](const auto* row, std::int64_t k, auto* out) {
                      const auto most = *std::max_element(row, row + k);
                      double sum = 0.0;
                      for (std::int64_t c = 0; c < k; ++c)
                        sum += std::exp(static_cast<double>(row[c] - most));
                      using T = std::decay_t<decltype(*out)>;
                      for (std::int64_t c = 0; c < k; ++c)
                        out[c] = static_cast<T>(static_cast<double>(row[c] - most) - std::log(sum));
                    });
}

Rows one_against_rest(const Rows& scores, bool logistic) {
  const bool one = scores.ndim() == 1;
  return map_scores(scores, {scores.rows(), one ? 2 : scores.cols()}, scores.dtype(),
                    [one, logistic](const auto* row, std::int64_t k, auto* out) {
                      using T = std::decay_t<decltype(*out)>;
                      const auto probability = [logistic](double s) {
                        if (!logistic) return (std::clamp(s, -1.0, 1.0) + 1) / 2;
                        const double e = std::exp(-std::abs(s));
                        return (s < 0 ? e : 1) / (1 + e);
                      };
                      if (one) {
                        const auto s = static_cast<double>(*row);
                        out[0] = static_cast<T>(probability(-s));
                        out[1] = static_cast<T>(probability(s));
                        return;
                      }
                      double sum = 0.0;
                      for (std::int64_t c = 0; c < k; ++c)
                        sum += probability(static_cast<double>(row[c]));
                      for (std::int64_t c = 0; c < k; ++c)
                        out[c] =
                            static_cast<T>(sum > 0 ? probability(static_cast<double>(row[c])) / sum
                                                   : 1.0 / static_cast<double>(k));
                    });
}

Rows logarithm(const Rows& values) {
  return map_scores(values, values.shape(), values.dtype(),
                    [](const auto* row, std::int64_t k, auto* out) {
                      for (std::int64_t c = 0; c < k; ++c) out[c] = std::log(row[c]);
                    });
}

Rows exponential(const Rows& logarithms) {
  return map_scores(logarithms, logarithms.shape(), logarithms.dtype(),
                    [](const auto* row, std::int64_t k, auto* out) {
                      for (std::int64_t c = 0; c < k; ++c) out[c] = std::exp(row[c]);
                    });
}

}  // namespace tessera::detail
