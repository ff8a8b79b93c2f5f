// latlas map: vectors of any origin → a map.
#include <fmt/core.h>

#include <chrono>
#include <functional>
#include <memory>

#include "cli/commands.h"
#include "cli/figures.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/job.h"
#include "cli/mapping.h"
#include "cli/plan.h"
#include "cli/views.h"
#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/core/machine.h"
#include "latlas/core/npy.h"
#include "latlas/evaluate/scores.h"
#include "latlas/layout/affinities_file.h"
#include "latlas/layout/pca.h"
#include "latlas/layout/umap.h"
#include "latlas/neighbors/approximate.h"
#include "latlas/neighbors/graph.h"
#include "latlas/render/compose.h"
#include "latlas/render/draw.h"
#include "latlas/runs/run_directory.h"

namespace latlas::cli {
namespace {

struct Options {
  const CLI::App* command = nullptr;  // knows which flags were given
  std::string theme = "light";
  std::string data, out = "map.npy", method = "tsne", labels, plot, fresh, placed, novelty;
  std::string start, affinities_file, graph,
      graph_distances;  // empty: the method's, and those found here
  std::string anchors, checkpoint;
  double anchor_strength = 0;
  std::int64_t checkpoint_every = 100;
  std::int64_t reduce = 0;
  NeighborsParams neighbors{.k = 0};
  TsneParams tsne;
  UmapParams umap;
  bool scores = true;

  std::vector<Field> umap_fields() {  // names that t-SNE has too are told apart, or shared
    std::vector<Field> f = without(without(fields(umap), "seed"), "init");
    find(f, "a", "umap").name = "curve_a";
    find(f, "b", "umap").name = "curve_b";
    find(f, "learning_rate", "umap").name = "umap_learning_rate";
    return f;
  }
};

// The fitted map, that of new rows, and what is known of both.
struct Mapped {
  Matrix map, placed;
  std::string method_line, neighbors_line = {}, novelty_line = {};
  std::vector<std::int32_t> far = {};  // of the placed
  double graph_seconds = 0;            // finding or reading the graph, and measuring its recall
};

// Whether the neighbors of the rows are to be found here.
bool finds_graph(const Options& o) {
  return o.method != "pca" && o.graph.empty() && o.affinities_file.empty();
}

// The graph that t-SNE or UMAP asks for.
NeighborsParams graph_params(const Options& o, std::int64_t n) {
  if (o.method != "umap") return tsne_search(o.neighbors, o.tsne, n);
  NeighborsParams near = o.neighbors;
  near.k = umap_neighbors_for(near.k, o.umap, n);
  return near;
}

// The neighbors of n rows, unless they are given, and of m new ones among them.
Plan plan_graph(const Options& o, std::int64_t n, std::int64_t m, std::int64_t d,
                const NeighborsParams& near, double rate) {
  Plan plan = plan_queries(n, m, d, near, rate);
  if (finds_graph(o)) plan += plan_search(n, n, d, near, rate);
  return plan;
}

// Of n rows of d columns: what is worth saying beside the plan.
std::string search_note(const Options& o, std::int64_t n, std::int64_t d) {
  const std::int64_t width = o.reduce > 0 ? std::min(o.reduce, d) : d;
  return !finds_graph(o) || searches_exactly(n, n, width, graph_params(o, n))
             ? ""
             : "; neighbors by approximate search";
}

// Neighbors of a row in the files given, by their size: eight bytes each.
std::int64_t given_k(const Options& o, std::int64_t n) {
  std::uintmax_t bytes = 0;
  for (const auto& file : {o.graph, o.graph_distances, o.affinities_file}) {
    std::error_code absent;  // of which the reader tells
    const std::uintmax_t size = file.empty() ? 0 : std::filesystem::file_size(file, absent);
    bytes += absent ? 0 : size;
  }
  return static_cast<std::int64_t>(bytes) / (8 * std::max<std::int64_t>(1, n));
}

// What is to be done with n rows of d columns, and m new ones.
Plan plan_map(const Options& o, std::int64_t n, std::int64_t m, std::int64_t d) {
  const double rate = machine_rate();
  const std::int64_t width = o.reduce > 0 ? std::min(o.reduce, d) : d;
  Plan plan;
  if (o.reduce > 0) plan += plan_pca(n + m, d, width, rate);
  if (o.method == "pca") {
    plan += plan_pca(n + m, width, o.tsne.dimensions, rate);
  } else {
    NeighborsParams near = graph_params(o, n);
    if (!finds_graph(o)) near.k = std::max<std::int64_t>(1, given_k(o, n));
    plan += plan_graph(o, n, m, width, near, rate);
    if (o.method == "umap") {
      plan += plan_umap(n, near.k, o.umap, rate);
    } else {
      plan += plan_tsne(n, near.k, o.tsne, rate);
      plan += plan_kl(n, rate);
    }
  }
  if (!o.plot.empty()) plan += plan_figures(1, n + m, 200);
  if (o.scores) plan += plan_scores(n, width, {}, rate);
  plan.bytes += (n + m) * (d + (o.reduce > 0 ? width : 0)) * 4;
  return plan;
}

// What of the options would have to be otherwise for the map to fit into memory, found by planning
// it so: the least harm first, then all of it, then fewer rows.
std::string what_would_fit(const Options& given, std::int64_t n, std::int64_t m, std::int64_t d) {
  constexpr std::int64_t kFew = 15;  // neighbors, with which a map is still one
  struct Change {
    bool possible;
    const char* flags;
    std::function<void(Options&)> make;
  };
  const bool finds = finds_graph(given), tsne = given.method == "tsne" && finds;
  const bool uniform = given.tsne.affinities == "uniform" || given.tsne.preset == "fast";
  const Change changes[] = {
      {given.reduce == 0 && d > 100 && given.method != "pca", "--reduce 50",
       [](Options& o) { o.reduce = 50; }},
      {given.method == "tsne" && given.tsne.dimensions == 3, "--dimensions 2",
       [](Options& o) { o.tsne.dimensions = 2; }},
      {tsne && given.neighbors.k == 0 && !uniform, "--preset fast",
       [](Options& o) { o.tsne.preset = "fast"; }},
      {tsne && given.neighbors.k > kFew, uniform ? "--k 15" : "--affinities uniform --k 15",
       [](Options& o) { o.tsne.affinities = "uniform", o.neighbors.k = kFew; }},
      {given.method == "umap" && finds && given.umap.n_neighbors > kFew, "--n-neighbors 15",
       [](Options& o) { o.umap.n_neighbors = kFew, o.neighbors.k = 0; }},
  };
  const std::int64_t memory = machine::available_memory(), now = plan_map(given, n, m, d).bytes;
  Options all = given;
  std::string flags;
  for (const Change& change : changes) {
    if (!change.possible) continue;
    Options one = given;
    change.make(one);
    const std::int64_t bytes = plan_map(one, n, m, d).bytes;
    if (bytes >= now) continue;
    if (bytes <= memory) return sentence(change.flags, " would need ", bytes_text(bytes));
    change.make(all);
    flags += (flags.empty() ? "" : " ") + std::string(change.flags);
  }
  const std::int64_t bytes = plan_map(all, n, m, d).bytes;
  if (bytes <= memory) return sentence(flags, " together would need ", bytes_text(bytes));
  std::int64_t fewer = n;
  while (finds && fewer > 1 && plan_map(all, fewer, m, d).bytes > memory) fewer /= 2;
  if (!finds || fewer <= 1) return "map fewer rows";
  return sentence("map fewer rows, of which ", count_text(fewer), " would fit",
                  flags.empty() ? "" : " with " + flags);
}

// The anchors, refused before long work where they are none.
Anchors given_anchors(const Options& o, std::int64_t n) {
  if (o.anchors.empty()) return {};
  Anchors anchors{npy::read_matrix(o.anchors), o.anchor_strength};
  require_valid(anchors, n, o.tsne.dimensions, o.anchors.c_str());
  return anchors;
}

void stop_if_interrupted() {
  if (interrupted_by() != 0) throw Interrupted{interrupted_by()};
}

Mapped map_by_pca(const Options& o, ConstRows rows, ConstRows fresh, Metrics& metrics) {
  const Pca pca = fit_pca(rows, {.components = o.tsne.dimensions});
  metrics.set("pca.explained_variance_ratio", pca.explained_variance_ratio);
  double share = 0;
  for (const double ratio : pca.explained_variance_ratio) share += ratio;
  return {transform(pca, rows), fresh.empty() ? Matrix() : transform(pca, fresh),
          fmt::format("{} of {} components explain {:.1f} % of the variance", o.tsne.dimensions,
                      std::min(rows.rows(), rows.cols()), 100 * share)};
}

// A graph from a file, that must be of the rows.
Neighbors given_graph(const Options& o, ConstRows rows, Metrics& metrics, Console& console,
                      Mapped& mapped) {
  Neighbors graph =
      o.graph_distances.empty() ? read_graph(o.graph) : read_graph(o.graph, o.graph_distances);
  require(graph.rows() == rows.rows(), o.graph, ": has ", graph.rows(), " rows, ", o.data, " has ",
          rows.rows(), "; a graph lists the neighbors of each row");
  const std::string metric = o.graph_distances.empty() ? graph_metric(o.graph) : "";
  require(metric.empty() || metric == o.neighbors.metric, o.graph, ": lists neighbors by ", metric,
          ", --metric is ", o.neighbors.metric, "; new rows and scores must be by the same");
  if (metric.empty() && !o.fresh.empty())
    console.note(fmt::format("distances in {} are taken to be {} (--metric)",
                             o.graph_distances.empty() ? o.graph : o.graph_distances,
                             o.neighbors.metric));
  metrics.set("neighbors.k", static_cast<double>(graph.k()));
  mapped.neighbors_line = fmt::format("{} of each row, from {}", graph.k(), o.graph);
  return graph;
}

// The graph of the rows, said and measured.
Neighbors graph_of(const Options& o, ConstRows rows, const NeighborsParams& near, Metrics& metrics,
                   Console& console, Mapped& mapped) {
  if (!o.graph.empty()) return given_graph(o, rows, metrics, console, mapped);
  const auto begin = std::chrono::steady_clock::now();
  Neighbors graph = find_neighbors(rows, near, console.progress("rows"));
  stop_if_interrupted();
  const double seconds = seconds_since(begin);
  metrics.set("neighbors.k", static_cast<double>(near.k));
  metrics.set("neighbors.seconds", seconds);
  mapped.neighbors_line = describe_neighbors(graph, rows, near, 0, metrics);
  console.finish("neighbors", mapped.neighbors_line, seconds);
  return graph;
}

// What holds the rows together: the weights given, or those of their neighbors, for which the
// parameters are settled.
Affinities affinities_of(const Options& o, ConstRows rows, const NeighborsParams& near,
                         TsneParams& params, Metrics& metrics, Console& console, Mapped& mapped,
                         Neighbors& graph) {
  if (!o.affinities_file.empty()) {
    Affinities given = read_affinities(o.affinities_file);
    require(given.rows() == rows.rows(), o.affinities_file, ": has ", given.rows(), " rows, ",
            o.data, " has ", rows.rows());
    return given;
  }
  const auto begin = std::chrono::steady_clock::now();
  graph = graph_of(o, rows, near, metrics, console, mapped);
  mapped.graph_seconds = seconds_since(begin);
  std::vector<std::string> notes;
  params = settled(params, graph, notes);
  for (const auto& note : notes) console.note(note);
  return joint_affinities(graph, affinity_params(params));
}

// How far the new rows are from those of the map: said, measured and written.
void look_for_novelty(const Options& o, const Neighbors& graph, const Neighbors& to_train,
                      Metrics& metrics, Mapped& mapped) {
  const Novelty found = novelty(graph, to_train);
  mapped.novelty_line = describe_novelty(found, metrics);
  if (!o.novelty.empty()) write_file(o.novelty, to_csv(found));
  for (std::size_t i = 0; i < found.far.size(); ++i)
    if (found.far[i] != 0) mapped.far.push_back(static_cast<std::int32_t>(i));
}

Mapped map_by_tsne(const Options& o, ConstRows rows, ConstRows fresh, const Anchors& anchors,
                   Metrics& metrics, Console& console) {
  const std::int64_t n = rows.rows();
  NeighborsParams near = graph_params(o, n);
  Mapped mapped;
  TsneParams params = with_preset(o.tsne);
  const auto first = std::chrono::steady_clock::now();
  Neighbors graph;
  const Affinities affinities =
      affinities_of(o, rows, near, params, metrics, console, mapped, graph);
  if (fresh.empty()) graph = {};  // it is large, and only novelty still asks for it
  const Matrix start = map_start(o.start.empty() ? "pca" : o.start, rows, affinities,
                                 params.dimensions, params.seed, console);
  TsneResult result =
      tsne_from({.path = o.checkpoint, .every = o.checkpoint_every}, affinities, start, params,
                console, {.anchors = o.anchors.empty() ? nullptr : &anchors});
  for (const auto& note : result.notes) console.note(note);
  if (result.stopped)
    console.note(
        fmt::format("stopped after {} iterations; the map so far is written", result.iterations));
  std::string kl = fmt::format("{:.3f}", result.kl);
  if (result.stopped)
    metrics.set("tsne.kl", result.kl);
  else
    kl = measure_kl("tsne.kl", affinities, result.map, params.degrees_of_freedom, 3, metrics);
  metrics.set("tsne.iterations", static_cast<double>(result.iterations));
  if (!fresh.empty() && !result.stopped) {
    near.search = o.neighbors.search;
    const std::int64_t fitted_k = graph.rows() > 0 ? graph.k() : near.k;
    const PlaceParams placing = placing_of(params, fitted_k);
    near.k = neighbors_to_place(placing, fitted_k);
    auto placing_began = std::chrono::steady_clock::now();
    const NeighborIndex index(rows, near);
    const FrozenMap frozen(result.map, placing);
    metrics.set("tsne.placing_setup_seconds", seconds_since(placing_began));
    placing_began = std::chrono::steady_clock::now();
    const Neighbors to_train = index.search(fresh);
    PlaceResult placed = frozen.place(to_train, console.progress("rows"));
    metrics.set("tsne.placing_seconds", seconds_since(placing_began));
    describe_new_neighbors(to_train, fresh, rows, near, params.seed, metrics, console);
    note_placing(placed, console);
    if (graph.rows() == n) look_for_novelty(o, graph, to_train, metrics, mapped);
    mapped.placed = std::move(placed.map);
  }
  metrics.set("tsne.seconds", seconds_since(first) - mapped.graph_seconds);
  mapped.method_line = fmt::format("KL {} after {} iterations", kl, result.iterations);
  mapped.map = std::move(result.map);
  return mapped;
}

Mapped map_by_umap(const Options& o, ConstRows rows, ConstRows fresh, Metrics& metrics,
                   Console& console) {
  const std::int64_t n = rows.rows();
  NeighborsParams near = graph_params(o, n);
  Mapped mapped;
  const Neighbors graph = graph_of(o, rows, near, metrics, console, mapped);
  const auto begin = std::chrono::steady_clock::now();
  UmapParams params = o.umap;
  params.seed = o.tsne.seed;
  const std::string first = o.start.empty() ? params.init : o.start;
  params.init = is_start_file(first) ? "pca" : first;  // "pca" is the start handed in
  const std::string given = is_start_file(first) ? first : "pca";
  UmapResult result = umap(graph, map_start(given, rows, {}, 2, params.seed, console), params,
                           console.progress("epochs"));
  for (const auto& note : result.notes) console.note(note);
  if (result.stopped)
    console.note(fmt::format("stopped after {} epochs; the map so far is written", result.epochs));
  metrics.set("umap.epochs", static_cast<double>(result.epochs));
  if (!fresh.empty() && !result.stopped) {
    near.k = std::min(params.n_neighbors, n);
    const Neighbors to_train = NeighborIndex(rows, near).search(fresh);
    UmapPlaceResult placed = umap_place(result.map, to_train, params, console.progress("rows"));
    describe_new_neighbors(to_train, fresh, rows, near, params.seed, metrics, console);
    note_placing(placed, console);
    look_for_novelty(o, graph, to_train, metrics, mapped);
    mapped.placed = std::move(placed.map);
  }
  metrics.set("umap.seconds", seconds_since(begin));
  mapped.method_line =
      fmt::format("{} neighbors, {} epochs", std::min(params.n_neighbors, n), result.epochs);
  mapped.map = std::move(result.map);
  return mapped;
}

void plot_map(const Options& o, const Mapped& mapped, const LabelSet& labels) {
  const Views views = views_of(mapped.map, labels.values, mapped.placed, {}, o.out);
  render::ComposeOptions options;
  options.title = fmt::format("{} of {}", title_of(o.method),
                              std::filesystem::path(o.data).filename().string());
  options.subtitle = fmt::format("{} rows", count_text(mapped.map.rows()));
  if (!views.how.empty()) options.subtitle += ", " + views.how;
  options.footnote = mapped.method_line;
  options.ticks = o.method == "pca" && views.to_scale && views.how.empty();
  options.theme = theme_named(o.theme);
  render::Figure figure = figure_of(views, labels.names, options);
  render::circle(figure, placed_at(views, mapped.placed.rows(), mapped.far),
                 far_name(mapped.far.size()));
  render::draw(figure, o.plot);
}

// Flags that were given and change nothing here, each with the reason.
void note_unused(const Options& o, Console& console) {
  const auto given = [&](const char* flag) { return o.command->get_option(flag)->count() > 0; };
  const auto unused = [&](const std::string& flag, const std::string& reason) {
    console.note(fmt::format("{} has no effect: {}", flag, reason));
  };
  for (const CLI::Option* option : o.command->get_options()) {
    if (option->count() == 0 || option->get_lnames().empty()) continue;
    const std::string flag = "--" + option->get_lnames().front(), group = option->get_group();
    const bool shared = flag == "--seed" || flag == "--dimensions";
    if (group == "UMAP" && o.method != "umap") unused(flag, "it is for --method umap");
    if (group == "t-SNE" && o.method != "tsne" && !shared) unused(flag, "it is for --method tsne");
    if (group == "Neighbors" && o.method == "pca") unused(flag, "PCA asks for no neighbors");
    if (flag == "--k" && !o.graph.empty()) unused(flag, "the neighbors are given");
  }
  if (o.method != "tsne") return;
  const TsneParams p = with_preset(o.tsne);
  const std::string kind = p.affinities + " affinities";
  if (given("--perplexity") &&
      (p.affinities == "uniform" || (p.affinities == "gaussian" && p.bandwidth > 0) ||
       (p.affinities == "multiscale" && !p.scales.empty())))
    unused("--perplexity", kind + " do not ask for it");
  if (given("--scales") && p.affinities != "multiscale") unused("--scales", kind + " have none");
  if (given("--bandwidth") && p.affinities != "gaussian")
    unused("--bandwidth", kind + " have none");
  if (given("--anchor-strength") && o.anchors.empty())
    unused("--anchor-strength", "there are no --anchors");
}

void run_map(const Options& o, const Common& common) {
  require(!o.data.empty(), "latlas map: name the rows, e.g. latlas map embeddings.npy -o map.npy");
  require(o.method == "tsne" || o.method == "umap" || o.method == "pca",
          "latlas map: --method is '", o.method, "'; known are tsne, umap, pca");
  require(o.method != "umap" || o.tsne.dimensions == 2, "latlas map: --dimensions is ",
          o.tsne.dimensions,
          "; UMAP lays rows out in the plane alone, t-SNE and PCA in 1 to 3 dimensions");
  require(!o.tsne.keep_start || (o.method == "tsne" && o.start.ends_with(".npy")),
          "latlas map: --keep-start goes on from an earlier t-SNE map; name it: --start map.npy");
  require(o.method != "umap" || o.neighbors.k == 0 || o.neighbors.k >= o.umap.n_neighbors - 1,
          "latlas map: --k is ", o.neighbors.k, ", --n-neighbors ", o.umap.n_neighbors, " needs ",
          o.umap.n_neighbors - 1, "; leave --k out");
  require(o.affinities_file.empty() || o.method == "tsne",
          "latlas map: --affinities-file is for --method tsne");
  require(o.fresh.empty() == o.placed.empty(),
          "latlas map: --new and --new-out belong together (rows to place, and where they go)");
  require(o.novelty.empty() || (!o.fresh.empty() && o.method != "pca"),
          "latlas map: --novelty is about rows that --new places by t-SNE or UMAP");
  require(o.novelty.empty() || o.affinities_file.empty(),
          "latlas map: --novelty compares distances, of which --affinities-file tells nothing");
  require(o.method == "tsne" || (o.anchors.empty() && o.checkpoint.empty()),
          "latlas map: --anchors and --checkpoint are for --method tsne");
  require(o.checkpoint_every >= 1, "latlas map: --checkpoint-every is ", o.checkpoint_every,
          ", it must be at least 1");
  require(o.graph.empty() || o.method != "pca",
          "latlas map: --graph is for t-SNE and UMAP; PCA reads the rows alone");
  require(o.graph.ends_with(".npy") == !o.graph_distances.empty(),
          "latlas map: a graph in .npy comes in two files; name the indices with --graph and the "
          "distances with --graph-distances");
  require(o.graph.empty() || o.affinities_file.empty(),
          "latlas map: --graph and --affinities-file both say who holds on to whom; name one");
  check_graph(o.neighbors);
  TsneParams tsne = o.tsne;
  check(fields(tsne), "tsne");
  UmapParams of_umap = o.umap;
  check(fields(of_umap), "umap");
  require((of_umap.a > 0) == (of_umap.b > 0),
          "latlas map: --curve-a and --curve-b belong together; give both or none");
  theme_named(o.theme);  // refused before long work
  require(o.reduce >= 0, "latlas map: --reduce is ", o.reduce, ", it must be at least 0 (0: no)");
  if (!o.plot.empty()) render::format_of(o.plot);
  const std::vector<std::string> outputs = {o.out, o.placed, o.plot, o.novelty, o.checkpoint};
  require_distinct(outputs, {o.data, o.fresh, o.labels, o.start, o.graph, o.graph_distances,
                             o.anchors, o.affinities_file});
  for (const auto& out : outputs)
    if (!out.empty()) require_writable(out);
  Console console(common.verbosity);
  note_unused(o, console);
  const Shape shape = shape_of(o.data), more = o.fresh.empty() ? Shape{} : shape_of(o.fresh);
  require(o.fresh.empty() || more.cols == shape.cols, o.fresh, ": has ", more.cols, " columns, ",
          o.data, " has ", shape.cols);
  require(o.method == "pca" || shape.rows >= 4, "latlas map: ", shape.rows,
          shape.rows == 1 ? " row is" : " rows are", " too few for ", title_of(o.method),
          "; 4 are the least");
  const Plan plan = plan_map(o, shape.rows, more.rows, shape.cols);
  announce(plan,
           fits(plan) ? "map fewer rows" : what_would_fit(o, shape.rows, more.rows, shape.cols),
           console, search_note(o, shape.rows, shape.cols));
  Matrix rows = load_rows(o.data);
  Matrix fresh = o.fresh.empty() ? Matrix() : load_rows(o.fresh);
  require_finite(rows, o.data.c_str());
  if (!o.start.empty() && is_start_file(o.start))  // refused before long work
    map_start(o.start, rows, {}, o.tsne.dimensions, 0, console);
  const LabelSet labels = o.labels.empty() ? LabelSet{} : load_labels(o.labels, rows.rows());
  const Anchors anchors = given_anchors(o, rows.rows());
  if (o.reduce > 0) {
    const Pca pca = fit_pca(rows, {.components = o.reduce});
    if (!fresh.empty()) fresh = transform(pca, fresh);
    rows = transform(pca, rows);
  }

  if (finds_graph(o) && o.neighbors.k > rows.rows() - 1)
    console.note(fmt::format("{} neighbors of a row instead of {}: there are {} rows",
                             rows.rows() - 1, o.neighbors.k, rows.rows()));
  if (!fresh.empty() && !o.affinities_file.empty())
    console.note(
        "weights tell no distances: none of the new rows is flagged as far from everything");
  Metrics metrics;
  const Mapped mapped = o.method == "pca" ? map_by_pca(o, rows, fresh, metrics)
                        : o.method == "umap"
                            ? map_by_umap(o, rows, fresh, metrics, console)
                            : map_by_tsne(o, rows, fresh, anchors, metrics, console);
  npy::write(o.out, mapped.map);
  if (!o.checkpoint.empty() && interrupted_by() == 0) std::filesystem::remove(o.checkpoint);
  if (!mapped.placed.empty()) npy::write(o.placed, mapped.placed);
  if (!o.plot.empty()) plot_map(o, mapped, labels);
  stop_if_interrupted();

  std::vector<std::pair<std::string, std::string>> lines = {
      {"map",
       fmt::format("{} × {} in {}", count_text(mapped.map.rows()), mapped.map.cols(), o.out)},
      {title_of(o.method), mapped.method_line}};
  if (!mapped.neighbors_line.empty()) lines.emplace_back("neighbors", mapped.neighbors_line);
  if (!mapped.placed.empty())
    lines.emplace_back("new rows",
                       fmt::format("{} placed, in {}{}", count_text(mapped.placed.rows()), o.placed,
                                   mapped.novelty_line));
  if (o.scores && rows.rows() >= 4) {
    const EvaluateParams params = fitting_scores({}, rows.rows(), !labels.empty(), console);
    const Matrix seen =
        in_metric(std::move(rows), o.method == "pca" ? "euclidean" : o.neighbors.metric, o.data);
    const Quality q = evaluate_map(seen, mapped.map, labels.values, params);
    const auto add = [&](const std::string& name, const std::string& label, const Score& score) {
      set_score(metrics, "quality." + name, score);
      std::string text = number_text(score.value, 3);
      if (score.standard_error > 0) text += " ± " + number_text(score.standard_error, 3);
      if (!label.empty()) lines.emplace_back(label, text);
    };
    add("trustworthiness", "trustworthiness", q.trustworthiness);
    add("continuity", "", q.continuity);
    add(fmt::format("recall_at_{}", params.k), fmt::format("recall of {}", params.k), q.recall);
    add("spearman", "", q.spearman);
    if (q.label_accuracy) add("label_accuracy", "label accuracy", *q.label_accuracy);
  }
  if (!o.plot.empty()) lines.emplace_back("figure", o.plot);
  if (console.json()) return console.print(metrics.json());
  console.table("", lines);
}

}  // namespace

Action add_map(CLI::App& program, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* command = add_command(
      program, common, "map",
      "Lay rows of numbers out in the plane, in space or on a line, by t-SNE, UMAP or PCA",
      "  latlas map embeddings.npy -o map.npy --plot map.png\n"
      "  latlas map cells.npy --labels cells.csv:type --perplexity 50 --plot cells.svg\n"
      "  latlas map train.npy -o train_map.npy --new test.npy --new-out test_map.npy\n"
      "  latlas map texts.npy --metric cosine --method umap --min-dist 0.05");
  command->add_option("data", o->data, "An .npy of rows (any origin), NAME:train, or an IDX file")
      ->type_name("");
  command->add_option("--out,-o", o->out, "The map's file, n × dimensions [map.npy]")
      ->type_name("");
  command->add_option("--method", o->method, "tsne, umap or pca [tsne]")->type_name("");
  command
      ->add_option(
          "--start", o->start,
          "Where rows begin: pca, spectral, random, or an .npy of places [t-SNE: pca, UMAP: "
          "spectral]")
      ->type_name("");
  command
      ->add_option("--graph", o->graph,
                   "Neighbors found before, as latlas neighbors writes them [found here]")
      ->type_name("");
  command
      ->add_option("--graph-distances", o->graph_distances,
                   "The distances' .npy, where --graph is an .npy of indices")
      ->type_name("");
  command
      ->add_option("--affinities-file", o->affinities_file,
                   "t-SNE of these weights instead of the neighbors': begin, column, weight in a "
                   ".safetensors")
      ->type_name("");
  command->add_option("--labels", o->labels, "Classes: .npy, lines of text, or table.tsv:column")
      ->type_name("");
  command->add_option("--plot", o->plot, "Also draw it: a .png, .svg or .pdf")->type_name("");
  command->add_option("--theme", o->theme, "Of the figure: light or dark [light]")->type_name("");
  command->add_option("--new", o->fresh, "Rows to place into the fitted map")->type_name("");
  command->add_option("--new-out", o->placed, "Where their places go")->type_name("");
  command
      ->add_option("--novelty", o->novelty,
                   "A CSV of how far each new row is from those of the map")
      ->type_name("");
  command
      ->add_option("--anchors", o->anchors,
                   "Places of some rows: n × 2, rows of NaN are free; they are held there")
      ->type_name("");
  command
      ->add_option("--anchor-strength", o->anchor_strength,
                   "Instead of holding them, pull; 1 is as strong as all neighbors of a row")
      ->type_name("");
  command
      ->add_option("--checkpoint", o->checkpoint,
                   "Keep the fit under way in this file, and go on from it where it is there")
      ->type_name("");
  command
      ->add_option("--checkpoint-every", o->checkpoint_every,
                   "Iterations from one checkpoint to the next [100]")
      ->type_name("");
  command->add_option("--reduce", o->reduce, "First reduce to that many principal components [no]")
      ->type_name("");
  command->add_flag("!--no-scores", o->scores, "Do not score the map");
  add_flags(*command, graph_flags(o->neighbors), "Neighbors");
  add_flags(*command, fields(o->tsne), "t-SNE");
  add_flags(*command, o->umap_fields(), "UMAP");
  o->command = command;
  return [o, &common] { run_map(*o, common); };
}

}  // namespace latlas::cli
