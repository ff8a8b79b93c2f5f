// Placing new rows into a fitted map.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/params.h"
#include "latlas/core/progress.h"
#include "latlas/layout/tsne.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

struct PlaceParams {
  double perplexity = 10;                 ///< Effective neighbors of a row; larger is slower and
                                          ///< keeps a little more of the order around it.
  std::int64_t iterations = 200;          ///< At most, for each row.
  double grid_spacing = 0;                ///< Of the repulsive field, as in the fit; 0 as there.
  double degrees_of_freedom = 1;          ///< Of the map's kernel, as in the fit.
  std::string affinities = "perplexity";  ///< As in the fit: what weighs neighbors (affinities.h).
  std::vector<std::int64_t> scales = {};  ///< Of multiscale; none: as for the rows of the map.
  double bandwidth = 0;                   ///< Of gaussian, which needs the fit's.
};
std::vector<Field> fields(PlaceParams& p);

/// How new rows are placed into a map that was fitted with these parameters, preset applied, to k
/// neighbors of a row.
PlaceParams placing_of(const TsneParams& fitted, std::int64_t k);

/// How many of its nearest fitted rows, at most k, a new row is asked for: by placing and novelty.
std::int64_t neighbors_to_place(const PlaceParams& params, std::int64_t k);

struct PlaceResult {
  Matrix map;                    ///< m × d, in the coordinates of the fitted map.
  std::int64_t unconverged = 0;  ///< Rows that still moved after the last iteration.
  bool stopped = false;          ///< Progress asked to stop; the rows not reached stand at their
                                 ///< nearest neighbor.
  std::vector<std::string> notes;
};

/// Throws InvalidArgument, beginning with `what`, unless new rows with these neighbors can be
/// placed into the map: finite, and neighbors among its rows.
void require_placeable(ConstRows train_map, const Neighbors& to_train, const char* what);
/// The same of a map of n rows that is known to be finite.
void require_placeable(std::int64_t n, const Neighbors& to_train, const char* what);

/// A fitted map made ready for new rows, whatever batches they come in: its field is charged once.
class FrozenMap {
 public:
  /// @param train_map  n × d, d ≤ 3, from tsne().
  /// @throws InvalidArgument  for other shapes and values that are not finite.
  FrozenMap(ConstRows train_map, const PlaceParams& params = {});
  FrozenMap(FrozenMap&&) noexcept;
  FrozenMap& operator=(FrozenMap&&) noexcept;
  ~FrozenMap();

  /// Places m new rows, each by itself: a row's result does not depend on which others came along.
  /// A row at distance 0 from a row of the fit lands on it, bit for bit (of several, on the first).
  /// Whether a row belongs there at all, novelty() tells (novelty.h). Rows are kept within 10 units
  /// of the fitted map's box.
  /// @param to_train  m × k: for each new row its nearest rows of the fitted data, with distances;
  ///                  a perplexity above k / 3 is lowered to that, with a note.
  /// @throws InvalidArgument  when an index is outside [0, n) or distances are not valid.
  /// Cost: O(k) an iteration and row.
  PlaceResult place(const Neighbors& to_train, const Progress& progress = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The same for one batch.
PlaceResult place(ConstRows train_map, const Neighbors& to_train, const PlaceParams& params = {},
                  const Progress& progress = {});

}  // namespace latlas
