#include <tessera/runtime/distribution.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include <tessera/runtime/error.hpp>

namespace tessera {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// How many of n indices, dealt in blocks to `parts` owners in turn, owner `mine` gets
// (ScaLAPACK's NUMROC with the first block on owner 0).
std::int64_t dealt(std::int64_t n, std::int64_t block, int parts, int mine) {
  const std::int64_t whole = n / block;
  const std::int64_t rounds = whole / parts;
  const std::int64_t extra = whole % parts;
  if (mine < extra) return (rounds + 1) * block;
  if (mine == extra) return rounds * block + n % block;
  return rounds * block;
}

std::int64_t global_index(std::int64_t local, std::int64_t block, int parts, int mine) {
  return (local / block * parts + mine) * block + local % block;
}

}  // namespace

std::int64_t Distribution::leaf_rows_for(std::int64_t n, std::int64_t width) {
  constexpr std::int64_t smallest = 256;
  constexpr std::int64_t largest = 4096;
  constexpr std::int64_t wanted_leaves = 64;
  constexpr std::int64_t wanted_elements = std::int64_t{1} << 18;
  constexpr std::int64_t smallest_wide = 512;  // merging Grams of fewer rows takes too long
  const std::int64_t by_width =
      std::max(smallest_wide, wanted_elements / std::max<std::int64_t>(1, width));
  const std::int64_t wanted = std::min(n / wanted_leaves, by_width);
  const auto rows = static_cast<std::uint64_t>(std::clamp(wanted, smallest, largest));
  return static_cast<std::int64_t>(std::bit_floor(rows));
}

Distribution Distribution::rows(std::int64_t rows, int processes, std::int64_t width) {
  Distribution d;
  d.kind_ = Kind::rows;
  d.processes_ = processes;
  d.rows_ = rows;
  d.leaf_rows_ = leaf_rows_for(rows, width);
  return d;
}

Distribution Distribution::replicated(std::int64_t rows, int processes, std::int64_t width) {
  return Distribution::rows(rows, processes, width).everywhere();
}

Distribution Distribution::everywhere() const {
  Distribution d = *this;
  d.kind_ = Kind::replicated;
  return d;
}

Distribution Distribution::block_cyclic(std::int64_t rows, std::int64_t cols, int grid_rows,
                                        int grid_cols, std::int64_t block_rows,
                                        std::int64_t block_cols, int processes) {
  if (rows < 0 || cols < 0 || grid_rows < 1 || grid_cols < 1 || block_rows < 1 || block_cols < 1 ||
      std::int64_t{grid_rows} * grid_cols > processes)
    throw ValueError(
        fmt::format("block_cyclic needs sizes >= 0, a grid of at most {} processes and blocks of "
                    "at least 1 x 1;"
                    " got {} x {} on a {} x {} grid in blocks of {} x {}",
                    processes, rows, cols, grid_rows, grid_cols, block_rows, block_cols));
  Distribution d;
  d.kind_ = Kind::block_cyclic;
  d.processes_ = processes;
  d.rows_ = rows;
  d.cols_ = cols;
  d.grid_rows_ = grid_rows;
  d.grid_cols_ = grid_cols;
  d.block_rows_ = block_rows;
  d.block_cols_ = block_cols;
  return d;
}

std::int64_t Distribution::leaves() const { return ceil_div(rows_, leaf_rows_); }

Range Distribution::leaves_of(int rank) const {
  const std::int64_t all = leaves();
  if (kind_ == Kind::replicated) return {0, all};
  const std::int64_t each = all / processes_;
  const std::int64_t one_more = all % processes_;
  const auto begin = [&](std::int64_t r) { return r * each + std::min(r, one_more); };
  return {begin(rank), begin(rank + 1)};
}

Range Distribution::rows_of_leaf(std::int64_t leaf) const {
  return {std::min(rows_, leaf * leaf_rows_), std::min(rows_, (leaf + 1) * leaf_rows_)};
}

Range Distribution::rows_of(int rank) const {
  const Range mine = leaves_of(rank);
  return {std::min(rows_, mine.begin * leaf_rows_), std::min(rows_, mine.end * leaf_rows_)};
}

int Distribution::owner_of_row(std::int64_t row) const {
  if (kind_ == Kind::replicated) return 0;
  const std::int64_t leaf = row / leaf_rows_;
  const std::int64_t each = leaves() / processes_;
  const std::int64_t one_more = leaves() % processes_;
  const std::int64_t of_those = one_more * (each + 1);  // leaves of the processes with one more
  return static_cast<int>(leaf < of_those ? leaf / (each + 1)
                                          : one_more + (leaf - of_those) / each);
}

std::int64_t Distribution::local_rows(int rank) const {
  return in_grid(rank) ? dealt(rows_, block_rows_, grid_rows_, rank / grid_cols_) : 0;
}
std::int64_t Distribution::local_cols(int rank) const {
  return in_grid(rank) ? dealt(cols_, block_cols_, grid_cols_, rank % grid_cols_) : 0;
}
std::int64_t Distribution::global_row(int rank, std::int64_t i) const {
  return global_index(i, block_rows_, grid_rows_, rank / grid_cols_);
}
std::int64_t Distribution::global_col(int rank, std::int64_t j) const {
  return global_index(j, block_cols_, grid_cols_, rank % grid_cols_);
}

std::string Distribution::to_string() const {
  switch (kind_) {
    case Kind::rows:
      return fmt::format("rows({} leaves of {} rows)", leaves(), leaf_rows_);
    case Kind::replicated:
      return "replicated";
    case Kind::block_cyclic:
      return fmt::format("block_cyclic({} x {} grid, {} x {} blocks)", grid_rows_, grid_cols_,
                         block_rows_, block_cols_);
  }
  return {};
}

}  // namespace tessera
