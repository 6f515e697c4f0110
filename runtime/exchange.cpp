#include <tessera/runtime/exchange.hpp>

#include <algorithm>
#include <numeric>

namespace tessera {
namespace {

std::vector<std::int64_t> offsets(const std::vector<std::int64_t>& counts) {
  std::vector<std::int64_t> at(counts.size() + 1, 0);
  std::partial_sum(counts.begin(), counts.end(), at.begin() + 1);
  return at;
}

}  // namespace

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

}  // namespace tessera
