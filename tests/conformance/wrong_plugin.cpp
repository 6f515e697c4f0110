// A backend that the conformance suite must see through: standardize is right, gemm slightly wrong,
// leaf_moments takes no weights, leaf_squares takes nothing, qr_r gives up after it has accepted,
// add writes where it may not, and one operation is its own.
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/plugin.hpp>

namespace {

using namespace tessera;

/// The reference's implementation, to be spoilt.
template <class Operation, class... Args>
auto by_reference(const Operation& operation, Args&&... args) {
  const auto guard = only("reference");
  return operation(std::forward<Args>(args)...);
}

void install_wrong() {
  const linalg::Kernels& k = linalg::kernels();
  static const Operation<void(const Tile&)> own("wrong.own");
  Backend wrong("wrong", Device::Kind::cpu);
  wrong
      .implement(k.standardize, floating,
                 [&k](Stream& s, const Tile& x, auto shift, auto scale, const Tile& out) {
                   by_reference(k.standardize, s, x, shift, scale, out);
                 })
      .implement(k.gemm, floating,
                 [&k](Stream& s, double alpha, const Tile& a, linalg::Transpose ta, const Tile& b,
                      linalg::Transpose tb, double beta, const Tile& c) {
                   by_reference(k.gemm, s, alpha * 1.0001, a, ta, b, tb, beta, c);
                 })
      .implement(
          k.leaf_moments, floating,
          [](Stream&, const Tile&, std::int64_t, const Tile& weights, const Tile&) -> Verdict {
            if (weights) return Decline{"takes no weights"};
            return {};
          },
          [&k](Stream& s, const Tile& x, std::int64_t leaf_rows, const Tile& weights,
               const Tile& out) { by_reference(k.leaf_moments, s, x, leaf_rows, weights, out); })
      .implement(
          k.leaf_squares, floating,
          [](Stream&, const Tile&, std::int64_t, const Tile&) -> Verdict {
            return Decline{"no squares today"};
          },
          [](Stream&, const Tile&, std::int64_t, const Tile&) {})
      .implement(k.qr_r, {DType::float64},
                 [](Stream&, const Tile&) {
                   throw NotImplementedError("linalg.qr_r: on second thoughts");
                 })
      .implement(k.add, {DType::float64},
                 [&k](Stream& s, const Tile& left, const Tile& right) {
                   by_reference(k.add, s, left, right);
                   if (right.rows > 0) *right.as<double>() = 0;
                 })
      .implement(own, [](const Tile&) {});
  install(std::move(wrong));
}

}  // namespace

extern "C" Plugin tessera_plugin() { return {plugin_version, install_wrong}; }
