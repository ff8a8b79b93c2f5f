// What a search for neighbors will need.
#pragma once

#include <cstdint>

#include "latlas/core/plan.h"
#include "latlas/neighbors/exact.h"

namespace latlas {

/// Exact search: the k nearest of the rows to each query; `queries` = `rows` for a graph of the
/// rows themselves.
/// @param rate  machine_rate()
Plan plan_neighbors(std::int64_t rows, std::int64_t queries, std::int64_t cols, std::int64_t k,
                    double rate);

/// What find_neighbors takes for so many queries among the rows; `params.k` is the number of
/// neighbors found.
Plan plan_search(std::int64_t rows, std::int64_t queries, std::int64_t cols,
                 const NeighborsParams& params, double rate);

/// A NeighborIndex of the rows, and its answers to the queries.
Plan plan_queries(std::int64_t rows, std::int64_t queries, std::int64_t cols,
                  const NeighborsParams& params, double rate);

}  // namespace latlas
