// Approximate neighbors in five steps.
//
// 1. The distinct rows are copied in compact order (panels.h), so that what is near in space is
//    near in memory, and cut into groups of 96; 96 groups in a row are a supergroup.
// 2. How many groups a row must look at, and in how many supergroups, is measured: a seeded sample
//    of rows is searched among all groups, and the places of the found neighbors' groups in the
//    rows' orders are counted. Where more groups do what step 5 would, for less, that is left out.
// 3. Each query looks for its nearest groups by their centers: first the nearest supergroups, then,
//    among the groups of these, `probes` of them. Its choice depends on nothing but itself.
//    Queries are worked on in blocks of neighbors, whose choices agree for the most part: each
//    group is multiplied with the queries that chose it, through the same tile and under the same
//    limits as in exact search. The result is exactly the best among the rows looked at, and which
//    groups these were is kept.
// 4. A row that found another is offered to it, in case that the other did not look there.
// 5. Refinement: in each sweep a row is compared with the neighbors of its neighbors, but for those
//    in groups it has looked at: it has seen them, and they are most. A sweep reads the old graph
//    and writes a new one, so no order of the rows matters.
//    (Dong, Moses, Li, Efficient k-nearest neighbor graph construction for generic similarity
//    measures, 2011, without its sampling.)
#include "latlas/neighbors/approximate.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/neighbors/duplicates.h"
#include "latlas/neighbors/inner_product.h"
#include "latlas/neighbors/lists.h"
#include "latlas/neighbors/panels.h"
#include "latlas/neighbors/rounds.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/neighbors/approximate.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/neighbors/search-inl.h"

#ifndef LATLAS_NEIGHBORS_APPROXIMATE_ONCE
#define LATLAS_NEIGHBORS_APPROXIMATE_ONCE
namespace latlas::scan {

/// Groups, and their centers twice over, packed alike.
struct Partition {
  Panels rows, groups, supers;  // supers: the centers of 96 groups each
  std::int64_t probes = 0;      // groups that a query looks at
  std::int64_t reach = 0;       // supergroups among whose groups it chooses them
};

/// Which queries of a block chose a group.
struct Chosen {
  std::uint64_t who[2];  // one bit a query

  bool by(std::int64_t query) const { return ((who[query / 64] >> (query % 64)) & 1) != 0; }
};

/// A group that queries of a block looked at, and which: whoever looked at a group has seen its
/// rows and need not measure them again.
struct Looked {
  std::int32_t group;
  Chosen chosen;
};

/// For each block of queries the groups it looked at, ascending.
using Record = std::vector<std::vector<Looked>>;

inline bool looked_at(const Record& record, std::int64_t query, std::int64_t group) {
  const auto& block = record[static_cast<std::size_t>(query / kBlock)];
  const auto at = std::lower_bound(block.begin(), block.end(), group,
                                   [](const Looked& l, std::int64_t g) { return l.group < g; });
  return at != block.end() && at->group == group && at->chosen.by(query % kBlock);
}

/// What choosing needs besides a Worker; one for each worker.
struct Chooser {
  explicit Chooser(const Partition& p)
      : per_query(
            std::min((p.reach + 8 + p.reach / 32) * kGroup, p.supers.groups * kGroup * kGroup)),
        super_score(kBlock, p.supers.groups * kGroup),
        group_score(kBlock, kGroup),
        score(kBlock, per_query),
        super(kBlock, p.supers.places()),
        chosen(static_cast<std::size_t>(p.groups.groups * kGroup)) {}

  std::int64_t per_query;
  Matrix super_score, group_score;
  Matrix score;                     // kBlock × per_query: of the groups that a query can choose
  BasicMatrix<std::int32_t> super;  // their supergroups, ascending
  std::int64_t supers[kBlock];      // how many
  std::int64_t scores[kBlock];
  std::vector<Chosen> chosen;  // for each group
  std::vector<std::int32_t> touched;
  std::vector<GroupAt> order;
};

using Fresh = BasicMatrix<std::uint8_t>;

struct Refining {
  ConstRows data;          // in compact order
  const Neighbors& graph;  // of the data's rows
  const Record& record;    // of the probing that made the graph
  std::int64_t near;       // of a list's rows that are followed
  const Fresh& fresh;      // n × near: 1 where the row came into the list in the last sweep
};

inline void read_list(const Neighbors& lists, std::int64_t i, std::span<Key> list) {
  for (std::size_t j = 0; j < list.size(); ++j) {
    const auto at = static_cast<std::int64_t>(j);
    list[j] = (Key{std::bit_cast<std::uint32_t>(lists.distance(i, at))} << 32) |
              static_cast<std::uint32_t>(lists.index(i, at));
  }
}

inline void write_list(std::span<const Key> list, std::int64_t i, Neighbors& lists) {
  for (std::size_t j = 0; j < list.size(); ++j) {
    const auto at = static_cast<std::int64_t>(j);
    lists.index(i, at) = row_of(list[j]);
    lists.distance(i, at) = distance_of(list[j]);
  }
}

/// Rows already seen, as a small hash table that is emptied by counting up.
class Seen {
 public:
  explicit Seen(std::int64_t most)
      : slot_(std::bit_ceil(static_cast<std::uint64_t>(4 * most))), mask_(slot_.size() - 1) {}
  void clear() {
    if (++turn_ != 0) return;
    std::fill(slot_.begin(), slot_.end(), 0);
    turn_ = 1;
  }
  /// True when the row was not there; at most `most` rows between two clear().
  bool insert(std::int32_t row) {
    const std::uint64_t entry = (std::uint64_t{turn_} << 32) | static_cast<std::uint32_t>(row);
    std::uint64_t at = (static_cast<std::uint32_t>(row) * std::uint64_t{0x9E3779B97F4A7C15}) >> 32;
    for (;; ++at) {
      std::uint64_t& s = slot_[at & mask_];
      if (s == entry) return false;
      if ((s >> 32) != turn_) {
        s = entry;
        return true;
      }
    }
  }

 private:
  std::vector<std::uint64_t> slot_;  // turn and row
  std::uint64_t mask_;
  std::uint32_t turn_ = 0;
};

}  // namespace latlas::scan
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

using scan::kBlock;
using scan::kGroup;

std::int64_t panel_width() { return kPanelWidth; }

// Keeps the first `valid` scores of a group in rows of their own.
void keep_scores(const scan::Panels& panels, const float* negated, std::int64_t stride,
                 std::int64_t queries, std::int64_t group, float* partial, Matrix& out) {
  struct KeepGroup {
    Matrix& out;
    std::int64_t first;
    LATLAS_INLINE void operator()(const Scores& scores, std::int64_t query, std::int64_t place) {
      for (int i = 0; i < kTileRows; ++i)
        for (int j = 0; j < kTileVectors; ++j)
          store(scores[i][j], out.row(query + i) + place - first + 16 * j);
    }
  } keep{out, group * kGroup};
  scan_group(panels, negated, stride, queries, group, partial, keep);
}

// Each query's nearest supergroups, and the scores of their groups.
void score_groups(const scan::Partition& p, std::int64_t queries, scan::Worker& w,
                  scan::Chooser& c) {
  const std::int64_t stride = w.block.stride, supers = p.supers.places();
  Keep keep{c.super_score};
  for (std::int64_t g = 0; g < p.supers.groups; ++g)
    scan_group(p.supers, w.block.negated.data(), stride, queries, g, w.partial.data(), keep);
  float limit[kBlock];
  for (std::int64_t q = 0; q < queries; ++q) {
    limit[q] = supers <= p.reach ? std::numeric_limits<float>::max()
                                 : rough_quantile(c.super_score.row(q), supers, p.reach);
    c.supers[q] = c.scores[q] = 0;
  }
  for (std::int64_t s = 0; s < supers; ++s) {
    std::int64_t concerned = 0;
    const std::int64_t valid = std::min(kGroup, p.groups.places() - s * kGroup);
    for (std::int64_t q = 0; q < queries; ++q)
      if (c.super_score(q, s) <= limit[q] && c.scores[q] + valid <= c.per_query)
        w.who[concerned++] = static_cast<std::int32_t>(q);
    if (concerned == 0) continue;
    for (std::int64_t i = 0; i < concerned; ++i)
      std::copy_n(w.block.negated.data() + w.who[i] * stride, stride, w.gathered.row(i));
    keep_scores(p.groups, w.gathered.data(), stride, concerned, s, w.partial.data(), c.group_score);
    for (std::int64_t i = 0; i < concerned; ++i) {
      const std::int32_t q = w.who[i];
      std::copy_n(c.group_score.row(i), valid, c.score.row(q) + c.scores[q]);
      c.scores[q] += valid;
      c.super(q, c.supers[q]++) = static_cast<std::int32_t>(s);
    }
  }
}

// Marks the groups that the queries choose; they stand in c.order, nearest to the block first.
void choose_groups(const scan::Partition& p, std::int64_t queries, scan::Worker& w,
                   scan::Chooser& c) {
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
        if ((chosen.who[0] | chosen.who[1]) == 0) c.touched.push_back(group);
        chosen.who[q / 64] |= std::uint64_t{1} << (q % 64);
      }
    }
  }
  c.order.clear();
  for (const std::int32_t group : c.touched)
    c.order.push_back({scan::center_distance(p.rows, w.block, group), group});
  std::sort(c.order.begin(), c.order.end(), scan::nearer);
}

// The beginning of a group's panels is asked for while another group is multiplied; what follows
// it memory foresees by itself.
LATLAS_INLINE void ask_for(const scan::Panels& panels, std::int64_t group) {
  const float* panel = panels.panel(group * kGroup);
  const std::int64_t ahead = std::min<std::int64_t>(panels.cols() * kPanelWidth, 1024);
  for (std::int64_t i = 0; i < ahead; i += 16) hwy::Prefetch(panel + i);
  for (std::int64_t i = 0; i < kGroup; i += 16)
    hwy::Prefetch(panels.half_norm.data() + group * kGroup + i);
}

/// Fills row chosen[i] of the lists for every query of the block, from the groups it chooses, and
/// says which these were.
void probe_block(const scan::Partition& p, ConstRows rows, std::span<const std::int32_t> chosen,
                 std::int64_t count, scan::Worker& w, scan::Chooser& c, Neighbors& lists,
                 std::vector<scan::Looked>* looked) {
  const auto queries = static_cast<std::int64_t>(chosen.size());
  begin_block(p.rows, rows, chosen, w);
  score_groups(p, queries, w, c);
  choose_groups(p, queries, w, c);
  for (std::size_t i = 0; i < c.order.size(); ++i) {
    const scan::GroupAt& at = c.order[i];
    if (i + 1 < c.order.size()) ask_for(p.rows, c.order[i + 1].group);
    const scan::Chosen& by = c.chosen[static_cast<std::size_t>(at.group)];
    std::int64_t concerned = 0;
    for (int half = 0; half < 2; ++half)
      for (std::uint64_t bits = by.who[half]; bits != 0; bits &= bits - 1) {
        const auto q = static_cast<std::int32_t>(64 * half + std::countr_zero(bits));
        w.who[concerned] = q;
        w.bar[concerned++] = w.limit[q];
      }
    scan_concerned(p.rows, queries, concerned, at.group, w);
    make_room(p.rows, rows, chosen, count, w);
  }
  std::sort(c.touched.begin(), c.touched.end());
  if (looked != nullptr) looked->reserve(c.touched.size());
  for (const std::int32_t group : c.touched) {
    scan::Chosen& by = c.chosen[static_cast<std::size_t>(group)];
    if (looked != nullptr) looked->push_back({group, by});
    by = {};
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
    make_room(p.rows, rows, chosen, count, w);
  }
  finish_block(p.rows, rows, chosen, count, w, lists);
}

// At most this share of Σ (x − y)² is lost by summing in float32, whose terms are not negative.
double float_doubt(std::int64_t d) { return (static_cast<double>(d / 16) + 8) * 0x1p-23; }

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

/// Improves the list of row i, sorted keys, by its neighbors' neighbors in the graph: those that a
/// fresh entry leads to, of the groups that it has not looked at.
/// @param chosen  for each group, by which queries of the block.
/// @param fresh   room for near² rows.
void refine(const scan::Refining& r, const std::vector<scan::Chosen>& chosen, std::int64_t i,
            std::span<scan::Key> list, scan::Seen& seen, std::vector<std::int32_t>& fresh) {
  const std::int64_t d = r.data.cols(), q = i % kBlock;
  const float* query = r.data.row(i);
  seen.clear();
  for (const scan::Key key : list) seen.insert(scan::row_of(key));
  // All rows are asked for before the first is measured, so that memory works ahead.
  std::size_t count = 0;
  for (std::int64_t a = 0; a < r.near; ++a) {
    const std::int32_t via = scan::row_of(list[static_cast<std::size_t>(a)]);
    const std::int32_t* next = r.graph.index.row(via);
    const std::uint8_t* news = r.fresh.row(via);
    const bool all = r.fresh(i, a) != 0;
    for (std::int64_t b = 0; b < r.near; ++b) {
      if (!all && news[b] == 0) continue;
      const auto group = static_cast<std::size_t>(next[b] / static_cast<std::int32_t>(kGroup));
      if (chosen[group].by(q) || !seen.insert(next[b])) continue;
      fresh[count++] = next[b];
      for (std::int64_t k = 0; k < d && k < 64; k += 16) hwy::Prefetch(r.data.row(next[b]) + k);
    }
  }
  const double share = 1 - float_doubt(d);
  const auto bar_of = [&](scan::Key key) {
    const auto farthest = static_cast<double>(scan::distance_of(key));
    return static_cast<float>(farthest * farthest * (1 + 0x1p-20) / share);
  };
  float bar = bar_of(list.back());
  for (std::size_t c = 0; c < count; ++c) {
    const float* row = r.data.row(fresh[c]);
    if (rough_square(query, row, d) > bar) continue;
    const scan::Key key = scan::key_of(squared_distance(query, row, d), fresh[c]);
    if (key >= list.back()) continue;
    std::size_t at = list.size() - 1;
    for (; at > 0 && list[at - 1] > key; --at) list[at] = list[at - 1];
    list[at] = key;
    bar = bar_of(list.back());
  }
}

/// Refines the lists of one block of rows, and says what is fresh in them.
/// @param chosen  one for each group, empty; left so.
void refine_block(const scan::Refining& r, std::int64_t begin, std::int64_t end,
                  std::vector<scan::Chosen>& chosen, Neighbors& to, scan::Fresh& fresh_to) {
  const std::int64_t count = r.graph.k();
  const auto& looked = r.record[static_cast<std::size_t>(begin / kBlock)];
  for (const scan::Looked& l : looked) chosen[static_cast<std::size_t>(l.group)] = l.chosen;
  scan::Seen seen(count + r.near * r.near);
  std::vector<scan::Key> list(static_cast<std::size_t>(count));
  std::vector<std::int32_t> fresh(static_cast<std::size_t>(r.near * r.near));
  for (std::int64_t i = begin; i < end; ++i) {
    scan::read_list(r.graph, i, list);
    refine(r, chosen, i, list, seen, fresh);
    // Both lists ascend, and what the old one holds of the new one stands in the same order.
    std::int64_t old = 0;
    for (std::int64_t j = 0; j < r.near; ++j) {
      const bool held = scan::row_of(list[static_cast<std::size_t>(j)]) == r.graph.index(i, old);
      fresh_to(i, j) = held ? 0 : 1;
      old += held ? 1 : 0;
    }
    scan::write_list(list, i, to);
  }
  for (const scan::Looked& l : looked) chosen[static_cast<std::size_t>(l.group)] = {};
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
namespace {
HWY_EXPORT(panel_width);
HWY_EXPORT(probe_block);
HWY_EXPORT(scan_all);
HWY_EXPORT(refine_block);

constexpr std::int64_t kFollowed = 32;     // of a list's rows, in refinement
constexpr std::int64_t kPilot = 384;       // rows on which the probes are measured
constexpr std::int64_t kMostProbes = 512;  // that are chosen by it
constexpr std::int64_t kReach = 12;        // supergroups, at least
constexpr std::int64_t kMostReach = 192;   // that is chosen by the pilot
constexpr double kExactly = 2e11;          // multiply-adds that `auto` spends on exactness

scan::Partition partition(ConstRows data, ConstRows queries) {
  scan::Partition p;
  p.rows = scan::pack(data, scan::frame_of(data, queries, "neighbors"), scan::in_order(data.rows()),
                      LATLAS_DISPATCH(panel_width)());
  p.groups = scan::pack_centers(p.rows);
  p.supers = scan::pack_centers(p.groups);
  return p;
}

/// The same for queries that reach farther, looking at as many groups.
scan::Partition partition(ConstRows data, ConstRows queries, const scan::Partition& like) {
  scan::Partition p = partition(data, queries);
  p.probes = like.probes;
  p.reach = like.reach;
  return p;
}

/// The queries by the scale of the frame that each needs, at most the frame's own; large first.
std::map<double, std::vector<std::int32_t>, std::greater<>> by_scale(ConstRows queries,
                                                                     const scan::Frame& frame) {
  std::map<double, std::vector<std::int32_t>, std::greater<>> rows;
  for (std::int64_t i = 0; i < queries.rows(); ++i)
    rows[scan::scale_to_hold(queries[i], frame)].push_back(static_cast<std::int32_t>(i));
  return rows;
}

Neighbors empty_lists(std::int64_t n, std::int64_t k) {
  return {BasicMatrix<std::int32_t>(n, k), Matrix(n, k)};
}

// Some rows of the data, seeded; ascending.
std::vector<std::int32_t> pilot_rows(std::int64_t n) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(kPilot));
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = static_cast<std::int32_t>(random::below(
        static_cast<std::uint64_t>(n),
        {.stream = random::Stream::sample, .sub = 2, .index = static_cast<std::uint64_t>(i)}));
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

/// Queries on which the probes are measured.
struct Pilot {
  Matrix rows;
  std::vector<std::int32_t> self;  // the rows of the data that they are, not counted as found
};

Pilot pilot_of(ConstRows data) {
  std::vector<std::int32_t> sample = pilot_rows(data.rows());
  return {copy_of(data, sample), std::move(sample)};
}

/// The best `count` of all rows for each of the pilot's.
Neighbors pilot_lists(const scan::Partition& p, const Pilot& pilot, std::int64_t count) {
  const Matrix& rows = pilot.rows;
  const std::vector<std::int32_t> all = scan::in_order(rows.rows());
  Neighbors lists = empty_lists(rows.rows(), count);
  const auto kernel = LATLAS_DISPATCH(scan_all);
  parallel_for(rows.rows(), scan::kBlock / 2, [&](std::int64_t begin, std::int64_t end) {
    scan::Worker worker(p.rows.cols(), p.rows.groups, count);
    kernel(p, rows,
           std::span(all).subspan(static_cast<std::size_t>(begin),
                                  static_cast<std::size_t>(end - begin)),
           count, worker, lists);
  });
  return lists;
}

/// The `most` of the groups listed that are nearest to the block's center, the nearest first.
void nearest_first(const scan::Panels& panels, const scan::Block& block, std::int64_t most,
                   std::span<const std::int32_t> listed, std::vector<scan::GroupAt>& order) {
  order.clear();
  for (const std::int32_t g : listed) order.push_back({scan::center_distance(panels, block, g), g});
  most = std::min(most, std::ssize(order));
  std::partial_sort(order.begin(), order.begin() + most, order.end(), scan::nearer);
  order.resize(static_cast<std::size_t>(most));
}

// The share of the true neighbors of a query that its nearest group holds, its two nearest, …, of
// those in the `reach` nearest supergroups.
std::vector<double> shares_held(const scan::Partition& p, const Pilot& pilot,
                                const Neighbors& lists, std::int64_t reach) {
  const Matrix& rows = pilot.rows;
  const std::vector<std::int32_t> all = scan::in_order(rows.rows());
  const std::vector<std::int32_t> supers = scan::in_order(p.groups.groups);
  const std::int64_t groups = p.rows.groups, most = std::min(groups, kMostProbes);
  // In which place of its row's order does a neighbor's group stand?
  BasicMatrix<std::int32_t> found(rows.rows(), most);
  parallel_for(rows.rows(), 16, [&](std::int64_t begin, std::int64_t end) {
    scan::Block block(p.rows.cols());
    std::vector<scan::GroupAt> order;
    std::vector<std::int32_t> within;
    for (std::int64_t i = begin; i < end; ++i) {
      block.fill(p.rows.frame, rows, std::span(all).subspan(static_cast<std::size_t>(i), 1));
      nearest_first(p.groups, block, reach, supers, order);
      within.clear();
      for (const scan::GroupAt& super : order)
        for (std::int64_t g = super.group * scan::kGroup;
             g < std::min(groups, (super.group + 1) * scan::kGroup); ++g)
          within.push_back(static_cast<std::int32_t>(g));
      nearest_first(p.rows, block, most, within, order);
      for (std::int64_t j = 0; j < lists.k(); ++j) {
        const std::int64_t place = lists.index(i, j);
        if (!pilot.self.empty() && place == pilot.self[static_cast<std::size_t>(i)]) continue;
        const auto at =
            std::find_if(order.begin(), order.end(),
                         [&](const auto& o) { return o.group == place / scan::kGroup; }) -
            order.begin();
        if (at < std::ssize(order)) ++found(i, at);
      }
    }
  });
  const std::int64_t count = lists.k();
  const std::int64_t others = pilot.self.empty() ? count : count - 1;
  std::vector<double> held(static_cast<std::size_t>(most));
  std::int64_t within = 0;
  for (std::int64_t probes = 0; probes < most; ++probes) {
    for (std::int64_t i = 0; i < rows.rows(); ++i) within += found(i, probes);
    held[static_cast<std::size_t>(probes)] =
        static_cast<double>(within) / static_cast<double>(rows.rows() * others);
  }
  return held;
}

// The share of the neighbors that must be in the groups looked at for a recall of 0.95 and a little
// more: rows offered back find some of the others, sweeps most, unless lists are too short to lead
// on.
double share_to_hold(std::int64_t k, std::int64_t sweeps, bool offers) {
  if (k < 8 || (sweeps == 0 && !offers)) return 0.96;
  if (sweeps == 0) return 0.935;
  return sweeps == 1 ? 0.82 : 0.74;
}

/// How far a query looks.
struct Look {
  std::int64_t probes, reach;

  // In groups of 96 products; of centers, which are also sorted out, each counts for several.
  std::int64_t cost() const { return probes + 4 * reach; }
};

/// The least look that holds the share of the neighbors; the farthest, where none does. `held`: the
/// shares for each reach.
Look look_that_holds(double share, const std::map<std::int64_t, std::vector<double>>& held) {
  Look best{std::ssize(held.rbegin()->second), held.rbegin()->first};
  for (const auto& [reach, shares] : held) {
    const Look look{std::lower_bound(shares.begin(), shares.end(), share) - shares.begin() + 1,
                    reach};
    if (look.probes <= std::ssize(shares) && look.cost() < best.cost()) best = look;
  }
  return best;
}

// Whether sweeps cost less than looking at so many more groups. A neighbor's neighbor costs as much
// as kCandidate multiply-adds, most of it waiting for memory.
bool sweeps_pay(std::int64_t more_probes, std::int64_t sweeps, std::int64_t k, std::int64_t d) {
  constexpr std::int64_t kCandidate = 200;
  const std::int64_t near = std::min(kFollowed, k);
  return more_probes * scan::kGroup * d > sweeps * near * near * kCandidate;
}

// Sets how many groups a query looks at, and among how many, and returns how many sweeps are to
// follow: `sweeps`, or, where the probes are free to choose, none if more groups do the same for
// less. `pilot` makes the queries on which that is measured.
template <class MakePilot>
std::int64_t set_probes(scan::Partition& p, const NeighborsParams& params, std::int64_t sweeps,
                        bool offers, const MakePilot& pilot) {
  const std::int64_t k = params.k, count = std::min(k + 1, p.rows.places());
  Look look{params.probes, kReach};
  if (params.probes == 0) {
    const Pilot on = pilot();
    const Neighbors lists = pilot_lists(p, on, count);
    std::map<std::int64_t, std::vector<double>> held;
    for (std::int64_t reach = kReach;; reach *= 2) {
      held[reach] = shares_held(p, on, lists, reach);
      if (reach >= std::min(p.groups.groups, kMostReach)) break;
    }
    look = look_that_holds(share_to_hold(k, sweeps, offers), held);
    const Look alone = look_that_holds(share_to_hold(k, 0, offers), held);
    // Who asks for more sweeps than are usual gets them.
    if (sweeps <= NeighborsParams().sweeps &&
        !sweeps_pay(alone.cost() - look.cost(), sweeps, k, p.rows.cols())) {
      look = alone;
      sweeps = 0;
    }
  }
  // Enough rows for a whole list, also when the last group, which may hold few, is among them.
  p.probes = std::max(look.probes, count / scan::kGroup + 2);
  p.reach = std::max(look.reach, 4 * p.probes / scan::kGroup + 2);
  return sweeps;
}

/// For each of the queries, in compact order, its best `count` of the rows it looks at; no list
/// when progress asked to stop. Fills the record where there is one.
Neighbors probe(const scan::Partition& p, ConstRows queries, std::int64_t count,
                const scan::Clock& clock, std::int64_t of, scan::Record* record) {
  const std::int64_t n = queries.rows();
  const std::vector<std::int32_t> all = scan::in_order(n);
  const std::span<const std::int32_t> rows(all);
  Neighbors lists = empty_lists(n, count);
  struct Pair {
    scan::Worker worker;
    scan::Chooser chooser;
  };
  const auto make = [&] {
    return std::unique_ptr<Pair>(
        new Pair{scan::Worker(p.rows.cols(), p.rows.groups, count), scan::Chooser(p)});
  };
  if (record != nullptr)
    record->resize(static_cast<std::size_t>((n + scan::kBlock - 1) / scan::kBlock));
  const auto kernel = LATLAS_DISPATCH(probe_block);
  const bool whole = scan::in_rounds(
      n, make, [&](std::int64_t done) { return clock.stops(done, of); },
      [&](std::int64_t begin, std::int64_t end, Pair& pair) {
        kernel(p, queries,
               rows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
               count, pair.worker, pair.chooser, lists,
               record == nullptr ? nullptr
                                 : &(*record)[static_cast<std::size_t>(begin / scan::kBlock)]);
      });
  return whole ? std::move(lists) : Neighbors{};
}

// A row that found another is offered to it: what one of two missed the other may have seen.
// Offers to rows that looked at the group of the one who offers are left out, they have seen it.
void offer_back(const scan::Record& record, Neighbors& lists) {
  struct Offer {
    std::int32_t to;
    scan::Key key;
  };
  const std::int64_t n = lists.rows(), k = lists.k();
  const auto blocks = static_cast<std::size_t>((n + scan::kBlock - 1) / scan::kBlock);
  std::vector<std::vector<Offer>> made(blocks), got(blocks);
  const auto last_key = [&](std::int64_t i) {
    return (scan::Key{std::bit_cast<std::uint32_t>(lists.distance(i, k - 1))} << 32) |
           static_cast<std::uint32_t>(lists.index(i, k - 1));
  };
  parallel_for(n, scan::kBlock, [&](std::int64_t begin, std::int64_t end) {
    auto& offers = made[static_cast<std::size_t>(begin / scan::kBlock)];
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t j = 0; j < k; ++j) {
        const std::int32_t to = lists.index(i, j);
        const scan::Key key =
            (scan::Key{std::bit_cast<std::uint32_t>(lists.distance(i, j))} << 32) |
            static_cast<std::uint32_t>(i);
        if (to == i || key > last_key(to) || scan::looked_at(record, to, i / scan::kGroup))
          continue;
        offers.push_back({to, key});
      }
  });
  for (const auto& offers : made)
    for (const Offer& o : offers) got[static_cast<std::size_t>(o.to / scan::kBlock)].push_back(o);
  parallel_for(static_cast<std::int64_t>(blocks), 1, [&](std::int64_t begin, std::int64_t) {
    std::vector<scan::Key> list(static_cast<std::size_t>(k));
    for (const Offer& o : got[static_cast<std::size_t>(begin)]) {
      if (o.key >= last_key(o.to)) continue;
      scan::read_list(lists, o.to, list);
      std::size_t at = list.size() - 1;
      for (; at > 0 && list[at - 1] > o.key; --at) list[at] = list[at - 1];
      list[at] = o.key;
      scan::write_list(list, o.to, lists);
    }
  });
}

/// The lists of all rows after so many sweeps. The first follows every entry, the others those that
/// came in by the one before.
Neighbors swept(ConstRows data, Neighbors graph, const scan::Record& record, std::int64_t sweeps,
                const scan::Clock& clock) {
  const std::int64_t near = std::min(kFollowed, graph.k()), n = graph.rows();
  const std::int64_t groups = (n + scan::kGroup - 1) / scan::kGroup;
  scan::Fresh fresh(sweeps > 0 ? n : 0, near);
  std::fill_n(fresh.data(), fresh.size(), std::uint8_t{1});
  using Chosen = std::vector<scan::Chosen>;
  const auto make = [&] { return std::make_unique<Chosen>(static_cast<std::size_t>(groups)); };
  const auto kernel = LATLAS_DISPATCH(refine_block);
  for (std::int64_t sweep = 1; sweep <= sweeps; ++sweep) {
    Neighbors next = empty_lists(n, graph.k());
    scan::Fresh next_fresh(n, near);
    const bool whole = scan::in_rounds(
        n, make, [&](std::int64_t done) { return clock.stops(sweep * n + done, (1 + sweeps) * n); },
        [&](std::int64_t begin, std::int64_t end, Chosen& chosen) {
          kernel({data, graph, record, near, fresh}, begin, end, chosen, next, next_fresh);
        });
    if (!whole) return {};
    graph = std::move(next);
    fresh = std::move(next_fresh);
  }
  return graph;
}

/// The data's distinct rows in compact order, and where they stand in the data.
struct Compact {
  scan::Distinct distinct;
  std::vector<std::int32_t> row;
  Matrix rows;
};

Compact compact(ConstRows data) {
  Compact c;
  c.distinct = scan::distinct_rows(data);
  c.row = scan::compact_order(data, c.distinct.rows);
  c.rows = copy_of(data, c.row);
  return c;
}

/// Lists of places in compact order become lists of rows of the data.
void expand(const Compact& data, const Neighbors& lists, std::int64_t list, std::int32_t self,
            std::span<std::int32_t> index, std::span<float> distance) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(lists.k()));
  for (std::int64_t j = 0; j < lists.k(); ++j)
    rows[static_cast<std::size_t>(j)] = data.row[static_cast<std::size_t>(lists.index(list, j))];
  scan::expand(rows, lists.distance[list], data.distinct, self, index, distance);
}

Neighbors solve_within(ConstRows rows, const NeighborsParams& params, const Progress& progress) {
  const scan::Clock clock(progress);
  const Compact data = compact(rows);
  const std::int64_t n = data.rows.rows(), count = std::min(params.k + 1, n);
  std::int64_t sweeps = 0;
  Neighbors lists;
  scan::Record record;
  {
    scan::Partition p = partition(data.rows, data.rows);
    sweeps = set_probes(p, params, params.sweeps, true, [&] { return pilot_of(data.rows); });
    lists = probe(p, data.rows, count, clock, n * (1 + sweeps), &record);
  }
  if (lists.rows() == 0) return {};
  offer_back(record, lists);
  lists = swept(data.rows, std::move(lists), record, sweeps, clock);
  if (lists.rows() == 0) return {};

  Neighbors graph = empty_lists(rows.rows(), params.k);
  parallel_for(n, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (const std::int32_t row : data.distinct.equals(data.row[static_cast<std::size_t>(i)]))
        expand(data, lists, i, row, graph.index[row], graph.distance[row]);
  });
  return graph;
}

// A row of the data as a query that knows only its direction (inner_product.h).
Pilot pilot_of_lifted(ConstRows data, double norm) {
  const std::int64_t d = data.cols() - 1;
  const Matrix rows = copy_of(data, pilot_rows(data.rows()));
  return {scan::lifted_queries({rows.data(), rows.rows(), d, data.cols()}, norm), {}};
}

// Puts inner products in place of the distances of lifted rows, and each list into their order.
void measure_products(ConstRows queries, std::span<const std::int32_t> order, ConstRows lifted,
                      Neighbors& lists) {
  parallel_for(lists.rows(), 64, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::pair<float, std::int32_t>> list(static_cast<std::size_t>(lists.k()));
    for (std::int64_t i = begin; i < end; ++i) {
      const float* x = queries.row(order[static_cast<std::size_t>(i)]);
      for (std::size_t j = 0; j < list.size(); ++j) {
        const std::int32_t place = lists.index(i, static_cast<std::int64_t>(j));
        list[j] = {scan::negative_product(x, lifted.row(place), queries.cols()), place};
      }
      std::sort(list.begin(), list.end());
      for (std::size_t j = 0; j < list.size(); ++j) {
        const auto at = static_cast<std::int64_t>(j);
        lists.distance(i, at) = list[j].first;
        lists.index(i, at) = list[j].second;
      }
    }
  });
}

// A query that is a row of the data has it in its list, wherever its group's center lies.
void put_equals_first(const scan::EqualRows& rows, ConstRows queries,
                      std::span<const std::int32_t> order, Neighbors& lists) {
  parallel_for(lists.rows(), 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int32_t place = rows.find(queries[order[static_cast<std::size_t>(i)]]);
      const auto list = lists.index[i];
      if (place < 0 || std::find(list.begin(), list.end(), place) != list.end()) continue;
      std::copy_backward(list.begin(), list.end() - 1, list.end());
      const auto distance = lists.distance[i];
      std::copy_backward(distance.begin(), distance.end() - 1, distance.end());
      list.front() = place;
      distance.front() = 0;
    }
  });
}

/// A row's own place in the answer to it as a query, which is left out; else the last one.
Neighbors without_self(const Neighbors& with) {
  const std::int64_t k = with.k() - 1;
  Neighbors graph = empty_lists(with.rows(), k);
  parallel_for(with.rows(), 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t from = 0, to = 0; to < k; ++from) {
        if (with.index(i, from) == i) continue;
        graph.index(i, to) = with.index(i, from);
        graph.distance(i, to++) = with.distance(i, from);
      }
  });
  return graph;
}

}  // namespace

Neighbors approximate_neighbors(ConstRows data, const NeighborsParams& params,
                                const Progress& progress) {
  scan::check_search(data, params);
  if (params.metric == "inner_product") {
    NeighborsParams one_more = params;
    ++one_more.k;
    const Neighbors with = ApproximateIndex(data, one_more).search(data, progress);
    return with.rows() == 0 ? Neighbors{} : without_self(with);
  }
  if (params.metric == "euclidean") return solve_within(data, params, progress);
  Neighbors graph = solve_within(unit_rows(data, "neighbors: data"), params, progress);
  scan::to_cosine(graph);
  return graph;
}

struct ApproximateIndex::State {
  NeighborsParams params;
  double norm;  // of lifted rows
  Compact data;
  std::int64_t count;
  scan::Partition partition;
  scan::EqualRows equal;  // of data.rows

  bool cosine() const { return params.metric == "cosine"; }
  bool products() const { return params.metric == "inner_product"; }
  std::int64_t cols() const { return data.rows.cols() - (products() ? 1 : 0); }
  /// As they are searched, unless that is as they are given.
  Matrix prepared(ConstRows queries) const {
    if (cosine()) return unit_rows(queries, "neighbors: queries");
    return products() ? scan::lifted_queries(queries, norm) : Matrix();
  }
};

ApproximateIndex::ApproximateIndex(ConstRows data, const NeighborsParams& params)
    : state_(new State{params, 0, {}, 0, {}, {}}) {
  scan::check_search(data, data, params);
  State& s = *state_;
  if (s.cosine()) {
    s.data = compact(unit_rows(data, "neighbors: data"));
  } else if (s.products()) {
    s.norm = scan::largest_norm(data);
    s.data = compact(scan::lifted_rows(data, s.norm));
  } else {
    s.data = compact(data);
  }
  s.count = std::min(params.k, s.data.rows.rows());
  s.partition = partition(s.data.rows, s.data.rows);
  set_probes(s.partition, params, 0, false, [&] {
    return s.products() ? pilot_of_lifted(s.data.rows, s.norm) : pilot_of(s.data.rows);
  });
  if (!s.products()) s.equal = scan::EqualRows(s.data.rows);
}
ApproximateIndex::ApproximateIndex(ApproximateIndex&&) noexcept = default;
ApproximateIndex& ApproximateIndex::operator=(ApproximateIndex&&) noexcept = default;
ApproximateIndex::~ApproximateIndex() = default;

Neighbors ApproximateIndex::search(ConstRows given, const Progress& progress) const {
  const State& s = *state_;
  const Compact& data = s.data;
  require(given.cols() == s.cols(), "neighbors: queries have ", given.cols(), " columns, the data ",
          s.cols(), "; they must agree");
  scan::check_rows(given, "neighbors: queries");
  if (s.products()) scan::require_products(given, s.norm);
  const Matrix prepared = s.prepared(given);
  const ConstRows queries = s.cosine() || s.products() ? ConstRows(prepared) : given;

  // Queries far outside the data need a frame that holds them. Each has the one that it would have
  // if it came alone.
  const scan::Frame& frame = s.partition.rows.frame;
  if (frame.scale < 0x1p-100) scan::frame_of(data.rows, queries, "neighbors");  // may be too far
  const scan::Clock clock(progress);
  Neighbors graph = empty_lists(queries.rows(), s.params.k);
  for (const auto& [scale, rows] : by_scale(queries, frame)) {
    scan::Partition wider;
    const bool fits = scale == frame.scale;
    if (!fits) wider = partition(data.rows, copy_of(queries, rows), s.partition);
    const std::vector<std::int32_t> order = scan::compact_order(queries, rows);
    Neighbors lists = probe(fits ? s.partition : wider, copy_of(queries, order), s.count, clock,
                            queries.rows(), nullptr);
    if (lists.rows() == 0) return {};
    if (s.products())
      measure_products(given, order, data.rows, lists);
    else
      put_equals_first(s.equal, queries, order, lists);
    parallel_for(lists.rows(), 256, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int32_t query = order[static_cast<std::size_t>(i)];
        expand(data, lists, i, scan::kNone, graph.index[query], graph.distance[query]);
      }
    });
  }
  if (s.cosine()) scan::to_cosine(graph);
  return graph;
}

Neighbors approximate_neighbors(ConstRows queries, ConstRows data, const NeighborsParams& params,
                                const Progress& progress) {
  scan::check_search(queries, data, params);
  return ApproximateIndex(data, params).search(queries, progress);
}

bool searches_exactly(std::int64_t queries, std::int64_t n, std::int64_t d,
                      const NeighborsParams& params) {
  if (params.search != "auto") return params.search == "exact";
  return static_cast<double>(queries) * static_cast<double>(n) * static_cast<double>(d) <= kExactly;
}

Neighbors find_neighbors(ConstRows data, const NeighborsParams& params, const Progress& progress) {
  return searches_exactly(data.rows(), data.rows(), data.cols(), params)
             ? nearest_neighbors(data, params, progress)
             : approximate_neighbors(data, params, progress);
}

Neighbors find_neighbors(ConstRows queries, ConstRows data, const NeighborsParams& params,
                         const Progress& progress) {
  return searches_exactly(queries.rows(), data.rows(), data.cols(), params)
             ? nearest_neighbors(queries, data, params, progress)
             : approximate_neighbors(queries, data, params, progress);
}

bool index_searches_exactly(std::int64_t n, const NeighborsParams& params) {
  constexpr std::int64_t kExactUpTo = 20'000;
  return params.search == "exact" || (params.search == "auto" && n <= kExactUpTo);
}

NeighborIndex::NeighborIndex(ConstRows data, const NeighborsParams& params)
    : data_(data), params_(params) {
  scan::check_search(data, data, params);
  if (!index_searches_exactly(data.rows(), params)) approximate_.emplace(data, params);
}

Neighbors NeighborIndex::search(ConstRows queries, const Progress& progress) const {
  return exact() ? nearest_neighbors(queries, data_, params_, progress)
                 : approximate_->search(queries, progress);
}

namespace {

/// `sample` of n rows, by the seed; all of them, in order, when there are no more.
std::vector<std::int32_t> sample_of(std::int64_t n, std::int64_t sample, std::uint64_t seed) {
  require(sample >= 1, "recall: the sample is ", sample, ", it must be 1 or more");
  std::vector<std::int32_t> rows = scan::in_order(n);
  if (sample >= n) return rows;
  for (std::int64_t i = 0; i < sample; ++i) {  // the first draws of a shuffle
    const auto left = static_cast<std::uint64_t>(n - i);
    const std::uint64_t other = static_cast<std::uint64_t>(i) +
                                random::below(left, {.seed = seed,
                                                     .stream = random::Stream::sample,
                                                     .sub = 1,
                                                     .index = static_cast<std::uint64_t>(i)});
    std::swap(rows[static_cast<std::size_t>(i)], rows[static_cast<std::size_t>(other)]);
  }
  rows.resize(static_cast<std::size_t>(sample));
  return rows;
}

/// Of the lists of the rows given, against their exact ones.
Recall recall_of(const Neighbors& lists, std::span<const std::int32_t> rows,
                 const Neighbors& exact) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto found = lists.distance[rows[i]];
    const float farthest = exact.distance[static_cast<std::int64_t>(i)].back();
    const auto within = std::upper_bound(found.begin(), found.end(), farthest) - found.begin();
    const double share = static_cast<double>(within) / static_cast<double>(lists.k());
    sum += share;
    squares += share * share;
  }
  const auto m = static_cast<double>(rows.size());
  Recall recall{sum / m, 0};
  if (m < static_cast<double>(lists.rows()) && m > 1)
    recall.standard_error =
        std::sqrt(std::max(0.0, squares / m - recall.value * recall.value) / (m - 1));
  return recall;
}

}  // namespace

Recall measured_recall(const Neighbors& graph, ConstRows data, const std::string& metric,
                       std::int64_t sample, std::uint64_t seed) {
  require(graph.rows() == data.rows(), "recall: a graph of ", graph.rows(), " rows and data of ",
          data.rows(), " do not belong together");
  const std::vector<std::int32_t> rows = sample_of(data.rows(), sample, seed);
  return recall_of(graph, rows,
                   nearest_neighbors_of(rows, data, {.k = graph.k(), .metric = metric}));
}

Recall measured_recall(const Neighbors& lists, ConstRows queries, ConstRows data,
                       const std::string& metric, std::int64_t sample, std::uint64_t seed) {
  require(lists.rows() == queries.rows(), "recall: lists of ", lists.rows(), " rows and ",
          queries.rows(), " queries do not belong together");
  if (queries.rows() == 0) return {};
  const std::vector<std::int32_t> rows = sample_of(queries.rows(), sample, seed);
  return recall_of(
      lists, rows,
      nearest_neighbors(copy_of(queries, rows), data, {.k = lists.k(), .metric = metric}));
}

}  // namespace latlas
#endif
