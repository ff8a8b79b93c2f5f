// Anchors: rows of a fit that are held at given places of the map, or pulled towards them.
#pragma once

#include <cstdint>
#include <span>

#include "latlas/core/matrix.h"
#include "latlas/layout/symmetric.h"

namespace latlas {

/// With strength S > 0, a fit minimizes KL + 2 S / n · Σ_anchored |y_i − a_i|². Its gradient,
/// 4 S / n · (y_i − a_i), has the scale of the attraction, whose weights sum to about 1 / n a row:
/// at S = 1 a row that is one unit of the map from its anchor is pulled as hard as by all its
/// neighbors together if they stood there. So one value does for all n.
struct Anchors {
  Matrix places;        ///< n × columns of the map; a row of NaN is free.
  double strength = 0;  ///< 0: held exactly at their places. Above: pulled; larger pulls harder.
};

/// The anchors of some rows of n.
/// @param rows    distinct, in [0, n).
/// @param places  one for each of them, finite.
Anchors anchors_of(std::span<const std::int32_t> rows, ConstRows places, std::int64_t n,
                   double strength = 0);

/// Rows of a map stand some units apart: no map reaches so far.
constexpr float kFarthestPlace = 1e9F;

/// Throws InvalidArgument, beginning with `what`, unless the anchors are n × columns, each row
/// within ±1e9 or all NaN, and the strength 0 … 1e6.
void require_valid(const Anchors& anchors, std::int64_t n, std::int64_t columns, const char* what);

/// Whether a row has a place.
bool is_anchored(const Anchors& anchors, std::int64_t row);

/// Where the rows of a fit with anchors begin: anchored rows at their places, free ones at the mean
/// of their neighbors by affinity, and so on outwards (a few sweeps of the harmonic extension);
/// rows that no anchor reaches at the mean of all places. Zero where there are no anchors. Same
/// bits for any number of threads. Cost: O(edges) a sweep.
Matrix extended(const Anchors& anchors, const Affinities& affinities);

}  // namespace latlas
