// A whole run: train, encode, PCA, t-SNE, scores, figures; each a stage that is kept when nothing
// it depends on has changed.
#pragma once

#include <filesystem>
#include <string>

#include "cli/console.h"
#include "cli/job.h"

namespace latlas::cli {

struct PipelineOptions {
  std::filesystem::path folder;
  std::string recipe;         ///< Its name, for the heading.
  bool fresh = false;         ///< Run every stage again.
  bool fetch = false;         ///< Download the dataset when it is not here.
  bool or_synthetic = false;  ///< Take the built-in digits when the dataset cannot be had.
};

/// Throws Interrupted after a signal; what was done until then stays and is resumed from.
void run_pipeline(Job job, const PipelineOptions& options, Console& console);

}  // namespace latlas::cli
