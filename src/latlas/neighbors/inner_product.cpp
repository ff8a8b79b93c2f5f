// Largest inner products, exactly.
//
// The product tile gives scores s = −x'·y' of rows scaled by powers of two (c for x, c' for y) that
// bring the largest magnitude near 1. With u = 2⁻²⁴, a = |x'|, b = |y'|, and p the distance that is
// returned, −x·y summed in double and rounded to float32:
//
//   |s − c c' p| ≤ E = 1.07 (d + 3) u a b + (d + 1) 2⁻¹²⁰ + c c' 2⁻¹²⁵
//
// The first term is the chain of d fused multiply-adds, each partial sum of which is at most
// Σ |x'y'| ≤ a b (1.07 for d u ≤ 1/16), the sum in double and the last rounding; the others are
// what underflows. So a row can be among the first only while s − E does not exceed what `count`
// rows have as s + E: that is the query's limit.
//
// Rows come in the order of their norms, the longest first. No row of a group reaches below −a b,
// with b the norm of its first: once that exceeds the limits of all queries, so do all groups after
// it. (Teflioudi, Gemulla, Mykytiuk, LEMP: fast retrieval of large entries in a matrix product,
// 2015.) What is left is measured and sorted by (distance, index).
#include "latlas/neighbors/inner_product.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/neighbors/panels.h"
#include "latlas/neighbors/rounds.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/neighbors/inner_product.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/neighbors/search-inl.h"

#ifndef LATLAS_NEIGHBORS_INNER_PRODUCT_ONCE
#define LATLAS_NEIGHBORS_INNER_PRODUCT_ONCE
namespace latlas::scan {

// In a kernel's file, so always inlined: the same operations wherever it is compiled.
[[gnu::always_inline]] inline float rounded_product(const float* x, const float* y,
                                                    std::int64_t d) {
  double lane[8] = {};
  std::int64_t k = 0;
  for (; k + 8 <= d; k += 8)
    for (int i = 0; i < 8; ++i)
      lane[i] += static_cast<double>(x[k + i]) * static_cast<double>(y[k + i]);
  for (int i = 0; k < d; ++k, ++i) lane[i] += static_cast<double>(x[k]) * static_cast<double>(y[k]);
  const double sum =
      ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
  return std::abs(sum) < 0x1p-126 ? 0.0F : static_cast<float>(-sum);
}

/// The data, longest rows first.
struct ByNorm {
  Panels panels;
  std::vector<double> longest;  // for each group, an upper bound of |y'|
  Frame query_frame;
};

struct Measured {
  float distance;
  std::int32_t row;
  float score;
  std::int32_t place;
};
inline bool before(const Measured& a, const Measured& b) {
  return a.distance < b.distance || (a.distance == b.distance && a.row < b.row);
}

struct ProductWorker {
  ProductWorker(const ByNorm& in, std::int64_t count)
      : scan(in.panels.cols(), in.panels.groups, count), upper(1, scan.score.cols()) {}
  Worker scan;
  Matrix upper;  // what the rows of a buffer have at most
  std::vector<Measured> measured;
};

}  // namespace latlas::scan
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

using scan::kBlock;
using scan::kGroup;

std::int64_t panel_width() { return kPanelWidth; }

// The numbers of one search that bounds are made of.
struct Bounds {
  const scan::ByNorm& in;
  double relative, absolute;

  explicit Bounds(const scan::ByNorm& searched)
      : in(searched),
        relative(1.07 * (static_cast<double>(in.panels.cols()) + 3) * 0x1p-24),
        absolute((static_cast<double>(in.panels.cols()) + 1) * 0x1p-120 +
                 in.panels.frame.scale * in.query_frame.scale * 0x1p-125) {}

  // E for a query of this norm and any row of the group.
  double error(double norm, std::int64_t group) const {
    return relative * norm * in.longest[static_cast<std::size_t>(group)] + absolute;
  }
  // No row of the group, nor of the groups after it, has less.
  double least(double norm, std::int64_t group) const {
    return -norm * in.longest[static_cast<std::size_t>(group)] - error(norm, group);
  }
};

// The next float above, or a little more; never infinite.
float rounded_up(double x) {
  constexpr double kMost = std::numeric_limits<float>::max();
  return static_cast<float>(std::min(x + std::abs(x) * 0x1p-22 + 0x1p-126, kMost));
}

void measure_products(const scan::Panels& panels, const float* query, scan::ProductWorker& worker,
                      std::int64_t q) {
  const scan::Worker& w = worker.scan;
  worker.measured.clear();
  for (std::int64_t i = 0; i < w.size[q]; ++i) {
    const std::int32_t place = w.place(q, i), row = panels.row[static_cast<std::size_t>(place)];
    worker.measured.push_back({scan::rounded_product(query, panels.data.row(row), panels.cols()),
                               row, w.score(q, i), place});
  }
}

// Leaves the rows that can still be among the first `count`, and sets the limit by them.
void compact_products(const Bounds& bounds, const float* query, std::int64_t count,
                      scan::ProductWorker& worker, std::int64_t q) {
  scan::Worker& w = worker.scan;
  if (w.size[q] <= count) return;
  const scan::Panels& panels = bounds.in.panels;
  const double norm = w.block.norm[static_cast<std::size_t>(q)];
  float* score = w.score.row(q);
  std::int32_t* place = w.place.row(q);
  float* upper = worker.upper.row(0);
  for (std::int64_t i = 0; i < w.size[q]; ++i)
    upper[i] = rounded_up(static_cast<double>(score[i]) + bounds.error(norm, place[i] / kGroup));
  w.limit[q] = std::min(w.limit[q], rough_quantile(upper, w.size[q], count));
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < w.size[q]; ++i) {
    const double lower = static_cast<double>(score[i]) - bounds.error(norm, place[i] / kGroup);
    score[kept] = score[i];
    place[kept] = place[i];
    kept += lower <= static_cast<double>(w.limit[q]) ? 1 : 0;
  }
  w.size[q] = kept;
  if (kept <= w.capacity - kGroup) return;

  // Rounding cannot tell them apart.
  measure_products(panels, query, worker, q);
  auto& measured = worker.measured;
  std::nth_element(measured.begin(), measured.begin() + (count - 1), measured.end(), scan::before);
  const double farthest = measured[static_cast<std::size_t>(count - 1)].distance;
  w.limit[q] =
      std::min(w.limit[q], rounded_up(farthest * panels.frame.scale * bounds.in.query_frame.scale));
  for (std::int64_t i = 0; i < count; ++i) {
    score[i] = measured[static_cast<std::size_t>(i)].score;
    place[i] = measured[static_cast<std::size_t>(i)].place;
  }
  w.size[q] = count;
}

// Chooses the queries for which the group can hold a row of interest. Returns how many; they stand
// in who and bar.
std::int64_t choose_by_norm(const Bounds& bounds, std::int64_t queries, std::int64_t group,
                            scan::Worker& w) {
  std::int64_t concerned = 0;
  for (std::int64_t q = 0; q < queries; ++q) {
    const double norm = w.block.norm[static_cast<std::size_t>(q)];
    const double limit = w.limit[q];
    if (bounds.least(norm, group) > limit) continue;
    w.who[concerned] = static_cast<std::int32_t>(q);
    w.bar[concerned++] = rounded_up(limit + bounds.error(norm, group));
  }
  return concerned;
}

/// Fills row chosen[i] of the lists for every query of the block.
void search_products(const scan::ByNorm& in, ConstRows rows, std::span<const std::int32_t> chosen,
                     std::int64_t count, scan::ProductWorker& worker, Neighbors& lists) {
  const Bounds bounds(in);
  scan::Worker& w = worker.scan;
  const auto queries = static_cast<std::int64_t>(chosen.size());
  w.block.fill(in.query_frame, rows, chosen);
  for (std::int64_t q = 0; q < queries; ++q) {
    w.size[q] = 0;
    w.limit[q] = std::numeric_limits<float>::max();
  }
  for (std::int64_t g = 0; g < in.panels.groups; ++g) {
    const std::int64_t concerned = choose_by_norm(bounds, queries, g, w);
    if (concerned == 0) break;
    scan_concerned(in.panels, queries, concerned, g, w);
    for (std::int64_t q = 0; q < queries; ++q)
      if (w.size[q] > w.capacity - kGroup)
        compact_products(bounds, rows.row(chosen[static_cast<std::size_t>(q)]), count, worker, q);
  }
  for (std::int64_t q = 0; q < queries; ++q) {
    const std::int32_t row = chosen[static_cast<std::size_t>(q)];
    compact_products(bounds, rows.row(row), count, worker, q);
    measure_products(in.panels, rows.row(row), worker, q);
    auto& measured = worker.measured;
    std::partial_sort(measured.begin(), measured.begin() + count, measured.end(), scan::before);
    for (std::int64_t j = 0; j < count; ++j) {
      lists.index(row, j) = measured[static_cast<std::size_t>(j)].row;
      lists.distance(row, j) = measured[static_cast<std::size_t>(j)].distance;
    }
  }
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas::scan {
namespace {
HWY_EXPORT(panel_width);
HWY_EXPORT(search_products);

std::vector<double> norms_of(ConstRows rows) {
  std::vector<double> norms(static_cast<std::size_t>(rows.rows()));
  parallel_for(rows.rows(), 512, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      norms[static_cast<std::size_t>(i)] = norm_of(rows[i]);
  });
  return norms;
}

double largest_of(std::span<const double> norms) {
  return norms.empty() ? 0 : *std::max_element(norms.begin(), norms.end());
}

/// @param norm  of the rows of the data.
ByNorm prepare(ConstRows queries, ConstRows data, std::span<const double> norm,
               std::vector<std::int32_t> rows) {
  const auto norm_at = [&](std::int32_t row) { return norm[static_cast<std::size_t>(row)]; };
  std::sort(rows.begin(), rows.end(), [&](std::int32_t a, std::int32_t b) {
    return norm_at(a) > norm_at(b) || (norm_at(a) == norm_at(b) && a < b);
  });
  ByNorm in;
  in.query_frame = unmoved_frame_of(queries);
  in.panels = pack(data, unmoved_frame_of(data), std::move(rows), LATLAS_DISPATCH(panel_width)());
  const Panels& panels = in.panels;
  std::fill_n(in.panels.half_norm.begin(), panels.places(), 0.0F);  // scores begin with nothing
  for (std::int64_t g = 0; g < panels.groups; ++g)
    in.longest.push_back(norm_at(panels.row[static_cast<std::size_t>(g * kGroup)]) *
                         panels.frame.scale * (1 + 1e-9));
  return in;
}

}  // namespace

float negative_product(const float* x, const float* y, std::int64_t d) {
  return rounded_product(x, y, d);
}

double largest_norm(ConstRows rows) { return largest_of(norms_of(rows)); }

void require_products(ConstRows queries, double longest) {
  const double most = largest_norm(queries) * longest;
  require(most <= std::numeric_limits<float>::max(), "neighbors: inner products may reach ", most,
          ", more than float32 can say (3.4e38); scale the data down");
}

Neighbors largest_products(ConstRows queries, std::span<const std::int32_t> chosen, ConstRows data,
                           std::vector<std::int32_t> rows, std::int64_t count,
                           const Progress& progress) {
  const std::vector<double> norm = norms_of(data);
  require_products(queries, largest_of(norm));
  const ByNorm in = prepare(queries, data, norm, std::move(rows));
  Neighbors lists{BasicMatrix<std::int32_t>(queries.rows(), count), Matrix(queries.rows(), count)};
  const auto n = static_cast<std::int64_t>(chosen.size());
  const Clock clock(progress);
  const auto kernel = LATLAS_DISPATCH(search_products);
  const bool whole = in_rounds(
      n, [&] { return std::make_unique<ProductWorker>(in, count); },
      [&](std::int64_t done) { return clock.stops(done, n); },
      [&](std::int64_t begin, std::int64_t end, ProductWorker& worker) {
        kernel(
            in, queries,
            chosen.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
            count, worker, lists);
      });
  return whole ? std::move(lists) : Neighbors{};
}

Matrix lifted_rows(ConstRows rows, double norm) {
  const std::int64_t d = rows.cols();
  Matrix out(rows.rows(), d + 1);
  parallel_for(rows.rows(), 512, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::copy_n(rows.row(i), d, out.row(i));
      const double own = norm_of(rows[i]);
      out(i, d) = static_cast<float>(std::sqrt(std::max((norm - own) * (norm + own), 0.0)));
    }
  });
  return out;
}

Matrix lifted_queries(ConstRows queries, double norm) {
  const std::int64_t d = queries.cols();
  Matrix out(queries.rows(), d + 1);
  parallel_for(queries.rows(), 512, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const double own = norm_of(queries[i]), scale = own > 0 ? norm / own : 0;
      for (std::int64_t j = 0; j < d; ++j)
        out(i, j) = static_cast<float>(static_cast<double>(queries(i, j)) * scale);
    }
  });
  return out;
}

}  // namespace latlas::scan
#endif
