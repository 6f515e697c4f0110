// Products, transposes and diagonals: all layouts, transposes and dtypes against plain
// loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <numeric>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/runtime.hpp>

#include "host_matrix.hpp"

namespace tessera::linalg {
namespace {

using namespace tessera::test;
using Kind = Distribution::Kind;

std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

const std::vector<Transpose> ops = {Transpose::no, Transpose::yes, Transpose::conjugate};

const char* name_of_op(Transpose op) {
  return op == Transpose::no ? "" : op == Transpose::yes ? "^T" : "^H";
}
HostMatrix applied(const HostMatrix& h, Transpose op) {
  return op == Transpose::no ? h : op == Transpose::yes ? h.transpose() : h.adjoint();
}
HostMatrix magnitudes(const HostMatrix& h) {
  return {h.rows, h.cols, [&](auto i, auto j) { return std::abs(h(i, j)); }};
}

// |got - want| <= few eps k |a| |b|, element by element.
template <class T>
void expect_product(const HostMatrix& got, const HostMatrix& a, const HostMatrix& b,
                    const std::string& what) {
  const HostMatrix want = a * b;
  const HostMatrix size = magnitudes(a) * magnitudes(b);
  ASSERT_EQ(got.rows, want.rows) << what;
  ASSERT_EQ(got.cols, want.cols) << what;
  const double unit = 4 * eps_of<T>() * static_cast<double>(4 + a.cols);
  double worst = 0;
  for (std::int64_t i = 0; i < got.rows; ++i)
    for (std::int64_t j = 0; j < got.cols; ++j) {
      const double error = std::abs(got(i, j) - want(i, j));
      worst = std::max(worst, error == 0 ? 0 : error / (unit * size(i, j).real() + 1e-300));
    }
  EXPECT_LT(worst, 1) << what;
}

// The layout that docs/linalg.md promises for results of so many rows.
Kind promised(const Array& result, const Array& like) {
  const Kind kind = like.distribution().kind();
  return result.rows() == like.rows() && result.ndim() == like.ndim() ? kind : Kind::replicated;
}

template <class T>
class Products : public testing::Test {};
using Types = testing::Types<float, double, std::complex<float>, std::complex<double>>;
TYPED_TEST_SUITE(Products, Types);

struct Extents {
  std::int64_t m, k, n;
};
const std::vector<Extents> sizes = {{1, 1, 1}, {3, 5, 2}, {4, 3, 4}, {1, 17, 1},  {13, 1, 7},
                                    {0, 3, 2}, {3, 0, 2}, {2, 3, 0}, {31, 29, 37}};
const std::vector<Extents> several_leaves = {{257, 3, 5}, {4, 521, 6}, {5, 7, 300}, {256, 256, 2}};

template <class T>
void check_matmul(const Extents& e, Layout left, Transpose op_a, Layout right, Transpose op_b) {
  const bool ta = op_a != Transpose::no;
  const bool tb = op_b != Transpose::no;
  const HostMatrix a = random_matrix<T>(ta ? e.k : e.m, ta ? e.m : e.k, 1);
  const HostMatrix b = random_matrix<T>(tb ? e.n : e.k, tb ? e.k : e.n, 2);
  const auto product = [&](const Communicator& comm) {
    return matmul({laid_out<T>(a, left, comm), op_a}, {laid_out<T>(b, right, comm), op_b});
  };
  const std::string what =
      fmt::format("{} x {} x {}: {}{} @ {}{}", e.m, e.k, e.n, name_of_layout(left),
                  name_of_op(op_a), name_of_layout(right), name_of_op(op_b));
  const Array c = product(Communicator::world());
  ASSERT_EQ(c.shape(), (Shape{e.m, e.n})) << what;
  ASSERT_EQ(c.dtype(), dtype_of<T>) << what;
  const Array like = laid_out<T>(a, left);
  EXPECT_TRUE(c.distribution().kind() == promised(c, like)) << what;
  const HostMatrix got = host<T>(c);
  expect_product<T>(got, applied(a, op_a), applied(b, op_b), what);
  // Small matrices have the same bits on a grid, too.
  const HostMatrix alone = host<T>(product(Communicator::self()));
  EXPECT_TRUE(got.values == alone.values) << what << " has other bits on one process";
}

TYPED_TEST(Products, MatmulOfEveryLayoutAndTranspose) {
  for (const Extents& e : sizes)
    for (const Layout left : all_layouts)
      for (const Layout right : all_layouts)
        for (const Transpose op_a : ops)
          for (const Transpose op_b : ops) check_matmul<TypeParam>(e, left, op_a, right, op_b);
  for (const Extents& e : several_leaves)
    for (const Layout left : {Layout::rows, Layout::replicated})
      for (const Layout right : {Layout::rows, Layout::replicated})
        for (const Transpose op_a : {Transpose::no, Transpose::conjugate})
          for (const Transpose op_b : {Transpose::no, Transpose::conjugate})
            check_matmul<TypeParam>(e, left, op_a, right, op_b);
}

// Without one process for small ones, p?gemm has to do it.
TYPED_TEST(Products, MatmulOnAGrid) {
  using T = TypeParam;
  const std::int64_t before = detail::limit_one_process(-1);
  for (const Extents& e : {Extents{23, 31, 17}, Extents{1, 1, 1}, Extents{3, 40, 2}})
    for (const auto& [left, right] :
         std::vector<std::pair<Layout, Layout>>{{Layout::block_cyclic, Layout::block_cyclic},
                                                {Layout::rows, Layout::block_cyclic},
                                                {Layout::block_cyclic, Layout::replicated}})
      for (const Transpose op_a : ops)
        for (const Transpose op_b : ops) {
          const HostMatrix a = random_matrix<T>(e.m, e.k, 1);
          const HostMatrix b = random_matrix<T>(e.k, e.n, 2);
          const Array c =
              matmul({laid_out<T>(op_a == Transpose::no ? a : applied(a, op_a), left), op_a},
                     {laid_out<T>(op_b == Transpose::no ? b : applied(b, op_b), right), op_b});
          expect_product<T>(host<T>(c), a, b, "grid");
        }
  detail::limit_one_process(before);
}

TYPED_TEST(Products, MatmulOfVectors) {
  using T = TypeParam;
  for (const auto& [m, k] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {5, 3}, {300, 7}, {7, 300}, {2, 0}, {0, 2}})
    for (const Layout la : all_layouts)
      for (const Layout lv : {Layout::rows, Layout::replicated})
        for (const Transpose op : ops)
          for (const Transpose op_v : {Transpose::no, Transpose::conjugate}) {
            const std::string what =
                fmt::format("{} x {}, {}{} {}{}", m, k, name_of_layout(la), name_of_op(op),
                            name_of_layout(lv), name_of_op(op_v));
            const HostMatrix a = random_matrix<T>(m, k, 1);
            const HostMatrix v = random_matrix<T>(k, 1, 2);
            const HostMatrix w = random_matrix<T>(m, 1, 3);
            const auto vector = [&](const HostMatrix& h) {
              return op_v == Transpose::conjugate ? h.adjoint().transpose() : h;
            };
            const Operand x(laid_out<T>(applied(a, op), la), op);
            const Array av = matmul(x, {vector_laid_out<T>(v, lv), op_v});
            ASSERT_EQ(av.shape(), Shape{m}) << what;
            expect_product<T>(host<T>(av), a, vector(v), what);
            const Array wa = matmul({vector_laid_out<T>(w, lv), op_v}, x);
            ASSERT_EQ(wa.shape(), Shape{k}) << what;
            expect_product<T>(host<T>(wa).transpose(), vector(w).transpose(), a, what);
            const Array vv = matmul({vector_laid_out<T>(v, lv), op_v}, vector_laid_out<T>(v, lv));
            ASSERT_EQ(vv.shape(), Shape{}) << what;
            expect_product<T>(host<T>(vv), vector(v).transpose(), v, what);
          }
}

// Predictions lie like the rows they are of.
TEST(ProductsLayout, VectorOfRowsLiesLikeThem) {
  const Array x = make<double>({600, 4});
  const Array coefficients = replicated(std::vector<double>{1, 2, 3, 4}, {4}, x.comm());
  EXPECT_TRUE(matmul(x, coefficients).distribution() == x.distribution());
  EXPECT_TRUE(matmul(transpose(x), make<double>({600})).distribution().kind() == Kind::replicated);
}

TYPED_TEST(Products, GramIsHermitianToTheBit) {
  using T = TypeParam;
  for (const auto n : interesting_rows)
    for (const std::int64_t p : {1, 5, 17})
      for (const Layout layout : all_layouts) {
        const HostMatrix x = random_matrix<T>(n, p);
        const Array g = gram(laid_out<T>(x, layout));
        ASSERT_EQ(g.shape(), (Shape{p, p}));
        ASSERT_EQ(g.dtype(), dtype_of<T>);
        ASSERT_TRUE(g.distribution().kind() == Kind::replicated);
        const HostMatrix got = host<T>(g);
        expect_product<T>(got, x.adjoint(), x, fmt::format("{} x {}", n, p));
        EXPECT_TRUE(got.values == got.adjoint().values) << n << " x " << p;
        EXPECT_TRUE(got.values ==
                    host<T>(gram(laid_out<T>(x, layout, Communicator::self()))).values);
      }
}

TYPED_TEST(Products, OuterAndVecdot) {
  using T = TypeParam;
  for (const std::int64_t m : {0, 1, 5, 300})
    for (const std::int64_t n : {1, 4, 257})
      for (const Layout la : {Layout::rows, Layout::replicated})
        for (const Layout lb : {Layout::rows, Layout::replicated}) {
          const HostMatrix a = random_matrix<T>(m, 1, 1);
          const HostMatrix b = random_matrix<T>(n, 1, 2);
          const Array x = vector_laid_out<T>(a, la);
          const Array c = outer(x, vector_laid_out<T>(b, lb));
          ASSERT_EQ(c.shape(), (Shape{m, n}));
          EXPECT_TRUE(c.distribution() == x.distribution());
          expect_product<T>(host<T>(c), a, b.transpose(), "outer");

          const HostMatrix b2 = random_matrix<T>(m, 1, 3);
          const Array s = vecdot(x, vector_laid_out<T>(b2, lb));
          ASSERT_EQ(s.shape(), Shape{});
          expect_product<T>(host<T>(s), a.adjoint(), b2, "vecdot of vectors");
          const auto other = vecdot(vector_laid_out<T>(a, la, Communicator::self()),
                                    vector_laid_out<T>(b2, lb, Communicator::self()));
          EXPECT_TRUE(host<T>(s).values == host<T>(other).values);
        }
  for (const Layout la : all_layouts)
    for (const Layout lb : all_layouts)
      for (const std::int64_t m : {0, 3, 300}) {
        const HostMatrix a = random_matrix<T>(m, 6, 1);
        const HostMatrix b = random_matrix<T>(m, 6, 2);
        const Array d = vecdot(laid_out<T>(a, la), laid_out<T>(b, lb));
        ASSERT_EQ(d.shape(), Shape{m});
        const HostMatrix got = host<T>(d);
        for (std::int64_t i = 0; i < m; ++i) {
          const HostMatrix row(1, 6, [&](auto, auto j) { return a(i, j); });
          const HostMatrix other(1, 6, [&](auto, auto j) { return b(i, j); });
          expect_product<T>({1, 1, [&](auto, auto) { return got(i, 0); }},
                            applied(row.adjoint().transpose(), Transpose::no), other.transpose(),
                            "vecdot of rows");
        }
      }
}

// Every element by the definition, over all free and summed indices.
template <class T>
void check_tensordot(const Shape& sa, const Shape& sb, const Shape& axes_a, const Shape& axes_b) {
  const auto value = [](std::uint64_t seed) {
    return [seed](std::int64_t flat) {
      return narrow<T>({unit(flat, seed) - 0.5, unit(flat, seed + 7)});
    };
  };
  const auto strides = [](const Shape& s) {
    Shape out(s.size(), 1);
    for (std::size_t i = s.size(); i-- > 1;) out[i - 1] = out[i] * s[i];
    return out;
  };
  const Shape ta = strides(sa);
  const Shape tb = strides(sb);
  // Offsets of all combinations of some axes.
  const auto offsets = [](const Shape& extents, const Shape& steps) {
    std::vector<std::int64_t> all = {0};
    for (std::size_t i = 0; i < extents.size(); ++i) {
      std::vector<std::int64_t> next;
      for (const auto at : all)
        for (std::int64_t e = 0; e < extents[i]; ++e) next.push_back(at + e * steps[i]);
      all = next;
    }
    return all;
  };
  const auto part = [](const Shape& of, const Shape& axes, bool inside) {
    Shape out;
    if (inside)
      for (const auto x : axes) out.push_back(of[static_cast<std::size_t>(x)]);
    else
      for (std::size_t i = 0; i < of.size(); ++i)
        if (std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) == axes.end())
          out.push_back(of[i]);
    return out;
  };
  const auto free_a = offsets(part(sa, axes_a, false), part(ta, axes_a, false));
  const auto free_b = offsets(part(sb, axes_b, false), part(tb, axes_b, false));
  const auto inner_a = offsets(part(sa, axes_a, true), part(ta, axes_a, true));
  const auto inner_b = offsets(part(sb, axes_b, true), part(tb, axes_b, true));
  const auto m = std::ssize(free_a);
  const auto n = std::ssize(free_b);
  const auto k = std::ssize(inner_a);
  const HostMatrix a(m, k,
                     [&](auto i, auto l) { return wide(value(1)(free_a[z(i)] + inner_a[z(l)])); });
  const HostMatrix b(k, n,
                     [&](auto l, auto j) { return wide(value(2)(free_b[z(j)] + inner_b[z(l)])); });
  Shape shape = part(sa, axes_a, false);
  for (const auto e : part(sb, axes_b, false)) shape.push_back(e);
  for (const bool split_a : {true, false})
    for (const bool split_b : {true, false}) {
      const auto lay = [&](const Shape& s, std::uint64_t seed, bool split) {
        const Array x = make<T>(s, row_distribution(s, Communicator::world()), value(seed));
        return split ? x : gather(x);
      };
      const Array c = tensordot(lay(sa, 1, split_a), lay(sb, 2, split_b), axes_a, axes_b);
      const std::string what = fmt::format("{} . {} -> {}, {} {}", to_string(sa), to_string(sb),
                                           to_string(shape), split_a, split_b);
      ASSERT_EQ(c.shape(), shape) << what;
      HostMatrix got = host<T>(c);
      got.rows = m;
      got.cols = n;
      expect_product<T>(got, a, b, what);
    }
}

TYPED_TEST(Products, Tensordot) {
  using T = TypeParam;
  check_tensordot<T>({5, 4}, {4, 3}, {1}, {0});
  check_tensordot<T>({5, 2, 3}, {3, 4}, {2}, {0});
  check_tensordot<T>({300, 2, 3}, {3, 2, 2}, {2}, {0});
  check_tensordot<T>({7, 2, 3}, {2, 3, 4}, {1, 2}, {0, 1});
  check_tensordot<T>({7, 2, 3}, {2, 3, 4}, {2, 1}, {1, 0});
  check_tensordot<T>({300, 2}, {300, 3}, {0}, {0});
  check_tensordot<T>({5, 3, 2}, {5, 3, 4}, {0, 1}, {0, 1});
  check_tensordot<T>({4, 300}, {4, 300}, {0, 1}, {0, 1});
  check_tensordot<T>({3, 4}, {5, 4}, {1}, {1});
  check_tensordot<T>({6}, {6}, {0}, {0});
  check_tensordot<T>({3, 2}, {4, 2}, {}, {});
  check_tensordot<T>({0, 2}, {2, 3}, {1}, {0});
  check_tensordot<T>({3, 0}, {0, 2, 2}, {1}, {0});
}

TYPED_TEST(Products, TransposesAreFormed) {
  using T = TypeParam;
  for (const auto& [m, n] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {3, 5}, {0, 4}, {4, 0}, {300, 7}, {7, 300}, {257, 257}})
    for (const Layout layout : all_layouts)
      for (const Transpose op : ops) {
        const HostMatrix a = random_matrix<T>(m, n);
        const Array x = laid_out<T>(a, layout);
        const Array y = evaluate({x, op});
        EXPECT_EQ(y.shape(), Operand(x, op).shape());
        EXPECT_TRUE(y.distribution().kind() == promised(y, x));
        EXPECT_TRUE(host<T>(y).values == applied(a, op).values) << m << " x " << n;
      }
  const HostMatrix v = random_matrix<T>(9, 1);
  const Array x = vector_laid_out<T>(v, Layout::rows);
  EXPECT_TRUE(host<T>(evaluate(transpose(x))).values == v.values);
  EXPECT_TRUE(host<T>(evaluate(adjoint(x))).values == v.adjoint().values);
}

TEST(TransposeDtypes, MovesAnyOfThem) {
  const Array x = make<std::int8_t>({300, 5});
  const Array y = gather(evaluate(transpose(x)));
  for (std::int64_t i = 0; i < 300; ++i)
    for (std::int64_t j = 0; j < 5; ++j)
      ASSERT_EQ(y.values<std::int8_t>()[z(j * 300 + i)], sample<std::int8_t>(i * 5 + j));
}

TYPED_TEST(Products, DiagonalAndTrace) {
  using T = TypeParam;
  for (const auto& [m, n] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {3, 5}, {5, 3}, {0, 4}, {300, 290}})
    for (const Layout layout : all_layouts)
      for (const std::int64_t offset : {0, 1, -1, 2, -2, 4, -299, 400}) {
        const HostMatrix a = random_matrix<T>(m, n);
        const Array x = laid_out<T>(a, layout);
        const Array d = diagonal(x, offset);
        std::vector<Z> want;
        for (std::int64_t i = 0; i < m; ++i)
          if (i + offset >= 0 && i + offset < n) want.push_back(a(i, i + offset));
        ASSERT_EQ(d.shape(), Shape{std::ssize(want)});
        ASSERT_TRUE(d.distribution().kind() == Kind::replicated);
        EXPECT_TRUE(host<T>(d).values == want) << m << " x " << n << " offset " << offset;
        const Array t = trace(x, offset);
        ASSERT_EQ(t.shape(), Shape{});
        ASSERT_EQ(t.dtype(), dtype_of<T>);
        const Z sum = std::accumulate(want.begin(), want.end(), Z{});
        EXPECT_LE(std::abs(host<T>(t)(0, 0) - sum), 1e3 * eps_of<T>());
      }
}

TEST(DiagonalDtypes, IntegersStayIntegers) {
  const Array x = make<std::uint8_t>({300, 300}, [](std::int64_t) { return std::uint8_t{255}; });
  EXPECT_EQ(trace(x).values<std::int64_t>()[0], 300 * 255);
  EXPECT_EQ(diagonal(x, 3).dtype(), DType::uint8);
  const Array flags = make<bool>({5, 5}, [](std::int64_t flat) { return flat % 2 == 0; });
  EXPECT_EQ(trace(flags).values<std::int64_t>()[0], 5);
  const Array large = make<std::int64_t>(
      {2, 2}, [](std::int64_t flat) { return flat == 3 ? 1 : std::int64_t{1} << 60; });
  EXPECT_EQ(trace(large).values<std::int64_t>()[0], (std::int64_t{1} << 60) + 1);
}

// --- What went wrong elsewhere ------------------------------------------------------------------

// HeAT counted products twice that lay on two processes.
TEST(Matmul, OnesGiveTheInnerExtentEverywhere) {
  for (const Layout left : all_layouts)
    for (const Layout right : all_layouts) {
      const HostMatrix a(4, 3, [](auto, auto) { return 1.0; });
      const Array c = matmul(laid_out<double>(a, left), laid_out<double>(a.transpose(), right));
      expect_elements<double>(c, [](std::int64_t) { return 3.0; });
    }
}

TEST(Matmul, IdentityChangesNothing) {
  for (const std::int64_t n : {3, 10, 300}) {
    const HostMatrix e = random_matrix<double>(n, n);
    for (const Layout right : all_layouts)
      EXPECT_TRUE(host<double>(matmul(laid_out<double>(e, Layout::rows),
                                      laid_out<double>(identity(n), right)))
                      .values == e.values)
          << n;
  }
}

// Transposed operands, formed and not, agree, and a transpose can be laid out anew.
TEST(Matmul, TransposedOperandsMoveAndMultiply) {
  const HostMatrix a = random_matrix<double>(300, 40);
  const Array x = laid_out<double>(a, Layout::rows);
  const Array xt = evaluate(transpose(x));
  const Array rows = redistribute(xt, Distribution::rows(40, x.comm().size()));
  EXPECT_TRUE(host<double>(gather(rows)).values == a.transpose().values);
  expect_product<double>(host<double>(matmul(rows, x)), a.transpose(), a, "formed");
  expect_product<double>(host<double>(matmul(transpose(x), x)), a.transpose(), a, "not formed");
  expect_product<double>(host<double>(matmul(transpose(rows), transpose(x))), a, a.transpose(),
                         "both");
}

// A block that is cut in blocks which are not square goes to a grid of its own.
TEST(Matmul, TakesAnyBlocks) {
  const HostMatrix a = random_matrix<double>(23, 23);
  const int processes = Communicator::world().size();
  const Array x = redistribute(laid_out<double>(a, Layout::rows),
                               Distribution::block_cyclic(23, 23, 1, processes, 23, 3, processes));
  for (const std::int64_t limit : {std::int64_t{1} << 20, std::int64_t{-1}}) {
    const std::int64_t before = detail::limit_one_process(limit);
    const Array c = matmul(x, x);
    detail::limit_one_process(before);
    EXPECT_TRUE(c.distribution() == x.distribution());
    expect_product<double>(host<double>(c), a, a, "blocks");
  }
}

// Panels of several heights and widths: more than 8192 columns, on several threads.
TEST(Matmul, PanelsOfWideMatrices) {
  const int threads = Runtime::threads();
  const auto matrix = [](std::int64_t m, std::int64_t n, std::uint64_t seed,
                         const Communicator& comm) {
    return make<double>(
        {m, n}, [=](std::int64_t flat) { return unit(flat, seed) - 0.5; }, comm);
  };
  for (const Transpose op : {Transpose::no, Transpose::yes}) {
    const auto product = [&](const Communicator& comm, bool whole) {
      const Array b = matrix(270, 8200, 2, comm);
      return gather(matmul(matrix(260, op == Transpose::yes ? 8200 : 270, 1, comm),
                           {whole ? gather(b) : b, op}));
    };
    Runtime::set_threads(1);
    const Array alone = product(Communicator::self(), false);
    Runtime::set_threads(2);
    const Array panels = product(Communicator::world(), false);
    const Array whole = product(Communicator::world(), true);
    const auto same = [&](const Array& x, double tolerance) {
      const auto want = alone.values<double>();
      expect_near<double>(
          x, [&](std::int64_t flat) { return want[z(flat)]; }, tolerance);
    };
    same(panels, 0.0);
    same(whole, 1e-11);
  }
  Runtime::set_threads(threads);
}

// No call of gemm sees more of b than a panel.
TEST(Matmul, HoldsNoFullOperand) {
  static std::atomic<std::int64_t> most;
  most = 0;
  Backend spy("spy", Device::Kind::cpu);
  spy.implement(
      kernels().gemm, inexact,
      [](Stream& s, double alpha, const Tile& a, Transpose ta, const Tile& b, Transpose tb,
         double beta, const Tile& c) {
        std::int64_t seen = most;
        while (seen < b.rows * b.cols && !most.compare_exchange_weak(seen, b.rows * b.cols)) {
        }
        const auto guard = only("cpu");
        kernels().gemm(s, alpha, a, ta, b, tb, beta, c);
      });
  install(std::move(spy));
  const Array x = make<double>({2048, 2048}, [](std::int64_t flat) { return unit(flat); });
  const auto guard = prefer("spy");
  matmul(x, x);
  EXPECT_LE(most, 2048 * 1024);
  EXPECT_EQ(most > 0, x.local_rows().size() > 0);
}

TEST(Matmul, DtypesMix) {
  const Array f = full({3, 3}, 1, DType::float32);
  EXPECT_EQ(matmul(f, f).dtype(), DType::float32);
  EXPECT_EQ(matmul(f, full({3, 3}, 1, DType::int8)).dtype(), DType::float64);
  EXPECT_EQ(matmul(full({3, 3}, 1, DType::boolean), full({3, 3}, 1, DType::int64)).dtype(),
            DType::float64);
  EXPECT_EQ(matmul(f, full({3, 3}, 1, DType::complex64)).dtype(), DType::complex64);
  EXPECT_EQ(matmul(full({3, 3}, 1), full({3, 3}, 1, DType::complex64)).dtype(), DType::complex128);
  EXPECT_EQ(gram(full({3, 2}, 2, DType::int32)).values<double>()[0], 12);
}

TEST(ProductsErrors, OneForAllProcesses) {
  expect_error<ValueError>(
      [] {
        matmul(zeros({3, 4}), zeros({5, 2}));
      },
      "matmul: inner extents differ: (3, 4) @ (5, 2)");
  expect_error<ValueError>(
      [] {
        matmul(transpose(zeros({3, 4})), zeros({4}));
      },
      "matmul: inner extents differ: (4, 3) @ (4,)");
  expect_error<ValueError>(
      [] {
        matmul(zeros({2, 2, 2}), zeros({2}));
      },
      "matmul needs matrices or vectors, got shapes (2, 2, 2) and (2,)");
  expect_error<TypeError>(
      [] { matmul(zeros({3}), zeros({3}, DType::float64, Communicator::world().dup())); },
      "matmul needs arrays of one communicator");
  expect_error<ValueError>(
      [] {
        outer(zeros({3, 1}), zeros({2}));
      },
      "outer needs two vectors, got shapes (3, 1) and (2,)");
  expect_error<ValueError>([] { vecdot(zeros({3}), zeros({2})); },
                           "vecdot needs two vectors or matrices of one shape, got (3,) and (2,)");
  expect_error<ValueError>([] { gram(zeros({3})); },
                           "gram needs a matrix (2-D), got an array of shape (3,)");
  expect_error<ValueError>([] { trace(zeros({3})); },
                           "trace needs a matrix (2-D), got an array of shape (3,)");
  expect_error<ValueError>(
      [] {
        transpose(zeros({2, 2, 2}));
      },
      "transpose needs a matrix or a vector, got an array of shape (2, 2, 2)");
  expect_error<ValueError>(
      [] {
        tensordot(zeros({3, 4}), zeros({5, 2}), 1);
      },
      "tensordot: extents differ: axes (1) of (3, 4) and (0) of (5, 2)");
  expect_error<ValueError>(
      [] {
        tensordot(zeros({3, 4}), zeros({4, 2}), 3);
      },
      "tensordot: axes must lie in [0, 2] for shapes (3, 4) and (4, 2), got 3");
}

}  // namespace
}  // namespace tessera::linalg
