#include "latlas/layout/place.h"

#include <gtest/gtest.h>

#include <cmath>

#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

struct Fitted {
  Matrix data;
  Matrix map;
};
/// 600 rows in ten clusters and their map, fitted once.
const Fitted& fitted() {
  static const Fitted f = [] {
    Matrix data = clusters(600, 6, 10);
    Matrix map = tsne(nearest(data, data, 30), data, {.perplexity = 10}).map;
    return Fitted{std::move(data), std::move(map)};
  }();
  return f;
}

/// New rows near those of the fit: each is a row moved by a normal of deviation 0.3.
Matrix new_rows(std::int64_t m) {
  Matrix rows(m, 6);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t c = 0; c < 6; ++c)
      rows(i, c) =
          fitted().data(i, c) +
          static_cast<float>(
              0.3 * random::normal({.sub = 9, .index = static_cast<std::uint64_t>(i * 6 + c)}));
  return rows;
}

Neighbors part(const Neighbors& all, std::int64_t begin, std::int64_t end) {
  Neighbors out{BasicMatrix<std::int32_t>(end - begin, all.k()), Matrix(end - begin, all.k())};
  for (std::int64_t i = begin; i < end; ++i)
    for (std::int64_t c = 0; c < all.k(); ++c) {
      out.index(i - begin, c) = all.index(i, c);
      out.distance(i - begin, c) = all.distance(i, c);
    }
  return out;
}

TEST(Place, PutsRowsOfTheFitOntoThemselves) {
  const Fitted& f = fitted();
  const Matrix again = copy_of(f.data);  // each is its own nearest row
  const PlaceResult placed = place(f.map, nearest(again, f.data, 30), {.perplexity = 10});
  EXPECT_EQ(placed.unconverged, 0);
  EXPECT_EQ(sha256(placed.map), sha256(f.map));
}

TEST(Place, PutsRowsCloseToWhereTheFitDid) {
  const Fitted& f = fitted();
  const PlaceResult placed = place(f.map, nearest(f.data, f.data, 30), {.perplexity = 10});
  EXPECT_EQ(placed.unconverged, 0);
  // The fit balances the mean of both directions of an affinity, placing one of them: rows move,
  // but stay within their cluster, a tenth of the map's width.
  double extent = 0;
  std::vector<double> moved;
  for (std::int64_t i = 0; i < 600; ++i) {
    extent = std::max(extent, std::abs(static_cast<double>(f.map(i, 0))));
    moved.push_back(std::hypot(placed.map(i, 0) - f.map(i, 0), placed.map(i, 1) - f.map(i, 1)));
  }
  std::sort(moved.begin(), moved.end());
  EXPECT_LT(moved[300], 0.02 * extent);
  EXPECT_LT(moved[570], 0.1 * extent);
}

TEST(Place, PutsNewRowsIntoTheirClusters) {
  const Matrix rows = new_rows(500);
  const PlaceResult placed =
      place(fitted().map, nearest(rows, fitted().data, 30), {.perplexity = 10});
  const Neighbors near = nearest(placed.map, fitted().map, 10);
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < 500; ++i)
    for (const std::int32_t j : near.index[i]) right += i % 10 == j % 10 ? 1 : 0;
  EXPECT_GT(right, 4900);
}

/// C of a place in the fitted map, by all pairs and in double.
double cost(ConstRows map, double normalizer, const Neighbors& near, const Matrix& weight,
            std::int64_t row, ConstRows at, std::int64_t i) {
  const auto w = [&](std::int64_t j) {
    return 1 + std::pow(static_cast<double>(at(i, 0)) - static_cast<double>(map(j, 0)), 2) +
           std::pow(static_cast<double>(at(i, 1)) - static_cast<double>(map(j, 1)), 2);
  };
  double pull = 0, potential = 0;
  for (std::int64_t j = 0; j < map.rows(); ++j) potential += 1 / w(j);
  for (std::int64_t c = 0; c < near.k(); ++c)
    pull += static_cast<double>(weight(row, c)) * std::log(w(near.index(row, c)));
  return pull + static_cast<double>(map.rows()) / normalizer * potential;
}

TEST(Place, CostsARowNoMoreThanThePlaceOfAnyOfItsNearestNeighbors) {
  const Matrix& map = fitted().map;
  const Matrix rows = new_rows(40);
  const Neighbors near = nearest(rows, fitted().data, 30);
  const Matrix weight = conditional_weights(near, 10);
  const PlaceResult placed = place(map, near, {.perplexity = 10});
  double normalizer = 0;
  for (std::int64_t i = 0; i < map.rows(); ++i)
    for (std::int64_t j = 0; j < map.rows(); ++j)
      if (i != j)
        normalizer += 1 / (1 + std::pow(static_cast<double>(map(i, 0)) - map(j, 0), 2) +
                           std::pow(static_cast<double>(map(i, 1)) - map(j, 1), 2));
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    const double reached = cost(map, normalizer, near, weight, i, placed.map, i);
    // The grid's potential errs by some thousandths of it, at both places.
    for (std::int64_t c = 0; c < 8; ++c)
      EXPECT_LT(reached, 1.01 * cost(map, normalizer, near, weight, i, map, near.index(i, c)))
          << i << ", " << c;
  }
}

TEST(Place, GivesARowTheSameBitsInAnyBatch) {
  const Matrix rows = new_rows(50);
  const Neighbors graph = nearest(rows, fitted().data, 30);
  const PlaceParams params{.perplexity = 10};
  const Matrix all = place(fitted().map, graph, params).map;
  for (const auto& [begin, end] : {std::pair{0, 1}, {7, 8}, {3, 20}, {17, 50}}) {
    const Matrix some = place(fitted().map, part(graph, begin, end), params).map;
    for (std::int64_t i = begin; i < end; ++i)
      for (int c = 0; c < 2; ++c) EXPECT_EQ(some(i - begin, c), all(i, c)) << i;
  }
}

TEST(FrozenMap, TakesOneBatchAfterAnother) {
  const Neighbors graph = nearest(new_rows(50), fitted().data, 30);
  const FrozenMap frozen(fitted().map);
  for (const auto& [begin, end] : {std::pair{0, 20}, {20, 50}, {0, 50}}) {
    const Neighbors batch = part(graph, begin, end);
    EXPECT_EQ(sha256(frozen.place(batch).map), sha256(place(fitted().map, batch).map));
  }
  EXPECT_EQ(frozen.place(Neighbors{}).map.rows(), 0);
  Matrix bad = copy_of(fitted().map);
  bad(3, 1) = NAN;
  EXPECT_THROW(FrozenMap{bad}, InvalidArgument);
}

TEST(Place, GivesTheSameBitsForAnyThreadsAndInstructions) {
  const Matrix rows = new_rows(100);
  const Neighbors graph = nearest(rows, fitted().data, 17);
  std::string expected;
  for (const auto& target : simd::available()) {
    simd::select(target);
    for (const int limit : {1, 2, 3, 7}) {
      const ThreadLimit threads(limit);
      const std::string now = sha256(place(fitted().map, graph, {.perplexity = 5}).map);
      if (expected.empty()) expected = now;
      EXPECT_EQ(now, expected) << target << ", " << limit << " threads";
    }
  }
  simd::select(simd::available().front());
}

TEST(Place, LowersAPerplexityTooLargeAndSaysSo) {
  const Matrix rows = new_rows(5);
  const PlaceResult placed = place(fitted().map, nearest(rows, fitted().data, 9));
  ASSERT_EQ(placed.notes.size(), 1U);
  EXPECT_NE(placed.notes[0].find("perplexity lowered from 10 to 3"), std::string::npos);
}

TEST(Place, ServesMapsOfAFewRows) {
  Matrix one(1, 2);
  one(0, 0) = 5;
  Neighbors graph{BasicMatrix<std::int32_t>(3, 1), Matrix(3, 1)};
  const PlaceResult placed = place(one, graph);
  for (std::int64_t i = 0; i < 3; ++i) EXPECT_NEAR(placed.map(i, 0), 5, 1e-3);
  EXPECT_EQ(place(one, Neighbors{}).map.rows(), 0);
}

TEST(Place, StopsWhenAskedWithAValidMap) {
  // 2,000 new rows, all the same, to reach more than one call of progress.
  const Matrix row = new_rows(1);
  const Neighbors first = nearest(row, fitted().data, 30);
  Neighbors graph{BasicMatrix<std::int32_t>(2000, 30), Matrix(2000, 30)};
  for (std::int64_t i = 0; i < 2000; ++i)
    for (std::int64_t c = 0; c < 30; ++c) {
      graph.index(i, c) = first.index(0, c);
      graph.distance(i, c) = first.distance(0, c);
    }
  const PlaceResult placed =
      place(fitted().map, graph, {.perplexity = 10}, [](const Report&) { return Next::stop; });
  EXPECT_TRUE(placed.stopped);
  for (int c = 0; c < 2; ++c) EXPECT_EQ(placed.map(1999, c), fitted().map(first.index(0, 0), c));
}

TEST(Place, RejectsWhatHasNoPlace) {
  const Matrix rows = new_rows(5);
  const auto graph = [&] { return nearest(rows, fitted().data, 9); };
  Neighbors bad = graph();
  bad.index(3, 1) = 600;
  EXPECT_THROW(place(fitted().map, bad), InvalidArgument);
  bad = graph();
  bad.index(3, 1) = -1;
  EXPECT_THROW(place(fitted().map, bad), InvalidArgument);
  bad = graph();
  bad.distance(3, 1) = NAN;
  EXPECT_THROW(place(fitted().map, bad), InvalidArgument);
  EXPECT_THROW(place(Matrix(600, 4), graph()), InvalidArgument);
  EXPECT_THROW(place(Matrix(0, 2), graph()), InvalidArgument);
  Matrix map = copy_of(fitted().map);
  map(5, 0) = INFINITY;
  EXPECT_THROW(place(map, graph()), InvalidArgument);
}

}  // namespace
}  // namespace latlas
