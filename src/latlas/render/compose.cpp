#include "latlas/render/compose.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "latlas/core/error.h"
#include "latlas/render/ticks.h"

namespace latlas::render {
namespace {

constexpr Color kOnLight = rgb(0x111111), kOnDark = rgb(0xf5f5f5);
constexpr Color kTraining = rgb(0x3f90da), kTest = rgb(0xe76300);  // blue and orange of Petroff

/// Texts, theme and size, common to all.
Figure begin(const ComposeOptions& o, double width, double height) {
  Figure figure;
  figure.width = o.width > 0 ? o.width : width;
  figure.height = o.height > 0 ? o.height : height;
  figure.title = o.title;
  figure.subtitle = o.subtitle;
  figure.footnote = o.footnote;
  figure.x.label = o.x_label;
  figure.y.label = o.y_label;
  figure.theme = o.theme;
  return figure;
}

Figure begin_map(const ComposeOptions& o) {
  Figure figure = begin(o, 10, 8);
  figure.equal_aspect = true;
  figure.x.ticks = figure.y.ticks = o.ticks;
  return figure;
}

std::string counted(const char* name, const Positions& points, const ComposeOptions& o) {
  const auto rows = static_cast<double>(points.view().rows() / std::max(1, o.copies));
  return sentence(name, " (", number_text(rows, 0), ")");
}

/// Three significant digits: "0.0915", "12.3", "1,230".
std::string short_number(double value) {
  double size = std::abs(value);
  if (size == 0) return "0";
  int decimals = 2;
  for (; size < 1 && decimals < 12; size *= 10) ++decimals;
  for (; size >= 10 && decimals > 0; size /= 10) --decimals;
  return number_text(value, decimals);
}

}  // namespace

Figure scatter(const Positions& map, const Labels& labels, const std::vector<std::string>& names,
               const ComposeOptions& options) {
  Figure figure = begin_map(options);
  figure.categories = names;
  figure.name_categories = !labels.view().empty();
  figure.marks.push_back(Points{.at = map, .labels = labels});
  return figure;
}

Figure scatter_train_test(const Positions& train, const Positions& test,
                          const ComposeOptions& options) {
  Figure figure = begin_map(options);
  figure.marks.push_back(
      Points{.at = train, .name = counted("training", train, options), .color = kTraining});
  figure.marks.push_back(
      Points{.at = test, .name = counted("test", test, options), .color = kTest});
  return figure;
}

Figure scatter_train_test(const Positions& train, const Labels& train_labels, const Positions& test,
                          const Labels& test_labels, const std::vector<std::string>& names,
                          const ComposeOptions& options) {
  Figure figure = begin_map(options);
  figure.categories = names;
  figure.name_categories = true;
  figure.marks.push_back(
      Points{.at = train, .labels = train_labels, .name = counted("training", train, options)});
  figure.marks.push_back(Points{.at = test,
                                .labels = test_labels,
                                .name = counted("test", test, options),
                                .shape = Shape::ring});
  return figure;
}

void circle(Figure& figure, const Positions& points, std::string name) {
  if (points.view().rows() == 0) return;
  figure.marks.push_back(Points{.at = points,
                                .name = std::move(name),
                                .color = figure.theme == Theme::dark ? kOnDark : kOnLight,
                                .shape = Shape::ring,
                                .radius = 4.5,
                                .opacity = 1});
}

Figure curves(const std::vector<Series>& series, const ComposeOptions& options) {
  Figure figure = begin(options, 8, 5);
  figure.y.log = options.log_y;
  figure.x.whole = std::all_of(series.begin(), series.end(), [](const Series& s) {
    return std::all_of(s.x.begin(), s.x.end(), [](double x) { return x == std::floor(x); });
  });
  for (const Series& s : series) {
    Line line{.x = s.x, .y = s.y, .name = s.name};
    if (line.x.empty())
      for (std::size_t i = 0; i < s.y.size(); ++i) line.x.push_back(static_cast<double>(i + 1));
    if (!s.y.empty() && !s.name.empty()) line.end_label = s.name + " " + short_number(s.y.back());
    line.markers = s.y.size() <= 12;
    figure.marks.push_back(std::move(line));
  }
  return figure;
}

Figure variance_bars(std::span<const double> ratios, const ComposeOptions& options) {
  Figure figure = begin(options, 8, 5);
  figure.x.whole = true;
  figure.y.percent = figure.y.zero = true;
  Bars bars{
      .heights = {ratios.begin(), ratios.end()}, .name = "each component", .color = kTraining};
  Line sum{.name = "cumulative", .color = kTest, .markers = ratios.size() <= 64};
  double total = 0;
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    total += ratios[i];
    sum.x.push_back(static_cast<double>(i + 1));
    sum.y.push_back(total);
  }
  if (figure.x.label.empty()) figure.x.label = "component";
  if (figure.y.label.empty()) figure.y.label = "share of variance";
  figure.marks.push_back(std::move(bars));
  figure.marks.push_back(std::move(sum));
  return figure;
}

Figure image_sheet(const Positions& top, const Positions& bottom, const SheetOptions& sheet,
                   const ComposeOptions& options) {
  Figure figure = begin(options, 10, 0);
  figure.height = options.height;
  figure.sheet = Sheet{.strips = {{sheet.top_label, top}, {sheet.bottom_label, bottom}},
                       .height = sheet.height,
                       .width = sheet.width,
                       .columns = sheet.columns,
                       .captions = sheet.captions};
  return figure;
}

Matrix from_bytes(MatrixView<const std::uint8_t> bytes) {
  Matrix values(bytes.rows(), bytes.cols());
  for (std::int64_t i = 0; i < bytes.rows(); ++i)
    for (std::int64_t j = 0; j < bytes.cols(); ++j)
      values(i, j) = static_cast<float>(bytes(i, j)) / 255.0F;
  return values;
}

}  // namespace latlas::render
