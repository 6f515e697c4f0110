// Dense functions on one process and over a grid (ScaLAPACK), for all dtypes, layouts and shapes.
#include <numeric>

#include "dense_case.hpp"

namespace tessera::linalg {
namespace {

using namespace tessera::linalg::test;

template <class T>
struct Dense : DenseCase<T> {};
TYPED_TEST_SUITE(Dense, Types);

TYPED_TEST(Dense, Cholesky) {
  using T = TypeParam;
  this->everywhere([](Layout layout) {
    for (const auto n : orders)
      for (const bool lower : {false, true}) {
        const HostMatrix a = positive_definite<T>(n);
        HostMatrix half = triangle(a, lower);  // what must not be read is wrong
        for (auto i = 0; i < n; ++i)
          for (auto j = 0; j < n; ++j)
            if (lower ? i < j : i > j) half(i, j) = -1e10;
        const Array x = laid_out<T>(half, layout);
        const Array factor = cholesky(x, {.lower = lower});
        ASSERT_TRUE(factor.distribution() == x.distribution());
        const HostMatrix f = host<T>(factor);
        EXPECT_EQ((f - triangle(f, lower)).norm(), 0.0);
        const HostMatrix product = lower ? f * f.adjoint() : f.adjoint() * f;
        EXPECT_LT(error_of<T>(product, a, a.norm()), few) << n;
        EXPECT_EQ((host<T>(x) - half).norm(), 0.0) << "the argument has changed";
      }
  });
}

TYPED_TEST(Dense, LuFactorAndSolve) {
  using T = TypeParam;
  this->everywhere([](Layout layout) {
    for (const auto [m, n] : shapes) {
      const HostMatrix a = random_matrix<T>(m, n);
      const Array x = laid_out<T>(a, layout);
      const Lu f = lu_factor(x);
      ASSERT_TRUE(f.lu.distribution() == x.distribution());
      HostMatrix rows = a;  // P a
      const auto k = std::min(m, n);
      ASSERT_EQ(f.piv.shape(), Shape{k});
      const auto piv = f.piv.values<std::int64_t>();
      for (std::int64_t i = 0; i < k; ++i)
        for (std::int64_t j = 0; j < n; ++j) std::swap(rows(i, j), rows(piv[i], j));
      const HostMatrix lu = host<T>(f.lu);
      const HostMatrix l(m, k, [&](auto i, auto j) {
        return i == j ? 1.0 : i > j ? lu(i, j) : 0.0;
      });
      const HostMatrix u(k, n, [&](auto i, auto j) { return i <= j ? lu(i, j) : 0.0; });
      EXPECT_LT(error_of<T>(l * u, rows, a.norm()), few) << m << " x " << n;
    }
    const HostMatrix a = random_matrix<T>(23, 23);
    const Lu f = lu_factor(laid_out<T>(a, layout));
    const HostMatrix b = random_matrix<T>(23, 4, 7);
    const HostMatrix v = random_matrix<T>(23, 1, 8);
    for (const auto op : {Transpose::no, Transpose::yes, Transpose::conjugate}) {
      const HostMatrix opa = op == Transpose::no    ? a
                             : op == Transpose::yes ? a.transpose()
                                                    : a.adjoint();
      const HostMatrix x = host<T>(lu_solve(f, laid_out<T>(b, layout), op));
      EXPECT_LT(error_of<T>(opa * x, b, a.norm() * x.norm()), few);
      const Array y = lu_solve(f, vector_laid_out<T>(v, layout), op);
      EXPECT_EQ(y.shape(), Shape{23});
      EXPECT_LT(error_of<T>(opa * host<T>(y), v, a.norm() * host<T>(y).norm()), few);
    }
  });
}

TYPED_TEST(Dense, SolveEveryStructure) {
  using T = TypeParam;
  struct Case {
    const char* name;
    HostMatrix a;
    Structure structure;
  };
  const std::int64_t n = 29;
  const HostMatrix g = random_matrix<T>(n, n);
  HostMatrix strong = g;  // a triangle of it is well-conditioned
  for (auto i = 0; i < n; ++i) strong(i, i) += static_cast<double>(n);
  const HostMatrix symmetric =
      rounded<T>({n, n, [&](auto i, auto j) { return g(std::max(i, j), std::min(i, j)); }});
  const HostMatrix hermitian(n, n, [&](auto i, auto j) {
    return i == j ? Z(g(i, i).real()) : i > j ? g(i, j) : std::conj(g(j, i));
  });
  HostMatrix indefinite = hermitian;  // positive diagonal, yet not positive definite
  for (auto i = 0; i < n; ++i) indefinite(i, i) = 0.125;
  const HostMatrix diagonal(n, n, [&](auto i, auto j) { return i == j ? strong(i, i) : 0.0; });
  const std::vector<Case> cases = {
      {"general", g, Structure::general},
      {"symmetric", symmetric, Structure::symmetric},
      {"hermitian", hermitian, Structure::hermitian},
      {"indefinite", indefinite, Structure::hermitian},
      {"positive definite", positive_definite<T>(n), Structure::positive_definite},
      {"diagonal", diagonal, Structure::diagonal},
      {"upper", triangle(strong, false), Structure::upper_triangular},
      {"lower", triangle(strong, true), Structure::lower_triangular},
  };
  this->everywhere([&](Layout layout) {
    const HostMatrix b = random_matrix<T>(n, 3, 5);
    for (const Case& c : cases)
      for (const Structure s : {c.structure, Structure::general, Structure::detect}) {
        SCOPED_TRACE(fmt::format("{} as {}", c.name, static_cast<int>(s)));
        const Array rhs = laid_out<T>(b, layout);
        const Array solution = solve(laid_out<T>(c.a, layout), rhs, {.assume_a = s});
        ASSERT_TRUE(solution.distribution() == rhs.distribution());
        const HostMatrix x = host<T>(solution);
        EXPECT_LT(error_of<T>(c.a * x, b, c.a.norm() * x.norm()), few);
      }
    // Only the triangle named is read.
    for (const bool lower : {false, true}) {
      const HostMatrix a = positive_definite<T>(n);
      const Array half = laid_out<T>(triangle(a, lower), layout);
      const HostMatrix x =
          host<T>(solve(half, laid_out<T>(b, layout),
                        {.assume_a = Structure::positive_definite, .lower = lower}));
      EXPECT_LT(error_of<T>(a * x, b, a.norm() * x.norm()), few);
    }
    // b may be a vector, and there may be no equations at all.
    const HostMatrix v = random_matrix<T>(n, 1, 9);
    const Array y = solve(laid_out<T>(g, layout), vector_laid_out<T>(v, layout));
    EXPECT_EQ(y.shape(), Shape{n});
    EXPECT_LT(error_of<T>(g * host<T>(y), v, g.norm() * host<T>(y).norm()), few);
    EXPECT_EQ(solve(laid_out<T>({0, 0}, layout), laid_out<T>({0, 3}, layout)).shape(),
              (Shape{0, 3}));
  });
}

TYPED_TEST(Dense, SolveTriangular) {
  using T = TypeParam;
  this->everywhere([](Layout layout) {
    for (const auto n : orders)
      for (const bool lower : {false, true})
        for (const bool unit : {false, true})
          for (const auto op : {Transpose::no, Transpose::yes, Transpose::conjugate}) {
            HostMatrix a = random_matrix<T>(n, n);
            for (auto i = 0; i < n; ++i)
              for (auto j = 0; j < n; ++j)
                a(i, j) = wide(narrow<T>(i == j ? a(i, j) + 2.0 : a(i, j) / double(n)));
            const HostMatrix b = random_matrix<T>(n, 2, 3);
            const HostMatrix x =
                host<T>(solve_triangular(laid_out<T>(a, layout), laid_out<T>(b, layout),
                                         {.lower = lower, .op = op, .unit_diagonal = unit}));
            const HostMatrix t = triangle(a, lower, unit);
            const HostMatrix opt = op == Transpose::no    ? t
                                   : op == Transpose::yes ? t.transpose()
                                                          : t.adjoint();
            EXPECT_LT(error_of<T>(opt * x, b, t.norm() * x.norm()), few) << n;
          }
  });
}

TYPED_TEST(Dense, InverseAndDeterminant) {
  using T = TypeParam;
  using Wide = std::conditional_t<std::is_floating_point_v<T>, double, Z>;
  this->everywhere([](Layout layout) {
    for (const auto n : orders) {
      const HostMatrix a = random_matrix<T>(n, n, 4);
      const Array x = laid_out<T>(a, layout);
      const HostMatrix inverse = host<T>(inv(x));
      EXPECT_LT(error_of<T>(a * inverse, identity(n), a.norm() * inverse.norm()), few) << n;
      // det(a) det(a^-1) = 1, and slogdet says the same.
      const Z d = host<Wide>(det(x))(0, 0);
      const Z di = host<Wide>(det(inv(x)))(0, 0);
      EXPECT_LT(std::abs(d * di - 1.0), 1e3 * eps_of<T>() * (1 + a.norm() * inverse.norm())) << n;
      const Slogdet s = slogdet(x);
      EXPECT_EQ(s.sign.shape(), Shape{});
      const Z again = host<T>(s.sign)(0, 0) * std::exp(s.logabsdet);
      EXPECT_LT(std::abs(again - d), 100 * eps_of<T>() * std::abs(d)) << n;
    }
    // Known values: a permutation's sign, a triangle's product, no rows.
    const HostMatrix swap(3, 3, [](auto i, auto j) {
      return j == (i + 1) % 2 && i < 2 ? 1.0 : i == 2 && j == 2 ? 1.0 : 0.0;
    });
    EXPECT_EQ(host<Wide>(det(laid_out<T>(swap, layout)))(0, 0), Z(-1.0));
    const HostMatrix upper(9, 9, [](auto i, auto j) { return i == j ? 2.0 : i < j ? 1.0 : 0.0; });
    EXPECT_EQ(host<Wide>(det(laid_out<T>(upper, layout)))(0, 0), Z(512.0));
    EXPECT_EQ(host<Wide>(det(laid_out<T>({0, 0}, layout)))(0, 0), Z(1.0));
    const Slogdet singular = slogdet(laid_out<T>({4, 4}, layout));
    EXPECT_EQ(host<T>(singular.sign)(0, 0), Z(0.0));
    EXPECT_EQ(singular.logabsdet, -std::numeric_limits<double>::infinity());
  });
}

TYPED_TEST(Dense, Eigh) {
  using T = TypeParam;
  this->everywhere([](Layout layout) {
    for (const auto n : orders)
      for (const bool lower : {true, false}) {
        const HostMatrix a = positive_definite<T>(n, 3);
        const Array x = laid_out<T>(triangle(a, lower), layout);
        const Eigh e = eigh(x, {.lower = lower});
        ASSERT_TRUE(e.vectors.distribution() == x.distribution());
        const HostMatrix v = host<T>(e.vectors);
        const auto w = e.values.astype(DType::float64);
        const HostMatrix vw(
            n, n, [&](auto i, auto j) { return v(i, j) * w.template values<double>()[j]; });
        EXPECT_LT(error_of<T>(a * v, vw, a.norm()), few) << n;
        EXPECT_LT(orthogonality<T>(v), few) << n;
        EXPECT_TRUE(
            std::is_sorted(w.template values<double>().begin(), w.template values<double>().end()));
        EXPECT_EQ(e.values.dtype(), detail::real_of(dtype_of<T>));
        const HostMatrix only = host<double>(eigvalsh(x, {.lower = lower}).astype(DType::float64));
        EXPECT_LT(error_of<T>(only, host<double>(w), a.norm()), few);
        if (n < 5) continue;
        const Eigh some = eigh(x, {.lower = lower, .subset_by_index = {{1, 3}}});
        ASSERT_EQ(some.values.shape(), Shape{3});
        ASSERT_EQ(some.vectors.shape(), (Shape{n, 3}));
        ASSERT_EQ(some.vectors.distribution().kind(), x.distribution().kind());
        const HostMatrix sv = host<T>(some.vectors);
        EXPECT_EQ((sv - HostMatrix(n, 3, [&](auto i, auto j) { return v(i, j + 1); })).norm(), 0.0);
      }
  });
}

TYPED_TEST(Dense, GeneralisedEigh) {
  using T = TypeParam;
  this->everywhere([](Layout layout) {
    for (const std::int64_t n : {1, 13, 40})
      for (const bool lower : {true, false})
        for (const int type : {1, 2, 3}) {
          SCOPED_TRACE(fmt::format("{} rows, type {}, lower {}", n, type, lower));
          const HostMatrix a = positive_definite<T>(n, 3), b = positive_definite<T>(n, 5);
          const Eigh e =
              eigh(laid_out<T>(triangle(a, lower), layout),
                   {.lower = lower, .b = laid_out<T>(triangle(b, lower), layout), .type = type});
          const HostMatrix v = host<T>(e.vectors);
          const auto w = e.values.astype(DType::float64);
          const HostMatrix vw(
              n, n, [&](auto i, auto j) { return v(i, j) * w.template values<double>()[j]; });
          const HostMatrix left = type == 1 ? a * v : type == 2 ? a * (b * v) : b * (a * v);
          const HostMatrix right = type == 1 ? b * vw : vw;
          EXPECT_LT(error_of<T>(left, right, a.norm() * b.norm() * v.norm()), few);
        }
  });
}

TYPED_TEST(Dense, Polar) {
  using T = TypeParam;
  this->everywhere([](Layout layout) {
    for (const auto [m, n] : {Extents{40, 40}, {23, 20}, {20, 23}, {1, 1}}) {
      const HostMatrix a = random_matrix<T>(m, n);
      const Polar f = polar(laid_out<T>(a, layout));
      const HostMatrix u = host<T>(f.u), p = host<T>(f.p);
      EXPECT_LT(error_of<T>(u * p, a, a.norm()), few) << m;
      if (m >= n) EXPECT_LT(orthogonality<T>(u), few) << m;
    }
  });
}

TYPED_TEST(Dense, EighOfRepeatedAndClusteredEigenvalues) {
  using T = TypeParam;
  this->everywhere([](Layout layout) {
    const std::int64_t n = 30;
    const HostMatrix u = random_matrix<T>(n, 1, 6);
    const double scale = 2 / (u.norm() * u.norm());
    for (const double gap : {0.0, 1e-14, 1e-3}) {
      // A reflection of a diagonal of clusters.
      const HostMatrix h(n, n, [&](auto i, auto j) {
        return (i == j ? 1.0 : 0.0) - scale * u(i, 0) * std::conj(u(j, 0));
      });
      const HostMatrix d(n, n, [&](auto i, auto j) {
        return i == j ? static_cast<double>(i / 10) + gap * static_cast<double>(i) : 0.0;
      });
      HostMatrix a = rounded<T>(h * d * h);
      for (auto i = 0; i < n; ++i) {
        a(i, i) = a(i, i).real();
        for (auto j = 0; j < i; ++j) a(j, i) = std::conj(a(i, j));
      }
      const Eigh e = eigh(laid_out<T>(a, layout));
      const HostMatrix v = host<T>(e.vectors);
      const Array w = e.values.astype(DType::float64);
      const HostMatrix vw(n, n,
                          [&](auto i, auto j) { return v(i, j) * w.template values<double>()[j]; });
      EXPECT_LT(error_of<T>(a * v, vw, a.norm()), few) << gap;
      EXPECT_LT(orthogonality<T>(v), few) << gap;
      for (auto i = 0; i < n; ++i)
        EXPECT_NEAR(w.template values<double>()[i], d(i, i).real(), 100 * eps_of<T>() * a.norm());
    }
  });
}

TYPED_TEST(Dense, Svd) {
  using T = TypeParam;
  this->everywhere([](Layout layout) {
    for (const auto [m, n] : shapes)
      for (const bool full : {false, true}) {
        SCOPED_TRACE(fmt::format("{} x {}, full {}", m, n, full));
        const HostMatrix a = random_matrix<T>(m, n);
        const Array x = laid_out<T>(a, layout);
        const Svd f = svd(x, {.full_matrices = full});
        const auto k = std::min(m, n);
        ASSERT_EQ(f.u.shape(), (Shape{m, full ? m : k}));
        ASSERT_EQ(f.vh.shape(), (Shape{full ? n : k, n}));
        ASSERT_EQ(f.s.shape(), Shape{k});
        ASSERT_EQ(f.u.distribution().kind(), x.distribution().kind());
        const HostMatrix u = host<T>(f.u);
        const HostMatrix vh = host<T>(f.vh);
        const Array s = f.s.astype(DType::float64);
        const auto values = s.template values<double>();
        const HostMatrix sigma(u.cols, vh.rows,
                               [&](auto i, auto j) { return i == j && i < k ? values[i] : 0.0; });
        EXPECT_LT(error_of<T>(u * sigma * vh, a, a.norm()), few);
        EXPECT_LT(orthogonality<T>(u), few);
        EXPECT_LT(orthogonality<T>(vh.adjoint()), few);
        EXPECT_TRUE(std::is_sorted(values.rbegin(), values.rend()));
        EXPECT_LT(
            error_of<T>(host<double>(svdvals(x).astype(DType::float64)), host<double>(s), a.norm()),
            few);
      }
  });
}

TYPED_TEST(Dense, Qr) {
  using T = TypeParam;
  this->everywhere([](Layout layout) {
    for (const auto [m, n] : shapes) {
      SCOPED_TRACE(fmt::format("{} x {}", m, n));
      const HostMatrix a = random_matrix<T>(m, n);
      const Array x = laid_out<T>(a, layout);
      const auto k = std::min(m, n);
      const Qr f = qr(x);
      ASSERT_EQ(f.q.shape(), (Shape{m, k}));
      ASSERT_EQ(f.r.shape(), (Shape{k, n}));
      ASSERT_EQ(f.q.distribution().kind(), x.distribution().kind());
      const HostMatrix r = host<T>(f.r);
      EXPECT_LT(error_of<T>(host<T>(f.q) * r, a, a.norm()), few);
      EXPECT_LT(orthogonality<T>(host<T>(f.q)), few);
      EXPECT_EQ((r - triangle(r, false)).norm(), 0.0);
      for (auto i = 0; i < k; ++i) {
        EXPECT_GE(r(i, i).real(), 0.0);
        EXPECT_LE(std::abs(r(i, i).imag()), 4 * eps_of<T>() * std::abs(r(i, i)));
      }
      const Qr only = qr(x, QrMode::r);
      EXPECT_FALSE(only.q);
      EXPECT_LT(error_of<T>(host<T>(only.r), r, a.norm()), few);
    }
  });
}

// Over a grid the tournament's panels are of 64 columns: the diagonal falls within them, and what
// is left after a step is never much longer than what was taken.
TYPED_TEST(Dense, QrWithPivots) {
  using T = TypeParam;
  std::vector<Extents> all = shapes;
  all.insert(all.end(), {{150, 140}, {70, 150}});
  for (const bool graded : {false, true})
    for (const auto [m, n] : all) {
      SCOPED_TRACE(fmt::format("{} x {}, {}", m, n, graded ? "graded" : "even"));
      HostMatrix a = random_matrix<T>(m, n);
      if (graded)  // and every fifth column another one again
        for (std::int64_t i = 0; i < m; ++i)
          for (std::int64_t j = 0; j < n; ++j)
            a(i, j) = j % 5 == 4 ? a(i, j - 1)
                                 : a(i, j) * std::ldexp(1.0, -static_cast<int>(j * 37 % n) / 3);
      std::vector<std::int64_t> first;
      this->everywhere([&, m = m, n = n](Layout layout) {
        const auto k = std::min(m, n);
        const Qr f = qr(laid_out<T>(a, layout), QrMode::reduced, true, true);
        ASSERT_EQ(f.q.shape(), (Shape{m, k}));
        ASSERT_EQ(f.p.shape(), Shape{n});
        const auto p = f.p.template values<std::int64_t>();
        std::vector<std::int64_t> sorted(p.begin(), p.end());
        std::ranges::sort(sorted);
        for (std::int64_t j = 0; j < n; ++j) ASSERT_EQ(sorted[static_cast<std::size_t>(j)], j);
        const HostMatrix r = host<T>(f.r), q = host<T>(f.q);
        const HostMatrix permuted(
            m, n, [&](auto i, auto j) { return a(i, p[static_cast<std::size_t>(j)]); });
        EXPECT_LT(error_of<T>(q * r, permuted, a.norm()), few);
        EXPECT_LT(orthogonality<T>(q), few);
        EXPECT_EQ((r - triangle(r, false)).norm(), 0.0);
        const double allowed = few * eps_of<T>() * a.norm();
        for (std::int64_t j = 0; j < n; ++j) {
          // Column j after i steps is as long as r's from row i on.
          double left = j < k ? std::norm(r(j, j)) : 0;
          for (std::int64_t i = std::min(j, k); i-- > 0;) {
            left += std::norm(r(i, j));
            EXPECT_LE(std::sqrt(left), 3 * r(i, i).real() + allowed);
          }
        }
        const bool grid = !detail::fits_one_process({1});
        if (grid && first.empty()) first.assign(p.begin(), p.end());
        EXPECT_TRUE(!grid || std::ranges::equal(first, p));
      });
    }
}

TYPED_TEST(Dense, Eig) {
  using T = TypeParam;
  using C = std::conditional_t<is_complex_type<T>::value, T, std::complex<T>>;
  for (const Layout layout : all_layouts)
    for (const auto n : orders) {
      const HostMatrix a = random_matrix<T>(n, n, 2);
      const Array x = laid_out<T>(a, layout);
      const Eig e = eig(x);
      ASSERT_TRUE(e.vectors.distribution() == x.distribution());
      const HostMatrix v = host<C>(e.vectors);
      const HostMatrix w = host<C>(e.values);
      const HostMatrix vw(n, n, [&](auto i, auto j) { return v(i, j) * w(j, 0); });
      EXPECT_LT(error_of<T>(a * v, vw, a.norm() * std::max(1.0, v.norm())), few) << n;
      for (auto j = 0; j < n; ++j) {
        double length = 0;
        for (auto i = 0; i < n; ++i) length += std::norm(v(i, j));
        EXPECT_NEAR(length, 1.0, 100 * eps_of<T>());
      }
      Z trace = 0, sum = 0;
      for (auto i = 0; i < n; ++i) trace += a(i, i), sum += host<C>(eigvals(x))(i, 0);
      EXPECT_LT(std::abs(trace - sum), 100 * eps_of<T>() * (1 + a.norm()));
    }
}

// What counts as zero does not grow with the number of rows: x = (1, 1), for columns of 1 and 1e-3.
TYPED_TEST(Dense, LeastSquaresOfManyRows) {
  using T = TypeParam;
  const std::int64_t m = 70001;
  std::vector<double> a, b;
  for (std::int64_t i = 0; i < m; ++i) {
    const double slope = 1e-3 * static_cast<double>(i % 5 - 2);
    a.insert(a.end(), {1.0, slope});
    b.push_back(1.0 + slope);
  }
  const auto world = Communicator::world();
  const Array x = replicated(a, {m, 2}, world).astype(dtype_of<T>);
  const Lstsq f = lstsq(redistribute(x, row_distribution({m, 2}, world)),
                        replicated(b, {m}, world).astype(dtype_of<T>));
  EXPECT_EQ(f.rank, 2);
  const HostMatrix solution = host<T>(f.x.reshape({2, 1}));
  for (auto i = 0; i < 2; ++i) EXPECT_LE(std::abs(solution(i, 0) - 1.0), 1e4 * eps_of<T>());
}

TYPED_TEST(Dense, LeastSquares) {
  using T = TypeParam;
  this->everywhere([](Layout layout) {
    for (const auto [m, n] :
         std::vector<Extents>{{1, 1}, {5, 3}, {3, 5}, {23, 20}, {20, 23}, {40, 4}, {0, 3}, {4, 0}})
      for (const bool deficient : {false, true}) {
        SCOPED_TRACE(fmt::format("{} x {}, deficient {}", m, n, deficient));
        HostMatrix a = random_matrix<T>(m, n);
        const bool repeated = deficient && n > 1;
        if (repeated)
          for (auto i = 0; i < m; ++i) a(i, n - 1) = a(i, 0);
        const HostMatrix b = random_matrix<T>(m, 2, 5);
        const double cond = eps_of<T>() * static_cast<double>(std::max(m, n));
        const Lstsq f = lstsq(laid_out<T>(a, layout), laid_out<T>(b, layout), cond);
        ASSERT_EQ(f.x.shape(), (Shape{n, 2}));
        const auto full = std::min(m, n);
        EXPECT_EQ(f.rank, repeated && m >= n ? full - 1 : full);
        const HostMatrix x = host<T>(f.x);
        const HostMatrix residual = b - a * x;
        // Stationary: a^H r = 0; and of minimal norm: x is in the row space, so equal columns
        // share.
        EXPECT_LE((a.adjoint() * residual).norm(),
                  200 * eps_of<T>() * static_cast<double>(std::max(m, n)) * a.norm() *
                      std::max(1e-300, a.norm() * x.norm() + b.norm()));
        for (auto j = 0; repeated && j < 2; ++j)
          EXPECT_LE(std::abs(x(0, j) - x(n - 1, j)), 1e3 * eps_of<T>() * x.norm());
        if (m > n && f.rank == n) {
          ASSERT_EQ(f.residues.shape(), Shape{2});
          const HostMatrix r = host<double>(f.residues.astype(DType::float64));
          for (auto j = 0; j < 2; ++j) {
            double sum = 0;
            for (auto i = 0; i < m; ++i) sum += std::norm(residual(i, j));
            EXPECT_NEAR(r(j, 0).real(), sum, 1e3 * eps_of<T>() * (1 + sum));
          }
        } else {
          EXPECT_EQ(f.residues.shape(), Shape{0});
        }
      }
  });
}

TYPED_TEST(Dense, PseudoInverseRankAndCondition) {
  using T = TypeParam;
  this->everywhere([](Layout layout) {
    for (const auto [m, n] : std::vector<Extents>{{1, 1}, {7, 5}, {5, 7}, {30, 3}, {3, 30}}) {
      SCOPED_TRACE(fmt::format("{} x {}", m, n));
      const auto k = std::min(m, n);
      HostMatrix a = random_matrix<T>(m, n);
      if (k > 2)  // row 1 = 2 row 0 and column 1 = 2 column 0: rank k - 1
        for (auto j = 0; j < n; ++j) m <= n ? a(1, j) = 2.0 * a(0, j) : 0.0;
      if (k > 2)
        for (auto i = 0; i < m; ++i) m > n ? a(i, 1) = 2.0 * a(i, 0) : 0.0;
      const Array x = laid_out<T>(a, layout);
      const HostMatrix p = host<T>(pinv(x));
      ASSERT_EQ(p.rows, n);
      const double scale = a.norm() * p.norm();
      EXPECT_LT(error_of<T>(a * p * a, a, a.norm() * scale), few);
      EXPECT_LT(error_of<T>(p * a * p, p, p.norm() * scale), few);
      EXPECT_LT(error_of<T>(a * p, (a * p).adjoint(), scale), few);
      EXPECT_LT(error_of<T>(p * a, (p * a).adjoint(), scale), few);
      EXPECT_EQ(matrix_rank(x), k > 2 ? k - 1 : k);
      EXPECT_EQ(matrix_rank(x, 1e10), 0);
    }
    const HostMatrix d(
        6, 6, [](auto i, auto j) { return i == j ? std::ldexp(1.0, static_cast<int>(i)) : 0.0; });
    const Array x = laid_out<T>(d, layout);
    EXPECT_NEAR(cond(x), 32.0, 1e3 * eps_of<T>());
    EXPECT_NEAR(cond(x, -2), 1 / 32.0, 1e3 * eps_of<T>());
    EXPECT_NEAR(cond(x, 1), 32.0, 1e3 * eps_of<T>());
    EXPECT_NEAR(cond(x, std::numeric_limits<double>::infinity()), 32.0, 1e3 * eps_of<T>());
    EXPECT_EQ(cond(laid_out<T>({3, 3}, layout)), std::numeric_limits<double>::infinity());
    EXPECT_EQ(cond(laid_out<T>({3, 3}, layout), 1), std::numeric_limits<double>::infinity());
  });
}

TYPED_TEST(Dense, PowersAndExponential) {
  using T = TypeParam;
  this->everywhere([](Layout layout) {
    for (const auto n : orders) {
      HostMatrix a = random_matrix<T>(n, n);
      for (auto i = 0; i < n; ++i) a(i, i) += 3.0;
      a = rounded<T>(a);
      const Array x = laid_out<T>(a, layout);
      EXPECT_EQ((host<T>(matrix_power(x, 0)) - identity(n)).norm(), 0.0);
      EXPECT_EQ((host<T>(matrix_power(x, 1)) - a).norm(), 0.0);
      const double size = std::max(1.0, a.norm());
      EXPECT_LT(error_of<T>(host<T>(matrix_power(x, 5)), a * a * a * a * a, std::pow(size, 5)),
                few);
      const HostMatrix back = host<T>(matrix_power(x, -2));
      EXPECT_LT(error_of<T>(back * a * a, identity(n), back.norm() * size * size), few);

      for (const double scale : {1e-3, 0.2, 1.0, 6.0}) {
        const HostMatrix b =
            rounded<T>({n, n, [&](auto i, auto j) { return a(i, j) * scale / size; }});
        HostMatrix sum = identity(n), term = identity(n);  // Taylor's series
        for (int k = 1; k < 60; ++k) {
          term = term * b;
          for (Z& v : term.values) v /= k;
          for (std::size_t i = 0; i < sum.values.size(); ++i) sum.values[i] += term.values[i];
        }
        const HostMatrix e = host<T>(expm(laid_out<T>(b, layout)));
        EXPECT_LT(error_of<T>(e, sum, sum.norm()), 5 * few) << n << " scale " << scale;
      }
    }
  });
}

}  // namespace
}  // namespace tessera::linalg
