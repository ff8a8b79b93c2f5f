#include "cli/mapping.h"

#include <fmt/core.h>

#include <algorithm>

#include "latlas/layout/affinities.h"
#include "latlas/layout/kl.h"
#include "latlas/layout/pca.h"

namespace latlas::cli {
namespace {

// tsne() lowers a perplexity that the graph is too small for.
double fitting_perplexity(double perplexity, std::int64_t k) {
  return std::min(perplexity, static_cast<double>(k) / 3.0);
}

}  // namespace

const char* title_of(const std::string& method) {
  return method == "pca" ? "PCA" : (method == "umap" ? "UMAP" : "t-SNE");
}

Matrix map_start(ConstRows rows) {
  const std::int64_t components = std::min<std::int64_t>({2, rows.rows(), rows.cols()});
  const Matrix found = transform(fit_pca(rows, {.components = components}), rows);
  Matrix start(rows.rows(), 2);
  for (std::int64_t i = 0; i < rows.rows(); ++i)
    std::copy_n(found.row(i), components, start.row(i));
  return start;
}

std::string describe_neighbors(const Neighbors& graph, ConstRows rows,
                               const NeighborsParams& params, std::uint64_t seed,
                               Metrics& metrics) {
  const bool exact = searches_exactly(rows.rows(), rows.rows(), rows.cols(), params);
  const Recall recall = exact ? Recall{} : measured_recall(graph, rows, params.metric, 1000, seed);
  metrics.set("neighbors.recall", recall.value);
  if (recall.standard_error > 0) metrics.set("neighbors.recall_error", recall.standard_error);
  const std::string what = fmt::format("{} of each row, ", graph.k());
  if (exact) return what + "exact";
  return what +
         fmt::format("approximate: recall {:.4f} ± {:.4f}", recall.value, recall.standard_error);
}

std::string measure_kl(const std::string& name, const Neighbors& graph, double perplexity,
                       ConstRows map, int digits, Metrics& metrics) {
  const AffinityParams params{.perplexity = fitting_perplexity(perplexity, graph.k())};
  const Divergence kl = kl_divergence(perplexity_affinities(graph, params), map);
  metrics.set(name, kl.value);
  if (kl.standard_error == 0) return fmt::format("{:.{}f}", kl.value, digits);
  metrics.set(name + "_error", kl.standard_error);
  return fmt::format("{:.{}f} ± {:.{}f}", kl.value, digits, kl.standard_error, digits);
}

std::int64_t umap_neighbors_for(std::int64_t k, const UmapParams& params, std::int64_t n) {
  return std::max<std::int64_t>(1, std::min(k > 0 ? k : params.n_neighbors - 1, n - 1));
}

void note_placing(const PlaceResult& placed, Console& console) {
  for (const auto& note : placed.notes) console.note(note);
  if (placed.stopped)
    console.note("stopped while placing; rows not reached stand at their nearest neighbor");
  else if (placed.unconverged > 0)
    console.note(fmt::format("{} new rows still moved when placing ended", placed.unconverged));
}

void note_placing(const UmapPlaceResult& placed, Console& console) {
  for (const auto& note : placed.notes) console.note(note);
  if (placed.stopped)
    console.note("stopped while placing; rows not reached stand at their neighbors' mean");
}

EvaluateParams fitting_scores(EvaluateParams params, std::int64_t n, Console& console) {
  const std::int64_t most = std::max<std::int64_t>(1, (n - 1) / 2);
  if (params.k > most) {
    console.note(fmt::format("scores look at {} neighbors instead of {}: there are {} rows", most,
                             params.k, n));
    params.k = most;
  }
  if (params.label_k > n - 1) {
    console.note(fmt::format("labels are read from {} neighbors instead of {}: there are {} rows",
                             n - 1, params.label_k, n));
    params.label_k = n - 1;
  }
  return params;
}

Matrix in_metric(Matrix rows, const std::string& metric, const std::string& what) {
  if (metric != "cosine") return rows;
  require_finite(rows, what.c_str());
  return unit_rows(rows, what.c_str());
}

PlaceParams place_params(const TsneParams& fitted, std::int64_t k) {
  PlaceParams params;
  params.perplexity = fitting_perplexity(fitted.perplexity, k);
  params.grid_spacing = fitted.grid_spacing;
  return params;
}

}  // namespace latlas::cli
