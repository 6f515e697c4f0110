#include <algorithm>
#include <cmath>
#include <vector>

#include <tessera/estimators/kernels/cpu/kmeans.hpp>
#include <tessera/estimators/kernels/cpu/linear.hpp>
#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/estimators/kernels/pointwise.hpp>
#include <tessera/linalg/kernels/kernels.hpp>

namespace tessera {
namespace {

using linalg::leaf_of_run;

void assign_nearest(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& centers,
                    const Tile& offset, const Tile& weights, const Tile& labels,
                    const AssignmentParts& parts, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const tessera::on_cpu::PackedCenters<T> packed(centers.as<const T>(), centers.rows,
                                                   centers.cols, offset.as<const T>());
    for (std::int64_t i = 0; i < out.rows; ++i) {
      const Tile leaf = leaf_of_run(x, leaf_rows, i);
      double* sums = out.slice(i, 1).as<double>();
      std::fill_n(sums, parts.size(), 0.0);
      std::int64_t changed = 0;
      tessera::on_cpu::assign_nearest(leaf.as<const T>(), leaf.rows, leaf.stride, packed,
                                      leaf_of_run(weights, leaf_rows, i).template as<const T>(),
                                      leaf_of_run(labels, leaf_rows, i).template as<std::int32_t>(),
                                      parts.sums ? sums : nullptr, sums + parts.counts_at(),
                                      parts.inertia ? sums + parts.inertia_at() : nullptr,
                                      &changed);
      sums[parts.changed_at()] = static_cast<double>(changed);
    }
  });
}

void candidate_potentials(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& candidates,
                          const Tile& weights, const Tile& closest, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < out.rows; ++i) {
      const Tile leaf = leaf_of_run(x, leaf_rows, i);
      double* potentials = out.slice(i, 1).as<double>();
      std::fill_n(potentials, out.cols, 0.0);
      tessera::on_cpu::candidate_potentials(
          leaf.as<const T>(), leaf.rows, leaf.stride, leaf.cols, candidates.as<const T>(),
          candidates.rows, leaf_of_run(weights, leaf_rows, i).template as<const T>(),
          leaf_of_run(closest, leaf_rows, i).template as<const T>(), potentials);
    }
  });
}

void update_closest(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& centers,
                    const Tile& weights, const Tile& closest, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < out.rows; ++i) {
      const Tile leaf = leaf_of_run(x, leaf_rows, i);
      for (std::int64_t c = 0; c < centers.rows; ++c)
        *out.slice(i, 1).as<double>() = tessera::on_cpu::update_closest(
            leaf.as<const T>(), leaf.rows, leaf.stride, leaf.cols,
            centers.slice(c, 1).as<const T>(),
            leaf_of_run(weights, leaf_rows, i).template as<const T>(),
            leaf_of_run(closest, leaf_rows, i).template as<T>());
    }
  });
}

void distances(Stream&, const Tile& x, const Tile& centers, const Tile& out) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    tessera::on_cpu::distances(x.as<const T>(), x.rows, x.stride, centers.as<const T>(),
                               centers.rows, centers.cols, out.as<T>(), out.stride);
  });
}

/// Some rows of a leaf with everything in double: predictors, targets, weights, and what the loss
/// makes of them. Few enough to stay in the cache while x is read a second time.
class LossBlock {
 public:
  LossBlock(const Tile& x, const LinearLoss& loss)
      : loss_(loss),
        k_(loss.outputs),
        p_(x.cols),
        most_(std::clamp<std::int64_t>((std::int64_t{1} << 15) / std::max<std::int64_t>(1, p_), 8,
                                       256)),
        wide_(size(k_ > 1 ? most_ * p_ : 0)),
        u(size(most_ * k_)),
        slope(size(most_ * k_)),
        y(size(most_)),
        weight(size(most_)),
        loss_of(size(most_)),
        curvature(size(most_)),
        scale_slope(size(most_)) {}

  std::int64_t most() const { return most_; }
  std::int64_t rows() const { return x_.rows; }

  /// Takes rows and finds their predictors.
  void load(Stream& stream, const Tile& x, const Tile& given_y, const Tile& weights,
            std::span<const double> coef) {
    x_ = x;
    visit_floating(x.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < x.rows; ++i) {
        y[size(i)] = static_cast<double>(given_y.as<const T>()[i * given_y.stride]);
        weight[size(i)] =
            weights ? static_cast<double>(weights.as<const T>()[i * weights.stride]) : 1.0;
      }
      if (k_ == 1) return;
      for (std::int64_t i = 0; i < x.rows; ++i)
        std::copy_n(x.as<const T>() + i * x.stride, p_, wide_.data() + i * p_);
    });
    predict(stream, coef, u);
  }
  /// The predictors of these rows for other coefficients.
  void predict(Stream& stream, std::span<const double> coef, std::vector<double>& to) const {
    if (k_ == 1)
      return visit_floating(x_.dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        on_cpu::predict_rows(x_.as<const T>(), x_.rows, p_, x_.stride, coef.data(), coef[size(p_)],
                             to.data());
      });
    const Tile out = tile_of(to.data(), x_.rows, k_, k_);
    linalg::kernels().gemm(stream, 1.0, wide(), linalg::Transpose::no,
                           tile_of(coef.data(), k_, p_, p_ + 1), linalg::Transpose::yes, 0.0, out);
    for (std::int64_t i = 0; i < x_.rows; ++i)
      for (std::int64_t c = 0; c < k_; ++c) to[size(i * k_ + c)] += coef[size(c * (p_ + 1) + p_)];
  }
  /// Loss, slope and curvature of every row, but for the weights.
  void evaluate() {
    const std::int64_t n = x_.rows;
    if (loss_.loss == Loss::multinomial) return softmax();
    if (loss_.loss == Loss::logistic)
      return on_cpu::logistic(u.data(), y.data(), n, loss_of.data(), slope.data(),
                              curvature.data());
    for (std::int64_t i = 0; i < n; ++i) {
      const auto at = pointwise(loss_, u[size(i)], y[size(i)]);
      loss_of[size(i)] = at.loss;
      slope[size(i)] = at.slope;
      curvature[size(i)] = at.curvature;
      scale_slope[size(i)] = at.scale_slope;
    }
  }
  /// sum (k x (p + 1)) += g^T [x, 1] for g (rows x k).
  void add_gradient(Stream& stream, const std::vector<double>& g, double* sum) const {
    if (k_ == 1)
      visit_floating(x_.dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        on_cpu::add_rows(x_.as<const T>(), x_.rows, p_, x_.stride, g.data(), sum);
      });
    else
      linalg::kernels().gemm(stream, 1.0, tile_of(g.data(), x_.rows, k_, k_),
                             linalg::Transpose::yes, wide(), linalg::Transpose::no, 1.0,
                             tile_of(sum, k_, p_, p_ + 1));
    for (std::int64_t c = 0; c < k_; ++c) {
      double total = 0.0;
      for (std::int64_t i = 0; i < x_.rows; ++i) total += g[size(i * k_ + c)];
      sum[c * (p_ + 1) + p_] += total;
    }
  }
  /// The class probabilities of multinomial, after evaluate().
  double probability(std::int64_t i, std::int64_t c) const { return u[size(i * k_ + c)]; }

  static std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

 private:
  Tile wide() const { return tile_of(wide_.data(), x_.rows, p_, p_); }
  void softmax() {
    for (std::int64_t i = 0; i < x_.rows; ++i) {
      double* row = u.data() + i * k_;
      const double most = *std::max_element(row, row + k_);
      loss_of[size(i)] = most - row[static_cast<std::int64_t>(y[size(i)])];
      for (std::int64_t c = 0; c < k_; ++c) row[c] -= most;
    }
    on_cpu::exponentials(u.data(), x_.rows * k_);
    for (std::int64_t i = 0; i < x_.rows; ++i) {
      double* row = u.data() + i * k_;
      double sum = 0.0;
      for (std::int64_t c = 0; c < k_; ++c) sum += row[c];
      loss_of[size(i)] += std::log(sum);
      const auto label = static_cast<std::int64_t>(y[size(i)]);
      for (std::int64_t c = 0; c < k_; ++c) {
        row[c] /= sum;
        slope[size(i * k_ + c)] = row[c] - (c == label ? 1.0 : 0.0);
      }
    }
  }

  const LinearLoss& loss_;
  std::int64_t k_, p_, most_;
  Tile x_;
  std::vector<double> wide_;  // x in double, for several predictors

 public:
  std::vector<double> u, slope;
  std::vector<double> y, weight, loss_of, curvature, scale_slope;
};

/// Calls f(block, first row) for the blocks of a leaf.
template <class F>
void for_each_block(Stream& stream, const Tile& x, const Tile& y, const Tile& weights,
                    std::span<const double> coef, LossBlock& block, F f) {
  for (std::int64_t begin = 0; begin < x.rows; begin += block.most()) {
    const std::int64_t count = std::min(block.most(), x.rows - begin);
    block.load(stream, x.slice(begin, count), y.slice(begin, count),
               weights ? weights.slice(begin, count) : weights, coef);
    block.evaluate();
    f(begin);
  }
}

void leaf_loss(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& y,
               const Tile& weights, std::span<const double> coef, const LinearLoss& loss,
               const Tile& curvature, const Tile& out) {
  const std::int64_t k = loss.outputs;
  constexpr auto z = LossBlock::size;
  LossBlock block(x, loss);
  for (std::int64_t leaf = 0; leaf < out.rows; ++leaf) {
    double* sums = out.slice(leaf, 1).as<double>();
    std::fill_n(sums, out.cols, 0.0);
    for_each_block(
        stream, leaf_of_run(x, leaf_rows, leaf), leaf_of_run(y, leaf_rows, leaf),
        leaf_of_run(weights, leaf_rows, leaf), coef, block, [&](std::int64_t begin) {
          for (std::int64_t i = 0; i < block.rows(); ++i) {
            const double w = block.weight[z(i)];
            if (w == 0) {  // counts nothing, also where it would be infinite, unless x is no number
              if (std::isnan(block.loss_of[z(i)])) sums[0] += block.loss_of[z(i)];
              for (std::int64_t c = 0; c < k; ++c) block.slope[z(i * k + c)] = 0.0;
              block.curvature[z(i)] = 0.0;
              continue;
            }
            sums[0] += w * block.loss_of[z(i)];
            sums[1] += w * block.scale_slope[z(i)];
            for (std::int64_t c = 0; c < k; ++c) block.slope[z(i * k + c)] *= w;
          }
          block.add_gradient(stream, block.slope, sums + LinearLoss::gradient_at);
          if (!curvature) return;
          visit_floating(x.dtype, [&](auto tag) {
            using T = typename decltype(tag)::type;
            T* to = curvature.as<T>() + leaf * leaf_rows + begin;
            for (std::int64_t i = 0; i < block.rows(); ++i) {
              const double w = block.weight[z(i)];
              if (k == 1) {
                to[i] = static_cast<T>(std::max(w * block.curvature[z(i)], 0.0));
                continue;
              }
              std::int64_t pair = 0;
              for (std::int64_t a = 0; a < k; ++a)
                for (std::int64_t b = a; b < k; ++b, ++pair) {
                  const double other =
                      b == a ? 1 - block.probability(i, a) : block.probability(i, b);
                  to[pair * curvature.stride + i] =
                      static_cast<T>(w * block.probability(i, a) * other);
                }
            }
          });
        });
  }
}

void leaf_product(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& y,
                  const Tile& weights, std::span<const double> coef, const LinearLoss& loss,
                  std::span<const double> direction, const Tile& out) {
  const std::int64_t k = loss.outputs;
  constexpr auto z = LossBlock::size;
  LossBlock block(x, loss);
  std::vector<double> along(z(block.most() * k));
  for (std::int64_t leaf = 0; leaf < out.rows; ++leaf) {
    double* sums = out.slice(leaf, 1).as<double>();
    std::fill_n(sums, out.cols, 0.0);
    for_each_block(stream, leaf_of_run(x, leaf_rows, leaf), leaf_of_run(y, leaf_rows, leaf),
                   leaf_of_run(weights, leaf_rows, leaf), coef, block, [&](std::int64_t) {
                     block.predict(stream, direction, along);
                     for (std::int64_t i = 0; i < block.rows(); ++i) {
                       const double w = block.weight[z(i)];
                       double* v = along.data() + i * k;
                       if (k == 1) {
                         v[0] = w == 0 ? 0.0 : v[0] * w * block.curvature[z(i)];
                         continue;
                       }
                       double mean = 0.0;
                       for (std::int64_t c = 0; c < k; ++c) mean += block.probability(i, c) * v[c];
                       for (std::int64_t c = 0; c < k; ++c)
                         v[c] = w * block.probability(i, c) * (v[c] - mean);
                     }
                     block.add_gradient(stream, along, sums);
                   });
  }
}

}  // namespace

Backend cpu_backend(const EstimatorKernels& k) {
  Backend backend("cpu", Device::Kind::cpu);
  backend.implement(k.assign_nearest, floating, assign_nearest)
      .implement(k.candidate_potentials, floating, candidate_potentials)
      .implement(k.update_closest, floating, update_closest)
      .implement(k.distances, floating, distances)
      .implement(k.leaf_loss, floating, leaf_loss)
      .implement(k.leaf_product, floating, leaf_product);
  return backend;
}

}  // namespace tessera
