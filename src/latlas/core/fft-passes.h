// How a complex transform of one length is cut into passes: the tables of core/fft.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "latlas/core/math.h"

namespace latlas {

struct FftPasses {
  std::int64_t size = 0;   ///< 16 · 2^a · 3^b · 5^c; the last two radices are 4.
  std::vector<int> radix;  ///< Of each pass, in the order forward.
  std::vector<std::vector<float>>
      twiddle;  ///< Of each pass: (cos, sin) of −2πjq/length at [j][q − 1].
  std::vector<std::int64_t> order;  ///< The frequency that stands at each place.
  std::vector<float> real_turn;     ///< (cos, sin) of −πj / 2 size.
  std::vector<float> odd_turn;      ///< (cos, sin) of −πj / size.
};

}  // namespace latlas
