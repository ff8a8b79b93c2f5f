// Draws a figure to a file: PNG, SVG or PDF.
//
// Above 20,000 points a set is drawn by our own rasterizer and stands as an image under vector
// axes and text; up to that, SVG and PDF hold one path for each category. The bytes depend on the
// figure, the parameters and the installed fonts, on nothing else: no clock, no thread count.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "latlas/core/params.h"
#include "latlas/render/figure.h"

namespace latlas::render {

struct DrawParams {
  double dpi = 200;  ///< Pixels an inch: of a PNG, and of what is an image in SVG and PDF.
  std::int64_t vector_points = 20000;  ///< Larger sets become an image in SVG and PDF.
  std::uint64_t seed = 0;  ///< Of the order in which categories are stacked in SVG and PDF.
};
std::vector<Field> fields(DrawParams& p);

enum class Format { png, svg, pdf };

/// The format that a path's extension names, in any case.
/// @throws InvalidArgument  for any other extension.
Format format_of(const std::filesystem::path& path);

/// The file's bytes.
/// @throws InvalidArgument  when positions or values are not finite (mark and row are named), a
///         category has no name, lengths differ, a log axis meets a value ≤ 0, or the picture would
///         have more than 2^15 pixels on a side or 2^28 in all.
/// Cost: O(points · area of one dot + pixels).
std::string draw(const Figure& figure, Format format, const DrawParams& params = {});
inline std::string draw_svg(const Figure& figure, const DrawParams& params = {}) {
  return draw(figure, Format::svg, params);
}

/// Writes the file, whole or not at all.
/// @throws IoError  when the folder is missing or not writable.
void draw(const Figure& figure, const std::filesystem::path& path, const DrawParams& params = {});

}  // namespace latlas::render
