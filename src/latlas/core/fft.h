// Linear convolution of a real plane with a real, even kernel, by our own Fourier transform.
//
// The unit is the whole convolution, not the transform: then no order of frequencies need be
// restored, the empty half of the padded plane is never touched, and the product with the kernel
// happens in registers between the last pass forward and the first pass back.
#pragma once

#include <cstdint>
#include <memory>

#include "latlas/core/matrix.h"
#include "latlas/core/parallel.h"

namespace latlas {

/// The smallest 16 · 2^a · 3^b · 5^c that is ≥ at_least.
std::int64_t convolution_size(std::int64_t at_least);

/// Convolves planes of rows × cols floats with one kernel:
///
///   out(i, j) = Σ_{a, b} kernel(|i − a|, |j − b|) · in(a, b),   0 ≤ a < rows, 0 ≤ b < cols
///
/// Single precision: the error of an output is below 1e-6 · Σ |kernel| · max |in|. Same bits for
/// any number of threads and instruction set.
/// Cost: about 20 · rows · cols · log2(rows · cols) operations; 16 bytes a value of memory.
class Convolution {
 public:
  /// @param kernel  rows × cols: its values at distances (i, j). Both sizes from
  ///                convolution_size(), else InvalidArgument.
  explicit Convolution(ConstRows kernel);
  ~Convolution();
  Convolution(Convolution&&) noexcept;
  Convolution& operator=(Convolution&&) noexcept;

  std::int64_t rows() const;
  std::int64_t cols() const;

  /// Multiplies the kernel's transform at the frequencies fy, fx (cycles a sample, 0 … ½) by
  /// factor(fy, fx).
  void shape(FunctionRef<double(double fy, double fx)> factor);

  /// Reads the first used_rows × used_cols of both planes, in multiples of 16, the rest of `in`
  /// being zero; writes as many of `out`, which must not overlap `in`.
  /// @return  Σ in · out, in double.
  double operator()(ConstRows in, Rows out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace latlas
