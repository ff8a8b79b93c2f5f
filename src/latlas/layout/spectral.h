// The slowest waves over a graph: a start for maps that shows its large parts.
#pragma once

#include <cstdint>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/layout/symmetric.h"

namespace latlas {

struct Spectrum {
  Matrix vectors;              ///< n × count, each column of length 1; its entry of largest
                               ///< magnitude is positive (the first of equals).
  std::vector<double> values;  ///< Eigenvalues of the Laplacian, ascending; 0 ≤ μ ≤ 2.
  bool connected = true;       ///< false: the graph falls apart; vectors and values are empty.
  bool converged = false;      ///< Each |L v − μ v| ≤ 0.05 μ.
  std::int64_t products = 0;   ///< With the matrix, of sixteen vectors each.
};

/// The eigenvectors of the normalized Laplacian L = I − D^{−½} W D^{−½} with the smallest
/// eigenvalues but for the first, 0, which tells nothing.
/// @param graph  n rows, weights ≥ 0, symmetric; those equal to 0 are no edges.
/// @param count  1 ≤ count ≤ 8, and below n.
/// @throws InvalidArgument  when count is out of range.
/// Cost: a few hundred sweeps over the edges at most, 200 bytes a row. The same bits everywhere.
Spectrum spectral(const Affinities& graph, std::int64_t count, std::uint64_t seed = 0);

}  // namespace latlas
