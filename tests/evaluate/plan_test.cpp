#include "latlas/evaluate/plan.h"

#include <gtest/gtest.h>

namespace latlas {
namespace {

TEST(Plan, MeasuresAllRowsOfFewAndASampleOfMany) {
  const EvaluateParams p{.exact_rows = 1000, .sample_rows = 300};
  EXPECT_EQ(measured_rows(1000, p), 1000);
  EXPECT_EQ(measured_rows(1001, p), 300);
  EXPECT_EQ(measured_rows(5, p), 5);
  EXPECT_GT(plan_scores(1000, 32, p, 1e11).seconds, plan_scores(1001, 32, p, 1e11).seconds);
  EXPECT_GT(plan_scores(1000, 32, p, 1e11).bytes, 1000 * 32 * 4);
}

}  // namespace
}  // namespace latlas
