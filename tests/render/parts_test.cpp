// The parts of a figure by themselves: PNG, colors, ticks, places of names, text.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/render/canvas.h"
#include "latlas/render/color.h"
#include "latlas/render/figure.h"
#include "latlas/render/places.h"
#include "latlas/render/png.h"
#include "latlas/render/ticks.h"

// Fontconfig keeps what it knows of fonts until the process ends; the leak checker is told so.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }

namespace latlas::render {
namespace {

// --- PNG -----------------------------------------------------------------------------------------

std::uint32_t u32(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// The pixels of a PNG as we write it, every checksum verified.
std::vector<std::uint8_t> decoded(const std::string& png, int channels) {
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  std::string data;
  std::uint32_t width = 0, height = 0;
  for (std::size_t at = 8; at < png.size();) {
    const std::uint32_t length = u32(png, at);
    const std::string name = png.substr(at + 4, 4);
    EXPECT_EQ(u32(png, at + 8 + length),
              ::crc32(0, reinterpret_cast<const Bytef*>(png.data() + at + 4), length + 4))
        << name;
    if (name == "IHDR") {
      width = u32(png, at + 8);
      height = u32(png, at + 12);
    }
    if (name == "IDAT") data += png.substr(at + 8, length);
    at += 12 + length;
  }
  const std::size_t row = static_cast<std::size_t>(width) * channels;
  std::vector<std::uint8_t> raw((row + 1) * height);
  uLongf size = raw.size();
  EXPECT_EQ(
      ::uncompress(raw.data(), &size, reinterpret_cast<const Bytef*>(data.data()), data.size()),
      Z_OK);
  EXPECT_EQ(size, raw.size());
  std::vector<std::uint8_t> pixels(row * height);
  for (std::size_t i = 0; i < height; ++i)
    for (std::size_t j = 0; j < row; ++j) {
      const std::uint8_t above = raw[i * (row + 1)] == 2 && i > 0 ? pixels[(i - 1) * row + j] : 0;
      pixels[i * row + j] = static_cast<std::uint8_t>(raw[i * (row + 1) + 1 + j] + above);
    }
  return pixels;
}

TEST(Png, ReadsBackToTheSamePixels) {
  for (const int channels : {3, 4})
    for (const int height : {1, 127, 128, 129, 300}) {
      std::vector<std::uint8_t> pixels(static_cast<std::size_t>(37) * height * channels);
      for (std::size_t i = 0; i < pixels.size(); ++i)  // plain ground, noise, and equal rows
        pixels[i] = i % 7 == 0 && i / 500 % 2 == 0
                        ? static_cast<std::uint8_t>(random::below(256, {.index = i}))
                        : 255;
      EXPECT_EQ(decoded(encode_png(pixels, 37, height, channels, 200), channels), pixels);
    }
}

TEST(Png, GivesTheSameBytesForAnyNumberOfThreads) {
  std::vector<std::uint8_t> pixels(200 * 500 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>(i * i / 1000);
  const std::string expected = encode_png(pixels, 200, 500, 3, 72);
  for (const int limit : {1, 2, 3, 7}) {
    const ThreadLimit threads(limit);
    EXPECT_EQ(encode_png(pixels, 200, 500, 3, 72), expected);
  }
}

TEST(Png, RejectsPixelsOfAnotherSize) {
  const std::vector<std::uint8_t> pixels(10);
  EXPECT_THROW(encode_png(pixels, 2, 2, 3, 72), InvalidArgument);
  EXPECT_THROW(encode_png({}, 0, 0, 3, 72), InvalidArgument);
}

// --- colors --------------------------------------------------------------------------------------

TEST(Colors, AreDistinctUpToThreeTimesThePalette) {
  for (const Theme theme : {Theme::light, Theme::dark})
    for (const Palette palette : {Palette::petroff, Palette::okabe_ito}) {
      const int count = palette == Palette::petroff ? 30 : 24;
      const auto colors = category_colors(count, palette, theme);
      for (std::size_t i = 0; i < colors.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) EXPECT_NE(colors[i], colors[j]) << i << " " << j;
    }
}

TEST(Colors, BeginWithPetroffsTenAndKeepThemForAnyCount) {
  const auto few = category_colors(10, Palette::petroff, Theme::light);
  const auto many = category_colors(37, Palette::petroff, Theme::light);
  EXPECT_EQ(few[0], rgb(0x3f90da));
  EXPECT_EQ(few[9], rgb(0x92dadd));
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
}

TEST(Colors, AreOkabeAndItosUpToEightAndPetroffsAbove) {
  EXPECT_EQ(category_colors(8, Palette::automatic, Theme::light),
            category_colors(8, Palette::okabe_ito, Theme::light));
  EXPECT_EQ(category_colors(9, Palette::automatic, Theme::light),
            category_colors(9, Palette::petroff, Theme::light));
  EXPECT_EQ(Figure().palette, Palette::automatic);
}

TEST(Colors, StandOutAgainstTheDark) {
  for (const Color& c : category_colors(30, Palette::petroff, Theme::dark))
    EXPECT_GE(contrast(c, inks(Theme::dark).background), 3.5);
}

TEST(Colors, ContrastOfBlackAndWhiteIs21) {
  EXPECT_NEAR(contrast(rgb(0), rgb(0xffffff)), 21, 1e-9);
  EXPECT_NEAR(contrast(rgb(0x777777), rgb(0x777777)), 1, 1e-12);
}

// --- ticks ---------------------------------------------------------------------------------------

std::string texts(const std::vector<Tick>& ticks) {
  std::string out;
  for (const Tick& tick : ticks) out += (out.empty() ? "" : " ") + tick.text;
  return out;
}

TEST(Ticks, AreRoundNumbers) {
  EXPECT_EQ(texts(ticks(0, 1, {}, 5)), "0.0 0.2 0.4 0.6 0.8 1.0");
  EXPECT_EQ(texts(ticks(-7.3, 8.1, {}, 6)), "−6 −4 −2 0 2 4 6 8");
  EXPECT_EQ(texts(ticks(0, 60000, {}, 3)), "0 20,000 40,000 60,000");
  EXPECT_EQ(texts(ticks(0.08, 0.27, {}, 5)), "0.10 0.15 0.20 0.25");
  EXPECT_EQ(texts(ticks(0, 0.8, {.percent = true}, 4)), "0 % 20 % 40 % 60 % 80 %");
  EXPECT_EQ(texts(ticks(0.9, 4.1, {.whole = true}, 9)), "1 2 3 4");
  EXPECT_EQ(texts(ticks(0, 3e7, {}, 3)), "0 1·10⁷ 2·10⁷ 3·10⁷");
  EXPECT_EQ(texts(ticks(0, 4e-7, {}, 4)), "0.0000000 1·10⁻⁷ 2·10⁻⁷ 3·10⁻⁷ 4·10⁻⁷");
}

TEST(Ticks, OfLogarithmicAxesAreDecadesOrTheirParts) {
  EXPECT_EQ(texts(ticks(0.5, 2000, {.log = true}, 5)), "1 10 100 1000");
  EXPECT_EQ(texts(ticks(0.08, 0.6, {.log = true}, 5)), "0.1 0.2 0.5");
  EXPECT_EQ(texts(ticks(0.09, 0.13, {.log = true}, 4)), "0.09 0.10 0.11 0.12 0.13");
}

TEST(Ticks, LieWithinAnyRangeAndAreNeitherNoneNorTooMany) {
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const double low = random::uniform(-1000, 1000, {.sub = 1, .index = i});
    const double span = std::pow(10.0, random::uniform(-6, 6, {.sub = 2, .index = i}));
    const auto found = ticks(low, low + span, {}, 6);
    EXPECT_GE(found.size(), 2U) << low << " " << span;
    EXPECT_LE(found.size(), 13U) << low << " " << span;
    for (const Tick& tick : found) {
      EXPECT_GE(tick.value, low - 1e-6 * span);
      EXPECT_LE(tick.value, low + span + 1e-6 * span);
    }
  }
}

TEST(NumberText, HasTrueMinusAndThousands) {
  EXPECT_EQ(number_text(-1234567.5, 1), "−1,234,567.5");
  EXPECT_EQ(number_text(9999, 0), "9999");
  EXPECT_EQ(number_text(60000, 0), "60,000");
  EXPECT_EQ(number_text(-0.001, 1), "0.0");
}

// --- places of names -----------------------------------------------------------------------------

TEST(DensestPlaces, LieInTheLargestHeap) {
  std::vector<Point> points;
  std::vector<std::int32_t> category;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const bool large = i % 3 != 0;
    points.push_back({(large ? 100 : 400) + 12 * random::normal({.sub = 1, .index = i}),
                      200 + 12 * random::normal({.sub = 2, .index = i})});
    category.push_back(0);
  }
  for (int i = 0; i < 50; ++i) {
    points.push_back({300, 300});
    category.push_back(2);
  }
  const auto places = densest_places(points, category, 3, {0, 0, 500, 400});
  ASSERT_EQ(places.size(), 2U);  // category 1 has no points
  EXPECT_NEAR(places[0].at.x, 100, 12);
  EXPECT_NEAR(places[0].at.y, 200, 12);
  EXPECT_EQ(places[1].category, 2);
  EXPECT_NEAR(places[1].at.x, 300, 6);
}

TEST(PlaceNames, NeverMeetAndStayInside) {
  std::vector<Place> places;
  std::vector<Point> sizes;
  for (std::uint64_t i = 0; i < 60; ++i) {
    places.push_back({static_cast<int>(i),
                      static_cast<std::int64_t>(100 + i),
                      {random::uniform(0, 300, {.sub = 1, .index = i}),
                       random::uniform(0, 300, {.sub = 2, .index = i})}});
    sizes.push_back({random::uniform(10, 80, {.sub = 3, .index = i}), 14});
  }
  const Box area{0, 0, 300, 300};
  const auto names = place_names(places, sizes, area);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!names[i].placed) continue;
    EXPECT_GE(names[i].box.left, -1e-9);
    EXPECT_LE(names[i].box.bottom, 300 + 1e-9);
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_FALSE(names[j].placed && names[i].box.meets(names[j].box)) << i << " " << j;
  }
  EXPECT_GE(std::count_if(names.begin(), names.end(), [](const Name& n) { return n.placed; }), 40);
}

TEST(PlaceNames, LeaveALonelyPointVisible) {
  const std::vector<Place> places = {{0, 1, {50, 50}}};
  const std::vector<Point> sizes = {{30, 14}};
  const auto names = place_names(places, sizes, {0, 0, 100, 100});
  EXPECT_FALSE(names[0].box.meets({47, 47, 53, 53}));
}

// --- text ----------------------------------------------------------------------------------------

TEST(Text, IsCleanedOfWhatNoCanvasCanShow) {
  EXPECT_EQ(clean_text("Zahl: π ≈ 3"), "Zahl: π ≈ 3");
  EXPECT_EQ(clean_text("a\nb\x01"
                       "c"),
            "a b c");
  EXPECT_EQ(clean_text("a\xff\xfe"), "a\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(clean_text("cut \xE2\x82"), "cut \xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(clean_text(std::string_view("a\0b", 3)), "a b");
}

TEST(Text, GrowsWithSizeAndLength) {
  const TextStyle style{.size = 10};
  const double width = measure("latent", style).width;
  EXPECT_GT(width, 15);
  EXPECT_NEAR(measure("latent", {.size = 20}).width, 2 * width, 0.05 * width);
  EXPECT_GT(measure("latent space", style).width, width);
  EXPECT_EQ(measure("", style).width, 0);
}

}  // namespace
}  // namespace latlas::render
