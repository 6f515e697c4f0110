#include <tessera/array/sets.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/keys.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/array/sort.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/array/unique.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/exchange.hpp>

namespace tessera {
namespace {

Array vector_of(const Array& x) { return reshape(detail::in_rows(x), {x.size()}); }

Array by_rows(const Array& x) { return redistribute(x, row_distribution(x.shape(), x.comm())); }

// Zeros as one, so that equal elements have one key.
Array with_one_zero(const Array& x) {
  return is_floating(x.dtype()) || is_complex(x.dtype()) ? x + 0.0 : x;
}

template <class Key, bool floats>
void search(detail::KeyOrder<Key, floats> order, const Array& sorted, const Array& values,
            bool right, const Array& out) {
  const auto& comm = sorted.comm();
  std::vector<Key> mine(static_cast<std::size_t>(sorted.local().rows));
  const auto key_of = [=](Key bits) { return order.key(bits); };
  std::transform(sorted.local().as<const Key>(), sorted.local().as<const Key>() + mine.size(),
                 mine.begin(), key_of);
  const auto place = [&](const std::vector<Key>& keys, Key key) {
    const auto at = right ? std::upper_bound(keys.begin(), keys.end(), key)
                          : std::lower_bound(keys.begin(), keys.end(), key);
    return at - keys.begin();
  };
  // A needle's place is on the first process whose last element is not before it.
  struct Last {
    Key key;
    bool any;
  };
  const auto lasts = comm.all_gather(Last{mine.empty() ? Key{} : mine.back(), !mine.empty()});
  std::vector<Key> last_keys;
  std::vector<int> owners;
  for (std::size_t r = 0; r < lasts.size(); ++r)
    if (lasts[r].any) {
      last_keys.push_back(lasts[r].key);
      owners.push_back(static_cast<int>(r));
    }
  const auto n = static_cast<std::size_t>(values.local().rows);
  const Key* needles = values.local().as<const Key>();
  const auto owner = [&](std::size_t i) {
    const auto block = static_cast<std::size_t>(place(last_keys, key_of(needles[i])));
    return static_cast<std::size_t>(block < owners.size() ? owners[block] : 0);
  };
  std::vector<std::int64_t> counts(lasts.size(), 0), at(lasts.size(), 0);
  for (std::size_t i = 0; i < n; ++i) ++counts[owner(i)];
  for (std::size_t r = 1; r < at.size(); ++r) at[r] = at[r - 1] + counts[r - 1];
  std::vector<Key> asked(n);
  std::vector<std::size_t> from(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto to = static_cast<std::size_t>(at[owner(i)]++);
    asked[to] = key_of(needles[i]);
    from[to] = i;
  }
  const Exchange exchange(comm, counts);
  const auto there = exchange.template forward<Key>(asked);
  std::vector<std::int64_t> answers(there.size());
  const std::int64_t before = sorted.local_rows().begin;
  for (std::size_t i = 0; i < there.size(); ++i) {
    // What is beyond all elements was sent to process 0.
    const bool beyond = last_keys.empty() || place(last_keys, there[i]) == std::ssize(last_keys);
    answers[i] = beyond ? sorted.rows() : before + place(mine, there[i]);
  }
  const auto back = exchange.template back<std::int64_t>(answers);
  for (std::size_t i = 0; i < n; ++i) out.local().as<std::int64_t>()[from[i]] = back[i];
}

}  // namespace

Array searchsorted(const Array& given, const Array& given_values, std::string_view side,
                   const Array& sorter) {
  if (side != "left" && side != "right")
    throw ValueError(fmt::format("side must be 'left' or 'right', got '{}'", side));
  if (given.ndim() != 1)
    throw ValueError(fmt::format("searchsorted needs a sorted vector, got an array of shape {}",
                                 to_string(given.shape())));
  detail::common_communicator("searchsorted", std::array{given, given_values});
  const DType dtype = promote(given.dtype(), given_values.dtype());
  const Array sorted = by_rows(
      with_one_zero(detail::in_rows(sorter ? take(given, sorter, 0) : given).astype(dtype)));
  const Array values =
      by_rows(vector_of(with_one_zero(detail::in_rows(given_values).astype(dtype))));
  const Array out =
      detail::room_for(values.shape(), DType::int64, values.distribution(), values.comm());
  detail::visit_ordered("searchsorted", dtype,
                        [&](auto order) { search(order, sorted, values, side == "right", out); });
  const Array found = reshape(out, given_values.shape());
  const bool replicated = detail::is_replicated(given_values);
  return redistribute(found, detail::settled(found.shape(), replicated, found.comm()))
      .to(given_values.device());
}

Array isin(const Array& given, const Array& given_elements, bool invert) {
  const DType dtype = promote(given.dtype(), given_elements.dtype());
  const Array x = detail::in_rows(given).astype(dtype);
  const Array elements = sort(vector_of(detail::in_rows(given_elements).astype(dtype)));
  if (elements.size() == 0) {
    const Array none = not_equal(x, x) & equal(x, x);
    return (invert ? logical_not(none) : none).to(given.device());
  }
  const Array flat = vector_of(x);
  const Array place = minimum(searchsorted(elements, flat), elements.size() - 1);
  const Array found = reshape(take(elements, place, 0) == flat, x.shape());
  return (invert ? logical_not(found) : found).to(given.device());
}

UniqueAll unique_all(const Array& given) {
  const Array x = by_rows(vector_of(with_one_zero(detail::in_rows(given))));
  const auto& comm = x.comm();
  Array order = is_complex(x.dtype()) ? argsort(imag(x)) : argsort(x);
  if (is_complex(x.dtype())) order = take(order, argsort(real(take(x, order, 0))), 0);
  const Array sorted = take(x, order, 0);
  // Which elements, in order, differ from the one before; NaN does.
  Array first = not_equal(sorted, sorted);
  if (x.size() > 0) {
    const std::array parts = {
        reshape(Scalar(true).array(DType::boolean, comm), {1}),
        not_equal(index(sorted, {Slice{1, {}}}), index(sorted, {Slice{{}, -1}}))};
    first = concat(parts);
  }
  UniqueAll out;
  const Index some = first;
  out.values = index(sorted, std::span(&some, 1));
  out.indices = index(order, std::span(&some, 1));
  out.counts =
      diff(nonzero(first)[0], 0, 1, {}, reshape(Scalar(x.size()).array(DType::int64, comm), {1}));
  // The group of each element in order, put back where the element was.
  const Array group = cumulative_sum(first, 0) - 1;
  out.inverse = reshape(take(group, argsort(order), 0), given.shape());
  for (Array* one : {&out.values, &out.indices, &out.counts, &out.inverse})
    *one = one->to(given.device());
  return out;
}

Array unique_values(const Array& given) {
  if (is_complex(given.dtype())) return unique_all(given).values;
  const Array x = detail::in_rows(given);
  const Array values = unique(x).values;  // in which NaN is one, and the last
  const auto has_nan = [&] { return values.rows() > 0 && isnan(index(values, {-1})).at<bool>({}); };
  if (!is_floating(x.dtype()) || !has_nan()) return values.to(given.device());
  const std::int64_t more = count_nonzero(isnan(x)).at<std::int64_t>({}) - 1;
  const Array nan = Scalar(std::numeric_limits<double>::quiet_NaN()).array(x.dtype(), x.comm());
  const std::array parts = {values, broadcast_to(nan, {more})};
  return concat(parts).to(given.device());
}

}  // namespace tessera
