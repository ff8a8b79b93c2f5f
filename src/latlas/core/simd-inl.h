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

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cmath>
#include <cstdint>

#include "latlas/core/simd.h"

#define LATLAS_INLINE HWY_INLINE

#if HWY_TARGET != HWY_AVX3 && HWY_TARGET != HWY_AVX2 && HWY_TARGET != HWY_NEON && \
    HWY_TARGET != LATLAS_NEON_WITHOUT_AES && HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
#error "Highway compiles for a target that latlas does not know; disable it in core/simd-targets.h"
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::CappedTag<float, 16>;
using DI = hn::RebindToSigned<DF>;
using DU = hn::RebindToUnsigned<DF>;
constexpr int kLanes = static_cast<int>(HWY_MIN(HWY_LANES(float), 16));  // floats a register
constexpr int kParts = 16 / kLanes;                                      // registers an F16

#define LATLAS_EACH for (int p = 0; p < kParts; ++p)

// The constructors are written out. The first leaves the lanes unset; an implicit one would be
// compiled without the target's options, as some registers of ARM64 refuse. An implicit copy may go
// through memory in smaller pieces than a register, which then waits for all of them: GCC 12 does
// that, and a loop that copies takes twice its time.
// NOLINTBEGIN(bugprone-unhandled-self-assignment): a register assigned to itself stays as it is
#define LATLAS_LANES(Name, Register)                 \
  struct Name {                                      \
    Register v[kParts];                              \
    LATLAS_INLINE Name() {}                          \
    LATLAS_INLINE Name(const Name& o) { *this = o; } \
    LATLAS_INLINE Name& operator=(const Name& o) {   \
      LATLAS_EACH v[p] = o.v[p];                     \
      return *this;                                  \
    }                                                \
  }
LATLAS_LANES(F16, hn::Vec<DF>);   // sixteen floats
LATLAS_LANES(I16, hn::Vec<DI>);   // sixteen 32-bit integers
LATLAS_LANES(M16, hn::Mask<DF>);  // sixteen truth values
// NOLINTEND(bugprone-unhandled-self-assignment)
#undef LATLAS_LANES

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

/// c + a₀ b₀ + a₁ b₁, where a lane of a and of b holds two signed 16-bit numbers; exact as long as
/// no partial sum leaves 32 bits.
LATLAS_INLINE hn::Vec<DI> add_pairs(hn::Vec<DI> a, hn::Vec<DI> b, hn::Vec<DI> c) {
#if HWY_TARGET == HWY_AVX2
  return hn::Add(c, hn::Vec<DI>{_mm256_madd_epi16(a.raw, b.raw)});
#elif HWY_TARGET == HWY_AVX3
  return hn::Add(c, hn::Vec<DI>{_mm512_madd_epi16(a.raw, b.raw)});
#else
  const auto a0 = hn::ShiftRight<16>(hn::ShiftLeft<16>(a)), a1 = hn::ShiftRight<16>(a);
  const auto b0 = hn::ShiftRight<16>(hn::ShiftLeft<16>(b)), b1 = hn::ShiftRight<16>(b);
  return hn::Add(hn::Add(c, hn::Mul(a0, b0)), hn::Mul(a1, b1));
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
/// The first n lanes.
LATLAS_INLINE M16 first(int n) {
  M16 r;
  LATLAS_EACH {
    const int k = n - p * kLanes;
    r.v[p] = hn::FirstN(DF(), static_cast<std::size_t>(k < 0 ? 0 : (k > kLanes ? kLanes : k)));
  }
  return r;
}
/// The first n floats, zero in the other lanes; reads nothing beyond. 0 ≤ n ≤ 16.
LATLAS_INLINE F16 load_first(const float* x, int n) {
  if (n >= 16) return load(x);
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  const M16 some = first(n);
  F16 r;
  LATLAS_EACH r.v[p] = hn::MaskedLoad(some.v[p], DF(), x + p * kLanes);
  return r;
#else
  HWY_ALIGN float t[16] = {};
  for (int i = 0; i < n; ++i) t[i] = x[i];
  return load(t);
#endif
}
LATLAS_INLINE void store_first(const F16& a, float* x, int n) {
  if (n >= 16) return store(a, x);
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  const M16 some = first(n);
  LATLAS_EACH hn::BlendedStore(a.v[p], some.v[p], DF(), x + p * kLanes);
#else
  HWY_ALIGN float t[16];
  store(a, t);
  for (int i = 0; i < n; ++i) x[i] = t[i];
#endif
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
LATLAS_INLINE M16 operator&(const M16& a, const M16& b) {
  M16 r;
  LATLAS_EACH r.v[p] = hn::And(a.v[p], b.v[p]);
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
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET <= HWY_AVX3
  // The same tree in registers.
  [[maybe_unused]] const hn::CappedTag<float, 8> eight;
  const hn::CappedTag<float, 4> four;
#if HWY_TARGET == HWY_AVX2
  const auto eights = hn::Add(a.v[0], a.v[1]);
#else
  const auto eights = hn::Add(hn::LowerHalf(eight, a.v[0]), hn::UpperHalf(eight, a.v[0]));
#endif
  const auto fours = hn::Add(hn::LowerHalf(four, eights), hn::UpperHalf(four, eights));
  const auto twos = hn::Add(fours, hn::Shuffle1032(fours));
  return hn::GetLane(hn::Add(twos, hn::Shuffle2301(twos)));
#else
  HWY_ALIGN float t[16];
  store(a, t);
  for (int i = 0; i < 8; ++i) t[i] += t[i + 8];
  for (int i = 0; i < 4; ++i) t[i] += t[i + 4];
  return (t[0] + t[2]) + (t[1] + t[3]);
#endif
}
LATLAS_INLINE float reduce_max(const F16& a) {
  HWY_ALIGN float t[16];
  store(a, t);
  float m = t[0];
  for (int i = 1; i < 16; ++i) m = t[i] > m ? t[i] : m;
  return m;
}
LATLAS_INLINE float reduce_min(const F16& a) { return -reduce_max(-a); }

/// Sixteen 16-bit numbers as floats.
LATLAS_INLINE F16 load(const std::uint16_t* x) {
  const hn::Rebind<std::uint16_t, DF> words;
  F16 r;
  LATLAS_EACH r.v[p] = hn::ConvertTo(DF(), hn::PromoteTo(DI(), hn::LoadU(words, x + p * kLanes)));
  return r;
}

LATLAS_INLINE void store(const I16& a, std::uint16_t* x) {  // 0 to 65,535
  const hn::Rebind<std::uint16_t, DI> words;
  LATLAS_EACH hn::StoreU(hn::DemoteTo(words, a.v[p]), words, x + p * kLanes);
}

/// Two F16 as sixteen pairs in memory, four as sixteen quadruples, and back.
LATLAS_INLINE void store_pairs(const F16& a, const F16& b, float* x) {
  LATLAS_EACH hn::StoreInterleaved2(a.v[p], b.v[p], DF(), x + 2 * p * kLanes);
}
LATLAS_INLINE void load_pairs(const float* x, F16& a, F16& b) {
  LATLAS_EACH hn::LoadInterleaved2(DF(), x + 2 * p * kLanes, a.v[p], b.v[p]);
}
LATLAS_INLINE void store_quads(const F16 (&a)[4], float* x) {
  LATLAS_EACH hn::StoreInterleaved4(a[0].v[p], a[1].v[p], a[2].v[p], a[3].v[p], DF(),
                                    x + 4 * p * kLanes);
}
LATLAS_INLINE void load_quads(const float* x, F16 (&a)[4]) {
  LATLAS_EACH hn::LoadInterleaved4(DF(), x + 4 * p * kLanes, a[0].v[p], a[1].v[p], a[2].v[p],
                                   a[3].v[p]);
}

/// The pairs (x, y) at sixteen indices: 8-byte loads, which are faster than gathers where a pair
/// is in a near cache.
template <class Index>
LATLAS_INLINE void gather_pairs(const float* xy, const Index* index, F16& x, F16& y) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  HWY_ALIGN float tx[16], ty[16];
  for (int i = 0; i < 16; ++i) {
    tx[i] = xy[2 * static_cast<std::size_t>(index[i])];
    ty[i] = xy[2 * static_cast<std::size_t>(index[i]) + 1];
  }
  x = load(tx);
  y = load(ty);
#else
  const hn::FixedTag<double, 2> two;
  const hn::FixedTag<double, 1> one;
  const hn::FixedTag<float, 4> four;
  const auto pair = [&](int i) HWY_ATTR {  // the pairs i and i + 1: x y x y
    const auto* at = reinterpret_cast<const double*>(xy);
    return hn::BitCast(
        four, hn::Combine(two, hn::LoadU(one, at + index[i + 1]), hn::LoadU(one, at + index[i])));
  };
  if constexpr (kLanes == 4) {
    LATLAS_EACH {
      const auto a = pair(4 * p), b = pair(4 * p + 2);
      x.v[p] = hn::ConcatEven(four, b, a);
      y.v[p] = hn::ConcatOdd(four, b, a);
    }
#if HWY_TARGET == HWY_AVX2
  } else {
    LATLAS_EACH {
      const auto a = hn::Combine(DF(), pair(8 * p + 4), pair(8 * p));      // 0 1 | 4 5
      const auto b = hn::Combine(DF(), pair(8 * p + 6), pair(8 * p + 2));  // 2 3 | 6 7
      x.v[p] = hn::Vec<DF>{_mm256_shuffle_ps(a.raw, b.raw, 0x88)};
      y.v[p] = hn::Vec<DF>{_mm256_shuffle_ps(a.raw, b.raw, 0xDD)};
    }
#elif HWY_TARGET == HWY_AVX3
  } else {
    const hn::FixedTag<float, 8> eight;
    const auto a = hn::Combine(DF(), hn::Combine(eight, pair(12), pair(8)),
                               hn::Combine(eight, pair(4), pair(0)));
    const auto b = hn::Combine(DF(), hn::Combine(eight, pair(14), pair(10)),
                               hn::Combine(eight, pair(6), pair(2)));
    x.v[0] = hn::Vec<DF>{_mm512_shuffle_ps(a.raw, b.raw, 0x88)};
    y.v[0] = hn::Vec<DF>{_mm512_shuffle_ps(a.raw, b.raw, 0xDD)};
#endif
  }
#endif
}

/// Transposes 16 × 16 floats; rows are `from_step` and `to_step` apart.
LATLAS_INLINE void transpose(const float* from, std::int64_t from_step, float* to,
                             std::int64_t to_step) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j) to[j * to_step + i] = from[i * from_step + j];
#else
  // Each register collects pieces of four columns from the rows r + i, r + i + 4, …, so that the
  // transposition of 4 × 4 inside its 128-bit parts leaves the rows in order.
  const hn::FixedTag<float, 4> four;
  for (int c = 0; c < 16; c += 4) {
    for (int r = 0; r < 16; r += kLanes) {
      hn::Vec<DF> v[4];
      for (int i = 0; i < 4; ++i) {
        const float* at = from + (r + i) * from_step + c;
        if constexpr (kLanes == 4) {
          v[i] = hn::LoadU(DF(), at);
#if HWY_TARGET == HWY_AVX2
        } else {
          v[i] = hn::Combine(DF(), hn::LoadU(four, at + 4 * from_step), hn::LoadU(four, at));
#elif HWY_TARGET == HWY_AVX3
        } else {
          const hn::FixedTag<float, 8> eight;
          v[i] = hn::Combine(
              DF(),
              hn::Combine(eight, hn::LoadU(four, at + 12 * from_step),
                          hn::LoadU(four, at + 8 * from_step)),
              hn::Combine(eight, hn::LoadU(four, at + 4 * from_step), hn::LoadU(four, at)));
#endif
        }
      }
      const auto a = hn::InterleaveLower(DF(), v[0], v[2]),
                 b = hn::InterleaveUpper(DF(), v[0], v[2]);
      const auto d = hn::InterleaveLower(DF(), v[1], v[3]),
                 e = hn::InterleaveUpper(DF(), v[1], v[3]);
      float* at = to + c * to_step + r;
      hn::StoreU(hn::InterleaveLower(DF(), a, d), DF(), at);
      hn::StoreU(hn::InterleaveUpper(DF(), a, d), DF(), at + to_step);
      hn::StoreU(hn::InterleaveLower(DF(), b, e), DF(), at + 2 * to_step);
      hn::StoreU(hn::InterleaveUpper(DF(), b, e), DF(), at + 3 * to_step);
    }
  }
  static_cast<void>(four);
#endif
}

/// The sums of sixteen F16 in memory, row after row: lane i is reduce() of row i, to the bit.
/// The rows are spent.
LATLAS_INLINE F16 reduce_rows(float* rows) {
  HWY_ALIGN float t[256];
  transpose(rows, 16, t, 16);
  F16 s[8];
  for (int i = 0; i < 8; ++i) s[i] = load(t + 16 * i) + load(t + 16 * (i + 8));
  for (int i = 0; i < 4; ++i) s[i] = s[i] + s[i + 4];
  return (s[0] + s[2]) + (s[1] + s[3]);
}

/// Four floats, for the four nodes of a cubic spline.
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
struct F4 {
  float v[4];
};
LATLAS_INLINE F4 load4(const float* x) { return {{x[0], x[1], x[2], x[3]}}; }
LATLAS_INLINE void store4(const F4& a, float* x) {
  for (int i = 0; i < 4; ++i) x[i] = a.v[i];
}
LATLAS_INLINE F4 zero4() { return {{0, 0, 0, 0}}; }
LATLAS_INLINE F4 fma4(const F4& a, float b, const F4& c) {
  F4 r;
  for (int i = 0; i < 4; ++i) r.v[i] = std::fma(a.v[i], b, c.v[i]);
  return r;
}
#else
using D4 = hn::FixedTag<float, 4>;
struct F4 {
  hn::Vec<D4> v;
};
LATLAS_INLINE F4 load4(const float* x) { return {hn::LoadU(D4(), x)}; }
LATLAS_INLINE void store4(const F4& a, float* x) { hn::StoreU(a.v, D4(), x); }
LATLAS_INLINE F4 zero4() { return {hn::Zero(D4())}; }
LATLAS_INLINE F4 fma4(const F4& a, float b, const F4& c) {
  return {hn::MulAdd(a.v, hn::Set(D4(), b), c.v)};
}
#endif

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
