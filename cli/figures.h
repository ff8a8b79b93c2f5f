// The figures of a run, from its arrays.
#pragma once

#include <string>
#include <vector>

#include "cli/input.h"
#include "cli/job.h"
#include "latlas/nn/train.h"
#include "latlas/render/color.h"
#include "latlas/runs/run_directory.h"

namespace latlas::cli {

/// What the figures show; arrays are rows of the run directory.
struct Gallery {
  const Job& job;
  const Metrics& metrics;
  ConstRows pca_train, pca_test, tsne_train, tsne_test;
  const LabelSet& train_labels;
  const LabelSet& test_labels;
  ConstRows originals, reconstructions;  ///< Test images in [0, 1]; none when not images.
  std::int64_t inputs, height, width;    ///< Of a row; of an image, in pixels.
  const History& history;
  std::vector<double> variance_ratios;        ///< Of all components.
  ConstRows umap_train = {}, umap_test = {};  ///< Drawn unless empty.
  std::vector<std::int32_t> far = {};         ///< Test rows far from everything; circled.
};

/// Draws every figure in every format under `figures/`; returns the files, relative to the folder.
std::vector<std::string> draw_gallery(const Gallery& gallery, const std::filesystem::path& folder);

/// Names of palettes, as recipes and flags know them, and what they name.
std::vector<std::string> palette_names();
render::Palette palette_named(const std::string& name);
/// @throws InvalidArgument  when the name is neither light nor dark.
render::Theme theme_named(const std::string& name);

}  // namespace latlas::cli
