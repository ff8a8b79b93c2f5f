// What training and encoding will need.
#pragma once

#include <cstdint>

#include "latlas/core/plan.h"
#include "latlas/nn/autoencoder.h"

namespace latlas {

/// Weights and biases of the model, counted before any is allocated.
double count_parameters(std::int64_t inputs, const AutoencoderParams& model);

/// @param parameters  of the model.
/// @param rate        machine_rate()
Plan plan_training(std::int64_t rows, std::int64_t validation_rows, double parameters,
                   std::int64_t epochs, double rate);
/// @param parameters  of the half of the model that is used.
Plan plan_encoding(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, double parameters,
                   double rate);

}  // namespace latlas
