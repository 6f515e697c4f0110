#include <algorithm>
#include <array>
#include <cstring>
#include <set>

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

Array take(const Array& given, const Array& indices) {
  if (indices.ndim() != 1 || indices.dtype() != DType::int64)
    throw ValueError(fmt::format("take needs a vector of int64 row numbers, got {} of shape {}",
                                 name_of(indices.dtype()), to_string(indices.shape())));
  if (given.ndim() < 1) throw ValueError("an array of shape () has no rows to take");
  const auto& comm = given.comm();
  const Array x = redistribute(given.to(cpu), row_distribution(given.shape(), comm));
  const Array wanted = redistribute(indices.to(cpu), row_distribution(indices.shape(), comm));
  const auto n = static_cast<std::size_t>(wanted.local().rows);
  const auto* index = wanted.local().as<const std::int64_t>();
  together(comm, [&] { detail::check_row_indices(x.shape(), {index, n}); });

  // Requests in the order of the owners' ranks, and back to where they came from.
  std::vector<std::int64_t> counts(static_cast<std::size_t>(comm.size()), 0);
  std::vector<std::size_t> order(n);
  std::vector<std::int64_t> requests(n);
  std::vector<std::int64_t> ends;  // a search among few of them is faster than dividing
  for (int r = 0; r + 1 < comm.size(); ++r) ends.push_back(x.distribution().rows_of(r).end);
  const auto owner = [&](std::size_t i) {
    return static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), index[i]) -
                                    ends.begin());
  };
  for (std::size_t i = 0; i < n; ++i) ++counts[owner(i)];
  std::vector<std::int64_t> at(counts.size(), 0);
  for (std::size_t r = 1; r < at.size(); ++r) at[r] = at[r - 1] + counts[r - 1];
  for (std::size_t i = 0; i < n; ++i) order[static_cast<std::size_t>(at[owner(i)]++)] = i;
  for (std::size_t k = 0; k < n; ++k) requests[k] = index[order[k]];

  const Exchange exchange(comm, counts);
  const auto asked = exchange.forward<std::int64_t>(requests);
  const std::size_t width = bytes_per_row(x.shape(), x.dtype());
  std::vector<std::byte> answers;
  const Array out = empty(with_rows(x.shape(), wanted.rows()), x.dtype(), comm);
  together(comm, [&] { answers.resize(asked.size() * width); });
  for (std::size_t k = 0; k < asked.size(); ++k)
    std::memcpy(answers.data() + k * width,
                x.local().slice(asked[k] - x.local_rows().begin, 1).data, width);
  const auto rows = exchange.back<std::byte>(answers, width);
  for (std::size_t k = 0; k < n; ++k)
    std::memcpy(static_cast<std::byte*>(out.local().data) + order[k] * width,
                rows.data() + k * width, width);
  return out.with(given.names()).to(given.device());
}

}  // namespace tessera
