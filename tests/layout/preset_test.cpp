#include "latlas/layout/preset.h"

#include <gtest/gtest.h>

#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "latlas/layout/start.h"
#include "latlas/neighbors/exact.h"
#include "tests/layout/clusters.h"
#include "tests/layout/shapes.h"

namespace latlas {
namespace {

TEST(Preset, FillsOnlyWhatWasLeftAtItsDefault) {
  const TsneParams fast = with_preset({.preset = "fast"});
  EXPECT_EQ(fast.affinities, "uniform");
  EXPECT_EQ(fast.grid_spacing, TsneParams{}.grid_spacing);
  EXPECT_EQ(with_preset({.grid_spacing = 0.25, .preset = "fast"}).grid_spacing, 0.25);
  EXPECT_EQ(with_preset({.preset = "fast", .affinities = "perplexity"}).affinities, "perplexity");
  EXPECT_EQ(with_preset({.stop_below = 0, .preset = "exact"}).stop_below, 0);
  EXPECT_EQ(fast.coarse_above, 200'000);
  EXPECT_EQ(with_preset({.coarse_above = 2'000'000'000, .preset = "fast"}).coarse_above,
            2'000'000'000);
  EXPECT_EQ(with_preset({}).coarse_above, 0);
  EXPECT_EQ(with_preset({}).affinities, "perplexity");
  EXPECT_EQ(with_preset({}).grid_spacing, TsneParams{}.grid_spacing);
}

TEST(Preset, OfManyRowsIsExactWhereItSaysSo) {
  const Case c = make_case(2100, 15);
  const TsneParams few{.perplexity = 5, .exaggeration_iterations = 10, .iterations = 20};
  EXPECT_FALSE(tsne(c.graph, c.data, few).exact_normalizer);
  TsneParams exact = few;
  exact.preset = "exact";
  EXPECT_TRUE(tsne(c.graph, c.data, exact).exact_normalizer);
}

TEST(Preset, RejectsAnotherName) {
  const Case c = make_case(50, 15);
  EXPECT_THROW(tsne(c.graph, c.data, {.perplexity = 5, .preset = "slow"}), InvalidArgument);
  EXPECT_THROW(tsne(c.graph, c.data, {.perplexity = 5, .affinities = "cauchy"}), InvalidArgument);
}

TEST(Paced, GivesFewRowsShortStridesAndPatience) {
  EXPECT_EQ(paced({}, 4999).momentum, 0.8);
  EXPECT_EQ(paced({}, 4999).stop_below, 1e-5);
  EXPECT_EQ(paced({.stop_below = 1e-3}, 300).stop_below, 1e-3);
  EXPECT_EQ(paced({.stop_below = 1e-3}, 300).momentum, 0.8);
  EXPECT_EQ(paced(with_preset({.preset = "exact"}), 300).stop_below, 1e-5);
  EXPECT_EQ(paced({.momentum = 0.9}, 300).momentum, 0.9);
  EXPECT_EQ(paced({.momentum = 0.9}, 300).stop_below, 1e-5);
}

TEST(Paced, LeavesManyRowsAndRunsWithoutAnEndAsTheyAre) {
  const TsneParams usual;
  for (const TsneParams& p : {TsneParams{.stop_below = 0}, TsneParams{.iterations = 350},
                              TsneParams{.keep_start = true}}) {
    EXPECT_EQ(paced(p, 300).momentum, p.momentum);
    EXPECT_EQ(paced(p, 300).stop_below, p.stop_below);
  }
  EXPECT_EQ(paced({}, 5000).momentum, usual.momentum);
  EXPECT_EQ(paced({}, 5000).stop_below, usual.stop_below);
}

// Over three starts, since chance decides much of a small map.
TEST(Paced, LowersTheDivergenceOfFewRows) {
  const Matrix rows = swiss_roll(600).rows;
  const Neighbors graph = nearest_neighbors(rows, {.k = 90});
  double by_default = 0, in_long_strides = 0;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    const TsneParams p{.momentum = 0.9300001, .stop_below = 3.0000001e-4, .seed = seed};
    in_long_strides += tsne(graph, rows, p).kl;
    by_default += tsne(graph, rows, {.seed = seed}).kl;
  }
  EXPECT_LT(by_default, 0.98 * in_long_strides);
}

TEST(TsneNeighbors, AreWhatTheAffinitiesNeed) {
  EXPECT_EQ(tsne_neighbors({}, 60000), 90);
  EXPECT_EQ(tsne_neighbors({.perplexity = 9.5}, 60000), 29);
  EXPECT_EQ(tsne_neighbors({}, 50), 49);
  EXPECT_EQ(tsne_neighbors({.preset = "fast"}, 60000), 15);
  EXPECT_EQ(tsne_neighbors({.affinities = "multiscale"}, 60000), 900);
  EXPECT_EQ(tsne_neighbors({.affinities = "multiscale", .scales = {10, 50}}, 60000), 150);
  EXPECT_EQ(tsne_neighbors({.affinities = "gaussian"}, 60000), 90);
  EXPECT_EQ(tsne_neighbors({}, 1), 1);
}

TEST(Settled, ChangesNothingTheSecondTime) {
  const Case c = make_case(60, 59);
  for (const char* kind : {"automatic", "perplexity", "multiscale", "uniform", "gaussian"}) {
    std::vector<std::string> first, second;
    TsneParams once = settled({.perplexity = 30, .affinities = kind}, c.graph, first);
    TsneParams twice = settled(once, c.graph, second);
    EXPECT_TRUE(second.empty()) << kind;
    const std::vector<Field> a = fields(once), b = fields(twice);
    for (std::size_t i = 0; i < a.size(); ++i)
      EXPECT_EQ(to_text(a[i]), to_text(b[i])) << kind << ", " << a[i].name;
  }
}

TEST(Settled, LowersScalesThatRowsAreTooFewForAndSaysSo) {
  const Case c = make_case(61, 60);
  std::vector<std::string> notes;
  const TsneParams p = settled({.affinities = "multiscale", .scales = {5, 100}}, c.graph, notes);
  EXPECT_EQ(p.scales, (std::vector<std::int64_t>{5, 20}));
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("lowered from 100 to 20"), std::string::npos);
  const Case few = make_case(61, 40);
  EXPECT_THROW(settled({.affinities = "multiscale", .scales = {15}}, few.graph, notes),
               InvalidArgument);
}

// Uniform affinities know no distances, and do with any number of neighbors.
TEST(Tsne, BringsClustersApartWithEveryKindOfAffinities) {
  const Case c = make_case(600, 30);
  for (const TsneParams& params :
       {TsneParams{.perplexity = 10, .affinities = "multiscale", .scales = {4, 10}},
        TsneParams{.affinities = "uniform"}, TsneParams{.perplexity = 10, .affinities = "gaussian"},
        TsneParams{.preset = "fast"}, TsneParams{.perplexity = 10, .kept_mass = 0.95},
        TsneParams{.perplexity = 10, .late_exaggeration = 3}}) {
    const TsneResult result = tsne(c.graph, c.data, params);
    expect_centered_and_finite(result.map);
    const Neighbors near = nearest(result.map, result.map, 10);
    std::int64_t right = 0;
    for (std::int64_t i = 0; i < 600; ++i)
      for (const std::int32_t j : near.index[i]) right += i % 10 == j % 10 ? 1 : 0;
    EXPECT_GT(right, 5900) << params.affinities << ", " << params.late_exaggeration;
  }
}

TEST(Tsne, OfEveryKindGivesTheSameBitsForAnyThreadsAndInstructions) {
  const Case c = make_case(700, 15);
  for (const TsneParams& kind :
       {TsneParams{.preset = "fast"}, TsneParams{.affinities = "multiscale", .scales = {2, 5}},
        TsneParams{.perplexity = 5, .affinities = "gaussian", .late_exaggeration = 2}}) {
    TsneParams params = kind;
    params.exaggeration_iterations = 20;
    params.iterations = 50;
    params.exact_below = 0;
    std::string expected;
    for (const auto& target : simd::available()) {
      simd::select(target);
      for (const int limit : {1, 2, 3, 7}) {
        const ThreadLimit threads(limit);
        const TsneResult result = tsne(c.graph, c.data, params);
        const std::string now = sha256(result.map) + std::to_string(result.kl);
        if (expected.empty()) expected = now;
        EXPECT_EQ(now, expected) << target << ", " << limit << " threads";
      }
    }
  }
  simd::select(simd::available().front());
}

TEST(LateExaggeration, IsOneUntilRowsAreManyAndThenSaysSo) {
  std::vector<std::string> notes;
  EXPECT_EQ(late_exaggeration({}, 100'000, notes), 1);
  EXPECT_TRUE(notes.empty());
  EXPECT_GT(late_exaggeration({}, 10'000'000, notes), 1);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("exaggerated"), std::string::npos);
  EXPECT_EQ(late_exaggeration({.late_exaggeration = 1}, 10'000'000, notes), 1);
  EXPECT_EQ(late_exaggeration({.late_exaggeration = 4}, 100, notes), 4);
  EXPECT_EQ(notes.size(), 1U);
}

double mean_edge(const Affinities& a, const Matrix& map) {
  double sum = 0, size = 0;
  for (std::int64_t i = 0; i < map.rows(); ++i) {
    size += std::hypot(static_cast<double>(map(i, 0)), static_cast<double>(map(i, 1)));
    for (std::int64_t e = a.begin[static_cast<std::size_t>(i)];
         e < a.begin[static_cast<std::size_t>(i) + 1]; ++e) {
      const auto u = static_cast<std::size_t>(e);
      sum += static_cast<double>(a.weight[u]) *
             std::hypot(static_cast<double>(map(i, 0) - map(a.column[u], 0)),
                        static_cast<double>(map(i, 1) - map(a.column[u], 1)));
    }
  }
  return sum / (size / static_cast<double>(map.rows()));
}

TEST(LateExaggeration, BelowOneLeavesAFiniteMap) {
  const Case c = make_case(300, 30);
  expect_centered_and_finite(
      tsne(c.graph, c.data, {.perplexity = 10, .late_exaggeration = 0.25}).map);
}

TEST(LateExaggeration, DrawsNeighborsTogether) {
  const Case c = make_case(500, 30);
  const Affinities a = joint_affinities(c.graph, {.perplexity = 10});
  const double plain = mean_edge(a, tsne(a, c.data).map);
  const double exaggerated = mean_edge(a, tsne(a, c.data, {.late_exaggeration = 4}).map);
  EXPECT_LT(exaggerated, 0.7 * plain);
}

// ---- starts ----

TEST(Start, OfComponentsIsZeroWhereThereAreNone) {
  const Matrix rows = clusters(50, 1, 3);
  const Matrix start = pca_start(rows, 2);
  for (std::int64_t i = 0; i < 50; ++i) EXPECT_EQ(start(i, 1), 0);
  EXPECT_EQ(pca_start(clusters(50, 6, 3), 3).cols(), 3);
}

TEST(Start, AtRandomIsNormalAndFollowsTheSeed) {
  const Matrix start = random_start(20000, 2, 7);
  for (int c = 0; c < 2; ++c) {
    double mean = 0, square = 0;
    for (std::int64_t i = 0; i < 20000; ++i) {
      mean += static_cast<double>(start(i, c)) / 20000;
      square += static_cast<double>(start(i, c) * start(i, c)) / 20000;
    }
    EXPECT_NEAR(mean, 0, 0.03);  // four standard errors
    EXPECT_NEAR(square, 1, 0.04);
  }
  EXPECT_EQ(sha256(random_start(20000, 2, 7)), sha256(start));
  EXPECT_NE(sha256(random_start(20000, 2, 8)), sha256(start));
}

TEST(Start, OfTheSpectrumPartsWhatAThreadHoldsTogether) {
  // A ring of 300 rows: its two slowest waves are a circle.
  Neighbors ring{BasicMatrix<std::int32_t>(300, 2), Matrix(300, 2)};
  for (std::int64_t i = 0; i < 300; ++i) {
    ring.index(i, 0) = static_cast<std::int32_t>((i + 1) % 300);
    ring.index(i, 1) = static_cast<std::int32_t>((i + 299) % 300);
  }
  const Affinities a = joint_affinities(ring, {.affinities = "uniform"});
  const Start start = make_start("spectral", Matrix(300, 3), a, 2, 0);
  EXPECT_TRUE(start.notes.empty());
  const double radius = std::hypot(start.places(0, 0), start.places(0, 1));
  for (std::int64_t i = 0; i < 300; ++i)
    EXPECT_NEAR(std::hypot(start.places(i, 0), start.places(i, 1)), radius, 0.1 * radius);
}

TEST(Start, OfAGraphThatFallsApartIsThatOfComponentsAndSaysSo) {
  Neighbors pairs{BasicMatrix<std::int32_t>(200, 1), Matrix(200, 1)};
  for (std::int64_t i = 0; i < 200; ++i) pairs.index(i, 0) = static_cast<std::int32_t>(i ^ 1);
  const Matrix rows = clusters(200, 5, 4);
  const Start start =
      make_start("spectral", rows, joint_affinities(pairs, {.affinities = "uniform"}), 2, 0);
  ASSERT_EQ(start.notes.size(), 1U);
  EXPECT_NE(start.notes[0].find("falls apart"), std::string::npos);
  EXPECT_EQ(sha256(start.places), sha256(pca_start(rows, 2)));
  EXPECT_THROW(make_start("nowhere", rows, {}, 2, 0), InvalidArgument);
  EXPECT_THROW(make_start("spectral", rows, {}, 2, 0), InvalidArgument);
}

// ---- bad input ----

TEST(Tsne, ServesRowsOfWhichHalfAreEqual) {
  Matrix rows = clusters(400, 5, 4);
  for (std::int64_t i = 0; i < 200; ++i)
    for (std::int64_t c = 0; c < 5; ++c) rows(2 * i, c) = rows(0, c);
  const Neighbors graph = nearest(rows, rows, 30);
  for (const char* kind : {"perplexity", "multiscale", "uniform", "gaussian"})
    for (const std::int64_t exact_below : {0, 2000}) {
      const TsneResult result = tsne(
          graph, pca_start(rows, 2),
          {.perplexity = 10, .exact_below = exact_below, .affinities = kind, .scales = {3, 10}});
      expect_centered_and_finite(result.map);
      EXPECT_TRUE(std::isfinite(result.kl));
    }
}

TEST(Tsne, ServesEqualRowsAndPiecesWithEveryKind) {
  for (const bool pieces : {false, true}) {
    Neighbors graph{BasicMatrix<std::int32_t>(300, 12), Matrix(300, 12)};
    for (std::int64_t i = 0; i < 300; ++i)
      for (std::int64_t c = 0; c < 12; ++c)
        graph.index(i, c) =
            static_cast<std::int32_t>(pieces ? i / 20 * 20 + (i + c + 1) % 20 : (i + c + 1) % 300);
    for (const char* kind : {"perplexity", "multiscale", "uniform", "gaussian"})
      for (const std::int64_t exact_below : {0, 2000}) {
        const TsneResult result = tsne(
            graph, pieces ? clusters(300, 2, 20) : Matrix(300, 2),
            {.perplexity = 4, .exact_below = exact_below, .affinities = kind, .scales = {2, 4}});
        expect_centered_and_finite(result.map);
      }
  }
}

TEST(Tsne, ServesAFewRowsWithEveryKind) {
  for (const char* kind : {"perplexity", "multiscale", "uniform", "gaussian"})
    for (const std::int64_t n : {1, 2, 3, 4, 5, 17}) {
      const Case c = make_case(n, n - 1, 2);
      for (const std::int64_t exact_below : {0, 2000})
        expect_centered_and_finite(
            tsne(c.graph, c.data, {.exact_below = exact_below, .affinities = kind}).map);
    }
}

TEST(Tsne, SaysWhereAStartIsNotFinite) {
  const Case c = make_case(50, 15);
  Matrix start = pca_start(c.data, 2);
  start(42, 1) = NAN;
  try {
    tsne(c.graph, start, {.perplexity = 5});
    FAIL();
  } catch (const InvalidArgument& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("NaN in row 42, column 1"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace latlas
