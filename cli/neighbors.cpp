// latlas neighbors: rows of any origin → the graph of their nearest.
#include <fmt/core.h>

#include <chrono>
#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/mapping.h"
#include "cli/plan.h"
#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/neighbors/approximate.h"
#include "latlas/neighbors/graph.h"
#include "latlas/runs/run_directory.h"

namespace latlas::cli {
namespace {

struct Options {
  std::string data, out = "graph.safetensors";
  NeighborsParams params;
};

void run_neighbors(const Options& o, const Common& common) {
  require(!o.data.empty(),
          "latlas neighbors: name the rows, e.g. latlas neighbors embeddings.npy -o "
          "graph.safetensors");
  require(o.out.ends_with(".safetensors"), "latlas neighbors: ", o.out,
          ": a graph is written as .safetensors; give the file that ending");
  require_distinct({o.out}, {o.data});
  require_writable(o.out);
  Console console(common.verbosity);
  const auto [n, d] = shape_of(o.data);
  const std::int64_t k = o.params.k;
  Plan plan = plan_search(n, n, d, o.params, machine_rate());
  plan.bytes += n * d * 4 + n * k * 16;
  announce(plan, "lower --k, or search fewer rows", console);
  const Matrix rows = load_rows(o.data);

  const auto begin = std::chrono::steady_clock::now();
  const Neighbors graph = find_neighbors(rows, o.params, console.progress("rows"));
  if (interrupted_by() != 0) throw Interrupted{interrupted_by()};
  const double seconds = seconds_since(begin);
  Metrics metrics;
  metrics.set("neighbors.k", static_cast<double>(k));
  metrics.set("neighbors.seconds", seconds);
  const std::string line = describe_neighbors(graph, rows, o.params, 0, metrics);
  write_graph(o.out, graph, o.params.metric);
  if (console.json()) return console.print(metrics.json());
  console.table("", {{"graph", fmt::format("{} rows in {}", count_text(n), o.out)},
                     {"neighbors", line},
                     {"seconds", number_text(seconds, 2)}});
}

}  // namespace

Action add_neighbors(CLI::App& program, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* command =
      add_command(program, common, "neighbors", "Find the nearest rows of every row",
                  "  latlas neighbors embeddings.npy -o graph.safetensors\n"
                  "  latlas neighbors texts.npy --metric cosine --k 15 --search exact\n"
                  "  latlas neighbors users.npy --metric inner_product --k 10\n"
                  "  latlas map texts.npy --graph graph.safetensors -o map.npy");
  command->add_option("data", o->data, "An .npy of rows (any origin), NAME:train, or an IDX file")
      ->type_name("");
  command->add_option("--out,-o", o->out, "The graph's file [graph.safetensors]")->type_name("");
  add_flags(*command, fields(o->params), "Neighbors");
  return [o, &common] { run_neighbors(*o, common); };
}

}  // namespace latlas::cli
