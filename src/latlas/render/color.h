// Colors: the palettes of categories and the themes of a figure.
#pragma once

#include <cstdint>
#include <vector>

namespace latlas::render {

struct Color {
  std::uint8_t red = 0, green = 0, blue = 0;  ///< sRGB.
  bool operator==(const Color&) const = default;
};

constexpr Color rgb(std::uint32_t hex) {  // 0x3f90da
  return {static_cast<std::uint8_t>(hex >> 16), static_cast<std::uint8_t>(hex >> 8),
          static_cast<std::uint8_t>(hex)};
}

/// The color `share` of the way from a to b, channel by channel.
Color mixed(Color a, Color b, double share);

/// Contrast of two colors, 1 … 21 (Web Content Accessibility Guidelines 2, relative luminance).
double contrast(Color a, Color b);

enum class Palette {
  automatic,  ///< okabe_ito for up to eight categories, petroff for more.
  petroff,    ///< Ten colors: Petroff, Accessible Color Sequences for Data Visualization, 2021.
  okabe_ito,  ///< Eight: Okabe & Ito, Color Universal Design, 2008; gray stands for their black.
};

enum class Theme { light, dark };

/// What a theme paints with.
struct Inks {
  Color background, text, quiet_text, grid, axis;
};
Inks inks(Theme theme);

/// One color for each of `count` categories. Up to the palette's length they are the palette's own;
/// after that the same hues come back darker, then lighter (up to three times the length), and
/// then all repeat: names in the map tell such categories apart. Against a dark background, colors
/// of a contrast below 3.5 are lightened until they reach it.
std::vector<Color> category_colors(int count, Palette palette, Theme theme);

}  // namespace latlas::render
