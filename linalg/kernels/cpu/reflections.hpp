#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <tessera/linalg/kernels/ahead.hpp>
#include <tessera/linalg/kernels/cpu/qr.hpp>

/// Householder's reflections of panels of columns: what the QR of a tile is made of.
namespace tessera::on_cpu {

// Columns of a panel, whose reflections are applied to the others at once.
inline constexpr std::size_t kPanel = 8;
// Rows that are packed and reflected at once: with the triangle they stay in the L2 cache.
inline constexpr std::size_t kChunk = 192;

/// A matrix in panels of columns, [panel][row][column of the panel].
struct Panels {
  double* data;
  std::size_t capacity;  // rows
  std::size_t cols;
  std::size_t count() const { return (cols + kPanel - 1) / kPanel; }
  double* at(std::size_t panel, std::size_t row) const {
    return data + (panel * capacity + row) * kPanel;
  }
};

/// Rows that are reflected against the triangle on top. The first chunk has the triangle's rows in
/// it and starts at the diagonal; in a triangular one row i is zero left of column i.
struct Chunk {
  std::size_t begin;
  std::size_t end;
  bool first = false;
  bool triangular = false;
  std::size_t begin_of(std::size_t panel) const { return first ? (panel + 1) * kPanel : begin; }
  std::size_t end_of(std::size_t panel) const {
    return triangular ? std::min(end, begin + (panel + 1) * kPanel) : end;
  }
};

/// The product of a panel's reflections, I - V T V^T: V is `top` (unit lower triangular) in the
/// panel's rows of the triangle, and the chunk's rows of the panel times `scale` by column.
struct Reflections {
  double t[kPanel][kPanel];
  double top[kPanel][kPanel];
  double scale[kPanel];
};

template <class T>
struct PackArgs {
  const QrRows<T>& from;
  const double* shift;  // by column, or null; whole panels
  const double* scale;  // the same
  std::size_t begin;
  std::size_t count;
  Panels to;
  std::size_t row;
};

struct FactorArgs {
  Panels a;
  Chunk chunk;
  std::size_t reflections;
  Reflections* out;  // one per panel
  Ahead* ahead;
};

struct ApplyArgs {
  Panels v;
  Chunk chunk;
  std::size_t panel;
  const Reflections& reflections;
  Panels to;
  std::size_t begin;  // panels of `to`
  std::size_t end;
  Ahead* ahead;
};

/// Packs rows as panels.
void pack_rows(const PackArgs<float>& args);
void pack_rows(const PackArgs<double>& args);
/// Reflects a chunk against the triangle on top of it.
void factor(const FactorArgs& args);
/// Multiplies panels by the product of a panel's reflections.
void apply_product(const ApplyArgs& args);

}  // namespace tessera::on_cpu
