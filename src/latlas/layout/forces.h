// What one epoch of UMAP reads and writes: the arguments of its kernels.
#pragma once

#include <cstdint>

namespace latlas {

constexpr int kMostVectors = 32;  ///< Sixteens of repelling rows drawn for a row in an epoch.

/// The forces of the curve 1 / (1 + a d^2b).
struct UmapForces {
  float a = 0, b = 0;
  float repulsion = 0;  ///< 2 b · repulsion_strength
  float rate = 0;       ///< Of this epoch.
};

struct UmapSweep {
  UmapForces forces;
  std::int64_t n = 0;                          ///< Rows; arrays go on to a multiple of 16.
  const float* xy = nullptr;                   ///< The map: x, y, x, y, …
  float* next_xy = nullptr;                    ///< Receives the new one.
  const std::int64_t* edge_begin = nullptr;    ///< Of each row, in multiples of 16.
  const std::uint16_t* edge_weight = nullptr;  ///< In units of 1 / 65535.
  const std::int32_t* edge_column = nullptr;
  const std::uint8_t* vectors = nullptr;  ///< Repelling rows drawn for each row, by sixteens.
  const float* share = nullptr;           ///< Weight of each of them.
  float* velocity = nullptr;              ///< The last steps: x, y, x, y, …
  float momentum = 0;                     ///< Share of the last step that a row keeps.
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
};

/// Sixteen new rows among the rows of a fitted map.
struct UmapPlacement {
  UmapForces forces;
  std::int64_t k = 0;
  const float* train = nullptr;         ///< The fitted map: x, y, x, y, …
  const std::int32_t* index = nullptr;  ///< k × 16: neighbor j of row l at 16 j + l.
  const float* weight = nullptr;        ///< k × 16
  const float* negatives = nullptr;     ///< Places of the epoch's repelling rows: x, y, x, y, …
  std::int64_t negative_count = 0;
  const float* draws = nullptr;  ///< 16: repelling rows that each row is to feel in an epoch.
};

}  // namespace latlas
