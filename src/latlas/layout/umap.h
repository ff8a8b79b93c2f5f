// UMAP: a map in which rows that are surely neighbors in the data attract each other, and all
// others repel.
// McInnes, Healy & Melville, UMAP: uniform manifold approximation and projection, 2018.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/params.h"
#include "latlas/core/progress.h"
#include "latlas/layout/snapshot.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

/// Names and defaults are umap-learn's.
struct UmapParams {
  std::int64_t n_neighbors = 15;    ///< Of a row, itself counted; larger shows more of the whole.
  double min_dist = 0.1;            ///< How near rows may lie in the map; larger spreads clusters.
  double spread = 1;                ///< The scale of the map against min_dist.
  double negative_sample_rate = 5;  ///< Repelling rows drawn for each attracting one.
  std::int64_t n_epochs = 0;        ///< 0: 500 up to 10,000 rows, 200 above.
  double learning_rate = 1;         ///< Of the first epoch; it falls to 0 in equal steps.
  double repulsion_strength = 1;    ///< Weight of the repulsion; larger gives more space.
  double set_op_mix_ratio = 1;      ///< 1: fuzzy union of both rows' memberships; 0: intersection.
  double local_connectivity = 1;    ///< Nearest neighbors that are surely some.
  double a = 0, b = 0;              ///< Of the curve; 0: by min_dist and spread.
  std::string init = "spectral";    ///< spectral; pca: the start handed in; random.
  std::uint64_t seed = 0;           ///< Of the draws of repelling rows and of the start.
};
std::vector<Field> fields(UmapParams& p);

/// Epochs of a fit of n rows.
std::int64_t umap_epochs(const UmapParams& params, std::int64_t n);

/// The curve 1 / (1 + a d^2b): how surely two rows at distance d in the map are neighbors.
struct UmapCurve {
  double a = 0, b = 0;
};
/// The a and b for which the curve comes nearest, in least squares over 300 places in
/// [0, 3 spread], to 1 below min_dist and exp(−(d − min_dist) / spread) above.
UmapCurve fit_umap_curve(double min_dist, double spread);

/// The curve that the parameters ask for: by a and b where they are given, else fitted.
/// @throws InvalidArgument  when only one of a and b is given, or min_dist is above spread.
UmapCurve umap_curve(const UmapParams& params);

struct UmapResult {
  Matrix map;  ///< n × 2, centered at the origin.
  UmapCurve curve;
  std::int64_t epochs = 0;         ///< Done.
  bool stopped = false;            ///< Progress asked to stop.
  std::vector<std::string> notes;  ///< Where a limit acted, one sentence each.
};

/// Places n rows in the plane.
/// @param graph  n × k; its first n_neighbors − 1 columns are used, since umap-learn counts a row
///               as its own neighbor. An n_neighbors above n is lowered to n, with a note.
/// @param start  n × d, d ≥ 2: the first two columns, e.g. the first principal components, are the
///               start at init "pca", and where the graph's spectrum cannot be one (a note says
///               so). Whatever the start, it is scaled to a box of ten units.
/// @param progress  called every few epochs; may stop.
/// @param snapshots  the map on its way; may stop.
/// @throws InvalidArgument  when shapes differ, k is too small, the start is not finite, or the
///         graph is not valid.
/// Cost an epoch: O(n k) attraction and O(n k negative_sample_rate) repulsion.
UmapResult umap(const Neighbors& graph, ConstRows start, const UmapParams& params = {},
                const Progress& progress = {}, const Snapshots& snapshots = {});

struct UmapPlaceResult {
  Matrix map;            ///< m × 2, in the coordinates of the fitted map.
  bool stopped = false;  ///< Progress asked to stop; rows not reached stand at their neighbors'
                         ///< mean.
  std::vector<std::string> notes;
};

/// Places m new rows in the map of n rows, each by itself: a row's result does not depend on which
/// others came along.
/// @param train_map  n × 2, from umap().
/// @param to_train   m × k: for each new row its nearest rows of the fitted data, with distances;
///                   its first n_neighbors columns are used, fewer where there are fewer.
/// @param params     as in the fit. n_epochs is divided by three, 0 means 100 up to 10,000 rows of
///                   the fitted map and 30 above; learning_rate is divided by four.
/// @throws InvalidArgument  when an index is outside [0, n), shapes differ, values are not finite.
UmapPlaceResult umap_place(ConstRows train_map, const Neighbors& to_train,
                           const UmapParams& params = {}, const Progress& progress = {});

}  // namespace latlas
