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

#ifndef LATLAS_CORE_PRODUCT_CONSTANTS_
#define LATLAS_CORE_PRODUCT_CONSTANTS_
namespace latlas {
constexpr std::int64_t kInnerBlock = 128;  // of B's panel, so that it stays in the nearest cache
constexpr std::int64_t kPanelRows = 128;   // rows for which a panel keeps unfinished sums
}  // namespace latlas
#endif

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
#pragma GCC unroll 4
  for (std::int64_t k = 0; k < inner; ++k) {
    F16 bk[C];
    for (int j = 0; j < C; ++j) bk[j] = load(b + k * b_step + 16 * j);
    for (int i = 0; i < R; ++i) {
      const hn::Vec<DF> x = hn::Set(DF(), a[i * row_step + k * inner_step]);
      for (int j = 0; j < C; ++j) LATLAS_EACH c[i][j].v[p] = fused(x, bk[j].v[p], c[i][j].v[p]);
    }
  }
}

/// What a panel multiplies: value (i, k) of A at a[i · row_step + k · inner_step], row k of the
/// panel of B at b[k · b_step].
struct PanelSource {
  const float* a;
  std::int64_t row_step, inner_step;
  const float* b;
  std::int64_t b_step;
};

template <int R, int C, class Finish>
LATLAS_INLINE void panel_tile(const PanelSource& s, std::int64_t i, std::int64_t k,
                              std::int64_t inner, bool last, float* partial, Finish& finish) {
  F16 c[R][C];
  for (int r = 0; r < R; ++r)
    for (int j = 0; j < C; ++j) c[r][j] = k == 0 ? zero() : load(partial + ((i + r) * C + j) * 16);
  multiply_tile<R, C>(c, inner, s.a + i * s.row_step + k * s.inner_step, s.row_step, s.inner_step,
                      s.b + k * s.b_step, s.b_step);
  if (last) {
    finish(i, c);
  } else {
    for (int r = 0; r < R; ++r)
      for (int j = 0; j < C; ++j) store(c[r][j], partial + ((i + r) * C + j) * 16);
  }
}

/// A panel of C · 16 columns: calls finish(i, c) for tiles c of complete sums, first row i, with
/// rows ascending. At most kPanelRows rows; partial: room for 16 C numbers a row.
template <int C, class Finish>
LATLAS_INLINE void multiply_panel(const PanelSource& s, std::int64_t rows, std::int64_t inner,
                                  float* partial, Finish& finish) {
  for (std::int64_t k = 0; k == 0 || k < inner; k += kInnerBlock) {
    const bool last = inner - k <= kInnerBlock;
    const std::int64_t n = last ? inner - k : kInnerBlock;
    for (std::int64_t i = 0; i < rows;) {
      // Tiles of fewer than four rows leave the multipliers idle, so the last ones are evened out.
      const std::int64_t left = rows - i;
      if (left == kTileRows || left >= kTileRows + 4) {
        panel_tile<kTileRows, C>(s, i, k, n, last, partial, finish);
        i += kTileRows;
      } else if (kTileRows > 8 && left >= 8) {
        panel_tile<8, C>(s, i, k, n, last, partial, finish);
        i += 8;
      } else if (left >= 4) {
        panel_tile<4, C>(s, i, k, n, last, partial, finish);
        i += 4;
      } else if (left >= 2) {
        panel_tile<2, C>(s, i, k, n, last, partial, finish);
        i += 2;
      } else {
        panel_tile<1, C>(s, i, k, n, last, partial, finish);
        i += 1;
      }
    }
  }
}

/// out[k · width + j] = b[j · step + k] for a block of 4 × 4.
LATLAS_INLINE void transpose4(const float* b, std::int64_t step, float* out, std::int64_t width) {
#if HWY_TARGET == HWY_SCALAR
  for (int k = 0; k < 4; ++k)
    for (int j = 0; j < 4; ++j) out[k * width + j] = b[j * step + k];
#else
  const hn::FixedTag<float, 4> d;
  const hn::FixedTag<double, 2> d2;
  const auto r0 = hn::LoadU(d, b), r1 = hn::LoadU(d, b + step), r2 = hn::LoadU(d, b + 2 * step),
             r3 = hn::LoadU(d, b + 3 * step);
  const auto low01 = hn::BitCast(d2, hn::InterleaveLower(d, r0, r1));
  const auto low23 = hn::BitCast(d2, hn::InterleaveLower(d, r2, r3));
  const auto high01 = hn::BitCast(d2, hn::InterleaveUpper(d, r0, r1));
  const auto high23 = hn::BitCast(d2, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d2, low01, low23)), d, out);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d2, low01, low23)), d, out + width);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d2, high01, high23)), d, out + 2 * width);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d2, high01, high23)), d, out + 3 * width);
#endif
}

LATLAS_INLINE F16 sigmoid(const F16& z) { return set(1.0F) / (set(1.0F) + exp(-z)); }

}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
