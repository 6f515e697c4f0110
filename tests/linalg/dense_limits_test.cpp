// Where dense functions end: errors, singular matrices, NaN, elements near overflow, scalars.
#include <algorithm>
#include <numeric>

#include "dense_case.hpp"

namespace tessera::linalg {
namespace {

using namespace tessera::linalg::test;

template <class T>
struct DenseLimits : DenseCase<T> {};
TYPED_TEST_SUITE(DenseLimits, Types);

TEST(Equations, NeedOneCommunicator) {
  const HostMatrix a = positive_definite<double>(5);
  const Array here = laid_out<double>(a, Layout::replicated, Communicator::self());
  const Array there = laid_out<double>(a, Layout::replicated);
  const Lu lu = lu_factor(there);
  using Call = std::function<void()>;
  for (const auto& [name, call] : std::vector<std::pair<const char*, Call>>{
           {"solve", [&] { solve(there, here); }},
           {"solve_triangular", [&] { solve_triangular(there, here); }},
           {"lstsq", [&] { lstsq(there, here); }},
           {"lu_solve", [&] { lu_solve(lu, here); }}})
    expect_error<TypeError>(call, fmt::format("{} needs arrays of one communicator", name));
}

// Powers far smaller than those of the norm: scaling by the norm alone would lose half the digits.
TEST(Exponential, OfNonnormalMatrices) {
  const auto e = [](double a, double b, double d) {
    const HostMatrix x = {2, 2, [&](auto i, auto j) { return i > j ? 0 : i < j ? b : i ? d : a; }};
    return host<double>(expm(laid_out<double>(x, Layout::rows)));
  };
  const HostMatrix nilpotent = e(0, 1e8, 0);
  EXPECT_NEAR(nilpotent(0, 0).real(), 1.0, 1e-15);
  EXPECT_NEAR(nilpotent(0, 1).real(), 1e8, 1e-6);
  const HostMatrix triangle = e(1, 1e6, -1);
  EXPECT_NEAR(triangle(0, 0).real(), std::exp(1.0), 1e-14);
  EXPECT_NEAR(triangle(0, 1).real(), 1e6 * std::sinh(1.0), 1e-8);
  EXPECT_NEAR(triangle(1, 1).real(), std::exp(-1.0), 1e-14);
  EXPECT_NEAR(e(50, 0, -50)(0, 0).real() / std::exp(50.0), 1.0, 1e-13);
}

TEST(DenseSameBits, OnOneProcessWhateverTheNumberOfThem) {
  const Communicator world = Communicator::world();
  const Communicator self = Communicator::self();
  const HostMatrix a = positive_definite<double>(37);
  const HostMatrix b = random_matrix<double>(37, 3, 2);
  const auto compare = [&](const std::function<Array(const Array&, const Array&)>& f) {
    const HostMatrix here = host<double>(
        f(laid_out<double>(a, Layout::rows, self), laid_out<double>(b, Layout::rows, self)));
    for (const Layout layout : all_layouts) {
      const HostMatrix there =
          host<double>(f(laid_out<double>(a, layout, world), laid_out<double>(b, layout, world)));
      EXPECT_TRUE(all_of(world, here.values == there.values)) << name_of_layout(layout);
    }
  };
  compare([](const Array& x, const Array&) { return cholesky(x); });
  compare([](const Array& x, const Array&) { return lu_factor(x).lu; });
  compare([](const Array& x, const Array& y) { return solve(x, y); });
  compare([](const Array& x, const Array&) { return inv(x); });
  compare([](const Array& x, const Array&) { return eigh(x).vectors; });
  compare([](const Array& x, const Array&) { return svd(x).u; });
  compare([](const Array& x, const Array&) { return expm(x); });
  compare([](const Array& x, const Array&) { return det(x); });
}

TEST(DenseErrors, OneForAllProcesses) {
  const Array rectangle = laid_out<double>(random_matrix<double>(4, 3), Layout::rows);
  const Array cube = zeros({2, 2, 2});
  for (const bool grid : {false, true}) {
    const Limit limit(grid);
    expect_error<ValueError>([&] { cholesky(rectangle); },
                             "cholesky needs a square matrix, got one of shape (4, 3)");
    expect_error<ValueError>([&] { svd(cube); },
                             "svd needs a matrix (2-D), got an array of shape (2, 2, 2)");
    expect_error<ValueError>([&] { inv(Array()); }, "an empty Array handle has no communicator");
    HostMatrix a = positive_definite<double>(30);
    a(16, 16) = -1.0;
    expect_error<LinAlgError>([&] { cholesky(laid_out<double>(a, Layout::rows)); },
                              "matrix is not positive definite: leading minor 17");
    HostMatrix bad = positive_definite<double>(30);
    bad(20, 5) = std::numeric_limits<double>::quiet_NaN();
    for (const Layout layout : all_layouts)
      expect_error<ValueError>([&] { eigh(laid_out<double>(bad, layout)); },
                               "eigh got NaN or infinity at row 20, column 5");
    const Array singular = laid_out<double>(
        {6, 6, [](auto i, auto j) { return i == 3 ? 0.0 : double(1 + i * j * j); }}, Layout::rows);
    const Array b = laid_out<double>(random_matrix<double>(6, 1), Layout::rows);
    EXPECT_THROW(solve(singular, b), LinAlgError);
    EXPECT_THROW(inv(singular), LinAlgError);
    EXPECT_THROW(matrix_power(singular, -1), LinAlgError);
    expect_error<LinAlgError>(
        [&] {
          solve_triangular(
              laid_out<double>({4, 4, [](auto i, auto j) { return i <= j && i != 2 ? 1.0 : 0.0; }},
                               Layout::rows),
              zeros({4}));
        },
        "matrix is singular: zero at [2, 2]");
    expect_error<ValueError>([&] { solve(laid_out<double>(a, Layout::rows), zeros({29})); },
                             "solve needs a right-hand side of shape (30,) or (30, k), got (29,)");
    expect_error<ValueError>(
        [&] {
          eigh(laid_out<double>(a, Layout::rows), {.subset_by_index = {{3, 30}}});
        },
        "eigh needs subset_by_index (first, last) with 0 <= first <= last < 30, got (3, 30)");
    expect_error<ValueError>([&] { svds(laid_out<double>(a, Layout::rows), 31); },
                             "svds needs 1 <= k <= 30 for shape (30, 30), got 31");
    expect_error<ValueError>(
        [&] {
          cond(zeros({0, 0}));
        },
        "cond of an empty matrix, shape (0, 0), is not defined");
  }
  const Limit limit(true);
  EXPECT_THROW(eig(laid_out<double>(random_matrix<double>(4, 4), Layout::rows)),
               NotImplementedError);
}

// From LAPACK and over the grid: between the reciprocal condition number and three times it.
TYPED_TEST(DenseLimits, ConditionEstimates) {
  using T = TypeParam;
  const Limit limit(true);
  const auto between = [](double estimate, const HostMatrix& a) {
    const Array x = laid_out<T>(a, Layout::replicated);
    const double exact = 1.0 / (norm(x, 1) * norm(inv(x), 1));
    EXPECT_GE(estimate, 0.99 * exact);
    EXPECT_LE(estimate, 3.0 * exact);
  };
  for (const std::int64_t n : {1, 2, 5, 23, 40})
    for (const double grade : {1.0, 0.8})
      for (const bool alone : {true, false}) {
        SCOPED_TRACE(fmt::format("{} rows, graded {}, alone {}", n, grade, alone));
        const Communicator comm = alone ? Communicator::self() : Communicator::world();
        const scalapack::Grid grid(comm);
        const auto dealt = [&](const HostMatrix& a) {
          return grid.copy(laid_out<T>(a, Layout::replicated, comm));
        };
        HostMatrix a = random_matrix<T>(n, n);
        for (auto i = 0; i < n; ++i)
          for (auto j = 0; j < n; ++j)
            a(i, j) *= std::pow(grade, std::min(static_cast<double>(j), 20.0));
        a = rounded<T>(a);
        const scalapack::Matrix lu = dealt(a);
        scalapack::Pivots pivots;
        const double size = scalapack::norm_1(lu);
        ASSERT_EQ(scalapack::getrf(lu, pivots), 0);
        between(scalapack::gecon(lu, size), a);
        for (const bool lower : {false, true}) {
          HostMatrix t = triangle(a, lower);
          for (auto i = 0; i < n; ++i) t(i, i) += std::pow(grade, std::min(double(i), 20.0));
          t = rounded<T>(t);
          between(scalapack::trcon(lower, dealt(t)), t);
          const HostMatrix p = positive_definite<T>(n);
          const scalapack::Matrix factor = dealt(p);
          const double norm_of_p = scalapack::norm_1(factor);
          scalapack::potrf(lower, factor);
          between(scalapack::pocon(lower, factor, norm_of_p), p);
        }
      }
}

// A cancellation that one vector does not see; and what elimination makes too large to be right.
TEST(ConditionEstimates, OfKnownMatrices) {
  for (const bool alone : {true, false}) {
    const Communicator comm = alone ? Communicator::self() : Communicator::world();
    const scalapack::Grid grid(comm);
    const auto estimate = [&](const HostMatrix& a) {
      const scalapack::Matrix lu = grid.copy(laid_out<double>(a, Layout::replicated, comm));
      const double size = scalapack::norm_1(lu);
      scalapack::Pivots pivots;
      EXPECT_EQ(scalapack::getrf(lu, pivots), 0);
      return scalapack::gecon(lu, size);
    };
    const double eps = std::numeric_limits<double>::epsilon();
    const double rows[3][3] = {{1, 1, 0}, {1, 1 + eps, 0}, {0, 1, 1}};
    const HostMatrix near(3, 3, [&](auto i, auto j) { return rows[i][j]; });
    EXPECT_NEAR(estimate(near) / (eps / 9), 1.0, 0.01);
    const HostMatrix tiny(4, 4, [](auto i, auto j) { return i == j ? 3e-200 : 1e-200; });
    EXPECT_GT(estimate(tiny), 0.1);
    // Partial pivoting doubles the last column in every step.
    const HostMatrix growing(70, 70, [](auto i, auto j) {
      return i == j || j == 69 ? 1.0 : i > j ? -0.999 : 0.0;
    });
    EXPECT_LT(estimate(growing), 1e-17);
  }
}

// Nothing iterates on NaN or infinities: it would not end, or end differently over a grid.
TYPED_TEST(DenseLimits, NaNAndInfinityUnchecked) {
  using T = TypeParam;
  const double inf = std::numeric_limits<double>::infinity();
  const auto has_nan = [](const Array& x) {
    const Array whole = gather(x).astype(detail::complex_of(x.dtype()));
    if (whole.dtype() == DType::complex64) {
      const auto v = whole.values<std::complex<float>>();
      return std::any_of(v.begin(), v.end(), [](auto z) { return z != z; });
    }
    const auto v = whole.values<Z>();
    return std::any_of(v.begin(), v.end(), [](auto z) { return z != z; });
  };
  const auto all_nan = [](const Array& x) {
    const HostMatrix h = host<T>(x);
    return std::all_of(h.values.begin(), h.values.end(), [](Z z) { return z != z; });
  };
  const SvdOptions free_svd{.check_finite = false};
  for (const double bad : {std::nan(""), inf, -inf})
    for (const bool grid : {false, true})
      for (const Layout layout : {Layout::rows, Layout::block_cyclic}) {
        SCOPED_TRACE(fmt::format("{}, {}, {}", bad, grid, name_of_layout(layout)));
        const Limit limit(grid);
        HostMatrix a = positive_definite<T>(20);
        a(11, 4) = a(4, 11) = bad;
        HostMatrix long_one = random_matrix<T>(90, 5);
        long_one(70, 2) = bad;
        const Array square = laid_out<T>(a, layout);
        const Array tall = laid_out<T>(long_one, layout);
        const Array b = laid_out<T>(random_matrix<T>(20, 2), layout);
        const Array c = laid_out<T>(random_matrix<T>(90, 2), layout);
        for (const Array& x : {square, tall, evaluate(transpose(tall))}) {
          const std::string svd_text = "the SVD did not converge: the matrix has NaN or infinity";
          expect_error<LinAlgError>([&] { svd(x, free_svd); }, svd_text);
          expect_error<LinAlgError>([&] { svdvals(x, false); }, svd_text);
          expect_error<LinAlgError>([&] { pinv(x, 0.0, {}, false); }, svd_text);
          expect_error<LinAlgError>([&] { matrix_rank(x); }, svd_text);
          EXPECT_TRUE(std::isnan(bad) ? std::isnan(cond(x)) : cond(x) == inf);
          EXPECT_TRUE(std::isnan(norm(x, 2)));
          lu_factor(x, false);
          qr(x, QrMode::reduced, false);
        }
        expect_error<LinAlgError>([&] { lstsq(tall, c, {}, false); },
                                  "the SVD did not converge: the matrix has NaN or infinity");
        EXPECT_TRUE(has_nan(lstsq(c, tall, {}, false).x));
        EXPECT_TRUE(has_nan(qr(tall, QrMode::reduced, false).r));
        const std::string eig_text =
            "the eigenvalues did not converge: the matrix has NaN or infinity";
        for (const bool lower : {false, true}) {
          expect_error<LinAlgError>([&] { eigh(square, {.lower = lower, .check_finite = false}); },
                                    eig_text);
          // What is not read is not looked at.
          HostMatrix half = triangle(positive_definite<T>(20), lower);
          half(lower ? 3 : 9, lower ? 9 : 3) = bad;
          const Array x = laid_out<T>(half, layout);
          EXPECT_FALSE(has_nan(eigh(x, {.lower = lower, .check_finite = false}).vectors));
          EXPECT_FALSE(has_nan(cholesky(x, {.lower = lower, .check_finite = false})));
        }
        if (!grid) expect_error<LinAlgError>([&] { eig(square, false); }, eig_text);
        EXPECT_TRUE(has_nan(lu_factor(square, false).lu));
        EXPECT_TRUE(all_nan(inv(square, false)));
        // Kernels skip what meets a zero, in float32 at least.
        const Array two = laid_out<T>(
            {2, 2, [=](auto i, auto j) { return i < j ? bad : static_cast<double>(1 + i + j); }},
            layout);
        EXPECT_TRUE(all_nan(inv(two, false)));
        EXPECT_TRUE(all_nan(matrix_power(two, -1)));
        EXPECT_TRUE(
            all_nan(solve(two, two, {.assume_a = Structure::general, .check_finite = false})));
        EXPECT_TRUE(
            has_nan(solve(square, b, {.assume_a = Structure::general, .check_finite = false})));
        EXPECT_TRUE(has_nan(det(square, false)));
        EXPECT_TRUE(std::isnan(slogdet(square, false).logabsdet));
        EXPECT_TRUE(has_nan(qr(square, QrMode::reduced, false).r));
        EXPECT_TRUE(has_nan(cholesky(square, {.check_finite = false})));
      }
}

// Sums of a few elements overflow; factors, values and solutions do not.
TYPED_TEST(DenseLimits, ElementsNearOverflow) {
  using T = TypeParam;
  using R = decltype(std::abs(T()));
  constexpr int top = std::numeric_limits<R>::max_exponent - 3;
  const double unit = std::ldexp(1.0, top);
  this->everywhere([&](Layout layout) {
    const std::int64_t n = 20;
    HostMatrix a = random_matrix<T>(n, n);
    for (auto i = 0; i < n; ++i) a(i, i) += 2.0;
    a = rounded<T>(a);
    const HostMatrix big = rounded<T>({n, n, [&](auto i, auto j) { return a(i, j) * unit; }});
    const HostMatrix b = random_matrix<T>(n, 2);
    const Array x =
        solve(laid_out<T>(big, layout), laid_out<T>(b, layout), {.assume_a = Structure::general});
    // x is so small that it must be multiplied before it is looked at.
    HostMatrix times = host<T>(x);
    for (Z& v : times.values) v *= unit;
    EXPECT_LT(error_of<T>(a * times, b, a.norm() * times.norm()), 1e4);
    EXPECT_NEAR(slogdet(laid_out<T>(big, layout)).logabsdet,
                slogdet(laid_out<T>(a, layout)).logabsdet + static_cast<double>(n * top) * M_LN2,
                1e4 * eps_of<T>() * static_cast<double>(n * top));
    const Array few_rows = laid_out<T>(big, layout);
    const HostMatrix q = host<T>(qr(few_rows).q);
    EXPECT_LT(orthogonality<T>(q), few);
    EXPECT_LT(orthogonality<T>(host<T>(svd(few_rows).u)), few);
    const Array w = svdvals(laid_out<T>(a, layout)).astype(DType::float64);
    const Array s = svdvals(few_rows).astype(DType::float64);
    const auto want = w.template values<double>();
    const auto found = s.template values<double>();
    for (auto i = 0; i < n; ++i) {
      const double expected = want[i] * unit;
      if (expected < 0.99 * static_cast<double>(std::numeric_limits<R>::max()))
        EXPECT_NEAR(found[i], expected, 1e3 * eps_of<T>() * want[0] * unit) << i;
      else
        EXPECT_GT(found[i], 0.98 * static_cast<double>(std::numeric_limits<R>::max())) << i;
    }
    const HostMatrix long_one =
        rounded<T>({90, 3, [&](auto i, auto j) { return random_matrix<T>(90, 3)(i, j) * unit; }});
    const Array tall = laid_out<T>(long_one, layout);
    EXPECT_LT(orthogonality<T>(host<T>(qr(tall).q)), few);
    EXPECT_LT(orthogonality<T>(host<T>(svd(tall).u)), few);
  });
}

TEST(DenseScalars, AsNumPyAndSciPyTakeThem) {
  const auto world = Communicator::world();
  const Array three = replicated(std::vector{3.0}, {}, world);
  const Array vector = replicated(std::vector{0.0, std::nan(""), 0.0}, {3}, world);
  for (const Array& x : {three, three.reshape({1}), three.reshape({1, 1})}) {
    EXPECT_EQ(expm(x).shape(), (Shape{1, 1}));
    EXPECT_NEAR(host<double>(expm(x))(0, 0).real(), std::exp(3.0), 1e-13);
    EXPECT_EQ(host<double>(cholesky(x))(0, 0).real(), std::sqrt(3.0));
    EXPECT_EQ(matrix_rank(x), 1);
    const Array y = solve(x, replicated(std::vector{6.0, 9.0}, {2}, world));
    EXPECT_EQ(y.shape(), Shape{2});
    EXPECT_EQ(host<double>(y)(1, 0).real(), 3.0);
  }
  EXPECT_EQ(matrix_rank(vector), 1);
  EXPECT_EQ(matrix_rank(zeros({5})), 0);
  EXPECT_EQ(matrix_rank(zeros({0})), 0);
  // What scaling would lose is not scaled; what has no reciprocal is.
  const auto diagonal = [](double a, double b, double c) {
    return laid_out<double>(
        {3, 3, [=](auto i, auto j) { return i != j   ? 0.0
                                            : i == 0 ? a
                                            : i == 1 ? b
                                                     : c; }},
        Layout::rows);
  };
  EXPECT_EQ(host<double>(inv(diagonal(1e300, 1, 1e-300)))(2, 2).real(), 1 / 1e-300);
  EXPECT_EQ(slogdet(diagonal(1e300, 1, 1e-300)).sign.values<double>()[0], 1.0);
  const Array denormal = laid_out<double>(
      {2, 2, [](auto i, auto j) { return i == j ? 0x3p-1070 : 0x1p-1070; }}, Layout::rows);
  for (const Array& x : {solve(denormal, denormal), lstsq(denormal, denormal).x})
    EXPECT_LT((host<double>(x) - identity(2)).norm(), 1e-14);
  EXPECT_NEAR(slogdet(denormal).logabsdet, std::log(8.0) - 2140 * M_LN2, 1e-10);
  EXPECT_EQ(host<double>(expm(diagonal(1e300, 1, 1e-300)))(1, 1).real(), std::exp(1.0));
  EXPECT_EQ(host<double>(det(laid_out<double>(
                {3, 3, [](auto i, auto j) { return i != j   ? 0.0
                                                   : i == 2 ? 1e-300
                                                            : 1e200; }},
                Layout::rows)))(0, 0)
                .real(),
            1e100);
}

TEST(DenseDtypes, IntegersComputeInFloat64AndDtypesMix) {
  const Array a =
      laid_out<double>({3, 3, [](auto i, auto j) { return i == j ? 4.0 : 1.0; }}, Layout::rows);
  const Array integers = a.astype(DType::int32);
  EXPECT_EQ(cholesky(integers).dtype(), DType::float64);
  expect_same<double>(cholesky(integers), cholesky(a));
  EXPECT_EQ(solve(a.astype(DType::float32), zeros({3}, DType::complex64)).dtype(),
            DType::complex64);
  EXPECT_EQ(solve(a, zeros({3}, DType::complex64)).dtype(), DType::complex128);
  EXPECT_EQ(solve(a.astype(DType::float32), zeros({3}, DType::float32)).dtype(), DType::float32);
}

}  // namespace
}  // namespace tessera::linalg
