#include <tessera/runtime/communicator.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include <tessera/runtime/exchange.hpp>
#include <tessera/runtime/mpi.hpp>
#include <tessera/runtime/visit.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

using test::sample;

constexpr std::int64_t default_limit = 1 << 30;
const std::vector<std::int64_t> limits = {1, 3, 7, default_limit};

// Restores the limit also when a test fails.
struct CountLimit {
  explicit CountLimit(std::int64_t elements) { Communicator::limit_count(elements); }
  ~CountLimit() { Communicator::limit_count(default_limit); }
};

Communicator world() { return Communicator::world(); }

template <class F>
void for_every_dtype(F f) {
  for (int i = 0; i < dtype_count; ++i) visit(static_cast<DType>(i), f);
}

// std::vector<bool> is not an array of bool.
template <class T>
struct Elements {
  explicit Elements(std::size_t n) : data(new T[n]()), count(n) {}
  std::unique_ptr<T[]> data;
  std::size_t count;
  std::span<T> span() { return {data.get(), count}; }
};

TEST(Communicator, KnowsRankAndSize) {
  int rank = -1;
  int size = -1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  EXPECT_EQ(world().rank(), rank);
  EXPECT_EQ(world().size(), size);
  EXPECT_EQ(Communicator::self().rank(), 0);
  EXPECT_EQ(Communicator::self().size(), 1);
  EXPECT_EQ(mpi::native(world()), MPI_COMM_WORLD);
}

TEST(Communicator, HandlesOnTheSameGroupAreEqual) {
  const Communicator a = world();
  const Communicator copy = a;
  EXPECT_TRUE(a == copy);
  EXPECT_TRUE(world() == world());
  EXPECT_FALSE(world() == Communicator::self());
  EXPECT_FALSE(a.dup() == a);
}

TEST(Communicator, BroadcastsEveryDtypeFromEveryRootInPieces) {
  for (const auto limit : limits) {
    const CountLimit limited(limit);
    for (int root = 0; root < world().size(); ++root)
      for (const std::size_t n : {0, 1, 2, 5, 64})
        for_every_dtype([&](auto tag) {
          using T = typename decltype(tag)::type;
          Elements<T> data(n);
          const auto at = [&](std::size_t i) {
            return sample<T>(static_cast<std::int64_t>(i) + root);
          };
          if (world().rank() == root)
            for (std::size_t i = 0; i < n; ++i) data.span()[i] = at(i);
          world().broadcast(data.span(), root);
          for (std::size_t i = 0; i < n; ++i)
            ASSERT_EQ(data.span()[i], at(i)) << name_of(dtype_of<T>) << " limit " << limit;
        });
  }
}

TEST(Communicator, BroadcastsStrings) {
  for (const auto limit : limits) {
    const CountLimit limited(limit);
    for (int root = 0; root < world().size(); ++root)
      for (const std::string& text : {std::string(), std::string("short"),
                                      std::string("nul\0inside", 10), std::string(1001, 'x')}) {
        std::string mine = world().rank() == root ? text : "something of another length";
        world().broadcast(mine, root);
        ASSERT_EQ(mine, text);
      }
  }
}

TEST(Communicator, ReducesEveryRealDtypeInPieces) {
  const int size = world().size();
  const int rank = world().rank();
  // Small values, so that a sum fits in int8: rank r has (i + r) % 5 + r.
  const auto value = [](std::size_t i, int r) { return static_cast<int>(i % 5 + r) % 5 + r; };
  for (const auto limit : limits) {
    const CountLimit limited(limit);
    for (const std::size_t n : {0, 1, 2, 5, 64})
      for_every_dtype([&](auto tag) {
        using T = typename decltype(tag)::type;
        if constexpr (!test::is_complex_type<T>::value && !std::is_same_v<T, bool>) {
          for (const Reduce operation : {Reduce::sum, Reduce::min, Reduce::max}) {
            std::vector<T> data(n);
            for (std::size_t i = 0; i < n; ++i) data[i] = static_cast<T>(value(i, rank));
            world().all_reduce(std::span(data), operation);
            for (std::size_t i = 0; i < n; ++i) {
              int expected = value(i, 0);
              for (int r = 1; r < size; ++r)
                expected = operation == Reduce::sum   ? expected + value(i, r)
                           : operation == Reduce::min ? std::min(expected, value(i, r))
                                                      : std::max(expected, value(i, r));
              ASSERT_EQ(data[i], static_cast<T>(expected))
                  << name_of(dtype_of<T>) << ' ' << i << " of " << n << " limit " << limit;
            }
          }
        }
      });
  }
}

TEST(Communicator, ReducesExtremeValuesWithTheRightType) {
  const bool first = world().rank() == 0;
  std::vector<std::uint64_t> u = {first ? std::numeric_limits<std::uint64_t>::max() : 1};
  world().all_reduce(std::span(u), Reduce::max);
  EXPECT_EQ(u[0], std::numeric_limits<std::uint64_t>::max());
  std::vector<std::int8_t> s = {first ? std::int8_t{-128} : std::int8_t{127}};
  world().all_reduce(std::span(s), Reduce::min);
  EXPECT_EQ(s[0], -128);
  std::vector<double> f = {first ? -1e300 : 1e-300};
  world().all_reduce(std::span(f), Reduce::min);
  EXPECT_EQ(f[0], -1e300);
}

TEST(Communicator, SumsComplexNumbers) {
  std::vector<std::complex<float>> c = {{1, static_cast<float>(world().rank())}};
  world().all_reduce(std::span(c), Reduce::sum);
  const auto n = static_cast<float>(world().size());
  EXPECT_EQ(c[0], std::complex<float>(n, n * (n - 1) / 2));
  std::vector<std::complex<double>> z = {{1, -2}};
  world().all_reduce(std::span(z), Reduce::sum);
  EXPECT_EQ(z[0], std::complex<double>(n, -2 * n));
}

TEST(Communicator, ReducesBooleansAsLogic) {
  const bool last = world().rank() == world().size() - 1;
  const bool alone = world().size() == 1;
  std::array<bool, 3> any = {last, false, true};
  world().all_reduce(std::span(any), Reduce::max);
  EXPECT_EQ(any, (std::array<bool, 3>{true, false, true}));
  std::array<bool, 3> all = {last, false, true};
  world().all_reduce(std::span(all), Reduce::min);
  EXPECT_EQ(all, (std::array<bool, 3>{alone, false, true}));
  std::array<bool, 3> sum = {last, false, true};
  world().all_reduce(std::span(sum), Reduce::sum);
  EXPECT_EQ(sum, (std::array<bool, 3>{true, false, true}));
}

TEST(Communicator, GathersOneValuePerRank) {
  struct Facts {
    std::int64_t a;
    double b;
  };
  const auto all = world().all_gather(Facts{world().rank() * 10, world().rank() / 4.0});
  ASSERT_EQ(all.size(), static_cast<std::size_t>(world().size()));
  for (int r = 0; r < world().size(); ++r) {
    EXPECT_EQ(all[static_cast<std::size_t>(r)].a, r * 10);
    EXPECT_EQ(all[static_cast<std::size_t>(r)].b, r / 4.0);
  }
}

TEST(Communicator, GathersPiecesOfDifferentLength) {
  const int size = world().size();
  for (const auto limit : limits) {
    const CountLimit limited(limit);
    for (const int shift : {0, 1, 2}) {
      std::vector<std::int64_t> bytes;  // some are zero, for shift 0 that of rank 0
      for (int r = 0; r < size; ++r) bytes.push_back((r + shift) * 7 % 3 * 5);
      const auto total = std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0});
      const auto byte = [](int r, std::int64_t i) {
        return static_cast<std::byte>(sample<std::uint8_t>(r * 1000 + i));
      };
      std::vector<std::byte> mine;
      for (std::int64_t i = 0; i < bytes[static_cast<std::size_t>(world().rank())]; ++i)
        mine.push_back(byte(world().rank(), i));
      std::vector<std::byte> all(static_cast<std::size_t>(total));
      world().all_gather_v(mine, bytes, all);
      std::size_t at = 0;
      for (int r = 0; r < size; ++r)
        for (std::int64_t i = 0; i < bytes[static_cast<std::size_t>(r)]; ++i)
          ASSERT_EQ(all[at++], byte(r, i)) << "from rank " << r << ", limit " << limit;
    }
  }
}

TEST(Communicator, ExchangesPiecesOfDifferentLength) {
  const auto size = static_cast<std::size_t>(world().size());
  const auto me = static_cast<std::size_t>(world().rank());
  const auto length = [](std::size_t from, std::size_t to) {
    return static_cast<std::int64_t>((from * 3 + to * 5) % 4 * 9);
  };
  const auto byte = [](std::size_t from, std::size_t to, std::int64_t i) {
    return static_cast<std::byte>(
        sample<std::uint8_t>(static_cast<std::int64_t>(from * 10000 + to * 100) + i));
  };
  constexpr auto untouched = std::byte{0xee};
  for (const auto limit : limits) {
    const CountLimit limited(limit);
    // A byte between the pieces on both sides shows whether offsets are kept.
    std::vector<std::byte> send;
    std::vector<std::int64_t> send_bytes, send_at, receive_bytes, receive_at;
    std::int64_t end = 1;
    for (std::size_t r = 0; r < size; ++r) {
      send_bytes.push_back(length(me, r));
      send_at.push_back(static_cast<std::int64_t>(send.size()));
      for (std::int64_t i = 0; i < length(me, r); ++i) send.push_back(byte(me, r, i));
      send.push_back(untouched);
      receive_bytes.push_back(length(r, me));
      receive_at.push_back(end);
      end += length(r, me) + 1;
    }
    std::vector<std::byte> receive(static_cast<std::size_t>(end), untouched);
    world().all_to_all_v(send.data(), send_bytes, send_at, receive.data(), receive_bytes,
                         receive_at);
    ASSERT_EQ(receive[0], untouched);
    for (std::size_t r = 0; r < size; ++r) {
      const auto at = static_cast<std::size_t>(receive_at[r]);
      for (std::int64_t i = 0; i < receive_bytes[r]; ++i)
        ASSERT_EQ(receive[at + static_cast<std::size_t>(i)], byte(r, me, i))
            << "from rank " << r << ", limit " << limit;
      ASSERT_EQ(receive[at + static_cast<std::size_t>(receive_bytes[r])], untouched);
    }
  }
}

TEST(Communicator, ExchangesNothingAtAll) {
  const std::vector<std::int64_t> none(static_cast<std::size_t>(world().size()), 0);
  world().all_to_all_v(nullptr, none, none, nullptr, none, none);
  world().all_gather_v({}, none, {});
  EXPECT_TRUE(test::all_of(world(), true));
}

TEST(Communicator, SendsMessagesOfAnyLengthInOrder) {
  for (const auto limit : {std::int64_t{7}, default_limit}) {
    const CountLimit limited(limit);
    const std::vector<std::string> messages = {"", "one", std::string("\0\0", 2),
                                               std::string(5000, 'y'), "last"};
    if (world().rank() == 0) {
      for (int r = 1; r < world().size(); ++r)
        for (const auto& m : messages) world().send(m + std::to_string(r), r);
    } else {
      for (const auto& m : messages)
        EXPECT_EQ(world().receive(0), m + std::to_string(world().rank()));
    }
  }
}

TEST(Communicator, MessagesOfADupNeverMeetTheOriginals) {
  const Communicator other = world().dup();
  EXPECT_EQ(other.rank(), world().rank());
  EXPECT_EQ(other.size(), world().size());
  if (world().size() == 1) GTEST_SKIP() << "needs two processes";
  if (world().rank() == 1) {
    world().send("world", 0);
    other.send("other", 0);
  } else if (world().rank() == 0) {
    EXPECT_EQ(other.receive(1), "other");
    EXPECT_EQ(world().receive(1), "world");
  }
}

TEST(Communicator, SplitsByColorAndOrdersByKey) {
  const int rank = world().rank();
  const Communicator group = world().split(rank % 2, -rank);
  const auto members = group.all_gather(rank);
  std::vector<int> expected;
  for (int r = world().size() - 1; r >= 0; --r)
    if (r % 2 == rank % 2) expected.push_back(r);
  EXPECT_EQ(members, expected);
  EXPECT_EQ(expected[static_cast<std::size_t>(group.rank())], rank);
  std::array<std::int64_t, 1> count = {1};
  group.all_reduce(std::span(count), Reduce::sum);
  EXPECT_EQ(count[0], static_cast<std::int64_t>(expected.size()));
}

TEST(Communicator, BorrowsWithoutFreeingAndAdoptsToFree) {
  MPI_Comm raw = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &raw);
  { const Communicator borrowed = Communicator::borrow(&raw); }
  int size = 0;
  ASSERT_EQ(MPI_Comm_size(raw, &size), MPI_SUCCESS);
  EXPECT_EQ(size, world().size());
  // The last copy frees it: MPI tells through an attribute's delete callback.
  int key = MPI_KEYVAL_INVALID;
  bool freed = false;
  MPI_Comm_create_keyval(
      MPI_COMM_NULL_COPY_FN,
      [](MPI_Comm, int, void* value, void*) {
        *static_cast<bool*>(value) = true;
        return MPI_SUCCESS;
      },
      &key, nullptr);
  MPI_Comm_set_attr(raw, key, &freed);
  {
    Communicator first = Communicator::adopt(&raw);
    { const Communicator copy = first; }
    EXPECT_FALSE(freed);
  }
  EXPECT_TRUE(freed);
  MPI_Comm_free_keyval(&key);
}

TEST(Communicator, FailuresOfMpiAreRuntimeErrorsWithTheirPlace) {
  if (world().size() == 1) GTEST_SKIP() << "one process sends no messages";
  std::array<int, 1> data = {0};
  try {
    world().broadcast(std::span(data), world().size());
    ADD_FAILURE() << "a root outside the communicator was accepted";
  } catch (const RuntimeError& e) {
    const std::string text = e.what();
    EXPECT_TRUE(text.starts_with("MPI: ")) << text;
    EXPECT_NE(text.find("MPI_ERR_ROOT"), std::string::npos) << text;
    EXPECT_NE(text.find("communicator.cpp:"), std::string::npos) << text;
  }
}

// Everybody with everybody, in pieces that lie apart.
TEST(Communicator, ExchangesPiecesOfMemory) {
  const int rank = world().rank(), size = world().size();
  std::vector<std::vector<double>> to(static_cast<std::size_t>(size)), from = to;
  std::vector<detail::Message> send, receive;
  for (int r = 0; r < size; ++r) {
    if (r == rank) continue;
    auto& mine = to[static_cast<std::size_t>(r)];
    auto& theirs = from[static_cast<std::size_t>(r)];
    mine.resize(30);
    for (std::size_t i = 0; i < mine.size(); ++i) mine[i] = rank * 1000 + r * 100 + double(i);
    theirs.assign(40, -1);
    const auto piece = [](std::vector<double>& v, std::size_t first, std::size_t count) {
      return std::as_writable_bytes(std::span(v).subspan(first, count));
    };
    send.push_back({r, {piece(mine, 20, 10), piece(mine, 7, 0), piece(mine, 0, 5)}});
    receive.push_back({r, {piece(theirs, 1, 12), piece(theirs, 30, 3)}});
  }
  detail::exchange(world(), send, receive);
  for (int r = 0; r < size; ++r) {
    if (r == rank) continue;
    const double base = r * 1000 + rank * 100;
    std::vector<double> expected(40, -1);
    for (std::size_t i = 0; i < 10; ++i) expected[1 + i] = base + 20 + double(i);
    for (std::size_t i = 0; i < 5; ++i) expected[i < 2 ? 11 + i : 28 + i] = base + double(i);
    EXPECT_EQ(from[static_cast<std::size_t>(r)], expected) << "from " << r;
  }
}

TEST(Communicator, SumsOverLowerRanks) {
  const int rank = world().rank();
  const auto got = detail::sums_of_lower(world(), {1, rank, -5, std::int64_t{1} << (rank + 40)});
  const std::int64_t below = (std::int64_t{1} << rank) - 1;
  EXPECT_EQ(got, (std::vector<std::int64_t>{rank, rank * (rank - 1) / 2, -5 * rank, below << 40}));
  EXPECT_TRUE(detail::sums_of_lower(world(), {}).empty());
}

}  // namespace
}  // namespace tessera
