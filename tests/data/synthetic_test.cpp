#include "latlas/data/synthetic.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"

namespace latlas {
namespace {

std::string digest(const std::vector<std::uint8_t>& labels) {
  return sha256(std::as_bytes(std::span(labels)));
}

TEST(SyntheticDigits, AreTheGoldenOnes) {
  const Dataset d = synthetic_digits({.train = 40, .test = 40});
  EXPECT_EQ(sha256(d.train.view()),
            "80371989a92d7211d8e0b88fef11b8d00172d2bc0c80b524f15daacb5fcc9576");
  EXPECT_EQ(sha256(d.test.view()),
            "088c10fd556fb3a5065cce4a96e3ca278423bad1f6f429ae918f1c3dab8f8346");
  EXPECT_EQ(digest(d.train_labels),
            "62cffca489b30435918bf6ca71aa66342133a719b9acb7753f1b4a621f8fe5e5");
}

TEST(SyntheticDigits, DoNotDependOnHowManyAreAskedFor) {
  const Dataset few = synthetic_digits({.train = 3, .test = 2}),
                many = synthetic_digits({.train = 200, .test = 100});
  EXPECT_EQ(sha256(few.train.view()), sha256(many.train.rows(0, 3)));
  EXPECT_EQ(sha256(few.test.view()), sha256(many.test.rows(0, 2)));
  EXPECT_EQ(few.train_labels[2], many.train_labels[2]);
}

TEST(SyntheticDigits, AreTheSameForAnyThreadsAndInstructions) {
  const auto all = [] {
    const Dataset d = synthetic_digits({.train = 300, .test = 100});
    return sha256(d.train.view()) + sha256(d.test.view()) + digest(d.train_labels);
  };
  const std::string expected = all();
  for (const int n : {1, 2, 3, 7}) {
    const ThreadLimit limit(n);
    EXPECT_EQ(all(), expected);
  }
  for (const auto& target : simd::available()) {
    simd::select(target);
    EXPECT_EQ(all(), expected);
  }
  simd::select(simd::available().front());
}

TEST(SyntheticDigits, OfAnotherSeedPartOrRowAreOthers) {
  const Dataset d = synthetic_digits({.train = 500, .test = 500}),
                other = synthetic_digits({.train = 500, .test = 500, .seed = 1});
  std::set<std::string> seen;
  for (const auto& rows : {d.train.view(), d.test.view(), other.train.view(), other.test.view()})
    for (std::int64_t i = 0; i < rows.rows(); ++i)
      EXPECT_TRUE(seen.insert(sha256(std::as_bytes(rows[i]))).second);
}

TEST(SyntheticDigits, AreDescribedAsADataset) {
  const Dataset d = synthetic_digits({.train = 2, .test = 1, .seed = 7});
  EXPECT_EQ(d.height, 28);
  EXPECT_EQ(d.width, 28);
  EXPECT_EQ(d.train.cols(), 784);
  EXPECT_EQ(d.class_names.size(), 10U);
  EXPECT_EQ(d.name, "synthetic");
  EXPECT_EQ(d.source, "synthetic digits, seed 7");
}

TEST(SyntheticDigits, HoldEveryClassAboutEquallyOften) {
  const Dataset d = synthetic_digits({.train = 5000, .test = 1});
  std::array<int, 10> count{};
  for (const auto label : d.train_labels) ++count.at(label);
  // 500 expected, deviation √(5000 · 0.1 · 0.9) = 21; five of them
  for (const int c : count) EXPECT_NEAR(c, 500, 106);
}

TEST(SyntheticDigits, LieInTheMiddleWithABorderAroundThem) {
  const Dataset d = synthetic_digits({.train = 2000, .test = 1});
  for (std::int64_t i = 0; i < d.train.rows(); ++i) {
    double ink = 0, x = 0, y = 0;
    for (int p = 0; p < 784; ++p) {
      const double v = d.train(i, p);
      ink += v;
      x += v * (p % 28 + 0.5);
      y += v * (p / 28 + 0.5);
    }
    EXPECT_GT(ink / 255, 15) << i;  // pixels of ink
    EXPECT_LT(ink / 255, 350) << i;
    // The place deviates by at most 1.25 pixels; pressure that fades by 0.3 over a line of 18
    // pixels moves the ink by another 0.3 · 18 / 6 = 0.9; lines that cross or run double, by some
    // more.
    EXPECT_NEAR(x / ink, 14, 3) << i;
    EXPECT_NEAR(y / ink, 14, 3) << i;
  }
}

TEST(SyntheticDigits, RejectCountsOutOfRange) {
  EXPECT_THROW(synthetic_digits({.train = 0}), InvalidArgument);
  EXPECT_THROW(synthetic_digits({.test = -1}), InvalidArgument);
  EXPECT_THROW(synthetic_digits({.train = 10'000'001}), InvalidArgument);
}

// Share of `test` rows whose nearest row of `train` has the same label.
double nearest_label_accuracy(ConstRows train, const std::vector<std::uint8_t>& train_labels,
                              ConstRows test, const std::vector<std::uint8_t>& test_labels) {
  int right = 0;
  for (std::int64_t i = 0; i < test.rows(); ++i) {
    float least = INFINITY;
    std::uint8_t label = 0;
    for (std::int64_t j = 0; j < train.rows(); ++j) {
      float sum = 0;
      for (std::int64_t k = 0; k < train.cols(); ++k) {
        const float d = test(i, k) - train(j, k);
        sum += d * d;
      }
      if (sum < least) {
        least = sum;
        label = train_labels[static_cast<std::size_t>(j)];
      }
    }
    right += label == test_labels[static_cast<std::size_t>(i)] ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(test.rows());
}

// The two leading principal axes by 30 rounds of orthogonal iteration; 2 × d.
Matrix two_principal_axes(ConstRows x) {
  const std::int64_t n = x.rows(), d = x.cols();
  std::vector<double> mean(static_cast<std::size_t>(d));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < d; ++k)
      mean[static_cast<std::size_t>(k)] += x(i, k) / static_cast<double>(n);
  Matrix axes(2, d);
  for (std::int64_t k = 0; k < d; ++k) {
    axes(0, k) = static_cast<float>(1 + k % 3);
    axes(1, k) = static_cast<float>(k % 5 - 2);
  }
  for (int round = 0; round < 30; ++round) {
    Matrix next(2, d);
    for (std::int64_t i = 0; i < n; ++i)
      for (int a = 0; a < 2; ++a) {
        double score = 0;
        for (std::int64_t k = 0; k < d; ++k)
          score += (x(i, k) - mean[static_cast<std::size_t>(k)]) * axes(a, k);
        for (std::int64_t k = 0; k < d; ++k)
          next(a, k) += static_cast<float>(score * (x(i, k) - mean[static_cast<std::size_t>(k)]));
      }
    for (int a = 0; a < 2; ++a) {
      double along = 0, norm = 0;
      for (std::int64_t k = 0; k < d && a == 1; ++k) along += next(0, k) * next(1, k);
      for (std::int64_t k = 0; k < d; ++k) {
        if (a == 1) next(1, k) -= static_cast<float>(along) * next(0, k);
        norm += next(a, k) * next(a, k);
      }
      for (std::int64_t k = 0; k < d; ++k) next(a, k) /= static_cast<float>(std::sqrt(norm));
    }
    axes = std::move(next);
  }
  return axes;
}

Matrix projected(ConstRows x, const Matrix& axes) {
  Matrix out(x.rows(), axes.rows());
  for (std::int64_t i = 0; i < x.rows(); ++i)
    for (std::int64_t a = 0; a < axes.rows(); ++a)
      for (std::int64_t k = 0; k < x.cols(); ++k) out(i, a) += x(i, k) * axes(a, k);
  return out;
}

TEST(SyntheticDigits, AreToldApartByNeighborsButNotByTwoPrincipalComponents) {
#ifdef LATLAS_EMULATED
  GTEST_SKIP() << "too slow under emulation";
#endif
  const Dataset d = synthetic_digits({.train = 2000, .test = 300});
  const Matrix train = scaled(d.train), test = scaled(d.test);
  EXPECT_GT(nearest_label_accuracy(train, d.train_labels, test, d.test_labels), 0.9);
  const Matrix axes = two_principal_axes(train);
  EXPECT_LT(nearest_label_accuracy(projected(train, axes), d.train_labels, projected(test, axes),
                                   d.test_labels),
            0.6);
}

}  // namespace
}  // namespace latlas
