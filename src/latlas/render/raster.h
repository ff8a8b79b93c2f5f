// The rasterizer of point sets: many small discs or rings, blended so that their order does not
// matter.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "latlas/render/color.h"

namespace latlas::render {

/// Pixels with straight alpha, row after row, four bytes each: red, green, blue, alpha.
struct Picture {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgba = {};
  bool opaque = false;  ///< Every alpha is 255.
};

struct Splats {
  std::span<const float> x, y;             ///< Pixels; the top left pixel covers [0, 1) × [0, 1).
  std::span<const std::int32_t> category;  ///< Index into `colors`; empty: all 0.
  std::span<const Color> colors;
  double radius = 1;      ///< Pixels, to the middle of a ring's stroke.
  double stroke = 0;      ///< Width of a ring's stroke in pixels; 0: a disc.
  double opacity = 0;     ///< Of one point, up to 1; 0: automatic.
  double faintest = 0.5;  ///< Automatic: opacity of a point that lies alone.
};

/// Draws the points. The result depends neither on their order nor on the number of threads.
/// @throws InvalidArgument  for a picture beyond 2^15 pixels on a side or 2^28 in all, 2^24 points
///         or more, a radius beyond 2^12 pixels, or where points times the tiles of 64 × 64 pixels
///         that each meets, or categories times tiles, are some hundred millions.
/// Cost: O(n · area of a point + pixels · categories present there).
Picture rasterize(const Splats& splats, int width, int height);

}  // namespace latlas::render
