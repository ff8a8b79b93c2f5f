// What `run` and `map` share on the way from rows to a map.
#pragma once

#include "cli/console.h"
#include "latlas/evaluate/scores.h"
#include "latlas/layout/place.h"
#include "latlas/layout/tsne.h"
#include "latlas/layout/umap.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas::cli {

/// The first two principal components of the rows, n × 2; zero where there are fewer.
Matrix map_start(ConstRows rows);

/// KL of the map with the exact normalizer, under the affinities that tsne() made from the graph.
double exact_kl(const Neighbors& graph, double perplexity, ConstRows map);

/// How new rows are placed into a map that was fitted with these parameters and k neighbors.
PlaceParams place_params(const TsneParams& fitted, std::int64_t k);

/// How many neighbors of each row UMAP needs: `k`, or one less than n_neighbors when that is 0,
/// since n_neighbors counts the row itself; at most n − 1.
std::int64_t umap_neighbors_for(std::int64_t k, const UmapParams& params, std::int64_t n);

/// Tells the user what placing has to say of its result.
void note_placing(const PlaceResult& placed, Console& console);
void note_placing(const UmapPlaceResult& placed, Console& console);

/// The parameters with neighborhoods that fit n rows: trustworthiness needs k < n / 2. A lowered k
/// is noted.
EvaluateParams fitting_scores(EvaluateParams params, std::int64_t n, Console& console);

/// The first columns of rows, as a view.
inline ConstRows first_columns(ConstRows rows, std::int64_t columns) {
  return {rows.data(), rows.rows(), columns, rows.stride()};
}

}  // namespace latlas::cli
