#include "latlas/neighbors/approximate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/core/simd.h"
#include "tests/core/helpers.h"
#include "tests/neighbors/brute_force.h"

namespace latlas {
namespace {

#ifdef LATLAS_EMULATED
constexpr std::int64_t kMany = 3000;
#else
constexpr std::int64_t kMany = 12000;
#endif

/// Rows of `inner` independent numbers, folded into d columns: neighbors as data have them.
Matrix curved(std::int64_t n, std::int64_t d, std::int64_t inner, std::uint64_t seed = 1) {
  Matrix x(n, d);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j) {
      double sum = 0;
      for (std::int64_t c = 0; c < inner; ++c) {
        const double u = random::normal(
            {.seed = seed, .sub = 1, .index = static_cast<std::uint64_t>(i * inner + c)});
        sum += u * random::normal({.sub = 2, .index = static_cast<std::uint64_t>(c * d + j)});
      }
      x(i, j) = static_cast<float>(sum + 0.25 * sum * std::abs(sum));
    }
  return x;
}

/// Every row holds k different others, sorted, at their true distances.
void expect_lawful(const Neighbors& graph, ConstRows queries, ConstRows data, std::int64_t k,
                   bool within) {
  ASSERT_EQ(graph.rows(), queries.rows());
  ASSERT_EQ(graph.k(), k);
  for (std::int64_t i = 0; i < graph.rows(); ++i) {
    std::set<std::int32_t> seen;
    for (std::int64_t j = 0; j < k; ++j) {
      const std::int32_t row = graph.index(i, j);
      ASSERT_TRUE(row >= 0 && row < data.rows()) << "row " << i;
      ASSERT_FALSE(within && row == i);
      ASSERT_TRUE(seen.insert(row).second) << "row " << i << " holds " << row << " twice";
      ASSERT_EQ(graph.distance(i, j), twin::distance(queries.row(i), data.row(row), data.cols()));
      if (j == 0) continue;
      const auto before = std::pair(graph.distance(i, j - 1), graph.index(i, j - 1));
      ASSERT_LT(before, std::pair(graph.distance(i, j), row)) << "row " << i << " place " << j;
    }
  }
}

TEST(ApproximateNeighbors, AreValidForEverySizeAndCount) {
  for (const std::int64_t n : {2, 3, 4, 95, 96, 97, 98, 193, 1000})
    for (const std::int64_t k : {1, 2, 15, 97, 999}) {
      if (k >= n) continue;
      const Matrix x = curved(n, 5, 2);
      for (const std::int64_t sweeps : {0, 2})
        expect_lawful(approximate_neighbors(x, {.k = k, .probes = 1, .sweeps = sweeps}), x, x, k,
                      true);
    }
}

TEST(ApproximateNeighbors, EqualTheTwinWhenEveryGroupIsLookedAt) {
  for (const std::int64_t n : {2, 97, 500}) {
    const Matrix x = curved(n, 7, 3);
    const std::int64_t k = std::min<std::int64_t>(n - 1, 20);
    expect_equal(approximate_neighbors(x, {.k = k, .probes = 1000}),
                 twin::nearest_neighbors(x, x, k, true), sentence("n = ", n));
  }
  const Matrix data = curved(700, 4, 2), queries = curved(100, 4, 2, 5);
  expect_equal(approximate_neighbors(queries, data, {.k = 700, .probes = 1000}),
               twin::nearest_neighbors(queries, data, 700, false));
}

TEST(ApproximateNeighbors, FindNearlyAll) {
  const Matrix x = curved(kMany, 24, 6);
  const Neighbors graph = approximate_neighbors(x, {.k = 15, .probes = 12});
  const Recall recall = measured_recall(graph, x, "euclidean", 200, 3);
  EXPECT_GE(recall.value, 0.95);
  EXPECT_GT(measured_recall(approximate_neighbors(x, {.k = 15, .probes = 4, .sweeps = 1}), x,
                            "euclidean", 200, 3)
                .value,
            measured_recall(approximate_neighbors(x, {.k = 15, .probes = 4, .sweeps = 0}), x,
                            "euclidean", 200, 3)
                .value);
  const Matrix queries = curved(300, 24, 6, 8);
  const Neighbors found = approximate_neighbors(queries, x, {.k = 15, .probes = 24});
  const Neighbors exact = nearest_neighbors(queries, x, {.k = 15});
  std::int64_t hits = 0;
  for (std::int64_t i = 0; i < 300; ++i)
    for (std::int64_t j = 0; j < 15; ++j)
      hits += found.distance(i, j) <= exact.distance(i, 14) ? 1 : 0;
  EXPECT_GE(static_cast<double>(hits) / (300 * 15), 0.95);
  expect_lawful(found, queries, x, 15, false);
}

TEST(ApproximateNeighbors, LookAtAsManyGroupsAsASampleNeeds) {
  for (const std::int64_t inner : {2, 12}) {
    const Matrix x = curved(kMany, 24, inner);
    for (const std::int64_t k : {1, 15, 60})
      EXPECT_GE(measured_recall(approximate_neighbors(x, {.k = k}), x, "euclidean", 200, 3).value,
                0.95)
          << inner << " numbers, k = " << k;
    const Matrix queries = curved(300, 24, inner, 8);
    for (const std::int64_t k : {1, 15}) {
      const Neighbors found = approximate_neighbors(queries, x, {.k = k});
      const Neighbors exact = nearest_neighbors(queries, x, {.k = k});
      std::int64_t hits = 0;
      for (std::int64_t i = 0; i < 300; ++i)
        for (std::int64_t j = 0; j < k; ++j)
          hits += found.distance(i, j) <= exact.distance(i, k - 1) ? 1 : 0;
      EXPECT_GE(static_cast<double>(hits) / static_cast<double>(300 * k), 0.93)
          << inner << " numbers, k = " << k;
    }
  }
}

TEST(ApproximateNeighbors, FindTheRowsOfTinyClustersFarApart) {
  // 400 clusters of 5 rows: lists of 15 reach into other clusters, the first 4 must be the own.
  Matrix x = curved(2000, 8, 4);
  for (std::int64_t i = 0; i < 2000; ++i)
    for (std::int64_t j = 0; j < 8; ++j)
      x(i, j) =
          x(i, j) / 1000 + static_cast<float>(random::normal(
                               {.seed = 7, .index = static_cast<std::uint64_t>(i % 400 * 8 + j)}));
  const Neighbors graph = approximate_neighbors(x, {.k = 15});
  expect_lawful(graph, x, x, 15, true);
  std::int64_t own = 0;
  for (std::int64_t i = 0; i < 2000; ++i)
    for (std::int64_t j = 0; j < 4; ++j) own += graph.index(i, j) % 400 == i % 400 ? 1 : 0;
  EXPECT_GE(own, 7900);
}

TEST(ApproximateNeighbors, OfRowsThatOnlyOneSideFindsAreOfferedToTheOther) {
  // With one probe and no sweep, a row sees its own group and little more; what it lacks may only
  // come from rows that looked at its group.
  const Matrix x = curved(4000, 12, 5);
  const Neighbors graph = approximate_neighbors(x, {.k = 10, .probes = 2, .sweeps = 0});
  std::int64_t beyond = 0;
  for (std::int64_t i = 0; i < 4000; ++i)
    for (std::int64_t j = 0; j < 10; ++j) {
      const std::int32_t other = graph.index(i, j);
      // Whoever holds a row at this distance is held by it, or its list is full of nearer ones.
      const auto list = graph.distance[other];
      const bool held = std::find(graph.index.row(other), graph.index.row(other) + 10,
                                  static_cast<std::int32_t>(i)) != graph.index.row(other) + 10;
      beyond += !held && graph.distance(i, j) < list.back() ? 1 : 0;
    }
  EXPECT_EQ(beyond, 0);
}

TEST(ApproximateIndex, GivesEachBatchWhatOneSearchGives) {
  const Matrix data = curved(3000, 10, 4), queries = curved(400, 10, 4, 5);
  for (const char* metric : {"euclidean", "cosine"}) {
    const NeighborsParams params{.k = 9, .metric = metric};
    const Neighbors all = approximate_neighbors(queries, data, params);
    const ApproximateIndex index(data, params);
    for (const std::int64_t first : {0, 100, 399}) {
      const Neighbors some = index.search(queries.rows(first, 400));
      for (std::int64_t i = first; i < 400; ++i)
        for (std::int64_t j = 0; j < 9; ++j) {
          ASSERT_EQ(some.index(i - first, j), all.index(i, j)) << metric << " row " << i;
          ASSERT_EQ(some.distance(i - first, j), all.distance(i, j)) << metric << " row " << i;
        }
    }
  }
  EXPECT_EQ(
      message_of<InvalidArgument>([&] { ApproximateIndex(data, {.k = 9}).search(Matrix(3, 4)); }),
      "neighbors: queries have 4 columns, the data 10; they must agree");
}

TEST(ApproximateIndex, FindsRowsThatAreEqualWhereverItLooks) {
  // A heavy clump draws the centers of its groups away from the rows that share a group with it, so
  // that one probe does not reach all rows' own groups.
  Matrix data = curved(6000, 8, 6);
  for (std::int64_t i = 0; i < 3000; ++i)
    for (std::int64_t c = 0; c < 8; ++c) data(i, c) *= 0.01F;
  const NeighborsParams params{.k = 5, .probes = 1};
  const Neighbors found = ApproximateIndex(data, params).search(data);
  for (std::int64_t i = 0; i < 6000; ++i) {
    ASSERT_EQ(found.distance(i, 0), 0) << i;
    ASSERT_EQ(found.index(i, 0), i);
  }
  expect_lawful(found, data, data, 5, false);
}

TEST(NeighborIndex, SearchesAsTheDataSayWhateverTheBatch) {
  const Matrix few = curved(2000, 6, 3), many = curved(21'000, 6, 3), queries = curved(90, 6, 3, 5);
  const NeighborsParams params{.k = 7}, exactly{.k = 7, .search = "exact"};
  EXPECT_TRUE(NeighborIndex(few, params).exact());
  EXPECT_TRUE(NeighborIndex(many, exactly).exact());
  expect_equal(NeighborIndex(few, params).search(queries), nearest_neighbors(queries, few, params));
  expect_equal(NeighborIndex(many, exactly).search(queries),
               nearest_neighbors(queries, many, params));
  const NeighborIndex index(many, params);
  EXPECT_FALSE(index.exact());
  const Neighbors all = index.search(queries);
  expect_equal(all, approximate_neighbors(queries, many, params));
  for (const std::int64_t i : {0, 17, 89}) {
    const Neighbors one = index.search(queries.rows(i, i + 1));
    for (std::int64_t j = 0; j < 7; ++j) {
      EXPECT_EQ(one.index(0, j), all.index(i, j));
      EXPECT_EQ(one.distance(0, j), all.distance(i, j));
    }
  }
  EXPECT_THROW(NeighborIndex(few, {.k = 2001}), InvalidArgument);
}

TEST(ApproximateNeighbors, NeverFindLessByMoreSweeps) {
  // Lists long enough, and rows short enough, for the automatic choice to leave two sweeps out.
  const Matrix data = curved(4000, 8, 6);
  const auto recall = [&](std::int64_t sweeps) {
    const Neighbors graph = approximate_neighbors(data, {.k = 60, .sweeps = sweeps});
    return measured_recall(graph, data, "euclidean", 4000, 0).value;
  };
  const double two = recall(2), five = recall(5);
  EXPECT_GE(two, 0.95);
  EXPECT_GE(five, two - 0.01);
}

TEST(MeasuredRecall, JudgesListsOfQueries) {
  const Matrix data = curved(700, 4, 3), queries = curved(60, 4, 3, 8);
  Neighbors lists = nearest_neighbors(queries, data, {.k = 10});
  EXPECT_EQ(measured_recall(lists, queries, data, "euclidean", 60, 0).value, 1);
  const Neighbors wide = nearest_neighbors(queries, data, {.k = 15});
  for (std::int64_t i = 0; i < 60; ++i)
    for (std::int64_t j = 0; j < 10; ++j) {  // the nearest five are missing
      lists.index(i, j) = wide.index(i, j + 5);
      lists.distance(i, j) = wide.distance(i, j + 5);
    }
  const Recall half = measured_recall(lists, queries, data, "euclidean", 60, 0);
  EXPECT_EQ(half.value, 0.5);
  EXPECT_EQ(half.standard_error, 0);
  EXPECT_THROW(measured_recall(lists, data, data, "euclidean", 60, 0), InvalidArgument);
}

TEST(ApproximateIndex, TakesQueriesFarOutsideTheData) {
  const Matrix data = curved(1500, 5, 3);
  Matrix queries = curved(50, 5, 3, 6);
  for (std::int64_t i = 0; i < 25 * 5; ++i) queries.data()[i] *= 1e25F;
  queries(30, 2) = 1e30F;
  const ApproximateIndex index(data, {.k = 4});
  const Neighbors found = index.search(queries);
  expect_lawful(found, queries, data, 4, false);
  for (const std::int64_t i : {0, 30, 49}) {  // as if it came alone
    const Neighbors alone = index.search(queries.rows(i, i + 1));
    for (std::int64_t j = 0; j < 4; ++j) EXPECT_EQ(alone.index(0, j), found.index(i, j)) << i;
  }
}

TEST(ApproximateNeighbors, TakeDuplicatesByIndex) {
  Matrix half = curved(2000, 6, 3);
  for (std::int64_t i = 0; i < 2000; i += 2) std::copy_n(half.row(0), 6, half.row(i));
  const Neighbors graph = approximate_neighbors(half, {.k = 15, .probes = 2});
  expect_lawful(graph, half, half, 15, true);
  const Matrix all(700, 3);
  expect_equal(approximate_neighbors(all, {.k = 15}), twin::nearest_neighbors(all, all, 15, true));
  expect_equal(approximate_neighbors(all, {.k = 699}),
               twin::nearest_neighbors(all, all, 699, true));
  Matrix line(400, 1);  // values −1, 0, 1 in turn: ties of whole sets
  for (std::int64_t i = 0; i < 400; ++i) line(i, 0) = static_cast<float>(i % 3 - 1);
  expect_equal(approximate_neighbors(line, {.k = 200}),
               twin::nearest_neighbors(line, line, 200, true));
}

TEST(ApproximateNeighbors, AreTheSameForAllThreadsAndInstructionSets) {
  const Matrix x = curved(1500, 19, 4), queries = curved(130, 19, 4, 2);
  const NeighborsParams params{.k = 12, .probes = 3, .sweeps = 2};
  const NeighborsParams cosine{.k = 12, .metric = "cosine"};
  simd::select(simd::available().front());
  const Neighbors best = approximate_neighbors(x, params);
  const Neighbors angles = approximate_neighbors(x, cosine);
  const Neighbors asked = approximate_neighbors(queries, x, params);
  for (const int threads : {1, 2, 3, 7}) {
    const ThreadLimit limit(threads);
    expect_equal(approximate_neighbors(x, params), best, sentence(threads, " threads"));
    expect_equal(approximate_neighbors(queries, x, params), asked, sentence(threads, " threads"));
  }
  for (const auto& target : simd::available()) {
    simd::select(target);
    expect_equal(approximate_neighbors(x, params), best, target);
    expect_equal(approximate_neighbors(x, cosine), angles, target);
    expect_equal(approximate_neighbors(queries, x, params), asked, target);
  }
  simd::select(simd::available().front());
}

TEST(ApproximateNeighbors, RefinedOftenAndInLongListsAreTheSameEverywhere) {
  // Lists longer than what is followed of them; most sweeps pass lists in which nothing is new.
  const Matrix x = curved(1500, 9, 4, 3);
  const NeighborsParams params{.k = 40, .probes = 2, .sweeps = 4};
  simd::select(simd::available().front());
  const Neighbors best = approximate_neighbors(x, params);
  EXPECT_GE(measured_recall(best, x, "euclidean", 300, 3).value, 0.98);
  for (const int threads : {1, 2, 3, 7}) {
    const ThreadLimit limit(threads);
    expect_equal(approximate_neighbors(x, params), best, sentence(threads, " threads"));
  }
  for (const auto& target : simd::available()) {
    simd::select(target);
    expect_equal(approximate_neighbors(x, params), best, target);
  }
  simd::select(simd::available().front());
}

TEST(ApproximateNeighbors, AreTheSameInBatchesOfSeveralBlocks) {
  // 13,000 rows are 136 blocks, two a batch, the last one alone.
  const Matrix x = curved(13'000, 3, 2), queries = curved(12'500, 3, 2, 2);
  const NeighborsParams all{.k = 3, .probes = 1000};
  expect_equal(approximate_neighbors(x, all), nearest_neighbors(x, all));
  expect_equal(approximate_neighbors(queries, x, all), nearest_neighbors(queries, x, all));
  const NeighborsParams few{.k = 3, .probes = 4};
  simd::select(simd::available().front());
  const Neighbors best = approximate_neighbors(x, few);
  const ThreadLimit limit(3);
  for (const auto& target : simd::available()) {
    simd::select(target);
    expect_equal(approximate_neighbors(x, few), best, target);
  }
  simd::select(simd::available().front());
}

TEST(ApproximateNeighbors, ChooseFromAPartOfTheGroups) {
  // 1,302 groups in 14 supergroups: more than are looked through.
  const Matrix x = curved(125'000, 2, 2), queries = curved(300, 2, 2, 2);
  const NeighborsParams automatic{.k = 4}, few{.k = 4, .probes = 4};
  simd::select(simd::available().front());
  const Neighbors found = approximate_neighbors(x, automatic);
  EXPECT_GE(measured_recall(found, x, "euclidean", 300, 3).value, 0.95);
  const Neighbors best = approximate_neighbors(x, few);
  EXPECT_GE(measured_recall(best, x, "euclidean", 300, 3).value, 0.9);
  const ApproximateIndex index(x, automatic);
  const Neighbors asked = index.search(queries);
  EXPECT_GE(measured_recall(asked, queries, x, "euclidean", 300, 3).value, 0.95);
  for (const std::int64_t i : {0, 7, 299}) {
    const Neighbors alone = index.search(queries.rows(i, i + 1));
    for (std::int64_t j = 0; j < 4; ++j) EXPECT_EQ(alone.index(0, j), asked.index(i, j));
  }
  const ThreadLimit limit(3);
  for (const auto& target : simd::available()) {
    simd::select(target);
    expect_equal(approximate_neighbors(x, few), best, target);
    expect_equal(index.search(queries), asked, target);
  }
  simd::select(simd::available().front());
}

TEST(ApproximateIndex, GivesEachRowWhatItGivesInABatchOfSeveralBlocks) {
  const Matrix x = curved(20'000, 6, 4), queries = curved(30'000, 6, 4, 2);
  const ApproximateIndex index(x, {.k = 3, .probes = 2});
  const Neighbors together = index.search(queries);
  const Neighbors apart = index.search(queries.rows(11'000, 11'100));
  for (std::int64_t i = 0; i < 100; ++i)
    for (std::int64_t j = 0; j < 3; ++j)
      ASSERT_EQ(apart.index(i, j), together.index(11'000 + i, j)) << "query " << i;
}

TEST(ApproximateIndex, FillsListsOfMostOfTheRows) {
  const Matrix x = curved(130'000, 1, 1);
  const Neighbors found = ApproximateIndex(x, {.k = 110'000, .probes = 1}).search(x.rows(5, 6));
  std::vector<std::int32_t> rows(found.index[0].begin(), found.index[0].end());
  std::sort(rows.begin(), rows.end());
  EXPECT_EQ(std::adjacent_find(rows.begin(), rows.end()), rows.end());
  EXPECT_GE(rows.front(), 0);
  EXPECT_LT(rows.back(), 130'000);
}

TEST(ApproximateNeighbors, TakeMoreProbesThanThereAreGroups) {
  const Matrix x = curved(1000, 4, 2);
  expect_equal(approximate_neighbors(x, {.k = 5, .probes = 1'048'576}),
               nearest_neighbors(x, {.k = 5}));
}

TEST(ApproximateNeighbors, DoNotMindAColumnOfOneLargeNumber) {
  const Matrix x = curved(20'000, 8, 4);
  Matrix wide(20'000, 9);
  for (std::int64_t i = 0; i < 20'000; ++i) {
    std::copy_n(x.row(i), 8, wide.row(i));
    wide(i, 8) = 1'234'567;
  }
  const NeighborsParams params{.k = 10, .probes = 6, .sweeps = 0};
  EXPECT_NEAR(measured_recall(approximate_neighbors(wide, params), wide, "euclidean", 300, 3).value,
              measured_recall(approximate_neighbors(x, params), x, "euclidean", 300, 3).value,
              0.02);
}

TEST(ApproximateNeighbors, DoNotMindAFewRowsFarAway) {
  Matrix x = curved(15'200, 2, 2);
  for (std::int64_t i = 15'000; i < 15'200; ++i)
    for (std::int64_t j = 0; j < 2; ++j) x(i, j) += 1e4F;
  EXPECT_GE(measured_recall(approximate_neighbors(x, {.k = 10}), x, "euclidean", 300, 3).value,
            0.95);
}

TEST(ApproximateNeighbors, OfAQueryDoNotDependOnTheOthers) {
  const Matrix data = curved(3000, 6, 3), queries = curved(200, 6, 3, 5);
  const NeighborsParams params{.k = 7, .probes = 2};
  const Neighbors all = approximate_neighbors(queries, data, params);
  for (const std::int64_t i : {0, 64, 199}) {
    const Neighbors one = approximate_neighbors(queries.rows(i, i + 1), data, params);
    for (std::int64_t j = 0; j < 7; ++j) {
      EXPECT_EQ(one.index(0, j), all.index(i, j));
      EXPECT_EQ(one.distance(0, j), all.distance(i, j));
    }
  }
  EXPECT_EQ(approximate_neighbors(queries.rows(0, 0), data, params).rows(), 0);
}

TEST(ApproximateNeighbors, ReportProgressAndStop) {
  const Matrix x = curved(300, 3, 2);
  std::int64_t last = 0, of = 0;
  const auto go = [&](const Report& r) {
    EXPECT_EQ(r.stage, "neighbors");
    EXPECT_GT(r.step, last);
    last = r.step;
    of = r.of;
    return Next::proceed;
  };
  EXPECT_EQ(approximate_neighbors(x, {.k = 4}, go).rows(), 300);
  EXPECT_EQ(last, of);
  EXPECT_EQ(approximate_neighbors(x, {.k = 4}, [](const Report&) { return Next::stop; }).rows(), 0);
}

TEST(ApproximateNeighbors, SayWhatIsWrongWithTheInput) {
  Matrix x = curved(10, 3, 2);
  EXPECT_EQ(
      message_of<InvalidArgument>([&] { approximate_neighbors(x, {.k = 10}); }),
      "neighbors: k is 10, but each of the 10 rows has only 9 others; ask for fewer neighbors");
  EXPECT_EQ(message_of<InvalidArgument>([&] { approximate_neighbors(x, x, {.k = 11}); }),
            "neighbors: k is 11, but the data have only 10 rows; ask for fewer neighbors");
  EXPECT_EQ(
      message_of<InvalidArgument>([&] { approximate_neighbors(x, {.k = 3, .search = "guess"}); }),
      "neighbors: search is 'guess', it must be one of auto, exact, approximate");
  EXPECT_EQ(message_of<InvalidArgument>([&] { approximate_neighbors(x, {.k = 3, .probes = -1}); }),
            "neighbors: probes is -1, it must be between 0 and 1048576");
  EXPECT_THROW(approximate_neighbors(Matrix(), {.k = 1}), InvalidArgument);
  EXPECT_THROW(approximate_neighbors(Matrix(1, 3), {.k = 1}), InvalidArgument);
  EXPECT_THROW(approximate_neighbors(Matrix(4, 2), x, {.k = 1}), InvalidArgument);
  for (int j = 0; j < 3; ++j) x(4, j) = 0;
  EXPECT_EQ(
      message_of<InvalidArgument>([&] { approximate_neighbors(x, {.k = 3, .metric = "cosine"}); }),
      "neighbors: data: row 4 (counted from 0) has norm 0 and no direction; cosine needs one, "
      "remove such rows");
  x(7, 2) = std::nanf("");
  EXPECT_EQ(message_of<InvalidArgument>([&] { approximate_neighbors(x, {.k = 3}); }),
            "neighbors: data holds NaN in row 7, column 2 (counted from 0); remove or fill such "
            "values first");
}

TEST(FindNeighbors, ChoosesBySizeUnlessTold) {
  EXPECT_TRUE(searches_exactly(60000, 60000, 32, {}));
  EXPECT_FALSE(searches_exactly(1000000, 1000000, 32, {}));
  EXPECT_FALSE(searches_exactly(10000000, 10000000, 1, {}));
  EXPECT_TRUE(searches_exactly(1000000, 1000000, 32, {.search = "exact"}));
  EXPECT_FALSE(searches_exactly(10, 10, 2, {.search = "approximate"}));
  const Matrix x = curved(900, 8, 4);
  expect_equal(find_neighbors(x, {.k = 5}), nearest_neighbors(x, {.k = 5}));
  const NeighborsParams few{.k = 5, .search = "approximate", .probes = 1, .sweeps = 0};
  expect_equal(find_neighbors(x, few), approximate_neighbors(x, few));
  expect_equal(find_neighbors(x, x, few), approximate_neighbors(x, x, few));
}

TEST(MeasuredRecall, IsOneForExactNeighborsWhateverTheTies) {
  Matrix x = curved(600, 3, 2);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] = std::round(2 * x.data()[i]);
  Neighbors graph = nearest_neighbors(x, {.k = 9});
  EXPECT_EQ(measured_recall(graph, x, "euclidean", 100, 1).value, 1);
  EXPECT_EQ(measured_recall(graph, x, "euclidean", 100, 1).standard_error, 0);
  const Matrix unique = curved(400, 4, 3);
  graph = nearest_neighbors(unique, {.k = 10, .metric = "cosine"});
  for (std::int64_t i = 0; i < 400; ++i)  // the last neighbor of every other row is too far
    if (i % 2 == 0) graph.distance(i, 9) = 100;
  EXPECT_NEAR(measured_recall(graph, unique, "cosine", 400, 1).value, 0.95, 1e-12);
  EXPECT_EQ(measured_recall(graph, unique, "cosine", 400, 1).standard_error, 0);
  const Recall sampled = measured_recall(graph, unique, "cosine", 100, 1);
  EXPECT_NEAR(sampled.value, 0.95, 0.03);
  EXPECT_NEAR(sampled.standard_error, 0.005, 0.0005);  // deviation 0.05, 100 rows
  EXPECT_THROW(measured_recall(graph, unique, "cosine", 0, 1), InvalidArgument);
  EXPECT_THROW(measured_recall(graph, x, "cosine", 10, 1), InvalidArgument);
}

}  // namespace
}  // namespace latlas
