#include "latlas/render/color.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "latlas/core/math.h"

namespace latlas::render {
namespace {

constexpr std::array kPetroff = {rgb(0x3f90da), rgb(0xffa90e), rgb(0xbd1f01), rgb(0x94a4a2),
                                 rgb(0x832db6), rgb(0xa96b59), rgb(0xe76300), rgb(0xb9ac70),
                                 rgb(0x717581), rgb(0x92dadd)};
constexpr std::array kOkabeIto = {rgb(0x0072b2), rgb(0xe69f00), rgb(0x009e73), rgb(0xd55e00),
                                  rgb(0xcc79a7), rgb(0x56b4e9), rgb(0xf0e442), rgb(0x6b6b6b)};

constexpr Color kBlack = rgb(0x000000), kWhite = rgb(0xffffff);

double luminance(Color c) {
  const auto linear = [](std::uint8_t value) {
    const double v = value / 255.0;
    return v <= 0.04045 ? v / 12.92 : math::pow((v + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
}

}  // namespace

Color mixed(Color a, Color b, double share) {
  const auto channel = [&](std::uint8_t x, std::uint8_t y) {
    return static_cast<std::uint8_t>(std::lround(x + (y - x) * share));
  };
  return {channel(a.red, b.red), channel(a.green, b.green), channel(a.blue, b.blue)};
}

double contrast(Color a, Color b) {
  const double x = luminance(a), y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

Inks inks(Theme theme) {
  if (theme == Theme::dark)
    return {rgb(0x12161c), rgb(0xe8ebf0), rgb(0x9ba6b4), rgb(0x262c35), rgb(0x5b6673)};
  return {rgb(0xffffff), rgb(0x1b1f24), rgb(0x5b6570), rgb(0xe9ecef), rgb(0x8a949e)};
}

std::vector<Color> category_colors(int count, Palette palette, Theme theme) {
  const bool okabe_ito =
      palette == Palette::okabe_ito ||
      (palette == Palette::automatic && count <= static_cast<int>(kOkabeIto.size()));
  const std::span<const Color> base =
      okabe_ito ? std::span<const Color>(kOkabeIto) : std::span<const Color>(kPetroff);
  const Color background = inks(theme).background;
  std::vector<Color> colors;
  for (int i = 0; i < count; ++i) {
    const auto round = static_cast<std::size_t>(i) / base.size();
    Color color = base[static_cast<std::size_t>(i) % base.size()];
    if (round % 3 == 1) color = mixed(color, kBlack, 0.42);
    if (round % 3 == 2) color = mixed(color, kWhite, 0.5);
    while (theme == Theme::dark && contrast(color, background) < 3.5)
      color = mixed(color, kWhite, 0.08);
    colors.push_back(color);
  }
  return colors;
}

}  // namespace latlas::render
