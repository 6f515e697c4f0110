#include <tessera/io/convert.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include <tessera/io/dataset.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io {

void convert(const std::string& source, const Location& target, const Communicator& comm) {
  if (target.dataset.empty())
    throw ValueError(fmt::format("expected a target FILE.h5:/dataset, got '{}'", target.file));
  std::string ending = std::filesystem::path(source).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (ending == ".csv" || ending == ".tsv")
    write(target.file, target.dataset, stream_csv(source, comm));
  else if (ending == ".npy")
    write(target.file, target.dataset, stream_npy(source, comm));
  else
    throw ValueError(fmt::format("can convert .csv, .tsv and .npy files, got '{}'", source));
}

}  // namespace tessera::io
