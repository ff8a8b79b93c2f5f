#include "latlas/neighbors/lists.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/neighbors/panels.h"

namespace latlas::scan {

void check_rows(ConstRows rows, const char* what) {
  require(rows.cols() >= 1 && rows.cols() <= scan::kMaxCols, what, " have ", rows.cols(),
          " columns; the search takes between 1 and ", scan::kMaxCols);
  require(rows.rows() < std::numeric_limits<std::int32_t>::max(), what, " are ", rows.rows(),
          "; the search takes fewer than 2147483647");
  require_finite(rows, what);
}

Matrix unit_rows(ConstRows rows, const char* what) {
  Matrix unit(rows.rows(), rows.cols());
  parallel_for(rows.rows(), 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      double square = 0;
      for (const float x : rows[i]) square += static_cast<double>(x) * static_cast<double>(x);
      require(square > 0, what, ": row ", i,
              " (counted from 0) has norm 0 and no direction; cosine needs one, remove such rows");
      const double norm = std::sqrt(square);
      for (std::int64_t j = 0; j < rows.cols(); ++j)
        unit(i, j) = static_cast<float>(rows(i, j) / norm);
    }
  });
  return unit;
}

void to_cosine(Neighbors& graph) {
  for (std::int64_t i = 0; i < graph.distance.size(); ++i) {
    const double d = graph.distance.data()[i];
    graph.distance.data()[i] = static_cast<float>(0.5 * d * d);
  }
}

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

}  // namespace latlas::scan
