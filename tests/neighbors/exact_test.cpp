#include "latlas/neighbors/exact.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/core/simd.h"
#include "latlas/neighbors/panels.h"
#include "latlas/neighbors/sketch.h"
#include "tests/core/helpers.h"
#include "tests/neighbors/brute_force.h"

namespace latlas {
namespace {

/// Clustered rows; values are offset + scale · draw.
Matrix clustered(std::int64_t n, std::int64_t d, double offset = 0, double scale = 1,
                 std::uint64_t seed = 1) {
  Matrix x(n, d);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j) {
      const auto at = static_cast<std::uint64_t>(i * d + j);
      const double center =
          4 * random::normal(
                  {.seed = seed, .sub = 1, .index = static_cast<std::uint64_t>(i % 7 * d + j)});
      x(i, j) = static_cast<float>(
          offset + scale * (center + random::normal({.seed = seed, .sub = 2, .index = at})));
    }
  return x;
}

void expect_equals_twin(const Matrix& x, std::int64_t k, const std::string& what = "") {
  expect_equal(nearest_neighbors(x, {.k = k}), twin::nearest_neighbors(x, x, k, true), what);
}

TEST(ExactNeighbors, EqualTheBruteForceTwinInEveryDimension) {
  for (const std::int64_t d : {1, 2, 3, 7, 8, 31, 32, 33, 100, 255, 256, 257, 600, 784, 1536})
    expect_equals_twin(clustered(d > 100 ? 300 : 700, d), 15, sentence("d = ", d));
}

TEST(ExactNeighbors, EqualTheTwinForEveryCount) {
  const Matrix x = clustered(500, 5);
  for (const std::int64_t k : {1, 2, 90, 95, 96, 97, 250, 498, 499})
    expect_equals_twin(x, k, sentence("k = ", k));
}

TEST(ExactNeighbors, EqualTheTwinForAThousandNeighbors) {
  expect_equals_twin(clustered(1500, 24), 1000);
  expect_equals_twin(clustered(1001, 3), 1000, "all others");
}

/// Rows near a subspace of 8 dimensions, some of them far out or next to the mean.
Matrix near_a_plane(std::int64_t n, std::int64_t d) {
  const Matrix axes = clustered(8, d, 0, 1, 3);
  Matrix x(n, d);
  for (std::int64_t i = 0; i < n; ++i) {
    const double length = i % 500 == 17 ? 1e4 : (i % 500 == 18 ? 1e-5 : 1);
    for (std::int64_t a = 0; a < 8; ++a) {
      const double along =
          length * random::normal({.seed = 4, .index = static_cast<std::uint64_t>(i * 8 + a)});
      for (std::int64_t j = 0; j < d; ++j) x(i, j) += static_cast<float>(along * axes(a, j));
    }
    for (std::int64_t j = 0; j < d; ++j)
      x(i, j) += static_cast<float>(
          length * random::normal({.seed = 5, .index = static_cast<std::uint64_t>(i * d + j)}));
  }
  return x;
}

scan::Sketcher sketcher_of(const Matrix& x, std::int64_t count) {
  return scan::sketcher_for(x, scan::frame_of(x, x, "test"), scan::in_order(x.rows()), x.rows(),
                            count, 16);
}

TEST(ExactNeighbors, EqualTheTwinWhereSketchesAreTheRowsThemselves) {
  for (const std::int64_t d : {72, 96}) {
    Matrix x(1300, d);  // no direction is longer than another
    for (std::int64_t at = 0; at < x.size(); ++at)
      x.data()[at] = static_cast<float>(random::normal({.index = static_cast<std::uint64_t>(at)}));
    EXPECT_EQ(sketcher_of(x, 3).numbers, d);
    expect_equals_twin(x, 2, sentence("d = ", d));
  }
}

/// The twin's lists for some rows of many.
void expect_some_equal_the_twin(const Matrix& x, std::int64_t k, const std::string& what) {
  const Neighbors graph = nearest_neighbors(x, {.k = k});
  for (std::int32_t i = 0; i < x.rows(); i += i % 500 < 20 ? 1 : 97) {
    const auto all = twin::ranked(x.row(i), x, i);
    for (std::int64_t j = 0; j < k; ++j) {
      ASSERT_EQ(graph.index(i, j), all[static_cast<std::size_t>(j)].second)
          << what << ", row " << i;
      ASSERT_EQ(graph.distance(i, j), all[static_cast<std::size_t>(j)].first) << what;
    }
  }
}

TEST(ExactNeighbors, EqualTheTwinWhereStagesGiveMostPairsUp) {
  for (const std::int64_t d : {12, 13, 32, 50}) {
    const Matrix x = near_a_plane(6000, d);
    expect_some_equal_the_twin(x, 5, sentence("d = ", d));
  }
}

TEST(ExactNeighbors, EqualTheTwinWhereNoTestPaysAndAllAreDropped) {
  Matrix x(6000, 24);  // no direction is longer than another, nothing is near
  for (std::int64_t at = 0; at < x.size(); ++at)
    x.data()[at] = static_cast<float>(random::normal({.index = static_cast<std::uint64_t>(at)}));
  expect_some_equal_the_twin(x, 5, "isotropic");
}

TEST(ExactNeighbors, EqualTheTwinWhereSketchesAreShort) {
  const Matrix x = near_a_plane(6000, 80);
  const std::int64_t numbers = sketcher_of(x, 6).numbers;
  EXPECT_GT(numbers, 8);
  EXPECT_LT(numbers, 80);
  expect_some_equal_the_twin(x, 5, "sketches");
}

TEST(ExactNeighbors, WithSketchesAreTheSameEverywhere) {
  const Matrix x = near_a_plane(2500, 80);
  EXPECT_GT(sketcher_of(x, 4).numbers, 0);
  const Neighbors first = nearest_neighbors(x, {.k = 3});
  for (const int threads : {1, 2, 3, 7}) {
    const ThreadLimit limit(threads);
    expect_equal(nearest_neighbors(x, {.k = 3}), first, sentence(threads, " threads"));
  }
  for (const auto& target : simd::available()) {
    simd::select(target);
    expect_equal(nearest_neighbors(x, {.k = 3}), first, target);
  }
  simd::select(simd::available().front());
}

TEST(ExactNeighbors, EqualTheTwinForEverySizeAroundABlock) {
  for (const std::int64_t n : {2, 3, 4, 95, 96, 97, 98, 191, 192, 193, 289})
    expect_equals_twin(clustered(n, 6), std::min<std::int64_t>(n - 1, 10), sentence("n = ", n));
}

TEST(ExactNeighbors, EqualTheTwinWhenBuffersFillManyTimes) {
  expect_equals_twin(clustered(2500, 12), 20);
}

TEST(ExactNeighbors, EqualTheTwinFarFromTheOrigin) {
  expect_equals_twin(clustered(800, 10, 1e4), 15, "offset 1e4");
  expect_equals_twin(clustered(800, 10, 1e4, 1e-2), 15, "offset 1e4, deviation 1e-2");
  expect_equals_twin(clustered(800, 3, -3e7, 10), 15, "offset -3e7");
}

TEST(ExactNeighbors, EqualTheTwinAtEveryScale) {
  for (const double scale : {1e-30, 1e-10, 1e10, 1e30, 1e37})
    expect_equals_twin(clustered(400, 9, 0, scale), 15, sentence("scale ", scale));
}

TEST(ExactNeighbors, EqualTheTwinForTightClustersFarApart) {
  // Within a cluster float32 products cannot tell rows apart: all of it must be measured.
  Matrix x = clustered(900, 4, 0, 1e-6);
  for (std::int64_t i = 0; i < x.rows(); ++i) x(i, 0) += i % 2 == 0 ? 1000.0F : -1000.0F;
  expect_equals_twin(x, 15);
  Matrix outlier = clustered(700, 4);
  outlier(333, 2) = 1e12F;
  expect_equals_twin(outlier, 15, "one outlier");
}

TEST(ExactNeighbors, EqualTheTwinOnALattice) {  // ties everywhere
  Matrix x(1000, 3);
  for (std::int64_t i = 0; i < 1000; ++i) {
    x(i, 0) = static_cast<float>(i * 7 % 1000 / 100);
    x(i, 1) = static_cast<float>(i * 7 % 1000 / 10 % 10);
    x(i, 2) = static_cast<float>(i * 7 % 10);
  }
  expect_equals_twin(x, 20);
}

TEST(ExactNeighbors, TakeDuplicatesByIndex) {
  Matrix half = clustered(600, 8);
  for (std::int64_t i = 0; i < 600; i += 2) std::copy_n(half.row(0), 8, half.row(i));
  expect_equals_twin(half, 15, "half of all rows equal");
  Matrix pairs = clustered(600, 8);
  for (std::int64_t i = 1; i < 600; i += 2) std::copy_n(pairs.row(i - 1), 8, pairs.row(i));
  expect_equals_twin(pairs, 15, "every row twice");
  const Matrix all(300, 8);
  expect_equals_twin(all, 15, "all rows equal");
  expect_equals_twin(all, 299, "all rows equal, all of them asked for");
  Matrix zeros = clustered(64, 2);
  for (std::int64_t i = 0; i < 64; ++i) zeros(i, 0) = zeros(i, 1) = i % 2 == 0 ? 0.0F : -0.0F;
  expect_equals_twin(zeros, 5, "zeros of both signs");
}

TEST(ExactNeighbors, OrderEquallyFarSetsOfDuplicatesByIndex) {
  Matrix x(60, 1);  // values −1, 0, 1 in turn: two sets at distance 1 from every 0
  for (std::int64_t i = 0; i < 60; ++i) x(i, 0) = static_cast<float>(i % 3 - 1);
  for (const std::int64_t k : {5, 19, 20, 25, 40, 59}) expect_equals_twin(x, k);
}

TEST(ExactNeighbors, AreTheSameForEveryNumberOfThreads) {
  const Matrix x = clustered(1500, 16);
  const Neighbors one = [&] {
    const ThreadLimit limit(1);
    return nearest_neighbors(x, {.k = 30});
  }();
  for (const int threads : {2, 3, 7}) {
    const ThreadLimit limit(threads);
    expect_equal(nearest_neighbors(x, {.k = 30}), one, sentence(threads, " threads"));
  }
}

TEST(ExactNeighbors, AreTheSameUnderEveryInstructionSet) {
  const Matrix x = clustered(400, 19, 3), wide = clustered(100, 300);
  simd::select(simd::available().front());
  const Neighbors best = nearest_neighbors(x, {.k = 12});
  const Neighbors best_wide = nearest_neighbors(wide, {.k = 12, .metric = "cosine"});
  for (const auto& target : simd::available()) {
    simd::select(target);
    expect_equal(nearest_neighbors(x, {.k = 12}), best, target);
    expect_equal(nearest_neighbors(wide, {.k = 12, .metric = "cosine"}), best_wide, target);
  }
  simd::select(simd::available().front());
}

TEST(ExactNeighbors, OfQueriesEqualTheTwin) {
  const Matrix data = clustered(900, 11), queries = clustered(150, 11, 0.3, 1, 9);
  for (const std::int64_t k : {1, 10, 900})
    expect_equal(nearest_neighbors(queries, data, {.k = k}),
                 twin::nearest_neighbors(queries, data, k, false), sentence("k = ", k));
  const Matrix far = clustered(20, 11, 1e6);
  expect_equal(nearest_neighbors(far, data, {.k = 10}),
               twin::nearest_neighbors(far, data, 10, false), "far queries");
}

TEST(ExactNeighbors, OfAQueryDoNotDependOnTheOthers) {
  const Matrix data = clustered(500, 6), queries = clustered(130, 6, 0, 2, 5);
  const Neighbors all = nearest_neighbors(queries, data, {.k = 7});
  for (const std::int64_t i : {0, 64, 129}) {
    const Neighbors one = nearest_neighbors(queries.rows(i, i + 1), data, {.k = 7});
    for (std::int64_t j = 0; j < 7; ++j) EXPECT_EQ(one.index(0, j), all.index(i, j));
  }
  EXPECT_EQ(nearest_neighbors(queries.rows(0, 0), data, {.k = 7}).rows(), 0);
}

TEST(ExactNeighbors, OfSomeRowsAreThoseOfAll) {
  Matrix x = clustered(700, 5);
  for (std::int64_t i = 0; i < 100; ++i) std::copy_n(x.row(3), 5, x.row(i));
  const Neighbors all = nearest_neighbors(x, {.k = 9});
  const std::vector<std::int32_t> rows{699, 3, 4, 99, 100, 3, 350};
  const Neighbors some = nearest_neighbors_of(rows, x, {.k = 9});
  ASSERT_EQ(some.rows(), 7);
  for (std::int64_t i = 0; i < 7; ++i)
    for (std::int64_t j = 0; j < 9; ++j)
      EXPECT_EQ(some.index(i, j), all.index(rows[static_cast<std::size_t>(i)], j));
}

TEST(ExactNeighbors, OfManyQueriesAreThoseOfFew) {  // for many, the data are put in order
  const Matrix data = clustered(2500, 5), queries = clustered(2100, 5, 0.3, 1, 9);
  const Neighbors many = nearest_neighbors(queries, data, {.k = 4});
  expect_equal(many, twin::nearest_neighbors(queries, data, 4, false), "many queries");
  std::vector<std::int32_t> rows(2200);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int32_t>(2499 - i);
  const Neighbors some = nearest_neighbors_of(rows, data, {.k = 4});
  const Neighbors few = nearest_neighbors_of(std::span(rows).first(100), data, {.k = 4});
  const Neighbors all = nearest_neighbors(data, {.k = 4});
  for (std::int64_t i = 0; i < some.rows(); ++i)
    for (std::int64_t j = 0; j < 4; ++j) {
      ASSERT_EQ(some.index(i, j), all.index(2499 - i, j)) << i;
      if (i < few.rows()) {
        ASSERT_EQ(few.index(i, j), some.index(i, j)) << i;
      }
    }
}

TEST(ExactNeighbors, UnderCosineGiveOneMinusTheCosine) {
  const Matrix x = clustered(300, 12);
  const Neighbors graph = nearest_neighbors(x, {.k = 10, .metric = "cosine"});
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    std::vector<double> all;
    for (std::int64_t j = 0; j < x.rows(); ++j) {
      if (j == i) continue;
      double xy = 0, xx = 0, yy = 0;
      for (std::int64_t c = 0; c < 12; ++c) {
        xy += static_cast<double>(x(i, c)) * x(j, c);
        xx += static_cast<double>(x(i, c)) * x(i, c);
        yy += static_cast<double>(x(j, c)) * x(j, c);
      }
      all.push_back(1 - xy / std::sqrt(xx * yy));
    }
    std::sort(all.begin(), all.end());
    // Rounding unit rows to float32 moves each by 2^-24, their distance by 2^-23.
    for (std::int64_t j = 0; j < 10; ++j) {
      const double exact = all[static_cast<std::size_t>(j)];
      EXPECT_NEAR(graph.distance(i, j), exact, 0x1p-22 * (std::sqrt(2 * exact) + exact));
    }
  }
}

TEST(ExactNeighbors, LookThroughStridedViews) {
  const Matrix wide = clustered(200, 10);
  const ConstRows view(wide.data() + 2, 200, 5, 10);
  expect_equal(nearest_neighbors(view, {.k = 6}), nearest_neighbors(copy_of(view), {.k = 6}));
}

TEST(ExactNeighbors, ReportProgressAndStop) {
  const Matrix x = clustered(200, 3);
  std::int64_t last = 0;
  const auto go = [&](const Report& r) {
    EXPECT_EQ(r.stage, "neighbors");
    last = r.step;
    EXPECT_EQ(r.of, 200);
    return Next::proceed;
  };
  EXPECT_EQ(nearest_neighbors(x, {.k = 4}, go).rows(), 200);
  EXPECT_EQ(last, 200);
  EXPECT_EQ(nearest_neighbors(x, {.k = 4}, [](const Report&) { return Next::stop; }).rows(), 0);
}

TEST(ExactNeighbors, SayWhatIsWrongWithTheInput) {
  Matrix x = clustered(10, 3);
  EXPECT_EQ(
      message_of<InvalidArgument>([&] { nearest_neighbors(x, {.k = 10}); }),
      "neighbors: k is 10, but each of the 10 rows has only 9 others; ask for fewer neighbors");
  EXPECT_EQ(message_of<InvalidArgument>([&] { nearest_neighbors(x, x, {.k = 11}); }),
            "neighbors: k is 11, but the data have only 10 rows; ask for fewer neighbors");
  EXPECT_EQ(message_of<InvalidArgument>([&] { nearest_neighbors(x, {.k = 0}); }),
            "neighbors: k is 0, it must be between 1 and 2147483647");
  EXPECT_EQ(message_of<InvalidArgument>([&] { nearest_neighbors(x, {.k = 3, .metric = "taxi"}); }),
            "neighbors: metric is 'taxi', it must be one of euclidean, cosine, inner_product");
  EXPECT_THROW(nearest_neighbors(Matrix(), {.k = 1}), InvalidArgument);
  EXPECT_THROW(nearest_neighbors(Matrix(5, 0), {.k = 1}), InvalidArgument);
  EXPECT_THROW(nearest_neighbors(Matrix(1, 3), {.k = 1}), InvalidArgument);
  EXPECT_THROW(nearest_neighbors(Matrix(4, 2), x, {.k = 1}), InvalidArgument);
  EXPECT_THROW(nearest_neighbors_of(std::vector<std::int32_t>{10}, x, {.k = 1}), InvalidArgument);
  EXPECT_THROW(nearest_neighbors_of(std::vector<std::int32_t>{-1}, x, {.k = 1}), InvalidArgument);
  for (int j = 0; j < 3; ++j) x(4, j) = 0;
  EXPECT_EQ(
      message_of<InvalidArgument>([&] { nearest_neighbors(x, {.k = 3, .metric = "cosine"}); }),
      "neighbors: data: row 4 (counted from 0) has norm 0 and no direction; cosine needs one, "
      "remove such rows");
  x(7, 2) = std::nanf("");
  EXPECT_EQ(message_of<InvalidArgument>([&] { nearest_neighbors(x, {.k = 3}); }),
            "neighbors: data holds NaN in row 7, column 2 (counted from 0); remove or fill such "
            "values first");
  x(7, 2) = std::numeric_limits<float>::infinity();
  EXPECT_THROW(nearest_neighbors(x, {.k = 3}), InvalidArgument);
  x(7, 2) = std::numeric_limits<float>::max();
  x(6, 2) = -x(7, 2);
  EXPECT_NE(message_of<InvalidArgument>([&] {
              nearest_neighbors(x, {.k = 3});
            }).find("farther than float32"),
            std::string::npos);
}

}  // namespace
}  // namespace latlas
