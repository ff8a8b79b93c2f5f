// What the scores of a map will need.
#pragma once

#include <cstdint>

#include "latlas/core/plan.h"
#include "latlas/evaluate/scores.h"

namespace latlas {

/// How many of so many rows the scores measure.
std::int64_t measured_rows(std::int64_t rows, const EvaluateParams& params);

/// The scores of one map against the rows of so many columns that it shows.
/// @param rate  machine_rate()
Plan plan_scores(std::int64_t rows, std::int64_t cols, const EvaluateParams& params, double rate);

}  // namespace latlas
