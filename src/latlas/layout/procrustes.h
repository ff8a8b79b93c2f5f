// Procrustes alignment: the rotation, reflection, scale and shift that bring a map nearest to
// another of the same rows.
// Schönemann, A generalized solution of the orthogonal Procrustes problem, 1966.
#pragma once

#include <vector>

#include "latlas/core/matrix.h"

namespace latlas {

struct ProcrustesParams {
  bool scale = false;      ///< Also stretch the map evenly.
  bool reflection = true;  ///< Also mirror it where that is nearer.
};

/// y ↦ scale · Q (y − from) + to.
struct Procrustes {
  BasicMatrix<double> rotation;  ///< Q, d × d, orthogonal.
  double scale = 1;
  std::vector<double> from, to;  ///< The centers of both maps.
  double residual = 0;           ///< Root of the mean squared distance of the rows, once aligned.
};

/// The transform of `map` that is nearest to `other` in least squares. Where the maps do not
/// determine it (all rows equal, or all on a line), what they leave open is as near to no rotation
/// as can be told; where there is nothing to stretch, the scale is 1.
/// @param map, other  n × d, the same rows; n ≥ 1, 1 ≤ d ≤ 64.
/// @throws InvalidArgument  when shapes differ or values are not finite.
/// Cost: n d² and d³ operations in double, on one thread.
Procrustes procrustes(ConstRows map, ConstRows other, const ProcrustesParams& params = {});

/// The rows transformed.
Matrix transform(const Procrustes& alignment, ConstRows rows);

}  // namespace latlas
