#include <cblas.h>
#include <lapacke.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include <tessera/linalg/kernels/cpu/gram.hpp>
#include <tessera/linalg/kernels/cpu/moments.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/lapack.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/runtime.hpp>

namespace tessera::linalg {
namespace {

const double* pointer(std::span<const double> values) {
  return values.empty() ? nullptr : values.data();
}

void column_moments(Stream&, const Tile& x, const Tile& weights, ColumnMoments& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    tessera::on_cpu::column_moments(x.as<const T>(), x.rows, x.cols, x.stride,
                                    weights.as<const T>(), out.count.data(), out.mean.data(),
                                    out.m2.data());
  });
}

void centered_gram(Stream&, const Tile& x, const Tile& y, const Tile& weights, CenteredGram& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    tessera::on_cpu::centered_gram(x.as<const T>(), x.rows, x.cols, x.stride, y.as<const T>(),
                                   y.cols, y.stride, weights.as<const T>(), out.centered,
                                   &out.weight, out.mean.data(), out.gram.data());
  });
}

void qr_r(Stream& stream, const Tile& a) {
  const std::int64_t k = std::min(a.rows, a.cols);
  if (k == 0) return;
  reserve_blas(Runtime::threads());
  auto* tau =
      reinterpret_cast<double*>(stream.scratch(static_cast<std::size_t>(k) * sizeof(double)));
  auto* values = a.as<double>();
  bool finite = LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, blas_int(a.rows), blas_int(a.cols), values,
                               blas_int(a.stride), tau) == 0;
  for (std::int64_t i = 0; i < k; ++i)  // LAPACKE looks for NaN only
    finite = finite && std::all_of(values + i * a.stride + i, values + i * a.stride + a.cols,
                                   [](double v) { return std::isfinite(v); });
  if (!finite) throw LinAlgError("QR of a tile failed: its values are not finite");
  for (std::int64_t i = 0; i < a.rows; ++i)
    std::fill_n(values + i * a.stride, std::min(i, a.cols), 0.0);
}

void gemm(Stream&, double alpha, const Tile& a, Transpose ta, const Tile& b, Transpose tb,
          double beta, const Tile& c) {
  const auto op = [](Transpose t) { return t == Transpose::yes ? CblasTrans : CblasNoTrans; };
  const int m = blas_int(c.rows);
  const int n = blas_int(c.cols);
  const int k = blas_int(ta == Transpose::yes ? a.rows : a.cols);
  const auto ld = [](const Tile& t) { return blas_int(std::max<std::int64_t>(1, t.stride)); };
  if (m == 0 || n == 0) return;
  reserve_blas(Runtime::threads());
  visit_floating(c.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto multiply = [&](auto routine) {
      routine(CblasRowMajor, op(ta), op(tb), m, n, k, static_cast<T>(alpha), a.as<const T>(), ld(a),
              b.as<const T>(), ld(b), static_cast<T>(beta), c.as<T>(), ld(c));
    };
    if constexpr (std::is_same_v<T, float>)
      multiply(cblas_sgemm);
    else
      multiply(cblas_dgemm);
  });
}

void standardize(Stream&, const Tile& x, std::span<const double> shift,
                 std::span<const double> scale, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    tessera::on_cpu::shift_scale(x.as<const T>(), x.rows, x.cols, x.stride, pointer(shift),
                                 pointer(scale), out.as<T>(), out.stride);
  });
}

void unstandardize(Stream&, const Tile& x, std::span<const double> shift,
                   std::span<const double> scale, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    tessera::on_cpu::scale_shift(x.as<const T>(), x.rows, x.cols, x.stride, pointer(shift),
                                 pointer(scale), out.as<T>(), out.stride);
  });
}

Backend make_backend(const Kernels& k) {
  Backend backend("cpu", Device::Kind::cpu, 0);
  backend.implement(k.column_moments, column_moments)
      .implement(k.centered_gram, centered_gram)
      .implement(k.qr_r, qr_r)
      .implement(k.gemm, gemm)
      .implement(k.standardize, standardize)
      .implement(k.unstandardize, unstandardize);
  return backend;
}

}  // namespace

Backend cpu_backend(const Kernels& k) { return make_backend(k); }

}  // namespace tessera::linalg
