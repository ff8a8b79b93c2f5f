// Against the C library in long double (64 bits of mantissa on x86-64, 113 on ARM64), whose own
// error is far below that which is allowed here.
#include "latlas/core/math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "latlas/core/hash.h"

namespace latlas {
namespace {

#ifdef LATLAS_EMULATED
constexpr double kDensity = 0.05;
#else
constexpr double kDensity = 1;
#endif
constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNaN = std::nan("");

TEST(MathExp, IsWithinItsRelativeError) {
  for (double x = -708; x <= 708; x += 0.00713 / kDensity) {
    const long double exact = std::exp(static_cast<long double>(x));
    EXPECT_LE(std::abs(math::exp(x) / exact - 1), 4e-16L) << x;
  }
  for (double x = 1e-300; x < 1; x *= 3) {
    EXPECT_LE(std::abs(math::exp(x) / std::exp(static_cast<long double>(x)) - 1), 4e-16L) << x;
    EXPECT_LE(std::abs(math::exp(-x) / std::exp(static_cast<long double>(-x)) - 1), 4e-16L) << x;
  }
}

TEST(MathExp, HasExactEnds) {
  EXPECT_EQ(math::exp(0), 1);
  EXPECT_EQ(math::exp(-0.0), 1);
  EXPECT_EQ(math::exp(708.1), kInfinity);
  EXPECT_EQ(math::exp(-708.1), 0);
  EXPECT_EQ(math::exp(kInfinity), kInfinity);
  EXPECT_EQ(math::exp(-kInfinity), 0);
  EXPECT_TRUE(std::isnan(math::exp(kNaN)));
}

TEST(MathLog, IsWithinItsAbsoluteError) {
  const auto expect_near = [](double x) {
    const long double exact = std::log(static_cast<long double>(x));
    EXPECT_LE(std::abs(math::log(x) - exact), 4e-16L * std::max(1.0L, std::abs(exact))) << x;
  };
  for (double x = 1e-307; x < 1e307; x *= 1 + 0.0131 / kDensity) expect_near(x);
  for (double x = 0.5; x < 2; x += 1.7e-5 / kDensity) expect_near(x);
  for (double x = 5e-324; x < 1e-307; x *= 3) expect_near(x);
}

TEST(MathLog, HasExactEnds) {
  EXPECT_EQ(math::log(1), 0);
  EXPECT_EQ(math::log(0), -kInfinity);
  EXPECT_EQ(math::log(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(math::log(-1)));
  EXPECT_TRUE(std::isnan(math::log(kNaN)));
}

TEST(MathLog, UndoesExp) {
  // d log = d e^x / e^x: the relative error of exp, that of log, and the rounding of x.
  for (double x = -700; x < 700; x += 0.137 / kDensity)
    EXPECT_NEAR(math::log(math::exp(x)), x, 4e-16 + 4e-16 * std::max(1.0, std::abs(x))) << x;
}

TEST(MathSinCos, IsWithinItsAbsoluteError) {
  const long double turn = 2 * 3.14159265358979323846264338327950288L;
  for (double t = -3; t < 3; t += 1.37e-5 / kDensity) {
    const auto [sin, cos] = math::sincos_turn(t);
    EXPECT_LE(std::abs(sin - std::sin(turn * t)), 4e-16L) << t;
    EXPECT_LE(std::abs(cos - std::cos(turn * t)), 4e-16L) << t;
  }
}

TEST(MathSinCos, IsPeriodicAsFarAsDoublesTell) {
  for (double t = 0; t < 1; t += 0x1p-9) {
    const auto near = math::sincos_turn(t), far = math::sincos_turn(t + 0x1p40);
    EXPECT_EQ(near.sin, far.sin);
    EXPECT_EQ(near.cos, far.cos);
  }
  EXPECT_TRUE(std::isnan(math::sincos_turn(0x1p50).sin));
  EXPECT_TRUE(std::isnan(math::sincos_turn(kInfinity).cos));
  EXPECT_TRUE(std::isnan(math::sincos_turn(kNaN).cos));
}

TEST(MathSinCos, IsExactAtTheQuarters) {
  const double sines[] = {0, 1, 0, -1};
  for (int quarter = -8; quarter < 8; ++quarter) {
    const auto [sin, cos] = math::sincos_turn(quarter / 4.0);
    EXPECT_EQ(sin, sines[quarter & 3]);
    EXPECT_EQ(cos, sines[(quarter + 1) & 3]);
  }
}

TEST(MathSin, IsWithinItsErrorInRadians) {
  for (double x = -50; x < 50; x += 0.00171 / kDensity) {
    const double allowed = 4e-16 * std::max(1.0, std::abs(x));
    EXPECT_NEAR(math::sin(x), std::sin(x), allowed) << x;
    EXPECT_NEAR(math::cos(x), std::cos(x), allowed) << x;
  }
}

TEST(MathPow, IsWithinItsRelativeError) {
  for (double x = 0.01; x < 100; x *= 1.07)
    for (double y = -20; y < 20; y += 0.37) {
      const long double exact = std::pow(static_cast<long double>(x), static_cast<long double>(y));
      const double allowed = 1e-15 * std::max(1.0, std::abs(y * std::log(x)));
      EXPECT_LE(std::abs(math::pow(x, y) / exact - 1), allowed) << x << " " << y;
    }
  EXPECT_EQ(math::pow(0, 2), 0);
  EXPECT_EQ(math::pow(5, 0), 1);
}

TEST(Math, GivesTheBitsThatEveryMachineGives) {
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) {
    const double x = i / 7.0 - 70;
    values.push_back(math::exp(x));
    values.push_back(math::log(std::abs(x) + 1e-9));
    values.push_back(math::sincos_turn(x).sin);
    values.push_back(math::sincos_turn(x).cos);
  }
  EXPECT_EQ(sha256(std::as_bytes(std::span(values))),
            "d41cc33b4a64bcb4968ecf23d7d1c8e3c9a2a61be8de6bbc9819efab3bd62873");
}

}  // namespace
}  // namespace latlas
