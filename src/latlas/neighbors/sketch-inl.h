// Sketches made, multiplied, and what they do not rule out looked at in full. Internal to the room.

#if defined(LATLAS_NEIGHBORS_SKETCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATLAS_NEIGHBORS_SKETCH_INL_H_
#undef LATLAS_NEIGHBORS_SKETCH_INL_H_
#else
#define LATLAS_NEIGHBORS_SKETCH_INL_H_
#endif

#include "latlas/core/simd_pairs.h"
#include "latlas/neighbors/search-inl.h"
#include "latlas/neighbors/sketch.h"

#ifndef LATLAS_NEIGHBORS_SKETCH_ONCE
#define LATLAS_NEIGHBORS_SKETCH_ONCE
namespace latlas::scan {

struct Survivor {
  std::int32_t slot, place;  // of who, of the panels
};

/// What a block of queries needs besides a Worker when it looks at sketches.
struct SketchWorker {
  explicit SketchWorker(const Sketcher& sketcher)
      : image(kBlock,
              (std::max(sketcher.directions.groups * kGroup, sketcher.numbers) + 16) / 16 * 16),
        partial(kBlock, kGroup),
        sketch(kBlock, sketcher.pairs()),
        gathered(kBlock, sketcher.pairs()),
        survivors(static_cast<std::size_t>(kBlock * kGroup)) {}

  Matrix image;  // −x̃ of the queries
  Matrix partial;
  BasicMatrix<std::int32_t> sketch;    // kBlock × pairs
  BasicMatrix<std::int32_t> gathered;  // those of the queries that a group concerns
  float scale[kBlock];                 // c of the queries
  float limit[kBlock];                 // scores of sketches above are of no interest
  std::int64_t room[kBlock];           // size at which a buffer is compacted
  float factor[kBlock];                // scale and limit of the queries that a group concerns
  float bar[kBlock];
  std::vector<Doubt> doubt;
  std::vector<Survivor> survivors;
  std::int64_t found = 0;  // of them
};

}  // namespace latlas::scan
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {

/// The sketches of −x' for the first `count` rows of the block, in w.sketch and w.scale.
inline void sketch_block(const scan::Sketcher& sketcher, const scan::Block& block,
                         std::int64_t count, scan::SketchWorker& w) {
  const std::int64_t d = block.negated.cols(), m = sketcher.numbers - 1;
  const scan::Panels& directions = sketcher.directions;
  Keep keep{w.image};
  for (std::int64_t g = 0; g < directions.groups; ++g)
    scan_group(directions, block.negated.data(), block.stride, count, g, w.partial.data(), keep);
  std::fill_n(w.sketch.data(), w.sketch.size(), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    float* image = w.image.row(i);
    double square = 0;
    if (directions.groups == 0) {
      std::copy_n(block.negated.row(i), std::min(d, sketcher.numbers), image);
    } else {
      const double norm = block.norm[static_cast<std::size_t>(i)];
      for (std::int64_t k = 0; k < m; ++k)
        square += static_cast<double>(image[k]) * static_cast<double>(image[k]);
      const double along = std::max(0.0, std::sqrt(square) - sketcher.shrink * norm);
      image[m] = -static_cast<float>(std::sqrt(std::max(0.0, norm * norm - along * along)) *
                                     (1 + 0x1p-22));
      square = 0;
    }
    for (std::int64_t k = 0; k < sketcher.numbers; ++k)
      square += static_cast<double>(image[k]) * static_cast<double>(image[k]);
    // A row too short for a scale of its own has a sketch of zeros; Doubt accounts for it.
    const auto scale = static_cast<float>(std::sqrt(square) / 32766);
    w.scale[i] = scale > 0x1p-100F ? scale : 0.0F;
    if (w.scale[i] == 0.0F) continue;
    const F16 inverse = set(1.0F / scale);
    for (std::int64_t k = 0; k < sketcher.numbers; k += 16) {
      HWY_ALIGN std::int32_t whole[16];
      store(to_int(round(load(image + k) * inverse)), whole);
      for (std::int64_t j = 0; j < 16 && k + j < sketcher.numbers; j += 2) {
        const bool both = k + j + 1 < sketcher.numbers;
        const auto low = static_cast<std::uint32_t>(whole[j]) & 0xFFFFU;
        const auto high = both ? static_cast<std::uint32_t>(whole[j + 1]) << 16 : 0U;
        w.sketch(i, (k + j) / 2) = static_cast<std::int32_t>(low | high);
      }
    }
  }
}

/// Sketches of the rows of a group, packed; `block` is scratch.
inline void sketch_group(const scan::Panels& panels, std::int64_t group, scan::Block& block,
                         scan::SketchWorker& w, scan::Sketches& out) {
  const std::int64_t pairs = out.sketcher.pairs(), first = group * kGroup;
  const std::int64_t count = std::min(kGroup, panels.places() - first);
  block.fill(panels.frame, panels.data,
             {panels.row.data() + first, static_cast<std::size_t>(count)});
  sketch_block(out.sketcher, block, count, w);
  for (std::int64_t i = 0; i < count; ++i) {
    out.scale[static_cast<std::size_t>(first + i)] = w.scale[i];
    std::int32_t* column =
        out.packed.row(group) + i / kPanelWidth * kPanelWidth * pairs + i % kPanelWidth;
    for (std::int64_t k = 0; k < pairs; ++k) {  // of x' where those of queries are of −x'
      const auto two = static_cast<std::uint32_t>(w.sketch(i, k));
      const std::uint32_t low = (0U - two) & 0xFFFFU, high = (0U - (two >> 16)) << 16;
      column[k * kPanelWidth] = static_cast<std::int32_t>(low | high);
    }
  }
}

// Rows of a tile of whole numbers: fewer than of floats, since a product waits in a register of its
// own before it is added.
constexpr int kSketchRows = kTileRows == 12 ? 8 : 4;
static_assert(kBlock % kSketchRows == 0);

/// The products of kSketchRows queries with a panel, exact whole numbers. A function of its own,
/// since inlined its sums would not stay in registers.
HWY_NOINLINE void multiply_sketches(std::int64_t pairs, const std::int32_t* queries,
                                    const std::int32_t* panel, std::int32_t* out) {
#if HWY_TARGET == HWY_AVX3
  static_assert(kSketchRows == kPairRows && kPanelWidth == kPairColumns);
  if (has_pair_product()) return pair_product(pairs, queries, panel, out);
#endif
  I16 c[kSketchRows][kTileVectors];
  for (int i = 0; i < kSketchRows; ++i)
    for (int j = 0; j < kTileVectors; ++j) LATLAS_EACH c[i][j].v[p] = hn::Zero(DI());
  for (std::int64_t k = 0; k < pairs; ++k) {
    I16 b[kTileVectors];
    for (int j = 0; j < kTileVectors; ++j) b[j] = load(panel + k * kPanelWidth + 16 * j);
    for (int i = 0; i < kSketchRows; ++i) {
      const hn::Vec<DI> a = hn::Set(DI(), queries[i * pairs + k]);
      for (int j = 0; j < kTileVectors; ++j)
        LATLAS_EACH c[i][j].v[p] = add_pairs(a, b[j].v[p], c[i][j].v[p]);
    }
  }
  for (int i = 0; i < kSketchRows; ++i)
    for (int j = 0; j < kTileVectors; ++j) store(c[i][j], out + i * kPanelWidth + 16 * j);
}

// Notes the pairs whose sketches do not rule them out.
HWY_NOINLINE void note_survivors(const std::int32_t* sums, const scan::Panels& panels,
                                 const scan::Sketches& sketches, std::int64_t slot,
                                 std::int64_t place, scan::SketchWorker& w) {
  for (std::int64_t i = slot; i < slot + kSketchRows; ++i)
    for (std::int64_t at = place; at < place + kPanelWidth; at += 16, sums += 16) {
      const F16 product = to_float(load(sums)) * load(sketches.scale.data() + at);
      const F16 score = fma(product, set(w.factor[i]), load(panels.half_norm.data() + at));
      for (std::uint32_t bits = to_bits(score <= set(w.bar[i])); bits != 0; bits &= bits - 1)
        w.survivors[static_cast<std::size_t>(w.found++)] = {
            static_cast<std::int32_t>(i), static_cast<std::int32_t>(at + std::countr_zero(bits))};
    }
}

/// Multiplies the sketches of `concerned` queries with those of a group.
inline void sift(const scan::Panels& panels, const scan::Sketches& sketches,
                 const std::int32_t* queries, std::int64_t concerned, std::int64_t group,
                 scan::SketchWorker& w) {
  const std::int64_t pairs = sketches.sketcher.pairs(), first = group * kGroup;
  w.found = 0;
  for (std::int64_t at = first; at < first + kGroup; at += kPanelWidth) {
    const std::int32_t* panel = sketches.panel(at);
    F16 half_norm[kTileVectors], scale[kTileVectors];
    for (int j = 0; j < kTileVectors; ++j) {
      half_norm[j] = load(panels.half_norm.data() + at + 16 * j);
      scale[j] = load(sketches.scale.data() + at + 16 * j);
    }
    for (std::int64_t t = 0; t < concerned; t += kSketchRows) {
      HWY_ALIGN std::int32_t sums[kSketchRows * kPanelWidth];
      multiply_sketches(pairs, queries + t * pairs, panel, sums);
      hn::Mask<DF> some = hn::FirstN(DF(), 0);  // none
      for (int i = 0; i < kSketchRows; ++i) {
        const hn::Vec<DF> factor = hn::Set(DF(), w.factor[t + i]),
                          bar = hn::Set(DF(), w.bar[t + i]);
        for (int j = 0; j < kTileVectors; ++j) {
          const F16 product = to_float(load(sums + i * kPanelWidth + 16 * j)) * scale[j];
          LATLAS_EACH some =
              hn::Or(some, hn::Le(fused(product.v[p], factor, half_norm[j].v[p]), bar));
        }
      }
      if (HWY_LIKELY(hn::AllFalse(DF(), some))) continue;
      note_survivors(sums, panels, sketches, t, at, w);
    }
  }
}

/// ½|y'|² − x'·y' of one pair.
LATLAS_INLINE float score_of(const float* negated, const float* y, float half_norm,
                             std::int64_t d) {
  F16 even = zero(), odd = zero();
  std::int64_t k = 0;
  for (; k + 32 <= d; k += 32) {
    even = fma(load(negated + k), load(y + k), even);
    odd = fma(load(negated + k + 16), load(y + k + 16), odd);
  }
  for (; k < d; k += 16) {
    const int some = static_cast<int>(d - k < 16 ? d - k : 16);
    even = fma(load_first(negated + k, some), load_first(y + k, some), even);
  }
  return half_norm + reduce(even + odd);
}

/// The scores of the survivors; those within the limits are appended to the buffers.
inline void look_at_survivors(const scan::Panels& panels, scan::Worker& w, scan::SketchWorker& s) {
  constexpr std::int64_t kAhead = 4;
  const std::int64_t d = panels.cols();
  for (std::int64_t i = 0; i < s.found; ++i) {
    if (i + kAhead < s.found) {
      const float* next = panels.panel(s.survivors[static_cast<std::size_t>(i + kAhead)].place);
      for (std::int64_t k = 0; k < std::min<std::int64_t>(d, 64); k += 16) hwy::Prefetch(next + k);
    }
    const scan::Survivor& at = s.survivors[static_cast<std::size_t>(i)];
    const std::int32_t q = w.who[at.slot];
    const float score = score_of(w.block.negated.row(q), panels.panel(at.place),
                                 panels.half_norm[static_cast<std::size_t>(at.place)], d);
    if (score > w.limit[q]) continue;
    w.score(q, w.size[q]) = score;
    w.place(q, w.size[q]++) = at.place;
  }
}

/// As begin_block, for the sketches.
inline void begin_sketches(const scan::Panels& panels, const scan::Sketches& sketches,
                           std::int64_t queries, std::int64_t count, const scan::Worker& w,
                           scan::SketchWorker& s) {
  sketch_block(sketches.sketcher, w.block, queries, s);
  s.doubt.clear();
  for (std::int64_t q = 0; q < queries; ++q) {
    s.doubt.emplace_back(panels.frame, w.block.norm[static_cast<std::size_t>(q)],
                         sketches.sketcher.error);
    s.limit[q] = std::numeric_limits<float>::max();
    s.room[q] = count;
  }
}

/// Scans a group for the first `concerned` queries that stand in w.who, of `queries` in the block.
inline void scan_sketches(const scan::Panels& panels, const scan::Sketches& sketches,
                          std::int64_t queries, std::int64_t concerned, std::int64_t group,
                          scan::Worker& w, scan::SketchWorker& s) {
  const std::int64_t pairs = sketches.sketcher.pairs();
  const std::int32_t* rows = s.sketch.data();
  std::fill(s.bar + concerned, s.bar + kBlock, -std::numeric_limits<float>::infinity());
  std::fill(s.factor + concerned, s.factor + kBlock, 0.0F);
  for (std::int64_t i = 0; i < concerned; ++i) {
    s.factor[i] = s.scale[w.who[i]];
    s.bar[i] = s.limit[w.who[i]];
  }
  if (concerned < queries) {
    for (std::int64_t i = 0; i < concerned; ++i)
      std::copy_n(s.sketch.row(w.who[i]), pairs, s.gathered.row(i));
    rows = s.gathered.data();
  }
  sift(panels, sketches, rows, concerned, group, s);
  look_at_survivors(panels, w, s);
}

/// Compacts buffers early, since a tight limit saves looking at survivors.
inline void make_room_early(const scan::Panels& panels, ConstRows rows,
                            std::span<const std::int32_t> chosen, std::int64_t count,
                            scan::Worker& w, scan::SketchWorker& s) {
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto q = static_cast<std::int64_t>(i);
    if (w.size[q] <= s.room[q]) continue;
    compact(panels, rows.row(chosen[i]), count, w, q);
    s.room[q] = std::min(w.size[q] + kGroup, w.capacity - kGroup);
    const float limit = s.doubt[i].beyond(w.reach[q]);
    s.limit[q] = std::min(limit, std::numeric_limits<float>::max());
  }
}

}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
