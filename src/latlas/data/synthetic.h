// Synthetic digits: handwriting drawn by our own code, for where MNIST is not at hand.
#pragma once

#include <cstdint>
#include <vector>

#include "latlas/core/params.h"
#include "latlas/data/dataset.h"

namespace latlas {

struct SyntheticParams {
  std::int64_t train = 60000;  ///< Training images.
  std::int64_t test = 10000;   ///< Test images.
  std::uint64_t seed = 0;      ///< Another seed is another set of writers.
};

std::vector<Field> fields(SyntheticParams& params);

/// 28 × 28 images of the ten digits in MNIST's manner: white ink on black, centered by the center
/// of mass, some 20 pixels tall. A row depends on (seed, part, row) alone: not on how many rows are
/// asked for, nor on threads or processor. Classes are drawn at random, all equally likely.
/// @throws InvalidArgument  for fewer than one row or more than ten million in a part.
Dataset synthetic_digits(const SyntheticParams& params = {});

}  // namespace latlas
