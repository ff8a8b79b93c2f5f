#include "latlas/core/eigen.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"

namespace latlas {
namespace {

/// Σ_k scale^k g_k g_kᵀ over d normal vectors g_k.
BasicMatrix<double> positive(std::int64_t d, double scale) {
  BasicMatrix<double> g(d, d), m(d, d);
  for (std::int64_t i = 0; i < d * d; ++i)
    g.data()[i] = random::normal({.index = static_cast<std::uint64_t>(i)}) *
                  std::pow(scale, static_cast<double>(i / d) / 2);
  for (std::int64_t k = 0; k < d; ++k)
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < d; ++j) m(i, j) += g(k, i) * g(k, j);
  return m;
}

void expect_pairs(const BasicMatrix<double>& m, const SymmetricEigen& e, double tolerance) {
  const std::int64_t d = m.rows();
  for (std::int64_t c = 0; c < e.vectors.rows(); ++c) {
    const double value = e.values[static_cast<std::size_t>(c)];
    if (c > 0) {
      EXPECT_LE(value, e.values[static_cast<std::size_t>(c - 1)]);
    }
    for (std::int64_t i = 0; i < d; ++i) {
      double sum = 0;
      for (std::int64_t j = 0; j < d; ++j) sum += m(i, j) * e.vectors(c, j);
      EXPECT_NEAR(sum, value * e.vectors(c, i), tolerance * e.values[0]);
    }
    for (std::int64_t b = 0; b <= c; ++b) {
      double dot = 0;
      for (std::int64_t j = 0; j < d; ++j) dot += e.vectors(c, j) * e.vectors(b, j);
      EXPECT_NEAR(dot, b == c ? 1 : 0, 1e-12);
    }
  }
}

TEST(SymmetricEigen, GivesOrthonormalPairsInDescendingOrder) {
  for (const std::int64_t d : {1, 2, 3, 10, 60}) {
    const auto m = positive(d, 0.9);
    expect_pairs(m, symmetric_eigen(m), 1e-13 * static_cast<double>(d));
  }
}

TEST(SymmetricEigen, ReadsTheLowerTriangleOnly) {
  auto m = positive(5, 1);
  const auto whole = symmetric_eigen(m);
  for (std::int64_t i = 0; i < 5; ++i)
    for (std::int64_t j = i + 1; j < 5; ++j) m(i, j) = std::nan("");
  EXPECT_EQ(symmetric_eigen(m).values, whole.values);
}

TEST(SymmetricEigen, KnowsASmallCase) {
  BasicMatrix<double> m(2, 2);
  m(0, 0) = m(1, 1) = 2;
  m(0, 1) = m(1, 0) = 1;
  const auto e = symmetric_eigen(m);
  EXPECT_NEAR(e.values[0], 3, 1e-15);
  EXPECT_NEAR(e.values[1], 1, 1e-15);
  EXPECT_NEAR(std::abs(e.vectors(0, 0)), std::sqrt(0.5), 1e-15);
}

/// Whether the pairs are, bit for bit, the first of all.
bool fell_back(MatrixView<const double> m, const SymmetricEigen& top) {
  const auto all = symmetric_eigen(m);
  return std::equal(top.values.begin(), top.values.end(), all.values.begin());
}

TEST(LargestEigen, AreTheFirstOfAll) {
  const auto m = positive(520, 0.9);
  const auto all = symmetric_eigen(m), top = largest_eigen(m, 3);
  ASSERT_EQ(top.values.size(), 3U);
  ASSERT_EQ(top.vectors.rows(), 3);
  for (std::size_t c = 0; c < 3; ++c)
    EXPECT_NEAR(top.values[c], all.values[c], 1e-10 * all.values[0]);
  expect_pairs(m, top, 1.1e-10);
}

TEST(LargestEigen, AreFoundAtAnyRankAndCount) {
  for (const std::int64_t rank : {0, 1, 7, 40, 520})
    for (const std::int64_t count : {1, 5, 20}) {
      BasicMatrix<double> m(520, 520);  // diagonal: 1, ½, ¼, … down to 1e-12, then zeros
      for (std::int64_t i = 0; i < rank; ++i)
        m(i, i) = std::max(std::ldexp(1.0, -static_cast<int>(i)), 1e-12);
      const auto top = largest_eigen(m, count);
      for (std::int64_t i = 0; i < count; ++i)
        EXPECT_NEAR(top.values[static_cast<std::size_t>(i)], m(i, i), 1e-10) << rank << ", " << i;
      expect_pairs(m, top, 1.1e-10);
    }
}

TEST(LargestEigen, AreFoundInABulkBehindAFewThatStandOut) {
  const std::int64_t d = 600;
  BasicMatrix<double> m(d, d);  // Householder's reflection of a diagonal, by the vector of ones
  std::vector<double> value(d);
  for (std::int64_t i = 0; i < d; ++i)
    value[static_cast<std::size_t>(i)] =
        i < 4 ? 1e4 / static_cast<double>(i + 1) : 2 - static_cast<double>(i) / d;
  const double mean = std::accumulate(value.begin(), value.end(), 0.0) / d;
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t j = 0; j < d; ++j)
      m(i, j) = (i == j ? value[static_cast<std::size_t>(i)] : 0) +
                (4 * mean - 2 * value[static_cast<std::size_t>(i)] -
                 2 * value[static_cast<std::size_t>(j)]) /
                    d;
  const auto top = largest_eigen(m, 30);
  ASSERT_EQ(top.values.size(), 30U);
  EXPECT_TRUE(std::is_sorted(top.values.rbegin(), top.values.rend()));
  for (std::size_t i = 0; i < 30; ++i) EXPECT_NEAR(top.values[i], value[i], 1e-8) << i;
  expect_pairs(m, top, 1.1e-10);
  EXPECT_FALSE(fell_back(m, top));
}

TEST(LargestEigen, AreFoundWhereOneValueManyTimesOverSpansTheCut) {
  BasicMatrix<double> m(520, 520);
  for (std::int64_t i = 0; i < 520; ++i)
    m(i, i) = i < 3 ? 3 : (i < 7 ? 2 : (i < 60 ? 1 : 0.5 * (520 - static_cast<double>(i)) / 460));
  const auto top = largest_eigen(m, 10);
  for (std::int64_t i = 0; i < 10; ++i)
    EXPECT_NEAR(top.values[static_cast<std::size_t>(i)], m(i, i), 1e-9);
  expect_pairs(m, top, 1.1e-10);
  EXPECT_FALSE(fell_back(m, top));
}

TEST(LargestEigen, DescendWhereTheyAreFoundInStages) {
  // A few strong values, and clusters so far below that many are within the tolerance.
  for (const double scale : {1e-5, 1e-7, 1e-9}) {
    BasicMatrix<double> m(520, 520);
    for (std::int64_t i = 0; i < 520; ++i)
      m(i, i) = i < 3
                    ? 1 / static_cast<double>(i + 1)
                    : scale * std::floor(40 * random::uniform(
                                                  0, 1, {.index = static_cast<std::uint64_t>(i)}));
    const auto top = largest_eigen(m, 20);
    EXPECT_TRUE(std::is_sorted(top.values.rbegin(), top.values.rend())) << scale;
    expect_pairs(m, top, 1.1e-10);
  }
}

TEST(LargestEigen, FallBackOnAllWhereNothingStandsOut) {
  BasicMatrix<double> m(520, 520);
  for (std::int64_t i = 0; i < 520; ++i) m(i, i) = 1 + 1e-4 * static_cast<double>(i);
  const auto top = largest_eigen(m, 2);
  EXPECT_NEAR(top.values[0], 1.0519, 1e-12);
  EXPECT_NEAR(top.values[1], 1.0518, 1e-12);
  EXPECT_TRUE(fell_back(m, top));
}

TEST(LargestEigen, AreTheSameForEveryNumberOfThreads) {
  const auto m = positive(520, 0.9);
  const auto first = [&] {
    const ThreadLimit limit(1);
    return largest_eigen(m, 4);
  }();
  for (const int threads : {2, 3, 7}) {
    const ThreadLimit limit(threads);
    const auto again = largest_eigen(m, 4);
    EXPECT_EQ(again.values, first.values);
    for (std::int64_t i = 0; i < first.vectors.size(); ++i)
      ASSERT_EQ(again.vectors.data()[i], first.vectors.data()[i]);
  }
}

TEST(Orthonormalize, CompletesWhatIsMissing) {
  BasicMatrix<double> rows(3, 3);
  rows(0, 0) = rows(0, 1) = 2;
  rows(1, 0) = rows(1, 1) = 5;  // nothing new; row 2 is zero
  orthonormalize(rows);
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 3; ++j) {
      double dot = 0;
      for (std::int64_t k = 0; k < 3; ++k) dot += rows(i, k) * rows(j, k);
      EXPECT_NEAR(dot, i == j ? 1 : 0, 1e-15);
    }
}

TEST(OrthonormalDefect, IsTheNormOfWhatIsNotOne) {
  BasicMatrix<double> rows(2, 3);
  rows(0, 0) = rows(1, 1) = 1;
  EXPECT_EQ(orthonormal_defect(rows), 0);
  rows(1, 0) = 0.5;  // 1, ½; ½, 1¼
  EXPECT_DOUBLE_EQ(orthonormal_defect(rows), std::sqrt(0.25 + 0.25 + 0.0625));
}

TEST(SolvePositive, SolvesAndRejectsTheRest) {
  const auto m = positive(20, 1);
  BasicMatrix<double> b(20, 2);
  for (std::int64_t i = 0; i < 20; ++i)
    for (std::int64_t c = 0; c < 2; ++c)
      for (std::int64_t j = 0; j < 20; ++j) b(i, c) += m(i, j) * static_cast<double>(j + c);
  const auto x = solve_positive(m, b);
  for (std::int64_t i = 0; i < 20; ++i)
    for (std::int64_t c = 0; c < 2; ++c) EXPECT_NEAR(x(i, c), static_cast<double>(i + c), 1e-7);
  BasicMatrix<double> zero(3, 3), right(3, 1);
  EXPECT_THROW(solve_positive(zero, right), InvalidArgument);
}

TEST(SymmetricEigen, RejectsWhatIsNoMatrixOfNumbers) {
  BasicMatrix<double> m(2, 2);
  m(1, 0) = std::numeric_limits<double>::infinity();
  EXPECT_THROW(symmetric_eigen(m), InvalidArgument);
  EXPECT_THROW(symmetric_eigen(BasicMatrix<double>(2, 3)), InvalidArgument);
  EXPECT_THROW(symmetric_eigen(BasicMatrix<double>()), InvalidArgument);
  EXPECT_THROW(largest_eigen(BasicMatrix<double>(3, 3), 4), InvalidArgument);
}

}  // namespace
}  // namespace latlas
