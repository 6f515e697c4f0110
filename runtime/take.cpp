#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <type_traits>

#include <fmt/format.h>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/exchange.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/stream.hpp>

namespace tessera {
namespace {

using Kind = Distribution::Kind;

std::size_t bytes_per_row(const Shape& shape, DType dtype) {
  return static_cast<std::size_t>(elements_per_row(shape)) * size_of(dtype);
}

// Replicated rows, of which each process has filled those that it owns: a process sends its own
// packed, and all put them in place.
void share_rows(const Array& out, const Distribution& of, std::span<const std::int64_t> indices) {
  const auto& comm = out.comm();
  if (of.kind() != Kind::rows || comm.size() == 1) return;
  const std::size_t width = bytes_per_row(out.shape(), out.dtype());
  const auto row = [&](std::size_t i) {
    return static_cast<std::byte*>(out.local().data) + i * width;
  };
  std::vector<std::vector<std::size_t>> owned(static_cast<std::size_t>(comm.size()));
  for (std::size_t i = 0; i < indices.size(); ++i)
    owned[static_cast<std::size_t>(of.owner_of_row(indices[i]))].push_back(i);
  std::vector<std::int64_t> bytes;
  for (const auto& some : owned) bytes.push_back(static_cast<std::int64_t>(some.size() * width));
  const auto& own = owned[static_cast<std::size_t>(comm.rank())];
  Buffer mine;
  Buffer all;
  together(comm, [&] {
    mine = Buffer(own.size() * width);
    all = Buffer(indices.size() * width);
  });
  for (std::size_t k = 0; k < own.size(); ++k)
    std::memcpy(mine.data() + k * width, row(own[k]), width);
  comm.all_gather_v({mine.data(), own.size() * width}, bytes, {all.data(), indices.size() * width});
  const std::byte* at = all.data();
  for (const auto& some : owned)
    for (const std::size_t i : some) {
      std::memcpy(row(i), at, width);
      at += width;
    }
}

}  // namespace

Array take_rows(const Array& x, std::span<const std::int64_t> indices) {
  detail::check_row_indices(x.shape(), indices);
  if (x.distribution().kind() == Kind::block_cyclic)
    return take_rows(redistribute(x, row_distribution(x.shape(), x.comm())), indices);
  const Shape shape = with_rows(x.shape(), std::ssize(indices));
  const Array out =
      detail::allocate(shape, x.dtype(), replicated_distribution(shape, x.comm()), x.comm());
  const Range mine = x.local_rows();
  together(x.comm(), [&] {
    Stream stream(x.device());
    for (std::size_t i = 0; i < indices.size(); ++i)
      if (indices[i] >= mine.begin && indices[i] < mine.end)
        copy(stream, x.local().slice(indices[i] - mine.begin, 1),
             out.local().slice(static_cast<std::int64_t>(i), 1));
    stream.synchronize();
  });
  share_rows(out, x.distribution(), indices);
  return out.with(x.names());
}

Array take_rows(const Rows& rows, std::span<const std::int64_t> indices) {
  if (rows.array()) return take_rows(*rows.array(), indices);
  const Rows x = rows.to(cpu);
  detail::check_row_indices(x.shape(), indices);
  const Shape shape = with_rows(x.shape(), std::ssize(indices));
  const Array out =
      detail::allocate(shape, x.dtype(), replicated_distribution(shape, x.comm()), x.comm());
  const std::size_t width = bytes_per_row(shape, x.dtype());
  // Only the leaves that hold one of the rows are read.
  const Range mine = x.distribution().leaves_of(x.comm().rank());
  std::set<std::int64_t> wanted;
  for (const auto i : indices)
    if (const auto leaf = i / x.distribution().leaf_rows(); leaf >= mine.begin && leaf < mine.end)
      wanted.insert(leaf);
  const std::vector<std::int64_t> leaves(wanted.begin(), wanted.end());
  together(x.comm(), [&] {
    x.visit_leaves(leaves, [&](const Leaf& leaf, Stream&) {
      for (std::size_t i = 0; i < indices.size(); ++i)
        if (indices[i] >= leaf.rows.begin && indices[i] < leaf.rows.end)
          std::memcpy(static_cast<std::byte*>(out.local().data) + i * width,
                      leaf.tile.slice(indices[i] - leaf.rows.begin, 1).data, width);
    });
  });
  share_rows(out, x.distribution(), indices);
  return out.with(x.names());
}

Array take(const Array& x, const Array& indices) {
  return detail::take_parts(x, 1, indices)
      .reshape(with_rows(x.shape(), indices.rows()))
      .with(x.names());
}

Array detail::take_parts(const Array& given, std::int64_t parts, const Array& indices) {
  if (indices.ndim() != 1 || indices.dtype() != DType::int64)
    throw ValueError(fmt::format("take needs a vector of int64 row numbers, got {} of shape {}",
                                 name_of(indices.dtype()), to_string(indices.shape())));
  if (given.ndim() < 1) throw ValueError("an array of shape () has no rows to take");
  const auto& comm = given.comm();
  const Array x = redistribute(given.to(cpu), row_distribution(given.shape(), comm));
  const Array wanted = redistribute(indices.to(cpu), row_distribution(indices.shape(), comm));
  const auto n = static_cast<std::size_t>(wanted.local().rows);
  const auto* index = wanted.local().as<const std::int64_t>();
  const std::int64_t width_of_part = parts == 0 ? 0 : x.cols() / parts;
  together(comm, [&] { check_row_indices({x.rows() * parts, width_of_part}, {index, n}); });

  // Requests in the order of the owners' ranks, and back to where they came from.
  const auto each = [](std::size_t count, const auto& f) {
    constexpr std::size_t share = 1 << 14;
    const auto shares = static_cast<std::int64_t>((count + share - 1) / share);
    parallel_for({0, shares}, shares < 2 ? 1 : Runtime::threads(), [&](std::int64_t s, Stream&) {
      const std::size_t begin = static_cast<std::size_t>(s) * share;
      for (std::size_t k = begin; k < std::min(count, begin + share); ++k) f(k);
    });
  };
  Dealt by_owner;
  Buffer requests, asked, answers, rows;
  together(comm, [&] {
    requests = Buffer(n * sizeof(std::int64_t));
    auto* row = reinterpret_cast<std::int64_t*>(requests.data());
    each(parts == 1 ? 0 : n, [&](std::size_t k) { row[k] = index[k] / parts; });
    by_owner = dealt(x.distribution(), {parts == 1 ? index : row, n});
  });
  const auto order = by_owner.order;
  auto* request = reinterpret_cast<std::int64_t*>(requests.data());
  each(n, [&](std::size_t k) { request[k] = index[order[k]]; });
  const Exchange exchange(comm, by_owner.counts);
  const auto wanted_here = static_cast<std::size_t>(exchange.received());
  const std::size_t width = static_cast<std::size_t>(width_of_part) * size_of(x.dtype());
  const Array out = empty({wanted.rows(), width_of_part}, x.dtype(), comm);
  together(comm, [&] {
    asked = Buffer(wanted_here * sizeof(std::int64_t));
    answers = Buffer(wanted_here * width);
    rows = Buffer(n * width);
  });
  auto* ask = reinterpret_cast<std::int64_t*>(asked.data());
  exchange.forward<std::int64_t>({request, n}, std::span(ask, wanted_here));
  const auto* from = static_cast<const std::byte*>(x.local().data);
  auto* to = static_cast<std::byte*>(out.local().data);
  const std::int64_t first = x.local_rows().begin * parts;
  const auto copy_rows = [&](auto w) {
    each(wanted_here, [&, w](std::size_t k) {
      std::memcpy(answers.data() + k * w, from + static_cast<std::size_t>(ask[k] - first) * w, w);
    });
    exchange.back<std::byte>({answers.data(), wanted_here * w}, {rows.data(), n * w}, w);
    each(n, [&, w](std::size_t k) {
      std::memcpy(to + static_cast<std::size_t>(order[k]) * w, rows.data() + k * w, w);
    });
  };
  // A constant width makes a copy one instruction.
  if (width == 8)
    copy_rows(std::integral_constant<std::size_t, 8>{});
  else if (width == 4)
    copy_rows(std::integral_constant<std::size_t, 4>{});
  else
    copy_rows(width);
  return out.to(given.device());
}

}  // namespace tessera
