#include "latlas/layout/tsne.h"

#include <gtest/gtest.h>

#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "latlas/layout/kl.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

void expect_centered_and_finite(const TsneResult& result) {
  latlas::expect_centered_and_finite(result.map);
  EXPECT_TRUE(std::isfinite(result.kl));
}

TEST(KlDivergence, AgreesWithTheSumInDouble) {
  const Case c = make_case(333, 20);
  const Affinities a = perplexity_affinities(c.graph, {.perplexity = 6});
  const BasicMatrix<double> p = dense(a);
  for (const float scale : {1e-3F, 1.0F, 100.0F}) {
    Matrix map(333, 2);
    for (std::int64_t i = 0; i < 333; ++i)
      for (int k = 0; k < 2; ++k) map(i, k) = scale * c.data(i, k);
    // Terms of size up to log(p q) ~ 20, each right to 2e-7 of itself.
    EXPECT_NEAR(kl_divergence(a, map).value, kl_twin(p, map), 1e-5);
  }
  EXPECT_THROW(kl_divergence(a, Matrix(332, 2)), InvalidArgument);
}

/// kl_twin for any number of columns.
double kl_of(const BasicMatrix<double>& p, const Matrix& map) {
  const std::int64_t n = map.rows();
  BasicMatrix<double> q(n, n);
  double z = 0, kl = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      double d = 1;
      for (std::int64_t k = 0; k < map.cols(); ++k)
        d += std::pow(static_cast<double>(map(i, k)) - static_cast<double>(map(j, k)), 2);
      q(i, j) = i == j ? 0 : 1 / d;
      z += q(i, j);
    }
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      if (p(i, j) > 0) kl += p(i, j) * std::log(p(i, j) * z / q(i, j));
  return kl;
}

TEST(KlDivergence, AgreesWithTheSumForFewRowsAndAnyColumns) {
  for (const std::int64_t n : {2, 3, 15, 16, 17, 40}) {
    const Case c = make_case(n, n - 1, 2);
    const Affinities a = perplexity_affinities(c.graph, {.perplexity = 1});
    for (const std::int64_t columns : {1, 2, 3, 6})
      for (const float scale : {1.0F, 1e4F}) {  // far apart, a row sees none but itself
        Matrix map(n, columns);
        for (std::int64_t i = 0; i < n; ++i)
          for (std::int64_t k = 0; k < columns; ++k) map(i, k) = scale * c.data(i, k);
        EXPECT_NEAR(kl_divergence(a, map).value, kl_of(dense(a), map), 2e-5)
            << n << ", " << columns;
      }
  }
}

TEST(KlDivergence, OfVeryManyRowsComesFromASampleWithItsError) {
  const Case c = make_case(3000, 30);
  const Affinities a = perplexity_affinities(c.graph, {.perplexity = 10});
  const Divergence exact = kl_divergence(a, c.data);
  EXPECT_EQ(exact.standard_error, 0);
  double off = 0;
  for (const std::uint64_t seed : {0, 1, 2, 3, 4, 5, 6, 7}) {
    const KlParams few{.exact_rows = 100, .sample_rows = 200, .seed = seed};
    const Divergence sampled = kl_divergence(a, c.data, few);
    EXPECT_GT(sampled.standard_error, 0);
    EXPECT_NEAR(sampled.value, exact.value, 5 * sampled.standard_error) << seed;
    off += std::pow((sampled.value - exact.value) / sampled.standard_error, 2) / 8;
    const ThreadLimit limit(3);
    EXPECT_EQ(kl_divergence(a, c.data, few).value, sampled.value);
  }
  EXPECT_GT(off, 0.1);  // the error is neither far too large
  EXPECT_LT(off, 4);    // nor far too small: chi² of 8 outside these has probability 1e-4
  EXPECT_EQ(kl_divergence(a, c.data, {.exact_rows = 0, .sample_rows = 3000}).standard_error, 0);
  EXPECT_THROW(kl_divergence(a, c.data, {.sample_rows = 1}), InvalidArgument);
}

// The twin takes the same steps in double with all pairs. The dynamics are chaotic, so the maps
// part in the end, but to equally good ones: five twins whose starts differ by 1e-6 lie within
// 0.013 of each other in KL on this data, hence 0.02.
TEST(Tsne, IsAsGoodAsItsTwinInDouble) {
  const std::int64_t n = 900;
  const Case c = make_case(n, 30);
  const Affinities a = perplexity_affinities(c.graph, {.perplexity = 10});
  TsneParams params{.exaggeration_iterations = 100, .iterations = 350, .stop_below = 0};
  Matrix start(n, 2);
  double square = 0;
  for (std::int64_t i = 0; i < n; ++i) square += std::pow(c.data(i, 0), 2) / static_cast<double>(n);
  for (std::int64_t i = 0; i < n; ++i)
    for (int k = 0; k < 2; ++k)
      start(i, k) = c.data(i, k) * static_cast<float>(1e-4 / std::sqrt(square));
  const BasicMatrix<double> p = dense(a);
  const double twin = kl_twin(p, tsne_twin(a, start, params));
  for (const std::int64_t exact_below : {0, 2000}) {
    params.exact_below = exact_below;
    const TsneResult result = tsne(a, start, params);
    EXPECT_EQ(result.exact_normalizer, exact_below > n);
    EXPECT_EQ(result.iterations, 350);
    EXPECT_EQ(result.exaggerated, 100);
    EXPECT_NEAR(result.kl, kl_twin(p, result.map), 2e-3);
    EXPECT_LT(result.kl, twin + 0.02) << exact_below;
    expect_centered_and_finite(result);
  }
}

TEST(Tsne, SaysWhenAllItsIterationsWereExaggerated) {
  const Case c = make_case(200, 15);
  const TsneResult result = tsne(c.graph, c.data, {.perplexity = 5, .iterations = 30});
  EXPECT_EQ(result.exaggerated, 30);
  ASSERT_EQ(result.notes.size(), 1U);
  EXPECT_NE(result.notes[0].find("exaggerated"), std::string::npos);
  EXPECT_THROW(tsne(c.graph, c.data, {.perplexity = 5, .iterations = 0}), InvalidArgument);
}

TEST(Tsne, NeverEndsByRuleWhenToldSo) {
  const Case c = make_case(200, 15);
  const TsneResult result = tsne(
      c.graph, c.data, {.perplexity = 5, .iterations = 600, .learning_rate = 1e5, .stop_below = 0});
  EXPECT_EQ(result.iterations, 600);  // though its divergence rises at times
  EXPECT_FALSE(result.converged);
}

TEST(Tsne, BringsClustersApart) {
  const Case c = make_case(1000, 30);
  const TsneResult result = tsne(c.graph, c.data, {.perplexity = 10});
  const Neighbors near = nearest(result.map, result.map, 10);
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < 1000; ++i)
    for (const std::int32_t j : near.index[i]) right += i % 10 == j % 10 ? 1 : 0;
  EXPECT_GT(right, 9900);  // centers are 14 apart on average, deviations 1
}

TEST(Tsne, GivesTheSameBitsForAnyThreadsAndInstructions) {
  const Case c = make_case(700, 15);
  for (const std::int64_t exact_below : {0, 2000}) {
    std::string expected;
    for (const auto& target : simd::available()) {
      simd::select(target);
      for (const int limit : {1, 2, 3, 7}) {
        const ThreadLimit threads(limit);
        const TsneResult result = tsne(c.graph, c.data,
                                       {.perplexity = 5,
                                        .exaggeration_iterations = 30,
                                        .iterations = 60,
                                        .exact_below = exact_below});
        const std::string now = sha256(result.map) + std::to_string(result.kl);
        if (expected.empty()) expected = now;
        EXPECT_EQ(now, expected) << target << ", " << limit << " threads, " << exact_below;
      }
    }
  }
  simd::select(simd::available().front());
}

// Printed by this very test when it was written; the same on every processor with fused
// multiply-add. A change of the arithmetic changes them, and belongs into CHANGELOG.md.
TEST(Tsne, GivesTheGoldenMaps) {
  const Case c = make_case(200, 15);
  TsneParams params{.perplexity = 5, .exaggeration_iterations = 30, .iterations = 60};
  EXPECT_EQ(sha256(tsne(c.graph, c.data, params).map),
            "4a52b45c68c5bac7c7e63b63f427008e17eeebfdeb37fc69d7f9deb2c280f9b2");
  params.exact_below = 0;
  EXPECT_EQ(sha256(tsne(c.graph, c.data, params).map),
            "fac6ff4a56d3faacdd2b57f21c7e9ed0cb47369b5d89d03687a374e7e4a09eb8");
}

TEST(Tsne, StopsWhenAskedWithAValidMap) {
  const Case c = make_case(300, 15);
  std::int64_t calls = 0;
  const TsneResult result = tsne(c.graph, c.data, {.perplexity = 5}, [&](const Report& report) {
    EXPECT_EQ(report.stage, "t-SNE");
    EXPECT_TRUE(std::isfinite(report.loss));
    return ++calls == 3 ? Next::stop : Next::proceed;
  });
  EXPECT_TRUE(result.stopped);
  EXPECT_FALSE(result.converged);
  EXPECT_EQ(result.iterations, 76);
  expect_centered_and_finite(result);
}

TEST(Tsne, EndsWhenKlStopsFalling) {
  const Case c = make_case(200, 15);
  const TsneResult result =
      tsne(c.graph, c.data, {.perplexity = 5, .iterations = 20000, .stop_below = 1e-4});
  EXPECT_TRUE(result.converged);
  EXPECT_LT(result.iterations, 20000);
  EXPECT_EQ(result.trace.back().iteration, result.iterations);
  EXPECT_EQ(result.trace.back().kl, result.kl);
}

TEST(Tsne, LowersAPerplexityTooLargeAndSaysSo) {
  const Case c = make_case(50, 49, 3);
  const TsneResult result = tsne(c.graph, c.data, {.perplexity = 30});
  ASSERT_EQ(result.notes.size(), 1U);
  EXPECT_NE(result.notes[0].find("perplexity lowered from 30 to 16"), std::string::npos);
  expect_centered_and_finite(result);
}

TEST(Tsne, ServesAFewRows) {
  EXPECT_EQ(tsne(Neighbors{}, Matrix{}).map.rows(), 0);
  for (const std::int64_t n : {1, 2, 3, 4, 5, 17}) {
    for (const std::int64_t exact_below : {0, 2000}) {
      const Case c = make_case(n, n - 1, 2);
      const TsneResult result = tsne(c.graph, c.data, {.exact_below = exact_below});
      EXPECT_EQ(result.map.rows(), n);
      expect_centered_and_finite(result);
    }
  }
}

TEST(Tsne, ServesRowsThatAreAllEqual) {
  for (const std::int64_t n : {40, 300}) {
    Neighbors graph{BasicMatrix<std::int32_t>(n, 12), Matrix(n, 12)};
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t c = 0; c < 12; ++c)
        graph.index(i, c) = static_cast<std::int32_t>((i + c + 1) % n);
    for (const std::int64_t exact_below : {0, 2000}) {
      const TsneResult result =
          tsne(graph, Matrix(n, 2), {.perplexity = 4, .exact_below = exact_below});
      expect_centered_and_finite(result);
    }
  }
}

TEST(Tsne, ServesAGraphInManyPieces) {
  // 100 pairs, each other's only neighbors.
  Neighbors graph{BasicMatrix<std::int32_t>(200, 1), Matrix(200, 1)};
  for (std::int64_t i = 0; i < 200; ++i) graph.index(i, 0) = static_cast<std::int32_t>(i ^ 1);
  for (const std::int64_t exact_below : {0, 2000}) {
    const TsneResult result = tsne(perplexity_affinities(graph, {.perplexity = 1}),
                                   clusters(200, 2, 20), {.exact_below = exact_below});
    expect_centered_and_finite(result);
  }
}

TEST(Tsne, CountsTheEdgesOfMoreRowsThanSixteenBitsNumber) {
  const std::int64_t n = 66001;  // a ring
  Neighbors graph{BasicMatrix<std::int32_t>(n, 2), Matrix(n, 2)};
  Matrix start(n, 2);
  for (std::int64_t i = 0; i < n; ++i) {
    graph.index(i, 0) = static_cast<std::int32_t>((i + 1) % n);
    graph.index(i, 1) = static_cast<std::int32_t>((i + n - 1) % n);
    graph.distance(i, 0) = graph.distance(i, 1) = 1;
    const double turn = 2 * M_PI * static_cast<double>(i) / static_cast<double>(n);
    start(i, 0) = static_cast<float>(std::cos(turn));
    start(i, 1) = static_cast<float>(std::sin(turn));
  }
  const Affinities a = joint_affinities(graph, {.affinities = "uniform"});
  const TsneResult result = tsne(a, start, {.exaggeration_iterations = 10, .iterations = 30});
  expect_centered_and_finite(result);
  EXPECT_NEAR(result.kl, kl_divergence(a, result.map).value, 0.01);
}

TEST(Tsne, RejectsWhatCannotBeLaidOut) {
  const Case c = make_case(100, 15);
  EXPECT_THROW(tsne(c.graph, c.data, {.perplexity = 6}), InvalidArgument);  // k = 15 < 18
  EXPECT_THROW(tsne(c.graph, clusters(99, 6, 10), {.perplexity = 5}), InvalidArgument);
  EXPECT_THROW(tsne(c.graph, Matrix(100, 1), {.perplexity = 5}), InvalidArgument);
  Matrix bad = copy_of(c.data);
  bad(42, 1) = NAN;
  EXPECT_THROW(tsne(c.graph, bad, {.perplexity = 5}), InvalidArgument);
  EXPECT_THROW(tsne(c.graph, c.data, {.perplexity = 0}), InvalidArgument);
  EXPECT_THROW(tsne(c.graph, c.data, {.perplexity = 5, .grid_spacing = 2}), InvalidArgument);
  EXPECT_THROW(tsne(c.graph, c.data, {.perplexity = 5, .momentum = 1}), InvalidArgument);
  Neighbors broken = nearest(c.data, c.data, 15);
  broken.index(7, 3) = 100;
  EXPECT_THROW(tsne(broken, c.data, {.perplexity = 5}), InvalidArgument);
}

}  // namespace
}  // namespace latlas
