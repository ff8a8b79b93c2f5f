#include "latlas/core/simd_pairs.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/core/simd_pairs.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"  // which brings the intrinsics

#if HWY_ONCE
#if HWY_ARCH_X86

namespace latlas {

bool has_pair_product() {
  static const bool here = __builtin_cpu_supports("avx512f") != 0 &&
                           __builtin_cpu_supports("avx512bw") != 0 &&
                           __builtin_cpu_supports("avx512vnni") != 0;
  return here;
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) void pair_product(
    std::int64_t pairs, const std::int32_t* rows, const std::int32_t* columns, std::int32_t* out) {
  __m512i sum[kPairRows][2];
  for (auto& row : sum) row[0] = row[1] = _mm512_setzero_si512();
  for (std::int64_t k = 0; k < pairs; ++k) {
    const __m512i low = _mm512_loadu_si512(columns + k * kPairColumns);
    const __m512i high = _mm512_loadu_si512(columns + k * kPairColumns + 16);
    for (int i = 0; i < kPairRows; ++i) {
      const __m512i both = _mm512_set1_epi32(rows[i * pairs + k]);
      sum[i][0] = _mm512_dpwssd_epi32(sum[i][0], both, low);
      sum[i][1] = _mm512_dpwssd_epi32(sum[i][1], both, high);
    }
  }
  for (int i = 0; i < kPairRows; ++i) {
    _mm512_storeu_si512(out + i * kPairColumns, sum[i][0]);
    _mm512_storeu_si512(out + i * kPairColumns + 16, sum[i][1]);
  }
}

}  // namespace latlas

#else

namespace latlas {

bool has_pair_product() { return false; }
void pair_product(std::int64_t, const std::int32_t*, const std::int32_t*, std::int32_t*) {}

}  // namespace latlas
#endif
#endif
