// The k nearest rows, exactly: every pair is looked at through one tiled matrix product, those that
// might be near are measured again in double, and no row that belongs to the k is ever lost.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/params.h"
#include "latlas/core/progress.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

struct NeighborsParams {
  std::int64_t k = 90;  ///< Neighbors of a row; larger sees more of the global structure.
  /// euclidean: |x − y|; cosine: 1 − x·y / (|x| |y|); inner_product: −x·y, which may be negative.
  std::string metric = "euclidean";
  std::string search = "auto";  ///< exact, approximate, or auto: whichever suits the size.
  /// Approximate: groups of 96 rows looked at; larger finds more. 0 measures on a sample how many
  /// are needed.
  std::int64_t probes = 0;
  std::int64_t sweeps = 2;  ///< Approximate: rounds of refinement; more find more.
};
std::vector<Field> fields(NeighborsParams& params);

/// The k nearest of every row among the other rows, exactly, whatever params.search says
/// (find_neighbors in approximate.h chooses).
///
/// The distance of two rows is √Σ(x − y)², summed in double and rounded once to float32; the k are
/// the first by (distance, index). A row is excluded by its index, so duplicates are neighbors at
/// distance 0. Magnitudes below 1.2e-38 count as 0. Under inner_product, of which the rows of
/// largest x·y are the nearest, −x·y is summed and rounded likewise.
///
/// @param data      n × d, finite; n below 2^31; under cosine no row of norm 0.
/// @param progress  steps of stage "neighbors" are query rows done.
/// @return          n × k, or an empty graph (0 rows) when progress asked to stop; the same bits
/// for
///                  any number of threads and instruction set.
/// @throws InvalidArgument  for k ≥ n, NaN or infinity (row and column named), a zero row under
///                  cosine, and distances that float32 cannot hold.
/// Cost: at most n² d multiply-adds (whole groups of rows that are provably too far are skipped),
/// two copies of the data, and n k results.
Neighbors nearest_neighbors(ConstRows data, const NeighborsParams& params,
                            const Progress& progress = {});

/// The k nearest rows of the data for every query; nothing is excluded, k ≤ rows of the data.
/// @param queries  m × d.
/// @return         m × k; a query's result does not depend on the other queries.
Neighbors nearest_neighbors(ConstRows queries, ConstRows data, const NeighborsParams& params,
                            const Progress& progress = {});

/// The k nearest of some rows of the data among all other rows.
/// @param rows  places in the data, each in [0, n); their order is the order of the result.
Neighbors nearest_neighbors_of(std::span<const std::int32_t> rows, ConstRows data,
                               const NeighborsParams& params, const Progress& progress = {});

}  // namespace latlas
