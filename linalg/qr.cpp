#include <tessera/linalg/qr.hpp>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/tall_qr.hpp>

namespace tessera::linalg {
namespace {

/// The identity of r's rows, in its dtype.
Array identity_for(const Array& r) {
  const std::int64_t k = r.rows();
  return visit(r.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    Array identity({k, k}, r.dtype(), Distribution::replicated(k, r.comm().size()), r.comm());
    for (std::int64_t i = 0; i < k * k; ++i)
      identity.mutable_values<T>()[static_cast<std::size_t>(i)] = i % (k + 1) == 0 ? T(1) : T(0);
    return identity;
  });
}

}  // namespace

Qr composed::qr(const Array& a, QrMode mode, bool check_finite) {
  const Array x = detail::matrix_argument("qr", a, check_finite);
  const TallQr tree(x);
  const Array r = tree.r();
  return {mode == QrMode::r ? Array() : tree.q_times(identity_for(r)).to(a.device()),
          detail::laid_out_like(r.astype(x.dtype()), a)};
}

}  // namespace tessera::linalg
