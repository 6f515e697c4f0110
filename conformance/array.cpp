// Elementwise functions, reductions, Fourier transforms and sorting.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include <tessera/array/kernels/elementwise.hpp>
#include <tessera/array/kernels/fetch.hpp>
#include <tessera/array/kernels/fft.hpp>
#include <tessera/array/kernels/order.hpp>
#include <tessera/array/kernels/reductions.hpp>
#include <tessera/array/kernels/special.hpp>
#include <tessera/runtime/selection.hpp>

#include "suite.hpp"

namespace tessera::conformance {
namespace {

/// Numbers of every kind; `tame`: none that is negative, large or special.
Matrix numbers_of(Numbers& numbers, DType dtype, Index rows, Index cols, Layout layout, bool tame) {
  constexpr Wide odd[] = {nan, inf, -inf, 0, -0.0L, 1, -1, 0.5L, -2.5L, 1e-30L};
  const bool floating = is_floating(dtype) || is_complex(dtype);
  const bool is_signed = floating || (dtype >= DType::int8 && dtype <= DType::int64);
  Matrix m(dtype, rows, cols, layout);
  const auto part = [&]() -> Wide {
    const Index pick = numbers.below(40);
    if (dtype == DType::boolean) return static_cast<Wide>(pick % 2);
    if (floating && !tame && pick < 10 && !is_complex(dtype)) return odd[pick];
    const Wide v = tame        ? numbers.uniform() * 6
                   : is_signed ? 4 * numbers.bell()
                               : 200 * numbers.uniform();
    return floating ? v : std::trunc(v);
  };
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      const Wide real = part();
      m.set(i, j, {real, is_complex(dtype) ? part() : 0});
    }
  return m;
}

/// Rounded results within a few units in the last place, of a complex one those of its magnitude;
/// `beside`: of a number of that size, too.
void judge_rounded(const Matrix& got, const Matrix& want, Wide units, Wide beside, Judge& judge) {
  const Wide unit = eps_of(want.dtype) * (is_complex(want.dtype) ? 64 : units);
  for (Index i = 0; i < want.rows; ++i)
    for (Index j = 0; j < want.cols; ++j) {
      const auto g = got.number(i, j), w = want.number(i, j);
      const Wide size = std::isfinite(std::abs(w)) ? std::abs(w) : 0;
      const Wide allowed = unit * (size + beside) + 1e-44L;
      judge.near(g.real(), w.real(), allowed, i, j);
      judge.near(g.imag(), w.imag(), allowed, i, j);
    }
}

template <class F>
void run_elementwise(Suite& suite, DType dtype) {
  Numbers numbers(1);
  constexpr bool inexact_result = F::rounded;
  const bool tame = std::string_view(F::name) == "pow";
  // Near 0 the larger operand and a logarithm cancel.
  Wide beside = std::string_view(F::name) == "logaddexp" ? 8 : 0, units = 4;
  if constexpr (requires { F::units; }) {
    units = F::units;
    beside = 1;
  }
  const DType result_dtype = functions::result_dtype<F>(dtype);
  const bool rounds = inexact_result && (is_floating(result_dtype) || is_complex(result_dtype));
  struct Size {
    Index rows, cols;
    Layout layout;
  };
  for (const Size& s : {Size{1, 0, compact}, Size{1, 1, compact}, Size{1, 67, compact},
                        Size{3, 21, spread}, Size{1, 4099, compact}}) {
    std::vector<Matrix> tiles;
    for (int k = 0; k < functions::arity<F>; ++k) {
      const bool condition = std::is_same_v<F, functions::Where> && k == 2;
      tiles.push_back(
          numbers_of(numbers, condition ? DType::boolean : dtype, s.rows, s.cols, s.layout, tame));
    }
    tiles.push_back(result(result_dtype, s.rows, s.cols, s.layout));
    const std::size_t out = tiles.size() - 1;
    suite.check(
        fmt::format("{} x {}", s.rows, s.cols), std::move(tiles),
        [](Stream& stream, Tiles t, Host&) {
          const auto& op = functions::operation<F>();
          if constexpr (functions::arity<F> == 1)
            op(stream, t[0], t[1]);
          else if constexpr (functions::arity<F> == 2)
            op(stream, t[0], t[1], t[2]);
          else
            op(stream, t[0], t[1], t[2], t[3]);
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          if (rounds) return judge_rounded(got.tiles[out], want.tiles[out], units, beside, judge);
          for (Index i = 0; i < s.rows; ++i)
            for (Index j = 0; j < s.cols; ++j) {
              const auto g = got.tiles[out].number(i, j), w = want.tiles[out].number(i, j);
              judge.same(g.real(), w.real(), i, j);
              judge.same(g.imag(), w.imag(), i, j);
            }
        });
  }
}

Matrix results(const reductions::Reducer& r, const Matrix& accumulators, Index n) {
  const Index cols = accumulators.cols / static_cast<Index>(r.bytes);
  Matrix out(r.result, accumulators.rows, cols);
  for (Index i = 0; i < out.rows; ++i) {
    // Accumulators want to be aligned.
    std::vector<double> row((z(accumulators.cols) + sizeof(double) - 1) / sizeof(double));
    std::memcpy(row.data(), accumulators.row(i), z(accumulators.cols));
    r.finish(row.data(), cols, static_cast<double>(n), 0, out.row(i));
  }
  return out;
}

void run_reduction(Suite& suite, std::string_view name, DType dtype) {
  Numbers numbers(2);
  const auto& op = reductions::operation(name);
  const auto& r = reductions::reducer(name, dtype);
  struct Size {
    Index blocks, n, cols;
  };
  for (const Size& s : {Size{0, 5, 3}, Size{1, 1, 1}, Size{2, 7, 1}, Size{1, 31, 1}, Size{3, 33, 1},
                        Size{1, 5003, 1}, Size{2, 11, 4}, Size{1, 300, 19}}) {
    const bool sums = name == "sum" || name == "prod" || name == "mean" || name == "var";
    const Matrix x = numbers_of(numbers, dtype, s.blocks * s.n, s.cols, compact, sums);
    const Matrix out = result(DType::uint8, s.blocks, s.cols * static_cast<Index>(r.bytes));
    suite.check(
        fmt::format("{} blocks of {} x {}", s.blocks, s.n, s.cols), {x, out},
        [&](Stream& stream, Tiles t, Host&) {
          op(stream, t[0], s.n, {10, s.n}, t[1]);
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          const Matrix g = results(r, got.tiles[1], s.n), w = results(r, want.tiles[1], s.n);
          const Wide unit = is_floating(r.result) || is_complex(r.result)
                                ? 4 * eps64 * static_cast<Wide>(s.n)
                                : 0;
          for (Index i = 0; i < w.rows; ++i)
            for (Index j = 0; j < w.cols; ++j) {
              const auto a = g.number(i, j), b = w.number(i, j);
              const Wide size = sums && std::isfinite(std::abs(b)) ? std::abs(b) : 0;
              judge.near(a.real(), b.real(), unit * size, i, j);
              judge.near(a.imag(), b.imag(), unit * size, i, j);
            }
        });
  }
}

// What comes out of accumulators that `reference` has made.
void run_results(Suite& suite, DType dtype) {
  Numbers numbers(5);
  const auto one = [&](std::string_view name, DTypes takes) {
    if (!takes.has(dtype)) return;
    const auto& r = reductions::reducer(name, dtype);
    constexpr Index n = 7, count = 41;
    const Matrix x = numbers_of(numbers, dtype, n, count, compact, true);
    Matrix accumulators = result(DType::uint8, 1, count * static_cast<Index>(r.bytes));
    {
      const auto guard = only("reference");
      Stream stream;
      Matrix from = x;
      reductions::operation(name)(stream, from.tile(from.bytes.data(), cpu), n, {},
                                  accumulators.tile(accumulators.bytes.data(), cpu));
      accumulators.written = false;
    }
    suite.check(
        fmt::format("{} of {}", name, name_of(dtype)), {accumulators, result(r.result, 1, count)},
        [&](Stream& stream, Tiles t, Host&) {
          reductions::results()(stream, t[0], r, static_cast<double>(n), 0.5, t[1]);
        },
        [](const Outcome& got, const Outcome& want, Judge& judge) {
          judge.same(got.tiles[1], want.tiles[1]);
        });
  };
  [&]<template <class> class... R>(reductions::List<R...>) {
    (one(R<double>::name, reductions::dtypes<R>()), ...);
  }(reductions::All{});
}

// Kinds of transforms of that dtype, with lines short and long, smooth and prime.
void run_fft(Suite& suite, DType dtype) {
  using fourier::Kind;
  Numbers numbers(3);
  std::vector<Kind> kinds = {Kind::forward, Kind::backward, Kind::from_half};
  if (!is_complex(dtype))
    kinds = {Kind::to_half, Kind::dct1, Kind::dct2, Kind::dct3, Kind::dct4,
             Kind::dst1,    Kind::dst2, Kind::dst3, Kind::dst4};
  struct Size {
    Index rows, n;
    Layout layout;
  };
  for (const Kind kind : kinds)
    for (const Size& s : {Size{0, 5, compact}, Size{2, 1, compact}, Size{1, 2, compact},
                          Size{3, 12, spread}, Size{2, 97, spread}, Size{2, 360, compact},
                          Size{1, 1009, spread}, Size{1, 2048, compact}}) {
      if (kind == Kind::dct1 && s.n == 1) continue;
      const Index half = s.n / 2 + 1;
      Matrix x(dtype, s.rows, kind == Kind::from_half ? half : s.n, s.layout);
      for (Index i = 0; i < x.rows; ++i)
        for (Index j = 0; j < x.cols; ++j) {
          const bool real =
              !is_complex(dtype) || (kind == Kind::from_half && (j == 0 || 2 * j == s.n));
          x.set(i, j, {numbers.bell(), real ? 0 : numbers.bell()});
        }
      suite.check(
          fmt::format("kind {}, {} lines of {}", static_cast<int>(kind), s.rows, s.n),
          {x, result(fourier::result_of(kind, dtype), s.rows, kind == Kind::to_half ? half : s.n,
                     s.layout)},
          [&](Stream& stream, Tiles t, Host&) {
            fourier::operation()(stream, t[0], t[1], kind, 0.5);
          },
          [&](const Outcome& got, const Outcome& want, Judge& judge) {
            // An error is one of the line: of the root of its sum of squares.
            const Matrix &g = got.tiles[1], &w = want.tiles[1];
            for (Index i = 0; i < w.rows; ++i) {
              Wide squares = 0;
              for (Index k = 0; k < w.cols; ++k) squares += std::norm(w.number(i, k));
              const Wide allowed = 8 * eps_of(dtype) * std::sqrt(squares);
              for (Index k = 0; k < w.cols; ++k) {
                judge.near(g.number(i, k).real(), w.number(i, k).real(), allowed, i, k);
                judge.near(g.number(i, k).imag(), w.number(i, k).imag(), allowed, i, k);
              }
            }
          });
    }
}

// Views that repeat, turn around and leave out elements, from any place on and as any dtype.
void run_fetch(Suite& suite, DType dtype) {
  using fetching::Axis;
  Numbers numbers(4);
  struct Seen {
    Index first, n, start;
    std::vector<Axis> axes;
  };
  const Seen all[] = {{0, 0, 0, {{5, 1}}},
                      {0, 1, 3, {}},
                      {7, 300, 0, {{400, 1}}},
                      {0, 30, 4, {{100, 0}}},
                      {3, 95, 99, {{100, -1}}},
                      {5, 600, 1, {{7, 0}, {10, 3}, {9, 1}}},
                      {0, 60, 0, {{4, 1}, {5, 20}, {3, 4}}}};
  for (int to = 0; to < dtype_count; ++to)
    for (const Seen& s : all) {
      const Matrix x = numbers_of(numbers, dtype, 1, 400, compact, true);
      suite.check(
          fmt::format("{} elements of {} axes as {}", s.n, s.axes.size(),
                      name_of(static_cast<DType>(to))),
          {x, result(static_cast<DType>(to), 1, s.n)},
          [&](Stream& stream, Tiles t, Host&) {
            fetching::operation()(stream, t[0].columns(s.start, t[0].cols - s.start), s.axes,
                                  s.first, t[1]);
          },
          [](const Outcome& got, const Outcome& want, Judge& judge) {
            judge.same(got.tiles[1], want.tiles[1]);
          });
    }
}

// Keys of all sizes and few different ones, numbers and pairs.
void run_sort_keys(Suite& suite, DType dtype) {
  Numbers numbers(3);
  for (const Index n : {0, 1, 2, 33, 1000, 70001})
    for (const Index cols : {1, 2})
      for (const Wide range : {Wide{7}, std::pow(Wide{2}, 8 * static_cast<Wide>(size_of(dtype)))}) {
        if (cols == 2 && dtype != DType::uint64) continue;
        Matrix keys = result(dtype, n, cols);
        for (Index i = 0; i < n; ++i)
          for (Index j = 0; j < cols; ++j) keys.set(i, j, std::floor(range * numbers.uniform()));
        suite.check(
            fmt::format("{} x {} below {}", n, cols, static_cast<double>(range)), {keys},
            [](Stream& stream, Tiles t, Host&) { order::sort_keys()(stream, t[0]); },
            [](const Outcome& got, const Outcome& want, Judge& judge) {
              judge.same(got.tiles[0], want.tiles[0]);
            });
      }
}

template <template <class> class... R>
void add_reductions(std::vector<Cases>& all, reductions::List<R...>) {
  (all.push_back({"array." + std::string(R<double>::name), reductions::dtypes<R>(),
                  [](Suite& suite, DType dtype) { run_reduction(suite, R<double>::name, dtype); }}),
   ...);
}

}  // namespace

std::vector<Cases> array_cases() {
  std::vector<Cases> all;
  const auto add = [&](auto f) {
    using F = decltype(f);
    all.push_back({std::string("array.") + F::name, functions::dtypes<F>(), run_elementwise<F>});
  };
  functions::for_each(functions::Simple{}, add);
  functions::for_each(functions::Involved{}, add);
  functions::for_each(functions::Special{}, add);
  add_reductions(all, reductions::All{});
  all.push_back({"array.fft", inexact, run_fft});
  all.push_back({"array.results", DTypes::all(), run_results});
  all.push_back({"array.fetch", DTypes::all(), run_fetch});
  all.push_back({"array.sort_keys", order::key_dtypes(), run_sort_keys});
  return all;
}

}  // namespace tessera::conformance
