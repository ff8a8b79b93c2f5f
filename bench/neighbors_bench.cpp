// Neighbors for bench/run.py: one search, its seconds and the recall of any graph, as JSON.
//
//   neighbors_bench search  ROWS.npy METRIC K exact|approximate PROBES OUT.npy
//   neighbors_bench recall  ROWS.npy METRIC GRAPH.npy SAMPLE
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "bench/main.h"
#include "latlas/core/npy.h"
#include "latlas/core/parallel.h"
#include "latlas/core/progress.h"
#include "latlas/neighbors/approximate.h"

namespace latlas {
namespace {

int run(const std::vector<std::string>& words) {
  const Matrix rows = npy::read_matrix(words.at(1));
  const std::string metric = words.at(2);
  if (words.at(0) == "search") {
    const NeighborsParams params{.k = std::stoll(words.at(3)),
                                 .metric = metric,
                                 .search = words.at(4),
                                 .probes = std::stoll(words.at(5))};
    const auto begin = std::chrono::steady_clock::now();
    const Neighbors graph = find_neighbors(rows, params);
    const double seconds = seconds_since(begin);
    // As floats, which hold every row number below 2^24.
    Matrix index(graph.rows(), graph.k());
    for (std::int64_t i = 0; i < index.size(); ++i)
      index.data()[i] = static_cast<float>(graph.index.data()[i]);
    npy::write(words.at(6), index);
    std::printf("{\"seconds\": %.4f}\n", seconds);
    return 0;
  }
  // Distances are measured here, so that all graphs are judged alike.
  const Matrix index = npy::read_matrix(words.at(3));
  Neighbors graph{BasicMatrix<std::int32_t>(index.rows(), index.cols()),
                  Matrix(index.rows(), index.cols())};
  parallel_for(index.rows(), 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (std::int64_t j = 0; j < index.cols(); ++j) {
        const auto other = static_cast<std::int64_t>(index(i, j));
        double square = 0, xy = 0, xx = 0, yy = 0;
        for (std::int64_t c = 0; c < rows.cols(); ++c) {
          const double x = rows(i, c), y = rows(other, c);
          square += (x - y) * (x - y);
          xy += x * y;
          xx += x * x;
          yy += y * y;
        }
        const double distance =
            metric == "cosine" ? 1 - xy / std::sqrt(xx * yy) : std::sqrt(square);
        // A hair less, so that rounding does not lose the farthest true neighbor.
        graph.distance(i, j) = static_cast<float>(distance * (1 - 1e-5) - 1e-7);
      }
      std::sort(graph.distance.row(i), graph.distance.row(i) + index.cols());
    }
  });
  const Recall recall = measured_recall(graph, rows, metric, std::stoll(words.at(4)), 0);
  std::printf("{\"recall\": %.5f, \"error\": %.5f}\n", recall.value, recall.standard_error);
  return 0;
}

}  // namespace
}  // namespace latlas

int main(int argc, char** argv) {
  return latlas::bench::main_of("neighbors_bench", argc, argv, latlas::run);
}
