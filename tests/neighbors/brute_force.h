// The naive twin of the neighbor search: measures every pair, sorts all of them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas::twin {

/// √Σ(x − y)², in double by eight lanes and one tree, rounded once.
inline float distance(const float* x, const float* y, std::int64_t d) {
  double lane[8] = {};
  for (std::int64_t k = 0; k < d; ++k) {
    const double gap = static_cast<double>(x[k]) - static_cast<double>(y[k]);
    lane[k % 8] += gap * gap;
  }
  return static_cast<float>(std::sqrt(((lane[0] + lane[4]) + (lane[2] + lane[6])) +
                                      ((lane[1] + lane[5]) + (lane[3] + lane[7]))));
}

/// −x·y in double by eight lanes and one tree, rounded once.
inline float negative_product(const float* x, const float* y, std::int64_t d) {
  double lane[8] = {};
  for (std::int64_t k = 0; k < d; ++k)
    lane[k % 8] += static_cast<double>(x[k]) * static_cast<double>(y[k]);
  const double sum =
      ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
  return std::abs(sum) < 0x1p-126 ? 0.0F : static_cast<float>(-sum);
}

using Measure = float (*)(const float* x, const float* y, std::int64_t d);

/// All rows of the data but `self` (−1: none) by (distance, index) from x.
inline std::vector<std::pair<float, std::int32_t>> ranked(const float* x, ConstRows data,
                                                          std::int64_t self,
                                                          Measure measure = distance) {
  std::vector<std::pair<float, std::int32_t>> all;
  for (std::int64_t j = 0; j < data.rows(); ++j)
    if (j != self)
      all.emplace_back(measure(x, data.row(j), data.cols()), static_cast<std::int32_t>(j));
  std::sort(all.begin(), all.end());
  return all;
}

inline Neighbors nearest_neighbors(ConstRows queries, ConstRows data, std::int64_t k, bool within,
                                   Measure measure = distance) {
  Neighbors graph{BasicMatrix<std::int32_t>(queries.rows(), k), Matrix(queries.rows(), k)};
  for (std::int64_t i = 0; i < queries.rows(); ++i) {
    const auto all = ranked(queries.row(i), data, within ? i : -1, measure);
    for (std::int64_t j = 0; j < k; ++j) {
      graph.distance(i, j) = all[static_cast<std::size_t>(j)].first;
      graph.index(i, j) = all[static_cast<std::size_t>(j)].second;
    }
  }
  return graph;
}

}  // namespace latlas::twin

namespace latlas {

inline void expect_equal(const Neighbors& a, const Neighbors& b, const std::string& what = "") {
  ASSERT_EQ(a.rows(), b.rows()) << what;
  ASSERT_EQ(a.k(), b.k()) << what;
  for (std::int64_t i = 0; i < a.rows(); ++i)
    for (std::int64_t j = 0; j < a.k(); ++j) {
      ASSERT_EQ(a.index(i, j), b.index(i, j)) << what << " row " << i << " place " << j;
      ASSERT_EQ(a.distance(i, j), b.distance(i, j)) << what << " row " << i << " place " << j;
    }
}

}  // namespace latlas
