#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <tessera/estimators/estimator.hpp>

namespace tessera::detail {

/// Rows of x's dtype with `cols` columns, made one by one on the host and given where x lies: f(row
/// of x, first element of the result). ValueError for an infinity in x, and for NaN unless
/// `allow_nan`.
template <class F>
Rows map_each_row(const Rows& x, std::int64_t cols, const Estimator& e, bool allow_nan, F f) {
  return map_rows(x.to(cpu), {x.rows(), cols}, x.dtype(),
                  [f = std::move(f), allow_nan, names = e.feature_names_in_,
                   called = std::string(e.name())](const Leaf& in, const Tile& out, Stream&) {
                    visit_floating(in.tile.dtype, [&](auto tag) {
                      using T = typename decltype(tag)::type;
                      // As wide as T, so that it is computed in vectors.
                      std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t> wrong = 0;
                      for (std::int64_t i = 0; i < out.rows; ++i) {
                        const std::span<const T> row(in.tile.as<const T>() + i * in.tile.stride,
                                                     static_cast<std::size_t>(in.tile.cols));
                        for (const T v : row)  // an infinity minus itself is NaN
                          wrong |= (v - v != T{0}) & !(allow_nan & (v != v));
                        f(row, out.as<T>() + i * out.stride);
                      }
                      if (wrong) require_finite(in, "X", called, allow_nan, names);
                    });
                  })
      .to(x.device());
}

}  // namespace tessera::detail
