#include "latlas/neighbors/lists.h"

#include <algorithm>
#include <limits>

#include "latlas/core/error.h"
#include "latlas/neighbors/panels.h"

namespace latlas::scan {

void check_rows(ConstRows rows, const char* what) {
  require(rows.cols() >= 1 && rows.cols() <= scan::kMaxCols, what, " have ", rows.cols(),
          " columns; the search takes between 1 and ", scan::kMaxCols);
  require(rows.rows() < std::numeric_limits<std::int32_t>::max(), what, " are ", rows.rows(),
          "; the search takes fewer than 2147483647");
  require_finite(rows, what);
}

namespace {

void check_params(NeighborsParams params) { check(fields(params), "neighbors"); }

}  // namespace

void check_search(ConstRows data, const NeighborsParams& params) {
  check_params(params);
  require(params.k < data.rows(), "neighbors: k is ", params.k, ", but each of the ", data.rows(),
          " rows has only ", std::max<std::int64_t>(data.rows() - 1, 0),
          " others; ask for fewer neighbors");
  check_rows(data, "neighbors: data");
}

void check_search(ConstRows queries, ConstRows data, const NeighborsParams& params) {
  check_params(params);
  require(params.k <= data.rows(), "neighbors: k is ", params.k, ", but the data have only ",
          data.rows(), " rows; ask for fewer neighbors");
  require(queries.cols() == data.cols(), "neighbors: queries have ", queries.cols(),
          " columns, the data ", data.cols(), "; they must agree");
  check_rows(data, "neighbors: data");
  check_rows(queries, "neighbors: queries");
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
    if (distinct.members.empty() && end - begin == 1) {  // nearly always
      if (index[begin] == self) continue;
      index_out[filled] = index[begin];
      distance_out[filled++] = distance[begin];
      continue;
    }
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
