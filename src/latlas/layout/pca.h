// Principal component analysis: the directions in which the rows vary most.
#pragma once

#include <cstdint>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/params.h"

namespace latlas {

struct PcaParams {
  std::int64_t components = 2;  ///< Directions kept; larger keeps more of the variance.
};
std::vector<Field> fields(PcaParams& params);

/// A fitted analysis. Components are orthonormal, ordered by variance; in each, the entry of
/// largest magnitude is positive (the first of equals), as in scikit-learn since 1.5.
struct Pca {
  BasicMatrix<double> components;          ///< c × d, a row is a direction.
  std::vector<double> mean;                ///< d
  std::vector<double> explained_variance;  ///< c; of the projections, with divisor n − 1.
  std::vector<double>
      explained_variance_ratio;         ///< c; share of the total variance, 0 when that is 0.
  std::vector<double> singular_values;  ///< c; √((n − 1) · explained variance).
  double total_variance = 0;            ///< Sum over the columns, with divisor n − 1.
  std::int64_t samples = 0;             ///< n
};

/// @param rows  n × d, finite, n ≥ 1.
/// @throws InvalidArgument  when n or d is 0, components exceed min(n, d), or a value is NaN or
///              infinite (row and column named).
/// Sums are taken in double over fixed tiles of rows: same bits for any number of threads.
/// Cost: n d² multiply-adds (d ≤ n) or n² d (else), one eigenproblem of size min(n, d).
Pca fit_pca(ConstRows rows, const PcaParams& params = {});

/// Coordinates of rows in the components: (x − mean) · componentsᵀ. Rows are centered in double,
/// products taken in float32; a row's result does not depend on the others.
/// @param rows  m × d.
/// @return      m × c.
Matrix transform(const Pca& pca, ConstRows rows);

/// Rows from coordinates: y · components + mean; the nearest rows in the span of the components.
/// @param coordinates  m × c.
/// @return             m × d.
Matrix inverse_transform(const Pca& pca, ConstRows coordinates);

}  // namespace latlas
