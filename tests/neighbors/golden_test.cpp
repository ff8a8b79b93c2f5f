// Golden runs: the same bits on every machine, whatever its instruction set.
#include <gtest/gtest.h>

#include "latlas/core/hash.h"
#include "latlas/core/random.h"
#include "latlas/neighbors/approximate.h"
#include "latlas/neighbors/exact.h"

namespace latlas {
namespace {

TEST(Neighbors, AreTheSameBitsOnEveryMachine) {
  Matrix rows(150, 9);
  for (std::int64_t i = 0; i < rows.size(); ++i)
    rows.data()[i] = static_cast<float>(random::normal({.index = static_cast<std::uint64_t>(i)}));
  const Neighbors near = nearest_neighbors(rows, {.k = 7});
  EXPECT_EQ(sha256(near.index.view()),
            "6e5573a92d27c6bfea9d066e1b08e12984f45493f2ce7519b857b4649a210106");
  EXPECT_EQ(sha256(near.distance),
            "eb2b4a762815c90f1b9fdb73af05f93bc1a63ada80773229620562c84a03e54a");
  const Neighbors angles = nearest_neighbors(rows, {.k = 7, .metric = "cosine"});
  EXPECT_EQ(sha256(angles.index.view()),
            "64b9783633c1683437a220aed9e367da0d52e65b5d359445545c51e59f287455");
  EXPECT_EQ(sha256(angles.distance),
            "d2a04b4d02465252340a31f56fef0b75925a854526b0876f3728816173ac2cf1");
}

TEST(Neighbors, ApproximateOnesAreTheSameBitsOnEveryMachine) {
  Matrix rows(1000, 9);
  for (std::int64_t i = 0; i < rows.size(); ++i)
    rows.data()[i] = static_cast<float>(random::normal({.index = static_cast<std::uint64_t>(i)}));
  const Neighbors near = approximate_neighbors(rows, {.k = 7, .probes = 3});
  EXPECT_EQ(sha256(near.index.view()),
            "bba56fd73582d2df39c8902bbdbea2485a50111ce5599da17c3be5f0775cb9dc");
  EXPECT_EQ(sha256(near.distance),
            "325c2a814b1c29c0ea14300e8e4cd00725f7d433c26e7f424a20138a31eee828");
}

}  // namespace
}  // namespace latlas
