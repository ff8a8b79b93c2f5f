// The plan: what a job will need, before it begins.
#pragma once

#include <cstdint>
#include <string>

#include "cli/console.h"
#include "latlas/evaluate/scores.h"
#include "latlas/layout/tsne.h"
#include "latlas/layout/umap.h"
#include "latlas/neighbors/exact.h"
#include "latlas/nn/autoencoder.h"

namespace latlas::cli {

struct Plan {
  double seconds = 0;
  std::int64_t bytes = 0;

  Plan& operator+=(
      const Plan& other);  // steps one after another: times add, the larger memory holds
};

/// The yardstick: multiply-adds a second of all threads, measured.
double machine_rate();

/// Weights and biases of the model, counted before any is allocated.
double count_parameters(std::int64_t inputs, const AutoencoderParams& model);
Plan plan_training(std::int64_t rows, std::int64_t validation_rows, double parameters,
                   std::int64_t epochs, double rate);
/// @param parameters  of the half of the model that is used.
Plan plan_encoding(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, double parameters,
                   double rate);
Plan plan_pca(std::int64_t rows, std::int64_t cols, std::int64_t components, double rate);
Plan plan_neighbors(std::int64_t rows, std::int64_t queries, std::int64_t cols, std::int64_t k,
                    double rate);
/// What find_neighbors takes for so many queries among the rows; `params.k` is the number of
/// neighbors found.
Plan plan_search(std::int64_t rows, std::int64_t queries, std::int64_t cols,
                 const NeighborsParams& params, double rate);

/// A NeighborIndex of the rows, and its answers to the queries.
Plan plan_queries(std::int64_t rows, std::int64_t queries, std::int64_t cols,
                  const NeighborsParams& params, double rate);
Plan plan_tsne(std::int64_t rows, std::int64_t k, const TsneParams& params, double rate);
Plan plan_umap(std::int64_t rows, std::int64_t k, const UmapParams& params, double rate);
/// KL with its normalizer summed over all pairs.
Plan plan_kl(std::int64_t rows, double rate);
/// The scores of one map against the rows of so many columns that it shows.
Plan plan_scores(std::int64_t rows, std::int64_t cols, const EvaluateParams& params, double rate);
/// @param files   of one figure or several
/// @param points  in each
Plan plan_figures(std::int64_t files, std::int64_t points, double dpi);

/// How many of so many rows the scores measure.
std::int64_t measured_rows(std::int64_t rows, const EvaluateParams& params);

/// Says the plan: "plan        about 21 s and 640 MB on 2 threads", and `more` after it. Throws
/// WouldNotFit, naming what would fit (`advice`), when memory does not suffice.
void announce(const Plan& plan, const std::string& advice, Console& console,
              const std::string& more = "");

}  // namespace latlas::cli
