// Linear convolution of a real line, plane or space with a real, even kernel, by our own Fourier
// transform.
//
// The unit is the whole convolution, not the transform: then no order of frequencies need be
// restored, the empty half of the padded data is never touched, and the product with the kernel
// happens in registers between the last pass forward and the first pass back.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

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

  /// Multiplies the kernel's transform at the frequencies fy, fx[j] (cycles a sample, 0 … ½) by
  /// factor[j], which the function fills: it is asked once for every fy, in parallel.
  void shape(
      FunctionRef<void(double fy, std::span<const double> fx, std::span<float> factor)> factors);

  /// Reads the first used_rows × used_cols of both planes, in multiples of 16, the rest of `in`
  /// being zero; writes as many of `out`, which must not overlap `in`.
  /// @return  Σ in · out, in double.
  double operator()(ConstRows in, Rows out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The smallest 256 · 2^a · 3^b · 5^c that is ≥ at_least.
std::int64_t line_convolution_size(std::int64_t at_least);

/// The same on a line: out(i) = Σ_a kernel(|i − a|) · in(a). Serial: lines are short.
class LineConvolution {
 public:
  /// @param kernel  its values at distances 0, 1, …; the size from line_convolution_size().
  explicit LineConvolution(std::span<const float> kernel);
  ~LineConvolution();
  LineConvolution(LineConvolution&&) noexcept;
  LineConvolution& operator=(LineConvolution&&) noexcept;

  std::int64_t size() const;

  /// Multiplies the kernel's transform at the frequency f by factor(f).
  void shape(FunctionRef<double(double f)> factor);

  /// Reads the first in.size(), a multiple of 16, of the values, the rest being zero; writes as
  /// many. Returns Σ in · out.
  double operator()(std::span<const float> in, std::span<float> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The part of a space that is used: value (i, j, k) stands in row i · plane_rows + j, column k.
struct SpacePart {
  std::int64_t depth = 0, rows = 0, cols = 0, plane_rows = 0;
};

/// The same in space.
/// Cost: about 490 operations a value at 128 a side; 24 bytes a value of memory.
class SpaceConvolution {
 public:
  /// @param kernel  (depth · rows) × cols, plane after plane; all three sizes from
  ///                convolution_size().
  SpaceConvolution(ConstRows kernel, std::int64_t depth);
  ~SpaceConvolution();
  SpaceConvolution(SpaceConvolution&&) noexcept;
  SpaceConvolution& operator=(SpaceConvolution&&) noexcept;

  std::int64_t depth() const;
  std::int64_t rows() const;
  std::int64_t cols() const;

  /// Multiplies the kernel's transform at the frequencies (fz, fy, fx[j]) by what `factors` writes
  /// into the second span for all j.
  void shape(
      FunctionRef<void(double fz, double fy, std::span<const double> fx, std::span<float> factor)>
          factors);

  /// Reads the first part.depth × part.rows × part.cols values (part.cols in multiples of 16), the
  /// rest of `in` being zero; writes as many of `out`, which must not overlap `in`.
  /// @return  Σ in · out, in double.
  double operator()(ConstRows in, Rows out, const SpacePart& part);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace latlas
