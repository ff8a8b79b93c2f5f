// latlas evaluate: how far a map can be trusted.
#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/job.h"
#include "cli/mapping.h"
#include "cli/plan.h"
#include "latlas/core/error.h"
#include "latlas/evaluate/scores.h"
#include "latlas/layout/affinities.h"
#include "latlas/layout/kl.h"
#include "latlas/neighbors/approximate.h"
#include "latlas/runs/run_directory.h"

namespace latlas::cli {
namespace {

struct Options {
  std::string data, map, labels, placed, placed_labels;
  double perplexity = 0, degrees_of_freedom = 1;
  std::string metric = "euclidean";
  EvaluateParams params;
};

std::string score_text(const Score& score) {
  return score.standard_error > 0
             ? fmt::format("{:.4f} ± {:.4f}", score.value, score.standard_error)
             : fmt::format("{:.4f}", score.value);
}

// Scores as they are found: for machines by name, for people by line.
struct Report {
  Metrics metrics;
  std::vector<std::pair<std::string, std::string>> lines;

  void add(const std::string& key, const std::string& label, const Score& score) {
    set_score(metrics, "quality." + key, score);
    lines.emplace_back(label, score_text(score));
  }
};

// KL is judged by exact neighbors as far as its normalizer is exact too, so that no map is judged
// by the very graph it was made from; above by an approximate graph, whose recall is told.
NeighborsParams kl_search(const Options& o, std::int64_t n) {
  return {.k = neighbors_for(0, {.perplexity = o.perplexity}, n),
          .metric = o.metric,
          .search = n <= KlParams().exact_rows ? "exact" : "auto"};
}

Plan plan_evaluate(const Options& o, std::int64_t n, std::int64_t d, std::int64_t placed) {
  const double rate = machine_rate();
  Plan plan;
  if (d > 0)
    plan += plan_scores(n, d, o.params, rate);
  else
    plan += plan_neighbors(n, measured_rows(n, o.params), 2, o.params.label_k, rate);
  if (o.perplexity > 0) {
    plan += plan_search(n, n, d, kl_search(o, n), rate);
    plan += plan_kl(n, rate);
  }
  plan += plan_neighbors(n, measured_rows(placed, o.params), 2, o.params.label_k, rate);
  plan.bytes += (n * (d + 2) + 2 * placed) * 4;
  return plan;
}

void score_against_data(const Options& o, const Matrix& data, const Matrix& map,
                        const LabelSet& labels, Report& report, Console& console) {
  const EvaluateParams params = fitting_scores(o.params, data.rows(), !labels.empty(), console);
  const Quality q = evaluate_map(data, map, labels.values, params);
  report.add("trustworthiness", "trustworthiness", q.trustworthiness);
  report.add("continuity", "continuity", q.continuity);
  report.add(fmt::format("recall_at_{}", params.k), fmt::format("recall of {} neighbors", params.k),
             q.recall);
  report.add("spearman", "distance correlation", q.spearman);
  if (q.label_accuracy) report.add("label_accuracy", "label accuracy", *q.label_accuracy);
  if (o.perplexity > 0) {
    const NeighborsParams near = kl_search(o, data.rows());
    const double perplexity = std::min(o.perplexity, static_cast<double>(near.k) / 3);
    if (perplexity < o.perplexity)
      console.note(fmt::format("KL at perplexity {:.4g} instead of {:.4g}: there are {} rows",
                               perplexity, o.perplexity, data.rows()));
    const Neighbors graph = find_neighbors(data, near, console.progress("rows"));
    if (interrupted_by() != 0) throw Interrupted{interrupted_by()};
    const Affinities affinities = perplexity_affinities(graph, {.perplexity = perplexity});
    report.lines.emplace_back(
        "KL divergence (0 is best)",
        measure_kl("quality.kl", affinities, map, o.degrees_of_freedom, 4, report.metrics));
    if (const std::int64_t n = data.rows(); !searches_exactly(n, n, data.cols(), near))
      report.lines.emplace_back("its neighbors",
                                describe_neighbors(graph, data, near, params.seed, report.metrics));
  }
}

void run_evaluate(const Options& o, const Common& common) {
  require(
      !o.map.empty() && !(o.data.empty() && o.labels.empty()),
      "latlas evaluate: name a map and its data or labels, e.g. latlas evaluate --data rows.npy "
      "--map map.npy");
  require(o.placed.empty() == o.placed_labels.empty() && (o.placed.empty() || !o.labels.empty()),
          "latlas evaluate: --new needs --new-labels, and --labels for the map");
  require(o.perplexity == 0 || o.perplexity >= 1, "latlas evaluate: --kl is ", o.perplexity,
          ", a perplexity is at least 1");
  require(o.perplexity == 0 || !o.data.empty(), "latlas evaluate: --kl needs --data");
  require(o.metric == "euclidean" || o.metric == "cosine", "latlas evaluate: --metric is '",
          o.metric, "'; known are euclidean, cosine");
  Console console(common.verbosity);
  const Shape shape = shape_of(o.map), of_data = o.data.empty() ? Shape{} : shape_of(o.data);
  require(o.data.empty() || of_data.rows == shape.rows, "latlas evaluate: ", o.data, " has ",
          of_data.rows, " rows, ", o.map, " has ", shape.rows, "; they must be the same rows");
  const std::int64_t new_rows = o.placed.empty() ? 0 : shape_of(o.placed).rows;
  announce(plan_evaluate(o, shape.rows, of_data.cols, new_rows), "score fewer rows", console);
  const Matrix map = load_rows(o.map);
  const LabelSet labels = o.labels.empty() ? LabelSet{} : load_labels(o.labels, map.rows());

  Matrix data = o.data.empty() ? Matrix() : load_rows(o.data);
  const Matrix placed = o.placed.empty() ? Matrix() : load_rows(o.placed);
  const LabelSet placed_labels =
      o.placed.empty() ? LabelSet{} : load_labels_like(o.placed_labels, placed.rows(), labels);

  Report report;
  if (!o.data.empty())
    score_against_data(o, in_metric(std::move(data), o.metric, o.data), map, labels, report,
                       console);
  else
    report.add("label_accuracy", "label accuracy", label_accuracy(map, labels.values, o.params));
  if (!o.placed.empty())
    report.add("placed_label_accuracy", "label accuracy of new points",
               label_accuracy(map, labels.values, placed, placed_labels.values, o.params));
  if (console.json()) return console.print(report.metrics.json());
  console.table(
      fmt::format("{}: {} points (1 is best{})", o.map, count_text(map.rows()),
                  map.rows() > o.params.exact_rows ? "; ± standard error of a sample" : ""),
      report.lines);
}

}  // namespace

Action add_evaluate(CLI::App& program, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* command = add_command(
      program, common, "evaluate", "Score a map of any origin against the data it shows",
      "  latlas evaluate --data rows.npy --map map.npy\n"
      "  latlas evaluate --data rows.npy --map umap.npy --labels labels.npy --kl 30 --json\n"
      "  latlas evaluate --map map.npy --labels l.npy --new placed.npy --new-labels m.npy");
  command->add_option("--data", o->data, "The rows that were mapped")->type_name("");
  command->add_option("--map", o->map, "Their places, row by row")->type_name("");
  command->add_option("--labels", o->labels, "Classes: .npy, lines of text, or table.tsv:column")
      ->type_name("");
  command
      ->add_option("--metric", o->metric,
                   "What is near in the data: euclidean or cosine "
                   "[euclidean]")
      ->type_name("");
  command->add_option("--kl", o->perplexity, "Also the KL divergence, at that perplexity")
      ->type_name("");
  command
      ->add_option("--degrees-of-freedom", o->degrees_of_freedom,
                   "Of the map's kernel, for --kl [1]")
      ->type_name("");
  command->add_option("--new", o->placed, "Points placed into the map (test points)")
      ->type_name("");
  command->add_option("--new-labels", o->placed_labels, "Their classes")->type_name("");
  add_flags(*command, fields(o->params), "Scores");
  return [o, &common] { run_evaluate(*o, common); };
}

}  // namespace latlas::cli
