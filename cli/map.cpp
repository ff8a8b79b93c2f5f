// latlas map: vectors of any origin → a map.
#include <fmt/core.h>

#include <chrono>
#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/job.h"
#include "cli/mapping.h"
#include "cli/plan.h"
#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/core/npy.h"
#include "latlas/evaluate/scores.h"
#include "latlas/layout/pca.h"
#include "latlas/layout/umap.h"
#include "latlas/neighbors/approximate.h"
#include "latlas/render/compose.h"
#include "latlas/render/draw.h"
#include "latlas/runs/run_directory.h"

namespace latlas::cli {
namespace {

struct Options {
  std::string data, out = "map.npy", method = "tsne", labels, plot, fresh, placed;
  std::int64_t reduce = 0;
  NeighborsParams neighbors{.k = 0};
  TsneParams tsne;
  UmapParams umap;
  bool scores = true;

  std::vector<Field> graph_fields() {
    std::vector<Field> f = fields(neighbors);
    Field& k = find(f, "k", "neighbors");
    k.help = "Neighbors of a row; 0 takes what the method needs";
    k.low = 0;
    find(f, "search", "neighbors").name = "neighbors";
    return f;
  }
  std::vector<Field> umap_fields() {  // names that t-SNE has too are told apart, or shared
    std::vector<Field> f = without(fields(umap), "seed");
    find(f, "learning_rate", "umap").name = "umap_learning_rate";
    return f;
  }
};

// The fitted map, that of new rows, and what is known of both.
struct Mapped {
  Matrix map, placed;
  std::string method_line, neighbors_line = {};
};

const char* advice_for(const std::string& method) {
  if (method == "pca") return "map fewer rows";
  return method == "umap" ? "lower --n-neighbors or --k, or map fewer rows"
                          : "lower --perplexity or --k, or map fewer rows";
}

// What is to be done with n rows of d columns, and m new ones.
Plan plan_map(const Options& o, std::int64_t n, std::int64_t m, std::int64_t d) {
  const double rate = machine_rate();
  const std::int64_t width = o.reduce > 0 ? std::min(o.reduce, d) : d;
  Plan plan;
  if (o.reduce > 0) plan += plan_pca(n + m, d, width, rate);
  if (o.method == "pca") {
    plan += plan_pca(n + m, width, 2, rate);
  } else if (o.method == "umap") {
    const std::int64_t k = umap_neighbors_for(o.neighbors.k, o.umap, n);
    plan += plan_neighbors(n, n + m, width, k, rate);
    plan += plan_umap(n, k, o.umap, rate);
  } else {
    const std::int64_t k = neighbors_for(o.neighbors.k, o.tsne.perplexity, n);
    plan += plan_neighbors(n, n + m, width, k, rate);
    plan += plan_tsne(n, k, o.tsne, rate);
    plan += plan_kl(n, rate);
  }
  if (!o.plot.empty()) plan += plan_figures(1, n + m, 200);
  if (o.scores) plan += plan_scores(n, width, {}, rate);
  plan.bytes += (n + m) * (d + (o.reduce > 0 ? width : 0)) * 4;
  return plan;
}

void stop_if_interrupted() {
  if (interrupted_by() != 0) throw Interrupted{interrupted_by()};
}

Mapped map_by_pca(ConstRows rows, ConstRows fresh, Metrics& metrics) {
  const Pca pca = fit_pca(rows, {.components = 2});
  metrics.set("pca.explained_variance_ratio", pca.explained_variance_ratio);
  const double share = pca.explained_variance_ratio[0] + pca.explained_variance_ratio[1];
  return {transform(pca, rows), fresh.empty() ? Matrix() : transform(pca, fresh),
          fmt::format("2 of {} components explain {:.1f} % of the variance",
                      std::min(rows.rows(), rows.cols()), 100 * share)};
}

// The graph of the rows, said and measured.
Neighbors graph_of(ConstRows rows, const NeighborsParams& near, Metrics& metrics, Console& console,
                   Mapped& mapped) {
  const auto begin = std::chrono::steady_clock::now();
  Neighbors graph = find_neighbors(rows, near, console.progress("rows"));
  stop_if_interrupted();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  metrics.set("neighbors.k", static_cast<double>(near.k));
  metrics.set("neighbors.seconds", seconds);
  mapped.neighbors_line = describe_neighbors(graph, rows, near, 0, metrics);
  console.finish("neighbors", mapped.neighbors_line, seconds);
  return graph;
}

Mapped map_by_tsne(const Options& o, ConstRows rows, ConstRows fresh, Metrics& metrics,
                   Console& console) {
  const std::int64_t n = rows.rows();
  NeighborsParams near = o.neighbors;
  near.k = neighbors_for(near.k, o.tsne.perplexity, n);
  Mapped mapped;
  const Neighbors graph = graph_of(rows, near, metrics, console, mapped);
  const auto begin = std::chrono::steady_clock::now();
  TsneResult result = tsne(graph, map_start(rows), o.tsne, console.progress("iterations"));
  for (const auto& note : result.notes) console.note(note);
  if (result.stopped)
    console.note(
        fmt::format("stopped after {} iterations; the map so far is written", result.iterations));
  std::string kl = fmt::format("{:.3f}", result.kl);
  if (result.stopped)
    metrics.set("tsne.kl", result.kl);
  else
    kl = measure_kl("tsne.kl", graph, o.tsne.perplexity, result.map, 3, metrics);
  metrics.set("tsne.iterations", static_cast<double>(result.iterations));
  if (!fresh.empty() && !result.stopped) {
    near.k = std::min(near.k, n);
    PlaceResult placed = place(result.map, find_neighbors(fresh, rows, near),
                               place_params(o.tsne, graph.k()), console.progress("rows"));
    note_placing(placed, console);
    mapped.placed = std::move(placed.map);
  }
  metrics.set("tsne.seconds",
              std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  mapped.method_line = fmt::format("KL {} after {} iterations", kl, result.iterations);
  mapped.map = std::move(result.map);
  return mapped;
}

Mapped map_by_umap(const Options& o, ConstRows rows, ConstRows fresh, Metrics& metrics,
                   Console& console) {
  const std::int64_t n = rows.rows();
  NeighborsParams near = o.neighbors;
  near.k = umap_neighbors_for(near.k, o.umap, n);
  Mapped mapped;
  const Neighbors graph = graph_of(rows, near, metrics, console, mapped);
  const auto begin = std::chrono::steady_clock::now();
  UmapParams params = o.umap;
  params.seed = o.tsne.seed;
  UmapResult result = umap(graph, map_start(rows), params, console.progress("epochs"));
  for (const auto& note : result.notes) console.note(note);
  if (result.stopped)
    console.note(fmt::format("stopped after {} epochs; the map so far is written", result.epochs));
  metrics.set("umap.epochs", static_cast<double>(result.epochs));
  if (!fresh.empty() && !result.stopped) {
    near.k = std::min(params.n_neighbors, n);
    UmapPlaceResult placed =
        umap_place(result.map, find_neighbors(fresh, rows, near), params, console.progress("rows"));
    note_placing(placed, console);
    mapped.placed = std::move(placed.map);
  }
  metrics.set("umap.seconds",
              std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  mapped.method_line = fmt::format("{} neighbors, {} epochs", params.n_neighbors, result.epochs);
  mapped.map = std::move(result.map);
  return mapped;
}

void plot_map(const Options& o, const Mapped& mapped, const LabelSet& labels, Console& console) {
  render::ComposeOptions options;
  options.title = fmt::format("{} of {}", title_of(o.method), o.data);
  options.subtitle = fmt::format("{} rows", count_text(mapped.map.rows()));
  options.footnote = mapped.method_line;
  options.ticks = o.method == "pca";
  if (!mapped.placed.empty() && !labels.empty())
    console.note(
        "the figure shows map and new rows in two colors; latlas plot colors both by class");
  if (!mapped.placed.empty())
    render::draw(render::scatter_train_test(mapped.map, mapped.placed, options), o.plot);
  else
    render::draw(render::scatter(mapped.map, labels.values, labels.names, options), o.plot);
}

void run_map(const Options& o, const Common& common) {
  require(!o.data.empty(), "latlas map: name the rows, e.g. latlas map embeddings.npy -o map.npy");
  require(o.method == "tsne" || o.method == "umap" || o.method == "pca",
          "latlas map: --method is '", o.method, "'; known are tsne, umap, pca");
  require(o.fresh.empty() == o.placed.empty(),
          "latlas map: --new and --new-out belong together (rows to place, and where they go)");
  require(o.reduce >= 0, "latlas map: --reduce is ", o.reduce, ", it must be at least 0 (0: no)");
  if (!o.plot.empty()) render::format_of(o.plot);
  for (const auto& out : {o.out, o.placed, o.plot})
    if (!out.empty()) require_writable(out);
  Console console(common.verbosity);
  Matrix rows = load_rows(o.data);
  Matrix fresh = o.fresh.empty() ? Matrix() : load_rows(o.fresh);
  require(fresh.empty() || fresh.cols() == rows.cols(), o.fresh, ": has ", fresh.cols(),
          " columns, ", o.data, " has ", rows.cols());
  require_finite(rows, o.data.c_str());
  const LabelSet labels = o.labels.empty() ? LabelSet{} : load_labels(o.labels, rows.rows());
  require(o.method == "pca" || rows.rows() >= 4, "latlas map: ", rows.rows(),
          rows.rows() == 1 ? " row is" : " rows are", " too few for ", title_of(o.method),
          "; 4 are the least");
  announce(plan_map(o, rows.rows(), fresh.rows(), rows.cols()), advice_for(o.method), console);
  if (o.reduce > 0) {
    const Pca pca = fit_pca(rows, {.components = o.reduce});
    if (!fresh.empty()) fresh = transform(pca, fresh);
    rows = transform(pca, rows);
  }

  Metrics metrics;
  const Mapped mapped = o.method == "pca"    ? map_by_pca(rows, fresh, metrics)
                        : o.method == "umap" ? map_by_umap(o, rows, fresh, metrics, console)
                                             : map_by_tsne(o, rows, fresh, metrics, console);
  npy::write(o.out, mapped.map);
  if (!mapped.placed.empty()) npy::write(o.placed, mapped.placed);
  if (!o.plot.empty()) plot_map(o, mapped, labels, console);
  stop_if_interrupted();

  std::vector<std::pair<std::string, std::string>> lines = {
      {"map",
       fmt::format("{} × {} in {}", count_text(mapped.map.rows()), mapped.map.cols(), o.out)},
      {title_of(o.method), mapped.method_line}};
  if (!mapped.neighbors_line.empty()) lines.emplace_back("neighbors", mapped.neighbors_line);
  if (!mapped.placed.empty())
    lines.emplace_back("new rows",
                       fmt::format("{} placed, in {}", count_text(mapped.placed.rows()), o.placed));
  if (o.scores && rows.rows() >= 4) {
    const EvaluateParams params = fitting_scores({}, rows.rows(), console);
    const Matrix seen =
        in_metric(std::move(rows), o.method == "pca" ? "euclidean" : o.neighbors.metric, o.data);
    const Quality q = evaluate_map(seen, mapped.map, labels.values, params);
    metrics.set("quality.trustworthiness", q.trustworthiness.value);
    metrics.set("quality.continuity", q.continuity.value);
    metrics.set(fmt::format("quality.recall_at_{}", params.k), q.recall.value);
    metrics.set("quality.spearman", q.spearman.value);
    lines.emplace_back("trustworthiness", number_text(q.trustworthiness.value, 3));
    lines.emplace_back(fmt::format("recall of {}", params.k), number_text(q.recall.value, 3));
    if (q.label_accuracy) {
      metrics.set("quality.label_accuracy", q.label_accuracy->value);
      lines.emplace_back("label accuracy", number_text(q.label_accuracy->value, 3));
    }
  }
  if (!o.plot.empty()) lines.emplace_back("figure", o.plot);
  if (console.json()) return console.print(metrics.json());
  console.table("", lines);
}

}  // namespace

Action add_map(CLI::App& program, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* command = add_command(
      program, common, "map", "Lay rows of numbers out in the plane, by t-SNE, UMAP or PCA",
      "  latlas map embeddings.npy -o map.npy --plot map.png\n"
      "  latlas map cells.npy --labels cells.csv:type --perplexity 50 --plot cells.svg\n"
      "  latlas map train.npy -o train_map.npy --new test.npy --new-out test_map.npy\n"
      "  latlas map texts.npy --metric cosine --method umap --min-dist 0.05");
  command->add_option("data", o->data, "An .npy of rows (any origin), NAME:train, or an IDX file")
      ->type_name("");
  command->add_option("--out,-o", o->out, "The map's file, n × 2 [map.npy]")->type_name("");
  command->add_option("--method", o->method, "tsne, umap or pca [tsne]")->type_name("");
  command->add_option("--labels", o->labels, "Classes: .npy, lines of text, or table.tsv:column")
      ->type_name("");
  command->add_option("--plot", o->plot, "Also draw it: a .png, .svg or .pdf")->type_name("");
  command->add_option("--new", o->fresh, "Rows to place into the fitted map")->type_name("");
  command->add_option("--new-out", o->placed, "Where their places go")->type_name("");
  command->add_option("--reduce", o->reduce, "First reduce to that many principal components [no]")
      ->type_name("");
  command->add_flag("!--no-scores", o->scores, "Do not score the map");
  add_flags(*command, o->graph_fields(), "Neighbors");
  add_flags(*command, fields(o->tsne), "t-SNE");
  add_flags(*command, o->umap_fields(), "UMAP");
  return [o, &common] { run_map(*o, common); };
}

}  // namespace latlas::cli
