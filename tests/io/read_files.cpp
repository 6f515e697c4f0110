// Reads dataset /X of every file that rank 0's standard input names, one a line, as jobs do: list,
// whole, collectively, streamed. Answers each with a line: the memory this process has had, shape,
// dtype, the sum of the numbers and a checksum, and why HDF5 did not read collectively; or the
// error.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <iostream>
#include <string>

#include <tessera/io/dataset.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/runtime.hpp>
#include <tessera/runtime/visit.hpp>

namespace {

using namespace tessera;

std::string_view bytes_of(const Array& x) {
  return {static_cast<const char*>(x.local().data),
          static_cast<std::size_t>(x.size()) * size_of(x.dtype())};
}

double sum_of(const Array& x) {
  double sum = 0.0;
  visit(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>)
      for (std::int64_t i = 0; i < x.size(); ++i)
        sum += static_cast<double>(static_cast<const T*>(x.local().data)[i]);
  });
  return sum;
}

std::string outcome(const std::string& file) {
  try {
    io::list_datasets(file);
    const Array x = gather(io::read(file, "/X"));
    std::string why;
    const Array collective =
        gather(io::read(file, "/X", {.collective = true, .why_independent = &why}));
    const Array streamed = gather(collect(io::stream(file, "/X")));
    std::string text = fmt::format("{} {} sum {} {:x}", to_string(x.shape()), name_of(x.dtype()),
                                   sum_of(x), std::hash<std::string_view>{}(bytes_of(x)));
    if (bytes_of(collective) != bytes_of(x)) text += " DIFFERS when read collectively";
    if (bytes_of(streamed) != bytes_of(x)) text += " DIFFERS when streamed";
    return text + (why.empty() ? "" : " independent: " + why);
  } catch (const Error& e) {
    std::string text = fmt::format("{}: {}", e.kind(), e.what());
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }
}

}  // namespace

int main(int argc, char** argv) {
  Runtime runtime(argc, argv);
  const auto world = Communicator::world();
  for (;;) {
    std::string file;
    if (world.rank() == 0 && !std::getline(std::cin, file)) file.clear();
    world.broadcast(file, 0);
    if (file.empty()) return 0;
    const std::string text = outcome(file);
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    if (world.rank() == 0) std::cout << used.ru_maxrss / 1024 << " MB: " << text << std::endl;
  }
}
