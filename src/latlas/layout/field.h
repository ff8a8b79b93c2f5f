// The repulsive field of a map in one, two or three dimensions: the potential of its points, one
// unit charge each,
//
//   φ(y) = Σ_j w(y − y_j),    w = (1 + r² / α)^(−α),    −½ ∇φ(y) = Σ_j w^((α+1)/α) (y − y_j)
//
// so that one potential gives both t-SNE's normalizer, Z = Σ_i φ(y_i) − n, and its repulsion, for
// any degrees of freedom α. docs/layout.md derives it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "latlas/core/matrix.h"

namespace latlas {

/// Floats from one place of a map to the next where kernels read them: triples are padded.
constexpr int place_floats(int dimensions) { return dimensions == 3 ? 4 : dimensions; }

/// The spacing that 0 stands for: ½, and ⅓ on a line, where it costs nothing. Halving it costs four
/// times the nodes in the plane, eight times in space.
constexpr double field_spacing(double spacing, std::int64_t dimensions) {
  return spacing > 0 ? spacing : (dimensions == 1 ? 1.0 / 3 : 0.5);
}

/// What a kernel needs to read a grid potential. Axes are x, y, z.
struct GridView {
  const float* potential = nullptr;  ///< Of the nodes.
  std::int64_t stride[3] = {};       ///< From a node to the next along each axis; 1 along x.
  float origin[3] = {};              ///< Where the first node stands.
  float per_unit = 1;                ///< Nodes a unit: 1 / spacing.
  float last[3] = {};                ///< The largest readable place, in nodes.
  float self[64] = {};  ///< Kernel at distances 0 … 3 along x, then y, then z, both signs added.
};

/// The potential on a grid: charges are spread with cubic B-splines, convolved with the optimal
/// influence function, and read with the same splines and their derivatives.
class GridField {
 public:
  /// @param spacing     of the grid in units of the map, 0.05 … 1; smaller is more exact and
  /// slower.
  ///                    For α < 1, whose kernel has finer detail, in units of √α.
  /// @param dimensions  1, 2 or 3.
  /// @param degrees     of freedom, α: 0.1 … 100.
  explicit GridField(double spacing, std::int64_t dimensions = 2, double degrees = 1);
  ~GridField();
  GridField(GridField&&) noexcept;
  GridField& operator=(GridField&&) noexcept;

  /// Charges the field with n points, n ≥ 1, finite. The field can be read in their box and
  /// `margin` around it. Where the box would need more nodes than max(2^22, 32 n) (a line at most
  /// 2^20, space max(2^23, 16 n)), the spacing is enlarged for this charge. Same bits for any
  /// number of threads; the order of the points matters in the last bits.
  void charge(ConstRows points, double margin = 0);
  /// Gives up all memory but that of the potential; the next charge takes it again.
  void release_work();
  /// The spacing in use since the last charge, in the units of the constructor's.
  double spacing() const;
  /// Σ_i φ(y_i) − n over the charges.
  double normalizer() const;
  const GridView& view() const;

  /// φ and ∇φ at m points; those outside the readable box are read at its nearest place.
  /// @param charges  the points are charges of the field: their own is taken out.
  void read(ConstRows at, bool charges, std::span<float> potential, Rows gradient) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The same by summing over all pairs, for small n: φ without the point's own charge, and ∇φ, at
/// every charge, in one, two or three dimensions. Returns the normalizer. Cost: O(n²).
double exact_field(ConstRows points, std::span<float> potential, Rows gradient, double degrees = 1);

}  // namespace latlas
