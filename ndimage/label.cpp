// Connected objects. A line's elements that are not 0 are runs; runs of neighbouring lines are
// joined, by each thread within its rows, then between these, then between processes. An object is
// known by its first run, so its number does not depend on who joined it.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>

#include <tessera/array/convert.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/ndimage/common.hpp>
#include <tessera/ndimage/measurements.hpp>
#include <tessera/ndimage/morphology.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/exchange.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::ndimage {
namespace {

using Id = std::int64_t;    // of all processes
using Own = std::uint32_t;  // a run or an object of this process

/// Consecutive elements of a line.
struct Run {
  std::int32_t begin, end;
};

/// Which lines before it a line touches, and by how much shifted.
struct Neighbours {
  struct Line {
    std::vector<std::int64_t> by;  // along each axis but the last
    bool shifts[3];                // whether element j touches element j - 1, j, j + 1 there
  };
  std::vector<Line> lines;
  bool within = true;  // whether elements of a line touch each other
};

/// Sets of runs, each known by its first one.
template <class Member>
class Sets {
 public:
  std::vector<Member> parent;
  Member find(Member i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  }
  void join(Member a, Member b) {
    a = find(a);
    b = find(b);
    if (a != b) parent[std::max(a, b)] = std::min(a, b);
  }
};

struct Pair {
  std::int32_t here, there;
};

// The runs of two lines, by their bits, that touch, also at corners: they do where the one that
// begins later does. Between the runs of a line are other elements. Returns how many pairs.
std::size_t touching_pairs(std::span<const std::uint64_t> here,
                           std::span<const std::uint64_t> there, bool corners, Pair* pairs) {
  Pair at{-1, -1};
  std::size_t count = 0;
  std::uint64_t last_here = 0, last_there = 0;
  for (std::size_t w = 0; w < here.size(); ++w) {
    const std::uint64_t h = here[w], t = there[w];
    const std::uint64_t before_h = h << 1 | last_here, before_t = t << 1 | last_there;
    const std::uint64_t begin_h = h & ~before_h, begin_t = t & ~before_t;
    const std::uint64_t touch = (begin_h & (corners ? t | before_t : t)) |
                                (begin_t & ~begin_h & (corners ? h | before_h : h));
    for (std::uint64_t left = begin_h | begin_t; left != 0; left &= left - 1) {
      const int j = std::countr_zero(left);
      at.here += static_cast<std::int32_t>(begin_h >> j & 1);
      at.there += static_cast<std::int32_t>(begin_t >> j & 1);
      pairs[count] = at;  // without a branch that nobody foresees
      count += touch >> j & 1;
    }
    last_here = h >> 63;
    last_there = t >> 63;
  }
  return count;
}

// join(i, j) for the runs of two lines, i of `here` and j of `there`, that touch.
template <class Join>
void touching(std::span<const Run> here, std::span<const Run> there, const bool (&shifts)[3],
              const Join& join) {
  const std::int32_t least = shifts[0] ? -1 : shifts[1] ? 0 : 1;
  const std::int32_t most = shifts[2] ? 1 : shifts[1] ? 0 : -1;
  if (least > most) return;
  std::size_t first = 0;
  for (std::size_t i = 0; i < here.size(); ++i) {
    while (first < there.size() && there[first].end <= here[i].begin + least) ++first;
    for (std::size_t j = first; j < there.size() && there[j].begin < here[i].end + most; ++j)
      for (std::int32_t s = least; s <= most; ++s)
        if (shifts[s + 1] && here[i].begin + s < there[j].end && there[j].begin < here[i].end + s) {
          join(i, j);
          break;
        }
  }
}

// Which of up to 64 elements are not 0, the first in the lowest bit.
template <class T>
std::uint64_t bits_of(const T* x, std::int64_t n) {
  std::uint8_t is[64] = {};
  if (n == 64)
    for (int j = 0; j < 64; ++j) is[j] = x[j] != T(0) ? 1 : 0;
  else
    for (std::int64_t j = 0; j < n; ++j) is[j] = x[j] != T(0) ? 1 : 0;
  std::uint64_t bits = 0;
  for (int k = 0; k < 8; ++k) {
    std::uint64_t eight;
    std::memcpy(&eight, is + 8 * k, 8);
    bits |= ((eight * 0x0102040810204080) >> 56) << (8 * k);  // byte i becomes bit i
  }
  return bits;
}

// The bits and the runs of a line: where bits change, a run begins or ends.
template <class T>
void append_runs(const T* x, std::int64_t n, bool within, std::vector<std::int32_t>& ends,
                 std::uint64_t* words, std::vector<Run>& runs) {
  ends.resize(z(n) + 1);
  std::size_t count = 0;
  std::uint64_t last = 0;
  for (std::int64_t j = 0; j < n; j += 64) {
    const std::uint64_t bits = bits_of(x + j, std::min<std::int64_t>(64, n - j));
    *words++ = bits;
    std::uint64_t left = within ? bits ^ (bits << 1 | last) : bits;
    last = bits >> 63;
    for (; left != 0; left &= left - 1)
      ends[count++] = static_cast<std::int32_t>(j + std::countr_zero(left));
  }
  if (within && count % 2 == 1) ends[count++] = static_cast<std::int32_t>(n);
  const std::size_t first = runs.size();
  runs.resize(first + (within ? count / 2 : count));
  for (std::size_t i = first; i < runs.size(); ++i)
    runs[i] = within ? Run{ends[2 * (i - first)], ends[2 * (i - first) + 1]}
                     : Run{ends[i - first], ends[i - first] + 1};
}

/// Runs of some consecutive rows and how they are joined.
struct Band {
  Range rows;  // of those of this process
  std::vector<Run> runs;
  std::vector<std::size_t> starts;   // of each line, and the end
  std::vector<std::uint64_t> words;  // of bits, as many of each line
  Own first = 0;                     // among the runs of this process
};

class Labelling {
 public:
  Labelling(const Array& x, const std::vector<double>& structure) : x_(x), shape_(x.shape()) {
    cols_ = shape_.back();
    lines_per_row_ = std::accumulate(shape_.begin() + (shape_.size() > 1 ? 1 : 0),
                                     shape_.end() - (shape_.size() > 1 ? 1 : 0), std::int64_t{1},
                                     std::multiplies<>());
    if (shape_.size() == 1) lines_per_row_ = 1;
    neighbours_of(structure);
  }

  /// Finds the objects.
  void operator()() {
    const Communicator& comm = x_.comm();
    const std::int64_t lines = line_count();
    const std::int64_t rows = shape_.size() == 1 ? (lines > 0 ? 1 : 0) : x_.local_rows().size();
    const std::int64_t parts =
        std::clamp<std::int64_t>(rows / 64, rows > 0 ? 1 : 0, Runtime::threads());
    bands_.resize(z(parts));
    together(comm, [&] {
      parallel_for({0, parts}, Runtime::threads(), [&](std::int64_t i, Stream&) {
        bands_[z(i)].rows = {rows * i / parts, rows * (i + 1) / parts};
        scan(bands_[z(i)]);
      });
      std::size_t all = 0;
      for (Band& band : bands_) {
        band.first = static_cast<Own>(all);
        all += band.runs.size();
      }
      if (all > std::numeric_limits<Own>::max())
        throw NotImplementedError("label takes less than 2^32 runs of elements on a process");
      sets_.parent.resize(all);
      parallel_for({0, parts}, Runtime::threads(),
                   [&](std::int64_t i, Stream&) { join_within(bands_[z(i)]); });
      for (std::size_t b = 1; b < bands_.size(); ++b) join_bands(bands_[b - 1], bands_[b]);
      // From the first run of its set, which comes before it, to the set's number.
      for (Own i = 0; i < sets_.parent.size(); ++i)
        sets_.parent[i] = sets_.parent[i] == i ? own_count_++ : sets_.parent[sets_.parent[i]];
    });
    number();
  }

  Labels labels(DType dtype) const {
    if (static_cast<double>(count_) > largest_of(dtype))
      throw RuntimeError(fmt::format("{} cannot hold the {} labels", name_of(dtype), count_));
    Labels out{detail::room_for(shape_, dtype, x_.distribution(), x_.comm()), count_};
    visit(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      paint(out.labels.local().as<T>(), [](Id number) { return static_cast<T>(number); });
    });
    return out;
  }

  /// The elements of objects that have one where `seeds`, booleans that lie as x does, is true.
  Array containing(const Array& seeds) const {
    std::vector<std::uint8_t> found(z(count_ + 1), 0);
    const bool* seed = seeds.local().as<const bool>();
    each_run([&](std::int64_t line, const Run& run, Id number) {
      if (std::memchr(seed + line * width() + run.begin, 1, z(run.end - run.begin)))
        std::atomic_ref(found[z(number)]).store(1, std::memory_order_relaxed);
    });
    if (!detail::is_replicated(x_)) x_.comm().all_reduce(std::span(found), Reduce::max);
    const Array out = detail::room_for(shape_, DType::boolean, x_.distribution(), x_.comm());
    paint(out.local().as<bool>(), [&](Id number) { return found[z(number)] != 0; });
    return out;
  }

 private:
  static double largest_of(DType dtype) {
    double largest = 0;
    visit(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_integral_v<T>)
        largest = static_cast<double>(std::numeric_limits<T>::max());
      else
        largest = 0x1p24;
    });
    return largest;
  }
  std::int64_t line_count() const {
    if (shape_.size() == 1) return x_.local_rows().size() > 0 ? 1 : 0;
    return x_.local_rows().size() * lines_per_row_;
  }
  // Elements of a line of this process.
  std::int64_t width() const { return shape_.size() == 1 ? x_.local_rows().size() : cols_; }

  void neighbours_of(const std::vector<double>& structure) {
    const std::size_t ndim = shape_.size();
    const std::size_t all = structure.size() / 3, middle = all / 2;
    near_.within = structure[3 * middle] != 0;
    for (std::size_t k = 0; k < middle; ++k) {
      Neighbours::Line line{std::vector<std::int64_t>(ndim - 1), {}};
      bool any = false;
      for (std::size_t s = 0; s < 3; ++s) any = (line.shifts[s] = structure[3 * k + s] != 0) || any;
      auto left = static_cast<std::int64_t>(k);
      for (std::size_t d = ndim - 1; d-- > 0; left /= 3) line.by[d] = left % 3 - 1;
      if (any) near_.lines.push_back(line);
    }
  }

  // The lines of a row that lines of the next (or, for `step` 0, of the same) row touch:
  // visit(line here, line there, shifts).
  template <class Visit>
  void each_pair(std::int64_t step, const Visit& visit) const {
    for (const auto& n : near_.lines) {
      if (n.by.empty() || -n.by[0] != step) continue;
      for (std::int64_t line = 0; line < lines_per_row_; ++line) {
        auto left = line;
        std::int64_t there = 0, stride = 1;
        bool inside = true;
        for (std::size_t d = n.by.size(); d-- > 1;) {
          const std::int64_t i = left % shape_[d] + n.by[d];
          inside = inside && i >= 0 && i < shape_[d];
          there += i * stride;
          stride *= shape_[d];
          left /= shape_[d];
        }
        if (inside) visit(line, there, n.shifts);
      }
    }
  }
  std::span<const Run> line_of(const Band& band, std::int64_t line) const {
    return {band.runs.data() + band.starts[z(line)],
            band.starts[z(line + 1)] - band.starts[z(line)]};
  }
  std::size_t words_per_line() const { return z((width() + 63) / 64); }
  // Joins the runs of two lines that touch; `pairs` is room for those.
  void join_lines(const Band& band, std::int64_t here, const Band& other, std::int64_t there,
                  const bool (&shifts)[3], std::vector<Pair>& pairs) {
    const auto first = static_cast<Own>(band.first + band.starts[z(here)]);
    const auto first_there = static_cast<Own>(other.first + other.starts[z(there)]);
    const auto join = [&](std::size_t i, std::size_t j) {
      sets_.join(static_cast<Own>(first + i), static_cast<Own>(first_there + j));
    };
    if (!near_.within || !shifts[1] || shifts[0] != shifts[2])
      return touching(line_of(band, here), line_of(other, there), shifts, join);
    const std::size_t n = words_per_line();
    pairs.resize(z(width()) + 1);
    const std::size_t count =
        touching_pairs({band.words.data() + z(here) * n, n}, {other.words.data() + z(there) * n, n},
                       shifts[0], pairs.data());
    for (std::size_t k = 0; k < count; ++k) join(z(pairs[k].here), z(pairs[k].there));
  }

  void scan(Band& band) {
    const std::int64_t n = width();
    visit(x_.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* x = x_.local().as<const T>() + band.rows.begin * lines_per_row_ * n;
      const std::int64_t lines = band.rows.size() * lines_per_row_;
      std::vector<std::int32_t> ends;
      band.words.resize(z(lines) * words_per_line());
      for (std::int64_t line = 0; line < lines; ++line, x += n) {
        band.starts.push_back(band.runs.size());
        append_runs(x, n, near_.within, ends, band.words.data() + z(line) * words_per_line(),
                    band.runs);
      }
    });
    band.starts.push_back(band.runs.size());
  }

  void join_within(const Band& band) {
    std::iota(sets_.parent.begin() + band.first,
              sets_.parent.begin() + band.first + std::ssize(band.runs), band.first);
    std::vector<Pair> pairs;
    for (std::int64_t row = 0; row < band.rows.size(); ++row)
      for (const std::int64_t step : {0, 1})
        if (row >= step)
          each_pair(step, [&](std::int64_t here, std::int64_t there, const bool(&shifts)[3]) {
            join_lines(band, row * lines_per_row_ + here, band,
                       (row - step) * lines_per_row_ + there, shifts, pairs);
          });
  }

  void join_bands(const Band& above, const Band& below) {
    const std::int64_t last = (above.rows.size() - 1) * lines_per_row_;
    std::vector<Pair> pairs;
    each_pair(1, [&](std::int64_t here, std::int64_t there, const bool(&shifts)[3]) {
      join_lines(below, here, above, last + there, shifts, pairs);
    });
  }

  /// The last row of a process as runs with the sets of all processes, for the next one.
  struct Edge {
    std::vector<Id> runs;    // begin, end and set of each, line after line
    std::vector<Id> counts;  // of each line
  };
  Edge last_row(Id offset) {
    Edge edge;
    const Band& band = bands_.back();
    const std::int64_t last = (band.rows.size() - 1) * lines_per_row_;
    for (std::int64_t line = 0; line < lines_per_row_; ++line) {
      const auto runs = line_of(band, last + line);
      edge.counts.push_back(std::ssize(runs));
      for (std::size_t i = 0; i < runs.size(); ++i) {
        const std::size_t id = band.first + band.starts[z(last + line)] + i;
        edge.runs.insert(edge.runs.end(), {runs[i].begin, runs[i].end, offset + sets_.parent[id]});
      }
    }
    return edge;
  }

  // What runs of this process's first row touch in the row before: pairs of sets.
  std::vector<Id> pairs_before(Id offset) {
    const Communicator& comm = x_.comm();
    const Range own = x_.local_rows();
    const bool replicated = detail::is_replicated(x_);
    std::vector<std::int64_t> runs(z(comm.size()), 0), counts(z(comm.size()), 0);
    Edge edge;
    if (!replicated && own.size() > 0 && own.end < shape_[0]) {
      if (shape_.size() == 1) {
        // The last element of a vector is a line's.
        edge.counts = {0};
        const Band& band = bands_.back();
        if (!band.runs.empty() && band.runs.back().end == own.size()) {
          edge.counts = {1};
          edge.runs = {0, 1, offset + sets_.parent.back()};
        }
      } else {
        edge = last_row(offset);
      }
      const int next = x_.distribution().owner_of_row(own.end);
      runs[z(next)] = std::ssize(edge.runs);
      counts[z(next)] = std::ssize(edge.counts);
    }
    if (replicated) return {};
    const auto runs_there = Exchange(comm, runs).forward(std::span<const Id>(edge.runs));
    const auto counts_there = Exchange(comm, counts).forward(std::span<const Id>(edge.counts));
    std::vector<Id> pairs;
    if (own.size() == 0 || own.begin == 0) return pairs;
    if (shape_.size() == 1) {
      const Band& band = bands_.front();
      if (near_.within && !runs_there.empty() && !band.runs.empty() && band.runs[0].begin == 0)
        pairs = {runs_there[2], offset + sets_.parent[0]};
      return pairs;
    }
    std::vector<std::vector<Run>> lines(z(lines_per_row_));
    std::vector<std::vector<Id>> ids(z(lines_per_row_));
    std::size_t at = 0;
    for (std::size_t line = 0; line < lines.size(); ++line)
      for (Id k = 0; k < counts_there[line]; ++k, at += 3) {
        lines[line].push_back({static_cast<std::int32_t>(runs_there[at]),
                               static_cast<std::int32_t>(runs_there[at + 1])});
        ids[line].push_back(runs_there[at + 2]);
      }
    const Band& band = bands_.front();
    each_pair(1, [&](std::int64_t here, std::int64_t there, const bool(&shifts)[3]) {
      touching(line_of(band, here), lines[z(there)], shifts, [&](std::size_t i, std::size_t j) {
        pairs.push_back(ids[z(there)][j]);
        pairs.push_back(offset + sets_.parent[band.starts[z(here)] + i]);
      });
    });
    return pairs;
  }

  static std::vector<Id> gathered(const Communicator& comm, const std::vector<Id>& mine) {
    std::vector<std::int64_t> bytes = comm.all_gather(std::ssize(mine));
    const std::int64_t all = std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0});
    for (auto& b : bytes) b *= static_cast<std::int64_t>(sizeof(Id));
    std::vector<Id> out(z(all));
    comm.all_gather_v(std::as_bytes(std::span(mine)), bytes,
                      std::as_writable_bytes(std::span(out)));
    return out;
  }

  // Gives every set its number.
  void number() {
    const Communicator& comm = x_.comm();
    const Id own = own_count_;
    count_ = own;
    if (detail::is_replicated(x_) || comm.size() == 1) return;
    const auto all = comm.all_gather(own);
    const Id offset = std::accumulate(all.begin(), all.begin() + comm.rank(), Id{0});
    // One of each pair, for an object may touch itself all along the row.
    std::vector<Id> mine = pairs_before(offset);
    std::vector<std::pair<Id, Id>> different;
    for (std::size_t i = 0; i < mine.size(); i += 2) different.emplace_back(mine[i], mine[i + 1]);
    std::sort(different.begin(), different.end());
    different.erase(std::unique(different.begin(), different.end()), different.end());
    mine.clear();
    for (const auto& [a, b] : different) mine.insert(mine.end(), {a, b});
    const std::vector<Id> pairs = gathered(comm, mine);
    // Sets that pairs name, ascending, and those among them that stay.
    std::vector<Id> named = pairs;
    std::sort(named.begin(), named.end());
    named.erase(std::unique(named.begin(), named.end()), named.end());
    const auto place = [&](Id id) {
      return z(std::lower_bound(named.begin(), named.end(), id) - named.begin());
    };
    Sets<std::size_t> among;
    among.parent.resize(named.size());
    std::iota(among.parent.begin(), among.parent.end(), std::size_t{0});
    for (std::size_t i = 0; i < pairs.size(); i += 2)
      among.join(place(pairs[i]), place(pairs[i + 1]));

    // Those that a process keeps are numbered in their order, after those of processes before it.
    numbers_.assign(z(own), 0);
    Id kept = 0;
    std::size_t next = place(offset);
    const std::size_t from = next;
    for (Id i = 0; i < own; ++i) {
      while (next < named.size() && named[next] < offset + i) ++next;
      const bool is_named = next < named.size() && named[next] == offset + i;
      if (!is_named || among.find(next) == next) numbers_[z(i)] = ++kept;
    }
    const auto all_kept = comm.all_gather(kept);
    const Id before = std::accumulate(all_kept.begin(), all_kept.begin() + comm.rank(), Id{0});
    count_ = std::accumulate(all_kept.begin(), all_kept.end(), Id{0});
    for (Id& n : numbers_)
      if (n > 0) n += before;
    if (!named.empty()) {
      std::vector<Id> of_named(named.size(), 0);
      for (std::size_t k = from; k < named.size() && named[k] < offset + own; ++k)
        of_named[k] = numbers_[z(named[k] - offset)];
      comm.all_reduce(std::span(of_named), Reduce::max);
      for (std::size_t k = from; k < named.size() && named[k] < offset + own; ++k)
        numbers_[z(named[k] - offset)] = of_named[among.find(k)];
    }
  }

  Id number_of(Own object) const { return numbers_.empty() ? Id{object} + 1 : numbers_[object]; }

  // one(line, run, number) for all runs of this process, on several threads.
  template <class One>
  void each_run(const One& one) const {
    parallel_for({0, std::ssize(bands_)}, Runtime::threads(), [&](std::int64_t b, Stream&) {
      const Band& band = bands_[z(b)];
      const std::int64_t first = band.rows.begin * lines_per_row_;
      for (std::int64_t line = 0; line < band.rows.size() * lines_per_row_; ++line)
        for (std::size_t i = band.starts[z(line)]; i < band.starts[z(line + 1)]; ++i)
          one(first + line, band.runs[i], number_of(sets_.parent[band.first + i]));
    });
  }

  // value(number) in all objects, 0 elsewhere.
  template <class T, class Value>
  void paint(T* out, const Value& value) const {
    const std::int64_t n = width();
    parallel_for({0, std::ssize(bands_)}, Runtime::threads(), [&](std::int64_t b, Stream&) {
      const Band& band = bands_[z(b)];
      T* y = out + band.rows.begin * lines_per_row_ * n;
      for (std::int64_t line = 0; line < band.rows.size() * lines_per_row_; ++line, y += n) {
        // Most runs are short: four elements at a time, as far as the line has them, and what comes
        // next overwrites what is too much.
        std::int64_t done = 0;
        const auto fill_to = [&](std::int64_t end, T with) {
          for (; done < end && done + 4 <= n; done += 4) std::fill_n(y + done, 4, with);
          for (; done < end; ++done) y[done] = with;
          done = end;
        };
        for (std::size_t i = band.starts[z(line)]; i < band.starts[z(line + 1)]; ++i) {
          const Run& run = band.runs[i];
          fill_to(run.begin, T(0));
          fill_to(run.end, value(number_of(sets_.parent[band.first + i])));
        }
        fill_to(n, T(0));
      }
    });
  }

  const Array& x_;
  Shape shape_;
  std::int64_t cols_ = 1, lines_per_row_ = 1;
  Neighbours near_;
  std::vector<Band> bands_;
  Sets<Own> sets_;           // of all bands; after joining, for each run the number of its object
  Own own_count_ = 0;        // objects of this process
  std::vector<Id> numbers_;  // of these; empty for their own
  std::int64_t count_ = 0;
};

}  // namespace

namespace {

// Of a structure which neighbours are connected, 1 or 0.
std::vector<double> checked_structure(const Array& x, const Array& structure) {
  const std::int64_t ndim = x.ndim();
  if (structure && structure.ndim() != ndim)
    throw RuntimeError(fmt::format("label needs a structure with {} axes, got shape {}", ndim,
                                   to_string(structure.shape())));
  std::vector<double> near =
      host_numbers(structure ? structure : generate_binary_structure(ndim, 1, x.comm()));
  if (structure)
    for (const auto extent : structure.shape())
      if (extent != 3)
        throw ValueError(
            fmt::format("label needs a structure with 3 elements along each axis, got shape {}",
                        to_string(structure.shape())));
  for (double& v : near) v = v != 0 ? 1 : 0;
  if (!std::equal(near.begin(), near.end(), near.rbegin()))
    throw ValueError("label needs a structure that is the same both ways round");
  if (ndim > 0 && x.shape().back() > std::numeric_limits<std::int32_t>::max())
    throw NotImplementedError("label takes lines of less than 2^31 elements");
  return near;
}

}  // namespace

Labels label(const Array& given, const Array& structure, std::optional<DType> output) {
  if (is_complex(given.dtype()))
    throw TypeError(fmt::format("label takes real numbers, not {}", name_of(given.dtype())));
  const Array x = detail::in_rows(given);
  const std::vector<double> near = checked_structure(x, structure);
  const DType dtype =
      output.value_or(x.size() >= (std::int64_t{1} << 31) - 2 ? DType::int64 : DType::int32);
  if (dtype == DType::boolean || is_complex(dtype))
    throw TypeError(fmt::format("labels must be integers or floating, not {}", name_of(dtype)));
  if (x.ndim() == 0) {
    const Array one = (x != 0).astype(dtype);
    return {one, static_cast<std::int64_t>(host_numbers(one)[0])};
  }
  if (x.size() == 0) return {detail::room_for(x.shape(), dtype, x.distribution(), x.comm()), 0};
  Labelling objects(x, near);
  objects();
  return objects.labels(dtype);
}

Array objects_with(const Array& x, const Array& given, const Array& structure) {
  if (x.ndim() == 0 || x.size() == 0) return x & given;
  Labelling objects(x, checked_structure(x, structure));
  objects();
  return objects.containing(redistribute(detail::in_rows(given), x.distribution()));
}

}  // namespace tessera::ndimage
