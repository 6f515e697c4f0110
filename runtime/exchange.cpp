#include <tessera/runtime/exchange.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

#include <tessera/runtime/rows.hpp>

#include <tessera/runtime/mpi.hpp>
#include <tessera/runtime/trace.hpp>
#include <tessera/runtime/watchdog.hpp>

namespace tessera {
namespace {

std::vector<std::int64_t> offsets(const std::vector<std::int64_t>& counts) {
  std::vector<std::int64_t> at(counts.size() + 1, 0);
  std::partial_sum(counts.begin(), counts.end(), at.begin() + 1);
  return at;
}

}  // namespace

Dealt dealt(const Distribution& d, std::span<const std::int64_t> rows) {
  const auto n = std::ssize(rows);
  const auto processes = static_cast<std::size_t>(d.processes());
  std::vector<std::int64_t> ends;  // a search among few of them is faster than dividing
  for (int r = 0; r + 1 < d.processes(); ++r) ends.push_back(d.rows_of(r).end);
  const auto owner = [&](std::int64_t i) {
    const std::int64_t row = rows[static_cast<std::size_t>(i)];
    std::size_t r = 0;
    if (ends.size() < 8)
      for (const std::int64_t end : ends) r += row >= end;
    else
      r = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), row) - ends.begin());
    return r;
  };
  // A counting sort in pieces: at[p * processes + r] is where piece p puts its first row of rank r.
  const std::int64_t pieces = n < (1 << 15) ? 1 : Runtime::threads();
  const auto for_pieces = [&](const auto& f) {
    parallel_for({0, pieces}, Runtime::threads(), [&](std::int64_t p, Stream&) {
      const std::int64_t end = n * (p + 1) / pieces;
      for (std::int64_t i = n * p / pieces; i < end; ++i)
        f(static_cast<std::size_t>(p) * processes + owner(i), i);
    });
  };
  Dealt out{std::vector<std::int64_t>(processes, 0), {}, Buffer(rows.size_bytes())};
  out.order = {reinterpret_cast<std::int64_t*>(out.memory.data()), rows.size()};
  std::vector<std::int64_t> at(static_cast<std::size_t>(pieces) * processes, 0);
  for_pieces([&](std::size_t of, std::int64_t) { ++at[of]; });
  std::int64_t first = 0;
  for (std::size_t r = 0; r < processes; ++r)
    for (std::size_t p = r; p < at.size(); p += processes) {
      out.counts[r] += at[p];
      first += std::exchange(at[p], first);
    }
  for_pieces(
      [&](std::size_t of, std::int64_t i) { out.order[static_cast<std::size_t>(at[of]++)] = i; });
  return out;
}

Exchange::Exchange(const Communicator& comm, std::vector<std::int64_t> send)
    : comm_(comm), sent_(offsets(send)) {
  std::vector<std::int64_t> receive(send.size());
  Offsets each(send.size() + 1);
  std::iota(each.begin(), each.end(), 0);
  move(std::as_bytes(std::span(send)), each, std::as_writable_bytes(std::span(receive)), each,
       sizeof(std::int64_t));
  received_ = offsets(receive);
}

void Exchange::move(std::span<const std::byte> from, const Offsets& from_at,
                    std::span<std::byte> to, const Offsets& to_at, std::size_t item_bytes) const {
  const auto width = static_cast<std::int64_t>(item_bytes);
  const auto in_bytes = [width](const Offsets& at, std::vector<std::int64_t>& start) {
    std::vector<std::int64_t> bytes;
    for (std::size_t r = 0; r + 1 < at.size(); ++r) {
      start.push_back(at[r] * width);
      bytes.push_back((at[r + 1] - at[r]) * width);
    }
    return bytes;
  };
  std::vector<std::int64_t> send_at, receive_at;
  const auto send = in_bytes(from_at, send_at);
  const auto receive = in_bytes(to_at, receive_at);
  comm_.all_to_all_v(from.data(), send, send_at, to.data(), receive, receive_at);
}

namespace detail {

void exchange(const Communicator& comm, const std::vector<Message>& send,
              const std::vector<Message>& receive) {
  using mpi::check;
  const Watch waiting("an exchange", 0.0, Watch::Waits::for_others);
  std::vector<MPI_Request> requests;
  const auto start = [&](const Message& message, auto call) {
    std::byte* const first = message.pieces.empty() ? nullptr : message.pieces.front().data();
    std::vector<int> lengths;
    std::vector<MPI_Aint> places;
    for (auto piece : message.pieces)
      while (!piece.empty()) {
        constexpr std::size_t most = std::size_t{1} << 30;  // MPI 3 counts are int
        lengths.push_back(static_cast<int>(std::min(piece.size(), most)));
        places.push_back(reinterpret_cast<MPI_Aint>(piece.data()) -
                         reinterpret_cast<MPI_Aint>(first));
        piece = piece.subspan(static_cast<std::size_t>(lengths.back()));
      }
    MPI_Datatype type = MPI_DATATYPE_NULL;
    check(MPI_Type_create_hindexed(static_cast<int>(lengths.size()), lengths.data(), places.data(),
                                   MPI_BYTE, &type));
    check(MPI_Type_commit(&type));
    check(call(first, 1, type, message.rank, 2, mpi::native(comm),
               &requests.emplace_back(MPI_REQUEST_NULL)));
    check(MPI_Type_free(&type));  // which it is when the message is through
  };
  for (const Message& message : receive) start(message, MPI_Irecv);
  for (const Message& message : send) {
    for (const auto piece : message.pieces) trace::communicated(piece.size());
    start(message, MPI_Isend);
  }
  check(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE));
}

std::vector<std::int64_t> sums_of_lower(const Communicator& comm,
                                        std::vector<std::int64_t> values) {
  std::vector<std::int64_t> below(values.size()), theirs(values.size());
  // `values` are the sums over the `step` processes up to this one.
  for (int step = 1; step < comm.size(); step *= 2) {
    std::vector<Message> up, down;
    if (comm.rank() + step < comm.size())
      up.push_back({comm.rank() + step, {std::as_writable_bytes(std::span(values))}});
    if (comm.rank() >= step)
      down.push_back({comm.rank() - step, {std::as_writable_bytes(std::span(theirs))}});
    exchange(comm, up, down);
    for (std::size_t i = 0; !down.empty() && i < values.size(); ++i) {
      below[i] += theirs[i];
      values[i] += theirs[i];
    }
  }
  return below;
}

}  // namespace detail
}  // namespace tessera
