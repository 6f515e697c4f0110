#include <tessera/ndimage/kernels/interpolation.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace tessera::ndimage {
namespace {

// Poles of the filter of each order (Unser, Aldroubi and Eden).
std::pair<std::array<double, 2>, int> poles_of(int order) {
  switch (order) {
    case 2:
      return {{std::sqrt(8.0) - 3}, 1};
    case 3:
      return {{std::sqrt(3.0) - 2}, 1};
    case 4:
      return {{std::sqrt(664 - std::sqrt(438976.0)) + std::sqrt(304.0) - 19,
               std::sqrt(664 + std::sqrt(438976.0)) - std::sqrt(304.0) - 19},
              2};
    default:
      return {{std::sqrt(67.5 - std::sqrt(4436.25)) + std::sqrt(26.25) - 6.5,
               std::sqrt(67.5 + std::sqrt(4436.25)) - std::sqrt(26.25) - 6.5},
              2};
  }
}

// `width` lines side by side, n elements of each, `step` apart.
template <int width>
void filter_lines(double* c, std::int64_t n, std::int64_t step, int order, SplineEnds ends) {
  if (n < 2) return;
  const auto [poles, count] = poles_of(order);
  const auto at = [&](std::int64_t i, int k) -> double& { return c[i * step + k]; };
  double gain = 1;
  for (int p = 0; p < count; ++p)
    gain *= (1 - poles[static_cast<std::size_t>(p)]) * (1 - 1 / poles[static_cast<std::size_t>(p)]);
  for (std::int64_t i = 0; i < n; ++i)
    for (int k = 0; k < width; ++k) at(i, k) *= gain;
  for (int p = 0; p < count; ++p) {
    const double pole = poles[static_cast<std::size_t>(p)];
    // What the recursions begin with: sums over the line as it goes on beyond its ends, until the
    // power of the pole is nothing.
    double first[width], power = pole;
    for (int k = 0; k < width; ++k) first[k] = at(0, k);
    const double whole =
        std::pow(pole, static_cast<double>(ends == SplineEnds::mirror ? n - 1 : n));
    if (ends == SplineEnds::mirror) {
      for (int k = 0; k < width; ++k) first[k] += whole * at(n - 1, k);
      for (std::int64_t i = 1; i < n - 1 && power != 0; ++i, power *= pole)
        for (int k = 0; k < width; ++k) first[k] += power * (at(i, k) + whole * at(n - 1 - i, k));
      for (int k = 0; k < width; ++k) at(0, k) = first[k] / (1 - whole * whole);
    } else if (ends == SplineEnds::wrap) {
      for (std::int64_t i = 1; i < n && power != 0; ++i, power *= pole)
        for (int k = 0; k < width; ++k) first[k] += power * at(n - i, k);
      for (int k = 0; k < width; ++k) at(0, k) = first[k] / (1 - whole);
    } else {
      for (int k = 0; k < width; ++k) first[k] += whole * at(n - 1, k);
      // SciPy's first element is this sum already when the last term takes it.
      for (std::int64_t i = 1; i < n && power != 0; ++i, power *= pole)
        for (int k = 0; k < width; ++k)
          first[k] += power * (at(i, k) + whole * (i + 1 < n ? at(n - 1 - i, k) : first[k]));
      for (int k = 0; k < width; ++k) at(0, k) += first[k] * pole / (1 - whole * whole);
    }
    for (std::int64_t i = 1; i < n; ++i)
      for (int k = 0; k < width; ++k) at(i, k) += pole * at(i - 1, k);
    if (ends == SplineEnds::mirror) {
      for (int k = 0; k < width; ++k)
        at(n - 1, k) = (pole * at(n - 2, k) + at(n - 1, k)) * pole / (pole * pole - 1);
    } else if (ends == SplineEnds::wrap) {
      power = pole;
      for (std::int64_t i = 0; i < n - 1 && power != 0; ++i, power *= pole)
        for (int k = 0; k < width; ++k) at(n - 1, k) += power * at(i, k);
      for (int k = 0; k < width; ++k) at(n - 1, k) *= pole / (whole - 1);
    } else {
      for (int k = 0; k < width; ++k) at(n - 1, k) *= pole / (pole - 1);
    }
    for (std::int64_t i = n - 1; i-- > 0;)
      for (int k = 0; k < width; ++k) at(i, k) = pole * (at(i + 1, k) - at(i, k));
  }
}

// Side by side, as vectors.
void filter_tile(Stream&, const Tile& lines, int order, SplineEnds ends) {
  constexpr int width = 16;
  auto* c = lines.as<double>();
  std::int64_t j = 0;
  for (; j + width <= lines.cols; j += width)
    filter_lines<width>(c + j, lines.rows, lines.stride, order, ends);
  for (; j < lines.cols; ++j) filter_lines<1>(c + j, lines.rows, lines.stride, order, ends);
}

void filter_plainly(Stream&, const Tile& lines, int order, SplineEnds ends) {
  for (std::int64_t j = 0; j < lines.cols; ++j)
    filter_lines<1>(lines.as<double>() + j, lines.rows, lines.stride, order, ends);
}

}  // namespace

Interpolators::Interpolators()
    : spline_filter("ndimage.spline_filter", [](Stream&, const Tile& lines, int, SplineEnds) {
        return 8 * static_cast<double>(lines.rows) * static_cast<double>(lines.cols);
      }) {}

const Interpolators& interpolators() {
  static const Interpolators all;
  static const bool installed = [] {
    Backend cpu_backend("cpu", Device::Kind::cpu);
    Backend reference("reference", Device::Kind::cpu, -100);
    cpu_backend.implement(all.spline_filter, {DType::float64}, filter_tile);
    reference.implement(all.spline_filter, {DType::float64}, filter_plainly);
    detail::install_built_in(std::move(cpu_backend));
    detail::install_built_in(std::move(reference));
    return true;
  }();
  (void)installed;
  return all;
}

}  // namespace tessera::ndimage
