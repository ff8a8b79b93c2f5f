// What a figure must satisfy before anything of it is drawn.
#pragma once

#include "latlas/render/draw.h"

namespace latlas::render {

constexpr int kMaxCategories = 4096;
constexpr int kMaxInches = 100;         // of a side
constexpr int kMaxPixels = 1 << 15;     // on a side
constexpr double kMaxArea = 268435456;  // pixels in all

/// Throws InvalidArgument when a picture of so many inches would have too many pixels.
void check_size(double width, double height, double dpi);

/// Throws InvalidArgument naming the mark, the row, the value and what is allowed.
void check(const Figure& figure, const DrawParams& params);

}  // namespace latlas::render
