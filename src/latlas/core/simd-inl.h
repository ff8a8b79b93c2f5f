// F16: sixteen floats in whatever registers there are: one of AVX-512, two of AVX2, four of NEON.
// Kernels are written on F16, so that lanes, trees of sums and remainders are the same everywhere
// and results do not depend on the instruction set.
//
// Rules: multiply-add only through fma() here (the portable target has none in hardware and asks
// the C library, which is exact); no estimates; horizontal sums only through reduce(), a fixed
// tree. No lambdas in kernels without HWY_ATTR, and no std:: templates that might not be inlined.

// Highway's toggle instead of an include guard: read once for each target.
#if defined(LATLAS_CORE_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATLAS_CORE_SIMD_INL_H_
#undef LATLAS_CORE_SIMD_INL_H_
#else
#define LATLAS_CORE_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>
#include <cstdint>

#include "latlas/core/simd.h"

#define LATLAS_INLINE HWY_INLINE

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::CappedTag<float, 16>;
using DI = hn::RebindToSigned<DF>;
using DU = hn::RebindToUnsigned<DF>;
constexpr int kLanes = static_cast<int>(HWY_MIN(HWY_LANES(float), 16));  // floats a register
constexpr int kParts = 16 / kLanes;                                      // registers an F16

// The constructors, which leave the lanes unset, are written out: an implicit one would be compiled
// without the target's options, as some registers of ARM64 refuse.
struct F16 {
  hn::Vec<DF> v[kParts];
  LATLAS_INLINE F16() {}
};
struct I16 {  // sixteen 32-bit integers
  hn::Vec<DI> v[kParts];
  LATLAS_INLINE I16() {}
};
struct M16 {  // sixteen truth values
  hn::Mask<DF> v[kParts];
  LATLAS_INLINE M16() {}
};

#define LATLAS_EACH for (int p = 0; p < kParts; ++p)

LATLAS_INLINE hn::Vec<DF> fused(hn::Vec<DF> a, hn::Vec<DF> b, hn::Vec<DF> c) {
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
  HWY_ALIGN float x[kLanes], y[kLanes], z[kLanes];
  hn::Store(a, DF(), x);
  hn::Store(b, DF(), y);
  hn::Store(c, DF(), z);
  for (int i = 0; i < kLanes; ++i) z[i] = std::fma(x[i], y[i], z[i]);
  return hn::Load(DF(), z);
#else
  return hn::MulAdd(a, b, c);
#endif
}

LATLAS_INLINE F16 zero() {
  F16 r;
  LATLAS_EACH r.v[p] = hn::Zero(DF());
  return r;
}
LATLAS_INLINE F16 set(float x) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::Set(DF(), x);
  return r;
}
LATLAS_INLINE F16 load(const float* x) {  // any address
  F16 r;
  LATLAS_EACH r.v[p] = hn::LoadU(DF(), x + p * kLanes);
  return r;
}
LATLAS_INLINE void store(const F16& a, float* x) {
  LATLAS_EACH hn::StoreU(a.v[p], DF(), x + p * kLanes);
}
/// The first n floats, zero in the other lanes; reads nothing beyond. 0 ≤ n ≤ 16.
LATLAS_INLINE F16 load_first(const float* x, int n) {
  if (n >= 16) return load(x);
  HWY_ALIGN float t[16] = {};
  for (int i = 0; i < n; ++i) t[i] = x[i];
  return load(t);
}
LATLAS_INLINE void store_first(const F16& a, float* x, int n) {
  if (n >= 16) return store(a, x);
  HWY_ALIGN float t[16];
  store(a, t);
  for (int i = 0; i < n; ++i) x[i] = t[i];
}

LATLAS_INLINE F16 operator+(const F16& a, const F16& b) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::Add(a.v[p], b.v[p]);
  return r;
}
LATLAS_INLINE F16 operator-(const F16& a, const F16& b) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::Sub(a.v[p], b.v[p]);
  return r;
}
LATLAS_INLINE F16 operator*(const F16& a, const F16& b) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::Mul(a.v[p], b.v[p]);
  return r;
}
LATLAS_INLINE F16 operator/(const F16& a, const F16& b) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::Div(a.v[p], b.v[p]);
  return r;
}
LATLAS_INLINE F16 operator-(const F16& a) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::Neg(a.v[p]);
  return r;
}
/// a · b + c with one rounding.
LATLAS_INLINE F16 fma(const F16& a, const F16& b, const F16& c) {
  F16 r;
  LATLAS_EACH r.v[p] = fused(a.v[p], b.v[p], c.v[p]);
  return r;
}
/// c − a · b with one rounding.
LATLAS_INLINE F16 fnma(const F16& a, const F16& b, const F16& c) {
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
  return fma(-a, b, c);
#else
  F16 r;
  LATLAS_EACH r.v[p] = hn::NegMulAdd(a.v[p], b.v[p], c.v[p]);
  return r;
#endif
}
/// The smaller; b when either is NaN or both are zero (written out, since minps and fmin differ).
LATLAS_INLINE F16 min(const F16& a, const F16& b) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::IfThenElse(hn::Lt(a.v[p], b.v[p]), a.v[p], b.v[p]);
  return r;
}
LATLAS_INLINE F16 max(const F16& a, const F16& b) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::IfThenElse(hn::Gt(a.v[p], b.v[p]), a.v[p], b.v[p]);
  return r;
}
LATLAS_INLINE F16 abs(const F16& a) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::Abs(a.v[p]);
  return r;
}
LATLAS_INLINE F16 sqrt(const F16& a) {  // correctly rounded
  F16 r;
  LATLAS_EACH r.v[p] = hn::Sqrt(a.v[p]);
  return r;
}
LATLAS_INLINE F16 round(const F16& a) {  // to the nearest integer, ties to even; |a| < 2^23
  F16 r;
  LATLAS_EACH r.v[p] = hn::Round(a.v[p]);
  return r;
}
LATLAS_INLINE F16 floor(const F16& a) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::Floor(a.v[p]);
  return r;
}

LATLAS_INLINE M16 operator<(const F16& a, const F16& b) {
  M16 r;
  LATLAS_EACH r.v[p] = hn::Lt(a.v[p], b.v[p]);
  return r;
}
LATLAS_INLINE M16 operator<=(const F16& a, const F16& b) {
  M16 r;
  LATLAS_EACH r.v[p] = hn::Le(a.v[p], b.v[p]);
  return r;
}
LATLAS_INLINE M16 operator>(const F16& a, const F16& b) { return b < a; }
LATLAS_INLINE M16 operator>=(const F16& a, const F16& b) { return b <= a; }
/// The first n lanes.
LATLAS_INLINE M16 first(int n) {
  M16 r;
  LATLAS_EACH {
    const int k = n - p * kLanes;
    r.v[p] = hn::FirstN(DF(), static_cast<std::size_t>(k < 0 ? 0 : (k > kLanes ? kLanes : k)));
  }
  return r;
}
LATLAS_INLINE F16 select(const M16& m, const F16& yes, const F16& no) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::IfThenElse(m.v[p], yes.v[p], no.v[p]);
  return r;
}
LATLAS_INLINE F16 keep(const M16& m, const F16& a) {  // zero where false
  F16 r;
  LATLAS_EACH r.v[p] = hn::IfThenElseZero(m.v[p], a.v[p]);
  return r;
}
LATLAS_INLINE bool any(const M16& m) {
  if constexpr (kParts == 1) {
    return !hn::AllFalse(DF(), m.v[0]);
  } else {
    hn::Mask<DF> all = m.v[0];
    for (int p = 1; p < kParts; ++p) all = hn::Or(all, m.v[p]);
    return !hn::AllFalse(DF(), all);
  }
}
/// Bit i is lane i.
LATLAS_INLINE std::uint32_t to_bits(const M16& m) {
  std::uint32_t bits = 0;
  LATLAS_EACH {
    std::uint8_t b[8] = {};
    hn::StoreMaskBits(DF(), m.v[p], b);
    bits |= (static_cast<std::uint32_t>(b[0]) | static_cast<std::uint32_t>(b[1]) << 8)
            << (p * kLanes);
  }
  return bits;
}

LATLAS_INLINE I16 to_int(const F16& a) {  // towards zero; |a| < 2^31
  I16 r;
  LATLAS_EACH r.v[p] = hn::ConvertTo(DI(), a.v[p]);
  return r;
}
LATLAS_INLINE F16 to_float(const I16& a) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::ConvertTo(DF(), a.v[p]);
  return r;
}
LATLAS_INLINE I16 load(const std::int32_t* x) {
  I16 r;
  LATLAS_EACH r.v[p] = hn::LoadU(DI(), x + p * kLanes);
  return r;
}
LATLAS_INLINE void store(const I16& a, std::int32_t* x) {
  LATLAS_EACH hn::StoreU(a.v[p], DI(), x + p * kLanes);
}
/// Sixteen bytes as floats.
LATLAS_INLINE F16 load(const std::uint8_t* x) {
  const hn::Rebind<std::uint8_t, DF> bytes;
  F16 r;
  LATLAS_EACH r.v[p] = hn::ConvertTo(DF(), hn::PromoteTo(DI(), hn::LoadU(bytes, x + p * kLanes)));
  return r;
}

/// The sum of the lanes by one fixed tree: lane i with lane i + 8, then + 4, + 2, + 1.
LATLAS_INLINE float reduce(const F16& a) {
  HWY_ALIGN float t[16];
  store(a, t);
  for (int i = 0; i < 8; ++i) t[i] += t[i + 8];
  for (int i = 0; i < 4; ++i) t[i] += t[i + 4];
  return (t[0] + t[2]) + (t[1] + t[3]);
}
LATLAS_INLINE float reduce_max(const F16& a) {
  HWY_ALIGN float t[16];
  store(a, t);
  float m = t[0];
  for (int i = 1; i < 16; ++i) m = t[i] > m ? t[i] : m;
  return m;
}
LATLAS_INLINE float reduce_min(const F16& a) { return -reduce_max(-a); }

/// 2^n for whole n in [−126, 127], given as floats.
LATLAS_INLINE F16 power_of_two(const F16& n) {
  F16 r;
  LATLAS_EACH r.v[p] = hn::BitCast(
      DF(), hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(DI(), n.v[p]), hn::Set(DI(), 127))));
  return r;
}

/// e^x; at most 1.5 units in the last place for x in [−87, 88]; clamped to that range, NaN stays.
/// x = n ln 2 + r, e^r by the minimax polynomial of Cephes' expf (Moshier).
LATLAS_INLINE F16 exp(const F16& value) {
  const F16 x = max(set(-87.0F), min(set(88.0F), value));  // in this order NaN passes
  const F16 n = round(x * set(1.44269504F));
  F16 r = fnma(n, set(0.693359375F), x);
  r = fnma(n, set(-2.12194440e-4F), r);
  F16 y = set(1.9875691500e-4F);
  y = fma(y, r, set(1.3981999507e-3F));
  y = fma(y, r, set(8.3334519073e-3F));
  y = fma(y, r, set(4.1665795894e-2F));
  y = fma(y, r, set(1.6666665459e-1F));
  y = fma(y, r, set(5.0000001201e-1F));
  y = fma(y, r * r, r + set(1.0F));
  return y * power_of_two(n);
}

/// Natural logarithm of normal x > 0; at most 2 units in the last place (near 1: 1e-7 absolute).
/// x = 2^n m with m in [√½, √2), log m by the polynomial of Cephes' logf.
LATLAS_INLINE F16 log(const F16& x) {
  F16 m, n;
  LATLAS_EACH {
    const auto bits = hn::BitCast(DI(), x.v[p]);
    const auto e = hn::Sub(hn::ShiftRight<23>(bits), hn::Set(DI(), 126));  // m in [½, 1)
    n.v[p] = hn::ConvertTo(DF(), e);
    m.v[p] = hn::BitCast(
        DF(), hn::Or(hn::And(bits, hn::Set(DI(), 0x007FFFFF)), hn::Set(DI(), 0x3F000000)));
  }
  const M16 small = m < set(0.707106781F);
  n = n - keep(small, set(1.0F));
  const F16 f = m + keep(small, m) - set(1.0F), f2 = f * f;
  F16 y = set(7.0376836292e-2F);
  y = fma(y, f, set(-1.1514610310e-1F));
  y = fma(y, f, set(1.1676998740e-1F));
  y = fma(y, f, set(-1.2420140846e-1F));
  y = fma(y, f, set(1.4249322787e-1F));
  y = fma(y, f, set(-1.6668057665e-1F));
  y = fma(y, f, set(2.0000714765e-1F));
  y = fma(y, f, set(-2.4999993993e-1F));
  y = fma(y, f, set(3.3333331174e-1F));
  y = y * f * f2;
  y = fma(n, set(-2.12194440e-4F), y);
  y = fnma(f2, set(0.5F), y);
  return fma(n, set(0.693359375F), f + y);
}

}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
