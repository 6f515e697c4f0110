#pragma once
#include <cstdint>
#include <span>

#include <tessera/linalg/gram.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>

namespace tessera::linalg {

enum class Transpose : bool { no, yes };

/// The block kernels of linear algebra. Each works on tiles of one device, on one thread; weights
/// and y may be empty tiles, otherwise they have x's rows and dtype.
struct Kernels {
  /// Fills count, mean and m2 (p values each) from x (rows x p, floating), ignoring NaN.
  Operation<void(Stream&, const Tile& x, const Tile& weights, ColumnMoments& out)> column_moments{
      "linalg.column_moments"};
  /// Fills weight, mean and gram from [x, y]; `out` brings `centered` and the sizes.
  Operation<void(Stream&, const Tile& x, const Tile& y, const Tile& weights, CenteredGram& out)>
      centered_gram{"linalg.centered_gram"};
  /// Leaves the R of a's QR factorisation in its first min(rows, cols) rows, zeros below the
  /// diagonal. float64.
  Operation<void(Stream&, const Tile& a)> qr_r{"linalg.qr_r"};
  /// c = alpha op(a) op(b) + beta c, floating tiles of one dtype.
  Operation<void(Stream&, double alpha, const Tile& a, Transpose, const Tile& b, Transpose,
                 double beta, const Tile& c)>
      gemm{"linalg.gemm"};
  /// out = (x - shift) / scale by column, rounded at each step in x's dtype; shift or scale may be
  /// empty. `out` may be x.
  Operation<void(Stream&, const Tile& x, std::span<const double> shift,
                 std::span<const double> scale, const Tile& out)>
      standardize{"linalg.standardize"};
  /// out = x * scale + shift by column, the inverse.
  Operation<void(Stream&, const Tile& x, std::span<const double> shift,
                 std::span<const double> scale, const Tile& out)>
      unstandardize{"linalg.unstandardize"};
};

/// The one instance. The first call installs this room's built-in backends.
const Kernels& kernels();

/// The implementations for the CPU.
Backend cpu_backend(const Kernels& kernels);

/// The leaf of a companion array (y, weights) that belongs to leaf `index` of X; an empty tile for
/// no array.
inline Tile leaf_of(const Array& companion, std::int64_t index) {
  return companion ? companion.leaf(index) : Tile{};
}

}  // namespace tessera::linalg
