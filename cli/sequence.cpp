// latlas sequence: the same rows at several times → maps that follow each other calmly.
#include <fmt/core.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>

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
#include "latlas/layout/aligned.h"
#include "latlas/layout/preset.h"
#include "latlas/neighbors/approximate.h"

namespace latlas::cli {
namespace {

struct Options {
  std::vector<std::string> data;
  std::string out = "maps";
  NeighborsParams neighbors{.k = 0};
  TsneParams tsne;
  AlignedParams aligned;
};

std::filesystem::path map_of(const Options& o, const std::string& data) {
  return std::filesystem::path(o.out) / (std::filesystem::path(data).stem().string() + ".npy");
}

void run_sequence(const Options& o, const Common& common) {
  require(
      o.data.size() >= 2,
      "latlas sequence: name the rows at two times or more, e.g. latlas sequence latents/*.npy");
  std::set<std::filesystem::path> names;
  for (const auto& name : o.data)
    require(names.insert(map_of(o, name)).second, "latlas sequence: two maps would be called ",
            map_of(o, name).string(), "; give the files different names");
  std::vector<std::string> outputs;
  for (const auto& place : names) outputs.push_back(place.string());
  require_distinct(outputs, o.data);
  check_graph(o.neighbors);
  Console console(common.verbosity);
  const std::int64_t steps = std::ssize(o.data);
  const std::int64_t n = shape_of(o.data.back()).rows;
  require(n >= 4, "latlas sequence: ", n, n == 1 ? " row is" : " rows are",
          " too few for t-SNE; 4 are the least");
  const NeighborsParams near = tsne_search(o.neighbors, o.tsne, n);
  const TsneParams params = with_preset(o.tsne);
  Plan plan;
  for (const auto& name : o.data) {
    const Shape shape = shape_of(name);
    require(shape.rows == n, name, ": has ", shape.rows, " rows, ", o.data.back(), " has ", n);
    plan += plan_search(n, n, shape.cols, near, machine_rate());
    plan += plan_tsne(n, near.k, params, machine_rate());
  }
  announce(plan, "lower --perplexity or --k, or lay out fewer rows", console);
  for (const auto& name : o.data) require_finite(load_rows(name), name.c_str());
  std::error_code failed;
  std::filesystem::create_directories(o.out, failed);
  for (const auto& name : o.data) require_writable(map_of(o, name));

  const auto begin = std::chrono::steady_clock::now();
  Metrics metrics;
  std::vector<double> recalls(o.data.size(), 1);
  std::int64_t written = 0;
  const auto stop_if_interrupted = [&] {
    if (interrupted_by() == 0) return;
    console.note(
        fmt::format("stopped; {} of {} maps are written, those of the last times", written, steps));
    throw Interrupted{interrupted_by()};
  };
  const auto affinities = [&](std::int64_t step) {
    const std::string& name = o.data[static_cast<std::size_t>(step)];
    const Matrix rows = load_rows(name);
    const Neighbors graph = find_neighbors(rows, near, console.progress("rows"));
    stop_if_interrupted();
    Metrics of_graph;
    const std::string found = describe_neighbors(graph, rows, near, params.seed, of_graph);
    recalls[static_cast<std::size_t>(step)] = of_graph.get("neighbors.recall").value_or(1);
    if (!searches_exactly(n, n, rows.cols(), near))
      console.note(fmt::format("neighbors in {}: {}", name, found));
    std::vector<std::string> notes;
    const TsneParams now = settled(params, graph, notes);
    if (step + 1 == steps)  // all steps have as many rows, and the same notes
      for (const auto& note : notes) console.note(note);
    return joint_affinities(graph, affinity_params(now));
  };
  const auto keep = [&](std::int64_t step, const TsneResult& map) {
    npy::write(map_of(o, o.data[static_cast<std::size_t>(step)]), map.map);
    ++written;
  };
  const Matrix start =
      map_start("pca", load_rows(o.data.back()), {}, params.dimensions, params.seed, console);
  const AlignedResult result = aligned_tsne(steps, affinities, start, params, o.aligned,
                                            console.progress("iterations"), keep);
  stop_if_interrupted();
  std::vector<double> kl;
  std::vector<std::pair<std::string, std::string>> lines;
  for (std::size_t t = 0; t < result.maps.size(); ++t) {
    const TsneResult& map = result.maps[t];
    for (const auto& note : map.notes) console.note(note);
    kl.push_back(map.kl);
    const std::string moved =
        t == 0 ? "" : fmt::format(", {} from the map before", number_text(result.moved[t - 1], 2));
    lines.emplace_back(map_of(o, o.data[t]).string(), fmt::format("KL {:.3f}{}", map.kl, moved));
  }
  metrics.set("neighbors.recall", recalls);
  metrics.set("tsne.kl", kl);
  metrics.set("sequence.moved", result.moved);
  metrics.set("sequence.seconds", seconds_since(begin));
  if (console.json()) return console.print(metrics.json());
  console.table("", lines);
}

}  // namespace

Action add_sequence(CLI::App& program, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* command =
      add_command(program, common, "sequence",
                  "Lay the same rows out at several times, in maps that follow each other",
                  "  latlas sequence latents/epoch_*.npy -o maps\n"
                  "  latlas sequence monday.npy tuesday.npy --alignment 0.1");
  command->add_option("data", o->data, "Files of the same rows, in the order of time")
      ->type_name("");
  command->add_option("--out,-o", o->out, "The folder of the maps, named as the files are [maps]")
      ->type_name("");
  add_flags(*command, fields(o->aligned), "Sequence");
  add_flags(*command, graph_flags(o->neighbors), "Neighbors");
  add_flags(*command, without(fields(o->tsne), "keep_start"), "t-SNE");
  return [o, &common] { run_sequence(*o, common); };
}

}  // namespace latlas::cli
