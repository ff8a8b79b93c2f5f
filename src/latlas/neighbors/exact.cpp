// Exact neighbors in four steps.
//
// 1. Equal rows are searched once (duplicates.h).
// 2. Queries and data are brought into an order in which neighbors in space are neighbors in memory
//    (panels.h). A block of queries looks at groups of the data, the nearest first, so that its
//    limits are tight early. By the triangle inequality, groups beyond a query's reach are left
//    out.
// 3. Scores come from the product tile and meet the query's limit in registers. Those below it are
//    appended to the query's buffer. A full buffer is compacted: the count-th best score, made safe
//    against rounding, is the new limit.
// 4. What is left is measured exactly and sorted by (distance, index).
//
// Where rounding cannot tell rows apart (tight clusters far from each other), compaction would not
// shrink the buffer; then it measures exactly at once.
#include "latlas/neighbors/exact.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/neighbors/duplicates.h"
#include "latlas/neighbors/panels.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/neighbors/exact.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/neighbors/scan-inl.h"

#ifndef LATLAS_NEIGHBORS_EXACT_ONCE
#define LATLAS_NEIGHBORS_EXACT_ONCE
namespace latlas::scan {

struct Candidate {
  Key key;
  float score;
  std::int32_t place;
};

/// What one block of queries needs while it searches; one for each worker.
struct Worker {
  Worker(std::int64_t cols, std::int64_t groups, std::int64_t count)
      : capacity(std::min(count + std::max(count, 256 + kGroup) + kGroup, (groups + 1) * kGroup)),
        block(cols),
        score(kBlock, (capacity + 15) / 16 * 16),
        place(kBlock, (capacity + 15) / 16 * 16),
        partial(kBlock, kGroup),
        center_score(kBlock, (groups + kGroup - 1) / kGroup * kGroup),
        gathered(kBlock, block.stride) {}

  std::int64_t capacity;  // of a query's buffer; compacted when less than a group is free
  Block block;
  Matrix score;                     // kBlock × capacity
  BasicMatrix<std::int32_t> place;  // kBlock × capacity
  Matrix partial;
  Matrix center_score;        // of the queries with the groups' centers
  Matrix gathered;            // −x' of the queries that a group concerns
  std::int32_t who[kBlock];   // those queries
  float bar[kBlock];          // and their limits
  std::int64_t size[kBlock];  // of the buffers
  float limit[kBlock];        // scores above are of no interest
  double reach[kBlock];       // in scaled rows: rows farther are of no interest
  std::vector<Doubt> doubt;
  std::vector<GroupAt> order;
  std::vector<Candidate> exact;
};

}  // namespace latlas::scan
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

using scan::kBlock;
using scan::kGroup;

std::int64_t panel_width() { return kPanelWidth; }

// Appends what passes the limits, which is rare once they are tight.
struct Append {
  scan::Worker& w;

  LATLAS_INLINE void operator()(const Scores& scores, std::int64_t query, std::int64_t place) {
    hn::Mask<DF> some = hn::FirstN(DF(), 0);  // none
    for (int i = 0; i < kTileRows; ++i) {
      const hn::Vec<DF> limit = hn::Set(DF(), w.bar[query + i]);
      for (int j = 0; j < kTileVectors; ++j)
        LATLAS_EACH some = hn::Or(some, hn::Le(scores[i][j].v[p], limit));
    }
    if (HWY_LIKELY(hn::AllFalse(DF(), some))) return;
    append(scores, query, place);
  }

  HWY_NOINLINE void append(const Scores& scores, std::int64_t query, std::int64_t place) {
    for (int i = 0; i < kTileRows; ++i) {
      const F16 limit = set(w.bar[query + i]);
      for (int j = 0; j < kTileVectors; ++j) {
        std::uint32_t bits = to_bits(scores[i][j] <= limit);
        if (bits == 0) continue;
        HWY_ALIGN float value[16];
        store(scores[i][j], value);
        const std::int32_t q = w.who[query + i];
        std::int64_t at = w.size[q];
        float* score = w.score.row(q);
        std::int32_t* places = w.place.row(q);
        const auto base = static_cast<std::int32_t>(place + 16 * j);
        for (; bits != 0; bits &= bits - 1, ++at) {
          const int lane = std::countr_zero(bits);
          score[at] = value[lane];
          places[at] = base + lane;
        }
        w.size[q] = at;
      }
    }
  }
};

// Keeps all scores.
struct Keep {
  Matrix& out;

  LATLAS_INLINE void operator()(const Scores& scores, std::int64_t query, std::int64_t place) {
    for (int i = 0; i < kTileRows; ++i)
      for (int j = 0; j < kTileVectors; ++j)
        store(scores[i][j], out.row(query + i) + place + 16 * j);
  }
};

std::int64_t count_up_to(float limit, const float* x, std::int64_t n) {  // n a multiple of 16
  std::int64_t count = 0;
  const F16 l = set(limit);
  for (std::int64_t i = 0; i < n; i += 16) count += std::popcount(to_bits(load(x + i) <= l));
  return count;
}

// A value that at least `count` of the n numbers do not exceed, and few more; by bisection.
float rough_quantile(float* x, std::int64_t n, std::int64_t count) {
  const std::int64_t padded = (n + 15) / 16 * 16;
  for (std::int64_t i = n; i < padded; ++i) x[i] = std::numeric_limits<float>::infinity();
  float low = x[0], high = x[0];
  for (std::int64_t i = 1; i < n; ++i) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  std::int64_t within = n;
  while (within > count + 4 + count / 32) {
    const float middle = low + 0.5F * (high - low);
    if (!(middle > low && middle < high)) break;
    const std::int64_t c = count_up_to(middle, x, padded);
    if (c >= count) {
      high = middle;
      within = c;
    } else {
      low = middle;
    }
  }
  return high;
}

void measure(const scan::Panels& panels, const float* query, scan::Worker& w, std::int64_t q) {
  w.exact.clear();
  for (std::int64_t i = 0; i < w.size[q]; ++i) {
    const std::int32_t place = w.place(q, i), row = panels.row[static_cast<std::size_t>(place)];
    const double square = squared_distance(query, panels.data.row(row), panels.cols());
    w.exact.push_back({scan::key_of(square, row), w.score(q, i), place});
  }
}

void keep_best(std::vector<scan::Candidate>& candidates, std::int64_t count) {
  if (static_cast<std::int64_t>(candidates.size()) <= count) return;
  std::nth_element(candidates.begin(), candidates.begin() + (count - 1), candidates.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
  candidates.resize(static_cast<std::size_t>(count));
}

// Leaves the rows that can still be among the `count` nearest, and sets limit and reach by them.
void compact(const scan::Panels& panels, const float* query, std::int64_t count, scan::Worker& w,
             std::int64_t q) {
  if (w.size[q] <= count) return;
  const scan::Doubt& doubt = w.doubt[static_cast<std::size_t>(q)];
  float* score = w.score.row(q);
  std::int32_t* place = w.place.row(q);
  const auto tighten = [&](double farthest) {
    w.limit[q] = std::min(w.limit[q], doubt.upper(farthest));
    w.reach[q] = std::min(w.reach[q], doubt.reach(farthest));
  };
  tighten(doubt.distance(rough_quantile(score, w.size[q], count)));
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < w.size[q]; ++i) {
    score[kept] = score[i];
    place[kept] = place[i];
    kept += score[i] <= w.limit[q] ? 1 : 0;
  }
  w.size[q] = kept;
  if (kept <= w.capacity - kGroup) return;
  measure(panels, query, w, q);
  keep_best(w.exact, count);
  tighten(scan::distance_of(w.exact.back().key));
  for (std::size_t i = 0; i < w.exact.size(); ++i) {
    score[i] = w.exact[i].score;
    place[i] = w.exact[i].place;
  }
  w.size[q] = count;
}

// Chooses the queries that can have a row of interest in the group: those not farther from its
// center than their reach and the group's radius. Returns how many; they stand in who and bar.
std::int64_t choose(const scan::Panels& panels, std::int64_t queries, std::int64_t group,
                    scan::Worker& w) {
  const double radius = panels.radius[static_cast<std::size_t>(group)];
  std::int64_t concerned = 0;
  for (std::int64_t q = 0; q < queries; ++q) {
    const float beyond = w.doubt[static_cast<std::size_t>(q)].beyond(w.reach[q] + radius);
    if (w.center_score(q, group) > beyond) continue;
    w.who[concerned] = static_cast<std::int32_t>(q);
    w.bar[concerned++] = w.limit[q];
  }
  std::fill(w.bar + concerned, w.bar + kBlock, -std::numeric_limits<float>::infinity());
  return concerned;
}

void search_group(const scan::Panels& panels, std::int64_t queries, std::int64_t group,
                  scan::Worker& w) {
  const std::int64_t concerned = choose(panels, queries, group, w), stride = w.block.stride;
  const float* negated = w.block.negated.data();
  if (concerned < queries) {
    for (std::int64_t i = 0; i < concerned; ++i)
      std::copy_n(negated + w.who[i] * stride, stride, w.gathered.row(i));
    negated = w.gathered.data();
  }
  Append append{w};
  scan_group(panels, negated, stride, concerned, group, w.partial.data(), append);
}

/// Fills row chosen[i] of the lists for every query of the block.
/// @param centers  the centers of the panels' groups, packed likewise.
void search_block(const scan::Panels& panels, const scan::Panels& centers, ConstRows rows,
                  std::span<const std::int32_t> chosen, std::int64_t count, scan::Worker& w,
                  Neighbors& lists) {
  const auto queries = static_cast<std::int64_t>(chosen.size());
  w.block.fill(panels.frame, rows, chosen);
  w.doubt.clear();
  for (std::int64_t q = 0; q < queries; ++q) {
    w.size[q] = 0;
    w.limit[q] = std::numeric_limits<float>::max();
    w.reach[q] = std::numeric_limits<double>::max();
    w.doubt.emplace_back(panels.frame, w.block.norm[static_cast<std::size_t>(q)]);
  }
  const auto query = [&](std::int64_t q) { return rows.row(chosen[static_cast<std::size_t>(q)]); };

  scan::groups_by_distance(panels, w.block, w.order);
  Keep keep{w.center_score};
  for (std::int64_t g = 0; g < centers.groups; ++g)
    scan_group(centers, w.block.negated.data(), w.block.stride, queries, g, w.partial.data(), keep);
  for (const scan::GroupAt& at : w.order) {
    // First for the block as a whole, then for each query.
    const double farthest = *std::max_element(w.reach, w.reach + queries);
    const double nearest =
        at.distance - panels.radius[static_cast<std::size_t>(at.group)] - w.block.radius;
    if (nearest - 1e-9 * at.distance > farthest) continue;
    search_group(panels, queries, at.group, w);
    for (std::int64_t q = 0; q < queries; ++q)
      if (w.size[q] > w.capacity - kGroup) compact(panels, query(q), count, w, q);
  }

  for (std::int64_t q = 0; q < queries; ++q) {
    compact(panels, query(q), count, w, q);
    measure(panels, query(q), w, q);
    keep_best(w.exact, count);
    std::sort(w.exact.begin(), w.exact.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
    const std::int32_t row = chosen[static_cast<std::size_t>(q)];
    for (std::int64_t i = 0; i < count; ++i) {
      const scan::Key key = w.exact[static_cast<std::size_t>(i)].key;
      lists.index(row, i) = scan::row_of(key);
      lists.distance(row, i) = scan::distance_of(key);
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
HWY_EXPORT(search_block);

constexpr std::int64_t kRound = 64 * scan::kBlock;  // queries between two reports

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// For each chosen row the `count` nearest of the distinct rows of the data, in the list of the
/// same row; no list at all when progress asked to stop.
Neighbors search(ConstRows rows, std::span<const std::int32_t> chosen, const scan::Panels& panels,
                 std::int64_t count, const Progress& progress) {
  std::vector<std::int32_t> groups(static_cast<std::size_t>(panels.groups));
  std::iota(groups.begin(), groups.end(), 0);
  const scan::Panels centers =
      scan::pack(panels.center, {std::vector<float>(panels.frame.mean.size()), 1},
                 std::move(groups), panels.width);
  Neighbors lists{BasicMatrix<std::int32_t>(rows.rows(), count), Matrix(rows.rows(), count)};
  std::vector<std::unique_ptr<scan::Worker>> workers(static_cast<std::size_t>(threads()));
  const auto n = static_cast<std::int64_t>(chosen.size());
  const double began = seconds();
  const auto kernel = LATLAS_DISPATCH(search_block);
  for (std::int64_t first = 0; first < n; first += kRound) {
    const std::int64_t last = std::min(n, first + kRound);
    parallel_for_worker(
        last - first, scan::kBlock, [&](std::int64_t begin, std::int64_t end, int id) {
          auto& worker = workers[static_cast<std::size_t>(id)];
          if (!worker) worker = std::make_unique<scan::Worker>(panels.cols(), panels.groups, count);
          kernel(panels, centers, rows,
                 chosen.subspan(static_cast<std::size_t>(first + begin),
                                static_cast<std::size_t>(end - begin)),
                 count, *worker, lists);
        });
    if (wants_stop(progress,
                   {.stage = "neighbors", .step = last, .of = n, .seconds = seconds() - began}))
      return {};
  }
  return lists;
}

constexpr std::int32_t kNone = -1;

/// From lists of distinct rows to lists of k rows: each stands for all its equals, of which `self`
/// is left out. Rows at equal distance come by index, also across sets of equals.
void expand(std::span<const std::int32_t> index, std::span<const float> distance,
            const scan::Distinct& distinct, std::int32_t self, std::span<std::int32_t> index_out,
            std::span<float> distance_out) {
  const std::size_t k = index_out.size();
  std::size_t filled = 0;
  std::vector<std::int32_t> ring;  // rows at one distance
  for (std::size_t begin = 0, end = 0; filled < k; begin = end) {
    while (end < index.size() && distance[end] == distance[begin]) ++end;
    ring.clear();
    for (std::size_t i = begin; i < end; ++i) {
      const auto equals = distinct.equals(index[i]);
      ring.insert(ring.end(), equals.begin(),
                  equals.begin() + static_cast<std::ptrdiff_t>(std::min(equals.size(), k + 1)));
    }
    if (end - begin > 1) std::sort(ring.begin(), ring.end());
    for (const std::int32_t row : ring) {
      if (row == self || filled == k) continue;
      index_out[filled] = row;
      distance_out[filled++] = distance[begin];
    }
  }
}

void check_rows(ConstRows rows, const char* what) {
  require(rows.cols() >= 1 && rows.cols() <= scan::kMaxCols, what, " have ", rows.cols(),
          " columns; the search takes between 1 and ", scan::kMaxCols);
  require(rows.rows() < std::numeric_limits<std::int32_t>::max(), what, " are ", rows.rows(),
          "; the search takes fewer than 2147483647");
  require_finite(rows, what);
}

struct Task {
  ConstRows queries, data;
  bool within = false;  ///< Queries are rows of the data, and never their own neighbors.
  bool all = true;      ///< Every query is asked for; else those listed.
  std::span<const std::int32_t> rows;
};

Neighbors solve(const Task& task, std::int64_t k, const Progress& progress) {
  const scan::Distinct distinct = scan::distinct_rows(task.data);
  const auto n = static_cast<std::int64_t>(distinct.rows.size());

  // Equal queries within the data are asked once, in the person of the first.
  std::vector<std::int32_t> chosen;
  if (task.within && task.all) {
    chosen = distinct.rows;
  } else if (task.within) {
    for (const std::int32_t row : task.rows)
      chosen.push_back(distinct.first[static_cast<std::size_t>(row)]);
    std::sort(chosen.begin(), chosen.end());
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  } else {
    chosen.resize(static_cast<std::size_t>(task.queries.rows()));
    std::iota(chosen.begin(), chosen.end(), 0);
  }
  chosen = scan::compact_order(task.queries, std::move(chosen));

  const scan::Panels panels =
      scan::pack(task.data, scan::frame_of(task.data, task.queries, "neighbors"),
                 scan::compact_order(task.data, distinct.rows), LATLAS_DISPATCH(panel_width)());
  const std::int64_t count = std::min(task.within ? k + 1 : k, n);
  const Neighbors lists = search(task.queries, chosen, panels, count, progress);
  if (lists.rows() == 0) return {};

  const std::int64_t results =
      task.all ? task.queries.rows() : static_cast<std::int64_t>(task.rows.size());
  Neighbors graph{BasicMatrix<std::int32_t>(results, k), Matrix(results, k)};
  parallel_for(results, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int32_t row =
          task.all ? static_cast<std::int32_t>(i) : task.rows[static_cast<std::size_t>(i)];
      const std::int32_t query = task.within ? distinct.first[static_cast<std::size_t>(row)] : row;
      expand(lists.index[query], lists.distance[query], distinct, task.within ? row : kNone,
             graph.index[i], graph.distance[i]);
    }
  });
  return graph;
}

// 1 − cos of unit vectors is half the square of their distance.
void to_cosine(Neighbors& graph) {
  for (std::int64_t i = 0; i < graph.distance.size(); ++i) {
    const double d = graph.distance.data()[i];
    graph.distance.data()[i] = static_cast<float>(0.5 * d * d);
  }
}

Neighbors solve_in_metric(Task task, const NeighborsParams& params, const Progress& progress) {
  if (params.metric == "euclidean") return solve(task, params.k, progress);
  const Matrix data = unit_rows(task.data, "neighbors: data");
  const Matrix queries = task.within ? Matrix() : unit_rows(task.queries, "neighbors: queries");
  task.data = data;
  task.queries = task.within ? data : queries;
  Neighbors graph = solve(task, params.k, progress);
  to_cosine(graph);
  return graph;
}

void check_params(NeighborsParams params) { check(fields(params), "neighbors"); }

}  // namespace

std::vector<Field> fields(NeighborsParams& p) {
  return {{.name = "k",
           .value = &p.k,
           .help = "neighbors of a row; larger sees more of the whole",
           .low = 1,
           .high = 2147483647},
          {.name = "metric",
           .value = &p.metric,
           .help = "distance of two rows",
           .choices = {"euclidean", "cosine"}}};
}

Neighbors nearest_neighbors(ConstRows data, const NeighborsParams& params,
                            const Progress& progress) {
  check_params(params);
  require(params.k < data.rows(), "neighbors: k is ", params.k, ", but each of the ", data.rows(),
          " rows has only ", std::max<std::int64_t>(data.rows() - 1, 0),
          " others; ask for fewer neighbors");
  check_rows(data, "neighbors: data");
  return solve_in_metric({.queries = data, .data = data, .within = true, .rows = {}}, params,
                         progress);
}

Neighbors nearest_neighbors(ConstRows queries, ConstRows data, const NeighborsParams& params,
                            const Progress& progress) {
  check_params(params);
  require(params.k <= data.rows(), "neighbors: k is ", params.k, ", but the data have only ",
          data.rows(), " rows; ask for fewer neighbors");
  require(queries.cols() == data.cols(), "neighbors: queries have ", queries.cols(),
          " columns, the data ", data.cols(), "; they must agree");
  check_rows(data, "neighbors: data");
  check_rows(queries, "neighbors: queries");
  return solve_in_metric({.queries = queries, .data = data, .rows = {}}, params, progress);
}

Neighbors nearest_neighbors_of(std::span<const std::int32_t> rows, ConstRows data,
                               const NeighborsParams& params, const Progress& progress) {
  check_params(params);
  require(params.k < data.rows(), "neighbors: k is ", params.k, ", but each of the ", data.rows(),
          " rows has only ", std::max<std::int64_t>(data.rows() - 1, 0),
          " others; ask for fewer neighbors");
  for (std::size_t i = 0; i < rows.size(); ++i)
    require(rows[i] >= 0 && rows[i] < data.rows(), "neighbors: entry ", i, " of the rows is ",
            rows[i], ", the data have rows 0 to ", data.rows() - 1);
  check_rows(data, "neighbors: data");
  return solve_in_metric(
      {.queries = data, .data = data, .within = true, .all = false, .rows = rows}, params,
      progress);
}

}  // namespace latlas
#endif
