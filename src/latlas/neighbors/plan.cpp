#include "latlas/neighbors/plan.h"

#include <algorithm>
#include <cmath>

#include "latlas/neighbors/approximate.h"

namespace latlas {

Plan plan_neighbors(std::int64_t rows, std::int64_t queries, std::int64_t cols, std::int64_t k,
                    double rate) {
  const auto n = static_cast<double>(rows), m = static_cast<double>(queries);
  const auto d = static_cast<double>(cols);
  return {n * m * (d / 0.8 + 20) / rate, whole_bytes(n * d * 8 + m * static_cast<double>(k) * 8)};
}

namespace {

// Groups that a row looks at when a sample decides: about 20 to 40 for latents of some ten thousand
// to a million rows, 60 to 90 for embeddings of text.
double probes_of(std::int64_t cols, const NeighborsParams& params) {
  return params.probes > 0 ? static_cast<double>(params.probes)
                           : std::min(32 + 0.1 * static_cast<double>(cols), 96.0);
}

Plan plan_approximate(std::int64_t rows, std::int64_t queries, std::int64_t cols,
                      const NeighborsParams& params, double rate) {
  const auto n = static_cast<double>(rows), m = static_cast<double>(queries);
  const auto d = static_cast<double>(cols), k = static_cast<double>(params.k);
  const double looked = std::min(96 * probes_of(cols, params), n);
  // The order of the rows and the sample; the groups looked at; the sweeps over neighbors'
  // neighbors, of which most were seen.
  const double prepared = n * (d * (384 + 12 * std::log2(n + 1)) + 20000);
  const double scanned = m * (looked * (d / 0.3 + 80) + 4000 * k + 50000);
  const double near = std::min(k + 1, 32.0);
  const double swept =
      static_cast<double>(std::min<std::int64_t>(params.sweeps, 2)) * near * near * (2 * d + 200);
  return {(prepared + scanned + (rows == queries ? m * swept : 0)) / rate,
          whole_bytes(n * (d * 8 + 100) + m * (k * 16 + 116))};
}

}  // namespace

Plan plan_search(std::int64_t rows, std::int64_t queries, std::int64_t cols,
                 const NeighborsParams& params, double rate) {
  if (queries == 0) return {};
  return searches_exactly(queries, rows, cols, params)
             ? plan_neighbors(rows, queries, cols, params.k, rate)
             : plan_approximate(rows, queries, cols, params, rate);
}

Plan plan_queries(std::int64_t rows, std::int64_t queries, std::int64_t cols,
                  const NeighborsParams& params, double rate) {
  if (queries == 0) return {};
  return index_searches_exactly(rows, params) ? plan_neighbors(rows, queries, cols, params.k, rate)
                                              : plan_approximate(rows, queries, cols, params, rate);
}

}  // namespace latlas
