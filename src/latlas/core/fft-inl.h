// The passes of our Fourier transform, for the convolutions of core/fft*.cpp.
//
// A transform of length n is a product of passes of radix 5, 3, 2 and 4, decimated in frequency:
// pass one combines elements n/r apart and leaves r independent transforms of length n/r, one
// after another. Going depth first, these fit the first cache. The frequencies come out with
// their digits reversed; a kernel is stored in that order, and the way back undoes it.
//
// Sixteen transforms run at once, one a lane: element j of a block is 16 real parts, then 16
// imaginary parts. No sum ever runs across lanes.

#if defined(LATLAS_CORE_FFT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATLAS_CORE_FFT_INL_H_
#undef LATLAS_CORE_FFT_INL_H_
#else
#define LATLAS_CORE_FFT_INL_H_
#endif

#include <algorithm>

#include "latlas/core/fft-passes.h"
#include "latlas/core/matrix.h"
#include "latlas/core/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {

using V = hn::Vec<DF>;
struct Complex {
  V re, im;
  LATLAS_INLINE Complex() {}  // ones that the compiler makes lack the target's attributes
  LATLAS_INLINE Complex(V a, V b) : re(a), im(b) {}
};

LATLAS_INLINE V fused_minus(V a, V b, V c) {  // c − a · b with one rounding
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
  return fused(hn::Neg(a), b, c);
#else
  return hn::NegMulAdd(a, b, c);
#endif
}
LATLAS_INLINE Complex load_complex(const float* x) {
  return {hn::LoadU(DF(), x), hn::LoadU(DF(), x + 16)};
}
LATLAS_INLINE void store_complex(const Complex& a, float* x) {
  hn::StoreU(a.re, DF(), x);
  hn::StoreU(a.im, DF(), x + 16);
}
LATLAS_INLINE Complex operator+(const Complex& a, const Complex& b) {
  return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}
LATLAS_INLINE Complex operator-(const Complex& a, const Complex& b) {
  return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}
/// a + i b and a − i b.
LATLAS_INLINE Complex plus_i(const Complex& a, const Complex& b) {
  return {hn::Sub(a.re, b.im), hn::Add(a.im, b.re)};
}
LATLAS_INLINE Complex minus_i(const Complex& a, const Complex& b) {
  return {hn::Add(a.re, b.im), hn::Sub(a.im, b.re)};
}
LATLAS_INLINE Complex scaled(const Complex& a, float s) {
  return {hn::Mul(a.re, hn::Set(DF(), s)), hn::Mul(a.im, hn::Set(DF(), s))};
}
/// a · s + b for real s.
LATLAS_INLINE Complex scaled_plus(const Complex& a, float s, const Complex& b) {
  return {fused(a.re, hn::Set(DF(), s), b.re), fused(a.im, hn::Set(DF(), s), b.im)};
}
/// a · w, or a · conj(w), with w = (cos, sin) in memory.
template <bool kConjugate>
LATLAS_INLINE Complex times(const Complex& a, const float* w) {
  const V c = hn::Set(DF(), w[0]), s = hn::Set(DF(), w[1]);
  if constexpr (kConjugate) {
    return {fused(a.im, s, hn::Mul(a.re, c)), fused_minus(a.re, s, hn::Mul(a.im, c))};
  } else {
    return {fused_minus(a.im, s, hn::Mul(a.re, c)), fused(a.re, s, hn::Mul(a.im, c))};
  }
}
/// a − i b forward, a + i b back.
template <bool kForward>
LATLAS_INLINE Complex turned(const Complex& a, const Complex& b) {
  if constexpr (kForward) {
    return minus_i(a, b);
  } else {
    return plus_i(a, b);
  }
}

/// The transform of R elements.
template <int R, bool kForward>
LATLAS_INLINE void butterfly(Complex (&a)[R]) {
  if constexpr (R == 2) {
    const Complex t = a[0];
    a[0] = t + a[1];
    a[1] = t - a[1];
  } else if constexpr (R == 3) {
    const Complex s = a[1] + a[2], d = scaled(a[1] - a[2], 0.866025403784F);
    const Complex m = scaled_plus(s, -0.5F, a[0]);
    a[0] = a[0] + s;
    a[1] = turned<kForward>(m, d);
    a[2] = turned<!kForward>(m, d);
  } else if constexpr (R == 4) {
    const Complex s = a[0] + a[2], d = a[0] - a[2], u = a[1] + a[3], v = a[1] - a[3];
    a[0] = s + u;
    a[1] = turned<kForward>(d, v);
    a[2] = s - u;
    a[3] = turned<!kForward>(d, v);
  } else {
    constexpr float kCos1 = 0.309016994375F, kCos2 = -0.809016994375F;
    constexpr float kSin1 = 0.951056516295F, kSin2 = 0.587785252292F;
    const Complex s1 = a[1] + a[4], d1 = a[1] - a[4], s2 = a[2] + a[3], d2 = a[2] - a[3];
    const Complex m1 = scaled_plus(s2, kCos2, scaled_plus(s1, kCos1, a[0]));
    const Complex m2 = scaled_plus(s2, kCos1, scaled_plus(s1, kCos2, a[0]));
    const Complex n1 = scaled_plus(d2, kSin2, scaled(d1, kSin1));
    const Complex n2 = scaled_plus(d2, -kSin1, scaled(d1, kSin2));
    a[0] = a[0] + s1 + s2;
    a[1] = turned<kForward>(m1, n1);
    a[4] = turned<!kForward>(m1, n1);
    a[2] = turned<kForward>(m2, n2);
    a[3] = turned<!kForward>(m2, n2);
  }
}

/// One pass over `blocks` blocks of R · s elements; twiddles w[j][q − 1] for element j of part q.
template <int R, bool kForward>
LATLAS_INLINE void pass(float* x, std::int64_t blocks, std::int64_t s, const float* w) {
  for (std::int64_t b = 0; b < blocks; ++b) {
    for (std::int64_t j = 0; j < s; ++j) {
      const float* wj = w + j * 2 * (R - 1);
      LATLAS_EACH {
        float* at = x + (b * R * s + j) * 32 + p * kLanes;
        Complex a[R];
        for (int q = 0; q < R; ++q) a[q] = load_complex(at + q * s * 32);
        if (!kForward && s > 1)
          for (int q = 1; q < R; ++q) a[q] = times<true>(a[q], wj + 2 * (q - 1));
        butterfly<R, kForward>(a);
        if (kForward && s > 1)
          for (int q = 1; q < R; ++q) a[q] = times<false>(a[q], wj + 2 * (q - 1));
        for (int q = 0; q < R; ++q) store_complex(a[q], at + q * s * 32);
      }
    }
  }
}

template <bool kForward>
void any_pass(const FftPasses& t, std::size_t i, float* x, std::int64_t blocks, std::int64_t s) {
  const float* w = t.twiddle[i].data();
  switch (t.radix[i]) {
    case 2:
      return pass<2, kForward>(x, blocks, s, w);
    case 3:
      return pass<3, kForward>(x, blocks, s, w);
    case 4:
      return pass<4, kForward>(x, blocks, s, w);
    default:
      return pass<5, kForward>(x, blocks, s, w);
  }
}

/// The last pass forward (radix 4, no twiddles), the product with the kernel, the first pass back.
inline void product_pass(float* x, std::int64_t blocks, const float* kernel) {
  for (std::int64_t b = 0; b < blocks; ++b) {
    LATLAS_EACH {
      float* at = x + b * 128 + p * kLanes;
      Complex a[4];
      for (int q = 0; q < 4; ++q) a[q] = load_complex(at + 32 * q);
      butterfly<4, true>(a);
      for (int q = 0; q < 4; ++q) {
        const V k = hn::LoadU(DF(), kernel + b * 64 + 16 * q + p * kLanes);
        a[q] = {hn::Mul(a[q].re, k), hn::Mul(a[q].im, k)};
      }
      butterfly<4, false>(a);
      for (int q = 0; q < 4; ++q) store_complex(a[q], at + 32 * q);
    }
  }
}

constexpr std::int64_t kInner = 192;  // elements of a block that stays in the first cache: 24 KiB

/// The passes i, i + 1, … of a block of `size` elements.
inline void forward(const FftPasses& t, std::size_t i, float* x, std::int64_t size) {
  if (size <= kInner) {
    std::int64_t blocks = 1;
    for (; i < t.radix.size(); ++i) {
      any_pass<true>(t, i, x, blocks, size / blocks / t.radix[i]);
      blocks *= t.radix[i];
    }
    return;
  }
  const std::int64_t s = size / t.radix[i];
  any_pass<true>(t, i, x, 1, s);
  for (int q = 0; q < t.radix[i]; ++q) forward(t, i + 1, x + q * s * 32, s);
}
inline void backward(const FftPasses& t, std::size_t i, float* x, std::int64_t size) {
  if (size <= kInner) {
    std::int64_t blocks = size;
    for (std::size_t k = t.radix.size(); k-- > i;) {
      blocks /= t.radix[k];
      any_pass<false>(t, k, x, blocks, size / blocks / t.radix[k]);
    }
    return;
  }
  const std::int64_t s = size / t.radix[i];
  for (int q = 0; q < t.radix[i]; ++q) backward(t, i + 1, x + q * s * 32, s);
  any_pass<false>(t, i, x, 1, s);
}
/// Forward, times kernel, backward.
inline void convolve(const FftPasses& t, std::size_t i, float* x, std::int64_t size,
                     const float* kernel) {
  const std::size_t last = t.radix.size() - 1;
  if (size <= kInner) {
    std::int64_t blocks = 1;
    for (std::size_t k = i; k < last; ++k) {
      any_pass<true>(t, k, x, blocks, size / blocks / t.radix[k]);
      blocks *= t.radix[k];
    }
    product_pass(x, blocks, kernel);
    for (std::size_t k = last; k-- > i;) {
      blocks /= t.radix[k];
      any_pass<false>(t, k, x, blocks, size / blocks / t.radix[k]);
    }
    return;
  }
  const std::int64_t s = size / t.radix[i];
  any_pass<true>(t, i, x, 1, s);
  for (int q = 0; q < t.radix[i]; ++q) convolve(t, i + 1, x + q * s * 32, s, kernel + q * s * 16);
  any_pass<false>(t, i, x, 1, s);
}

/// Sixteen columns of the plane, transformed into `block`.
inline void columns_forward(const FftPasses& t, ConstRows in, std::int64_t column, float* block) {
  for (std::int64_t j = 0; j < in.rows(); ++j) {
    const F16 x = load(in.row(j) + column);
    store(x * set(t.real_turn[static_cast<std::size_t>(2 * j)]), block + j * 32);
    store(x * set(t.real_turn[static_cast<std::size_t>(2 * j + 1)]), block + j * 32 + 16);
  }
  std::fill(block + in.rows() * 32, block + t.size * 32, 0.0F);
  forward(t, 0, block, t.size);
}

/// … and back into `out`; returns Σ in · out of these columns.
inline double columns_backward(const FftPasses& t, ConstRows in, float* block, std::int64_t column,
                               Rows out) {
  backward(t, 0, block, t.size);
  double sum = 0;
  F16 part = zero();
  for (std::int64_t j = 0; j < out.rows(); ++j) {
    const F16 c = set(t.real_turn[static_cast<std::size_t>(2 * j)]);
    const F16 s = set(t.real_turn[static_cast<std::size_t>(2 * j + 1)]);
    const F16 y = fma(load(block + j * 32 + 16), s, load(block + j * 32) * c);
    store(y, out.row(j) + column);
    part = fma(y, load(in.row(j) + column), part);
    if (j % 16 == 15 || j + 1 == out.rows()) {  // short sums in float, long ones in double
      sum += static_cast<double>(reduce(part));
      part = zero();
    }
  }
  return sum;
}

/// Sixteen frequencies m, m + 1, … of all columns: along the rows, convolved, and back.
/// `even` and `odd` have room for t.size elements each; `kernel` holds first the even, then the
/// odd frequencies.
inline void rows_convolve(const FftPasses& t, float* middle, std::int64_t block_size,
                          std::int64_t blocks, std::int64_t m, const float* kernel, float* even,
                          float* odd) {
  for (std::int64_t b = 0; b < blocks; ++b) {
    const float* from = middle + b * block_size + m * 32;
    float* to = even + b * 16 * 32;
    transpose(from, 32, to, 32);
    transpose(from + 16, 32, to + 16, 32);
    for (int j = 0; j < 16; ++j) {
      const float* w = &t.odd_turn[static_cast<std::size_t>(2 * (b * 16 + j))];
      LATLAS_EACH store_complex(times<false>(load_complex(to + j * 32 + p * kLanes), w),
                                odd + (b * 16 + j) * 32 + p * kLanes);
    }
  }
  std::fill(even + blocks * 16 * 32, even + t.size * 32, 0.0F);
  std::fill(odd + blocks * 16 * 32, odd + t.size * 32, 0.0F);
  convolve(t, 0, even, t.size, kernel);
  convolve(t, 0, odd, t.size, kernel + t.size * 16);
  for (std::int64_t b = 0; b < blocks; ++b) {
    float* from = even + b * 16 * 32;
    for (int j = 0; j < 16; ++j) {
      const float* w = &t.odd_turn[static_cast<std::size_t>(2 * (b * 16 + j))];
      LATLAS_EACH {
        float* at = from + j * 32 + p * kLanes;
        const Complex o = load_complex(odd + (b * 16 + j) * 32 + p * kLanes);
        store_complex(load_complex(at) + times<true>(o, w), at);
      }
    }
    float* to = middle + b * block_size + m * 32;
    transpose(from, 32, to, 32);
    transpose(from + 16, 32, to + 16, 32);
  }
}

}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
