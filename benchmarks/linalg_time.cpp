// Times one function of linalg on data in memory and prints a line of JSON; benchmarks/linalg.py
// calls it.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "measure.hpp"

namespace {

using namespace tessera;
using namespace tessera::benchmark;

/// What is timed, made of operands that are not.
using Work = std::function<void()>;

/// Symmetric, and positive definite for its diagonal.
Array positive_definite(std::int64_t n) {
  const Random random(0, 1);
  const auto size = static_cast<std::uint64_t>(n);
  return generated({n, n}, DType::float64, [=](std::uint64_t index) {
    const std::uint64_t i = index / size;
    const std::uint64_t j = index % size;
    return random.uniform(std::min(i, j) * size + std::max(i, j)) +
           (i == j ? static_cast<double>(n) : 0.0);
  });
}

const std::map<std::string, Work (*)(std::int64_t, std::int64_t)> cases = {
    {"gram",
     [](std::int64_t m, std::int64_t n) -> Work {
       return [x = random_array({m, n}, DType::float32, 1)] { linalg::gram(x); };
     }},
    {"qr",
     [](std::int64_t m, std::int64_t n) -> Work {
       return [x = random_array({m, n}, DType::float64, 1)] { linalg::qr(x, linalg::QrMode::r); };
     }},
    {"svd",
     [](std::int64_t m, std::int64_t n) -> Work {
       return [x = random_array({m, n}, DType::float64, 1)] { linalg::svd(x); };
     }},
    {"matmul",
     [](std::int64_t m, std::int64_t n) -> Work {
       return [a = random_array({m, n}, DType::float64, 1),
               b = random_array({n, m}, DType::float64, 2)] { linalg::matmul(a, b); };
     }},
    {"solve",
     [](std::int64_t m, std::int64_t n) -> Work {
       return [a = random_array({m, n}, DType::float64, 1),
               b = random_array({m}, DType::float64, 2)] { linalg::solve(a, b); };
     }},
    {"cholesky",
     [](std::int64_t m, std::int64_t) -> Work {
       return [a = positive_definite(m)] { linalg::cholesky(a); };
     }},
    {"eigh",
     [](std::int64_t m, std::int64_t) -> Work {
       return [a = positive_definite(m)] { linalg::eigh(a); };
     }},
};

}  // namespace

int main(int argc, char** argv) {
  Runtime runtime(argc, argv);
  std::string what;
  std::int64_t rows = 1000;
  std::int64_t cols = 1000;
  int threads = Runtime::threads();
  int repeat = 5;
  std::vector<std::string> known;
  for (const auto& c : cases) known.push_back(c.first);
  CLI::App app{"Time one function of linalg on data in memory"};
  app.add_option("case", what)->required()->check(CLI::IsMember(known));
  app.add_option("--rows", rows);
  app.add_option("--cols", cols);
  app.add_option("--threads", threads);
  app.add_option("--repeat", repeat);
  CLI11_PARSE(app, argc, argv);
  Runtime::set_threads(threads);

  return runtime.run([&] {
    const Work work = cases.at(what)(rows, cols);
    std::vector<double> times;
    for (int i = -1; i < repeat; ++i) {  // one warm-up
      const double t = seconds(work);
      if (i >= 0) times.push_back(t);
    }
    if (Communicator::world().rank() == 0)
      std::cout << nlohmann::json{{"case", what}, {"seconds", times}} << std::endl;
    return 0;
  });
}
