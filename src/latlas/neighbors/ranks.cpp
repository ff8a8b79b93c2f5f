// A row's rank is one more than the number of rows that are nearer. Scores of all rows come from
// the product tile; each target has two limits: scores below the lower one are surely nearer,
// scores above the upper one surely not, and the few between are measured exactly.
#include "latlas/neighbors/ranks.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/neighbors/panels.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/neighbors/ranks.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/neighbors/scan-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

using scan::kBlock;
using scan::kGroup;

std::int64_t panel_width() { return kPanelWidth; }

LATLAS_INLINE std::int32_t count(const M16& m) {
  std::size_t n = 0;
  LATLAS_EACH n += hn::CountTrue(DF(), m.v[p]);
  return static_cast<std::int32_t>(n);
}

/// What is known of each query of a block; targets are query · t + j, by their keys.
struct Targets {
  std::int64_t t;
  std::vector<std::int64_t> column;  // where the caller has them
  std::vector<float> lower, upper;
  std::vector<scan::Key> key;
  std::vector<std::int32_t> nearer;
  float highest[kBlock];      // of the query's upper limits
  std::int32_t self[kBlock];  // places of the queries themselves
};

struct Count {
  const scan::Panels& panels;
  std::span<const std::int32_t> rows;  // the queries
  Targets& targets;

  LATLAS_INLINE void operator()(const Scores& scores, std::int64_t query, std::int64_t place) {
    const auto queries = static_cast<std::int64_t>(rows.size());
    for (std::int64_t i = 0; i < kTileRows && query + i < queries; ++i)
      for (int j = 0; j < kTileVectors; ++j) {
        if (any(scores[i][j] <= set(targets.highest[query + i])))
          add(scores[i][j], query + i, place + 16 * j);
      }
  }

  HWY_NOINLINE void add(F16 score, std::int64_t query, std::int64_t place) {
    const std::int64_t self = targets.self[query] - place;
    if (self >= 0 && self < 16) {
      HWY_ALIGN float value[16];
      store(score, value);
      value[self] = std::numeric_limits<float>::infinity();
      score = load(value);
    }
    const std::int64_t begin = query * targets.t, end = begin + targets.t;
    bool doubtful = false;
    for (std::int64_t j = end; j-- > begin;) {  // from the farthest, to the first that none reaches
      const auto at = static_cast<std::size_t>(j);
      if (!any(score <= set(targets.upper[at]))) break;
      const std::int32_t sure = count(score < set(targets.lower[at]));
      targets.nearer[at] += sure;
      doubtful |= count(score <= set(targets.upper[at])) != sure;
    }
    if (doubtful) measure(score, query, place);
  }

  HWY_NOINLINE void measure(const F16& score, std::int64_t query, std::int64_t place) {
    HWY_ALIGN float value[16];
    store(score, value);
    const float* x = panels.data.row(rows[static_cast<std::size_t>(query)]);
    const std::int64_t begin = query * targets.t, end = begin + targets.t;
    for (int lane = 0; lane < 16; ++lane) {
      bool measured = false;
      scan::Key key = 0;
      for (std::int64_t j = begin; j < end; ++j) {
        const auto at = static_cast<std::size_t>(j);
        if (!(value[lane] >= targets.lower[at] && value[lane] <= targets.upper[at])) continue;
        if (!measured) {
          const std::int32_t row = panels.row[static_cast<std::size_t>(place + lane)];
          key = scan::key_of_square(squared_distance(x, panels.data.row(row), panels.cols()), row);
          measured = true;
        }
        targets.nearer[at] += key < targets.key[at] ? 1 : 0;
      }
    }
  }
};

void rank_block(const scan::Panels& panels, std::span<const std::int32_t> rows,
                MatrixView<const std::int32_t> targets, MatrixView<std::int32_t> out) {
  const auto queries = static_cast<std::int64_t>(rows.size());
  scan::Block block(panels.cols());
  block.fill(panels.frame, panels.data, rows);
  Targets known;
  known.t = targets.cols();
  for (std::int64_t q = 0; q < queries; ++q) {
    const std::int32_t self = rows[static_cast<std::size_t>(q)];
    const scan::Doubt doubt(panels.frame, block.norm[static_cast<std::size_t>(q)]);
    known.self[q] = self;
    std::vector<std::pair<scan::Key, std::int64_t>> sorted;
    for (std::int64_t j = 0; j < known.t; ++j) {
      const std::int32_t row = targets(q, j);
      sorted.emplace_back(
          scan::key_of_square(
              squared_distance(panels.data.row(self), panels.data.row(row), panels.cols()), row),
          j);
    }
    std::sort(sorted.begin(), sorted.end());
    for (const auto& [key, column] : sorted) {
      known.key.push_back(key);
      known.column.push_back(column);
      known.lower.push_back(doubt.lower(scan::distance_of(key)));
      known.upper.push_back(doubt.upper(scan::distance_of(key)));
    }
    known.highest[q] = known.t > 0 ? known.upper.back() : -std::numeric_limits<float>::infinity();
  }
  known.nearer.assign(known.key.size(), 0);

  Matrix partial(kBlock, kGroup);
  Count visit{panels, rows, known};
  for (std::int64_t g = 0; g < panels.groups; ++g)
    scan_group(panels, block.negated.data(), block.stride, queries, g, partial.data(), visit);
  for (std::int64_t q = 0; q < queries; ++q)
    for (std::int64_t j = 0; j < known.t; ++j) {
      const auto at = static_cast<std::size_t>(q * known.t + j);
      out(q, known.column[at]) = 1 + known.nearer[at];
    }
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
namespace {
HWY_EXPORT(panel_width);
HWY_EXPORT(rank_block);
}  // namespace

BasicMatrix<std::int32_t> ranks(ConstRows data, std::span<const std::int32_t> rows,
                                MatrixView<const std::int32_t> targets) {
  const auto n = static_cast<std::int64_t>(rows.size());
  require(data.cols() >= 1 && data.cols() <= scan::kMaxCols, "ranks: the data have ", data.cols(),
          " columns; between 1 and ", scan::kMaxCols, " are taken");
  require(data.rows() < std::numeric_limits<std::int32_t>::max(), "ranks: the data have ",
          data.rows(), " rows; fewer than 2147483647 are taken");
  require(targets.rows() == n, "ranks: ", targets.rows(), " rows of targets for ", n, " rows");
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int32_t self = rows[static_cast<std::size_t>(i)];
    require(self >= 0 && self < data.rows(), "ranks: entry ", i, " of the rows is ", self,
            ", the data have rows 0 to ", data.rows() - 1);
    for (const std::int32_t row : targets[i])
      require(row >= 0 && row < data.rows() && row != self, "ranks: row ", row,
              " cannot be a target of row ", self, " in data of ", data.rows(), " rows");
  }
  require_finite(data, "ranks: data");
  BasicMatrix<std::int32_t> out(n, targets.cols());
  if (out.empty()) return out;

  std::vector<std::int32_t> in_order(static_cast<std::size_t>(data.rows()));
  std::iota(in_order.begin(), in_order.end(), 0);
  const scan::Panels panels = scan::pack(data, scan::frame_of(data, data, "ranks"),
                                         std::move(in_order), LATLAS_DISPATCH(panel_width)());
  const auto kernel = LATLAS_DISPATCH(rank_block);
  parallel_for(n, scan::kBlock, [&](std::int64_t begin, std::int64_t end) {
    kernel(panels,
           rows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
           targets.rows(begin, end), out.rows(begin, end));
  });
  return out;
}

}  // namespace latlas
#endif
