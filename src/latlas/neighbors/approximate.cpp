// Approximate neighbors in four steps.
//
// 1. The distinct rows are copied in compact order (panels.h), so that what is near in space is
//    near in memory, and cut into groups of 96; 96 groups in a row are a supergroup.
// 2. Each query looks for its nearest groups by their centers: first the nearest supergroups, then,
//    among the groups of these, `probes` of them. Its choice depends on nothing but itself.
// 3. Queries are worked on in blocks of neighbors, whose choices agree for the most part: each
//    group is multiplied with the queries that chose it, through the same tile and under the same
//    limits as in exact search. The result is exactly the best among the rows looked at.
// 4. Refinement: in each sweep a row is compared with the neighbors of its neighbors. A sweep reads
//    the old graph and writes a new one, so no order of the rows matters.
//    (Dong, Moses, Li, Efficient k-nearest neighbor graph construction for generic similarity
//    measures, 2011, without its sampling.)
#include "latlas/neighbors/approximate.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/neighbors/duplicates.h"
#include "latlas/neighbors/lists.h"
#include "latlas/neighbors/panels.h"
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
};

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

struct Refining {
  ConstRows data;          // in compact order
  const Neighbors& graph;  // of the data's rows
  std::int64_t near;       // of a list's rows that are followed
};

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

/// Fills row chosen[i] of the lists for every query of the block, from the groups it chooses.
void probe_block(const scan::Partition& p, ConstRows rows, std::span<const std::int32_t> chosen,
                 std::int64_t count, scan::Worker& w, scan::Chooser& c, Neighbors& lists) {
  const auto queries = static_cast<std::int64_t>(chosen.size());
  begin_block(p.rows, rows, chosen, w);
  score_groups(p, queries, w, c);
  choose_groups(p, queries, w, c);
  for (const scan::GroupAt& at : c.order) {
    scan::Chosen& by = c.chosen[static_cast<std::size_t>(at.group)];
    std::int64_t concerned = 0;
    for (int half = 0; half < 2; ++half)
      for (std::uint64_t bits = by.who[half]; bits != 0; bits &= bits - 1) {
        const auto q = static_cast<std::int32_t>(64 * half + std::countr_zero(bits));
        w.who[concerned] = q;
        w.bar[concerned++] = w.limit[q];
      }
    by = {};
    scan_concerned(p.rows, queries, concerned, at.group, w);
    make_room(p.rows, rows, chosen, count, w);
  }
  finish_block(p.rows, rows, chosen, count, w, lists);
}

/// Improves the list of a query, sorted keys, by its neighbors' neighbors in the graph.
/// @param fresh  room for near² rows.
void refine(const scan::Refining& r, const float* query, std::span<scan::Key> list,
            scan::Seen& seen, std::vector<std::int32_t>& fresh) {
  const std::int64_t d = r.data.cols();
  seen.clear();
  for (const scan::Key key : list) seen.insert(scan::row_of(key));
  // All rows are asked for before the first is measured, so that memory works ahead.
  std::size_t count = 0;
  for (std::int64_t a = 0; a < r.near; ++a) {
    const std::int32_t* next = r.graph.index.row(scan::row_of(list[static_cast<std::size_t>(a)]));
    for (std::int64_t b = 0; b < r.near; ++b) {
      if (!seen.insert(next[b])) continue;
      fresh[count++] = next[b];
      for (std::int64_t k = 0; k < d && k < 64; k += 16) hwy::Prefetch(r.data.row(next[b]) + k);
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const scan::Key key = scan::key_of(squared_distance(query, r.data.row(fresh[i]), d), fresh[i]);
    if (key >= list.back()) continue;
    std::size_t at = list.size() - 1;
    for (; at > 0 && list[at - 1] > key; --at) list[at] = list[at - 1];
    list[at] = key;
  }
}

void refine_rows(const scan::Refining& r, ConstRows queries, const Neighbors& from,
                 std::int64_t begin, std::int64_t end, Neighbors& to) {
  const auto k = static_cast<std::size_t>(from.k());
  scan::Seen seen(from.k() + r.near * r.near);
  std::vector<scan::Key> list(k);
  std::vector<std::int32_t> fresh(static_cast<std::size_t>(r.near * r.near));
  for (std::int64_t i = begin; i < end; ++i) {
    const auto index = from.index[i];
    const auto distance = from.distance[i];
    for (std::size_t j = 0; j < k; ++j)
      list[j] = (scan::Key{std::bit_cast<std::uint32_t>(distance[j])} << 32) |
                static_cast<std::uint32_t>(index[j]);
    refine(r, queries.row(i), list, seen, fresh);
    for (std::size_t j = 0; j < k; ++j) {
      to.index[i][j] = scan::row_of(list[j]);
      to.distance[i][j] = scan::distance_of(list[j]);
    }
  }
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
namespace {
HWY_EXPORT(panel_width);
HWY_EXPORT(probe_block);
HWY_EXPORT(refine_rows);

constexpr std::int64_t kRound = 64 * scan::kBlock;  // rows between two reports
constexpr std::int64_t kFollowed = 24;              // of a list's rows, in refinement
constexpr double kExactly = 5e11;                   // multiply-adds that `auto` spends on exactness

class Clock {
 public:
  explicit Clock(const Progress& progress) : progress_(progress) {}
  bool stops(std::int64_t step, std::int64_t of) const {
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - begin_;
    return wants_stop(progress_,
                      {.stage = "neighbors", .step = step, .of = of, .seconds = since.count()});
  }

 private:
  const Progress& progress_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

scan::Partition partition(ConstRows data, ConstRows queries, std::int64_t count,
                          std::int64_t probes) {
  scan::Partition p;
  p.rows = scan::pack(data, scan::frame_of(data, queries, "neighbors"), scan::in_order(data.rows()),
                      LATLAS_DISPATCH(panel_width)());
  p.groups = scan::pack_centers(p.rows);
  p.supers = scan::pack_centers(p.groups);
  // Enough rows for a whole list, also when the last group, which may hold few, is among them.
  p.probes = std::max(probes, count / scan::kGroup + 2);
  p.reach = std::max<std::int64_t>(8, 4 * p.probes / scan::kGroup + 2);
  return p;
}

/// The copy of the listed rows.
Matrix gather(ConstRows data, std::span<const std::int32_t> rows) {
  Matrix out(static_cast<std::int64_t>(rows.size()), data.cols());
  parallel_for(out.rows(), 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      std::copy_n(data.row(rows[static_cast<std::size_t>(i)]), data.cols(), out.row(i));
  });
  return out;
}

Neighbors empty_lists(std::int64_t n, std::int64_t k) {
  return {BasicMatrix<std::int32_t>(n, k), Matrix(n, k)};
}

/// For each of the queries, in compact order, its best `count` of the rows it looks at; no list
/// when progress asked to stop.
Neighbors probe(const scan::Partition& p, ConstRows queries, std::int64_t count, const Clock& clock,
                std::int64_t of) {
  const std::int64_t n = queries.rows();
  const std::vector<std::int32_t> all = scan::in_order(n);
  const std::span<const std::int32_t> rows(all);
  Neighbors lists = empty_lists(n, count);
  struct Pair {
    scan::Worker worker;
    scan::Chooser chooser;
  };
  std::vector<std::unique_ptr<Pair>> pairs(static_cast<std::size_t>(threads()));
  const auto kernel = LATLAS_DISPATCH(probe_block);
  for (std::int64_t first = 0; first < n; first += kRound) {
    const std::int64_t last = std::min(n, first + kRound);
    parallel_for_worker(
        last - first, scan::kBlock, [&](std::int64_t begin, std::int64_t end, int id) {
          auto& pair = pairs[static_cast<std::size_t>(id)];
          if (!pair)
            pair.reset(
                new Pair{scan::Worker(p.rows.cols(), p.rows.groups, count), scan::Chooser(p)});
          kernel(p, queries,
                 rows.subspan(static_cast<std::size_t>(first + begin),
                              static_cast<std::size_t>(end - begin)),
                 count, pair->worker, pair->chooser, lists);
        });
    if (clock.stops(last, of)) return {};
  }
  return lists;
}

/// One sweep over the queries' lists through the graph of the data.
Neighbors sweep(ConstRows data, const Neighbors& graph, ConstRows queries, const Neighbors& lists,
                const Clock& clock, std::int64_t done, std::int64_t of) {
  Neighbors next = empty_lists(lists.rows(), lists.k());
  const std::int64_t near = std::min({kFollowed, lists.k(), graph.k()}), n = lists.rows();
  const auto kernel = LATLAS_DISPATCH(refine_rows);
  for (std::int64_t first = 0; first < n; first += kRound) {
    const std::int64_t last = std::min(n, first + kRound);
    parallel_for(last - first, scan::kBlock, [&](std::int64_t begin, std::int64_t end) {
      kernel({data, graph, near}, queries, lists, first + begin, first + end, next);
    });
    if (clock.stops(done + last, of)) return {};
  }
  return next;
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
  c.rows = gather(data, c.row);
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
  const Clock clock(progress);
  const Compact data = compact(rows);
  const std::int64_t n = data.rows.rows(), count = std::min(params.k + 1, n);
  const std::int64_t steps = n * (1 + params.sweeps);
  Neighbors lists;
  {
    const scan::Partition p = partition(data.rows, data.rows, count, params.probes);
    lists = probe(p, data.rows, count, clock, steps);
  }
  for (std::int64_t s = 1; s <= params.sweeps && lists.rows() != 0; ++s)
    lists = sweep(data.rows, lists, data.rows, lists, clock, s * n, steps);
  if (lists.rows() == 0) return {};

  Neighbors graph = empty_lists(rows.rows(), params.k);
  parallel_for(n, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (const std::int32_t row : data.distinct.equals(data.row[static_cast<std::size_t>(i)]))
        expand(data, lists, i, row, graph.index[row], graph.distance[row]);
  });
  return graph;
}

Neighbors solve_queries(ConstRows rows, ConstRows queries, const NeighborsParams& params,
                        const Progress& progress) {
  const Clock clock(progress);
  const Compact data = compact(rows);
  const std::vector<std::int32_t> order =
      scan::compact_order(queries, scan::in_order(queries.rows()));
  const Matrix sorted = gather(queries, order);
  const std::int64_t n = data.rows.rows(), m = queries.rows(), count = std::min(params.k, n);
  const scan::Partition p = partition(data.rows, queries, count, params.probes);
  const Neighbors lists = probe(p, sorted, count, clock, m);
  if (lists.rows() == 0) return {};
  Neighbors graph = empty_lists(m, params.k);
  parallel_for(m, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int32_t query = order[static_cast<std::size_t>(i)];
      expand(data, lists, i, scan::kNone, graph.index[query], graph.distance[query]);
    }
  });
  return graph;
}

}  // namespace

Neighbors approximate_neighbors(ConstRows data, const NeighborsParams& params,
                                const Progress& progress) {
  scan::check_search(data, params);
  if (params.metric == "euclidean") return solve_within(data, params, progress);
  Neighbors graph = solve_within(unit_rows(data, "neighbors: data"), params, progress);
  scan::to_cosine(graph);
  return graph;
}

Neighbors approximate_neighbors(ConstRows queries, ConstRows data, const NeighborsParams& params,
                                const Progress& progress) {
  scan::check_search(queries, data, params);
  if (params.metric == "euclidean") return solve_queries(data, queries, params, progress);
  Neighbors graph = solve_queries(unit_rows(data, "neighbors: data"),
                                  unit_rows(queries, "neighbors: queries"), params, progress);
  scan::to_cosine(graph);
  return graph;
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

Recall measured_recall(const Neighbors& graph, ConstRows data, const std::string& metric,
                       std::int64_t sample, std::uint64_t seed) {
  require(graph.rows() == data.rows(), "recall: a graph of ", graph.rows(), " rows and data of ",
          data.rows(), " do not belong together");
  require(sample >= 1, "recall: the sample is ", sample, ", it must be 1 or more");
  std::vector<std::int32_t> rows = scan::in_order(data.rows());
  const bool all = sample >= data.rows();
  if (!all) {  // the first draws of a shuffle
    for (std::int64_t i = 0; i < sample; ++i) {
      const auto left = static_cast<std::uint64_t>(data.rows() - i);
      const std::uint64_t other = static_cast<std::uint64_t>(i) +
                                  random::below(left, {.seed = seed,
                                                       .stream = random::Stream::sample,
                                                       .sub = 1,
                                                       .index = static_cast<std::uint64_t>(i)});
      std::swap(rows[static_cast<std::size_t>(i)], rows[static_cast<std::size_t>(other)]);
    }
    rows.resize(static_cast<std::size_t>(sample));
  }
  const Neighbors exact = nearest_neighbors_of(rows, data, {.k = graph.k(), .metric = metric});
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto found = graph.distance[rows[i]];
    const float farthest = exact.distance[static_cast<std::int64_t>(i)].back();
    const auto within = std::upper_bound(found.begin(), found.end(), farthest) - found.begin();
    const double share = static_cast<double>(within) / static_cast<double>(graph.k());
    sum += share;
    squares += share * share;
  }
  const auto m = static_cast<double>(rows.size());
  Recall recall{sum / m, 0};
  if (!all && m > 1)
    recall.standard_error =
        std::sqrt(std::max(0.0, squares / m - recall.value * recall.value) / (m - 1));
  return recall;
}

}  // namespace latlas
#endif
