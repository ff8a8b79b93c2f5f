#include "latlas/layout/pca.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/core/simd.h"
#include "tests/core/helpers.h"
#include "tests/evaluate/hashed.h"

namespace latlas {
namespace {

struct Golden {  // made by tests/evaluate/golden_scores.py with scikit-learn 1.9.1
  std::vector<double> variance, ratio, singular, components;
};
const Golden kTall{
    .variance = {2.2516379019, 1.25501449347, 0.801811373019},
    .ratio = {0.479294368614, 0.267148362861, 0.170677387983},
    .singular = {13.3371434067, 9.95721572448, 7.95883775865},
    .components = {-0.0226089969708, -0.0413476881015, 0.121238120115, -0.0339258902184,
                   0.990923586433, 0.0162527751739, -0.0322511726764, -0.0867736267137,
                   0.994613937237, 0.0436939666503, -0.0136507590371, -0.0158005053518,
                   0.988504236525, 0.0911698950421, -0.11879152082}};

const Golden kWide{
    .variance = {20.3349451545, 14.9548411068, 6.61335990509},
    .ratio = {0.396616533591, 0.291681988574, 0.128988195494},
    .singular = {11.930826295, 10.2315144406, 6.80393410724},
    .components = {-0.02008758202,   0.020935335132,    0.0718585899881, 0.0139797321586,
                   0.010339107785,   -0.17320249662,    0.0392406171124, -0.164675136653,
                   -0.119127338731,  -0.228700083214,   0.818660125519,  -0.445349222821,
                   -0.0118886530018, -0.0152264984111,  0.0401272069374, -0.207235391751,
                   0.125851923076,   0.321214572657,    0.0104767829371, -0.474422919491,
                   0.759273820133,   0.150234582243,    0.0896098733487, -0.0613892706715,
                   0.0664997609897,  -0.00778402602406, 0.116509510742,  -0.158431018246,
                   0.125167791208,   -0.443212956243,   -0.268292857118, 0.161450205802,
                   0.0452363731726,  0.788626689226,    0.127344496749,  -0.0805940763942}};

/// The input of the golden numbers: column j in [0, j + 1).
Matrix golden_rows(std::int64_t n, std::int64_t d) {
  Matrix x = hashed(n, d, 77);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j) x(i, j) *= static_cast<float>(j + 1);
  return x;
}

Matrix normal_rows(std::int64_t n, std::int64_t d, double offset = 0, double scale = 1) {
  Matrix x(n, d);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j)
      x(i, j) = static_cast<float>(
          offset + scale * random::normal({.index = static_cast<std::uint64_t>(i * d + j)}) /
                       static_cast<double>(j + 1));
  return x;
}

void expect_golden(std::int64_t n, std::int64_t d, const Golden& golden) {
  const Pca pca = fit_pca(golden_rows(n, d), {.components = 3});
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(pca.explained_variance[c], golden.variance[c], 1e-6 * golden.variance[0]);
    EXPECT_NEAR(pca.explained_variance_ratio[c], golden.ratio[c], 1e-6);
    EXPECT_NEAR(pca.singular_values[c], golden.singular[c], 1e-6 * golden.singular[0]);
  }
  for (std::int64_t i = 0; i < 3 * d; ++i)
    EXPECT_NEAR(pca.components.data()[i], golden.components[static_cast<std::size_t>(i)], 1e-5);
}

void expect_orthonormal(const Pca& pca) {
  for (std::int64_t a = 0; a < pca.components.rows(); ++a)
    for (std::int64_t b = 0; b <= a; ++b) {
      double dot = 0;
      for (std::int64_t j = 0; j < pca.components.cols(); ++j)
        dot += pca.components(a, j) * pca.components(b, j);
      EXPECT_NEAR(dot, a == b ? 1 : 0, 1e-12);
    }
}

TEST(Pca, AgreesWithScikitLearnOnTallData) { expect_golden(80, 5, kTall); }
TEST(Pca, AgreesWithScikitLearnOnWideData) { expect_golden(8, 12, kWide); }

TEST(Pca, ExplainsEverythingWithAllComponents) {
  for (const auto& [n, d] : {std::pair{300, 7}, std::pair{6, 20}, std::pair{40, 40}}) {
    const Matrix x = normal_rows(n, d);
    const Pca pca = fit_pca(x, {.components = std::min(n, d)});
    expect_orthonormal(pca);
    double sum = 0;
    for (const double r : pca.explained_variance_ratio) sum += r;
    EXPECT_NEAR(sum, 1, 1e-6);
    const Matrix back = inverse_transform(pca, transform(pca, x));
    for (std::int64_t i = 0; i < x.size(); ++i) EXPECT_NEAR(back.data()[i], x.data()[i], 2e-5);
  }
}

TEST(Pca, GivesProjectionsTheExplainedVariance) {
  const Matrix x = normal_rows(2500, 9, 3);
  const Pca pca = fit_pca(x, {.components = 4});
  const Matrix y = transform(pca, x);
  for (std::int64_t c = 0; c < 4; ++c) {
    double sum = 0, square = 0;
    for (std::int64_t i = 0; i < y.rows(); ++i) sum += y(i, c);
    for (std::int64_t i = 0; i < y.rows(); ++i) {
      const double gap = y(i, c) - sum / 2500;
      square += gap * gap;
    }
    EXPECT_NEAR(sum / 2500, 0, 1e-6);
    EXPECT_NEAR(square / 2499, pca.explained_variance[static_cast<std::size_t>(c)], 1e-5);
  }
}

TEST(Pca, DoesNotMindWhereTheDataLieOrHowLargeTheyAre) {
  const Pca at_zero = fit_pca(normal_rows(500, 6));
  for (const auto& [offset, scale] :
       {std::pair{1e4, 100.0}, std::pair{0.0, 1e30}, std::pair{0.0, 1e-30}}) {
    const Pca moved = fit_pca(normal_rows(500, 6, offset, scale));
    for (std::size_t c = 0; c < 2; ++c)
      EXPECT_NEAR(moved.explained_variance_ratio[c], at_zero.explained_variance_ratio[c], 1e-5);
    for (std::int64_t i = 0; i < 12; ++i)
      EXPECT_NEAR(moved.components.data()[i], at_zero.components.data()[i], 1e-4);
  }
}

TEST(Pca, TakesConstantColumnsAndEqualRows) {
  Matrix x = normal_rows(100, 4);
  for (std::int64_t i = 0; i < 100; ++i) x(i, 2) = 7;
  const Pca pca = fit_pca(x, {.components = 4});
  EXPECT_NEAR(pca.explained_variance_ratio[3], 0, 1e-7);
  EXPECT_EQ(pca.mean[2], 7);
  expect_orthonormal(pca);

  for (const auto& [n, d] : {std::pair{50, 5}, std::pair{3, 5}}) {
    Matrix equal(n, d);
    for (std::int64_t i = 0; i < equal.size(); ++i) equal.data()[i] = 3;
    const Pca none = fit_pca(equal);
    EXPECT_EQ(none.explained_variance_ratio, (std::vector<double>{0, 0}));
    EXPECT_EQ(none.total_variance, 0);
    expect_orthonormal(none);
    const Matrix y = transform(none, equal);
    for (std::int64_t i = 0; i < y.size(); ++i) EXPECT_EQ(y.data()[i], 0);
  }
}

TEST(Pca, TakesOneTwoAndThreeRows) {
  for (const std::int64_t n : {1, 2, 3}) {
    const Matrix x = normal_rows(n, 5);
    const Pca pca = fit_pca(x, {.components = n});
    expect_orthonormal(pca);
    EXPECT_NEAR(pca.explained_variance.back(), 0, 1e-6);  // n rows span n − 1 directions
    EXPECT_EQ(pca.samples, n);
  }
}

TEST(Pca, MakesTheLargestEntryOfAComponentPositive) {
  const Pca pca = fit_pca(normal_rows(64, 8), {.components = 8});
  for (std::int64_t c = 0; c < 8; ++c) {
    double most = 0;
    for (const double v : pca.components[c])
      if (std::abs(v) > std::abs(most)) most = v;
    EXPECT_GT(most, 0);
  }
}

TEST(Pca, GivesTheSameBitsForAllThreadsAndInstructionSets) {
  const auto bytes = [](const Pca& pca) {
    std::vector<double> all(pca.components.data(), pca.components.data() + pca.components.size());
    all.insert(all.end(), pca.explained_variance.begin(), pca.explained_variance.end());
    all.insert(all.end(), pca.mean.begin(), pca.mean.end());
    return all;
  };
  const Matrix tall = normal_rows(2100, 50), wide = normal_rows(20, 130);
  const auto best_tall = bytes(fit_pca(tall)), best_wide = bytes(fit_pca(wide));
  for (const auto& target : simd::available()) {
    simd::select(target);
    for (const int threads : {1, 2, 3, 7}) {
      const ThreadLimit limit(threads);
      EXPECT_EQ(bytes(fit_pca(tall)), best_tall) << target << ", " << threads << " threads";
      EXPECT_EQ(bytes(fit_pca(wide)), best_wide) << target << ", " << threads << " threads";
    }
  }
  simd::select(simd::available().front());
}

TEST(Pca, SaysWhatIsWrongWithTheInput) {
  Matrix x = normal_rows(10, 3);
  EXPECT_EQ(message_of<InvalidArgument>([&] { fit_pca(x, {.components = 4}); }),
            "pca: 4 components cannot be had from 10 rows and 3 columns; ask for at most 3");
  EXPECT_THROW(fit_pca(x, {.components = 0}), InvalidArgument);
  EXPECT_THROW(fit_pca(Matrix()), InvalidArgument);
  const Pca pca = fit_pca(x);
  EXPECT_THROW(transform(pca, normal_rows(2, 4)), InvalidArgument);
  EXPECT_THROW(inverse_transform(pca, normal_rows(2, 3)), InvalidArgument);
  x(9, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message_of<InvalidArgument>([&] { fit_pca(x); }),
            "pca: data holds NaN in row 9, column 1 (counted from 0); remove or fill such values "
            "first");
  EXPECT_THROW(transform(pca, x), InvalidArgument);
}

}  // namespace
}  // namespace latlas
