#include "latlas/neighbors/panels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "latlas/core/random.h"
#include "tests/neighbors/brute_force.h"

namespace latlas::scan {
namespace {

/// Rows around a few points far apart, `spread` wide.
Matrix rows_around(std::int64_t n, std::int64_t d, double center, double spread) {
  Matrix x(n, d);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j) {
      const auto at = static_cast<std::uint64_t>(i * d + j);
      const double sign = (i + j) % 3 == 0 ? -1 : 1;
      x(i, j) = static_cast<float>(sign * center + spread * random::normal({.index = at}));
    }
  return x;
}

TEST(Doubt, BoundsTheScoreOfEveryPair) {
  std::int64_t above = 0, below = 0;
  for (const std::int64_t d : {1, 3, 32, 500})
    for (const double spread : {1e-7, 1e-3, 1.0}) {
      const Matrix x = rows_around(96, d, 1, spread);
      std::vector<std::int32_t> all(96);
      std::iota(all.begin(), all.end(), 0);
      const Panels panels = pack(x, frame_of(x, x, "test"), all, 16);
      Block block(d);
      block.fill(panels.frame, x, all);
      for (std::int64_t i = 0; i < 96; ++i) {
        const Doubt doubt(panels.frame, block.norm[static_cast<std::size_t>(i)]);
        for (std::int64_t j = 0; j < 96; ++j) {
          float score = panels.half_norm[static_cast<std::size_t>(j)];
          const float* y = panels.panel(j / 16 * 16) + j % 16;
          for (std::int64_t k = 0; k < d; ++k)
            score = std::fma(block.negated(i, k), y[k * 16], score);
          const float distance = twin::distance(x.row(i), x.row(j), d);
          ASSERT_LE(score, doubt.upper(distance)) << d << " columns, spread " << spread;
          ASSERT_GE(score, doubt.lower(distance)) << d << " columns, spread " << spread;
          ASSERT_GE(doubt.distance(score), distance) << d << " columns, spread " << spread;
          // What the score would be without rounding lies on both sides.
          const double a = block.norm[static_cast<std::size_t>(i)],
                       delta = distance * panels.frame.scale;
          above += score > 0.5 * (delta * delta - a * a) ? 1 : 0;
          below += score < 0.5 * (delta * delta - a * a) ? 1 : 0;
        }
      }
    }
  EXPECT_GT(above, 1000);
  EXPECT_GT(below, 1000);
}

TEST(Doubt, IsNarrow) {
  // At a third of the norm rounding leaves a doubt below a thousandth of the distance.
  const Frame frame{std::vector<float>(32), 1};
  const Doubt doubt(frame, 1);
  EXPECT_LT(doubt.distance(doubt.upper(0.3)), 0.3 * 1.001);
  EXPECT_LT(doubt.distance(doubt.upper(0.03)), 0.03 * 1.05);
}

TEST(CompactOrder, IsAPermutationOfTheChosen) {
  const Matrix x = rows_around(1000, 3, 1, 1);
  std::vector<std::int32_t> odd;
  for (std::int32_t i = 1; i < 1000; i += 2) odd.push_back(i);
  std::vector<std::int32_t> order = compact_order(x, odd);
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, odd);
}

TEST(Groups, AreEnclosedByTheirBalls) {
  const Matrix x = rows_around(500, 5, 1, 2);
  std::vector<std::int32_t> all(500);
  std::iota(all.begin(), all.end(), 0);
  const Panels panels = pack(x, frame_of(x, x, "test"), compact_order(x, all), 16);
  for (std::int64_t place = 0; place < 500; ++place) {
    double square = 0;
    for (std::int64_t k = 0; k < 5; ++k) {
      const double y = panels.panel(place / 16 * 16)[k * 16 + place % 16];
      const double gap = y - static_cast<double>(panels.center(place / kGroup, k));
      square += gap * gap;
    }
    EXPECT_LE(std::sqrt(square), panels.radius[static_cast<std::size_t>(place / kGroup)]);
  }
}

}  // namespace
}  // namespace latlas::scan
