// How a complex transform of one length is cut into passes: the tables of core/fft.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "latlas/core/math.h"

namespace latlas {

struct FftPasses {
  std::int64_t size = 0;   ///< 2^a · 3^b · 5^c; where 16 divides it, the last two radices are 4.
  std::vector<int> radix;  ///< Of each pass, in the order forward.
  std::vector<std::vector<float>>
      twiddle;  ///< Of each pass: (cos, sin) of −2πjq/length at [j][q − 1].
  std::vector<std::int64_t> order;  ///< The frequency that stands at each place.
  std::vector<float> real_turn;     ///< (cos, sin) of −πj / 2 size.
  std::vector<float> odd_turn;      ///< (cos, sin) of −πj / size.

  /// The frequency that stands at a place, in cycles a sample and folded to 0 … ½: of real data
  /// (odd frequencies k + ½ of 2 size), and of complex ones (even or odd frequencies of 2 size).
  double real_frequency(std::int64_t place) const { return cycles(place, 0.5); }
  double frequency(std::int64_t place, bool odd) const { return cycles(place, odd ? 1 : 0); }

 private:
  double cycles(std::int64_t place, double offset) const {
    const auto m = static_cast<double>(order[static_cast<std::size_t>(place)]);
    const double f = (2 * m + offset) / static_cast<double>(2 * size);
    return std::min(f, 1 - f);
  }
};

FftPasses passes_of(std::int64_t size);

/// Sixteen even kernels k(j, lane), j < size, before the transform of real data:
/// x_j = k_j, x_{2n−j} = −k_j, x_n = 0.
template <class Kernel>
void fill_even_real(const FftPasses& t, const Kernel& k, float* block) {
  for (std::int64_t j = 0; j < t.size; ++j) {
    const float c = t.real_turn[static_cast<std::size_t>(2 * j)];
    const float w = t.real_turn[static_cast<std::size_t>(2 * j + 1)];
    for (int l = 0; l < 16; ++l) {
      const float re = k(j, l), im = j > 0 ? k(t.size - j, l) : 0.0F;
      block[j * 32 + l] = re * c - im * w;
      block[j * 32 + 16 + l] = re * w + im * c;
    }
  }
}
/// … before one of the two transforms of complex data: x_j = x_{2n−j} = k_j, x_n = 0; even
/// frequencies come from x_j + x_{j+n}, odd ones from (x_j − x_{j+n}) e^{−πij/n}.
template <class Kernel>
void fill_even(const FftPasses& t, bool odd, const Kernel& k, float* block) {
  for (std::int64_t j = 0; j < t.size; ++j)
    for (int l = 0; l < 16; ++l) {
      const float far = j > 0 ? k(t.size - j, l) : 0.0F;
      const float x = odd ? k(j, l) - far : k(j, l) + far;
      const auto at = static_cast<std::size_t>(2 * j);
      block[j * 32 + l] = odd ? x * t.odd_turn[at] : x;
      block[j * 32 + 16 + l] = odd ? x * t.odd_turn[at + 1] : 0.0F;
    }
}

}  // namespace latlas
