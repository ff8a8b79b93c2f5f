// Neighbors by inner product.
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
#include "latlas/neighbors/approximate.h"
#include "latlas/neighbors/exact.h"
#include "tests/core/helpers.h"
#include "tests/neighbors/brute_force.h"

namespace latlas {
namespace {

#ifdef LATLAS_EMULATED
constexpr std::int64_t kMany = 2000;
#else
constexpr std::int64_t kMany = 8000;
#endif

const NeighborsParams kProducts = {.k = 15, .metric = "inner_product", .search = "exact"};

NeighborsParams products(std::int64_t k) {
  NeighborsParams params = kProducts;
  params.k = k;
  return params;
}

/// Measures every pair, sorts all of them.
Neighbors twin_products(ConstRows queries, ConstRows data, std::int64_t k, bool within) {
  return twin::nearest_neighbors(queries, data, k, within, twin::negative_product);
}

/// Normal rows around a center away from 0, whose lengths differ by a factor of e² or so.
Matrix rows_of(std::int64_t n, std::int64_t d, double center = 0.3, std::uint64_t seed = 1) {
  Matrix x(n, d);
  for (std::int64_t i = 0; i < n; ++i) {
    const double length =
        std::exp2(random::normal({.seed = seed, .sub = 3, .index = static_cast<std::uint64_t>(i)}));
    for (std::int64_t j = 0; j < d; ++j) {
      const auto at = static_cast<std::uint64_t>(i * d + j);
      x(i, j) = static_cast<float>(
          length * (center + random::normal({.seed = seed, .sub = 4, .index = at})));
    }
  }
  return x;
}

void expect_equals_twin(const Matrix& x, std::int64_t k, const std::string& what = "") {
  expect_equal(nearest_neighbors(x, products(k)), twin_products(x, x, k, true), what);
}

TEST(InnerProducts, EqualTheTwinInEveryDimension) {
  for (const std::int64_t d : {1, 2, 3, 8, 33, 100, 257, 784})
    expect_equals_twin(rows_of(d > 100 ? 250 : 700, d), 15, sentence("d = ", d));
}

TEST(InnerProducts, EqualTheTwinForEveryCount) {
  for (const std::int64_t k : {1, 2, 90, 97, 300, 599}) expect_equals_twin(rows_of(600, 5), k);
}

TEST(InnerProducts, EqualTheTwinWhereAllAreNegative) {
  // Queries and data on either side of 0.
  const Matrix data = rows_of(400, 6, 8, 1), queries = rows_of(130, 6, -8, 2);
  const Neighbors found = nearest_neighbors(queries, data, products(20));
  EXPECT_GT(found.distance(0, 0), 0);
  expect_equal(found, twin_products(queries, data, 20, false));
}

TEST(InnerProducts, EqualTheTwinAmongDuplicatesAndZeros) {
  Matrix x = rows_of(700, 4);
  for (std::int64_t i = 0; i < 700; ++i) {
    if (i % 2 == 0) std::copy_n(x.row(i % 6 + 1), 4, x.row(i));  // half of them: three rows
    if (i % 7 == 0) std::fill_n(x.row(i), 4, i % 14 == 0 ? 0.0F : -0.0F);
  }
  for (const std::int64_t k : {3, 120, 699}) expect_equals_twin(x, k, sentence("k = ", k));
  expect_equals_twin(Matrix(300, 3), 10, "all zero");
}

TEST(InnerProducts, EqualTheTwinAmongTies) {
  Matrix x(900, 3);  // small whole numbers: few different products
  for (std::int64_t at = 0; at < x.size(); ++at)
    x.data()[at] = static_cast<float>(
        static_cast<int>(random::below(7, {.index = static_cast<std::uint64_t>(at)})) - 3);
  for (const std::int64_t k : {1, 15, 200}) expect_equals_twin(x, k, sentence("k = ", k));
}

TEST(InnerProducts, EqualTheTwinWhereFloat32CannotTellScoresApart) {
  // Long rows that differ by little, across one direction: products agree to 1e-7 and less.
  Matrix x(1500, 40);
  for (std::int64_t i = 0; i < x.rows(); ++i)
    for (std::int64_t j = 0; j < x.cols(); ++j)
      x(i, j) = 1000 + 1e-3F * static_cast<float>(random::normal(
                                   {.index = static_cast<std::uint64_t>(i * 40 + j)}));
  expect_equals_twin(x, 10);
}

TEST(InnerProducts, EqualTheTwinForTinyAndForLargeNumbers) {
  for (const float scale : {1e-30F, 1e-19F, 1e15F}) {
    Matrix x = rows_of(300, 5);
    for (std::int64_t at = 0; at < x.size(); ++at) x.data()[at] *= scale;
    expect_equals_twin(x, 7, sentence("scale ", scale));
  }
  Matrix mixed = rows_of(300, 5), queries = rows_of(50, 5, 0.3, 9);
  for (std::int64_t at = 0; at < mixed.size(); ++at) mixed.data()[at] *= 1e25F;
  for (std::int64_t at = 0; at < queries.size(); ++at) queries.data()[at] *= 1e-25F;
  expect_equal(nearest_neighbors(queries, mixed, products(9)),
               twin_products(queries, mixed, 9, false));
}

TEST(InnerProducts, OfSomeRowsAreThoseOfAll) {
  const Matrix x = rows_of(500, 9);
  const Neighbors all = nearest_neighbors(x, products(6));
  const std::vector<std::int32_t> some{499, 3, 3, 250};
  const Neighbors found = nearest_neighbors_of(some, x, products(6));
  for (std::size_t i = 0; i < some.size(); ++i)
    for (std::int64_t j = 0; j < 6; ++j)
      ASSERT_EQ(found.index(static_cast<std::int64_t>(i), j), all.index(some[i], j));
}

TEST(InnerProducts, AreTheSameBitsEverywhere) {
  const Matrix x = rows_of(1000, 19);
  const auto hash = [&](const char* search) {
    NeighborsParams params = products(12);
    params.search = search;
    const Neighbors graph = find_neighbors(x, params);
    return sha256(graph.index.view()) + sha256(graph.distance);
  };
  for (const char* search : {"exact", "approximate"}) {
    const std::string expected = hash(search);
    for (const int threads : {1, 2, 3, 7}) {
      const ThreadLimit limit(threads);
      EXPECT_EQ(hash(search), expected) << search << ", threads " << threads;
    }
    for (const auto& target : simd::available()) {
      simd::select(target);
      EXPECT_EQ(hash(search), expected) << search << ", " << target;
    }
    simd::select(simd::available().front());
  }
}

TEST(InnerProducts, ApproximateOnesAreLawfulAndMostOfTheTrueOnes) {
  const Matrix x = rows_of(kMany, 12);
  const Neighbors graph = approximate_neighbors(x, products(15));
  for (std::int64_t i = 0; i < graph.rows(); ++i) {
    std::set<std::int32_t> seen{static_cast<std::int32_t>(i)};
    for (std::int64_t j = 0; j < 15; ++j) {
      const std::int32_t row = graph.index(i, j);
      ASSERT_TRUE(row >= 0 && row < x.rows() && seen.insert(row).second);
      ASSERT_EQ(graph.distance(i, j), twin::negative_product(x.row(i), x.row(row), x.cols()));
      if (j == 0) continue;
      ASSERT_LT(std::pair(graph.distance(i, j - 1), graph.index(i, j - 1)),
                std::pair(graph.distance(i, j), row));
    }
  }
  EXPECT_GT(measured_recall(graph, x, "inner_product", 300, 1).value, 0.9);
}

TEST(InnerProducts, ApproximateOnesAreValidForEverySizeAndCount) {
  for (const std::int64_t n : {2, 3, 97, 400})
    for (const std::int64_t k : {1, 15, 96, 399}) {
      if (k >= n) continue;
      Matrix x = rows_of(n, 3);
      std::fill_n(x.row(0), 3, 0.0F);
      std::copy_n(x.row(1), 3, x.row(n - 1));
      const Neighbors graph = approximate_neighbors(x, products(k));
      for (std::int64_t i = 0; i < n; ++i) {
        std::set<std::int32_t> seen{static_cast<std::int32_t>(i)};
        for (const std::int32_t row : graph.index[i])
          ASSERT_TRUE(row >= 0 && row < n && seen.insert(row).second) << "n " << n << ", k " << k;
      }
      if (k == n - 1) expect_equal(graph, twin_products(x, x, k, true));
    }
}

TEST(InnerProducts, OfAQueryDoNotDependOnTheOthers) {
  const Matrix data = rows_of(1500, 7), queries = rows_of(40, 7, 0.3, 5);
  const ApproximateIndex index(data, products(9));
  const Neighbors all = index.search(queries);
  for (const std::int64_t i : {0, 17, 39}) {
    const Neighbors one = index.search(queries.rows(i, i + 1));
    for (std::int64_t j = 0; j < 9; ++j) ASSERT_EQ(one.index(0, j), all.index(i, j));
  }
}

TEST(InnerProducts, ThatFloat32CannotHoldAreRefused) {
  Matrix x = rows_of(10, 2);
  x(3, 1) = 1e30F;
  for (const char* search : {"exact", "approximate"}) {
    NeighborsParams params = products(2);
    params.search = search;
    EXPECT_NE(message_of<InvalidArgument>([&] {
                find_neighbors(x, params);
              }).find("neighbors: inner products may reach 1e+60, more than float32 can say"),
              std::string::npos);
  }
  x(3, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(message_of<InvalidArgument>([&] { nearest_neighbors(x, products(2)); }).find("row 3"),
            std::string::npos);
}

}  // namespace
}  // namespace latlas
