// The instruction sets that kernels are compiled for, and Highway's loop over them. No include
// guard: each kernel file passes here once, before anything else of Highway.
// Without fused multiply-add (SSE) there are no equal bits, so those targets are left out; the
// portable one computes it in software.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
