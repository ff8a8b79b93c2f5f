// t-SNE: a map in which rows that are near in the data stay near.
// van der Maaten & Hinton, Visualizing data using t-SNE, 2008.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/params.h"
#include "latlas/core/progress.h"
#include "latlas/layout/affinities.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

struct TsneParams {
  double perplexity = 30;    ///< Effective neighbors of a row; larger favors global structure.
  double exaggeration = 12;  ///< Early attraction; larger gives tighter, farther clusters.
  std::int64_t exaggeration_iterations = 250;  ///< At most; a rule may end that phase sooner.
  std::int64_t iterations = 1000;              ///< In all, at most.
  double learning_rate = 0;  ///< 0: n / exaggeration of the phase. Larger moves faster.
  double momentum = 0.93;    ///< Larger remembers longer and moves faster; see docs/layout.md.
  double stop_below = 3e-4;  ///< Ends when KL falls by less than this share an iteration; 0: never.
  double grid_spacing = 1.0 / 3;    ///< Of the repulsive field; smaller is more exact and slower.
  std::int64_t exact_below = 2000;  ///< Fewer rows than this get the exact O(n²) field.
  std::uint64_t seed = 0;           ///< Of the jitter that tells equal rows of the start apart.
};
std::vector<Field> fields(TsneParams& p);

/// KL after an iteration, by the field's normalizer.
struct TsneTrace {
  std::int64_t iteration = 0;
  double kl = 0;
};

struct TsneResult {
  Matrix map;                     ///< n × 2, centered at the origin; the unit is arbitrary.
  double kl = 0;                  ///< Of `map`, by the field's normalizer; see exact_normalizer.
  bool exact_normalizer = false;  ///< Whether that was summed over all pairs.
  std::int64_t iterations = 0;    ///< Done.
  std::int64_t exaggerated = 0;   ///< Of these, with exaggeration.
  bool converged = false;         ///< KL stopped falling.
  bool stopped = false;           ///< Progress asked to stop.
  std::vector<TsneTrace> trace;
  std::vector<std::string> notes;  ///< Where a limit acted, one sentence each.
};

/// Places n rows in the plane.
/// @param graph     n × k; k ≥ 3 · perplexity. A perplexity above (n − 1) / 3 is lowered to that,
///                  with a note.
/// @param start     n × d, d ≥ 2: the first two columns, centered and scaled to deviation 1e-4
///                  inside; e.g. the first principal components.
/// @param progress  called every 25 iterations with the current KL; may stop.
/// @throws InvalidArgument  when shapes differ, k is too small, the start is not finite, or the
///         graph is not valid.
/// Cost an iteration: O(n k) attraction, O(n + g² log g) repulsion on a g × g grid.
TsneResult tsne(const Neighbors& graph, ConstRows start, const TsneParams& params = {},
                const Progress& progress = {});
/// The same from affinities of any origin; `perplexity` is not used.
TsneResult tsne(const Affinities& affinities, ConstRows start, const TsneParams& params = {},
                const Progress& progress = {});

}  // namespace latlas
