#include "latlas/layout/umap.h"

#include <gtest/gtest.h>

#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

/// The share of the 10 nearest in the map that are of a row's own cluster.
double purity(ConstRows queries, ConstRows map, std::int64_t count) {
  const Neighbors near = nearest(queries, map, 10);
  double right = 0;
  for (std::int64_t i = 0; i < near.rows(); ++i)
    for (const std::int32_t j : near.index[i]) right += i % count == j % count ? 1 : 0;
  return right / static_cast<double>(near.rows() * 10);
}

// umap-learn 0.5.12: find_ab_params(spread, min_dist).
TEST(UmapCurve, IsThatOfUmapLearn) {
  struct Golden {
    double spread, min_dist, a, b;
  };
  for (const Golden& g :
       {Golden{1, 0.1, 1.5769435, 0.89506088}, Golden{1, 0.5, 0.58303002, 1.334167},
        Golden{2, 0.25, 0.4162735, 0.92185513}, Golden{1, 0, 1.9328084, 0.79049497}}) {
    const UmapCurve curve = fit_umap_curve(g.min_dist, g.spread);
    EXPECT_NEAR(curve.a, g.a, 1e-4 * g.a);
    EXPECT_NEAR(curve.b, g.b, 1e-4 * g.b);
  }
  EXPECT_THROW(fit_umap_curve(2, 1), InvalidArgument);
}

TEST(UmapCurve, MayBeGiven) {
  const Case c = make_case(200, 14);
  const UmapCurve fitted = fit_umap_curve(0.1, 1);
  const UmapResult by_spread = umap(c.graph, c.data);
  const UmapParams same{.min_dist = 0.7, .a = fitted.a, .b = fitted.b}, other{.a = 3, .b = 0.6};
  EXPECT_EQ(sha256(umap(c.graph, c.data, same).map), sha256(by_spread.map));
  const UmapResult given = umap(c.graph, c.data, other);
  EXPECT_EQ(given.curve.a, 3);
  EXPECT_NE(sha256(given.map), sha256(by_spread.map));
  const auto placed = [&](const UmapParams& p) {
    return sha256(umap_place(by_spread.map, c.graph, p).map);
  };
  EXPECT_EQ(placed(same), placed({}));
  EXPECT_NE(placed(other), placed({}));
  EXPECT_THROW(umap(c.graph, c.data, {.a = 1}), InvalidArgument);
  EXPECT_THROW(umap(c.graph, c.data, {.b = 1}), InvalidArgument);
  EXPECT_THROW(umap(c.graph, c.data, {.a = 1, .b = 4}), InvalidArgument);
  EXPECT_THROW(umap(c.graph, c.data, {.a = -1, .b = 1}), InvalidArgument);
}

TEST(Umap, BringsClustersApart) {
  const Case c = make_case(1000, 14);
  for (const char* init : {"spectral", "pca", "random"}) {
    const UmapResult result = umap(c.graph, c.data, {.init = init});
    EXPECT_EQ(result.epochs, 500);
    expect_centered_and_finite(result.map);
    EXPECT_GT(purity(result.map, result.map, 10), 0.98) << init;
  }
}

TEST(Umap, SpreadsAnIntervalInOrder) {
  // 400 rows along a line: the start is the line, and the map keeps its order.
  Matrix line(400, 2);
  for (std::int64_t i = 0; i < 400; ++i) line(i, 0) = static_cast<float>(i);
  const UmapResult result = umap(nearest(line, line, 14), line);
  EXPECT_TRUE(result.notes.empty());
  const Neighbors near = nearest(result.map, result.map, 4);
  std::int64_t close = 0;
  for (std::int64_t i = 0; i < 400; ++i)
    for (const std::int32_t j : near.index[i]) close += std::abs(i - j) <= 14 ? 1 : 0;
  EXPECT_GT(close, 1550);
}

TEST(Umap, GivesTheSameBitsForAnyThreadsAndInstructions) {
  const Case c = make_case(700, 14, 1);
  std::string expected;
  for (const auto& target : simd::available()) {
    simd::select(target);
    for (const int limit : {1, 2, 3, 7}) {
      const ThreadLimit threads(limit);
      const UmapResult result = umap(c.graph, c.data, {.n_epochs = 20});
      EXPECT_TRUE(result.notes.empty());
      const Matrix placed =
          umap_place(result.map, nearest(clusters(50, 6, 3), c.data, 15), {.n_epochs = 30}).map;
      const std::string now = sha256(result.map) + sha256(placed);
      if (expected.empty()) expected = now;
      EXPECT_EQ(now, expected) << target << ", " << limit << " threads";
    }
  }
  simd::select(simd::available().front());
}

// Printed by this very test when it was written; the same on every processor with fused
// multiply-add. A change of the arithmetic changes them, and belongs into CHANGELOG.md.
TEST(Umap, GivesTheGoldenMaps) {
  const Case c = make_case(300, 14, 1);
  const Matrix map = umap(c.graph, c.data, {.n_epochs = 50}).map;
  EXPECT_EQ(sha256(map), "e7ff401d281ead2064645b2b7d1c636cd3d61bcf4775bb7a8d8ac5bf62260f3c");
  EXPECT_EQ(sha256(umap_place(map, nearest(clusters(50, 6, 3), c.data, 15)).map),
            "2d93cdb42f18a79a37652d57a09d09768f4d990b22c7376f7a76fec47af71831");
}

TEST(Umap, DependsOnItsSeed) {
  const Case c = make_case(300, 14);
  EXPECT_NE(sha256(umap(c.graph, c.data, {.n_epochs = 5, .seed = 1}).map),
            sha256(umap(c.graph, c.data, {.n_epochs = 5, .seed = 2}).map));
}

TEST(Umap, ShowsItsMapOnTheWayAndChangesNothing) {
  const Case c = make_case(300, 15);
  const UmapParams params{.n_neighbors = 10, .n_epochs = 60};
  const UmapResult whole = umap(c.graph, c.data, params);
  std::vector<std::int64_t> seen;
  Matrix last;
  const UmapResult watched =
      umap(c.graph, c.data, params, {}, {.every = 20, .show = [&](const Snapshot& s) {
                                           seen.push_back(s.iteration);
                                           EXPECT_TRUE(std::isnan(s.kl));
                                           last = copy_of(s.map);
                                           return Next::proceed;
                                         }});
  EXPECT_EQ(sha256(watched.map), sha256(whole.map));
  EXPECT_EQ(sha256(last), sha256(whole.map));
  EXPECT_EQ(seen, (std::vector<std::int64_t>{20, 40, 60}));
  const UmapResult ended = umap(c.graph, c.data, params, {},
                                {.every = 20, .show = [](const Snapshot&) { return Next::stop; }});
  EXPECT_TRUE(ended.stopped);
  EXPECT_EQ(ended.epochs, 20);
}

TEST(Umap, StopsWhenAskedWithAValidMap) {
  const Case c = make_case(300, 14);
  const UmapResult result = umap(c.graph, c.data, {}, [&](const Report& report) {
    EXPECT_EQ(report.stage, "UMAP");
    EXPECT_EQ(report.of, 500);
    return report.step >= 20 ? Next::stop : Next::proceed;
  });
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.epochs, 20);
  expect_centered_and_finite(result.map);
}

TEST(Umap, ServesAFewRows) {
  EXPECT_EQ(umap(Neighbors{}, Matrix{}).map.rows(), 0);
  for (const std::int64_t n : {1, 2, 3, 4, 5, 17}) {
    const Case c = make_case(n, n - 1, 1);
    const UmapResult result = umap(c.graph, c.data);
    EXPECT_EQ(result.map.rows(), n);
    expect_centered_and_finite(result.map);
    EXPECT_EQ(result.notes.empty(), n == 1 || n == 17);  // n_neighbors is lowered
  }
}

TEST(Umap, ServesRowsThatAreAllEqual) {
  for (const std::int64_t n : {40, 300}) {
    Neighbors graph{BasicMatrix<std::int32_t>(n, 14), Matrix(n, 14)};
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t c = 0; c < 14; ++c)
        graph.index(i, c) = static_cast<std::int32_t>((i + c + 1) % n);
    for (const char* init : {"spectral", "pca"})
      expect_centered_and_finite(umap(graph, Matrix(n, 2), {.init = init}).map);
  }
}

TEST(Umap, ServesRowsOfWhichHalfAreEqual) {
  Matrix x = clusters(600, 6, 3);
  for (std::int64_t i = 0; i < 600; i += 2) std::copy_n(x.row(0), 6, x.row(i));
  const Neighbors graph = nearest(x, x, 14);
  for (const char* init : {"spectral", "pca"})
    expect_centered_and_finite(umap(graph, x, {.init = init}).map);
}

TEST(Umap, ServesAGraphInManyPiecesAndSaysSo) {
  // 100 pairs, each other's only neighbors.
  Neighbors graph{BasicMatrix<std::int32_t>(200, 1), Matrix(200, 1)};
  for (std::int64_t i = 0; i < 200; ++i) graph.index(i, 0) = static_cast<std::int32_t>(i ^ 1);
  const UmapResult result = umap(graph, clusters(200, 2, 20), {.n_neighbors = 2});
  expect_centered_and_finite(result.map);
  ASSERT_EQ(result.notes.size(), 1U);
  EXPECT_NE(result.notes[0].find("falls apart"), std::string::npos);
}

TEST(Umap, ServesTheEndsOfItsParameters) {
  const Case c = make_case(100, 14);
  for (const UmapParams& p :
       {UmapParams{.min_dist = 0}, UmapParams{.min_dist = 1}, UmapParams{.spread = 100},
        UmapParams{.negative_sample_rate = 0}, UmapParams{.negative_sample_rate = 1000},
        UmapParams{.n_epochs = 1}, UmapParams{.learning_rate = 1000},
        UmapParams{.repulsion_strength = 1000}, UmapParams{.set_op_mix_ratio = 0},
        UmapParams{.local_connectivity = 0}, UmapParams{.local_connectivity = 1000},
        UmapParams{.a = 1e3, .b = 3}, UmapParams{.a = 1e-3, .b = 1e-3}}) {
    expect_centered_and_finite(umap(c.graph, c.data, p).map);
  }
}

TEST(Umap, RejectsWhatCannotBeLaidOut) {
  const Case c = make_case(100, 13);
  EXPECT_THROW(umap(c.graph, c.data), InvalidArgument);  // 13 neighbors, 14 needed
  const UmapParams p{.n_neighbors = 14};
  EXPECT_THROW(umap(c.graph, clusters(99, 6, 10), p), InvalidArgument);
  EXPECT_THROW(umap(c.graph, Matrix(100, 1), p), InvalidArgument);
  Matrix bad = copy_of(c.data);
  bad(42, 1) = NAN;
  EXPECT_THROW(umap(c.graph, bad, p), InvalidArgument);
  EXPECT_THROW(umap(c.graph, c.data, {.n_neighbors = 1}), InvalidArgument);
  EXPECT_THROW(umap(c.graph, c.data, {.n_neighbors = 14, .min_dist = 2}), InvalidArgument);
  EXPECT_THROW(umap(c.graph, c.data, {.n_neighbors = 14, .init = "best"}), InvalidArgument);
}

TEST(UmapPlace, PutsNewRowsIntoTheirClusters) {
  const Case c = make_case(1000, 14);
  const Matrix map = umap(c.graph, c.data).map;
  // clusters() draws rows one after another: the first of more rows are the same ones.
  const Matrix more = clusters(1200, 6, 10);
  const Matrix fresh = copy_of(more.rows(1000, 1200));
  const UmapPlaceResult placed = umap_place(map, nearest(fresh, c.data, 15));
  EXPECT_TRUE(placed.notes.empty());
  EXPECT_GT(purity(placed.map, map, 10), 0.98);
}

TEST(UmapPlace, PlacesEachRowByItself) {
  const Case c = make_case(400, 14);
  const Matrix map = umap(c.graph, c.data, {.n_epochs = 50}).map;
  Matrix fresh = clusters(37, 6, 10, 2);
  for (float& x : fresh[20]) x = 1e6F;  // company that is far away, which the others do not notice
  for (float& x : fresh[21]) x = -1e3F;
  const Neighbors near = nearest(fresh, c.data, 15);
  const Matrix together = umap_place(map, near).map;
  for (const std::int64_t i : {0, 15, 16, 36}) {
    Neighbors one{BasicMatrix<std::int32_t>(1, 15), Matrix(1, 15)};
    std::copy_n(near.index.row(i), 15, one.index.row(0));
    std::copy_n(near.distance.row(i), 15, one.distance.row(0));
    const Matrix alone = umap_place(map, one).map;
    EXPECT_EQ(alone(0, 0), together(i, 0));
    EXPECT_EQ(alone(0, 1), together(i, 1));
  }
}

TEST(UmapPlace, ServesHostileInputs) {
  const Matrix map = clusters(30, 2, 3);
  EXPECT_EQ(umap_place(map, Neighbors{}).map.rows(), 0);
  Neighbors near = nearest(clusters(4, 2, 2), map, 3);
  EXPECT_EQ(umap_place(map, near).notes.size(), 1U);  // 3 neighbors instead of 15
  for (std::int64_t i = 0; i < 4; ++i)
    for (float& d : near.distance[i]) d = 0;
  const UmapPlaceResult equal = umap_place(map, near);
  for (std::int64_t i = 0; i < 4; ++i) EXPECT_TRUE(std::isfinite(equal.map(i, 0)));
  near.index(2, 1) = 30;
  EXPECT_THROW(umap_place(map, near), InvalidArgument);
  near.index(2, 1) = 0;
  near.distance(1, 1) = NAN;
  EXPECT_THROW(umap_place(map, near), InvalidArgument);
  near.distance(1, 1) = 0;
  EXPECT_THROW(umap_place(clusters(30, 3, 3), near), InvalidArgument);
  Matrix bad = copy_of(map);
  bad(3, 1) = INFINITY;
  EXPECT_THROW(umap_place(bad, near), InvalidArgument);
}

}  // namespace
}  // namespace latlas
