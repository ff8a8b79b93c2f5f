// Affinities: how strongly each row holds on to its neighbors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "latlas/core/params.h"
#include "latlas/layout/symmetric.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

/// A row's weights on its neighbors, by kind:
///   perplexity   a Gaussian of its distances, as wide as gives the row that perplexity
///   multiscale   the mean of such Gaussians at several perplexities
///   uniform      the same for every neighbor of the graph
///   gaussian     a Gaussian of the same width for all rows
struct AffinityParams {
  double perplexity = 30;  ///< Effective neighbors of a row; larger favors global structure.
  std::string affinities = "perplexity";  ///< The kind.
  std::vector<std::int64_t> scales = {};  ///< Perplexities of multiscale; none: see scales_of.
  double bandwidth = 0;  ///< Deviation of gaussian, in the data's unit; 0: see typical_bandwidth.
  double kept_mass = 1;  ///< Share of its weight that a row's nearest neighbors keep, the others
                         ///< being no edges; smaller is faster. (Not for uniform.)
};
std::vector<Field> fields(AffinityParams& p);

/// The perplexities of multiscale: `scales`, or else the perplexity and ten times that, the latter
/// at most n / 10.
/// (Kobak & Berens, The art of using t-SNE for single-cell transcriptomics, 2019, take 30 and
/// n / 100 for some ten thousand rows.)
std::vector<double> scales_of(const AffinityParams& params, std::int64_t n);

/// The median over the rows of the Gaussians' deviations at that perplexity; 0 when no row has
/// neighbors at different distances.
double typical_bandwidth(const Neighbors& graph, double perplexity);

/// The conditional weights of each row's neighbors:
///   perplexity  p(j | i) = exp(−β_i d_ij²) / Σ_j exp(−β_i d_ij²), with β_i such that the row's
///               entropy is log(perplexity). Rows whose distances are all equal, and graphs of at
///               most `perplexity` neighbors, get uniform weights.
///   multiscale  the mean of these over the scales
///   uniform     1 / k
///   gaussian    as perplexity, with β = 1 / 2 bandwidth² for all rows
/// Those beyond `kept_mass` are 0.
/// @return  n × k, aligned with graph.index; each row sums to 1.
/// @throws InvalidArgument  when a distance is negative or not finite, or shapes differ.
Matrix conditional_weights(const Neighbors& graph, const AffinityParams& params);
inline Matrix conditional_weights(const Neighbors& graph, double perplexity) {
  return conditional_weights(graph, {.perplexity = perplexity});
}

/// (P + Pᵀ) / 2n of the conditional weights.
/// @throws InvalidArgument  when a neighbor's index is outside [0, n), is the row itself or occurs
///         twice in a row, and as above.
/// Cost: O(n k) time, 24 bytes an edge of scratch.
Affinities joint_affinities(const Neighbors& graph, const AffinityParams& params = {});

/// The same; for callers that mean the kind perplexity, the default.
inline Affinities perplexity_affinities(const Neighbors& graph, const AffinityParams& params = {}) {
  return joint_affinities(graph, params);
}

/// Affinities from weights of any origin: (W + Wᵀ) / 2 Σ W. Columns may stand in any order; weights
/// of 0 are no edges.
/// @throws InvalidArgument  when offsets do not ascend, a column is outside [0, n), is the row
///         itself or occurs twice in a row, a weight is negative or not finite, or all are 0.
Affinities given_affinities(const Affinities& weights, const char* what = "affinities");

/// Throws InvalidArgument unless the affinities are well formed: offsets ascend, columns inside
/// [0, n) and ascending in each row, weights finite, not negative, and with Σ = 1 within 1e-3.
/// (Symmetry is the maker's duty.)
void require_valid(const Affinities& affinities, const char* what);

}  // namespace latlas
