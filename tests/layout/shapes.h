// Data of known shape.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/random.h"

namespace latlas {

struct Shape {
  Matrix rows;                ///< n × 3
  std::vector<double> along;  ///< Where each row stands along the shape.
};

/// A sheet of width 20 rolled up one and a half times; `along` is the angle, along the roll.
inline Shape swiss_roll(std::int64_t n) {
  Shape s{Matrix(n, 3), {}};
  for (std::int64_t i = 0; i < n; ++i) {
    const auto u = static_cast<std::uint64_t>(i);
    const double t = 1.5 * M_PI * (1 + 2 * random::uniform(0, 1, {.sub = 1, .index = u}));
    s.along.push_back(t);
    s.rows(i, 0) = static_cast<float>(t * std::cos(t));
    s.rows(i, 1) = static_cast<float>(20 * random::uniform(0, 1, {.sub = 2, .index = u}));
    s.rows(i, 2) = static_cast<float>(t * std::sin(t));
  }
  return s;
}

/// Three rings, row i on ring i mod 3: two that are linked as in a chain, and one beside them.
inline Shape three_rings(std::int64_t n) {
  Shape s{Matrix(n, 3), {}};
  for (std::int64_t i = 0; i < n; ++i) {
    const double t = 2 * M_PI * random::uniform(0, 1, {.index = static_cast<std::uint64_t>(i)});
    const double c = 4 * std::cos(t), d = 4 * std::sin(t);
    s.along.push_back(t);
    const double at[3][3] = {{c, d, 0}, {c + 4, 0, d}, {c + 14, d, 0}};
    for (int k = 0; k < 3; ++k) s.rows(i, k) = static_cast<float>(at[i % 3][k]);
  }
  return s;
}

}  // namespace latlas
