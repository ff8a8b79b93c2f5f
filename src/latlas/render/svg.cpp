// SVG 1.1, written by hand: a figure needs a rectangle, a path, an image and a line of text.
//
//   <svg width="720pt" height="576pt" viewBox="0 0 720 576">  one unit is one point
//     <title>…</title>
//     <rect …/>  <path d="M…" …/>  <image href="data:image/png;base64,…" …/>  <text …>…</text>
//
// Points are one path for each color: segments of no length with round caps. Coordinates have two
// decimals, 1/7200 inch, and within such a path they are relative to the last point.

#include <charconv>
#include <cmath>
#include <vector>

#include "latlas/render/canvas.h"
#include "latlas/render/png.h"

namespace latlas::render {
namespace {

std::string number(double value) {
  char buffer[64];
  const auto rounded = std::llround(value * 100);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, static_cast<double>(rounded) / 100,
                                 std::chars_format::fixed)
                       .ptr;
  return {buffer, end};
}

std::string hex(Color color) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "#";
  for (const std::uint8_t value : {color.red, color.green, color.blue}) {
    out += digits[value >> 4];
    out += digits[value & 15];
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      out += j <= count ? digits[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

class SvgCanvas : public Canvas {
 public:
  SvgCanvas(double width, double height, double dpi, const std::string& title) : dpi_(dpi) {
    svg_ =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
        "xmlns:xlink=\"http://www.w3.org/1999/xlink\" role=\"img\"";
    attribute("width", number(width) + "pt");
    attribute("height", number(height) + "pt");
    attribute("viewBox", "0 0 " + number(width) + " " + number(height));
    attribute("font-family", kFamilies);
    svg_ += ">\n";
    if (!title.empty()) svg_ += "<title>" + escaped(title) + "</title>\n";
  }

  void rectangle(const Box& box, const Paint& paint) override {
    svg_ += "<rect";
    attributes(box);
    attribute("fill", hex(paint.color));
    opacity("fill-opacity", paint);
    svg_ += "/>\n";
  }

  void polyline(std::span<const Point> points, double width, const Paint& paint,
                bool dashed) override {
    if (points.empty()) return;
    svg_ += "<path d=\"";
    for (std::size_t i = 0; i < points.size(); ++i)
      svg_ += (i == 0 ? "M" : "L") + number(points[i].x) + " " + number(points[i].y);
    if (points.size() == 1) svg_ += "h0";
    svg_ += "\" fill=\"none\"";
    stroke(paint, width);
    if (dashed)
      attribute("stroke-dasharray", number(4 * width) + " " + number(2.5 * width));
    else
      svg_ += " stroke-linecap=\"round\"";
    svg_ += " stroke-linejoin=\"round\"/>\n";
  }

  void dots(std::span<const Point> centers, double radius, const Paint& paint) override {
    many(centers, "h0", 2 * radius, paint);
  }

  void rings(std::span<const Point> centers, double radius, double width,
             const Paint& paint) override {
    // From the center to the left end of the circle, two halves around, and back.
    const std::string r = number(radius), d = number(2 * radius);
    many(centers,
         "m-" + r + " 0a" + r + " " + r + " 0 1 0 " + d + " 0a" + r + " " + r + " 0 1 0-" + d +
             " 0m" + r + " 0",
         width, paint);
  }

  void image(const Box& box, const Picture& picture) override {
    std::string png;
    if (picture.opaque) {
      std::vector<std::uint8_t> pixels;
      pixels.reserve(picture.rgba.size() / 4 * 3);
      for (std::size_t i = 0; i < picture.rgba.size(); i += 4)
        pixels.insert(pixels.end(), picture.rgba.begin() + static_cast<std::ptrdiff_t>(i),
                      picture.rgba.begin() + static_cast<std::ptrdiff_t>(i + 3));
      png = encode_png(pixels, picture.width, picture.height, 3, dpi_);
    } else {
      png = encode_png(picture.rgba, picture.width, picture.height, 4, dpi_);
    }
    svg_ += "<image";
    attributes(box);
    svg_ += " preserveAspectRatio=\"none\" xlink:href=\"data:image/png;base64," + base64(png) +
            "\"/>\n";
  }

  void text(Point start, const std::string& text, const TextStyle& style, bool upward) override {
    if (style.halo > 0) {  // a text of its own below, which every viewer understands
      begin_text(start, text, style, upward);
      attribute("fill", hex(style.halo_color));
      attribute("stroke", hex(style.halo_color));
      attribute("stroke-width", number(2 * style.halo));
      svg_ += " stroke-linejoin=\"round\" opacity=\"0.9\" aria-hidden=\"true\">" + escaped(text) +
              "</text>\n";
    }
    begin_text(start, text, style, upward);
    attribute("fill", hex(style.color));
    svg_ += ">" + escaped(text) + "</text>\n";
  }

  void clip(const Box& box) override {
    const std::string id = "c" + std::to_string(++clips_);
    svg_ += "<clipPath id=\"" + id + "\"><rect";
    attributes(box);
    svg_ += "/></clipPath>\n<g clip-path=\"url(#" + id + ")\">\n";
  }
  void unclip() override { svg_ += "</g>\n"; }

  std::string finish() override {
    svg_ += "</svg>\n";
    return std::move(svg_);
  }

 private:
  static constexpr std::string_view kFamilies =
      "Inter, 'Source Sans 3', 'Noto Sans', 'DejaVu Sans', Verdana, sans-serif";

  void attribute(std::string_view name, std::string_view value) {
    svg_ += ' ';
    svg_ += name;
    svg_ += "=\"";
    svg_ += value;
    svg_ += '"';
  }
  void attributes(const Box& box) {
    attribute("x", number(box.left));
    attribute("y", number(box.top));
    attribute("width", number(box.width()));
    attribute("height", number(box.height()));
  }
  void opacity(std::string_view name, const Paint& paint) {
    if (paint.opacity < 1) attribute(name, number(paint.opacity));
  }
  void stroke(const Paint& paint, double width) {
    attribute("stroke", hex(paint.color));
    attribute("stroke-width", number(width));
    opacity("stroke-opacity", paint);
  }

  /// One path that draws `shape` at each center; relative moves keep it short.
  void many(std::span<const Point> centers, const std::string& shape, double width,
            const Paint& paint) {
    if (centers.empty()) return;
    svg_ += "<path d=\"";
    std::int64_t x = 0, y = 0;  // hundredths, so that rounding does not add up
    for (const Point& p : centers) {
      const auto next_x = std::llround(p.x * 100), next_y = std::llround(p.y * 100);
      const std::string dy = number(static_cast<double>(next_y - y) / 100);
      svg_ += "m" + number(static_cast<double>(next_x - x) / 100);
      if (dy[0] != '-') svg_ += ' ';
      svg_ += dy + shape;
      x = next_x;
      y = next_y;
    }
    svg_ += "\" fill=\"none\" stroke-linecap=\"round\"";
    stroke(paint, width);
    svg_ += "/>\n";
  }

  void begin_text(Point start, const std::string& text, const TextStyle& style, bool upward) {
    svg_ += "<text";
    attribute("x", number(start.x));
    attribute("y", number(start.y));
    attribute("font-size", number(style.size));
    if (style.bold) attribute("font-weight", "bold");
    attribute("textLength", number(measure(text, style).width));
    attribute("lengthAdjust", "spacingAndGlyphs");
    if (upward)
      attribute("transform", "rotate(-90 " + number(start.x) + " " + number(start.y) + ")");
  }

  std::string svg_;
  double dpi_;
  int clips_ = 0;
};

}  // namespace

std::unique_ptr<Canvas> svg_canvas(double width, double height, double dpi,
                                   const std::string& title) {
  return std::make_unique<SvgCanvas>(width, height, dpi, title);
}

}  // namespace latlas::render
