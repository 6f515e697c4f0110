#include <tessera/linalg/dense.hpp>

#include <cblas.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/runtime.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg::detail {
namespace {

using Kind = Distribution::Kind;
using scalapack::Grid;
using scalapack::Matrix;

std::atomic<std::int64_t> most_on_one_process = std::int64_t{1} << 20;

// A result of rank 0 on its way to the others.
struct Parcel {
  Shape shape;
  int dtype = 0;
  std::string bytes;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(shape, dtype, bytes);
  }
};

Parcel pack(const Array& x) {
  const Array whole = gather(x);
  const auto bytes = static_cast<std::size_t>(whole.size()) * size_of(whole.dtype());
  return {whole.shape(), static_cast<int>(whole.dtype()),
          std::string(static_cast<const char*>(whole.local().data), bytes)};
}

Array unpack(const Parcel& parcel, const Communicator& comm) {
  Array x(parcel.shape, static_cast<DType>(parcel.dtype),
          replicated_distribution(parcel.shape, comm), comm);
  std::memcpy(x.local().data, parcel.bytes.data(), parcel.bytes.size());
  return x;
}

// A replicated array on this process alone.
Array alone(const Array& whole) {
  const Communicator self = Communicator::self();
  Array x(whole.shape(), whole.dtype(), replicated_distribution(whole.shape(), self), self);
  std::memcpy(x.local().data, whole.local().data,
              static_cast<std::size_t>(whole.size()) * size_of(whole.dtype()));
  return x;
}

// ScaLAPACK's workspaces hold squares of the block, so that of a huge one is another matrix.
bool fits_scalapack(const Array& x) {
  constexpr std::int64_t largest_block = 512;
  const auto& d = x.distribution();
  return d.kind() == Kind::block_cyclic && d.block_rows() == d.block_cols() &&
         d.block_rows() <= largest_block;
}

}  // namespace

Array on_host(const Array& x, DType dtype) {
  Array out = x.to(cpu);
  if (out.dtype() != dtype) together(x.comm(), [&] { out = out.astype(dtype); });
  return out;
}

double largest_magnitude(const Array& x) {
  const Tile t = x.local();
  const std::int64_t parts = is_complex(x.dtype()) ? 2 : 1;
  // Without its sign, a number's bits are in the order of numbers, NaN above infinity.
  std::uint64_t largest = 0;
  visit_floating(real_of(x.dtype()), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    constexpr Bits magnitude = std::numeric_limits<Bits>::max() >> 1;
    constexpr std::int64_t chunk = 64;
    std::vector<Bits> largest_of((t.rows + chunk - 1) / chunk);
    parallel_for({0, std::ssize(largest_of)}, Runtime::threads(), [&](std::int64_t c, Stream&) {
      Bits m = 0;
      for (std::int64_t i = c * chunk; i < std::min(t.rows, (c + 1) * chunk); ++i) {
        const T* row = t.as<const T>() + i * t.stride * parts;
        for (std::int64_t j = 0; j < t.cols * parts; ++j)
          m = std::max(m, std::bit_cast<Bits>(row[j]) & magnitude);
      }
      largest_of[static_cast<std::size_t>(c)] = m;
    });
    for (const Bits m : largest_of)
      largest = std::max(largest, std::bit_cast<std::uint64_t>(double{std::bit_cast<T>(m)}));
  });
  auto ordered = static_cast<std::int64_t>(largest);
  x.comm().all_reduce(std::span(&ordered, 1), Reduce::max);
  return std::bit_cast<double>(ordered);
}

double require_finite(std::string_view function, const Array& x) {
  if (!is_floating(x.dtype()) && !is_complex(x.dtype())) return 0.0;
  if (const double largest = largest_magnitude(x); std::isfinite(largest)) return largest;
  const Tile t = x.local();
  const int parts = is_complex(x.dtype()) ? 2 : 1;
  const auto& d = x.distribution();
  const int rank = x.comm().rank();
  std::int64_t found = std::numeric_limits<std::int64_t>::max();  // row * cols + col
  visit_floating(real_of(x.dtype()), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < t.rows; ++i)
      for (std::int64_t j = 0; j < t.cols * parts; ++j) {
        if (std::isfinite(t.as<const T>()[i * t.stride * parts + j])) continue;
        const bool cyclic = d.kind() == Kind::block_cyclic;
        const std::int64_t row = cyclic ? d.global_row(rank, j / parts) : x.local_rows().begin + i;
        const std::int64_t col = cyclic ? d.global_col(rank, i) : j / parts;
        found = std::min(found, row * x.cols() + col);
      }
  });
  x.comm().all_reduce(std::span(&found, 1), Reduce::min);
  throw ValueError(fmt::format("{} got NaN or infinity at row {}, column {}", function,
                               found / x.cols(), found % x.cols()));
}

bool is_finite(const Array& x) { return std::isfinite(largest_magnitude(x)); }

void require_convergence(std::string_view what, const Array& x) {
  if (!is_finite(x))
    throw LinAlgError(fmt::format("{} did not converge: the matrix has NaN or infinity", what));
}

std::pair<Array, int> scaled_down(const Array& x) {
  constexpr int high = std::numeric_limits<double>::max_exponent - 24;
  int exponent = 0;
  if (real_of(x.dtype()) == DType::float64)
    visit_floating(DType::float64, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const Tile t = x.local();
      const std::int64_t n = t.cols * (is_complex(x.dtype()) ? 2 : 1);
      const std::int64_t stride = t.stride * (is_complex(x.dtype()) ? 2 : 1);
      for (std::int64_t i = 0; i < t.rows; ++i) {
        const T* row = t.as<const T>() + i * stride;
        if (std::any_of(row, row + n, [](T v) { return std::abs(v) > std::ldexp(1.0, high); }))
          exponent = 64;  // no more: columns of tiny numbers would go under
      }
    });
  x.comm().all_reduce(std::span(&exponent, 1), Reduce::max);
  return {times_power(x, -exponent), exponent};
}

Array times_power(const Array& given, int exponent, std::string_view what) {
  if (exponent == 0) return given;
  const Array x = given.to(cpu);
  const Array out = tessera::detail::allocate(x.shape(), x.dtype(), x.distribution(), x.comm());
  const Tile from = x.local(), to = out.local();
  double seen[3] = {};  // something in x, something in out, an infinity that x has not
  visit_floating(real_of(x.dtype()), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::int64_t width = from.cols * (is_complex(x.dtype()) ? 2 : 1);
    const std::int64_t step = is_complex(x.dtype()) ? 2 : 1;
    for (std::int64_t i = 0; i < from.rows; ++i)
      for (std::int64_t j = 0; j < width; ++j) {
        const T v = from.as<const T>()[i * from.stride * step + j];
        const T scaled = std::ldexp(v, exponent);
        to.as<T>()[i * to.stride * step + j] = scaled;
        if (v != 0) seen[0] = 1;
        if (scaled != 0) seen[1] = 1;
        if (std::isinf(scaled) && std::isfinite(v)) seen[2] = 1;
      }
  });
  if (what.empty()) return out;
  x.comm().all_reduce(std::span(seen), Reduce::max);
  if (seen[2] != 0 || seen[0] != seen[1])
    warn(fmt::format("{} leaves the range of {}", what, name_of(x.dtype())), "RuntimeWarning");
  return out;
}

Array at_least_2d(const Array& x) {
  return x && x.ndim() < 2 && x.size() == 1 ? x.reshape({1, 1}) : x;
}

Array matrix_argument(std::string_view function, const Array& x, bool check_finite) {
  if (!x) throw ValueError(fmt::format("{} needs a matrix, got no array", function));
  if (x.ndim() != 2)
    throw ValueError(fmt::format("{} needs a matrix (2-D), got an array of shape {}", function,
                                 to_string(x.shape())));
  const Array here = on_host(x, common_dtype(x.dtype()));
  if (check_finite) require_finite(function, here);
  return here;
}

Array matrix_argument(std::string_view function, const Array& x, bool check_finite, int& exponent) {
  const Array here = matrix_argument(function, x, false);
  exponent = exponent_for(check_finite ? require_finite(function, here) : largest_magnitude(here),
                          here.dtype());
  return times_power(here, exponent);
}

Array square_argument(std::string_view function, const Array& x, bool check_finite) {
  if (x && x.ndim() == 2 && x.shape()[0] != x.shape()[1])
    throw ValueError(fmt::format("{} needs a square matrix, got one of shape {}", function,
                                 to_string(x.shape())));
  return matrix_argument(function, x, check_finite);
}

Array right_hand_side(std::string_view function, const Array& b, std::int64_t n, DType dtype,
                      bool check_finite) {
  if (!b || b.ndim() < 1 || b.ndim() > 2 || b.rows() != n)
    throw ValueError(fmt::format("{} needs a right-hand side of shape ({},) or ({}, k), got {}",
                                 function, n, n, b ? to_string(b.shape()) : "no array"));
  Array here = on_host(b, dtype);
  if (here.ndim() == 1) here = here.reshape({n, 1});
  if (check_finite) require_finite(function, here);
  return here;
}

void require_tolerance(std::string_view function, std::string_view name, double value) {
  if (!(value >= 0.0))
    throw ValueError(fmt::format("{} needs {} >= 0, got {}", function, name, value));
}

void warn_if_ill_conditioned(std::string_view function, double rcond, DType dtype) {
  if (!(rcond >= eps_of(dtype)))
    warn(fmt::format(
             "{}: the matrix is ill-conditioned (rcond = {:.2g}), the result may not be accurate",
             function, rcond),
         "LinAlgWarning");
}

std::int64_t limit_one_process(std::int64_t elements) {
  return most_on_one_process.exchange(elements);
}

bool is_tall(std::int64_t m, std::int64_t n) {
  return n > 0 && m >= 4 * n && fits_one_process({n, n});
}

Array by_rows(const Array& x) {
  return x.distribution().kind() == Kind::block_cyclic
             ? redistribute(x, row_distribution(x.shape(), x.comm()))
             : x;
}

bool fits_one_process(const Shape& shape) { return element_count(shape) <= most_on_one_process; }

Array laid_out_like(const Array& result, const Array& like) {
  const auto& d = like.distribution();
  const int processes = like.comm().size();
  const bool alike = result.rows() == like.rows() && result.ndim() == like.ndim();
  const bool small = element_count(result.shape()) <= std::int64_t{1} << 20;
  Distribution target = replicated_distribution(result.shape(), like.comm());
  if (d.kind() == Kind::block_cyclic && result.ndim() == 2 && (alike || !small))
    target = Distribution::block_cyclic(result.rows(), result.cols(), d.grid_rows(), d.grid_cols(),
                                        d.block_rows(), d.block_cols(), processes);
  else if (d.kind() == Kind::rows && alike)
    target = d;
  else if (d.kind() != Kind::replicated && (alike || !small))
    target = row_distribution(result.shape(), like.comm());
  return redistribute(result, target).to(like.device());
}

Array solution_like(const Array& x, const Array& b) {
  if (b.ndim() == 2) return laid_out_like(x, b);
  const bool alike = x.rows() == b.rows() || x.rows() > std::int64_t{1} << 20;
  const bool everywhere = b.distribution().kind() == Kind::replicated || !alike;
  const Array flat =
      everywhere ? gather(x)
                 : redistribute(x, b.distribution().kind() == Kind::rows && x.rows() == b.rows()
                                       ? b.distribution()
                                       : row_distribution(x.shape(), x.comm()));
  return flat.reshape({x.rows()}).to(b.device());
}

Array vector_of(const std::vector<double>& values, DType dtype, const Communicator& comm) {
  return replicated(values, {std::ssize(values)}, comm).astype(dtype);
}

Array columns_of(const Array& given, std::int64_t first, std::int64_t last) {
  const Array x = by_rows(given);
  const Array out = tessera::detail::allocate({x.rows(), last - first + 1}, x.dtype(),
                                              x.distribution(), x.comm());
  Stream stream;
  copy(stream, x.local().columns(first, out.cols()), out.local());
  return out;
}

Array divided_rows(const Array& given, std::span<const double> s, double least) {
  const Array y = by_rows(given.to(cpu));
  const Array out = tessera::detail::allocate(y.shape(), y.dtype(), y.distribution(), y.comm());
  visit_inexact(y.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < y.local().rows; ++i) {
      const double divisor = s[static_cast<std::size_t>(y.local_rows().begin + i)];
      const T factor(std::abs(divisor) > least ? 1.0 / divisor : 0.0);
      // The reciprocal of the smallest numbers overflows.
      const bool divide = !std::isfinite(std::abs(factor));
      const T* from = y.local().slice(i, 1).template as<const T>();
      std::transform(from, from + y.cols(), out.local().slice(i, 1).template as<T>(),
                     [&](const T& v) { return divide ? v / T(divisor) : factor * v; });
    }
  });
  return out;
}

BlasThreads::BlasThreads(int count) { openblas_set_num_threads(count); }
BlasThreads::~BlasThreads() { openblas_set_num_threads(1); }

Grid grid_for(const std::vector<Array>& matrices, Grid::Form form) {
  const auto given = std::find_if(matrices.begin(), matrices.end(), fits_scalapack);
  return given != matrices.end() ? Grid(*given) : Grid(matrices.front().comm(), form);
}

namespace {

bool all_small(const std::vector<Array>& matrices) {
  return std::all_of(matrices.begin(), matrices.end(),
                     [](const Array& m) { return fits_one_process(m.shape()); });
}

// Rank 0 on one thread; replicated results.
std::vector<Array> on_rank_0(const std::vector<Array>& matrices, const LocalAlgorithm& algorithm) {
  const Communicator comm = matrices.front().comm();
  std::vector<Array> whole;
  for (const Array& m : matrices) whole.push_back(gather(m));
  if (comm.size() == 1) {  // as below, without parcels
    std::vector<Array> results = algorithm(whole);
    for (Array& r : results) r = gather(r);
    return results;
  }
  const auto parcels = on_root<std::vector<Parcel>>(comm, [&] {
    std::vector<Array> mine;
    for (const Array& m : whole) mine.push_back(alone(m));
    std::vector<Parcel> results;
    for (const Array& r : algorithm(mine)) results.push_back(pack(r));
    return results;
  });
  std::vector<Array> results;
  together(comm, [&] {
    for (const Parcel& p : parcels) results.push_back(unpack(p, comm));
  });
  return results;
}

}  // namespace

std::optional<std::vector<Array>> on_one_process(const std::vector<Array>& matrices,
                                                 const LocalAlgorithm& algorithm) {
  if (all_small(matrices)) return on_rank_0(matrices, algorithm);
  if (matrices.front().comm().size() > 1) return std::nullopt;
  std::vector<Array> rows;
  for (const Array& m : matrices) rows.push_back(by_rows(m));
  const BlasThreads threads(Runtime::threads());
  return algorithm(rows);
}

std::vector<Array> dense(const std::vector<Array>& matrices, const DenseAlgorithm& algorithm,
                         Grid::Form form) {
  std::vector<Matrix> mine;
  if (all_small(matrices))
    return on_rank_0(matrices, [&](const std::vector<Array>& whole) {
      const Grid grid(whole.front().comm());
      for (const Array& m : whole) mine.push_back(grid.copy(m));
      return algorithm(grid, std::move(mine));
    });
  const Grid grid = grid_for(matrices, form);
  for (const Array& m : matrices) mine.push_back(grid.copy(m));
  const BlasThreads threads(Runtime::threads());
  return algorithm(grid, std::move(mine));
}

std::vector<Array> lapack(std::string_view function, const std::vector<Array>& matrices,
                          const DenseAlgorithm& algorithm) {
  for (const Array& m : matrices) {
    if (m.size() > 16 * most_on_one_process)
      throw NotImplementedError(
          fmt::format("{} runs on one process, for matrices of up to 2^24 elements, got shape {}",
                      function, to_string(m.shape())));
    require_convergence(function, m);
  }
  return on_rank_0(matrices, [&](const std::vector<Array>& whole) {
    const Grid grid(whole.front().comm());
    std::vector<Matrix> mine;
    for (const Array& m : whole) mine.push_back(grid.copy(m));
    std::optional<BlasThreads> threads;
    if (!all_small(whole)) threads.emplace(Runtime::threads());
    return algorithm(grid, std::move(mine));
  });
}

std::vector<Array> lapack_like(const Array& like, std::string_view function,
                               const std::vector<Array>& matrices,
                               const DenseAlgorithm& algorithm) {
  std::vector<Array> results = lapack(function, matrices, algorithm);
  for (Array& r : results) r = laid_out_like(r, like);
  return results;
}

}  // namespace tessera::linalg::detail
