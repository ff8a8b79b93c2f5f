// The rows (or pairs of rows) that a score looks at. Internal to the room.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "latlas/evaluate/scores.h"

namespace latlas::scoring {

struct Sample {
  std::vector<std::int32_t> rows;  // ascending
  std::int64_t of = 0;             // rows there are
};

/// All of n rows up to exact_rows, else sample_rows of them, without replacement.
Sample draw_sample(std::int64_t n, const EvaluateParams& params);

/// The mean of one value a sampled row. The standard error is that of sampling without replacement:
/// s / √m · √(1 − m / n).
Score mean_score(std::span<const double> values, const Sample& sample);

void check_params(const EvaluateParams& params);
/// Rows that 32-bit numbers can name.
void check_rows(std::int64_t n);
/// data and map: as many rows, at least one column each, all finite.
void check_pair(ConstRows data, ConstRows map);

}  // namespace latlas::scoring
