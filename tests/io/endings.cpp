// Ends one process by a signal while all write a file; CMakeLists.txt says what must be left.
#include <algorithm>
#include <csignal>
#include <string>

#include <tessera/io/dataset.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/runtime.hpp>

int main(int argc, char** argv) {
  tessera::Runtime runtime(argc, argv);
  const int signal = std::stoi(argv[1]);
  const int rank = std::stoi(argv[2]);
  return runtime.run([&] {
    const auto world = tessera::Communicator::world();
    const auto x = tessera::empty({300'000, 2}, tessera::DType::float64, world);
    std::fill_n(x.local().as<double>(), x.local().rows * 2, 1.0);
    tessera::io::write("there.h5", "/x", x);
    const auto kernel = [&](const tessera::Leaf& in, const tessera::Tile& out, tessera::Stream&) {
      if (world.rank() == rank) std::raise(signal);
      std::copy_n(in.tile.as<double>(), out.rows * 2, out.as<double>());
    };
    for (const char* file : {"new.h5", "there.h5"})
      tessera::io::write(file, "/y", map_rows(x, x.shape(), x.dtype(), kernel));
    return 0;
  });
}
