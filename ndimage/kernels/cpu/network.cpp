#include <tessera/ndimage/kernels/cpu/network.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace tessera::ndimage::on_cpu {
namespace {

Network made(int n, int rank) {
  Network all;
  for (int p = 1; p < n; p *= 2)
    for (int k = p; k >= 1; k /= 2)
      for (int j = k % p; j + k < n; j += 2 * k)
        for (int i = 0; i < k && i + j + k < n; ++i)
          if ((i + j) / (2 * p) == (i + j + k) / (2 * p)) all.steps.push_back({i + j, i + j + k});
  // From the end on, only what reaches the rank.
  std::vector<bool> wanted(static_cast<std::size_t>(n));
  wanted[static_cast<std::size_t>(rank)] = true;
  Network out;
  for (auto s = all.steps.rbegin(); s != all.steps.rend(); ++s) {
    const auto low = static_cast<std::size_t>(s->low), high = static_cast<std::size_t>(s->high);
    if (!wanted[low] && !wanted[high]) continue;
    wanted[low] = wanted[high] = true;
    out.steps.push_back(*s);
  }
  std::reverse(out.steps.begin(), out.steps.end());
  return out;
}

}  // namespace

const Network& network_for(int n, int rank) {
  static std::mutex lock;
  static std::map<std::pair<int, int>, Network> known;
  const std::scoped_lock guard(lock);
  const auto [at, is_new] = known.try_emplace({n, rank});
  if (is_new && n <= 192) at->second = made(n, rank);
  return at->second;
}

}  // namespace tessera::ndimage::on_cpu
