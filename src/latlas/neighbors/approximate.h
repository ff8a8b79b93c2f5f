// The k nearest rows, nearly: for data where looking at every pair takes too long. Every row gets k
// valid neighbors with exactly measured distances; a few of them may not be among the true k, and
// measured_recall says how many.
#pragma once

#include <cstdint>

#include "latlas/core/matrix.h"
#include "latlas/core/progress.h"
#include "latlas/neighbors/exact.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

/// As nearest_neighbors, but a row is compared only with the rows of the groups (of 96 rows) whose
/// centers are nearest to it (params.probes), and then, params.sweeps times, with its neighbors'
/// neighbors.
///
/// @return  n × k, or an empty graph (0 rows) when progress asked to stop. Each row holds k
///          different rows, never itself, by (distance, index), the distances those of
///          nearest_neighbors; the same bits for any number of threads and instruction set.
/// @throws InvalidArgument  as nearest_neighbors does.
/// Cost: about n · 96 · probes · d multiply-adds. Memory: two packed copies of the data and two
/// graphs besides the result.
Neighbors approximate_neighbors(ConstRows data, const NeighborsParams& params,
                                const Progress& progress = {});

/// The same for queries against data; nothing is excluded, k ≤ rows of the data. A query's result
/// does not depend on the other queries.
Neighbors approximate_neighbors(ConstRows queries, ConstRows data, const NeighborsParams& params,
                                const Progress& progress = {});

/// Whether find_neighbors searches n rows of d numbers exactly: as params.search says, and under
/// `auto` while `queries` · n · d, the multiply-adds of looking at every pair, stay below 5e11.
bool searches_exactly(std::int64_t queries, std::int64_t n, std::int64_t d,
                      const NeighborsParams& params);

/// nearest_neighbors or approximate_neighbors, as searches_exactly says.
Neighbors find_neighbors(ConstRows data, const NeighborsParams& params,
                         const Progress& progress = {});
Neighbors find_neighbors(ConstRows queries, ConstRows data, const NeighborsParams& params,
                         const Progress& progress = {});

struct Recall {
  double value = 1;           ///< Share of the true neighbors that a graph holds, in [0, 1].
  double standard_error = 0;  ///< Of the mean over the sample; 0 when all rows were looked at.
};

/// The recall of a graph, against exact search of a sample of its rows. A neighbor counts as true
/// when it is not farther than the farthest true one, so that ties are no fault.
/// @param graph   n × k, of the rows of the data among themselves.
/// @param metric  that of the graph: NeighborsParams::metric.
/// @param sample  rows looked at, 1 or more; all of them when the data have no more.
/// @throws InvalidArgument  for shapes that do not fit and a sample below 1.
/// Cost: sample · n · d multiply-adds.
Recall measured_recall(const Neighbors& graph, ConstRows data, const std::string& metric,
                       std::int64_t sample, std::uint64_t seed);

}  // namespace latlas
