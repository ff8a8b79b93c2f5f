// The scan of a group cell by cell: which queries a cell concerns, and its scores in stages.
// Internal to the room.

#if defined(LATLAS_NEIGHBORS_CELLS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATLAS_NEIGHBORS_CELLS_INL_H_
#undef LATLAS_NEIGHBORS_CELLS_INL_H_
#else
#define LATLAS_NEIGHBORS_CELLS_INL_H_
#endif

#include "latlas/neighbors/cells.h"
#include "latlas/neighbors/search-inl.h"

#ifndef LATLAS_NEIGHBORS_CELLS_ONCE
#define LATLAS_NEIGHBORS_CELLS_ONCE
namespace latlas::scan {

/// Queries of cells before a test, and how many were left after it.
struct Tally {
  std::int64_t before = 0, after = 0;

  /// False when the test is known to cost more than it saves; both for a query of a cell, in
  /// columns of a product.
  bool pays(double cost, double saved) const {
    constexpr std::int64_t kKnown = 1 << 20;
    return before < kKnown ||
           static_cast<double>(before - after) * saved >= static_cast<double>(before) * cost;
  }
};

/// What a block of queries needs besides a Worker when it looks at cells.
struct CellWorker {
  CellWorker(const Cells& cells, std::int64_t cols)
      : stages(in_order(static_cast<std::int64_t>(cells.ends.size()))),
        tally(stages.size()),
        packed(kBlock / kCell, cols * kCell),
        rest(static_cast<std::int64_t>(cells.ends.size()), kBlock),
        room(kBlock),
        scores(kBlock + kCell, kCell) {}

  // Tests are dropped where they turn out not to pay, which changes no result.
  bool choosing = true;  // queries by the centers of cells
  std::vector<std::int32_t> stages;
  Tally chosen;
  std::vector<Tally> tally;  // of the stages' tests

  Matrix packed;       // −x' of the queries, kCell to a panel: they stand in the lanes there
  Matrix rest;         // stages × kBlock: −|x'| beyond the stage
  float base[kBlock];  // Doubt::Balls of the queries' reach
  float slope[kBlock];
  float limit[kBlock];             // as in Worker; −∞ beyond the last query
  std::vector<std::int64_t> room;  // size at which a buffer is compacted
  // Of one cell: tiles of queries that it concerns, by the first of each; then the queries that can
  // still have a near row in it, and their scores.
  std::int32_t tile[kBlock], query[kBlock + kCell];
  Matrix scores;
};

}  // namespace latlas::scan
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {

using scan::kCell;
using scan::kCellsOfGroup;

// Queries that are scored together.
#if HWY_TARGET == HWY_AVX3
constexpr int kCellRows = 8;
#else
constexpr int kCellRows = 6;
#endif
static_assert(48 % kCellRows == 0 && kBlock == 96);

/// Takes over what the queries' limits are by now.
inline void reach_cells(const scan::Cells& cells, std::int64_t query, const scan::Worker& w,
                        scan::CellWorker& c) {
  const auto balls = w.doubt[static_cast<std::size_t>(query)].balls(w.reach[query], cells.widest);
  c.base[query] = balls.base;
  c.slope[query] = balls.slope;
  c.limit[query] = w.limit[query];
}

/// As begin_block, for the cells.
inline void begin_cells(const scan::Cells& cells, std::int64_t queries, std::int64_t count,
                        const scan::Worker& w, scan::CellWorker& c) {
  const std::int64_t d = cells.center.cols(), stride = w.block.stride;
  const float* negated = w.block.negated.data();
  for (std::int64_t q = 0; q < kBlock; ++q) {
    float* column = c.packed.row(q / kCell) + q % kCell;
    for (std::int64_t k = 0; k < d; ++k) column[k * kCell] = negated[q * stride + k];
    scan::rest_of(negated + q * stride, cells.ends, c.rest.data() + q, kBlock);
    c.room[static_cast<std::size_t>(q)] = count;
    if (q < queries) {
      reach_cells(cells, q, w, c);
    } else {
      c.base[q] = -1e38F;
      c.slope[q] = 0;
      c.limit[q] = -std::numeric_limits<float>::infinity();
    }
  }
  for (std::int64_t i = 0; i < c.rest.size(); ++i) c.rest.data()[i] = -c.rest.data()[i];
}

/// For each cell of a group a bit for every query that it concerns, in two halves of 48.
LATLAS_INLINE void choose_cells(const scan::Cells& cells, std::int64_t queries, std::int64_t group,
                                const scan::CellWorker& c, std::uint64_t (&who)[kCellsOfGroup][2]) {
  constexpr int kRows = static_cast<int>(kCellsOfGroup);
  const std::int64_t d = cells.center.cols(), first = group * kCellsOfGroup;
  const float* half_norm = cells.half_norm.data() + first;
  const float* radius = cells.radius.data() + first;
  for (auto& halves : who) halves[0] = halves[1] = 0;
  for (std::int64_t q = 0; q < queries; q += kCell) {
    F16 score[kRows][1];
    for (int i = 0; i < kRows; ++i) score[i][0] = set(half_norm[i]);
    multiply_tile(score, d, cells.center.row(first), d, 1, c.packed.row(q / kCell), kCell);
    const F16 base = load(c.base + q), slope = load(c.slope + q);
    for (int i = 0; i < kRows; ++i) {
      const F16 bound = fma(slope, set(radius[i]), base) + set(0.5F * radius[i] * radius[i]);
      const std::uint64_t bits = to_bits(score[i][0] <= bound);
      who[i][q / 48] |= bits << (q % 48);
    }
  }
}

// The lowest n of 48 bits.
LATLAS_INLINE std::uint64_t ones(std::int64_t n) {
  return n <= 0 ? 0 : (std::uint64_t{1} << (n < 48 ? n : 48)) - 1;
}

// From a bit for each query to a bit for the first of each kCellRows, where any of them is set.
LATLAS_INLINE std::uint64_t tiles_of(std::uint64_t queries) {
  for (int have = 1; have < kCellRows;) {
    const int more = have < kCellRows - have ? have : kCellRows - have;
    queries |= queries >> more;
    have += more;
  }
  std::uint64_t firsts = 0;
  for (int i = 0; i < 48; i += kCellRows) firsts |= std::uint64_t{1} << i;
  return queries & firsts;
}

/// One stage of a cell's scores.
struct Stage {
  const float* negated;  // of the block, at the stage's first column
  std::int64_t stride;
  const float* panel;  // of the cell, at the stage's first column
  std::int64_t inner;  // columns
  const float* rest;   // of the cell's rows and of the block's queries, beyond the stage
  const float* own;
  const float* limit;
};

/// Adds a stage's columns to the scores of kCellRows queries, and keeps those queries in front of
/// the list for which a pair can still be near; without a branch. Returns how many are kept then.
/// @param query  of the block, for each row of the scores.
/// @param valid  of the kCellRows; the others are scored in vain.
LATLAS_INLINE std::int64_t take(const Stage& t, const std::int32_t (&query)[kCellRows], int valid,
                                F16 (&score)[kCellRows], const F16& rest, std::int64_t kept,
                                scan::CellWorker& c) {
  const float* x[kCellRows];
  for (int i = 0; i < kCellRows; ++i) x[i] = t.negated + query[i] * t.stride;
#pragma GCC unroll 4
  for (std::int64_t k = 0; k < t.inner; ++k) {
    const F16 y = load(t.panel + k * kCell);
    for (int i = 0; i < kCellRows; ++i) {
      const hn::Vec<DF> v = hn::Set(DF(), x[i][k]);
      LATLAS_EACH score[i].v[p] = fused(v, y.v[p], score[i].v[p]);
    }
  }
  for (int i = 0; i < valid; ++i) {
    store(score[i], c.scores.row(kept));
    c.query[kept] = query[i];
    const F16 least = fma(set(t.own[query[i]]), rest, score[i]);
    kept += any(least <= set(t.limit[query[i]])) ? 1 : 0;
  }
  return kept;
}

/// The first stage of a cell for the listed tiles of queries. Returns how many queries are left.
HWY_NOINLINE std::int64_t begin_cell(const Stage& stage, const float* half_norm, std::int64_t tiles,
                                     scan::CellWorker& c) {
  const Stage t = stage;
  const F16 rest = load(t.rest), half = load(half_norm);
  std::int64_t kept = 0;
  for (std::int64_t n = 0; n < tiles; ++n) {
    std::int32_t query[kCellRows];
    F16 score[kCellRows];
    for (int i = 0; i < kCellRows; ++i) {
      query[i] = c.tile[n] + i;
      score[i] = half;
    }
    kept = take(t, query, kCellRows, score, rest, kept, c);
  }
  return kept;
}

/// Another stage for the queries that are left.
HWY_NOINLINE std::int64_t go_on(const Stage& stage, std::int64_t count, scan::CellWorker& c) {
  const Stage t = stage;
  const F16 rest = load(t.rest);
  for (std::int64_t n = count; n % kCellRows != 0; ++n) c.query[n] = c.query[count - 1];
  std::int64_t kept = 0;
  for (std::int64_t n = 0; n < count; n += kCellRows) {
    std::int32_t query[kCellRows];
    F16 score[kCellRows];
    for (int i = 0; i < kCellRows; ++i) {
      query[i] = c.query[n + i];
      score[i] = load(c.scores.row(n + i));
    }
    const auto left = static_cast<int>(count - n);
    kept = take(t, query, left < kCellRows ? left : kCellRows, score, rest, kept, c);
  }
  return kept;
}

/// Appends what passes the limits to the buffers of the queries that are left.
HWY_NOINLINE void append_cell(std::int64_t count, std::int64_t place, const scan::CellWorker& c,
                              scan::Worker& w) {
  for (std::int64_t n = 0; n < count; ++n) {
    const float* scores = c.scores.row(n);
    const std::int64_t q = c.query[n];
    std::uint32_t bits = to_bits(load(scores) <= set(c.limit[q]));
    std::int64_t at = w.size[q];
    for (; bits != 0; bits &= bits - 1, ++at) {
      const int lane = std::countr_zero(bits);
      w.score(q, at) = scores[lane];
      w.place(q, at) = static_cast<std::int32_t>(place + lane);
    }
    w.size[q] = at;
  }
}

/// Asks for what scan_cells reads first of a group, if it judges cells by their centers.
inline void ask_for_group(const scan::Cells& cells, std::int64_t group, const scan::CellWorker& c) {
  if (!c.choosing) return;
  const std::int64_t first = group * kCellsOfGroup, d = cells.center.cols();
  const float* center = cells.center.row(first);
  for (std::int64_t k = 0; k < kCellsOfGroup * d; k += 16) hwy::Prefetch(center + k);
  hwy::Prefetch(cells.half_norm.data() + first);
  hwy::Prefetch(cells.radius.data() + first);
}

/// Asks for a cell, while another is scored.
LATLAS_INLINE void ask_for_cell(const scan::Panels& panels, const scan::Cells& cells,
                                std::int64_t place) {
  constexpr std::int64_t kMost = 64 * kCell;  // floats; what follows memory foresees by itself
  const std::int64_t size = panels.cols() * kCell < kMost ? panels.cols() * kCell : kMost;
  const float* panel = panels.panel(place);
  for (std::int64_t k = 0; k < size; k += 16) hwy::Prefetch(panel + k);
  hwy::Prefetch(panels.half_norm.data() + place);
  for (std::int64_t s = 0; s < cells.rest.rows(); ++s) hwy::Prefetch(cells.rest.row(s) + place);
}

/// Drops the tests that do not pay.
inline void weigh(const scan::Cells& cells, scan::CellWorker& c) {
  constexpr double kTest = 4;  // columns that a stage's test costs
  const auto d = static_cast<double>(cells.center.cols());
  c.choosing =
      c.choosing && c.chosen.pays(d / kCell + 1, kTest + static_cast<double>(cells.ends[0]));
  std::erase_if(c.stages, [&](std::int32_t s) HWY_ATTR {
    const auto at = static_cast<std::size_t>(s);
    const double left = d - static_cast<double>(cells.ends[at]);
    return left > 0 && !c.tally[at].pays(kTest, left);
  });
}

/// Scores a cell for the queries of so many tiles in c.tile, stage by stage. Returns how many are
/// left; they stand in c.query.
inline std::int64_t score_cell(const scan::Panels& panels, const scan::Cells& cells,
                               std::int64_t place, std::int64_t tiles, const scan::Worker& w,
                               scan::CellWorker& c) {
  Stage stage;
  stage.stride = w.block.stride;
  stage.limit = c.limit;
  std::int64_t count = tiles * kCellRows, k = 0;
  for (const std::int32_t s : c.stages) {
    const auto at = static_cast<std::size_t>(s);
    stage.negated = w.block.negated.data() + k;
    stage.panel = panels.panel(place) + k * kCell;
    stage.inner = cells.ends[at] - k;
    stage.rest = cells.rest.row(s) + place;
    stage.own = c.rest.row(s);
    c.tally[at].before += count;
    count = k == 0 ? begin_cell(stage, panels.half_norm.data() + place, tiles, c)
                   : go_on(stage, count, c);
    c.tally[at].after += count;
    if (count == 0) break;
    k = cells.ends[at];
  }
  return count;
}

/// Scans a group for all queries of the block that it concerns.
inline void scan_cells(const scan::Panels& panels, const scan::Cells& cells, std::int64_t queries,
                       std::int64_t group, scan::Worker& w, scan::CellWorker& c) {
  std::uint64_t who[kCellsOfGroup][2];
  if (c.choosing) choose_cells(cells, queries, group, c, who);
  std::int64_t cell[kCellsOfGroup], concerned = 0;
  for (std::int64_t i = 0; i < kCellsOfGroup; ++i) {
    if (!c.choosing) {
      who[i][0] = ones(queries);
      who[i][1] = ones(queries - 48);
    }
    if ((who[i][0] | who[i][1]) != 0) cell[concerned++] = i;
  }
  c.chosen.before += kCellsOfGroup * queries;
  if (concerned > 0) ask_for_cell(panels, cells, group * kGroup + cell[0] * kCell);
  for (std::int64_t at = 0; at < concerned; ++at) {
    const std::int64_t i = cell[at], place = group * kGroup + i * kCell;
    if (at + 1 < concerned) ask_for_cell(panels, cells, group * kGroup + cell[at + 1] * kCell);
    std::int64_t tiles = 0;
    for (std::int32_t half = 0; half < 2; ++half)
      for (std::uint64_t bits = tiles_of(who[i][half]); bits != 0; bits &= bits - 1)
        c.tile[tiles++] = 48 * half + std::countr_zero(bits);
    c.chosen.after += tiles * kCellRows;
    append_cell(score_cell(panels, cells, place, tiles, w, c), place, c, w);
  }
  weigh(cells, c);
}

/// Makes room in the buffers for a group; early, since tight limits spare stages.
/// Returns whether any limit became tighter.
inline bool make_room(const scan::Panels& panels, const scan::Cells& cells, ConstRows rows,
                      std::span<const std::int32_t> chosen, std::int64_t count, scan::Worker& w,
                      scan::CellWorker& c) {
  constexpr std::int64_t kRoom = 48;
  bool tighter = false;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto q = static_cast<std::int64_t>(i);
    if (w.size[q] <= c.room[i]) continue;
    compact(panels, rows.row(chosen[i]), count, w, q);
    c.room[i] = std::min(w.size[q] + kRoom, w.capacity - kGroup);
    reach_cells(cells, q, w, c);
    tighter = true;
  }
  return tighter;
}

}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
