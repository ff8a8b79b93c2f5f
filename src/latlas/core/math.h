// exp, log, sine and cosine in double, from additions and multiplications alone: a C library's
// differ from machine to machine in the last bit, these do not. For set-up work; hot loops have
// their vector twins in core/simd-inl.h.
#pragma once

namespace latlas::math {

constexpr double kPi = 3.14159265358979323846;

/// e^x; relative error below 4e-16 for |x| ≤ 700, 0 and infinity beyond 708.
double exp(double x);
/// Natural logarithm of x > 0 (normal numbers); absolute error below 4e-16 · max(1, |log x|).
double log(double x);
/// sin(2πt) and cos(2πt) of a turn t, |t| ≤ 2^40; absolute error below 4e-16.
struct SinCos {
  double sin, cos;
};
SinCos sincos_turn(double t);
double sin(double radians);
double cos(double radians);
/// x^y for x > 0.
inline double pow(double x, double y) { return exp(y * log(x)); }

}  // namespace latlas::math
