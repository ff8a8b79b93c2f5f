// Linear convolution of a real plane with a real, even kernel, by our own Fourier transform.
//
// The unit is the whole convolution, since then no order of frequencies need be restored, the
// zero half of the padded plane is never touched, and the product with the kernel happens in
// registers between the last pass forward and the first pass back.
#pragma once

#include <cstdint>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/parallel.h"

namespace latlas {

/// The smallest 16 · 2^a · 3^b · 5^c that is ≥ at_least; successive sizes are at most 1.5 apart up
/// to 48 and 1.25 above.
std::int64_t convolution_size(std::int64_t at_least);

/// Convolves planes of rows × cols floats with one kernel:
///
///   out(i, j) = Σ_{a, b} kernel(|i − a|, |j − b|) · in(a, b),   0 ≤ a < rows, 0 ≤ b < cols
///
/// Single precision; the error of an output is about 3e-7 · max |out|.
/// Cost: 10 rows cols log2(rows cols) multiply-adds and additions, 20 bytes a value of scratch.
class Convolution {
 public:
  /// @param kernel  rows × cols: its values at distances (i, j); both sizes from
  ///                convolution_size().
  explicit Convolution(ConstRows kernel);

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }

  /// in: used_rows × used_cols of the plane (zero beyond); out: the same size, not overlapping in.
  /// @return  Σ in · out: the energy of the charges in their own potential.
  double operator()(ConstRows in, Rows out);

  /// Multiplies the kernel's transform at frequency (fy, fx), in cycles a sample, 0 ≤ f ≤ ½, by
  /// factor(fy, fx). For corrections that are known in the frequency domain.
  void shape(FunctionRef<double(double fy, double fx)> factor);

 private:
  struct Transform {  // a complex transform of one length, sixteen at a time
    explicit Transform(std::int64_t size);
    std::int64_t size;
    std::vector<std::int32_t> radix;       // of each pass, the first at index 0
    std::vector<float> twiddle;            // of each pass, one after another
    std::vector<std::int64_t> twiddle_at;  // where a pass's begin
    std::vector<std::int32_t> order;       // frequency that the transform leaves at each place
  };
  void spread_blocks(ConstRows in);

  std::int64_t rows_, cols_;
  Transform down_, along_;          // over the rows of a column, over the columns of a row
  std::vector<float> quarter_down_; // e^(−πij / 2 rows)
  std::vector<float> half_along_;   // e^(−πij / cols)
  Matrix kernel_;                   // transform, in the order in which it is met
  Matrix middle_;                   // plane between the two passes, in blocks
  Matrix scratch_;                  // of each worker
};

}  // namespace latlas
