#pragma once
#include <chrono>
#include <cstdint>
#include <functional>

#include <tessera/tessera.hpp>

/// What the programs that time Tessera share.
namespace tessera::benchmark {

/// Seconds until the last process has done its work.
inline double seconds(const std::function<void()>& work) {
  const auto comm = Communicator::world();
  comm.barrier();
  const auto start = std::chrono::steady_clock::now();
  work();
  comm.barrier();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// An array by rows whose elements are value(global index) of their row-major index.
inline Array generated(Shape shape, DType dtype,
                       const std::function<double(std::uint64_t)>& value) {
  Array x = empty(std::move(shape), dtype);
  const auto cols = static_cast<std::uint64_t>(x.cols());
  parallel_for(x.distribution().leaves_of(x.comm().rank()), Runtime::threads(),
               [&](std::int64_t leaf, Stream&) {
                 const Tile t = x.leaf(leaf);
                 const auto first =
                     static_cast<std::uint64_t>(x.distribution().rows_of_leaf(leaf).begin) * cols;
                 visit_floating(dtype, [&](auto tag) {
                   using T = typename decltype(tag)::type;
                   for (std::int64_t i = 0; i < t.rows * t.cols; ++i)
                     t.as<T>()[i] = static_cast<T>(value(first + static_cast<std::uint64_t>(i)));
                 });
               });
  return x;
}

/// Standard normal numbers, the same on any number of processes.
inline Array random_array(Shape shape, DType dtype, std::uint32_t purpose) {
  const Random random(0, purpose);
  return generated(std::move(shape), dtype, [&](std::uint64_t i) { return random.normal(i); });
}

}  // namespace tessera::benchmark
