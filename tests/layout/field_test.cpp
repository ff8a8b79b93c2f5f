#include "latlas/layout/field.h"

#include <gtest/gtest.h>

#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

/// Points in `count` clusters of the given deviation, spread over a square of the given width.
Matrix map_of(std::int64_t n, double width, double deviation, std::int64_t count) {
  Matrix y(n, 2);
  for (std::int64_t i = 0; i < n; ++i)
    for (int c = 0; c < 2; ++c) {
      const auto center = static_cast<std::uint64_t>(i % count * 2 + c);
      const auto own = static_cast<std::uint64_t>(2 * i + c);
      y(i, c) = static_cast<float>(random::uniform(-0.5, 0.5, {.sub = 1, .index = center}) * width +
                                   random::normal({.sub = 2, .index = own}) * deviation);
    }
  return y;
}

struct Errors {
  // Root mean squares: the force's over φ's and over its own, the potential's over φ's.
  double force, relative_force, potential, normalizer;
};
Errors errors_of(const Matrix& y, double spacing) {
  const FieldTwin exact = field_twin(y);
  GridField field(spacing);
  field.charge(y);
  std::vector<float> potential(static_cast<std::size_t>(y.rows()));
  Matrix gradient(y.rows(), 2);
  field.read(y, true, potential, gradient);
  double df = 0, f = 0, dp = 0, p = 0;
  for (std::int64_t i = 0; i < y.rows(); ++i) {
    const auto u = static_cast<std::size_t>(i);
    df += std::pow(gradient(i, 0) - exact.x[u], 2) + std::pow(gradient(i, 1) - exact.y[u], 2);
    f += std::pow(exact.x[u], 2) + std::pow(exact.y[u], 2);
    dp += std::pow(potential[u] - exact.potential[u], 2);
    p += std::pow(exact.potential[u], 2);
  }
  return {std::sqrt(df / std::max(p, 1e-12)), std::sqrt(df / std::max(f, 1e-12)),
          std::sqrt(dp / std::max(p, 1e-12)), field.normalizer() / exact.normalizer - 1};
}

// Two errors add up. The kernel's transform falls like e^(−k), and what lies beyond the grid's
// band, k > π / h, is missed: e^(−π/h) is 0.2 % at h = ½ and 0.008 % at ⅓. The spline's aliases add
// errors that fall like h⁴, 0.06 and 0.012. Both are errors of a pair, at most; pairs of a map that
// stand alike on the grid (tight clusters) repeat them, others cancel. So a force is right within
// h⁴ φ (of the order of the largest forces), a potential within h⁴ φ / 4.
TEST(GridField, AgreesWithTheExactSums) {
  const struct {
    double width, deviation;
    std::int64_t count;
  } maps[] = {{60, 3, 10}, {100, 0.3, 20}, {10, 1, 3}, {1, 0.1, 2}, {1e-3, 1e-4, 3}, {20, 0, 500}};
  for (const auto& m : maps) {
    const Matrix y = map_of(2000, m.width, m.deviation, m.count);
    for (const double spacing : {0.5, 0.4, 1.0 / 3}) {
      const double h4 = std::pow(spacing, 4);
      const Errors e = errors_of(y, spacing);
      EXPECT_LT(e.force, h4) << m.width << ", " << spacing;
      EXPECT_LT(e.potential, h4 / 4) << m.width << ", " << spacing;
      EXPECT_LT(std::abs(e.normalizer), h4 / 4) << m.width << ", " << spacing;
    }
  }
}

/// The most by which the grid's force of a charge on another can differ from the exact one,
/// wherever the two stand. The force is that of the potential
///
///   ∫ Σ_n Σ_m Ŵ(f_n) Ŵ(f_m) G(f) exp(2πi (f_n y − f_m x) / h) df     over |f| ≤ ½ in each
///   direction
///
/// in place of ∫ R(f) exp(2πi f (y − x) / h) df over all f (normalized to 1 at x = y), so that it
/// is off by at most
///
///   (2π / h) ∫ Σ_n |f_n| ( |Ŵ²(f_n) G(f) − R(f_n)| + Σ_{m ≠ n} |Ŵ(f_n) Ŵ(f_m)| G(f) ) df.
double largest_pair_error(double h) {
  constexpr int kSteps = 32, kAliases = 2;  // a side; those farther out add less than 1e-4 of it
  constexpr double kPi = 3.14159265358979323846;
  const auto sinc = [](double f) { return std::sin(kPi * f) / (kPi * f); };  // never at 0
  double error = 0, norm = 0;
  for (int i = 0; i < kSteps; ++i)
    for (int j = 0; j < kSteps; ++j) {
      std::vector<double> f, w, r;
      double all = 0, power = 0, square = 0, wanted = 0;
      for (int n = -kAliases; n <= kAliases; ++n)
        for (int m = -kAliases; m <= kAliases; ++m) {
          const double x = (i + 0.5) / kSteps - 0.5 + n, y = (j + 0.5) / kSteps - 0.5 + m;
          f.push_back(std::hypot(x, y));
          w.push_back(std::pow(sinc(x) * sinc(y), 4));
          r.push_back(std::cyl_bessel_k(0, 2 * kPi * f.back() / h));
          const double w2 = w.back() * w.back(), f2 = f.back() * f.back();
          all += w.back();
          power += w2;
          square += w2 * f2;
          wanted += w2 * f2 * r.back();
          norm += r.back();
        }
      const double g = wanted / (power * square);
      for (std::size_t n = 0; n < f.size(); ++n)
        error += 2 * kPi / h * f[n] * (std::abs(w[n] * w[n] * g - r[n]) + w[n] * (all - w[n]) * g);
    }
  return error / norm;
}

// A map narrower than the spacing has forces that are small beside φ, and the aliases of its pairs,
// which do not shrink with it, add up. Each force keeps the bound of n pairs; relative to the
// forces themselves docs/layout.md gives the numbers.
TEST(GridField, KeepsEachForceOfANarrowMapWithinTheErrorOfItsPairs) {
  constexpr std::int64_t n = 1000;
  for (const double spacing : {0.5, 1.0 / 3, 0.25}) {
    const double bound = n * (largest_pair_error(spacing) + 1e-5);  // and float32's rounding
    for (const double width : {1e-3, 0.05, 0.25, 0.5, 1.0, 2.0, 4.0}) {
      const Matrix y = map_of(n, width, 0, n);
      const FieldTwin exact = field_twin(y);
      GridField field(spacing);
      field.charge(y);
      std::vector<float> potential(n);
      Matrix gradient(n, 2);
      field.read(y, true, potential, gradient);
      double worst = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const auto u = static_cast<std::size_t>(i);
        worst =
            std::max(worst, std::hypot(gradient(i, 0) - exact.x[u], gradient(i, 1) - exact.y[u]));
      }
      EXPECT_LT(worst, bound) << width << ", " << spacing;
    }
  }
}

TEST(GridField, GivesTheForcesOfAMapAFewSpacingsWide) {  // the table of docs/layout.md, rounded up
  const struct {
    double width, error;
  } known[] = {{0.5, 0.03}, {1, 0.007}, {2, 0.002}, {4, 0.0015}};
  for (const auto& k : known)
    EXPECT_LT(errors_of(map_of(2000, k.width, 0, 2000), 1.0 / 3).relative_force, k.error)
        << k.width;
}

TEST(GridField, GivesTheForcesOfAMapWithinAHundredth) {
  EXPECT_LT(errors_of(map_of(2000, 60, 3, 10), 1.0 / 3).relative_force, 0.01);
  EXPECT_LT(errors_of(map_of(2000, 100, 0.3, 20), 1.0 / 3).relative_force, 0.01);
}

TEST(GridField, AtTheDefaultSpacingGivesTheForcesOfTheTable) {  // of docs/layout.md, rounded up
  const double spacing = field_spacing(0, 2);
  const struct {
    double width, error;
  } known[] = {{0.25, 0.3}, {0.5, 0.15}, {1, 0.025}, {2, 0.009}, {4, 0.006}, {16, 0.012}};
  for (const auto& k : known)
    EXPECT_LT(errors_of(map_of(2000, k.width, 0, 2000), spacing).relative_force, k.error)
        << k.width;
  EXPECT_LT(errors_of(map_of(2000, 60, 3, 10), spacing).relative_force, 0.02);
  EXPECT_LT(errors_of(map_of(2000, 100, 0.3, 20), spacing).relative_force, 0.04);
}

TEST(GridField, GrowsMoreExactWithAFinerGrid) {
  const Matrix y = map_of(2000, 60, 3, 10);
  double before = errors_of(y, 0.6).force;
  for (const double spacing : {0.5, 0.4, 1.0 / 3, 0.25}) {
    const double now = errors_of(y, spacing).force;
    EXPECT_LT(now, before) << spacing;
    before = now;
  }
  EXPECT_LT(before, 1e-3);
}

TEST(GridField, LeavesASinglePointAlone) {
  Matrix y(1, 2);
  y(0, 0) = 3.3F;
  y(0, 1) = -17.21F;
  GridField field(1.0 / 3);
  field.charge(y);
  std::vector<float> potential(1);
  Matrix gradient(1, 2);
  field.read(y, true, potential, gradient);
  EXPECT_NEAR(potential[0], 0, 1e-5);
  EXPECT_NEAR(gradient(0, 0), 0, 1e-5);
  EXPECT_NEAR(gradient(0, 1), 0, 1e-5);
  EXPECT_NEAR(field.normalizer(), 0, 0.02);  // the own potential is taken out on average
}

TEST(GridField, PushesTwoAndThreePointsApart) {
  for (const std::int64_t n : {2, 3}) {
    const Matrix y = map_of(n, 4, 1, n);
    const Errors e = errors_of(y, 0.25);
    EXPECT_LT(e.force, 0.01) << n;
  }
}

TEST(GridField, ServesPointsOnALineAndInOnePlace) {
  Matrix line(500, 2), same(500, 2);
  for (std::int64_t i = 0; i < 500; ++i) {
    line(i, 0) = static_cast<float>(i) * 0.2F;
    line(i, 1) = 5;
    same(i, 0) = 1.25F;
    same(i, 1) = -3.1F;
  }
  EXPECT_LT(errors_of(line, 1.0 / 3).potential, 2e-3);
  GridField field(1.0 / 3);
  field.charge(same);
  std::vector<float> potential(500);
  Matrix gradient(500, 2);
  field.read(same, true, potential, gradient);
  for (std::int64_t i = 0; i < 500; ++i) {
    const double h4 = 1.0 / 81;
    EXPECT_NEAR(potential[static_cast<std::size_t>(i)], 499, 499 * h4 / 4);
    EXPECT_NEAR(gradient(i, 0), 0, 499 * h4);
  }
}

TEST(GridField, EnlargesItsSpacingForAMapTooWide) {
  Matrix y(2, 2);
  y(1, 0) = y(1, 1) = 1e6F;
  GridField field(1.0 / 3);
  field.charge(y);
  EXPECT_GT(field.spacing(), 1);
  std::vector<float> potential(2);
  Matrix gradient(2, 2);
  field.read(y, true, potential, gradient);
  for (const float p : potential) EXPECT_TRUE(std::isfinite(p));
}

TEST(GridField, ReadsPointsOutsideAtTheNearestPlace) {
  const Matrix y = map_of(100, 10, 1, 5);
  GridField field(1.0 / 3);
  field.charge(y, 2);
  const GridView& view = field.view();
  const float edge[2] = {view.origin[0] + view.last[0] / view.per_unit,
                         view.origin[1] + view.last[1] / view.per_unit};
  EXPECT_GE(edge[0], 4);  // the box, 2 beyond the points, lies within
  Matrix at(3, 2), gradient(3, 2);
  at(0, 0) = 1e9F;
  at(0, 1) = 1e9F;
  at(1, 0) = edge[0] + 3;  // where the plane is padded
  at(1, 1) = edge[1] + 3;
  at(2, 0) = edge[0];
  at(2, 1) = edge[1];
  std::vector<float> potential(3);
  field.read(at, false, potential, gradient);
  double exact = 0;
  for (std::int64_t j = 0; j < 100; ++j)
    exact += 1 / (1 + std::pow(edge[0] - y(j, 0), 2) + std::pow(edge[1] - y(j, 1), 2));
  // The points' own potential, right within h⁴ / 4 of the largest (below 40).
  for (const float p : potential) EXPECT_NEAR(p, exact, 0.13);
  EXPECT_GT(exact, 0.3);
}

TEST(GridField, GivesTheSameBitsForAnyThreadsAndInstructions) {
  const Matrix y = map_of(9000, 30, 2, 10);
  std::string expected;
  for (const auto& target : simd::available()) {
    simd::select(target);
    for (const int limit : {1, 2, 3, 7}) {
      const ThreadLimit threads(limit);
      GridField field(1.0 / 3);
      std::vector<float> potential(9000);
      Matrix gradient(9000, 2);
      field.charge(y);
      field.read(y, true, potential, gradient);
      Sha256 hash;
      hash.add(std::as_bytes(std::span(potential)));
      const std::string now = hash.hex() + sha256(gradient) + std::to_string(field.normalizer());
      if (expected.empty()) expected = now;
      EXPECT_EQ(now, expected) << target << ", " << limit << " threads";
    }
  }
  simd::select(simd::available().front());
}

TEST(GridField, RejectsWhatIsNoMap) {
  EXPECT_THROW(GridField(0.01), InvalidArgument);
  EXPECT_THROW(GridField(NAN), InvalidArgument);
  GridField field(0.5);
  EXPECT_THROW(field.charge(Matrix(0, 2)), InvalidArgument);
  EXPECT_THROW(field.charge(Matrix(5, 3)), InvalidArgument);
  std::vector<float> potential(1);
  Matrix at(1, 2), gradient(1, 2);
  EXPECT_THROW(field.read(at, false, potential, gradient), InvalidArgument);
}

TEST(ExactField, AgreesWithTheSumsInDouble) {
  for (const std::int64_t n : {1, 2, 3, 17, 500}) {
    const Matrix y = map_of(n, 20, 1, 7);
    const FieldTwin exact = field_twin(y);
    std::vector<float> potential(static_cast<std::size_t>(n));
    Matrix gradient(n, 2);
    const double z = exact_field(y, potential, gradient);
    EXPECT_NEAR(z, exact.normalizer, 1e-6 * exact.normalizer + 1e-12);
    for (std::int64_t i = 0; i < n; ++i) {  // 500 terms in 16 lanes: 36 roundings of the sum
      const auto u = static_cast<std::size_t>(i);
      EXPECT_NEAR(potential[u], exact.potential[u], 3e-6 * exact.potential[u] + 1e-7);
      EXPECT_NEAR(gradient(i, 0), exact.x[u], 3e-6 * exact.potential[u] + 1e-7);
      EXPECT_NEAR(gradient(i, 1), exact.y[u], 3e-6 * exact.potential[u] + 1e-7);
    }
  }
}

}  // namespace
}  // namespace latlas
