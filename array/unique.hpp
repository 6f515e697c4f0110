#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera {

struct UniqueOptions {
  bool inverse = false;
  bool counts = false;
};

/// Each different element once, and on request where and how often.
struct Unique {
  Array values;   ///< ascending, NaN once and last
  Array inverse;  ///< int64, x's shape: values[inverse] is x
  Array counts;   ///< int64, of each value
};

/// The different elements of x, all by rows on x's device. What travels is what the processes each
/// hold of different elements. Collective; TypeError for complex numbers. Of text the codes that
/// occur.
Unique unique(const Array& x, UniqueOptions options = {});

}  // namespace tessera
