// The instruction sets that kernels are compiled for, and Highway's loop over them. No include
// guard: each kernel file passes here once, before anything else of Highway.
// Without fused multiply-add (SSE) there are no equal bits, so those targets are left out; the
// portable one computes it in software.
// Targets that came after Highway 1.0.3 are left out where there are such: all of them refine one
// that we have. One that is not named here is an error in simd-inl.h.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS                                                              \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | \
   LATLAS_SSE2 | LATLAS_AVX3_ZEN4 | LATLAS_AVX3_SPR | LATLAS_AVX10_2 | LATLAS_NEON_BF16)
#include <hwy/detect_targets.h>  // names the targets; what they are masked by is read later
#ifdef HWY_SSE2
#define LATLAS_SSE2 HWY_SSE2
#else
#define LATLAS_SSE2 0
#endif
#ifdef HWY_AVX3_ZEN4
#define LATLAS_AVX3_ZEN4 HWY_AVX3_ZEN4
#else
#define LATLAS_AVX3_ZEN4 0
#endif
#ifdef HWY_AVX3_SPR
#define LATLAS_AVX3_SPR HWY_AVX3_SPR
#else
#define LATLAS_AVX3_SPR 0
#endif
#ifdef HWY_AVX10_2
#define LATLAS_AVX10_2 HWY_AVX10_2
#else
#define LATLAS_AVX10_2 0
#endif
#ifdef HWY_NEON_BF16
#define LATLAS_NEON_BF16 HWY_NEON_BF16
#else
#define LATLAS_NEON_BF16 0
#endif
// Some ARM64 compilers only reach this one, which differs from HWY_NEON in ciphers alone.
#ifdef HWY_NEON_WITHOUT_AES
#define LATLAS_NEON_WITHOUT_AES HWY_NEON_WITHOUT_AES
#else
#define LATLAS_NEON_WITHOUT_AES 0
#endif
#endif
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
