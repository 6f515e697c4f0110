// The cases of EstimatorKernels, and the error norm that is proper to each operation.
#include <fmt/format.h>

#include <algorithm>

#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/linalg/kernels/kernels.hpp>

#include "suite.hpp"

namespace tessera::conformance {
namespace {

using linalg::leaf_of_run;
Wide weight_of(const Matrix& w, Index i) { return w.rows > 0 ? w(i, 0) : 1; }

/// |x_i - offset - c_j|^2 and |x_i - offset|, |c_j|.
struct Geometry {
  Wide square = 0, row = 0, center = 0;
  Geometry(const Matrix& x, Index i, const Matrix& centers, Index j, const Matrix& offset) {
    for (Index t = 0; t < x.cols; ++t) {
      const Wide v = x(i, t) - offset(0, t);
      square += (v - centers(j, t)) * (v - centers(j, t));
      row += v * v;
      center += centers(j, t) * centers(j, t);
    }
    row = std::sqrt(row);
    center = std::sqrt(center);
  }
};

/// An assignment and what is asked of it.
struct Assignment {
  Run run;
  Matrix x, centers, offset, weights, labels;
  AssignmentParts parts;
  bool exact = false;  ///< small whole numbers: every way to compute them gives the same

  DType dtype() const { return x.dtype; }
  Index leaf(Index row) const { return row / run.leaf_rows; }

  /// How wrong the squared distance may come out, by expansion or directly, when compared.
  Wide bound(const Geometry& g) const {
    return exact ? 0
                 : (static_cast<Wide>(x.cols) + 4) * eps_of(dtype()) * (g.row + g.center) *
                       (g.row + g.center);
  }
  /// `label` may be the one of row i: as near as `best` but for rounding, and no later twin.
  bool acceptable(Index i, Index label, Index best) const {
    if (label < 0 || label >= parts.k) return false;
    for (Index j = 0; j < label; ++j) {
      bool twin = true;
      for (Index t = 0; t < parts.d; ++t) twin = twin && centers(j, t) == centers(label, t);
      if (twin) return false;
    }
    const Geometry mine(x, i, centers, label, offset), other(x, i, centers, best, offset);
    return label == best || mine.square - other.square < bound(mine) + bound(other);
  }
  void judge(const Outcome& got, const Outcome& want, Judge& judge) const;
};

void Assignment::judge(const Outcome& got, const Outcome& want, Judge& judge) const {
  const Matrix &label = got.tiles[4], &best = want.tiles[4], &out = got.tiles[5];
  judge.same(got.tiles[6], label);  // a partial depends on its leaf alone
  judge.same(got.tiles[7], out);
  const std::size_t size = z(run.leaves() * parts.size());
  std::vector<Wide> expected(size), tolerance(size);
  for (Index i = 0; i < run.leaves(); ++i)
    for (Index k = 0; k < parts.size(); ++k) {
      const Wide e = want.tiles[5](i, k);
      expected[z(i * parts.size() + k)] = e;
      tolerance[z(i * parts.size() + k)] =
          k == parts.changed_at() ? 0 : roundings(run.leaf_rows) * eps64 * std::abs(e);
    }
  for (Index i = 0; i < run.rows; ++i) {
    const auto mine = static_cast<Index>(label(i, 0)), theirs = static_cast<Index>(best(i, 0));
    judge.holds(acceptable(i, mine, theirs),
                fmt::format("label {} where {} is nearest", mine, theirs), i);
    if (mine < 0 || mine >= parts.k) return;
    Wide* e = &expected[z(leaf(i) * parts.size())];
    Wide* allowed = &tolerance[z(leaf(i) * parts.size())];
    const Wide w = weight_of(weights, i);
    const Geometry g(x, i, centers, mine, offset);
    for (Index t = 0; parts.sums && t < parts.d; ++t) {
      const Wide v = w * (x(i, t) - offset(0, t));
      e[theirs * parts.d + t] -= v;  // the row counts where it was put
      e[mine * parts.d + t] += v;
      allowed[mine * parts.d + t] +=
          (4 * eps_of(dtype()) + roundings(run.leaf_rows) * eps64) * std::abs(v);
    }
    e[parts.counts_at() + theirs] -= w;
    e[parts.counts_at() + mine] += w;
    allowed[parts.counts_at() + mine] += roundings(run.leaf_rows) * eps64 * w;
    if (parts.inertia) {
      e[parts.inertia_at()] += w * (g.square - Geometry(x, i, centers, theirs, offset).square);
      allowed[parts.inertia_at()] +=
          w * eps_of(dtype()) *
          ((static_cast<Wide>(parts.d) + 4) * g.square + 4 * std::sqrt(g.square) * g.row);
    }
    e[parts.changed_at()] += (labels(i, 0) != mine) - (labels(i, 0) != theirs);
  }
  for (Index i = 0; i < run.leaves(); ++i)
    for (Index k = 0; k < parts.size(); ++k)
      judge.near(out(i, k), expected[z(i * parts.size() + k)], tolerance[z(i * parts.size() + k)],
                 i, k);
}

Suite::Call assign(const Run& r, const AssignmentParts& parts) {
  return [r, parts](Stream& s, Tiles t, Host&) {
    const auto& op = estimator_kernels().assign_nearest;
    op(s, t[0], r.leaf_rows, t[1], t[2], t[3], t[4], parts, t[5]);
    for (Index i = 0; i < r.leaves(); ++i)
      op(s, leaf_of_run(t[0], r.leaf_rows, i), r.leaf_rows, t[1], t[2],
         leaf_of_run(t[3], r.leaf_rows, i), leaf_of_run(t[6], r.leaf_rows, i), parts,
         t[7].slice(i, 1));
  };
}

void assign_nearest(Suite& suite, DType dtype) {
  Numbers numbers(21);
  const auto check = [&](const std::string& what, const Assignment& a) {
    const Matrix out =
        result(DType::float64, a.run.leaves(), a.parts.size(), {a.x.stride - a.x.cols, 0});
    suite.check(what, {a.x, a.centers, a.offset, a.weights, a.labels, out, a.labels, out},
                assign(a.run, a.parts), [&](const Outcome& got, const Outcome& want, Judge& judge) {
                  a.judge(got, want, judge);
                });
  };
  const auto old_labels = [&](Index rows, Index k) {
    Matrix labels = result(DType::int32, rows, 1, {0, 1});
    for (Index i = 0; i < rows; ++i) labels.set(i, 0, static_cast<Wide>(numbers.below(k + 1) - 1));
    return labels;
  };
  for (const Run& r : runs())
    for (const Index k : {1, 2, 8, 9, 50})
      for (int mode = 0; mode < 8; ++mode) {
        if (r.rows * r.cols * k > 300000 && mode % 3 != 0) continue;
        const bool whole = mode & 1, weighted = mode & 2, strided = mode & 4;
        const Wide mean = whole ? 3 : strided ? 1000 : 0;
        Assignment a{r,
                     data(numbers, dtype, r.rows, r.cols, strided ? spread : compact, mean),
                     data(numbers, dtype, k, r.cols),
                     data(numbers, dtype, 1, r.cols, {}, mean),
                     weighted ? weights(numbers, dtype, r.rows, r.leaf_rows) : Matrix(),
                     old_labels(r.rows, k),
                     {k, r.cols, mode % 3 != 0, mode % 5 != 0},
                     whole};
        for (Matrix* m : {&a.x, &a.centers, &a.offset})
          for (Index i = 0; whole && i < m->rows; ++i)
            for (Index j = 0; j < m->cols; ++j) m->set(i, j, std::round((*m)(i, j)));
        for (Index j = 0; k > 2 && j < r.cols; ++j) a.centers.set(k - 1, j, a.centers(k / 2, j));
        check(fmt::format("{}, {} centres, {}{}{}{}{}", r.text(), k,
                          weighted ? "weighted" : "no weights", strided ? ", strided" : "",
                          whole ? ", whole numbers" : "", a.parts.sums ? ", sums" : "",
                          a.parts.inertia ? ", inertia" : ""),
              a);
      }
  // A NaN gives label 0, an infinity any label; both show in the sums and the inertia.
  const Run r{300, 5, 128};
  Assignment a{r,
               data(numbers, dtype, r.rows, r.cols),
               data(numbers, dtype, 9, r.cols),
               data(numbers, dtype, 1, r.cols),
               {},
               old_labels(r.rows, 9),
               {9, r.cols}};
  a.x.set(3, 1, nan);
  a.x.set(200, 2, inf);
  suite.check(
      "NaN and infinity in x",
      {a.x, a.centers, a.offset, a.weights, a.labels, result(DType::float64, 3, a.parts.size()),
       a.labels, result(DType::float64, 3, a.parts.size())},
      assign(r, a.parts), [&](const Outcome& got, const Outcome& want, Judge& judge) {
        const Matrix& label = got.tiles[4];
        for (Index i = 0; i < r.rows; ++i)
          judge.holds(i == 200 ? label(i, 0) >= 0 && label(i, 0) < 9
                      : i == 3 ? label(i, 0) == 0
                               : a.acceptable(i, static_cast<Index>(label(i, 0)),
                                              static_cast<Index>(want.tiles[4](i, 0))),
                      "the label is right", i);
        for (Index leaf = 0; leaf < 3; ++leaf) {
          judge.near(got.tiles[5](leaf, a.parts.inertia_at()),
                     want.tiles[5](leaf, a.parts.inertia_at()), 1e-3L, leaf, a.parts.inertia_at());
          Index sums = 0;
          for (Index k = 0; k < a.parts.counts_at(); ++k)
            sums += !std::isfinite(got.tiles[5](leaf, k));
          judge.holds(sums == (leaf < 2 ? 1 : 0), "one sum is not finite for each bad value", leaf);
        }
      });
}

/// Rows, weights, squared distances so far and centres for the kernels of the seeding.
struct Seeding {
  Run run;
  Matrix x, centers, weights, closest;
};
template <class F>
void for_each_seeding(Numbers& numbers, DType dtype, F f) {
  const auto closest = [&](const Run& r, bool first) {
    Matrix c = result(dtype, r.rows, 1, {0, 1});
    for (Index i = 0; i < r.rows; ++i)
      c.set(i, 0, first ? inf : 2 * static_cast<Wide>(r.cols) * numbers.uniform());
    return c;
  };
  for (const Run& r : runs())
    for (const Index m : {1, 4, 7})
      for (int mode = 0; mode < 8; ++mode) {
        const bool weighted = mode & 1, strided = mode & 2, first = mode & 4;
        const Wide mean = strided ? 1000 : 0;
        // Zero weights times infinite distances are no numbers.
        Seeding s{r, data(numbers, dtype, r.rows, r.cols, strided ? spread : compact, mean),
                  data(numbers, dtype, m, r.cols, {}, mean),
                  weighted ? weights(numbers, dtype, r.rows, r.leaf_rows) : Matrix(),
                  closest(r, first)};
        if (r.rows > 0 && m > 1)  // a candidate is a row
          for (Index j = 0; j < r.cols; ++j) s.centers.set(1, j, s.x(r.rows / 2, j));
        f(s,
          fmt::format("{}, {} centres, {}{}{}", r.text(), m, weighted ? "weighted" : "no weights",
                      strided ? ", strided, mean 1000" : "", first ? ", nothing is close" : ""));
      }
  const Run r{300, 5, 128};
  Seeding s{r,
            data(numbers, dtype, r.rows, r.cols),
            data(numbers, dtype, 3, r.cols),
            {},
            closest(r, false)};
  s.x.set(3, 1, nan);
  s.x.set(200, 2, inf);
  f(s, "NaN and infinity in x");
  s.closest = closest(r, true);
  f(s, "NaN and infinity in x, nothing is close");
}
/// A squared distance by direct differences, relative to itself.
Wide distance_unit(DType dtype, Index d) { return (static_cast<Wide>(d) + 6) * eps_of(dtype); }

void candidate_potentials(Suite& suite, DType dtype) {
  Numbers numbers(22);
  for_each_seeding(numbers, dtype, [&](const Seeding& c, const std::string& what) {
    const Run& r = c.run;
    Matrix closest = c.closest;
    closest.written = false;
    const Matrix out =
        result(DType::float64, r.leaves(), c.centers.rows, {c.x.stride - c.x.cols, 0});
    suite.check(
        what, {c.x, c.centers, c.weights, closest, out, out},
        [&](Stream& s, Tiles t, Host&) {
          const auto& op = estimator_kernels().candidate_potentials;
          op(s, t[0], r.leaf_rows, t[1], t[2], t[3], t[4]);
          for (Index i = 0; i < r.leaves(); ++i)
            op(s, leaf_of_run(t[0], r.leaf_rows, i), r.leaf_rows, t[1],
               leaf_of_run(t[2], r.leaf_rows, i), leaf_of_run(t[3], r.leaf_rows, i),
               t[5].slice(i, 1));
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          judge.same(got.tiles[5], got.tiles[4]);
          for (Index i = 0; i < r.leaves(); ++i)
            for (Index t = 0; t < c.centers.rows; ++t) {
              const Wide e = want.tiles[4](i, t);
              judge.near(got.tiles[4](i, t), e,
                         (distance_unit(dtype, r.cols) + roundings(r.leaf_rows) * eps64) * e, i, t);
            }
        });
  });
}

void update_closest(Suite& suite, DType dtype) {
  Numbers numbers(23);
  for_each_seeding(numbers, dtype, [&](const Seeding& c, const std::string& what) {
    const Run& r = c.run;
    const Matrix out = result(DType::float64, r.leaves(), 1, {c.x.stride - c.x.cols, 0});
    suite.check(
        what, {c.x, c.centers, c.weights, c.closest, out, c.closest, out},
        [&](Stream& s, Tiles t, Host&) {
          const auto& op = estimator_kernels().update_closest;
          op(s, t[0], r.leaf_rows, t[1], t[2], t[3], t[4]);
          for (Index i = 0; i < r.leaves(); ++i)
            op(s, leaf_of_run(t[0], r.leaf_rows, i), r.leaf_rows, t[1],
               leaf_of_run(t[2], r.leaf_rows, i), leaf_of_run(t[5], r.leaf_rows, i),
               t[6].slice(i, 1));
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          judge.same(got.tiles[5], got.tiles[3]);
          judge.same(got.tiles[6], got.tiles[4]);
          const Wide unit = distance_unit(dtype, r.cols);
          for (Index i = 0; i < r.rows; ++i)
            judge.near(got.tiles[3](i, 0), want.tiles[3](i, 0), unit * want.tiles[3](i, 0), i);
          for (Index i = 0; i < r.leaves(); ++i)
            judge.near(got.tiles[4](i, 0), want.tiles[4](i, 0),
                       (unit + roundings(r.leaf_rows) * eps64) * want.tiles[4](i, 0), i);
        });
  });
}

void distances(Suite& suite, DType dtype) {
  Numbers numbers(24);
  const auto check = [&](const std::string& what, const Matrix& x, const Matrix& centers,
                         Layout layout) {
    suite.check(
        what, {x, centers, result(dtype, x.rows, centers.rows, layout)},
        [](Stream& s, Tiles t, Host&) { estimator_kernels().distances(s, t[0], t[1], t[2]); },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          for (Index i = 0; i < x.rows; ++i)
            for (Index j = 0; j < centers.rows; ++j) {
              const Wide g = got.tiles[2](i, j), e = want.tiles[2](i, j);
              judge.near(g, e, distance_unit(dtype, x.cols) * e, i, j);
              judge.holds(std::isnan(g) == std::isnan(e), "an infinite distance is no NaN", i, j);
            }
        });
  };
  for (const Run& r : runs())
    for (const Index k : {1, 4, 7})
      for (const Layout layout : {compact, spread}) {
        const Wide mean = layout.gap ? 1000 : 0;
        const Matrix x = data(numbers, dtype, r.rows, r.cols, layout, mean);
        Matrix centers = data(numbers, dtype, k, r.cols, {}, mean);
        for (Index j = 0; r.rows > 0 && k > 1 && j < r.cols; ++j)
          centers.set(1, j, x(r.rows / 2, j));
        check(
            fmt::format("{} x {}, {} centres{}", r.rows, r.cols, k, layout.gap ? ", strided" : ""),
            x, centers, layout);
      }
  Matrix x = data(numbers, dtype, 70, 5);
  x.set(3, 1, nan);
  x.set(40, 2, inf);
  check("NaN and infinity in x", x, data(numbers, dtype, 3, 5), compact);
}

/// A linear model and rows to it. Coefficients are small, so that no exponential dominates.
struct Linear {
  Run run;
  LinearLoss loss;
  Matrix x, y, weights;
  std::vector<double> coef, direction;

  /// How wrong entry j of a sum over a leaf may be: each row's share of it is of the size of x.
  Wide bound(Index j) const {
    const Index m = run.cols + 1;
    const Wide size = j < 0 || j % m == run.cols ? 1 : 4;
    return static_cast<Wide>(run.leaf_rows) * 4 * eps64 * (1 + static_cast<Wide>(run.cols)) * size *
           (loss.loss == Loss::tweedie || loss.loss == Loss::poisson ? 100 : 10);
  }
};

template <class F>
void for_each_linear(Numbers& numbers, DType dtype, F f) {
  const std::vector<std::pair<LinearLoss, std::string>> losses = {
      {{.loss = Loss::squared}, "squared"},
      {{.loss = Loss::logistic}, "logistic"},
      {{.loss = Loss::multinomial, .outputs = 3}, "multinomial of 3"},
      {{.loss = Loss::multinomial, .outputs = 5}, "multinomial of 5"},
      {{.loss = Loss::poisson}, "poisson"},
      {{.loss = Loss::gamma}, "gamma"},
      {{.loss = Loss::tweedie, .power = 1.5}, "tweedie of power 1.5"},
      {{.loss = Loss::tweedie, .power = 3}, "tweedie of power 3"},
      {{.loss = Loss::tweedie_identity, .power = 1.5}, "tweedie of power 1.5, identity"},
      {{.loss = Loss::huber, .epsilon = 1.35, .scale = 0.7}, "huber"}};
  for (const Run& r : runs())
    for (const auto& [loss, name] : losses)
      for (const bool weighted : {false, true}) {
        if (r.rows * r.cols * loss.outputs > 300000) continue;
        Linear l{r,
                 loss,
                 data(numbers, dtype, r.rows, r.cols, weighted ? spread : compact),
                 result(dtype, r.rows, 1, {0, 1}),
                 weighted ? weights(numbers, dtype, r.rows, r.leaf_rows) : Matrix(),
                 {},
                 {}};
        l.y.written = false;
        const bool code = loss.loss == Loss::multinomial || loss.loss == Loss::logistic;
        for (Index i = 0; i < r.rows; ++i)
          l.y.set(i, 0,
                  code ? static_cast<Wide>(numbers.below(std::max<Index>(2, loss.outputs)))
                       : 0.1L + 2 * numbers.uniform());
        const Wide small = 0.5L / (1 + static_cast<Wide>(r.cols));
        for (Index j = 0; j < loss.coefficients(r.cols); ++j) {
          l.coef.push_back(static_cast<double>(small * numbers.bell()));
          l.direction.push_back(static_cast<double>(numbers.bell()));
          // A mean that is not a power stays positive.
          if (loss.loss == Loss::tweedie_identity && j == r.cols) l.coef.back() = 20;
        }
        f(l, fmt::format("{}, {}{}", r.text(), name, weighted ? ", weighted, strided" : ""));
      }
}

void leaf_loss(Suite& suite, DType dtype) {
  Numbers numbers(25);
  for_each_linear(numbers, dtype, [&](const Linear& l, const std::string& what) {
    const Run& r = l.run;
    const Matrix out = result(DType::float64, r.leaves(), l.loss.size(r.cols), {2, 0});
    const Matrix curved = result(dtype, l.loss.pairs(), r.rows);
    suite.check(
        what, {l.x, l.y, l.weights, curved, out, out},
        [&](Stream& s, Tiles t, Host&) {
          const auto& op = estimator_kernels().leaf_loss;
          op(s, t[0], r.leaf_rows, t[1], t[2], l.coef, l.loss, t[3], t[4]);
          for (Index i = 0; i < r.leaves(); ++i)
            op(s, leaf_of_run(t[0], r.leaf_rows, i), r.leaf_rows, leaf_of_run(t[1], r.leaf_rows, i),
               leaf_of_run(t[2], r.leaf_rows, i), l.coef, l.loss, {}, t[5].slice(i, 1));
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          judge.same(got.tiles[5], got.tiles[4]);
          for (Index i = 0; i < r.leaves(); ++i)
            for (Index j = 0; j < l.loss.size(r.cols); ++j)
              judge.near(got.tiles[4](i, j), want.tiles[4](i, j),
                         l.bound(j - LinearLoss::gradient_at), i, j);
          for (Index i = 0; i < l.loss.pairs(); ++i)
            for (Index j = 0; j < r.rows; ++j) {
              const Wide e = want.tiles[3](i, j);
              judge.near(got.tiles[3](i, j), e, (e + 1) * (eps_of(dtype) + 1e4L * eps64), i, j);
            }
        });
  });
}

void leaf_product(Suite& suite, DType dtype) {
  Numbers numbers(26);
  for_each_linear(numbers, dtype, [&](const Linear& l, const std::string& what) {
    const Run& r = l.run;
    const Index size = l.loss.coefficients(r.cols);
    const Matrix out = result(DType::float64, r.leaves(), size, {2, 0});
    suite.check(
        what, {l.x, l.y, l.weights, out, out},
        [&](Stream& s, Tiles t, Host&) {
          const auto& op = estimator_kernels().leaf_product;
          op(s, t[0], r.leaf_rows, t[1], t[2], l.coef, l.loss, l.direction, t[3]);
          for (Index i = 0; i < r.leaves(); ++i)
            op(s, leaf_of_run(t[0], r.leaf_rows, i), r.leaf_rows, leaf_of_run(t[1], r.leaf_rows, i),
               leaf_of_run(t[2], r.leaf_rows, i), l.coef, l.loss, l.direction, t[4].slice(i, 1));
        },
        [&](const Outcome& got, const Outcome& want, Judge& judge) {
          judge.same(got.tiles[4], got.tiles[3]);
          for (Index i = 0; i < r.leaves(); ++i)
            for (Index j = 0; j < size; ++j)
              judge.near(got.tiles[3](i, j), want.tiles[3](i, j),
                         (1 + static_cast<Wide>(r.cols)) * l.bound(j), i, j);
        });
  });
}

}  // namespace

std::vector<Cases> estimator_cases() {
  const EstimatorKernels& k = estimator_kernels();
  return {{k.assign_nearest.name(), floating, assign_nearest},
          {k.candidate_potentials.name(), floating, candidate_potentials},
          {k.update_closest.name(), floating, update_closest},
          {k.distances.name(), floating, distances},
          {k.leaf_loss.name(), floating, leaf_loss},
          {k.leaf_product.name(), floating, leaf_product}};
}

}  // namespace tessera::conformance
