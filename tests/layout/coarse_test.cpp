#include "latlas/layout/coarse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "latlas/layout/affinities.h"
#include "latlas/layout/checkpoint.h"
#include "latlas/neighbors/exact.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

/// So far apart that no row has a neighbor in another cluster.
Case apart(std::int64_t n, std::int64_t count) {
  Case c{clusters(n, 6, count), {}};
  for (std::int64_t i = 0; i < n; ++i) c.data(i, 0) += static_cast<float>(1000 * (i % count));
  c.graph = nearest(c.data, c.data, 8);
  return c;
}

Affinities uniform(const Neighbors& graph) {
  return joint_affinities(graph, {.affinities = "uniform"});
}

// Fits of a few hundred rows that begin with their groups.
TsneParams coarse(std::int64_t exact_below = 0) {
  return {.perplexity = 5, .iterations = 400, .exact_below = exact_below, .coarse_above = 100};
}

bool began_with_groups(const TsneResult& r) {
  return std::any_of(r.notes.begin(), r.notes.end(), [](const std::string& note) {
    return note.find("groups lie in a map of the groups") != std::string::npos;
  });
}

TEST(Grouped, MakesAboutAsManyGroupsAsWantedOfRowsThatHoldOnToEachOther) {
  const Case c = make_case(2000, 15, 20);
  const Groups groups = grouped(uniform(c.graph), 100, 0);
  ASSERT_EQ(std::ssize(groups.of_row), 2000);
  EXPECT_NEAR(static_cast<double>(groups.count), 100, 35);
  std::vector<std::int64_t> size(static_cast<std::size_t>(groups.count));
  for (const std::int32_t g : groups.of_row) ++size.at(static_cast<std::size_t>(g));
  EXPECT_GT(*std::min_element(size.begin(), size.end()), 0);
  EXPECT_LT(*std::max_element(size.begin(), size.end()), 200);
  // A third of the neighbors are in a row's own group, of which there are a hundred.
  std::int64_t own = 0;
  for (std::int64_t i = 0; i < 2000; ++i)
    for (const std::int32_t j : c.graph.index[i])
      own +=
          groups.of_row[static_cast<std::size_t>(i)] == groups.of_row[static_cast<std::size_t>(j)];
  EXPECT_GT(own, 2000 * 15 / 3);
}

TEST(Grouped, PutsNoTwoPartsIntoOneGroup) {
  const Case c = apart(600, 40);
  for (const std::int64_t wanted : {0, 5, 100}) {  // also where most parts have no drawn row
    const Groups groups = grouped(uniform(c.graph), wanted, 3);
    EXPECT_GE(groups.count, 40);
    std::vector<std::int64_t> part(static_cast<std::size_t>(groups.count), -1);
    for (std::int64_t i = 0; i < 600; ++i) {
      std::int64_t& of = part[static_cast<std::size_t>(groups.of_row[static_cast<std::size_t>(i)])];
      if (of < 0) of = i % 40;
      EXPECT_EQ(of, i % 40) << wanted;
    }
  }
}

TEST(Grouped, HasAGroupForEachRowWithoutNeighbors) {
  Affinities a;
  a.begin = {0, 1, 2, 2, 2};
  a.column = {1, 0};
  a.weight = {0.5F, 0.5F};
  const Groups groups = grouped(a, 0, 0);
  EXPECT_EQ(groups.count, 3);
  EXPECT_EQ(groups.of_row, (std::vector<std::int32_t>{0, 0, 1, 2}));
}

TEST(Grouped, IsTheSameForAnyThreads) {
  const Matrix rows = clusters(20'000, 6, 30);
  const Affinities a = uniform(nearest_neighbors(rows, {.k = 10}));
  Groups first;
  Affinities first_between;
  for (const int limit : {1, 2, 3, 7}) {
    const ThreadLimit threads(limit);
    const Groups groups = grouped(a, 600, 2);
    const Affinities held = between(groups, a);
    if (limit == 1) {
      first = groups;
      first_between = held;
    }
    EXPECT_EQ(groups.of_row, first.of_row) << limit;
    EXPECT_EQ(held.column, first_between.column) << limit;
    EXPECT_EQ(held.weight, first_between.weight) << limit;
  }
}

// A row that all others hold on to, the first or the last, has as many edges as there are rows.
TEST(Grouped, ServesRowsOfVeryManyEdges) {
  constexpr std::int32_t kRows = 200'000;
  for (const bool first : {true, false}) {
    const std::int32_t hub = first ? 0 : kRows - 1;
    Affinities a;
    a.begin = {0};
    for (std::int32_t i = 0; i < kRows; ++i) {
      for (std::int32_t j = 0; i == hub && j < kRows; ++j)
        if (j != hub) a.column.push_back(j);
      if (i != hub) a.column.push_back(hub);
      a.begin.push_back(std::ssize(a.column));
    }
    a.weight.assign(a.column.size(), 0.5F / (kRows - 1));
    const Groups groups = grouped(a, 16384, 0);
    EXPECT_NEAR(static_cast<double>(groups.count), 16384, 1000);
  }
}

TEST(Between, SumsTheWeightsOfTwoGroupsRows) {
  const Case c = make_case(300, 12, 5);
  const Affinities a = uniform(c.graph);
  const Groups groups = grouped(a, 20, 1);
  BasicMatrix<double> sums(groups.count, groups.count);
  const BasicMatrix<double> rows = dense(a);
  double total = 0;
  for (std::int64_t i = 0; i < 300; ++i)
    for (std::int64_t j = 0; j < 300; ++j) {
      const std::int32_t g = groups.of_row[static_cast<std::size_t>(i)];
      const std::int32_t h = groups.of_row[static_cast<std::size_t>(j)];
      if (g == h) continue;
      sums(g, h) += rows(i, j);
      total += rows(i, j);
    }
  const Affinities between_groups = between(groups, a);  // fewer groups than one may hold on to
  EXPECT_NO_THROW(require_valid(between_groups, "test"));
  const BasicMatrix<double> found = dense(between_groups);
  for (std::int64_t g = 0; g < groups.count; ++g)
    for (std::int64_t h = 0; h < groups.count; ++h)
      EXPECT_NEAR(found(g, h), sums(g, h) / total, 1e-6);
}

TEST(Between, HasNoEdgesWhereNoTwoGroupsMeet) {
  const Case c = apart(200, 10);
  const Groups groups = grouped(uniform(c.graph), 0, 0);
  // Parts may hold several groups; all of a part become one.
  Groups parts{std::vector<std::int32_t>(200), 10};
  for (std::int32_t i = 0; i < 200; ++i) parts.of_row[static_cast<std::size_t>(i)] = i % 10;
  EXPECT_GE(groups.count, 10);
  EXPECT_EQ(between(parts, uniform(c.graph)).edges(), 0);
}

TEST(CoarseStart, PlacesRowsOfAClusterBesideEachOther) {
  const Case c = make_case(2000, 15, 8);
  const CoarseStart begun = coarse_start(uniform(c.graph), c.data, {}, {});
  EXPECT_NEAR(static_cast<double>(begun.groups), 250, 60);
  double within = 0, all = 0;
  std::int64_t pairs = 0, pairs_within = 0;
  for (std::int64_t i = 0; i < 2000; i += 3)
    for (std::int64_t j = 1; j < 2000; j += 7) {
      const double apart = std::hypot(static_cast<double>(begun.places(i, 0) - begun.places(j, 0)),
                                      static_cast<double>(begun.places(i, 1) - begun.places(j, 1)));
      all += apart;
      ++pairs;
      if (i % 8 != j % 8) continue;
      within += apart;
      ++pairs_within;
    }
  EXPECT_LT(within / static_cast<double>(pairs_within), 0.5 * all / static_cast<double>(pairs));
  EXPECT_NEAR(all / static_cast<double>(pairs), 0.5, 0.25);  // of deviation 0.3
}

// Each row with one neighbor.
Case pairs(std::int64_t n) {
  Case c{Matrix(n, 2), {}};
  for (std::int64_t i = 0; i < n; ++i) c.data(i, 0) = static_cast<float>(100 * (i / 2) + i % 2);
  c.graph = nearest(c.data, c.data, 1);
  return c;
}

TEST(CoarseStart, IsNoneWhereGroupsWouldBeSmall) {
  const Case c = pairs(200);
  const CoarseStart none = coarse_start(uniform(c.graph), c.data, {}, {});
  EXPECT_EQ(none.groups, 0);
  EXPECT_FALSE(none.stopped);
}

TEST(Tsne, BeginsWithGroupsAndReachesNoHigherDivergence) {
  const Case c = make_case(1500, 15, 12);
  for (const std::int64_t exact_below : {0, 2000}) {
    TsneParams params = coarse(exact_below);
    const TsneResult with = tsne(c.graph, c.data, params);
    EXPECT_TRUE(began_with_groups(with));
    EXPECT_EQ(with.exaggerated, 0);
    expect_centered_and_finite(with.map);
    params.coarse_above = 0;
    const TsneResult without = tsne(c.graph, c.data, params);
    EXPECT_FALSE(began_with_groups(without));
    EXPECT_LT(with.kl, without.kl + 0.03) << exact_below;
  }
}

TEST(Tsne, BeginsWithGroupsAlsoByAGivenLearningRate) {
  const Case c = make_case(1500, 15, 12);
  TsneParams params = coarse();
  params.learning_rate = 1500.0 / 12;
  const double with = tsne(c.graph, c.data, params).kl;
  params.coarse_above = 0;
  EXPECT_LT(with, tsne(c.graph, c.data, params).kl + 0.03);
}

TEST(Tsne, SaysWhereNoGroupsAreMade) {
  const Case c = pairs(200);
  const TsneResult r = tsne(uniform(c.graph), c.data, coarse());
  EXPECT_FALSE(began_with_groups(r));
  ASSERT_FALSE(r.notes.empty());
  EXPECT_NE(r.notes.front().find("groups are too small, or all apart"), std::string::npos);
}

TEST(Tsne, BeginsWithGroupsOnlyInThePlaneAndWhereNothingElseSaysWhere) {
  const Case c = make_case(300, 15);
  TsneParams params = coarse();
  params.iterations = 30;
  EXPECT_TRUE(began_with_groups(tsne(c.graph, c.data, params)));
  const Anchors anchors = anchors_of(std::array{3}, Matrix(1, 2), 300);
  EXPECT_FALSE(began_with_groups(tsne(c.graph, c.data, params, {}, {.anchors = &anchors})));
  const auto begins = [&](auto&& change) {
    TsneParams p = params;
    change(p);
    return began_with_groups(tsne(c.graph, c.data, p));
  };
  EXPECT_FALSE(begins([](TsneParams& p) { p.dimensions = 3; }));
  EXPECT_FALSE(begins([](TsneParams& p) { p.keep_start = true; }));
  EXPECT_FALSE(begins([](TsneParams& p) { p.exaggeration = 1; }));
  EXPECT_FALSE(begins([](TsneParams& p) { p.exaggeration_iterations = 0; }));
}

TEST(Tsne, WithGroupsHasTheSameBitsForAnyThreadsAndInstructions) {
  const Case c = make_case(700, 15);
  TsneParams params = coarse();
  params.iterations = 40;
  std::string first;
  for (const int limit : {1, 2, 3, 7})
    for (const std::string& target : {simd::available().front(), simd::available().back()}) {
      const ThreadLimit threads(limit);
      simd::select(target);
      const std::string now = sha256(tsne(c.graph, c.data, params).map);
      if (first.empty()) first = now;
      EXPECT_EQ(now, first) << limit << " threads";
    }
  simd::select(simd::available().front());
}

TEST(Tsne, WithGroupsGoesOnToTheSameBits) {
  const Case c = make_case(300, 15);
  std::vector<TsneState> states;
  const TsneResult whole =
      tsne(c.graph, c.data, coarse(), {},
           {.save_every = 60, .save = [&](TsneState&& s) { states.push_back(std::move(s)); }});
  ASSERT_GE(states.size(), 2U);
  for (const TsneState& state : states) {
    const TsneResult rest = tsne(c.graph, c.data, coarse(), {}, {.resume = &state});
    EXPECT_EQ(sha256(rest.map), sha256(whole.map)) << state.iteration;
    EXPECT_TRUE(began_with_groups(rest));
  }
}

TEST(Tsne, StoppedAmongItsGroupsKeepsNothingAndIsValid) {
  const Case c = make_case(700, 15);
  bool saved = false;
  std::int64_t calls = 0;
  const TsneResult r = tsne(c.graph, c.data, coarse(),
                            [&](const Report& report) {
                              EXPECT_EQ(report.stage, "t-SNE of groups");
                              EXPECT_EQ(report.step, 25);
                              EXPECT_EQ(report.of, 175);
                              ++calls;
                              return Next::stop;
                            },
                            {.save = [&](TsneState&&) { saved = true; }});
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(r.stopped);
  EXPECT_FALSE(r.converged);
  EXPECT_FALSE(saved);
  expect_centered_and_finite(r.map);
}

}  // namespace
}  // namespace latlas
