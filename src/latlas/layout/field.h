// The repulsive field of a map: the potential of its points, one unit charge each,
//
//   φ(y) = Σ_j 1 / (1 + |y − y_j|²),      force on i = Σ_j (y_i − y_j) / (1 + |y_i − y_j|²)² = −½ ∇φ(y_i)
//
// so that one potential gives both t-SNE's normalizer, Z = Σ_i φ(y_i) − n, and its repulsion.
// docs/layout.md derives it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "latlas/core/matrix.h"

namespace latlas {

/// The potential on a grid of fixed spacing: charges are spread with cubic B-splines, convolved,
/// and read with the same splines and their derivatives. Error of a force: about 1 % · (3 h)³ of the
/// root mean square force at spacing h.
class GridField {
 public:
  /// @param spacing  of the grid; smaller is more exact and slower. 0.05 … 1.
  explicit GridField(double spacing);
  ~GridField();
  GridField(GridField&&) noexcept;
  GridField& operator=(GridField&&) noexcept;

  /// Charges the field with n × 2 points (finite, within 1e6 of each other…). Same bits for any
  /// number of threads; the order of the points matters in the last bit.
  void charge(ConstRows points);
  /// Σ_i φ(y_i) − n of the charges, n ≥ 1.
  double normalizer() const;
  /// φ and ∇φ at any points of the plane; far outside the charges' box the field continues as that
  /// of one charge of the same total at their center.
  void read(ConstRows at, std::span<float> potential, Rows gradient) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace latlas
