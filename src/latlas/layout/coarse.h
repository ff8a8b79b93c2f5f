// A start for very many rows: where their groups lie in a map of the groups.
//
// Most iterations of a large map bring together what belongs together: early exaggeration, and
// after it the slow way of distant parts past each other. A map of some thousand groups of rows
// that hold on to one another knows where these parts belong, and costs next to nothing. Rows that
// begin there need no exaggeration. (Multilevel layouts of graphs: Walshaw, A multilevel algorithm
// for force-directed graph drawing, 2003. A small map as the start of a large t-SNE: Kobak &
// Berens, The art of using t-SNE for single-cell transcriptomics, 2019, there of a sample.)
#pragma once

#include <cstdint>
#include <vector>

#include "latlas/core/progress.h"
#include "latlas/layout/symmetric.h"
#include "latlas/layout/tsne.h"

namespace latlas {

struct Groups {
  std::vector<std::int32_t> of_row;
  std::int64_t count = 0;
};

/// About so many groups (at least one in each connected part). They begin with rows drawn by the
/// seed and grow by one edge at a time; then each row goes, some times, to the group that its
/// neighbors hold it to most.
/// (Label propagation: Raghavan, Albert & Kumara, Near linear time algorithm to detect community
/// structures in large-scale networks, 2007.)
/// A row of more than 256 edges is judged by the first of them.
/// Cost: O(edges) for the settling, and O(edges of free rows) for each round of growing: as many as
/// the farthest row is edges away from a drawn one.
Groups grouped(const Affinities& affinities, std::int64_t wanted, std::uint64_t seed);

/// How much the rows of two groups hold on to one another, Σ = 1: for each group the 300 others
/// that it holds on to most, and those it is among the 300 of. No edges when no two groups do.
/// Cost: O(edges).
Affinities between(const Groups& groups, const Affinities& affinities);

/// Where rows begin.
struct CoarseStart {
  Matrix places;  ///< n × dimensions, of deviation 0.3; empty when groups are too small or all
                  ///< apart, or stopped.
  std::int64_t groups = 0;
  bool stopped = false;  ///< Progress asked to stop.
};

/// Every row at its group's place in a map of the groups, moved by a normal number of a quarter of
/// the deviation.
/// @param start  n × d, d ≥ dimensions: the groups begin at the means of their rows'.
CoarseStart coarse_start(const Affinities& affinities, ConstRows start, const TsneParams& params,
                         const Progress& progress);

}  // namespace latlas
