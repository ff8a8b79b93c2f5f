#include "latlas/layout/spectral.h"

#include <gtest/gtest.h>

#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "latlas/layout/fuzzy.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

/// n rows in a circle, each bound to the next.
Affinities ring(std::int64_t n) {
  Affinities a;
  a.begin.push_back(0);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto before = static_cast<std::int32_t>((i + n - 1) % n);
    const auto after = static_cast<std::int32_t>((i + 1) % n);
    a.column.push_back(std::min(before, after));
    a.column.push_back(std::max(before, after));
    a.weight.insert(a.weight.end(), {0.5F, 0.5F});
    a.begin.push_back(std::ssize(a.column));
  }
  return a;
}

Affinities one_cloud(std::int64_t n) {
  const Matrix data = clusters(n, 3, 1);
  return fuzzy_graph(nearest(data, data, 10), 10, 11, 1, 1);
}

/// L v in double.
std::vector<double> laplacian_times(const Affinities& graph, const Matrix& v, std::int64_t c) {
  const BasicMatrix<double> w = dense(graph);
  const std::int64_t n = w.rows();
  std::vector<double> degree(static_cast<std::size_t>(n)), out(degree.size());
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) degree[static_cast<std::size_t>(i)] += w(i, j);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto u = static_cast<std::size_t>(i);
    out[u] = static_cast<double>(v(i, c));
    for (std::int64_t j = 0; j < n; ++j)
      out[u] -= w(i, j) / std::sqrt(degree[u] * degree[static_cast<std::size_t>(j)]) *
                static_cast<double>(v(j, c));
  }
  return out;
}

TEST(Spectral, FindsTheWavesOfARing) {
  // Eigenvalues 1 − cos(2π m / n), twice each; 40 rows are solved densely, 300 iteratively.
  for (const std::int64_t n : {40, 300}) {
    const Spectrum s = spectral(ring(n), 2);
    EXPECT_TRUE(s.connected);
    EXPECT_TRUE(s.converged);
    const double mu = 1 - std::cos(2 * 3.14159265358979 / static_cast<double>(n));
    // A vector that is right to 5 % of μ has a value right to the square of that.
    for (const double value : s.values) EXPECT_NEAR(value / mu, 1, 5e-3) << n;
    for (std::int64_t i = 0; i < n; ++i) {
      const double x = static_cast<double>(s.vectors(i, 0)),
                   y = static_cast<double>(s.vectors(i, 1));
      EXPECT_NEAR((x * x + y * y) * static_cast<double>(n) / 2, 1, 0.2);  // a circle again
    }
  }
}

TEST(Spectral, KeepsWhatItPromisesOfEachVector) {
  for (const std::int64_t n : {100, 700}) {
    const Affinities graph = one_cloud(n);
    const Spectrum s = spectral(graph, 3);
    ASSERT_TRUE(s.converged);
    for (std::int64_t c = 0; c < 3; ++c) {
      const std::vector<double> lv = laplacian_times(graph, s.vectors, c);
      const double mu = s.values[static_cast<std::size_t>(c)];
      double rest = 0, length = 0, largest = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const auto v = static_cast<double>(s.vectors(i, c));
        rest += std::pow(lv[static_cast<std::size_t>(i)] - mu * v, 2);
        length += v * v;
        if (std::abs(v) > std::abs(largest)) largest = v;
      }
      EXPECT_LE(std::sqrt(rest), 0.05 * mu + 1e-5);
      EXPECT_NEAR(length, 1, 1e-5);
      EXPECT_GT(largest, 0);
    }
    EXPECT_GT(s.values[0], 0);
    EXPECT_LE(s.values[0], s.values[1]);
  }
}

TEST(Spectral, GivesTheSameBitsForAnyThreadsAndInstructions) {
  const Affinities graph = one_cloud(600);
  std::string expected;
  for (const auto& target : simd::available()) {
    simd::select(target);
    for (const int limit : {1, 2, 3, 7}) {
      const ThreadLimit threads(limit);
      const std::string now = sha256(spectral(graph, 2).vectors);
      if (expected.empty()) expected = now;
      EXPECT_EQ(now, expected) << target << ", " << limit << " threads";
    }
  }
  simd::select(simd::available().front());
}

TEST(Spectral, SaysThatAGraphFallsApart) {
  Affinities graph = ring(10);
  const Affinities other = ring(10);
  for (std::size_t e = 0; e < other.column.size(); ++e) {
    graph.column.push_back(other.column[e] + 10);
    graph.weight.push_back(other.weight[e]);
  }
  for (std::size_t i = 1; i < other.begin.size(); ++i) graph.begin.push_back(20 + other.begin[i]);
  const Spectrum s = spectral(graph, 2);
  EXPECT_FALSE(s.connected);
  EXPECT_FALSE(s.converged);
  EXPECT_TRUE(s.vectors.empty());
  EXPECT_THROW(spectral(graph, 0), InvalidArgument);
  EXPECT_THROW(spectral(graph, 9), InvalidArgument);
  EXPECT_THROW(spectral(Affinities{}, 1), InvalidArgument);
}

}  // namespace
}  // namespace latlas
