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

/// Coefficients of k classes, k x (p + 1), as the kernels take them: of several those of a column
/// side by side.
class Coefficients {
 public:
  Coefficients(std::span<const double> given, std::int64_t k)
      : values_(given.begin(), given.end()) {
    const std::size_t classes = static_cast<std::size_t>(k), width = given.size() / classes;
    for (std::size_t i = 0; i < given.size(); ++i)
      values_[i % width * classes + i / width] = given[i];
  }
  const double* data() const { return values_.data(); }
  double intercept() const { return values_.back(); }

 private:
  std::vector<double> values_;
};

/// Some rows of a leaf with everything in double: predictors, class by class, targets, weights, and
/// what the loss makes of them. Few enough to stay in the cache while x is read a second time.
class LossBlock {
 public:
  LossBlock(const Tile& x, const LinearLoss& loss)
      : loss_(loss),
        k_(loss.outputs),
        p_(x.cols),
        most_(k_ == 1 ? std::clamp<std::int64_t>(per_row(1 << 15), 8, 256)
                      : std::clamp<std::int64_t>(per_row(1 << 13) / on_cpu::most_rows, 1, 8) *
                            on_cpu::most_rows),
        stride_((most_ + on_cpu::most_rows - 1) / on_cpu::most_rows * on_cpu::most_rows),
        u(size(stride_ * k_)),
        slope(size(stride_ * k_)),
        y(size(most_)),
        weight(size(most_)),
        loss_of(size(most_)),
        curvature(size(most_)),
        scale_slope(size(most_)) {}

  std::int64_t most() const { return most_; }
  std::int64_t rows() const { return x_.rows; }
  /// The values of a class in u, slope and the like.
  double* of(std::vector<double>& all, std::int64_t c) const { return all.data() + c * stride_; }
  std::vector<double> room() const { return std::vector<double>(u.size()); }

  /// Takes rows and finds their predictors.
  void load(const Tile& x, const Tile& given_y, const Tile& weights, const Coefficients& coef) {
    x_ = x;
    visit_floating(x.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < x.rows; ++i) {
        y[size(i)] = static_cast<double>(given_y.as<const T>()[i * given_y.stride]);
        weight[size(i)] =
            weights ? static_cast<double>(weights.as<const T>()[i * weights.stride]) : 1.0;
      }
    });
    predict(coef, u);
  }
  /// The predictors of these rows for other coefficients.
  void predict(const Coefficients& coef, std::vector<double>& to) const {
    visit_floating(x_.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if (k_ == 1)
        on_cpu::predict_rows(x_.as<const T>(), x_.rows, p_, x_.stride, coef.data(),
                             coef.intercept(), to.data());
      else
        on_cpu::predict_classes(x_.as<const T>(), x_.rows, p_, x_.stride, coef.data(), k_,
                                to.data(), stride_);
    });
  }
  /// Loss, slope and curvature of every row, but for the weights. The predictors of several classes
  /// become their probabilities.
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
  /// Multiplies the values of every class by the rows' weights; a weight of 0 makes 0 of anything.
  void weigh(std::vector<double>& values) const {
    for (std::int64_t c = 0; c < k_; ++c)
      for (std::int64_t i = 0; i < x_.rows; ++i) {
        double& v = of(values, c)[i];
        const double w = weight[size(i)];
        v = w == 0 ? 0.0 : w * v;
      }
  }
  /// sum (k x (p + 1)) += g [x, 1] for g of every class.
  void add_gradient(std::vector<double>& g, double* sum) const {
    visit_floating(x_.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      on_cpu::add_rows(x_.as<const T>(), x_.rows, p_, x_.stride, g.data(), k_, stride_, sum,
                       p_ + 1);
    });
  }

  static std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

 private:
  std::int64_t per_row(std::int64_t values) const { return values / std::max<std::int64_t>(1, p_); }
  void softmax() {
    const auto own = [&](std::vector<double>& all, std::int64_t i) -> double& {
      return of(all, static_cast<std::int64_t>(y[size(i)]))[i];
    };
    for (std::int64_t i = 0; i < x_.rows; ++i) loss_of[size(i)] = own(u, i);
    on_cpu::softmax(u.data(), x_.rows, k_, stride_, slope.data(), loss_of.data());
    for (std::int64_t i = 0; i < x_.rows; ++i) own(slope, i) -= 1.0;
  }

  const LinearLoss& loss_;
  std::int64_t k_, p_, most_, stride_;
  Tile x_;

 public:
  std::vector<double> u, slope;
  std::vector<double> y, weight, loss_of, curvature, scale_slope;
};

/// Calls f(block, first row) for the blocks of a leaf.
template <class F>
void for_each_block(const Tile& x, const Tile& y, const Tile& weights, const Coefficients& coef,
                    LossBlock& block, F f) {
  for (std::int64_t begin = 0; begin < x.rows; begin += block.most()) {
    const std::int64_t count = std::min(block.most(), x.rows - begin);
    block.load(x.slice(begin, count), y.slice(begin, count),
               weights ? weights.slice(begin, count) : weights, coef);
    block.evaluate();
    f(begin);
  }
}

void leaf_loss(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& y, const Tile& weights,
               std::span<const double> coef, const LinearLoss& loss, const Tile& curvature,
               const Tile& out) {
  const std::int64_t k = loss.outputs;
  constexpr auto z = LossBlock::size;
  LossBlock block(x, loss);
  const Coefficients coefficients(coef, k);
  for (std::int64_t leaf = 0; leaf < out.rows; ++leaf) {
    double* sums = out.slice(leaf, 1).as<double>();
    std::fill_n(sums, out.cols, 0.0);
    for_each_block(
        leaf_of_run(x, leaf_rows, leaf), leaf_of_run(y, leaf_rows, leaf),
        leaf_of_run(weights, leaf_rows, leaf), coefficients, block, [&](std::int64_t begin) {
          for (std::int64_t i = 0; i < block.rows(); ++i) {
            const double w = block.weight[z(i)];
            if (w == 0) {  // counts nothing, also where it would be infinite, unless x is no number
              if (std::isnan(block.loss_of[z(i)])) sums[0] += block.loss_of[z(i)];
              continue;
            }
            sums[0] += w * block.loss_of[z(i)];
            sums[1] += w * block.scale_slope[z(i)];
          }
          if (weights) block.weigh(block.slope);
          block.add_gradient(block.slope, sums + LinearLoss::gradient_at);
          if (!curvature) return;
          visit_floating(x.dtype, [&](auto tag) {
            using T = typename decltype(tag)::type;
            T* to = curvature.as<T>() + leaf * leaf_rows + begin;
            const double* w = block.weight.data();
            for (std::int64_t i = 0; k == 1 && i < block.rows(); ++i)
              to[i] = static_cast<T>(w[i] == 0 ? 0.0 : std::max(w[i] * block.curvature[z(i)], 0.0));
            for (std::int64_t a = 0; k > 1 && a < k; ++a)
              for (std::int64_t b = a; b < k; ++b, to += curvature.stride) {
                const double *one = block.of(block.u, a), *other = block.of(block.u, b);
                for (std::int64_t i = 0; i < block.rows(); ++i)
                  to[i] = static_cast<T>(w[i] * one[i] * (b == a ? 1 - one[i] : other[i]));
              }
          });
        });
  }
}

void leaf_product(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& y,
                  const Tile& weights, std::span<const double> coef, const LinearLoss& loss,
                  std::span<const double> direction, const Tile& out) {
  const std::int64_t k = loss.outputs;
  constexpr auto z = LossBlock::size;
  LossBlock block(x, loss);
  const Coefficients coefficients(coef, k), directions(direction, k);
  std::vector<double> along = block.room(), mean(z(block.most()));
  for (std::int64_t leaf = 0; leaf < out.rows; ++leaf) {
    double* sums = out.slice(leaf, 1).as<double>();
    std::fill_n(sums, out.cols, 0.0);
    for_each_block(leaf_of_run(x, leaf_rows, leaf), leaf_of_run(y, leaf_rows, leaf),
                   leaf_of_run(weights, leaf_rows, leaf), coefficients, block, [&](std::int64_t) {
                     block.predict(directions, along);
                     const std::int64_t n = block.rows();
                     std::fill_n(mean.data(), n, 0.0);
                     for (std::int64_t c = 0; k > 1 && c < k; ++c)
                       for (std::int64_t i = 0; i < n; ++i)
                         mean[z(i)] += block.of(block.u, c)[i] * block.of(along, c)[i];
                     for (std::int64_t c = 0; c < k; ++c) {
                       const double* by = k == 1 ? block.curvature.data() : block.of(block.u, c);
                       double* v = block.of(along, c);
                       for (std::int64_t i = 0; i < n; ++i) v[i] = by[i] * (v[i] - mean[z(i)]);
                     }
                     block.weigh(along);
                     block.add_gradient(along, sums);
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
