// How queries choose the groups they look at, by the groups' centers, and look at them, in batches,
// group by group: a group is read once and multiplied with the queries of the batch that chose it.
//
// A row of the data chooses among the groups nearest to its own, which are scored for all rows of a
// block as one product. A query from elsewhere chooses among the groups of the supergroups nearest
// to it, so that its choice depends on nothing but itself. Internal to the room.

#if defined(LATLAS_NEIGHBORS_PROBE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATLAS_NEIGHBORS_PROBE_INL_H_
#undef LATLAS_NEIGHBORS_PROBE_INL_H_
#else
#define LATLAS_NEIGHBORS_PROBE_INL_H_
#endif

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>
#include <vector>

#include "latlas/neighbors/search-inl.h"

#ifndef LATLAS_NEIGHBORS_PROBE_ONCE
#define LATLAS_NEIGHBORS_PROBE_ONCE
namespace latlas::scan {

/// Groups, and their centers twice over, packed alike.
struct Partition {
  Panels rows, groups, supers;  // supers: the centers of 96 groups each
  std::int64_t probes = 0;      // groups that a query looks at
  std::int64_t among = 0;       // groups that it chooses them from

  /// Supergroups whose groups a query from elsewhere chooses from.
  std::int64_t reach() const { return among / kGroup; }
};

/// Which queries of a block chose a group.
struct Chosen {
  std::uint32_t who[3] = {};  // one bit a query

  bool by(std::int64_t query) const { return ((who[query / 32] >> (query % 32)) & 1) != 0; }
  bool by_none() const { return (who[0] | who[1] | who[2]) == 0; }
};

/// A group that queries of a block looked at, and which: whoever looked at a group has seen its
/// rows and need not measure them again.
struct Looked {
  std::int32_t group;
  Chosen chosen;
};

/// For each block of queries the groups it looked at, ascending.
using Record = std::vector<std::vector<Looked>>;

/// What choosing needs besides a Worker; one for each worker.
struct Chooser {
  /// @param within  whether the queries are rows of the data.
  Chooser(const Partition& p, bool within) : end(static_cast<std::size_t>(p.rows.groups)) {
    if (within) {
      columns = Matrix(p.rows.cols(), kBlock);
      center = Matrix(16, p.rows.cols() + 16);  // no rows that share the same few sets of a cache
      score = Matrix(p.among + kBlock, kBlock);
      return;
    }
    const std::int64_t most = p.reach() + 8 + p.reach() / 32;
    per_query = std::min(most, p.groups.groups) * kGroup;
    super_score = Matrix(kBlock, p.supers.groups * kGroup);
    score = Matrix(kBlock, per_query);
    super = BasicMatrix<std::int32_t>(kBlock, p.supers.places());
    chosen.resize(static_cast<std::size_t>(p.groups.groups * kGroup));
  }

  // Within the data.
  std::vector<GroupAt> supers_at, groups_at;
  std::vector<std::int32_t> candidates;  // groups that a block can choose, ascending
  std::vector<Looked> found;
  Matrix columns;  // the block's queries as panels, whole tiles wide
  Matrix center;   // of some candidates

  // From elsewhere.
  std::int64_t per_query = 0;
  Matrix super_score;
  BasicMatrix<std::int32_t> super;  // those whose groups a query can choose, ascending
  std::int64_t supers[kBlock];      // how many
  std::int64_t scores[kBlock];
  std::vector<Chosen> chosen;  // for each group, by the queries of a block
  std::vector<std::int32_t> touched;

  Matrix score;  // candidates × kBlock; kBlock × per_query

  // For each group the blocks of the batch that look at it.
  struct Visit {
    std::int64_t block;
    Chosen chosen;
  };
  std::vector<Visit> visit;
  std::vector<std::int64_t> end;  // of each group's visits
};

}  // namespace latlas::scan
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

LATLAS_INLINE float rough_square(const float* x, const float* y, std::int64_t d) {
  F16 sum = zero();
  std::int64_t k = 0;
  for (; k + 16 <= d; k += 16) {
    const F16 gap = load(x + k) - load(y + k);
    sum = fma(gap, gap, sum);
  }
  if (k < d) {
    const F16 gap =
        load_first(x + k, static_cast<int>(d - k)) - load_first(y + k, static_cast<int>(d - k));
    sum = fma(gap, gap, sum);
  }
  return reduce(sum);
}

// Keeps the scores of one group behind those that the queries in w.who have.
struct KeepBehind {
  const scan::Worker& w;
  scan::Chooser& c;
  std::int64_t queries, first;
  LATLAS_INLINE void operator()(const Scores& scores, std::int64_t query, std::int64_t place) {
    for (int i = 0; i < kTileRows && query + i < queries; ++i) {
      const std::int32_t q = w.who[query + i];
      for (int j = 0; j < kTileVectors; ++j)
        store(scores[i][j], c.score.row(q) + c.scores[q] + place - first + 16 * j);
    }
  }
};

// Each query's nearest supergroups, and the scores of their groups.
void score_groups(const scan::Partition& p, const float* negated, std::int64_t queries,
                  scan::Worker& w, scan::Chooser& c) {
  const std::int64_t stride = w.block.stride, supers = p.supers.places();
  Keep keep{c.super_score};
  for (std::int64_t g = 0; g < p.supers.groups; ++g)
    scan_group(p.supers, negated, stride, queries, g, w.partial.data(), keep);
  float limit[kBlock];
  for (std::int64_t q = 0; q < queries; ++q) {
    limit[q] = supers <= p.reach() ? std::numeric_limits<float>::max()
                                   : rough_quantile(c.super_score.row(q), supers, p.reach());
    c.supers[q] = c.scores[q] = 0;
  }
  for (std::int64_t s = 0; s < supers; ++s) {
    std::int64_t concerned = 0;
    const std::int64_t valid = std::min(kGroup, p.groups.places() - s * kGroup);
    for (std::int64_t q = 0; q < queries; ++q)
      if (c.super_score(q, s) <= limit[q] && c.scores[q] + kGroup <= c.per_query)
        w.who[concerned++] = static_cast<std::int32_t>(q);
    if (concerned == 0) continue;
    gather(negated, concerned, w);
    KeepBehind behind{w, c, concerned, s * kGroup};
    scan_group(p.groups, w.gathered.data(), stride, concerned, s, w.partial.data(), behind);
    for (std::int64_t i = 0; i < concerned; ++i) {
      const std::int32_t q = w.who[i];
      c.scores[q] += valid;
      c.super(q, c.supers[q]++) = static_cast<std::int32_t>(s);
    }
  }
}

// The groups that the queries of a block choose, ascending.
void choose_groups(const scan::Partition& p, std::int64_t queries, scan::Chooser& c,
                   std::vector<scan::Looked>& looked) {
  c.touched.clear();
  for (std::int64_t q = 0; q < queries; ++q) {
    const std::int64_t n = c.scores[q];
    float* score = c.score.row(q);
    const float limit =
        n <= p.probes ? std::numeric_limits<float>::max() : rough_quantile(score, n, p.probes);
    for (std::int64_t e = n; e % 16 != 0; ++e) score[e] = std::numeric_limits<float>::infinity();
    for (std::int64_t e = 0; e < n; e += 16) {
      std::uint32_t bits = to_bits(load(score + e) <= set(limit));
      for (; bits != 0; bits &= bits - 1) {
        const std::int64_t at = e + std::countr_zero(bits);
        const auto group =
            static_cast<std::int32_t>(c.super(q, at / kGroup) * kGroup + at % kGroup);
        scan::Chosen& chosen = c.chosen[static_cast<std::size_t>(group)];
        if (chosen.by_none()) c.touched.push_back(group);
        chosen.who[q / 32] |= std::uint32_t{1} << (q % 32);
      }
    }
  }
  std::sort(c.touched.begin(), c.touched.end());
  looked.clear();
  looked.reserve(c.touched.size());
  for (const std::int32_t group : c.touched) {
    scan::Chosen& chosen = c.chosen[static_cast<std::size_t>(group)];
    looked.push_back({group, chosen});
    chosen = {};
  }
}

/// The `most` groups whose centers are nearest to that of a group, ascending; sought in the nearest
/// supergroups.
void find_candidates(const scan::Partition& p, std::int64_t group, std::int64_t most,
                     scan::Chooser& c) {
  const std::int64_t d = p.rows.cols(), groups = p.rows.groups;
  const float* center = p.rows.center.row(group);
  const auto keep_nearest = [](std::vector<scan::GroupAt>& at, std::int64_t count) {
    if (std::ssize(at) <= count) return;
    std::nth_element(at.begin(), at.begin() + count, at.end(), scan::nearer);
    at.resize(static_cast<std::size_t>(count));
  };
  c.supers_at.clear();
  for (std::int64_t s = 0; s < p.groups.groups; ++s)
    c.supers_at.push_back({rough_square(center, p.groups.center.row(s), d), s});
  keep_nearest(c.supers_at, 2 * most / kGroup + 8);  // what lies near is not cut so neatly
  c.groups_at.clear();
  for (const scan::GroupAt& super : c.supers_at)
    for (std::int64_t g = super.group * kGroup; g < std::min(groups, (super.group + 1) * kGroup);
         ++g)
      c.groups_at.push_back({rough_square(center, p.rows.center.row(g), d), g});
  keep_nearest(c.groups_at, most);
  c.candidates.clear();
  for (const scan::GroupAt& at : c.groups_at)
    c.candidates.push_back(static_cast<std::int32_t>(at.group));
  std::sort(c.candidates.begin(), c.candidates.end());
}

// The scores of the candidates, a row for each, a column for each query of the block.
void score_candidates(const scan::Partition& p, const float* negated, std::int64_t stride,
                      std::int64_t queries, scan::Chooser& c) {
  const std::int64_t d = p.rows.cols(), candidates = std::ssize(c.candidates);
  for (std::int64_t q = 0; q < kBlock; ++q) {
    float* column = c.columns.data() + q / kPanelWidth * kPanelWidth * d + q % kPanelWidth;
    for (std::int64_t k = 0; k < d; ++k)
      column[k * kPanelWidth] = q < queries ? negated[q * stride + k] : 0;
  }
  for (std::int64_t t = 0; t < candidates; t += kTileRows) {
    F16 half_norm[kTileRows];
    for (int i = 0; i < kTileRows; ++i) {
      const auto at = static_cast<std::size_t>(std::min(t + i, candidates - 1));
      const std::int64_t group = c.candidates[at];
      std::copy_n(p.rows.center.row(group), d, c.center.row(i));
      half_norm[i] = set(p.groups.half_norm[static_cast<std::size_t>(group)]);
    }
    for (std::int64_t w = 0; w < kBlock; w += kPanelWidth) {
      Scores score;
      for (int i = 0; i < kTileRows; ++i)
        for (int j = 0; j < kTileVectors; ++j) score[i][j] = half_norm[i];
      multiply_tile(score, d, c.center.row(0), c.center.cols(), 1, c.columns.data() + w * d,
                    kPanelWidth);
      for (int i = 0; i < kTileRows; ++i)
        for (int j = 0; j < kTileVectors; ++j) store(score[i][j], c.score.row(t + i) + w + 16 * j);
    }
  }
}

// For 16 queries, a score that at least `count` of the rows do not exceed, and few more.
F16 rough_quantiles(const float* score, std::int64_t rows, std::int64_t count) {
  F16 low = load(score), high = low;
  for (std::int64_t i = 1; i < rows; ++i) {
    const F16 s = load(score + i * kBlock);
    low = min(low, s);
    high = max(high, s);
  }
  const F16 enough = set(static_cast<float>(count));
  const F16 most = set(static_cast<float>(count + 4 + count / 32));
  F16 within = set(static_cast<float>(rows));
  for (;;) {
    const F16 middle = low + set(0.5F) * (high - low);
    // A limit that no float lies below, or few enough within it, is as good as can be.
    const M16 open = (most < within) & (low < middle) & (middle < high);
    if (!any(open)) return high;
    F16 counted = zero();
    for (std::int64_t i = 0; i < rows; ++i)
      counted = counted + select(load(score + i * kBlock) <= middle, set(1.0F), zero());
    const M16 reached = (enough <= counted) & open;
    high = select(reached, middle, high);
    within = select(reached, counted, within);
    low = select((counted < enough) & open, middle, low);
  }
}

// The lowest n of 32 bits.
LATLAS_INLINE std::uint32_t ones(std::int64_t n) {
  return n <= 0 ? 0 : ~std::uint32_t{0} >> (n < 32 ? 32 - n : 0);
}

// The groups that the queries of a block choose among the candidates, ascending.
void choose_candidates(const scan::Partition& p, std::int64_t queries, scan::Chooser& c,
                       std::vector<scan::Looked>& looked) {
  constexpr int kVectors = kBlock / 16;
  const std::int64_t candidates = std::ssize(c.candidates);
  F16 limit[kVectors];
  for (int v = 0; v < kVectors; ++v)
    limit[v] = candidates <= p.probes
                   ? set(std::numeric_limits<float>::max())
                   : rough_quantiles(c.score.row(0) + 16 * v, candidates, p.probes);
  c.found.clear();
  for (std::int64_t i = 0; i < candidates; ++i) {
    scan::Chosen chosen;
    for (int v = 0; v < kVectors; ++v)
      chosen.who[v / 2] |= to_bits(load(c.score.row(i) + 16 * v) <= limit[v]) << (v % 2 * 16);
    for (int half = 0; half < 3; ++half) chosen.who[half] &= ones(queries - 32 * half);
    if (!chosen.by_none()) c.found.push_back({c.candidates[static_cast<std::size_t>(i)], chosen});
  }
  looked.assign(c.found.begin(), c.found.end());
}

// Orders the visits of the batch's blocks by group.
void order_visits(std::span<const std::vector<scan::Looked>> looked, scan::Chooser& c) {
  std::fill(c.end.begin(), c.end.end(), 0);
  std::size_t visits = 0;
  for (const auto& block : looked) {
    for (const scan::Looked& l : block) ++c.end[static_cast<std::size_t>(l.group)];
    visits += block.size();
  }
  std::int64_t before = 0;
  for (std::int64_t& end : c.end) before += std::exchange(end, before);
  c.visit.resize(visits);
  for (std::size_t b = 0; b < looked.size(); ++b)
    for (const scan::Looked& l : looked[b]) {
      const std::int64_t at = c.end[static_cast<std::size_t>(l.group)]++;
      c.visit[static_cast<std::size_t>(at)] = {static_cast<std::int64_t>(b), l.chosen};
    }
}

/// Fills row chosen[i] of the lists for every query of the batch, from the groups it chooses.
/// @param within  whether the queries are the rows of the data, in compact order.
/// @param looked  for each block of the batch, filled with these groups.
void probe_batch(const scan::Partition& p, ConstRows rows, std::span<const std::int32_t> chosen,
                 std::int64_t count, bool within, scan::Worker& w, scan::Chooser& c,
                 Neighbors& lists, std::span<std::vector<scan::Looked>> looked) {
  const auto queries = static_cast<std::int64_t>(chosen.size());
  const std::int64_t home = chosen.front() / kBlock;
  begin_block(p.rows, rows, chosen, w);
  for (std::size_t b = 0; b < looked.size(); ++b) {
    const std::int64_t first = static_cast<std::int64_t>(b) * kBlock;
    const std::int64_t some = std::min(kBlock, queries - first);
    if (within) {
      find_candidates(p, home + static_cast<std::int64_t>(b), p.among, c);
      score_candidates(p, w.block.negated.row(first), w.block.stride, some, c);
      choose_candidates(p, some, c, looked[b]);
    } else {
      score_groups(p, w.block.negated.row(first), some, w, c);
      choose_groups(p, some, c, looked[b]);
    }
  }
  order_visits(looked, c);

  std::int64_t concerned = 0;
  const auto multiply = [&](std::int64_t group) HWY_ATTR {
    scan_concerned(p.rows, queries, concerned, group, w);
    make_room(p.rows, rows, chosen, concerned, count, w);
    concerned = 0;
  };
  const auto add = [&](std::int64_t group, std::int64_t block, const scan::Chosen& by) HWY_ATTR {
    for (int part = 0; part < 3; ++part)
      for (std::uint32_t bits = by.who[part]; bits != 0; bits &= bits - 1) {
        const std::int64_t q = block * kBlock + 32 * part + std::countr_zero(bits);
        w.who[concerned] = static_cast<std::int32_t>(q);
        w.bar[concerned++] = w.limit[q];
        if (concerned == kBlock) multiply(group);
      }
  };
  // The group that a block of the data is goes first: its rows are near and make limits tight.
  for (std::size_t b = 0; within && b < looked.size(); ++b) {
    const std::int64_t own = home + static_cast<std::int64_t>(b);
    for (const scan::Looked& l : looked[b])
      if (l.group == own) add(own, static_cast<std::int64_t>(b), l.chosen);
    if (concerned > 0) multiply(own);
  }
  std::int64_t at = 0;
  for (std::int64_t group = 0; group < p.rows.groups; ++group) {
    for (; at < c.end[static_cast<std::size_t>(group)]; ++at) {
      const scan::Chooser::Visit& visit = c.visit[static_cast<std::size_t>(at)];
      if (!within || home + visit.block != group) add(group, visit.block, visit.chosen);
    }
    if (concerned > 0) multiply(group);
  }
  finish_block(p.rows, rows, chosen, count, w, lists);
}

/// Fills row chosen[i] of the lists for every query of the block, from all groups.
void scan_all(const scan::Partition& p, ConstRows rows, std::span<const std::int32_t> chosen,
              std::int64_t count, scan::Worker& w, Neighbors& lists) {
  const auto queries = static_cast<std::int64_t>(chosen.size());
  begin_block(p.rows, rows, chosen, w);
  for (std::int64_t g = 0; g < p.rows.groups; ++g) {
    for (std::int64_t q = 0; q < queries; ++q) {
      w.who[q] = static_cast<std::int32_t>(q);
      w.bar[q] = w.limit[q];
    }
    scan_concerned(p.rows, queries, queries, g, w);
    make_room(p.rows, rows, chosen, queries, count, w);
  }
  finish_block(p.rows, rows, chosen, count, w, lists);
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
