// The inner tile of every matrix product: R rows × C · 16 columns held in registers while the
// inner index runs in order. Each output is a chain of fused multiply-adds over k = 0, 1, …, so
// its bits depend neither on the tile's shape nor on the instruction set.
//
//   c[i][j] += Σ_k a[i · row_step + k · inner_step] · b[k · b_step + 16 j …]
//
// B is read in panels of C · 16 columns, k after k; core/product packs them.

#if defined(LATLAS_CORE_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATLAS_CORE_PRODUCT_INL_H_
#undef LATLAS_CORE_PRODUCT_INL_H_
#else
#define LATLAS_CORE_PRODUCT_INL_H_
#endif

#include "latlas/core/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {

// Tiles that fill the registers: 16 of AVX2, 32 of AVX-512 and NEON.
#if HWY_TARGET == HWY_AVX3
constexpr int kTileRows = 12, kTileVectors = 2;
#else
constexpr int kTileRows = 6, kTileVectors = 1;
#endif

template <int R, int C>
LATLAS_INLINE void multiply_tile(F16 (&c)[R][C], std::int64_t inner, const float* a,
                                 std::int64_t row_step, std::int64_t inner_step, const float* b,
                                 std::int64_t b_step) {
  for (std::int64_t k = 0; k < inner; ++k) {
    F16 bk[C];
    for (int j = 0; j < C; ++j) bk[j] = load(b + k * b_step + 16 * j);
    for (int i = 0; i < R; ++i) {
      const hn::Vec<DF> x = hn::Set(DF(), a[i * row_step + k * inner_step]);
      for (int j = 0; j < C; ++j)
        LATLAS_EACH c[i][j].v[p] = fused(x, bk[j].v[p], c[i][j].v[p]);
    }
  }
}

}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
