// Every reduction, one element after another.
#include <tessera/array/kernels/reference/reductions.hpp>

namespace tessera::on_reference {
namespace {

struct Blocks {
  template <class A, class T>
  static void run(const Tile& x, std::int64_t n, reductions::Start start, const Tile& out) {
    for (std::int64_t block = 0; block < out.rows; ++block) {
      auto* all = static_cast<A*>(out.slice(block, 1).data);
      const std::int64_t first = start.of(block);
      for (std::int64_t i = 0; i < n; ++i) {
        const T* row = x.slice(block * n + i, 1).as<const T>();
        for (std::int64_t j = 0; j < x.cols; ++j)
          i == 0 ? all[j].first(row[j], first) : all[j].add(row[j], first + i);
      }
    }
  }
};

}  // namespace

void implement_reductions(Backend& backend, const reductions::Operations& operations) {
  reductions::implement<Blocks>(backend, operations, reductions::All{});
}

}  // namespace tessera::on_reference
