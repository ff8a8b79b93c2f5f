// latlas evaluate: how far a map can be trusted.
#include <fmt/core.h>

#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "latlas/core/error.h"
#include "latlas/evaluate/scores.h"
#include "latlas/runs/run_directory.h"

namespace latlas::cli {
namespace {

struct Options {
  std::string data, map, labels;
  EvaluateParams params;
};

std::string score_text(const Score& score) {
  return score.standard_error > 0
             ? fmt::format("{:.4f} ± {:.4f}", score.value, score.standard_error)
             : fmt::format("{:.4f}", score.value);
}

void run_evaluate(const Options& o, const Common& common) {
  require(!o.data.empty() && !o.map.empty(),
          "latlas evaluate: name both, e.g. latlas evaluate --data rows.npy --map map.npy");
  Console console(common.verbosity);
  const Matrix data = load_rows(o.data), map = load_rows(o.map);
  require(data.rows() == map.rows(), "latlas evaluate: ", o.data, " has ", data.rows(), " rows, ",
          o.map, " has ", map.rows(), "; they must be the same rows");
  const LabelSet labels = o.labels.empty() ? LabelSet{} : load_labels(o.labels, data.rows());
  const Quality q = evaluate_map(data, map, labels.values, o.params);

  Metrics metrics;
  std::vector<std::pair<std::string, std::string>> rows;
  const auto add = [&](const std::string& key, const std::string& label, const Score& score) {
    metrics.set("quality." + key, score.value);
    if (score.standard_error > 0) metrics.set("quality." + key + "_error", score.standard_error);
    rows.emplace_back(label, score_text(score));
  };
  add("trustworthiness", "trustworthiness", q.trustworthiness);
  add("continuity", "continuity", q.continuity);
  add(fmt::format("recall_at_{}", o.params.k), fmt::format("recall of {} neighbors", o.params.k), q.recall);
  add("spearman", "distance correlation", q.spearman);
  if (q.label_accuracy) add("label_accuracy", "label accuracy", *q.label_accuracy);
  if (console.json()) return console.print(metrics.json());
  const bool sampled = q.trustworthiness.standard_error > 0;
  console.table(fmt::format("{} against {}: {} rows{} (1 is best)", o.map, o.data,
                            count_text(data.rows()),
                            sampled ? fmt::format(", measured on {} of them",
                                                  count_text(q.trustworthiness.rows))
                                    : ""),
                rows);
}

}  // namespace

Action add_evaluate(CLI::App& program, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* command = add_command(
      program, common, "evaluate", "Score a map of any origin against the data it shows",
      "  latlas evaluate --data rows.npy --map map.npy\n"
      "  latlas evaluate --data rows.npy --map umap.npy --labels labels.npy --json");
  command->add_option("--data", o->data, "The rows that were mapped")->type_name("");
  command->add_option("--map", o->map, "Their places, row by row")->type_name("");
  command->add_option("--labels", o->labels, "Classes: .npy, lines of text, or table.tsv:column")
      ->type_name("");
  add_flags(*command, fields(o->params), "Scores");
  return [o, &common] { run_evaluate(*o, common); };
}

}  // namespace latlas::cli
