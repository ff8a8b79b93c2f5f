#include "latlas/evaluate/plan.h"

#include <algorithm>

namespace latlas {

std::int64_t measured_rows(std::int64_t rows, const EvaluateParams& params) {
  return rows <= params.exact_rows ? rows : std::min(rows, params.sample_rows);
}

Plan plan_scores(std::int64_t rows, std::int64_t cols, const EvaluateParams& params, double rate) {
  const std::int64_t measured = measured_rows(rows, params);
  const double near = static_cast<double>(rows) * static_cast<double>(measured);
  const auto all = static_cast<double>(rows);
  // A pair of spearman waits for two rows from memory and is sorted twice.
  const double far = std::min(all * (all - 1) / 2, static_cast<double>(params.sample_pairs));
  const auto width = static_cast<double>(cols);
  return {(near * (2 * width + 330) + far * (4e4 + 16 * width)) / rate,
          whole_bytes(all * width * 8 +
                      static_cast<double>(measured) * static_cast<double>(params.k) * 16)};
}

}  // namespace latlas
