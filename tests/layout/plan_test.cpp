#include "latlas/layout/plan.h"

#include <gtest/gtest.h>

#include "latlas/neighbors/plan.h"

namespace latlas {
namespace {

constexpr double kRate = 1e11;

TEST(Plan, AddsTimesAndTakesTheLargerMemory) {
  Plan plan{2, 300};
  plan += {5, 100};
  EXPECT_EQ(plan.seconds, 7);
  EXPECT_EQ(plan.bytes, 300);
  EXPECT_GT(machine_rate(), 1e7);
}

TEST(Plan, GrowsWithTheWorkAndShrinksWithTheMachine) {
  const Plan plan = plan_tsne(100'000, 90, {}, kRate);
  EXPECT_GT(plan_tsne(200'000, 90, {}, kRate).seconds, 1.5 * plan.seconds);
  EXPECT_GT(plan_tsne(100'000, 90, {.stop_below = 0}, kRate).seconds, plan.seconds);
  EXPECT_DOUBLE_EQ(plan_tsne(100'000, 90, {}, 2 * kRate).seconds, plan.seconds / 2);
  EXPECT_GT(plan_tsne(100'000, 90, {.dimensions = 3}, kRate).bytes, plan.bytes);
  EXPECT_GT(plan_umap(100'000, 15, {.n_epochs = 400}, kRate).seconds,
            plan_umap(100'000, 15, {.n_epochs = 200}, kRate).seconds);
  EXPECT_GT(plan_pca(100'000, 784, 50, kRate).seconds, plan_pca(100'000, 32, 2, kRate).seconds);
  EXPECT_GT(plan_pca(3'000, 784, 140, kRate).seconds, plan_pca(3'000, 784, 50, kRate).seconds);
  EXPECT_GT(plan_kl(100'000, kRate).seconds, plan_kl(10'000, kRate).seconds);
}

TEST(Plan, HoldsAtLeastTheArraysThatStay) {
  // A list of 90 indices and distances, and edges of at least as many indices and weights.
  EXPECT_GT(plan_neighbors(60'000, 60'000, 32, 90, kRate).bytes, 60'000 * 90 * 8);
  EXPECT_GT(plan_tsne(60'000, 90, {}, kRate).bytes, 60'000 * 90 * 8);
  EXPECT_GT(plan_umap(60'000, 15, {}, kRate).bytes, 60'000 * 15 * 8);
}

TEST(Plan, KnowsWhichSearchIsMade) {
  const Plan exact = plan_search(1'000'000, 1'000'000, 32, {.k = 15, .search = "exact"}, kRate);
  const Plan found = plan_search(1'000'000, 1'000'000, 32, {.k = 15}, kRate);
  EXPECT_GT(exact.seconds, 10 * found.seconds);
  EXPECT_EQ(plan_search(1'000'000, 0, 32, {.k = 15}, kRate).seconds, 0);
}

TEST(Plan, SaysMoreThanAnyMemoryForWhatIsAbsurd) {
  constexpr std::int64_t kMany = 2'000'000'000;
  EXPECT_GT(plan_tsne(kMany, kMany, {}, kRate).bytes, std::int64_t{1} << 62);
  EXPECT_GT(plan_neighbors(kMany, kMany, kMany, kMany, kRate).bytes, std::int64_t{1} << 62);
}

}  // namespace
}  // namespace latlas
