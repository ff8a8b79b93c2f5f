// The fuzzy graph of UMAP: how surely two rows are neighbors.
// McInnes, Healy & Melville, UMAP: uniform manifold approximation and projection, 2018.
#pragma once

#include <cstdint>

#include "latlas/layout/symmetric.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

/// How surely each of the first k neighbors of a row is one: exp(−max(0, d − ρ) / σ). ρ is the
/// distance of the row's local_connectivity-th neighbor that is not equal to it (interpolated
/// between neighbors), σ is such that a row's memberships sum to log₂(effective).
/// @param effective  larger lets a row reach farther; umap-learn's n_neighbors.
/// @param each_alone  a row's memberships depend on no other row, as new rows' must not; else σ of
/// a
///                    row with ρ = 0 is bounded by the mean distance of all, as in umap-learn.
/// @return  n × k, in [0, 1].
/// @throws InvalidArgument  when a distance is negative or not finite, or shapes differ.
Matrix memberships(const Neighbors& graph, std::int64_t k, double effective,
                   double local_connectivity, bool each_alone = false);

/// The memberships of both rows of each pair, joined: at set_op_mix_ratio 1 by the fuzzy union
/// a + b − ab, at 0 by the intersection ab, between them in proportion. Not scaled: weights lie
/// between 0 and 1.
/// @throws InvalidArgument  as above, and when a row's neighbors are not other rows, each once.
Affinities fuzzy_graph(const Neighbors& graph, std::int64_t k, double effective,
                       double local_connectivity, double set_op_mix_ratio);

}  // namespace latlas
