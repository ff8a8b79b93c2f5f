// The tile of a scan: scores of kBlock queries against one group of packed rows, handed to a
// visitor while they are in registers. Internal to the room.

#if defined(LATLAS_NEIGHBORS_SCAN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATLAS_NEIGHBORS_SCAN_INL_H_
#undef LATLAS_NEIGHBORS_SCAN_INL_H_
#else
#define LATLAS_NEIGHBORS_SCAN_INL_H_
#endif

#include "latlas/core/distance.h"
#include "latlas/core/product-inl.h"
#include "latlas/neighbors/panels.h"

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {

constexpr std::int64_t kPanelWidth = 16 * kTileVectors;
constexpr std::int64_t kChunk = 256;  // columns of a row multiplied before the next panel's turn
static_assert(scan::kBlock % kTileRows == 0 && scan::kGroup % kPanelWidth == 0);

using Scores = F16[kTileRows][kTileVectors];

/// Calls visit(scores, query, place) for every tile of the group: scores[i][j] are those of query
/// query + i with the places place + 16 j …. Rows longer than kChunk are multiplied in chunks, so
/// that a panel's part stays in the first cache; partial scores wait in `partial` (kBlock ×
/// kGroup).
/// @param negated  −x' of the queries, `stride` apart; readable up to a whole tile.
/// @param queries  at most kBlock.
template <class Visit>
LATLAS_INLINE void scan_group(const scan::Panels& panels, const float* negated, std::int64_t stride,
                              std::int64_t queries, std::int64_t group, float* partial,
                              Visit& visit) {
  const std::int64_t d = panels.cols(), first = group * scan::kGroup;
  for (std::int64_t k = 0; k < d; k += kChunk) {
    const std::int64_t inner = d - k < kChunk ? d - k : kChunk;
    const bool begins = k == 0, ends = k + inner == d;
    for (std::int64_t w = 0; w < scan::kGroup; w += kPanelWidth) {
      const float* panel = panels.panel(first + w) + k * kPanelWidth;
      const float* half_norm = panels.half_norm.data() + first + w;
      for (std::int64_t t = 0; t < queries; t += kTileRows) {
        Scores c;
        const float* start = begins ? half_norm : partial + t * scan::kGroup + w;
        const std::int64_t step = begins ? 0 : scan::kGroup;
        for (int i = 0; i < kTileRows; ++i)
          for (int j = 0; j < kTileVectors; ++j) c[i][j] = load(start + i * step + 16 * j);
        multiply_tile(c, inner, negated + t * stride + k, stride, 1, panel, kPanelWidth);
        if (ends) {
          visit(c, t, first + w);
        } else {
          for (int i = 0; i < kTileRows; ++i)
            for (int j = 0; j < kTileVectors; ++j)
              store(c[i][j], partial + (t + i) * scan::kGroup + w + 16 * j);
        }
      }
    }
  }
}

}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
