#include "latlas/render/draw.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/core/math.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/render/compose.h"

namespace latlas::render {
namespace {

/// n points in `categories` heaps around a circle.
Matrix map_of(std::int64_t n, int categories) {
  Matrix map(n, 2);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto turn = math::sincos_turn(static_cast<double>(i % categories) / categories);
    const auto at = static_cast<std::uint64_t>(i);
    map(i, 0) = static_cast<float>(30 * turn.cos + 4 * random::normal({.seed = 1, .index = at}));
    map(i, 1) = static_cast<float>(30 * turn.sin + 4 * random::normal({.seed = 2, .index = at}));
  }
  return map;
}
std::vector<std::uint8_t> labels_of(std::int64_t n, int categories) {
  std::vector<std::uint8_t> labels;
  for (std::int64_t i = 0; i < n; ++i) labels.push_back(static_cast<std::uint8_t>(i % categories));
  return labels;
}

// --- a reader of SVG, strict enough to fail on anything that is not XML --------------------------

struct Element {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;
};

std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '&') {
      EXPECT_GE(static_cast<unsigned char>(text[i]), text[i] == '\n' ? 0x0A : 0x20);
      out += text[i];
      continue;
    }
    const std::size_t end = text.find(';', i);
    const std::string name = text.substr(i + 1, end - i - 1);
    const std::map<std::string, char> known = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}};
    EXPECT_TRUE(known.count(name)) << name;
    out += known.at(name);
    i = end;
  }
  return out;
}

std::vector<Element> parse_svg(const std::string& svg) {
  std::vector<Element> elements;
  std::vector<std::size_t> open;
  std::size_t at = svg.find("?>") + 2;
  bool closed = false;
  while (at < svg.size()) {
    const std::size_t tag = svg.find('<', at);
    const std::string text = svg.substr(at, tag - at);
    EXPECT_EQ(text.find('>'), std::string::npos);
    if (!open.empty()) elements[open.back()].text += unescaped(text);
    if (tag == std::string::npos) break;
    EXPECT_FALSE(closed) << "elements after the root";
    std::size_t end = tag + 1;  // of the tag: the first '>' outside quotes
    for (bool quoted = false; end < svg.size() && (quoted || svg[end] != '>'); ++end) {
      if (svg[end] == '"') quoted = !quoted;
      EXPECT_FALSE(svg[end] == '<') << "a bare < in a tag";
    }
    std::string inside = svg.substr(tag + 1, end - tag - 1);
    at = end + 1;
    if (inside[0] == '/') {
      if (open.empty() || elements[open.back()].name != inside.substr(1)) {
        ADD_FAILURE() << "</" << inside.substr(1) << "> closes nothing";
        return elements;
      }
      open.pop_back();
      closed = open.empty();
      continue;
    }
    const bool empty = inside.back() == '/';
    if (empty) inside.pop_back();
    Element element;
    std::size_t i = inside.find_first_of(" \n");
    element.name = inside.substr(0, i);
    while (i < inside.size()) {
      i = inside.find_first_not_of(" \n", i);
      if (i == std::string::npos) break;
      const std::size_t equals = inside.find("=\"", i), quote = inside.find('"', equals + 2);
      if (equals == std::string::npos || quote == std::string::npos) {
        ADD_FAILURE() << "not an attribute: " << inside.substr(i, 40);
        break;
      }
      const std::string name = inside.substr(i, equals - i);
      EXPECT_FALSE(element.attributes.count(name)) << name << " twice";
      element.attributes[name] = unescaped(inside.substr(equals + 2, quote - equals - 2));
      i = quote + 1;
    }
    elements.push_back(element);
    if (!empty) open.push_back(elements.size() - 1);
  }
  EXPECT_TRUE(open.empty());
  return elements;
}

bool holds_text(const std::vector<Element>& svg, const std::string& text) {
  for (const Element& e : svg)
    if (e.name == "text" && e.text == text) return true;
  return false;
}
int count_of(const std::vector<Element>& svg, const std::string& name) {
  int count = 0;
  for (const Element& e : svg) count += e.name == name ? 1 : 0;
  return count;
}
/// Paths made of dots: they hold "h0".
int paths_of_points(const std::vector<Element>& svg) {
  int count = 0;
  for (const Element& e : svg)
    count += e.name == "path" && e.attributes.at("d").find("h0m") != std::string::npos ? 1 : 0;
  return count;
}

void expect_text_inside(const std::vector<Element>& svg, double width, double height) {
  for (const Element& e : svg) {
    if (e.name != "text") continue;
    const double x = std::stod(e.attributes.at("x")), y = std::stod(e.attributes.at("y"));
    const double length = std::stod(e.attributes.at("textLength"));
    const double size = std::stod(e.attributes.at("font-size"));
    const bool upward = e.attributes.count("transform") > 0;
    EXPECT_GE(x - (upward ? size : 0), 0) << e.text;
    EXPECT_LE(upward ? x : x + length, width) << e.text;
    EXPECT_GE(y - (upward ? length : 0.8 * size), 0) << e.text;
    EXPECT_LE(y, height) << e.text;
  }
}

// --- what is in a figure -------------------------------------------------------------------------

TEST(Svg, IsWellFormedAndHoldsEveryText) {
  const Matrix map = map_of(3000, 3);
  Figure figure = scatter(map, labels_of(3000, 3), {"zero & one", "<two>", "\"drei\" — 三"},
                          {.title = "Latents & <maps>",
                           .subtitle = "perplexity 30",
                           .footnote = "trustworthiness 0.98 · KL 2.64",
                           .x_label = "PC 1 (24.1 %)",
                           .y_label = "PC 2 (10.1 %)",
                           .ticks = true});
  const auto svg = parse_svg(draw_svg(figure));
  for (const char* text :
       {"Latents & <maps>", "perplexity 30", "trustworthiness 0.98 · KL 2.64", "PC 1 (24.1 %)",
        "PC 2 (10.1 %)", "zero & one", "<two>", "\"drei\" — 三", "−20", "0", "20"})
    EXPECT_TRUE(holds_text(svg, text)) << text;
  EXPECT_EQ(svg[0].name, "svg");
  EXPECT_EQ(svg[0].attributes.at("width"), "720pt");
  EXPECT_EQ(svg[1].name, "title");
  expect_text_inside(svg, 720, 576);
}

TEST(Svg, HasOnePathForEachCategoryUpToTheLimitAndAnImageAbove) {
  const Matrix map = map_of(20001, 7);
  const auto small = parse_svg(draw_svg(scatter(map.rows(0, 20000), labels_of(20000, 7))));
  EXPECT_EQ(paths_of_points(small), 7);
  EXPECT_EQ(count_of(small, "image"), 0);
  const auto large = parse_svg(draw_svg(scatter(map, labels_of(20001, 7))));
  EXPECT_EQ(paths_of_points(large), 0);
  EXPECT_EQ(count_of(large, "image"), 1);
  const auto forced = parse_svg(draw_svg(scatter(map.rows(0, 100)), {.vector_points = 0}));
  EXPECT_EQ(count_of(forced, "image"), 1);
}

TEST(Svg, OfTwentyThousandPointsIsSmall) {
  const Matrix map = map_of(20000, 10);
  EXPECT_LT(draw_svg(scatter(map, labels_of(20000, 10))).size(), 20000 * 18U);
}

TEST(Svg, StaysWellFormedWithAnyText) {
  const Matrix map = map_of(10, 2);
  const std::string bad = "a\xff\x01\n<&>\"'\xE2\x82 \xED\xA0\x80";
  const auto svg = parse_svg(
      draw_svg(scatter(map, labels_of(10, 2), {bad, bad + bad},
                       {.title = bad, .subtitle = bad, .footnote = bad, .x_label = bad})));
  EXPECT_GT(count_of(svg, "text"), 3);
  draw(scatter(map, labels_of(10, 2), {bad, bad}, {.title = bad}), Format::pdf);
}

TEST(Figure, KeepsAllTextOnThePage) {
  const std::string name =
      "a name that is far too long for any legend, map or margin that one could think of";
  const std::vector<std::string> names(9, name);
  const Matrix map = map_of(900, 9);
  for (const double width : {2.0, 5.0, 10.0, 20.0})
    for (const bool named : {false, true})
      for (const bool ticks : {false, true}) {
        Figure figure = scatter(map, labels_of(900, 9), names,
                                {.title = name + name,
                                 .subtitle = name,
                                 .footnote = name,
                                 .x_label = name,
                                 .y_label = name,
                                 .ticks = ticks,
                                 .width = width,
                                 .height = 6});
        figure.name_categories = named;
        expect_text_inside(parse_svg(draw_svg(figure)), width * 72, 6 * 72);
      }
  expect_text_inside(parse_svg(draw_svg(curves({{name, {1, 2, 3}}, {"b", {1, 2, 3}}},
                                               {.title = name, .x_label = "epoch"}))),
                     8 * 72, 5 * 72);
}

TEST(Figure, ListsSetsAndCategoriesInTheLegend) {
  const Matrix train = map_of(60, 3), test = map_of(30, 3);
  const auto two = parse_svg(draw_svg(scatter_train_test(train, test)));
  EXPECT_TRUE(holds_text(two, "training (60)"));
  EXPECT_TRUE(holds_text(two, "test (30)"));
  const auto views = parse_svg(draw_svg(scatter_train_test(train, test, {.copies = 3})));
  EXPECT_TRUE(holds_text(views, "training (20)") && holds_text(views, "test (10)"));
  Figure figure = scatter(train, labels_of(60, 3), {"a", "b", "c"});
  figure.name_categories = false;
  EXPECT_TRUE(holds_text(parse_svg(draw_svg(figure)), "c"));
  figure.legend = LegendPlace::none;
  EXPECT_FALSE(holds_text(parse_svg(draw_svg(figure)), "c"));
}

TEST(Figure, CirclesPoints) {
  const Matrix train = map_of(60, 3), test = map_of(30, 3);
  for (const Theme theme : {Theme::light, Theme::dark}) {
    Figure figure = scatter_train_test(train, test, {.theme = theme});
    const std::string before = draw_svg(figure);
    circle(figure, Matrix(), "far (0)");
    EXPECT_EQ(draw_svg(figure), before);
    circle(figure, copy_of(test.view().rows(3, 5)), "far (2)");
    const auto elements = parse_svg(draw_svg(figure));
    EXPECT_TRUE(holds_text(elements, "far (2)"));
    EXPECT_GT(elements.size(), parse_svg(before).size());
  }
}

TEST(Figure, SaysHowManyCategoriesALegendLeavesOut) {
  const Matrix map = map_of(2000, 200);
  Figure figure = scatter(map, labels_of(2000, 200), std::vector<std::string>(200, "category"));
  figure.name_categories = false;
  bool said = false;
  for (const Element& e : parse_svg(draw_svg(figure)))
    said = said || (e.text.find("… and ") == 0 && e.text.find(" more") != std::string::npos);
  EXPECT_TRUE(said);
}

TEST(Figure, KeepsLongTextsOffTheAxes) {
  const Matrix map = map_of(300, 3);
  const auto words = [](const std::string& word) {
    std::string text;
    for (int i = 0; i < 800; ++i) text += word + " ";
    return text;
  };
  for (const double width : {10.0, 4.0}) {
    const auto svg = parse_svg(draw_svg(scatter(map, labels_of(300, 3), {},
                                                {.title = words("title"),
                                                 .subtitle = words("subtitle"),
                                                 .footnote = words("footnote"),
                                                 .x_label = "component",
                                                 .ticks = true,
                                                 .width = width,
                                                 .height = 0.8 * width})));
    expect_text_inside(svg, 72 * width, 57.6 * width);
    double titles_end = 0, axes_begin = 1e9, axes_end = 0, footnote_begin = 1e9;
    bool cut = false;
    for (const Element& e : svg) {
      if (e.name != "text") continue;
      const double y = std::stod(e.attributes.at("y"));
      const double top = y - 0.8 * std::stod(e.attributes.at("font-size"));
      if (e.text.find("title") != std::string::npos) {
        titles_end = std::max(titles_end, y);
      } else if (e.text.find("footnote") != std::string::npos) {
        footnote_begin = std::min(footnote_begin, top);
        cut = cut || e.text.ends_with("…");
      } else {
        axes_begin = std::min(axes_begin, top);
        axes_end = std::max(axes_end, y);
      }
    }
    EXPECT_LT(titles_end, axes_begin) << width;
    EXPECT_LT(axes_end, footnote_begin) << width;
    EXPECT_TRUE(cut);
  }
}

TEST(Figure, SaysHowManyNamesFoundNoRoom) {
  const Matrix map = map_of(4000, 200);
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back("a fairly long name " + std::to_string(i));
  bool said = false;
  for (const Element& e :
       parse_svg(draw_svg(scatter(map, labels_of(4000, 200), names, {.width = 4, .height = 3}))))
    said = said || e.text.find("found no room in the map") != std::string::npos;
  EXPECT_TRUE(said);
}

TEST(Figure, KeepsTheShapeOfAMap) {
  // Equal aspect: a square of points stays one, whatever the paper's shape.
  Matrix map(4, 2);
  map(1, 0) = map(2, 1) = map(3, 0) = map(3, 1) = 1;
  for (const double width : {3.0, 10.0, 15.0}) {
    for (const Element& e :
         parse_svg(draw_svg(scatter(map, {}, {}, {.width = width, .height = 5})))) {
      const auto d = e.attributes.count("d") ? e.attributes.at("d") : "";
      if (d.find("h0m") == std::string::npos) continue;
      double x0, y0, dx1, dy1, dx2, dy2;
      ASSERT_EQ(
          std::sscanf(d.c_str(), "m%lf %lfh0m%lf %lfh0m%lf %lf", &x0, &y0, &dx1, &dy1, &dx2, &dy2),
          6)
          << d;
      EXPECT_NEAR(dy1, 0, 0.011);
      EXPECT_NEAR(dx1, -dy2, 0.021);
    }
  }
}

// --- files ---------------------------------------------------------------------------------------

TEST(Png, HasTheSizeThatDpiSays) {
  const Matrix map = map_of(50, 2);
  for (const double dpi : {72.0, 100.0, 200.0, 333.0}) {
    const std::string png =
        draw(scatter(map, {}, {}, {.width = 3, .height = 2.5}), Format::png, {.dpi = dpi});
    const auto u32 = [&](std::size_t at) {
      std::uint32_t value = 0;
      for (std::size_t i = 0; i < 4; ++i)
        value = value << 8 | static_cast<unsigned char>(png[at + i]);
      return value;
    };
    EXPECT_EQ(u32(16), std::lround(3 * dpi));
    EXPECT_EQ(u32(20), std::lround(2.5 * dpi));
    EXPECT_EQ(png.substr(37, 4), "pHYs");
    EXPECT_EQ(u32(41), std::lround(dpi / 0.0254));
  }
}

TEST(Draw, GivesTheSameBytesEveryTimeAndForAnyNumberOfThreads) {
  const Matrix map = map_of(25000, 5);
  const Figure figure = scatter(map, labels_of(25000, 5), {}, {.title = "same"});
  for (const Format format : {Format::png, Format::svg, Format::pdf}) {
    const std::string expected = draw(figure, format, {.dpi = 50});
    for (const int limit : {1, 2, 3, 7}) {
      const ThreadLimit threads(limit);
      EXPECT_EQ(draw(figure, format, {.dpi = 50}), expected);
    }
  }
}

TEST(Pdf, CarriesNoTimeOfDay) {
  const Matrix map = map_of(5, 1);
  const std::string pdf = draw(scatter(map), Format::pdf);
  EXPECT_EQ(pdf.substr(0, 5), "%PDF-");
  EXPECT_NE(pdf.find("(19700101000000Z)"), std::string::npos);
}

class Folder {
 public:
  Folder() {
    path_ =
        std::filesystem::temp_directory_path() / ("latlas_render_" + std::to_string(::getpid()));
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path operator/(const char* name) const { return path_ / name; }
  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(path_), {});
  }

 private:
  std::filesystem::path path_;
};

TEST(Draw, WritesTheFormatThatTheNameSays) {
  const Folder folder;
  const Matrix map = map_of(20, 2);
  const Figure figure = scatter(map);
  for (const auto& [name, begin] :
       {std::pair{"a.png", "\x89PNG"}, std::pair{"a.SVG", "<?xml"}, std::pair{"a.pdf", "%PDF"}}) {
    draw(figure, folder / name, {.dpi = 30});
    EXPECT_EQ(read_text(folder / name).rfind(begin, 0), 0U) << name;
  }
  EXPECT_EQ(folder.files(), 3);
}

TEST(Draw, LeavesNothingBehindWhenItFails) {
  const Folder folder;
  Matrix map = map_of(20, 2);
  const Figure figure = scatter(map);
  EXPECT_THROW(draw(figure, folder / "a.jpeg"), InvalidArgument);
  EXPECT_THROW(draw(figure, folder / "a"), InvalidArgument);
  EXPECT_THROW(draw(figure, folder / "missing/a.png", {.dpi = 30}), IoError);
  write_file(folder / "old.svg", "what was there");
  map(3, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(draw(figure, folder / "old.svg"), InvalidArgument);
  EXPECT_EQ(read_text(folder / "old.svg"), "what was there");
  EXPECT_EQ(folder.files(), 1);
}

// --- hostile and degenerate figures --------------------------------------------------------------

TEST(Figure, IsDrawnForFewEqualAndNoPoints) {
  Matrix equal(300, 2);
  for (std::int64_t i = 0; i < 300; ++i) equal(i, 0) = 1e30F;
  Matrix line(100, 2);
  for (std::int64_t i = 0; i < 100; ++i) line(i, 0) = static_cast<float>(i) * 1e6F;
  Matrix huge(2, 2);
  huge(0, 0) = -3e38F;
  huge(1, 1) = 3e38F;
  const Matrix none(0, 2), one(1, 2), two = map_of(2, 2);
  const std::vector<const Matrix*> maps = {&none, &one, &two, &equal, &line, &huge};
  for (const Matrix* map : maps)
    for (const bool ticks : {false, true})
      for (const Format format : {Format::png, Format::svg, Format::pdf}) {
        const auto labels = labels_of(map->rows(), 2);
        EXPECT_FALSE(
            draw(scatter(*map, labels, {}, {.ticks = ticks}), format, {.dpi = 30}).empty());
      }
  EXPECT_FALSE(draw(Figure{}, Format::png, {.dpi = 30}).empty());
}

TEST(Figure, TakesPointsWithoutCategory) {
  const Matrix map = map_of(30, 3);
  std::vector<int> labels(30, -1);
  labels[4] = 2;
  EXPECT_TRUE(holds_text(parse_svg(draw_svg(scatter(map, labels))), "none"));
}

/// The sentence with which drawing is refused.
std::string refusal(const Figure& figure, const DrawParams& params = {}) {
  try {
    draw(figure, Format::svg, params);
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "drawn";
}

TEST(Figure, RejectsNumbersThatAreNoneAndNamesTheRow) {
  Matrix map = map_of(10, 2);
  map(7, 1) = std::numeric_limits<float>::infinity();
  EXPECT_NE(refusal(scatter(map)).find("row 7"), std::string::npos) << refusal(scatter(map));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(refusal(curves({{"loss", {1, nan}}})),
            "figure: line 'loss': y is not a number at row 1");
  const std::vector<double> ratios = {0.5, nan};
  EXPECT_NE(refusal(variance_bars(ratios)).find("at row 1"), std::string::npos);
}

TEST(Figure, RejectsLabelsThatDoNotFit) {
  const Matrix map = map_of(10, 2);
  EXPECT_EQ(refusal(scatter(map, std::vector<int>(9, 0))),
            "figure: mark 0 (points): 9 labels for 10 points");
  std::vector<std::int64_t> labels(10, 0);
  labels[3] = 2;
  EXPECT_EQ(refusal(scatter(map, labels, {"a", "b"})),
            "figure: mark 0 (points): row 3 has label 2, but there are 2 category names");
  labels[3] = std::int64_t{1} << 40;
  EXPECT_NE(refusal(scatter(map, labels)).find("row 3"), std::string::npos);
  labels[3] = -2;
  EXPECT_NE(refusal(scatter(map, labels)).find("row 3 has label -2"), std::string::npos);
}

TEST(Figure, RejectsShapesAndSizesThatCannotBeDrawn) {
  const Matrix wide(5, 3), map = map_of(5, 1);
  EXPECT_NE(refusal(scatter(wide)).find("3 columns"), std::string::npos);
  EXPECT_NE(refusal(scatter(map, {}, {}, {.width = 0.1})).find("inches"), std::string::npos);
  EXPECT_NE(refusal(scatter(map, {}, {}, {.width = 90}), {.dpi = 1000}).find("pixels"),
            std::string::npos);
  EXPECT_NE(refusal(scatter(map), {.dpi = 2400}).find("460 million pixels"), std::string::npos);
  EXPECT_NE(refusal(scatter(map), {.dpi = 0}).find("dpi"), std::string::npos);
  Figure lines;
  lines.marks.push_back(Line{.x = {1, 2}, .y = {1}});
  EXPECT_NE(refusal(lines).find("2 values of x, 1 of y"), std::string::npos);
  Figure range;
  range.x.low = 2;
  range.x.high = 1;
  EXPECT_NE(refusal(range).find("x axis"), std::string::npos);
}

TEST(Figure, RejectsValuesThatALogarithmicAxisLacks) {
  EXPECT_EQ(refusal(curves({{"loss", {1, 0.5, 0}}}, {.log_y = true})),
            "figure: line 'loss': y is 0 at row 2; a logarithmic axis needs values above 0");
  EXPECT_NE(draw_svg(curves({{"loss", {1, 0.5, 1e-300}}}, {.log_y = true})), "");
}

// --- composed figures ----------------------------------------------------------------------------

TEST(Curves, NameEachSeriesWithItsLastValue) {
  const auto svg =
      parse_svg(draw_svg(curves({{"training", {0.2, 0.0915}}, {"validation", {0.3, 12.345}}},
                                {.x_label = "epoch", .y_label = "loss"})));
  for (const char* text : {"training 0.0915", "validation 12.3", "epoch", "loss"})
    EXPECT_TRUE(holds_text(svg, text)) << text;
}

TEST(Curves, HaveTicksAtFractionsWhereStepsAre) {
  EXPECT_TRUE(curves({{"loss", {3, 2, 1}}}).x.whole);
  EXPECT_TRUE(curves({{"loss", {3, 2}, {10, 20}}}).x.whole);
  EXPECT_FALSE(curves({{"error", {3, 2}, {0.25, 1}}}).x.whole);
}

TEST(VarianceBars, EndAtTheSum) {
  const std::vector<double> ratios = {0.5, 0.25, 0.125};
  const Figure figure = variance_bars(ratios);
  EXPECT_EQ(std::get<Bars>(figure.marks[0]).heights, ratios);
  EXPECT_EQ(std::get<Line>(figure.marks[1]).y, (std::vector<double>{0.5, 0.75, 0.875}));
  EXPECT_TRUE(holds_text(parse_svg(draw_svg(figure)), "80 %"));
}

TEST(ImageSheet, SetsCounterpartsOneAboveTheOther) {
  BasicMatrix<std::uint8_t> bytes(7, 12);
  for (std::int64_t i = 0; i < 7; ++i)
    for (std::int64_t j = 0; j < 12; ++j) bytes(i, j) = static_cast<std::uint8_t>(20 * j);
  const SheetOptions sheet{
      .height = 3, .width = 4, .columns = 3, .captions = std::vector<std::string>(7, "x")};
  const Figure figure =
      image_sheet(from_bytes(bytes.view()), from_bytes(bytes.view()), sheet, {.title = "pairs"});
  const auto svg = parse_svg(draw_svg(figure));
  int originals = 0;
  for (const Element& e : svg) originals += e.text == "original" ? 1 : 0;
  EXPECT_EQ(originals, 3);  // blocks of three columns: 3 + 3 + 1
  EXPECT_EQ(count_of(svg, "image"), 1);
  expect_text_inside(svg, 720, std::stod(svg[0].attributes.at("height")));
  EXPECT_FLOAT_EQ(from_bytes(bytes.view())(0, 1), 20.0F / 255);
}

TEST(ImageSheet, RejectsStripsThatDoNotMatch) {
  const Matrix a(4, 784), b(3, 784), c(4, 100), none(0, 784);
  EXPECT_NE(refusal(image_sheet(a, b)).find("3 images, the first strip has 4"), std::string::npos);
  EXPECT_NE(refusal(image_sheet(a, c)).find("rows of 100 values"), std::string::npos);
  EXPECT_NE(refusal(image_sheet(a, a, {.captions = {"one"}})).find("1 captions for 4"),
            std::string::npos);
  EXPECT_NE(refusal(image_sheet(a, a, {.columns = 0})).find("columns"), std::string::npos);
  EXPECT_EQ(refusal(image_sheet(none, none)), "drawn");
  EXPECT_NE(refusal(image_sheet(Matrix(4, 784), Matrix(4, 784), {.columns = 1}, {.width = 99}))
                .find("too high"),
            std::string::npos);
  const Matrix many(2'000'000, 1);
  const std::string tall = refusal(
      image_sheet(many, many, {.height = 1, .width = 1, .columns = 1}, {.width = 9, .height = 9}));
  EXPECT_NE(tall.find("show fewer images"), std::string::npos) << tall;
}

}  // namespace
}  // namespace latlas::render
