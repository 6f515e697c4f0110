#pragma once
#include <vector>

namespace tessera::ndimage::on_cpu {

/// What brings the element of one rank to its place: pairs of places of which the smaller goes to
/// the first.
struct Network {
  struct Step {
    int low, high;
  };
  std::vector<Step> steps;  ///< none for more than 192 elements
};
/// The steps of Batcher's odd-even merge sort of n elements that decide what has the rank. Kept.
const Network& network_for(int n, int rank);

}  // namespace tessera::ndimage::on_cpu
