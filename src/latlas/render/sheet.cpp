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

constexpr double kGap = 0.07;       // between images, of a cell's width
constexpr double kBlockGap = 0.35;  // between blocks
constexpr TextStyle kLabel{.size = 10.5}, kCaption{.size = 9.5};

std::int64_t count_of(const Sheet& sheet) { return sheet.strips[0].images.view().rows(); }

/// Measures in units of a cell's width.
struct Plan {
  int columns, blocks, strips;
  double cell_height;
  double block_height() const { return strips * cell_height + (strips - 1) * kGap; }
  double width() const { return columns + (columns - 1) * kGap; }
  double height() const { return blocks * block_height() + (blocks - 1) * kBlockGap; }
};

Plan plan_of(const Sheet& sheet) {
  const std::int64_t count = std::max<std::int64_t>(1, count_of(sheet));
  const int columns = static_cast<int>(std::min<std::int64_t>(sheet.columns, count));
  return {columns, static_cast<int>((count + columns - 1) / columns),
          static_cast<int>(sheet.strips.size()), static_cast<double>(sheet.height) / sheet.width};
}

double label_width(const Sheet& sheet) {
  double widest = 0;
  for (const auto& strip : sheet.strips)
    widest = std::max(widest, measure(clean_text(strip.label), kLabel).width);
  return widest > 0 ? widest + 12 : 0;
}

double caption_height(const Sheet& sheet) { return sheet.captions.empty() ? 0 : 15; }

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

double natural_height(const Sheet& sheet, double width) {
  const Plan plan = plan_of(sheet);
  const double cell = std::max(1.0, (width - label_width(sheet)) / plan.width());
  return cell * plan.height() + caption_height(sheet) * plan.blocks;
}

void draw_sheet(Canvas& canvas, const Sheet& sheet, const Box& area, const Inks& inks, double dpi) {
  const std::int64_t count = count_of(sheet);
  if (count == 0) return;
  const Plan plan = plan_of(sheet);
  const double labels = label_width(sheet), caption = caption_height(sheet);

  // A cell is a whole number of device pixels, and of image pixels where it can be.
  const double scale = dpi / 72;
  const double room = std::min((area.width() - labels) / plan.width(),
                               (area.height() - caption * plan.blocks) / plan.height());
  int cell = std::max(1, static_cast<int>(room * scale));
  if (cell > sheet.width) cell -= cell % sheet.width;
  const int cell_height = std::max(1, static_cast<int>(std::lround(cell * plan.cell_height)));
  const auto step_x = static_cast<int>(std::lround(cell * (1 + kGap)));
  const auto step_y = static_cast<int>(std::lround(cell_height + cell * kGap));
  const auto step_block = static_cast<int>(
      std::lround(step_y * plan.strips + cell * (kBlockGap - kGap) + caption * scale));
  const auto caption_pixels = static_cast<int>(std::lround(caption * scale));

  Picture picture{
      step_x * (plan.columns - 1) + cell,
      step_block * (plan.blocks - 1) + caption_pixels + step_y * (plan.strips - 1) + cell_height,
      {}};
  require(picture.width < (1 << 15) && picture.height < (1 << 15), "figure: a sheet of ",
          picture.width, " × ", picture.height, " pixels is too large; show fewer images");
  picture.rgba.assign(static_cast<std::size_t>(picture.width) * picture.height * 4, 0);

  const Color low = sheet.high_is_ink ? mixed(inks.background, inks.text, 0.045) : rgb(0);
  const Color high = sheet.high_is_ink ? inks.text : rgb(0xffffff);
  parallel_for(count, 1, [&](std::int64_t image, std::int64_t) {
    const int block = static_cast<int>(image / plan.columns);
    const int column = static_cast<int>(image % plan.columns);
    for (int strip = 0; strip < plan.strips; ++strip) {
      const ConstRows images = sheet.strips[static_cast<std::size_t>(strip)].images.view();
      const auto values = resized(images[image], sheet.width, sheet.height, cell, cell_height);
      const int top = block * step_block + caption_pixels + strip * step_y, left = column * step_x;
      for (int i = 0; i < cell_height; ++i)
        for (int j = 0; j < cell; ++j) {
          const Color c = mixed(low, high, values[static_cast<std::size_t>(i) * cell + j]);
          std::uint8_t* to = picture.rgba.data() +
                             4 * (static_cast<std::size_t>(top + i) * picture.width + left + j);
          to[0] = c.red;
          to[1] = c.green;
          to[2] = c.blue;
          to[3] = 255;
        }
    }
  });
  const double x0 = std::ceil((area.left + labels) * scale) / scale;
  const double y0 = std::ceil(area.top * scale) / scale;
  canvas.image({x0, y0, x0 + picture.width / scale, y0 + picture.height / scale}, picture);

  for (int block = 0; block < plan.blocks; ++block)
    for (int strip = 0; strip < plan.strips; ++strip) {
      const std::string label = clean_text(sheet.strips[static_cast<std::size_t>(strip)].label);
      TextStyle style = kLabel;
      style.color = strip == 0 ? inks.text : inks.quiet_text;
      const TextSize size = measure(label, style);
      const double middle =
          y0 + (block * step_block + caption_pixels + strip * step_y + cell_height / 2.0) / scale;
      canvas.text({x0 - 12 - size.width, middle + size.ascent / 2}, label, style, false);
    }
  for (std::size_t i = 0; i < sheet.captions.size(); ++i) {
    const int block = static_cast<int>(i) / plan.columns,
              column = static_cast<int>(i) % plan.columns;
    TextStyle style = kCaption;
    style.color = inks.quiet_text;
    const std::string text = clean_text(sheet.captions[i]);
    canvas.text({x0 + (column * step_x + cell / 2.0) / scale - measure(text, style).width / 2,
                 y0 + (block * step_block + caption_pixels) / scale - 4},
                text, style, false);
  }
}

}  // namespace latlas::render
