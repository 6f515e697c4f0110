#include <tessera/linalg/stacks.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/move.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/linalg/precision.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::stacks {
namespace {

// The function of one matrix, of which no element is looked at first: NaN and infinities give what
// linalg says.
template <class F>
Results each(std::string_view function, const Array& x, const F& f) {
  return over(function, {{x, 2}}, [&](std::span<const Array> m) -> Results { return f(m[0]); });
}

Array number(double value, DType dtype, const Communicator& comm) {
  return Scalar(value).array(dtype, comm);
}

void require_matrices(std::string_view function, const Array& x) {
  if (!x || x.ndim() < 2)
    throw ValueError(fmt::format("{} needs a matrix, or a stack of them, got {}", function,
                                 x ? "an array of shape " + to_string(x.shape()) : "no array"));
}

// rtol as an array, of 0 axes for each matrix.
Array relative(const std::optional<Operand>& rtol, const Array& x) {
  const DType real = linalg::detail::real_of(linalg::common_dtype(x.dtype()));
  if (rtol) return rtol->array() ? *rtol->array() : rtol->scalar().array(real, x.comm());
  const auto n = std::max(x.shape().back(), x.shape()[static_cast<std::size_t>(x.ndim() - 2)]);
  return number(linalg::detail::eps_of(real) * static_cast<double>(n), DType::float64, x.comm());
}

}  // namespace

Array diagonal(const Array& given, std::int64_t offset) {
  require_matrices("diagonal", given);
  const Array x = detail::in_rows(given);
  const auto strides = detail::strides_of(x.shape());
  const std::int64_t m = x.shape()[static_cast<std::size_t>(x.ndim() - 2)], n = x.shape().back();
  Shape shape(x.shape().begin(), x.shape().end() - 1);
  shape.back() = std::clamp<std::int64_t>(offset < 0 ? m + offset : n - offset, 0, std::min(m, n));
  detail::Box box{shape, offset < 0 ? -offset * n : offset, strides};
  box.from_strides.pop_back();
  box.from_strides.back() = n + 1;
  box.to_strides = detail::strides_of(shape);
  const Distribution d = detail::settled(shape, detail::is_replicated(x), x.comm());
  const Array out = detail::room_for(std::move(shape), x.dtype(), d, x.comm());
  detail::move(x, out, std::move(box));
  return out.to(given.device());
}

Array trace(const Array& x, std::int64_t offset, std::optional<DType> dtype) {
  require_matrices("trace", x);
  return sum(diagonal(x, offset), {{-1}}, false, dtype);
}

Array cholesky(const Array& x, bool upper) {
  return each("cholesky", x, [&](const Array& m) -> Results {
    return {linalg::cholesky(m, {.lower = !upper})};
  })[0];
}

Array det(const Array& x) {
  return each("det", x, [](const Array& m) -> Results {
    return {linalg::det(m, false).astype(linalg::common_dtype(m.dtype()))};
  })[0];
}

std::pair<Array, Array> slogdet(const Array& x) {
  const Results r = each("slogdet", x, [](const Array& m) -> Results {
    const linalg::Slogdet d = linalg::slogdet(m, false);
    const DType dtype = linalg::common_dtype(m.dtype());
    return {d.sign.astype(dtype), number(d.logabsdet, linalg::detail::real_of(dtype), m.comm())};
  });
  return {r[0], r[1]};
}

Eig eig(const Array& x) {
  const Results r = each("eig", x, [](const Array& m) -> Results {
    const Eig e = linalg::eig(m);
    return {e.values, e.vectors};
  });
  return {r[0], r[1]};
}

Array eigvals(const Array& x) {
  return each("eigvals", x, [](const Array& m) -> Results { return {linalg::eigvals(m)}; })[0];
}

Eigh eigh(const Array& x) {
  const Results r = each("eigh", x, [](const Array& m) -> Results {
    const Eigh e = linalg::eigh(m);
    return {e.values, e.vectors};
  });
  return {r[0], r[1]};
}

Array eigvalsh(const Array& x) {
  return each("eigvalsh", x, [](const Array& m) -> Results { return {linalg::eigvalsh(m)}; })[0];
}

Array inv(const Array& x) {
  return each("inv", x, [](const Array& m) -> Results { return {linalg::inv(m)}; })[0];
}

Array matrix_power(const Array& x, std::int64_t n) {
  return each("matrix_power", x,
              [n](const Array& m) -> Results { return {linalg::matrix_power(m, n)}; })[0];
}

Array matrix_rank(const Array& x, const std::optional<Operand>& rtol, bool hermitian) {
  require_matrices("matrix_rank", x);
  const Array s = hermitian ? abs(eigvalsh(x)) : svdvals(x);
  if (s.shape().back() == 0) return count_nonzero(s, {{-1}});
  const Array most = max(s, {{-1}}, true);
  return count_nonzero(s > most * expand_dims(relative(rtol, x), {-1}), {{-1}});
}

Array pinv(const Array& x, const std::optional<Operand>& rtol, bool hermitian) {
  require_matrices("pinv", x);
  const Array tolerances = relative(rtol, x);
  return over("pinv", {{x, 2}, {tolerances, 0}}, [&](std::span<const Array> m) -> Results {
    const double tolerance = gather(m[1].to(cpu)).astype(DType::float64).values<double>()[0];
    return {linalg::pinv(m[0], 0.0, tolerance, true, hermitian)};
  })[0];
}

Qr qr(const Array& x, QrMode mode) {
  const Results r = each("qr", x, [mode](const Array& m) -> Results {
    const Qr f = linalg::qr(m, mode, false);
    return mode == QrMode::r ? Results{f.r} : Results{f.q, f.r};
  });
  return mode == QrMode::r ? Qr{{}, r[0]} : Qr{r[0], r[1]};
}

Array solve(const Array& x1, const Array& x2) {
  require_matrices("solve", x1);
  const std::size_t axes = x2.ndim() == 1 ? 1 : 2;
  const auto extents = x1.shape().end();
  if (x2.ndim() == 0 || extents[-1] != extents[-2] ||
      x2.shape().end()[-static_cast<std::ptrdiff_t>(axes)] != extents[-1])
    throw ValueError(fmt::format("solve needs square matrices and as many rows, got {} and {}",
                                 to_string(x1.shape()), to_string(x2.shape())));
  const DType dtype = linalg::common_dtype(x1.dtype(), x2.dtype());
  const Stack a{linalg::detail::converted(x1, dtype), 2};
  const Stack b{linalg::detail::converted(x2, dtype), axes};
  return over("solve", {a, b}, [](std::span<const Array> m) -> Results {
    return {
        linalg::solve(m[0], m[1], {.assume_a = linalg::Structure::general, .check_finite = false})};
  })[0];
}

Svd svd(const Array& x, bool full_matrices) {
  const Results r = each("svd", x, [full_matrices](const Array& m) -> Results {
    const Svd f = linalg::svd(m, {.full_matrices = full_matrices});
    return {f.u, f.s, f.vh};
  });
  return {r[0], r[1], r[2]};
}

Array svdvals(const Array& x) {
  return each("svdvals", x, [](const Array& m) -> Results { return {linalg::svdvals(m)}; })[0];
}

// --- norms --------------------------------------------------------------------------------------

Array vector_norm(const Array& x, const OptionalAxes& axes, const NormOrder& order, bool keepdims) {
  if (!order.name.empty())
    throw ValueError(fmt::format("vector_norm takes a number as its order, not '{}'", order.name));
  const double p = order.number.value_or(2.0);
  const DType real = linalg::detail::real_of(linalg::common_dtype(x.dtype()));
  const Array sizes = abs(is_floating(x.dtype()) || is_complex(x.dtype()) ? x : x.astype(real));
  if (p == 0) return count_nonzero(sizes, axes, keepdims).astype(real);
  if (std::isinf(p)) return (p > 0 ? max : min)(sizes, axes, keepdims);
  if (p == 1) return sum(sizes, axes, keepdims);
  // Squares of float32 stay in the range of float64; where those of float64 may have left it, all
  // is done again with the largest (smallest) as the unit.
  const Array a = sizes.astype(DType::float64);
  const auto powers = [&](const Array& v) {
    return sum(p == 2 ? square(v) : pow(v, p), axes, keepdims);
  };
  const auto root = [&](const Array& v) { return p == 2 ? sqrt(v) : pow(v, 1 / p); };
  const Array total = powers(a);
  Array norms = root(total);
  const Array doubtful = ~(logical_and(total > 1e-280, total < 1e300));
  if (x.size() > 0 && gather(any(doubtful)).values<bool>()[0]) {
    const Array most = (p > 0 ? max : min)(a, axes, true);
    const Array usable = logical_and(isfinite(most), most > 0.0);
    const Array unit = where(usable, most, 1.0);
    const Array scaled = powers(a / unit);
    norms = where(logical_and(doubtful, reshape(usable, scaled.shape())),
                  root(scaled) * reshape(unit, scaled.shape()), norms);
  }
  return norms.astype(real);
}

Array matrix_norm(const Array& x, const NormOrder& order, bool keepdims) {
  require_matrices("matrix_norm", x);
  const bool named = !order.name.empty();
  if (order.name == "fro" || (!named && !order.number))
    return vector_norm(x, {{-2, -1}}, 2, keepdims);
  const double p = order.number.value_or(1);
  const double size = std::abs(p);
  if ((named && order.name != "nuc") || !(size == 1 || size == 2 || std::isinf(p)))
    throw ValueError(
        fmt::format("matrix_norm has the orders 1, -1, 2, -2, inf, -inf, 'fro' and "
                    "'nuc', not {}",
                    named ? "'" + order.name + "'" : fmt::format("{}", p)));
  const auto extreme = [&](const Array& v) {
    if (p > 0 && v.shape().back() == 0) return sum(v, {{-1}});  // zeros, as in NumPy
    return p > 0 ? max(v, {{-1}}) : min(v, {{-1}});
  };
  Array norms;
  if (named)
    norms = sum(svdvals(x), {{-1}});
  else if (size == 2)
    norms = extreme(svdvals(x));
  else
    norms = extreme(vector_norm(x, {{size == 1 ? -2 : -1}}, 1));
  return keepdims ? expand_dims(norms, {-2, -1}) : norms;
}

}  // namespace tessera::stacks
