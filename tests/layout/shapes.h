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

/// A sheet rolled up one and a half times, evenly covered: its rows in space, and where they lie on
/// the sheet (length along the roll, then width).
struct Roll {
  Matrix rows;
  Matrix sheet;
};
inline Roll swiss_roll(std::int64_t n) {
  Roll roll{Matrix(n, 3), Matrix(n, 2)};
  const auto length = [](double t) {  // of the spiral r = t from 0 to the angle t
    return (t * std::sqrt(1 + t * t) + std::asinh(t)) / 2;
  };
  const double inner = length(1.5 * M_PI), outer = length(4.5 * M_PI);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto index = static_cast<std::uint64_t>(i);
    const double along = random::uniform(inner, outer, {.sub = 1, .index = index});
    const double width = random::uniform(0, 12, {.sub = 2, .index = index});
    double t = std::sqrt(2 * along);
    for (int newton = 0; newton < 8; ++newton) t -= (length(t) - along) / std::sqrt(1 + t * t);
    const double at[3] = {t * std::cos(t), width, t * std::sin(t)};
    for (int k = 0; k < 3; ++k) roll.rows(i, k) = static_cast<float>(at[k]);
    roll.sheet(i, 0) = static_cast<float>(along);
    roll.sheet(i, 1) = static_cast<float>(width);
  }
  return roll;
}

}  // namespace latlas
