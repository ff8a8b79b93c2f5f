#include "latlas/nn/plan.h"

#include <gtest/gtest.h>

#include "latlas/nn/autoencoder.h"

namespace latlas {
namespace {

TEST(Plan, CountsTheParametersOfTheModel) {
  for (const AutoencoderParams& p :
       {AutoencoderParams{.latent = 7}, AutoencoderParams{.hidden = {40, 11}, .latent = 3}}) {
    EXPECT_EQ(count_parameters(23, p), static_cast<double>(make_autoencoder(23, p).parameters()));
  }
}

TEST(Plan, TrainingGrowsWithEpochsAndRows) {
  const Plan plan = plan_training(60'000, 10'000, 5e4, 50, 1e11);
  EXPECT_DOUBLE_EQ(plan_training(60'000, 10'000, 5e4, 100, 1e11).seconds, 2 * plan.seconds);
  EXPECT_GT(plan_training(70'000, 10'000, 5e4, 50, 1e11).seconds, plan.seconds);
  EXPECT_GT(plan.bytes, 5e4 * 4 * 3);  // weights and two moments
  EXPECT_GT(plan_encoding(60'000, 784, 32, 5e4, 1e11).bytes, 60'000 * 32 * 4 - 1);
}

}  // namespace
}  // namespace latlas
