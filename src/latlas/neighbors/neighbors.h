// Neighbors: the k nearest rows of every row, the noun between latents and maps.
#pragma once

#include <cstdint>

#include "latlas/core/matrix.h"

namespace latlas {

struct Neighbors {
  BasicMatrix<std::int32_t> index;  ///< n × k rows of the data; never the row itself, never −1.
  Matrix distance;                  ///< n × k, ascending in each row; equal distances by index.
                                    ///< Not negative, unless the metric is the inner product.

  std::int64_t rows() const { return index.rows(); }
  std::int64_t k() const { return index.cols(); }
};

}  // namespace latlas
