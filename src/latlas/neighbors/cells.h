// Cells: groups of packed rows (panels.h) cut into sixteens, for rows so short that a product is no
// dearer than a look at what it is needed for. In a frame that is turned to the principal
// directions most of two rows' distance lies in their first columns. So a product is taken in
// stages, and after each a pair is given up that cannot be near whatever the columns to come hold:
// with x₁ the columns so far and x₂ the rest, by Cauchy and Schwarz,
//
//   s(x, y) ≥ ½|y'|² − x₁·y₁ − |x₂| |y₂|.
//
// Whole cells are given up first, by their centers. Internal to the room.
#pragma once

#include <cstdint>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/neighbors/panels.h"

namespace latlas::scan {

constexpr std::int64_t kCell = 16;  // rows of the data that are scored together
constexpr std::int64_t kCellsOfGroup = kGroup / kCell;

struct Cells {
  std::vector<std::int64_t> ends;  // columns multiplied when a stage ends, ascending; the last: d
  Matrix center;                   // cells × d
  std::vector<float> half_norm;    // ½|center|²; infinity in the padding
  std::vector<float> radius;       // around the center, rounded up
  double widest = 0;               // of the radii
  Matrix rest;  // stages × places: |y'| beyond the stage, rounded up; 0 in the padding
};

/// How finely rows of d columns are put in order: cells of long rows are not worth their
/// compactness.
inline std::int64_t finest_of(std::int64_t d) { return d <= kMostTurned ? kCell : kGroup; }

/// The stages for rows of d columns.
std::vector<std::int64_t> stage_ends(std::int64_t d);

/// The cells of rows packed in panels of kCell columns.
Cells cut(const Panels& panels);

/// |x| beyond the end of each stage, rounded up, 0 for the last: in rest[0], rest[step], ….
void rest_of(const float* x, const std::vector<std::int64_t>& ends, float* rest, std::int64_t step);

}  // namespace latlas::scan
