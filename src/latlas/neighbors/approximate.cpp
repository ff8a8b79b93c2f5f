// Approximate neighbors in five steps.
//
// 1. The distinct rows are copied in compact order (compact_order.cpp), so that what is near in
//    space is near in memory, and cut into groups of 96; 96 groups in a row are a supergroup.
// 2. How many groups a row must look at, from how many it must choose them, and how many sweeps are
//    to follow, is measured: a seeded sample of rows is searched among all groups, and the places
//    of the found neighbors' groups in the rows' orders are counted.
// 3. Each query looks at the `probes` groups whose centers are nearest to it, of those near
//    (probe-inl.h). Queries are worked on in batches of some thousand neighbors, group by group:
//    each is read once and multiplied with the queries that chose it, through the same tile and
//    under the same limits as in exact search. The result is exactly the best among the rows looked
//    at, and which groups these were is kept.
// 4. A row that found another is offered to it, in case that the other did not look there.
// 5. Refinement (refine-inl.h): in each sweep a row is compared with its neighbors' neighbors, but
//    for those in groups it has looked at: it has seen them, and they are most. A list in which
//    nothing is new leads nowhere and is passed. A sweep reads the old graph and writes a new one,
//    so no order of the rows matters.
//    (Dong, Moses, Li, Efficient k-nearest neighbor graph construction for generic similarity
//    measures, 2011, without its sampling.)
#include "latlas/neighbors/approximate.h"

#include <algorithm>
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

#include "latlas/neighbors/refine-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

std::int64_t panel_width() { return kPanelWidth; }

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
namespace {
HWY_EXPORT(panel_width);
HWY_EXPORT(find_candidates);
HWY_EXPORT(probe_batch);
HWY_EXPORT(scan_all);
HWY_EXPORT(refine_block);

constexpr std::int64_t kBatch = 32;                          // blocks worked on at once, at most,
constexpr std::int64_t kBatchBytes = std::int64_t{1} << 23;  // and bytes of them and their buffers
constexpr std::int64_t kRoom = 32;          // rows in their buffers, besides the best
constexpr std::int64_t kFollowed = 32;      // of a list's rows, in refinement
constexpr std::int64_t kPilot = 384;        // rows on which the probes are measured
constexpr std::int64_t kMostProbes = 512;   // that are chosen by it
constexpr std::int64_t kMostAmong = 18432;  // groups that they are chosen from, likewise
constexpr double kExactly = 2e11;           // multiply-adds that `auto` spends on exactness

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
  p.among = like.among;
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

/// The groups that a query of the pilot chooses from, `among` of them.
class Candidates {
 public:
  explicit Candidates(const scan::Partition& p)
      : p_(p), chooser_(p, true), supers_(scan::in_order(p.groups.groups)) {}
  std::span<const std::int32_t> of_row(std::int64_t row, std::int64_t among) {
    LATLAS_DISPATCH(find_candidates)(p_, row / scan::kGroup, among, chooser_);
    return chooser_.candidates;
  }
  std::span<const std::int32_t> of_query(const scan::Block& query, std::int64_t among) {
    nearest_first(p_.groups, query, among / scan::kGroup, supers_, nearest_);
    within_.clear();
    for (const scan::GroupAt& super : nearest_)
      for (std::int64_t g = super.group * scan::kGroup;
           g < std::min(p_.rows.groups, (super.group + 1) * scan::kGroup); ++g)
        within_.push_back(static_cast<std::int32_t>(g));
    return within_;
  }

 private:
  const scan::Partition& p_;
  scan::Chooser chooser_;
  std::vector<std::int32_t> supers_, within_;
  std::vector<scan::GroupAt> nearest_;
};

// The share of the true neighbors of a query that its nearest group holds, its two nearest, …, of
// those `among` which it chooses.
std::vector<double> shares_held(const scan::Partition& p, const Pilot& pilot,
                                const Neighbors& lists, std::int64_t among, bool within) {
  const Matrix& rows = pilot.rows;
  const std::vector<std::int32_t> all = scan::in_order(rows.rows());
  const std::int64_t most = std::min(p.rows.groups, kMostProbes);
  // In which place of its row's order does a neighbor's group stand?
  BasicMatrix<std::int32_t> found(rows.rows(), most);
  parallel_for(rows.rows(), 16, [&](std::int64_t begin, std::int64_t end) {
    Candidates candidates(p);
    scan::Block block(p.rows.cols());
    std::vector<scan::GroupAt> order;
    for (std::int64_t i = begin; i < end; ++i) {
      block.fill(p.rows.frame, rows, std::span(all).subspan(static_cast<std::size_t>(i), 1));
      const std::int32_t self =
          pilot.self.empty() ? scan::kNone : pilot.self[static_cast<std::size_t>(i)];
      nearest_first(p.rows, block, most,
                    within ? candidates.of_row(self, among) : candidates.of_query(block, among),
                    order);
      for (std::int64_t j = 0; j < lists.k(); ++j) {
        const std::int64_t place = lists.index(i, j);
        if (place == self) continue;
        const auto at =
            std::find_if(order.begin(), order.end(),
                         [&](const auto& o) { return o.group == place / scan::kGroup; }) -
            order.begin();
        if (at < std::ssize(order)) ++found(i, at);
      }
    }
  });
  const std::int64_t others = pilot.self.empty() ? lists.k() : lists.k() - 1;
  std::vector<double> held(static_cast<std::size_t>(most));
  std::int64_t sum = 0;
  for (std::int64_t probes = 0; probes < most; ++probes) {
    for (std::int64_t i = 0; i < rows.rows(); ++i) sum += found(i, probes);
    held[static_cast<std::size_t>(probes)] =
        static_cast<double>(sum) / static_cast<double>(rows.rows() * others);
  }
  return held;
}

/// How far a query looks, and how often its list is refined.
struct Look {
  std::int64_t probes, among, sweeps;
  double cost;  // in groups that are looked at
};

// The share of the neighbors that must be in the groups looked at for a recall of 0.95 and a little
// more: rows offered back find some of the others, sweeps most, unless lists are too short to lead
// on, or so long that the rows followed lead to a part of them only.
double share_to_hold(std::int64_t k, std::int64_t sweeps, bool within) {
  constexpr double kUnswept = 0.935, kSwept = 0.85, kSweptTwice = 0.805;
  if (k < 8 || !within) return 0.96;
  if (sweeps == 0) return kUnswept;
  const double reached =
      std::min(1.0, 3.0 * static_cast<double>(kFollowed) / static_cast<double>(k));
  return kUnswept - reached * (kUnswept - (sweeps == 1 ? kSwept : kSweptTwice));
}

// What sweeps cost, in groups that are looked at. A neighbor's neighbor costs as much as kCandidate
// multiply-adds, most of it waiting for memory; most are known after the first sweep.
double cost_of(std::int64_t sweeps, std::int64_t k, std::int64_t d) {
  constexpr double kCandidate = 400;
  const auto near = static_cast<double>(std::min(kFollowed, k));
  const double times = sweeps == 0 ? 0 : 0.5 * static_cast<double>(sweeps + 1);
  return times * near * near * kCandidate / static_cast<double>(scan::kGroup * d);
}

/// Measures on the pilot how many groups a query must look at, and from how many it must choose
/// them, by the share of the true neighbors that is held then; the least look of all.
/// @param sweeps  that may follow: as many or fewer, or, more than are usual, exactly so many.
Look least_look(const scan::Partition& p, const Pilot& pilot, std::int64_t k, std::int64_t sweeps,
                bool within) {
  const Neighbors lists = pilot_lists(p, pilot, std::min(k + 1, p.rows.places()));
  const std::int64_t fewest = sweeps > NeighborsParams().sweeps ? sweeps : 0;
  // A group costs a row of the data less to judge: it does so together with its block.
  const std::int64_t judged = within ? 28 : 24;
  Look best{0, 0, sweeps, std::numeric_limits<double>::infinity()};
  for (std::int64_t among = within ? 192 : 12 * scan::kGroup;; among += among / (within ? 2 : 1)) {
    const std::vector<double> held = shares_held(p, pilot, lists, among, within);
    const double judging = static_cast<double>(among) / static_cast<double>(judged);
    const bool farthest = among >= std::min(p.rows.groups, kMostAmong);
    for (std::int64_t s = fewest; s <= sweeps; ++s) {
      const auto enough = std::lower_bound(held.begin(), held.end(), share_to_hold(k, s, within));
      const std::int64_t probes = enough - held.begin() + 1;
      if (probes > std::ssize(held)) continue;
      const double cost = static_cast<double>(probes) + judging + cost_of(s, k, p.rows.cols());
      if (cost < best.cost) best = {probes, among, s, cost};
    }
    if (farthest && best.probes == 0) best = {std::ssize(held), among, sweeps, 0};
    if (farthest || judging > best.cost) return best;
  }
}

// Sets how many groups a query looks at, and among how many it chooses them, and returns how many
// sweeps are to follow. `pilot` makes the queries on which that is measured, where it is free.
template <class MakePilot>
std::int64_t set_probes(scan::Partition& p, const NeighborsParams& params, std::int64_t sweeps,
                        bool within, const MakePilot& pilot) {
  const std::int64_t k = params.k, count = std::min(k + 1, p.rows.places());
  Look look{params.probes, std::max(12 * scan::kGroup, 4 * params.probes), sweeps, 0};
  if (params.probes == 0) look = least_look(p, pilot(), k, sweeps, within);
  // Enough rows for a whole list, also when the last group, which may hold few, is among them.
  p.probes = std::min(std::max(look.probes, count / scan::kGroup + 2), p.rows.groups);
  // Of whole supergroups the last one may hold few groups.
  const std::int64_t least = within ? p.probes : (p.probes / scan::kGroup + 2) * scan::kGroup;
  p.among = std::min(std::max(look.among, least), p.groups.groups * scan::kGroup);
  return look.sweeps;
}

/// For each of the queries, in compact order, its best `count` of the rows it looks at; no list
/// when progress asked to stop.
/// @param record  filled; none: the queries are not rows of the data.
Neighbors probe(const scan::Partition& p, ConstRows queries, std::int64_t count,
                const scan::Clock& clock, std::int64_t of, scan::Record* record) {
  const std::int64_t n = queries.rows();
  const std::vector<std::int32_t> all = scan::in_order(n);
  const std::span<const std::int32_t> rows(all);
  Neighbors lists = empty_lists(n, count);
  const std::int64_t blocks = (n + scan::kBlock - 1) / scan::kBlock;
  const bool within = record != nullptr;
  const std::int64_t bytes =
      scan::kBlock * (8 * (count + std::max(count, kRoom) + scan::kGroup) + 4 * p.rows.cols());
  const std::int64_t batch =
      std::clamp<std::int64_t>(std::min(blocks / 128, kBatchBytes / bytes), 1, kBatch);
  struct Pair {
    scan::Worker worker;
    scan::Chooser chooser;
  };
  const auto make = [&] {
    return std::unique_ptr<Pair>(
        new Pair{scan::Worker(p.rows.cols(), p.rows.groups, count, batch * scan::kBlock, kRoom),
                 scan::Chooser(p, within)});
  };
  if (within) record->assign(static_cast<std::size_t>(blocks), {});
  const auto kernel = LATLAS_DISPATCH(probe_batch);
  const bool whole = scan::in_rounds(
      n, make, [&](std::int64_t done) { return clock.stops(done, of); },
      [&](std::int64_t begin, std::int64_t end, Pair& pair) {
        const auto first = static_cast<std::size_t>(begin / scan::kBlock);
        const auto last = static_cast<std::size_t>((end + scan::kBlock - 1) / scan::kBlock);
        scan::Record own(within ? 0 : last - first);
        kernel(p, queries,
               rows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
               count, within, pair.worker, pair.chooser, lists,
               within ? std::span(*record).subspan(first, last - first) : std::span(own));
      },
      batch * scan::kBlock);
  return whole ? std::move(lists) : Neighbors{};
}

/// The rows that looked at a group. What was found out about a block of rows is kept, since many of
/// them are asked for.
class Lookers {
 public:
  explicit Lookers(const scan::Record& record) : record_(record), known_(record.size()) {}
  void look_at(std::int64_t group) {
    group_ = static_cast<std::int32_t>(group);
    ++turn_;
  }
  bool include(std::int64_t row) {
    Known& known = known_[static_cast<std::size_t>(row / scan::kBlock)];
    if (known.turn != turn_) known = {turn_, chosen_by(row / scan::kBlock)};
    return known.chosen.by(row % scan::kBlock);
  }

 private:
  struct Known {
    std::int64_t turn = 0;
    scan::Chosen chosen;
  };
  scan::Chosen chosen_by(std::int64_t block) const {
    const auto& looked = record_[static_cast<std::size_t>(block)];
    const auto at =
        std::lower_bound(looked.begin(), looked.end(), group_,
                         [](const scan::Looked& l, std::int32_t g) { return l.group < g; });
    return at != looked.end() && at->group == group_ ? at->chosen : scan::Chosen{};
  }

  const scan::Record& record_;
  std::vector<Known> known_;  // for each block
  std::int32_t group_ = 0;
  std::int64_t turn_ = 0;
};

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
  std::vector<scan::Key> last(static_cast<std::size_t>(n));
  parallel_for(n, 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      last[static_cast<std::size_t>(i)] = scan::key_at(lists, i, k - 1);
  });
  std::vector<Lookers> of_worker(static_cast<std::size_t>(threads()), Lookers(record));
  parallel_for_worker(n, scan::kBlock, [&](std::int64_t begin, std::int64_t end, int worker) {
    auto& offers = made[static_cast<std::size_t>(begin / scan::kBlock)];
    Lookers& lookers = of_worker[static_cast<std::size_t>(worker)];
    lookers.look_at(begin / scan::kGroup);
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t j = 0; j < k; ++j) {
        const std::int32_t to = lists.index(i, j);
        const scan::Key key = scan::key_of(lists.distance(i, j), static_cast<std::int32_t>(i));
        if (to == i || key > last[static_cast<std::size_t>(to)] || lookers.include(to)) continue;
        offers.push_back({to, key});
      }
  });
  // Each part of the rows takes its offers out of all, in their order.
  constexpr std::int64_t kParts = 8;
  parallel_for(kParts, 1, [&](std::int64_t part, std::int64_t) {
    for (const auto& offers : made)
      for (const Offer& o : offers)
        if (const std::int64_t block = o.to / scan::kBlock;
            block * kParts / static_cast<std::int64_t>(blocks) == part)
          got[static_cast<std::size_t>(block)].push_back(o);
  });
  parallel_for(static_cast<std::int64_t>(blocks), 1, [&](std::int64_t begin, std::int64_t) {
    std::vector<scan::Key> list(static_cast<std::size_t>(k));
    for (const Offer& o : got[static_cast<std::size_t>(begin)]) {
      if (o.key >= scan::key_at(lists, o.to, k - 1)) continue;
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
  if (sweeps == 0) return graph;
  const std::int64_t near = std::min(kFollowed, graph.k()), n = graph.rows();
  const std::int64_t groups = (n + scan::kGroup - 1) / scan::kGroup;
  scan::Fresh fresh(n, near), next_fresh(n, near);
  std::fill_n(fresh.data(), fresh.size(), std::uint8_t{1});
  std::vector<std::uint8_t> news(static_cast<std::size_t>(n), 1), next_news(news.size());
  Neighbors next = empty_lists(n, graph.k());
  using Chosen = std::vector<scan::Chosen>;
  const auto make = [&] { return std::make_unique<Chosen>(static_cast<std::size_t>(groups)); };
  const auto kernel = LATLAS_DISPATCH(refine_block);
  for (std::int64_t sweep = 1; sweep <= sweeps; ++sweep) {
    const bool whole = scan::in_rounds(
        n, make, [&](std::int64_t done) { return clock.stops(sweep * n + done, (1 + sweeps) * n); },
        [&](std::int64_t begin, std::int64_t end, Chosen& chosen) {
          kernel({data, graph, record, near, fresh, news}, begin, end, chosen,
                 {next, next_fresh, next_news});
        });
    if (!whole) return {};
    std::swap(graph, next);
    std::swap(fresh, next_fresh);
    std::swap(news, next_news);
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
/// @param rows  room for one list.
void expand(const Compact& data, const Neighbors& lists, std::int64_t list, std::int32_t self,
            std::vector<std::int32_t>& rows, std::span<std::int32_t> index,
            std::span<float> distance) {
  rows.resize(static_cast<std::size_t>(lists.k()));
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
    std::vector<std::int32_t> room;
    for (std::int64_t i = begin; i < end; ++i)
      for (const std::int32_t row : data.distinct.equals(data.row[static_cast<std::size_t>(i)]))
        expand(data, lists, i, row, room, graph.index[row], graph.distance[row]);
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
    // … and panels are as wide as the tiles of the instructions in use, which may be others by now.
    const bool fits =
        scale == frame.scale && s.partition.rows.width == LATLAS_DISPATCH(panel_width)();
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
      std::vector<std::int32_t> room;
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int32_t query = order[static_cast<std::size_t>(i)];
        expand(data, lists, i, scan::kNone, room, graph.index[query], graph.distance[query]);
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
