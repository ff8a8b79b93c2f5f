#include "latlas/layout/affinities.h"

#include <gtest/gtest.h>

#include <cmath>

#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

double entropy(std::span<const float> weights) {
  double h = 0;
  for (const float w : weights)
    if (w > 0) h -= static_cast<double>(w) * std::log(static_cast<double>(w));
  return h;
}

std::string hash_of(const Affinities& a) {
  Sha256 hash;
  hash.add(std::as_bytes(std::span(a.begin)));
  hash.add(std::as_bytes(std::span(a.column)));
  hash.add(std::as_bytes(std::span(a.weight)));
  return hash.hex();
}

TEST(ConditionalWeights, ReachThePerplexity) {
  const Matrix data = clusters(300, 8, 5);
  const Neighbors graph = nearest(data, data, 61);
  for (const double perplexity : {2.0, 5.0, 20.0, 30.0, 50.0}) {
    const Matrix weight = conditional_weights(graph, perplexity);
    for (std::int64_t i = 0; i < weight.rows(); ++i) {
      double sum = 0;
      for (const float w : weight[i]) sum += static_cast<double>(w);
      EXPECT_NEAR(sum, 1, 1e-5);
      // The search ends within 1e-6 of the entropy; float sums of 61 terms add 4e-6 at most.
      EXPECT_NEAR(entropy(weight[i]), std::log(perplexity), 1e-5);
    }
  }
}

TEST(ConditionalWeights, DoNotDependOnTheUnitOfTheData) {
  const Matrix data = clusters(60, 4, 3);
  Neighbors graph = nearest(data, data, 20);
  const Matrix weight = conditional_weights(graph, 6);
  for (const float unit : {1e-12F, 1e12F}) {
    Neighbors scaled = nearest(data, data, 20);
    for (std::int64_t i = 0; i < 60; ++i)
      for (float& d : scaled.distance[i]) d *= unit;
    const Matrix other = conditional_weights(scaled, 6);
    for (std::int64_t i = 0; i < 60; ++i)
      for (std::int64_t j = 0; j < 20; ++j) EXPECT_NEAR(other(i, j), weight(i, j), 1e-5);
  }
}

TEST(ConditionalWeights, AreUniformWhereDistancesAreEqual) {
  for (const float distance : {0.0F, 1.0F, 1e15F}) {
    Neighbors graph{BasicMatrix<std::int32_t>(2, 20), Matrix(2, 20)};
    for (std::int64_t i = 0; i < 2; ++i)
      for (std::int64_t j = 0; j < 20; ++j) graph.distance(i, j) = distance;
    const Matrix weight = conditional_weights(graph, 5);
    for (std::int64_t i = 0; i < 2; ++i)
      for (const float w : weight[i]) EXPECT_EQ(w, 0.05F);
  }
}

TEST(ConditionalWeights, SurviveManyEqualNearestDistances) {
  // 12 duplicates and 8 others: no precision reaches a perplexity of 5; the nearest share the row.
  Neighbors graph{BasicMatrix<std::int32_t>(1, 20), Matrix(1, 20)};
  for (std::int64_t j = 12; j < 20; ++j) graph.distance(0, j) = static_cast<float>(j);
  const Matrix weight = conditional_weights(graph, 5);
  double sum = 0;
  for (std::int64_t j = 0; j < 20; ++j) {
    ASSERT_TRUE(std::isfinite(weight(0, j)));
    sum += static_cast<double>(weight(0, j));
    if (j < 12) {
      EXPECT_NEAR(weight(0, j), 1.0F / 12, 1e-3);
    }
  }
  EXPECT_NEAR(sum, 1, 1e-5);
}

TEST(ConditionalWeights, AreUniformWhenThePerplexityIsOutOfReach) {
  const Matrix data = clusters(40, 3, 2);
  const Matrix weight = conditional_weights(nearest(data, data, 7), 7);
  for (const float w : weight[0]) EXPECT_EQ(w, 1.0F / 7);
}

TEST(Affinities, AreTheMeanOfBothDirections) {
  const Matrix data = clusters(2500, 4, 5);  // more rows than a bucket
  const Neighbors graph = nearest(data, data, 20);
  const Matrix weight = conditional_weights(graph, 6);
  const Affinities a = perplexity_affinities(graph, {.perplexity = 6});
  BasicMatrix<double> expected(2500, 2500);
  for (std::int64_t i = 0; i < 2500; ++i)
    for (std::int64_t j = 0; j < 20; ++j) {
      const double p = static_cast<double>(weight(i, j)) / 5000;
      expected(i, graph.index(i, j)) += p;
      expected(graph.index(i, j), i) += p;
    }
  const BasicMatrix<double> p = dense(a);
  double sum = 0;
  for (std::int64_t i = 0; i < 2500; ++i)
    for (std::int64_t j = 0; j < 2500; ++j) {
      ASSERT_NEAR(p(i, j), expected(i, j), 1e-10);
      ASSERT_EQ(p(i, j), p(j, i));
      sum += p(i, j);
    }
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_NO_THROW(require_valid(a, "test"));
}

TEST(Affinities, GiveTheSameBitsForAnyThreadsAndInstructions) {
  const Matrix data = clusters(1100, 4, 5);
  const Neighbors graph = nearest(data, data, 17);
  std::string expected;
  for (const auto& target : simd::available()) {
    simd::select(target);
    for (const int limit : {1, 2, 3, 7}) {
      const ThreadLimit threads(limit);
      const std::string now = hash_of(perplexity_affinities(graph, {.perplexity = 5}));
      if (expected.empty()) expected = now;
      EXPECT_EQ(now, expected) << target << ", " << limit << " threads";
    }
  }
  simd::select(simd::available().front());
}

TEST(Affinities, OfNoRowsAreEmpty) {
  EXPECT_EQ(perplexity_affinities(Neighbors{}).rows(), 0);
  const Affinities one = perplexity_affinities({BasicMatrix<std::int32_t>(1, 0), Matrix(1, 0)});
  EXPECT_EQ(one.rows(), 1);
  EXPECT_EQ(one.edges(), 0);
}

TEST(Affinities, RejectGraphsThatAreNone) {
  const Matrix data = clusters(30, 3, 2);
  const auto broken = [&](auto&& change) {
    Neighbors graph = nearest(data, data, 5);
    change(graph);
    EXPECT_THROW(perplexity_affinities(graph, {.perplexity = 3}), InvalidArgument);
  };
  broken([](Neighbors& g) { g.index(3, 2) = 30; });
  broken([](Neighbors& g) { g.index(3, 2) = -1; });
  broken([](Neighbors& g) { g.index(3, 2) = 3; });
  broken([](Neighbors& g) { g.index(3, 2) = g.index(3, 1); });
  broken([](Neighbors& g) { g.distance(3, 2) = NAN; });
  broken([](Neighbors& g) { g.distance(3, 2) = -1; });
  broken([](Neighbors& g) { g.distance(3, 2) = INFINITY; });
  broken([](Neighbors& g) { g.distance = Matrix(30, 4); });
  EXPECT_THROW(perplexity_affinities(nearest(data, data, 5), {.perplexity = 0.5}), InvalidArgument);
}

TEST(Affinities, AreCheckedWhenTheyComeFromElsewhere) {
  const Matrix data = clusters(30, 3, 2);
  const auto broken = [&](auto&& change) {
    Affinities a = perplexity_affinities(nearest(data, data, 9), {.perplexity = 3});
    change(a);
    EXPECT_THROW(require_valid(a, "test"), InvalidArgument);
  };
  broken([](Affinities& a) { a.column[4] = 30; });
  broken([](Affinities& a) { std::swap(a.column[0], a.column[1]); });
  broken([](Affinities& a) { a.weight[4] = NAN; });
  broken([](Affinities& a) { a.weight[4] = -1; });
  broken([](Affinities& a) { a.weight.pop_back(); });
  broken([](Affinities& a) { a.begin[3] = 1000; });
  broken([](Affinities& a) { a.begin.back() = 5; });
  broken([](Affinities& a) {
    for (float& w : a.weight) w *= 2;
  });
}

}  // namespace
}  // namespace latlas
