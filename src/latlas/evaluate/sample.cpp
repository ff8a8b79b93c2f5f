#include "latlas/evaluate/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "latlas/core/error.h"
#include "latlas/core/random.h"

namespace latlas {

std::vector<Field> fields(EvaluateParams& p) {
  return {{.name = "k",
           .value = &p.k,
           .help = "neighbors compared; larger looks at wider surroundings",
           .low = 1,
           .high = 2147483647},
          {.name = "label_k",
           .value = &p.label_k,
           .help = "neighbors that vote on a label",
           .low = 1,
           .high = 2147483647},
          {.name = "exact_rows",
           .value = &p.exact_rows,
           .help = "up to here every row is measured; larger is slower",
           .low = 0},
          {.name = "sample_rows",
           .value = &p.sample_rows,
           .help = "rows measured above exact_rows; larger lowers the error",
           .low = 2},
          {.name = "sample_pairs",
           .value = &p.sample_pairs,
           .help = "pairs of rows compared by spearman, at most; larger lowers the error",
           .low = 4,
           .high = 1e9},
          {.name = "seed", .value = &p.seed, .help = "of the sample"}};
}

namespace scoring {

Sample draw_sample(std::int64_t n, const EvaluateParams& params) {
  check_rows(n);
  Sample sample{std::vector<std::int32_t>(static_cast<std::size_t>(n)), n};
  std::iota(sample.rows.begin(), sample.rows.end(), 0);
  if (n <= params.exact_rows || n <= params.sample_rows) return sample;
  random::shuffle(sample.rows, {.seed = params.seed, .stream = random::Stream::sample});
  sample.rows.resize(static_cast<std::size_t>(params.sample_rows));
  std::sort(sample.rows.begin(), sample.rows.end());
  return sample;
}

Score mean_score(std::span<const double> values, const Sample& sample) {
  const auto m = static_cast<double>(values.size()), n = static_cast<double>(sample.of);
  double sum = 0, square = 0;
  for (const double v : values) sum += v;
  const double mean = sum / m;
  for (const double v : values) square += (v - mean) * (v - mean);
  const bool exact = static_cast<std::int64_t>(values.size()) == sample.of;
  return {mean, exact ? 0 : std::sqrt(square / (m - 1) / m * (1 - m / n)),
          static_cast<std::int64_t>(values.size())};
}

void check_params(const EvaluateParams& params) {
  EvaluateParams p = params;
  check(fields(p), "evaluate");
}

void check_rows(std::int64_t n) {
  require(n < std::numeric_limits<std::int32_t>::max(), "evaluate: ", n,
          " rows; fewer than 2147483647 are taken");
}

void check_pair(ConstRows data, ConstRows map) {
  check_rows(data.rows());
  require(data.rows() == map.rows(), "evaluate: the data have ", data.rows(), " rows, the map ",
          map.rows(), "; row i of the map must be the place of row i of the data");
  require(data.cols() >= 1 && map.cols() >= 1, "evaluate: data of ", data.cols(),
          " columns and a map of ", map.cols(), "; each needs at least one");
  require_finite(data, "evaluate: data");
  require_finite(map, "evaluate: map");
}

}  // namespace scoring
}  // namespace latlas
