#include "latlas/core/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace latlas::math {
namespace {

constexpr double kLn2High = 6.93147180369123816490e-01;  // ln 2 in two parts: the first has 21
constexpr double kLn2Low = 1.90821492927058770002e-10;  // trailing zero bits, so n · high is exact

double scaled(double x, int n) {  // x · 2^n for a normal result
  return x * std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

}  // namespace

double exp(double x) {
  if (x != x) return x;
  if (x > 708) return std::numeric_limits<double>::infinity();
  if (x < -708) return 0;
  // x = n ln 2 + r with |r| ≤ ln 2 / 2; e^r by its Taylor series, whose 14th term is below 1e-17.
  const double n = std::floor(x * 1.44269504088896340736 + 0.5);
  const double r = (x - n * kLn2High) - n * kLn2Low;
  double sum = 1.0 / 6227020800.0;
  constexpr double kFactorials[] = {479001600, 39916800, 3628800, 362880, 40320, 5040,
                                    720,       120,      24,      6,      2};
  for (const double f : kFactorials) sum = sum * r + 1.0 / f;
  return scaled(1.0 + (r + r * r * sum), static_cast<int>(n));
}

double log(double x) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (!(x > 0)) return x == 0 ? -kInfinity : std::numeric_limits<double>::quiet_NaN();
  if (x == kInfinity) return x;
  if (x < std::numeric_limits<double>::min()) return log(x * 0x1p54) - 54 * (kLn2High + kLn2Low);
  // x = 2^n m with m in [√½, √2); log m = 2 artanh s with s = (m − 1) / (m + 1), |s| < 0.172.
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int n = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL);
  if (m > 1.41421356237309504880) {
    m *= 0.5;
    ++n;
  }
  const double s = (m - 1.0) / (m + 1.0), q = s * s;
  double sum = 0;
  for (int k = 23; k >= 3; k -= 2) sum = (sum + 1.0 / k) * q;
  return n * kLn2High + (n * kLn2Low + 2.0 * (s + s * sum));
}

SinCos sincos_turn(double t) {
  if (!(std::abs(t) <= 0x1p49)) {
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    return {kNaN, kNaN};
  }
  // An eighth of a turn around the nearest quarter, where both Taylor series are short.
  const double quarters = std::floor(t * 4.0 + 0.5);
  const double a = (t - quarters * 0.25) * (2.0 * kPi), q = a * a;
  double s = 0, c = 0;
  for (int k = 17; k >= 3; k -= 2) s = (s + 1.0) * (-q / (k * (k - 1.0)));
  for (int k = 18; k >= 2; k -= 2) c = (c + 1.0) * (-q / (k * (k - 1.0)));
  const double sine = a + a * s, cosine = 1.0 + c;
  switch (static_cast<std::int64_t>(quarters) & 3) {
    case 0:
      return {sine, cosine};
    case 1:
      return {cosine, -sine};
    case 2:
      return {-sine, -cosine};
    default:
      return {-cosine, sine};
  }
}

double sin(double radians) { return sincos_turn(radians / (2.0 * kPi)).sin; }
double cos(double radians) { return sincos_turn(radians / (2.0 * kPi)).cos; }

}  // namespace latlas::math
