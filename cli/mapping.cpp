#include "cli/mapping.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "cli/interrupt.h"
#include "latlas/core/error.h"
#include "latlas/core/npy.h"
#include "latlas/data/table.h"
#include "latlas/layout/affinities.h"
#include "latlas/layout/checkpoint.h"
#include "latlas/layout/kl.h"
#include "latlas/layout/start.h"

namespace latlas::cli {
const char* title_of(const std::string& method) {
  return method == "pca" ? "PCA" : (method == "umap" ? "UMAP" : "t-SNE");
}

std::vector<Field> graph_fields(NeighborsParams& params) {
  std::vector<Field> f = fields(params);
  Field& k = find(f, "k", "neighbors");
  k.help = "neighbors of a row; 0 takes what the method asks for";
  k.low = 0;
  std::erase(find(f, "metric", "neighbors").choices, "inner_product");
  return f;
}

std::vector<Field> graph_flags(NeighborsParams& params) {
  std::vector<Field> f = graph_fields(params);
  find(f, "search", "neighbors").name = "neighbors";
  return f;
}

void check_graph(NeighborsParams params) {
  require(
      params.metric != "inner_product",
      "neighbors: metric is 'inner_product', of which no map is made, since weights are made of "
      "distances; take euclidean or cosine");
  check(graph_fields(params), "neighbors");
}

bool is_start_file(const std::string& start) {
  if (start == "pca" || start == "spectral" || start == "random") return false;
  require(start.ends_with(".npy"), "start: '", start,
          "' is unknown; known are pca, spectral, random, or an .npy of places");
  return true;
}

Matrix map_start(const std::string& start, ConstRows rows, const Affinities& graph,
                 std::int64_t columns, std::uint64_t seed, Console& console) {
  if (is_start_file(start)) {
    Matrix places = npy::read_matrix(start);
    require(places.rows() == rows.rows() && places.cols() >= columns, start, ": is ", places.rows(),
            " × ", places.cols(), ", the start of this map must be ", rows.rows(), " × ", columns);
    require_finite(places, start.c_str());
    return places;
  }
  Start made = make_start(start, rows, graph, columns, seed);
  for (const auto& note : made.notes) console.note(note);
  return std::move(made.places);
}

std::string describe_neighbors(const Neighbors& graph, ConstRows rows,
                               const NeighborsParams& params, std::uint64_t seed,
                               Metrics& metrics) {
  const bool exact = searches_exactly(rows.rows(), rows.rows(), rows.cols(), params);
  const Recall recall = exact ? Recall{} : measured_recall(graph, rows, params.metric, 1000, seed);
  metrics.set("neighbors.recall", recall.value);
  if (!exact) metrics.set("neighbors.recall_error", recall.standard_error);
  const std::string what = fmt::format("{} of each row, ", graph.k());
  if (exact) return what + "exact";
  const char* low = recall.value < 0.945 ? "; search by 'exact', or more probes, find more" : "";
  return what + fmt::format("approximate: recall {:.4f} ± {:.4f}{}", recall.value,
                            recall.standard_error, low);
}

void describe_new_neighbors(const Neighbors& to_train, ConstRows fresh, ConstRows rows,
                            const NeighborsParams& params, std::uint64_t seed, Metrics& metrics,
                            Console& console) {
  const bool exact = index_searches_exactly(rows.rows(), params);
  const Recall recall =
      exact ? Recall{} : measured_recall(to_train, fresh, rows, params.metric, 500, seed);
  metrics.set("neighbors.new_rows_recall", recall.value);
  if (!exact)
    console.note(
        fmt::format("neighbors of new rows by approximate search: recall {:.3f}", recall.value));
}

std::string measure_kl(const std::string& name, const Affinities& affinities, ConstRows map,
                       double degrees_of_freedom, int digits, Metrics& metrics) {
  const Divergence kl = kl_divergence(affinities, map, {.degrees_of_freedom = degrees_of_freedom});
  metrics.set(name, kl.value);
  if (kl.standard_error == 0) return fmt::format("{:.{}f}", kl.value, digits);
  metrics.set(name + "_error", kl.standard_error);
  return fmt::format("{:.{}f} ± {:.{}f}", kl.value, digits, kl.standard_error, digits);
}

std::int64_t neighbors_for(std::int64_t k, const TsneParams& params, std::int64_t n) {
  return k > 0 ? std::max<std::int64_t>(1, std::min(k, n - 1)) : tsne_neighbors(params, n);
}

NeighborsParams tsne_search(NeighborsParams near, const TsneParams& params, std::int64_t n) {
  constexpr std::int64_t kMany = 20'000;
  near.k = neighbors_for(near.k, params, n);
  if (params.preset == "fast" && near.search == "auto" && n >= kMany) near.search = "approximate";
  if (params.preset == "exact" && near.search == "auto") near.search = "exact";
  return near;
}

std::int64_t umap_neighbors_for(std::int64_t k, const UmapParams& params, std::int64_t n) {
  return std::max<std::int64_t>(1, std::min(k > 0 ? k : params.n_neighbors - 1, n - 1));
}

TsneResult tsne_from(const KeptFit& kept, const Affinities& affinities, ConstRows start,
                     const TsneParams& params, Console& console, TsneExtras extras) {
  using Clock = std::chrono::steady_clock;
  std::optional<TsneState> state;
  auto saved = Clock::now();
  if (!kept.path.empty()) {
    extras.save_every = kept.every;
    extras.save = [&](TsneState&& now) {
      if (seconds_since(saved) < kept.seconds && interrupted_by() == 0) return;
      write_state(kept.path, now);
      saved = Clock::now();
    };
  }
  const auto begin_anew = [&](const std::exception& error) {
    if (kept.demanded) throw;
    console.note(
        fmt::format("the checkpoint cannot be used, the map begins anew ({})", error.what()));
    state.reset();
  };
  if (!kept.path.empty() && std::filesystem::exists(kept.path)) {
    try {
      state = read_tsne_state(kept.path);
    } catch (const IoError& error) {
      begin_anew(error);
    }
  }
  const auto fit = [&] {
    extras.resume = state ? &*state : nullptr;
    return tsne(affinities, start, params, console.progress("iterations"), extras);
  };
  if (!state) return fit();
  try {
    console.say(fmt::format("t-SNE       goes on after iteration {}", state->iteration));
    return fit();
  } catch (const InvalidArgument& error) {
    if (kept.demanded) throw InvalidArgument(sentence(kept.path.string(), ": ", error.what()));
    begin_anew(error);
  }
  return fit();
}

std::string to_csv(const Novelty& novelty) {
  std::string out = "row,distance,density,far\n";
  for (std::size_t i = 0; i < novelty.far.size(); ++i)
    out += fmt::format("{},{},{},{}\n", i, novelty.distance[i], novelty.density[i], novelty.far[i]);
  return out;
}

std::vector<std::int32_t> far_rows(const std::filesystem::path& csv) {
  std::vector<std::int32_t> rows;
  const std::vector<std::string> far = read_column(csv, "far");
  for (std::size_t i = 0; i < far.size(); ++i)
    if (far[i] == "1") rows.push_back(static_cast<std::int32_t>(i));
  return rows;
}

std::string far_name(std::size_t count) {
  return fmt::format("far from everything ({})", count_text(static_cast<std::int64_t>(count)));
}

std::string describe_novelty(const Novelty& novelty, Metrics& metrics) {
  metrics.set("new.far", static_cast<double>(novelty.count));
  metrics.set("new.distance_limit", novelty.distance_limit);
  metrics.set("new.density_limit", novelty.density_limit);
  if (novelty.count == 0) return "";
  return fmt::format(", {} of them far from everything", count_text(novelty.count));
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

void set_score(Metrics& metrics, const std::string& name, const Score& score) {
  metrics.set(name, score.value);
  if (score.standard_error > 0) metrics.set(name + "_error", score.standard_error);
}

EvaluateParams fitting_scores(EvaluateParams params, std::int64_t n, bool labels,
                              Console& console) {
  const std::int64_t most = std::max<std::int64_t>(1, (n - 1) / 2);
  if (params.k > most) {
    console.note(fmt::format("scores look at {} neighbors instead of {}: there are {} rows", most,
                             params.k, n));
    params.k = most;
  }
  if (labels && params.label_k > n - 1) {
    console.note(fmt::format("labels are read from {} neighbors instead of {}: there are {} rows",
                             n - 1, params.label_k, n));
  }
  params.label_k = std::min(params.label_k, std::max<std::int64_t>(1, n - 1));
  return params;
}

Matrix in_metric(Matrix rows, const std::string& metric, const std::string& what) {
  if (metric != "cosine") return rows;
  require_finite(rows, what.c_str());
  return unit_rows(rows, what.c_str());
}

}  // namespace latlas::cli
