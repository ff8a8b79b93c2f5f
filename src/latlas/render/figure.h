// A figure as plain data: what is drawn, not how. It knows points, lines, bars and images, and
// nothing of where they come from.
//
// Marks are drawn in the order of the list, later ones on top. Everything left at its default is
// chosen to fit: ranges, ticks, sizes, opacity, colors, the place of the legend.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/render/color.h"

namespace latlas::render {

/// Rows that a figure looks at (the caller keeps them alive until it is drawn) or owns.
class Positions {
 public:
  Positions() = default;
  Positions(ConstRows rows) : rows_(rows) {}             // NOLINT(google-explicit-constructor)
  Positions(Rows rows) : rows_(rows) {}                  // NOLINT(google-explicit-constructor)
  Positions(const Matrix& rows) : rows_(rows.view()) {}  // NOLINT(google-explicit-constructor)
  Positions(Matrix&& rows)                               // NOLINT(google-explicit-constructor)
      : owned_(std::make_shared<const Matrix>(std::move(rows))), rows_(owned_->view()) {}
  ConstRows view() const { return rows_; }

 private:
  std::shared_ptr<const Matrix> owned_;
  ConstRows rows_;
};

/// The category of each point, from any integers; −1 is "none" and drawn gray.
class Labels {
 public:
  Labels() = default;
  template <std::integral T>
  Labels(std::span<const T> labels) {  // NOLINT(google-explicit-constructor)
    values_.reserve(labels.size());
    for (const T label : labels) values_.push_back(narrowed(label));
  }
  template <std::integral T>
  Labels(const std::vector<T>& labels)  // NOLINT(google-explicit-constructor)
      : Labels(std::span<const T>(labels)) {}
  std::span<const std::int32_t> view() const { return values_; }

 private:
  template <std::integral T>
  static std::int32_t narrowed(T label) {  // far outside stays outside, and is refused when drawn
    if (std::in_range<std::int32_t>(label)) return static_cast<std::int32_t>(label);
    return std::cmp_less(label, 0) ? INT32_MIN : INT32_MAX;
  }
  std::vector<std::int32_t> values_;
};

enum class Shape { dot, ring };

/// A set of points. With `labels`, each has the color of its category; else all have `color`.
struct Points {
  Positions at = {};                ///< n × 2, finite.
  Labels labels = {};               ///< n values, or none.
  std::string name = {};            ///< In the legend; empty: not listed.
  std::optional<Color> color = {};  ///< Default: the next of the palette.
  Shape shape = Shape::dot;
  double radius = 0;   ///< Points (1/72 inch); 0: by n and the size of the panel.
  double opacity = 0;  ///< Of one point; 0: by n and by how densely they lie.
};

/// A curve through (x[i], y[i]) in the order given.
struct Line {
  std::vector<double> x = {}, y = {};  ///< Equally long, finite.
  std::string name = {};               ///< In the legend, or at the line's end.
  std::optional<Color> color = {};     ///< Default: the next of the palette.
  double width = 1.8;                  ///< Points (1/72 inch).
  bool dashed = false;
  bool markers = false;        ///< A dot at each vertex; a line of one vertex has one anyway.
  std::string end_label = {};  ///< Text beside the last vertex, in the line's color.
};

/// Bars from zero to `heights`, centered at 1, 2, …
struct Bars {
  std::vector<double> heights = {};  ///< Finite.
  std::string name = {};
  std::optional<Color> color = {};
};

using Mark = std::variant<Points, Line, Bars>;

struct Axis {
  std::string label = {};
  bool ticks = true;                          ///< Off where the unit is arbitrary.
  bool log = false;                           ///< Needs positive values.
  bool percent = false;                       ///< 0.25 reads "25 %".
  bool whole = false;                         ///< Ticks at whole numbers only.
  bool zero = false;                          ///< The range begins at 0.
  std::optional<double> low = {}, high = {};  ///< The range; default: the data's, with a margin.
};

/// Grayscale images in a grid: for each block of `columns` images, one row of images per strip,
/// the strips one above the other.
struct Sheet {
  struct Strip {
    std::string label = {};  ///< Left of its rows.
    Positions images = {};   ///< count × (height · width), 0 … 1; values outside are clamped.
  };
  std::vector<Strip> strips = {};  ///< All of the same count.
  int height = 0, width = 0;       ///< Pixels of one image.
  int columns = 10;
  std::vector<std::string> captions = {};  ///< Above each image; count values, or none.
  bool high_is_ink = true;  ///< 1 is drawn as ink on paper; false: 1 is white, 0 black.
};

enum class LegendPlace { automatic, outside, inside, none };

struct Figure {
  double width = 10, height = 8;  ///< Inches; the height 0 is what a sheet needs.
  std::string title = {};
  std::string subtitle = {};  ///< Below the title, quieter.
  std::string footnote = {};  ///< Below the picture, e.g. its scores.
  Axis x = {}, y = {};
  bool equal_aspect = false;  ///< One unit is equally long on both axes.
  std::vector<Mark> marks = {};
  std::vector<std::string> categories = {};  ///< Names; default: "0", "1", …
  bool name_categories = false;              ///< Each category's name at its densest place.
  std::optional<Sheet> sheet = {};           ///< Instead of axes and marks.
  LegendPlace legend = LegendPlace::automatic;
  Palette palette = Palette::automatic;
  Theme theme = Theme::light;
};

}  // namespace latlas::render
