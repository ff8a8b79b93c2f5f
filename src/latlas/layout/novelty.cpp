// A reach of 0 (rows with many equals) is nobody's yardstick: reaches below a hundredth of the
// median count as that in a quotient.
#include "latlas/layout/novelty.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/neighbors/graph.h"

namespace latlas {
namespace {

constexpr std::int64_t kRowTile = 1024;
constexpr double kLeastShare = 0.01;

/// The mean distance of each row to its first k neighbors.
std::vector<double> reaches(const Neighbors& graph, std::int64_t k) {
  std::vector<double> out(static_cast<std::size_t>(graph.rows()));
  parallel_for(graph.rows(), kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      double sum = 0;
      for (std::int64_t c = 0; c < k; ++c) sum += static_cast<double>(graph.distance(i, c));
      out[static_cast<std::size_t>(i)] = sum / static_cast<double>(k);
    }
  });
  return out;
}

/// The smallest value that is not below the share of all of them.
double quantile(std::vector<double> values, double share) {
  const auto last = static_cast<double>(values.size() - 1);
  const auto at = static_cast<std::ptrdiff_t>(std::ceil(share * last));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

}  // namespace

std::vector<Field> fields(NoveltyParams& p) {
  return {{"k", &p.k, "nearest rows that a row's reach is measured by", 1, 1e6},
          {"quantile", &p.quantile, "share of the fitted rows that count as usual", 0, 1}};
}

Novelty novelty(const Neighbors& fitted, const Neighbors& to_train, const NoveltyParams& params) {
  NoveltyParams p = params;
  check(fields(p), "novelty");
  const std::int64_t n = fitted.rows(), m = to_train.rows();
  require(n >= 1 && fitted.k() >= 1, "novelty: the graph of the fitted rows is ", n, " × ",
          fitted.k(), "; it must have a row and a neighbor");
  require(m == 0 || to_train.k() >= 1, "novelty: new rows need at least one neighbor");
  require_graph(fitted, "novelty: fitted");
  require_lists(to_train, n, "novelty: new");
  const std::int64_t k =
      m > 0 ? std::min({p.k, fitted.k(), to_train.k()}) : std::min(p.k, fitted.k());
  const std::vector<double> reach = reaches(fitted, k), new_reach = reaches(to_train, k);

  const double median = quantile(reach, 0.5);
  // All rows equal: any distance at all is infinitely far.
  const double unit = median > 0 ? median : std::numeric_limits<double>::min();
  const double least = kLeastShare * unit;
  const auto around = [&](const Neighbors& graph, std::int64_t i) {  // mean reach of its neighbors
    double sum = 0;
    for (std::int64_t c = 0; c < k; ++c) sum += reach[static_cast<std::size_t>(graph.index(i, c))];
    return std::max(least, sum / static_cast<double>(k));
  };
  std::vector<double> usual(static_cast<std::size_t>(n));
  parallel_for(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      usual[static_cast<std::size_t>(i)] =
          std::max(least, reach[static_cast<std::size_t>(i)]) / around(fitted, i);
  });

  Novelty out;
  out.distance_limit = quantile(reach, p.quantile) / unit;
  out.density_limit = quantile(std::move(usual), p.quantile);
  const auto rows = static_cast<std::size_t>(m);
  out.distance.resize(rows);
  out.density.resize(rows);
  out.far.resize(rows);
  constexpr double kMost = std::numeric_limits<float>::max();
  for (std::int64_t i = 0; i < m; ++i) {
    const auto u = static_cast<std::size_t>(i);
    const double distance = new_reach[u] / unit;
    const double density = std::max(least, new_reach[u]) / around(to_train, i);
    out.distance[u] = static_cast<float>(std::min(distance, kMost));
    out.density[u] = static_cast<float>(std::min(density, kMost));
    out.far[u] = distance > out.distance_limit || density > out.density_limit ? 1 : 0;
    out.count += out.far[u];
  }
  return out;
}

}  // namespace latlas
