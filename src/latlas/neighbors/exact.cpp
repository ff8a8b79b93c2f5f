// Exact neighbors in four steps.
//
// 1. Equal rows are searched once (duplicates.h).
// 2. Queries, and for many of them the data, are brought into an order in which neighbors in space
//    are neighbors in memory (panels.h). A block of queries looks at groups of the data, the
//    nearest first, so that its limits are tight early. By the triangle inequality, groups beyond a
//    query's reach are left out.
// 3. Scores come from the product tile and meet the query's limit in registers. Those below it are
//    appended to the query's buffer. A full buffer is compacted: the count-th best score, made safe
//    against rounding, is the new limit. For long rows the tile multiplies sketches (sketch.h), and
//    the few pairs that these do not rule out are scored one by one.
// 4. What is left is measured exactly and sorted by (distance, index).
//
// Where rounding cannot tell rows apart (tight clusters far from each other), compaction would not
// shrink the buffer; then it measures exactly at once.
#include "latlas/neighbors/exact.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/neighbors/duplicates.h"
#include "latlas/neighbors/inner_product.h"
#include "latlas/neighbors/lists.h"
#include "latlas/neighbors/panels.h"
#include "latlas/neighbors/rounds.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/neighbors/exact.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/neighbors/cells-inl.h"
#include "latlas/neighbors/sketch-inl.h"

#ifndef LATLAS_NEIGHBORS_EXACT_ONCE
#define LATLAS_NEIGHBORS_EXACT_ONCE
namespace latlas::scan {

/// The data as a search sees them.
struct Searched {
  Panels panels;
  Panels centers;     // of their groups, when sketches are used
  Sketches sketches;  // when used, the panels are one row wide
  Cells cells;        // used where sketches are not
};

struct SearchWorker {
  SearchWorker(const Searched& in, std::int64_t count)
      : scan(in.panels.cols(), in.panels.groups, count),
        sketch(in.sketches.sketcher),
        cells(in.cells, in.panels.cols()) {}
  Worker scan;
  SketchWorker sketch;
  CellWorker cells;
};

}  // namespace latlas::scan
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

using scan::kBlock;
using scan::kGroup;

std::int64_t panel_width() { return kPanelWidth; }

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
  return concerned;
}

// The groups, nearest to the block first.
void order_groups(const scan::Panels& panels, scan::Worker& w) {
  w.order.resize(static_cast<std::size_t>(panels.groups));
  for (std::int64_t g = 0; g < panels.groups; ++g)
    w.order[static_cast<std::size_t>(g)] = {
        std::sqrt(squared_distance(w.block.center.data(), panels.center.row(g), panels.cols())), g};
  std::sort(w.order.begin(), w.order.end(), scan::nearer);
}

// The queries' scores with the centers of the groups.
void score_centers(const scan::Panels& centers, std::int64_t queries, scan::Worker& w) {
  if (w.center_score.empty()) w.center_score = Matrix(kBlock, centers.groups * kGroup);
  Keep keep{w.center_score};
  for (std::int64_t g = 0; g < centers.groups; ++g)
    scan_group(centers, w.block.negated.data(), w.block.stride, queries, g, w.partial.data(), keep);
}

void pack_sketches(const scan::Panels& panels, std::int64_t group, scan::Block& block,
                   scan::SketchWorker& w, scan::Sketches& out) {
  sketch_group(panels, group, block, w, out);
}

/// Fills row chosen[i] of the lists for every query of the block.
void search_block(const scan::Searched& in, ConstRows rows, std::span<const std::int32_t> chosen,
                  std::int64_t count, scan::SearchWorker& worker, Neighbors& lists) {
  const auto queries = static_cast<std::int64_t>(chosen.size());
  const scan::Panels& panels = in.panels;
  scan::Worker& w = worker.scan;
  begin_block(panels, rows, chosen, w);
  order_groups(panels, w);
  if (in.sketches.used()) {
    begin_sketches(panels, in.sketches, queries, count, w, worker.sketch);
    score_centers(in.centers, queries, w);
  } else {
    begin_cells(in.cells, queries, count, w, worker.cells);
  }
  bool tighter = true;
  double farthest = 0;
  for (std::size_t i = 0; i < w.order.size(); ++i) {
    // First for the block as a whole, then for each query.
    if (tighter) farthest = *std::max_element(w.reach.get(), w.reach.get() + queries);
    const scan::GroupAt& at = w.order[i];
    const double nearest =
        at.distance - panels.radius[static_cast<std::size_t>(at.group)] - w.block.radius;
    if (nearest - 1e-9 * at.distance > farthest) continue;
    if (in.sketches.used()) {
      const std::int64_t concerned = choose(panels, queries, at.group, w);
      scan_sketches(panels, in.sketches, queries, concerned, at.group, w, worker.sketch);
      make_room_early(panels, rows, chosen, count, w, worker.sketch);
    } else {
      if (i + 1 < w.order.size()) ask_for_group(in.cells, w.order[i + 1].group, worker.cells);
      scan_cells(panels, in.cells, queries, at.group, w, worker.cells);
      tighter = make_room(panels, in.cells, rows, chosen, count, w, worker.cells);
    }
  }
  finish_block(panels, rows, chosen, count, w, lists);
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
namespace {
HWY_EXPORT(panel_width);
HWY_EXPORT(pack_sketches);
HWY_EXPORT(search_block);

/// Packs the rows listed (places in the data), with sketches where these pay for a search of so
/// many queries for their `count` nearest.
scan::Searched prepare(ConstRows data, scan::Frame frame, std::vector<std::int32_t> rows,
                       std::int64_t queries, std::int64_t count) {
  const std::int64_t width = LATLAS_DISPATCH(panel_width)();
  scan::Searched in;
  scan::Sketches& sketches = in.sketches;
  sketches.sketcher = scan::sketcher_for(data, frame, rows, queries, count, width);
  if (!sketches.used()) {
    frame = scan::turned(std::move(frame), data, rows);
    in.panels = scan::pack(data, std::move(frame), std::move(rows), scan::kCell);
    in.panels.ordered = copy_of(data, in.panels.row);
    in.cells = scan::cut(in.panels);
    return in;
  }
  in.panels = scan::pack(data, std::move(frame), std::move(rows), 1);
  in.centers = scan::pack_centers(in.panels, width);
  const std::int64_t groups = in.panels.groups;
  sketches.packed = BasicMatrix<std::int32_t>(groups, scan::kGroup * sketches.sketcher.pairs());
  sketches.scale.resize(static_cast<std::size_t>(groups * scan::kGroup));
  const auto kernel = LATLAS_DISPATCH(pack_sketches);
  parallel_for(groups, 16, [&](std::int64_t begin, std::int64_t end) {
    scan::Block block(in.panels.cols());
    scan::SketchWorker worker(sketches.sketcher);
    for (std::int64_t g = begin; g < end; ++g) kernel(in.panels, g, block, worker, sketches);
  });
  return in;
}

/// For each chosen row the `count` nearest of the distinct rows of the data, in the list of the
/// same row; no list at all when progress asked to stop.
Neighbors search(ConstRows rows, std::span<const std::int32_t> chosen, const scan::Searched& in,
                 std::int64_t count, const Progress& progress) {
  Neighbors lists{BasicMatrix<std::int32_t>(rows.rows(), count), Matrix(rows.rows(), count)};
  const auto n = static_cast<std::int64_t>(chosen.size());
  const scan::Clock clock(progress);
  const auto kernel = LATLAS_DISPATCH(search_block);
  const bool whole = scan::in_rounds(
      n, [&] { return std::make_unique<scan::SearchWorker>(in, count); },
      [&](std::int64_t done) { return clock.stops(done, n); },
      [&](std::int64_t begin, std::int64_t end, scan::SearchWorker& worker) {
        kernel(
            in, rows,
            chosen.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
            count, worker, lists);
      });
  return whole ? std::move(lists) : Neighbors{};
}

constexpr std::int64_t kMany = 2048;  // queries

struct Task {
  ConstRows queries, data;
  bool within = false;  ///< Queries are rows of the data, and never their own neighbors.
  bool all = true;      ///< Every query is asked for; else those listed.
  std::span<const std::int32_t> rows;
  bool products = false;  ///< The nearest are those of largest inner product.
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
    chosen = scan::in_order(task.queries.rows());
  }
  const std::int64_t finest = scan::finest_of(task.data.cols());
  chosen = scan::compact_order(task.queries, std::move(chosen), finest);

  // Queries that are all rows have the order of the data. For few, scanning all pairs takes less
  // time than that order does: both grow with the rows and their length.
  const auto queries = static_cast<std::int64_t>(chosen.size());
  std::vector<std::int32_t> rows = distinct.rows;
  if (task.within && task.all)
    rows = chosen;
  else if (queries >= kMany)
    rows = scan::compact_order(task.data, std::move(rows), finest);
  const std::int64_t count = std::min(task.within ? k + 1 : k, n);
  const Neighbors lists =
      task.products
          ? scan::largest_products(task.queries, chosen, task.data, std::move(rows), count,
                                   progress)
          : search(task.queries, chosen,
                   prepare(task.data, scan::frame_of(task.data, task.queries, "neighbors"),
                           std::move(rows), queries, count),
                   count, progress);
  if (lists.rows() == 0) return {};

  const std::int64_t results =
      task.all ? task.queries.rows() : static_cast<std::int64_t>(task.rows.size());
  Neighbors graph{BasicMatrix<std::int32_t>(results, k), Matrix(results, k)};
  parallel_for(results, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int32_t row =
          task.all ? static_cast<std::int32_t>(i) : task.rows[static_cast<std::size_t>(i)];
      const std::int32_t query = task.within ? distinct.first[static_cast<std::size_t>(row)] : row;
      scan::expand(lists.index[query], lists.distance[query], distinct,
                   task.within ? row : scan::kNone, graph.index[i], graph.distance[i]);
    }
  });
  return graph;
}

Neighbors solve_in_metric(Task task, const NeighborsParams& params, const Progress& progress) {
  task.products = params.metric == "inner_product";
  if (params.metric != "cosine") return solve(task, params.k, progress);
  const Matrix data = unit_rows(task.data, "neighbors: data");
  const Matrix queries = task.within ? Matrix() : unit_rows(task.queries, "neighbors: queries");
  task.data = data;
  task.queries = task.within ? data : queries;
  Neighbors graph = solve(task, params.k, progress);
  scan::to_cosine(graph);
  return graph;
}

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
           .choices = {"euclidean", "cosine", "inner_product"}},
          {.name = "search",
           .value = &p.search,
           .help = "exact, approximate (faster on many rows), or auto by size",
           .choices = {"auto", "exact", "approximate"}},
          {.name = "probes",
           .value = &p.probes,
           .help = "approximate search: groups of 96 rows looked at; larger finds more, 0: as many "
                   "as a sample needs",
           .low = 0,
           .high = 1048576},
          {.name = "sweeps",
           .value = &p.sweeps,
           .help = "approximate search: rounds of refinement; more find more, and up to 2 are left "
                   "out where looking at more groups is cheaper (probes 0)",
           .low = 0,
           .high = 100}};
}

Neighbors nearest_neighbors(ConstRows data, const NeighborsParams& params,
                            const Progress& progress) {
  scan::check_search(data, params);
  return solve_in_metric({.queries = data, .data = data, .within = true, .rows = {}}, params,
                         progress);
}

Neighbors nearest_neighbors(ConstRows queries, ConstRows data, const NeighborsParams& params,
                            const Progress& progress) {
  scan::check_search(queries, data, params);
  return solve_in_metric({.queries = queries, .data = data, .rows = {}}, params, progress);
}

Neighbors nearest_neighbors_of(std::span<const std::int32_t> rows, ConstRows data,
                               const NeighborsParams& params, const Progress& progress) {
  scan::check_search(data, params);
  for (std::size_t i = 0; i < rows.size(); ++i)
    require(rows[i] >= 0 && rows[i] < data.rows(), "neighbors: entry ", i, " of the rows is ",
            rows[i], ", the data have rows 0 to ", data.rows() - 1);
  return solve_in_metric(
      {.queries = data, .data = data, .within = true, .all = false, .rows = rows}, params,
      progress);
}

}  // namespace latlas
#endif
