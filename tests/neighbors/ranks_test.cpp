#include "latlas/neighbors/ranks.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/core/simd.h"
#include "tests/neighbors/brute_force.h"

namespace latlas {
namespace {

Matrix normal_rows(std::int64_t n, std::int64_t d, double offset = 0) {
  Matrix x(n, d);
  for (std::int64_t i = 0; i < n * d; ++i)
    x.data()[i] =
        static_cast<float>(offset + random::normal({.index = static_cast<std::uint64_t>(i)}));
  return x;
}

/// Targets spread over the whole order: row i + 1, i + 4, i + 9, … (mod n).
BasicMatrix<std::int32_t> spread(const std::vector<std::int32_t>& rows, std::int64_t n,
                                 std::int64_t t) {
  BasicMatrix<std::int32_t> out(static_cast<std::int64_t>(rows.size()), t);
  for (std::int64_t i = 0; i < out.rows(); ++i)
    for (std::int64_t j = 0; j < t; ++j) {
      const std::int64_t self = rows[static_cast<std::size_t>(i)];
      const std::int64_t other = (self + (j + 1) * (j + 1)) % n;
      out(i, j) = static_cast<std::int32_t>(other == self ? (self + 1) % n : other);
    }
  return out;
}

std::vector<std::int32_t> all_of(std::int64_t n) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

void expect_equals_twin(const Matrix& x, std::int64_t t) {
  const auto rows = all_of(x.rows());
  const auto targets = spread(rows, x.rows(), t);
  const auto rank = ranks(x, rows, targets);
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    const auto order = twin::ranked(x.row(i), x, i);
    for (std::int64_t j = 0; j < t; ++j) {
      const std::int32_t place = rank(i, j);
      ASSERT_GE(place, 1);
      ASSERT_LT(place, x.rows());
      ASSERT_EQ(order[static_cast<std::size_t>(place - 1)].second, targets(i, j))
          << "row " << i << " target " << j;
    }
  }
}

TEST(Ranks, EqualTheBruteForceTwin) {
  for (const std::int64_t d : {1, 2, 3, 32, 33, 300}) expect_equals_twin(normal_rows(350, d), 12);
}

TEST(Ranks, EqualTheTwinForEverySizeAroundABlock) {
  for (const std::int64_t n : {2, 3, 95, 96, 97, 193}) expect_equals_twin(normal_rows(n, 4), 3);
}

TEST(Ranks, EqualTheTwinWhereFloatsCannotTellRowsApart) {
  expect_equals_twin(normal_rows(400, 6, 1e4), 10);
  Matrix clusters = normal_rows(400, 3);
  for (std::int64_t i = 0; i < clusters.size(); ++i) clusters.data()[i] *= 1e-6F;
  for (std::int64_t i = 0; i < 400; ++i) clusters(i, 0) += i % 2 == 0 ? 100.0F : -100.0F;
  expect_equals_twin(clusters, 10);
}

TEST(Ranks, TakeDuplicatesByIndex) {
  expect_equals_twin(Matrix(200, 3), 8);
  Matrix half = normal_rows(300, 3);
  for (std::int64_t i = 0; i < 300; i += 2) std::copy_n(half.row(0), 3, half.row(i));
  expect_equals_twin(half, 8);
}

TEST(Ranks, AreTheSameForAllThreadsAndInstructionSets) {
  const Matrix x = normal_rows(300, 7);
  const std::vector<std::int32_t> rows{5, 299, 0, 5, 123};
  const auto targets = spread(rows, 300, 9);
  const auto best = ranks(x, rows, targets);
  for (const auto& target : simd::available())
    for (const int threads : {1, 2, 3, 7}) {
      const ThreadLimit limit(threads);
      simd::select(target);
      const auto rank = ranks(x, rows, targets);
      for (std::int64_t i = 0; i < rank.size(); ++i) ASSERT_EQ(rank.data()[i], best.data()[i]);
    }
  simd::select(simd::available().front());
}

TEST(Ranks, RejectTargetsThatAreNotOtherRows) {
  const Matrix x = normal_rows(5, 2);
  BasicMatrix<std::int32_t> target(1, 1);
  EXPECT_THROW(ranks(x, std::vector<std::int32_t>{0}, target), InvalidArgument);
  target(0, 0) = 5;
  EXPECT_THROW(ranks(x, std::vector<std::int32_t>{0}, target), InvalidArgument);
  target(0, 0) = 1;
  EXPECT_THROW(ranks(x, std::vector<std::int32_t>{5}, target), InvalidArgument);
  EXPECT_THROW(ranks(x, std::vector<std::int32_t>{0, 2}, target), InvalidArgument);
}

}  // namespace
}  // namespace latlas
