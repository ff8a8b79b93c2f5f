// Times are operations over the measured rate of multiply-adds, each step with the share of that
// rate it reaches (from bench/); they are meant to be right within a factor of two.
#include "cli/plan.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "cli/console.h"
#include "latlas/core/error.h"
#include "latlas/core/machine.h"
#include "latlas/core/parallel.h"

namespace latlas::cli {

Plan& Plan::operator+=(const Plan& other) {
  seconds += other.seconds;
  bytes = std::max(bytes, other.bytes);
  return *this;
}

double machine_rate() {
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return machine::multiply_add_rate() * std::min(threads(), cores);
}

double count_parameters(std::int64_t inputs, const AutoencoderParams& model) {
  std::vector<double> widths = {static_cast<double>(inputs)};
  widths.insert(widths.end(), model.hidden.begin(), model.hidden.end());
  widths.push_back(static_cast<double>(model.latent));
  double count = 0;
  for (std::size_t i = 1; i < widths.size(); ++i)  // the layer and its mirror in the decoder
    count += 2 * widths[i] * widths[i - 1] + widths[i] + widths[i - 1];
  return count;
}

Plan plan_training(std::int64_t rows, std::int64_t validation_rows, double parameters,
                   std::int64_t epochs, double rate) {
  const double each = 3.0 * static_cast<double>(rows) + static_cast<double>(validation_rows);
  // Weights, two moments, packed copies and what a checkpoint holds.
  const double bytes = std::min(parameters * 32, 9e18);
  return {each * parameters * static_cast<double>(epochs) / (0.55 * rate),
          static_cast<std::int64_t>(bytes)};
}

Plan plan_neighbors(std::int64_t rows, std::int64_t queries, std::int64_t cols, std::int64_t k,
                    double rate) {
  const double pairs = static_cast<double>(rows) * static_cast<double>(queries);
  return {pairs * static_cast<double>(std::max<std::int64_t>(cols, 16)) / (0.7 * rate),
          rows * cols * 8 + queries * k * 8};
}

Plan plan_tsne(std::int64_t rows, std::int64_t k, const TsneParams& params, double rate) {
  const double edges = 1.4 * static_cast<double>(rows * k);
  const bool all_pairs = rows < params.exact_below;
  const double exact = all_pairs ? 12.0 * static_cast<double>(rows) * static_cast<double>(rows) : 0;
  const double grid = all_pairs ? 0 : 4e8 + 900.0 * static_cast<double>(rows);
  return {static_cast<double>(params.iterations) * (60 * edges + exact + grid) / rate,
          rows * k * 40 + (all_pairs ? 0 : 200'000'000)};
}

Plan plan_umap(std::int64_t rows, std::int64_t k, const UmapParams& params, double rate) {
  const double each = static_cast<double>(rows * k);
  const double epochs =
      params.n_epochs > 0 ? static_cast<double>(params.n_epochs) : (rows <= 10000 ? 500 : 200);
  const double spectrum = params.init == "spectral" ? 2e4 * each : 0;
  const double epoch = (140 + 25 * params.negative_sample_rate) * each;
  return {(epochs * epoch + spectrum) / rate, rows * (k * 50 + 300)};
}

Plan plan_scores(std::int64_t rows, std::int64_t cols, std::int64_t sample, double rate) {
  const double pairs = static_cast<double>(rows) * static_cast<double>(std::min(rows, sample));
  return {pairs * static_cast<double>(cols + 16) * 2 / (0.4 * rate), rows * cols * 8};
}

std::string describe(const Plan& plan) {
  return sentence("about ", seconds_text(std::max(plan.seconds, 0.1)), " and ",
                  bytes_text(plan.bytes), " on ", threads(),
                  threads() == 1 ? " thread" : " threads");
}

void require_fits(const Plan& plan, const std::string& advice) {
  const std::int64_t available = machine::available_memory();
  if (plan.bytes <= available) return;
  throw WouldNotFit(sentence("this needs ", bytes_text(plan.bytes), " of memory, ",
                             bytes_text(available), " are free; ", advice));
}

}  // namespace latlas::cli
