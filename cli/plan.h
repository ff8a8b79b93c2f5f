// The plan: what a job will need, before it begins.
#pragma once

#include <cstdint>
#include <string>

#include "latlas/layout/tsne.h"
#include "latlas/layout/umap.h"
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
Plan plan_neighbors(std::int64_t rows, std::int64_t queries, std::int64_t cols, std::int64_t k,
                    double rate);
Plan plan_tsne(std::int64_t rows, std::int64_t k, const TsneParams& params, double rate);
Plan plan_umap(std::int64_t rows, std::int64_t k, const UmapParams& params, double rate);
Plan plan_scores(std::int64_t rows, std::int64_t cols, std::int64_t sample, double rate);

/// "about 21 s and 640 MB on 2 threads"
std::string describe(const Plan& plan);

/// Throws WouldNotFit, naming what would fit, when memory does not suffice.
void require_fits(const Plan& plan, const std::string& advice);

}  // namespace latlas::cli
