#include "latlas/neighbors/panels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/neighbors/cells.h"
#include "latlas/neighbors/duplicates.h"
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

TEST(Doubt, BoundsTheScoreOfEveryPairInATurnedFrame) {
  for (const std::int64_t d : {2, 32, 128}) {
    const Matrix x = rows_around(96, d, 1, 1e-3);
    const std::vector<std::int32_t> all = in_order(96);
    const Frame frame = turned(frame_of(x, x, "test"), x, all);
    ASSERT_EQ(frame.turn.size(), static_cast<std::size_t>(d * d));
    const Panels panels = pack(x, frame, all, kCell);
    const Cells cells = cut(panels);
    Block block(d);
    block.fill(panels.frame, x, all);
    for (std::int64_t i = 0; i < 96; ++i) {
      const Doubt doubt(panels.frame, block.norm[static_cast<std::size_t>(i)]);
      std::vector<float> rest(cells.ends.size());
      rest_of(block.negated.row(i), cells.ends, rest.data(), 1);
      for (std::int64_t j = 0; j < 96; ++j) {
        const float distance = twin::distance(x.row(i), x.row(j), d);
        const float limit = doubt.upper(distance);
        float score = panels.half_norm[static_cast<std::size_t>(j)];
        const float* y = panels.panel(j / kCell * kCell) + j % kCell;
        std::int64_t k = 0;
        for (std::size_t s = 0; s < cells.ends.size(); ++s) {
          for (; k < cells.ends[s]; ++k) score = std::fma(block.negated(i, k), y[k * kCell], score);
          const float least =
              std::fma(-rest[s], cells.rest(static_cast<std::int64_t>(s), j), score);
          ASSERT_LE(least, limit) << d << " columns, stage " << s;
        }
        ASSERT_GE(score, doubt.lower(distance)) << d << " columns";
        // The ball of j's cell holds j, so it must not be given up within j's distance.
        const std::int64_t cell = j / kCell;
        float center = cells.half_norm[static_cast<std::size_t>(cell)];
        for (k = 0; k < d; ++k)
          center = std::fma(block.negated(i, k), cells.center(cell, k), center);
        const float r = cells.radius[static_cast<std::size_t>(cell)];
        const Doubt::Balls balls = doubt.balls(doubt.reach(distance), cells.widest);
        ASSERT_LE(center, std::fma(balls.slope, r, balls.base) + 0.5F * r * r) << d << " columns";
      }
    }
  }
}

TEST(Frame, IsTurnedToTheDirectionsOfMostVariance) {
  Matrix x = rows_around(2000, 20, 0, 1);
  for (std::int64_t i = 0; i < x.rows(); ++i) {  // along (1, 1, 0, …), and a little along the last
    for (std::int64_t j = 0; j < 20; ++j) x(i, j) *= j < 2 ? 0.01F : (j == 19 ? 1.0F : 0.02F);
    const float along = 10 * static_cast<float>(i % 7) - 30;
    x(i, 0) += along;
    x(i, 1) += along;
  }
  const std::vector<std::int32_t> all = in_order(x.rows());
  const Panels panels = pack(x, turned(frame_of(x, x, "test"), x, all), all, kCell);
  double square[20] = {};
  for (std::int64_t i = 0; i < x.rows(); ++i)
    for (std::int64_t k = 0; k < 20; ++k) {
      const double v = panels.panel(i / kCell * kCell)[k * kCell + i % kCell];
      square[k] += v * v;
    }
  EXPECT_GT(square[0], 100 * square[1]);
  EXPECT_GT(square[1], 100 * square[2]);
}

TEST(Stages, EndWithTheLastColumnAndGrow) {
  for (std::int64_t d = 1; d < 300; ++d) {
    const std::vector<std::int64_t> ends = stage_ends(d);
    EXPECT_EQ(ends.back(), d);
    for (std::size_t s = 1; s < ends.size(); ++s) EXPECT_LT(ends[s - 1], ends[s]);
  }
  EXPECT_EQ(stage_ends(32), (std::vector<std::int64_t>{8, 16, 32}));
}

TEST(Doubt, IsNarrow) {
  // At a third of the norm rounding leaves a doubt below a thousandth of the distance.
  const Frame frame{std::vector<float>(32), 1, {}};
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

TEST(CompactOrder, HoldsForAnyMagnitude) {
  // Rows on an ellipse, in order of their angle: the order is found whatever the scale, up to
  // magnitudes whose products would overflow.
  const auto order_of = [](float scale) {
    Matrix x(960, 2);
    for (std::int64_t i = 0; i < 960; ++i) {
      const double angle = 6.283185307179586 * static_cast<double>(i * 7 % 960) / 960;
      x(i, 0) = scale * static_cast<float>(1.5 * std::cos(angle));
      x(i, 1) = scale * static_cast<float>(std::sin(angle));
    }
    return compact_order(x, in_order(960));
  };
  const std::vector<std::int32_t> order = order_of(1);
  for (const float scale : {0x1p-100F, 0x1p-20F, 0x1p60F, 0x1p126F})
    EXPECT_EQ(order_of(scale), order) << scale;
  // Of ten groups on it each spans a tenth of the angle, or a little more.
  for (std::ptrdiff_t g = 0; g < 960; g += kGroup) {
    std::vector<std::int32_t> place;
    for (std::ptrdiff_t i = g; i < g + kGroup; ++i)
      place.push_back(order[static_cast<std::size_t>(i)] * 7 % 960);
    std::sort(place.begin(), place.end());
    std::int32_t gap = place.front() + 960 - place.back();  // the widest between two of them
    for (std::size_t i = 1; i < place.size(); ++i) gap = std::max(gap, place[i] - place[i - 1]);
    EXPECT_GT(gap, 960 * 8 / 10) << "group " << g / kGroup;
  }
}

TEST(DistinctRows, FindEveryEqualRowOfManyAndOfFew) {
  for (const std::int64_t n : {0, 1, 7, 4095, 4096, 30'000}) {
    const std::int64_t kinds = n / 3 + 1;
    Matrix x(n, 2);
    for (std::int64_t i = 0; i < n; ++i) x(i, 0) = static_cast<float>(i * i % kinds);
    if (n > 6) x(6, 1) = -0.0F;  // equals 0
    const Distinct found = distinct_rows(x);
    std::map<float, std::vector<std::int32_t>> expected;
    for (std::int64_t i = 0; i < n; ++i) expected[x(i, 0)].push_back(static_cast<std::int32_t>(i));
    EXPECT_EQ(found.rows.size(), expected.size());
    EXPECT_TRUE(std::is_sorted(found.rows.begin(), found.rows.end()));
    const EqualRows equal(x);
    for (const auto& [value, rows] : expected) {
      const auto members = found.equals(rows.front());
      EXPECT_EQ(std::vector(members.begin(), members.end()), rows);
      for (const std::int32_t row : rows) {
        EXPECT_EQ(found.first[static_cast<std::size_t>(row)], rows.front());
        EXPECT_EQ(equal.find(x[row]), rows.front());
      }
    }
    const float other[] = {-1, 0};
    EXPECT_EQ(equal.find(other), -1);
  }
}

TEST(CompactOrder, TakesEqualRowsAndColumnsOfZeros) {
  const Matrix zeros(500, 3);
  std::vector<std::int32_t> order = compact_order(zeros, in_order(500));
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, in_order(500));
}

TEST(CompactOrder, GoesDownToTheFinestSize) {
  const Matrix x = rows_around(960, 4, 0, 1);
  const std::vector<std::int32_t> all = in_order(960);
  // A finer order moves rows within their group only.
  std::vector<std::int32_t> coarse = compact_order(x, all), fine = compact_order(x, all, kCell);
  EXPECT_NE(coarse, fine);
  const auto widest = [&](const std::vector<std::int32_t>& order) {
    return cut(pack(x, frame_of(x, x, "test"), order, kCell)).widest;
  };
  EXPECT_LT(widest(fine), widest(coarse));
  for (std::ptrdiff_t g = 0; g < 960; g += kGroup) {
    std::sort(coarse.begin() + g, coarse.begin() + g + kGroup);
    std::sort(fine.begin() + g, fine.begin() + g + kGroup);
  }
  EXPECT_EQ(coarse, fine);
}

TEST(CompactOrder, IsTheSameForEveryNumberOfThreads) {
  const Matrix x = rows_around(30'000, 3, 1, 1);
  const std::vector<std::int32_t> all = in_order(30'000);
  const std::vector<std::int32_t> order = compact_order(x, all);
  for (const int threads : {1, 2, 3, 7}) {
    const ThreadLimit limit(threads);
    EXPECT_EQ(compact_order(x, all), order) << threads << " threads";
  }
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
