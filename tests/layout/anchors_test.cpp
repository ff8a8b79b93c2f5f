#include "latlas/layout/anchors.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "latlas/layout/aligned.h"
#include "latlas/layout/checkpoint.h"
#include "tests/core/helpers.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

/// Every `step`-th row at a place of its own.
Anchors some_anchors(std::int64_t n, std::int64_t step, double strength) {
  std::vector<std::int32_t> rows;
  for (std::int64_t i = 0; i < n; i += step) rows.push_back(static_cast<std::int32_t>(i));
  const Matrix spread = clusters(std::ssize(rows), 2, 7, 5);
  return anchors_of(rows, spread, n, strength);
}

TEST(Anchors, HoldRowsAtTheirPlacesBitForBit) {
  const Case c = make_case(500, 15);
  Anchors held = some_anchors(500, 7, 0);
  held.places(7, 0) = 0;  // also at 0
  held.places(7, 1) = -0.0F;
  for (const std::int64_t exact_below : {0, 2000})
    for (const bool keep_start : {false, true}) {
      const TsneResult r = tsne(c.graph, c.data,
                                {.perplexity = 5,
                                 .iterations = 300,
                                 .exact_below = exact_below,
                                 .keep_start = keep_start},
                                {}, {.anchors = &held});
      for (std::int64_t i = 0; i < 500; ++i)
        for (int k = 0; k < 2; ++k) {
          ASSERT_TRUE(std::isfinite(r.map(i, k)));
          if (is_anchored(held, i)) {
            EXPECT_EQ(r.map(i, k), held.places(i, k)) << i;
          }
        }
    }
}

TEST(Anchors, GiveTheMapBackWhenAllOfItIsHeld) {
  const Case c = make_case(100, 15);
  const Anchors held{clusters(100, 2, 10), 0};
  EXPECT_EQ(sha256(tsne(c.graph, c.data, {.perplexity = 5}, {}, {.anchors = &held}).map),
            sha256(held.places));
}

TEST(Anchors, LeadFreeRowsToTheirNeighbors) {
  const Case c = make_case(1000, 30);
  const Matrix map = tsne(c.graph, c.data, {.perplexity = 10}).map;
  Matrix places =
      copy_of(map);  // half of the rows of a map are held: the others find their way back
  for (std::int64_t i = 0; i < 1000; i += 2) places(i, 0) = places(i, 1) = NAN;
  const Anchors held{std::move(places), 0};
  const TsneResult r = tsne(c.graph, c.data, {.perplexity = 10}, {}, {.anchors = &held});
  const Neighbors near = nearest(r.map, r.map, 10);
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < 1000; ++i)
    for (const std::int32_t j : near.index[i]) right += i % 10 == j % 10 ? 1 : 0;
  EXPECT_GT(right, 9800);  // held rows stand in the way of some
}

/// The balance of forces: at the end, KL's gradient and the pull cancel on every pulled row.
TEST(Anchors, PullUntilTheForcesBalance) {
  const std::int64_t n = 300;
  const Case c = make_case(n, 15);
  const Affinities a = perplexity_affinities(c.graph, {.perplexity = 5});
  double before = 1e9;
  for (const double strength : {0.1, 1.0, 10.0, 1e6}) {
    const Anchors pulled = some_anchors(n, 3, strength);
    const TsneResult r = tsne(a, c.data, {.iterations = 6000, .momentum = 0.8, .stop_below = 0}, {},
                              {.anchors = &pulled});
    const FieldTwin field = field_twin(r.map);
    const BasicMatrix<double> p = dense(a);
    double away = 0, rest = 0, pull_size = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      double g[2] = {2 * field.x[static_cast<std::size_t>(i)] / field.normalizer,
                     2 * field.y[static_cast<std::size_t>(i)] / field.normalizer};
      double d[2], pull[2] = {0, 0};
      for (std::int64_t j = 0; j < n; ++j) {
        if (p(i, j) == 0) continue;
        for (int k = 0; k < 2; ++k)
          d[k] = static_cast<double>(r.map(i, k)) - static_cast<double>(r.map(j, k));
        const double w = 4 * p(i, j) / (1 + d[0] * d[0] + d[1] * d[1]);
        for (int k = 0; k < 2; ++k) g[k] += w * d[k];
      }
      for (int k = 0; k < 2; ++k) {
        if (is_anchored(pulled, i)) {
          const double gap =
              static_cast<double>(r.map(i, k)) - static_cast<double>(pulled.places(i, k));
          away += gap * gap;
          pull[k] = 4 * strength / static_cast<double>(n) * gap;
        }
        rest += std::pow(g[k] + pull[k], 2);
        pull_size += pull[k] * pull[k];
      }
    }
    if (strength <= 10) {  // beyond, a gap of one bit of a place is a larger force than that
      EXPECT_LT(rest, 0.01 * pull_size) << strength;
    }
    EXPECT_LT(away, before) << strength;  // a stronger pull leaves a smaller gap
    before = away;
  }
  EXPECT_LT(std::sqrt(before / 100), 1e-4);
}

TEST(Anchors, GiveTheSameBitsForAnyThreadsInstructionsAndFromACheckpoint) {
  const Case c = make_case(120, 15);
  for (const double strength : {0.0, 0.5}) {
    const Anchors anchors = some_anchors(120, 3, strength);
    std::string expected;
    TsneState state;
    for (const auto& target : simd::available()) {
      simd::select(target);
      for (const int limit : {1, 2, 3, 7}) {
        const ThreadLimit threads(limit);
        const bool again = state.iteration > 0;
        const TsneResult r =
            tsne(c.graph, c.data, {.perplexity = 5, .iterations = 60, .exact_below = 0}, {},
                 {.anchors = &anchors,
                  .resume = again && limit % 2 == 1 ? &state : nullptr,
                  .save_every = 40,
                  .save = [&](TsneState&& s) {
                    if (!again) state = std::move(s);
                  }});
        const std::string now = sha256(r.map) + std::to_string(r.kl);
        if (expected.empty()) expected = now;
        EXPECT_EQ(now, expected) << target << ", " << limit << " threads, strength " << strength;
      }
    }
  }
  simd::select(simd::available().front());
}

TEST(Anchors, AreRefusedWhereTheyAreNoPlaces) {
  const Case c = make_case(50, 15);
  const auto refusal = [&](Anchors anchors) {
    return message_of<InvalidArgument>(
        [&] { tsne(c.graph, c.data, {.perplexity = 5}, {}, {.anchors = &anchors}); });
  };
  const auto says = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  Matrix half(50, 2);
  half(3, 1) = NAN;
  says(refusal({std::move(half), 1}), "row 3 of the anchors");
  Matrix infinite(50, 2);
  infinite(4, 0) = INFINITY;
  says(refusal({std::move(infinite), 1}), "row 4 of the anchors");
  says(refusal({Matrix(49, 2), 1}), "49 × 2");
  says(refusal({Matrix(50, 3), 1}), "50 × 3");
  says(refusal({Matrix(50, 2), -1}), "strength");
  says(refusal({Matrix(50, 2), NAN}), "strength");
  EXPECT_THROW(anchors_of(std::array{3, 3}, Matrix(2, 2), 50), InvalidArgument);
  EXPECT_THROW(anchors_of(std::array{50}, Matrix(1, 2), 50), InvalidArgument);
  EXPECT_THROW(anchors_of(std::array{-1}, Matrix(1, 2), 50), InvalidArgument);
  EXPECT_THROW(anchors_of(std::array{1}, Matrix(2, 2), 50), InvalidArgument);
}

TEST(Anchors, MayBeNoneOfTheRows) {
  const Case c = make_case(60, 15);
  const Anchors none = anchors_of({}, Matrix(0, 2), 60);
  const TsneResult r = tsne(c.graph, c.data, {.perplexity = 5}, {}, {.anchors = &none});
  for (std::int64_t i = 0; i < 60; ++i) EXPECT_TRUE(std::isfinite(r.map(i, 0)));
}

/// Clusters that part from each other over the steps.
std::vector<Case> sequence(std::int64_t steps, std::int64_t n) {
  std::vector<Case> out;
  for (std::int64_t t = 0; t < steps; ++t) {
    const Matrix last = clusters(n, 6, 8), noise = clusters(n, 6, 1, 3);
    Case c{Matrix(n, 6), {}};
    const float share = static_cast<float>(t + 1) / static_cast<float>(steps);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < 6; ++k)
        c.data(i, k) = share * last(i, k) + (1 - share) * noise(i, k);
    c.graph = nearest(c.data, c.data, 15);
    out.push_back(std::move(c));
  }
  return out;
}

TEST(AlignedTsne, MovesRowsLittleAndKeepsEachMapGood) {
  const std::vector<Case> steps = sequence(4, 400);
  const auto affinities = [&](std::int64_t t) {
    return perplexity_affinities(steps[static_cast<std::size_t>(t)].graph, {.perplexity = 5});
  };
  const Matrix& start = steps.back().data;
  const AlignedResult r = aligned_tsne(4, affinities, start);
  ASSERT_EQ(r.maps.size(), 4U);
  ASSERT_EQ(r.moved.size(), 3U);
  EXPECT_EQ(sha256(r.maps.back().map), sha256(tsne(affinities(3), start).map));
  double extent = 0;
  for (std::int64_t i = 0; i < 400; ++i)
    extent = std::max(extent, std::abs(static_cast<double>(r.maps.back().map(i, 0))));
  for (std::size_t t = 0; t < 3; ++t) {
    const auto at = static_cast<std::int64_t>(t);
    const double alone = tsne(affinities(at), steps[t].data).kl;
    EXPECT_LT(r.maps[t].kl, 1.5 * alone + 0.05) << t;  // the pull has its price
    EXPECT_LT(r.moved[t], 0.5 * extent) << t;
  }
  const AlignedResult loose = aligned_tsne(4, affinities, start, {}, {.alignment = 0});
  const AlignedResult tight = aligned_tsne(4, affinities, start, {}, {.alignment = 100});
  for (std::size_t t = 0; t < 3; ++t) EXPECT_LT(tight.moved[t], loose.moved[t]);
}

TEST(AlignedTsne, EndsInGoodOrder) {
  const std::vector<Case> steps = sequence(3, 100);
  const auto affinities = [&](std::int64_t t) {
    return perplexity_affinities(steps[static_cast<std::size_t>(t)].graph, {.perplexity = 5});
  };
  const AlignedResult r =
      aligned_tsne(3, affinities, steps.back().data, {.iterations = 100}, {},
                   [](const Report& now) { return now.step > 150 ? Next::stop : Next::proceed; });
  EXPECT_EQ(r.maps.size(), 1U);
  EXPECT_THROW(aligned_tsne(0, affinities, steps.back().data), InvalidArgument);
  EXPECT_THROW(aligned_tsne(3, affinities, Matrix(99, 2)), InvalidArgument);
  EXPECT_THROW(aligned_tsne(3, affinities, steps.back().data, {}, {.alignment = -1}),
               InvalidArgument);
}

}  // namespace
}  // namespace latlas
