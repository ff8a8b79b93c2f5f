#include "latlas/layout/novelty.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

TEST(Novelty, FlagsRowsFarFromEverything) {
  const Case c = make_case(1000, 20);
  Matrix fresh = clusters(1040, 6, 10);  // from row 1000 on, new rows of the same clusters
  Matrix rows(60, 6);
  for (std::int64_t i = 0; i < 40; ++i) std::copy_n(fresh.row(1000 + i), 6, rows.row(i));
  for (std::int64_t i = 40; i < 60; ++i)  // and rows 25 deviations away from all of them
    for (std::int64_t k = 0; k < 6; ++k)
      rows(i, k) = c.data(i, k) + (k == i % 6 ? (i % 2 == 0 ? 25.0F : -25.0F) : 0.0F);
  const Novelty found = novelty(c.graph, nearest(rows, c.data, 20));
  std::int64_t usual = 0;
  for (std::size_t i = 0; i < 40; ++i) usual += found.far[i];
  EXPECT_LE(usual, 2);
  for (std::size_t i = 40; i < 60; ++i) {
    EXPECT_EQ(found.far[i], 1) << i;
    EXPECT_GT(found.distance[i], 2 * found.distance_limit);
  }
  EXPECT_EQ(found.count, usual + 20);
}

TEST(Novelty, SeesAGapBetweenDenseRowsThatWideOnesAreUsedTo) {
  // Two dense lines of rows, ten apart, and a wide cloud: a row between the lines is nearer to both
  // than rows of the cloud are to each other, but not where rows stand so thin.
  Matrix data(600, 2);
  for (std::int64_t i = 0; i < 600; ++i) {
    const auto u = static_cast<std::uint64_t>(i);
    for (int k = 0; k < 2; ++k)
      data(i, k) =
          static_cast<float>(random::normal({.sub = 4, .index = 2 * u + (k == 1 ? 1U : 0U)}));
    for (int k = 0; k < 2; ++k) data(i, k) *= i < 300 ? 0.1F : 30.0F;
    if (i < 300) data(i, 0) += i % 2 == 0 ? -500.0F : -490.0F;
  }
  Matrix row(1, 2);
  row(0, 0) = -495;
  const Novelty found = novelty(nearest(data, data, 15), nearest(row, data, 15));
  EXPECT_LT(found.distance[0], found.distance_limit);
  EXPECT_GT(found.density[0], 10 * found.density_limit);
  EXPECT_EQ(found.far[0], 1);
}

TEST(Novelty, OfARowDoesNotDependOnItsBatchOrTheThreads) {
  const Case c = make_case(300, 15);
  const Matrix rows = clusters(50, 6, 4, 9);
  const Neighbors graph = nearest(rows, c.data, 15);
  const Novelty all = novelty(c.graph, graph);
  for (const int limit : {1, 2, 3, 7}) {
    const ThreadLimit threads(limit);
    for (std::int64_t i = 0; i < 50; ++i) {
      Neighbors one{BasicMatrix<std::int32_t>(1, 15), Matrix(1, 15)};
      std::copy_n(graph.index.row(i), 15, one.index.row(0));
      std::copy_n(graph.distance.row(i), 15, one.distance.row(0));
      const Novelty alone = novelty(c.graph, one);
      const auto u = static_cast<std::size_t>(i);
      EXPECT_EQ(alone.distance[0], all.distance[u]);
      EXPECT_EQ(alone.density[0], all.density[u]);
      EXPECT_EQ(alone.far[0], all.far[u]);
    }
  }
}

TEST(Novelty, FlagsNoRowOfTheFitItself) {
  const Case c = make_case(500, 15);
  EXPECT_LE(novelty(c.graph, nearest(c.data, c.data, 15)).count, 1);  // the thousandth part
  EXPECT_EQ(novelty(c.graph, nearest(c.data, c.data, 15), {.quantile = 1}).count, 0);
}

TEST(Novelty, IsDefinedWhereAllRowsAreEqual) {
  const Matrix data(40, 3);
  Matrix rows(2, 3);
  rows(1, 0) = 1;
  const Novelty found = novelty(nearest(data, data, 5), nearest(rows, data, 5));
  EXPECT_EQ(found.far[0], 0);
  EXPECT_EQ(found.far[1], 1);
  for (const auto* values : {&found.distance, &found.density})
    for (const float x : *values) EXPECT_TRUE(std::isfinite(x));
  EXPECT_EQ(novelty(nearest(data, data, 5), Neighbors{}).count, 0);
}

TEST(Novelty, RejectsGraphsThatAreNone) {
  const Case c = make_case(50, 5);
  Neighbors graph = nearest(c.data, c.data, 5);
  EXPECT_THROW(novelty(Neighbors{}, graph), InvalidArgument);
  graph.index(3, 2) = 50;
  EXPECT_THROW(novelty(c.graph, graph), InvalidArgument);
  graph.index(3, 2) = 0;
  graph.distance(4, 1) = -1;
  EXPECT_THROW(novelty(c.graph, graph), InvalidArgument);
  graph.distance(4, 1) = NAN;
  EXPECT_THROW(novelty(graph, c.graph), InvalidArgument);
  EXPECT_THROW(novelty(c.graph, c.graph, {.k = 0}), InvalidArgument);
}

}  // namespace
}  // namespace latlas
