#include "make.hpp"

#include <functional>

#include <tessera/runtime/random.hpp>

namespace tessera {
namespace {

enum Purpose : std::uint32_t { features = 101, noise = 102, choice = 103, model = 104 };

// Rows given by a function that fills the global rows [range) of a tile.
class Generated : public RowSource {
 public:
  using Fill = std::function<void(Range rows, const Tile& out)>;
  Generated(Shape shape, DType dtype, Fill fill)
      : RowSource(std::move(shape), dtype, Communicator::world()), fill_(std::move(fill)) {}

  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int threads) const override {
    parallel_for({0, leaves.size()}, threads, [&](std::int64_t i, Stream& stream) {
      const std::int64_t leaf = leaves[i];
      const Range rows = distribution().rows_of_leaf(leaf);
      const Buffer memory(static_cast<std::size_t>(rows.size() * cols()) * size_of(dtype()));
      const Tile out{memory.data(), rows.size(), cols(), cols(), dtype(), cpu};
      fill_(rows, out);
      visit({leaf, rows, out}, stream);
    });
  }

 private:
  Fill fill_;
};

Rows generated(Shape shape, DType dtype, Generated::Fill fill) {
  return Rows(std::make_shared<Generated>(std::move(shape), dtype, std::move(fill)));
}

// Sets every element of a floating tile to value(global row, column).
Generated::Fill by_element(std::function<double(std::uint64_t, std::uint64_t)> value) {
  return [value = std::move(value)](Range rows, const Tile& out) {
    visit_floating(out.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < out.rows; ++i)
        for (std::int64_t j = 0; j < out.cols; ++j)
          out.as<T>()[i * out.stride + j] = static_cast<T>(
              value(static_cast<std::uint64_t>(rows.begin + i), static_cast<std::uint64_t>(j)));
    });
  };
}

}  // namespace

DataSet make_blobs(const MakeOptions& o) {
  const auto cols = static_cast<std::uint64_t>(o.cols);
  const auto label = [random = Random(o.random_state, choice),
                      k = static_cast<std::uint64_t>(o.centers)](std::uint64_t row) {
    return random.integer(row, k);
  };
  const auto value = [label, cols, std = o.cluster_std, spread = Random(o.random_state, features),
                      centers = Random(o.random_state, model)](std::uint64_t row,
                                                               std::uint64_t col) {
    return 20.0 * centers.uniform(label(row) * cols + col) - 10.0 +
           std * spread.normal(row * cols + col);
  };
  const auto labels = [label](Range rows, const Tile& out) {
    for (std::int64_t i = 0; i < out.rows; ++i)
      out.as<std::int32_t>()[i] =
          static_cast<std::int32_t>(label(static_cast<std::uint64_t>(rows.begin + i)));
  };
  return {generated({o.rows, o.cols}, o.dtype, by_element(value)),
          generated({o.rows}, DType::int32, labels)};
}

DataSet make_regression(const MakeOptions& o) {
  const auto cols = static_cast<std::uint64_t>(o.cols);
  const auto targets = static_cast<std::uint64_t>(o.targets);
  const auto x = [cols, random = Random(o.random_state, features)](std::uint64_t row,
                                                                   std::uint64_t col) {
    return random.normal(row * cols + col);
  };
  const auto y = [x, cols, targets, scale = o.noise, coefficients = Random(o.random_state, model),
                  error = Random(o.random_state, noise)](std::uint64_t row, std::uint64_t target) {
    double v = scale * error.normal(row * targets + target);
    for (std::uint64_t j = 0; j < cols; ++j)
      v += x(row, j) * 100.0 * coefficients.uniform(target * cols + j);
    return v;
  };
  return {
      generated({o.rows, o.cols}, o.dtype, by_element(x)),
      generated(o.targets == 1 ? Shape{o.rows} : Shape{o.rows, o.targets}, o.dtype, by_element(y))};
}

}  // namespace tessera
