// Data of known shape.
#pragma once

#include <cmath>
#include <cstdint>

#include "latlas/core/matrix.h"
#include "latlas/core/random.h"

namespace latlas {

/// Three rings, row i on ring i mod 3: two that are linked as in a chain, and one beside them.
inline Matrix three_rings(std::int64_t n) {
  Matrix rows(n, 3);
  for (std::int64_t i = 0; i < n; ++i) {
    const double t = 2 * M_PI * random::uniform(0, 1, {.index = static_cast<std::uint64_t>(i)});
    const double c = 4 * std::cos(t), d = 4 * std::sin(t);
    const double at[3][3] = {{c, d, 0}, {c + 4, 0, d}, {c + 14, d, 0}};
    for (int k = 0; k < 3; ++k) rows(i, k) = static_cast<float>(at[i % 3][k]);
  }
  return rows;
}

}  // namespace latlas
