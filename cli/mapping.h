// What `run` and `map` share on the way from rows to a map.
#pragma once

#include <string>

#include "cli/console.h"
#include "latlas/evaluate/scores.h"
#include "latlas/layout/place.h"
#include "latlas/layout/tsne.h"
#include "latlas/layout/umap.h"
#include "latlas/neighbors/approximate.h"
#include "latlas/runs/run_directory.h"

namespace latlas::cli {

/// "PCA", "t-SNE" or "UMAP", for pca, tsne, umap.
const char* title_of(const std::string& method);

/// The first two principal components of the rows, n × 2; zero where there are fewer.
Matrix map_start(ConstRows rows);

/// What is to be said of the graph that find_neighbors made: "90 of each row, exact", or the recall
/// of a sample of at most 1000 rows, which is measured here. Sets neighbors.recall and, when it was
/// sampled, neighbors.recall_error.
std::string describe_neighbors(const Neighbors& graph, ConstRows rows,
                               const NeighborsParams& params, std::uint64_t seed, Metrics& metrics);

/// KL of the map under the affinities that tsne() made from the graph, its normalizer exact or, of
/// very many rows, sampled. Sets NAME, and NAME_error when it was sampled; returns it as text.
std::string measure_kl(const std::string& name, const Neighbors& graph, double perplexity,
                       ConstRows map, int digits, Metrics& metrics);

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

/// The rows as the scores are to see them. Under cosine each has norm 1: then the Euclidean
/// distance √(2 − 2 cos) puts all pairs into the order that the cosine does.
Matrix in_metric(Matrix rows, const std::string& metric, const std::string& what);

/// The first columns of rows, as a view.
inline ConstRows first_columns(ConstRows rows, std::int64_t columns) {
  return {rows.data(), rows.rows(), columns, rows.stride()};
}

}  // namespace latlas::cli
