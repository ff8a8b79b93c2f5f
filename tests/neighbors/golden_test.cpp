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
            "14e28c0e3bcbc3b4d2b553eaae32c3c3c1093411607a00067d86685153dc7983");
  EXPECT_EQ(sha256(near.distance),
            "6d68f687e76a19d36d595ff1c97242eea3e186ba6853fac81c24a58718bc5fb7");
}

}  // namespace
}  // namespace latlas
