#pragma once
#include <cstdint>
#include <vector>

#include <tessera/runtime/distribution.hpp>

namespace tessera::detail {

/// One step of a climb, as one process sees it. The processes of two neighbouring halves of a
/// group, in each of which every process has a slice of the half's partial, or all of it, exchange
/// what they have, so that every process of the group has as much of both halves' partials.
struct ClimbStep {
  /// What goes to or comes from a rank.
  struct Piece {
    int rank = 0;
    Range part;
    bool leads = false;  ///< whether that rank's slice begins with it
    bool operator==(const Piece&) const = default;
  };
  Range group;              ///< of ranks
  int middle = 0;           ///< the first rank of the right half
  Range before;             ///< what this process has of its half's partial
  Range after;              ///< and then of both
  std::vector<Piece> give;  ///< of `before`; those lead that are the start of another's `after`
  std::vector<Piece> take;  ///< of `after`; those lead that are the start of another's `before`
};

/// The steps of a process, until every one has a slice of the whole: log2(size) of them, rounded
/// up. `count` things are dealt out, evenly: after a step among g processes each has a g-th. Run
/// backwards, what is given being taken, they hand the whole to all.
std::vector<ClimbStep> slice_steps(int rank, int size, std::int64_t count);

/// The steps of a process when everybody gets the whole, one thing, of both halves in each: there
/// is no way back then, so that a small partial takes half the time.
std::vector<ClimbStep> whole_steps(int rank, int size);

}  // namespace tessera::detail
