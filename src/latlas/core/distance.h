// The distance of two rows, the same bits wherever it is compiled.
#pragma once

#include <cstdint>

namespace latlas {

/// Σ (x − y)² in double: eight lanes, one fixed tree. Always inlined, so that a kernel's copy uses
/// the kernel's instructions.
[[gnu::always_inline]] inline double squared_distance(const float* x, const float* y,
                                                      std::int64_t d) {
  double lane[8] = {};
  std::int64_t k = 0;
  for (; k + 8 <= d; k += 8)
    for (int i = 0; i < 8; ++i) {
      const double gap = static_cast<double>(x[k + i]) - static_cast<double>(y[k + i]);
      lane[i] += gap * gap;
    }
  for (int i = 0; k < d; ++k, ++i) {
    const double gap = static_cast<double>(x[k]) - static_cast<double>(y[k]);
    lane[i] += gap * gap;
  }
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

}  // namespace latlas
