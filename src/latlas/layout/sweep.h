// What one sweep over the points of a map reads and writes: the arguments of t-SNE's kernels.
#pragma once

#include <algorithm>
#include <cstdint>

#include "latlas/layout/field.h"

namespace latlas {

constexpr float kLongestStep = 5;  ///< Of a row in one iteration and direction.

struct SweepTask {
  std::int64_t n = 0;                        ///< Rows; arrays go on to a multiple of 16.
  const float* xy = nullptr;                 ///< The map: x, y, x, y, …
  float* next_xy = nullptr;                  ///< Receives the new one.
  const std::int64_t* edge_begin = nullptr;  ///< Of each row, in multiples of 16.
  const float* edge_scale = nullptr;         ///< Of each row: p = scale · weight.
  const std::uint16_t* edge_weight = nullptr;
  const std::uint16_t* edge_column16 = nullptr;  ///< Used unless null.
  const std::int32_t* edge_column32 = nullptr;
  const float* exact_gradient = nullptr;  ///< ∇φ, x, y, x, y, …; null: read from the field.
  GridView field;
  float exaggeration = 1;
  float push = 0;  ///< Gradient = 4 A + push · ∇φ; 2 / Z.
  float learning_rate = 0, momentum = 0;
  float *velocity_x = nullptr, *velocity_y = nullptr, *gain_x = nullptr, *gain_y = nullptr;
};

/// What a tile of rows leaves behind.
struct TileSums {
  double cost = 0;                                     ///< Σ p log(1 + d²)
  float low_x = 0, low_y = 0, high_x = 0, high_y = 0;  ///< Box of the new positions.

  void add(const TileSums& o) {
    cost += o.cost;
    low_x = std::min(low_x, o.low_x);
    low_y = std::min(low_y, o.low_y);
    high_x = std::max(high_x, o.high_x);
    high_y = std::max(high_y, o.high_y);
  }
};

}  // namespace latlas
