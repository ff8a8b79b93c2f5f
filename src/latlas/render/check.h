// What a figure must satisfy before anything of it is drawn.
#pragma once

#include "latlas/render/draw.h"

namespace latlas::render {

constexpr int kMaxCategories = 4096;
constexpr int kMaxInches = 100;  // of a side
constexpr int kMaxPixels = 1 << 15;

/// Throws InvalidArgument naming the mark, the row, the value and what is allowed.
void check(const Figure& figure, const DrawParams& params);

}  // namespace latlas::render
