#include "cli/pipeline.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <optional>

#include "cli/fetching.h"
#include "cli/figures.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/mapping.h"
#include "cli/plan.h"
#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/core/hash.h"
#include "latlas/core/machine.h"
#include "latlas/core/npy.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "latlas/data/catalog.h"
#include "latlas/data/table.h"
#include "latlas/evaluate/probes.h"
#include "latlas/layout/pca.h"
#include "latlas/layout/place.h"
#include "latlas/layout/start.h"
#include "latlas/nn/autoencoder.h"
#include "latlas/runs/run_directory.h"

namespace latlas::cli {
namespace {

using Clock = std::chrono::steady_clock;

// Part of every key: to be raised when a stage computes otherwise than before.
constexpr const char* kComputation = "9";
// At most; without images there is one less.
constexpr std::int64_t kFigures = 7;
// Figures that show shares of the test images need few of them.
constexpr std::int64_t kSheetImages = 20;
// Raw pixels are a baseline: a sample of test rows places their accuracy well enough.
constexpr std::int64_t kPixelSample = 1000;

// The losses of a kept stage, for the figure.
History read_history(const std::filesystem::path& path) {
  const auto losses = read_column(path, "loss"), val_losses = read_column(path, "val_loss");
  History history;
  for (std::size_t i = 0; i < losses.size(); ++i)
    history.push_back({static_cast<std::int64_t>(i + 1), std::strtod(losses[i].c_str(), nullptr),
                       std::strtod(val_losses[i].c_str(), nullptr), 0});
  return history;
}

class Pipeline {
 public:
  Pipeline(Job job, const PipelineOptions& options, Console& console)
      : job_(std::move(job)), options_(options), console_(console) {}

  void run() {
    load_data();
    announce_plan();
    if (!run_) run_.emplace(options_.folder, options_.fresh);
    show_notes();
    write_file(
        run_->path("recipe.toml"),
        recipe_text(job_.sections(), "latlas run " + options_.recipe + ", every value filled in"));
    train();
    encode_rows();
    fit_components();
    lay_out();
    lay_out_by_umap();
    score();
    draw();
    conclude();
  }

 private:
  void load_data();
  void describe_run();
  std::vector<std::string> key_parts(std::string_view stage);
  std::vector<std::string> kept_stages();
  void announce_plan();
  void train();
  void encode_rows();
  void fit_components();
  void lay_out();
  void lay_out_by_umap();
  void score();
  void draw();
  void conclude();

  /// Runs `work`, unless it is done.
  struct Outcome {
    std::vector<std::string> files;  ///< It wrote them.
    std::string line;                ///< It leaves this on the console.
    Metrics metrics = {};
  };
  template <class Work>
  bool stage(const std::string& name, Work work);
  [[noreturn]] void interrupt();
  void stop_if_interrupted() {
    if (interrupted_by() != 0) interrupt();
  }
  void show_notes() {
    for (const auto& note : run_->take_notes()) console_.note(note);
  }
  std::filesystem::path checkpoint(std::string_view stage, const std::string& key) const;
  void remove_checkpoints(const std::string& stage);  // once the manifest knows what it made
  void save_model();
  Matrix array(const std::string& file) { return npy::read_matrix(run_->path(file)); }

  Job job_;
  PipelineOptions options_;
  Console& console_;
  std::optional<RunDirectory> run_;  // made after the plan, which may refuse
  Dataset data_;
  std::string data_hash_;
  LabelSet train_labels_, test_labels_;
  std::optional<Autoencoder> model_;
  History history_;
  Matrix latents_train_, latents_test_, pca_train_, pca_test_, tsne_train_, tsne_test_;
  Matrix umap_train_, umap_test_;  // empty unless the recipe asks for them
  Neighbors graph_;                // t-SNE's, for UMAP
  std::vector<double> variance_ratios_;
  Clock::time_point begin_ = Clock::now();
  bool ran_ = false;  // whether any stage was run this time
};

template <class Work>
bool Pipeline::stage(const std::string& name, Work work) {
  const std::string key = stage_key(key_parts(name));
  const bool done = run_->is_done(name, key);
  show_notes();
  if (done) {
    console_.kept(name);
    return false;
  }
  stop_if_interrupted();
  describe_run();
  const auto begin = Clock::now();
  Outcome outcome = work(key);
  const double seconds = seconds_since(begin);
  run_->finish(name, key, seconds, outcome.files, std::move(outcome.metrics));
  ran_ = true;
  console_.finish(name, outcome.line, seconds);
  return true;
}

void Pipeline::interrupt() {
  run_->save();
  console_.say(fmt::format("stopped; the same command{} goes on from here ({})",
                           options_.fresh ? " without --fresh" : "", options_.folder.string()));
  throw Interrupted{interrupted_by()};
}

void Pipeline::load_data() {
  const auto begin = Clock::now();
  const std::string& name = job_.data.name;
  if (options_.fetch && name != "synthetic" && !std::filesystem::is_directory(name) &&
      !find_dataset(name)) {
    try {
      fetch_named(name, console_);
    } catch (const IoError& error) {
      if (!options_.or_synthetic) throw;
      console_.note(
          fmt::format("{} is not here and could not be fetched; going on with the built-in "
                      "synthetic digits ({})",
                      name, error.what()));
      job_.data.name = "synthetic";
    }
  } else if (options_.or_synthetic && name != "synthetic" && !std::filesystem::is_directory(name) &&
             !find_dataset(name)) {
    console_.note(fmt::format("{} is not here; going on with the built-in synthetic digits", name));
    job_.data.name = "synthetic";
  }
  data_ = first_rows(load_named(job_.data.name), job_.data.train, job_.data.test);
  train_labels_ = labels_of(data_.train_labels, data_.class_names);
  test_labels_ = labels_of(data_.test_labels, data_.class_names);
  Sha256 hash;
  for (const ByteMatrix* rows : {&data_.train, &data_.test})
    hash.add(std::as_bytes(std::span(rows->data(), static_cast<std::size_t>(rows->size()))));
  for (const auto* labels : {&data_.train_labels, &data_.test_labels})
    hash.add(std::as_bytes(std::span(*labels)));
  data_hash_ = hash.hex();
  require(data_.train.rows() >= 4, "data: ", data_.train.rows(),
          " training rows are too few for a map; 4 are the least");
  console_.finish("data",
                  fmt::format("{}: {} training, {} test rows of {} values ({})", job_.data.name,
                              count_text(data_.train.rows()), count_text(data_.test.rows()),
                              data_.train.cols(), data_.source),
                  seconds_since(begin));
}

void Pipeline::describe_run() {
  run_->describe("latlas", LATLAS_VERSION);
  run_->describe("compiler", __VERSION__);
  run_->describe("recipe", options_.recipe);
  run_->describe("seed", std::to_string(job_.seed));
  run_->describe("simd", std::string(simd::name()));
  run_->describe("threads", std::to_string(threads()));
  run_->describe("processor", machine::processor());
  run_->describe("system", machine::system());
  run_->describe("data", data_.source);
  run_->describe("data_sha256", data_hash_);
  char time[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  run_->describe("started", time);
}

// What a stage's key is made of: the parameters and files that its results follow from. Files of
// earlier stages must be there.
std::vector<std::string> Pipeline::key_parts(std::string_view stage) {
  std::vector<std::string> parts = {std::string(stage), kComputation};
  const auto add = [&](const auto&... more) { (parts.emplace_back(more), ...); };
  const auto add_files = [&](std::initializer_list<const char*> files) {
    for (const char* file : files) parts.push_back(run_->hash_of(file));
  };
  if (stage == "train") {
    add(data_hash_, fingerprint(fields(job_.model)), fingerprint(fields(job_.training)));
  } else if (stage == "encode") {
    add(data_hash_);
    add_files({"model.safetensors"});
  } else if (stage == "pca") {
    add_files({"latents_train.npy", "latents_test.npy"});
  } else if (stage == "tsne") {
    add_files({"latents_train.npy", "latents_test.npy"});
    add(fingerprint(fields(job_.neighbors)), fingerprint(fields(job_.tsne)), job_.tsne_start);
    if (is_start_file(job_.tsne_start)) add(sha256_of_file(job_.tsne_start));
  } else if (stage == "umap") {
    add_files({"latents_train.npy", "latents_test.npy"});
    add(fingerprint(fields(job_.neighbors)), fingerprint(fields(job_.umap)));
  } else if (stage == "evaluate") {
    add(data_hash_);
    add_files(
        {"latents_train.npy", "pca_train.npy", "pca_test.npy", "tsne_train.npy", "tsne_test.npy"});
    if (job_.with_umap) add_files({"umap_train.npy", "umap_test.npy"});
    add(fingerprint(fields(job_.evaluate)), job_.neighbors.metric);
  } else {  // figures, which show scores and names
    add_files({"history.csv", "model.safetensors", "pca_train.npy", "pca_test.npy",
               "tsne_train.npy", "tsne_test.npy", "novelty_test.csv"});
    if (job_.with_umap) add_files({"umap_train.npy", "umap_test.npy"});
    add(data_hash_, job_.data.name, std::to_string(data_.height), std::to_string(data_.width),
        fingerprint(fields(job_.figures)), fingerprint(fields(job_.model)), job_.training.loss);
    for (const auto& [name, done] : run_->stages())
      if (name != "figures") parts.push_back(done.metrics.json());
    parts.insert(parts.end(), data_.class_names.begin(), data_.class_names.end());
  }
  return parts;
}

// The stages whose results stand. One that follows a stage to be run counts as to be run, though
// it will be kept where that gives the same bytes as before.
std::vector<std::string> Pipeline::kept_stages() {
  std::vector<std::string> kept;
  if (!run_) return kept;
  const auto keep = [&](const char* stage) {
    const bool done = run_->is_done(stage, stage_key(key_parts(stage)));
    if (done) kept.emplace_back(stage);
    return done;
  };
  if (keep("train") && keep("encode")) {
    const bool pca = keep("pca"), tsne = keep("tsne"), umap = !job_.with_umap || keep("umap");
    if (pca && tsne && umap && keep("evaluate")) keep("figures");
  }
  run_->take_notes();  // the stages will say them in their turn
  return kept;
}

void Pipeline::announce_plan() {
  if (!options_.fresh && std::filesystem::exists(options_.folder / "manifest.json")) {
    run_.emplace(options_.folder, false);  // nothing is written yet
    show_notes();
  }
  const std::vector<std::string> kept = kept_stages();
  const auto runs = [&](const char* stage) {
    return std::find(kept.begin(), kept.end(), stage) == kept.end();
  };
  const std::int64_t n = data_.train.rows(), m = data_.test.rows(), d = data_.train.cols();
  const std::int64_t latent = job_.model.latent;
  const NeighborsParams near = tsne_search(job_.neighbors, job_.tsne, n);
  const double parameters = count_parameters(d, job_.model), rate = machine_rate();
  Plan plan;
  if (runs("train")) plan += plan_training(n, m, parameters, job_.training.epochs, rate);
  if (runs("encode")) plan += plan_encoding(n + m, d, latent, parameters / 2, rate);
  if (runs("pca")) plan += plan_pca(n, latent, std::min(n, latent), rate);
  if (runs("tsne")) {
    plan += plan_search(n, n, latent, near, rate);
    plan += plan_queries(n, m, latent, near, rate);
    plan += plan_tsne(n, near.k, job_.tsne, rate);
    plan += plan_kl(n, rate);
  }
  if (job_.with_umap && runs("umap")) {
    NeighborsParams own = job_.neighbors;
    own.k = umap_neighbors_for(0, job_.umap, n);
    const bool shared =
        runs("tsne") && searches_exactly(n, n, latent, near) && searches_exactly(n, n, latent, own);
    if (!shared) plan += plan_search(n, n, latent, own, rate);
    plan += plan_queries(n, m, latent, own, rate);
    plan += plan_umap(n, own.k, job_.umap, rate);
  }
  if (runs("evaluate")) {
    for (int map = 0; map < (job_.with_umap ? 3 : 2); ++map)
      plan += plan_scores(n, latent, job_.evaluate, rate);
    for (const std::int64_t space : {std::int64_t{2}, std::int64_t{2}, latent})
      plan +=
          plan_neighbors(n, measured_rows(m, job_.evaluate), space, job_.evaluate.label_k, rate);
    plan += plan_neighbors(n, std::min(m, kPixelSample), d, job_.evaluate.label_k, rate);
    plan += {0, (n + m) * d * 4};  // the pixels as numbers
  }
  if (runs("figures"))
    plan += plan_figures((kFigures + (job_.with_umap ? 2 : 0)) *
                             static_cast<std::int64_t>(formats_of(job_.figures).size()),
                         n + m, job_.figures.dpi);
  const std::string folder = "; results in " + options_.folder.string();
  if (!runs("figures"))
    return console_.say("plan        nothing is to be done, all stages are kept" + folder);
  plan.bytes += (n + m) * (d + 8 * latent) + 120'000'000;
  std::string more;
  for (const auto& stage : kept) more += (more.empty() ? "; kept: " : ", ") + stage;
  announce(plan, "use fewer rows, e.g. --set data.train=10000", console_, more + folder);
}

std::filesystem::path Pipeline::checkpoint(std::string_view stage, const std::string& key) const {
  return run_->path("checkpoints") / sentence(stage, "-", key.substr(0, 16), ".safetensors");
}

void Pipeline::remove_checkpoints(const std::string& stage) {
  const auto folder = run_->path("checkpoints");
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().filename().string().starts_with(stage + "-"))
      std::filesystem::remove(entry.path(), ignored);
  std::filesystem::remove(folder, ignored);  // unless another stage's are in it
}

void Pipeline::save_model() {
  write_model(run_->path("model.safetensors"), *model_,
              {{"loss", job_.training.loss}, {"data", utf8_text(job_.data.name)}});
  write_file(run_->path("history.csv"), to_csv(history_));
}

void Pipeline::train() {
  model_ = make_autoencoder(data_.train.cols(), job_.model);
  const bool ran = stage("train", [&](const std::string& key) -> Outcome {
    const auto kept = checkpoint("train", key);
    std::filesystem::create_directories(run_->path("checkpoints"));
    Trainer trainer(*model_, data_.train, data_.test, job_.training);
    if (!options_.fresh && std::filesystem::exists(kept)) {
      try {
        trainer.resume(read_state(kept, *model_));
        console_.say(fmt::format("train       resumed after epoch {}", trainer.history().size()));
      } catch (const std::exception& error) {
        console_.note(
            fmt::format("the checkpoint cannot be used, training begins anew ({})", error.what()));
      }
    }
    auto saved = Clock::now();
    const Progress progress = console_.progress("steps");
    while (trainer.epoch(progress)) {
      if (seconds_since(saved) < 2) continue;
      write_state(kept, trainer.state(), *model_);
      saved = Clock::now();
    }
    history_ = trainer.history();
    save_model();
    if (!trainer.done()) {
      write_state(kept, trainer.state(), *model_);
      interrupt();
    }
    double seconds = 0;
    for (const Epoch& e : history_) seconds += e.seconds;
    Metrics m;
    m.set("model.loss", history_.back().loss);
    m.set("model.val_loss", history_.back().val_loss);
    m.set("model.epochs", static_cast<double>(history_.size()));
    m.set("model.seconds", seconds);
    m.set("model.parameters", static_cast<double>(model_->parameters()));
    return {{"model.safetensors", "history.csv"},
            fmt::format("{} epochs, loss {:.4f}, val_loss {:.4f}", history_.size(),
                        history_.back().loss, history_.back().val_loss),
            std::move(m)};
  });
  remove_checkpoints("train");
  if (ran) return;
  model_ = read_model(run_->path("model.safetensors"));
  history_ = read_history(run_->path("history.csv"));
}

void Pipeline::encode_rows() {
  stage("encode", [&](const std::string&) -> Outcome {
    latents_train_ = encode(*model_, data_.train);
    latents_test_ = encode(*model_, data_.test);
    npy::write(run_->path("latents_train.npy"), latents_train_);
    npy::write(run_->path("latents_test.npy"), latents_test_);
    npy::write(run_->path("labels_train.npy"), std::span<const std::uint8_t>(data_.train_labels));
    npy::write(run_->path("labels_test.npy"), std::span<const std::uint8_t>(data_.test_labels));
    return {{"latents_train.npy", "latents_test.npy", "labels_train.npy", "labels_test.npy"},
            fmt::format("{} latents of {} values",
                        count_text(latents_train_.rows() + latents_test_.rows()),
                        latents_train_.cols())};
  });
  if (latents_train_.empty()) {
    latents_train_ = array("latents_train.npy");
    latents_test_ = array("latents_test.npy");
  }
}

void Pipeline::fit_components() {
  stage("pca", [&](const std::string&) -> Outcome {
    const auto begin = Clock::now();
    // All components are fitted, for the figure of the explained variance; the first are kept.
    const Pca all = fit_pca(latents_train_,
                            {.components = std::min(latents_train_.rows(), latents_train_.cols())});
    for (const auto& [file, rows] : {std::pair("pca_train.npy", ConstRows(latents_train_)),
                                     std::pair("pca_test.npy", ConstRows(latents_test_))}) {
      const Matrix coordinates = transform(all, rows);
      npy::write(run_->path(file), first_columns(coordinates, 2));
    }
    Metrics m;
    m.set("pca.explained_variance_ratio", all.explained_variance_ratio);
    m.set("pca.seconds", seconds_since(begin));
    const double share = all.explained_variance_ratio[0] + all.explained_variance_ratio[1];
    return {{"pca_train.npy", "pca_test.npy"},
            fmt::format("2 of {} components explain {:.1f} % of the variance",
                        all.components.rows(), 100 * share),
            std::move(m)};
  });
  pca_train_ = array("pca_train.npy");
  pca_test_ = array("pca_test.npy");
  variance_ratios_ = run_->metrics().list("pca.explained_variance_ratio");
}

void Pipeline::lay_out() {
  stage("tsne", [&](const std::string& key) -> Outcome {
    const std::int64_t n = latents_train_.rows();
    Metrics m;

    auto begin = Clock::now();
    NeighborsParams near = tsne_search(job_.neighbors, job_.tsne, n);
    const bool exact = searches_exactly(n, n, latents_train_.cols(), near);
    Neighbors graph = find_neighbors(latents_train_, near, console_.progress("rows"));
    stop_if_interrupted();
    m.set("neighbors.k", static_cast<double>(graph.k()));
    const double searched = seconds_since(begin);
    m.set("neighbors.seconds", searched);
    console_.finish("neighbors", describe_neighbors(graph, latents_train_, near, job_.seed, m),
                    searched);

    begin = Clock::now();
    std::vector<std::string> notes;
    const TsneParams params = settled(job_.tsne, graph, notes);
    for (const auto& note : notes) console_.note(note);
    const Affinities affinities = joint_affinities(graph, affinity_params(params));
    const Matrix start = map_start(job_.tsne_start, latents_train_, affinities, params.dimensions,
                                   job_.seed, console_);
    const KeptFit kept{
        .path = checkpoint("tsne", key), .every = 25, .seconds = 2, .demanded = false};
    std::filesystem::create_directories(kept.path.parent_path());
    if (options_.fresh) std::filesystem::remove(kept.path);
    const TsneResult map = tsne_from(kept, affinities, start, params, console_);
    for (const auto& note : map.notes) console_.note(note);
    if (map.stopped) interrupt();
    const std::string kl =
        measure_kl("tsne.kl", affinities, map.map, params.degrees_of_freedom, 3, m);
    m.set("tsne.iterations", static_cast<double>(map.iterations));
    npy::write(run_->path("tsne_train.npy"), map.map);

    near.search = job_.neighbors.search;
    PlaceResult placed;
    Novelty found;
    if (latents_test_.rows() > 0) {
      const PlaceParams placing = placing_of(params, graph.k());
      near.k = neighbors_to_place(placing, graph.k());
      const Neighbors to_train = NeighborIndex(latents_train_, near).search(latents_test_);
      describe_new_neighbors(to_train, latents_test_, latents_train_, near, job_.seed, m, console_);
      placed = place(map.map, to_train, placing, console_.progress("rows"));
      found = novelty(graph, to_train);
    }
    note_placing(placed, console_);
    if (placed.stopped) interrupt();
    npy::write(run_->path("tsne_test.npy"), placed.map);
    write_file(run_->path("novelty_test.csv"), to_csv(found));
    const std::string far = describe_novelty(found, m);
    m.set("tsne.seconds", seconds_since(begin));
    if (job_.with_umap && exact) graph_ = std::move(graph);
    return {{"tsne_train.npy", "tsne_test.npy", "novelty_test.csv"},
            fmt::format("KL {} after {} iterations{}, {} test rows placed{}", kl, map.iterations,
                        map.converged ? " (it had stopped falling)" : "",
                        count_text(placed.map.rows()), far),
            std::move(m)};
  });
  remove_checkpoints("tsne");
  tsne_train_ = array("tsne_train.npy");
  tsne_test_ = array("tsne_test.npy");
}

void Pipeline::lay_out_by_umap() {
  if (!job_.with_umap) return;
  stage("umap", [&](const std::string&) -> Outcome {
    const std::int64_t n = latents_train_.rows();
    NeighborsParams near = job_.neighbors;
    near.k = umap_neighbors_for(0, job_.umap, n);
    const bool exact = searches_exactly(n, n, latents_train_.cols(), near);
    if (!exact || graph_.k() < near.k)  // else t-SNE's exact lists begin with the same neighbors
      graph_ = find_neighbors(latents_train_, near, console_.progress("rows"));
    stop_if_interrupted();
    Metrics m, of_graph;
    const std::string found = describe_neighbors(graph_, latents_train_, near, job_.seed, of_graph);
    m.set("umap.neighbors_recall", of_graph.get("neighbors.recall").value_or(1));
    if (!exact) console_.note(fmt::format("UMAP's neighbors: {}", found));

    const auto begin = Clock::now();
    const UmapResult map =
        umap(graph_, pca_start(latents_train_, 2), job_.umap, console_.progress("epochs"));
    for (const auto& note : map.notes) console_.note(note);
    if (map.stopped) interrupt();
    UmapPlaceResult placed;
    if (latents_test_.rows() > 0) {
      near.k = std::min(job_.umap.n_neighbors, n);
      const Neighbors to_train = NeighborIndex(latents_train_, near).search(latents_test_);
      describe_new_neighbors(to_train, latents_test_, latents_train_, near, job_.seed, of_graph,
                             console_);
      m.set("umap.new_rows_recall", of_graph.get("neighbors.new_rows_recall").value_or(1));
      placed = umap_place(map.map, to_train, job_.umap, console_.progress("rows"));
    }
    note_placing(placed, console_);
    if (placed.stopped) interrupt();
    npy::write(run_->path("umap_train.npy"), map.map);
    npy::write(run_->path("umap_test.npy"), placed.map);
    m.set("umap.epochs", static_cast<double>(map.epochs));
    m.set("umap.seconds", seconds_since(begin));
    return {
        {"umap_train.npy", "umap_test.npy"},
        fmt::format("{} epochs, {} test rows placed", map.epochs, count_text(placed.map.rows())),
        std::move(m)};
  });
  graph_ = {};
  umap_train_ = array("umap_train.npy");
  umap_test_ = array("umap_test.npy");
}

void Pipeline::score() {
  stage("evaluate", [&](const std::string&) -> Outcome {
    const EvaluateParams params =
        fitting_scores(job_.evaluate, latents_train_.rows(), true, console_);
    const std::string recall = fmt::format("recall_at_{}", params.k);
    const Matrix seen_train = in_metric(copy_of(latents_train_), job_.neighbors.metric, "latents");
    const Matrix seen_test = in_metric(copy_of(latents_test_), job_.neighbors.metric, "latents");
    Metrics m;
    const auto set_quality = [&](const std::string& map, ConstRows train, ConstRows test) {
      const Quality q = evaluate_map(seen_train, train, train_labels_.values, params);
      set_score(m, "quality." + map + ".trustworthiness", q.trustworthiness);
      set_score(m, "quality." + map + ".continuity", q.continuity);
      set_score(m, "quality." + map + "." + recall, q.recall);
      set_score(m, "quality." + map + ".spearman", q.spearman);
      if (q.label_accuracy) set_score(m, "quality." + map + ".label_accuracy", *q.label_accuracy);
      if (test.rows() > 0)
        set_score(m, "quality." + map + ".test_label_accuracy",
                  label_accuracy(train, train_labels_.values, test, test_labels_.values, params));
      stop_if_interrupted();
    };
    set_quality("pca", pca_train_, pca_test_);
    set_quality("tsne", tsne_train_, tsne_test_);
    if (job_.with_umap) set_quality("umap", umap_train_, umap_test_);
    if (latents_test_.rows() > 0) {
      set_score(
          m, "quality.latents.knn_accuracy",
          knn_accuracy(seen_train, train_labels_.values, seen_test, test_labels_.values, params));
      set_score(
          m, "quality.latents.probe_accuracy",
          probe_accuracy(latents_train_, train_labels_.values, latents_test_, test_labels_.values));
      EvaluateParams pixels = params;
      pixels.exact_rows = std::min(pixels.exact_rows, kPixelSample);
      pixels.sample_rows = std::min(pixels.sample_rows, kPixelSample);
      set_score(m, "quality.pixels.knn_accuracy",
                knn_accuracy(scaled(data_.train), train_labels_.values, scaled(data_.test),
                             test_labels_.values, pixels));
    }
    return {{}, "scores of the maps, the latents and the pixels", std::move(m)};
  });
}

void Pipeline::draw() {
  stage("figures", [&](const std::string&) -> Outcome {
    const std::int64_t shown = std::min(kSheetImages, data_.test.rows());
    const Matrix originals = scaled(data_.test.rows(0, shown));
    const Matrix reconstructions = reconstruct(*model_, Pixels(data_.test.rows(0, shown)));
    const Metrics scores = run_->metrics();
    const Gallery gallery{job_,
                          scores,
                          pca_train_,
                          pca_test_,
                          tsne_train_,
                          tsne_test_,
                          train_labels_,
                          test_labels_,
                          originals,
                          reconstructions,
                          data_.train.cols(),
                          data_.height,
                          data_.width,
                          history_,
                          variance_ratios_,
                          umap_train_,
                          umap_test_,
                          far_rows(run_->path("novelty_test.csv"))};
    const auto files = draw_gallery(gallery, run_->folder());
    return {files, fmt::format("{} files", files.size())};
  });
}

void Pipeline::conclude() {
  const double total = seconds_since(begin_);
  if (ran_) {
    double seconds = 0;
    for (const auto& [name, done] : run_->stages()) seconds += done.seconds;
    run_->totals().set("total_seconds", seconds);
    run_->totals().set("peak_memory_bytes", static_cast<double>(machine::peak_memory()));
    run_->totals().set("threads", threads());
  }
  run_->save();
  const Metrics m = run_->metrics();
  if (console_.json()) return console_.print(m.json());

  const auto value = [&](const std::string& name, int digits) {
    const auto x = m.get(name);
    return x ? number_text(*x, digits) : std::string("–");
  };
  const std::string recall = m.get("neighbors.recall_error")
                                 ? "recall " + value("neighbors.recall", 4)
                                 : std::string("exact");
  const auto both = [&](const std::string& score) {
    std::string line = fmt::format("{:>6}   {:>6}", value("quality.pca." + score, 3),
                                   value("quality.tsne." + score, 3));
    if (job_.with_umap) line += fmt::format("   {:>6}", value("quality.umap." + score, 3));
    return line;
  };
  console_.table(
      fmt::format("{} in {}, {} of memory at most", options_.recipe, seconds_text(total),
                  bytes_text(machine::peak_memory())),
      {{"autoencoder",
        fmt::format("val_loss {} after {} epochs, {} parameters", value("model.val_loss", 4),
                    value("model.epochs", 0), count_text(model_->parameters()))},
       {"t-SNE", fmt::format("KL {}; {} neighbors of each row, {}", value("tsne.kl", 3),
                             value("neighbors.k", 0), recall)},
       {"latents",
        fmt::format("{} of test rows get their class from the {} nearest latents (pixels: {})",
                    value("quality.latents.knn_accuracy", 3), job_.evaluate.label_k,
                    value("quality.pixels.knn_accuracy", 3))}});
  console_.table(job_.with_umap ? "how far to trust the maps   PCA    t-SNE     UMAP   (1 is best)"
                                : "how far to trust the maps   PCA    t-SNE   (1 is best)",
                 {{"trustworthiness       ", both("trustworthiness")},
                  {"continuity", both("continuity")},
                  {fmt::format("recall of {} neighbors", job_.evaluate.k),
                   both(fmt::format("recall_at_{}", job_.evaluate.k))},
                  {"distance correlation", both("spearman")},
                  {"label accuracy", both("label_accuracy")},
                  {"… of test points", both("test_label_accuracy")}});
  console_.table("files", {{"figures", (run_->folder() / "figures").string()},
                           {"scores", run_->path("metrics.json").string()},
                           {"arrays", (run_->folder() / "*.npy").string()},
                           {"model", run_->path("model.safetensors").string()}});
}

}  // namespace

void run_pipeline(Job job, const PipelineOptions& options, Console& console) {
  Pipeline(std::move(job), options, console).run();
}

}  // namespace latlas::cli
