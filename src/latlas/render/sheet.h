// Sheets of grayscale images.
#pragma once

#include "latlas/render/canvas.h"
#include "latlas/render/figure.h"

namespace latlas::render {

/// Strips, images and lengths in order; throws InvalidArgument naming what is not.
void check(const Sheet& sheet);

/// The height in points at which the sheet fills the width.
double natural_height(const Sheet& sheet, double width, double dpi);

/// Draws the sheet into the area, as large as it fits, from the top left.
void draw_sheet(Canvas& canvas, const Sheet& sheet, const Box& area, const Inks& inks, double dpi);

}  // namespace latlas::render
