// A sheet is blocks of rows: each block shows the same images in every strip, one strip below the
// other, so that an image and its counterpart stand together.
//
//   label of strip 1   ▢ ▢ ▢ ▢ …
//   label of strip 2   ▢ ▢ ▢ ▢ …
//
//   label of strip 1   ▢ ▢ ▢ ▢ …      the next block
//   …
//
// All images become one picture at the resolution of the figure: each pixel of an image a square
// of whole pixels, or an average of pixels where an image is larger than its place.

#include "latlas/render/sheet.h"

#include <algorithm>
#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"

namespace latlas::render {
namespace {

constexpr double kGap = 0.06, kWidestGap = 0.3;  // between images, of a cell's width
constexpr double kBlockGap = 0.3;                // and between blocks, beyond that
constexpr TextStyle kLabel{.size = 10.5}, kCaption{.size = 9.5};

std::int64_t count_of(const Sheet& sheet) { return sheet.strips[0].images.view().rows(); }

double label_width(const Sheet& sheet) {
  double widest = 0;
  for (const auto& strip : sheet.strips)
    widest = std::max(widest, measure(clean_text(strip.label), kLabel).width);
  return widest > 0 ? widest + 12 : 0;
}

double caption_height(const Sheet& sheet) { return sheet.captions.empty() ? 0 : 15; }

/// Where everything goes, in pixels of the figure.
struct Plan {
  int columns = 1, strips = 1;
  std::int64_t blocks = 1;
  int cell = 1, cell_height = 1;  // of one image
  int step_x = 1, step_y = 1;     // from one to the next
  std::int64_t step_block = 1;
  int caption = 0;  // height above a block
  std::int64_t width() const { return std::int64_t{step_x} * (columns - 1) + cell; }
  std::int64_t height() const {
    return step_block * (blocks - 1) + caption + std::int64_t{step_y} * (strips - 1) + cell_height;
  }
};

/// The largest that fits into width × height points.
Plan plan_of(const Sheet& sheet, double width, double height, double dpi) {
  const double scale = dpi / 72;
  const double room_x = (width - label_width(sheet)) * scale, room_y = height * scale;
  const std::int64_t count = std::max<std::int64_t>(1, count_of(sheet));
  Plan p;
  p.columns = static_cast<int>(std::min<std::int64_t>(sheet.columns, count));
  p.blocks = (count + p.columns - 1) / p.columns;
  p.strips = static_cast<int>(sheet.strips.size());
  p.caption = static_cast<int>(std::lround(caption_height(sheet) * scale));

  // A cell is a whole number of pixels, and of image pixels where it can be.
  const double aspect = static_cast<double>(sheet.height) / sheet.width;
  const auto blocks = static_cast<double>(p.blocks);
  const double cells_x = p.columns + (p.columns - 1) * kGap;
  const double cells_y =
      blocks * (p.strips * aspect + (p.strips - 1) * kGap) + (blocks - 1) * (kGap + kBlockGap);
  const double room = std::min(room_x / cells_x, (room_y - p.caption * blocks) / cells_y);
  p.cell = std::max(1, static_cast<int>(std::min(room, 1e5)));
  if (p.cell > sheet.width) p.cell -= p.cell % sheet.width;
  p.cell_height = std::max(1, static_cast<int>(std::lround(std::min(p.cell * aspect, 1e6))));

  // What that leaves of the width goes between the images.
  const double spare = p.columns > 1 ? (room_x - p.columns * p.cell) / (p.columns - 1) : 0;
  const int gap = static_cast<int>(std::clamp(spare, p.cell * kGap, p.cell * kWidestGap));
  p.step_x = p.cell + gap;
  p.step_y = p.cell_height + std::min(gap, static_cast<int>(p.cell * 2 * kGap));
  p.step_block =
      std::int64_t{p.step_y} * p.strips + static_cast<int>(p.cell * kBlockGap) + p.caption;
  return p;
}

/// The image's values at width × height, by averages over the source pixels that each covers.
std::vector<float> resized(std::span<const float> image, int from_width, int from_height, int width,
                           int height) {
  std::vector<float> out(static_cast<std::size_t>(width) * height);
  const auto range = [](int i, int from, int to) {
    const int begin = static_cast<int>(static_cast<std::int64_t>(i) * from / to);
    const int end = static_cast<int>((static_cast<std::int64_t>(i + 1) * from + to - 1) / to);
    // Enlarged: the nearest pixel, so that squares stay squares.
    return std::pair(begin, from <= to ? begin + 1 : end);
  };
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; ++j) {
      const auto [top, bottom] = range(i, from_height, height);
      const auto [left, right] = range(j, from_width, width);
      float sum = 0;
      for (int y = top; y < bottom; ++y)
        for (int x = left; x < right; ++x)
          sum += std::clamp(image[static_cast<std::size_t>(y) * from_width + x], 0.0F, 1.0F);
      out[static_cast<std::size_t>(i) * width + j] =
          sum / static_cast<float>((bottom - top) * (right - left));
    }
  return out;
}

}  // namespace

void check(const Sheet& sheet) {
  require(!sheet.strips.empty(), "figure: a sheet needs at least one strip of images");
  require(sheet.width > 0 && sheet.height > 0 && sheet.columns > 0, "figure: a sheet of images of ",
          sheet.height, " × ", sheet.width, " pixels in ", sheet.columns,
          " columns; all must be above 0");
  for (const auto& strip : sheet.strips) {
    const ConstRows images = strip.images.view();
    require(images.rows() == count_of(sheet), "figure: the sheet's strip '", strip.label, "' has ",
            images.rows(), " images, the first strip has ", count_of(sheet));
    require(images.rows() == 0 ||
                images.cols() == static_cast<std::int64_t>(sheet.height) * sheet.width,
            "figure: the sheet's strip '", strip.label, "' has rows of ", images.cols(),
            " values, images of ", sheet.height, " × ", sheet.width, " need ",
            static_cast<std::int64_t>(sheet.height) * sheet.width);
    require_finite(images, sentence("figure: the sheet's strip '", strip.label, "'").c_str());
  }
  require(
      sheet.captions.empty() || static_cast<std::int64_t>(sheet.captions.size()) == count_of(sheet),
      "figure: the sheet has ", sheet.captions.size(), " captions for ", count_of(sheet),
      " images");
}

double natural_height(const Sheet& sheet, double width, double dpi) {
  return static_cast<double>(plan_of(sheet, width, 1e9, dpi).height()) * 72 / dpi;
}

void draw_sheet(Canvas& canvas, const Sheet& sheet, const Box& area, const Inks& inks, double dpi) {
  const std::int64_t count = count_of(sheet);
  if (count == 0) return;
  const Plan plan = plan_of(sheet, area.width(), area.height(), dpi);
  require(plan.width() < (1 << 15) && plan.height() < (1 << 15), "figure: a sheet of ",
          plan.width(), " × ", plan.height(), " pixels is too large; show fewer images");
  Picture picture{static_cast<int>(plan.width()), static_cast<int>(plan.height()), {}, true};
  picture.rgba.resize(static_cast<std::size_t>(picture.width) * picture.height * 4);
  for (std::size_t i = 0; i < picture.rgba.size(); i += 4) {
    picture.rgba[i] = inks.background.red;
    picture.rgba[i + 1] = inks.background.green;
    picture.rgba[i + 2] = inks.background.blue;
    picture.rgba[i + 3] = 255;
  }

  const Color low = sheet.high_is_ink ? mixed(inks.background, inks.text, 0.045) : rgb(0);
  const Color high = sheet.high_is_ink ? inks.text : rgb(0xffffff);
  parallel_for(count, 1, [&](std::int64_t image, std::int64_t) {
    const int block = static_cast<int>(image / plan.columns);
    const int column = static_cast<int>(image % plan.columns);
    for (int strip = 0; strip < plan.strips; ++strip) {
      const ConstRows images = sheet.strips[static_cast<std::size_t>(strip)].images.view();
      const auto values =
          resized(images[image], sheet.width, sheet.height, plan.cell, plan.cell_height);
      const int top =
          static_cast<int>(block * plan.step_block + plan.caption) + strip * plan.step_y;
      const int left = column * plan.step_x;
      for (int i = 0; i < plan.cell_height; ++i)
        for (int j = 0; j < plan.cell; ++j) {
          const Color c = mixed(low, high, values[static_cast<std::size_t>(i) * plan.cell + j]);
          std::uint8_t* to = picture.rgba.data() +
                             4 * (static_cast<std::size_t>(top + i) * picture.width + left + j);
          to[0] = c.red;
          to[1] = c.green;
          to[2] = c.blue;
        }
    }
  });
  const double scale = dpi / 72;
  const double x0 = std::ceil((area.left + label_width(sheet)) * scale) / scale;
  const double y0 = std::ceil(area.top * scale) / scale;
  canvas.image({x0, y0, x0 + picture.width / scale, y0 + picture.height / scale}, picture);

  for (int block = 0; block < plan.blocks; ++block)
    for (int strip = 0; strip < plan.strips; ++strip) {
      const std::string label = clean_text(sheet.strips[static_cast<std::size_t>(strip)].label);
      TextStyle style = kLabel;
      style.color = strip == 0 ? inks.text : inks.quiet_text;
      const TextSize size = measure(label, style);
      const auto top = static_cast<double>(block * plan.step_block + plan.caption);
      const double middle = y0 + (top + strip * plan.step_y + plan.cell_height / 2.0) / scale;
      canvas.text({x0 - 12 - size.width, middle + size.ascent / 2}, label, style, false);
    }
  for (std::size_t i = 0; i < sheet.captions.size(); ++i) {
    const int block = static_cast<int>(i) / plan.columns,
              column = static_cast<int>(i) % plan.columns;
    TextStyle style = kCaption;
    style.color = inks.quiet_text;
    const std::string text = clean_text(sheet.captions[i]);
    canvas.text(
        {x0 + (column * plan.step_x + plan.cell / 2.0) / scale - measure(text, style).width / 2,
         y0 + static_cast<double>(block * plan.step_block + plan.caption) / scale - 4},
        text, style, false);
  }
}

}  // namespace latlas::render
