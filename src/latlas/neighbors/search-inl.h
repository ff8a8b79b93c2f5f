// The search of one block of queries: buffers of candidates, limits that tighten, and the exact
// measurement at the end. What differs between searches is which groups they look at. Internal to
// the room.

#if defined(LATLAS_NEIGHBORS_SEARCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATLAS_NEIGHBORS_SEARCH_INL_H_
#undef LATLAS_NEIGHBORS_SEARCH_INL_H_
#else
#define LATLAS_NEIGHBORS_SEARCH_INL_H_
#endif

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>

#include "latlas/neighbors/neighbors.h"
#include "latlas/neighbors/scan-inl.h"

#ifndef LATLAS_NEIGHBORS_SEARCH_ONCE
#define LATLAS_NEIGHBORS_SEARCH_ONCE
namespace latlas::scan {

struct Candidate {
  Key key;
  float score;
  std::int32_t place;
};

/// What a block of queries, or several at once, need while they search; one for each worker.
struct Worker {
  /// @param room  rows that a buffer takes up before it is compacted, at least.
  Worker(std::int64_t cols, std::int64_t groups, std::int64_t count, std::int64_t queries = kBlock,
         std::int64_t room = 256 + kGroup)
      : capacity(std::min(count + std::max(count, room) + kGroup, (groups + 1) * kGroup)),
        block(cols, queries),
        score(queries, (capacity + 15) / 16 * 16),
        place(queries, (capacity + 15) / 16 * 16),
        partial(kBlock, kGroup),
        gathered(kBlock, block.stride),
        size(new std::int64_t[static_cast<std::size_t>(queries)]),
        limit(new float[static_cast<std::size_t>(queries)]),
        reach(new double[static_cast<std::size_t>(queries)]) {}

  std::int64_t capacity;  // of a query's buffer; compacted when less than a group is free
  Block block;
  Matrix score;                     // queries × capacity
  BasicMatrix<std::int32_t> place;  // queries × capacity
  Matrix partial;
  Matrix center_score;       // of the queries with the groups' centers; sized by who needs it
  Matrix gathered;           // −x' of the queries that a group concerns
  std::int32_t who[kBlock];  // those queries
  float bar[kBlock];         // and their limits
  std::unique_ptr<std::int64_t[]> size;  // of the buffers
  std::unique_ptr<float[]> limit;        // scores above are of no interest
  std::unique_ptr<double[]> reach;       // in scaled rows: rows farther are of no interest
  std::vector<Doubt> doubt;
  std::vector<GroupAt> order;
  std::vector<Candidate> exact;
};

}  // namespace latlas::scan
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {

using scan::kBlock;
using scan::kGroup;

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

inline std::int64_t count_up_to(float limit, const float* x,
                                std::int64_t n) {  // n a multiple of 16
  std::int64_t count = 0;
  const F16 l = set(limit);
  for (std::int64_t i = 0; i < n; i += 16) count += std::popcount(to_bits(load(x + i) <= l));
  return count;
}

// A value that at least `count` of the n numbers do not exceed, and few more; by bisection.
inline float rough_quantile(float* x, std::int64_t n, std::int64_t count) {
  const std::int64_t padded = (n + 15) / 16 * 16;
  for (std::int64_t i = n; i < padded; ++i) x[i] = x[0];
  F16 least = load(x), most = least;
  for (std::int64_t i = 16; i < padded; i += 16) {
    least = min(least, load(x + i));
    most = max(most, load(x + i));
  }
  float low = reduce_min(least), high = reduce_max(most);
  for (std::int64_t i = n; i < padded; ++i) x[i] = std::numeric_limits<float>::infinity();
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

inline void measure(const scan::Panels& panels, const float* query, scan::Worker& w,
                    std::int64_t q) {
  w.exact.clear();
  for (std::int64_t i = 0; i < w.size[q]; ++i) {
    const float* given = panels.given(w.place(q, i));
    for (std::int64_t k = 0; k < panels.cols() && k < 64; k += 16) hwy::Prefetch(given + k);
  }
  for (std::int64_t i = 0; i < w.size[q]; ++i) {
    const std::int32_t place = w.place(q, i), row = panels.row[static_cast<std::size_t>(place)];
    const double square = squared_distance(query, panels.given(place), panels.cols());
    w.exact.push_back({scan::key_of_square(square, row), w.score(q, i), place});
  }
}

inline void keep_best(std::vector<scan::Candidate>& candidates, std::int64_t count) {
  if (static_cast<std::int64_t>(candidates.size()) <= count) return;
  std::nth_element(candidates.begin(), candidates.begin() + (count - 1), candidates.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
  candidates.resize(static_cast<std::size_t>(count));
}

// Leaves the rows that can still be among the `count` nearest, and sets limit and reach by them.
inline void compact(const scan::Panels& panels, const float* query, std::int64_t count,
                    scan::Worker& w, std::int64_t q) {
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

/// Makes the worker ready for so many queries.
inline void begin_block(const scan::Panels& panels, ConstRows rows,
                        std::span<const std::int32_t> chosen, scan::Worker& w) {
  w.block.fill(panels.frame, rows, chosen);
  w.doubt.clear();
  for (std::size_t q = 0; q < chosen.size(); ++q) {
    w.size[q] = 0;
    w.limit[q] = std::numeric_limits<float>::max();
    w.reach[q] = std::numeric_limits<double>::max();
    w.doubt.emplace_back(panels.frame, w.block.norm[q]);
  }
}

/// Puts the −x' of the first `concerned` queries that stand in w.who side by side.
LATLAS_INLINE void gather(const float* negated, std::int64_t concerned, scan::Worker& w) {
  const std::int64_t stride = w.block.stride;
  for (std::int64_t i = 0; i < concerned; ++i) {
    const float* from = negated + w.who[i] * stride;
    float* to = w.gathered.row(i);
    for (std::int64_t k = 0; k < stride; k += 16) store(load(from + k), to + k);
  }
}

/// Scans a group for the first `concerned` queries that stand in w.who, of `queries` at work; at
/// most kBlock.
inline void scan_concerned(const scan::Panels& panels, std::int64_t queries, std::int64_t concerned,
                           std::int64_t group, scan::Worker& w) {
  const std::int64_t stride = w.block.stride;
  const float* negated = w.block.negated.data();
  std::fill(w.bar + concerned, w.bar + kBlock, -std::numeric_limits<float>::infinity());
  if (concerned < queries) {
    gather(negated, concerned, w);
    negated = w.gathered.data();
  }
  Append append{w};
  scan_group(panels, negated, stride, concerned, group, w.partial.data(), append);
}

/// Makes room in the buffers of the queries that a group concerned for another.
inline void make_room(const scan::Panels& panels, ConstRows rows,
                      std::span<const std::int32_t> chosen, std::int64_t concerned,
                      std::int64_t count, scan::Worker& w) {
  for (std::int64_t i = 0; i < concerned; ++i) {
    const std::int64_t q = w.who[i];
    if (w.size[q] > w.capacity - kGroup)
      compact(panels, rows.row(chosen[static_cast<std::size_t>(q)]), count, w, q);
  }
}

/// Measures what is left and fills row chosen[i] of the lists for every query of the block.
inline void finish_block(const scan::Panels& panels, ConstRows rows,
                         std::span<const std::int32_t> chosen, std::int64_t count, scan::Worker& w,
                         Neighbors& lists) {
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto q = static_cast<std::int64_t>(i);
    const std::int32_t row = chosen[i];
    compact(panels, rows.row(row), count, w, q);
    measure(panels, rows.row(row), w, q);
    keep_best(w.exact, count);
    std::sort(w.exact.begin(), w.exact.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
    for (std::int64_t j = 0; j < count; ++j) {
      const scan::Key key = w.exact[static_cast<std::size_t>(j)].key;
      lists.index(row, j) = scan::row_of(key);
      lists.distance(row, j) = scan::distance_of(key);
    }
  }
}

}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
