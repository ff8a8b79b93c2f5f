// What a layout will need.
#pragma once

#include <cstdint>

#include "latlas/core/plan.h"
#include "latlas/layout/tsne.h"
#include "latlas/layout/umap.h"

namespace latlas {

/// fit_pca and the transform of its rows.
/// @param rate  machine_rate()
Plan plan_pca(std::int64_t rows, std::int64_t cols, std::int64_t components, double rate);

/// The fit of a map from a graph of k neighbors: affinities, start and descent, which is taken to
/// end by its rule after 450 iterations where a rule may end it.
Plan plan_tsne(std::int64_t rows, std::int64_t k, const TsneParams& params, double rate);
Plan plan_umap(std::int64_t rows, std::int64_t k, const UmapParams& params, double rate);

/// kl_divergence, whose normalizer is summed over all pairs or those of a sample of rows.
Plan plan_kl(std::int64_t rows, double rate);

}  // namespace latlas
