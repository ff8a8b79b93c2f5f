// Samples: the rows that a model reads, as numbers or as bytes.
#pragma once

#include <cstdint>
#include <variant>

#include "latlas/core/matrix.h"

namespace latlas {

/// Rows of bytes, read as value / 255, correctly rounded: 0 is 0, 255 is 1.
using Pixels = MatrixView<const std::uint8_t>;

/// A view of float rows, taken as they are, or of bytes, converted where they are used, so that
/// 60,000 images of 784 bytes need no 188 MB of floats.
class Samples {
 public:
  Samples() : rows_(ConstRows()) {}
  Samples(ConstRows rows) : rows_(rows) {}             // NOLINT(google-explicit-constructor)
  Samples(Pixels rows) : rows_(rows) {}                // NOLINT(google-explicit-constructor)
  Samples(const Matrix& rows) : rows_(rows.view()) {}  // NOLINT(google-explicit-constructor)
  Samples(const BasicMatrix<std::uint8_t>& rows)
      : rows_(Pixels(rows)) {}  // NOLINT(google-explicit-constructor)

  std::int64_t rows() const;
  std::int64_t cols() const;
  /// Writes the cols() values of row i.
  void copy_row(std::int64_t i, float* out) const;
  /// Asks the processor for row i, which will be copied soon.
  void prefetch(std::int64_t i) const;
  /// The share of zeros among the values of the first rows (1000 at most).
  double share_of_zeros() const;
  /// Throws InvalidArgument naming the first row and column that hold NaN or infinity, or, when
  /// `fractions` is asked for, a value outside [0, 1]. `what` begins the sentence. Bytes pass.
  void require_valid(bool fractions, const char* what) const;

 private:
  std::variant<ConstRows, Pixels> rows_;
};

}  // namespace latlas
