// The numbers of golden_scores.py: hashes of their places, the same in Python and C++.
#pragma once

#include <cstdint>

#include "latlas/core/matrix.h"

namespace latlas {

/// n × d numbers in [0, 1) with 24 bits.
inline Matrix hashed(std::int64_t n, std::int64_t d, std::uint32_t salt) {
  Matrix out(n, d);
  for (std::int64_t i = 0; i < n * d; ++i) {
    std::uint32_t h = (static_cast<std::uint32_t>(i) + salt) * 2654435761U;
    h ^= h >> 15;
    h *= 0x85EBCA6BU;
    h ^= h >> 13;
    out.data()[i] = static_cast<float>(h >> 8) * 0x1p-24F;
  }
  return out;
}

}  // namespace latlas
