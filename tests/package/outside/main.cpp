#include <cstdio>

#include <tessera/tessera.hpp>

int main(int argc, char** argv) {
  tessera::Runtime runtime(argc, argv);
  return runtime.run([] {
    const tessera::Array x = tessera::arange(0, 1000000);
    const auto total =
        tessera::reduce<tessera::Sums>(x, [](const tessera::Leaf& leaf, tessera::Stream&) {
          double sum = 0;
          for (std::int64_t i = 0; i < leaf.tile.rows; ++i) sum += leaf.tile.as<double>()[i];
          return tessera::Sums{{sum}};
        });
    if (x.comm().rank() == 0)
      std::printf("sum %.0f over %d processes\n", total.values[0], x.comm().size());
    return 0;
  });
}
