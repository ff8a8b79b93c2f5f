// The repulsive field of a map: the potential of its points, one unit charge each,
//
//   φ(y) = Σ_j 1 / (1 + |y − y_j|²),    Σ_j (y − y_j) / (1 + |y − y_j|²)² = −½ ∇φ(y)
//
// so that one potential gives both t-SNE's normalizer, Z = Σ_i φ(y_i) − n, and its repulsion.
// docs/layout.md derives it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "latlas/core/matrix.h"

namespace latlas {

/// What a kernel needs to read a grid potential.
struct GridView {
  const float* potential = nullptr;  ///< Of the nodes, row by row (y), `stride` apart.
  std::int64_t stride = 0;
  float x0 = 0, y0 = 0;                 ///< Where node (0, 0) stands.
  float per_unit = 1;                   ///< Nodes a unit: 1 / spacing.
  float last_column = 0, last_row = 0;  ///< The largest readable place, in nodes.
  float self[4][4] = {};  ///< Kernel at (row, column) distances 0 … 3, both signs added.
};

/// The potential on a grid: charges are spread with cubic B-splines, convolved with the optimal
/// influence function, and read with the same splines and their derivatives.
class GridField {
 public:
  /// @param spacing  of the grid in units of the map, 0.05 … 1; smaller is more exact and slower.
  explicit GridField(double spacing);
  ~GridField();
  GridField(GridField&&) noexcept;
  GridField& operator=(GridField&&) noexcept;

  /// Charges the field with n × 2 points, n ≥ 1, finite. The field can be read in their box and
  /// `margin` around it. Where the box would need more than max(2^22, 32 n) nodes, the spacing is
  /// enlarged for this charge. Same bits for any number of threads; the order of the points
  /// matters in the last bits.
  void charge(ConstRows points, double margin = 0);
  /// The spacing in use since the last charge.
  double spacing() const;
  /// Σ_i φ(y_i) − n over the charges.
  double normalizer() const;
  GridView view() const;

  /// φ and ∇φ at m × 2 points; points outside the readable box are read at its nearest place.
  /// @param charges  the points are charges of the field: their own is taken out.
  void read(ConstRows at, bool charges, std::span<float> potential, Rows gradient) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The same by summing over all pairs, for small n: φ without the point's own charge, and ∇φ, at
/// every charge. Returns the normalizer. Cost: O(n²).
double exact_field(ConstRows points, std::span<float> potential, Rows gradient);

}  // namespace latlas
