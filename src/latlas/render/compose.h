// Figures in common use, put together from plain numbers; each can be changed before it is drawn:
//
//   Figure figure = scatter_train_test(train, test, {.title = "Latents of MNIST"});
//   draw(figure, "map.png");
#pragma once

#include <span>
#include <string>
#include <vector>

#include "latlas/render/figure.h"

namespace latlas::render {

struct ComposeOptions {
  std::string title = {}, subtitle = {}, footnote = {};
  std::string x_label = {}, y_label = {};
  bool ticks = false;  ///< Of maps: on where the unit means something, as for components.
  bool log_y = false;  ///< Of curves.
  Theme theme = Theme::light;
  double width = 0, height = 0;  ///< Inches; 0: what suits the figure (maps: 10 × 8).
  int copies = 1;  ///< Views in which the points show each row; the legend counts rows.
};

/// A map, colored by category; each category is named at its densest place.
/// @param map     n × 2.
/// @param labels  n categories, or none.
/// @param names   of the categories; may be empty ("0", "1", …).
Figure scatter(const Positions& map, const Labels& labels = {},
               const std::vector<std::string>& names = {}, const ComposeOptions& options = {});

/// Training and test points in two colors, test points on top.
Figure scatter_train_test(const Positions& train, const Positions& test,
                          const ComposeOptions& options = {});

/// The same colored by category: training points as dots, test points as rings.
Figure scatter_train_test(const Positions& train, const Labels& train_labels, const Positions& test,
                          const Labels& test_labels, const std::vector<std::string>& names = {},
                          const ComposeOptions& options = {});

/// Circles points of a map, e.g. those far from everything. Of none nothing is drawn.
/// @param points  m × 2.
/// @param name    in the legend; empty: not listed.
void circle(Figure& figure, const Positions& points, std::string name);

/// One curve of values at steps 1, 2, … (or at `x`).
struct Series {
  std::string name;
  std::vector<double> y;
  std::vector<double> x = {};
};

/// Curves, e.g. the losses of each epoch; each is named, with its last value, at its end.
Figure curves(const std::vector<Series>& series, const ComposeOptions& options = {});

/// Shares of variance of components 1, 2, … as bars, with their running sum as a line.
/// @param ratios  each in [0, 1].
Figure variance_bars(std::span<const double> ratios, const ComposeOptions& options = {});

/// Images above their counterparts, e.g. originals above reconstructions.
/// @param top, bottom  equally many rows of height · width values in [0, 1].
struct SheetOptions {
  int height = 28, width = 28;  ///< Pixels of one image.
  int columns = 10;
  std::string top_label = "original", bottom_label = "reconstruction";
  std::vector<std::string> captions = {};
};
Figure image_sheet(const Positions& top, const Positions& bottom, const SheetOptions& sheet = {},
                   const ComposeOptions& options = {});

/// Bytes 0 … 255 as values 0 … 1, for image_sheet.
Matrix from_bytes(MatrixView<const std::uint8_t> bytes);

}  // namespace latlas::render
