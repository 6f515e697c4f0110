// Products of arrays in device memory, with our CUDA kernels on the double: they stay there, are
// right, and have the bits of one process.
#include <gtest/gtest.h>

#include <tessera/linalg/functions.hpp>
#include <tessera/runtime/plugin.hpp>

#include "linalg/host_matrix.hpp"

namespace tessera::linalg {
namespace {

using namespace tessera::test;

template <class T>
class OnDevice : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    load_plugin(TESSERA_CUDA_ON_HOST);
    device = Runtime::device("cuda");
  }
  static inline Device device;
};
using Types = testing::Types<float, double, std::complex<double>>;
TYPED_TEST_SUITE(OnDevice, Types);

TYPED_TEST(OnDevice, ProductsAreRightAndStay) {
  using T = TypeParam;
  const Device device = TestFixture::device;
  const HostMatrix a = random_matrix<T>(700, 6, 1);
  const HostMatrix b = random_matrix<T>(6, 5, 2);
  const HostMatrix wide = random_matrix<T>(5, 300, 3);
  const HostMatrix tall = random_matrix<T>(300, 5, 4);
  const auto check = [&](const HostMatrix& want, const std::function<Array(Communicator)>& f) {
    const Array c = f(Communicator::world());
    EXPECT_TRUE(c.device() == device);
    EXPECT_LT(error_of<T>(host<T>(c), want, std::max(1.0, want.norm())), 10);
    EXPECT_TRUE(host<T>(c).values == host<T>(f(Communicator::self())).values);
  };
  const auto there = [&](const HostMatrix& h, Layout layout, const Communicator& comm) {
    return laid_out<T>(h, layout, comm).to(device);
  };
  for (const Layout right : all_layouts)
    check(a * b,
          [&](auto comm) { return matmul(there(a, Layout::rows, comm), there(b, right, comm)); });
  check(wide * tall, [&](auto comm) {
    return matmul(there(wide, Layout::rows, comm), there(tall, Layout::rows, comm));
  });
  check(tall * tall.adjoint(), [&](auto comm) {
    const Array x = there(tall, Layout::rows, comm);
    return matmul(x, adjoint(x));
  });
  for (const Layout layout : all_layouts) {
    check(a.adjoint() * a, [&](auto comm) {
      const Array x = there(a, layout, comm);
      return matmul(adjoint(x), x);
    });
    check(a.adjoint() * a, [&](auto comm) { return gram(there(a, layout, comm)); });
    check(a.adjoint(), [&](auto comm) { return evaluate(adjoint(there(a, layout, comm))); });
    const Array x = there(a, layout, Communicator::world());
    EXPECT_NEAR(norm(x), a.norm(), 1e-13 * a.norm());
    EXPECT_NEAR(norm(x, 1), norm(x.to(cpu), 1), 0.0);
    EXPECT_TRUE(host<T>(diagonal(x, -2)).values == host<T>(diagonal(x.to(cpu), -2)).values);
    EXPECT_TRUE(host<T>(trace(x)).values == host<T>(trace(x.to(cpu))).values);
    EXPECT_TRUE(host<T>(vecdot(x, x)).values == host<T>(vecdot(x.to(cpu), x.to(cpu))).values);
  }
}

}  // namespace
}  // namespace tessera::linalg
