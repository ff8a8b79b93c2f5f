// Affinities: how strongly each row holds on to its neighbors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "latlas/core/params.h"
#include "latlas/layout/symmetric.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

struct AffinityParams {
  double perplexity = 30;  ///< Effective neighbors of a row; larger favors global structure.
};
std::vector<Field> fields(AffinityParams& p);

/// The conditional weights p(j | i) = exp(−β_i d_ij²) / Σ_j exp(−β_i d_ij²), one row for each row
/// of the graph, with β_i such that the row's entropy is log(perplexity). Rows whose distances are
/// all equal, and graphs of at most `perplexity` neighbors, get uniform weights.
/// @return  n × k, aligned with graph.index; each row sums to 1.
/// @throws InvalidArgument  when a distance is negative or not finite, or shapes differ.
Matrix conditional_weights(const Neighbors& graph, double perplexity);

/// (P + Pᵀ) / 2n of the conditional weights.
/// @throws InvalidArgument  when a neighbor's index is outside [0, n), is the row itself or occurs
///         twice in a row, and as above.
/// Cost: O(n k) time, 24 bytes an edge of scratch.
Affinities perplexity_affinities(const Neighbors& graph, const AffinityParams& params = {});

/// Throws InvalidArgument unless the affinities are well formed: offsets ascend, columns inside
/// [0, n) and ascending in each row, weights finite, not negative, and with Σ = 1 within 1e-3.
/// (Symmetry is the maker's duty.)
void require_valid(const Affinities& affinities, const char* what);

}  // namespace latlas
