// Connected objects. A line's elements that are not 0 are runs; runs of neighbouring lines are
// joined, by each thread within its rows, then between these, then between processes. An object is
// known by its first run, so its number does not depend on who joined it.
#include <fmt/format.h>

#include <algorithm>
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

using Id = std::int64_t;

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
class Sets {
 public:
  std::vector<Id> parent;
  Id add() {
    parent.push_back(std::ssize(parent));
    return parent.back();
  }
  Id find(Id i) {
    while (parent[z(i)] != i) i = parent[z(i)] = parent[z(parent[z(i)])];
    return i;
  }
  void join(Id a, Id b) {
    a = find(a);
    b = find(b);
    if (a != b) parent[z(std::max(a, b))] = std::min(a, b);
  }
};

// join(i, j) for the runs of two lines, i of `here` and j of `there`, that touch.
template <class Join>
void touching(std::span<const Run> here, std::span<const Run> there, const bool (&shifts)[3],
              const Join& join) {
  const std::int32_t least = shifts[0]   ? -1
                             : shifts[1] ? 0
                                         : 1,
                     most = shifts[2]   ? 1
                            : shifts[1] ? 0
                                        : -1;
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

/// Runs of some consecutive rows and how they are joined.
struct Band {
  Range rows;  // of those of this process
  std::vector<Run> runs;
  std::vector<std::size_t> starts;  // of each line, and the end
  Sets sets;
  Id first = 0;  // among all of this process
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

  Labels operator()(DType dtype) {
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
      for (Band& band : bands_) {
        band.first = std::ssize(sets_.parent);
        for (const Id p : band.sets.parent) sets_.parent.push_back(p + band.first);
        band.sets.parent = {};
      }
      for (std::size_t b = 1; b < bands_.size(); ++b) join_bands(bands_[b - 1], bands_[b]);
      for (Id i = 0; i < std::ssize(sets_.parent); ++i)
        sets_.parent[z(i)] = sets_.parent[z(sets_.parent[z(i)])];
    });
    number();
    Labels out{detail::room_for(shape_, dtype, x_.distribution(), comm), count_};
    if (static_cast<double>(count_) > largest_of(dtype))
      throw RuntimeError(fmt::format("{} cannot hold the {} labels", name_of(dtype), count_));
    parallel_for({0, parts}, Runtime::threads(),
                 [&](std::int64_t i, Stream&) { paint(bands_[z(i)], out.labels); });
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

  void scan(Band& band) {
    const std::int64_t n = width();
    visit(x_.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* x = x_.local().as<const T>() + band.rows.begin * lines_per_row_ * n;
      const std::int64_t lines = band.rows.size() * lines_per_row_;
      for (std::int64_t line = 0; line < lines; ++line, x += n) {
        band.starts.push_back(band.runs.size());
        for (std::int64_t j = 0; j < n;) {
          while (j < n && x[j] == T(0)) ++j;
          if (j == n) break;
          const std::int64_t begin = j;
          do ++j;
          while (near_.within && j < n && x[j] != T(0));
          band.runs.push_back({static_cast<std::int32_t>(begin), static_cast<std::int32_t>(j)});
        }
      }
    });
    band.starts.push_back(band.runs.size());
    for (std::size_t i = 0; i < band.runs.size(); ++i) band.sets.add();
    const auto join_lines = [&](std::int64_t here, std::int64_t there, const bool(&shifts)[3]) {
      touching(line_of(band, here), line_of(band, there), shifts,
               [&](std::size_t i, std::size_t j) {
                 band.sets.join(static_cast<Id>(band.starts[z(here)] + i),
                                static_cast<Id>(band.starts[z(there)] + j));
               });
    };
    for (std::int64_t row = 0; row < band.rows.size(); ++row)
      for (const std::int64_t step : {0, 1})
        if (row >= step)
          each_pair(step, [&](std::int64_t here, std::int64_t there, const bool(&shifts)[3]) {
            join_lines(row * lines_per_row_ + here, (row - step) * lines_per_row_ + there, shifts);
          });
  }

  void join_bands(const Band& above, const Band& below) {
    const std::int64_t last = (above.rows.size() - 1) * lines_per_row_;
    each_pair(1, [&](std::int64_t here, std::int64_t there, const bool(&shifts)[3]) {
      touching(line_of(below, here), line_of(above, last + there), shifts,
               [&](std::size_t i, std::size_t j) {
                 sets_.join(below.first + static_cast<Id>(below.starts[z(here)] + i),
                            above.first + static_cast<Id>(above.starts[z(last + there)] + j));
               });
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
        const Id id = band.first + static_cast<Id>(band.starts[z(last + line)] + i);
        edge.runs.insert(edge.runs.end(),
                         {runs[i].begin, runs[i].end, offset + sets_.parent[z(id)]});
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
    const bool alone = detail::is_replicated(x_) || comm.size() == 1;
    const Id own = std::ssize(sets_.parent);
    Id offset = 0;
    if (!alone) {
      const auto all = comm.all_gather(own);
      offset = std::accumulate(all.begin(), all.begin() + comm.rank(), Id{0});
    }
    std::vector<Id> pairs;
    if (!alone) {
      // One of each pair, for an object may touch itself all along the row.
      std::vector<Id> mine = pairs_before(offset);
      std::vector<std::pair<Id, Id>> different;
      for (std::size_t i = 0; i < mine.size(); i += 2) different.emplace_back(mine[i], mine[i + 1]);
      std::sort(different.begin(), different.end());
      different.erase(std::unique(different.begin(), different.end()), different.end());
      mine.clear();
      for (const auto& [a, b] : different) mine.insert(mine.end(), {a, b});
      pairs = gathered(comm, mine);
    }
    // Sets that pairs name, ascending, and those among them that stay.
    std::vector<Id> named = pairs;
    std::sort(named.begin(), named.end());
    named.erase(std::unique(named.begin(), named.end()), named.end());
    const auto place = [&](Id id) {
      return std::lower_bound(named.begin(), named.end(), id) - named.begin();
    };
    Sets among;
    for (std::size_t i = 0; i < named.size(); ++i) among.add();
    for (std::size_t i = 0; i < pairs.size(); i += 2)
      among.join(place(pairs[i]), place(pairs[i + 1]));

    // Those that a process keeps are numbered in their order, after those of processes before it.
    numbers_.assign(z(own), 0);
    Id kept = 0;
    std::size_t next = z(place(offset));
    const std::size_t from = next;
    for (Id i = 0; i < own; ++i) {
      if (sets_.parent[z(i)] != i) continue;
      while (next < named.size() && named[next] < offset + i) ++next;
      const bool is_named = next < named.size() && named[next] == offset + i;
      if (!is_named || among.find(static_cast<Id>(next)) == static_cast<Id>(next))
        numbers_[z(i)] = ++kept;
    }
    Id before = 0;
    count_ = kept;
    if (!alone) {
      const auto all = comm.all_gather(kept);
      before = std::accumulate(all.begin(), all.begin() + comm.rank(), Id{0});
      count_ = std::accumulate(all.begin(), all.end(), Id{0});
    }
    for (Id& n : numbers_)
      if (n > 0) n += before;
    if (!named.empty()) {
      std::vector<Id> of_named(named.size(), 0);
      for (std::size_t k = from; k < named.size() && named[k] < offset + own; ++k)
        of_named[k] = numbers_[z(named[k] - offset)];
      comm.all_reduce(std::span(of_named), Reduce::max);
      for (std::size_t k = from; k < named.size() && named[k] < offset + own; ++k)
        numbers_[z(named[k] - offset)] = of_named[z(among.find(static_cast<Id>(k)))];
    }
  }

  void paint(const Band& band, const Array& out) const {
    const std::int64_t n = width();
    visit(out.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* y = out.local().as<T>() + band.rows.begin * lines_per_row_ * n;
      for (std::int64_t line = 0; line < band.rows.size() * lines_per_row_; ++line, y += n) {
        std::int64_t done = 0;
        for (std::size_t i = band.starts[z(line)]; i < band.starts[z(line + 1)]; ++i) {
          const Run& run = band.runs[i];
          std::fill(y + done, y + run.begin, T(0));
          const Id number = numbers_[z(sets_.parent[z(band.first) + i])];
          std::fill(y + run.begin, y + run.end, static_cast<T>(number));
          done = run.end;
        }
        std::fill(y + done, y + n, T(0));
      }
    });
  }

  const Array& x_;
  Shape shape_;
  std::int64_t cols_ = 1, lines_per_row_ = 1;
  Neighbours near_;
  std::vector<Band> bands_;
  Sets sets_;                // of all bands; after joining, the first run of each
  std::vector<Id> numbers_;  // of the first runs
  std::int64_t count_ = 0;
};

}  // namespace

Labels label(const Array& given, const Array& structure, std::optional<DType> output) {
  if (is_complex(given.dtype()))
    throw TypeError(fmt::format("label takes real numbers, not {}", name_of(given.dtype())));
  const Array x = detail::in_rows(given);
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
  const DType dtype =
      output.value_or(x.size() >= (std::int64_t{1} << 31) - 2 ? DType::int64 : DType::int32);
  if (dtype == DType::boolean || is_complex(dtype))
    throw TypeError(fmt::format("labels must be integers or floating, not {}", name_of(dtype)));
  if (ndim == 0) {
    const Array one = (x != 0).astype(dtype);
    return {one, static_cast<std::int64_t>(host_numbers(one)[0])};
  }
  if (x.size() == 0) return {detail::room_for(x.shape(), dtype, x.distribution(), x.comm()), 0};
  if (x.shape().back() > std::numeric_limits<std::int32_t>::max())
    throw NotImplementedError("label takes lines of less than 2^31 elements");
  return Labelling(x, near)(dtype);
}

Array objects_with(const Array& x, const Array& given, const Array& structure) {
  const Labels objects = label(x, structure, DType::int64);
  const Array seeds = redistribute(detail::in_rows(given), objects.labels.distribution());
  std::vector<std::uint8_t> found(z(objects.count + 1), 0);
  const std::int64_t n = objects.labels.local_rows().size() * objects.labels.cols();
  const auto* labels = objects.labels.local().as<const std::int64_t>();
  const auto* seed = seeds.local().as<const bool>();
  for (std::int64_t i = 0; i < n; ++i)
    if (seed[i]) found[z(labels[i])] = 1;
  found[0] = 0;
  x.comm().all_reduce(std::span(found), Reduce::max);
  const Array out =
      detail::room_for(x.shape(), DType::boolean, objects.labels.distribution(), x.comm());
  parallel_for({0, (n + 65535) / 65536}, Runtime::threads(), [&](std::int64_t part, Stream&) {
    for (std::int64_t i = part << 16; i < std::min(n, (part + 1) << 16); ++i)
      out.local().as<bool>()[i] = found[z(labels[i])] != 0;
  });
  return out;
}

}  // namespace tessera::ndimage
