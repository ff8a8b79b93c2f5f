// A job: everything a run does, as the parameters of its arrows; a recipe is its text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "latlas/evaluate/scores.h"
#include "latlas/layout/tsne.h"
#include "latlas/layout/umap.h"
#include "latlas/neighbors/exact.h"
#include "latlas/nn/train.h"
#include "latlas/render/draw.h"
#include "latlas/runs/recipe.h"

namespace latlas::cli {

struct DataParams {
  std::string name = "mnist";  ///< Of the catalog, "synthetic", or a folder of four IDX files.
  std::int64_t train = 0;      ///< First training rows to use; 0 uses all.
  std::int64_t test = 0;
};
std::vector<Field> fields(DataParams& params);

struct FigureParams {
  std::string formats = "png,svg,pdf";
  std::string theme = "light";
  std::string palette = "automatic";
  double dpi = 200;
};
std::vector<Field> fields(FigureParams& params);
/// The formats as a list; throws InvalidArgument for an unknown one.
std::vector<std::string> formats_of(const FigureParams& params);

struct Job {
  std::uint64_t seed = 0;
  DataParams data;
  AutoencoderParams model;
  TrainParams training;
  NeighborsParams neighbors{.k = 0};  // 0: three times the perplexity
  TsneParams tsne;
  std::string tsne_start = "pca";  // pca, spectral, random, or an .npy
  bool with_umap = false;          // UMAP is made only where a recipe asks for it
  UmapParams umap;
  EvaluateParams evaluate;
  FigureParams figures;

  /// The recipe's sections; seeds are not among them but the one at the top.
  std::vector<Section> sections();
  /// Checks ranges and hands the seed to every arrow.
  void prepare();
};

/// The recipe of that name (in ./recipes, beside the program's data) or at that path.
/// Throws InvalidArgument, with the nearest name, when there is none.
std::filesystem::path find_recipe(const std::string& name);

}  // namespace latlas::cli
