// Sketches: short images of scaled rows (panels.h) that tell most pairs to be too far apart before
// their whole product is taken. With orthonormal q₁ … q_m,
//
//   x̃ = (q₁·x', …, q_m·x', |x' − Σ (q_j·x') q_j|)     or x̃ = x', where no directions are used,
//
// and, by Cauchy and Schwarz for what the q_j leave over, x'·y' ≤ x̃·ỹ. So the score of sketches,
// s̃ = ½|y'|² − x̃·ỹ, is never above the score s of the rows, and a pair whose s̃ exceeds the
// query's limit needs no further look. The q_j are the principal directions of a sample, in which
// most of a row's length lies. Any others would be as right and slower.
//
// Held are 16-bit whole numbers X = round(x̃ / c), |X| < 2¹⁵, with a c of each row's own: their
// products are exact, and an instruction takes twice as many as of floats. With u = 2⁻²⁴,
// a = |x'|, b = |y'|, the computed s̃ exceeds s by at most τ (½ b² + a b), where τ collects
//
//   2 η₁       η₁ = (d + 4) u √m: the coordinates q_j·x', chains of d fused multiply-adds
//   η₂         = ‖QᵀQ − 1‖, measured: the directions are floats, so nearly orthonormal
//   2 ρ + ρ²   ρ = √(m + 1) / (2 · 32766): the rounding to whole numbers
//   8 u        the score's last operations
//
// which has the form of a scan's own doubt (panels.h) with τ in the place of ε. What is left over
// is rounded up by (η₁ + η₂) a before its root is taken. Internal to the room.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/neighbors/panels.h"

namespace latlas::scan {

/// How rows become sketches.
struct Sketcher {
  std::int64_t numbers = 0;  ///< Of a sketch; 0: sketches do not pay, whole rows are multiplied.
  Panels directions;         ///< The q_j, packed, with half norms of 0; no groups: x̃ = x'.
  double shrink = 0;         ///< η₁ + η₂
  double error = 0;          ///< τ

  std::int64_t pairs() const { return (numbers + 1) / 2; }
};

/// The sketcher expected to make the search of `queries` rows for their `count` nearest among the
/// rows listed the fastest, judged by a sample of these.
/// @param rows   places in the data, in compact order.
/// @param width  columns of the panels of directions.
Sketcher sketcher_for(ConstRows data, const Frame& frame, std::span<const std::int32_t> rows,
                      std::int64_t queries, std::int64_t count, std::int64_t width);

/// The sketches of packed rows: two numbers in the halves of 32 bits, in panels of pairs × width.
struct Sketches {
  Sketcher sketcher;
  BasicMatrix<std::int32_t> packed;  // groups × (kGroup · pairs)
  std::vector<float> scale;          // c of each place

  bool used() const { return sketcher.numbers > 0; }
  const std::int32_t* panel(std::int64_t place) const {
    return packed.data() + place * sketcher.pairs();
  }
};

}  // namespace latlas::scan
