#include "cli/job.h"

#include <algorithm>
#include <cmath>

#include "cli/figures.h"
#include "cli/flags.h"
#include "cli/mapping.h"
#include "latlas/core/error.h"

namespace latlas::cli {
namespace {

std::vector<std::filesystem::path> recipe_folders() {
  std::vector<std::filesystem::path> folders = {"recipes"};
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return folders;
  const auto above = program.parent_path().parent_path();
  folders.push_back(above / "share/latlas/recipes");   // installed
  folders.push_back(above.parent_path() / "recipes");  // build/<preset>/latlas
  return folders;
}

}  // namespace

std::vector<Field> fields(DataParams& p) {
  return {{.name = "name",
           .value = &p.name,
           .help = "a dataset of the catalog, \"synthetic\", or a folder of IDX files"},
          {.name = "train",
           .value = &p.train,
           .help = "first training rows to use; 0 uses all",
           .low = 0,
           .high = 1e9},
          {.name = "test",
           .value = &p.test,
           .help = "first test rows to use; 0 uses all",
           .low = 0,
           .high = 1e9}};
}

std::vector<Field> fields(FigureParams& p) {
  return {{.name = "formats", .value = &p.formats, .help = "files of each figure: png, svg, pdf"},
          {.name = "theme", .value = &p.theme, .help = "background", .choices = {"light", "dark"}},
          {.name = "palette",
           .value = &p.palette,
           .help = "colors of the classes; automatic takes okabe_ito's for up to eight",
           .choices = palette_names()},
          {.name = "dpi",
           .value = &p.dpi,
           .help = "pixels an inch of a png; more is larger",
           .low = 20,
           .high = 1200}};
}

std::vector<std::string> formats_of(const FigureParams& params) {
  std::vector<std::string> formats;
  for (std::size_t at = 0; at < params.formats.size();) {
    const std::size_t comma = std::min(params.formats.find(',', at), params.formats.size());
    std::string format = params.formats.substr(at, comma - at);
    std::erase(format, ' ');
    require(format == "png" || format == "svg" || format == "pdf", "figures: formats holds '",
            format, "'; known are png, svg, pdf");
    formats.push_back(std::move(format));
    at = comma + 1;
  }
  require(!formats.empty(), "figures: formats is empty; name some of png, svg, pdf");
  return formats;
}

std::vector<Section> Job::sections() {
  std::vector<Field> top = {{.name = "seed",
                             .value = &seed,
                             .help = "of weights, order of rows, and every other draw",
                             .low = 0,
                             .high = 9.2e18}};
  std::vector<Field> training_fields = without(fields(training), "seed");
  find(training_fields, "epochs", "training").low = 1;  // what follows needs a trained model
  std::vector<Field> tsne_fields = without(fields(tsne), "seed");
  tsne_fields.push_back({.name = "start",
                         .value = &tsne_start,
                         .help = "where rows begin: pca, spectral, random, or an .npy of places"});
  std::vector<Field> umap_fields = without(fields(umap), "seed");
  find(umap_fields, "init", "umap").name = "start";
  umap_fields.insert(umap_fields.begin(),
                     {.name = "enabled", .value = &with_umap, .help = "also make a map by UMAP"});
  return {{"", std::move(top)},
          {"data", fields(data)},
          {"model", without(fields(model), "seed")},
          {"training", std::move(training_fields)},
          {"neighbors", graph_fields(neighbors)},
          {"tsne", without(std::move(tsne_fields), "keep_start")},
          {"umap", std::move(umap_fields)},
          {"evaluate", without(fields(evaluate), "seed")},
          {"figures", fields(figures)}};
}

void Job::prepare() {
  check_recipe(sections());
  formats_of(figures);
  is_start_file(tsne_start);
  if (with_umap) umap_curve(umap);
  require(model.latent >= 2, "model: latent is ", model.latent,
          ", it must be at least 2 for a map");
  model.seed = training.seed = tsne.seed = umap.seed = evaluate.seed = seed;
}

std::filesystem::path find_recipe(const std::string& name) {
  if (name.ends_with(".toml")) return name;
  std::vector<std::string> known;
  for (const auto& folder : recipe_folders()) {
    const auto path = folder / (name + ".toml");
    if (std::filesystem::exists(path)) return path;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
      if (entry.path().extension() == ".toml") known.push_back(entry.path().stem());
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  const std::string near = nearest_name(name, known);
  std::string list;
  for (const auto& n : known) list += (list.empty() ? "" : ", ") + n;
  require(!known.empty(), "no recipe is called '", name,
          "', nor is there a folder recipes here or beside the program; give the path of a .toml");
  throw InvalidArgument(
      near.empty() ? sentence("no recipe is called '", name, "'; known are ", list,
                              ", or give the path of a .toml")
                   : sentence("no recipe is called '", name, "'; did you mean '", near, "'?"));
}

}  // namespace latlas::cli
