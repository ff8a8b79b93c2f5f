// Placing new rows into a fitted map.
#pragma once

#include <cstdint>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/params.h"
#include "latlas/core/progress.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

struct PlaceParams {
  double perplexity = 30;         ///< As in the fit: effective neighbors of a row.
  std::int64_t iterations = 200;  ///< At most, for each row.
  double grid_spacing = 1.0 / 3;  ///< Of the repulsive field, as in the fit.
};
std::vector<Field> fields(PlaceParams& p);

struct PlaceResult {
  Matrix map;                    ///< m × 2, in the coordinates of the fitted map.
  std::int64_t unconverged = 0;  ///< Rows that still moved after the last iteration.
  bool stopped = false;          ///< Progress asked to stop; the rows not reached stand at their
                                 ///< nearest neighbor.
  std::vector<std::string> notes;
};

/// Throws InvalidArgument, beginning with `what`, unless new rows with these neighbors can be
/// placed into the map: n × 2, finite, and neighbors among its rows.
void require_placeable(ConstRows train_map, const Neighbors& to_train, const char* what);

/// Places m new rows in the map of n rows, each by itself: a row's result does not depend on which
/// others came along.
/// @param train_map  n × 2, from tsne().
/// @param to_train   m × k: for each new row its nearest rows of the fitted data, with distances;
///                   a perplexity above k / 3 is lowered to that, with a note.
/// Rows are kept within 10 units of the fitted map's box.
/// @throws InvalidArgument  when an index is outside [0, n), shapes differ, values are not finite.
/// Cost: O(k) an iteration and row; one field of the fitted map.
PlaceResult place(ConstRows train_map, const Neighbors& to_train, const PlaceParams& params = {},
                  const Progress& progress = {});

}  // namespace latlas
