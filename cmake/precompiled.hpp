// Compiled once per target: a quarter of a source's compile time, a third of a test's. Sources
// include what they need all the same; tools/check.sh tidy does without this file and sees to it.
#include <fmt/format.h>

#include <algorithm>
#include <any>
#include <array>
#include <bit>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <source_location>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
