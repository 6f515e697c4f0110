#include <tessera/ndimage/window.hpp>

#include <algorithm>
#include <cstring>

#include <tessera/array/layout.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::ndimage {
namespace {

Range common(Range a, Range b) {
  const std::int64_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

}  // namespace

Window::Window(const Array& x, const Wants& wants)
    : x_(x), row_bytes_(x.cols() * static_cast<std::int64_t>(size_of(x.dtype()))) {
  const Range own = x.local_rows();
  const auto* mine = static_cast<const std::byte*>(x.local().data);
  if (own.size() > 0) parts_.push_back({own, mine});
  const Communicator& comm = x.comm();
  if (detail::is_replicated(x) || comm.size() == 1) return;

  const auto processes = static_cast<std::size_t>(comm.size());
  std::vector<std::int64_t> send(processes), send_at(processes), receive(processes),
      receive_at(processes);
  std::vector<Range> sent, received;  // by rank, then ascending
  std::int64_t out_bytes = 0, in_bytes = 0;
  const std::vector<Range> here = wants(comm.rank());
  for (int r = 0; r < comm.size(); ++r) {
    const auto p = static_cast<std::size_t>(r);
    send_at[p] = out_bytes;
    receive_at[p] = in_bytes;
    if (r != comm.rank()) {
      for (const Range& want : wants(r))
        if (const Range rows = common(want, own); rows.size() > 0) {
          sent.push_back(rows);
          send[p] += rows.size() * row_bytes_;
        }
      for (const Range& want : here)
        if (const Range rows = common(want, x.distribution().rows_of(r)); rows.size() > 0) {
          received.push_back(rows);
          receive[p] += rows.size() * row_bytes_;
        }
    }
    out_bytes += send[p];
    in_bytes += receive[p];
  }
  std::vector<std::byte> packed;
  together(comm, [&] {
    packed.resize(static_cast<std::size_t>(out_bytes));
    others_.resize(static_cast<std::size_t>(in_bytes));
  });
  std::byte* to = packed.data();
  for (const Range& rows : sent) {
    const std::int64_t bytes = rows.size() * row_bytes_;
    std::memcpy(to, mine + (rows.begin - own.begin) * row_bytes_, static_cast<std::size_t>(bytes));
    to += bytes;
  }
  comm.all_to_all_v(packed.data(), send, send_at, others_.data(), receive, receive_at);
  const std::byte* at = others_.data();
  for (const Range& rows : received) {
    parts_.push_back({rows, at});
    at += rows.size() * row_bytes_;
  }
  std::sort(parts_.begin(), parts_.end(),
            [](const Part& a, const Part& b) { return a.rows.begin < b.rows.begin; });
}

const std::byte* Window::row(std::int64_t i) const {
  const auto part =
      std::upper_bound(parts_.begin(), parts_.end(), i,
                       [](std::int64_t row, const Part& p) { return row < p.rows.end; });
  return part->at + (i - part->rows.begin) * row_bytes_;
}

}  // namespace tessera::ndimage
