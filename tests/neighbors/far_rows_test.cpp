#include <gtest/gtest.h>

#include <numeric>

#include "latlas/core/random.h"
#include "latlas/evaluate/scores.h"
#include "latlas/neighbors/approximate.h"
#include "latlas/neighbors/ranks.h"
#include "tests/core/helpers.h"
#include "tests/core/sparse.h"
#include "tests/neighbors/brute_force.h"

namespace latlas {
namespace {

Matrix normal_rows(std::int64_t n, std::int64_t d) {
  Matrix rows(n, d);
  for (std::int64_t i = 0; i < rows.size(); ++i)
    rows.data()[i] = static_cast<float>(random::normal({.index = static_cast<std::uint64_t>(i)}));
  return rows;
}

template <class T>
void expect_same(const BasicMatrix<T>& a, const BasicMatrix<T>& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_TRUE(std::equal(a.data(), a.data() + a.size(), b.data()));
}

TEST(RowsBeyondTheFourBillionthValue, AreSearchedAndMeasuredAsNearOnesAre) {
  const Matrix rows = normal_rows(300, 8);
  const FarRows far(rows);
  SKIP_UNLESS(far);
  expect_same(copy_of(far.view()), rows);
  Neighbors near;
  for (const char* search : {"approximate", "exact"}) {
    const NeighborsParams params{.k = 10, .search = search};
    near = find_neighbors(rows, params);
    expect_equal(find_neighbors(far.view(), params), near, search);
  }
  std::vector<std::int32_t> all(300);
  std::iota(all.begin(), all.end(), 0);
  expect_same(ranks(far.view(), all, near.index), ranks(rows, all, near.index));
  EXPECT_EQ(spearman(far.view(), rows).value, 1);
  EXPECT_EQ(trustworthiness(far.view(), rows).value, 1);
}

TEST(MoreRowsThan32BitsCount, AreRefusedBeforeOneIsRead) {
  const float zero = 0;
  const ConstRows many(&zero, (std::int64_t{1} << 31) + 1, 1, 0);  // all of them this one
  const Matrix few = normal_rows(300, 1);
  EXPECT_ERROR(InvalidArgument, "2147483649", spearman(many, many));
  EXPECT_ERROR(InvalidArgument, "2147483649", trustworthiness(many, many));
  EXPECT_ERROR(InvalidArgument, "2147483649", ApproximateIndex(few, {.k = 10}).search(many));
  EXPECT_ERROR(InvalidArgument, "2147483649", nearest_neighbors(many, {.k = 10}));
}

}  // namespace
}  // namespace latlas
