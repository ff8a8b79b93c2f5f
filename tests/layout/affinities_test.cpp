#include "latlas/layout/affinities.h"

#include <gtest/gtest.h>

#include <cmath>

#include "latlas/core/error.h"
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

// ---- kinds ----

/// The weights of one row at a precision, in double.
std::vector<double> gaussian_twin(std::span<const float> distance, double beta) {
  std::vector<double> w;
  double sum = 0;
  for (const float d : distance) {
    const auto near = static_cast<double>(distance[0]), far = static_cast<double>(d);
    w.push_back(std::exp(-beta * (far * far - near * near)));
    sum += w.back();
  }
  for (double& x : w) x /= sum;
  return w;
}

/// The same at a perplexity, by bisection.
std::vector<double> perplexity_twin(std::span<const float> distance, double perplexity) {
  double low = 0, high = 1e6;
  for (int step = 0; step < 200; ++step) {
    const double beta = 0.5 * (low + high);
    double h = 0;
    for (const double w : gaussian_twin(distance, beta))
      if (w > 0) h -= w * std::log(w);
    (h > std::log(perplexity) ? low : high) = beta;
  }
  return gaussian_twin(distance, low);
}

TEST(ConditionalWeights, OfSeveralScalesAreTheirMean) {
  const Matrix data = clusters(200, 8, 5);
  const Neighbors graph = nearest(data, data, 61);
  const Matrix weight =
      conditional_weights(graph, {.affinities = "multiscale", .scales = {3, 8, 20}});
  for (std::int64_t i = 0; i < 200; i += 7) {
    std::vector<double> twin(61);
    for (const double perplexity : {3.0, 8.0, 20.0}) {
      const std::vector<double> one = perplexity_twin(graph.distance[i], perplexity);
      for (std::size_t j = 0; j < 61; ++j) twin[j] += one[j] / 3;
    }
    // An entropy within 1e-6 of its mark leaves the weights within some 1e-6 of theirs.
    for (std::int64_t j = 0; j < 61; ++j)
      EXPECT_NEAR(weight(i, j), twin[static_cast<std::size_t>(j)], 1e-5);
  }
}

TEST(ConditionalWeights, OfOneScaleAreThoseOfItsPerplexity) {
  const Matrix data = clusters(100, 5, 5);
  const Neighbors graph = nearest(data, data, 20);
  EXPECT_EQ(sha256(conditional_weights(graph, {.affinities = "multiscale", .scales = {6}})),
            sha256(conditional_weights(graph, 6)));
}

TEST(ConditionalWeights, OfAFixedBandwidthAreGaussian) {
  const Matrix data = clusters(100, 5, 5);
  const Neighbors graph = nearest(data, data, 30);
  for (const double bandwidth : {0.3, 1.0, 50.0}) {
    const Matrix weight =
        conditional_weights(graph, {.affinities = "gaussian", .bandwidth = bandwidth});
    for (std::int64_t i = 0; i < 100; ++i) {
      const std::vector<double> twin =
          gaussian_twin(graph.distance[i], 0.5 / bandwidth / bandwidth);
      for (std::int64_t j = 0; j < 30; ++j)
        EXPECT_NEAR(weight(i, j), twin[static_cast<std::size_t>(j)], 1e-5);
    }
  }
}

TEST(ConditionalWeights, SurviveAnyBandwidth) {
  const Matrix data = clusters(50, 5, 5);
  Neighbors graph = nearest(data, data, 20);
  for (const float unit : {0.0F, 1e-18F, 1.0F, 1e16F}) {
    Neighbors scaled = nearest(data, data, 20);
    for (std::int64_t i = 0; i < 50; ++i)
      for (float& d : scaled.distance[i]) d *= unit;
    for (const double bandwidth : {0.0, 1e-300, 1e-18, 1.0, 1e18}) {
      const Matrix weight =
          conditional_weights(scaled, {.affinities = "gaussian", .bandwidth = bandwidth});
      for (std::int64_t i = 0; i < 50; ++i) {
        double sum = 0;
        for (const float w : weight[i]) sum += static_cast<double>(w);
        ASSERT_NEAR(sum, 1, 1e-5) << unit << ", " << bandwidth;
      }
    }
  }
}

TEST(TypicalBandwidth, IsThatOfARowThatSeesTheDensityOfMost) {
  const Matrix data = clusters(101, 5, 5);
  const Neighbors graph = nearest(data, data, 40);
  // At the median deviation, half of the rows see at most so many effective neighbors.
  const Matrix weight = conditional_weights(
      graph, {.affinities = "gaussian", .bandwidth = typical_bandwidth(graph, 8)});
  int below = 0;
  for (std::int64_t i = 0; i < 101; ++i) below += entropy(weight[i]) < std::log(8) - 1e-5 ? 1 : 0;
  EXPECT_EQ(below, 50);
  Neighbors equal = nearest(data, data, 40);
  for (std::int64_t i = 0; i < 101; ++i)
    for (float& d : equal.distance[i]) d = 3;
  EXPECT_EQ(typical_bandwidth(equal, 8), 0);
  EXPECT_EQ(conditional_weights(equal, {.affinities = "gaussian"})(0, 0), 1.0F / 40);
}

TEST(ScalesOf, GrowWithTheRowsUpToTenTimesThePerplexity) {
  EXPECT_EQ(scales_of({}, 100), (std::vector<double>{30}));
  EXPECT_EQ(scales_of({}, 2000), (std::vector<double>{30, 200}));
  EXPECT_EQ(scales_of({}, 60000), (std::vector<double>{30, 300}));
  EXPECT_EQ(scales_of({.scales = {5, 50}}, 60000), (std::vector<double>{5, 50}));
}

TEST(ConditionalWeights, KeepTheShareOfTheirMassThatTheyAreToldTo) {
  const Matrix data = clusters(100, 5, 5);
  const Neighbors graph = nearest(data, data, 30);
  const Matrix all = conditional_weights(graph, 8);
  const Matrix some = conditional_weights(graph, {.perplexity = 8, .kept_mass = 0.9});
  for (std::int64_t i = 0; i < 100; ++i) {
    double before = 0, kept = 0, sum = 0;
    for (std::int64_t j = 0; j < 30; ++j) {
      sum += static_cast<double>(some(i, j));
      if (some(i, j) == 0) continue;
      before = kept;
      kept += static_cast<double>(all(i, j));
      EXPECT_NEAR(static_cast<double>(some(i, j)) * 0.9, all(i, j), 0.1 * some(i, j) + 1e-6);
    }
    EXPECT_NEAR(sum, 1, 1e-5);
    EXPECT_GE(kept, 0.9 - 1e-6);
    EXPECT_LT(before, 0.9);  // and without the last it would not be enough
  }
  const Affinities few = joint_affinities(graph, {.perplexity = 8, .kept_mass = 0.9});
  EXPECT_LT(few.edges(), joint_affinities(graph, {.perplexity = 8}).edges() * 9 / 10);
  for (const float w : few.weight) EXPECT_GT(w, 0);
  EXPECT_NO_THROW(require_valid(few, "test"));
}

// By golden_affinities.py, openTSNE 1.0.4. Its search for a perplexity ends 1e-5 from it, and the
// numbers are rounded.
TEST(Affinities, AgreeWithThoseOfOpenTsne) {
  Matrix rows(24, 3);
  for (int i = 0; i < 24; ++i)
    for (int c = 0; c < 3; ++c)
      rows(i, c) = static_cast<float>((i * 7 + c * 5 + i * i * (c + 3)) % 31) +
                   static_cast<float>((i * 11 + c * 3) % 13) / 16;
  const Neighbors graph = nearest(rows, rows, 12);
  const auto expect = [&](const AffinityParams& params, const std::vector<int>& zeroth,
                          const std::vector<int>& seventh) {
    const BasicMatrix<double> p = dense(joint_affinities(graph, params));
    for (std::int64_t j = 0; j < 24; ++j) {
      EXPECT_NEAR(p(0, j) * 1e6, zeroth[static_cast<std::size_t>(j)], 1.5) << params.affinities;
      EXPECT_NEAR(p(7, j) * 1e6, seventh[static_cast<std::size_t>(j)], 1.5) << params.affinities;
    }
  };
  expect({.affinities = "multiscale", .scales = {2, 4}},
         {0, 50, 0,   78,  22, 20, 0,   69,  24785, 0, 0, 8176,
          0, 0,  362, 271, 0,  0,  140, 154, 4826,  0, 0, 0},
         {69, 419, 10, 503, 18872, 16,  27,    0,     190, 0, 0, 75,
          0,  0,   0,  0,   0,     164, 14430, 23549, 104, 0, 0, 303});
  expect({.affinities = "gaussian", .bandwidth = 6},
         {0, 68, 0,   111, 27, 24, 0,   97,  17860, 0, 0, 10368,
          0, 0,  648, 333, 0,  0,  210, 270, 7263,  0, 0, 0},
         {97, 1337, 43, 2018, 13397, 74,  160,   0,     592, 0, 0, 364,
          0,  0,    0,  0,    0,     549, 11178, 16247, 502, 0, 0, 432});
  expect({.affinities = "uniform"}, {0, 1736, 0,    1736, 1736, 1736, 0,    1736, 3472, 0, 0, 3472,
                                     0, 0,    3472, 3472, 0,    0,    1736, 3472, 3472, 0, 0, 0},
         {1736, 3472, 1736, 3472, 3472, 1736, 3472, 0,    3472, 0, 0, 3472,
          0,    0,    0,    0,    0,    3472, 3472, 3472, 3472, 0, 0, 3472});
}

TEST(Affinities, OfEveryKindGiveTheSameBitsForAnyThreadsAndInstructions) {
  const Matrix data = clusters(1100, 4, 5);
  const Neighbors graph = nearest(data, data, 24);
  for (const AffinityParams& kind :
       {AffinityParams{.affinities = "multiscale", .scales = {3, 7}},
        AffinityParams{.affinities = "uniform"}, AffinityParams{.affinities = "gaussian"},
        AffinityParams{.perplexity = 8, .kept_mass = 0.9}}) {
    std::string expected;
    for (const auto& target : simd::available()) {
      simd::select(target);
      for (const int limit : {1, 2, 3, 7}) {
        const ThreadLimit threads(limit);
        const std::string now = hash_of(joint_affinities(graph, kind));
        if (expected.empty()) expected = now;
        EXPECT_EQ(now, expected) << target << ", " << limit << " threads";
      }
    }
  }
  simd::select(simd::available().front());
}

// ---- given weights ----

TEST(GivenAffinities, AreTheMeanOfBothDirectionsWhateverTheOrderAndUnit) {
  for (const float unit : {1e-25F, 1.0F, 1e25F}) {
    const Affinities w{
        {0, 3, 4, 4, 5}, {3, 1, 2, 0, 1}, {3 * unit, 1 * unit, 0 * unit, 2 * unit, 4 * unit}};
    const Affinities a = given_affinities(w);
    EXPECT_NO_THROW(require_valid(a, "test"));
    const BasicMatrix<double> p = dense(a);
    EXPECT_NEAR(p(0, 1), 3.0 / 20, 1e-7);
    EXPECT_NEAR(p(0, 3), 3.0 / 20, 1e-7);
    EXPECT_NEAR(p(1, 3), 4.0 / 20, 1e-7);
    EXPECT_EQ(p(1, 0), p(0, 1));
    EXPECT_EQ(a.edges(), 6);  // the weight of 0 is no edge
  }
}

TEST(GivenAffinities, StayAsTheyAreWhenSymmetric) {
  const Matrix data = clusters(300, 4, 5);
  const Affinities a = joint_affinities(nearest(data, data, 15), {.perplexity = 5});
  const Affinities again = given_affinities(a);
  EXPECT_EQ(again.column, a.column);
  for (std::size_t e = 0; e < a.weight.size(); ++e)
    EXPECT_NEAR(again.weight[e], a.weight[e], 2e-6F * a.weight[e]);  // their sum is 1 within that
  EXPECT_EQ(given_affinities({}).rows(), 0);
}

TEST(GivenAffinities, RejectWhatIsNone) {
  const Affinities good{{0, 2, 3, 4}, {1, 2, 0, 0}, {1, 2, 3, 4}};
  EXPECT_NO_THROW(given_affinities(good));
  const auto broken = [&](auto&& change) {
    Affinities a = good;
    change(a);
    EXPECT_THROW(given_affinities(a), InvalidArgument);
  };
  broken([](Affinities& a) { a.column[1] = 3; });
  broken([](Affinities& a) { a.column[1] = -1; });
  broken([](Affinities& a) { a.column[1] = 0; });
  broken([](Affinities& a) { a.column[1] = 1; });
  broken([](Affinities& a) { a.weight[1] = NAN; });
  broken([](Affinities& a) { a.weight[1] = INFINITY; });
  broken([](Affinities& a) { a.weight[1] = -1; });
  broken([](Affinities& a) { a.weight.assign(4, 0); });
  broken([](Affinities& a) { a.weight.pop_back(); });
  broken([](Affinities& a) { a.begin[1] = 4; });
  broken([](Affinities& a) { a.begin[0] = 1; });
  broken([](Affinities& a) { a.begin.back() = 5; });
  broken([](Affinities& a) { a.begin = {0}; });
}

}  // namespace
}  // namespace latlas
