// Novelty: is a new row like those that a map was fitted to, or far from everything?
//
// A map has a place for every row, also for one that belongs nowhere. Two numbers tell such rows
// apart, both made from distances in the data and 1 where a row is as usual:
//
//   distance   its reach (mean distance to its nearest rows) over the median reach of the fitted
//   rows density    its reach over that of the rows it is nearest to; like the local outlier factor
//              (Breunig, Kriegel, Ng & Sander, LOF: identifying density-based local outliers, 2000)
#pragma once

#include <cstdint>
#include <vector>

#include "latlas/core/params.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

struct NoveltyParams {
  std::int64_t k = 15;  ///< Nearest rows that a reach is measured by; at most those in the graph.
  double quantile = 0.999;  ///< Share of the fitted rows that count as usual; larger flags fewer.
};
std::vector<Field> fields(NoveltyParams& p);

struct Novelty {
  std::vector<float> distance, density;          ///< Of each new row.
  std::vector<std::uint8_t> far;                 ///< 1: distance or density is above its limit.
  double distance_limit = 0, density_limit = 0;  ///< The quantiles of the fitted rows' own.
  std::int64_t count = 0;                        ///< New rows that are far.
};

/// @param fitted    n × k, n ≥ 1: the graph of the rows of the map.
/// @param to_train  m × k': for each new row its nearest rows of these. A row of the fit among
/// them, at
///                  distance 0, counts as one of its own neighbors.
/// A row's result does not depend on the other new rows.
/// @throws InvalidArgument  when an index is outside [0, n), a graph has no column, or a distance
/// is
///         negative or not finite.
/// Cost: O(n k + m k'), and sorting n numbers twice.
Novelty novelty(const Neighbors& fitted, const Neighbors& to_train,
                const NoveltyParams& params = {});

}  // namespace latlas
