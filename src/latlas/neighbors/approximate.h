// The k nearest rows, nearly: for data where looking at every pair takes too long. Every row gets k
// valid neighbors with exactly measured distances; a few of them may not be among the true k, and
// measured_recall says how many.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "latlas/core/matrix.h"
#include "latlas/core/progress.h"
#include "latlas/neighbors/exact.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

/// As nearest_neighbors, but a row is compared only with the rows of the groups (of 96 rows) whose
/// centers are nearest to it, of those near its own (params.probes; 0: as many as a sample of the
/// rows needs), with the rows that found it, and then, params.sweeps times, with its neighbors'
/// neighbors (0 probes sweep less often, or not at all, where looking at more groups costs less).
///
/// @return  n × k, or an empty graph (0 rows) when progress asked to stop. Each row holds k
///          different rows, never itself, by (distance, index), the distances those of
///          nearest_neighbors; the same bits for any number of threads and instruction set.
/// @throws InvalidArgument  as nearest_neighbors does.
/// Cost: about n · 96 · probes · d multiply-adds. Memory: two copies of the data, two graphs and
/// what docs/neighbors.md names, besides the result.
Neighbors approximate_neighbors(ConstRows data, const NeighborsParams& params,
                                const Progress& progress = {});

/// Data prepared for approximate search, for queries that come in batches. Holds two copies of the
/// data's distinct rows and needs the data no more.
class ApproximateIndex {
 public:
  /// @param params  k ≤ rows of the data; sweeps are not read: queries have no neighbors' neighbors
  ///                to begin with, so that 0 probes stands for more of them than within the data.
  /// @throws InvalidArgument  as nearest_neighbors does.
  /// Cost: n log(n) d, and 384 n d multiply-adds where params.probes is 0.
  ApproximateIndex(ConstRows data, const NeighborsParams& params);
  ApproximateIndex(ApproximateIndex&&) noexcept;
  ApproximateIndex& operator=(ApproximateIndex&&) noexcept;
  ~ApproximateIndex();

  /// The k nearest of the data, nearly, for every query; nothing is excluded. A query's result does
  /// not depend on the other queries, and a query that equals a row of the data finds it (but not
  /// under inner_product, where that row need not be the nearest).
  /// @return  m × k, lawful as those of approximate_neighbors; empty when progress asked to stop.
  Neighbors search(ConstRows queries, const Progress& progress = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The same for one batch.
Neighbors approximate_neighbors(ConstRows queries, ConstRows data, const NeighborsParams& params,
                                const Progress& progress = {});

/// Whether find_neighbors searches n rows of d numbers exactly: as params.search says, and under
/// `auto` while `queries` · n · d, the multiply-adds of looking at every pair, stay below 2e11.
bool searches_exactly(std::int64_t queries, std::int64_t n, std::int64_t d,
                      const NeighborsParams& params);

/// nearest_neighbors or approximate_neighbors, as searches_exactly says.
Neighbors find_neighbors(ConstRows data, const NeighborsParams& params,
                         const Progress& progress = {});
Neighbors find_neighbors(ConstRows queries, ConstRows data, const NeighborsParams& params,
                         const Progress& progress = {});

/// Whether a NeighborIndex of n rows searches exactly: as params.search says, and under `auto` up
/// to 20,000 rows.
bool index_searches_exactly(std::int64_t n, const NeighborsParams& params);

/// Data for queries that come in batches. How they are searched goes by the data alone, so that a
/// query's result never depends on its batch.
class NeighborIndex {
 public:
  /// @param data  must outlive the index and stay as it is.
  /// @throws InvalidArgument  as nearest_neighbors does.
  NeighborIndex(ConstRows data, const NeighborsParams& params);

  bool exact() const { return !approximate_.has_value(); }
  /// @return  m × k; empty when progress asked to stop.
  Neighbors search(ConstRows queries, const Progress& progress = {}) const;

 private:
  ConstRows data_;
  NeighborsParams params_;
  std::optional<ApproximateIndex> approximate_;
};

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
/// The same of queries' lists: m × k, of rows of the data.
Recall measured_recall(const Neighbors& lists, ConstRows queries, ConstRows data,
                       const std::string& metric, std::int64_t sample, std::uint64_t seed);

}  // namespace latlas
