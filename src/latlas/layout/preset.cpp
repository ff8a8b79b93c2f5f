#include "latlas/layout/preset.h"

#include <algorithm>
#include <cmath>

#include "latlas/core/error.h"

namespace latlas {
namespace {

constexpr std::int64_t kUniformNeighbors = 15;
constexpr std::int64_t kCoarseAbove = 200'000;
constexpr std::int64_t kAllPairs = 1'000'000;  // rows, above what anybody waits for
// In space, where the grid costs some 60 ms an iteration for any number of rows.
constexpr std::int64_t kAllPairsInSpace = 8000;
constexpr double kTightStop = 3e-5;
constexpr std::int64_t kLongRun = 3000;
// Few rows leave the crowd of the early phase in fewer, wider clusters: long strides tear these
// apart, and what is torn does not meet again. Their iterations cost next to nothing.
constexpr std::int64_t kFewRows = 5000;
constexpr double kShortStride = 0.8;
constexpr double kPatientStop = 1e-5;
// More rows than a figure has pixels, so that no row is seen beside its neighbors any more: from
// there on late exaggeration, which parts clusters at the neighbors' cost, and its value.
constexpr std::int64_t kManyRows = 2'500'000;
constexpr double kLateExaggeration = 2;

template <class Value>
void fill(Value& value, const Value& usual, const Value& preset) {
  if (value == usual) value = preset;
}

}  // namespace

TsneParams with_preset(TsneParams p) {
  const TsneParams usual;
  if (p.preset == "fast") {
    fill(p.affinities, usual.affinities, std::string("uniform"));
    fill(p.coarse_above, usual.coarse_above, kCoarseAbove);
  } else if (p.preset == "exact") {
    fill(p.exact_below, usual.exact_below, kAllPairs);
    fill(p.stop_below, usual.stop_below, kTightStop);
    fill(p.iterations, usual.iterations, kLongRun);
  }
  fill(p.affinities, usual.affinities, std::string("perplexity"));
  if (p.dimensions == 3) fill(p.exact_below, usual.exact_below, kAllPairsInSpace);
  return p;
}

TsneParams paced(TsneParams p, std::int64_t n) {
  const TsneParams usual;
  const bool to_its_end = p.stop_below > 0 && p.iterations >= usual.iterations;
  if (n >= kFewRows || !to_its_end || p.keep_start) return p;
  fill(p.momentum, usual.momentum, kShortStride);
  fill(p.stop_below, with_preset({.preset = p.preset}).stop_below, kPatientStop);
  return p;
}

AffinityParams affinity_params(const TsneParams& params) {
  const TsneParams p = with_preset(params);
  return {.perplexity = p.perplexity,
          .affinities = p.affinities,
          .scales = p.scales,
          .bandwidth = p.bandwidth,
          .kept_mass = p.kept_mass};
}

std::int64_t tsne_neighbors(const TsneParams& params, std::int64_t n) {
  const AffinityParams p = affinity_params(params);
  double wanted = 3 * p.perplexity;
  if (p.affinities == "uniform") wanted = static_cast<double>(kUniformNeighbors);
  if (p.affinities == "multiscale") {
    const std::vector<double> scales = scales_of(p, n);
    wanted = 3 * *std::max_element(scales.begin(), scales.end());
  }
  return std::max<std::int64_t>(1, std::min(static_cast<std::int64_t>(std::ceil(wanted)), n - 1));
}

TsneParams settled(const TsneParams& params, const Neighbors& graph,
                   std::vector<std::string>& notes) {
  TsneParams p = params;
  check(fields(p), "tsne");
  p = with_preset(p);
  const std::int64_t n = graph.rows(), k = graph.k();
  if (n == 0 || p.affinities == "uniform") return p;
  const double most = std::max(1.0, static_cast<double>(n - 1) / 3);
  if (p.perplexity > most) {
    if (p.affinities != "multiscale" || p.scales.empty())
      notes.push_back(sentence("perplexity lowered from ", p.perplexity, " to ", most,
                               ": there are ", n, " rows"));
    p.perplexity = most;
  }
  for (std::int64_t& scale : p.scales) {
    if (static_cast<double>(scale) <= most || p.affinities != "multiscale") continue;
    notes.push_back(sentence("a scale lowered from ", scale, " to ",
                             static_cast<std::int64_t>(most), ": there are ", n, " rows"));
    scale = static_cast<std::int64_t>(most);
  }
  double widest = p.perplexity;
  if (p.affinities == "multiscale") {
    const std::vector<double> scales = scales_of(affinity_params(p), n);
    widest = *std::max_element(scales.begin(), scales.end());
  }
  if (p.affinities == "gaussian") {
    if (p.bandwidth == 0)
      p.bandwidth = typical_bandwidth(graph, std::min(p.perplexity, static_cast<double>(k) / 3));
    return p;
  }
  const auto needed = std::min<std::int64_t>(static_cast<std::int64_t>(3 * widest), n - 1);
  require(k >= needed, "tsne: perplexity ", widest, " needs ", needed,
          " neighbors a row, the graph has ", k);
  return p;
}

double late_exaggeration(const TsneParams& params, std::int64_t n,
                         std::vector<std::string>& notes) {
  if (params.late_exaggeration > 0) return params.late_exaggeration;
  if (n < kManyRows) return 1;
  notes.push_back(sentence("attraction stays exaggerated ", kLateExaggeration,
                           " times to the end, since ", n, " rows are more than a figure has ",
                           "pixels: clusters stand apart, near neighbors are kept less well; ",
                           "late_exaggeration 1 keeps them"));
  return kLateExaggeration;
}

}  // namespace latlas
