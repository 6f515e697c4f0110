#pragma once
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tessera/runtime/archive.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera {

/// What a reduction carries: default-constructible, absorbs its right neighbour with merge, and
/// travels between processes by its member template serialize(Archive&); see Packer.
template <class P>
concept Partial = std::default_initializable<P> && std::movable<P> && requires(P a, P b) {
  a.merge(std::move(b));
};

namespace detail {

/// A partial of some type, and what is done with all of that type.
using AnyPartial = std::shared_ptr<void>;
struct PartialType {
  void (*merge)(void* left, void* right);
  void (*pack)(const void* partial, Packer& archive);
  AnyPartial (*unpack)(Unpacker& archive);
};
template <Partial P>
inline constexpr PartialType partial_type = {
    [](void* left, void* right) {
      static_cast<P*>(left)->merge(std::move(*static_cast<P*>(right)));
    },
    [](const void* partial, Packer& archive) { archive(*static_cast<const P*>(partial)); },
    [](Unpacker& archive) -> AnyPartial {
      auto partial = std::make_shared<P>();
      archive(*partial);
      return partial;
    }};
/// reduce() for partials of one type; null for an array without rows.
AnyPartial reduce(const Rows& x, const PartialType& type,
                  const std::function<AnyPartial(const Leaf&, Stream&)>& kernel);

/// Runs `work` on rank 0 and hands its bytes to the others; rank 0 gets an empty string.
/// Collective.
std::string bytes_of_root(const Communicator& comm, const std::function<std::string()>& work);
/// Most leaves that a device's kernel gets at once. Only tests lower it.
void limit_runs(std::int64_t leaves);
/// Partials of at least so many values climb by slices. Only tests change it.
void slice_from(std::int64_t values);

}  // namespace detail

/// Runs `work` on one process and hands its result to all: how the small replicated solves stay
/// the same bits everywhere. Errors are agreed. Collective. T travels as a partial does.
template <class T>
T on_root(const Communicator& comm, const std::function<T()>& work) {
  T value{};
  const std::string bytes = detail::bytes_of_root(comm, [&] {
    value = work();
    return comm.size() > 1 ? detail::to_bytes(value) : std::string();
  });
  return comm.rank() == 0 ? std::move(value) : detail::from_bytes<T>(bytes);
}

/// merge_tree(kernel(leaf_0), kernel(leaf_1), ...) on every process: kernel(leaf, stream) gives a
/// partial in host memory for one leaf, on several threads at once, and partials are merged in a
/// binary tree fixed over the leaf index. The result is the same bits for any number of processes
/// and threads. Collective; what a kernel or a merge throws is thrown on every process. P{} for an
/// array without rows.
///
/// Each process merges the subtrees inside its own run of leaves; the roots of these, at most
/// 2 log2(leaves per process) of them, travel up a binomial tree of processes.
template <Partial P>
P reduce(const Rows& x, const std::function<P(const Leaf&, Stream&)>& kernel) {
  const auto result = detail::reduce(
      x, detail::partial_type<P>,
      [&](const Leaf& leaf, Stream& stream) { return std::make_shared<P>(kernel(leaf, stream)); });
  return result ? std::move(*static_cast<P*>(result.get())) : P{};
}

/// Fills `out` (one row per leaf of the run, float64, on its device) with the partials of the
/// leaves of a run, as the leaf kernels of linalg do.
using LeafPartials = std::function<void(const Leaf& run, const Tile& out, Stream&)>;
/// Row i of `left` absorbs row i of `right`.
using MergePartials = Operation<void(Stream&, const Tile& left, const Tile& right)>;

/// How partials that are float64 values merge, and whether each value can without the others.
struct Merging {
  /// Merges whole partials only.
  static Merging whole(const MergePartials& merge);
  /// Merges each value alone, as addition does.
  static Merging by_value(const MergePartials& merge);

  /// Row i of `left` absorbs row i of `right`. Of the partials the tiles have the header and a
  /// slice of what follows: values [first, first + columns - header) of that.
  std::function<void(Stream&, std::int64_t first, const Tile& left, const Tile& right)> merge;
  std::int64_t header = 0;  ///< values at the start that every slice needs
  std::int64_t grain = 0;   ///< slices are of multiples of so many values; 0: there are none
};

/// The same for partials that are `size` float64 values each, computed and merged where the rows
/// lie: on a device many leaves at a time, without copying partials to the host, and from device to
/// device where the processes' devices are linked. Values on every process; zeros for an array
/// without rows. The same bits for any number of devices of one kind.
///
/// On CPUs, large partials that can be sliced do not climb whole: every process merges a slice of
/// them, so that each sends and receives about 2 size values for every node of the tree that covers
/// a process's leaves, instead of log2(processes) times that.
AlignedVector<double> reduce(const Rows& x, std::int64_t size, const LeafPartials& kernel,
                             const Merging& merging);

/// A partial made of one vector that is added element by element.
struct Sums {
  std::vector<double> values;
  void merge(const Sums& right) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += right.values[i];
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values);
  }
};

}  // namespace tessera
