// One way for a job to end per argument; CMakeLists.txt says what a user must get to see.
#include <mpi.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

#include <tessera/runtime/communicator.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/runtime.hpp>

namespace {

using tessera::Communicator;

void done() {
  const auto world = Communicator::world();
  world.barrier();
  if (world.rank() == 0) std::printf("done on %d processes\n", world.size());
}

void end_as(const std::string& how) {
  const auto world = Communicator::world();
  if (how == "same") throw tessera::ValueError("the same on every process");
  if (how == "agreed")
    tessera::together(world, [&] {
      if (world.rank() == 2) throw tessera::OSError("disk on fire");
    });
  if (how == "one") {
    if (world.rank() == 1) throw tessera::TypeError("only here");
    world.barrier();
  }
  if (how == "different")
    throw tessera::ValueError("problem of rank " + std::to_string(world.rank()));
  const bool middle = world.rank() == 1;
  if (how == "merge") {
    // A small partial is merged by all alike; here it fails on one, which tells nobody.
    const tessera::Merging merging{
        [&](tessera::Stream&, std::int64_t, const tessera::Tile&, const tessera::Tile&) {
          if (middle) throw tessera::MemoryError("no room to merge");
        }};
    tessera::reduce(
        tessera::zeros({256 * world.size(), 1}), 1,
        [](const tessera::Leaf&, const tessera::Tile& out, tessera::Stream&) {
          *out.as<double>() = 1;
        },
        merging);
  }
  if (how == "stuck" && middle) {
    const tessera::Watch outer("turn");
    const tessera::Watch inner("round and round");
    for (;;) std::this_thread::yield();
  }
  if (how == "stopped" && middle) {
    const tessera::Watch watch("turn");
    std::raise(SIGSTOP);
  }
  if (how == "apart" && middle) world.all_gather(1);
  if (how == "slow") {
    // Work between two calls, a call whose work was estimated, and one that shows progress.
    const auto a_while = std::chrono::milliseconds(1600);
    if (middle) std::this_thread::sleep_for(a_while);
    world.barrier();
    if (middle) {
      const tessera::Watch watch("long work", 100.0);
      std::this_thread::sleep_for(a_while);
    }
    world.barrier();
    const tessera::Watch watch("slow work");
    for (int i = 0; i < 8; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      tessera::note_progress();
    }
  }
  if (how == "threads") std::printf("%d threads\n", tessera::Runtime::threads());
  if (how == "warn")
    for (int i = 0; i < 2; ++i) {
      tessera::warn("careful");
      tessera::warn("other", "LinAlgWarning");
    }
  done();
}

int scope(int argc, char** argv) {
  try {
    tessera::Runtime runtime(argc, argv);
    if (Communicator::world().rank() == 1) throw tessera::ValueError("on the way out");
    Communicator::world().barrier();
  } catch (const tessera::Error&) {
    return 0;  // not reached: the job has ended
  }
  return 0;
}

int adopt(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  {
    tessera::Runtime runtime(argc, argv);
    done();
  }
  int finalized = 0;
  MPI_Finalized(&finalized);
  MPI_Barrier(MPI_COMM_WORLD);
  MPI_Finalize();
  return finalized;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string how = argv[1];
  if (how == "scope") return scope(argc, argv);
  if (how == "adopt") return adopt(argc, argv);
  tessera::Runtime runtime(argc, argv);
  if (how == "uncaught" && Communicator::world().rank() != 1) Communicator::world().barrier();
  if (how.starts_with("uncaught")) throw std::runtime_error("nobody catches this");
  return runtime.run([&] {
    if (how == "status") return 7;
    end_as(how);
    return 0;
  });
}
