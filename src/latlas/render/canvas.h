// What a figure is painted on: a sheet of paper measured in points (1/72 inch), origin at the top
// left, y downward. One canvas makes a PNG, one a PDF (both through Cairo), one an SVG.
//
// Text is set by Pango in DejaVu Sans, or in a cleaner face that stands before it in the list where
// that is installed. SVG carries it as text, with the width measured here, so that a viewer that
// lacks the font keeps the layout.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "latlas/render/color.h"
#include "latlas/render/raster.h"

namespace latlas::render {

struct Point {
  double x = 0, y = 0;
};

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  double width() const { return right - left; }
  double height() const { return bottom - top; }
  bool meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

struct Paint {
  Color color;
  double opacity = 1;
};

struct TextStyle {
  double size = 10;  ///< Points.
  Color color = {};
  bool bold = false;
  double halo = 0;  ///< Width of a rim around the letters; 0: none.
  Color halo_color = {};
};

struct TextSize {
  double width = 0;
  double ascent = 0;   ///< Height of a capital letter above the baseline.
  double descent = 0;  ///< Depth of a "g" below it.
};

/// The families asked for, in order.
constexpr std::string_view kFontFamilies = "Inter, Source Sans 3, Noto Sans, DejaVu Sans";

/// How large a line of text will be, on every canvas.
TextSize measure(const std::string& text, const TextStyle& style);

/// Text that any canvas can show: invalid UTF-8 becomes U+FFFD, control characters become spaces.
std::string clean_text(std::string_view text);

class Canvas {
 public:
  Canvas() = default;
  virtual ~Canvas() = default;
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  virtual void rectangle(const Box& box, const Paint& paint) = 0;
  virtual void polyline(std::span<const Point> points, double width, const Paint& paint,
                        bool dashed) = 0;
  /// One path of many discs; where they overlap they are painted once.
  virtual void dots(std::span<const Point> centers, double radius, const Paint& paint) = 0;
  virtual void rings(std::span<const Point> centers, double radius, double stroke,
                     const Paint& paint) = 0;
  virtual void image(const Box& box, const Picture& picture) = 0;
  /// A line of text, its baseline beginning at `start`; `upward` turns it by a quarter to the left.
  virtual void text(Point start, const std::string& text, const TextStyle& style, bool upward) = 0;
  virtual void clip(const Box& box) = 0;
  virtual void unclip() = 0;
  /// The file's bytes; the canvas is spent.
  virtual std::string finish() = 0;
};

std::unique_ptr<Canvas> png_canvas(double width, double height, double dpi, Color background);
std::unique_ptr<Canvas> pdf_canvas(double width, double height, const std::string& title);
std::unique_ptr<Canvas> svg_canvas(double width, double height, double dpi,
                                   const std::string& title);

}  // namespace latlas::render
