#include "latlas/layout/fuzzy.h"

#include <gtest/gtest.h>

#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

/// Memberships of one row in double, as umap-learn's smooth_knn_dist finds them for
/// local_connectivity 1; `mean` of all distances.
std::vector<double> membership_twin(const std::vector<double>& d, double effective, double mean) {
  double rho = 0, own = 0;
  for (const double x : d) {
    if (rho <= 0 && x > 0) rho = x;
    own += x / static_cast<double>(d.size());
  }
  double low = 0, high = 1e300, sigma = 1;
  for (int step = 0; step < 200; ++step) {
    double sum = 0;
    for (const double x : d) sum += x > rho ? std::exp(-(x - rho) / sigma) : 1;
    (sum > std::log2(effective) ? high : low) = sigma;
    sigma = high < 1e300 ? (low + high) / 2 : 2 * sigma;
    if (sigma > 1e30) break;
  }
  sigma = std::max(sigma, 1e-3 * (rho > 0 ? own : mean));
  std::vector<double> out;
  for (const double x : d) out.push_back(x > rho ? std::exp(-(x - rho) / sigma) : 1);
  return out;
}

TEST(Memberships, AgreeWithTheTwinInDouble) {
  for (const std::int64_t k : {2, 14, 16, 33}) {
    const Matrix data = clusters(300, 5, 6);
    const Neighbors graph = nearest(data, data, k);
    const auto effective = static_cast<double>(k + 1);
    double mean = 0;
    for (std::int64_t i = 0; i < 300; ++i)
      for (const float d : graph.distance[i])
        mean += static_cast<double>(d) / static_cast<double>(300 * k);
    const Matrix weight = memberships(graph, k, effective, 1);
    for (std::int64_t i = 0; i < 300; ++i) {
      const std::vector<double> twin =
          membership_twin({graph.distance[i].begin(), graph.distance[i].end()}, effective, mean);
      // The search ends when the sum is right to 1e-5 (and to k roundings of float32).
      for (std::int64_t j = 0; j < k; ++j)
        EXPECT_NEAR(weight(i, j), twin[static_cast<std::size_t>(j)], 5e-5) << i << ", " << j;
    }
  }
}

TEST(Memberships, SumToTheLogarithmOfTheNeighborsAndStartAtOne) {
  const Matrix data = clusters(200, 5, 4);
  const Matrix weight = memberships(nearest(data, data, 14), 14, 15, 1);
  for (std::int64_t i = 0; i < 200; ++i) {
    double sum = 0;
    for (const float w : weight[i]) sum += static_cast<double>(w);
    EXPECT_NEAR(sum, std::log2(15), 5e-5);
    EXPECT_EQ(weight(i, 0), 1);
  }
}

TEST(Memberships, DoNotDependOnTheUnitOfTheDistances) {
  const Matrix data = clusters(200, 5, 4);
  Neighbors graph = nearest(data, data, 14);
  const Matrix expected = memberships(graph, 14, 15, 1);
  for (std::int64_t i = 0; i < 200; ++i)
    for (float& d : graph.distance[i]) d *= 1024;
  const Matrix weight = memberships(graph, 14, 15, 1);
  for (std::int64_t i = 0; i < 200; ++i)
    for (std::int64_t j = 0; j < 14; ++j) EXPECT_NEAR(weight(i, j), expected(i, j), 5e-5);
}

TEST(FuzzyGraph, JoinsTheMembershipsOfBothRows) {
  const std::int64_t n = 150, k = 9;
  const Matrix data = clusters(n, 5, 4);
  const Neighbors graph = nearest(data, data, k);
  const Matrix weight = memberships(graph, k, 10, 1);
  BasicMatrix<double> w(n, n);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < k; ++j)
      w(i, graph.index(i, j)) = static_cast<double>(weight(i, j));
  for (const double mix : {1.0, 0.25, 0.0}) {
    const BasicMatrix<double> joined = dense(fuzzy_graph(graph, k, 10, 1, mix));
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        const double both = w(i, j) * w(j, i);
        EXPECT_NEAR(joined(i, j), mix * (w(i, j) + w(j, i) - both) + (1 - mix) * both, 1e-6);
        EXPECT_EQ(joined(i, j), joined(j, i));
      }
  }
}

TEST(FuzzyGraph, GivesTheSameBitsForAnyThreadsAndInstructions) {
  const Matrix data = clusters(2100, 5, 4);
  const Neighbors graph = nearest(data, data, 9);
  std::string expected;
  for (const auto& target : simd::available()) {
    simd::select(target);
    for (const int limit : {1, 2, 3, 7}) {
      const ThreadLimit threads(limit);
      const Affinities a = fuzzy_graph(graph, 9, 10, 1.5, 1);
      const std::string now = sha256(std::as_bytes(std::span(a.weight)));
      if (expected.empty()) expected = now;
      EXPECT_EQ(now, expected) << target << ", " << limit << " threads";
    }
  }
  simd::select(simd::available().front());
}

TEST(FuzzyGraph, ServesRowsThatAreAllEqual) {
  Neighbors graph{BasicMatrix<std::int32_t>(40, 5), Matrix(40, 5)};
  for (std::int64_t i = 0; i < 40; ++i)
    for (std::int64_t c = 0; c < 5; ++c)
      graph.index(i, c) = static_cast<std::int32_t>((i + c + 1) % 40);
  for (const float w : fuzzy_graph(graph, 5, 6, 1, 1).weight) EXPECT_EQ(w, 1);
}

TEST(FuzzyGraph, RejectsGraphsThatAreNone) {
  const Matrix data = clusters(50, 5, 4);
  Neighbors graph = nearest(data, data, 5);
  EXPECT_THROW(fuzzy_graph(graph, 6, 7, 1, 1), InvalidArgument);
  graph.distance(7, 2) = NAN;
  EXPECT_THROW(fuzzy_graph(graph, 5, 6, 1, 1), InvalidArgument);
  graph.distance(7, 2) = -1;
  EXPECT_THROW(fuzzy_graph(graph, 5, 6, 1, 1), InvalidArgument);
  graph = nearest(data, data, 5);
  for (const std::int32_t wrong : {-1, 50, 7}) {
    graph.index(7, 0) = wrong;
    EXPECT_THROW(fuzzy_graph(graph, 5, 6, 1, 1), InvalidArgument) << wrong;
  }
  graph.index(7, 0) = graph.index(7, 1);
  EXPECT_THROW(fuzzy_graph(graph, 5, 6, 1, 1), InvalidArgument);
}

}  // namespace
}  // namespace latlas
