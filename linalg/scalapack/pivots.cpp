#include <tessera/linalg/scalapack/pivots.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/scalapack/fortran.hpp>
#include <tessera/runtime/random_state.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera::linalg::scalapack {
namespace {

constexpr std::int64_t panel = 64, more_rows = 8;

// The QR factorisation with pivoting of columns one after another: tau, and where each came from.
template <class T>
std::vector<T> factorise(std::vector<T>& columns, std::int64_t rows, std::vector<int>& from) {
  const auto count = static_cast<std::int64_t>(from.size());
  std::vector<T> tau(static_cast<std::size_t>(std::max<std::int64_t>(1, std::min(rows, count))));
  std::ranges::fill(from, 0);
  reserve_blas(1);
  const int info = Routines<T>::lapack_geqp3(LAPACK_COL_MAJOR, extent(rows), extent(count),
                                             columns.data(), extent(rows), from.data(), tau.data());
  if (info != 0) throw MemoryError("?geqp3: no memory for the workspace");
  for (int& i : from) --i;
  return tau;
}

// Columns of the sketch and their numbers in the matrix.
template <class T>
struct Players {
  std::int64_t rows = 0;
  std::vector<std::int64_t> numbers;
  std::vector<T> columns;

  // The first of a QR with pivoting stay, in its order.
  void play() {
    const std::size_t stay = std::min<std::size_t>(numbers.size(), panel);
    std::vector<int> from(numbers.size());
    std::vector<T> factors = columns;
    factorise(factors, rows, from);
    Players best{rows, {}, {}};
    for (std::size_t i = 0; i < stay; ++i) {
      const auto at = static_cast<std::size_t>(from[i]);
      best.numbers.push_back(numbers[at]);
      const auto first = columns.begin() + static_cast<std::int64_t>(at) * rows;
      best.columns.insert(best.columns.end(), first, first + rows);
    }
    *this = std::move(best);
  }
  void merge(Players&& right) {
    if (right.numbers.empty()) return;
    if (numbers.empty()) {
      *this = std::move(right);
      return;
    }
    numbers.insert(numbers.end(), right.numbers.begin(), right.numbers.end());
    columns.insert(columns.end(), right.columns.begin(), right.columns.end());
    play();
  }
  // Of the first, the longest.
  double length() const {
    double sum = 0;
    for (std::int64_t i = 0; i < rows; ++i) sum += std::norm(columns[static_cast<std::size_t>(i)]);
    return std::sqrt(sum);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(rows, numbers, columns);
  }
};

// The reflectors I - v t v^H that eliminate the winners: v^H and t by rows.
template <class T>
struct Reflectors {
  std::vector<std::int64_t> numbers;  // the columns, in their order
  std::vector<T> vh, t;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(numbers, vh, t);
  }
};

template <class T>
class Elimination {
 public:
  explicit Elimination(const Array& adjoint)
      : columns_(adjoint), m_(adjoint.cols()), n_(adjoint.rows()), width_(panel + more_rows) {
    const auto& d = columns_.distribution();
    first_leaf_ = d.leaves_of(columns_.comm().rank()).begin;
    together(columns_.comm(), [&] {
      for (std::int64_t l = first_leaf_; l < d.leaves_of(columns_.comm().rank()).end; ++l) {
        const Range rows = d.rows_of_leaf(l);
        left_.emplace_back(static_cast<std::size_t>(rows.size()));
        std::iota(left_.back().begin(), left_.back().end(), rows.begin);
      }
      RandomState random;
      weights_.resize(static_cast<std::size_t>(m_ * width_));
      for (T& w : weights_) w = T(static_cast<typename Routines<T>::Real>(random.normal()));
    });
    sketch_ = tessera::detail::allocate({n_, width_}, columns_.dtype(), d, columns_.comm());
  }

  std::vector<std::int64_t> order() {
    using Real = typename Routines<T>::Real;
    const double least = std::sqrt(double{std::numeric_limits<Real>::epsilon()});
    const std::int64_t steps = std::min(m_, n_);
    std::vector<std::int64_t> order;
    double longest = 0;
    while (done_ < steps) {
      Players<T> winners = done_ == 0 ? Players<T>{} : tournament();
      // Shorter by so much they are made of rounding errors; at first there are none.
      if (done_ == 0 || winners.length() <= least * longest) {
        for_leaves([&](const Leaf& leaf, std::int64_t count, Stream& stream) {
          kernels().gemm(stream, 1.0, rest(leaf.tile.slice(0, count)), Transpose::no, weights(),
                         Transpose::no, 0.0, sketch_.leaf(leaf.index).slice(0, count));
        });
        winners = tournament();
        longest = winners.length();
        if (longest == 0) break;
      }
      winners.numbers.resize(
          std::min<std::size_t>(winners.numbers.size(), static_cast<std::size_t>(steps - done_)));
      const Reflectors<T> step = reflectors(winners.numbers);
      order.insert(order.end(), step.numbers.begin(), step.numbers.end());
      eliminate(step);
    }
    std::vector<bool> taken(static_cast<std::size_t>(n_));
    for (const std::int64_t c : order) taken[static_cast<std::size_t>(c)] = true;
    for (std::int64_t c = 0; c < n_; ++c)
      if (!taken[static_cast<std::size_t>(c)]) order.push_back(c);
    return order;
  }

 private:
  // Those rows of a that are not eliminated.
  Tile rest(const Tile& t) const { return t.columns(done_, m_ - done_); }
  Tile weights() { return tile_of(weights_.data(), m_, width_, width_).slice(done_, m_ - done_); }
  std::vector<std::int64_t>& left(std::int64_t leaf) {
    return left_[static_cast<std::size_t>(leaf - first_leaf_)];
  }

  // What is left of a leaf comes first in it.
  template <class F>
  void for_leaves(F f) {
    together(columns_.comm(), [&] {
      Rows(columns_).for_each_leaf([&](const Leaf& leaf, Stream& stream) {
        if (const std::int64_t count = std::ssize(left(leaf.index))) f(leaf, count, stream);
      });
    });
  }

  Players<T> tournament() {
    return reduce<Players<T>>(sketch_, [&](const Leaf& leaf, Stream&) {
      Players<T> players{width_, left(leaf.index), {}};
      const T* const first = leaf.tile.as<const T>();
      players.columns.assign(first, first + std::ssize(players.numbers) * width_);
      if (!players.numbers.empty()) players.play();
      return players;
    });
  }

  Reflectors<T> reflectors(const std::vector<std::int64_t>& numbers) {
    const auto& comm = columns_.comm();
    const auto& d = columns_.distribution();
    const std::int64_t rows = m_ - done_, count = std::ssize(numbers);
    std::vector<std::int64_t> bytes(static_cast<std::size_t>(comm.size()));
    std::vector<std::pair<int, std::size_t>> senders;  // in the order of what arrives
    std::vector<T> mine, all;
    together(comm, [&] {
      for (std::size_t i = 0; i < numbers.size(); ++i)
        senders.emplace_back(d.owner_of_row(numbers[i]), i);
      std::ranges::sort(senders);
      for (const auto& [rank, i] : senders) {
        bytes[static_cast<std::size_t>(rank)] += rows * std::int64_t{sizeof(T)};
        if (rank == comm.rank()) take_out(numbers[i], mine);
      }
      all.resize(static_cast<std::size_t>(rows * count));
    });
    comm.all_gather_v(std::as_bytes(std::span(mine)), bytes,
                      std::as_writable_bytes(std::span(all)));
    return on_root<Reflectors<T>>(comm, [&] {
      const auto r = static_cast<std::size_t>(rows), c = static_cast<std::size_t>(count);
      std::vector<T> v(r * c), t(c * c);
      for (std::size_t k = 0; k < c; ++k)
        std::transform(all.begin() + static_cast<std::int64_t>(k * r),
                       all.begin() + static_cast<std::int64_t>((k + 1) * r),
                       v.begin() + static_cast<std::int64_t>(senders[k].second * r), conjugate<T>);
      std::vector<int> from(c);
      const std::vector<T> tau = factorise(v, rows, from);
      Routines<T>::lapack_larft(LAPACK_COL_MAJOR, 'F', 'C', extent(rows), extent(count), v.data(),
                                extent(rows), tau.data(), t.data(), extent(count));
      Reflectors<T> step{{}, std::move(v), std::vector<T>(c * c)};
      for (std::size_t k = 0; k < c; ++k) {
        step.numbers.push_back(numbers[static_cast<std::size_t>(from[k])]);
        T* const row = step.vh.data() + k * r;
        std::fill_n(row, k, T(0));
        row[k] = T(1);
        std::transform(row + k + 1, row + r, row + k + 1, conjugate<T>);
        for (std::size_t i = 0; i <= k; ++i) step.t[i * c + k] = t[k * c + i];
      }
      return step;
    });
  }

  // The last that is left takes its place.
  void take_out(std::int64_t number, std::vector<T>& to) {
    const auto& d = columns_.distribution();
    const std::int64_t leaf = number / d.leaf_rows();
    auto& numbers = left(leaf);
    const std::int64_t at = std::ranges::find(numbers, number) - numbers.begin();
    const std::int64_t last = std::ssize(numbers) - 1;
    for (const bool whole : {true, false}) {
      const Tile t = whole ? rest(columns_.leaf(leaf)) : sketch_.leaf(leaf);
      T* const hole = t.slice(at, 1).template as<T>();
      if (whole) to.insert(to.end(), hole, hole + t.cols);
      if (at < last) std::copy_n(t.slice(last, 1).template as<T>(), t.cols, hole);
    }
    numbers[static_cast<std::size_t>(at)] = numbers.back();
    numbers.pop_back();
  }

  void eliminate(const Reflectors<T>& step) {
    const std::int64_t rows = m_ - done_, count = std::ssize(step.numbers);
    const Tile vh = tile_of(step.vh.data(), count, rows, rows);
    const Tile t = tile_of(step.t.data(), count, count, count);
    together(columns_.comm(), [&] {  // the weights, as the rows that they combine, by q^H
      Stream stream;
      std::vector<T> x(static_cast<std::size_t>(count * width_)), tx(x);
      const Tile product = tile_of(x.data(), count, width_, width_);
      const Tile scaled = tile_of(tx.data(), count, width_, width_);
      kernels().gemm(stream, 1.0, vh, Transpose::no, weights(), Transpose::no, 0.0, product);
      kernels().gemm(stream, 1.0, t, Transpose::conjugate, product, Transpose::no, 0.0, scaled);
      kernels().gemm(stream, -1.0, vh, Transpose::conjugate, scaled, Transpose::no, 1.0, weights());
    });
    for_leaves([&](const Leaf& leaf, std::int64_t here, Stream& stream) {
      const Tile columns = rest(leaf.tile.slice(0, here));
      std::vector<T> x(static_cast<std::size_t>(here * count)), xt(x);
      const Tile product = tile_of(x.data(), here, count, count);
      const Tile scaled = tile_of(xt.data(), here, count, count);
      kernels().gemm(stream, 1.0, columns, Transpose::no, vh, Transpose::conjugate, 0.0, product);
      kernels().gemm(stream, 1.0, product, Transpose::no, t, Transpose::no, 0.0, scaled);
      kernels().gemm(stream, -1.0, scaled, Transpose::no, vh, Transpose::no, 1.0, columns);
      // What these rows gave to the sketch, they take along.
      kernels().gemm(stream, -1.0, columns.columns(0, count), Transpose::no,
                     weights().slice(0, count), Transpose::no, 1.0,
                     sketch_.leaf(leaf.index).slice(0, here));
    });
    done_ += count;
  }

  Array columns_;  // a^H: a column of a is a row
  std::int64_t m_, n_;
  std::int64_t width_;
  std::int64_t done_ = 0;
  std::int64_t first_leaf_ = 0;
  std::vector<std::vector<std::int64_t>>
      left_;                // of each leaf here, which columns come first in it
  std::vector<T> weights_;  // m x width
  Array sketch_;            // n x width, like columns_
};

}  // namespace

std::vector<std::int64_t> pivots_of(const Array& adjoint) {
  std::vector<std::int64_t> order;
  const auto find = [&](auto tag) {
    order = Elimination<typename decltype(tag)::type>(adjoint).order();
  };
  switch (adjoint.dtype()) {
    case DType::float32:
      find(TypeTag<float>{});
      break;
    case DType::complex64:
      find(TypeTag<C>{});
      break;
    case DType::complex128:
      find(TypeTag<Z>{});
      break;
    default:
      find(TypeTag<double>{});
  }
  return order;
}

}  // namespace tessera::linalg::scalapack
