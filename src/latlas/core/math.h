// exp, log, sine and cosine in double, from additions and multiplications alone: a C library's
// differ from machine to machine in the last bit, these do not. For set-up work; hot loops have
// their vector twins in core/simd-inl.h.
#pragma once

namespace latlas::math {

constexpr double kPi = 3.14159265358979323846;

/// e^x; relative error below 4e-16 for |x| ≤ 708, beyond it 0 and infinity. NaN stays NaN.
double exp(double x);
/// Natural logarithm; absolute error below 4e-16 · max(1, |log x|). log 0 is −infinity, that of a
/// negative number NaN.
double log(double x);
/// sin(2πt) and cos(2πt) of t turns; absolute error below 4e-16. NaN for |t| > 2^49, where doubles
/// are too far apart to tell the angle.
struct SinCos {
  double sin, cos;
};
SinCos sincos_turn(double t);
/// Of an angle in radians; absolute error below 4e-16 · max(1, |x|), as x / 2π is rounded.
double sin(double radians);
double cos(double radians);
/// x^y for x ≥ 0; relative error below 1e-15 · max(1, |y log x|).
inline double pow(double x, double y) { return exp(y * log(x)); }

}  // namespace latlas::math
