// The estimators on data in device memory, with our CUDA kernels on the double: a host access to
// device memory anywhere faults.
#include <gtest/gtest.h>

#include <cmath>

#include <tessera/estimators/linear_model/logistic_regression.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/plugin.hpp>
#include <tessera/runtime/reduce.hpp>

#include "cuda_on_host.hpp"
#include "estimators/range_cases.hpp"

namespace tessera {
namespace {

using test::configurations;
using test::Data;

class OnDevice : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    load_plugin(TESSERA_CUDA_ON_HOST);
    device = Runtime::device("cuda");
  }
  static Data moved(Data d, Device to) {
    d.x = d.x.to(to);
    d.y = d.y.to(to);
    d.weights = d.weights.to(to);
    return d;
  }
  static test::Fingerprint run(const test::Configuration& c, const Data& d) {
    return test::fit_and_use(*c.make(d.x.rows(), d.x.cols()), d.x, d.y,
                             c.weighted ? d.weights : Array{});
  }
  static Device device;
};
Device OnDevice::device;

TEST_F(OnDevice, TheBitsOfOneProcess) {
  for (const std::int64_t n : {1, 7, 1031})
    for (const auto& c : configurations) {
      const auto shared = Data::of<float>(n, 4, c.targets, Communicator::world());
      const auto alone = Data::of<float>(n, 4, c.targets, Communicator::self());
      test::expect_same_bits(run(c, moved(shared, device)), run(c, moved(alone, device)),
                             fmt::format("{} on {} rows", c.name, n));
    }
}

// Losses, gradients and Hessians of linear models are computed where X is.
TEST_F(OnDevice, LossesOfLinearModels) {
  constexpr std::int64_t n = 530, p = 4;
  const auto fit = [](const char* solver, std::int64_t classes, const Communicator& comm,
                      Device where) {
    std::vector<double> x, y;
    for (std::int64_t i = 0; i < n; ++i) {
      double sum = 0;
      for (std::int64_t j = 0; j < p; ++j) {
        x.push_back(test::unit(i * p + j) - 0.5);
        sum += (j % 2 == 0 ? x.back() : -x.back()) + 0.3 * test::unit(i, 9);
      }
      y.push_back(std::floor(std::abs(4 * sum)) < static_cast<double>(classes)
                      ? std::floor(std::abs(4 * sum))
                      : 0.0);
    }
    const Array there = from_host<double>(x, {n, p}, comm).to(where);
    const Array labels = from_host<double>(y, {n}, comm);
    LogisticRegression model({.tol = 1e-7, .solver = solver});
    cuda_on_host::reset_counters();
    model.fit(there, labels);
    if (where != cpu && there.local_rows().size() > 0) {
      EXPECT_GT(cuda_on_host::counters().launches, 30u);
    }
    const auto coef = model.coef_.values<double>();
    return std::vector<double>(coef.begin(), coef.end());
  };
  for (const char* solver : {"lbfgs", "newton-cholesky", "newton-cg"})
    for (const std::int64_t classes : {2, 3}) {
      if (std::string_view(solver) == "newton-cg" && classes == 3) continue;  // slow on the double
      const auto got = fit(solver, classes, Communicator::world(), device);
      EXPECT_EQ(got, fit(solver, classes, Communicator::self(), device)) << solver;
      const auto want = fit(solver, classes, Communicator::world(), cpu);
      ASSERT_EQ(got.size(), want.size());
      for (std::size_t j = 0; j < got.size(); ++j) EXPECT_NEAR(got[j], want[j], 1e-5) << solver;
    }
}

// However many leaves a kernel gets at once.
TEST_F(OnDevice, RunsOfAnyLength) {
  for (const auto& c : configurations) {
    const auto d = moved(Data::of<float>(1900, 4, c.targets, Communicator::world()), device);
    const auto want = run(c, d);
    for (const std::int64_t leaves : {1, 3}) {
      detail::limit_runs(leaves);
      test::expect_same_bits(run(c, d), want, fmt::format("{}, {} leaves at once", c.name, leaves));
    }
    detail::limit_runs(1024);
  }
}

// Small solves run on the host, of which this says nothing.
TEST_F(OnDevice, OnlyTheDevice) {
  const auto guard = only("cuda");
  const auto d = Data::of<double>(300, 3, -1, Communicator::world());
  EXPECT_EQ(PCA().fit(d.x.to(device)).n_features_in_, 3);
  EXPECT_EQ(LinearRegression().fit(d.x.to(device), d.y).n_features_in_, 3);
  EXPECT_EQ(KMeans({.n_clusters = 2}).fit(d.x.to(device)).n_features_in_, 3);
}

// Data whose squares leave the range of their dtype.
TEST_F(OnDevice, TheSameBitsAtAnyPowerOfTwo) {
  for (const auto& c : configurations) {
    const auto single = moved(Data::of<float>(20, 3, c.targets, Communicator::world()), device);
    for (const int k : {-100, 120}) test::expect_scaled<float>(c, single, k);
    const auto wide = moved(Data::of<double>(20, 3, c.targets, Communicator::world()), device);
    test::expect_scaled<double>(c, wide, -990);
  }
}

// Host data that accompany X on a device are as good.
TEST_F(OnDevice, CompanionsMayBeInHostMemory) {
  for (const auto& c : configurations) {
    auto d = Data::of<double>(300, 3, c.targets, Communicator::world());
    const auto want = run(c, moved(d, device));
    d.x = d.x.to(device);
    test::expect_same_bits(run(c, d), want, c.name);
  }
}

template <class T>
Array blobs(std::int64_t n, std::int64_t p) {
  return test::make<T>({n, p}, [p](std::int64_t i) {
    return static_cast<T>(static_cast<double>(i / p % 3) * 50 + test::unit(i));
  });
}

/// The attributes of `got`, and of `want` on the CPU, agree to `tolerance` of their size.
void expect_near_attributes(const Estimator& got, const Estimator& want, double tolerance,
                            const std::string& text) {
  const Model a = got.model();
  const Model b = want.model();
  for (std::size_t i = 0; i < a.attributes.size(); ++i) {
    const auto& [name, value] = a.attributes[i];
    const auto& other = b.attributes[i].second;
    if (!value.is<Array>()) continue;
    const Array x = value.as<Array>().to(cpu).astype(DType::float64);
    const Array y = other.as<Array>().astype(DType::float64);
    double size = 1e-300;
    for (const double v : y.values<double>()) size = std::max(size, std::abs(v));
    for (std::size_t j = 0; j < x.values<double>().size(); ++j)
      EXPECT_NEAR(x.values<double>()[j], y.values<double>()[j], tolerance * size)
          << text << ": " << name << '[' << j << ']';
  }
}

TEST_F(OnDevice, TheAnswersOfTheCpu) {
  const auto check = [&](auto tag) {
    using T = decltype(tag);
    const double tolerance = std::is_same_v<T, float> ? 2e-4 : 1e-9;
    for (const auto& c : configurations) {
      if (c.name.starts_with("KMeans")) continue;  // its draws depend on the last bits
      const auto d = Data::of<T>(1031, 4, c.targets, Communicator::world());
      const auto on_device = c.make(1031, 4);
      const auto on_cpu = c.make(1031, 4);
      const Array w = c.weighted ? d.weights : Array{};
      on_device->fit(d.x.to(device), d.y, w);
      on_cpu->fit(d.x, d.y, w);
      expect_near_attributes(*on_device, *on_cpu, tolerance, c.name);
    }
    const Array x = blobs<T>(1031, 5);
    KMeans a({.n_clusters = 3});
    KMeans b = a;
    a.fit(x.to(device));
    b.fit(x);
    expect_near_attributes(a, b, tolerance, "KMeans");
    test::expect_same<std::int32_t>(a.labels_.to(cpu), b.labels_);
    test::expect_same<std::int32_t>(a.predict(x.to(device)).to(cpu), b.predict(x));
    EXPECT_NEAR(a.inertia_, b.inertia_, 1e-4 * b.inertia_);
  };
  check(float{});
  check(double{});
}

TEST_F(OnDevice, ResultsLiveWhereTheDataLive) {
  const Array x = blobs<float>(700, 4).to(device);
  KMeans kmeans({.n_clusters = 3});
  kmeans.fit(x);
  EXPECT_EQ(kmeans.labels_.device(), device);
  EXPECT_EQ(kmeans.predict(x).device(), device);
  EXPECT_EQ(kmeans.transform(x).device(), device);
  StandardScaler scaler;
  EXPECT_EQ(scaler.fit_transform(x).device(), device);
  EXPECT_EQ(kmeans.cluster_centers_.device(), cpu);  // attributes are small and in host memory
}

// X crosses once, when it is moved; what comes back are centres, moments and a few rows.
TEST_F(OnDevice, TransfersAreSmall) {
  const std::int64_t n = 20000;
  const std::int64_t p = 40;
  const Array host = blobs<float>(n, p);
  const auto bytes = static_cast<std::uint64_t>(host.local_rows().size() * p) * sizeof(float);
  cuda_on_host::reset_counters();
  const Array x = host.to(device);
  EXPECT_EQ(cuda_on_host::counters().to_device_bytes, bytes);
  const auto expect_little = [&](const char* what, const std::function<void()>& work) {
    cuda_on_host::reset_counters();
    work();
    const auto c = cuda_on_host::counters();
    EXPECT_LE(c.to_device_bytes, bytes / 8 + 100000) << what;
    EXPECT_LE(c.to_host_bytes, bytes / 8 + 100000) << what;
    EXPECT_TRUE(bytes == 0 || c.launches > 0) << what << " did not run on the device";
  };
  KMeans kmeans({.n_clusters = 3});
  expect_little("KMeans.fit", [&] { kmeans.fit(x); });
  expect_little("KMeans.predict", [&] { kmeans.predict(x); });
  StandardScaler scaler;
  expect_little("StandardScaler.fit", [&] { scaler.fit(x); });
  expect_little("StandardScaler.transform", [&] { scaler.transform(x); });
  PCA pca({.n_components = 2, .svd_solver = "covariance_eigh"});
  expect_little("PCA.fit", [&] { pca.fit(x); });
  expect_little("PCA.transform", [&] { pca.transform(x); });
}

// Processes with a GPU and processes without in one job.
TEST_F(OnDevice, MixedJobs) {
  const Device mine = Communicator::world().rank() % 2 == 0 ? device : cpu;
  for (const auto& c : configurations) {
    if (c.name.starts_with("KMeans")) continue;
    const auto d = Data::of<double>(1031, 4, c.targets, Communicator::world());
    const auto mixed = c.make(1031, 4);
    const auto on_cpu = c.make(1031, 4);
    const Array w = c.weighted ? d.weights : Array{};
    mixed->fit(d.x.to(mine), d.y, w);
    on_cpu->fit(d.x, d.y, w);
    expect_near_attributes(*mixed, *on_cpu, 1e-9, c.name);
  }
  const Array x = blobs<double>(1031, 5);
  KMeans a({.n_clusters = 3});
  KMeans b = a;
  a.fit(x.to(mine));
  b.fit(x);
  test::expect_same<std::int32_t>(a.predict(x.to(mine)).to(cpu), b.predict(x));
}

TEST_F(OnDevice, NanIsFoundWithItsPlace) {
  const auto spoiled = [](std::int64_t i) {
    return i == 4 * 900 + 2 ? std::nan("") : test::unit(i);
  };
  const Array x = test::make<double>({1031, 4}, spoiled).to(device);
  const Array good = test::make<double>({1031, 4}, [](std::int64_t i) { return test::unit(i); });
  const auto text_of = [](const std::function<void()>& work) -> std::string {
    try {
      work();
    } catch (const ValueError& e) {
      const std::string text = e.what();
      return text.substr(0, text.find(" (rank "));
    }
    return "no error";
  };
  KMeans kmeans({.n_clusters = 2});
  PCA pca;
  EXPECT_EQ(text_of([&] { kmeans.fit(x); }), "Input X contains NaN at row 900, column 2 (KMeans).");
  EXPECT_EQ(text_of([&] { pca.fit(x); }), "Input X contains NaN at row 900, column 2 (PCA).");
  const Rows streamed = test::streamed(x.to(cpu)).to(device);
  EXPECT_EQ(text_of([&] { pca.fit(streamed); }),
            "Input X contains NaN at row 900, column 2 (PCA).");
  kmeans.fit(good.to(device));
  EXPECT_EQ(text_of([&] { kmeans.predict(x); }),
            "Input X contains NaN at row 900, column 2 (KMeans).");
}

TEST_F(OnDevice, TheCpuBackendIsNoWayOut) {
  const Array x = blobs<float>(300, 3).to(device);
  const auto guard = skip("cuda");
  try {
    linalg::column_moments(x);
    ADD_FAILURE() << "ran without a backend for the device";
  } catch (const NotImplementedError& e) {
    EXPECT_TRUE(std::string(e.what()).starts_with("linalg.leaf_moments: no backend for cuda:"))
        << e.what();
    EXPECT_NE(std::string(e.what()).find("\n  cuda: skipped"), std::string::npos) << e.what();
  }
}

TEST_F(OnDevice, IntegersAreReadAsFloat64) {
  const auto value = [](std::int64_t i) { return static_cast<std::int32_t>(i % 17); };
  const Array x = test::make<std::int32_t>({517, 3}, value);
  StandardScaler on_device;
  StandardScaler on_cpu;
  on_device.fit(x.to(device));
  on_cpu.fit(x);
  expect_near_attributes(on_device, on_cpu, 1e-12, "StandardScaler");
}

// Rows that are copied to the device leaf by leaf have the bits of an array there.
TEST_F(OnDevice, StreamedRows) {
  for (const auto& c : configurations) {
    const auto d = Data::of<float>(1031, 4, c.targets, Communicator::world());
    const auto want = run(c, moved(d, device));
    for (const int threads : {1, 2}) {
      const test::Threads set(threads);
      const Rows x = test::streamed(d.x).to(device);
      test::expect_same_bits(
          test::fit_and_use(*c.make(1031, 4), x, d.y, c.weighted ? d.weights : Array{}), want,
          fmt::format("{}, {} threads", c.name, threads));
    }
  }
}

TEST_F(OnDevice, LargeEigenproblemsAreSolvedThere) {
  const Array x = test::make<float>(
      {600, 260}, [](std::int64_t i) { return static_cast<float>(test::unit(i)); });
  PCA on_device({.svd_solver = "covariance_eigh"});
  PCA on_cpu = on_device;
  const Array there = x.to(device);
  cuda_on_host::reset_counters();
  on_device.fit(there);
  if (x.comm().rank() == 0) {
    EXPECT_GE(cuda_on_host::counters().to_device_bytes, 260u * 260u * sizeof(double));
  }
  on_cpu.fit(x);
  const auto a = on_device.explained_variance_.values<float>();
  const auto b = on_cpu.explained_variance_.values<float>();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5F * b[0]) << i;
}

TEST_F(OnDevice, NoMemoryIsLost) {
  const std::size_t before = cuda_on_host::live_allocations();
  {
    const Array x = blobs<float>(700, 4).to(device);
    KMeans kmeans({.n_clusters = 3});
    kmeans.fit(x).predict(x);
    PCA().fit_transform(x);
  }
  // Workspace of streams stays for the next call.
  EXPECT_LE(cuda_on_host::live_allocations(), before + 8);
}

}  // namespace
}  // namespace tessera
