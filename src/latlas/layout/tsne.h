// t-SNE: a map in which rows that are near in the data stay near.
// van der Maaten & Hinton, Visualizing data using t-SNE, 2008.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/params.h"
#include "latlas/core/progress.h"
#include "latlas/layout/affinities.h"
#include "latlas/layout/anchors.h"
#include "latlas/layout/snapshot.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

struct TsneParams {
  double perplexity = 30;    ///< Effective neighbors of a row; larger favors global structure.
  double exaggeration = 12;  ///< Early attraction; larger gives tighter, farther clusters.
  std::int64_t exaggeration_iterations = 250;  ///< At most; a rule may end that phase sooner.
  std::int64_t iterations = 1000;              ///< In all, at most.
  double learning_rate = 0;  ///< 0: n / exaggeration of the phase. Larger moves faster.
  double momentum =
      0.93;  ///< Larger remembers longer and moves faster. Of few rows 0.8 (preset.h).
  double stop_below = 3e-4;  ///< Ends when KL falls by less than this share an iteration; 0: never.
                             ///< Of few rows 1e-5 (preset.h).
  double grid_spacing = 0;   ///< Of the repulsive field; smaller is more exact and slower. 0: ½,
                             ///< and ⅓ on a line.
  std::int64_t exact_below = 2000;  ///< Fewer rows (in 3-D than 8000) get the exact O(n²) field.
  std::int64_t coarse_above =
      0;  ///< More rows begin, in the plane, where their groups lie in a map of the
          ///< groups (coarse.h), without early exaggeration; 0: by preset.
  std::int64_t dimensions = 2;  ///< Of the map: 1, 2 or 3.
  double degrees_of_freedom = 1;  ///< α of the map's kernel (1 + d²/α)^(−α); below 1 its tail is
                                  ///< heavier: more, finer clusters.
  std::uint64_t seed = 0;   ///< Of the jitter that tells equal rows of the start apart.
  bool keep_start = false;  ///< The start is an earlier map: kept as it is, no early exaggeration.
  std::string preset = "default";  ///< What parameters left at their defaults become (preset.h).
  std::string affinities = "automatic";   ///< What weighs neighbors (affinities.h); automatic: by
                                          ///< preset.
  std::vector<std::int64_t> scales = {};  ///< Perplexities of multiscale affinities.
  double bandwidth = 0;                   ///< Of gaussian affinities.
  double kept_mass = 1;          ///< Share of its weight that a row's nearest neighbors keep.
  double late_exaggeration = 0;  ///< Attraction after the early phase; larger gives tighter
                                 ///< clusters; 0: 1, and more for very many rows.
};
std::vector<Field> fields(TsneParams& p);

/// KL after an iteration, by the field's normalizer.
struct TsneTrace {
  std::int64_t iteration = 0;
  double kl = 0;
};

struct TsneResult {
  Matrix map;                     ///< n × dimensions; centered at the origin unless anchored.
  double kl = 0;                  ///< Of `map`, by the field's normalizer; see exact_normalizer.
  bool exact_normalizer = false;  ///< Whether that was summed over all pairs.
  std::int64_t iterations = 0;    ///< Done.
  std::int64_t exaggerated = 0;   ///< Of these, with exaggeration.
  bool converged = false;         ///< KL stopped falling.
  bool stopped = false;           ///< Progress asked to stop.
  double field_seconds = 0;       ///< Of `iterations`: charging the field (exact: summing it).
  double sweep_seconds = 0;       ///< Of `iterations`: reading it, attraction, moving the rows.
  std::vector<TsneTrace> trace;
  std::vector<std::string> notes;  ///< Where a limit acted, one sentence each.
};

struct TsneState;  // checkpoint.h

/// What a fit can be given besides its parameters.
struct TsneExtras {
  const Anchors* anchors = nullptr;   ///< The map is then theirs: not centered.
  Snapshots snapshots = {};           ///< The map on its way.
  const TsneState* resume = nullptr;  ///< Goes on from there, to the same bits as if never ended.
  std::int64_t save_every = 0;  ///< Iterations from one save to the next; 0: only when stopped.
  std::function<void(TsneState&&)> save = {};
};

/// Places n rows in the plane, on a line or in space.
/// @param graph     n × k; k ≥ 3 · perplexity (any k for uniform and gaussian affinities). A
///                  perplexity above (n − 1) / 3 is lowered to that, with a note.
/// @param start     n × d, d ≥ dimensions: the first columns, centered and scaled to deviation 1e-4
///                  inside; e.g. the first principal components. With keep_start it is taken as it
///                  is, but for a jitter of 1e-4 units.
/// @param progress  called every 25 iterations with the current KL; may stop.
/// @throws InvalidArgument  when shapes differ, k is too small, the start is not finite, or the
///         graph or the anchors are not valid, or when the state to resume belongs to other data or
///         parameters.
/// Cost an iteration: O(n k) attraction, O(n + g² log g) repulsion on a g × g
/// grid (g log g on a line, g³ log g in space).
TsneResult tsne(const Neighbors& graph, ConstRows start, const TsneParams& params = {},
                const Progress& progress = {}, const TsneExtras& extras = {});
/// The same from affinities of any origin; of the parameters, those that weigh neighbors are not
/// used.
TsneResult tsne(const Affinities& affinities, ConstRows start, const TsneParams& params = {},
                const Progress& progress = {}, const TsneExtras& extras = {});

}  // namespace latlas
