// Times one fit on data in memory, or the prediction of few rows, and prints a line of JSON;
// benchmarks/python.py calls it.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <numeric>
#include <string>

#include "measure.hpp"

namespace {

using namespace tessera;
using benchmark::random_array;
using benchmark::seconds;

// VmHWM of /proc/self/status, in MB, summed over the processes.
double peak_rss_mb() {
  std::ifstream status("/proc/self/status");
  std::string word;
  double kb = 0;
  while (status >> word)
    if (word == "VmHWM:") status >> kb;
  const auto all = Communicator::world().all_gather(kb);
  return std::accumulate(all.begin(), all.end(), 0.0) / 1024;
}

}  // namespace

int main(int argc, char** argv) {
  Runtime runtime(argc, argv);
  std::string what;
  std::int64_t rows = 1'000'000;
  std::int64_t cols = 16;
  std::int64_t clusters = 16;
  int threads = Runtime::threads();
  int repeat = 5;
  std::string device = "cpu";
  CLI::App app{"Time one fit on data in memory"};
  app.add_option("case", what)
      ->required()
      ->check(CLI::IsMember({"kmeans", "pca", "linear", "scaler", "predict"}));
  app.add_option("--rows", rows);
  app.add_option("--cols", cols);
  app.add_option("--clusters", clusters);
  app.add_option("--threads", threads);
  app.add_option("--repeat", repeat);
  app.add_option("--device", device);
  CLI11_PARSE(app, argc, argv);
  Runtime::set_threads(threads);

  return runtime.run([&] {
    const Device where = Runtime::device(device);
    const Array x = random_array({rows, cols}, DType::float32, 1).to(where);
    const Array y = what == "linear" ? random_array({rows}, DType::float32, 2).to(where) : Array{};
    // Iterations are timed as the difference of two fits, as for scikit-learn.
    constexpr std::int64_t iterations = 40;
    std::vector<std::int64_t> first(static_cast<std::size_t>(clusters));
    std::iota(first.begin(), first.end(), 0);
    const Array centers = what == "kmeans" ? take_rows(x, first) : Array{};
    const auto lloyd = [&](std::int64_t n) {
      return seconds([&] {
        KMeans({.n_clusters = clusters, .init = centers, .max_iter = n, .tol = 0.0}).fit(x);
      });
    };
    constexpr int calls = 3000;
    KMeans fitted({.n_clusters = 8, .max_iter = 10});
    if (what == "predict") fitted.fit(random_array({1000, cols}, DType::float32, 2));
    std::vector<double> times;
    for (int i = -1; i < repeat; ++i) {  // one warm-up
      double t = 0;
      if (what == "kmeans")
        t = (lloyd(iterations + 1) - lloyd(1)) / static_cast<double>(iterations);
      if (what == "pca")
        t = seconds([&] { PCA({.n_components = 10, .svd_solver = "covariance_eigh"}).fit(x); });
      if (what == "linear") t = seconds([&] { LinearRegression().fit(x, y); });
      if (what == "scaler") t = seconds([&] { StandardScaler().fit_transform(x); });
      if (what == "predict")
        t = seconds([&] {
              for (int call = 0; call < calls; ++call) fitted.predict(x);
            }) /
            calls;
      if (i >= 0) times.push_back(t);
    }
    const double rss = peak_rss_mb();
    if (x.comm().rank() == 0)
      std::cout << nlohmann::json{{"case", what},
                                  {"seconds", times},
                                  {"iterations", what == "kmeans" ? iterations : 1},
                                  {"peak_rss_mb", rss}}
                << std::endl;
    return 0;
  });
}
