// Presets of t-SNE, and what its parameters become for given rows.
//
//   default   perplexity affinities
//   fast      equal weights on 15 neighbors; very many rows begin with a map of their groups
//   exact     all pairs, and a tighter stop: the twin of the others for a few thousand rows
//
// docs/layout.md says what each costs in quality.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "latlas/layout/affinities.h"
#include "latlas/layout/tsne.h"

namespace latlas {

/// The parameters with the preset's values in place of those left at their defaults.
TsneParams with_preset(TsneParams params);

/// The parameters with the pace that few rows need: below 5,000 rows, momentum 0.8 and a stop only
/// when KL falls by less than 1e-5 an iteration, in place of defaults, if the run can come to its
/// end (it may stop, has 1,000 iterations or more, and does not keep its start).
TsneParams paced(TsneParams params, std::int64_t n);

/// How many neighbors of each of n rows tsne() asks for: three times the (largest) perplexity, or
/// 15 for uniform affinities; at most n − 1.
std::int64_t tsne_neighbors(const TsneParams& params, std::int64_t n);

/// The parameters as tsne() uses them for this graph: the preset's; perplexities that n rows are
/// too few for lowered, with a note; the bandwidth found. Settling them again changes nothing.
/// @throws InvalidArgument  when a parameter leaves its range or the graph has too few neighbors.
TsneParams settled(const TsneParams& params, const Neighbors& graph,
                   std::vector<std::string>& notes);

/// What joint_affinities() needs of them.
AffinityParams affinity_params(const TsneParams& params);

/// The exaggeration after the early phase: `late_exaggeration`, or by the number of rows where that
/// is 0, which a note then says.
double late_exaggeration(const TsneParams& params, std::int64_t n, std::vector<std::string>& notes);

}  // namespace latlas
