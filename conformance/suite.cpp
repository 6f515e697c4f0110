#include "suite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include <tessera/runtime/buffer.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::conformance {

Matrix::Matrix(DType type, Index m, Index n, Layout layout)
    : dtype(type),
      rows(m),
      cols(n),
      stride(n + layout.gap),
      lead(layout.lead),
      bytes(static_cast<std::size_t>(lead + m * stride) * size_of(type), std::byte{0xff}) {}

std::size_t Matrix::offset(Index i, Index j) const {
  return static_cast<std::size_t>(lead + i * stride + j) * size_of(dtype);
}

std::complex<Wide> Matrix::number(Index i, Index j) const {
  return visit(dtype, [&](auto tag) -> std::complex<Wide> {
    using T = typename decltype(tag)::type;
    T value;
    std::memcpy(&value, bytes.data() + offset(i, j), sizeof(T));
    if constexpr (std::is_arithmetic_v<T>)
      return static_cast<Wide>(value);
    else
      return std::complex<Wide>(value);
  });
}

void Matrix::set(Index i, Index j, std::complex<Wide> wide) {
  visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T value;
    if constexpr (std::is_arithmetic_v<T>)
      value = static_cast<T>(wide.real());
    else
      value = T(wide);
    std::memcpy(bytes.data() + offset(i, j), &value, sizeof(T));
  });
}

Tile Matrix::flat(void* memory, Device device) const {
  const auto n = static_cast<Index>(bytes.size() / size_of(dtype));
  return {memory, 1, n, n, dtype, device};
}

Tile Matrix::tile(void* memory, Device device) const {
  auto* first = static_cast<std::byte*>(memory);
  return {first ? first + offset(0, 0) : nullptr, rows, cols, stride, dtype, device};
}

Matrix data(Numbers& numbers, DType dtype, Index rows, Index cols, Layout layout, Wide offset) {
  Matrix m(dtype, rows, cols, layout);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      const Wide value =
          (j == 2 ? 0.5L : numbers.bell()) + offset * (1 + 0.01L * static_cast<Wide>(j));
      m.set(i, j, {value, is_complex(dtype) ? numbers.bell() : 0});
    }
  return m;
}

Matrix weights(Numbers& numbers, DType dtype, Index rows, Index leaf_rows) {
  Matrix w(dtype, rows, 1, {0, 1});
  for (Index i = 0; i < rows; ++i)
    w.set(i, 0, i / leaf_rows == 1 || numbers.uniform() < 0.1L ? 0 : 0.1L + 3 * numbers.uniform());
  return w;
}

std::string Run::text() const {
  return fmt::format("{} x {} in leaves of {}", rows, cols, leaf_rows);
}

const std::vector<Run>& runs() {
  static const std::vector<Run> all = {
      {0, 3, 256},  {1, 1, 256},    {1, 5, 1},       {7, 1, 3},       {31, 64, 8},
      {257, 3, 64}, {257, 17, 256}, {311, 129, 128}, {1031, 16, 256}, {2503, 5, 1000}};
  return all;
}

void Judge::count(bool right, Wide error, Index i, Index j,
                  const std::function<std::string()>& show) {
  ++count_;
  worst_ = std::max(worst_, error);
  if (right) return;
  ++wrong_;
  if (!(error > shown_error_)) return;
  shown_error_ = error;
  shown_ = fmt::format("({}, {}): {}", i, j, show());
}

void Judge::near(Wide got, Wide want, Wide tolerance, Index i, Index j) {
  const bool finite = std::isfinite(want);
  const Wide error = std::abs(got - want);
  const bool right = finite ? got == want || error <= tolerance : !std::isfinite(got);
  count(right,
        right ? (finite && error > 0 ? error / tolerance : 0)
              : (finite && error <= inf && tolerance > 0 ? error / tolerance : inf),
        i, j, [&] {
          return fmt::format("{:.17g} instead of {:.17g}, allowed is {:.3g}",
                             static_cast<double>(got), static_cast<double>(want),
                             static_cast<double>(tolerance));
        });
}

void Judge::same(Wide got, Wide want, Index i, Index j) {
  const bool right =
      std::isnan(want) ? std::isnan(got) : got == want && std::signbit(got) == std::signbit(want);
  count(right, right ? 0 : inf, i, j, [&] {
    return fmt::format("{:.17g} instead of exactly {:.17g}", static_cast<double>(got),
                       static_cast<double>(want));
  });
}

void Judge::holds(bool condition, const std::string& statement, Index i, Index j) {
  count(condition, condition ? 0 : inf, i, j, [&] { return "not so: " + statement; });
}

void Judge::same(const Matrix& got, const Matrix& want) {
  for (Index i = 0; i < want.rows; ++i)
    for (Index j = 0; j < want.cols; ++j) same(got(i, j), want(i, j), i, j);
}

std::string Judge::text() const {
  return fmt::format("{} of {} values wrong, the worst at {}", wrong_, count_, shown_);
}

Suite::Suite(std::string backend, Device device, bool verbose, Print print)
    : backend_(std::move(backend)), stream_(device), verbose_(verbose), print_(std::move(print)) {}

Outcome Suite::run(const std::string& backend, Stream& stream, const std::vector<Matrix>& tiles,
                   const Call& call) const {
  const Device device = stream.device();
  Outcome outcome{tiles, {}, {}};
  std::vector<Buffer> memory;
  std::vector<Tile> there;
  for (Matrix& m : outcome.tiles) {
    memory.emplace_back(m.bytes.size(), device);
    if (!m.bytes.empty())
      copy(stream, m.flat(m.bytes.data(), cpu), m.flat(memory.back().data(), device));
    there.push_back(m.tile(memory.back().data(), device));
  }
  stream.synchronize();
  try {
    const auto guard = only(backend);
    call(stream, there, outcome.host);
    stream.synchronize();
  } catch (const std::exception&) {
    outcome.error = describe(std::current_exception());
  }
  for (std::size_t k = 0; k < memory.size(); ++k) {
    Matrix& m = outcome.tiles[k];
    if (!m.bytes.empty())
      copy(stream, m.flat(memory[k].data(), device), m.flat(m.bytes.data(), cpu));
  }
  stream.synchronize();
  return outcome;
}

bool Suite::declines(const Outcome& got) {
  // Dispatch's own words: what a backend throws after it has accepted is a failure.
  const std::string refusal =
      fmt::format("NotImplementedError: {}: no backend for", scores_.back().operation);
  if (!got.error.starts_with(refusal)) return false;
  const std::string mine = "\n  " + backend_ + ": ";
  const std::size_t at = got.error.find(mine);
  const std::string reason =
      at == std::string::npos ? got.error : got.error.substr(at + mine.size());
  ++scores_.back().reasons[reason.substr(0, reason.find('\n'))];
  ++scores_.back().declined;
  return true;
}

void Suite::check_unwritten(const std::vector<Matrix>& before, const Outcome& got,
                            Judge& judge) const {
  for (std::size_t k = 0; k < before.size(); ++k) {
    Matrix now = got.tiles[k];
    if (now.written)  // its elements may differ, the gaps may not
      for (Index i = 0; i < now.rows; ++i)
        std::copy_n(before[k].row(i), now.cols * static_cast<Index>(size_of(now.dtype)),
                    now.row(i));
    judge.holds(now.bytes == before[k].bytes,
                fmt::format("argument {} is unchanged{}", k,
                            now.written ? " between and around its rows" : ""));
  }
}

void Suite::count(const std::string& what, const Judge& judge) {
  Score& score = scores_.back();
  score.worst = std::max(score.worst, judge.worst());
  ++(judge.passed() ? score.passed : score.failed);
  const std::string text = judge.passed() ? "passed" : judge.text();
  if (!judge.passed()) score.failures.push_back(what + ": " + text);
  if (verbose_)
    print_(fmt::format("{} {} {}: {}", score.operation, name_of(score.dtype), what, text));
}

void Suite::check(const std::string& what, std::vector<Matrix> tiles, const Call& call,
                  const Compare& compare) {
  const Outcome got = run(backend_, stream_, tiles, call);
  if (declines(got)) return;
  const Outcome want = run("reference", host_, tiles, call);
  if (!want.error.empty())
    throw RuntimeError(fmt::format("the reference failed at {} {}: {}", scores_.back().operation,
                                   what, want.error));
  Judge judge;
  judge.holds(got.error.empty(), "no error, but " + got.error);
  check_unwritten(tiles, got, judge);
  if (got.error.empty()) compare(got, want, judge);
  count(what, judge);
}

void Suite::check_whole(const std::string& what, const std::function<Results()>& call) {
  const auto run = [&](const std::string& backend) {
    std::pair<Results, std::string> outcome;
    try {
      const auto guard = only(backend);
      outcome.first = call();
    } catch (const std::exception&) {
      outcome.second = describe(std::current_exception());
    }
    return outcome;
  };
  const auto [got, error] = run(backend_);
  if (error.starts_with("NotImplementedError: ")) {  // of it, or of what it is composed of
    ++scores_.back().reasons[error.substr(0, error.find('\n'))];
    ++scores_.back().declined;
    return;
  }
  const auto [want, wanted_error] = run("reference");
  if (!error.empty() && error == wanted_error) {
    ++refused_;
    return;
  }
  Judge judge;
  judge.holds(error == wanted_error, fmt::format("'{}' is '{}'", error, wanted_error));
  judge.holds(got.size() == want.size(), "as many results");
  for (std::size_t k = 0; k < std::min(got.size(), want.size()); ++k) {
    const auto& [shape, g] = got[k];
    const auto& [wanted_shape, w] = want[k];
    judge.holds(shape == wanted_shape && g.dtype == w.dtype,
                fmt::format("{} of {} is {} of {}", shape, name_of(g.dtype), wanted_shape,
                            name_of(w.dtype)));
    if (shape != wanted_shape) continue;
    Wide size = 1;
    for (Index i = 0; i < w.cols; ++i)
      if (const Wide one = std::abs(w.number(0, i)); std::isfinite(one)) size = std::max(size, one);
    const bool exact = !is_floating(w.dtype) && !is_complex(w.dtype);
    const Wide allowed = exact ? 0 : 32 * eps_of(w.dtype) * size;
    for (Index i = 0; i < w.cols; ++i) {
      judge.near(g.number(0, i).real(), w.number(0, i).real(), allowed, 0, i);
      judge.near(g.number(0, i).imag(), w.number(0, i).imag(), allowed, 0, i);
    }
  }
  count(what, judge);
}

void Suite::check_notices(const std::string& what, std::vector<Matrix> tiles, const Call& call) {
  const Outcome got = run(backend_, stream_, tiles, call);
  if (declines(got)) return;
  bool noticed = !got.error.empty();
  for (const double v : got.host) noticed = noticed || v == 0 || !std::isfinite(v);
  for (const Matrix& m : got.tiles)
    for (Index i = 0; m.written && i < m.rows; ++i)
      for (Index j = 0; j < m.cols; ++j) noticed = noticed || !std::isfinite(m(i, j));
  Judge judge;
  judge.holds(noticed, "bad data lead to an error or to values that are not finite");
  check_unwritten(tiles, got, judge);
  count(what, judge);
}

void Suite::begin(const std::string& operation, DType dtype) {
  scores_.push_back({operation, dtype, 0, 0, 0, 0, {}, {}});
}

void Suite::fail(const std::string& why) { failures_.push_back(why); }

Index Suite::total(Index Score::*member) const {
  Index sum = 0;
  for (const Score& s : scores_) sum += s.*member;
  return sum;
}

Index Suite::report() {
  print_(fmt::format("{:<30}{:<9}{:>8}{:>8}{:>10}{:>18}", "operation", "dtype", "passed", "failed",
                     "declined", "error/tolerance"));
  for (const Score& s : scores_) {
    print_(fmt::format("{:<30}{:<9}{:>8}{:>8}{:>10}{:>18.2g}", s.operation, name_of(s.dtype),
                       s.passed, s.failed, s.declined, static_cast<double>(s.worst)));
    for (const auto& [reason, times] : s.reasons)
      print_(fmt::format("  declined {} times: {}", times, reason));
    const std::size_t shown = verbose_ ? s.failures.size() : 3;
    for (std::size_t k = 0; k < std::min(shown, s.failures.size()); ++k)
      print_("  FAILED " + s.failures[k]);
    if (s.failures.size() > shown) print_(fmt::format("  and {} more", s.failures.size() - shown));
  }
  for (const auto& why : failures_) print_("FAILED " + why);
  return total(&Score::failed) + static_cast<Index>(failures_.size());
}

}  // namespace tessera::conformance
