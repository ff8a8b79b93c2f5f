#include "latlas/evaluate/scores.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/core/simd.h"
#include "latlas/evaluate/probes.h"
#include "tests/core/helpers.h"
#include "tests/evaluate/hashed.h"

namespace latlas {
namespace {

struct Case {
  Matrix data, map;
  std::vector<std::int32_t> labels;
};

/// The input of the golden numbers.
Case golden_case() {
  const Matrix extra = hashed(80, 2, 5000);
  Case c{hashed(80, 5, 1), Matrix(80, 2), {}};
  for (std::int64_t i = 0; i < 80; ++i) {
    for (std::int64_t j = 0; j < 2; ++j)
      c.map(i, j) = static_cast<float>(static_cast<double>(c.data(i, j)) + 0.25 * extra(i, j));
    c.labels.push_back(static_cast<std::int32_t>(c.data(i, 0) * 4));
  }
  return c;
}

Matrix normal_rows(std::int64_t n, std::int64_t d, std::uint64_t seed = 0) {
  Matrix x(n, d);
  for (std::int64_t i = 0; i < n * d; ++i)
    x.data()[i] =
        static_cast<float>(random::normal({.seed = seed, .index = static_cast<std::uint64_t>(i)}));
  return x;
}

// Golden numbers: golden_scores.py, scikit-learn 1.9.1, SciPy 1.17.1.

TEST(Trustworthiness, AgreesWithScikitLearn) {
  const Case c = golden_case();
  EXPECT_NEAR(trustworthiness(c.data, c.map, {.k = 7}).value, 0.7505434782608695, 1e-14);
}
TEST(Continuity, AgreesWithScikitLearn) {
  const Case c = golden_case();
  EXPECT_NEAR(continuity(c.data, c.map, {.k = 7}).value, 0.8528726708074534, 1e-14);
}
TEST(Recall, AgreesWithScikitLearn) {
  const Case c = golden_case();
  EXPECT_NEAR(recall(c.data, c.map, {.k = 7}).value, 0.28928571428571426, 1e-14);
}
TEST(Spearman, AgreesWithSciPy) {
  const Case c = golden_case();
  const Score s = spearman(c.data, c.map);
  // Distances rounded to float32 may tie or swap a few of 3160 ranks.
  EXPECT_NEAR(s.value, 0.5627083402047796, 1e-6);
  EXPECT_EQ(s.standard_error, 0);
  EXPECT_EQ(s.rows, 80 * 79 / 2);
}
TEST(LabelAccuracy, OfPlacedPointsAgreesWithScikitLearn) {
  const Case c = golden_case();
  const Labels labels(c.labels);
  EXPECT_NEAR(label_accuracy(c.map.rows(0, 60), labels.first(60), c.map.rows(60, 80),
                             labels.last(20), {.label_k = 1})
                  .value,
              0.6, 1e-14);
  EXPECT_NEAR(label_accuracy(c.map.rows(0, 60), labels.first(60), c.map.rows(60, 80),
                             labels.last(20), {.label_k = 10})
                  .value,
              0.55, 1e-14);  // three votes are ties, which the nearest neighbor's class wins
}
TEST(ProbeAccuracy, AgreesWithRidgeOfScikitLearn) {
  const Case c = golden_case();
  const Labels labels(c.labels);
  const Score s =
      probe_accuracy(c.data.rows(0, 60), labels.first(60), c.data.rows(60, 80), labels.last(20));
  EXPECT_NEAR(s.value, 0.65, 1e-14);
  EXPECT_EQ(s.rows, 20);
}

TEST(Scores, AreOneWhenTheMapIsTheData) {
  for (const std::int64_t d : {1, 2, 33}) {
    const Matrix x = normal_rows(200, d);
    const Quality q = evaluate_map(x, x);
    EXPECT_EQ(q.trustworthiness.value, 1);
    EXPECT_EQ(q.continuity.value, 1);
    EXPECT_EQ(q.recall.value, 1);
    EXPECT_NEAR(q.spearman.value, 1, 1e-12);
    EXPECT_FALSE(q.label_accuracy.has_value());
  }
}

TEST(Scores, AreThoseOfChanceForARandomMap) {
  const Matrix x = normal_rows(600, 5, 1), y = normal_rows(600, 2, 2);
  const Quality q = evaluate_map(x, y);
  // Mean rank of a random row is n / 2: 1 − 2 (n/2 − k) / (2n − 3k − 1) is near ½.
  EXPECT_NEAR(q.trustworthiness.value, 0.5, 0.02);
  EXPECT_NEAR(q.continuity.value, 0.5, 0.02);
  EXPECT_NEAR(q.recall.value, 15.0 / 599, 0.01);
  EXPECT_NEAR(q.spearman.value, 0, 0.05);
}

TEST(Spearman, IsMinusOneWhenDistancesAreReversed) {
  Matrix x(3, 1), y(3, 1);  // distances 1, 3, 2 and 3, 1, 2
  x(1, 0) = 1;
  x(2, 0) = 3;
  y(1, 0) = 3;
  y(2, 0) = 1;
  EXPECT_NEAR(spearman(x, y).value, -1, 1e-15);
}

TEST(Spearman, IsZeroWhenAllDistancesAreEqual) {
  EXPECT_EQ(spearman(Matrix(10, 3), normal_rows(10, 2)).value, 0);
}

TEST(Spearman, OfASampleLiesWithinItsError) {
  const Matrix x = normal_rows(700, 6);
  Matrix y(700, 2);
  for (std::int64_t i = 0; i < 700; ++i) std::copy_n(x.row(i), 2, y.row(i));
  const Score exact = spearman(x, y), sample = spearman(x, y, {.sample_pairs = 20000});
  EXPECT_EQ(exact.standard_error, 0);
  EXPECT_EQ(sample.rows, 20000);
  EXPECT_GT(sample.standard_error, 0.002);
  EXPECT_LT(sample.standard_error, 0.01);
  EXPECT_NEAR(sample.value, exact.value, 4 * sample.standard_error);
}

TEST(Scores, OfASampleLieWithinTheirErrors) {
  const Matrix x = normal_rows(1500, 6);
  Matrix y(1500, 2);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < 1500; ++i) {
    std::copy_n(x.row(i), 2, y.row(i));
    labels.push_back(x(i, 0) > 0 ? 3 : -8);
  }
  const Quality all = evaluate_map(x, y, labels);
  const Quality some = evaluate_map(x, y, labels, {.exact_rows = 100, .sample_rows = 300});
  const auto expect_near = [](const Score& sample, const Score& exact) {
    EXPECT_EQ(exact.standard_error, 0);
    EXPECT_EQ(exact.rows, 1500);
    EXPECT_EQ(sample.rows, 300);
    EXPECT_GT(sample.standard_error, 0);
    EXPECT_NEAR(sample.value, exact.value, 4 * sample.standard_error);
  };
  expect_near(some.trustworthiness, all.trustworthiness);
  expect_near(some.continuity, all.continuity);
  expect_near(some.recall, all.recall);
  expect_near(*some.label_accuracy, *all.label_accuracy);
  const Quality other =
      evaluate_map(x, y, labels, {.exact_rows = 100, .sample_rows = 300, .seed = 1});
  EXPECT_NE(other.trustworthiness.value, some.trustworthiness.value);
}

TEST(EvaluateMap, GivesTheNumbersOfTheSingleScores) {
  const Case c = golden_case();
  const EvaluateParams p{.k = 6, .label_k = 9};
  const Quality q = evaluate_map(c.data, c.map, c.labels, p);
  EXPECT_EQ(q.trustworthiness.value, trustworthiness(c.data, c.map, p).value);
  EXPECT_EQ(q.continuity.value, continuity(c.data, c.map, p).value);
  EXPECT_EQ(q.recall.value, recall(c.data, c.map, p).value);
  EXPECT_EQ(q.spearman.value, spearman(c.data, c.map, p).value);
  EXPECT_EQ(q.label_accuracy->value, label_accuracy(c.map, c.labels, p).value);
}

TEST(EvaluateMap, GivesTheSameBitsForAllThreadsAndInstructionSets) {
  const Matrix x = normal_rows(220, 9), y = normal_rows(220, 2, 3);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < 220; ++i) labels.push_back(static_cast<std::int32_t>(i % 3));
  const auto numbers = [&] {
    const Quality q =
        evaluate_map(x, y, labels, {.exact_rows = 50, .sample_rows = 120, .sample_pairs = 5000});
    return std::vector<double>{q.trustworthiness.value,
                               q.continuity.value,
                               q.recall.value,
                               q.spearman.value,
                               q.label_accuracy->value,
                               q.recall.standard_error,
                               probe_accuracy(x, labels, x, labels).value};
  };
  const auto best = numbers();
  for (const auto& target : simd::available()) {
    simd::select(target);
    for (const int threads : {1, 2, 3, 7}) {
      const ThreadLimit limit(threads);
      EXPECT_EQ(numbers(), best) << target << ", " << threads << " threads";
    }
  }
  simd::select(simd::available().front());
}

TEST(LabelAccuracy, GivesTiesToTheNearestClass) {
  Matrix train(4, 1), test(1, 1);
  for (int i = 0; i < 4; ++i) train(i, 0) = static_cast<float>(i + 1);  // at 1, 2, 3, 4
  const std::vector<std::int32_t> labels{9, 5, 5, 9}, nine{9}, five{5};
  EXPECT_EQ(label_accuracy(train, labels, test, nine, {.label_k = 2}).value, 1);
  EXPECT_EQ(label_accuracy(train, labels, test, nine, {.label_k = 4}).value, 1);
  EXPECT_EQ(label_accuracy(train, labels, test, five, {.label_k = 3}).value, 1);
}

TEST(LabelAccuracy, LeavesTheRowItselfOut) {
  Matrix x(20, 1);  // pairs of equal rows with different labels: each votes for the other
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < 20; ++i) {
    x(i, 0) = static_cast<float>(i / 2 * 10);
    labels.push_back(static_cast<std::int32_t>(i % 2));
  }
  EXPECT_EQ(label_accuracy(x, labels, {.label_k = 1}).value, 0);
}

TEST(ProbeAccuracy, ReadsWhatIsLinear) {
  const Matrix x = normal_rows(3000, 12);
  std::vector<std::int32_t> labels, noise;
  for (std::int64_t i = 0; i < 3000; ++i) {
    labels.push_back(x(i, 0) + x(i, 5) > 0 ? 70 : 2);
    noise.push_back(static_cast<std::int32_t>(
        random::below(2, {.seed = 4, .index = static_cast<std::uint64_t>(i)})));
  }
  const auto score = [&](const std::vector<std::int32_t>& l) {
    return probe_accuracy(x.rows(0, 2000), Labels(l).first(2000), x.rows(2000, 3000),
                          Labels(l).last(1000))
        .value;
  };
  EXPECT_GT(score(labels), 0.97);
  EXPECT_NEAR(score(noise), 0.5, 4 * std::sqrt(0.25 / 1000));
}

TEST(ProbeAccuracy, TakesConstantColumnsOneClassAndUnknownLabels) {
  const Matrix zero(30, 4);
  const std::vector<std::int32_t> one(30, 6), other(30, 7);
  EXPECT_EQ(probe_accuracy(zero, one, zero, one).value, 1);
  EXPECT_EQ(probe_accuracy(zero, one, zero, other).value, 0);
}

TEST(KnnAccuracy, OfASampleSaysSo) {
  const Matrix train = normal_rows(300, 5, 1), test = normal_rows(200, 5, 2);
  std::vector<std::int32_t> a(300), b(200);
  for (std::int64_t i = 0; i < 300; ++i) a[static_cast<std::size_t>(i)] = train(i, 0) > 0;
  for (std::int64_t i = 0; i < 200; ++i) b[static_cast<std::size_t>(i)] = test(i, 0) > 0;
  const Score all = knn_accuracy(train, a, test, b);
  const Score some = knn_accuracy(train, a, test, b, {.exact_rows = 0, .sample_rows = 80});
  EXPECT_EQ(all.rows, 200);
  EXPECT_EQ(some.rows, 80);
  EXPECT_NEAR(some.value, all.value, 4 * some.standard_error);
  EXPECT_GT(all.value, 0.8);
}

TEST(Scores, TakeDuplicates) {
  const Matrix equal(100, 4), y = normal_rows(100, 2);
  const Quality q = evaluate_map(equal, y);
  EXPECT_GE(q.trustworthiness.value, 0);
  EXPECT_LE(q.trustworthiness.value, 1);
  EXPECT_EQ(evaluate_map(equal, equal).trustworthiness.value, 1);
}

TEST(Scores, SayWhatIsWrongWithTheInput) {
  const Matrix x = normal_rows(40, 3);
  Matrix y = normal_rows(40, 2);
  EXPECT_EQ(message_of<InvalidArgument>([&] { evaluate_map(x, y, {}, {.k = 20}); }),
            "evaluate: k is 20, it must be below half of the 40 rows; ask for a smaller k");
  EXPECT_NE(message_of<InvalidArgument>([&] { trustworthiness(x, y.rows(0, 39)); }).find("39"),
            std::string::npos);
  const std::vector<std::int32_t> few(39);
  EXPECT_EQ(message_of<InvalidArgument>([&] { evaluate_map(x, y, few); }),
            "evaluate: 39 labels for 40 rows of the map; one a row is needed");
  const std::vector<std::int32_t> labels(40);
  EXPECT_THROW(label_accuracy(y, labels, {.label_k = 40}), InvalidArgument);
  EXPECT_THROW(label_accuracy(y, labels, {.label_k = 0}), InvalidArgument);
  for (const std::int64_t n : {0, 1, 2})
    EXPECT_THROW(evaluate_map(x.rows(0, n), y.rows(0, n), {}, {.k = 1}), InvalidArgument);
  EXPECT_NO_THROW(evaluate_map(x.rows(0, 3), y.rows(0, 3), {}, {.k = 1}));
  y(11, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message_of<InvalidArgument>([&] { evaluate_map(x, y); }),
            "evaluate: map holds NaN in row 11, column 1 (counted from 0); remove or fill such "
            "values first");
  EXPECT_THROW(label_accuracy(y, labels), InvalidArgument);
  EXPECT_THROW(spearman(x, y), InvalidArgument);
  EXPECT_THROW(probe_accuracy(x, labels, y, labels), InvalidArgument);
}

}  // namespace
}  // namespace latlas
