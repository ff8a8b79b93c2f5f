// What one sweep over the points of a map reads and writes: the arguments of t-SNE's kernels.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "latlas/layout/field.h"

namespace latlas {

constexpr float kLongestStep = 5;  ///< Of a row in one iteration and direction.

constexpr float kHeld = 1e30F;  ///< The strength of an anchor that does not give way.

/// So many edges ahead of the sum the places of wide indices are called to the cache.
constexpr std::int64_t kAhead = 96;

struct SweepTask {
  int dimensions = 2;
  std::int64_t n = 0;                        ///< Rows; arrays go on to a multiple of 16.
  const float* places = nullptr;             ///< The map: place_floats() a row.
  float* next_places = nullptr;              ///< Receives the new one.
  const std::int64_t* edge_begin = nullptr;  ///< Of each row, in multiples of 16.
  const float* edge_scale = nullptr;         ///< Of each row: p = scale · weight.
  const std::uint16_t* edge_weight = nullptr;
  const std::uint16_t* edge_column16 = nullptr;  ///< Used unless null.
  const std::int32_t* edge_column32 = nullptr;   ///< kAhead more are read: any rows.
  bool are_far = true;  ///< Places lie in far caches: those of wide indices are called early.
  const float* exact_gradient = nullptr;  ///< ∇φ, as the map; null: read from the field.
  GridView field;
  float degrees = 1;  ///< Of freedom: α.
  float exaggeration = 1;
  float push = 0;  ///< Gradient = 4 A + push · ∇φ; 2 / Z.
  float learning_rate = 0, momentum = 0;
  float* velocity[3] = {};  ///< In each direction, of each row.
  float* gain[3] = {};
  const float* anchor[3] = {};             ///< Places of the anchors.
  const float* anchor_strength = nullptr;  ///< 0: the row is free; kHeld: it does not move; null:
                                           ///< there are no anchors.
};

/// What a tile of rows leaves behind.
struct TileSums {
  double cost = 0;                  ///< α Σ p log(1 + d² / α)
  float low[3] = {}, high[3] = {};  ///< Box of the new positions.

  void add(const TileSums& o) {
    cost += o.cost;
    for (int c = 0; c < 3; ++c) {
      low[c] = std::min(low[c], o.low[c]);
      high[c] = std::max(high[c], o.high[c]);
    }
  }
};

/// The sources of the n rows of a map in the order of a Z-shaped curve through its box: rows that
/// are near in the map come to be near in memory.
std::vector<std::int32_t> along_the_curve(const float* places, std::int64_t n, int dimensions,
                                          const TileSums& box);

/// Moves one tile of rows [begin, end), both multiples of 16; with `cost`, sums.cost is filled,
/// too.
void sweep_tile(const SweepTask& task, bool cost, std::int64_t begin, std::int64_t end,
                TileSums& sums);

}  // namespace latlas
