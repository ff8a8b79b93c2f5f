// How near each step of a map comes to what the machine can do, for bench/run.py.
//
//   steps_bench ROWS.npy METRIC K PRESET THREADS
//
// Prints JSON: the machine's ceilings, and for each step its seconds, its least work and the share
// of the ceiling that this work takes. The work of exact search is that of all pairs, n² products
// of d numbers; a search that proves most of them needless exceeds 1. That of the field is its
// transforms', that of a sweep one pair of floats loaded an edge; the ceiling is measured with the
// very edges, the rows numbered along a Z-shaped curve through the finished map, as in the fit.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/ceilings.h"
#include "bench/main.h"
#include "latlas/core/fft.h"
#include "latlas/core/npy.h"
#include "latlas/core/simd.h"
#include "latlas/layout/field.h"
#include "latlas/layout/pca.h"
#include "latlas/layout/preset.h"
#include "latlas/layout/sweep.h"
#include "latlas/layout/tsne.h"
#include "latlas/neighbors/approximate.h"

namespace latlas {
namespace {

TileSums box_of(const Matrix& map) {
  TileSums box;
  for (int c = 0; c < 2; ++c) {
    box.low[c] = box.high[c] = map(0, c);
    for (std::int64_t i = 0; i < map.rows(); ++i) {
      box.low[c] = std::min(box.low[c], map(i, c));
      box.high[c] = std::max(box.high[c], map(i, c));
    }
  }
  return box;
}

/// Loads a second of the places at the edges' ends, the rows numbered as in the fit.
double edge_rate(const Affinities& affinities, const Matrix& map) {
  const std::vector<std::int32_t> row_at = along_the_curve(map.data(), map.rows(), 2, box_of(map));
  std::vector<std::int32_t> place(row_at.size());
  for (std::size_t p = 0; p < row_at.size(); ++p)
    place[static_cast<std::size_t>(row_at[p])] = static_cast<std::int32_t>(p);
  std::vector<float> pairs;
  std::vector<std::int32_t> at;
  at.reserve(affinities.column.size());
  for (const std::int32_t i : row_at) {
    pairs.insert(pairs.end(), {map(i, 0), map(i, 1)});
    const auto row = static_cast<std::size_t>(i);
    for (std::int64_t e = affinities.begin[row]; e < affinities.begin[row + 1]; ++e)
      at.push_back(place[static_cast<std::size_t>(affinities.column[static_cast<std::size_t>(e)])]);
  }
  if (place.size() > 65536) return bench::pair_load_rate(pairs, at);
  return bench::pair_load_rate(pairs, std::vector<std::uint16_t>(at.begin(), at.end()));
}

/// Operations of one charge of the finished map (fft.h).
double field_operations(const Matrix& map, double spacing) {
  const TileSums box = box_of(map);
  double nodes = 1;
  for (int c = 0; c < 2; ++c)
    nodes *= static_cast<double>(convolution_size(
        static_cast<std::int64_t>(std::ceil((box.high[c] - box.low[c]) / spacing)) + 5));
  return 20 * nodes * std::log2(nodes);
}

void print(const char* name, double seconds, double work, double ceiling, const char* bound,
           bool last = false) {
  std::printf(
      "  {\"step\": \"%s\", \"seconds\": %.4f, \"work\": %.4g, \"share\": %.4f, \"bound\": "
      "\"%s\"}%s\n",
      name, seconds, work, work / ceiling / seconds, bound, last ? "" : ",");
}

int run(const std::vector<std::string>& words) {
  const Matrix rows = npy::read_matrix(words.at(0));
  const std::string metric = words.at(1);
  const int threads = std::stoi(words.at(4));
  const ThreadLimit limit(threads);
  const double flops = bench::multiply_add_rate(threads), bytes = bench::read_rate(threads);
  const auto n = static_cast<double>(rows.rows()), d = static_cast<double>(rows.cols());

  auto begin = std::chrono::steady_clock::now();
  const Neighbors graph =
      find_neighbors(rows, {.k = std::stoll(words.at(2)), .metric = metric, .search = "exact"});
  const double search_seconds = seconds_since(begin);
  begin = std::chrono::steady_clock::now();
  TsneParams params;
  params.preset = words.at(3);
  std::vector<std::string> notes;
  params = settled(params, graph, notes);
  const Affinities affinities = joint_affinities(graph, affinity_params(params));
  const double affinity_seconds = seconds_since(begin);
  begin = std::chrono::steady_clock::now();
  const Matrix start = transform(fit_pca(rows, {.components = 2}), rows);
  const double start_seconds = seconds_since(begin);
  const TsneResult map = tsne(affinities, start, params);

  const auto edges = static_cast<double>(affinities.edges());
  const double loads = edge_rate(affinities, map.map);
  const auto iterations = static_cast<double>(map.iterations);
  const double edge_bytes = rows.rows() > 65536 ? 6 : 4;
  std::printf(
      "{\"simd\": \"%s\", \"rows\": %.0f, \"columns\": %.0f, \"multiply_adds\": %.4g, "
      "\"read\": %.4g, \"loads\": %.4g, \"edges\": %.0f, \"iterations\": %.0f, "
      "\"steps\": [\n",
      std::string(simd::name()).c_str(), n, d, flops, bytes, loads, edges, iterations);
  print("exact neighbors", search_seconds, 2 * n * n * d, flops, "multiply-adds of all pairs");
  print("affinities", affinity_seconds, 8 * static_cast<double>(graph.distance.size()) + 8 * edges,
        bytes, "memory: the graph read, the edges written");
  print("start by PCA", start_seconds, n * d * (d + 1) + 2 * n * d * 2, flops,
        "multiply-adds of the covariance");
  print("the field, an iteration", map.field_seconds / iterations,
        field_operations(map.map, field_spacing(params.grid_spacing, 2)), flops,
        "multiply-adds of the transforms");
  print("the sweep, an iteration", map.sweep_seconds / iterations, edges, loads,
        "one pair of floats loaded an edge");
  print("… the same against memory", map.sweep_seconds / iterations, edges * edge_bytes, bytes,
        "memory: the edges read", true);
  std::printf("]}\n");
  return 0;
}

}  // namespace
}  // namespace latlas

int main(int argc, char** argv) {
  return latlas::bench::main_of("steps_bench", argc, argv, latlas::run);
}
