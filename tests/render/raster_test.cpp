#include "latlas/render/raster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/math.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/core/simd.h"

namespace latlas::render {
namespace {

struct Cloud {
  std::vector<float> x, y;
  std::vector<std::int32_t> category;
  std::vector<Color> colors;

  Splats splats(double radius, double stroke = 0) const {
    return {
        .x = x, .y = y, .category = category, .colors = colors, .radius = radius, .stroke = stroke};
  }
};

/// n points in overlapping heaps, some of them beyond the edges of a 300 × 200 picture.
Cloud cloud(int n, int categories) {
  Cloud c;
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<std::uint64_t>(i);
    const int k = i % categories;
    c.x.push_back(static_cast<float>(150 + 90 * math::sincos_turn(k / 7.0).cos +
                                     25 * random::normal({.seed = 1, .index = at})));
    c.y.push_back(static_cast<float>(100 + 60 * math::sincos_turn(k / 7.0).sin +
                                     25 * random::normal({.seed = 2, .index = at})));
    c.category.push_back(k);
  }
  c.colors = category_colors(categories, Palette::petroff, Theme::light);
  return c;
}

Cloud permuted(const Cloud& c) {
  std::vector<std::int32_t> order(c.x.size());
  std::iota(order.begin(), order.end(), 0);
  random::shuffle(order, {.seed = 3});
  Cloud out = c;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto from = static_cast<std::size_t>(order[i]);
    out.x[i] = c.x[from];
    out.y[i] = c.y[from];
    out.category[i] = c.category[from];
  }
  return out;
}

std::int64_t sum_of_alpha(const Picture& picture) {
  std::int64_t sum = 0;
  for (std::size_t i = 3; i < picture.rgba.size(); i += 4) sum += picture.rgba[i];
  return sum;
}

TEST(Raster, DoesNotDependOnTheOrderOfThePoints) {
  const Cloud c = cloud(20000, 10), d = permuted(c);
  ASSERT_NE(c.x, d.x);
  EXPECT_EQ(rasterize(c.splats(2.1), 300, 200).rgba, rasterize(d.splats(2.1), 300, 200).rgba);
  EXPECT_EQ(rasterize(c.splats(3.4, 1.2), 300, 200).rgba,
            rasterize(d.splats(3.4, 1.2), 300, 200).rgba);
}

TEST(Raster, GivesTheSameBytesForAnyThreadsAndInstructionSet) {
  const Cloud c = cloud(5000, 6);
  const Picture expected = rasterize(c.splats(1.7), 300, 200);
  const std::string before(simd::name());
  for (const std::string& set : simd::available())
    for (const int limit : {1, 2, 3, 7}) {
      simd::select(set);
      const ThreadLimit threads(limit);
      EXPECT_EQ(rasterize(c.splats(1.7), 300, 200).rgba, expected.rgba) << set << " " << limit;
    }
  simd::select(before);
}

TEST(Raster, HasKnownBytes) {
  const Picture p = rasterize(cloud(5000, 6).splats(1.7), 300, 200);
  EXPECT_EQ(sha256(std::as_bytes(std::span(p.rgba))),
            "c82f2bc1d4c9f56eb62ee71be667c02f7a97e98ee13753dc2844380ac488411a");
}

TEST(Raster, ConservesTheInkOfDotsThatLieApart) {
  // 255 times the area, within half a unit for each of the pixels touched.
  const std::vector<Color> colors = {rgb(0x000000)};
  for (const double radius : {0.5, 0.9, 1.4, 2.0, 3.7, 9.3, 40.0})
    for (int i = 0; i < 5; ++i) {
      const auto at = static_cast<std::uint64_t>(i);
      const std::vector<float> x = {
          static_cast<float>(60 + random::uniform({.seed = 4, .index = at}))};
      const std::vector<float> y = {
          static_cast<float>(60 + random::uniform({.seed = 5, .index = at}))};
      const Splats dot{
          .x = x, .y = y, .category = {}, .colors = colors, .radius = radius, .opacity = 1};
      const double area = math::kPi * radius * radius;
      const double rim = 4 * (2 * radius + 2);
      EXPECT_NEAR(static_cast<double>(sum_of_alpha(rasterize(dot, 130, 130))), 255 * area,
                  0.5 * rim + 1)
          << radius;
      Splats ring = dot;
      ring.stroke = radius / 2;
      EXPECT_NEAR(static_cast<double>(sum_of_alpha(rasterize(ring, 130, 130))), 255 * area,
                  0.5 * 3 * rim + 1)
          << radius;
    }
}

TEST(Raster, AgreesWithTheDistanceToTheCenter) {
  // A pixel farther than half its diagonal inside the circle is full, outside it is empty; the
  // position is rounded to an eighth of a pixel at most.
  const std::vector<Color> colors = {rgb(0x3f90da)};
  const std::vector<float> x = {20.3F}, y = {17.8F};
  const Picture p = rasterize(
      {.x = x, .y = y, .category = {}, .colors = colors, .radius = 6.2, .opacity = 1}, 40, 40);
  for (int i = 0; i < 40; ++i)
    for (int j = 0; j < 40; ++j) {
      const double distance = std::hypot(j + 0.5 - 20.3, i + 0.5 - 17.8);
      const int alpha = p.rgba[static_cast<std::size_t>(4 * (i * 40 + j) + 3)];
      if (distance < 6.2 - 0.71 - 0.18) {
        EXPECT_EQ(alpha, 255) << i << " " << j;
      }
      if (distance > 6.2 + 0.71 + 0.18) {
        EXPECT_EQ(alpha, 0) << i << " " << j;
      }
    }
}

TEST(Raster, GrowsDenserWhereMorePointsLie) {
  const std::vector<Color> colors = {rgb(0x3f90da)};
  std::vector<float> x, y;
  for (int pile = 1; pile <= 8; ++pile)
    for (int i = 0; i < pile; ++i) {
      x.push_back(static_cast<float>(20 * pile) + 0.5F);
      y.push_back(10.5F);
    }
  const Picture p =
      rasterize({.x = x, .y = y, .category = {}, .colors = colors, .radius = 3}, 180, 20);
  for (int pile = 2; pile <= 8; ++pile) {
    const auto at = [&](int k) {
      return p.rgba[static_cast<std::size_t>(4 * (10 * 180 + 20 * k) + 3)];
    };
    EXPECT_GE(at(pile), at(pile - 1));
    if (pile <= 4) {
      EXPECT_GT(at(pile), at(pile - 1));
    }
  }
}

TEST(Raster, ShowsAPointOfARareCategoryInTheMidstOfAnother) {
  Cloud c;
  for (int i = 0; i < 50000; ++i) {
    const auto at = static_cast<std::uint64_t>(i);
    c.x.push_back(static_cast<float>(random::uniform(0, 100, {.seed = 6, .index = at})));
    c.y.push_back(static_cast<float>(random::uniform(0, 100, {.seed = 7, .index = at})));
    c.category.push_back(0);
  }
  c.x.push_back(50.5F);
  c.y.push_back(50.5F);
  c.category.push_back(1);
  c.colors = {rgb(0x0000ff), rgb(0xff0000)};
  const Picture p = rasterize(c.splats(2), 100, 100);
  const std::uint8_t* middle = p.rgba.data() + 4 * (50 * 100 + 50);
  EXPECT_GT(middle[0], 240);
  EXPECT_LT(middle[2], 90);
}

TEST(Raster, TakesAnyNumberOfEqualPoints) {
  const std::vector<float> x(1'000'000, 5.0F), y(1'000'000, 5.0F);
  const std::vector<Color> colors = {rgb(0x832db6)};
  const Picture p =
      rasterize({.x = x, .y = y, .category = {}, .colors = colors, .radius = 2}, 10, 10);
  EXPECT_EQ(p.rgba[4 * (5 * 10 + 5)], 0x83);
  EXPECT_EQ(p.rgba[4 * (5 * 10 + 5) + 3], 255);
}

TEST(Raster, LeavesOutWhatLiesBeyondThePicture) {
  const std::vector<float> x = {-1e30F, 1e30F, -4.0F, 5.0F, 14.0F}, y = {5, 5, 5, -300, 1e9F};
  const std::vector<Color> colors = {rgb(0)};
  EXPECT_EQ(sum_of_alpha(
                rasterize({.x = x, .y = y, .category = {}, .colors = colors, .radius = 3}, 10, 10)),
            0);
  EXPECT_EQ(sum_of_alpha(rasterize({.x = {}, .y = {}, .category = {}, .colors = colors}, 10, 10)),
            0);
}

TEST(Raster, RejectsWhatItCannotDraw) {
  const std::vector<float> one = {1.0F};
  const std::vector<Color> colors = {rgb(0)};
  const std::vector<std::int32_t> third = {2};
  const Splats good{.x = one, .y = one, .category = {}, .colors = colors};
  EXPECT_THROW(rasterize(good, 0, 10), InvalidArgument);
  EXPECT_THROW(rasterize(good, 10, 40000), InvalidArgument);
  Splats bad = good;
  bad.radius = 0;
  EXPECT_THROW(rasterize(bad, 10, 10), InvalidArgument);
  bad = good;
  bad.category = third;
  EXPECT_THROW(rasterize(bad, 10, 10), InvalidArgument);
  // Beyond memory, whoever asked for that many pixels, categories or meetings of dots.
  EXPECT_THROW(rasterize(good, 32768, 16384), InvalidArgument);
  const std::vector<Color> many(4096);
  bad = good;
  bad.colors = many;
  EXPECT_THROW(rasterize(bad, 16384, 16384), InvalidArgument);
  const std::vector<float> crowd(5'000'000, 1.0F);
  bad = {.x = crowd, .y = crowd, .category = {}, .colors = colors, .radius = 4000};
  EXPECT_THROW(rasterize(bad, 2000, 1600), InvalidArgument);
  bad = good;
  bad.y = {};
  EXPECT_THROW(rasterize(bad, 10, 10), InvalidArgument);
}

}  // namespace
}  // namespace latlas::render
