// What `run` and `map` share on the way from rows to a map.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "cli/console.h"
#include "latlas/evaluate/scores.h"
#include "latlas/layout/novelty.h"
#include "latlas/layout/place.h"
#include "latlas/layout/preset.h"
#include "latlas/layout/tsne.h"
#include "latlas/layout/umap.h"
#include "latlas/neighbors/approximate.h"
#include "latlas/runs/run_directory.h"

namespace latlas::cli {

/// "PCA", "t-SNE" or "UMAP", for pca, tsne, umap.
const char* title_of(const std::string& method);

/// The fields of a search whose graph a map is made from, for a recipe: 0 neighbors stand for what
/// the method asks for, and inner products are none of the metrics, since weights are made of
/// distances.
std::vector<Field> graph_fields(NeighborsParams& params);
/// The same for flags: --neighbors names the search.
std::vector<Field> graph_flags(NeighborsParams& params);
/// Throws InvalidArgument for what these fields do not allow.
void check_graph(NeighborsParams params);

/// The start of a map of so many columns: "pca", "spectral" or "random" (layout/start.h), else an
/// .npy of as many rows, of which the first columns are taken.
/// Throws InvalidArgument when it has other rows or too few columns, or holds NaN or infinity.
Matrix map_start(const std::string& start, ConstRows rows, const Affinities& graph,
                 std::int64_t columns, std::uint64_t seed, Console& console);
/// Whether `start` is a file and no name; throws InvalidArgument, saying what is known, when it is
/// neither.
bool is_start_file(const std::string& start);

/// What is to be said of the graph that find_neighbors made: "90 of each row, exact", or the recall
/// of a sample of at most 1000 rows, which is measured here. Sets neighbors.recall and, when it was
/// sampled, neighbors.recall_error.
std::string describe_neighbors(const Neighbors& graph, ConstRows rows,
                               const NeighborsParams& params, std::uint64_t seed, Metrics& metrics);

/// The same of new rows' neighbors among the rows: sets neighbors.new_rows_recall, measured on at
/// most 500 of them, and notes it where a NeighborIndex searches approximately.
void describe_new_neighbors(const Neighbors& to_train, ConstRows fresh, ConstRows rows,
                            const NeighborsParams& params, std::uint64_t seed, Metrics& metrics,
                            Console& console);

/// KL of the map under these affinities and a kernel of so many degrees of freedom, its normalizer
/// exact or, of very many rows, sampled. Sets NAME, and NAME_error when it was sampled; returns it
/// as text.
std::string measure_kl(const std::string& name, const Affinities& affinities, ConstRows map,
                       double degrees_of_freedom, int digits, Metrics& metrics);

/// How many neighbors of each row t-SNE gets: `k`, or what its affinities ask for when that is 0;
/// at most n − 1.
std::int64_t neighbors_for(std::int64_t k, const TsneParams& params, std::int64_t n);

/// The search for them. The preset fast takes the approximate one from 20,000 rows on, unless a
/// search is asked for by name.
NeighborsParams tsne_search(NeighborsParams near, const TsneParams& params, std::int64_t n);

/// How many neighbors of each row UMAP needs: `k`, or one less than n_neighbors when that is 0,
/// since n_neighbors counts the row itself; at most n − 1.
std::int64_t umap_neighbors_for(std::int64_t k, const UmapParams& params, std::int64_t n);

/// What a fit keeps of itself while it runs, and goes on from.
struct KeptFit {
  std::filesystem::path path;  ///< Empty: nothing is kept.
  std::int64_t every = 25;     ///< Iterations from one save to the next.
  double seconds = 0;          ///< At least that many seconds lie between two saves.
  bool demanded = true;  ///< What does not belong to this fit is refused; else it is noted, and
                         ///< the fit begins anew.
};

/// tsne() from what was kept of it, if anything was. The file stays: it is the caller's to remove
/// once the map is written.
TsneResult tsne_from(const KeptFit& kept, const Affinities& affinities, ConstRows start,
                     const TsneParams& params, Console& console, TsneExtras extras = {});

/// "row,distance,density,far" and a line a new row.
std::string to_csv(const Novelty& novelty);
/// The rows that such a file calls far. Throws IoError where it is none.
std::vector<std::int32_t> far_rows(const std::filesystem::path& csv);
/// What a legend calls so many of them.
std::string far_name(std::size_t count);
/// Sets new.far and the limits; returns what is to be said: ", 3 of them far from everything".
std::string describe_novelty(const Novelty& novelty, Metrics& metrics);

/// Tells the user what placing has to say of its result.
void note_placing(const PlaceResult& placed, Console& console);
void note_placing(const UmapPlaceResult& placed, Console& console);

/// The score under `name`, and its standard error, where it has one, under `name`_error.
void set_score(Metrics& metrics, const std::string& name, const Score& score);

/// The parameters with neighborhoods that fit n rows: trustworthiness needs k < n / 2. A lowered k
/// is noted.
EvaluateParams fitting_scores(EvaluateParams params, std::int64_t n, bool labels, Console& console);

/// The rows as the scores are to see them. Under cosine each has norm 1: then the Euclidean
/// distance √(2 − 2 cos) puts all pairs into the order that the cosine does.
Matrix in_metric(Matrix rows, const std::string& metric, const std::string& what);

/// The first columns of rows, as a view.
inline ConstRows first_columns(ConstRows rows, std::int64_t columns) {
  return {rows.data(), rows.rows(), columns, rows.stride()};
}

}  // namespace latlas::cli
