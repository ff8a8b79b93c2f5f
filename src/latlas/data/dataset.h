// Dataset: images as rows of bytes, with their labels, in a training and a test part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "latlas/core/matrix.h"

namespace latlas {

using ByteMatrix = BasicMatrix<std::uint8_t>;

struct Dataset {
  std::string name;        ///< e.g. "mnist".
  ByteMatrix train, test;  ///< n × (height · width) pixels, 0 … 255, row by row.
  std::vector<std::uint8_t> train_labels, test_labels;  ///< One a row; index into class_names.
  std::int64_t height = 0, width = 0;                   ///< Of an image, in pixels.
  std::vector<std::string> class_names;                 ///< e.g. "0" … "9".
  std::string source;                                   ///< Whence, e.g. "IDX files in data/mnist".
};

/// Pixels as numbers in [0, 1]: value / 255, correctly rounded. n × d. Parallel.
Matrix scaled(MatrixView<const std::uint8_t> pixels);

/// The dataset with its first `train` training and first `test` test rows only; 0 keeps them all.
/// @throws InvalidArgument  for negative numbers and for more rows than there are.
Dataset first_rows(Dataset&& dataset, std::int64_t train, std::int64_t test);

}  // namespace latlas
